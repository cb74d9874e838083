// AER datasets: what is read, the round trip, what is refused.
#include <string>
#include <vector>

#include "tests/trajectory/formats/format_testing.h"
#include "trajectory/formats/webarena_text.h"

namespace proctor::trajectory::formats {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;

Json Step(const std::string& image, const std::string& action) {
  return {{"img", image}, {"other", {{"raw_action", action}}}};
}

// A run on the web that answers, one that does not, and one of a phone.
Json Log() {
  Json web = {{"uid", "41"},
              {"intent", "Find a teapot."},
              {"response", "The blue one"},
              {"other", {{"start_url", "http://shop/"}}},
              {"steps",
               {Step("41_0.png", "click [12] where [12] is link 'Teapots'"),
                Step("41_1.png", "type [7] [blue [two]] [0] where [7] is textbox 'Search'"),
                Step("41_2.png", "stop [The blue one]")}}};
  web["steps"][1]["url"] = "http://shop/teapots";
  web["steps"][1]["accessibility_tree"] = "[7] textbox 'Search'";
  const Json open = {{"uid", 42},
                     {"intent", "Look around."},
                     {"response", ""},
                     {"steps", {Step("42_0.png", "scroll [down]")}}};
  const Json phone = {
      {"uid", "phone"},
      {"intent", "Open the clock."},
      {"response", "It is five."},
      {"other", nullptr},
      {"steps",
       {{{"img", "phone_0.png"},
         {"other", {{"action", "DualPoint at touch (0.1, 0.2), lift (0.1, 0.2)"}}}}}}};
  return {web, open, phone};
}

class AerTest : public FormatTest {
 protected:
  void WriteLog(const Json& log) { WriteAll(set_ + "/trajectory_log.json", log.dump(2)); }
  void SetUp() override {
    WriteLog(Log());
    int shade = 0;
    for (const char* const name : {"41_0", "41_1", "41_2", "42_0", "phone_0"}) {
      WriteAll(set_ + "/images/" + name + ".png", Png(shade += 20));
    }
  }
  // The refusal of the first run, if that is the only one.
  std::string RefusalOfFirst(Json log) {
    log.erase(2);
    log.erase(1);
    WriteLog(log);
    return Refusal(set_);
  }

