#include "imaging/action_overlay.h"

#include <limits>

#include "gtest/gtest.h"
#include "tests/imaging/image_testing.h"

namespace proctor::imaging {
namespace {

Difference Drawn(const ActionPlace& place) {
  const Image before = Plain(400, 300, 255);
  Image after = before;
  DrawAction(place, after);
  return Diff(before, after).value();
}

TEST(ActionOverlayTest, FramesTheBox) {
  const Difference drawn = Drawn({.box = ActionPlace::Box{100, 80, 60, 40}, .point = {}, .release = {}});
  EXPECT_NEAR(drawn.x_px, 100, 2);
  EXPECT_NEAR(drawn.y_px, 80, 2);
  EXPECT_NEAR(drawn.width_px, 60, 6);
  EXPECT_NEAR(drawn.height_px, 40, 6);
}

TEST(ActionOverlayTest, CrossesThePoint) {
  const Difference drawn = Drawn({.box = {}, .point = ActionPlace::Point{200, 150}, .release = {}});
  EXPECT_NEAR(drawn.x_px + drawn.width_px / 2, 200, 2);
  EXPECT_NEAR(drawn.y_px + drawn.height_px / 2, 150, 2);
}

TEST(ActionOverlayTest, AnArrowGoesToWhereItWasReleased) {
  const Difference drawn = Drawn({.box = {}, .point = ActionPlace::Point{50, 150}, .release = ActionPlace::Point{350, 150}});
  EXPECT_GE(drawn.x_px + drawn.width_px, 350);
  EXPECT_LE(drawn.x_px, 50);
  EXPECT_GT(drawn.changed_pixels, 900);
}

TEST(ActionOverlayTest, APlaceOfNoSenseIsLeftOut) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(Drawn({}).changed_pixels, 0);
  EXPECT_EQ(Drawn({.box = {}, .point = {}, .release = ActionPlace::Point{10, 10}}).changed_pixels, 0);
  EXPECT_EQ(Drawn({.box = {}, .point = ActionPlace::Point{nan, 1e300}, .release = ActionPlace::Point{nan, nan}}).changed_pixels, 0);
  const ActionPlace::Point same{20, 20};
  EXPECT_GT(Drawn({.box = {}, .point = same, .release = same}).changed_pixels, 0);
}

}  // namespace
}  // namespace proctor::imaging
