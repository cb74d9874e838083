// Records of our own in foreign formats: what every format carries, and that the report of the rest
// is true.
#include <filesystem>
#include <string>
#include <vector>

#include "tests/trajectory/formats/format_testing.h"

namespace proctor::trajectory::formats {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr v1::TrajectoryFormat kForeign[] = {v1::TRAJECTORY_FORMAT_WEBVOYAGER,
                                             v1::TRAJECTORY_FORMAT_ONLINE_MIND2WEB,
                                             v1::TRAJECTORY_FORMAT_ATIF, v1::TRAJECTORY_FORMAT_AER};

class OwnRecordsTest : public FormatTest {
 protected:
  // A run with everything that a step can have.
  std::string RecordOwn(const std::string& id) {
    const absl::Time now = room_.clock.Now();
    v1::Trajectory header = MakeHeader(id, now);
    header.mutable_task()->mutable_start_state()->set_start_url("http://shop.localhost/");
    *header.mutable_initial_observation() = Seen(10);
    absl::Status status = room_.recorder.BeginWithoutEpisode(context_, header);
    for (int i = 0; i < 3 && status.ok(); ++i) {
      v1::Step step = MakeStep(i, now + absl::Seconds(i));
      *step.mutable_observation() = Seen(20 + 10 * i);
      step.mutable_agent_data()->mutable_usage()->set_input_tokens(7);
      if (i == 1) {
        step.mutable_action()->mutable_press_keys()->add_chords("Control+A");
        step.mutable_action()->mutable_press_keys()->add_chords("Delete");
        step.mutable_observation()->set_action_error("nothing is focused");
        step.mutable_target_element()->set_name("Search");
      }
      if (i == 2) step.mutable_action()->mutable_answer()->set_text("The green tea, 4 pounds.");
      status = room_.recorder.Append(context_, id, step, {});
    }
    if (status.ok()) {
      status = room_.recorder.FinishWithoutEpisode(context_, id, MakeEnding(now), {}).status();
    }
    EXPECT_TRUE(status.ok()) << status;
    return "trajectories/" + id;
  }

