#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "bench/rewards_bench/measurements.h"
#include "clients/cpp/actions.h"
#include "clients/cpp/client.h"
#include "clients/cpp/rewards.h"
#include "clients/cpp/session.h"
#include "common/ids.h"
#include "common/mutex.h"
#include "common/proto_time.h"
#include "common/status.h"

namespace proctor::bench {
namespace {

// Offsets that one acknowledgement covers.
constexpr int kAckEvery = 100;
constexpr absl::Duration kPatience = absl::Seconds(60);

using ClientPtr = std::unique_ptr<client::Client>;

absl::StatusOr<ClientPtr> Connect(const Flags& flags) {
  return client::Client::Connect({.address = flags.Text("address")});
}

// The first error of several threads.
class FirstError {
 public:
  void Tell(const absl::Status& status) {
    MutexLock lock(mutex_);
    status_.Update(status);
  }
  absl::Status Get() const {
    MutexLock lock(mutex_);
    return status_;
  }

 private:
  mutable Mutex mutex_;
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
};

// Runs `work(i)` on a thread for each i and waits for all.
absl::Status OnThreads(int64_t count, const std::function<absl::Status(int64_t)>& work) {
  FirstError error;
  std::vector<std::thread> threads;
  for (int64_t i = 0; i < count; ++i) threads.emplace_back([&, i] { error.Tell(work(i)); });
  for (std::thread& thread : threads) thread.join();
  return error.Get();
}

// Consumers of one measurement, by a name that no other has; deleted at the end.
class NamedConsumers {
 public:
  NamedConsumers(client::Client& client, std::string kind, int64_t count) : client_(client) {
    const std::string run = RandomHex(4);
    for (int64_t i = 0; i < count; ++i) names_.push_back(absl::StrCat("consumers/", kind, "-", run, "-", i));
  }
  ~NamedConsumers() {
    for (const std::string& name : names_) {
      v1::DeleteConsumerRequest request;
      request.set_name(name);
      client_.Call<v1::DeleteConsumerResponse>(request).IgnoreError();
    }
  }
  int64_t count() const { return static_cast<int64_t>(names_.size()); }

  absl::StatusOr<std::unique_ptr<client::RewardSubscription>> Open(int64_t i, const v1::StartPosition& start) const {
    return client::RewardSubscription::Open(client_, {.consumer = names_[i], .start = start, .window = 1000});
  }

 private:
  client::Client& client_;
  std::vector<std::string> names_;
};

// Plays episodes of one step until told to stop.
class Players {
 public:
  Players(client::Client& client, int64_t count) : client_(client), count_(count) {}

  // Blocks for `duration`.
  absl::Status Play(absl::Duration duration) {
    const absl::Time end = absl::Now() + duration;
    return OnThreads(count_, [&](int64_t) -> absl::Status {
      PROCTOR_ASSIGN_OR_RETURN(const auto session, client::Session::Open(client_, {.environment = "null"}));
      while (absl::Now() < end) PROCTOR_RETURN_IF_ERROR(PlayOne(*session));
      return absl::OkStatus();
    });
  }
  int64_t episodes() const { return episodes_; }

 private:
  absl::Status PlayOne(client::Session& session) {
    v1::StartEpisodeRequest request;
    v1::Task& task = *request.mutable_inline_task();
    task.set_goal("Say the number.");
    task.set_environment("environments/null");
    task.mutable_oracle()->mutable_answer()->mutable_match()->mutable_equals()->add_values("42");
    PROCTOR_ASSIGN_OR_RETURN(client::Episode episode, session.Start(std::move(request)));
    PROCTOR_RETURN_IF_ERROR(episode.Step(client::Answer("42")).status());
    if (!episode.done()) return absl::InternalError("an episode did not end with its answer");
    ++episodes_;
    return absl::OkStatus();
  }

