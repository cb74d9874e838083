// Which devices there are, and who has which.
#ifndef PROCTOR_ENV_ANDROID_DEVICE_POOL_H_
#define PROCTOR_ENV_ANDROID_DEVICE_POOL_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/call_context.h"
#include "common/mutex.h"
#include "env/android/adb_client.h"
#include "env/android/adb_server.h"
#include "env/android/leftovers.h"

namespace proctor::env::android {

// Follows the adb server's list of devices (starting the server where none answers), keeps network devices connected, and leases
// each device to one session at a time. Thread-safe. Its two threads sleep while nothing changes.
class DevicePool {
 public:
  struct Options {
    AdbServerOptions server;
    // "host:port" of devices to connect to, again and again while they are not there.
    std::vector<std::string> connect;
    // Serials that may be leased; empty: all.
    std::vector<std::string> serials;
  };

  explicit DevicePool(Options options);
  // All leases are given back by then.
  ~DevicePool();

  const AdbClient& adb() const { return adb_; }

  // One device, until destroyed. The device may come and go meanwhile.
  class Lease {
   public:
    Lease(DevicePool& pool, std::string serial, Leftovers leftovers)
        : pool_(pool), serial_(std::move(serial)), leftovers_(std::move(leftovers)) {}
    ~Lease() { pool_.GiveBack(serial_, std::move(leftovers_)); }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    const std::string& serial() const { return serial_; }
    // What is to be put back, also by leases before. What is left at the end is the next one's. Not thread-safe.
    Leftovers& leftovers() { return leftovers_; }

   private:
    DevicePool& pool_;
    const std::string serial_;
    Leftovers leftovers_;
  };

  // A device that can be used now and nobody has; empty `serial`: the one that was given back longest ago. RESOURCE_EXHAUSTED: taken;
  // UNAVAILABLE: not there; INVALID_ARGUMENT: not one that may be leased.
  absl::StatusOr<std::unique_ptr<Lease>> Acquire(const CallContext& context, const std::string& serial);

  // Waits until the device can be used, and returns how often it was lost so far. DEADLINE_EXCEEDED with the reason.
  absl::StatusOr<int64_t> AwaitOnline(const CallContext& context, const std::string& serial) const;
  // How often the device was lost so far: another number than before means that it was away in between.
  int64_t Losses(const std::string& serial) const;
  // Devices that may be leased and can be used or are leased.
  int Count() const;
  // For people: why Count() is 0.
  std::string WhyNone() const;
  // Waits until Count() is at least `count`.
  absl::Status AwaitCount(const CallContext& context, int count) const;

 private:
  struct Entry {
    std::string state;
    bool leased = false;
    int64_t losses = 0;
    // When it was given back; never: the infinite past.
    absl::Time free_since = absl::InfinitePast();
    // While nobody has it.
    Leftovers leftovers;
  };

  void Watch();
  // Until the server is gone.
  absl::Status Follow(const CallContext& context);
  void KeepConnected();
  // Every entry that is not in `devices` is away. `trouble`: why there is no list, or empty.
  void Update(const std::vector<AdbDevice>& devices, const std::string& trouble);
  void GiveBack(const std::string& serial, Leftovers leftovers);
  bool Allowed(const std::string& serial) const;
  int CountLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::string WhyNoneLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Refuse(const std::string& serial) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // False once the pool is to stop.
  bool Pause(absl::Duration duration);

  const Options options_;
  const AdbClient adb_;
  AdbServer server_;
  const CallContext stop_;

  mutable Mutex mutex_;
  mutable CondVar changed_;
  bool listed_ ABSL_GUARDED_BY(mutex_) = false;
  // Why there is no list; empty while there is.
  std::string trouble_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, Entry> entries_ ABSL_GUARDED_BY(mutex_);
  std::thread watcher_;
  std::thread connector_;
};

}  // namespace proctor::env::android

#endif  // PROCTOR_ENV_ANDROID_DEVICE_POOL_H_