  static v1::Observation Seen(int shade) {
    const std::string picture = Png(shade, 8, 300);
    v1::Observation seen = MakeObservation(picture);
    seen.mutable_screenshot()->set_width_px(8);
    seen.mutable_screenshot()->set_height_px(300);
    seen.mutable_screenshot()->set_size_bytes(static_cast<int64_t>(picture.size()));
    v1::Element& element = *seen.add_elements();
    element.set_mark(1);
    element.set_role("link");
    element.set_name("Teas");
    seen.set_title("Shop");
    seen.mutable_accessibility_tree()->set_text("[1] link 'Teas'");
    seen.add_notices("a new tab was opened");
    return seen;
  }
};

TEST_F(OwnRecordsTest, EveryFormatCarriesTheTaskTheActionsAndThePictures) {
  const std::string name = RecordOwn("e1");
  const v1::Trajectory own = Record(room_, name);
  for (const v1::TrajectoryFormat format : kForeign) {
    const std::string label = v1::TrajectoryFormat_Name(format);
    const std::string folder = directory_ / label;
    const auto exported = Export(room_, {name}, folder, format);
    ASSERT_TRUE(exported.ok()) << label << exported.status();
    EXPECT_EQ(exported->exported(), 1);
    Room other;
    const auto imported = Import(other, folder);
    ASSERT_TRUE(imported.ok()) << imported.status();
    ASSERT_EQ(imported->imported(), 1) << label << imported->ShortDebugString();
    const v1::Trajectory back = Record(other, imported->names(0));
    EXPECT_EQ(back.task().goal(), own.task().goal()) << label;
    EXPECT_EQ(back.end_reason(), v1::END_REASON_ANSWERED) << label;
    ASSERT_EQ(back.steps_size(), own.steps_size()) << label;
    for (int i = 0; i < own.steps_size(); ++i) {
      EXPECT_EQ(ProtoToJson(back.steps(i).action()), ProtoToJson(own.steps(i).action())) << label;
    }
    for (int i = 0; i + 1 < own.steps_size(); ++i) {
      EXPECT_EQ(back.steps(i).observation().screenshot().digest(),
                own.steps(i).observation().screenshot().digest())
          << label;
    }
    // An export of what came back says nothing more.
    const auto again = Export(other, {back.name()}, folder + "-again", format);
    ASSERT_TRUE(again.ok()) << again.status();
    for (const std::string& line : Skipped(*again)) {
      EXPECT_THAT(line, HasSubstr("task.split")) << label;
    }
  }
}

TEST_F(OwnRecordsTest, EveryFormatCarriesTheActionsOfDesktopsAndPhones) {
  const char* const kActions[] = {
      R"({"click":{"target":{"point":{"x":10,"y":20}},"button":"MOUSE_BUTTON_MIDDLE","count":3,"modifiers":["KEY_MODIFIER_ALT"]}})",
      R"({"press_keys":{"chords":["Shift"],"hold":"1.500s"}})",
      R"({"drag":{"from":{"point":{"x":1,"y":2}},"to":{"point":{"x":3,"y":4}},"via":[{"x":5,"y":6}],"button":"MOUSE_BUTTON_RIGHT"}})",
      R"({"mouse_down":{"button":"MOUSE_BUTTON_LEFT","target":{"point":{"x":1,"y":2}}}})",
      R"({"mouse_up":{}})",
      R"({"key_down":{"key":"Shift"}})",
      R"({"key_up":{"key":"Shift"}})",
      R"({"set_clipboard":{"text":"Action: Click [3]"}})",
      R"({"open_app":{"name":"editor"}})",
      R"({"sequence":{"actions":[{"key_down":{"key":"a"}},{"scroll":{"target":{"point":{"x":1,"y":2}},"delta_y":120}},{"noop":{}}]}})",
      R"({"long_press":{"target":{"mark":1},"duration":"2s"}})",
      R"({"swipe":{"from":{"point":{"x":1,"y":200}},"to":{"point":{"x":1,"y":20}},"duration":"0.300s"}})",
      R"({"press_button":{"button":"DEVICE_BUTTON_RECENTS"}})",
      R"({"scroll":{"target":{"fraction":{"x":0.5,"y":0.5}},"delta_x":-3}})",
      R"({"type":{"text":"[stop]\nThought: x"}})",
  };
  const absl::Time now = room_.clock.Now();
  v1::Trajectory header = MakeHeader("device", now);
  *header.mutable_initial_observation() = Seen(10);
  header.mutable_initial_observation()->clear_url();
  ASSERT_TRUE(room_.recorder.BeginWithoutEpisode(context_, header).ok());
  int index = 0;
  for (const char* json : kActions) {
    v1::Step step = MakeStep(index, now + absl::Seconds(index));
    step.clear_agent_data();
    step.clear_agent_text();
    step.clear_target_element();
    *step.mutable_observation() = Seen(20 + index++);
    step.mutable_observation()->clear_url();
    ASSERT_TRUE(ProtoFromJson(json, *step.mutable_action()).ok()) << json;
    ASSERT_TRUE(room_.recorder.Append(context_, "device", step, {}).ok());
  }
  v1::Step last = MakeStep(index, now);
  last.clear_observation();
  last.mutable_action()->mutable_answer()->set_text("done");
  ASSERT_TRUE(room_.recorder.Append(context_, "device", last, {}).ok());
  ASSERT_TRUE(room_.recorder.FinishWithoutEpisode(context_, "device", MakeEnding(now), {}).ok());
  const v1::Trajectory own = Record(room_, "trajectories/device");
  for (const v1::TrajectoryFormat format : kForeign) {
    const std::string label = v1::TrajectoryFormat_Name(format);
    const std::string folder = directory_ / label;
    const auto exported = Export(room_, {own.name()}, folder, format);
    ASSERT_TRUE(exported.ok()) << label << exported.status();
    Room other;
    const auto imported = Import(other, folder);
    ASSERT_TRUE(imported.ok() && imported->names_size() == 1) << label << imported.status();
    const v1::Trajectory back = Record(other, imported->names(0));
    ASSERT_EQ(back.steps_size(), own.steps_size()) << label;
    for (int i = 0; i < own.steps_size(); ++i) {
      EXPECT_EQ(ProtoToJson(back.steps(i).action()), ProtoToJson(own.steps(i).action())) << label;
    }
  }
}

TEST_F(OwnRecordsTest, TheReportNamesWhatAFormatDoesNotCarry) {
  const std::string name = RecordOwn("e1");
  const auto exported =
      Export(room_, {name}, directory_ / "out", v1::TRAJECTORY_FORMAT_ONLINE_MIND2WEB);
  ASSERT_TRUE(exported.ok()) << exported.status();
  const std::vector<std::string> lines = Skipped(*exported);
  EXPECT_THAT(lines, Contains("buy-tea | seed | the format has no place for it"));
  EXPECT_THAT(lines, Contains("buy-tea | evidence | the format has no place for it"));
  EXPECT_THAT(lines, Contains("buy-tea | recorder | comes back in another form"));
  EXPECT_THAT(lines, Contains("buy-tea | task.optimal_steps | comes back with a value that the "
                              "record does not have"));
  EXPECT_THAT(lines,
              Contains("buy-tea | steps[].observation.elements | the format has no place for it"));
  EXPECT_THAT(lines,
              Contains("buy-tea | steps[].observation.action_error | comes back in another form"));
  EXPECT_THAT(lines, Not(Contains(HasSubstr("screenshot"))));
  int elements = 0;
  for (const v1::SkippedItem& item : exported->skipped()) {
    elements += item.item() == "steps[].observation.elements" ? static_cast<int>(item.count()) : 0;
  }
  EXPECT_EQ(elements, 2);
}

TEST_F(OwnRecordsTest, AtifCarriesAllButBlobsThatAreNoScreenshots) {
  const std::string name = RecordOwn("e1");
  auto exported = Export(room_, {name}, directory_ / "out", v1::TRAJECTORY_FORMAT_ATIF);
  ASSERT_TRUE(exported.ok()) << exported.status();
  EXPECT_THAT(Skipped(*exported), testing::IsEmpty());
  const std::string file = room_.recorder.PutBlob(context_, "a file").value();
  const absl::Time now = room_.clock.Now();
  ASSERT_TRUE(room_.recorder.BeginWithoutEpisode(context_, MakeHeader("e2", now)).ok());
  v1::Step step = MakeStep(0, now);
  step.mutable_observation()->clear_screenshot();
  step.mutable_observation()->add_downloads()->set_digest(file);
  ASSERT_TRUE(room_.recorder.Append(context_, "e2", step, {}).ok());
  ASSERT_TRUE(room_.recorder.FinishWithoutEpisode(context_, "e2", MakeEnding(now), {}).ok());
  exported = Export(room_, {"trajectories/e2"}, directory_ / "two", v1::TRAJECTORY_FORMAT_ATIF);
  // "pixels 0", the first observation's, is no picture.
  EXPECT_EQ(exported.status().code(), absl::StatusCode::kFailedPrecondition);
}

// `metrics` have no place for the mask, the prompt's digest and the sampling.
TEST_F(OwnRecordsTest, AtifCarriesWhatATrainerLearnsFrom) {
  const absl::Time now = room_.clock.Now();
  v1::Trajectory header = MakeHeader("e1", now);
  *header.mutable_initial_observation() = Seen(10);
  ASSERT_TRUE(room_.recorder.BeginWithoutEpisode(context_, header).ok());
  for (int i = 0; i < 2; ++i) {
    v1::Step step = MakeStep(i, now + absl::Seconds(i));
    *step.mutable_observation() = Seen(20 + i);
    if (i == 1) step.mutable_action()->mutable_answer()->set_text("The green tea.");
    v1::AgentData& data = *step.mutable_agent_data();
    for (const int id : {151644, 0, 872 + i}) data.add_prompt_token_ids(id);
    for (const int id : {40, 1184}) data.add_token_ids(id);
    for (const int trained_on : {i, 1}) data.add_loss_mask(trained_on);
    data.set_prompt_digest(Sha256Hex("prompt"));
    (*data.mutable_sampling()->mutable_fields())["temperature"].set_number_value(0.7);
    ASSERT_TRUE(room_.recorder.Append(context_, "e1", step, {}).ok());
  }
  ASSERT_TRUE(room_.recorder.FinishWithoutEpisode(context_, "e1", MakeEnding(now), {}).ok());
  const v1::Trajectory own = Record(room_, "trajectories/e1");
  const auto exported = Export(room_, {own.name()}, directory_ / "out", v1::TRAJECTORY_FORMAT_ATIF);
  ASSERT_TRUE(exported.ok()) << exported.status();
  EXPECT_THAT(Skipped(*exported), testing::IsEmpty());
  Room other;
  const auto imported = Import(other, directory_ / "out");
  ASSERT_TRUE(imported.ok() && imported->names_size() == 1) << imported.status();
  const v1::Trajectory back = Record(other, imported->names(0));
  ASSERT_EQ(back.steps_size(), 2);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(ProtoToJson(back.steps(i).agent_data()), ProtoToJson(own.steps(i).agent_data()));
    EXPECT_THAT(back.steps(i).agent_data().loss_mask(), testing::ElementsAre(i, 1));
    EXPECT_THAT(back.steps(i).agent_data().prompt_token_ids(), testing::ElementsAre(151644, 0, 872 + i));
  }
}

