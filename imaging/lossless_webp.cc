#include "imaging/lossless_webp.h"

#include <exception>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/status.h"

namespace proctor::imaging {
namespace {

constexpr int kMaxWebpSidePx = 16383;
// Above 100 OpenCV encodes without loss.
constexpr int kLossless = 101;

bool IsOpaque(const Image& image) {
  for (size_t i = 3; i < image.bgra.size(); i += 4) {
    if (image.bgra[i] != 255) return false;
  }
  return true;
}

}  // namespace

absl::StatusOr<std::string> EncodeLosslessWebp(const Image& image) {
  if (image.width_px < 1 || image.height_px < 1 || image.width_px > kMaxWebpSidePx || image.height_px > kMaxWebpSidePx ||
      image.bgra.size() != size_t{4} * image.width_px * image.height_px) {
    return absl::InvalidArgumentError(absl::StrCat("no WebP of ", image.width_px, " x ", image.height_px, " pixels"));
  }
  try {
    // OpenCV has no view of constant pixels; these are only read.
    cv::Mat pixels(image.height_px, image.width_px, CV_8UC4, const_cast<uint8_t*>(image.bgra.data()));
    if (IsOpaque(image)) {
      cv::Mat opaque;
      cv::cvtColor(pixels, opaque, cv::COLOR_BGRA2BGR);
      pixels = opaque;
    }
    std::vector<uchar> encoded;
    if (!cv::imencode(".webp", pixels, encoded, {cv::IMWRITE_WEBP_QUALITY, kLossless})) {
      return absl::InternalError("the picture could not be encoded as WebP");
    }
    return std::string(encoded.begin(), encoded.end());
  } catch (const std::exception& e) {
    return absl::InternalError(absl::StrCat("the picture could not be encoded as WebP: ", e.what()));
  }
}

absl::StatusOr<std::string> PngInsteadOfWebp(std::string encoded) {
  const bool is_webp = encoded.starts_with("RIFF") && std::string_view(encoded).substr(0, 12).ends_with("WEBP");
  if (!is_webp) return encoded;
  PROCTOR_ASSIGN_OR_RETURN(const Image image, Decode(encoded));
  return Encode(image, {});
}

}  // namespace proctor::imaging
