#include "proposer/task_sampler.h"

#include <memory>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "proposer/task_store.h"
#include "storage/memory_database.h"

namespace proctor::proposer {
namespace {

class TaskSamplerTest : public testing::Test {
 protected:
  void SetUp() override {
    auto database = storage::NewMemoryDatabase();
    ASSERT_TRUE(database.ok()) << database.status();
    database_ = std::move(*database);
    auto store = TaskStore::Create(*database_, clock_);
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = std::move(*store);
    sampler_ = std::make_unique<TaskSampler>(*database_, clock_);
    for (int steps = 1; steps <= 2; ++steps) {
      for (int i = 0; i < 5; ++i) Add(absl::StrCat("s", steps, "-", i), steps, v1::SPLIT_TRAIN);
    }
    Add("test", 1, v1::SPLIT_TEST);
  }

  void Add(const std::string& id, int steps, v1::Split split) {
    v1::CreateTaskRequest request;
    request.mutable_task()->set_name("tasks/" + id);
    request.mutable_task()->set_goal("Goal");
    request.mutable_task()->set_environment("environments/web");
    request.mutable_task()->set_optimal_steps(steps);
    request.mutable_task()->set_split(split);
    ASSERT_TRUE(store_->CreateTask(context_, request).ok());
  }

  void Solve(int tries, bool success, const std::string& version = "1") {
    for (int i = 0; i < tries; ++i) {
      ASSERT_TRUE(sampler_
                      ->RecordOutcome(context_, {.task = absl::StrCat("tasks/s1-", i % 5),
                                                 .policy = "p",
                                                 .policy_version = version,
                                                 .episode = absl::StrCat(version, "/", success, "/", i),
                                                 .success = success})
                      .ok());
    }
  }

  // A task that is not drawn from, once with each of these versions.
  void TryAnother(int first, int last) {
    for (int version = first; version <= last; ++version) {
      const Outcome outcome{.task = "tasks/test",
                            .policy = "p",
                            .policy_version = absl::StrCat(version),
                            .episode = absl::StrCat("another/", version)};
      ASSERT_TRUE(sampler_->RecordOutcome(context_, outcome).ok());
    }
  }

  v1::SampleTasksResponse Sample(const std::string& version = "1", int64_t seed = 5) {
    v1::SampleTasksRequest request;
    request.set_count(100);
    request.set_policy("p");
    request.set_policy_version(version);
    request.set_seed(seed);
    const auto response = sampler_->SampleTasks(context_, request);
    EXPECT_TRUE(response.ok()) << response.status();
    return *response;
  }