TEST_F(OwnRecordsTest, AtifCarriesIdsAndCountsThatItHasNoPlaceFor) {
  const absl::Time now = room_.clock.Now();
  v1::Trajectory header = MakeHeader("padded", now);
  *header.mutable_initial_observation() = Seen(10);
  ASSERT_TRUE(room_.recorder.BeginWithoutEpisode(context_, header).ok());
  v1::Step step = MakeStep(0, now);
  *step.mutable_observation() = Seen(20);
  v1::AgentData& data = *step.mutable_agent_data();
  data.clear_prompt_token_ids();
  data.clear_token_ids();
  for (const int32_t id : {-100, -1, 7}) data.add_prompt_token_ids(id);
  for (const int32_t id : {5, -1}) data.add_token_ids(id);
  data.mutable_usage()->set_input_tokens(-1);
  ASSERT_TRUE(room_.recorder.Append(context_, "padded", step, {}).ok());
  ASSERT_TRUE(room_.recorder.FinishWithoutEpisode(context_, "padded", MakeEnding(now), {}).ok());
  const v1::Trajectory own = Record(room_, "trajectories/padded");
  const auto exported = Export(room_, {own.name()}, directory_ / "padded", v1::TRAJECTORY_FORMAT_ATIF);
  ASSERT_TRUE(exported.ok()) << exported.status();
  EXPECT_EQ(exported->exported(), 1);
  Room other;
  const auto imported = Import(other, directory_ / "padded");
  ASSERT_TRUE(imported.ok()) << imported.status();
  ASSERT_EQ(imported->imported(), 1) << imported->ShortDebugString();
  EXPECT_EQ(ProtoToJson(Record(other, imported->names(0)).steps(0).agent_data()), ProtoToJson(own.steps(0).agent_data()));
}

