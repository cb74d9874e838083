// The reward room on a SQLite file, set up as the server does.
#ifndef PROCTOR_BENCH_REWARDS_BENCH_ROOM_H_
#define PROCTOR_BENCH_REWARDS_BENCH_ROOM_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/clock.h"
#include "common/executor.h"
#include "common/status.h"
#include "proctor/v1/reward.pb.h"
#include "reward/consumers.h"
#include "reward/reward_log.h"
#include "reward/subscription.h"
#include "reward/tables.h"
#include "storage/sqlite_database.h"

namespace proctor::bench {

class Room {
 public:
  static absl::StatusOr<std::unique_ptr<Room>> Open(const std::string& directory, storage::Durability durability) {
    std::unique_ptr<Room> room(new Room);
    PROCTOR_ASSIGN_OR_RETURN(room->database_, storage::OpenSqliteDatabase({.directory = directory, .durability = durability}));
    PROCTOR_RETURN_IF_ERROR(reward::MigrateTables(*room->database_));
    PROCTOR_ASSIGN_OR_RETURN(room->log_, reward::RewardLog::Open(CallContext(), *room->database_, SystemClock(), room->unreadable_));
    room->consumers_ = std::make_unique<reward::Consumers>(*room->database_, SystemClock(), room->unreadable_);
    // As many threads as the server's.
    room->pool_ = std::make_unique<ThreadPool>("rpc", 16);
    room->hub_ = std::make_unique<reward::SubscriptionHub>(*room->log_, *room->consumers_, *room->pool_, nullptr);
    return room;
  }
  ~Room() {
    if (hub_ != nullptr) hub_->EndAll(absl::UnavailableError("the measurement is over"));
    pool_.reset();
  }

  storage::Database& database() { return *database_; }
  reward::RewardLog& log() { return *log_; }
  reward::SubscriptionHub& hub() { return *hub_; }

  // Before the oldest record.
  absl::Status MakeConsumer(const std::string& name) {
    v1::CreateConsumerRequest request;
    request.set_name(name);
    request.mutable_start()->set_earliest(true);
    return consumers_->Create(CallContext(), request).status();
  }

 private:
  Room() = default;

  std::unique_ptr<storage::Database> database_;
  storage::UnreadableRecords unreadable_;
  std::unique_ptr<reward::RewardLog> log_;
  std::unique_ptr<reward::Consumers> consumers_;
  std::unique_ptr<reward::SubscriptionHub> hub_;
  std::unique_ptr<ThreadPool> pool_;
};

// A reward as an episode of three steps gives it; `number` is its value and makes its name.
v1::Reward NumberedReward(int64_t number);

}  // namespace proctor::bench

#endif  // PROCTOR_BENCH_REWARDS_BENCH_ROOM_H_
