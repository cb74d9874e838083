#include "storage/job_store.h"

#include <algorithm>
#include <memory>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proctor/v1/job.pb.h"
#include "proctor/v1/task.pb.h"
#include "storage/memory_database.h"

namespace proctor::storage {
namespace {

class JobStoreTest : public testing::Test {
 protected:
  JobStoreTest() : database_(NewMemoryDatabase().value()) {
    store_ = JobStore::Open(*database_, clock_).value();
    request_.set_goal("crawl");
  }

  v1::Job Start(const std::string& request_id = "") {
    return store_->Create(context_, "propose_tasks", request_, request_id).value();
  }

  absl::StatusOr<v1::Job> SetState(const std::string& name, v1::JobState state) {
    return store_->Update(context_, name, [&](v1::Job& job) {
      job.set_state(state);
      return absl::OkStatus();
    });
  }

  const CallContext context_;
  SimulatedClock clock_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<JobStore> store_;
  v1::Task request_;
};

TEST_F(JobStoreTest, KeepsTheRequest) {
  const v1::Job job = Start();
  EXPECT_EQ(job.state(), v1::JOB_STATE_QUEUED);
  v1::Task request;
  ASSERT_TRUE(store_->Get(context_, job.name())->request().UnpackTo(&request));
  EXPECT_EQ(request.goal(), "crawl");
}

TEST_F(JobStoreTest, GivesTheSameJobForTheSameRequestId) {
  const v1::Job job = Start("once");
  ASSERT_TRUE(SetState(job.name(), v1::JOB_STATE_RUNNING).ok());
  const v1::Job again = Start("once");
  EXPECT_EQ(again.name(), job.name());
  EXPECT_EQ(again.state(), v1::JOB_STATE_RUNNING);
  EXPECT_NE(Start().name(), Start().name());
}

TEST_F(JobStoreTest, RefusesAnotherRequestUnderTheSameRequestId) {
  Start("once");
  request_.set_goal("other");
  EXPECT_EQ(store_->Create(context_, "propose_tasks", request_, "once").status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(JobStoreTest, StampsTheTimesOfStartAndEnd) {
  const v1::Job job = Start();
  clock_.Advance(absl::Seconds(5));
  EXPECT_EQ(SetState(job.name(), v1::JOB_STATE_RUNNING)->start_time().seconds(),
            job.create_time().seconds() + 5);
  clock_.Advance(absl::Seconds(5));
  const v1::Job ended = SetState(job.name(), v1::JOB_STATE_SUCCEEDED).value();
  EXPECT_EQ(ended.start_time().seconds(), job.create_time().seconds() + 5);
  EXPECT_EQ(ended.end_time().seconds(), job.create_time().seconds() + 10);
}

TEST_F(JobStoreTest, LeavesAnEndedJobAlone) {
  const v1::Job job = Start();
  ASSERT_TRUE(SetState(job.name(), v1::JOB_STATE_CANCELLED).ok());
  EXPECT_EQ(SetState(job.name(), v1::JOB_STATE_RUNNING).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST_F(JobStoreTest, DoesNotStoreAChangeThatFailed) {
  const v1::Job job = Start();
  const auto result = store_->Update(context_, job.name(), [](v1::Job& changed) {
    changed.set_message("half");
    return absl::AbortedError("no");
  });
  EXPECT_EQ(result.status().code(), absl::StatusCode::kAborted);
  EXPECT_EQ(store_->Get(context_, job.name())->message(), "");
}

TEST_F(JobStoreTest, ListsNewestFirstInPages) {
  std::vector<std::string> names;
  for (int i = 0; i < 5; ++i) names.push_back(Start().name());
  std::sort(names.rbegin(), names.rend());
  std::vector<std::string> listed;
  std::string token;
  do {
    const JobStore::Page page = store_->List(context_, 2, token).value();
    EXPECT_LE(page.jobs.size(), 2);
    for (const v1::Job& job : page.jobs) listed.push_back(job.name());
    token = page.next_page_token;
  } while (!token.empty());
  EXPECT_EQ(listed, names);
  EXPECT_EQ(store_->List(context_, 2, "'; DROP").status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(JobStoreTest, EndsAPageBeforeItIsTooLargeForAMessage) {
  request_.set_goal(std::string(1 << 20, 'x'));
  for (int i = 0; i < 4; ++i) Start();
  size_t listed = 0;
  std::string token;
  do {
    const JobStore::Page page = store_->List(context_, 1000, token).value();
    EXPECT_EQ(page.jobs.size(), 1u);
    listed += page.jobs.size();
    token = page.next_page_token;
  } while (!token.empty());
  EXPECT_EQ(listed, 4u);
}

TEST_F(JobStoreTest, RefusesARequestThatIsTooLarge) {
  request_.set_goal(std::string((4 << 20) + 1, 'x'));
  const absl::Status refused = store_->Create(context_, "propose_tasks", request_, "").status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument) << refused;
}

TEST_F(JobStoreTest, QueuesRunningJobsAgainAtStartUp) {
  const std::string running = Start().name();
  const std::string paused = Start().name();
  const std::string queued = Start().name();
  const std::string ended = Start().name();
  ASSERT_TRUE(SetState(running, v1::JOB_STATE_RUNNING).ok());
  ASSERT_TRUE(SetState(paused, v1::JOB_STATE_PAUSED).ok());
  ASSERT_TRUE(SetState(ended, v1::JOB_STATE_FAILED).ok());
  store_ = JobStore::Open(*database_, clock_).value();
  std::vector<std::string> recovered;
  const std::vector<v1::Job> jobs = store_->Recover(context_).value();
  for (const v1::Job& job : jobs) {
    EXPECT_EQ(job.state(), v1::JOB_STATE_QUEUED);
    recovered.push_back(job.name());
  }
  EXPECT_THAT(recovered, testing::UnorderedElementsAre(running, queued));
  EXPECT_EQ(store_->Get(context_, paused)->state(), v1::JOB_STATE_PAUSED);
}

TEST_F(JobStoreTest, ADamagedJobStopsNeitherTheStartNorLists) {
  const std::string first = Start().name();
  const std::string damaged = Start().name();
  const std::string last = Start().name();
  const std::string id = damaged.substr(damaged.find('/') + 1);
  ASSERT_TRUE(database_
                  ->Write(context_,
                          [&](Transaction& transaction) {
                            return transaction.Execute("UPDATE storage_jobs SET job = $1 WHERE id = $2", {"\xff\xff", id}).status();
                          })
                  .ok());
  const absl::StatusOr<std::vector<v1::Job>> recovered = store_->Recover(context_);
  ASSERT_TRUE(recovered.ok()) << recovered.status();
  EXPECT_EQ(recovered->size(), 2u);
  std::vector<std::string> listed;
  std::string token;
  do {
    const absl::StatusOr<JobStore::Page> page = store_->List(context_, 1, token);
    ASSERT_TRUE(page.ok()) << page.status();
    for (const v1::Job& job : page->jobs) listed.push_back(job.name());
    token = page->next_page_token;
  } while (!token.empty());
  EXPECT_THAT(listed, testing::UnorderedElementsAre(first, last));
  EXPECT_EQ(store_->Get(context_, damaged).status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(JobStoreTest, DoesNotFindForeignNames) {
  EXPECT_EQ(store_->Get(context_, "jobs/none").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(store_->Get(context_, "tasks/none").status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace proctor::storage
