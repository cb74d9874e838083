#include "trajectory/formats/run_writer.h"

#include <string_view>

#include "absl/strings/str_cat.h"
#include "common/json.h"
#include "common/status.h"
#include "imaging/image.h"
#include "trajectory/formats/run_files.h"

namespace proctor::trajectory::formats {

absl::Status RunWriter::AddPicture(const CallContext& context, const v1::Observation& observation,
                                   const std::string& path) {
  PROCTOR_ASSIGN_OR_RETURN(const std::string bytes,
                           parts_.blobs.Get(context, observation.screenshot().digest()));
  // Recompression may have made a PNG a WebP, and the path promises a PNG.
  const bool is_webp = bytes.starts_with("RIFF") && std::string_view(bytes).substr(0, 12).ends_with("WEBP");
  if (!is_webp || observation.screenshot().format() == v1::IMAGE_FORMAT_WEBP) return parts_.folder.AddFile(path, bytes);
  PROCTOR_ASSIGN_OR_RETURN(const imaging::Image image, imaging::Decode(bytes));
  PROCTOR_ASSIGN_OR_RETURN(const std::string png, imaging::Encode(image, {}));
  return parts_.folder.AddFile(path, png);
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
