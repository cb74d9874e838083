#include "env/desktop/screen_pictures.h"

#include <algorithm>
#include <utility>

#include "common/ids.h"
#include "common/status.h"
#include "imaging/marks.h"

namespace proctor::env::desktop {
namespace {

constexpr int kDefaultQuality = 80;

v1::ImageFormat FormatOf(const v1::ScreenshotOptions& options) {
  return options.format() == v1::IMAGE_FORMAT_UNSPECIFIED ? v1::IMAGE_FORMAT_PNG : options.format();
}

int QualityOf(const v1::ScreenshotOptions& options) {
  if (FormatOf(options) == v1::IMAGE_FORMAT_PNG) return 0;
  return options.quality() > 0 ? std::min(options.quality(), 100) : kDefaultQuality;
}

imaging::Format ImagingFormat(v1::ImageFormat format) {
  switch (format) {
    case v1::IMAGE_FORMAT_JPEG: return imaging::Format::kJpeg;
    case v1::IMAGE_FORMAT_WEBP: return imaging::Format::kWebp;
    default: return imaging::Format::kPng;
  }
}

std::vector<imaging::MarkBox> MarkBoxes(const ElementList& elements) {
  std::vector<imaging::MarkBox> boxes;
  for (const ListedElement& listed : elements.elements()) {
    if (!listed.element.in_viewport()) continue;
    boxes.push_back({.mark = listed.element.mark(),
                     .x = listed.seen.x(),
                     .y = listed.seen.y(),
                     .width = listed.seen.width(),
                     .height = listed.seen.height()});
  }
  return boxes;
}

}  // namespace

const imaging::Image& ScreenPictures::Pixels(const RfbClient& screen) {
  const uint64_t before = count_;
  screen.Copy(pixels_, count_);
  if (count_ != before) known_.clear();
  return pixels_;
}

absl::StatusOr<v1::Image> ScreenPictures::Encode(const imaging::Image& pixels, const v1::ScreenshotOptions& options) const {
  const v1::ImageFormat format = FormatOf(options);
  PROCTOR_ASSIGN_OR_RETURN(std::string bytes,
                           format == v1::IMAGE_FORMAT_PNG
                               ? imaging::EncodeQuickPng(pixels)
                               : imaging::Encode(pixels, {.format = ImagingFormat(format), .quality = QualityOf(options)}));
  v1::Image image;
  image.set_digest(Sha256Hex(bytes));
  image.set_format(format);
  image.set_width_px(pixels.width_px);
  image.set_height_px(pixels.height_px);
  image.set_size_bytes(static_cast<int64_t>(bytes.size()));
  image.set_data(std::move(bytes));
  return image;
}

absl::StatusOr<v1::Image> ScreenPictures::Take(const RfbClient& screen, const v1::ScreenshotOptions& options,
                                               const ElementList& elements) {
  Pixels(screen);
  if (options.draw_marks()) {
    imaging::Image drawn = pixels_;
    imaging::DrawMarks(MarkBoxes(elements), drawn);
    PROCTOR_ASSIGN_OR_RETURN(v1::Image image, Encode(drawn, options));
    image.set_marks_drawn(true);
    return image;
  }
  const v1::ImageFormat format = FormatOf(options);
  const int quality = QualityOf(options);
  for (const Known& known : known_) {
    if (known.format == format && known.quality == quality) return known.image;
  }
  PROCTOR_ASSIGN_OR_RETURN(v1::Image image, Encode(pixels_, options));
  known_.push_back({format, quality, image});
  return image;
}

}  // namespace proctor::env::desktop
