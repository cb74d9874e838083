// Displays that somebody else started.
#ifndef PROCTOR_ENV_DESKTOP_REMOTE_DISPLAY_H_
#define PROCTOR_ENV_DESKTOP_REMOTE_DISPLAY_H_

#include <memory>
#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "common/call_context.h"
#include "common/mutex.h"
#include "env/desktop/rfb_client.h"
#include "proctor/v1/desktop.pb.h"

namespace proctor::env::desktop {

// UNAVAILABLE: nobody listens there; the password file cannot be read; it is no VNC server or refuses the password. DEADLINE_EXCEEDED,
// CANCELLED. At most 15 s.
absl::StatusOr<std::unique_ptr<RfbClient>> ConnectRemoteDisplay(const CallContext& context, const v1::RemoteDisplay& display);

// Who uses which display: one session at a time. Thread-safe; outlived by no lease.
class DisplayLeases {
 public:
  class Lease {
   public:
    Lease(DisplayLeases& leases, std::string name) : leases_(leases), name_(std::move(name)) {}
    ~Lease();
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;

   private:
    DisplayLeases& leases_;
    const std::string name_;
  };

  // RESOURCE_EXHAUSTED: it is taken.
  absl::StatusOr<std::unique_ptr<Lease>> Take(const std::string& name);

 private:
  Mutex mutex_;
  std::set<std::string> taken_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace proctor::env::desktop

#endif  // PROCTOR_ENV_DESKTOP_REMOTE_DISPLAY_H_
