// WebVoyager's result folders: what is read, the round trip, what is refused.
#include <sys/stat.h>

#include <map>
#include <string>
#include <vector>

#include "imaging/lossless_webp.h"
#include "tests/trajectory/formats/format_testing.h"
#include "trajectory/formats/webvoyager_messages.h"
#include "trajectory/formats/webvoyager_text.h"

namespace proctor::trajectory::formats {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kTask[] =
    "Now given a task: Find a teapot that holds two cups.  Please interact with "
    "https://shop.example/ and get the answer. \n";
constexpr char kAsk[] =
    "Observation: please analyze the attached screenshot and give the Thought and Action.\n";
constexpr char kLeftOut[] = "Observation: A screenshot and some texts. (Omitted in context.)";

Json Message(const char* role, const std::string& text) {
  return {{"role", role}, {"content", text}};
}

Json WithPicture(const std::string& text) {
  return {{"role", "user"},
          {"content",
           {{{"type", "text"}, {"text", text}},
            {{"type", "image_url"}, {"image_url", {{"url", "data:image/png;base64,{b64_img}"}}}}}}};
}

// A search, a click that fails, a scroll and the answer.
Json Messages() {
  return {Message("system", "You browse."),
          Message("user", std::string(kTask) + kLeftOut),
          Message("assistant", "Thought: The search box is [0].\n\nAction: Type [0]; teapot"),
          WithPicture(std::string(kAsk) +
                      "[0]: <input> \"Search\";\t[3]: \"Teapot, 2 cups\", \"Go to; the teapot\";"),
          Message("assistant", "Thought: That one.\nAction: Click [7]"),
          Message("user", "The action cannot be done: there is no [7]."),
          Message("assistant", "Thought: Lower down?\nAction: Scroll [WINDOW]; [down]"),
          WithPicture("Observation:note: it is not a textbox. please analyze the attached "
                      "screenshot.\n[1]: <button> \"Buy\";"),
          Message("assistant", "Thought: Found.\nAction: ANSWER; [The \"Blue\" teapot [2 cups].]")};
}

class WebVoyagerTest : public FormatTest {
 protected:
  void WriteRun(const std::string& folder, const Json& messages) {
    WriteAll(folder + "/interact_messages.json", messages.dump(2));
    for (const int turn : {1, 2, 4}) {
      WriteAll(folder + "/screenshot" + std::to_string(turn) + ".png", Png(40 * turn, 8, 300));
    }
  }
  void SetUp() override { WriteRun(run_, Messages()); }