  const std::string set_ = directory_ / "webarena-set";
};

TEST_F(AerTest, ReadsTaskStepsAndEnd) {
  const auto result = Import(room_, set_);
  ASSERT_TRUE(result.ok()) << result.status();
  ASSERT_EQ(result->imported(), 3) << result->ShortDebugString();
  const v1::Trajectory web = Record(room_, result->names(0));
  EXPECT_EQ(web.task().goal(), "Find a teapot.");
  EXPECT_EQ(web.task().lineage().external_id(), "41");
  EXPECT_EQ(web.task().start_state().start_url(), "http://shop/");
  EXPECT_EQ(web.recorder(), "aer");
  ASSERT_EQ(web.steps_size(), 3);
  EXPECT_EQ(web.initial_observation().screenshot().digest(), Sha256Hex(Png(20)));
  EXPECT_EQ(web.steps(0).action().click().target().mark(), 12);
  EXPECT_EQ(web.steps(0).observation().url(), "http://shop/teapots");
  EXPECT_EQ(web.steps(0).observation().accessibility_tree().text(), "[7] textbox 'Search'");
  EXPECT_EQ(web.steps(1).action().type().text(), "blue [two]");
  EXPECT_FALSE(web.steps(1).action().type().submit());
  EXPECT_EQ(web.steps(2).action().answer().text(), "The blue one");
  EXPECT_EQ(web.end_reason(), v1::END_REASON_ANSWERED);
  const v1::Trajectory open = Record(room_, result->names(1));
  EXPECT_EQ(open.end_reason(), v1::END_REASON_CLIENT_DONE);
  // The response of a run whose actions have none is its answer.
  const v1::Trajectory phone = Record(room_, result->names(2));
  ASSERT_EQ(phone.steps_size(), 2);
  EXPECT_FALSE(phone.steps(0).has_action());
  EXPECT_THAT(phone.steps(0).agent_data().raw_output(), HasSubstr("DualPoint"));
  EXPECT_EQ(phone.steps(1).action().answer().text(), "It is five.");
}

TEST_F(AerTest, IsTheSameAfterARoundTrip) {
  ExpectSameAfterRoundTrip(set_, v1::TRAJECTORY_FORMAT_AER);
  EXPECT_THAT(FilesOf(directory_ / "again"), Contains("images/41_2.png"));
}

TEST_F(AerTest, CountsTheRunsOfALogInItsProgress) {
  std::vector<int64_t> done;
  int64_t total = 0;
  const auto result = ImportRuns(context_, *room_.archive, set_, {}, [&](int64_t d, int64_t t) {
    done.push_back(d);
    total = t;
    return absl::OkStatus();
  });
  ASSERT_TRUE(result.ok());
  EXPECT_THAT(done, ElementsAre(1, 2, 3));
  EXPECT_EQ(total, 3);
}

TEST_F(AerTest, ImportsTheRestIfOneRunIsBrokenAndSaysWhatItSkips) {
  Json log = Log();
  log[1]["steps"][0]["img"] = "nowhere.png";
  log[0]["response"] = "Another";
  log[0]["score"] = 1;
  log[2]["uid"] = "41";
  log.push_back("no entry");
  WriteLog(log);
  const auto result = Import(room_, set_);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->imported(), 1);
  EXPECT_THAT(result->failed().at("trajectory_log.json#42"),
              HasSubstr("steps[0].img names the picture images/nowhere.png, which is missing"));
  EXPECT_THAT(result->failed().at("trajectory_log.json#entry 2"), HasSubstr("another entry's"));
  EXPECT_THAT(result->failed().at("trajectory_log.json#entry 3"), HasSubstr("uid is missing"));
  EXPECT_THAT(
      Skipped(*result),
      ElementsAre("trajectory_log.json#41 | score | has no place in a trajectory",
                  "trajectory_log.json#41 | response | the last action gives another answer, "
                  "which counts"));
}

TEST_F(AerTest, ReportsTheFoldersThatItDoesNotRead) {
  WriteAll(set_ + "/captions/qwen.json", R"({"41_0": "A shop."})");
  WriteAll(set_ + "/evals/ann.jsonl", R"({"task_uid": "41", "annotation": "Success"})");
  WriteAll(set_ + "/notes/a.txt", "a");
  const auto of_folder = Import(room_, directory_.path());
  ASSERT_TRUE(of_folder.ok()) << of_folder.status();
  EXPECT_EQ(of_folder->imported(), 3);
  EXPECT_THAT(Skipped(*of_folder),
              IsSupersetOf<testing::Matcher<std::string>>({
                  HasSubstr("webarena-set/trajectory_log.json | captions/ | is not read: a record"),
                  HasSubstr("webarena-set/trajectory_log.json | evals/ | is not read: people's"),
                  "webarena-set/trajectory_log.json | notes/ | is not read"}));
  // The log alone: they lie beside it all the same.
  const auto of_file = Import(room_, set_ + "/trajectory_log.json");
  ASSERT_TRUE(of_file.ok()) << of_file.status();
  EXPECT_EQ(of_file->unchanged(), 3);
  EXPECT_EQ(of_file->skipped_count(), of_folder->skipped_count());
  EXPECT_THAT(Skipped(*of_file), Contains("trajectory_log.json | notes/ | is not read"));
}

