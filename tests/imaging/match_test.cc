#include "imaging/match.h"

#include "gtest/gtest.h"
#include "tests/imaging/image_testing.h"

namespace proctor::imaging {
namespace {

Image Cut(const Image& image, int x, int y, int width, int height) {
  Image out;
  out.width_px = width;
  out.height_px = height;
  for (int row = y; row < y + height; ++row) {
    const uint8_t* from = image.bgra.data() + 4 * (row * image.width_px + x);
    out.bgra.insert(out.bgra.end(), from, from + 4 * width);
  }
  return out;
}

// Every place looks different.
Image Pattern(int width, int height) {
  Image image = Plain(width, height, 0);
  uint32_t state = 1;
  for (size_t i = 0; i < image.bgra.size(); ++i) {
    state = state * 1664525 + 1013904223;
    if (i % 4 != 3) image.bgra[i] = static_cast<uint8_t>(state >> 24);
  }
  return image;
}

Region Whole(const Image& image) { return {0, 0, image.width_px, image.height_px}; }

TEST(MatchTest, FindsAPictureWhereItIs) {
  const Image screen = Pattern(200, 100);
  const Match match = FindPicture(screen, Cut(screen, 37, 21, 30, 20), Whole(screen)).value();
  EXPECT_GT(match.score, 0.9999);
  EXPECT_EQ(match.x_px, 37);
  EXPECT_EQ(match.y_px, 21);
}

TEST(MatchTest, LooksOnlyInTheRegion) {
  const Image screen = Pattern(200, 100);
  const Image wanted = Cut(screen, 37, 21, 30, 20);
  EXPECT_LT(FindPicture(screen, wanted, {100, 0, 100, 100}).value().score, 0.5);
  const Match match = FindPicture(screen, wanted, {30, 20, 60, 60}).value();
  EXPECT_GT(match.score, 0.9999);
  EXPECT_EQ(match.x_px, 37);
  // Beyond the edges there is nothing.
  EXPECT_EQ(FindPicture(screen, wanted, {-100, -100, 1000, 1000}).value().y_px, 21);
}

TEST(MatchTest, OneColourIsFoundToo) {
  Image screen = Plain(100, 100, 200);
  for (int y = 40; y < 60; ++y) {
    for (int x = 50; x < 70; ++x) SetPixel(screen, x, y, 10, 20, 30, 255);
  }
  const Image wanted = Cut(screen, 50, 40, 20, 20);
  const Match match = FindPicture(screen, wanted, Whole(screen)).value();
  EXPECT_NEAR(match.score, 1, 1e-3);
  EXPECT_EQ(match.x_px, 50);
  EXPECT_EQ(match.y_px, 40);
  EXPECT_LT(FindPicture(Plain(100, 100, 200), wanted, {0, 0, 100, 100}).value().score, 0.5);
}

TEST(MatchTest, APatternIsNotFoundOnAnEmptyScreen) {
  const Image screen = Plain(100, 100, 200);
  EXPECT_LT(FindPicture(screen, Pattern(20, 20), Whole(screen)).value().score, 0.5);
}

TEST(MatchTest, RefusesWhatDoesNotFit) {
  const Image screen = Pattern(50, 40);
  EXPECT_FALSE(FindPicture(screen, Pattern(51, 10), Whole(screen)).ok());
  EXPECT_FALSE(FindPicture(screen, Pattern(20, 20), {45, 0, 100, 100}).ok());
  EXPECT_FALSE(FindPicture(screen, Pattern(20, 20), {0, 0, 0, 0}).ok());
  EXPECT_FALSE(FindPicture(screen, Pattern(20, 20), {2'000'000'000, 0, 2'000'000'000, 10}).ok());
  Image broken = screen;
  broken.bgra.pop_back();
  EXPECT_FALSE(FindPicture(broken, Pattern(20, 20), {0, 0, 50, 40}).ok());
  EXPECT_FALSE(FindPicture(screen, Image(), Whole(screen)).ok());
}

TEST(QuickPngTest, ComesBackPixelByPixel) {
  for (const Image& image : {Pattern(123, 45), Gradient(64, 64), Plain(300, 200, 77), Pattern(1, 1), Plain(1, 100, 3)}) {
    const std::string png = EncodeQuickPng(image).value();
    EXPECT_EQ(Probe(png).value().format, Format::kPng);
    const Image back = Decode(png).value();
    EXPECT_EQ(back.width_px, image.width_px);
    EXPECT_EQ(back.bgra, image.bgra);
  }
}

TEST(QuickPngTest, CanBeShrunkLater) {
  const Image image = Plain(300, 200, 77);
  const std::string quick = EncodeQuickPng(image).value();
  const std::string small = ShrinkPng(quick).value();
  EXPECT_LE(small.size(), quick.size());
  EXPECT_EQ(Decode(small).value().bgra, image.bgra);
}

TEST(QuickPngTest, RefusesPicturesThatAreNone) {
  EXPECT_FALSE(EncodeQuickPng(Image()).ok());
  Image broken = Plain(10, 10, 1);
  broken.bgra.pop_back();
  EXPECT_FALSE(EncodeQuickPng(broken).ok());
}

}  // namespace
}  // namespace proctor::imaging
