// Lets callers in or turns them away.
#ifndef PROCTOR_SERVER_AUTH_DOORS_H_
#define PROCTOR_SERVER_AUTH_DOORS_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/clock.h"
#include "common/mutex.h"
#include "server/auth/caller.h"
#include "server/auth/file_version.h"
#include "server/auth/token_table.h"

namespace proctor::server {

// What an address asks of those who call without credentials.
enum class Door {
  // They are `local`, to whom everything is allowed: the unix socket, and loopback as long as nothing else is asked for.
  kLocal,
  // They are `anonymous`, to whom everything is allowed: an address that was opened to the network against all advice.
  kOpen,
  // They are turned away.
  kGuarded,
};

// The tokens file, and whom it knows. Thread-safe.
class Doors {
 public:
  // `tokens_file` empty: nobody is known. `clock` outlives the doors. Errors: those of TokenTable::Load.
  static absl::StatusOr<std::unique_ptr<Doors>> Create(const std::string& tokens_file, Clock& clock);

  // Whom these credentials belong to. A token counts before a certificate, and a wrong one is refused at every door.
  // UNAUTHENTICATED says what to do.
  absl::StatusOr<Caller> Identify(Door door, const Credentials& credentials) const;

  // Reads the file again if it has changed on disk since it was read, and has not since the last call: it may be written just now. An error
  // leaves in force what was read before; it is returned once for each change. OK also if nothing has changed. FAILED_PRECONDITION:
  // suddenly nobody is in it, as where a disk was full when it was written. UNAVAILABLE: it cannot be opened or read just now; each call
  // tries again.
  absl::Status ReloadIfChanged();
  // The same at once, changed or not.
  absl::Status Reload();

  // Grows with every reload: whoever was let in before may have to be looked at again.
  uint64_t generation() const { return generation_.load(std::memory_order_acquire); }

 private:
  Doors(std::string tokens_file, Clock& clock) : tokens_file_(std::move(tokens_file)), clock_(clock) {}
  std::shared_ptr<const TokenTable> table() const;

  const std::string tokens_file_;
  Clock& clock_;
  std::atomic<uint64_t> generation_{0};
  mutable Mutex mutex_;
  std::shared_ptr<const TokenTable> table_ ABSL_GUARDED_BY(mutex_);
  FileVersion seen_ ABSL_GUARDED_BY(mutex_);
  FileVersion read_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_AUTH_DOORS_H_
