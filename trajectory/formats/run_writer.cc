#include "trajectory/formats/run_writer.h"

#include "absl/strings/str_cat.h"
#include "common/status.h"

namespace proctor::trajectory::formats {

absl::Status RunWriter::AddPicture(const CallContext& context, const v1::Observation& observation,
                                   const std::string& path) {
  PROCTOR_ASSIGN_OR_RETURN(const std::string bytes,
                           parts_.blobs.Get(context, observation.screenshot().digest()));
  return parts_.folder.AddFile(path, bytes);
}

std::string RunWriter::Unique(const std::string& name) {
  std::string unique = name;
  for (int& count = used_[name]; count++ > 0;) {
    unique = absl::StrCat(name, "-", count);
    if (used_.emplace(unique, 1).second) break;
  }
  return unique;
}

std::string ExtensionOf(const v1::Observation& observation) {
  switch (observation.screenshot().format()) {
    case v1::IMAGE_FORMAT_JPEG:
      return ".jpg";
    case v1::IMAGE_FORMAT_WEBP:
      return ".webp";
    default:
      return ".png";
  }
}

}  // namespace proctor::trajectory::formats
