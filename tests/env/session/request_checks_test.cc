#include "env/request_checks.h"

#include <climits>
#include <string>

#include "google/protobuf/text_format.h"
#include "google/protobuf/unknown_field_set.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace proctor::env {
namespace {

using ::testing::HasSubstr;

v1::Action Parse(const std::string& text) {
  v1::Action action;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &action)) << text;
  return action;
}

// Everything that there is.
v1::Capabilities All() {
  v1::Capabilities capabilities;
  for (int i = 0; i < v1::Action::descriptor()->field_count(); ++i) {
    capabilities.add_actions(v1::Action::descriptor()->field(i)->name());
  }
  return capabilities;
}

TEST(CheckActionTest, WhatIsWellFormedPasses) {
  for (const char* text : {
           "click {target {fraction {x: 0.5 y: 1}}}",
           "press_keys {chords: 'Control+c' hold {seconds: 10}}",
           "drag {from {mark: 1} to {point {x: 4 y: 5}} via {x: 1 y: 1} button: MOUSE_BUTTON_RIGHT}",
           "mouse_down {}",
           "mouse_up {target {mark: 2}}",
           "key_down {key: 'Shift'}",
           "key_up {key: 'Shift'}",
           "set_clipboard {}",
           "open_app {name: 'editor'}",
           "sequence {actions {click {target {mark: 1}}} actions {wait {duration {seconds: 29}}} actions {noop {}}}",
           "long_press {target {mark: 1}}",
           "swipe {from {fraction {x: 0 y: 0}} to {fraction {x: 1 y: 1}} duration {seconds: 1}}",
           "press_button {button: DEVICE_BUTTON_BACK}",
           "type {text: 'x'}",
           "scroll {delta_y: 100}",
       }) {
    const absl::Status status = CheckAction(Parse(text), All());
    EXPECT_TRUE(status.ok()) << text << ": " << status;
  }
}

TEST(CheckActionTest, WhatIsNotIsRefusedByField) {
  const std::pair<const char*, const char*> cases[] = {
      {"click {}", "click.target"},
      {"click {target {fraction {x: 1.01 y: 0}}}", "click.target.fraction"},
      {"click {target {fraction {x: nan y: 0}}}", "click.target.fraction"},
      {"type {text: 'x' target {fraction {x: -1 y: 0}}}", "type.target.fraction"},
      {"scroll {target {fraction {x: 2 y: 0}}}", "scroll.target.fraction"},
      {"press_keys {chords: 'a' hold {seconds: 11}}", "press_keys.hold"},
      {"press_keys {chords: 'a' hold {seconds: -1}}", "press_keys.hold"},
      {"press_keys {chords: 'a' chords: 'b' chords: 'c' chords: 'd' hold {seconds: 8}}", "more than 30 s"},
      {"mouse_down {target {fraction {x: 2 y: 0}}}", "mouse_down.target.fraction"},
      {"mouse_up {target {fraction {x: 2 y: 0}}}", "mouse_up.target.fraction"},
      {"key_down {}", "key_down.key"},
      {"key_up {}", "key_up.key"},
      {"open_app {}", "open_app.name"},
      {"sequence {}", "sequence.actions"},
      {"sequence {actions {answer {}}}", "actions[0]"},
      {"sequence {actions {noop {}} actions {give_up {}}}", "actions[1]"},
      {"sequence {actions {sequence {actions {noop {}}}}}", "actions[0]"},
      {"sequence {actions {click {}}}", "actions[0]: action.click.target"},
      {"sequence {actions {}}", "actions[0]"},
      {"sequence {actions {wait {duration {seconds: 20}}} actions {wait {duration {seconds: 20}}}}", "more than 30 s"},
      {"sequence {actions {wait {duration {seconds: 20}}} actions {press_keys {chords: 'a' chords: 'b' hold {seconds: 6}}}}", "more than 30 s"},
      {"long_press {}", "long_press.target"},
      {"long_press {target {mark: 1} duration {seconds: 60}}", "long_press.duration"},
      {"swipe {from {mark: 1}}", "swipe.to"},
      {"swipe {from {mark: 1} to {mark: 2} duration {seconds: 60}}", "swipe.duration"},
      {"press_button {}", "press_button.button"},
  };
  for (const auto& [text, field] : cases) {
    const absl::Status status = CheckAction(Parse(text), All());
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_THAT(std::string(status.message()), HasSubstr(field)) << text;
  }
}

