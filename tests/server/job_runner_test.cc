#include "server/job_runner.h"

#include <atomic>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "proctor/v1/task.pb.h"
#include "storage/memory_database.h"

namespace proctor::server {
namespace {

class JobRunnerTest : public testing::Test {
 protected:
  JobRunnerTest() : database_(storage::NewMemoryDatabase().value()) {
    store_ = storage::JobStore::Open(*database_, SystemClock()).value();
    NewRunner();
  }
  ~JobRunnerTest() override { runner_->Stop(); }

  // Its jobs report again and again until they are cancelled; those of kind "short" end at once.
  void NewRunner() {
    if (runner_ != nullptr) runner_->Stop();
    runner_ = std::make_unique<JobRunner>(*store_, pool_);
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

  v1::Job Start() { return runner_->Start(context_, "", "long", v1::Task()).value(); }
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
  std::unique_ptr<storage::Database> database_;
  std::unique_ptr<storage::JobStore> store_;
  std::atomic<int> started_ = 0;
  std::atomic<bool> finish_ = false;
  ThreadPool watchers_{"watch", 1};
  ThreadPool pool_{"job", 2};
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
