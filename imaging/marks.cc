#include "imaging/marks.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "imaging/opencv.h"
#include "opencv2/imgproc.hpp"

namespace proctor::imaging {
namespace {

constexpr int kFont = cv::FONT_HERSHEY_SIMPLEX;
// 11 px high digits: legible at 1280 x 720 after a model's down-scaling by two.
constexpr double kFontScale = 0.45;
constexpr int kPadding = 2;

// Distinct hues with enough contrast to white digits; neighbours in the list get different ones.
cv::Scalar ColourOf(int32_t mark) {
  static constexpr int kColours[][3] = {{0, 0, 200},  {160, 60, 0},  {0, 120, 0},  {150, 0, 130},
                                        {0, 90, 190}, {120, 100, 0}, {60, 60, 60}, {100, 0, 200}};
  const int* c = kColours[static_cast<uint32_t>(mark) % std::size(kColours)];
  return cv::Scalar(c[0], c[1], c[2], 255);
}

struct Label {
  int32_t mark = 0;
  std::string text;
  cv::Rect place;
};

// Where a label may go, best first: outside above the corners, then inside them, then along the top
// and bottom edges.
std::vector<cv::Point> Candidates(const cv::Rect& box, const cv::Size& size) {
  const int right = box.x + box.width - size.width;
  const int bottom = box.y + box.height;
  std::vector<cv::Point> points = {{box.x, box.y - size.height},
                                   {right, box.y - size.height},
                                   {box.x, box.y},
                                   {right, box.y},
                                   {box.x, bottom},
                                   {right, bottom},
                                   {box.x, bottom - size.height},
                                   {right, bottom - size.height},
                                   {box.x - size.width, box.y},
                                   {box.x + box.width, box.y}};
  for (int x = box.x + size.width; x < right; x += size.width) {
    points.emplace_back(x, box.y - size.height);
    points.emplace_back(x, bottom);
  }
  return points;
}

cv::Rect Inside(cv::Point corner, const cv::Size& size, const cv::Size& picture) {
  const int x = std::clamp(corner.x, 0, std::max(0, picture.width - size.width));
  const int y = std::clamp(corner.y, 0, std::max(0, picture.height - size.height));
  return {x, y, size.width, size.height};
}

// The first candidate that hides no label placed before; else the one that hides least.
cv::Rect Place(const cv::Rect& box, const cv::Size& size, const cv::Size& picture,
               const std::vector<Label>& placed) {
  cv::Rect best;
  int least = -1;
  for (const cv::Point& corner : Candidates(box, size)) {
    const cv::Rect place = Inside(corner, size, picture);
    int hidden = 0;
    for (const Label& other : placed) hidden += (other.place & place).area();
    if (least < 0 || hidden < least) {
      best = place;
      least = hidden;
    }
    if (least == 0) break;
  }
  return best;
}

cv::Rect PixelBox(const MarkBox& box, const cv::Size& picture) {
  const auto pixel = [](double value, int limit) {
    return static_cast<int>(
        std::clamp(std::isfinite(value) ? std::round(value) : 0.0, -1.0 * limit, 2.0 * limit));
  };
  const int left = pixel(box.x, picture.width), top = pixel(box.y, picture.height);
  const int right = pixel(box.x + box.width, picture.width);
  const int bottom = pixel(box.y + box.height, picture.height);
  const cv::Rect whole(0, 0, picture.width, picture.height);
  return cv::Rect(left, top, std::max(0, right - left), std::max(0, bottom - top)) & whole;
}

}  // namespace

void DrawMarks(const std::vector<MarkBox>& boxes, Image& image) {
  if (image.width_px < 1 || image.height_px < 1 ||
      image.bgra.size() != size_t{4} * image.width_px * image.height_px) {
    return;
  }
  cv::Mat canvas = ViewOf(image);
  const cv::Size picture(image.width_px, image.height_px);
  std::vector<Label> labels;
  for (const MarkBox& mark_box : boxes) {
    const cv::Rect box = PixelBox(mark_box, picture);
    if (box.empty()) continue;
    cv::rectangle(canvas, box, ColourOf(mark_box.mark), 1);
    Label label{.mark = mark_box.mark, .text = std::to_string(mark_box.mark), .place = {}};
    int baseline = 0;
    const cv::Size text = cv::getTextSize(label.text, kFont, kFontScale, 1, &baseline);
    const cv::Size size(text.width + 2 * kPadding, text.height + 2 * kPadding);
    label.place = Place(box, size, picture, labels);
    labels.push_back(std::move(label));
  }
  // All labels after all boxes, so that no frame crosses a number.
  for (const Label& label : labels) {
    cv::rectangle(canvas, label.place, ColourOf(label.mark), cv::FILLED);
    cv::putText(canvas, label.text,
                {label.place.x + kPadding, label.place.y + label.place.height - kPadding}, kFont,
                kFontScale, cv::Scalar(255, 255, 255, 255), 1, cv::LINE_AA);
  }
}

}  // namespace proctor::imaging
