// WebVoyager's recorded runs, judged by every preset against a scripted model: what each preset sends of them.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/json.h"
#include "evaluator/assess.h"
#include "evaluator/presets.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/evaluator/judge/scripted_model.h"
#include "tests/storage/temp_directory.h"
#include "tests/trajectory/fixture.h"
#include "trajectory/formats/import_runs.h"

namespace proctor::server {
namespace {

using evaluator::PicturesOf;
using evaluator::Says;
using evaluator::ScriptedJudgeModel;
using evaluator::TextOf;
using testing::AllOf;
using testing::HasSubstr;

// A model that gives every stage of every preset what it asks for.
model::Choice Agreeable(const model::ChatRequest& request, int) {
  const std::string text = TextOf(request);
  if (text.find("colon, and the number") != std::string::npos) return Says("Reasoning: seen\nThoughts: seen\n{{tag}}: 4");
  if (text.find("goal-reached") != std::string::npos) return Says("Thoughts: on\n{{tag}}: towards-the-goal");
  if (text.find("Successful or Unsuccessful") != std::string::npos) return Says("{{tag}}: Successful");
  if (text.find("SUCCESS or NOT SUCCESS") != std::string::npos) return Says("All there.\n{{tag}}: SUCCESS");
  if (text.find("success or failure") != std::string::npos) return Says("Thoughts: all there\n{{tag}}: success");
  return Says("Key points:\n1. what was asked");
}

// The record and everything that a preset sent of it.
struct Sent {
  v1::Trajectory trajectory;
  v1::Verdict verdict;
  std::vector<model::ChatRequest> requests;

  int pictures() const {
    int count = 0;
    for (const auto& request : requests) count += static_cast<int>(PicturesOf(request).size());
    return count;
  }
  std::string answer() const {
    for (const v1::Step& step : trajectory.steps()) {
      if (step.action().has_answer()) return step.action().answer().text();
    }
    return "";
  }
};

class WebVoyagerRescoreTest : public testing::Test {
 protected:
  void Import(const std::string& path) {
    const auto result = trajectory::formats::ImportRuns(CallContext(), *room_.archive, path, {},
                                                        [](int64_t, int64_t) { return absl::OkStatus(); });
    ASSERT_TRUE(result.ok()) << result.status();
    ASSERT_EQ(result->failed_size(), 0) << result->ShortDebugString();
    names_.assign(result->names().begin(), result->names().end());
  }

  Sent Judge(const std::string& name, const v1::Evaluator& evaluator) {
    Sent sent;
    sent.trajectory = room_.trajectories.Get(CallContext(), name).value();
    ScriptedJudgeModel model(Agreeable);
    ThreadPool pool("judge", 2);
    std::promise<absl::StatusOr<v1::Verdict>> result;
    auto came = result.get_future();
    evaluator::Assess(CallContext(), evaluator, std::make_shared<const v1::Trajectory>(sent.trajectory),
                      evaluator::JudgeParts{*room_.blobs, model, pool, "secret"},
                      [&](absl::StatusOr<v1::Verdict> verdict) { result.set_value(std::move(verdict)); });
    EXPECT_EQ(came.wait_for(std::chrono::seconds(60)), std::future_status::ready);
    const absl::StatusOr<v1::Verdict> verdict = came.get();
    EXPECT_TRUE(verdict.ok()) << evaluator.name() << ": " << verdict.status();
    sent.verdict = verdict.value_or(v1::Verdict());
    sent.requests = model.requests();
    return sent;
  }

