#include "imaging/raw_pixels.h"

#include "absl/strings/str_cat.h"
#include "imaging/opencv.h"
#include "opencv2/imgproc.hpp"

namespace proctor::imaging {
namespace {

// OpenCV's conversion, which sets alpha to 255 where the source has three channels.
int ConversionOf(PixelFormat format) {
  switch (format) {
    case PixelFormat::kRgba:
    case PixelFormat::kRgbx:
      return cv::COLOR_RGBA2BGRA;
    case PixelFormat::kRgb:
      return cv::COLOR_RGB2BGRA;
    case PixelFormat::kRgb565:
      return cv::COLOR_BGR5652BGRA;
    case PixelFormat::kBgra:
      break;
  }
  return -1;
}

int TypeOf(PixelFormat format) {
  switch (BytesPerPixel(format)) {
    case 2:
      return CV_8UC2;
    case 3:
      return CV_8UC3;
    default:
      return CV_8UC4;
  }
}

void MakeOpaque(Image& image) {
  for (size_t i = 3; i < image.bgra.size(); i += 4) image.bgra[i] = 255;
}

}  // namespace

int BytesPerPixel(PixelFormat format) {
  switch (format) {
    case PixelFormat::kRgb565:
      return 2;
    case PixelFormat::kRgb:
      return 3;
    default:
      return 4;
  }
}

absl::StatusOr<Image> FromRawPixels(int width_px, int height_px, PixelFormat format, std::string_view pixels) {
  if (width_px < 1 || height_px < 1) return absl::InvalidArgumentError("picture without pixels");
  if (width_px > kMaxSidePx || height_px > kMaxSidePx || int64_t{width_px} * height_px > kMaxPixels) {
    return absl::ResourceExhaustedError(absl::StrCat("picture of ", width_px, " x ", height_px, " pixels is too large"));
  }
  if (pixels.size() != static_cast<size_t>(width_px) * height_px * BytesPerPixel(format)) {
    return absl::InvalidArgumentError("picture whose pixels do not fit its size");
  }
  try {
    const cv::Mat source(height_px, width_px, TypeOf(format), const_cast<char*>(pixels.data()));
    Image image;
    image.width_px = width_px;
    image.height_px = height_px;
    image.bgra.resize(size_t{4} * width_px * height_px);
    cv::Mat target = ViewOf(image);
    if (const int conversion = ConversionOf(format); conversion >= 0) {
      cv::cvtColor(source, target, conversion);
    } else {
      source.copyTo(target);
    }
    if (BytesPerPixel(format) == 4) MakeOpaque(image);
    return image;
  } catch (const std::exception& e) {
    return absl::InternalError(absl::StrCat("the pixels could not be converted: ", e.what()));
  }
}

}  // namespace proctor::imaging
