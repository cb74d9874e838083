// Pictures to test with.
#ifndef PROCTOR_TESTS_IMAGING_IMAGE_TESTING_H_
#define PROCTOR_TESTS_IMAGING_IMAGE_TESTING_H_

#include <cstdint>

#include "imaging/image.h"

namespace proctor::imaging {

// Opaque; colourful (thousands of colours) but not noise.
inline Image Gradient(int width_px, int height_px) {
  Image image{.width_px = width_px, .height_px = height_px, .bgra = {}};
  for (int y = 0; y < height_px; ++y) {
    for (int x = 0; x < width_px; ++x) {
      for (const int value : {x * 255 / width_px, y * 255 / height_px, (x + y) % 256, 255}) {
        image.bgra.push_back(static_cast<uint8_t>(value));
      }
    }
  }
  return image;
}

inline Image Plain(int width_px, int height_px, uint8_t grey) {
  Image image{.width_px = width_px, .height_px = height_px, .bgra = {}};
  for (int i = 0; i < width_px * height_px; ++i) {
    for (const uint8_t value : {grey, grey, grey, uint8_t{255}}) image.bgra.push_back(value);
  }
  return image;
}

inline void SetPixel(Image& image, int x, int y, uint8_t b, uint8_t g, uint8_t r, uint8_t a = 255) {
  uint8_t* pixel = &image.bgra[4 * (static_cast<size_t>(y) * image.width_px + x)];
  pixel[0] = b;
  pixel[1] = g;
  pixel[2] = r;
  pixel[3] = a;
}

}  // namespace proctor::imaging

#endif  // PROCTOR_TESTS_IMAGING_IMAGE_TESTING_H_
