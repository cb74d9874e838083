// What ends a job that scores trajectories again.
#include "server/rescore_job.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/executor.h"
#include "server/models.h"
#include "tests/model/scripted_server.h"
#include "tests/server/data_fixture.h"
#include "tests/server/pipeline_fixture.h"
#include "tests/server/rating_judge.h"

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
    models_ = Models::Create(Endpoints(), {*data_->database, timers_, pool_}).value();
    verdicts_ = std::make_unique<evaluator::VerdictStore>(full_, SystemClock());
    judging_ = std::make_unique<Judging>(Judging::Parts{*data_->evaluators, *verdicts_, *data_->blobs, *models_, pool_, "secret"});
    jobs_ = std::make_unique<JobRunner>(JobRunner::Parts{.store = *data_->jobs, .pool = pool_});
    RegisterRescoreJob(*jobs_, {.data = *data_, .judging = *judging_, .may_spend = [](const std::string&) { return absl::OkStatus(); }});
  }
  void TearDown() override { jobs_->Stop(); }

  virtual v1::ModelConfig Endpoints() const { return v1::ModelConfig(); }

  // A job when it has ended.
  v1::Job Ended(const std::string& name) {
    const absl::Time last = absl::Now() + absl::Seconds(30);
    v1::Job job;
    do {
      std::this_thread::yield();
      job = jobs_->Get(CallContext(), name).value();
    } while (!storage::JobHasEnded(job) && absl::Now() < last);
    return job;
  }
  v1::Job Rescore() {
    v1::RescoreRequest request;
    request.add_evaluators("evaluators/of-the-task");
    request.set_concurrency(1);
    return Ended(jobs_->Start(CallContext(), "", kRescoreJob, request).value().name());
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

// With a judge whose model answers when it is told to.
class RescoreMemoryTest : public RescoreJobTest {
 protected:
  void SetUp() override {
    RescoreJobTest::SetUp();
    ASSERT_TRUE(data_->evaluators->Create(CallContext(), RatingJudge("evaluators/rating")).ok());
  }
  void TearDown() override {
    LetItAnswer();
    RescoreJobTest::TearDown();
  }

  void LetItAnswer() {
    if (!std::exchange(may_answer_, true)) told_.set_value();
  }
  v1::ModelConfig Endpoints() const override {
    v1::ModelConfig config;
    v1::ModelEndpoint& endpoint = (*config.mutable_endpoints())["judge"];
    endpoint.set_base_url(server_.base_url());
    endpoint.set_model("scripted");
    return config;
  }

  // A trajectory that counts as if its steps had so many bytes, and has so many beside them; returns its name.
  std::string RecordOf(const std::string& id, int64_t step_bytes, size_t bytes_beside) {
    const absl::Time start = clock_.Now();
    v1::Trajectory header = trajectory::MakeHeader(id, start);
    header.mutable_initial_observation()->mutable_text()->set_text(std::string(bytes_beside, 'x'));
    EXPECT_TRUE(data_->recorder->Begin(CallContext(), header, trajectory::MakeEpisode(id, start), {}).ok());
    v1::Step step;
    step.mutable_action()->mutable_answer()->set_text(id);
    EXPECT_TRUE(data_->recorder->Append(CallContext(), id, step, {}).ok());
    v1::Episode closed = trajectory::MakeEpisode(id, start);
    closed.set_state(v1::EPISODE_STATE_CLOSED);
    EXPECT_TRUE(data_->recorder->Finish(CallContext(), id, trajectory::MakeEnding(start), closed, {}).ok());
    const absl::Status sized = data_->database->Write(CallContext(), [&](storage::Transaction& transaction) {
      return transaction.Execute("UPDATE trajectory_records SET step_bytes = $1 WHERE id = $2", {step_bytes, id}).status();
    });
    EXPECT_TRUE(sized.ok()) << sized;
    return header.name();
  }
  bool Asked(int questions, absl::Duration within) const {
    const absl::Time last = absl::Now() + within;
    while (asked_ < questions && absl::Now() < last) absl::SleepFor(absl::Milliseconds(1));
    return asked_ >= questions;
  }

  bool may_answer_ = false;
  std::promise<void> told_;
  std::atomic<int> asked_ = 0;
  model::ScriptedServer server_{[this, told = told_.get_future().share()](const model::SeenRequest& request) {
    ++asked_;
    told.wait_for(std::chrono::minutes(1));
    const std::string all = request.system + request.text;
    return model::SayText(request, all.substr(all.find("VERDICT-"), 24) + ": 5");
  }};
};

TEST_F(RescoreMemoryTest, WhatATrajectoryHasBesideItsStepsTakesMemoryToo) {
  v1::RescoreRequest request;
  request.add_evaluators("evaluators/rating");
  for (const char* const id : {"e1", "e2"}) request.add_trajectories(RecordOf(id, trajectory::kMaxAllStepsBytes, 0));
  // These together take what the next one may have beside its steps.
  for (const char* const id : {"e3", "e4", "e5", "e6"}) request.add_trajectories(RecordOf(id, 0, trajectory::kMaxBesideSteps / 4));
  request.add_trajectories(RecordOf("e7", 0, 0));
  const std::string name = jobs_->Start(CallContext(), "", kRescoreJob, request).value().name();
  ASSERT_TRUE(Asked(6, absl::Seconds(30)));
  EXPECT_FALSE(Asked(7, absl::Milliseconds(500)));
  LetItAnswer();
  ASSERT_TRUE(Asked(7, absl::Seconds(30)));
  const v1::Job job = Ended(name);
  EXPECT_EQ(job.state(), v1::JOB_STATE_SUCCEEDED) << job.error_message();
}

}  // namespace
}  // namespace proctor::server
