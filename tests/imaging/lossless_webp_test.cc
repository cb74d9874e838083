#include "imaging/lossless_webp.h"

#include "gtest/gtest.h"
#include "tests/imaging/image_testing.h"

namespace proctor::imaging {
namespace {

TEST(LosslessWebpTest, APngInItsPlaceHasTheSamePixels) {
  const Image image = Gradient(40, 30);
  const auto webp = EncodeLosslessWebp(image);
  ASSERT_TRUE(webp.ok()) << webp.status();
  EXPECT_TRUE(webp->starts_with("RIFF"));
  const auto png = PngInsteadOfWebp(*webp);
  ASSERT_TRUE(png.ok()) << png.status();
  EXPECT_TRUE(png->starts_with("\x89PNG"));
  EXPECT_EQ(Decode(*png)->bgra, image.bgra);
}

TEST(LosslessWebpTest, WhatIsNoWebpStaysAsItIs) {
  for (const std::string& bytes : {std::string("\x89PNG\r\n\x1a\nabc"), std::string("RIFF1234WAVE"), std::string()}) {
    EXPECT_EQ(PngInsteadOfWebp(bytes).value(), bytes);
  }
  EXPECT_FALSE(PngInsteadOfWebp("RIFF1234WEBPrubbish").ok());
}

}  // namespace
}  // namespace proctor::imaging
