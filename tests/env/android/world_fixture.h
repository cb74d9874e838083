// A world on one simulated phone, for tests.
#ifndef PROCTOR_TESTS_ENV_ANDROID_WORLD_FIXTURE_H_
#define PROCTOR_TESTS_ENV_ANDROID_WORLD_FIXTURE_H_

#include <memory>
#include <string>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/env/android/fixture.h"

namespace proctor::env::android {

class WorldTest : public testing::Test {
 protected:
  // Subclasses that need something else call it themselves.
  void SetUp() override { SetUpLab({}); }
  void TearDown() override {
    world_.reset();
    lab_.reset();
  }

  void SetUpLab(LabOptions options, const v1::AndroidSettings& settings = {}) {
    if (FindAdb().empty()) GTEST_SKIP() << kNoAdb;
    lab_ = std::make_unique<Lab>(std::move(options));
    ASSERT_TRUE(lab_->ok()) << lab_->problem();
    world_ = lab_->Open(settings);
  }

  static v1::ObservationRequest Elements() { return Parts({v1::OBSERVATION_PART_ELEMENTS}); }

  absl::StatusOr<ResetResult> TryReset(const v1::AndroidStart& start, const v1::ObservationRequest& request = Elements()) {
    v1::Task task;
    *task.mutable_start_state()->mutable_android() = start;
    return world_->Reset(Soon(), {task, 0}, request);
  }
  v1::Observation Reset(const v1::AndroidStart& start = {}, const v1::ObservationRequest& request = Elements()) {
    auto result = TryReset(start, request);
    EXPECT_TRUE(result.ok()) << result.status();
    return result.ok() ? result->observation : v1::Observation();
  }
  // An episode that begins in this application.
  v1::Observation ResetIn(const std::string& application) {
    v1::AndroidStart start;
    start.add_setup()->set_start_activity(application);
    return Reset(start);
  }
  ActResult Act(const v1::Action& action, const v1::ObservationRequest& request = Elements()) {
    auto result = world_->Act(Soon(), action, request);
    EXPECT_TRUE(result.ok()) << result.status();
    return result.ok() ? *std::move(result) : ActResult();
  }
  // An action that could be done; returns what is seen then.
  v1::Observation Done(const v1::Action& action) {
    const ActResult result = Act(action);
    EXPECT_EQ(result.observation.action_error(), "") << action.ShortDebugString();
    return result.observation;
  }
  // The error of one that could not.
  std::string Refusal(const v1::Action& action) {
    const ActResult result = Act(action);
    EXPECT_NE(result.observation.action_error(), "") << action.ShortDebugString();
    return result.observation.action_error();
  }
  v1::Evidence Collect(const v1::EvidenceRequest& request) { return world_->Collect(Soon(), {request}).at(0); }

  static v1::Action Press(v1::DeviceButton button) {
    v1::Action action;
    action.mutable_press_button()->set_button(button);
    return action;
  }
  static v1::Action TypeInto(int mark, const std::string& text) {
    v1::Action action;
    if (mark != 0) action.mutable_type()->mutable_target()->set_mark(mark);
    action.mutable_type()->set_text(text);
    return action;
  }
  std::string Field(const std::string& id) {
    std::string text;
    lab_->device().With([&](fake::Phone& phone) {
      const auto found = phone.fields().find(id);
      text = found == phone.fields().end() ? "" : found->second;
    });
    return text;
  }
  std::string Setting(const std::string& space, const std::string& key) {
    std::string value;
    lab_->device().With([&](fake::Phone& phone) { value = phone.settings()[space][key]; });
    return value;
  }

  std::unique_ptr<Lab> lab_;
  std::unique_ptr<World> world_;
};

}  // namespace proctor::env::android

#endif  // PROCTOR_TESTS_ENV_ANDROID_WORLD_FIXTURE_H_
