#include "reward/consumers.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/ids.h"
#include "common/proto_json.h"
#include "common/proto_time.h"
#include "common/status.h"
#include "reward/reward_log.h"
#include "reward/tables.h"

namespace proctor::reward {
namespace {

constexpr size_t kMaxIdLength = 64;
constexpr char kColumns[] =
    "SELECT id, filter, committed, epoch, create_time, last_ack_time FROM reward_consumers";

absl::StatusOr<std::string> ConsumerId(const std::string& name) {
  PROCTOR_ASSIGN_OR_RETURN(std::string id, ResourceId("consumers", name));
  const bool lower =
      std::none_of(id.begin(), id.end(), [](char c) { return absl::ascii_isupper(c); });
  if (id.size() > kMaxIdLength || !lower) {
    return absl::InvalidArgumentError("a consumer's name is consumers/[a-z0-9][a-z0-9._-]{0,63}");
  }
  return id;
}

// Filters that select the same are the same.
std::string FilterKey(v1::ConsumerFilter filter) {
  if (filter.splits().empty()) filter.add_splits(v1::SPLIT_TRAIN);
  if (filter.delivery() == v1::DELIVERY_UNSPECIFIED) filter.set_delivery(v1::DELIVERY_EACH);
  const auto tidy = [](auto* list) {
    std::sort(list->begin(), list->end());
    list->erase(std::unique(list->begin(), list->end()), list->end());
  };
  tidy(filter.mutable_splits());
  tidy(filter.mutable_policies());
  tidy(filter.mutable_environments());
  return ProtoCanonicalBytes(filter);
}

struct StoredConsumer {
  v1::Consumer consumer;
  int64_t epoch = 0;
};

absl::StatusOr<StoredConsumer> FromRow(const storage::Row& row, int64_t end_offset) {
  StoredConsumer stored;
  v1::Consumer& consumer = stored.consumer;
  consumer.set_name(ResourceName("consumers", row.Text(0)));
  if (!consumer.mutable_filter()->ParseFromString(row.Text(1))) {
    return absl::DataLossError(
        absl::StrCat(consumer.name(), " is stored in a form that cannot be read; delete it and create it again"));
  }
  consumer.set_committed_offset(row.Int(2));
  consumer.set_end_offset(end_offset);
  stored.epoch = row.Int(3);
  *consumer.mutable_create_time() = ToProto(absl::FromUnixMicros(row.Int(4)));
  if (row.Int(5) > 0) *consumer.mutable_last_ack_time() = ToProto(absl::FromUnixMicros(row.Int(5)));
  return stored;
}

absl::StatusOr<std::optional<StoredConsumer>> Find(storage::Transaction& transaction,
                                                   const std::string& id, const LogBounds& bounds) {
  PROCTOR_ASSIGN_OR_RETURN(const std::vector<storage::Row> rows,
                           transaction.Query(absl::StrCat(kColumns, " WHERE id = $1"), {id}));
  if (rows.empty()) return std::optional<StoredConsumer>();
  PROCTOR_ASSIGN_OR_RETURN(StoredConsumer stored, FromRow(rows[0], bounds.end));
  return std::optional<StoredConsumer>(std::move(stored));
}

absl::StatusOr<StoredConsumer> Require(storage::Transaction& transaction, const std::string& id,
                                       const LogBounds& bounds) {
  PROCTOR_ASSIGN_OR_RETURN(std::optional<StoredConsumer> found, Find(transaction, id, bounds));
  if (!found) return absl::NotFoundError(absl::StrCat("there is no consumers/", id));
  return *std::move(found);
}

absl::StatusOr<int64_t> Resolve(const v1::StartPosition& position, const LogBounds& bounds) {
  switch (position.kind_case()) {
    case v1::StartPosition::kEarliest:
      return bounds.floor;
    case v1::StartPosition::kAfterOffset:
      PROCTOR_RETURN_IF_ERROR(CheckFloor(bounds, position.after_offset()));
      PROCTOR_RETURN_IF_ERROR(CheckEnd(bounds, position.after_offset()));
      return position.after_offset();
    case v1::StartPosition::kLatest:
    case v1::StartPosition::KIND_NOT_SET:
      break;
  }
  return bounds.end;
}

}  // namespace

absl::StatusOr<v1::Consumer> Consumers::Create(const CallContext& context,
                                               const v1::CreateConsumerRequest& request) {
  PROCTOR_ASSIGN_OR_RETURN(const std::string id, ConsumerId(request.name()));
  PROCTOR_RETURN_IF_ERROR(ValidateFilter(request.filter()));
  const int64_t now = absl::ToUnixMicros(clock_.Now());
  v1::Consumer consumer;
  PROCTOR_RETURN_IF_ERROR(
      database_.Write(context, [&](storage::Transaction& transaction) -> absl::Status {
        PROCTOR_ASSIGN_OR_RETURN(const LogBounds bounds, ReadBounds(transaction));
        PROCTOR_ASSIGN_OR_RETURN(const std::optional<StoredConsumer> found,
                                 Find(transaction, id, bounds));
        if (found) {
          if (FilterKey(found->consumer.filter()) != FilterKey(request.filter())) {
            return absl::AlreadyExistsError(
                absl::StrCat(request.name(), " exists with another filter"));
          }
          consumer = found->consumer;
          return absl::OkStatus();
        }
        PROCTOR_ASSIGN_OR_RETURN(const int64_t start, Resolve(request.start(), bounds));
        // The first epoch is no earlier consumer's of this name: an ack that was under way when that one was deleted must not count for this.
        PROCTOR_RETURN_IF_ERROR(
            transaction
                .Execute("INSERT INTO reward_consumers (id, filter, committed, epoch, create_time, "
                         "last_ack_time, "
                         "last_seen_time) VALUES ($1, $2, $3, $4, $4, 0, $4)",
                         {id, storage::Bytes{request.filter().SerializeAsString()}, start, now})
                .status());
        PROCTOR_ASSIGN_OR_RETURN(const StoredConsumer stored, Require(transaction, id, bounds));
        consumer = stored.consumer;
        return absl::OkStatus();
      }));
  consumer.set_connected(IsConnected(consumer.name()));
  return consumer;
}

absl::StatusOr<v1::Consumer> Consumers::Seek(const CallContext& context,
                                             const v1::SeekConsumerRequest& request) {
  PROCTOR_ASSIGN_OR_RETURN(const std::string id, ConsumerId(request.name()));
  if (IsConnected(request.name())) {
    return absl::AbortedError(
        absl::StrCat(request.name(), " has a stream connected; end it first"));
  }
  v1::Consumer consumer;
  PROCTOR_RETURN_IF_ERROR(
      database_.Write(context, [&](storage::Transaction& transaction) -> absl::Status {
        PROCTOR_ASSIGN_OR_RETURN(const LogBounds bounds, ReadBounds(transaction));
        PROCTOR_RETURN_IF_ERROR(Require(transaction, id, bounds).status());
        PROCTOR_ASSIGN_OR_RETURN(const int64_t position, Resolve(request.position(), bounds));
        PROCTOR_RETURN_IF_ERROR(transaction
                                    .Execute("UPDATE reward_consumers SET committed = $2, epoch = "
                                             "epoch + 1, last_seen_time = $3 WHERE id = $1",
                                             {id, position, absl::ToUnixMicros(clock_.Now())})
                                    .status());
        PROCTOR_ASSIGN_OR_RETURN(const StoredConsumer stored, Require(transaction, id, bounds));
        consumer = stored.consumer;
        return absl::OkStatus();
      }));
  return consumer;
}

absl::StatusOr<v1::Consumer> Consumers::Get(const CallContext& context, const std::string& name) {
  PROCTOR_ASSIGN_OR_RETURN(const std::string id, ConsumerId(name));
  v1::Consumer consumer;
  PROCTOR_RETURN_IF_ERROR(
      database_.Read(context, [&](storage::Transaction& transaction) -> absl::Status {
        PROCTOR_ASSIGN_OR_RETURN(const LogBounds bounds, ReadBounds(transaction));
        PROCTOR_ASSIGN_OR_RETURN(const StoredConsumer stored, Require(transaction, id, bounds));
        consumer = stored.consumer;
        return absl::OkStatus();
      }));
  consumer.set_connected(IsConnected(name));
  return consumer;
}

absl::StatusOr<std::vector<v1::Consumer>> Consumers::List(const CallContext& context) {
  std::vector<v1::Consumer> consumers;
  std::vector<std::pair<std::string, std::string>> damaged;
  PROCTOR_RETURN_IF_ERROR(
      database_.Read(context, [&](storage::Transaction& transaction) -> absl::Status {
        PROCTOR_ASSIGN_OR_RETURN(const LogBounds bounds, ReadBounds(transaction));
        PROCTOR_ASSIGN_OR_RETURN(
            const std::vector<storage::Row> rows,
            transaction.Query(absl::StrCat(kColumns, " ORDER BY id LIMIT 1000"), {}));
        for (const storage::Row& row : rows) {
          absl::StatusOr<StoredConsumer> stored = FromRow(row, bounds.end);
          if (stored.ok()) {
            consumers.push_back(std::move(stored->consumer));
          } else {
            damaged.emplace_back(ResourceName("consumers", row.Text(0)), std::string(stored.status().message()));
          }
        }
        return absl::OkStatus();
      }));
  for (const auto& [name, why] : damaged) unreadable_.Note(name, why);
  for (v1::Consumer& consumer : consumers) consumer.set_connected(IsConnected(consumer.name()));
  return consumers;
}

absl::Status Consumers::Delete(const CallContext& context, const std::string& name) {
  PROCTOR_ASSIGN_OR_RETURN(const std::string id, ConsumerId(name));
  PROCTOR_RETURN_IF_ERROR(
      database_.Write(context, [&](storage::Transaction& transaction) -> absl::Status {
        PROCTOR_ASSIGN_OR_RETURN(
            const int64_t deleted,
            transaction.Execute("DELETE FROM reward_consumers WHERE id = $1", {id}));
        return deleted == 0 ? absl::NotFoundError(absl::StrCat("there is no ", name))
                            : absl::OkStatus();
      }));
  std::function<void(const std::string&)> listener;
  {
    MutexLock lock(mutex_);
    listener = on_deleted_;
  }
  if (listener) listener(name);
  MutexLock lock(mutex_);
  left_.erase(name);
  return absl::OkStatus();
}

absl::StatusOr<ConsumerPosition> Consumers::Attach(const CallContext& context,
                                                   const std::string& name) {
  PROCTOR_ASSIGN_OR_RETURN(const std::string id, ConsumerId(name));
  ConsumerPosition position;
  PROCTOR_RETURN_IF_ERROR(
      database_.Write(context, [&](storage::Transaction& transaction) -> absl::Status {
        PROCTOR_ASSIGN_OR_RETURN(const LogBounds bounds, ReadBounds(transaction));
        PROCTOR_ASSIGN_OR_RETURN(StoredConsumer stored, Require(transaction, id, bounds));
        PROCTOR_RETURN_IF_ERROR(CheckFloor(bounds, stored.consumer.committed_offset()));
        position.filter = std::move(*stored.consumer.mutable_filter());
        position.committed = stored.consumer.committed_offset();
        position.epoch = stored.epoch;
        position.end_offset = bounds.end;
        return transaction
            .Execute("UPDATE reward_consumers SET last_seen_time = $2 WHERE id = $1",
                     {id, absl::ToUnixMicros(clock_.Now())})
            .status();
      }));
  MutexLock lock(mutex_);
  if (connected_.contains(name)) attached_.insert(name);
  return position;
}

absl::StatusOr<int64_t> Consumers::Commit(const CallContext& context, const std::string& name,
                                          int64_t epoch, int64_t offset) {
  PROCTOR_ASSIGN_OR_RETURN(const std::string id, ConsumerId(name));
  int64_t committed = 0;
  PROCTOR_RETURN_IF_ERROR(
      database_.Write(context, [&](storage::Transaction& transaction) -> absl::Status {
        PROCTOR_ASSIGN_OR_RETURN(const LogBounds bounds, ReadBounds(transaction));
        if (offset > bounds.end) {
          return absl::OutOfRangeError(
              absl::StrCat("ack of offset ", offset, " is past the log's end, ", bounds.end));
        }
        const int64_t now = absl::ToUnixMicros(clock_.Now());
        PROCTOR_RETURN_IF_ERROR(transaction
                                    .Execute("UPDATE reward_consumers SET committed = $3, "
                                             "last_ack_time = $4, last_seen_time = $4 "
                                             "WHERE id = $1 AND epoch = $2 AND committed < $3",
                                             {id, epoch, offset, now})
                                    .status());
        PROCTOR_ASSIGN_OR_RETURN(const StoredConsumer stored, Require(transaction, id, bounds));
        committed = stored.consumer.committed_offset();
        return absl::OkStatus();
      }));
  return committed;
}

absl::Status Consumers::TouchConnected(const CallContext& context) {
  std::map<std::string, absl::Time> left;
  std::map<std::string, absl::Time> seen;
  {
    MutexLock lock(mutex_);
    left = seen = left_;
    for (const std::string& name : connected_) seen[name] = clock_.Now();
  }
  if (seen.empty()) return absl::OkStatus();
  PROCTOR_RETURN_IF_ERROR(database_.Write(context, [&](storage::Transaction& transaction) -> absl::Status {
    for (const auto& [name, time] : seen) {
      const absl::StatusOr<std::string> id = ConsumerId(name);
      if (!id.ok()) continue;  // Its stream is about to end with that error.
      PROCTOR_RETURN_IF_ERROR(
          transaction
              .Execute("UPDATE reward_consumers SET last_seen_time = $2 WHERE id = $1", {*id, absl::ToUnixMicros(time)})
              .status());
    }
    return absl::OkStatus();
  }));
  MutexLock lock(mutex_);
  std::erase_if(left_, [&](const auto& entry) { return left.contains(entry.first) && left.at(entry.first) == entry.second; });
  return absl::OkStatus();
}

void Consumers::SetConnected(const std::string& name, bool connected) {
  MutexLock lock(mutex_);
  if (connected) {
    connected_.insert(name);
  } else {
    connected_.erase(name);
    if (attached_.erase(name) > 0) left_[name] = clock_.Now();
  }
}

void Consumers::OnDeleted(std::function<void(const std::string&)> listener) {
  MutexLock lock(mutex_);
  on_deleted_ = std::move(listener);
}

bool Consumers::IsConnected(const std::string& name) const {
  MutexLock lock(mutex_);
  return connected_.count(name) > 0;
}

}  // namespace proctor::reward
