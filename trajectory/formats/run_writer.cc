#include "trajectory/formats/run_writer.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/json.h"
#include "common/status.h"
#include "imaging/lossless_webp.h"
#include "trajectory/formats/run_files.h"

namespace proctor::trajectory::formats {

absl::Status RunWriter::AddPicture(const CallContext& context, const v1::Observation& observation,
                                   const std::string& path) {
  PROCTOR_ASSIGN_OR_RETURN(std::string bytes, parts_.blobs.Get(context, observation.screenshot().digest()));
  if (observation.screenshot().format() != v1::IMAGE_FORMAT_WEBP) {
    // Recompression may have made a PNG a WebP, and the path promises a PNG.
    PROCTOR_ASSIGN_OR_RETURN(bytes, imaging::PngInsteadOfWebp(std::move(bytes)));
  }
  return parts_.folder.AddFile(path, bytes);
}

absl::StatusOr<std::string> RunWriter::TextOf(const Json& document) {
  std::string text = document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  if (static_cast<int64_t>(text.size()) <= kMaxJsonBytes) return text;
  return absl::FailedPreconditionError(absl::StrCat(
      "its document has ", text.size(), " bytes, more than the ", kMaxJsonBytes, " that are read"));
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
