#include "env/null/null_picture.h"

#include <algorithm>

#include "env/screenshot.h"
#include "imaging/marks.h"

namespace proctor::env {
namespace {

constexpr int kStepsLeftPx = 160;
constexpr int kStepPx = 8;

struct Box {
  int left = 0;
  int top = 0;
  int right = 0;
  int bottom = 0;
};

// Fills what of the box lies inside the picture.
void Fill(const Box& box, uint8_t grey, imaging::Image& image) {
  for (int y = std::max(box.top, 0); y < std::min(box.bottom, image.height_px); ++y) {
    for (int x = std::max(box.left, 0); x < std::min(box.right, image.width_px); ++x) {
      uint8_t* pixel = &image.bgra[4 * (static_cast<size_t>(y) * image.width_px + x)];
      std::fill_n(pixel, 3, grey);
    }
  }
}

uint8_t GreyOf(const v1::Element& element) {
  if (element.editable()) return 255;
  return element.states_size() > 0 ? 190 : 130;
}

}  // namespace

absl::StatusOr<v1::Image> DrawNullWorld(const v1::Size& screen, const std::vector<v1::Element>& elements, int steps,
                                        const v1::ScreenshotOptions& options) {
  imaging::Image image{screen.width(), screen.height(), {}};
  image.bgra.assign(size_t{4} * screen.width() * screen.height(), 220);
  for (size_t alpha = 3; alpha < image.bgra.size(); alpha += 4) image.bgra[alpha] = 255;
  std::vector<imaging::MarkBox> marks;
  for (const v1::Element& element : elements) {
    const v1::Rect& box = element.box();
    const int left = static_cast<int>(box.x());
    const int top = static_cast<int>(box.y());
    Fill({left, top, left + static_cast<int>(box.width()), top + static_cast<int>(box.height())}, GreyOf(element), image);
    marks.push_back({element.mark(), box.x(), box.y(), box.width(), box.height()});
  }
  const int columns = std::max((screen.width() - kStepsLeftPx) / kStepPx, 1);
  for (int i = 0; i < steps; ++i) {
    const int left = kStepsLeftPx + i % columns * kStepPx;
    const int top = i / columns * kStepPx;
    Fill({left, top, left + kStepPx - 1, top + kStepPx - 1}, 60, image);
  }
  if (options.draw_marks()) imaging::DrawMarks(marks, image);
  return EncodeScreenshot(image, options);
}

}  // namespace proctor::env
