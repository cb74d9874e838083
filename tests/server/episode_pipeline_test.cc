#include "server/episode_pipeline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "evaluator/evidence.h"
#include "model/tables.h"
#include "reward/tables.h"
#include "server/judging.h"
#include "server/models.h"
#include "storage/memory_blob_store.h"
#include "storage/memory_database.h"
#include "tests/model/scripted_server.h"
#include "tests/trajectory/fixture.h"

namespace proctor::server {
namespace {

using storage::Transaction;

// A database whose next read waits for a function given to it.
class HeldDatabase final : public storage::Database {
 public:
  HeldDatabase() : database_(storage::NewMemoryDatabase().value()) {
    EXPECT_TRUE(evaluator::MigrateTables(*database_).ok());
    EXPECT_TRUE(reward::MigrateTables(*database_).ok());
    EXPECT_TRUE(model::MigrateTables(*database_).ok());
  }

  // The next read calls `function` first. Not while others read.
  void BeforeNextRead(std::function<void()> function) {
    function_ = std::move(function);
    armed_ = true;
  }

  absl::Status Migrate(std::string_view room, const std::vector<std::string>& migrations) override {
    return database_->Migrate(room, migrations);
  }
  // So many writes fail; counted down. It outlives the last of them.
  void FailWrites(std::atomic<int>& count, absl::Status status = absl::ResourceExhaustedError("the disk is full")) {
    failure_ = std::move(status);
    failures_ = &count;
  }

  absl::Status Write(const CallContext& context, const std::function<absl::Status(Transaction&)>& work) override {
    if (failures_ != nullptr && *failures_ > 0) {
      --*failures_;
      return failure_;
    }
    return database_->Write(context, work);
  }
  absl::Status Read(const CallContext& context, const std::function<absl::Status(Transaction&)>& work) override {
    if (armed_.exchange(false)) function_();
    return database_->Read(context, work);
  }

 private:
  const std::unique_ptr<storage::Database> database_;
  std::function<void()> function_;
  std::atomic<bool> armed_ = false;
  std::atomic<int>* failures_ = nullptr;
  absl::Status failure_;
};

// A pipeline without evaluators on closed episodes in memory: every reward is masked.
class EpisodePipelineTest : public testing::Test {
 protected:
  using Answer = absl::StatusOr<v1::Episode>;

  void TearDown() override { EXPECT_TRUE(pipeline_.Drain(CallContext::WithTimeout(absl::Seconds(30))).ok()); }

  // Records a closed episode whose reward is still to be made; returns its name.
  std::string Record(const std::string& id) {
    const absl::Time start = SystemClock().Now();
    EXPECT_TRUE(recorder_.Begin(CallContext(), trajectory::MakeHeader(id, start), trajectory::MakeEpisode(id, start), {})
                    .ok());
    v1::Episode closed = trajectory::MakeEpisode(id, start);
    closed.set_state(v1::EPISODE_STATE_CLOSED);
    closed.set_result_state(v1::RESULT_STATE_PENDING);
    EXPECT_TRUE(recorder_.Finish(CallContext(), id, trajectory::MakeEnding(start), closed, {}).ok());
    return "episodes/" + id;
  }

  // The same of one whose agent answered with its id: what a judge is asked about it is its own.
  std::string RecordAnswer(const std::string& id) {
    const absl::Time start = SystemClock().Now();
    EXPECT_TRUE(recorder_.Begin(CallContext(), trajectory::MakeHeader(id, start), trajectory::MakeEpisode(id, start), {}).ok());
    v1::Step step;
    step.mutable_action()->mutable_answer()->set_text(id);
    EXPECT_TRUE(recorder_.Append(CallContext(), id, step, {}).ok());
    v1::Episode closed = trajectory::MakeEpisode(id, start);
    closed.set_state(v1::EPISODE_STATE_CLOSED);
    closed.set_result_state(v1::RESULT_STATE_PENDING);
    EXPECT_TRUE(recorder_.Finish(CallContext(), id, trajectory::MakeEnding(start), closed, {}).ok());
    return "episodes/" + id;
  }

