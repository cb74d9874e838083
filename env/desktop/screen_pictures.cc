#include "env/desktop/screen_pictures.h"

#include <utility>

#include "common/status.h"
#include "env/screenshot.h"
#include "imaging/marks.h"

namespace proctor::env::desktop {
namespace {

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

absl::StatusOr<v1::Image> ScreenPictures::Take(const RfbClient& screen, const v1::ScreenshotOptions& options,
                                               const ElementList& elements) {
  Pixels(screen);
  if (options.draw_marks()) {
    imaging::Image drawn = pixels_;
    imaging::DrawMarks(MarkBoxes(elements), drawn);
    return EncodeScreenshot(drawn, options);
  }
  for (const Known& known : known_) {
    if (SameEncoding(known.options, options)) return known.image;
  }
  PROCTOR_ASSIGN_OR_RETURN(v1::Image image, EncodeScreenshot(pixels_, options));
  known_.push_back({options, image});
  return image;
}

}  // namespace proctor::env::desktop
