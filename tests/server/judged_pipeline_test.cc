// What the pipeline makes of an episode's oracles and judges.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/model/scripted_server.h"
#include "tests/server/pipeline_fixture.h"
#include "tests/server/rating_judge.h"

namespace proctor::server {
namespace {

// A judge of 1 to 5 whose model answers when it is told to.
class JudgedPipelineTest : public EpisodePipelineTest {
 protected:
  JudgedPipelineTest() {
    EXPECT_TRUE(evaluators_.Create(CallContext(), RatingJudge("evaluators/rating")).ok());
    v1::Evaluator oracle;
    oracle.set_name("evaluators/of-the-task");
    oracle.mutable_task_oracle();
    EXPECT_TRUE(evaluators_.Create(CallContext(), oracle).ok());
  }

  void TearDown() override {
    LetItAnswer();
    EXPECT_TRUE(judged_.Drain(CallContext::WithTimeout(absl::Seconds(30))).ok());
    EpisodePipelineTest::TearDown();
  }

  void LetItAnswer() {
    if (!std::exchange(may_answer_, true)) told_.set_value();
  }

  v1::ModelConfig Config() const {
    v1::ModelConfig config;
    v1::ModelEndpoint& endpoint = (*config.mutable_endpoints())["judge"];
    endpoint.set_base_url(server_.base_url());
    endpoint.set_model("scripted");
    return config;
  }

