// What ends a job that scores trajectories again.
#include "server/rescore_job.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "absl/time/clock.h"
#include "common/executor.h"
#include "server/models.h"
#include "tests/server/data_fixture.h"
#include "tests/server/pipeline_fixture.h"

namespace proctor::server {
namespace {

// Verdicts go into a database of their own, which can be full.
class RescoreJobTest : public DataFixture {
 protected:
  void SetUp() override {
    Open();
    v1::Evaluator oracle;
    oracle.set_name("evaluators/of-the-task");
    oracle.mutable_task_oracle();
    ASSERT_TRUE(data_->evaluators->Create(CallContext(), oracle).ok());
    models_ = Models::Create({}, {*data_->database, timers_, pool_}).value();
    verdicts_ = std::make_unique<evaluator::VerdictStore>(full_, SystemClock());
    judging_ = std::make_unique<Judging>(Judging::Parts{*data_->evaluators, *verdicts_, *data_->blobs, *models_, pool_, "secret"});
    jobs_ = std::make_unique<JobRunner>(JobRunner::Parts{.store = *data_->jobs, .pool = pool_});
    RegisterRescoreJob(*jobs_, {.data = *data_, .judging = *judging_, .may_spend = [](const std::string&) { return absl::OkStatus(); }});
  }
  void TearDown() override { jobs_->Stop(); }

  // The job when it has ended.
  v1::Job Rescore() {
    v1::RescoreRequest request;
    request.add_evaluators("evaluators/of-the-task");
    request.set_concurrency(1);
    const std::string name = jobs_->Start(CallContext(), "", kRescoreJob, request).value().name();
    const absl::Time last = absl::Now() + absl::Seconds(30);
    v1::Job job;
    do {
      std::this_thread::yield();
      job = jobs_->Get(CallContext(), name).value();
    } while (!storage::JobHasEnded(job) && absl::Now() < last);
    return job;
  }

  TimerQueue timers_;
  HeldDatabase full_;
  ThreadPool pool_{"rescore", 4};
  std::unique_ptr<Models> models_;
  std::unique_ptr<evaluator::VerdictStore> verdicts_;
  std::unique_ptr<Judging> judging_;
  std::unique_ptr<JobRunner> jobs_;
};

TEST_F(RescoreJobTest, AFullDiskEndsItAndAnotherOneGoesOn) {
  for (const char* const name : {"a", "b", "c"}) Record(name);
  std::atomic<int> failures = 1000;
  full_.FailWrites(failures);
  const v1::Job stopped = Rescore();
  EXPECT_EQ(stopped.state(), v1::JOB_STATE_FAILED);
  EXPECT_EQ(stopped.error_code(), static_cast<int>(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(stopped.error_message(), testing::StartsWith("the disk is full. 0 of 3 evaluations are done"));
  EXPECT_EQ(failures, 999);
  failures = 0;
  const v1::Job whole = Rescore();
  ASSERT_EQ(whole.state(), v1::JOB_STATE_SUCCEEDED) << whole.error_message();
  v1::RescoreResult result;
  ASSERT_TRUE(whole.result().UnpackTo(&result));
  EXPECT_EQ(result.evaluated(), 3);
}

}  // namespace
}  // namespace proctor::server
