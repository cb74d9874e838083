// Walls around a desktop: namespaces of its own, and a file system in which only the machine's programs can be seen.
//
//   /usr /bin /lib* /etc /opt   the machine's, read-only
//   /home/user                  the home directory, empty, in memory
//   /tmp /var/tmp /run /dev/shm empty, in memory
//   /dev /proc                  null, zero, full, random, urandom, terminals; the desktop's own processes
//
// No network interface, not even loopback, unless told. All of it is gone with the last process.
#ifndef PROCTOR_ENV_DESKTOP_GUEST_SANDBOX_H_
#define PROCTOR_ENV_DESKTOP_GUEST_SANDBOX_H_

#include <sys/types.h>

#include <functional>
#include <string>

#include "absl/status/status.h"

namespace proctor::env::desktop::guest {

inline constexpr char kHome[] = "/home/user";
inline constexpr char kRuntime[] = "/run/user";

struct SandboxOptions {
  // Whom the desktop runs as; used if this process is root. Else it stays who it is.
  uid_t uid = 0;
  gid_t gid = 0;
  // Keep the machine's network.
  bool network = false;
  // What each of /home, /tmp, /dev/shm and /run may hold at most, in bytes.
  int64_t memory_bytes = int64_t{512} << 20;
};

// Makes the namespaces, forks, and runs `inside` in the child, which is process 1 in there, unprivileged, and dies with this one. Returns
// in this process only: what `inside` returned, once everything in there has ended. The error is PERMISSION_DENIED or
// FAILED_PRECONDITION if this machine does not allow it; it says which step failed.
absl::Status RunInSandbox(const SandboxOptions& options, const std::function<int()>& inside, int& exit_code);

}  // namespace proctor::env::desktop::guest

#endif  // PROCTOR_ENV_DESKTOP_GUEST_SANDBOX_H_
