#include "model/images.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "imaging/image.h"

namespace proctor::model {
namespace {

absl::StatusOr<imaging::Image> ScaleToSide(const imaging::Image& image, int max_side_px) {
  const int longer = std::max(image.width_px, image.height_px);
  if (longer <= max_side_px) return image;
  const double factor = static_cast<double>(max_side_px) / longer;
  const auto side = [&](int px) { return std::max(1, static_cast<int>(std::lround(px * factor))); };
  return imaging::Scale(image, side(image.width_px), side(image.height_px));
}

}  // namespace

absl::StatusOr<std::string> FitImage(std::string_view encoded, const ImageLimits& limits) {
  PROCTOR_ASSIGN_OR_RETURN(const imaging::ImageInfo info, imaging::Probe(encoded));
  const bool small = static_cast<int64_t>(encoded.size()) <= limits.max_bytes;
  if (small && std::max(info.width_px, info.height_px) <= limits.max_side_px) return std::string(encoded);
  PROCTOR_ASSIGN_OR_RETURN(const imaging::Image whole, imaging::Decode(encoded));
  PROCTOR_ASSIGN_OR_RETURN(imaging::Image image, ScaleToSide(whole, limits.max_side_px));
  imaging::EncodeOptions options = {.format = imaging::Format::kPng};
  constexpr int kMinSidePx = 64;
  for (int side = std::max(image.width_px, image.height_px); side >= kMinSidePx; side = side * 3 / 4) {
    PROCTOR_ASSIGN_OR_RETURN(image, ScaleToSide(image, side));
    for (const int quality : {0, 85, 60}) {  // 0: PNG, once.
      if (quality == 0 && options.format != imaging::Format::kPng) continue;
      if (quality > 0) options = {.format = imaging::Format::kJpeg, .quality = quality};
      PROCTOR_ASSIGN_OR_RETURN(std::string smaller, imaging::Encode(image, options));
      if (static_cast<int64_t>(smaller.size()) <= limits.max_bytes) return smaller;
    }
  }
  return absl::ResourceExhaustedError(absl::StrCat("the picture does not fit into ", limits.max_bytes, " bytes"));
}

}  // namespace proctor::model
