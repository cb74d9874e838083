#include "env/android/device_pool.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/log.h"
#include "common/status.h"

namespace proctor::env::android {
namespace {

constexpr char kUsable[] = "device";
// Between two attempts to find a server, or to connect devices.
constexpr absl::Duration kRetry = absl::Milliseconds(500);
constexpr absl::Duration kConnectCap = absl::Seconds(15);
// How long a session waits for the first list after start-up.
constexpr absl::Duration kFirstListCap = absl::Seconds(20);

}  // namespace

DevicePool::DevicePool(Options options)
    : options_(std::move(options)),
      adb_(options_.server.address),
      server_(options_.server),
      watcher_([this] { Watch(); }),
      connector_([this] { KeepConnected(); }) {}

DevicePool::~DevicePool() {
  stop_.cancel()->Cancel();
  changed_.SignalAll();
  watcher_.join();
  connector_.join();
}

bool DevicePool::Pause(absl::Duration duration) {
  MutexLock lock(mutex_);
  const CallContext pause = stop_.Child(duration);
  return !absl::IsCancelled(AwaitWithContext(pause, mutex_, changed_, [] { return false; }, "a pause"));
}

void DevicePool::Watch() {
  do {
    absl::Status status = server_.Ensure(stop_.Child(absl::Seconds(60)));
    if (status.ok()) status = Follow(stop_);
    if (absl::IsCancelled(status)) return;
    Update({}, std::string(status.message()));
  } while (Pause(kRetry));
}

absl::Status DevicePool::Follow(const CallContext& context) {
  PROCTOR_ASSIGN_OR_RETURN(const std::unique_ptr<AdbClient::Tracker> tracker, adb_.Track(context.Child(absl::Seconds(10))));
  while (true) {
    PROCTOR_ASSIGN_OR_RETURN(const std::vector<AdbDevice> devices, tracker->Next(context));
    Update(devices, "");
  }
}

void DevicePool::Update(const std::vector<AdbDevice>& devices, const std::string& trouble) {
  std::map<std::string, std::string> now;
  for (const AdbDevice& device : devices) now[device.serial] = device.state;
  bool is_new = false;
  {
    MutexLock lock(mutex_);
    for (auto& [serial, entry] : entries_) {
      const auto found = now.find(serial);
      const std::string state = found == now.end() ? "" : found->second;
      if (entry.state == kUsable && state != kUsable) ++entry.losses;
      entry.state = state;
    }
    for (const auto& [serial, state] : now) entries_[serial].state = state;
    // What is gone and nobody has or had is forgotten; a count of losses must not start again while somebody compares it.
    std::erase_if(entries_, [](const auto& item) { return item.second.state.empty() && !item.second.leased && item.second.losses == 0; });
    is_new = !trouble.empty() && trouble != trouble_;
    listed_ = true;
    trouble_ = trouble;
    changed_.SignalAll();
  }
  if (is_new) LogWarning("no adb server", {{"reason", trouble}});
}

void DevicePool::KeepConnected() {
  if (options_.connect.empty()) return;
  do {
    {
      MutexLock lock(mutex_);
      const auto served = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return listed_ && trouble_.empty(); };
      if (!AwaitWithContext(stop_, mutex_, changed_, served, "an adb server").ok()) return;
    }
    for (const std::string& address : options_.connect) {
      std::string state;
      {
        MutexLock lock(mutex_);
        const auto found = entries_.find(address);
        if (found != entries_.end()) state = found->second.state;
      }
      if (state == kUsable || state == "unauthorized" || state == "authorizing" || state == "connecting") continue;
      // The server calls a connection that broke "already connected" until it gave up on it by itself.
      if (!state.empty()) adb_.DisconnectDevice(stop_.Child(kConnectCap), address).IgnoreError();
      adb_.ConnectDevice(stop_.Child(kConnectCap), address).IgnoreError();
    }
  } while (Pause(kRetry));
}

bool DevicePool::Allowed(const std::string& serial) const {
  return options_.serials.empty() || std::find(options_.serials.begin(), options_.serials.end(), serial) != options_.serials.end();
}

