#include "server/job_runner.h"

#include <atomic>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "proctor/v1/task.pb.h"
#include "storage/memory_database.h"

namespace proctor::server {
namespace {

// Refuses a write on demand.
class RefusingDatabase final : public storage::Database {
 public:
  explicit RefusingDatabase(storage::Database& database) : database_(database) {}

  // The next write of this thread is refused, after `meanwhile`.
  void RefuseNext(std::function<void()> meanwhile) {
    MutexLock lock(mutex_);
    thread_ = std::this_thread::get_id();
    meanwhile_ = std::move(meanwhile);
  }

  // Each write of this thread is refused, after `meanwhile`.
  void RefuseAll(const std::function<void()>& meanwhile) {
    RefuseNext([this, meanwhile] {
      meanwhile();
      RefuseAll(meanwhile);
    });
  }

  absl::Status Migrate(std::string_view room, const std::vector<std::string>& migrations) override {
    return database_.Migrate(room, migrations);
  }
  absl::Status Write(const CallContext& context, const std::function<absl::Status(storage::Transaction&)>& work) override {
    std::function<void()> meanwhile;
    {
      MutexLock lock(mutex_);
      if (thread_ == std::this_thread::get_id()) meanwhile = std::exchange(meanwhile_, nullptr);
    }
    if (meanwhile == nullptr) return database_.Write(context, work);
    meanwhile();
    return absl::UnavailableError("refused");
  }
  absl::Status Read(const CallContext& context, const std::function<absl::Status(storage::Transaction&)>& work) override {
    return database_.Read(context, work);
  }

 private:
  storage::Database& database_;
  Mutex mutex_;
  std::thread::id thread_ ABSL_GUARDED_BY(mutex_);
  std::function<void()> meanwhile_ ABSL_GUARDED_BY(mutex_);
};

class JobRunnerTest : public testing::Test {
 protected:
  JobRunnerTest() : memory_(storage::NewMemoryDatabase().value()), database_(*memory_) {
    store_ = storage::JobStore::Open(database_, SystemClock()).value();
    NewRunner();
  }
  ~JobRunnerTest() override { runner_->Stop(); }

  // Two jobs work at once. They report again and again until they are cancelled or may finish; those of kind "short" end at once.
  void NewRunner(int places = 2) {
    if (runner_ != nullptr) runner_->Stop();
    runner_ = std::make_unique<JobRunner>(JobRunner::Parts{*store_, pool_, places, [this](const std::string& job) {
                                                             MutexLock lock(mutex_);
                                                             return tenants_[job];
                                                           }});
    runner_->Register("short", [this](const CallContext&, const v1::Job& job, JobProgress&) -> absl::StatusOr<google::protobuf::Any> {
      MutexLock lock(mutex_);
      ran_.push_back(job.name());
      return google::protobuf::Any();
    });
    runner_->Register("long",
                      [this](const CallContext& context, const v1::Job&,
                             JobProgress& progress) -> absl::StatusOr<google::protobuf::Any> {
                        ++started_;
                        while (true) {
                          const absl::Status status = progress.Report(1, 2, "working");
                          if (!status.ok()) return status;
                          if (const absl::Status ended = context.Check("the job"); !ended.ok())
                            return ended;
                          if (finish_) return google::protobuf::Any();
                          AwaitTick(context);
                        }
                      });
  }
  static void AwaitTick(const CallContext& context) {
    Mutex mutex;
    CondVar never;
    MutexLock lock(mutex);
    AwaitWithContext(
        context.Child(absl::Milliseconds(5)), mutex, never, [] { return false; }, "a tick")
        .IgnoreError();
  }

