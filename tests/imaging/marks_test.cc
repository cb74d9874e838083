#include "imaging/marks.h"

#include <limits>

#include "gtest/gtest.h"
#include "tests/imaging/image_testing.h"

namespace proctor::imaging {
namespace {

Difference Drawn(const std::vector<MarkBox>& boxes) {
  const Image before = Plain(400, 300, 255);
  Image after = before;
  DrawMarks(boxes, after);
  return Diff(before, after).value();
}

TEST(MarksTest, DrawsBoxAndNumberAboveIt) {
  const Difference drawn = Drawn({{.mark = 7, .x = 100, .y = 100, .width = 80, .height = 30}});
  EXPECT_EQ(drawn.x_px, 100);
  EXPECT_LT(drawn.y_px, 100);
  EXPECT_EQ(drawn.width_px, 80);
  EXPECT_EQ(drawn.y_px + drawn.height_px, 130);
}

TEST(MarksTest, LabelsStayInsideThePicture) {
  const Difference drawn = Drawn({{.mark = 1, .x = 0, .y = 0, .width = 50, .height = 50},
                                  {.mark = 12345, .x = 380, .y = 280, .width = 50, .height = 50}});
  EXPECT_EQ(drawn.x_px, 0);
  EXPECT_EQ(drawn.y_px, 0);
  EXPECT_EQ(drawn.width_px, 400);
  EXPECT_EQ(drawn.height_px, 300);
}

TEST(MarksTest, LabelsOfEqualBoxesDoNotHideEachOther) {
  // Filled label areas do not overlap if two marks colour about twice as many pixels as one.
  const MarkBox box{.mark = 1, .x = 100, .y = 100, .width = 120, .height = 60};
  MarkBox same = box;
  same.mark = 9;  // The same colour as mark 1.
  const int64_t one = Drawn({box}).changed_pixels;
  const int64_t frame = 2 * (120 + 60) - 4;
  EXPECT_GE(Drawn({box, same}).changed_pixels, 2 * one - frame - 20);
}

TEST(MarksTest, LeavesOutWhatIsOutsideOrEmpty) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinite = std::numeric_limits<double>::infinity();
  EXPECT_EQ(Drawn({{.mark = 1, .x = 500, .y = 10, .width = 20, .height = 20},
                   {.mark = 2, .x = -50, .y = 10, .width = 20, .height = 20},
                   {.mark = 3, .x = 50, .y = 10, .width = 0, .height = 20},
                   {.mark = 4, .x = 50, .y = 10, .width = -5, .height = 20},
                   {.mark = 5, .x = nan, .y = nan, .width = nan, .height = nan}})
                .changed_pixels,
            0);
  EXPECT_LE(Drawn({{.mark = 6, .x = -1e300, .y = -infinite, .width = 1e301, .height = infinite}})
                .width_px,
            400);
}

TEST(MarksTest, IgnoresInconsistentPicture) {
  Image image = Plain(10, 10, 0);
  image.bgra.resize(20);
  DrawMarks({{.mark = 1, .x = 1, .y = 1, .width = 5, .height = 5}}, image);
  EXPECT_EQ(image.bgra.size(), 20u);
}

}  // namespace
}  // namespace proctor::imaging