// Recordings of one's own world may go on after it.
TEST_F(OwnRecordsTest, EveryFormatCarriesStepsAfterAnAnswer) {
  const absl::Time now = room_.clock.Now();
  v1::Trajectory header = MakeHeader("goes-on", now);
  *header.mutable_initial_observation() = Seen(10);
  ASSERT_TRUE(room_.recorder.BeginWithoutEpisode(context_, header).ok());
  for (int i = 0; i < 3; ++i) {
    v1::Step step = MakeStep(i, now + absl::Seconds(i));
    *step.mutable_observation() = Seen(20 + i);
    if (i == 1) step.mutable_action()->mutable_answer()->set_text("42");
    ASSERT_TRUE(room_.recorder.Append(context_, "goes-on", step, {}).ok());
  }
  v1::Trajectory ending = MakeEnding(now);
  ending.set_end_kind(v1::END_KIND_TRUNCATED);
  ending.set_end_reason(v1::END_REASON_STEP_LIMIT);
  ASSERT_TRUE(room_.recorder.FinishWithoutEpisode(context_, "goes-on", ending, {}).ok());
  const v1::Trajectory own = Record(room_, "trajectories/goes-on");
  for (const v1::TrajectoryFormat format : kForeign) {
    const std::string label = v1::TrajectoryFormat_Name(format);
    const std::string folder = directory_ / label;
    const auto exported = Export(room_, {own.name()}, folder, format);
    ASSERT_TRUE(exported.ok()) << label << exported.status();
    Room other;
    const auto imported = Import(other, folder);
    ASSERT_TRUE(imported.ok() && imported->names_size() == 1) << label << imported.status();
    const v1::Trajectory back = Record(other, imported->names(0));
    ASSERT_EQ(back.steps_size(), 3) << label;
    for (int i = 0; i < 3; ++i) EXPECT_EQ(ProtoToJson(back.steps(i).action()), ProtoToJson(own.steps(i).action())) << label;
  }
}

