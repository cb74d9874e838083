// Documents of the Agent Trajectory Interchange Format: what is read, the round trip, what is
// refused.
#include <string>
#include <vector>

#include "tests/trajectory/formats/format_testing.h"

namespace proctor::trajectory::formats {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Json Picture(const std::string& path) {
  return {{"type", "image"}, {"source", {{"media_type", "image/png"}, {"path", path}}}};
}

Json Text(const std::string& text) { return {{"type", "text"}, {"text", text}}; }

// A browser's run: a click of ours, two calls of foreign tools at once, a note of the user, the
// answer.
Json Document() {
  return {
      {"schema_version", "ATIF-v1.6"},
      {"session_id", "s-1"},
      {"agent", {{"name", "surfer"}, {"version", "1.2"}, {"model_name", "m-7"}}},
      {"steps",
       {{{"step_id", 1}, {"source", "system"}, {"message", "You browse."}},
        {{"step_id", 2},
         {"source", "user"},
         {"timestamp", "2026-03-01T10:00:00.25Z"},
         {"message", {Text("Find a teapot."), Picture("images/0.png")}}},
        {{"step_id", 3},
         {"source", "agent"},
         {"timestamp", "2026-03-01T11:00:05+01:00"},
         {"message", "I click the box."},
         {"reasoning_content", "There is a search box."},
         {"model_name", "m-7"},
         {"tool_calls",
          {{{"tool_call_id", "a"},
            {"function_name", "click"},
            {"arguments", {{"target", {{"mark", 4}}}}}}}},
         {"observation",
          {{"results",
            {{{"source_call_id", "a"}, {"content", {Text("Results"), Picture("images/1.png")}}}}}}},
         {"metrics",
          {{"prompt_tokens", 900},
           {"completion_tokens", 12},
           {"cost_usd", 0.015},
           {"completion_token_ids", {5, 6}},
           {"logprobs", {-0.1, -2.5}}}}},
        {{"step_id", 4},
         {"source", "agent"},
         {"message", ""},
         {"tool_calls",
          {{{"tool_call_id", "b"},
            {"function_name", "bash"},
            {"arguments", {{"command", "ls"}, {"n", 12345678901234567}}}},
           {{"tool_call_id", "c"}, {"function_name", "read"}, {"arguments", Json::object()}}}},
         {"observation",
          {{"results",
            {{{"source_call_id", "b"}, {"content", "file"}},
             {{"source_call_id", "c"}, {"content", "text"}},
             {{"content", "more"}}}}}}},
        {{"step_id", 5}, {"source", "user"}, {"message", "Hurry up."}},
        {{"step_id", 6}, {"source", "agent"}, {"message", "The blue teapot."}}}},
      {"final_metrics", {{"total_steps", 6}, {"total_prompt_tokens", 900}}}};
}

class AtifTest : public FormatTest {
 protected:
  void WriteRun(const std::string& folder, const Json& document) {
    WriteAll(folder + "/trajectory.json", document.dump(2));
    WriteAll(folder + "/images/0.png", Png(10));
    WriteAll(folder + "/images/1.png", Png(20));
  }
  void SetUp() override { WriteRun(run_, Document()); }

