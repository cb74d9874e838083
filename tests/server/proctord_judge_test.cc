// Judges of a real proctord, and what episodes get of them.
#include <atomic>
#include <fstream>
#include <future>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/server/change_rows.h"
#include "tests/server/proctord_http.h"
#include "tests/server/proctord_judge_fixture.h"
#include "trajectory/record_form.h"

namespace proctor::server {
namespace {

using model::ScriptedReply;
using model::SeenRequest;
using testing::HasSubstr;
using testing::IsEmpty;

TEST_F(ProctordJudgeTest, JudgesAnEpisodeWithoutOracleAndRewardsIt) {
  StartWith([](const SeenRequest& request) { return SayWithTag(request, "The answer is there.\n{{tag}}: SUCCESS"); });
  const v1::Episode episode = Play(MakeTaskWithoutOracle(), "42");
  EXPECT_EQ(episode.verdict().outcome(), v1::OUTCOME_SUCCESS) << episode.verdict().rationale();
  EXPECT_EQ(episode.verdict().evaluator(), "evaluators/pae");
  EXPECT_EQ(episode.reward().status(), v1::REWARD_STATUS_VALID);
  EXPECT_EQ(episode.reward().value(), 1);
  // The trace is kept with the verdict alone.
  EXPECT_THAT(episode.verdict().questions(), IsEmpty());
  const v1::Verdict verdict = GetVerdict(episode.verdict().name());
  ASSERT_EQ(verdict.questions_size(), 1);
  const v1::ModelCall& call = verdict.questions(0).calls(0);
  EXPECT_EQ(call.endpoint(), "scripted");
  EXPECT_THAT(call.raw_reply(), HasSubstr("The answer is there."));
  EXPECT_EQ(call.request_digest().size(), 64u);
  EXPECT_GT(verdict.usage().cost_usd(), 0);
  ASSERT_EQ(model_->requests().size(), 1u);
  EXPECT_THAT(model_->requests()[0].text, HasSubstr("Say a number."));
  EXPECT_THAT(model_->requests()[0].text, HasSubstr("\n42\n"));
}

TEST_F(ProctordJudgeTest, QuestionsVerdictsTokensAndCostAreInTheMetrics) {
  std::ofstream(server_.config(), std::ios::app) << kHttpConfig;
  StartWith([](const SeenRequest& request) { return SayWithTag(request, "{{tag}}: SUCCESS"); });
  const v1::Episode episode = Play(MakeTaskWithoutOracle(), "42");
  const v1::Usage usage = GetVerdict(episode.verdict().name()).usage();
  const auto metrics = ProctordHttp(server_).Scrape();
  EXPECT_EQ(ValueOf(metrics, "proctor_model_calls_total", {{"endpoint", "scripted"}, {"outcome", "ok"}}), 1);
  EXPECT_EQ(ValueOf(metrics, "proctor_model_calls_in_flight"), 0);
  EXPECT_EQ(ValueOf(metrics, "proctor_model_call_seconds_count", {{"endpoint", "scripted"}}), 1);
  EXPECT_EQ(ValueOf(metrics, "proctor_model_tokens_total", {{"kind", "input"}}), usage.input_tokens());
  EXPECT_EQ(ValueOf(metrics, "proctor_model_tokens_total", {{"kind", "output"}}), usage.output_tokens());
  EXPECT_NEAR(ValueOf(metrics, "proctor_model_cost_usd_total"), usage.cost_usd(), 1e-9);
  EXPECT_EQ(ValueOf(metrics, "proctor_verdicts_total", {{"evaluator", "evaluators/pae"}, {"outcome", "success"}}), 1);
}

TEST_F(ProctordJudgeTest, AsksNoModelWhereTheOracleDecides) {
  StartWith([](const SeenRequest& request) { return SayWithTag(request, "{{tag}}: SUCCESS"); });
  EXPECT_EQ(Play(MakeTask(), "41").verdict().evaluator(), "evaluators/oracle");
  EXPECT_THAT(model_->requests(), IsEmpty());
}

TEST_F(ProctordJudgeTest, AnAuditAsksTheJudgeBesideTheOracleWhichCounts) {
  StartWith([](const SeenRequest& request) { return SayWithTag(request, "{{tag}}: SUCCESS"); }, "{audit_share: 1}");
  const v1::Episode episode = Play(MakeTask(), "41");
  EXPECT_EQ(episode.verdict().outcome(), v1::OUTCOME_FAILURE);
  EXPECT_EQ(episode.reward().value(), 0);
  const std::vector<v1::Verdict> verdicts = Verdicts(episode.trajectory());
  ASSERT_EQ(verdicts.size(), 2u);
  EXPECT_EQ(verdicts[0].evaluator(), "evaluators/pae");
  EXPECT_EQ(verdicts[0].outcome(), v1::OUTCOME_SUCCESS);
}

TEST_F(ProctordJudgeTest, JudgeTroubleMasksTheReward) {
  StartWith([](const SeenRequest& request) { return model::Refuse(request, 401, "invalid_request_error", "no key"); });
  const v1::Episode episode = Play(MakeTaskWithoutOracle(), "42");
  EXPECT_EQ(episode.verdict().undetermined_reason(), v1::UNDETERMINED_REASON_JUDGE_UNAVAILABLE);
  EXPECT_EQ(episode.reward().status(), v1::REWARD_STATUS_MASKED);
}

TEST_F(ProctordJudgeTest, AnUnavailableJudgeIsAskedAgainWhereThatIsConfigured) {
  auto fails = std::make_shared<std::atomic<int>>(1);
  StartWith(
      [fails](const SeenRequest& request) {
        if ((*fails)-- > 0) return model::Refuse(request, 401, "invalid_request_error", "no key");
        return SayWithTag(request, "{{tag}}: NOT SUCCESS");
      },
      "{judge_retries: 1, judge_retry_delay: 1s}");
  const v1::Episode episode = Play(MakeTaskWithoutOracle(), "42");
  EXPECT_EQ(episode.verdict().outcome(), v1::OUTCOME_FAILURE);
  EXPECT_EQ(episode.reward().status(), v1::REWARD_STATUS_VALID);
  EXPECT_EQ(GetVerdict(episode.verdict().name()).outcome(), v1::OUTCOME_FAILURE);
}

TEST_F(ProctordJudgeTest, AnEpisodeWhoseJudgeWasCutOffIsJudgedAfterTheRestart) {
  auto silent = std::make_shared<std::atomic<bool>>(true);
  StartWith([silent](const SeenRequest& request) {
    ScriptedReply reply = SayWithTag(request, "{{tag}}: SUCCESS");
    reply.silent = *silent;
    return reply;
  });
  const std::string session = MakeSession();
  const std::string episode = StartEpisode(session, MakeTaskWithoutOracle()).name();
  Act(session, Answer("42"));
  ASSERT_TRUE(model_->WaitForRequests(1));
  server_.Stop(SIGTERM);
  *silent = false;
  StartOnceMore();
  const v1::Episode judged = WaitEpisode(episode);
  EXPECT_EQ(judged.verdict().outcome(), v1::OUTCOME_SUCCESS) << judged.verdict().rationale();
  EXPECT_EQ(judged.reward().status(), v1::REWARD_STATUS_VALID);
  EXPECT_EQ(LogLength(), 1);
}

TEST_F(ProctordJudgeTest, ATerminalStepWaitsForAnOracleButNotForAJudge) {
  StartWith([](const SeenRequest& request) {
    ScriptedReply reply = SayWithTag(request, "{{tag}}: SUCCESS");
    reply.silent = true;
    return reply;
  });
  const std::string session = MakeSession();
  StartEpisode(session, MakeTask());
  const v1::Episode by_oracle = Act(session, Answer("42")).episode();
  EXPECT_EQ(by_oracle.result_state(), v1::RESULT_STATE_READY);
  EXPECT_EQ(by_oracle.verdict().outcome(), v1::OUTCOME_SUCCESS);
  StartEpisode(session, MakeTaskWithoutOracle());
  const v1::Episode by_judge = Act(session, Answer("42")).episode();
  EXPECT_EQ(by_judge.state(), v1::EPISODE_STATE_CLOSED);
  EXPECT_EQ(by_judge.result_state(), v1::RESULT_STATE_PENDING);
  EXPECT_FALSE(by_judge.has_verdict());
}

TEST_F(ProctordJudgeTest, AVerdictIsReplayedFromItsRepliesAlone) {
  StartWith([](const SeenRequest& request) { return SayWithTag(request, "Seen.\n{{tag}}: SUCCESS"); });
  const v1::Verdict verdict = GetVerdict(Play(MakeTaskWithoutOracle(), "42").verdict().name());
  v1::ReplayVerdictRequest request;
  request.set_name(verdict.name());
  v1::Verdict again;
  ClientContext context;
  const grpc::Status status = evaluations_->ReplayVerdict(&context, request, &again);
  ASSERT_TRUE(status.ok()) << status.error_message();
  v1::Verdict expected = verdict;
  expected.clear_latency();
  expected.clear_create_time();
  EXPECT_EQ(again.DebugString(), expected.DebugString());
  EXPECT_EQ(model_->requests().size(), 1u);
}

TEST_F(ProctordJudgeTest, WithoutModelsAJudgeIsRefused) {
  Start();
  evaluations_ = v1::EvaluationService::NewStub(server_.channel());
  const v1::Episode episode = Play(MakeTask(), "42");
  v1::Verdict verdict;
  const grpc::Status status = Evaluate(episode.trajectory(), "evaluators/pae", &verdict);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(status.error_message(), HasSubstr("--model-endpoint"));
}

TEST_F(ProctordJudgeTest, ABudgetThatIsSpentIsAnError) {
  StartWith([](const SeenRequest& request) { return SayWithTag(request, "{{tag}}: SUCCESS"); });
  const v1::Episode episode = Play(MakeTask(), "42");
  server_.Stop(SIGTERM);
  std::ofstream(server_.config(), std::ios::app) << "";
  std::string config;
  {
    std::ifstream file(server_.config());
    config.assign(std::istreambuf_iterator<char>(file), {});
  }
  std::ofstream(server_.config()) << absl::StrReplaceAll(config, {{"  prices:", "  budgets: {day_usd: 0.000001}\n  prices:"}});
  StartOnceMore();
  v1::Verdict verdict;
  EXPECT_EQ(Evaluate(episode.trajectory(), "evaluators/pae", &verdict).error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(model_->requests(), IsEmpty());
}

TEST_F(ProctordJudgeTest, ComparesTwoAttemptsAtATask) {
  StartWith([](const SeenRequest& request) {
    const bool first = request.text.find("\n42\n") < request.text.find("\n41\n");
    return SayWithTag(request, first ? "{{tag}}: FIRST" : "{{tag}}: SECOND");
  });
  const std::string task = MakeTask();
  v1::CompareTrajectoriesRequest request;
  request.set_first(Play(task, "41").trajectory());
  request.set_second(Play(task, "42").trajectory());
  v1::Comparison comparison;
  {
    ClientContext context;
    const grpc::Status status = evaluations_->CompareTrajectories(&context, request, &comparison);
    ASSERT_TRUE(status.ok()) << status.error_message();
  }
  EXPECT_EQ(comparison.preference(), v1::PREFERENCE_SECOND);
  EXPECT_TRUE(comparison.consistent());
  request.set_second(request.first());
  ClientContext context;
  EXPECT_EQ(evaluations_->CompareTrajectories(&context, request, &comparison).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(ProctordJudgeTest, CallsThatJudgeShareTheMemoryForTrajectories) {
  auto silent = std::make_shared<std::atomic<bool>>(false);
  StartWith([silent](const SeenRequest& request) {
    ScriptedReply reply = SayWithTag(request, "{{tag}}: NOT SUCCESS");
    reply.silent = *silent;
    return reply;
  });
  const std::string task = MakeTaskWithoutOracle();
  const v1::Episode first = Play(task, "41");
  const v1::Episode second = Play(task, "42");
  ASSERT_EQ(first.verdict().outcome(), v1::OUTCOME_FAILURE) << first.verdict().rationale();
  server_.Stop(SIGTERM);
  // As if they were of the largest that there are.
  ChangeRows(server_.data(), absl::StrCat("UPDATE trajectory_records SET step_bytes = ", trajectory::kMaxAllStepsBytes));
  *silent = true;
  StartOnceMore();
  const size_t asked = model_->requests().size();
  v1::CompareTrajectoriesRequest compare;
  compare.set_first(first.trajectory());
  compare.set_second(second.trajectory());
  ClientContext comparing;
  std::future<grpc::Status> compared = std::async(std::launch::async, [&] {
    v1::Comparison comparison;
    return evaluations_->CompareTrajectories(&comparing, compare, &comparison);
  });
  EXPECT_TRUE(model_->WaitForRequests(asked + 1));
  const auto expect_refused = [](const grpc::Status& status) {
    EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << status.error_message();
    EXPECT_THAT(status.error_message(), HasSubstr("trajectories that calls have judged"));
    EXPECT_FALSE(status.error_details().empty()) << "when to try again";
  };
  v1::Verdict verdict;
  expect_refused(Evaluate(first.trajectory(), "evaluators/oracle", &verdict));
  {
    ClientContext context;
    v1::ReplayVerdictRequest request;
    request.set_name(first.verdict().name());
    expect_refused(evaluations_->ReplayVerdict(&context, request, &verdict));
  }
  {
    ClientContext context;
    v1::Comparison comparison;
    expect_refused(evaluations_->CompareTrajectories(&context, compare, &comparison));
  }
  {
    ClientContext context;
    v1::ReflectRequest request;
    request.set_trajectory(first.trajectory());
    v1::Reflection reflection;
    expect_refused(evaluations_->Reflect(&context, request, &reflection));
  }
  comparing.TryCancel();
  EXPECT_EQ(compared.get().error_code(), grpc::StatusCode::CANCELLED);
  // What it held is free again.
  grpc::Status status;
  EXPECT_TRUE(Comes([&] {
    status = Evaluate(first.trajectory(), "evaluators/oracle", &verdict);
    return status.error_code() != grpc::StatusCode::RESOURCE_EXHAUSTED;
  }));
  EXPECT_TRUE(status.ok()) << status.error_message();
}

}  // namespace
}  // namespace proctor::server