  // Lets episodes in that fill a group; returns what they were asked for with.
  v1::StartEpisodeRequest AdmitAsGroup(const std::vector<std::string>& ids) {
    v1::CreateTaskRequest task;
    task.mutable_task()->set_goal("Click.");
    task.mutable_task()->set_environment("environments/null");
    v1::StartEpisodeRequest request;
    request.set_task(tasks_->CreateTask(CallContext(), task).value().name());
    v1::Group group;
    group.set_task(request.task());
    group.set_size(static_cast<int>(ids.size()));
    request.set_group(groups_.Create(CallContext(), group, {}).value().name());
    for (const std::string& id : ids) EXPECT_TRUE(pipeline_.Admit(CallContext(), request, id).ok()) << id;
    return request;
  }
  // Runs SQL behind the stores' backs.
  void Sql(const std::string& sql) {
    const absl::Status status =
        database_.Write(CallContext(), [&](Transaction& transaction) { return transaction.Execute(sql, {}).status(); });
    ASSERT_TRUE(status.ok()) << status;
  }

  std::future<Answer> Wait(const CallContext& context, const std::string& name, absl::Duration max_wait) {
    auto answer = std::make_shared<std::promise<Answer>>();
    std::future<Answer> future = answer->get_future();
    pipeline_.Wait(context, name, max_wait, [answer](Answer episode) { answer->set_value(std::move(episode)); });
    return future;
  }

  static bool Comes(const std::future<Answer>& answer) {
    return answer.wait_for(std::chrono::seconds(30)) == std::future_status::ready;
  }

