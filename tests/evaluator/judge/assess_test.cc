#include "evaluator/assess.h"

#include <string>

#include "evaluator/evaluate.h"
#include "evaluator/evaluator_config.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/evaluator/judge/assess_fixture.h"

namespace proctor::evaluator {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST_F(AssessTest, AJudgesVerdictHasItsTrace) {
  ScriptedJudgeModel model(ScriptedJudgeModel::Always("It is there.\n{{tag}}: success"));
  const v1::Verdict verdict = By(OneJudge(), model);
  EXPECT_EQ(verdict.outcome(), v1::OUTCOME_SUCCESS);
  EXPECT_EQ(verdict.score(), 1);
  EXPECT_EQ(verdict.confidence(), 1);
  EXPECT_EQ(verdict.rationale(), "It is there.");
  EXPECT_EQ(verdict.evaluator_version(), EvaluatorVersion(OneJudge()));
  ASSERT_EQ(verdict.questions_size(), 1);
  EXPECT_EQ(verdict.questions(0).calls(0).purpose(), "outcome");
  EXPECT_EQ(verdict.usage().input_tokens(), 100);
  EXPECT_DOUBLE_EQ(verdict.usage().cost_usd(), 0.01);
}

TEST_F(AssessTest, ARecordWithoutItsStepsIsUndeterminedAndNobodyIsAsked) {
  ScriptedJudgeModel model(ScriptedJudgeModel::Always("{{tag}}: success"));
  v1::Trajectory header = record_.trajectory();
  header.set_step_count(header.steps_size());
  header.clear_steps();
  absl::StatusOr<v1::Verdict> verdict;
  Assess(CallContext(), OneJudge(), std::make_shared<const v1::Trajectory>(header), {record_.blobs(), model, pool_, "secret"},
         [&](absl::StatusOr<v1::Verdict> came) { verdict = std::move(came); });
  ASSERT_TRUE(verdict.ok()) << verdict.status();
  EXPECT_EQ(verdict->undetermined_reason(), v1::UNDETERMINED_REASON_NOTHING_TO_JUDGE);
  EXPECT_EQ(verdict->name(), VerdictHead(OneJudge(), header).name());
  EXPECT_THAT(model.requests(), IsEmpty());
}

TEST_F(AssessTest, ARequestIsForTheConfiguredModelAndSampling) {
  ScriptedJudgeModel model(ScriptedJudgeModel::Always("{{tag}}: success"));
  By(OneJudge(", model: big, sampling: {temperature: 0.5, n: 3}"), model);
  EXPECT_THAT(model.models(), ElementsAre("big"));
  EXPECT_EQ(model.requests()[0].sampling.n(), 3);
  EXPECT_EQ(model.requests()[0].sampling.temperature(), 0.5);
}

TEST_F(AssessTest, WhatCannotBeReadIsUndeterminedAndNeverAScore) {
  const v1::Verdict verdict = BySaying(OneJudge(), "I think it went well.");
  EXPECT_EQ(verdict.outcome(), v1::OUTCOME_UNDETERMINED);
  EXPECT_EQ(verdict.undetermined_reason(), v1::UNDETERMINED_REASON_JUDGE_INVALID);
  EXPECT_EQ(verdict.score(), 0);
  EXPECT_THAT(verdict.rationale(), HasSubstr("no verdict"));
}

TEST_F(AssessTest, AsksAgainForTheSamplesThatLackOnly) {
  ScriptedJudgeModel model([](const model::ChatRequest&, int sample) {
    return Says(sample == 1 ? "nothing" : "{{tag}}: failure");
  });
  const v1::Verdict verdict = By(OneJudge(", retries: 2, sampling: {n: 3}"), model);
  EXPECT_EQ(verdict.outcome(), v1::OUTCOME_FAILURE);
  ASSERT_EQ(model.requests().size(), 2u);
  EXPECT_EQ(model.requests()[1].sampling.n(), 1);
  EXPECT_NE(TagOf(model.requests()[0]), TagOf(model.requests()[1]));
  EXPECT_EQ(verdict.questions(0).samples_size(), 4);
}

TEST_F(AssessTest, GivesUpAskingAfterItsRetries) {
  ScriptedJudgeModel model(ScriptedJudgeModel::Always("nothing"));
  EXPECT_EQ(By(OneJudge(", retries: 2"), model).outcome(), v1::OUTCOME_UNDETERMINED);
  EXPECT_EQ(model.requests().size(), 3u);
}

TEST_F(AssessTest, AModelThatIsNotToBeHadIsUndeterminedAndNotAskedAgain) {
  for (const v1::ModelFailure failure : {v1::MODEL_FAILURE_UNREACHABLE, v1::MODEL_FAILURE_UNAUTHENTICATED,
                                         v1::MODEL_FAILURE_OVERLOADED, v1::MODEL_FAILURE_CONTEXT_TOO_LONG}) {
    ScriptedJudgeModel model(ScriptedJudgeModel::Always(""));
    model.FailAll(failure);
    const v1::Verdict verdict = By(OneJudge(", retries: 2"), model);
    EXPECT_EQ(verdict.undetermined_reason(), v1::UNDETERMINED_REASON_JUDGE_UNAVAILABLE);
    EXPECT_EQ(model.requests().size(), 1u);
  }
}

TEST_F(AssessTest, ASpentBudgetIsAnError) {
  ScriptedJudgeModel model(ScriptedJudgeModel::Always(""));
  model.FailAll(v1::MODEL_FAILURE_BUDGET);
  EXPECT_EQ(Try(OneJudge(), model).status().code(), absl::StatusCode::kResourceExhausted);
}

TEST_F(AssessTest, ACancelledCallIsAnError) {
  ScriptedJudgeModel model(ScriptedJudgeModel::Always("{{tag}}: success"));
  const CallContext context;
  context.cancel()->Cancel();
  EXPECT_EQ(Try(OneJudge(), model, context).status().code(), absl::StatusCode::kCancelled);
}

TEST_F(AssessTest, AJudgeMaySayThatItCannotTell) {
  EXPECT_EQ(BySaying(OneJudge(), "{{tag}}: unsure").undetermined_reason(), v1::UNDETERMINED_REASON_JUDGE_UNSURE);
}

TEST_F(AssessTest, WhatNeedsNoQuestionIsNotAsked) {
  ScriptedJudgeModel model(ScriptedJudgeModel::Always("{{tag}}: success"));
  v1::Evaluator evaluator = OneJudge();
  evaluator.mutable_judge()->set_answer_required(true);
  record_.trajectory().mutable_steps()->RemoveLast();
  EXPECT_EQ(By(evaluator, model).outcome(), v1::OUTCOME_FAILURE);
  record_.Answer("N/A");
  EXPECT_EQ(By(evaluator, model).outcome(), v1::OUTCOME_FAILURE);
  record_.trajectory().set_end_kind(v1::END_KIND_INTERRUPTED);
  EXPECT_EQ(By(evaluator, model).undetermined_reason(), v1::UNDETERMINED_REASON_INTERRUPTED);
  EXPECT_THAT(model.requests(), IsEmpty());
}

TEST_F(AssessTest, AJudgeOfScreenshotsDoesNotJudgeByTheAgentsWordsWhereThereAreNone) {
  ScriptedJudgeModel model(ScriptedJudgeModel::Always("{{tag}}: success"));
  v1::Evaluator evaluator = OneJudge();
  v1::Slot& shown = (*evaluator.mutable_judge()->mutable_stages(0)->mutable_slots())["picture"];
  shown.mutable_screenshots()->set_last(1);
  evaluator.mutable_judge()->mutable_stages(0)->mutable_messages(0)->mutable_template_()->append(" {{picture}}");
  EXPECT_EQ(By(evaluator, model).outcome(), v1::OUTCOME_SUCCESS);
  ASSERT_EQ(model.requests().size(), 1u);

  record_.trajectory().mutable_initial_observation()->clear_screenshot();
  for (v1::Step& step : *record_.trajectory().mutable_steps()) step.mutable_observation()->clear_screenshot();
  const v1::Verdict blind = By(evaluator, model);
  EXPECT_EQ(blind.undetermined_reason(), v1::UNDETERMINED_REASON_NOTHING_TO_JUDGE);
  EXPECT_THAT(blind.rationale(), HasSubstr("no screenshots"));
  EXPECT_EQ(model.requests().size(), 1u);

  // One that reads the page, too, has something to judge by, if that was recorded.
  v1::Slot& page = (*evaluator.mutable_judge()->mutable_stages(0)->mutable_slots())["page"];
  page.mutable_page()->set_part(v1::PAGE_PART_TEXT);
  evaluator.mutable_judge()->mutable_stages(0)->mutable_messages(0)->mutable_template_()->append(" {{page}}");
  EXPECT_EQ(By(evaluator, model).undetermined_reason(), v1::UNDETERMINED_REASON_NOTHING_TO_JUDGE);
  record_.trajectory().mutable_steps(0)->mutable_observation()->mutable_text()->set_text("Green tea 4.20");
  EXPECT_EQ(By(evaluator, model).outcome(), v1::OUTCOME_SUCCESS);
  EXPECT_EQ(model.requests().size(), 2u);
}

// What it says is what it is shown: a page that was recorded at another moment is not.
TEST_F(AssessTest, APageCountsAsSeenOnlyAtTheMomentThatTheJudgeIsShown) {
  ScriptedJudgeModel model(ScriptedJudgeModel::Always("{{tag}}: success"));
  record_.trajectory().mutable_initial_observation()->clear_screenshot();
  record_.trajectory().mutable_initial_observation()->mutable_accessibility_tree()->set_text("[1] heading \"Home\"");
  record_.trajectory().mutable_steps(0)->mutable_observation()->clear_screenshot();
  const auto judged = [&](const std::string& moment, const std::string& scope) {
    const std::string slots = "answer: {answer: {}}, picture: {screenshots: {last: 1}}, tree: {page: {part: accessibility_tree, moment: " +
                              moment + "}}";
    return By(Read("judge: {stages: [{id: look, scope: " + scope + ", slots: {" + slots +
                   "}, messages: [{template: '{{answer}} {{picture}} {{tree}} {{verdict_tag}}'}], parser: {grade: {place: {after: "
                   "'{{verdict_tag}}'}, grades: [{text: success, score: 1}, {text: failure, score: 0}]}}}]}"),
              model);
  };
  EXPECT_EQ(judged("last", "trajectory").undetermined_reason(), v1::UNDETERMINED_REASON_NOTHING_TO_JUDGE);
  EXPECT_EQ(judged("after", "step").undetermined_reason(), v1::UNDETERMINED_REASON_NOTHING_TO_JUDGE);
  EXPECT_THAT(model.requests(), IsEmpty());
  EXPECT_EQ(judged("before", "step").outcome(), v1::OUTCOME_SUCCESS);
  EXPECT_EQ(judged("first", "trajectory").outcome(), v1::OUTCOME_SUCCESS);
  // The answer's step has no observation: what was seen before it is the last.
  record_.trajectory().mutable_steps(0)->mutable_observation()->mutable_accessibility_tree()->set_text("[1] heading \"Teas\"");
  EXPECT_EQ(judged("last", "trajectory").outcome(), v1::OUTCOME_SUCCESS);
  EXPECT_THAT(TextOf(model.requests().back()), HasSubstr("Teas"));
}

TEST_F(AssessTest, AnOpenTrajectoryIsRefused) {
  ScriptedJudgeModel model(ScriptedJudgeModel::Always(""));
  record_.trajectory().set_closed(false);
  EXPECT_EQ(Try(OneJudge(), model).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(AssessTest, TheSameVerdictHasTheSameName) {
  EXPECT_EQ(BySaying(OneJudge(), "{{tag}}: success").name(), BySaying(OneJudge(), "{{tag}}: success").name());
  EXPECT_NE(BySaying(OneJudge(), "{{tag}}: success").name(), BySaying(OneJudge(", retries: 1"), "{{tag}}: success").name());
}

}  // namespace
}  // namespace proctor::evaluator