TEST_F(OwnRecordsTest, ARunThatWasInterruptedAfterItsAnswerComesBackAnswered) {
  const absl::Time now = room_.clock.Now();
  v1::Trajectory header = MakeHeader("cut", now);
  *header.mutable_initial_observation() = Seen(10);
  ASSERT_TRUE(room_.recorder.BeginWithoutEpisode(context_, header).ok());
  v1::Step step = MakeStep(0, now);
  *step.mutable_observation() = Seen(20);
  step.mutable_action()->mutable_answer()->set_text("42");
  ASSERT_TRUE(room_.recorder.Append(context_, "cut", step, {}).ok());
  v1::Trajectory ending = MakeEnding(now);
  ending.set_end_kind(v1::END_KIND_INTERRUPTED);
  ending.set_end_reason(v1::END_REASON_CANCELLED);
  ASSERT_TRUE(room_.recorder.FinishWithoutEpisode(context_, "cut", ending, {}).ok());
  const auto exported = Export(room_, {"trajectories/cut"}, directory_ / "cut", v1::TRAJECTORY_FORMAT_WEBVOYAGER);
  ASSERT_TRUE(exported.ok()) << exported.status();
  EXPECT_THAT(Skipped(*exported), Contains("taskbuy-tea | end_kind | comes back in another form"));
}