  v1::Job Start(const std::string& kind = "long", const std::string& tenant = "lab") {
    return runner_
        ->Start(context_, "", kind, v1::Task(),
                [&](const std::string& job) {
                  MutexLock lock(mutex_);
                  tenants_[job] = tenant;
                })
        .value();
  }
  std::vector<std::string> ran() {
    MutexLock lock(mutex_);
    return ran_;
  }
  // Waits until so many jobs have a place.
  void AwaitPlaced(int64_t jobs) {
    for (int tick = 0; tick < 6000 && runner_->usage().running != jobs; ++tick) AwaitTick(context_);
    ASSERT_EQ(runner_->usage().running, jobs);
  }
  // A long job at work that has stepped aside.
  std::string StartPaused(const std::string& tenant = "lab") {
    const int64_t placed = runner_->usage().running;
    const std::string name = Start("long", tenant).name();
    Await(name, v1::JOB_STATE_RUNNING);
    EXPECT_TRUE(runner_->Pause(context_, name).ok());
    AwaitPlaced(placed);
    return name;
  }
  // Waits until the job is in `state`.
  void Await(const std::string& name, v1::JobState state) {
    std::promise<void> reached;
    std::atomic<bool> told = false;
    const auto look = [&] {
      if (runner_->Get(context_, name)->state() == state && !told.exchange(true))
        reached.set_value();
    };
    // From a thread of its own: a watcher must not block.
    const uint64_t watch = runner_->Watch(name, [&] { watchers_.Post(look); });
    look();
    ASSERT_EQ(reached.get_future().wait_for(std::chrono::seconds(30)), std::future_status::ready);
    runner_->Unwatch(watch);
    std::promise<void> idle;
    watchers_.Post([&] { idle.set_value(); });
    idle.get_future().wait();
  }