  client::Client& client_;
  const int64_t count_;
  std::atomic<int64_t> episodes_ = 0;
};

}  // namespace

absl::StatusOr<Json> MeasureDrain(const Flags& flags) {
  PROCTOR_ASSIGN_OR_RETURN(const ClientPtr client, Connect(flags));
  const NamedConsumers consumers(*client, "drain", flags.Number("consumers", 1));
  const int64_t records = flags.Number("records", 100'000);
  std::vector<float> first_ms(consumers.count());
  v1::StartPosition start;
  start.set_earliest(true);
  const absl::Time begin = absl::Now();
  PROCTOR_RETURN_IF_ERROR(OnThreads(consumers.count(), [&](int64_t i) -> absl::Status {
    PROCTOR_ASSIGN_OR_RETURN(const auto stream, consumers.Open(i, start));
    for (int64_t taken = 1; taken <= records; ++taken) {
      PROCTOR_ASSIGN_OR_RETURN(const v1::RewardRecord record, stream->Next(kPatience));
      if (taken == 1) first_ms[i] = static_cast<float>(absl::ToDoubleMilliseconds(absl::Now() - begin));
      if (taken % kAckEvery == 0) stream->Ack(record.offset());
    }
    return stream->Flush(kPatience);
  }));
  const double seconds = absl::ToDoubleSeconds(absl::Now() - begin);
  Json figures = {{"delivered_per_s", static_cast<double>(records * consumers.count()) / seconds}};
  Json first;
  AddLatencies(std::move(first_ms), first);
  figures["first_p50_ms"] = first["p50_ms"];
  figures["first_max_ms"] = first["max_ms"];
  return figures;
}

absl::StatusOr<Json> MeasureEpisodes(const Flags& flags) {
  PROCTOR_ASSIGN_OR_RETURN(const ClientPtr client, Connect(flags));
  const NamedConsumers consumers(*client, "live", flags.Number("consumers", 1));
  const NamedConsumers stalled(*client, "stalled", flags.Number("stalled", 0));
  std::vector<std::unique_ptr<client::RewardSubscription>> unread, streams;
  for (int64_t i = 0; i < stalled.count(); ++i) {
    PROCTOR_ASSIGN_OR_RETURN(unread.emplace_back(), stalled.Open(i, {}));
  }
  for (int64_t i = 0; i < consumers.count(); ++i) {
    PROCTOR_ASSIGN_OR_RETURN(streams.emplace_back(), consumers.Open(i, {}));
  }
  Players players(*client, flags.Number("sessions", 16));
  std::atomic<bool> played = false;
  std::vector<std::vector<float>> latencies(streams.size());
  FirstError error;
  // One thread more: the players'.
  const absl::Time begin = absl::Now();
  PROCTOR_RETURN_IF_ERROR(OnThreads(consumers.count() + 1, [&](int64_t i) -> absl::Status {
    if (i == consumers.count()) {
      const absl::Status status = players.Play(absl::Seconds(flags.Number("seconds", 3)));
      error.Tell(status);
      played = true;
      return status;
    }
    client::RewardSubscription& stream = *streams[i];
    const absl::Time give_up = absl::Now() + absl::Seconds(flags.Number("seconds", 3)) + kPatience;
    while (!played || (error.Get().ok() && static_cast<int64_t>(latencies[i].size()) < players.episodes())) {
      const absl::StatusOr<v1::RewardRecord> record = stream.Next(absl::Milliseconds(200));
      if (absl::IsDeadlineExceeded(record.status()) && absl::Now() < give_up) continue;
      PROCTOR_RETURN_IF_ERROR(record.status());
      latencies[i].push_back(
          static_cast<float>(absl::ToDoubleMilliseconds(absl::Now() - FromProto(record->reward().create_time()))));
      if (latencies[i].size() % kAckEvery == 0) stream.Ack(record->offset());
    }
    return absl::OkStatus();
  }));
  const double seconds = absl::ToDoubleSeconds(absl::Now() - begin);
  std::vector<float> all;
  for (const std::vector<float>& part : latencies) all.insert(all.end(), part.begin(), part.end());
  Json figures = {{"episodes_per_s", static_cast<double>(players.episodes()) / seconds},
                  {"delivered_per_s", static_cast<double>(all.size()) / seconds}};
  AddLatencies(std::move(all), figures);
  return figures;
}

}  // namespace proctor::bench