  HeldDatabase database_;
  const std::unique_ptr<storage::BlobStore> blobs_ = storage::NewMemoryBlobStore();
  const std::unique_ptr<trajectory::Archive> archive_ =
      trajectory::Archive::Open(database_, *blobs_, SystemClock()).value();
  trajectory::Recorder recorder_{*archive_};
  trajectory::TrajectoryStore trajectories_{*archive_};
  trajectory::EpisodeStore episodes_{*archive_};
  const std::unique_ptr<proposer::TaskStore> tasks_ = proposer::TaskStore::Create(database_, SystemClock()).value();
  proposer::TaskSampler sampler_{database_, SystemClock()};
  const std::unique_ptr<reward::RewardLog> rewards_ =
      reward::RewardLog::Open(CallContext(), database_, SystemClock(), archive_->unreadable()).value();
  reward::Groups groups_{database_, SystemClock(), archive_->unreadable()};
  evaluator::EvaluatorStore evaluators_{database_, SystemClock()};
  evaluator::VerdictStore verdicts_{database_, SystemClock()};
  TimerQueue timers_;
  ThreadPool pool_{"pipeline", 2};
  const std::unique_ptr<Models> models_ = Models::Create({}, {database_, timers_, pool_}).value();
  Judging judging_{Judging::Parts{evaluators_, verdicts_, *blobs_, *models_, pool_, "secret"}};
  EpisodePipeline pipeline_{EpisodePipeline::Parts{*tasks_, sampler_, groups_, *rewards_, evaluators_, judging_,
                                                   trajectories_, episodes_, timers_, pool_, v1::RewardPolicy(),
                                                   /*evaluation=*/{}, /*functions=*/{}}};
};

TEST_F(EpisodePipelineTest, WaitEndsWithTheReward) {
  const std::string name = Record("e1");
  std::future<Answer> answer = Wait(CallContext(), name, absl::Minutes(1));
  EXPECT_EQ(answer.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  pipeline_.Closed("e1");
  ASSERT_TRUE(Comes(answer));
  const Answer episode = answer.get();
  ASSERT_TRUE(episode.ok()) << episode.status();
  EXPECT_EQ(episode->result_state(), v1::RESULT_STATE_READY);
  EXPECT_EQ(episode->reward().status(), v1::REWARD_STATUS_MASKED);
}

TEST_F(EpisodePipelineTest, WaitForWhatIsReadyEndsAtOnce) {
  const std::string name = Record("e1");
  pipeline_.Closed("e1");
  ASSERT_TRUE(pipeline_.Drain(CallContext::WithTimeout(absl::Seconds(30))).ok());
  std::future<Answer> answer = Wait(CallContext(), name, absl::Minutes(1));
  ASSERT_EQ(answer.wait_for(std::chrono::seconds(0)), std::future_status::ready);
  EXPECT_EQ(answer.get()->result_state(), v1::RESULT_STATE_READY);
}

TEST_F(EpisodePipelineTest, ARecordThatItsSessionCouldNotCloseIsClosedAndMasked) {
  const absl::Time start = SystemClock().Now();
  ASSERT_TRUE(recorder_.Begin(CallContext(), trajectory::MakeHeader("e1", start), trajectory::MakeEpisode("e1", start), {}).ok());
  std::future<Answer> answer = Wait(CallContext(), "episodes/e1", absl::Minutes(1));
  // The store fails twice more before it recovers.
  std::atomic<int> failures = 2;
  database_.FailWrites(failures);
  pipeline_.NotClosed("e1");
  ASSERT_TRUE(Comes(answer));
  const Answer episode = answer.get();
  ASSERT_TRUE(episode.ok()) << episode.status();
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(episode->end_reason(), v1::END_REASON_SERVER_FAULT);
  EXPECT_EQ(episode->reward().mask_reason(), v1::MASK_REASON_SERVER_FAULT);
  EXPECT_TRUE(trajectories_.GetHeader(CallContext(), "trajectories/e1")->closed());
}

TEST_F(EpisodePipelineTest, InlineTasksAreOfTheSplitThatTheySayAndOfTrainWithoutOne) {
  v1::StartEpisodeRequest request;
  request.mutable_inline_task()->set_goal("click");
  EXPECT_EQ(pipeline_.Admit(CallContext(), request, "e1")->split(), v1::SPLIT_TRAIN);
  request.mutable_inline_task()->set_split(v1::SPLIT_TEST);
  EXPECT_EQ(pipeline_.Admit(CallContext(), request, "e2")->split(), v1::SPLIT_TEST);
}

TEST_F(EpisodePipelineTest, APlaceInAGroupThatCouldNotBeGivenBackIsGivenBackLater) {
  const v1::StartEpisodeRequest request = AdmitAsGroup({"e1"});
  std::atomic<int> failures = 2;
  database_.FailWrites(failures);
  pipeline_.Abandon(request, "e1");
  ASSERT_TRUE(pipeline_.Drain(CallContext::WithTimeout(absl::Seconds(30))).ok());
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(groups_.Get(CallContext(), request.group())->started(), 0);
}

TEST_F(EpisodePipelineTest, DamagedEpisodesAreLeftAsTheyAreAndTheOthersJudged) {
  for (const char* const id : {"e1", "e2", "e3", "e4"}) Record(id);
  Sql("UPDATE trajectory_episodes SET episode = x'ffffff' WHERE id = 'e1'");
  Sql("UPDATE trajectory_records SET header = x'ffffff' WHERE id = 'e3'");
  std::future<Answer> answer = Wait(CallContext(), "episodes/e3", absl::Minutes(1));
  const absl::Status resumed = pipeline_.Resume(CallContext());
  ASSERT_TRUE(resumed.ok()) << resumed;
  // Nobody waits for the damaged ones, neither a client nor the drain.
  ASSERT_TRUE(Comes(answer));
  EXPECT_EQ(answer.get()->result_state(), v1::RESULT_STATE_PENDING);
  ASSERT_TRUE(pipeline_.Drain(CallContext::WithTimeout(absl::Seconds(30))).ok());
  EXPECT_EQ(archive_->unreadable().count(), 2);
  for (const char* const name : {"episodes/e2", "episodes/e4"}) {
    EXPECT_EQ(episodes_.Get(CallContext(), name)->result_state(), v1::RESULT_STATE_READY) << name;
  }
  EXPECT_EQ(episodes_.Get(CallContext(), "episodes/e1").status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(episodes_.Get(CallContext(), "episodes/e3")->result_state(), v1::RESULT_STATE_PENDING);
}

TEST_F(EpisodePipelineTest, AnEpisodeWhoseRowGetsDamagedBeforeItIsJudgedGetsNoReward) {
  Record("e1");
  Sql("UPDATE trajectory_episodes SET episode = x'ffffff'");
  pipeline_.Closed("e1");
  ASSERT_TRUE(pipeline_.Drain(CallContext::WithTimeout(absl::Seconds(30))).ok());
  EXPECT_EQ(archive_->unreadable().count(), 1);
  int64_t rewards = -1;
  ASSERT_TRUE(database_
                  .Read(CallContext(),
                        [&](Transaction& transaction) -> absl::Status {
                          const auto rows = transaction.Query("SELECT COUNT(*) FROM reward_records", {});
                          if (rows.ok()) rewards = (*rows)[0].Int(0);
                          return rows.status();
                        })
                  .ok());
  EXPECT_EQ(rewards, 0);
}

TEST_F(EpisodePipelineTest, ARecordThatIsTooDamagedToBeClosedIsNotTriedAgain) {
  const absl::Time start = SystemClock().Now();
  ASSERT_TRUE(recorder_.Begin(CallContext(), trajectory::MakeHeader("e1", start), trajectory::MakeEpisode("e1", start), {}).ok());
  Sql("UPDATE trajectory_records SET header = x'ffffff'");
  pipeline_.NotClosed("e1");
  ASSERT_TRUE(pipeline_.Drain(CallContext::WithTimeout(absl::Seconds(30))).ok());
  EXPECT_EQ(archive_->unreadable().count(), 1);
  const v1::Episode episode = episodes_.Get(CallContext(), "episodes/e1").value();
  EXPECT_EQ(episode.state(), v1::EPISODE_STATE_CLOSED);
  EXPECT_EQ(episode.end_kind(), v1::END_KIND_INTERRUPTED);
  // The next start counts no other record for it.
  ASSERT_TRUE(trajectories_.CloseInterrupted(CallContext()).ok());
  pipeline_.Closed("e1");
  ASSERT_TRUE(pipeline_.Drain(CallContext::WithTimeout(absl::Seconds(30))).ok());
  EXPECT_EQ(archive_->unreadable().count(), 1);
}

TEST_F(EpisodePipelineTest, ARecordThatTheDatabaseCannotCloseIsCountedAndItsEpisodeEnds) {
  const absl::Time start = SystemClock().Now();
  ASSERT_TRUE(recorder_.Begin(CallContext(), trajectory::MakeHeader("e1", start), trajectory::MakeEpisode("e1", start), {}).ok());
  std::future<Answer> answer = Wait(CallContext(), "episodes/e1", absl::Minutes(1));
  std::atomic<int> failures = 1;
  database_.FailWrites(failures, absl::DataLossError("database disk image is malformed"));
  pipeline_.NotClosed("e1");
  ASSERT_TRUE(Comes(answer));
  const Answer episode = answer.get();
  ASSERT_TRUE(episode.ok()) << episode.status();
  EXPECT_EQ(episode->state(), v1::EPISODE_STATE_CLOSED);
  EXPECT_EQ(episode->end_reason(), v1::END_REASON_SERVER_FAULT);
  EXPECT_EQ(archive_->unreadable().count(), 1);
  EXPECT_FALSE(trajectories_.GetHeader(CallContext(), "trajectories/e1")->closed());
  // Nothing is made of it until it is closed.
  ASSERT_TRUE(pipeline_.Resume(CallContext()).ok());
  ASSERT_TRUE(pipeline_.Drain(CallContext::WithTimeout(absl::Seconds(30))).ok());
  EXPECT_EQ(episodes_.Get(CallContext(), "episodes/e1")->result_state(), v1::RESULT_STATE_PENDING);
  ASSERT_TRUE(trajectories_.CloseInterrupted(CallContext()).ok());
  ASSERT_TRUE(pipeline_.Resume(CallContext()).ok());
  ASSERT_TRUE(pipeline_.Drain(CallContext::WithTimeout(absl::Seconds(30))).ok());
  EXPECT_EQ(episodes_.Get(CallContext(), "episodes/e1")->reward().mask_reason(), v1::MASK_REASON_SERVER_FAULT);
}

TEST_F(EpisodePipelineTest, ADatabaseThatTakesNothingIsNotAskedAgain) {
  const absl::Time start = SystemClock().Now();
  ASSERT_TRUE(recorder_.Begin(CallContext(), trajectory::MakeHeader("e1", start), trajectory::MakeEpisode("e1", start), {}).ok());
  std::atomic<int> failures = 1000;
  database_.FailWrites(failures, absl::DataLossError("database disk image is malformed"));
  pipeline_.NotClosed("e1");
  ASSERT_TRUE(pipeline_.Drain(CallContext::WithTimeout(absl::Seconds(30))).ok());
  EXPECT_EQ(failures, 998);
  // The trajectory, and its episode's row, which could not be changed either.
  EXPECT_EQ(archive_->unreadable().count(), 2);
}

TEST_F(EpisodePipelineTest, WhatClosesAfterTheStopIsTheNextStarts) {
  Record("e1");
  std::atomic<int> failures = 1000;
  database_.FailWrites(failures, absl::UnavailableError("the disk is away"));
  pipeline_.Closed("e1");  // It is tried again and again, ...
  pipeline_.Stop();        // ... but not after this.
  EXPECT_TRUE(pipeline_.Drain(CallContext::WithTimeout(absl::Seconds(30))).ok());
  failures = 0;
  Record("e2");
  pipeline_.Closed("e2");
  EXPECT_EQ(pipeline_.pending(), 0);
}

TEST_F(EpisodePipelineTest, ADamagedEpisodeKeepsItsPlaceInItsGroup) {
  const v1::StartEpisodeRequest request = AdmitAsGroup({"e1", "e2"});
  const absl::Time start = SystemClock().Now();
  ASSERT_TRUE(recorder_.Begin(CallContext(), trajectory::MakeHeader("e1", start), trajectory::MakeEpisode("e1", start), {}).ok());
  Sql("UPDATE trajectory_episodes SET episode = x'ffffff'");
  const absl::Status resumed = pipeline_.Resume(CallContext());
  ASSERT_TRUE(resumed.ok()) << resumed;
  // That of the other, which never started, was given back.
  EXPECT_EQ(groups_.Get(CallContext(), request.group())->started(), 1);
  EXPECT_EQ(archive_->unreadable().count(), 1);
}

TEST_F(EpisodePipelineTest, ADamagedGroupStopsNeitherTheStartNorTheDrain) {
  const v1::StartEpisodeRequest request = AdmitAsGroup({"e1", "e2"});
  Sql("UPDATE reward_groups SET body = x'ffffff'");
  const absl::Status resumed = pipeline_.Resume(CallContext());
  EXPECT_TRUE(resumed.ok()) << resumed;
  pipeline_.Abandon(request, "e1");
  EXPECT_TRUE(pipeline_.Drain(CallContext::WithTimeout(absl::Seconds(30))).ok());
  EXPECT_EQ(groups_.Get(CallContext(), request.group()).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(archive_->unreadable().count(), 1);
}

TEST_F(EpisodePipelineTest, AnInlineTaskHasTheLimitOfATask) {
  v1::StartEpisodeRequest request;
  request.mutable_inline_task()->set_goal(std::string(trajectory::kMaxTaskBytes, 'x'));
  EXPECT_EQ(pipeline_.Admit(CallContext(), request, "e1").status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(EpisodePipelineTest, WaitEndsWithItsTime) {
  std::future<Answer> answer = Wait(CallContext(), Record("e1"), absl::Milliseconds(20));
  ASSERT_TRUE(Comes(answer));
  EXPECT_EQ(answer.get()->result_state(), v1::RESULT_STATE_PENDING);
}

TEST_F(EpisodePipelineTest, WaitEndsWhenItsCallerGivesUp) {
  const CallContext context = CallContext::WithTimeout(absl::Minutes(1));
  std::future<Answer> answer = Wait(context, Record("e1"), absl::Minutes(1));
  context.cancel()->Cancel();
  ASSERT_TRUE(Comes(answer));
  EXPECT_EQ(answer.get()->result_state(), v1::RESULT_STATE_PENDING);
}

// A judge of 1 to 5 whose model answers when it is told to.
class JudgedPipelineTest : public EpisodePipelineTest {
 protected:
  JudgedPipelineTest() {
    v1::Evaluator rating;
    rating.set_name("evaluators/rating");
    v1::JudgeStage& stage = *rating.mutable_judge()->add_stages();
    stage.set_id("rating");
    stage.add_messages()->set_template_("{{answer}} {{verdict_tag}}");
    (*stage.mutable_slots())["answer"].mutable_answer();
    stage.mutable_parser()->mutable_number()->mutable_place()->set_after("{{verdict_tag}}");
    stage.mutable_parser()->mutable_number()->set_min(1);
    stage.mutable_parser()->mutable_number()->set_max(5);
    EXPECT_TRUE(evaluators_.Create(CallContext(), rating).ok());
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
  std::atomic<int> waiting_ = 0;
  std::atomic<int> most_waiting_ = 0;
  model::ScriptedServer server_{[this, told = told_.get_future().share()](const model::SeenRequest& request) {
    const int waiting = ++waiting_;
    for (int most = most_waiting_; most < waiting && !most_waiting_.compare_exchange_weak(most, waiting);) {
    }
    ++asked_so_far_;
    told.wait_for(std::chrono::minutes(1));
    --waiting_;
    const std::string all = request.system + request.text;
    return model::SayText(request, all.substr(all.find("VERDICT-"), 24) + ": 5");
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
  Sql(absl::StrCat("UPDATE trajectory_records SET step_bytes = ", kJudgedBytes / 2));
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

// The verdict of the chain of oracle and judge on a record whose page was there at the start; its evidence of the end is missing.
class ChainTest : public JudgedPipelineTest {
 protected:
  ChainTest() {
    v1::Evaluator oracle;
    oracle.set_name("evaluators/of-the-task");
    oracle.mutable_task_oracle();
    EXPECT_TRUE(evaluators_.Create(CallContext(), oracle).ok());
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

TEST_F(EpisodePipelineTest, WaitForNothingIsNotFound) {
  std::future<Answer> answer = Wait(CallContext(), "episodes/none", absl::Minutes(1));
  ASSERT_TRUE(Comes(answer));
  EXPECT_EQ(answer.get().status().code(), absl::StatusCode::kNotFound);
}

// The result comes while Wait still looks for it, and whoever asked is gone before Wait has returned, with all that it
// handed over.
TEST_F(EpisodePipelineTest, WaitNeedsNothingOfACallerThatWasAnsweredMeanwhile) {
  auto name = std::make_unique<std::string>(Record("e1"));
  auto context = std::make_unique<CallContext>(CallContext::WithTimeout(absl::Minutes(1)));
  const std::string& asked = *name;
  const CallContext& caller = *context;
  std::promise<Answer> answered;
  std::future<Answer> answer = answered.get_future();
  database_.BeforeNextRead([&] {
    pipeline_.Closed("e1");
    EXPECT_TRUE(Comes(answer));
  });
  int times = 0;
  pipeline_.Wait(caller, asked, absl::Minutes(1), [&](Answer episode) {
    ++times;
    name.reset();
    context.reset();
    answered.set_value(std::move(episode));
  });
  EXPECT_EQ(times, 1);
  EXPECT_EQ(answer.get()->result_state(), v1::RESULT_STATE_READY);
}

}  // namespace
}  // namespace proctor::server