  // Every preset on one record: decided, and what it sent is what its paper says.
  void JudgeByAll(const std::string& name) {
    std::map<std::string, Sent> by;
    for (const v1::Evaluator& evaluator : evaluator::JudgePresets()) {
      const std::string id(absl::StripPrefix(evaluator.name(), "evaluators/"));
      by[id] = Judge(name, evaluator);
      EXPECT_NE(by[id].verdict.outcome(), v1::OUTCOME_UNDETERMINED) << id << ": " << by[id].verdict.rationale();
    }
    const evaluator::RecordView view(by["pae"].trajectory);
    const int screens = static_cast<int>(view.screenshots().size());
    const int steps = view.step_count();
    ASSERT_GT(screens, 0);
    EXPECT_EQ(by["pae"].pictures(), std::min(3, screens));
    EXPECT_EQ(by["pae-webarena"].pictures(), std::min(3, screens));
    EXPECT_EQ(by["webvoyager"].pictures(), std::min(15, screens));
    EXPECT_EQ(by["aer"].pictures(), 1);
    EXPECT_EQ(by["agent-reward-bench"].pictures(), 1);
    EXPECT_EQ(by["aer-captions"].pictures(), 1);
    EXPECT_EQ(by["aer-captions"].requests.size(), 2u);
    EXPECT_EQ(by["aer-steps"].requests.size(), static_cast<size_t>(screens + steps));
    // Key points, every screen, and the outcome with all of them: each was given a 4.
    EXPECT_EQ(by["webjudge"].requests.size(), static_cast<size_t>(screens + 2));
    EXPECT_EQ(by["webjudge"].pictures(), screens + std::min(50, screens));
    for (const char* id : {"pae", "webvoyager", "aer", "aer-captions", "nnetnav"}) {
      const std::string text = TextOf(by[id].requests.back());
      EXPECT_THAT(text, AllOf(HasSubstr(by[id].trajectory.task().goal()), HasSubstr(by[id].answer()))) << id;
    }
    // In the order taken.
    const std::vector<model::ImagePart> last = PicturesOf(by["webvoyager"].requests[0]);
    for (size_t i = 0; i < last.size(); ++i) {
      const auto& screenshot = view.screenshots()[view.screenshots().size() - last.size() + i];
      EXPECT_EQ(last[i].digest, screenshot.observation->screenshot().digest());
    }
  }

  trajectory::Room room_;
  std::vector<std::string> names_;
};

TEST_F(WebVoyagerRescoreTest, ARunOfOurOwnByEveryPreset) {
  const storage::TempDirectory directory;
  const std::string folder = directory.path() + "/taskShop--1";
  std::filesystem::create_directories(folder);
  const auto message = [](const char* role, const std::string& text) { return Json{{"role", role}, {"content", text}}; };
  const Json messages = {
      message("system", "You browse."),
      message("user", "Now given a task: Find a teapot for two.  Please interact with https://shop.example/ and get the answer. \n"
                      "Observation: A screenshot and some texts. (Omitted in context.)"),
      message("assistant", "Thought: The search box is [0].\n\nAction: Type [0]; teapot"),
      message("user", "Observation: A screenshot and some texts. (Omitted in context.)"),
      message("assistant", "Thought: That one.\nAction: Click [7]"),
      message("user", "Observation: A screenshot and some texts. (Omitted in context.)"),
      message("assistant", "Thought: Found.\nAction: ANSWER; [The blue teapot.]")};
  std::ofstream(folder + "/interact_messages.json") << messages.dump(2);
  for (int turn = 1; turn <= 3; ++turn) {
    imaging::Image image{.width_px = 16, .height_px = 12, .bgra = {}};
    image.bgra.assign(size_t{4} * 16 * 12, static_cast<uint8_t>(40 * turn));
    std::ofstream(absl::StrCat(folder, "/screenshot", turn, ".png"), std::ios::binary) << imaging::Encode(image, {}).value();
  }
  Import(directory.path());
  ASSERT_EQ(names_.size(), 1u);
  JudgeByAll(names_[0]);
}

TEST_F(WebVoyagerRescoreTest, ThePublishedRunsByEveryPreset) {
  const char* data = std::getenv("PROCTOR_SHARED_DATA");
  const std::string runs =
      (data != nullptr ? data : std::string(PROCTOR_SOURCE_DIR) + "/../shared/data") + "/webvoyager/examples";
  if (!std::filesystem::exists(runs)) GTEST_SKIP() << runs << " is not there; set PROCTOR_SHARED_DATA to the folder with webvoyager/";
  Import(runs);
  ASSERT_EQ(names_.size(), 4u);
  for (const std::string& name : names_) JudgeByAll(name);
}

}  // namespace
}  // namespace proctor::server
