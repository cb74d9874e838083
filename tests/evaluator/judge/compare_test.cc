#include "evaluator/compare.h"

#include <chrono>
#include <future>
#include <memory>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/evaluator/judge/scripted_model.h"

namespace proctor::evaluator {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

const v1::Evaluator& Pairwise() {
  for (const v1::Evaluator& preset : Presets()) {
    if (preset.name() == "evaluators/pairwise") return preset;
  }
  ADD_FAILURE() << "no pairwise preset";
  return Presets()[0];
}

class CompareTest : public testing::Test {
 protected:
  CompareTest() {
    good_.Click("Teas", 10);
    good_.Answer("good answer");
    bad_.trajectory().set_name("trajectories/t2");
    bad_.Click("Coffees", 10);
    bad_.Answer("bad answer");
  }

  absl::StatusOr<v1::Comparison> Try(const v1::Evaluator& evaluator, ScriptedJudgeModel& model) {
    auto result = std::make_shared<std::promise<absl::StatusOr<v1::Comparison>>>();
    auto came = result->get_future();
    // Both records' pictures are in one store: they are the same.
    Compare(CallContext(), evaluator, std::make_shared<const v1::Trajectory>(good_.trajectory()),
            std::make_shared<const v1::Trajectory>(bad_.trajectory()), JudgeParts{good_.blobs(), model, pool_, "secret"},
            [result](absl::StatusOr<v1::Comparison> comparison) { result->set_value(std::move(comparison)); });
    if (came.wait_for(std::chrono::seconds(30)) != std::future_status::ready) return absl::DeadlineExceededError("30 s");
    return came.get();
  }
  v1::Comparison By(ScriptedJudgeModel::Script script) {
    ScriptedJudgeModel model(std::move(script));
    const absl::StatusOr<v1::Comparison> comparison = Try(Pairwise(), model);
    EXPECT_TRUE(comparison.ok()) << comparison.status();
    requests_ = model.requests();
    return comparison.value_or(v1::Comparison());
  }

  RecordMaker good_;
  RecordMaker bad_;
  ThreadPool pool_{"judge", 2};
  std::vector<model::ChatRequest> requests_;
};

// FIRST where the good answer stands before the bad one.
model::Choice PrefersGood(const model::ChatRequest& request, int) {
  const std::string text = TextOf(request);
  const bool first = text.find("good answer") < text.find("bad answer");
  return Says(std::string("The ") + (first ? "first" : "second") + " one answers.\n{{tag}}: " + (first ? "FIRST" : "SECOND"));
}

TEST_F(CompareTest, WhatBothOrdersSayCounts) {
  const v1::Comparison comparison = By(PrefersGood);
  EXPECT_EQ(comparison.preference(), v1::PREFERENCE_FIRST);
  EXPECT_TRUE(comparison.consistent());
  EXPECT_EQ(comparison.rationale(), "The first one answers.");
  ASSERT_EQ(comparison.questions_size(), 2);
  EXPECT_EQ(comparison.questions(1).grade(), "SECOND");
  EXPECT_DOUBLE_EQ(comparison.usage().cost_usd(), 0.02);
  EXPECT_EQ(comparison.usage().input_tokens(), 200);
  EXPECT_EQ(comparison.usage().cached_input_tokens(), 80);
  EXPECT_EQ(comparison.evaluator_version(), Pairwise().version());
}

TEST_F(CompareTest, ShowsBothRecordsInBothOrders) {
  By(PrefersGood);
  ASSERT_EQ(requests_.size(), 2u);
  const std::string one = TextOf(requests_[0]), other = TextOf(requests_[1]);
  EXPECT_NE(one.find("good answer") < one.find("bad answer"), other.find("good answer") < other.find("bad answer"));
  for (const std::string& text : {one, other}) {
    EXPECT_THAT(text, HasSubstr("click [link \"Teas\"]"));
    EXPECT_THAT(text, HasSubstr("click [link \"Coffees\"]"));
  }
}

TEST_F(CompareTest, AModelThatLikesAPlaceGivesATieThatIsNotConsistent) {
  const v1::Comparison comparison = By(ScriptedJudgeModel::Always("{{tag}}: FIRST"));
  EXPECT_EQ(comparison.preference(), v1::PREFERENCE_TIE);
  EXPECT_FALSE(comparison.consistent());
  EXPECT_THAT(comparison.rationale(), HasSubstr("contradict"));
}

TEST_F(CompareTest, ATieInBothOrdersIsOne) {
  const v1::Comparison comparison = By(ScriptedJudgeModel::Always("{{tag}}: TIE"));
  EXPECT_EQ(comparison.preference(), v1::PREFERENCE_TIE);
  EXPECT_TRUE(comparison.consistent());
}

TEST_F(CompareTest, WhatCannotBeReadIsUndetermined) {
  const v1::Comparison comparison = By([](const model::ChatRequest& request, int sample) {
    return TextOf(request).find("good answer") < TextOf(request).find("bad answer") ? PrefersGood(request, sample) : Says("hm");
  });
  EXPECT_EQ(comparison.preference(), v1::PREFERENCE_UNDETERMINED);
  EXPECT_THAT(comparison.rationale(), HasSubstr("no verdict"));
}

TEST_F(CompareTest, RefusesWhatCannotBeCompared) {
  ScriptedJudgeModel model(PrefersGood);
  EXPECT_EQ(Try(JudgePresets()[0], model).status().code(), absl::StatusCode::kInvalidArgument);
  bad_.trajectory().mutable_task()->set_goal("Something else.");
  EXPECT_EQ(Try(Pairwise(), model).status().code(), absl::StatusCode::kInvalidArgument);
  bad_.trajectory().set_closed(false);
  EXPECT_EQ(Try(Pairwise(), model).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(model.requests(), IsEmpty());
}

}  // namespace
}  // namespace proctor::evaluator