TEST_F(AerTest, ReadsAndWritesWebArenasTexts) {
  const v1::Observation seen;
  const auto read = [&](const std::string& text) {
    return ReadWebArenaAction(text, seen).ShortDebugString();
  };
  EXPECT_EQ(read("hover [3]"), "hover { target { mark: 3 } }");
  EXPECT_EQ(read("type [3] [a]"), "type { target { mark: 3 } text: \"a\" submit: true }");
  EXPECT_EQ(read("scroll [up]"), "scroll { delta_y: -768 }");
  EXPECT_EQ(read("press [Ctrl+a]"), "press_keys { chords: \"Ctrl+a\" }");
  EXPECT_EQ(read("goto [http://a/[x]]"), "goto { url: \"http://a/[x]\" }");
  EXPECT_EQ(read("tab_focus [2]"), "focus_tab { index: 2 }");
  EXPECT_EQ(read("stop [a where [1] is b]"), "answer { text: \"a where [1] is b\" }");
  EXPECT_EQ(read("stop"), "answer { }");
  EXPECT_EQ(read("none"), "noop { }");
  EXPECT_EQ(read("click [99999999999]"), "");
  EXPECT_EQ(read("click twelve"), "");
  v1::Step step;
  for (const char* const json :
       {R"({"click":{"target":{"mark":3}}})", R"({"click":{"target":{"mark":3},"count":2}})",
        R"({"type":{"target":{"mark":3},"text":"x] [1","clear":true}})",
        R"({"new_tab":{"url":"u"}})", R"({"give_up":{"reason":"none"}})",
        R"({"answer":{"text":"a] where [1] is b"}})", R"({"press_keys":{"chords":["Enter"]}})",
        R"({"close_tab":{"index":0}})"}) {
    ASSERT_TRUE(ProtoFromJson(json, *step.mutable_action()).ok()) << json;
    EXPECT_EQ(ProtoToJson(ReadWebArenaAction(WriteWebArenaAction(step, seen), seen)),
              ProtoToJson(step.action()));
  }
}

TEST_F(AerTest, RefusesBrokenFilesAndSaysWhich) {
  WriteAll(set_ + "/trajectory_log.json", "[{");
  EXPECT_THAT(Refusal(set_), HasSubstr("trajectory_log.json: malformed JSON"));
  WriteLog(Json::object());
  EXPECT_THAT(Refusal(set_), HasSubstr("is no array"));
  const std::vector<std::tuple<const char*, Json, const char*>> cases = {
      {"/0/uid", nullptr, "uid is missing"},
      {"/0/uid", 1.5, "uid is missing"},
      {"/0/intent", "", "intent is empty"},
      {"/0/intent", 3, "intent is no string"},
      {"/0/response", 3, "response is no string"},
      {"/0/other", 3, "other is no object"},
      {"/0/steps", 3, "steps is no array"},
      {"/0/steps/1", 3, "steps[1] is no object"},
      {"/0/steps/1/img", 3, "steps[1].img is no string"},
      {"/0/steps/1/img", "../../x.png", "leads out of the run's folder"},
      {"/0/steps/1/img", "", "leads out of the run's folder"},
      {"/0/steps/1/other/raw_action", 3, "steps[1].other.raw_action is no string"},
  };
  for (const auto& [pointer, value, reason] : cases) {
    Json log = Log();
    log[Json::json_pointer(pointer)] = value;
    const std::string refusal = RefusalOfFirst(log);
    EXPECT_THAT(refusal, HasSubstr(reason)) << pointer;
    EXPECT_THAT(refusal, HasSubstr("trajectory_log.json"));
  }
}

TEST_F(AerTest, RefusesPicturesThatAreNone) {
  WriteAll(set_ + "/images/41_1.png", "BM");
  EXPECT_THAT(RefusalOfFirst(Log()), HasSubstr("images/41_1.png: not a PNG"));
  fs::remove_all(set_ + "/images");
  fs::create_symlink("/tmp", set_ + "/images");
  EXPECT_THAT(RefusalOfFirst(Log()), HasSubstr("is a link"));
}

}  // namespace
}  // namespace proctor::trajectory::formats