absl::Status DevicePool::Refuse(const std::string& serial) const {
  if (!trouble_.empty()) return absl::UnavailableError(trouble_);
  if (serial.empty()) {
    if (CountLocked() > 0) return absl::ResourceExhaustedError("every Android device is leased: close a session or add a device");
    return absl::UnavailableError(WhyNoneLocked());
  }
  const auto found = entries_.find(serial);
  if (found == entries_.end() || found->second.state.empty()) {
    return absl::UnavailableError(absl::StrCat("the adb server does not list the device ", serial));
  }
  if (found->second.leased) return absl::ResourceExhaustedError(absl::StrCat("the device ", serial, " is leased"));
  return absl::UnavailableError(absl::StrCat("the device ", serial, " is ", found->second.state));
}

absl::StatusOr<std::unique_ptr<DevicePool::Lease>> DevicePool::Acquire(const CallContext& context, const std::string& serial) {
  if (!serial.empty() && !Allowed(serial)) {
    return absl::InvalidArgumentError(absl::StrCat("settings.android.serial: ", serial, " is not one of the configured serials"));
  }
  MutexLock lock(mutex_);
  const absl::Status listed = AwaitWithContext(context.Child(kFirstListCap), mutex_, changed_,
                                               [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return listed_; },
                                               "waiting for the list of devices");
  PROCTOR_RETURN_IF_ERROR(listed);
  std::string chosen;
  absl::Time longest = absl::InfiniteFuture();
  for (const auto& [name, entry] : entries_) {
    const bool fits = serial.empty() ? Allowed(name) : name == serial;
    if (!fits || entry.leased || entry.state != kUsable || entry.free_since >= longest) continue;
    chosen = name;
    longest = entry.free_since;
  }
  if (chosen.empty()) return Refuse(serial);
  Entry& entry = entries_[chosen];
  entry.leased = true;
  return std::make_unique<Lease>(*this, chosen, std::exchange(entry.leftovers, {}));
}

void DevicePool::GiveBack(const std::string& serial, Leftovers leftovers) {
  MutexLock lock(mutex_);
  Entry& entry = entries_[serial];
  entry.leased = false;
  entry.free_since = absl::Now();
  entry.leftovers = std::move(leftovers);
  changed_.SignalAll();
}

absl::StatusOr<int64_t> DevicePool::AwaitOnline(const CallContext& context, const std::string& serial) const {
  MutexLock lock(mutex_);
  const auto online = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const auto found = entries_.find(serial);
    return found != entries_.end() && found->second.state == kUsable;
  };
  const absl::Status status = AwaitWithContext(context, mutex_, changed_, online, absl::StrCat("waiting for the device ", serial));
  PROCTOR_RETURN_IF_ERROR(status);
  return entries_.at(serial).losses;
}

int64_t DevicePool::Losses(const std::string& serial) const {
  MutexLock lock(mutex_);
  const auto found = entries_.find(serial);
  return found == entries_.end() ? 0 : found->second.losses;
}

int DevicePool::CountLocked() const {
  return static_cast<int>(std::count_if(entries_.begin(), entries_.end(), [this](const auto& item) {
    return Allowed(item.first) && (item.second.leased || item.second.state == kUsable);
  }));
}

int DevicePool::Count() const {
  MutexLock lock(mutex_);
  return CountLocked();
}

std::string DevicePool::WhyNoneLocked() const {
  if (!listed_) return "the adb server has not been asked yet";
  if (!trouble_.empty()) return trouble_;
  for (const auto& [serial, entry] : entries_) {
    if (!Allowed(serial) || entry.state.empty()) continue;
    return absl::StrCat("the device ", serial, " is ", entry.state,
                        entry.state == "unauthorized" ? ": allow this computer on the device's screen" : "");
  }
  return absl::StrCat("the adb server at ", adb_.address().text(), " lists no device",
                      options_.serials.empty() ? "" : " of android.serials", ": plug one in, start an emulator, or set android.connect");
}

std::string DevicePool::WhyNone() const {
  MutexLock lock(mutex_);
  return WhyNoneLocked();
}

absl::Status DevicePool::AwaitCount(const CallContext& context, int count) const {
  MutexLock lock(mutex_);
  return AwaitWithContext(context, mutex_, changed_,
                          [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return CountLocked() >= count; },
                          "waiting for Android devices");
}

}  // namespace proctor::env::android