TEST(CheckActionTest, Counts) {
  v1::Action many;
  for (int i = 0; i < 33; ++i) many.mutable_sequence()->add_actions()->mutable_noop();
  EXPECT_FALSE(CheckAction(many, All()).ok());
  many.mutable_sequence()->mutable_actions()->RemoveLast();
  EXPECT_TRUE(CheckAction(many, All()).ok());

  v1::Action drag = Parse("drag {from {mark: 1} to {mark: 2}}");
  for (int i = 0; i < 257; ++i) drag.mutable_drag()->add_via();
  EXPECT_FALSE(CheckAction(drag, All()).ok());
  drag.mutable_drag()->mutable_via()->RemoveLast();
  EXPECT_TRUE(CheckAction(drag, All()).ok());

  v1::Action give_up;
  give_up.mutable_give_up()->set_reason(std::string(65537, 'x'));
  EXPECT_FALSE(CheckAction(give_up, All()).ok());
  give_up.mutable_give_up()->mutable_reason()->pop_back();
  EXPECT_TRUE(CheckAction(give_up, All()).ok());

  v1::Action clip;
  clip.mutable_set_clipboard()->set_text(std::string(65537, 'x'));
  EXPECT_FALSE(CheckAction(clip, All()).ok());
}

TEST(CheckActionTest, ASequenceHoldsOnlyWhatTheEnvironmentHas) {
  v1::Capabilities some;
  some.add_actions("sequence");
  some.add_actions("click");
  EXPECT_TRUE(CheckAction(Parse("sequence {actions {click {target {mark: 1}}} actions {wait {}}}"), some).ok());
  const absl::Status status = CheckAction(Parse("sequence {actions {swipe {}}}"), some);
  EXPECT_THAT(std::string(status.message()), HasSubstr("has no `swipe`"));
}

// Otherwise the world would act, and the record refuse the step.
TEST(CheckStepRequestTest, AnInputHasRoomInARecordWhateverItHolds) {
  v1::Capabilities all = All();
  all.add_dialects(v1::DIALECT_WEBVOYAGER);
  const std::string most(16 << 20, 'x');
  const std::string too_much(18 << 20, 'x');
  v1::StepRequest upload;
  upload.mutable_action()->mutable_upload_file()->mutable_target()->set_mark(1);
  upload.mutable_action()->mutable_upload_file()->set_file_name("f");
  upload.mutable_action()->mutable_upload_file()->set_content(most);
  EXPECT_TRUE(CheckStepRequest(upload, all).ok());

  v1::StepRequest url;
  url.mutable_action()->mutable_goto_()->set_url(too_much);
  v1::StepRequest unknown;
  unknown.mutable_action()->mutable_noop()->GetReflection()->MutableUnknownFields(unknown.mutable_action()->mutable_noop())
      ->AddLengthDelimited(1000, too_much);
  for (const v1::StepRequest& request : {url, unknown}) {
    const absl::Status status = CheckStepRequest(request, all);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(status.message()), HasSubstr("action: 1887"));
  }

  v1::StepRequest text;
  text.mutable_agent_text()->set_dialect(v1::DIALECT_WEBVOYAGER);
  text.mutable_agent_text()->set_text(too_much);
  EXPECT_TRUE(CheckStepRequest(text, all).ok());
  text.mutable_agent_text()->GetReflection()->MutableUnknownFields(text.mutable_agent_text())->AddLengthDelimited(1000, too_much);
  EXPECT_THAT(std::string(CheckStepRequest(text, all).message()), HasSubstr("agent_text: 1887"));
}

