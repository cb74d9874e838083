// A client with all its parts, and calls that wait for their end.
#ifndef PROCTOR_TESTS_MODEL_CLIENT_FIXTURE_H_
#define PROCTOR_TESTS_MODEL_CLIENT_FIXTURE_H_

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/executor.h"
#include "common/mutex.h"
#include "model/client.h"
#include "model/tables.h"
#include "net/http_pool.h"
#include "storage/memory_database.h"
#include "tests/model/simulated_timers.h"

namespace proctor::model {

// A result that another thread brings.
template <typename Value>
class Pending {
 public:
  void Set(Value value) {
    MutexLock lock(mutex_);
    value_ = std::move(value);
    ++times_;
    set_.SignalAll();
  }
  // Waits up to 30 s; aborts the test program if nothing comes.
  Value Get() {
    const absl::Time end = absl::Now() + absl::Seconds(30);
    MutexLock lock(mutex_);
    while (!value_ && absl::Now() < end) set_.WaitFor(mutex_, end - absl::Now());
    return value_.value();
  }
  bool ready() {
    MutexLock lock(mutex_);
    return value_.has_value();
  }
  int times() {
    MutexLock lock(mutex_);
    return times_;
  }

 private:
  Mutex mutex_;
  CondVar set_;
  std::optional<Value> value_ ABSL_GUARDED_BY(mutex_);
  int times_ ABSL_GUARDED_BY(mutex_) = 0;
};

enum class TimeKind { kReal, kSimulated };

// Everything a client needs; the time is simulated unless told otherwise.
class ClientFixture {
 public:
  explicit ClientFixture(TimeKind time = TimeKind::kSimulated)
      : real_timers_(queue_),
        timers_(clock_),
        time_(time),
        database_(*storage::NewMemoryDatabase()),
        pool_(*net::HttpPool::Create({})) {
    MigrateTables(*database_).IgnoreError();
  }

  absl::StatusOr<std::unique_ptr<Client>> TryCreate(const v1::ModelConfig& config) {
    const bool real = time_ == TimeKind::kReal;
    return Client::Create(config, {.pool = *pool_,
                                   .executor = executor_,
                                   .timers = real ? static_cast<Timers&>(real_timers_) : timers_,
                                   .clock = real ? SystemClock() : clock_,
                                   .database = with_database ? database_.get() : nullptr,
                                   .jitter = [] { return 1.0; },
                                   .charged =
                                       [this](const Payer& payer, double usd) {
                                         MutexLock lock(mutex_);
                                         charged_[payer.tenant] += usd;
                                       }});
  }
  std::unique_ptr<Client> Create(const v1::ModelConfig& config) { return *TryCreate(config); }

  SimulatedClock& clock() { return clock_; }
  SimulatedTimers& timers() { return timers_; }
  storage::Database& database() { return *database_; }
  net::HttpPool& pool() { return *pool_; }
  // What clients charged to each tenant.
  std::map<std::string, double> charged() {
    MutexLock lock(mutex_);
    return charged_;
  }

  // For clients created from now on.
  bool with_database = true;

 private:
  TimerQueue queue_;
  QueueTimers real_timers_;
  SimulatedClock clock_;
  SimulatedTimers timers_;
  const TimeKind time_;
  std::unique_ptr<storage::Database> database_;
  Mutex mutex_;
  std::map<std::string, double> charged_ ABSL_GUARDED_BY(mutex_);
  ThreadPool executor_{"model-test", 4};
  std::unique_ptr<net::HttpPool> pool_;
};

inline ChatRequest Ask(std::string text) {
  ChatRequest request;
  request.messages = {{.role = Role::kUser, .parts = {TextPart{std::move(text)}}}};
  return request;
}

// Begins a call; its end arrives in the result.
inline std::shared_ptr<Pending<ChatReply>> Begin(Client& client, const CallContext& context, ChatRequest request,
                                                 ChatOptions options) {
  auto pending = std::make_shared<Pending<ChatReply>>();
  client.Chat(context, std::move(request), std::move(options),
              [pending](ChatReply reply) { pending->Set(std::move(reply)); });
  return pending;
}

inline ChatReply Chat(Client& client, ChatRequest request, const std::string& route) {
  return Begin(client, CallContext(), std::move(request), {.route = route, .payer = {}})->Get();
}

inline EmbedReply Embed(Client& client, EmbedRequest request, const std::string& route) {
  Pending<EmbedReply> pending;
  client.Embed(CallContext(), std::move(request), {.route = route, .payer = {}},
               [&](EmbedReply reply) { pending.Set(std::move(reply)); });
  return pending.Get();
}

}  // namespace proctor::model

#endif  // PROCTOR_TESTS_MODEL_CLIENT_FIXTURE_H_
