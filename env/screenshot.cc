#include "env/screenshot.h"

#include <algorithm>
#include <utility>

#include "common/ids.h"
#include "common/status.h"

namespace proctor::env {
namespace {

constexpr int kDefaultQuality = 80;

v1::Image Message(std::string encoded, const imaging::ImageInfo& info, const v1::ScreenshotOptions& options) {
  v1::Image image;
  image.set_digest(Sha256Hex(encoded));
  image.set_format(info.format == imaging::Format::kJpeg   ? v1::IMAGE_FORMAT_JPEG
                   : info.format == imaging::Format::kWebp ? v1::IMAGE_FORMAT_WEBP
                                                           : v1::IMAGE_FORMAT_PNG);
  image.set_width_px(info.width_px);
  image.set_height_px(info.height_px);
  image.set_size_bytes(static_cast<int64_t>(encoded.size()));
  image.set_marks_drawn(options.draw_marks());
  image.set_data(std::move(encoded));
  return image;
}

}  // namespace

imaging::EncodeOptions EncodingOf(const v1::ScreenshotOptions& options) {
  imaging::EncodeOptions encoding{.format = imaging::Format::kPng, .quality = 0};
  if (options.format() == v1::IMAGE_FORMAT_JPEG) encoding.format = imaging::Format::kJpeg;
  if (options.format() == v1::IMAGE_FORMAT_WEBP) encoding.format = imaging::Format::kWebp;
  if (encoding.format != imaging::Format::kPng) {
    encoding.quality = options.quality() > 0 ? std::min(options.quality(), 100) : kDefaultQuality;
  }
  return encoding;
}

bool SameEncoding(const v1::ScreenshotOptions& a, const v1::ScreenshotOptions& b) {
  const imaging::EncodeOptions first = EncodingOf(a);
  const imaging::EncodeOptions second = EncodingOf(b);
  return first.format == second.format && first.quality == second.quality;
}

absl::StatusOr<v1::Image> EncodeScreenshot(const imaging::Image& pixels, const v1::ScreenshotOptions& options) {
  const imaging::EncodeOptions encoding = EncodingOf(options);
  PROCTOR_ASSIGN_OR_RETURN(std::string encoded, encoding.format == imaging::Format::kPng ? imaging::EncodeQuickPng(pixels)
                                                                                         : imaging::Encode(pixels, encoding));
  return Message(std::move(encoded), {encoding.format, pixels.width_px, pixels.height_px}, options);
}

absl::StatusOr<v1::Image> DescribeScreenshot(std::string encoded, const v1::ScreenshotOptions& options) {
  PROCTOR_ASSIGN_OR_RETURN(const imaging::ImageInfo info, imaging::Probe(encoded));
  return Message(std::move(encoded), info, options);
}

}  // namespace proctor::env