  const CallContext context_;
  std::unique_ptr<storage::Database> memory_;
  RefusingDatabase database_;
  std::unique_ptr<storage::JobStore> store_;
  std::atomic<int> started_ = 0;
  std::atomic<bool> finish_ = false;
  ThreadPool watchers_{"watch", 1};
  Mutex mutex_;
  std::map<std::string, std::string> tenants_ ABSL_GUARDED_BY(mutex_);
  // Short ones, in their order.
  std::vector<std::string> ran_ ABSL_GUARDED_BY(mutex_);
  ThreadPool pool_{"job", 2 + JobPlaces::kAside};
  std::unique_ptr<JobRunner> runner_;
};

TEST_F(JobRunnerTest, AStoppedServersRunningJobGoesOnAtTheNextStart) {
  const v1::Job job = Start();
  Await(job.name(), v1::JOB_STATE_RUNNING);
  NewRunner();
  const v1::Job left = store_->Get(context_, job.name()).value();
  EXPECT_EQ(left.state(), v1::JOB_STATE_QUEUED);
  EXPECT_FALSE(left.has_end_time());
  EXPECT_EQ(left.error_message(), "");
  finish_ = true;
  ASSERT_TRUE(runner_->Recover(context_).ok());
  Await(job.name(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(started_, 2);
}

TEST_F(JobRunnerTest, AStoppedServersPausedJobStaysPaused) {
  const v1::Job job = Start();
  Await(job.name(), v1::JOB_STATE_RUNNING);
  ASSERT_TRUE(runner_->Pause(context_, job.name()).ok());
  NewRunner();
  EXPECT_EQ(store_->Get(context_, job.name())->state(), v1::JOB_STATE_PAUSED);
  ASSERT_TRUE(runner_->Recover(context_).ok());
  EXPECT_EQ(runner_->Get(context_, job.name())->state(), v1::JOB_STATE_PAUSED);
  finish_ = true;
  ASSERT_TRUE(runner_->Resume(context_, job.name()).ok());
  Await(job.name(), v1::JOB_STATE_SUCCEEDED);
}

TEST_F(JobRunnerTest, APausedJobIsToldBeforeItWaits) {
  std::atomic<int> rested = 0;
  runner_->Register("resting", [&](const CallContext& context, const v1::Job&, JobProgress& progress) -> absl::StatusOr<google::protobuf::Any> {
    while (!finish_) {
      if (const absl::Status status = progress.Report(1, 2, "working", [&] { ++rested; }); !status.ok()) return status;
      AwaitTick(context);
    }
    return google::protobuf::Any();
  });
  const v1::Job job = runner_->Start(context_, "", "resting", v1::Task()).value();
  Await(job.name(), v1::JOB_STATE_RUNNING);
  EXPECT_EQ(rested, 0);
  ASSERT_TRUE(runner_->Pause(context_, job.name()).ok());
  while (rested == 0) AwaitTick(context_);
  finish_ = true;
  ASSERT_TRUE(runner_->Resume(context_, job.name()).ok());
  Await(job.name(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(rested, 1);
}

TEST_F(JobRunnerTest, PausedJobsStopNoOthers) {
  const std::vector<std::string> paused = {StartPaused(), StartPaused()};
  Await(Start("short").name(), v1::JOB_STATE_SUCCEEDED);
  finish_ = true;
  for (const std::string& name : paused) {
    ASSERT_TRUE(runner_->Resume(context_, name).ok());
    Await(name, v1::JOB_STATE_SUCCEEDED);
  }
  // They went on where they were.
  EXPECT_EQ(started_, 2);
}

TEST_F(JobRunnerTest, AResumedJobWaitsForAPlace) {
  NewRunner(1);
  const std::string first = StartPaused();
  const std::string second = Start().name();
  Await(second, v1::JOB_STATE_RUNNING);
  const v1::Job fresh = Start("short");
  EXPECT_EQ(runner_->Resume(context_, first)->state(), v1::JOB_STATE_QUEUED);
  EXPECT_EQ(store_->Get(context_, first)->state(), v1::JOB_STATE_QUEUED);
  EXPECT_EQ(runner_->usage().queued, 2);
  // It does not ask twice.
  EXPECT_EQ(runner_->Resume(context_, first)->state(), v1::JOB_STATE_QUEUED);
  EXPECT_EQ(runner_->usage().queued, 2);
  ASSERT_TRUE(runner_->Cancel(context_, second).ok());
  Await(first, v1::JOB_STATE_RUNNING);
  // Before those that have not begun.
  EXPECT_EQ(runner_->Get(context_, fresh.name())->state(), v1::JOB_STATE_QUEUED);
  finish_ = true;
  Await(first, v1::JOB_STATE_SUCCEEDED);
  Await(fresh.name(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(started_, 2);
}

TEST_F(JobRunnerTest, PausesAndResumesInQuickSuccession) {
  const std::string name = Start().name();
  Await(name, v1::JOB_STATE_RUNNING);
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(runner_->Pause(context_, name)->state(), v1::JOB_STATE_PAUSED);
    ASSERT_TRUE(runner_->Resume(context_, name).ok());
    Await(name, v1::JOB_STATE_RUNNING);
  }
  AwaitPlaced(1);
  finish_ = true;
  Await(name, v1::JOB_STATE_SUCCEEDED);
  AwaitPlaced(0);
  EXPECT_EQ(started_, 1);
}

TEST_F(JobRunnerTest, TenantsTakeTurns) {
  NewRunner(1);
  const std::string at_work = Start("long", "busy").name();
  Await(at_work, v1::JOB_STATE_RUNNING);
  std::vector<std::string> busy;
  for (int i = 0; i < 20; ++i) busy.push_back(Start("short", "busy").name());
  const std::string other = Start("short", "other").name();
  finish_ = true;
  Await(busy.back(), v1::JOB_STATE_SUCCEEDED);
  ASSERT_EQ(ran().size(), 21u);
  EXPECT_EQ(ran()[0], other);
  EXPECT_EQ(ran()[1], busy[0]);
}

TEST_F(JobRunnerTest, ATenantWithManyPausedJobsStopsNoOtherTenant) {
  std::vector<std::string> paused;
  for (int i = 0; i < JobPlaces::kAsidePerTenant; ++i) paused.push_back(StartPaused("lab"));
  const std::string held = Start("short", "lab").name();
  Await(Start("short", "other").name(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(runner_->Get(context_, held)->state(), v1::JOB_STATE_QUEUED);
  ASSERT_TRUE(runner_->Cancel(context_, paused[0]).ok());
  Await(paused[0], v1::JOB_STATE_CANCELLED);
  Await(held, v1::JOB_STATE_SUCCEEDED);
}

TEST_F(JobRunnerTest, AJobThatIsPausedBeforeItBeganDoesNotBegin) {
  NewRunner(1);
  const std::string at_work = Start().name();
  Await(at_work, v1::JOB_STATE_RUNNING);
  const std::string paused = Start("short").name();
  EXPECT_EQ(runner_->Pause(context_, paused)->state(), v1::JOB_STATE_PAUSED);
  const std::string next = Start("short").name();
  finish_ = true;
  Await(next, v1::JOB_STATE_SUCCEEDED);
  const v1::Job still = runner_->Get(context_, paused).value();
  EXPECT_EQ(still.state(), v1::JOB_STATE_PAUSED);
  EXPECT_FALSE(still.has_start_time());
  EXPECT_EQ(ran(), std::vector<std::string>{next});
  AwaitPlaced(0);
  ASSERT_TRUE(runner_->Resume(context_, paused).ok());
  Await(paused, v1::JOB_STATE_SUCCEEDED);
}

TEST_F(JobRunnerTest, AJobThatIsPausedBeforeItBeganStaysSoAfterAStop) {
  NewRunner(1);
  Await(Start().name(), v1::JOB_STATE_RUNNING);
  const std::string paused = Start("short").name();
  const std::string waiting = Start("short").name();
  ASSERT_TRUE(runner_->Pause(context_, paused).ok());
  NewRunner();
  EXPECT_EQ(store_->Get(context_, paused)->state(), v1::JOB_STATE_PAUSED);
  EXPECT_EQ(store_->Get(context_, waiting)->state(), v1::JOB_STATE_QUEUED);
  finish_ = true;
  ASSERT_TRUE(runner_->Recover(context_).ok());
  Await(waiting, v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(runner_->Get(context_, paused)->state(), v1::JOB_STATE_PAUSED);
  EXPECT_EQ(ran(), std::vector<std::string>{waiting});
}

TEST_F(JobRunnerTest, AJobThatIsCancelledBeforeItBeganEndsAtOnce) {
  NewRunner(1);
  const std::string at_work = Start().name();
  Await(at_work, v1::JOB_STATE_RUNNING);
  const std::string waiting = Start("short").name();
  const std::string paused = Start("short").name();
  ASSERT_TRUE(runner_->Pause(context_, paused).ok());
  std::atomic<int> told = 0;
  const uint64_t watch = runner_->Watch(waiting, [&] { ++told; });
  for (const std::string& name : {waiting, paused}) {
    EXPECT_EQ(runner_->Cancel(context_, name)->state(), v1::JOB_STATE_CANCELLED);
    EXPECT_EQ(store_->Get(context_, name)->state(), v1::JOB_STATE_CANCELLED);
    EXPECT_EQ(runner_->Cancel(context_, name)->state(), v1::JOB_STATE_CANCELLED);
    EXPECT_EQ(runner_->Resume(context_, name).status().code(), absl::StatusCode::kFailedPrecondition);
  }
  EXPECT_EQ(told, 1);
  runner_->Unwatch(watch);
  EXPECT_EQ(runner_->usage().queued, 0);
  finish_ = true;
  Await(at_work, v1::JOB_STATE_SUCCEEDED);
  AwaitPlaced(0);
  EXPECT_TRUE(ran().empty());
}

TEST_F(JobRunnerTest, AJobWhoseCancellationIsNotStoredRunsInItsTurn) {
  NewRunner(1);
  const std::string at_work = Start().name();
  Await(at_work, v1::JOB_STATE_RUNNING);
  const std::string first = Start("short").name();
  const std::string second = Start("short").name();
  database_.RefuseNext([] {});
  EXPECT_EQ(runner_->Cancel(context_, first).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(runner_->Get(context_, first)->state(), v1::JOB_STATE_QUEUED);
  EXPECT_EQ(runner_->usage().queued, 2);
  // The turn of this one comes and goes before the store refuses.
  database_.RefuseNext([&] {
    finish_ = true;
    Await(first, v1::JOB_STATE_SUCCEEDED);
    for (int tick = 0; tick < 6000 && runner_->usage().queued > 0; ++tick) AwaitTick(context_);
    AwaitPlaced(0);
  });
  EXPECT_EQ(runner_->Cancel(context_, second).status().code(), absl::StatusCode::kUnavailable);
  Await(second, v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(ran(), (std::vector<std::string>{first, second}));
}

TEST_F(JobRunnerTest, ACancelledJobIsNotTakenUpAgain) {
  const v1::Job job = Start();
  Await(job.name(), v1::JOB_STATE_RUNNING);
  ASSERT_TRUE(runner_->Cancel(context_, job.name()).ok());
  NewRunner();
  EXPECT_EQ(store_->Get(context_, job.name())->state(), v1::JOB_STATE_CANCELLED);
}

TEST_F(JobRunnerTest, AnEndIsToldAsItIsStored) {
  const v1::Job job = Start();
  Await(job.name(), v1::JOB_STATE_RUNNING);
  Mutex mutex;
  std::vector<v1::Job> ends;
  // A callback must not block; these look at memory alone.
  const uint64_t watch = runner_->Watch(job.name(), [&] {
    const v1::Job seen = runner_->Get(context_, job.name()).value();
    if (!storage::JobHasEnded(seen)) return;
    MutexLock lock(mutex);
    ends.push_back(seen);
    EXPECT_EQ(runner_->Pause(context_, job.name()).status().code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_EQ(runner_->Resume(context_, job.name()).status().code(), absl::StatusCode::kFailedPrecondition);
    ends.push_back(runner_->Get(context_, job.name()).value());
  });
  finish_ = true;
  Await(job.name(), v1::JOB_STATE_SUCCEEDED);
  const auto told = [&] {
    MutexLock lock(mutex);
    return ends.size() == 2u;
  };
  // It can be seen before it is told.
  for (int tick = 0; tick < 6000 && !told(); ++tick) AwaitTick(context_);
  runner_->Unwatch(watch);
  const v1::Job stored = store_->Get(context_, job.name()).value();
  MutexLock lock(mutex);
  ASSERT_EQ(ends.size(), 2u);
  for (const v1::Job& end : ends) EXPECT_EQ(end.SerializeAsString(), stored.SerializeAsString()) << end.DebugString();
}

TEST_F(JobRunnerTest, AnEndThatIsNotStoredIsStoredOnceThatCanBeDone) {
  runner_->Register("unlucky", [this](const CallContext&, const v1::Job&, JobProgress&) -> absl::StatusOr<google::protobuf::Any> {
    ++started_;
    database_.RefuseNext([] {});
    return google::protobuf::Any();
  });
  const v1::Job job = Start("unlucky");
  Await(job.name(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(store_->Get(context_, job.name())->state(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(started_, 1);
}

TEST_F(JobRunnerTest, AStopDoesNotWaitForAnEndThatCannotBeStored) {
  std::atomic<int> refused = 0;
  runner_->Register("unlucky", [&](const CallContext&, const v1::Job&, JobProgress&) -> absl::StatusOr<google::protobuf::Any> {
    database_.RefuseAll([&] { ++refused; });
    return google::protobuf::Any();
  });
  const v1::Job job = Start("unlucky");
  for (int tick = 0; tick < 6000 && refused == 0; ++tick) AwaitTick(context_);
  ASSERT_GT(refused, 0);
  // Nobody is told that it succeeded while a restart would have it done again.
  EXPECT_EQ(runner_->Get(context_, job.name())->state(), v1::JOB_STATE_RUNNING);
  std::atomic<int> told = 0, told_ended = 0;
  const uint64_t watch = runner_->Watch(job.name(), [&] {
    ++told;
    if (storage::JobHasEnded(*runner_->Get(context_, job.name()))) ++told_ended;
  });
  runner_->Stop();
  runner_->Unwatch(watch);
  EXPECT_GT(told, 0);
  EXPECT_EQ(told_ended, 0);
  EXPECT_EQ(store_->Get(context_, job.name())->state(), v1::JOB_STATE_RUNNING);
}

TEST_F(JobRunnerTest, AStopTriesOnceMoreToStoreAnEnd) {
  std::atomic<int> refused = 0;
  runner_->Register("unlucky", [&](const CallContext&, const v1::Job&, JobProgress&) -> absl::StatusOr<google::protobuf::Any> {
    database_.RefuseNext([&] { ++refused; });
    google::protobuf::Any result;
    result.PackFrom(v1::Task());
    return result;
  });
  const v1::Job job = Start("unlucky");
  for (int tick = 0; tick < 6000 && refused == 0; ++tick) AwaitTick(context_);
  ASSERT_EQ(refused, 1);
  runner_->Stop();
  const v1::Job ended = store_->Get(context_, job.name()).value();
  EXPECT_EQ(ended.state(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_TRUE(ended.has_result());
}

TEST_F(JobRunnerTest, WhatAJobKeptIsThereAfterAStopButNotAfterItIsCancelled) {
  std::atomic<int> kept = 0;
  runner_->Register("keeping", [&](const CallContext& context, const v1::Job&, JobProgress& progress) -> absl::StatusOr<google::protobuf::Any> {
    v1::Task result;
    result.set_goal("kept");
    if (const absl::Status status = progress.KeepResult(result); !status.ok()) return status;
    ++kept;
    while (context.Check("the job").ok()) AwaitTick(context);
    return context.Check("the job");
  });
  const v1::Job stopped = Start("keeping");
  const v1::Job cancelled = Start("keeping");
  for (int tick = 0; tick < 6000 && kept < 2; ++tick) AwaitTick(context_);
  ASSERT_EQ(kept, 2);
  ASSERT_TRUE(runner_->Cancel(context_, cancelled.name()).ok());
  Await(cancelled.name(), v1::JOB_STATE_CANCELLED);
  runner_->Stop();
  EXPECT_FALSE(store_->Get(context_, cancelled.name())->has_result());
  const v1::Job left = store_->Get(context_, stopped.name()).value();
  EXPECT_EQ(left.state(), v1::JOB_STATE_QUEUED);
  v1::Task result;
  ASSERT_TRUE(left.result().UnpackTo(&result));
  EXPECT_EQ(result.goal(), "kept");
}

TEST_F(JobRunnerTest, AnswersAndTellsWatchersAfterItStopped) {
  const v1::Job job = Start();
  Await(job.name(), v1::JOB_STATE_RUNNING);
  std::atomic<int> told = 0;
  const uint64_t watch = runner_->Watch("jobs/another", [&] { ++told; });
  runner_->Stop();
  EXPECT_EQ(told, 1);
  runner_->Unwatch(watch);
  EXPECT_EQ(runner_->Get(context_, job.name())->state(), v1::JOB_STATE_QUEUED);
  // What is started now waits for the next start.
  EXPECT_EQ(Start().state(), v1::JOB_STATE_QUEUED);
  EXPECT_EQ(started_, 1);
}

}  // namespace
}  // namespace proctor::server