  // As harness folders have it: two levels down.
  const std::string run_ = directory_ / "jobs/trial-1/agent";
};

TEST_F(AtifTest, ReadsTaskStepsAndEnd) {
  const v1::Trajectory record = ImportOne(directory_ / "jobs");
  EXPECT_EQ(record.task().goal(), "Find a teapot.");
  EXPECT_EQ(record.policy().policy(), "surfer");
  EXPECT_EQ(record.policy().version(), "1.2");
  EXPECT_EQ(record.client_tags().at("session_id"), "s-1");
  EXPECT_EQ(record.client_tags().at("model_name"), "m-7");
  EXPECT_EQ(record.recorder(), "atif");
  EXPECT_EQ(record.start_time().nanos(), 250'000'000);
  EXPECT_EQ(record.end_reason(), v1::END_REASON_ANSWERED);
  EXPECT_EQ(record.initial_observation().screenshot().digest(), Sha256Hex(Png(10)));
  ASSERT_EQ(record.steps_size(), 4);
  const v1::Step& click = record.steps(0);
  EXPECT_EQ(click.action().click().target().mark(), 4);
  EXPECT_EQ(click.start_time().seconds(), record.start_time().seconds() + 5);
  EXPECT_EQ(click.agent_data().thought(), "There is a search box.");
  EXPECT_EQ(click.agent_data().raw_output(), "I click the box.");
  EXPECT_EQ(click.agent_data().usage().input_tokens(), 900);
  EXPECT_THAT(click.agent_data().token_ids(), ElementsAre(5, 6));
  EXPECT_THAT(click.agent_data().log_probs(), ElementsAre(-0.1F, -2.5F));
  EXPECT_EQ(click.observation().text().text(), "Results");
  EXPECT_EQ(click.observation().screenshot().digest(), Sha256Hex(Png(20)));
  // Foreign tools are no actions; each call is a step of its own.
  EXPECT_FALSE(record.steps(1).has_action());
  EXPECT_EQ(
      record.steps(1).agent_data().extra().fields().at("tool_call").string_value(),
      "{\"arguments\":{\"command\":\"ls\",\"n\":12345678901234567},\"function_name\":\"bash\"}");
  EXPECT_EQ(record.steps(1).observation().text().text(), "file");
  EXPECT_EQ(record.steps(2).observation().text().text(), "text\nmore");
  EXPECT_THAT(record.steps(2).observation().notices(), ElementsAre("Hurry up."));
  EXPECT_EQ(record.steps(3).action().answer().text(), "The blue teapot.");
}

TEST_F(AtifTest, IsTheSameAfterARoundTrip) {
  Json unanswered = Document();
  unanswered["steps"].erase(5);
  unanswered.erase("session_id");
  unanswered["agent"] = {{"name", "x"}};
  WriteRun(directory_ / "jobs/trial-2/agent", unanswered);
  WriteAll(directory_ / "jobs/trial-3/a.trajectory.json",
           Json{{"schema_version", "ATIF-v1.7"},
                {"trajectory_id", "t"},
                {"agent", {{"name", "x"}, {"version", "1"}}},
                {"steps", {{{"step_id", 1}, {"source", "user"}, {"message", "Only asked."}}}}}
               .dump());
  ExpectSameAfterRoundTrip(directory_ / "jobs", v1::TRAJECTORY_FORMAT_ATIF);
}

TEST_F(AtifTest, ImportsASingleFile) {
  EXPECT_EQ(ImportOne(run_ + "/trajectory.json").steps_size(), 4);
  const auto none = Import(room_, run_ + "/trajectory.json", v1::TRAJECTORY_FORMAT_AER);
  EXPECT_THAT(none.status().ToString(), HasSubstr("looked for trajectory_log.json (aer)"));
}

TEST_F(AtifTest, SaysWhatItSkips) {
  Json document = Document();
  document["notes"] = "n";
  document["extra"] = {{"job", 1}};
  document["steps"][1]["message"].push_back(Picture("https://host/1.png"));
  document["steps"][2]["observation"]["results"][0]["content"].push_back(Picture("images/0.png"));
  document["steps"][2]["reasoning_effort"] = "high";
  document["steps"][3]["tool_calls"][0]["function_name"] = "answer";
  document["steps"][3]["tool_calls"][0]["arguments"] = {{"text", "?"}};
  document["steps"][5]["model_name"] = "other";
  WriteRun(run_, document);
  const auto result = Import(room_, run_);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_THAT(
      Skipped(*result),
      ElementsAre(
          "trajectory.json | extra.job | has no place in a trajectory",
          "trajectory.json | notes | has no place in a trajectory",
          "trajectory.json | steps[].message | a system message has no place in a trajectory",
          "trajectory.json | steps[].message[].source.path | only pictures in files beside the "
          "document are read",
          "trajectory.json | steps[].observation.results[].content | an observation has one "
          "picture, "
          "the first",
          "trajectory.json | steps[].reasoning_effort | has no place in a trajectory",
          "trajectory.json | steps[].model_name | a run has one model, the agent's",
          "trajectory.json | steps[] (answer) | it is not the last step: kept as the call of a "
          "tool"));
}

TEST_F(AtifTest, RefusesBrokenFilesAndSaysWhich) {
  const auto with = [&](const char* pointer, const Json& value) {
    Json document = Document();
    document[Json::json_pointer(pointer)] = value;
    return document.dump();
  };
  Json nested = "x";
  for (int i = 0; i < 60; ++i) nested = {{"a", nested}};
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"{\"schema_version\": \"ATIF-v1.6\"", "malformed JSON"},
      {"[\"ATIF-v1.6\"]", "the document is no object"},
      {"{\"x\": \"ATIF-v1.6\"}", "schema_version is missing"},
      {with("/schema_version", "ATIF-v1.x"), "schema_version is not ATIF-v1.x"},
      {with("/agent", Json::array()), "agent is no object"},
      {with("/agent/name", 1), "agent.name is no string"},
      {with("/steps", Json::object()), "steps is no array"},
      {with("/steps/2/step_id", 2), "steps[2].step_id is not 3"},
      {with("/steps/2/source", "robot"), "steps[2].source is neither"},
      {with("/steps/2/timestamp", "yesterday"), "steps[2].timestamp is no ISO 8601 time"},
      {with("/steps/2/timestamp", "infinite-future"), "steps[2].timestamp is no ISO 8601 time"},
      {with("/steps/2/message", 5), "steps[2].message is neither a text nor a list"},
      {with("/steps/1/message/0/type", "video"), "steps[1].message[0].type is neither"},
      {with("/steps/1/message/1/source/path", "/etc/passwd"), "leads out of the run's folder"},
      {with("/steps/1/message/1/source/path", "../../x.png"), "leads out of the run's folder"},
      {with("/steps/1/message/1/source/path", "images/9.png"), "images/9.png, which is missing"},
      {with("/steps/1/message/1/source/path", "trajectory.json"), "not a PNG, JPEG or WebP"},
      {with("/steps/1/message/1/source/path", ""), "leads out of the run's folder"},
      {with("/steps/1/message", Json::array()),
       "steps[1].message has no text: the task is missing"},
      {with("/steps/1/source", "system"), "is agent before a user's step has told the task"},
      {with("/steps/2/tool_calls/0/arguments", "x"), "tool_calls[0].arguments is no object"},
      {with("/steps/3/tool_calls/1/tool_call_id", "b"), "has the tool_call_id of another call"},
      {with("/steps/2/observation/results/0/source_call_id", "z"),
       "is none of the step's tool calls"},
      {with("/steps/2/metrics/prompt_tokens", -1), "metrics.prompt_tokens is negative"},
      {with("/steps/2/metrics/prompt_tokens", 1.5), "metrics.prompt_tokens is no whole number"},
      {with("/steps/2/metrics/completion_token_ids/0", 5'000'000'000), "no token's number"},
      {with("/steps/2/metrics/logprobs/0", "x"), "logprobs has an entry that is no number"},
      {with("/extra", {{"proctor", {{"unknown_field", 1}}}}), "extra.proctor"},
      {with("/steps/2/extra", {{"proctor", {{"timing", 1}}}}), "steps[2].extra.proctor"},
      {with("/steps/2/extra", {{"proctor", {{"agent_data", {{"extra", nested}}}}}}),
       "steps[2].extra.proctor"},
  };
  for (const auto& [text, reason] : cases) {
    WriteAll(run_ + "/trajectory.json", text);
    EXPECT_THAT(Refusal(run_), HasSubstr(reason)) << text.substr(0, 200);
  }
}

TEST_F(AtifTest, FollowsNoLinks) {
  fs::rename(run_ + "/images", directory_ / "elsewhere");
  fs::create_symlink(directory_ / "elsewhere", run_ + "/images");
  EXPECT_THAT(Refusal(run_), HasSubstr("is a link"));
  fs::create_directories(directory_ / "linked");
  fs::create_symlink(run_ + "/trajectory.json", directory_ / "linked/trajectory.json");
  EXPECT_THAT(Refusal(directory_ / "linked"), HasSubstr("no recorded run"));
  EXPECT_FALSE(Import(room_, directory_ / "linked/trajectory.json").ok());
}

TEST_F(AtifTest, BelievesNoBlobsThatADocumentClaims) {
  Json document = Document();
  const std::string digest(64, 'a');
  document["extra"]["proctor"] = {
      {"name", "trajectories/stolen"},
      {"digest", digest},
      {"end_kind", "END_KIND_TRUNCATED"},
      {"initial_observation", {{"downloads", {{{"file_name", "f"}, {"digest", digest}}}}}}};
  document["steps"][3]["extra"]["proctor"] = {
      {"index", 7}, {"observation", {{"screenshot", {{"digest", digest}}}}}};
  WriteRun(run_, document);
  const v1::Trajectory record = ImportOne(run_);
  EXPECT_THAT(record.name(), HasSubstr("trajectories/import-"));
  EXPECT_EQ(record.initial_observation().downloads(0).digest(), "");
  EXPECT_FALSE(record.steps(1).observation().has_screenshot());
  EXPECT_EQ(record.steps(1).index(), 1);
  EXPECT_EQ(record.end_kind(), v1::END_KIND_TRUNCATED);
}

}  // namespace
}  // namespace proctor::trajectory::formats
