#include "imaging/match.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "imaging/opencv.h"
#include "opencv2/imgproc.hpp"

namespace proctor::imaging {
namespace {

bool IsConsistent(const Image& image) {
  return image.width_px > 0 && image.height_px > 0 && image.bgra.size() == size_t{4} * image.width_px * image.height_px;
}

cv::Mat Colours(const Image& image) {
  cv::Mat out;
  cv::cvtColor(ViewOf(image), out, cv::COLOR_BGRA2BGR);
  return out;
}

bool IsOneColour(const cv::Mat& picture) {
  cv::Scalar mean, deviation;
  cv::meanStdDev(picture, mean, deviation);
  return deviation[0] == 0 && deviation[1] == 0 && deviation[2] == 0;
}

Match FindOneColour(const cv::Mat& where, const cv::Mat& wanted) {
  cv::Mat result;
  cv::matchTemplate(where, wanted, result, cv::TM_SQDIFF);
  double least = 0;
  cv::Point at;
  cv::minMaxLoc(result, &least, nullptr, &at, nullptr);
  const double mean_square = std::max(0.0, least) / (3.0 * wanted.rows * wanted.cols);
  return {1 - std::sqrt(mean_square) / 255, at.x, at.y};
}

Match FindPattern(const cv::Mat& where, const cv::Mat& wanted) {
  cv::Mat result;
  cv::matchTemplate(where, wanted, result, cv::TM_CCOEFF_NORMED);
  // Where the picture is of one colour it correlates with nothing: rounding must not make more of it.
  cv::patchNaNs(result, 0);
  double most = 0;
  cv::Point at;
  cv::minMaxLoc(result, nullptr, &most, nullptr, &at);
  return {std::isfinite(most) ? std::clamp(most, -1.0, 1.0) : 0.0, at.x, at.y};
}

}  // namespace

absl::StatusOr<Match> FindPicture(const Image& picture, const Image& wanted, const Region& region) {
  if (!IsConsistent(picture) || !IsConsistent(wanted)) return absl::InvalidArgumentError("picture whose pixels do not fit its size");
  const auto edge = [](int64_t value, int limit) { return static_cast<int>(std::clamp<int64_t>(value, 0, limit)); };
  const int left = edge(region.x_px, picture.width_px), top = edge(region.y_px, picture.height_px);
  const int right = edge(int64_t{region.x_px} + region.width_px, picture.width_px);
  const int bottom = edge(int64_t{region.y_px} + region.height_px, picture.height_px);
  if (right - left < wanted.width_px || bottom - top < wanted.height_px) {
    return absl::InvalidArgumentError(absl::StrCat("the picture of ", wanted.width_px, " x ", wanted.height_px, " pixels does not fit into ",
                                                   std::max(0, right - left), " x ", std::max(0, bottom - top)));
  }
  try {
    const cv::Mat where = Colours(picture)(cv::Rect(left, top, right - left, bottom - top));
    const cv::Mat pattern = Colours(wanted);
    Match match = IsOneColour(pattern) ? FindOneColour(where, pattern) : FindPattern(where, pattern);
    match.x_px += left;
    match.y_px += top;
    return match;
  } catch (const std::exception& e) {
    return absl::InternalError(absl::StrCat("the picture could not be looked for: ", e.what()));
  }
}

}  // namespace proctor::imaging