TEST(CheckPolicyTest, IsSmallWhateverItHolds) {
  v1::PolicyRef policy;
  policy.set_policy(std::string(128, 'p'));
  policy.set_version(std::string(128, 'v'));
  EXPECT_TRUE(CheckPolicy(policy).ok());
  v1::PolicyRef unknown = policy;
  unknown.GetReflection()->MutableUnknownFields(&unknown)->AddLengthDelimited(1000, std::string(1024, 'x'));
  policy.mutable_version()->push_back('v');
  for (const v1::PolicyRef& refused : {policy, unknown}) EXPECT_EQ(CheckPolicy(refused).code(), absl::StatusCode::kInvalidArgument);
}

TEST(AskedTimeTest, IsWhatAnActionWaitsAndHoldsDown) {
  EXPECT_EQ(AskedTime(Parse("wait {}")), absl::Seconds(1));
  EXPECT_EQ(AskedTime(Parse("press_keys {chords: 'a' chords: 'b' hold {seconds: 3}}")), absl::Seconds(6));
  EXPECT_EQ(AskedTime(Parse("long_press {duration {seconds: 2}}")), absl::Seconds(2));
  EXPECT_EQ(AskedTime(Parse("sequence {actions {swipe {duration {seconds: 1}}} actions {wait {duration {seconds: 4}}} actions {noop {}}}")),
            absl::Seconds(5));
  EXPECT_EQ(AskedTime(Parse("click {}")), absl::ZeroDuration());
}

TEST(CheckObservationRequestTest, PicturesHaveAKnownFormatAndAQualityFrom0To100) {
  v1::ObservationRequest request;
  for (const int quality : {0, 1, 100}) {
    request.mutable_screenshot()->set_quality(quality);
    EXPECT_TRUE(CheckObservationRequest(request, {}).ok()) << quality;
  }
  for (const int quality : {-1, 101, INT_MIN, INT_MAX}) {
    request.mutable_screenshot()->set_quality(quality);
    const absl::Status status = CheckObservationRequest(request, {});
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << quality;
    EXPECT_THAT(std::string(status.message()), HasSubstr("screenshot.quality"));
  }
  request.mutable_screenshot()->set_quality(80);
  request.mutable_screenshot()->set_format(static_cast<v1::ImageFormat>(99));
  EXPECT_THAT(std::string(CheckObservationRequest(request, {}).message()), HasSubstr("screenshot.format"));
}

TEST(CheckClientTagsTest, CountAndSizesHaveLimits) {
  google::protobuf::Map<std::string, std::string> tags;
  for (int i = 0; i < 32; ++i) tags[std::string(127, 'k') + static_cast<char>('0' + i)] = std::string(1024, 'v');
  EXPECT_TRUE(CheckClientTags(tags).ok());
  tags["one more"] = "";
  EXPECT_THAT(std::string(CheckClientTags(tags).message()), HasSubstr("at most 32"));
  const std::pair<std::string, std::string> bad[] = {
      {"", "v"}, {std::string(129, 'k'), "v"}, {"k", std::string(1025, 'v')}};
  for (const auto& [key, value] : bad) {
    google::protobuf::Map<std::string, std::string> one;
    one[key] = value;
    EXPECT_EQ(CheckClientTags(one).code(), absl::StatusCode::kInvalidArgument) << key.size() << " " << value.size();
  }
}

TEST(CheckSettingsSizeTest, WhateverTheyHoldHasALimit) {
  v1::EnvironmentSettings settings;
  settings.mutable_web()->set_user_agent(std::string(16'000, 'x'));
  EXPECT_TRUE(CheckSettingsSize(settings).ok());
  settings.mutable_web()->add_allowed_hosts(std::string(1000, 'x'));
  const absl::Status status = CheckSettingsSize(settings);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("settings"));
}

TEST(ResolveLimitsTest, NobodyAsksForMoreThanADay) {
  v1::Limits day;
  day.mutable_max_duration()->set_seconds(24 * 3600);
  EXPECT_TRUE(ResolveLimits({}, day, day).ok());
  v1::Limits more = day;
  more.mutable_max_duration()->set_nanos(1);
  for (const auto& resolved : {ResolveLimits({}, more, {}), ResolveLimits({}, {}, more)}) {
    EXPECT_EQ(resolved.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(resolved.status().message()), HasSubstr("24h"));
  }
}

}  // namespace
}  // namespace proctor::env
