// What is seen of a device, also of one that is slow, restless or talks nonsense.
#include <thread>

#include "absl/strings/str_cat.h"
#include "common/ids.h"
#include "common/proto_time.h"
#include "imaging/image.h"
#include "tests/env/android/world_fixture.h"

namespace proctor::env::android {
namespace {

using testing::HasSubstr;

class AndroidWorldTest : public WorldTest {
 protected:
  void SetUp() override {
    v1::AndroidSettings settings;
    *settings.mutable_settle_cap() = ToProto(absl::Milliseconds(500));
    SetUpLab({}, settings);
  }
  static v1::ObservationRequest Everything() {
    return Parts({v1::OBSERVATION_PART_ELEMENTS, v1::OBSERVATION_PART_SCREENSHOT, v1::OBSERVATION_PART_ACCESSIBILITY_TREE,
                  v1::OBSERVATION_PART_DEVICE});
  }
};

TEST_F(AndroidWorldTest, OpensAnApplicationByItsMarkAndGoesBack) {
  const v1::Observation start = Reset({}, Everything());
  EXPECT_EQ(start.title(), "com.proctor.launcher/.Home");
  EXPECT_EQ(start.url(), "");
  EXPECT_EQ(start.missing_size(), 0);
  EXPECT_EQ(start.viewport().width(), 360);
  EXPECT_EQ(start.viewport().height(), 640);
  EXPECT_TRUE(start.settle().settled());
  EXPECT_EQ(start.device().package(), "com.proctor.launcher");
  EXPECT_THAT(start.accessibility_tree().text(), HasSubstr("generic \"Settings\" id=com.proctor.launcher:id/icon"));
  const ActResult opened = Act(TapOn(start, "Settings"));
  EXPECT_EQ(opened.observation.title(), "com.android.settings/.Settings");
  EXPECT_EQ(opened.observation.action_error(), "");
  EXPECT_EQ(opened.target_element->text(), "Settings");
  EXPECT_EQ(Find(opened.observation, "list").role(), "list");
  EXPECT_EQ(Done(Press(v1::DEVICE_BUTTON_BACK)).title(), "com.proctor.launcher/.Home");
}

TEST_F(AndroidWorldTest, PicturesShowTheScreenAndTheSamePictureIsTheSame) {
  const v1::Observation start = Reset({}, Everything());
  const auto picture = imaging::Decode(start.screenshot().data());
  ASSERT_TRUE(picture.ok()) << picture.status();
  EXPECT_EQ(picture->width_px, 360);
  // The launcher's background, blue, green, red.
  EXPECT_EQ(std::vector<uint8_t>(picture->bgra.begin(), picture->bgra.begin() + 4), (std::vector<uint8_t>{0x5f, 0x45, 0x30, 255}));
  const auto again = world_->Observe(Soon(), Everything());
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->screenshot().digest(), start.screenshot().digest());
  EXPECT_EQ(Sha256Hex(again->screenshot().data()), again->screenshot().digest());
  v1::ObservationRequest request = Everything();
  request.mutable_screenshot()->set_format(v1::IMAGE_FORMAT_JPEG);
  EXPECT_EQ(world_->Observe(Soon(), request)->screenshot().format(), v1::IMAGE_FORMAT_JPEG);
  request.mutable_screenshot()->set_draw_marks(true);
  const auto marked = world_->Observe(Soon(), request);
  EXPECT_TRUE(marked->screenshot().marks_drawn());
  EXPECT_NE(world_->Observe(Soon(), Everything())->screenshot().digest(), marked->screenshot().digest());
  const v1::Observation other = Act(TapOn(start, "Settings"), Everything()).observation;
  EXPECT_NE(other.screenshot().digest(), start.screenshot().digest());
}

TEST_F(AndroidWorldTest, CutsTheTreeWhereAsked) {
  Reset();
  v1::ObservationRequest request = Parts({v1::OBSERVATION_PART_ACCESSIBILITY_TREE});
  request.set_max_text_bytes(10);
  const auto seen = world_->Observe(Soon(), request);
  EXPECT_LE(seen->accessibility_tree().text().size(), 10u);
  EXPECT_TRUE(seen->accessibility_tree().truncated());
  EXPECT_EQ(seen->elements_size(), 0);
}

TEST_F(AndroidWorldTest, DumpsThatFailAreTriedAgain) {
  lab_->device().SetFaults([](fake::Faults& faults) { faults.failing_dumps = 3; });
  EXPECT_NE(Find(Reset(), "Settings").mark(), 0);
}

TEST_F(AndroidWorldTest, WhatCannotBeDumpedIsMissing) {
  const v1::Observation start = Reset();
  lab_->device().SetFaults([](fake::Faults& faults) { faults.failing_dumps = 1 << 30; });
  const auto seen = world_->Act(CallContext::WithTimeout(absl::Seconds(8)), Press(v1::DEVICE_BUTTON_HOME), Everything());
  ASSERT_TRUE(seen.ok()) << seen.status();
  ASSERT_EQ(seen->observation.missing_size(), 2);
  EXPECT_EQ(seen->observation.missing(0).part(), v1::OBSERVATION_PART_ELEMENTS);
  EXPECT_THAT(seen->observation.missing(0).reason(), HasSubstr("could not get idle state"));
  EXPECT_TRUE(seen->observation.has_screenshot());
  EXPECT_EQ(seen->observation.title(), "com.proctor.launcher/.Home");
  // A mark cannot be found then; the agent is told what to do.
  const auto tap = world_->Act(CallContext::WithTimeout(absl::Seconds(8)), TapOn(start, "Settings"), {});
  ASSERT_TRUE(tap.ok()) << tap.status();
  EXPECT_THAT(tap->observation.action_error(), HasSubstr("use a point"));
}

TEST_F(AndroidWorldTest, NonsenseIsMissing) {
  Reset();
  lab_->device().SetFaults([](fake::Faults& faults) { faults.garbage = true; });
  const auto seen = world_->Act(CallContext::WithTimeout(absl::Seconds(8)), Press(v1::DEVICE_BUTTON_HOME), Everything());
  ASSERT_TRUE(seen.ok()) << seen.status();
  EXPECT_EQ(seen->observation.missing_size(), 3) << seen->observation.DebugString();
  EXPECT_FALSE(seen->observation.has_screenshot());
  EXPECT_FALSE(seen->observation.settle().settled());
  EXPECT_EQ(seen->observation.device().battery_percent(), 87);
  lab_->device().SetFaults([](fake::Faults& faults) { faults.garbage = false; });
  EXPECT_EQ(Act(Press(v1::DEVICE_BUTTON_HOME), Everything()).observation.missing_size(), 0);
}

TEST_F(AndroidWorldTest, AScreenThatNeverRestsIsSeenAtTheCap) {
  Reset();
  lab_->device().With([](fake::Phone& phone) { phone.set_restless(true); });
  const v1::Observation seen = Act(Press(v1::DEVICE_BUTTON_HOME), Everything()).observation;
  EXPECT_FALSE(seen.settle().settled());
  EXPECT_EQ(seen.settle().waiting_for(), "screen");
  EXPECT_TRUE(seen.has_screenshot());
  EXPECT_GE(FromProto(seen.settle().timing().settle()), absl::Milliseconds(500));
}

TEST_F(AndroidWorldTest, ASlowDeviceIsOnlySlow) {
  lab_->device().SetFaults([](fake::Faults& faults) { faults.delay = absl::Milliseconds(30); });
  EXPECT_EQ(Done(TapOn(Reset(), "Contacts")).title(), "com.android.contacts/.Contacts");
}

TEST_F(AndroidWorldTest, CancellationEndsAStepOnADeviceThatDoesNotAnswer) {
  Reset();
  lab_->device().SetFaults([](fake::Faults& faults) { faults.delay = absl::Seconds(2); });
  CallContext context = Soon();
  std::thread cancel([&] {
    absl::SleepFor(absl::Milliseconds(50));
    context.cancel()->Cancel();
  });
  EXPECT_EQ(world_->Act(context, Press(v1::DEVICE_BUTTON_HOME), {}).status().code(), absl::StatusCode::kCancelled);
  cancel.join();
  lab_->device().SetFaults([](fake::Faults& faults) { faults.delay = absl::ZeroDuration(); });
  Reset();
}

TEST_F(AndroidWorldTest, NothingIsDoneWithoutAnEpisode) {
  EXPECT_EQ(world_->Act(Soon(), Press(v1::DEVICE_BUTTON_HOME), {}).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(world_->Observe(Soon(), {}).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(world_->Collect(Soon(), {v1::EvidenceRequest()})[0].error(), "");
}

}  // namespace
}  // namespace proctor::env::android
