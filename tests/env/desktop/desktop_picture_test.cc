// Pictures of a desktop.
#include <gmock/gmock.h>

#include "common/ids.h"
#include "imaging/image.h"
#include "tests/env/desktop/desktop_fixture.h"

namespace proctor::env::desktop {
namespace {

v1::ObservationRequest Picture(v1::ImageFormat format, bool marks = false) {
  v1::ObservationRequest request;
  request.add_parts(v1::OBSERVATION_PART_SCREENSHOT);
  request.mutable_screenshot()->set_format(format);
  request.mutable_screenshot()->set_draw_marks(marks);
  return request;
}

class DesktopPictureTest : public DesktopWorldTest {
 protected:
  v1::Image See(const v1::ObservationRequest& request) {
    const auto seen = world_->Observe(AMinute(), request);
    EXPECT_TRUE(seen.ok()) << seen.status();
    return seen.ok() ? seen->screenshot() : v1::Image();
  }
  // Once what was started has drawn itself, which on a slow machine takes longer than a step waits.
  v1::Image SeeStill() {
    v1::Image last = See(Picture(v1::IMAGE_FORMAT_PNG));
    for (int i = 0; i < 50; ++i) {
      absl::SleepFor(absl::Milliseconds(200));
      v1::Image now = See(Picture(v1::IMAGE_FORMAT_PNG));
      if (now.digest() == last.digest()) break;
      last = std::move(now);
    }
    return last;
  }
};

TEST_F(DesktopPictureTest, AllFormatsShowTheSameScreen) {
  if (!Start()) GTEST_SKIP() << MachineLacks();
  Reset(TaskWith("calculator"));
  const v1::Image png = See(Picture(v1::IMAGE_FORMAT_UNSPECIFIED));
  EXPECT_EQ(png.format(), v1::IMAGE_FORMAT_PNG);
  EXPECT_EQ(png.width_px(), 1280);
  EXPECT_EQ(png.height_px(), 800);
  EXPECT_EQ(png.digest(), Sha256Hex(png.data()));
  EXPECT_EQ(png.size_bytes(), static_cast<int64_t>(png.data().size()));
  const auto pixels = imaging::Decode(png.data());
  ASSERT_TRUE(pixels.ok()) << pixels.status();
  for (const v1::ImageFormat format : {v1::IMAGE_FORMAT_JPEG, v1::IMAGE_FORMAT_WEBP}) {
    const v1::Image lossy = See(Picture(format));
    EXPECT_EQ(lossy.format(), format);
    const auto decoded = imaging::Decode(lossy.data());
    ASSERT_TRUE(decoded.ok()) << decoded.status();
    const auto difference = imaging::Diff(*pixels, *decoded, 96);
    ASSERT_TRUE(difference.ok());
    EXPECT_LT(difference->changed_pixels, 1280 * 800 / 100) << v1::ImageFormat_Name(format);
  }
}

TEST_F(DesktopPictureTest, AStillScreenIsTheSamePicture) {
  if (!Start()) GTEST_SKIP() << MachineLacks();
  const v1::Observation start = Reset(TaskWith("calculator"));
  const v1::Image first = SeeStill();
  EXPECT_EQ(See(Picture(v1::IMAGE_FORMAT_PNG)).data(), first.data());
  Click(Find(start, "button", "7").mark());
  EXPECT_NE(See(Picture(v1::IMAGE_FORMAT_PNG)).digest(), first.digest());
}

TEST_F(DesktopPictureTest, MarksAreDrawnOverTheElements) {
  if (!Start()) GTEST_SKIP() << MachineLacks();
  const v1::Observation start = Reset(TaskWith("calculator"));
  const v1::Image plain = SeeStill();
  const v1::Image marked = See(Picture(v1::IMAGE_FORMAT_PNG, true));
  EXPECT_TRUE(marked.marks_drawn());
  EXPECT_FALSE(plain.marks_drawn());
  const auto before = imaging::Decode(plain.data());
  const auto after = imaging::Decode(marked.data());
  ASSERT_TRUE(before.ok() && after.ok());
  const auto difference = imaging::Diff(*before, *after);
  ASSERT_TRUE(difference.ok());
  const v1::Rect window = start.windows(0).box();
  EXPECT_GT(difference->changed_pixels, 1000);
  EXPECT_GT(difference->x_px, window.x() - 40);
  EXPECT_LT(difference->x_px + difference->width_px, window.x() + window.width() + 40);
}

}  // namespace
}  // namespace proctor::env::desktop
