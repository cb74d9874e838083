// Between our pictures and OpenCV's. Inside this folder only.
#ifndef PROCTOR_IMAGING_OPENCV_H_
#define PROCTOR_IMAGING_OPENCV_H_

#include "imaging/image.h"
#include "opencv2/core.hpp"

namespace proctor::imaging {

// A view; `image` outlives it and is not changed through it where it was const.
inline cv::Mat ViewOf(const Image& image) {
  return cv::Mat(image.height_px, image.width_px, CV_8UC4, const_cast<uint8_t*>(image.bgra.data()));
}

}  // namespace proctor::imaging

#endif  // PROCTOR_IMAGING_OPENCV_H_
