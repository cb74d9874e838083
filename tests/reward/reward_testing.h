// What the tests of this room share.
#ifndef PROCTOR_TESTS_REWARD_REWARD_TESTING_H_
#define PROCTOR_TESTS_REWARD_REWARD_TESTING_H_

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/clock.h"
#include "common/executor.h"
#include "gtest/gtest.h"
#include "reward/consumers.h"
#include "reward/groups.h"
#include "reward/reward_log.h"
#include "reward/reward_policy.h"
#include "reward/tables.h"
#include "storage/memory_database.h"
#include "storage/sqlite_database.h"
#include "tests/storage/temp_directory.h"

namespace proctor::reward {

// Runs tasks when told to, so that every interleaving can be chosen.
class ManualExecutor final : public Executor {
 public:
  void Post(std::function<void()> task) override { tasks_.push_back(std::move(task)); }
  bool RunOne() {
    if (tasks_.empty()) return false;
    const std::function<void()> task = std::move(tasks_.front());
    tasks_.pop_front();
    task();
    return true;
  }
  void RunAll() {
    while (RunOne()) {
    }
  }
  void Drop() { tasks_.clear(); }

 private:
  std::deque<std::function<void()>> tasks_;
};

// A database with the room on it; Restart() opens the same files again, as after a crash.
class RewardWorld {
 public:
  enum class Engine { kMemory, kSqlite };

  explicit RewardWorld(Engine engine) : engine_(engine) { Restart(); }

  void Restart() {
    consumers_.reset();
    groups_.reset();
    log_.reset();
    if (engine_ == Engine::kSqlite || database_ == nullptr) {
      database_.reset();
      auto database =
          engine_ == Engine::kSqlite
              ? storage::OpenSqliteDatabase(
                    {.directory = directory_.path(), .durability = storage::Durability::kProcess})
              : storage::NewMemoryDatabase();
      if (!database.ok()) ADD_FAILURE() << database.status();
      database_ = *std::move(database);
      EXPECT_TRUE(MigrateTables(*database_).ok());
    }
    auto log = RewardLog::Open(context, *database_, clock, unreadable);
    if (!log.ok()) ADD_FAILURE() << log.status();
    log_ = *std::move(log);
    groups_ = std::make_unique<Groups>(*database_, clock, unreadable);
    consumers_ = std::make_unique<Consumers>(*database_, clock, unreadable);
  }

  RewardLog& log() { return *log_; }
  Groups& groups() { return *groups_; }
  Consumers& consumers() { return *consumers_; }
  // Runs SQL behind the room's back.
  void Sql(const std::string& sql) {
    const absl::Status status = database_->Write(
        context, [&](storage::Transaction& transaction) { return transaction.Execute(sql, {}).status(); });
    EXPECT_TRUE(status.ok()) << status;
  }

  // Appends a reward for `trajectories/{id}`.
  v1::Reward Append(v1::Reward reward) {
    const absl::StatusOr<v1::Reward> stored = log().Append(context, reward);
    EXPECT_TRUE(stored.ok()) << stored.status();
    return stored.value_or(v1::Reward());
  }
  v1::Consumer MakeConsumer(const std::string& id, const v1::ConsumerFilter& filter = {}) {
    v1::CreateConsumerRequest request;
    request.set_name("consumers/" + id);
    *request.mutable_filter() = filter;
    request.mutable_start()->set_earliest(true);
    const absl::StatusOr<v1::Consumer> consumer = consumers().Create(context, request);
    EXPECT_TRUE(consumer.ok()) << consumer.status();
    return consumer.value_or(v1::Consumer());
  }
  v1::Group MakeGroup(const std::string& id, int size, bool replace_masked = false) {
    v1::Group group;
    group.set_name("groups/" + id);
    group.set_task("tasks/t");
    group.set_size(size);
    group.set_replace_masked(replace_masked);
    const absl::StatusOr<v1::Group> made = groups().Create(context, group, {});
    EXPECT_TRUE(made.ok()) << made.status();
    return made.value_or(v1::Group());
  }

  CallContext context;
  SimulatedClock clock;
  storage::UnreadableRecords unreadable;

 private:
  const Engine engine_;
  storage::TempDirectory directory_;
  std::unique_ptr<storage::Database> database_;
  std::unique_ptr<RewardLog> log_;
  std::unique_ptr<Groups> groups_;
  std::unique_ptr<Consumers> consumers_;
};

inline v1::Reward Valid(const std::string& id, const std::string& group = "") {
  v1::Reward reward;
  reward.set_trajectory("trajectories/" + id);
  reward.set_reward_id(RewardId(reward.trajectory(), 0));
  reward.set_task("tasks/t");
  reward.set_split(v1::SPLIT_TRAIN);
  reward.set_policy("p");
  reward.set_policy_version("1");
  if (!group.empty()) reward.set_group("groups/" + group);
  reward.set_status(v1::REWARD_STATUS_VALID);
  reward.set_value(1);
  reward.set_success(true);
  return reward;
}

inline v1::Reward Masked(const std::string& id, const std::string& group = "") {
  v1::Reward reward = Valid(id, group);
  reward.set_status(v1::REWARD_STATUS_MASKED);
  reward.set_mask_reason(v1::MASK_REASON_WORLD_FAULT);
  reward.clear_value();
  reward.clear_success();
  return reward;
}

}  // namespace proctor::reward

#endif  // PROCTOR_TESTS_REWARD_REWARD_TESTING_H_
