// Online-Mind2Web submissions, version 2: what is read, the round trip, what is refused.
#include <string>
#include <vector>

#include "tests/trajectory/formats/format_testing.h"
#include "trajectory/formats/mind2web_text.h"

namespace proctor::trajectory::formats {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kFile[] = "result.json";

Json Entry(int step, const std::string& action, const Json& thought = nullptr) {
  const std::string digits = std::to_string(step);
  return {{"step", step},
          {"screenshot", std::string(4 - digits.size(), '0') + digits + ".png"},
          {"url", "https://shop.example/" + digits},
          {"action", action},
          {"action_status", nullptr},
          {"thought", thought}};
}

Json Document() {
  return {{"schema_version", "online-mind2web-v2"},
          {"task", "Find a teapot that holds two cups."},
          {"task_id", "0a1b_tea-4"},
          {"reference_length", 5},
          {"agent_final_answer", "The blue  teapot."},
          {"action_history",
           {Entry(0, "page -> NAVIGATE -> to the shop | SUCCESS", "The shop first."),
            Entry(1, "CLICK coords(90, 20.5) -> open the menu | FAILED"),
            Entry(2, "TYPE [name='q'] -> search for 'teapot' | SUCCESS", "Search."),
            Entry(3, "PRESS_KEY page -> press Enter to search | SUCCESS"),
            Entry(4, "TASK_COMPLETE -> ANSWER: The blue teapot.", "Done.")}}};
}

class OnlineMind2WebTest : public FormatTest {
 protected:
  void WriteRun(const std::string& folder, const Json& document) {
    WriteAll(folder + "/result.json", document.dump(2));
    for (int i = 0; i < 5; ++i) {
      WriteAll(folder + "/trajectory/000" + std::to_string(i) + ".png", Png(40 * i, 8, 300));
    }
  }
  void SetUp() override { WriteRun(run_, Document()); }

