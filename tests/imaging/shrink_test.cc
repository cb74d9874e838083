#include "gtest/gtest.h"
#include "imaging/image.h"
#include "tests/imaging/image_testing.h"

namespace proctor::imaging {
namespace {

// Shrinks, checks that no pixel changed, and returns the new size over the old.
double ShrunkShare(const Image& image) {
  const std::string before = Encode(image, {.png_level = 1}).value();
  const std::string after = ShrinkPng(before).value();
  EXPECT_EQ(Decode(after).value().bgra, image.bgra);
  return static_cast<double>(after.size()) / before.size();
}

TEST(ShrinkPngTest, KeepsEveryPixelForEveryPaletteSize) {
  for (const int colours : {1, 2, 3, 4, 5, 16, 17, 255, 256, 257}) {
    SCOPED_TRACE(colours);
    Image image = Plain(67, 41, 0);
    for (int i = 0; i < 67 * 41; ++i) {
      const int colour = i * 7919 % colours;
      SetPixel(image, i % 67, i / 67, static_cast<uint8_t>(colour),
               static_cast<uint8_t>(colour / 256 * 90), 7);
    }
    EXPECT_LE(ShrunkShare(image), 1);
  }
}

TEST(ShrinkPngTest, PaletteMakesFewColoursMuchSmaller) {
  Image image = Plain(640, 400, 255);
  for (int i = 0; i < 640 * 400; ++i) {
    if ((i * 31 + i / 640 * 17) % 97 < 20)
      SetPixel(image, i % 640, i / 640, 30, 30, static_cast<uint8_t>(i % 12));
  }
  EXPECT_LT(ShrunkShare(image), 0.75);
}

TEST(ShrinkPngTest, KeepsTransparency) {
  Image image = Plain(30, 30, 10);
  SetPixel(image, 3, 3, 1, 2, 3, 0);
  SetPixel(image, 4, 3, 1, 2, 3, 77);
  EXPECT_LE(ShrunkShare(image), 1);
}

TEST(ShrinkPngTest, NeverReturnsMoreBytesThanItGot) {
  EXPECT_LE(ShrunkShare(Gradient(300, 200)), 1);
  const std::string small = ShrinkPng(Encode(Plain(8, 8, 9), {.png_level = 9}).value()).value();
  EXPECT_EQ(ShrinkPng(small).value(), small);
}

TEST(ShrinkPngTest, RefusesOtherFormatsAndBrokenPictures) {
  EXPECT_FALSE(ShrinkPng(Encode(Plain(8, 8, 9), {.format = Format::kJpeg}).value()).ok());
  EXPECT_FALSE(ShrinkPng("no picture").ok());
}

}  // namespace
}  // namespace proctor::imaging