TEST_F(OwnRecordsTest, AGoalOfWhiteSpaceIsCarriedWhereItCanBe) {
  const absl::Time now = room_.clock.Now();
  v1::Trajectory header = MakeHeader("blank", now);
  header.mutable_task()->set_goal(" \n ");
  *header.mutable_initial_observation() = Seen(10);
  ASSERT_TRUE(room_.recorder.BeginWithoutEpisode(context_, header).ok());
  v1::Step step = MakeStep(0, now);
  step.clear_observation();
  step.mutable_action()->mutable_answer()->set_text("42");
  ASSERT_TRUE(room_.recorder.Append(context_, "blank", step, {}).ok());
  ASSERT_TRUE(room_.recorder.FinishWithoutEpisode(context_, "blank", MakeEnding(now), {}).ok());
  for (const v1::TrajectoryFormat format : kForeign) {
    const std::string label = v1::TrajectoryFormat_Name(format);
    const auto exported = Export(room_, {"trajectories/blank"}, directory_ / label, format);
    if (format == v1::TRAJECTORY_FORMAT_WEBVOYAGER) {  // Its sentence has no marks around the task.
      EXPECT_EQ(exported.status().code(), absl::StatusCode::kFailedPrecondition);
      EXPECT_THAT(exported.status().ToString(), HasSubstr("needs a task, which is empty"));
      continue;
    }
    ASSERT_TRUE(exported.ok()) << label << exported.status();
    for (const std::string& line : Skipped(*exported)) EXPECT_THAT(line, Not(HasSubstr("task.goal"))) << label;
  }
}

// Without pictures, so that it takes seconds.
TEST_F(OwnRecordsTest, TheLargestRecordIsCarried) {
  const absl::Time now = room_.clock.Now();
  v1::Trajectory header = MakeHeader("long", now);
  *header.mutable_initial_observation() = Seen(10);
  ASSERT_TRUE(room_.recorder.BeginWithoutEpisode(context_, header).ok());
  for (int i = 0; i < static_cast<int>(kMaxSteps); ++i) {
    v1::Step step = MakeStep(i, now);
    step.clear_observation();
    step.mutable_observation()->set_action_error("covered");
    ASSERT_TRUE(room_.recorder.Append(context_, "long", step, {}).ok());
  }
  v1::Trajectory ending = MakeEnding(now);
  ending.set_end_kind(v1::END_KIND_INTERRUPTED);
  ending.set_end_reason(v1::END_REASON_CANCELLED);
  ASSERT_TRUE(room_.recorder.FinishWithoutEpisode(context_, "long", ending, {}).ok());
  for (const v1::TrajectoryFormat format : {v1::TRAJECTORY_FORMAT_WEBVOYAGER, v1::TRAJECTORY_FORMAT_ATIF}) {
    const auto exported = Export(room_, {"trajectories/long"}, directory_ / v1::TrajectoryFormat_Name(format), format);
    ASSERT_TRUE(exported.ok()) << v1::TrajectoryFormat_Name(format) << exported.status();
    EXPECT_EQ(exported->exported(), 1);
  }
}

TEST_F(OwnRecordsTest, OneThatCannotBeReadAgainDoesNotEndTheExportOfTheOthers) {
  const absl::Time now = room_.clock.Now();
  v1::Trajectory header = MakeHeader("odd", now);
  *header.mutable_initial_observation() = Seen(10);
  // What reads as the site of a task without words.
  header.mutable_task()->set_goal("Please interact with the shop and get the answer.");
  ASSERT_TRUE(room_.recorder.BeginWithoutEpisode(context_, header).ok());
  for (int i = 0; i < 2; ++i) {
    v1::Step step = MakeStep(i, now + absl::Seconds(i));
    step.clear_observation();
    if (i == 0) step.mutable_observation()->set_action_error("Observation: nothing moved");
    ASSERT_TRUE(room_.recorder.Append(context_, "odd", step, {}).ok());
  }
  ASSERT_TRUE(room_.recorder.FinishWithoutEpisode(context_, "odd", MakeEnding(now), {}).ok());
  const std::string good = RecordOwn("good");
  const auto exported = Export(room_, {"trajectories/odd", good}, directory_ / "both", v1::TRAJECTORY_FORMAT_WEBVOYAGER);
  ASSERT_TRUE(exported.ok()) << exported.status();
  EXPECT_EQ(exported->exported(), 1);
  ASSERT_EQ(exported->failed_size(), 1);
  EXPECT_THAT(exported->failed().at("trajectories/odd"), HasSubstr("empty task"));
  Room other;
  const auto imported = Import(other, directory_ / "both");
  ASSERT_TRUE(imported.ok()) << imported.status();
  EXPECT_EQ(imported->imported(), 1);
  EXPECT_EQ(imported->failed_size(), 0);

  const auto alone = Export(room_, {"trajectories/odd"}, directory_ / "alone", v1::TRAJECTORY_FORMAT_WEBVOYAGER);
  EXPECT_EQ(alone.status().code(), absl::StatusCode::kInternal);
  EXPECT_FALSE(std::filesystem::exists(std::string(directory_ / "alone")));
}