  bool may_answer_ = false;
  std::promise<void> told_;
  // Questions that came, and the most that waited for their answers at once.
  std::atomic<int> asked_so_far_ = 0;
  // The number of the question, from 1, that gets no answer; 0: all get one.
  std::atomic<int> unanswered_ = 0;
  std::atomic<int> waiting_ = 0;
  std::atomic<int> most_waiting_ = 0;
  model::ScriptedServer server_{[this, told = told_.get_future().share()](const model::SeenRequest& request) {
    const int waiting = ++waiting_;
    for (int most = most_waiting_; most < waiting && !most_waiting_.compare_exchange_weak(most, waiting);) {
    }
    const bool silent = ++asked_so_far_ == unanswered_;
    told.wait_for(std::chrono::minutes(1));
    --waiting_;
    const std::string all = request.system + request.text;
    model::ScriptedReply reply = model::SayText(request, all.substr(all.find("VERDICT-"), 24) + ": 5");
    reply.silent = silent;
    return reply;
  }};
  const std::unique_ptr<Models> asked_ = Models::Create(Config(), {database_, timers_, pool_}).value();
  Judging judge_{Judging::Parts{evaluators_, verdicts_, *blobs_, *asked_, pool_, "secret"}};
  EpisodePipeline judged_{EpisodePipeline::Parts{*tasks_, sampler_, groups_, *rewards_, evaluators_, judge_,
                                                 trajectories_, episodes_, timers_, pool_, v1::RewardPolicy(),
                                                 {.chain = {"evaluators/rating"}}, /*functions=*/{}}};
};

TEST_F(JudgedPipelineTest, ARecordThatIsTooLargeIsMaskedWithoutBeingRead) {
  RecordAnswer("e1");
  // Whoever read the step would find it damaged.
  Sql("UPDATE trajectory_steps SET step = x'ffffff'");
  Sql(absl::StrCat("UPDATE trajectory_records SET step_bytes = ", trajectory::kMaxAllStepsBytes + 1));
  ASSERT_TRUE(judged_.Resume(CallContext()).ok());
  ASSERT_TRUE(judged_.Drain(CallContext::WithTimeout(absl::Seconds(30))).ok());
  const absl::StatusOr<v1::Episode> episode = episodes_.Get(CallContext(), "episodes/e1");
  ASSERT_TRUE(episode.ok()) << episode.status();
  EXPECT_EQ(episode->result_state(), v1::RESULT_STATE_READY);
  EXPECT_EQ(episode->verdict().outcome(), v1::OUTCOME_UNDETERMINED);
  EXPECT_EQ(episode->reward().status(), v1::REWARD_STATUS_MASKED);
  EXPECT_EQ(episode->reward().mask_reason(), v1::MASK_REASON_UNDETERMINED);
  EXPECT_THAT(episode->reward().mask_message(), testing::HasSubstr("too large to be judged"));
  EXPECT_TRUE(verdicts_.Get(CallContext(), episode->reward().verdict()).ok());
  EXPECT_EQ(asked_so_far_, 0);
}

TEST_F(JudgedPipelineTest, LargeRecordsWaitForTheMemoryThatOthersTake) {
  for (const char* const id : {"e1", "e2", "e3", "e4"}) RecordAnswer(id);
  Sql(absl::StrCat("UPDATE trajectory_records SET step_bytes = ", trajectory::kMaxAllStepsBytes));
  ASSERT_TRUE(judged_.Resume(CallContext()).ok());
  const absl::Time last = absl::Now() + absl::Seconds(30);
  while (asked_so_far_ < 2 && absl::Now() < last) absl::SleepFor(absl::Milliseconds(1));
  ASSERT_EQ(asked_so_far_, 2);
  EXPECT_EQ(judged_.pending(), 4);
  LetItAnswer();
  ASSERT_TRUE(judged_.Drain(CallContext::WithTimeout(absl::Minutes(1))).ok());
  EXPECT_EQ(most_waiting_, 2);
  for (const char* const id : {"e1", "e2", "e3", "e4"}) {
    EXPECT_EQ(episodes_.Get(CallContext(), absl::StrCat("episodes/", id))->verdict().outcome(), v1::OUTCOME_SUCCESS) << id;
  }
}

TEST_F(JudgedPipelineTest, WhatARecordHasBesideItsStepsTakesMemoryToo) {
  const absl::Time start = SystemClock().Now();
  v1::Trajectory large = trajectory::MakeHeader("e4", start);
  large.mutable_initial_observation()->mutable_text()->set_text(std::string(20 << 20, 'x'));
  RecordAnswer(large);
  for (const char* const id : {"e1", "e2", "e3", "e5"}) RecordAnswer(id);
  // All but room for one more and 10 MiB, of which the large one takes 20.
  Sql(absl::StrCat("UPDATE trajectory_records SET step_bytes = ", trajectory::kMaxAllStepsBytes, " WHERE id IN ('e1', 'e2')"));
  Sql(absl::StrCat("UPDATE trajectory_records SET step_bytes = ", trajectory::kMaxBesideSteps - (10 << 20), " WHERE id = 'e3'"));
  const auto comes = [&](int question, absl::Duration within) {
    const absl::Time last = absl::Now() + within;
    while (asked_so_far_ < question && absl::Now() < last) absl::SleepFor(absl::Milliseconds(1));
    return asked_so_far_ >= question;
  };
  for (int number = 1; number <= 4; ++number) {
    judged_.Closed(absl::StrCat("e", number));
    ASSERT_TRUE(comes(number, absl::Seconds(30))) << number;
  }
  judged_.Closed("e5");
  EXPECT_FALSE(comes(5, absl::Milliseconds(500)));
  LetItAnswer();
  ASSERT_TRUE(judged_.Drain(CallContext::WithTimeout(absl::Minutes(1))).ok());
  EXPECT_EQ(episodes_.Get(CallContext(), "episodes/e5")->verdict().outcome(), v1::OUTCOME_SUCCESS);
}

// The verdict of the chain of oracle and judge on a record whose page was there at the start; its evidence of the end is missing.
class ChainTest : public JudgedPipelineTest {
 protected:
  ChainTest() {
    LetItAnswer();
    record_.set_name("trajectories/t1");
    record_.set_closed(true);
    record_.set_end_kind(v1::END_KIND_TERMINATED);
    record_.set_end_reason(v1::END_REASON_ANSWERED);
    record_.add_steps()->mutable_action()->mutable_answer()->set_text("the tea");
  }

  void NeedsEvidence() {
    v1::Oracle& oracle = *record_.mutable_task()->mutable_oracle();
    oracle.mutable_page()->set_expression("p");
    oracle.mutable_page()->mutable_match()->set_truthy(true);
    v1::Evidence& start = *record_.add_evidence();
    start.set_request_id(evaluator::RequiredEvidence(oracle).at(0).id());
    start.set_at_start(true);
    start.add_json_values("true");
  }

