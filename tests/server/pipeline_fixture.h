// Episodes that are closed and whose result is still to be made, in memory, with all that makes it.
#ifndef PROCTOR_TESTS_SERVER_PIPELINE_FIXTURE_H_
#define PROCTOR_TESTS_SERVER_PIPELINE_FIXTURE_H_

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/ids.h"
#include "common/proto_time.h"
#include "evaluator/evidence.h"
#include "model/tables.h"
#include "reward/tables.h"
#include "server/episode_pipeline.h"
#include "server/judging.h"
#include "server/models.h"
#include "storage/memory_blob_store.h"
#include "storage/memory_database.h"
#include "tests/trajectory/fixture.h"

namespace proctor::server {

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

  absl::Status Write(const CallContext& context, const std::function<absl::Status(storage::Transaction&)>& work) override {
    if (failures_ != nullptr && *failures_ > 0) {
      --*failures_;
      return failure_;
    }
    return database_->Write(context, work);
  }
  absl::Status Read(const CallContext& context, const std::function<absl::Status(storage::Transaction&)>& work) override {
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
  std::string RecordAnswer(const std::string& id) { return RecordAnswer(trajectory::MakeHeader(id, SystemClock().Now())); }
  std::string RecordAnswer(const v1::Trajectory& header) {
    const std::string id = ResourceId("trajectories", header.name()).value();
    const absl::Time start = FromProto(header.start_time());
    EXPECT_TRUE(recorder_.Begin(CallContext(), header, trajectory::MakeEpisode(id, start), {}).ok());
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
        database_.Write(CallContext(), [&](storage::Transaction& transaction) { return transaction.Execute(sql, {}).status(); });
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

}  // namespace proctor::server

#endif  // PROCTOR_TESTS_SERVER_PIPELINE_FIXTURE_H_