  const std::string run_ = directory_ / "runs/0a1b_tea-4";
};

TEST_F(OnlineMind2WebTest, ReadsTaskStepsAndEnd) {
  const v1::Trajectory record = ImportOne(run_);
  EXPECT_EQ(record.task().goal(), "Find a teapot that holds two cups.");
  EXPECT_EQ(record.task().lineage().external_id(), "0a1b_tea-4");
  EXPECT_EQ(record.task().optimal_steps(), 5);
  EXPECT_EQ(record.recorder(), "online_mind2web");
  EXPECT_EQ(record.end_reason(), v1::END_REASON_ANSWERED);
  ASSERT_EQ(record.steps_size(), 5);
  // Each screenshot is what was seen before its action; the URL of a navigation is its goal.
  EXPECT_EQ(record.initial_observation().screenshot().digest(), Sha256Hex(Png(0, 8, 300)));
  EXPECT_EQ(record.initial_observation().url(), "");
  EXPECT_EQ(record.steps(0).action().goto_().url(), "https://shop.example/0");
  EXPECT_EQ(record.steps(0).agent_data().thought(), "The shop first.");
  EXPECT_EQ(record.steps(0).observation().url(), "https://shop.example/1");
  EXPECT_EQ(record.steps(1).action().click().target().point().y(), 20.5);
  EXPECT_EQ(record.steps(1).observation().action_error(), "FAILED");
  // What was typed stands in free words, and where in a selector.
  EXPECT_TRUE(record.steps(2).action().has_type());
  EXPECT_FALSE(record.steps(2).action().type().has_target());
  EXPECT_EQ(record.steps(2).agent_data().raw_output(),
            "TYPE [name='q'] -> search for 'teapot' | SUCCESS");
  EXPECT_THAT(record.steps(3).action().press_keys().chords(), ElementsAre("Enter"));
  EXPECT_EQ(record.steps(4).action().answer().text(), "The blue teapot.");
}

TEST_F(OnlineMind2WebTest, IsTheSameAfterARoundTrip) {
  Json compact = Document();
  const char* const calls[] = {"navigate(url=\"https://shop.example/0\")", "click_at(x=1, y=-2)",
                               "type_at(x=3, y=4, text=\"tea, \\\"two\\\" (cups)\")",
                               "scroll(direction=\"up\", amount=300)"};
  for (int i = 0; i < 4; ++i) compact["action_history"][i]["action"] = calls[i];
  compact["action_history"][2]["action_status"] = "FAILED";
  compact["task_id"] = "compact";
  WriteRun(directory_ / "runs/compact", compact);
  Json cut = Document();
  cut["task_id"] = "cut";
  cut["agent_final_answer"] = nullptr;
  cut["action_history"][4] = Entry(4, "TASK_COMPLETE -> STATUS: step_limit: five steps were taken");
  WriteRun(directory_ / "runs/cut", cut);
  Json silent = Document();
  silent["task_id"] = "silent";
  silent["agent_final_answer"] = nullptr;
  silent["action_history"][4] = Entry(4, "TASK_COMPLETE");
  silent["action_history"][1]["action"] = "DANCE on the table";
  silent["action_history"][0].erase("url");
  silent["action_history"][1]["url"] = nullptr;
  WriteRun(directory_ / "runs/silent", silent);
  ExpectSameAfterRoundTrip(directory_ / "runs", v1::TRAJECTORY_FORMAT_ONLINE_MIND2WEB);
  EXPECT_THAT(FilesOf(directory_ / "again"), Contains("cut/trajectory/0004.png"));
}

TEST_F(OnlineMind2WebTest, ReadsAnEndWithoutAnAnswer) {
  Json document = Document();
  document["agent_final_answer"] = nullptr;
  document["action_history"][4]["action"] = "TASK_COMPLETE -> STATUS: time_limit: too slow";
  WriteRun(run_, document);
  const v1::Trajectory record = ImportOne(run_);
  EXPECT_EQ(record.end_kind(), v1::END_KIND_TRUNCATED);
  EXPECT_EQ(record.end_reason(), v1::END_REASON_TIME_LIMIT);
  EXPECT_EQ(record.end_message(), "too slow");
  ASSERT_EQ(record.steps_size(), 4);
  EXPECT_EQ(record.steps(3).observation().screenshot().digest(), Sha256Hex(Png(160, 8, 300)));
}

TEST_F(OnlineMind2WebTest, TheMostStepsMayBeFollowedByAnEndWithoutAnAnswer) {
  Json document = Document();
  document["agent_final_answer"] = nullptr;
  Json history = Json::array();
  for (size_t i = 0; i <= kMaxSteps; ++i) {
    Json entry = Entry(0, i < kMaxSteps ? "WAIT page -> wait | SUCCESS" : "TASK_COMPLETE -> STATUS: step_limit");
    entry["step"] = i;
    history.push_back(std::move(entry));
  }
  document["action_history"] = history;
  WriteRun(run_, document);
  EXPECT_EQ(ImportOne(run_).steps_size(), static_cast<int>(kMaxSteps));
  history.push_back(history.back());
  document["action_history"] = history;
  WriteRun(run_, document);
  EXPECT_THAT(Refusal(run_), HasSubstr("action_history has too many steps"));
}

TEST_F(OnlineMind2WebTest, SaysWhatItSkips) {
  Json document = Document();
  document["model"] = "m";
  document["action_history"][1]["latency"] = 3;
  document["action_history"][2]["latency"] = 4;
  document["action_history"][3]["action"] = "DANCE";
  WriteRun(run_, document);
  WriteAll(run_ + "/metrics.json", "{}");
  WriteAll(run_ + "/trajectory/0009.png", Png(9));
  const auto result = Import(room_, run_);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_THAT(Skipped(*result),
              ElementsAre("0a1b_tea-4 | model | has no place in a trajectory",
                          "0a1b_tea-4 | action_history[].latency | has no place in a trajectory",
                          "0a1b_tea-4 | action_history[].action | no action could be read from it; "
                          "the text is kept",
                          "0a1b_tea-4 | metrics.json | no step names it",
                          "0a1b_tea-4 | trajectory/0009.png | no step names it"));
  EXPECT_EQ(result->skipped(1).count(), 2);
  EXPECT_EQ(result->skipped_count(), 6);
}

TEST_F(OnlineMind2WebTest, ReadsBothGrammars) {
  v1::Observation seen;
  seen.mutable_screenshot()->set_height_px(300);
  const auto read = [&](const std::string& text) {
    return ReadMind2WebAction(text, "https://u/", seen).action.ShortDebugString();
  };
  EXPECT_EQ(read("CLICK coords(9, 2) -> x"), "click { target { point { x: 9 y: 2 } } }");
  EXPECT_EQ(read("CLICK [data-mark='7'] -> x | SUCCESS"), "click { target { mark: 7 } }");
  EXPECT_EQ(read("CLICK #a > b -> x -> y"), "click { }");
  EXPECT_EQ(read("coords(1, 2) -> CLICK -> x"), "click { target { point { x: 1 y: 2 } } }");
  EXPECT_EQ(read("SCROLL page -> scroll up a little"), "scroll { delta_y: -200 }");
  EXPECT_EQ(read("page -> SCROLL -> scroll down"), "scroll { }");
  EXPECT_EQ(read("SELECT #s -> select 'Rating' from the list"),
            "select_option { options: \"Rating\" }");
  EXPECT_EQ(read("HOVER coords(1, 2) -> over it"), "hover { target { point { x: 1 y: 2 } } }");
  EXPECT_EQ(read("WAIT page -> for the chart"), "wait { }");
  EXPECT_EQ(read("page -> REFRESH -> again"), "reload { }");
  EXPECT_EQ(read("page -> GO_BACK -> back"), "go_back { }");
  EXPECT_EQ(read("page -> NAVIGATE -> there"), "goto { url: \"https://u/\" }");
  EXPECT_EQ(read("wait(ms=1500)"), "wait { duration { seconds: 1 nanos: 500000000 } }");
  EXPECT_EQ(read("press_key(key='Enter')"), "press_keys { chords: \"Enter\" }");
  EXPECT_EQ(read("click_at(x=1, y=2"), "");
  EXPECT_EQ(read("click_at(x=1 y=2)"), "");
  EXPECT_EQ(read("JUMP page -> x"), "");
}

TEST_F(OnlineMind2WebTest, WritesEveryKindOfActionSoThatItReadsTheSame) {
  const v1::Observation seen;
  for (const char* const json :
       {R"({"click":{"target":{"point":{"x":1.5,"y":2}}}})", R"({"click":{"target":{"mark":3}}})",
        R"({"click":{"target":{"mark":3},"count":2}})",
        R"({"type":{"target":{"mark":3},"text":"a \"b\"\n","clear":true,"submit":true}})",
        R"({"type":{"text":"x"}})", R"({"scroll":{"deltaY":-120.25}})",
        R"({"press_keys":{"chords":["Control+A","Delete"]}})",
        R"({"select_option":{"options":["A'B"]}})",
        R"({"drag":{"from":{"mark":1},"to":{"mark":2}}})", R"({"new_tab":{}})", R"({"noop":{}})",
        R"({"wait":{"duration":"5s"}})", R"({"check":{"target":{"mark":1},"checked":true}})",
        R"({"go_forward":{}})"}) {
    v1::Action action;
    ASSERT_TRUE(ProtoFromJson(json, action).ok()) << json;
    for (const bool failed : {false, true}) {
      const std::string text = WriteMind2WebAction(action, seen, failed);
      const Mind2WebAction read = ReadMind2WebAction(text, "", seen);
      EXPECT_EQ(ProtoToJson(read.action), ProtoToJson(action)) << text;
      EXPECT_EQ(read.status == ActionStatus::kFailed, failed) << text;
    }
  }
}

