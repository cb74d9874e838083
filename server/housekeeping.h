// What the server does by itself as time passes.
#ifndef PROCTOR_SERVER_HOUSEKEEPING_H_
#define PROCTOR_SERVER_HOUSEKEEPING_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "common/call_context.h"
#include "common/executor.h"
#include "common/mutex.h"
#include "env/session_manager.h"
#include "proctor/v1/config.pb.h"
#include "reward/consumers.h"
#include "server/anchored_clock.h"
#include "server/auth/tenant_accounts.h"
#include "server/data_directory.h"
#include "server/idle_thread.h"
#include "server/reloads.h"
#include "server/state_reader.h"

namespace proctor::server {

// Once a second: tokens and certificates that changed are read (in a round of its own, which waits for no database), groups end whose deadline came,
// screenshots get smaller encodings (while nobody is at work one after another; while sessions are open one, then a pause at least as long as it took).
// Once an hour: old answers and outcomes go, and
// blobs that nothing names; blobs are counted. Once an hour too, but first when consumers had an hour (or their expiry, if it is shorter) to come
// back after the start: old rewards go. As often as configured: what retention lets go. Once, after the start: blobs are counted, those
// that a killed server left without a name are noted, to go a day later, and what unfinished exports left goes. Thread-safe.
class Housekeeping {
 public:
  // All outlive the housekeeping; the pools have run what was posted to them before it is destroyed.
  struct Parts {
    const v1::ServerConfig& config;
    DataDirectory& data;
    env::SessionManager& sessions;
    reward::Consumers& consumers;
    Reloads& reloads;
    TenantAccounts& accounts;
    AnchoredClock& session_clock;
    StateReader& state;
    TimerQueue& timers;
    // For what is done every second: has kRounds threads.
    Executor& pool;
    // Has three threads for what takes long: recompression, which may wait for its idle thread, retention, and what is done hourly.
    Executor& background;
    // Where pictures are encoded.
    IdleThread& encoder;
  };
  static constexpr int kRounds = 2;
  explicit Housekeeping(Parts parts);

  void Start();
  // Nothing is begun any more, and what takes long ends soon.
  void Stop();

  // At once: a look by the old rules ends, and one by the new ones follows.
  void SetRetention(const v1::RetentionConfig& retention);

 private:
  enum Round { kReload, kMaintain };
  // Each on one thread at a time: a tick is set when the round's last one is done.
  void Tick(Round round);
  void Maintain();
  // In the background.
  void MaintainHourly();
  // Lets retention look if it is time.
  void BeginRetention();
  // In the background.
  void TrimRewards();
  // What was deleted other than by DeleteTrajectory no longer counts for its tenant either.
  void ForgetDeleted(const CallContext& context);
  // Starts recompression if it is time and it does not run.
  void BeginRecompression();
  void PostInBackground(std::function<void()> task);

  // In the background.
  void Recompress();
  void CountBlobs();
  void Retain();

  const Parts parts_;
  // Cancelled by Stop.
  const std::shared_ptr<CancelToken> stopping_ = std::make_shared<CancelToken>();
  // Time that goes on whatever the wall clock is set to; not since the start.
  const std::function<absl::Duration()> steady_ = AnchoredClock::Steady();
  absl::Duration next_hourly_ = absl::ZeroDuration();
  std::atomic<bool> hourly_runs_ = false;
  absl::Duration next_trim_;
  std::atomic<bool> trimming_ = false;
  // Set while recompression runs; it alone uses the two below then.
  std::atomic<bool> recompressing_ = false;
  absl::Duration next_recompression_ = absl::ZeroDuration();
  std::string recompressed_up_to_;

  Mutex mutex_;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  std::array<uint64_t, kRounds> timers_ ABSL_GUARDED_BY(mutex_) = {};
  v1::RetentionConfig retention_ ABSL_GUARDED_BY(mutex_);
  // Set from when a look is posted until it ends; cancelled when its rules are no longer in force.
  std::shared_ptr<CancelToken> retaining_ ABSL_GUARDED_BY(mutex_);
  absl::Duration next_retention_ ABSL_GUARDED_BY(mutex_) = absl::ZeroDuration();
};

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_HOUSEKEEPING_H_