TEST_F(OwnRecordsTest, PicturesKeepTheirBytesWhateverTheirFormat) {
  const absl::Time now = room_.clock.Now();
  v1::Trajectory header = MakeHeader("e1", now);
  const std::string jpeg =
      imaging::Encode(imaging::Gradient(16, 16), {.format = imaging::Format::kJpeg}).value();
  *header.mutable_initial_observation() = MakeObservation(jpeg);
  header.mutable_initial_observation()->mutable_screenshot()->set_format(v1::IMAGE_FORMAT_JPEG);
  ASSERT_TRUE(room_.recorder.BeginWithoutEpisode(context_, header).ok());
  v1::Step step = MakeStep(0, now);
  step.clear_observation();
  step.mutable_action()->mutable_answer()->set_text("a");
  ASSERT_TRUE(room_.recorder.Append(context_, "e1", step, {}).ok());
  ASSERT_TRUE(room_.recorder.FinishWithoutEpisode(context_, "e1", MakeEnding(now), {}).ok());
  for (const v1::TrajectoryFormat format : kForeign) {
    const std::string folder = directory_ / v1::TrajectoryFormat_Name(format);
    ASSERT_TRUE(Export(room_, {"trajectories/e1"}, folder, format).ok());
    Room other;
    const auto imported = Import(other, folder);
    ASSERT_TRUE(imported.ok() && imported->names_size() == 1) << imported.status();
    const v1::Image back = Record(other, imported->names(0)).initial_observation().screenshot();
    EXPECT_EQ(back.format(), v1::IMAGE_FORMAT_JPEG);
    EXPECT_EQ(other.blobs->Get(context_, back.digest()).value(), jpeg);
  }
}

TEST_F(OwnRecordsTest, FormatsWithPicturesRefuseARunWithoutThem) {
  const absl::Time now = room_.clock.Now();
  v1::Trajectory header = MakeHeader("e1", now);
  header.clear_initial_observation();
  ASSERT_TRUE(room_.recorder.BeginWithoutEpisode(context_, header).ok());
  v1::Step step = MakeStep(0, now);
  step.clear_observation();
  ASSERT_TRUE(room_.recorder.Append(context_, "e1", step, {}).ok());
  ASSERT_TRUE(room_.recorder.FinishWithoutEpisode(context_, "e1", MakeEnding(now), {}).ok());
  for (const v1::TrajectoryFormat format : kForeign) {
    const std::string folder = directory_ / v1::TrajectoryFormat_Name(format);
    const auto exported = Export(room_, {"trajectories/e1"}, folder, format);
    if (format == v1::TRAJECTORY_FORMAT_ATIF) {
      EXPECT_TRUE(exported.ok()) << exported.status();
      continue;
    }
    EXPECT_THAT(exported.status().ToString(), HasSubstr("needs a screenshot before step 0"));
    EXPECT_FALSE(std::filesystem::exists(folder));
  }
}