  using Result = absl::StatusOr<std::optional<v1::Verdict>>;

  Result Run(EvaluatorChain chain, const CallContext& context = CallContext::WithTimeout(absl::Seconds(30))) {
    auto result = std::make_shared<std::promise<Result>>();
    std::future<Result> future = result->get_future();
    judge_.EvaluateChain(context, std::move(chain), std::make_shared<const v1::Trajectory>(record_),
                         [result](Result verdict) { result->set_value(std::move(verdict)); });
    return future.get();
  }

  v1::Verdict Judge(NextDecides next_decides, ChainEnd end = ChainEnd::kFirstDecision) {
    const Result verdict =
        Run({.evaluators = {"evaluators/of-the-task", "evaluators/rating"}, .end = end, .next_decides = next_decides});
    EXPECT_TRUE(verdict.ok()) << verdict.status();
    return verdict.ok() && verdict->has_value() ? **verdict : v1::Verdict();
  }

  v1::Trajectory record_;
};

TEST_F(ChainTest, AnOracleWithoutEvidenceIsNotOverruled) {
  NeedsEvidence();
  for (const ChainEnd end : {ChainEnd::kFirstDecision, ChainEnd::kAll}) {
    const v1::Verdict verdict = Judge(NextDecides::kWhereLeftToJudge, end);
    EXPECT_EQ(verdict.outcome(), v1::OUTCOME_UNDETERMINED);
    EXPECT_EQ(verdict.undetermined_reason(), v1::UNDETERMINED_REASON_EVIDENCE_MISSING) << verdict.rationale();
  }
}

TEST_F(ChainTest, WhereThereIsNoOracleTheJudgeDecides) {
  EXPECT_EQ(Judge(NextDecides::kWhereLeftToJudge).outcome(), v1::OUTCOME_SUCCESS);
}

TEST_F(ChainTest, WhereTheOracleNeedsAJudgeTheJudgeDecides) {
  v1::WebArenaEval& eval = *record_.mutable_task()->mutable_oracle()->mutable_webarena();
  eval.add_eval_types("string_match");
  eval.mutable_reference_answers()->add_fuzzy_match("tea");
  const v1::Verdict verdict = Judge(NextDecides::kWhereLeftToJudge);
  EXPECT_EQ(verdict.outcome(), v1::OUTCOME_SUCCESS) << verdict.rationale();
  EXPECT_EQ(verdict.evaluator(), "evaluators/rating");
}

TEST_F(ChainTest, AChainThatIsWrittenOutGoesOnAndKeepsThatItWasSolvedBefore) {
  NeedsEvidence();
  const v1::Verdict verdict = Judge(NextDecides::kAfterAny);
  EXPECT_EQ(verdict.outcome(), v1::OUTCOME_SUCCESS) << verdict.rationale();
  EXPECT_EQ(verdict.evaluator(), "evaluators/rating");
  EXPECT_TRUE(verdict.already_solved());
}

TEST_F(ChainTest, AnErrorAfterTheDecisionDoesNotTouchIt) {
  record_.mutable_task()->mutable_oracle()->mutable_answer()->mutable_match()->mutable_equals()->add_values("the tea");
  const Result verdict =
      Run({.evaluators = {"evaluators/of-the-task", "evaluators/none", "evaluators/rating"}, .end = ChainEnd::kAll});
  ASSERT_TRUE(verdict.ok()) << verdict.status();
  EXPECT_EQ((*verdict)->outcome(), v1::OUTCOME_SUCCESS);
  EXPECT_EQ((*verdict)->evaluator(), "evaluators/of-the-task");
  EXPECT_EQ(Run({.evaluators = {"evaluators/none", "evaluators/of-the-task"}, .end = ChainEnd::kAll}).status().code(),
            absl::StatusCode::kNotFound);
}

TEST_F(ChainTest, AVerdictThatCannotBeStoredIsNoReasonToAskTheNext) {
  record_.mutable_task()->mutable_oracle()->mutable_answer()->mutable_match()->mutable_equals()->add_values("the coffee");
  const EvaluatorChain chain = {.evaluators = {"evaluators/of-the-task", "evaluators/rating"}};
  std::atomic<int> failures = 1;
  database_.FailWrites(failures);
  const Result failed = Run(chain);
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(failed.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(failed.status().message()), testing::HasSubstr("the disk is full"));
  EXPECT_EQ(asked_so_far_, 0);
  const Result verdict = Run(chain);
  ASSERT_TRUE(verdict.ok()) << verdict.status();
  EXPECT_EQ((*verdict)->outcome(), v1::OUTCOME_FAILURE);
  EXPECT_EQ((*verdict)->evaluator(), "evaluators/of-the-task");
}

TEST_F(ChainTest, AVerdictOnADiskThatIsReadOnlyWaitsAndNoModelIsAskedAgain) {
  const EvaluatorChain chain = {.evaluators = {"evaluators/rating"}};
  // The cached reply of the model, and the verdict.
  std::atomic<int> failures = 2;
  database_.FailWrites(failures, absl::FailedPreconditionError("attempt to write a readonly database"));
  EXPECT_EQ(Run(chain).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(failures, 0);
  ASSERT_TRUE(Run(chain).ok());
  EXPECT_EQ(asked_so_far_, 1);
}

TEST_F(ChainTest, AVerdictOfATrajectoryThatIsGoneDoesNotWait) {
  const EvaluatorChain chain = {.evaluators = {"evaluators/rating"}};
  // The cached reply of the model, and the verdict.
  std::atomic<int> failures = 2;
  database_.FailWrites(failures, absl::NotFoundError("nobody has that"));
  EXPECT_EQ(Run(chain).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(failures, 0);
  ASSERT_TRUE(Run(chain).ok());
  EXPECT_EQ(asked_so_far_, 2) << "it waited, and no model was asked again";
}

TEST_F(ChainTest, AnUndeterminedVerdictOfTheLastTryThatCannotBeStoredIsAnError) {
  const CallContext late(absl::Now() - absl::Seconds(1), std::make_shared<CancelToken>());
  std::atomic<int> failures = 1;
  database_.FailWrites(failures);
  const Result verdict = Run({.evaluators = {"evaluators/rating"}, .at_deadline = AtDeadline::kVerdict}, late);
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(verdict.status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(ChainTest, TheLastTryThatTakesAllItsTimeIsUndetermined) {
  const CallContext late(absl::Now() - absl::Seconds(1), std::make_shared<CancelToken>());
  EXPECT_EQ(Run({.evaluators = {"evaluators/rating"}}, late).status().code(), absl::StatusCode::kDeadlineExceeded);
  const Result verdict = Run({.evaluators = {"evaluators/rating"}, .at_deadline = AtDeadline::kVerdict}, late);
  ASSERT_TRUE(verdict.ok()) << verdict.status();
  ASSERT_TRUE(verdict->has_value());
  EXPECT_EQ((*verdict)->undetermined_reason(), v1::UNDETERMINED_REASON_JUDGE_UNAVAILABLE);
  EXPECT_EQ(verdicts_.Get(CallContext(), (*verdict)->name())->outcome(), v1::OUTCOME_UNDETERMINED);
  // A server that stops leaves it to the next start.
  late.cancel()->Cancel();
  EXPECT_FALSE(Run({.evaluators = {"evaluators/rating"}, .at_deadline = AtDeadline::kVerdict}, late).ok());
}

// The same parts with another way to judge.
class OtherPipelineTest : public JudgedPipelineTest {
 protected:
  std::unique_ptr<EpisodePipeline> Pipeline(EpisodeEvaluation evaluation) {
    return std::make_unique<EpisodePipeline>(EpisodePipeline::Parts{*tasks_, sampler_, groups_, *rewards_, evaluators_, judge_, trajectories_,
                                                                    episodes_, timers_, pool_, v1::RewardPolicy(), std::move(evaluation),
                                                                    /*functions=*/{}});
  }
  // The episode when all of it is done.
  v1::Episode Drained(EpisodePipeline& pipeline, const std::string& name) {
    EXPECT_TRUE(pipeline.Drain(CallContext::WithTimeout(absl::Minutes(1))).ok());
    const absl::StatusOr<v1::Episode> episode = episodes_.Get(CallContext(), name);
    EXPECT_TRUE(episode.ok()) << episode.status();
    return episode.value_or(v1::Episode());
  }
};

TEST_F(OtherPipelineTest, AJudgeThatTakesTooLongIsMaskedWithItsReason) {
  const std::string name = RecordAnswer("e1");
  const std::unique_ptr<EpisodePipeline> pipeline = Pipeline({.chain = {"evaluators/rating"}, .longest_try = absl::Seconds(1), .longest_tries = 2});
  pipeline->Closed("e1");
  const v1::Episode episode = Drained(*pipeline, name);
  EXPECT_EQ(episode.result_state(), v1::RESULT_STATE_READY);
  EXPECT_EQ(episode.verdict().undetermined_reason(), v1::UNDETERMINED_REASON_JUDGE_UNAVAILABLE);
  EXPECT_EQ(episode.reward().mask_reason(), v1::MASK_REASON_UNDETERMINED);
  EXPECT_THAT(episode.reward().mask_message(), testing::HasSubstr("did not end within its time"));
}

TEST_F(OtherPipelineTest, AVerdictThatCouldNotBeStoredIsStoredLaterAndNoModelAskedAgain) {
  const std::string name = RecordAnswer("e1");
  LetItAnswer();
  // The cached reply of the model, and the verdict.
  std::atomic<int> failures = 2;
  database_.FailWrites(failures);
  const std::unique_ptr<EpisodePipeline> pipeline = Pipeline({.chain = {"evaluators/rating"}});
  pipeline->Closed("e1");
  const v1::Episode episode = Drained(*pipeline, name);
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(asked_so_far_, 1);
  EXPECT_EQ(episode.verdict().outcome(), v1::OUTCOME_SUCCESS);
  EXPECT_EQ(episode.reward().status(), v1::REWARD_STATUS_VALID);
  EXPECT_TRUE(verdicts_.Get(CallContext(), episode.reward().verdict()).ok());
}

TEST_F(OtherPipelineTest, AStoreThatFailsTakesNoneOfTheTriesOfAJudge) {
  const std::string name = RecordAnswer("e1");
  LetItAnswer();
  // The oracle's verdict.
  std::atomic<int> failures = 1;
  database_.FailWrites(failures);
  unanswered_ = 1;
  const std::unique_ptr<EpisodePipeline> pipeline =
      Pipeline({.chain = {"evaluators/of-the-task", "evaluators/rating"}, .longest_try = absl::Seconds(1), .longest_tries = 2});
  pipeline->Closed("e1");
  const v1::Episode episode = Drained(*pipeline, name);
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(asked_so_far_, 2);
  EXPECT_EQ(episode.verdict().outcome(), v1::OUTCOME_SUCCESS) << episode.verdict().rationale();
}

TEST_F(OtherPipelineTest, ALostScreenshotIsMaskedWithItsReason) {
  v1::Evaluator looking = evaluators_.Get(CallContext(), "evaluators/rating").value();
  looking.set_name("evaluators/looking");
  v1::JudgeStage& stage = *looking.mutable_judge()->mutable_stages(0);
  stage.mutable_messages(0)->set_template_("{{picture}} {{verdict_tag}}");
  stage.clear_slots();
  (*stage.mutable_slots())["picture"].mutable_screenshots()->set_last(1);
  looking.clear_version();
  looking.clear_create_time();
  ASSERT_TRUE(evaluators_.Create(CallContext(), looking).ok());
  const absl::Time start = SystemClock().Now();
  ASSERT_TRUE(recorder_.Begin(CallContext(), trajectory::MakeHeader("e1", start), trajectory::MakeEpisode("e1", start), {}).ok());
  v1::Step step;
  step.mutable_action()->mutable_noop();
  step.mutable_observation()->mutable_screenshot()->set_data("pixels");
  ASSERT_TRUE(recorder_.Append(CallContext(), "e1", step, {}).ok());
  ASSERT_TRUE(archive_->blobs().Delete(Sha256Hex("pixels")).ok());
  v1::Episode closed = trajectory::MakeEpisode("e1", start);
  closed.set_state(v1::EPISODE_STATE_CLOSED);
  closed.set_result_state(v1::RESULT_STATE_PENDING);
  ASSERT_TRUE(recorder_.Finish(CallContext(), "e1", trajectory::MakeEnding(start), closed, {}).ok());
  const std::unique_ptr<EpisodePipeline> pipeline = Pipeline({.chain = {"evaluators/looking"}});
  pipeline->Closed("e1");
  const v1::Episode episode = Drained(*pipeline, "episodes/e1");
  EXPECT_EQ(episode.verdict().undetermined_reason(), v1::UNDETERMINED_REASON_EVIDENCE_MISSING);
  EXPECT_EQ(episode.reward().status(), v1::REWARD_STATUS_MASKED);
  EXPECT_EQ(episode.reward().mask_reason(), v1::MASK_REASON_UNDETERMINED);
  EXPECT_EQ(asked_so_far_, 0);
}

TEST_F(OtherPipelineTest, WhatJudgingLacksIsNoSignThatTheEpisodeIsGone) {
  const std::string name = RecordAnswer("e1");
  LetItAnswer();
  const std::unique_ptr<EpisodePipeline> pipeline = Pipeline({.chain = {"evaluators/late"}});
  pipeline->Closed("e1");
  auto answer = std::make_shared<std::promise<Answer>>();
  pipeline->Wait(CallContext(), name, absl::Milliseconds(500), [answer](Answer episode) { answer->set_value(std::move(episode)); });
  std::future<Answer> pending = answer->get_future();
  ASSERT_TRUE(Comes(pending));
  EXPECT_EQ(pending.get()->result_state(), v1::RESULT_STATE_PENDING);
  v1::Evaluator late = evaluators_.Get(CallContext(), "evaluators/rating").value();
  late.set_name("evaluators/late");
  late.clear_version();
  late.clear_create_time();
  ASSERT_TRUE(evaluators_.Create(CallContext(), late).ok());
  EXPECT_EQ(Drained(*pipeline, name).reward().status(), v1::REWARD_STATUS_VALID);
}

TEST_F(JudgedPipelineTest, WaitForOraclesEndsWhenAModelIsAsked) {
  const std::string name = Record("e1");
  const auto wait_for_oracles = [&] {
    auto answer = std::make_shared<std::promise<Answer>>();
    judged_.WaitForOracles(CallContext(), name, absl::Minutes(1),
                           [answer](Answer episode) { answer->set_value(std::move(episode)); });
    return answer->get_future();
  };
  std::future<Answer> before = wait_for_oracles();
  EXPECT_EQ(before.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  judged_.Closed("e1");
  // The model has not answered, and the minute is not over.
  ASSERT_TRUE(Comes(before));
  EXPECT_EQ(before.get()->result_state(), v1::RESULT_STATE_PENDING);
  std::future<Answer> after = wait_for_oracles();
  ASSERT_EQ(after.wait_for(std::chrono::seconds(0)), std::future_status::ready);
  EXPECT_EQ(after.get()->result_state(), v1::RESULT_STATE_PENDING);
  std::promise<Answer> judged;
  std::future<Answer> whole = judged.get_future();
  judged_.Wait(CallContext(), name, absl::Minutes(1), [&](Answer episode) { judged.set_value(std::move(episode)); });
  EXPECT_EQ(whole.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  LetItAnswer();
  ASSERT_TRUE(Comes(whole));
  const Answer episode = whole.get();
  EXPECT_EQ(episode->result_state(), v1::RESULT_STATE_READY);
  EXPECT_EQ(episode->verdict().outcome(), v1::OUTCOME_SUCCESS) << episode->verdict().rationale();
  ASSERT_TRUE(judged_.Drain(CallContext::WithTimeout(absl::Seconds(30))).ok());
  // Once judged it is an episode like any other.
  EXPECT_EQ(wait_for_oracles().get()->result_state(), v1::RESULT_STATE_READY);
}

}  // namespace
}  // namespace proctor::server