  CallContext context_;
  SimulatedClock clock_;
  std::unique_ptr<storage::Database> database_;
  std::unique_ptr<TaskStore> store_;
  std::unique_ptr<TaskSampler> sampler_;
};

TEST_F(TaskSamplerTest, GivesShortTrainingTasksFirst) {
  const auto response = Sample();
  EXPECT_EQ(response.frontier_steps(), 1);
  ASSERT_EQ(response.tasks_size(), 5);
  for (const v1::Task& task : response.tasks()) EXPECT_EQ(task.split(), v1::SPLIT_TRAIN);
}

TEST_F(TaskSamplerTest, WidensWhenThePolicySolvesThem) {
  Solve(10, true);
  EXPECT_EQ(Sample().frontier_steps(), 2);
  EXPECT_EQ(Sample().tasks_size(), 10);
}

TEST_F(TaskSamplerTest, CountsAnEpisodeOnce) {
  const Outcome outcome{.task = "tasks/s1-0", .policy = "p", .policy_version = "1", .episode = "e", .success = true};
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(sampler_->RecordOutcome(context_, outcome).ok());
  EXPECT_EQ(Sample().frontier_steps(), 1);
}

TEST_F(TaskSamplerTest, ForgetsOldVersionsSlowly) {
  Solve(10, true, "1");
  EXPECT_EQ(Sample("1").frontier_steps(), 2);
  // Ten successes of the version before weigh 7: too few to pass the length.
  EXPECT_EQ(Sample("2").frontier_steps(), 1);
}

TEST_F(TaskSamplerTest, TriesOfAllVersionsPassALengthThatStaysUnsolved) {
  for (int version = 1; version <= 20; ++version) Solve(1, false, absl::StrCat(version));
  EXPECT_EQ(Sample("20").frontier_steps(), 1);
  for (int version = 21; version <= 30; ++version) Solve(3, false, absl::StrCat(version));
  EXPECT_EQ(Sample("30").frontier_steps(), 2);
  EXPECT_EQ(Sample("31").frontier_steps(), 2);
}

TEST_F(TaskSamplerTest, IgnoresLaterVersions) {
  Solve(1, false, "1");
  Solve(10, true, "2");
  EXPECT_EQ(Sample("1").frontier_steps(), 1);
  EXPECT_EQ(Sample("2").frontier_steps(), 2);
}

TEST_F(TaskSamplerTest, CountsAllVersionsWhenNoneIsGivenThoughSomeOutcomesWereToldWithoutOne) {
  Solve(1, false, "");
  Solve(10, true, "1");
  EXPECT_EQ(Sample("").frontier_steps(), 2);
}

TEST_F(TaskSamplerTest, KeepsPoliciesApart) {
  Solve(10, true);
  v1::SampleTasksRequest request;
  request.set_count(1);
  request.set_policy("another");
  EXPECT_EQ(sampler_->SampleTasks(context_, request)->frontier_steps(), 1);
}

TEST_F(TaskSamplerTest, SkipsTasksThatAreNotAccepted) {
  ASSERT_TRUE(store_->RejectTask(context_, "tasks/s1-0", "").ok());
  ASSERT_TRUE(store_->MarkTrivial(context_, "tasks/s1-1").ok());
  EXPECT_EQ(Sample().tasks_size(), 3);
}

TEST_F(TaskSamplerTest, DrawsUniformlyFromAnotherSplitWhenAsked) {
  v1::SampleTasksRequest request;
  request.set_count(10);
  request.set_strategy(v1::SAMPLING_STRATEGY_UNIFORM);
  request.mutable_filter()->add_splits(v1::SPLIT_TEST);
  const auto response = sampler_->SampleTasks(context_, request);
  ASSERT_TRUE(response.ok()) << response.status();
  ASSERT_EQ(response->tasks_size(), 1);
  EXPECT_EQ(response->tasks(0).name(), "tasks/test");
  EXPECT_EQ(response->frontier_steps(), 0);
}

TEST_F(TaskSamplerTest, GivesTheSameDrawForTheSameSeed) {
  EXPECT_EQ(Sample("1", 9).SerializeAsString(), Sample("1", 9).SerializeAsString());
  EXPECT_NE(Sample("1", 9).SerializeAsString(), Sample("1", 10).SerializeAsString());
}

TEST_F(TaskSamplerTest, RefusesAFilterThatNoDatabaseBears) {
  v1::SampleTasksRequest request;
  request.set_count(1);
  for (int i = 0; i < 2'000; ++i) (*request.mutable_filter()->mutable_tags())[absl::StrCat("tag", i)] = "x";
  EXPECT_EQ(sampler_->SampleTasks(context_, request).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(TaskSamplerTest, RefusesIncompleteOutcomes) {
  EXPECT_EQ(sampler_->RecordOutcome(context_, {.task = "tasks/a"}).code(), absl::StatusCode::kInvalidArgument);
  v1::SampleTasksRequest request;
  EXPECT_EQ(sampler_->SampleTasks(context_, request).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(TaskSamplerTest, ALengthThatWasGivenUpOnStaysPassedWhenOldVersionsAreForgotten) {
  // Fifty tries at five tasks, of two versions; then a hundred versions that try another one.
  Solve(25, false, "1");
  Solve(25, false, "2");
  TryAnother(3, 102);
  ASSERT_EQ(Sample("102").frontier_steps(), 2);
  ASSERT_TRUE(sampler_->Prune(context_, clock_.Now()).ok());
  EXPECT_EQ(Sample("102").frontier_steps(), 2);
}

TEST_F(TaskSamplerTest, WhatIsKeptOfForgottenVersionsCountsAsTriesOnly) {
  Solve(10, true, "1");
  Solve(10, true, "2");
  EXPECT_EQ(Sample("1").frontier_steps(), 2);
  TryAnother(3, 102);
  ASSERT_TRUE(sampler_->Prune(context_, clock_.Now()).ok());
  EXPECT_EQ(Sample("1").frontier_steps(), 1);
}

TEST_F(TaskSamplerTest, ForgetsOldOutcomesAndSumsUpVersionsThatCountNoMore) {
  Solve(5, true, "0");
  for (int version = 1; version <= 120; ++version) Solve(1, false, absl::StrCat(version));
  clock_.Advance(absl::Hours(1));
  // The second time there is nothing left to add.
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(sampler_->Prune(context_, clock_.Now()).ok());
  const auto count = [this](const std::string& sql) {
    int64_t rows = 0;
    EXPECT_TRUE(database_
                    ->Read(context_,
                           [&](storage::Transaction& transaction) -> absl::Status {
                             const auto found = transaction.Query(sql, {});
                             if (!found.ok()) return found.status();
                             rows = (*found)[0].Int(0);
                             return absl::OkStatus();
                           })
                    .ok());
    return rows;
  };
  EXPECT_EQ(count("SELECT COUNT(*) FROM proposer_outcomes"), 0);
  // 100 versions, and the five tasks that older ones tried; one task was tried once by each of 20 versions after "0".
  EXPECT_EQ(count("SELECT COUNT(*) FROM proposer_success"), 105);
  EXPECT_EQ(count("SELECT tries FROM proposer_success WHERE version = '0' AND task = 's1-0'"), 21);
  EXPECT_EQ(count("SELECT successes FROM proposer_success WHERE version = '0' AND task = 's1-0'"), 1);
  EXPECT_EQ(count("SELECT COUNT(*) FROM proposer_success WHERE version = '20'"), 0);
  EXPECT_EQ(count("SELECT COUNT(*) FROM proposer_success WHERE version = '21'"), 1);
  EXPECT_EQ(count("SELECT COUNT(*) FROM proposer_success WHERE version = '120'"), 1);
}

}  // namespace
}  // namespace proctor::proposer