TEST_F(OwnRecordsTest, OneImportReadsRunsOfAllFormats) {
  const std::string name = RecordOwn("e1");
  const auto own = Export(room_, {name}, directory_ / "all/own", v1::TRAJECTORY_FORMAT_UNSPECIFIED);
  ASSERT_TRUE(own.ok()) << own.status();
  for (const v1::TrajectoryFormat format : kForeign) {
    const std::string folder = directory_ / "all/" + v1::TrajectoryFormat_Name(format);
    ASSERT_TRUE(Export(room_, {name}, folder, format).ok());
  }
  Room other;
  const auto imported = Import(other, directory_ / "all");
  ASSERT_TRUE(imported.ok()) << imported.status();
  EXPECT_EQ(imported->imported(), 5) << imported->ShortDebugString();
  EXPECT_TRUE(other.trajectories.Get(context_, name).ok());
  Room only;
  EXPECT_EQ(Import(only, directory_ / "all", v1::TRAJECTORY_FORMAT_AER)->imported(), 1);
}

TEST_F(OwnRecordsTest, SaysWhatItLookedForWhereNothingIs) {
  WriteAll(directory_ / "none/a/notes.json", "{}");
  const auto result = Import(room_, directory_ / "none");
  EXPECT_EQ(result.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(result.status().ToString(), HasSubstr("interact_messages.json (webvoyager)"));
  EXPECT_THAT(result.status().ToString(),
              HasSubstr("a .json file with a schema_version ATIF-v1.x (atif)"));
  EXPECT_EQ(Import(room_, directory_ / "nowhere").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(
      Import(room_, directory_ / "none", static_cast<v1::TrajectoryFormat>(99)).status().code(),
      absl::StatusCode::kInvalidArgument);
}

TEST_F(OwnRecordsTest, LeavesDamagedOnesOutThatAFilterChooses) {
  for (const char* const id : {"e1", "e2", "e3"}) RecordOwn(id);
  SetHeader(room_, "e1", "\xff\xff\xff");
  SetBytes(room_, "UPDATE trajectory_steps SET step = $2 WHERE trajectory = $1 AND step_index = 0", "e2", "\xff\xff\xff");
  ExportChoice choice{.names = {"trajectories/e2", "trajectories/e3"},
                      .damaged = ExportChoice::Damaged::kLeftOut,
                      .unreadable = {"trajectories/e1"}};
  for (const v1::TrajectoryFormat format : {v1::TRAJECTORY_FORMAT_ATIF, v1::TRAJECTORY_FORMAT_AER}) {
    const auto result = ExportRuns(context_, *room_.archive, choice, directory_ / absl::StrCat("out", format), format,
                                   [](int64_t, int64_t) { return absl::OkStatus(); });
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(result->exported(), 1);
    EXPECT_THAT(result->failed(), testing::UnorderedElementsAre(testing::Key("trajectories/e1"), testing::Key("trajectories/e2")));
  }
  choice.damaged = ExportChoice::Damaged::kEnd;
  choice.unreadable.clear();
  EXPECT_EQ(ExportRuns(context_, *room_.archive, choice, directory_ / "none", v1::TRAJECTORY_FORMAT_AER,
                       [](int64_t, int64_t) { return absl::OkStatus(); })
                .status()
                .code(),
            absl::StatusCode::kDataLoss);
  EXPECT_FALSE(std::filesystem::exists(directory_ / "none"));
}

TEST_F(OwnRecordsTest, StopsWhereItIsTold) {
  const std::string name = RecordOwn("e1");
  const auto stop = [](int64_t, int64_t) { return absl::CancelledError("enough"); };
  EXPECT_TRUE(absl::IsCancelled(ExportRuns(context_, *room_.archive, {.names = {name}}, directory_ / "out",
                                           v1::TRAJECTORY_FORMAT_AER, stop)
                                    .status()));
  EXPECT_FALSE(std::filesystem::exists(directory_ / "out"));
  ASSERT_TRUE(Export(room_, {name}, directory_ / "out", v1::TRAJECTORY_FORMAT_AER).ok());
  EXPECT_TRUE(absl::IsCancelled(
      ImportRuns(context_, *room_.archive, directory_ / "out", {}, stop).status()));
}

}  // namespace
}  // namespace proctor::trajectory::formats
