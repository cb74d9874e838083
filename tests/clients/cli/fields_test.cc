#include "clients/cli/fields.h"

#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "clients/cli/command.h"
#include "clients/cli/message_json.h"
#include "clients/cli/steps.h"
#include "common/proto_json.h"
#include "proctor/v1/episode.pb.h"
#include "proctor/v1/job.pb.h"
#include "proctor/v1/reward_service.pb.h"
#include "proctor/v1/task.pb.h"
#include "proctor/v1/task_service.pb.h"
#include "proctor/v1/trajectory.pb.h"

namespace proctor::cli {
namespace {

TEST(FieldsTextTest, WritesWhatIsSetIndented) {
  v1::Task task;
  task.set_name("tasks/a");
  task.set_goal("first\nsecond\x1b[2J");
  task.set_state(v1::TASK_STATE_ACCEPTED);
  task.set_impossible(true);
  task.mutable_limits()->mutable_max_duration()->set_seconds(90);
  task.mutable_lineage()->add_pages("p1");
  task.mutable_lineage()->add_pages("p2");
  (*task.mutable_tags())["colour"] = "blue";
  task.add_files()->set_content(std::string(2048, 'x'));
  task.mutable_create_time()->set_seconds(1'000'000'000);
  EXPECT_EQ(FieldsText(task),
            "name: tasks/a\n"
            "goal:\n  first\n  second\\x1b[2J\n"
            "limits:\n  max_duration: 1m30s\n"
            "state: accepted\n"
            "impossible: yes\n"
            "lineage:\n  pages: p1, p2\n"
            "files:\n-\n  content: 2.0 KiB\n"
            "tags:\n  colour: blue\n"
            "create_time: 2001-09-09 01:46:40Z\n");
}

TEST(FieldsTextTest, AListThatMakesALongLineHasALineForEach) {
  v1::Task task;
  for (const char letter : {'a', 'b', 'c'}) task.mutable_lineage()->add_pages(std::string(50, letter));
  EXPECT_EQ(FieldsText(task), "lineage:\n  pages:\n  - " + std::string(50, 'a') + "\n  - " + std::string(50, 'b') + "\n  - " +
                                  std::string(50, 'c') + "\n");
  task.mutable_lineage()->clear_pages();
  task.mutable_lineage()->add_pages("one\ntwo");
  EXPECT_EQ(FieldsText(task), "lineage:\n  pages:\n  -\n    one\n    two\n");
}

TEST(FieldsTextTest, LeavesOutWhatIsNamed) {
  v1::Task task;
  task.set_name("tasks/a");
  task.set_goal("g");
  EXPECT_EQ(FieldsText(task, {"goal"}), "name: tasks/a\n");
}

TEST(FieldsTextTest, ShowsWhatAnAnyHolds) {
  v1::Job job;
  v1::ProposeTasksResult result;
  result.set_accepted(3);
  (*result.mutable_rejected_by_reason())["near duplicate"] = 2;
  job.mutable_result()->PackFrom(result);
  EXPECT_EQ(FieldsText(job),
            "result:\n  accepted: 3\n  rejected_by_reason:\n    near duplicate: 2\n");
  job.mutable_result()->set_type_url("type.googleapis.com/no.such.Type");
  EXPECT_EQ(FieldsText(job), "result:\n");
  job.mutable_result()->set_type_url("type.googleapis.com/proctor.v1.ProposeTasksResult");
  job.mutable_result()->set_value("\xff\xff\xff");
  EXPECT_EQ(FieldsText(job), "result:\n");
}

TEST(FieldsTextTest, ShowsTheNumberOfAnUnknownEnumValue) {
  v1::Task task;
  task.set_state(static_cast<v1::TaskState>(77));
  EXPECT_EQ(FieldsText(task), "state: 77\n");
}

TEST(FieldsTextTest, AZeroThatSaysSomethingIsShown) {
  v1::Episode episode;
  episode.mutable_verdict()->set_outcome(v1::OUTCOME_FAILURE);
  episode.mutable_reward()->set_status(v1::REWARD_STATUS_VALID);
  episode.mutable_reward()->set_revision(1);
  EXPECT_EQ(FieldsText(episode),
            "verdict:\n  outcome: failure\n  score: 0\n"
            "reward:\n  status: valid\n  value: 0\n  success_score: 0\n  revision: 1\n");
  episode.mutable_verdict()->set_outcome(v1::OUTCOME_UNDETERMINED);
  episode.mutable_reward()->set_status(v1::REWARD_STATUS_MASKED);
  EXPECT_EQ(FieldsText(episode), "verdict:\n  outcome: undetermined\nreward:\n  status: masked\n  revision: 1\n");
}

TEST(MessageJsonTest, AZeroThatSaysSomethingIsWrittenWhereverItIs) {
  v1::ListRewardsResponse page;
  for (const double value : {0.0, 0.1}) {
    v1::Reward& reward = *page.add_records()->mutable_reward();
    reward.set_status(v1::REWARD_STATUS_VALID);
    reward.set_value(value);
    reward.set_success_score(0.5);
    reward.set_offset(int64_t{1} << 60);
    reward.mutable_create_time()->set_seconds(1'000'000'000);
  }
  page.add_records()->mutable_reward()->set_status(v1::REWARD_STATUS_MASKED);
  EXPECT_EQ(MessageJson(page),
            R"({"records":[{"reward":{"offset":"1152921504606846976","status":"REWARD_STATUS_VALID","success_score":0.5,)"
            R"("create_time":"2001-09-09T01:46:40Z","value":0}},)"
            R"({"reward":{"offset":"1152921504606846976","status":"REWARD_STATUS_VALID","value":0.1,"success_score":0.5,)"
            R"("create_time":"2001-09-09T01:46:40Z"}},{"reward":{"status":"REWARD_STATUS_MASKED"}}]})");
  v1::Verdict verdict;
  verdict.set_outcome(v1::OUTCOME_SUCCESS);
  verdict.set_score(0.75);
  verdict.add_members()->set_outcome(v1::OUTCOME_FAILURE);
  verdict.add_members()->set_outcome(v1::OUTCOME_UNDETERMINED);
  EXPECT_EQ(MessageJson(verdict),
            R"({"outcome":"OUTCOME_SUCCESS","score":0.75,"members":[{"outcome":"OUTCOME_FAILURE","score":0},{"outcome":"OUTCOME_UNDETERMINED"}]})");
}

TEST(StepTableTest, ShowsActionsTargetsAndErrors) {
  v1::Trajectory trajectory;
  v1::Step& typed = *trajectory.add_steps();
  typed.mutable_action()->mutable_type()->set_text("lamp");
  typed.mutable_action()->mutable_type()->set_submit(true);
  typed.mutable_target_element()->set_mark(3);
  typed.mutable_target_element()->set_role("searchbox");
  typed.mutable_target_element()->set_name("Search");
  typed.mutable_observation()->set_url("http://shop/");
  v1::Step& garbled = *trajectory.add_steps();
  garbled.set_index(1);
  garbled.mutable_agent_text()->set_text("clik\n[3]");
  garbled.mutable_observation()->set_action_error("no such action");
  const std::string text = StepTable(trajectory).Text(0);
  EXPECT_TRUE(absl::StrContains(text, "0  type \"lamp\" and submit")) << text;
  EXPECT_TRUE(absl::StrContains(text, "[3] searchbox \"Search\"")) << text;
  EXPECT_TRUE(absl::StrContains(text, "1  (not understood) clik [3]")) << text;
  EXPECT_TRUE(absl::StrContains(text, "no such action")) << text;
}

TEST(StepTableTest, DesktopsAndPhonesHaveTitlesInsteadOfUrls) {
  v1::Trajectory trajectory;
  v1::Step& step = *trajectory.add_steps();
  step.mutable_action()->mutable_press_button()->set_button(v1::DEVICE_BUTTON_BACK);
  step.mutable_observation()->set_title("com.android.settings/.Settings");
  const std::string text = StepTable(trajectory).Text(0);
  EXPECT_TRUE(absl::StrContains(text, "press_button back")) << text;
  EXPECT_TRUE(absl::StrContains(text, "com.android.settings/.Settings")) << text;
}

TEST(StepTableTest, AnActionThatFailedSaysWhereItWasMeant) {
  v1::Trajectory trajectory;
  v1::Step& step = *trajectory.add_steps();
  step.mutable_action()->mutable_click()->mutable_target()->mutable_point()->set_x(5000);
  step.mutable_observation()->set_action_error("outside the screen");
  EXPECT_TRUE(absl::StrContains(StepTable(trajectory).Text(0), "click   5000,0"));
}

std::string Words(const std::string& json) {
  v1::Action action;
  EXPECT_TRUE(ProtoFromJson(json, action).ok()) << json;
  return ActionText(action);
}

TEST(ActionTextTest, SaysWhatDesktopsAndPhonesDid) {
  EXPECT_EQ(Words(R"({"swipe":{"from":{"point":{"x":10,"y":20}},"to":{"point":{"x":30,"y":40}}}})"), "swipe 10,20 -> 30,40");
  EXPECT_EQ(Words(R"({"drag":{"from":{"mark":3},"to":{"fraction":{"x":0.5,"y":1}}}})"), "drag [3] -> 50%,100%");
  EXPECT_EQ(Words(R"({"click":{"target":{"mark":3},"button":"MOUSE_BUTTON_RIGHT","count":2,"modifiers":["KEY_MODIFIER_SHIFT"]}})"),
            "click shift right x2");
  EXPECT_EQ(Words(R"({"click":{"target":{"mark":3},"button":"MOUSE_BUTTON_LEFT"}})"), "click");
  EXPECT_EQ(Words(R"({"press_keys":{"chords":["Control+s","Enter"],"hold":"2s"}})"), "press_keys Control+s Enter for 2s");
  EXPECT_EQ(Words(R"({"press_button":{"button":"DEVICE_BUTTON_RECENTS"}})"), "press_button recents");
  EXPECT_EQ(Words(R"({"mouse_down":{"button":"MOUSE_BUTTON_MIDDLE"}})"), "mouse_down middle");
  EXPECT_EQ(Words(R"({"key_down":{"key":"Shift"}})"), "key_down Shift");
  EXPECT_EQ(Words(R"({"open_app":{"name":"Notes"}})"), "open_app \"Notes\"");
  EXPECT_EQ(Words(R"({"set_clipboard":{"text":"a"}})"), "set_clipboard \"a\"");
  EXPECT_EQ(Words(R"({"sequence":{"actions":[{"click":{"target":{"point":{"x":1,"y":2}}}},{"type":{"text":"a"}}]}})"),
            "sequence of 2: click 1,2; type \"a\"");
}

TEST(ActionTextTest, NamesEveryKindOfAction) {
  const auto* type = v1::Action::descriptor();
  for (int i = 0; i < type->field_count(); ++i) {
    v1::Action action;
    action.GetReflection()->MutableMessage(&action, type->field(i));
    EXPECT_EQ(ActionText(action).rfind(type->field(i)->name(), 0), 0u) << type->field(i)->name();
  }
}

TEST(EnumTextTest, GoesBothWays) {
  const auto* type = v1::TaskState_descriptor();
  for (const std::string& choice : EnumChoices(type))
    EXPECT_EQ(EnumLabel(type, EnumNumber(type, choice)), choice);
  EXPECT_EQ(EnumNumber(type, "nonsense"), 0);
}

}  // namespace
}  // namespace proctor::cli