  const std::string run_ = directory_ / "runs/taskTea Shop--4";
};

TEST_F(WebVoyagerTest, ReadsTaskStepsAndEnd) {
  const v1::Trajectory record = ImportOne(run_);
  EXPECT_EQ(record.task().goal(), "Find a teapot that holds two cups.");
  EXPECT_EQ(record.task().start_state().start_url(), "https://shop.example/");
  EXPECT_EQ(record.task().lineage().external_id(), "Tea Shop--4");
  EXPECT_EQ(record.task().lineage().source(), "import");
  EXPECT_EQ(record.task().site(), "Tea Shop");
  EXPECT_EQ(record.task().split(), v1::SPLIT_TEST);
  EXPECT_EQ(record.recorder(), "webvoyager");
  EXPECT_EQ(record.environment(), "environments/external");
  EXPECT_EQ(record.end_kind(), v1::END_KIND_TERMINATED);
  EXPECT_EQ(record.end_reason(), v1::END_REASON_ANSWERED);
  EXPECT_TRUE(record.closed());
  ASSERT_EQ(record.steps_size(), 4);
  EXPECT_EQ(record.steps(0).agent_data().thought(), "The search box is [0].");
  EXPECT_THAT(record.steps(0).agent_data().raw_output(), HasSubstr("Type [0]; teapot"));
  EXPECT_EQ(record.steps(0).action().type().target().kind_case(), v1::Target::kMark);
  EXPECT_EQ(record.steps(0).action().type().text(), "teapot");
  EXPECT_TRUE(record.steps(0).action().type().submit());
  EXPECT_EQ(record.steps(1).action().click().target().mark(), 7);
  // Two thirds of the picture that was seen; of none: of 768 pixels.
  EXPECT_EQ(record.steps(2).action().scroll().delta_y(), 512);
  EXPECT_EQ(record.steps(3).action().answer().text(), "The \"Blue\" teapot [2 cups].");
}

TEST_F(WebVoyagerTest, ReadsWhatWasSeen) {
  const v1::Trajectory record = ImportOne(run_);
  EXPECT_EQ(record.initial_observation().screenshot().digest(), Sha256Hex(Png(40, 8, 300)));
  EXPECT_EQ(record.initial_observation().screenshot().height_px(), 300);
  EXPECT_TRUE(record.initial_observation().screenshot().marks_drawn());
  const v1::Observation& results = record.steps(0).observation();
  EXPECT_EQ(results.screenshot().digest(), Sha256Hex(Png(80, 8, 300)));
  ASSERT_EQ(results.elements_size(), 2);
  EXPECT_EQ(results.elements(0).tag(), "input");
  EXPECT_EQ(results.elements(1).mark(), 3);
  EXPECT_EQ(results.elements(1).text(), "Teapot, 2 cups");
  EXPECT_EQ(results.elements(1).name(), "Go to; the teapot");
  EXPECT_EQ(record.steps(1).observation().action_error(),
            "The action cannot be done: there is no [7].");
  EXPECT_FALSE(record.steps(1).observation().has_screenshot());
  EXPECT_THAT(record.steps(2).observation().notices(), ElementsAre("note: it is not a textbox."));
  EXPECT_FALSE(record.steps(3).has_observation());
}

TEST_F(WebVoyagerTest, IsTheSameAfterARoundTrip) {
  Json unfinished = Messages();
  unfinished.erase(8);
  WriteRun(directory_ / "runs/taskTea Shop--5", unfinished);
  unfinished.erase(7);
  WriteRun(directory_ / "runs/task6", unfinished);
  // A second run of the first task.
  Json other = Messages();
  other[8] = Message("assistant", "Thought: Found.\nAction: ANSWER; None.");
  WriteRun(directory_ / "runs/later/taskTea Shop--4", other);
  ExpectSameAfterRoundTrip(directory_ / "runs", v1::TRAJECTORY_FORMAT_WEBVOYAGER);
  EXPECT_THAT(FilesOf(directory_ / "again"), Contains("taskTea Shop--4/screenshot1.png"));
}

TEST_F(WebVoyagerTest, AnErrorThatBeginsAsAPageDoesComesBackAsAnError) {
  const std::string error = "Observation: the page has gone.";
  Json messages = Messages();
  messages[5]["content"] = WriteActionError(error);
  WriteRun(run_, messages);
  ExpectSameAfterRoundTrip(directory_ / "runs", v1::TRAJECTORY_FORMAT_WEBVOYAGER);
  Room other;
  const auto again = Import(other, directory_ / "again");
  ASSERT_TRUE(again.ok()) << again.status();
  ASSERT_EQ(again->names_size(), 1) << again->ShortDebugString();
  EXPECT_EQ(Record(other, again->names(0)).steps(1).observation().action_error(), error);
  for (const std::string& any :
       {error, " " + error, WriteActionError(error), std::string("{\"action_error\": 1}"),
        std::string("{\"a\": \"b\"}"), std::string("{"), std::string("There is no [7].")}) {
    const std::string written = WriteActionError(any);
    EXPECT_FALSE(ShowsPage(written)) << any;
    EXPECT_EQ(ReadActionError(written), any);
  }
}

TEST_F(WebVoyagerTest, WritesPngsAlsoWhereRecompressionMadeThemWebps) {
  const v1::Trajectory record = ImportOne(run_);
  std::map<std::string, imaging::Image> pictures;
  for (const std::string& digest : NamedBlobs(record)) {
    const std::string png = room_.blobs->Get(context_, digest).value();
    const imaging::Image image = imaging::Decode(png).value();
    ASSERT_TRUE(room_.blobs->Replace(context_, digest, imaging::EncodeLosslessWebp(image).value()).ok());
    pictures[digest] = image;
  }
  ASSERT_EQ(pictures.size(), 3u);
  const auto exported = Export(room_, {record.name()}, directory_ / "again", v1::TRAJECTORY_FORMAT_WEBVOYAGER);
  ASSERT_TRUE(exported.ok()) << exported.status();
  const std::string bytes = ReadAll(directory_ / "again/taskTea Shop--4/screenshot1.png");
  EXPECT_TRUE(bytes.starts_with("\x89PNG"));
  EXPECT_EQ(imaging::Decode(bytes)->bgra, pictures[record.initial_observation().screenshot().digest()].bgra);
}

TEST_F(WebVoyagerTest, SaysWhatItSkips) {
  WriteAll(run_ + "/agent.log", "...");
  WriteAll(run_ + "/screenshot9.png", Png(9));
  const auto result = Import(room_, run_);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_THAT(
      Skipped(*result),
      ElementsAre("taskTea Shop--4 | messages[] | the system prompt has no place in a trajectory",
                  "taskTea Shop--4 | agent.log | is not read",
                  "taskTea Shop--4 | screenshot9.png | no turn of the conversation has this "
                  "number"));
  EXPECT_EQ(result->skipped_count(), 3);
}

TEST_F(WebVoyagerTest, TellsHowARunWithoutAnAnswerEnded) {
  Json messages = Messages();
  messages.erase(8);
  WriteRun(run_, messages);
  EXPECT_EQ(ImportOne(run_).end_kind(), v1::END_KIND_INTERRUPTED);
  messages.erase(7);
  WriteRun(run_, messages);
  EXPECT_EQ(ImportOne(run_).end_reason(), v1::END_REASON_STEP_LIMIT);
}

TEST_F(WebVoyagerTest, DoesNotWriteWhatItCannotCarry) {
  RecordEpisode(room_, "e1", 2);
  const auto none =
      Export(room_, {"trajectories/e1"}, directory_ / "out", v1::TRAJECTORY_FORMAT_WEBVOYAGER);
  EXPECT_EQ(none.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(none.status().ToString(), HasSubstr("not a PNG, JPEG or WebP picture"));
  EXPECT_FALSE(fs::exists(directory_ / "out"));
  const std::string good = ImportOne(run_).name();
  const auto one = Export(room_, {"trajectories/e1", good}, directory_ / "out",
                          v1::TRAJECTORY_FORMAT_WEBVOYAGER);
  ASSERT_TRUE(one.ok()) << one.status();
  EXPECT_EQ(one->exported(), 1);
  EXPECT_EQ(one->failed().count("trajectories/e1"), 1u);
}

TEST_F(WebVoyagerTest, AnExportOfNothingLeavesNoFolder) {
  const auto exported = Export(room_, {}, directory_ / "out", v1::TRAJECTORY_FORMAT_WEBVOYAGER);
  ASSERT_TRUE(exported.ok()) << exported.status();
  EXPECT_EQ(exported->exported(), 0);
  EXPECT_EQ(exported->path(), "");
  EXPECT_FALSE(fs::exists(directory_ / "out"));
}

TEST_F(WebVoyagerTest, ReadsTextsAsTheLoopDid) {
  const v1::Observation seen;
  const auto read = [&](const std::string& text) {
    return ReadWebVoyagerTurn("Thought: t Action: " + text, seen).action.ShortDebugString();
  };
  EXPECT_EQ(read("Click 12"), "click { target { mark: 12 } }");
  EXPECT_EQ(read("Click [0]"), "click { target { mark: 0 } }");
  EXPECT_EQ(read("I will Click [3]."), "click { target { mark: 3 } }");
  EXPECT_EQ(read("Scroll [4]; [up]"), "scroll { target { mark: 4 } delta_y: -512 }");
  EXPECT_EQ(read("Wait"), "wait { duration { seconds: 5 } }");
  EXPECT_EQ(read("GoBack"), "go_back { }");
  EXPECT_EQ(read("Google"), "goto { url: \"https://www.google.com/\" }");
  EXPECT_EQ(read("ANSWER; [Click [3]]"), "answer { text: \"Click [3]\" }");
  EXPECT_EQ(read("{\"press_keys\":{\"chords\":[\"Enter\"]}}"), "press_keys { chords: \"Enter\" }");
  EXPECT_EQ(read("Click [99999999999]"), "");
  EXPECT_EQ(read("Dance"), "");
  EXPECT_EQ(ReadWebVoyagerTurn("no form at all", seen).thought, "");
}

TEST_F(WebVoyagerTest, ReadsTheSiteLastNamedBeforeTheTaskEnds) {
  const auto task =
      ReadWebVoyagerTask("Now given a task: and get the answer. Please interact with it.  Please interact with u and get the answer. Please interact with v");
  ASSERT_TRUE(task.has_value());
  EXPECT_EQ(task->goal, "and get the answer. Please interact with it.");
  EXPECT_EQ(task->start_url, "u");
  EXPECT_EQ(task->observation, "Please interact with v");
  EXPECT_EQ(ReadWebVoyagerTask("Now given a task: x Please interact with and get the answer.")->start_url, "");
}

// Hours, were all that comes before looked through again for each end.
TEST_F(WebVoyagerTest, ReadsATaskWithEndsWithoutNumberInTimeLinearInItsSize) {
  std::string text = "Now given a task: x";
  for (int i = 0; i < 1'000'000; ++i) text += " and get the answer.";
  EXPECT_FALSE(ReadWebVoyagerTask(text).has_value());
  EXPECT_EQ(ReadWebVoyagerTask(text + " Please interact with u and get the answer.")->start_url, "u");
}

TEST_F(WebVoyagerTest, RefusesBrokenFilesAndSaysWhich) {
  const auto with = [&](const char* pointer, const Json& value) {
    Json messages = Messages();
    messages[Json::json_pointer(pointer)] = value;
    return messages.dump();
  };
  Json after_answer = Messages();
  after_answer.push_back(Message("user", kLeftOut));
  const std::string deep(100'000, '[');
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "malformed JSON"},
      {"[{]", "malformed JSON"},
      {deep, "nested deeper"},
      {"\xff\xfe", "malformed JSON"},
      {"{}", "no array of at least two messages"},
      {"[]", "no array of at least two messages"},
      {"[1, 2]", "messages[0] is no object"},
      {with("/0/role", "user"), "messages[0].role is not 'system'"},
      {with("/2/role", "user"), "messages[2].role is not 'assistant'"},
      {with("/2/role", 7), "messages[2].role is no string"},
      {with("/1/content", "Now given a task: x"), "messages[1] does not say"},
      {with("/1/content", "Now given a task:  Please interact with u and get the answer."),
       "has an empty task"},
      {with("/3/content", nullptr), "messages[3].content is neither"},
      {with("/3/content/0/type", "audio"), "messages[3].content[0].type is neither"},
      {with("/3/content/0/text", Json::array()), "messages[3].content[0].text is no string"},
      {with("/3/content/1/image_url", 1), "messages[3].content[1].image_url is no object"},
      {after_answer.dump(), "messages[9] follows the answer"},
  };
  for (const auto& [text, reason] : cases) {
    WriteAll(run_ + "/interact_messages.json", text);
    const std::string refusal = Refusal(run_);
    EXPECT_THAT(refusal, HasSubstr(reason)) << text.substr(0, 200);
    EXPECT_THAT(refusal, HasSubstr("interact_messages.json"));
  }
}

TEST_F(WebVoyagerTest, RefusesPicturesThatAreNone) {
  const std::string picture = run_ + "/screenshot2.png";
  fs::remove(picture);
  EXPECT_THAT(Refusal(run_),
              HasSubstr("messages[3] names the picture screenshot2.png, which is missing"));
  WriteAll(picture, "GIF89a");
  EXPECT_THAT(Refusal(run_), HasSubstr("screenshot2.png: not a PNG, JPEG or WebP picture"));
  WriteAll(picture, Png(1).substr(0, 20));
  EXPECT_THAT(Refusal(run_), HasSubstr("broken header"));
  std::string giant = Png(1);
  giant.replace(16, 8, std::string("\x7f\xff\xff\xff\x7f\xff\xff\xff", 8));
  WriteAll(picture, giant);
  EXPECT_THAT(Refusal(run_), HasSubstr("is too large"));
  fs::resize_file(picture, uint64_t{1} << 40);
  EXPECT_THAT(Refusal(run_), HasSubstr("bytes, more than"));
  fs::remove(picture);
  fs::create_symlink("/etc/hostname", picture);
  EXPECT_THAT(Refusal(run_), HasSubstr("is a link"));
  fs::remove(picture);
  ASSERT_EQ(mkfifo(picture.c_str(), 0600), 0);
  EXPECT_THAT(Refusal(run_), HasSubstr("no regular file"));
}

TEST_F(WebVoyagerTest, ImportsTheRestIfOneRunIsBroken) {
  WriteRun(directory_ / "runs/taskOther--1", Messages());
  fs::remove(directory_ / "runs/taskOther--1/screenshot1.png");
  fs::create_directories(directory_ / "runs/empty");
  const auto result = Import(room_, directory_ / "runs");
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->imported(), 1);
  ASSERT_EQ(result->failed().count("taskOther--1"), 1u);
  EXPECT_THAT(result->failed().at("taskOther--1"), HasSubstr("screenshot1.png"));
  EXPECT_THAT(Skipped(*result), Contains("empty | the folder | holds no run"));
}

TEST_F(WebVoyagerTest, RefusesGiantConversationsUnread) {
  fs::resize_file(run_ + "/interact_messages.json", uint64_t{1} << 40);
  EXPECT_THAT(Refusal(run_), HasSubstr("bytes, more than"));
}

TEST_F(WebVoyagerTest, KeepsTheBoundsOfARecord) {
  Json messages = Messages();
  messages[2]["content"] = "Thought: t\nAction: Wait " + std::string(2 << 20, 'x');
  WriteRun(run_, messages);
  EXPECT_THAT(Refusal(run_), HasSubstr("step 0: agent_data has"));
}

}  // namespace
}  // namespace proctor::trajectory::formats
