// A device as a world: real adb server, simulated phone.
#include "gtest/gtest.h"
#include "tests/env/android/fixture.h"

namespace proctor::env::android {
namespace {

class AndroidWorldTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!lab_.ok()) GTEST_SKIP() << lab_.problem();
    world_ = lab_.Open();
  }
  void TearDown() override { world_.reset(); }

  v1::Observation Reset(const v1::Task& task = {}, const v1::ObservationRequest& request = Elements()) {
    auto result = world_->Reset(Soon(), {task, 0}, request);
    EXPECT_TRUE(result.ok()) << result.status();
    return result.ok() ? result->observation : v1::Observation();
  }
  ActResult Act(const v1::Action& action, const v1::ObservationRequest& request = Elements()) {
    auto result = world_->Act(Soon(), action, request);
    EXPECT_TRUE(result.ok()) << result.status();
    return result.ok() ? *std::move(result) : ActResult();
  }
  static v1::ObservationRequest Elements() { return Parts({v1::OBSERVATION_PART_ELEMENTS}); }

  Lab lab_;
  std::unique_ptr<World> world_;
};

TEST_F(AndroidWorldTest, OpensAnApplicationByItsMarkAndGoesBack) {
  const v1::Observation start = Reset({}, Parts({v1::OBSERVATION_PART_ELEMENTS, v1::OBSERVATION_PART_SCREENSHOT}));
  EXPECT_EQ(start.title(), "com.proctor.launcher/.Home");
  EXPECT_EQ(start.missing_size(), 0) << start.missing(0).reason();
  EXPECT_EQ(start.viewport().width(), 360);
  EXPECT_EQ(start.screenshot().height_px(), 640);
  EXPECT_TRUE(start.settle().settled());
  const ActResult opened = Act(TapOn(start, "Settings"));
  EXPECT_EQ(opened.observation.title(), "com.android.settings/.Settings");
  EXPECT_EQ(opened.observation.action_error(), "");
  EXPECT_EQ(opened.target_element->text(), "Settings");
  EXPECT_EQ(Find(opened.observation, "list").role(), "list");
  v1::Action back;
  back.mutable_press_button()->set_button(v1::DEVICE_BUTTON_BACK);
  EXPECT_EQ(Act(back).observation.title(), "com.proctor.launcher/.Home");
}

}  // namespace
}  // namespace proctor::env::android
