// A consumer of the room's own streams, on a thread of its own.
#ifndef PROCTOR_BENCH_REWARDS_BENCH_READER_H_
#define PROCTOR_BENCH_REWARDS_BENCH_READER_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/mutex.h"
#include "reward/subscription.h"

namespace proctor::bench {

// When the append of each numbered reward was due, in nanoseconds since 1970.
using DueTimes = std::vector<std::atomic<int64_t>>;

// Takes what comes and acknowledges every batch.
class Reader {
 public:
  // `due` may be null: no latencies. Both outlive the reader.
  Reader(reward::SubscriptionHub& hub, const std::string& consumer, const DueTimes* due);
  ~Reader();
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  // Until it has read that offset. DEADLINE_EXCEEDED; or how its stream ended.
  absl::Status AwaitOffset(int64_t offset, absl::Duration patience);
  // Ends it; before latencies.
  void Stop();
  const std::vector<float>& latencies_ms() const { return latencies_ms_; }

 private:
  // Shared with the stream's callback, which may run a moment longer.
  struct Shared {
    Mutex mutex;
    CondVar changed;
    bool ready ABSL_GUARDED_BY(mutex) = false;
    bool stopping ABSL_GUARDED_BY(mutex) = false;
    int64_t offset ABSL_GUARDED_BY(mutex) = 0;
    absl::Status status ABSL_GUARDED_BY(mutex);
  };

  void Run();
  // Everything that is there now. False: the stream has ended.
  bool TakeAll();

  const std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
  const DueTimes* const due_;
  std::vector<float> latencies_ms_;
  std::shared_ptr<reward::Subscription> stream_;
  std::thread thread_;
};

}  // namespace proctor::bench

#endif  // PROCTOR_BENCH_REWARDS_BENCH_READER_H_
