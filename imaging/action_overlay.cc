#include "imaging/action_overlay.h"

#include <algorithm>
#include <cmath>

#include "imaging/opencv.h"
#include "opencv2/imgproc.hpp"

namespace proctor::imaging {
namespace {

constexpr int kFramePx = 3;
constexpr int kCrossPx = 24;

// Far enough outside stays outside; nothing overflows.
int Pixel(double value, int limit) {
  return static_cast<int>(std::clamp(std::isfinite(value) ? std::round(value) : -1.0 * limit, -1.0 * limit, 2.0 * limit));
}

}  // namespace

void DrawAction(const ActionPlace& place, Image& image) {
  if (image.width_px < 1 || image.height_px < 1 || image.bgra.size() != size_t{4} * image.width_px * image.height_px) {
    return;
  }
  cv::Mat canvas = ViewOf(image);
  const cv::Scalar red(0, 0, 255, 255);
  if (place.box.has_value()) {
    const cv::Point from(Pixel(place.box->x, image.width_px), Pixel(place.box->y, image.height_px));
    const cv::Point to(Pixel(place.box->x + place.box->width, image.width_px),
                       Pixel(place.box->y + place.box->height, image.height_px));
    cv::rectangle(canvas, from, to, red, kFramePx);
  }
  if (place.point.has_value()) {
    cv::drawMarker(canvas, {Pixel(place.point->x, image.width_px), Pixel(place.point->y, image.height_px)}, red,
                   cv::MARKER_CROSS, kCrossPx, kFramePx);
  }
  if (place.point.has_value() && place.release.has_value()) {
    const cv::Point from(Pixel(place.point->x, image.width_px), Pixel(place.point->y, image.height_px));
    const cv::Point to(Pixel(place.release->x, image.width_px), Pixel(place.release->y, image.height_px));
    // The tip is a share of the length.
    const double length = std::max(1.0, std::hypot(to.x - from.x, to.y - from.y));
    cv::arrowedLine(canvas, from, to, red, kFramePx, cv::LINE_8, 0, std::min(0.5, kCrossPx / length));
  }
}

}  // namespace proctor::imaging