TEST_F(OnlineMind2WebTest, RefusesBrokenFilesAndSaysWhich) {
  const auto with = [&](const char* pointer, const Json& value) {
    Json document = Document();
    document[Json::json_pointer(pointer)] = value;
    return document.dump();
  };
  const auto without = [&](const char* key) {
    Json document = Document();
    document["action_history"][1].erase(key);
    return document.dump();
  };
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "malformed JSON"},
      {std::string(300, '[') + std::string(300, ']'), "nested deeper"},
      {"[]", "the document is no object"},
      {"{}", "schema_version is missing"},
      {with("/schema_version", "online-mind2web-v1"), "schema_version is not online-mind2web-v2"},
      {with("/task", ""), "task is empty"},
      {with("/task", 5), "task is no string"},
      {with("/task_id", "tasks/1"), "task_id is not of the form"},
      {with("/task_id", "../x"), "task_id is not of the form"},
      {with("/reference_length", 0), "reference_length is no number of steps"},
      {with("/reference_length", 1.5), "reference_length is no whole number"},
      {with("/reference_length", 5'000'000'000), "reference_length is no number of steps"},
      {with("/agent_final_answer", "Another."),
       "agent_final_answer is not what the last action says"},
      {with("/action_history", Json::array()), "action_history has no steps"},
      {with("/action_history", "none"), "action_history is no array"},
      {with("/action_history/1", 1), "action_history[1] is no object"},
      {with("/action_history/1/step", 0), "action_history[1].step is not 1"},
      {with("/action_history/1/action", ""), "action_history[1].action is empty"},
      {with("/action_history/1/action_status", "SUCCESS"),
       "action_history[1].action_status is not"},
      {with("/action_history/1/action_status", "MAYBE"), "is neither SUCCESS nor FAILED"},
      {with("/action_history/1/screenshot", "../0001.png"),
       "action_history[1].screenshot is no file"},
      {with("/action_history/1/screenshot", ".."), "leads out of the run's folder"},
      {with("/action_history/1/screenshot", "0007.png"), "0007.png, which is missing"},
      {with("/action_history/1/action", "TASK_COMPLETE -> ANSWER: x"), "before the last step"},
      {with("/action_history/4/action", "WAIT page -> x"), "does not begin with TASK_COMPLETE"},
      {without("thought"), "action_history[1].thought is missing"},
      {without("step"), "action_history[1].step is missing"},
      {without("screenshot"), "action_history[1].screenshot is missing"},
  };
  for (const auto& [text, reason] : cases) {
    WriteAll(run_ + "/result.json", text);
    const std::string refusal = Refusal(run_);
    EXPECT_THAT(refusal, HasSubstr(reason)) << text.substr(0, 200);
    EXPECT_THAT(refusal, HasSubstr(kFile));
  }
}

TEST_F(OnlineMind2WebTest, FollowsNoLinks) {
  fs::rename(run_ + "/trajectory", directory_ / "elsewhere");
  fs::create_symlink(directory_ / "elsewhere", run_ + "/trajectory");
  EXPECT_THAT(Refusal(run_), HasSubstr("is a link"));
  fs::remove(run_ + "/result.json");
  fs::create_symlink("/etc/hostname", run_ + "/result.json");
  // A link is no file of the run: nothing is found.
  EXPECT_THAT(Refusal(run_), HasSubstr("no recorded run"));
}

}  // namespace
}  // namespace proctor::trajectory::formats
