#include "trajectory/formats/run_files.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/ids.h"
#include "common/json.h"
#include "common/status.h"
#include "common/strings.h"
#include "imaging/image.h"

namespace proctor::trajectory::formats {
namespace {

v1::ImageFormat FormatOf(imaging::Format format) {
  switch (format) {
    case imaging::Format::kPng:
      return v1::IMAGE_FORMAT_PNG;
    case imaging::Format::kJpeg:
      return v1::IMAGE_FORMAT_JPEG;
    case imaging::Format::kWebp:
      return v1::IMAGE_FORMAT_WEBP;
  }
  return v1::IMAGE_FORMAT_UNSPECIFIED;
}

absl::StatusOr<std::vector<std::string>> PartsOf(const std::string& relative) {
  std::vector<std::string> parts;
  for (const absl::string_view part : absl::StrSplit(relative, '/')) {
    if (part == ".") continue;
    if (part.empty() || part == ".." || part.find('\0') != absl::string_view::npos) {
      return absl::InvalidArgumentError(absl::StrCat("'", ToAbsl(TruncateUtf8(relative, 200)),
                                                     "' leads out of the run's folder"));
    }
    parts.emplace_back(part);
  }
  if (parts.empty()) return absl::InvalidArgumentError("an empty path");
  return parts;
}

}  // namespace

absl::StatusOr<RunFiles> RunFiles::Open(const std::string& path) {
  PROCTOR_ASSIGN_OR_RETURN(std::unique_ptr<UntrustedFolder> folder, UntrustedFolder::Open(path));
  return RunFiles(std::move(folder));
}

absl::StatusOr<RunFiles> RunFiles::Below(const std::string& relative) const {
  PROCTOR_ASSIGN_OR_RETURN(const std::vector<std::string> parts, PartsOf(relative));
  std::shared_ptr<const UntrustedFolder> folder = folder_;
  for (const std::string& part : parts) {
    PROCTOR_ASSIGN_OR_RETURN(folder, folder->OpenFolder(part));
  }
  return RunFiles(std::move(folder));
}

absl::StatusOr<std::string> RunFiles::Read(const std::string& relative, int64_t max_bytes) const {
  PROCTOR_ASSIGN_OR_RETURN(std::vector<std::string> parts, PartsOf(relative));
  const std::string name = std::move(parts.back());
  parts.pop_back();
  std::shared_ptr<const UntrustedFolder> folder = folder_;
  for (const std::string& part : parts) {
    PROCTOR_ASSIGN_OR_RETURN(folder, folder->OpenFolder(part));
  }
  return folder->ReadFile(name, max_bytes);
}

absl::StatusOr<Json> RunFiles::ReadJson(const std::string& relative) const {
  PROCTOR_ASSIGN_OR_RETURN(const std::string text, Read(relative, kMaxJsonBytes));
  absl::StatusOr<Json> json = ParseJson(text);
  if (!json.ok()) return Annotate(json.status(), relative);
  return json;
}

absl::StatusOr<v1::Image> RunFiles::ReadPicture(const std::string& relative) const {
  PROCTOR_ASSIGN_OR_RETURN(const std::string bytes,
                           Read(relative, static_cast<int64_t>(imaging::kMaxEncodedBytes)));
  const absl::StatusOr<imaging::ImageInfo> info = imaging::Probe(bytes);
  if (!info.ok()) {
    // Also what is too large for us is the file's fault.
    return absl::InvalidArgumentError(absl::StrCat(relative, ": ", info.status().message()));
  }
  v1::Image image;
  image.set_digest(Sha256Hex(bytes));
  image.set_format(FormatOf(info->format));
  image.set_width_px(info->width_px);
  image.set_height_px(info->height_px);
  image.set_size_bytes(static_cast<int64_t>(bytes.size()));
  return image;
}

}  // namespace proctor::trajectory::formats
