// The whole server: wires the rooms, listens, drains.
#ifndef PROCTOR_SERVER_SERVER_H_
#define PROCTOR_SERVER_SERVER_H_

#include <memory>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/call_context.h"
#include "proctor/v1/config.pb.h"
#include "server/addresses.h"

namespace proctor::server {

// What Shutdown waits for beyond its grace, at most: sessions to close, rewards of what was interrupted, and calls that it cancels. Whatever ends
// a server by force has to leave it that much besides `shutdown_grace` (docker/compose.yaml, proctord.service).
inline constexpr absl::Duration kCloseSessions = absl::Seconds(15);
inline constexpr absl::Duration kSettleRewards = absl::Seconds(10);
inline constexpr absl::Duration kEndCalls = absl::Seconds(5);

// Thread-safe.
class Server {
 public:
  // Opens the data directory, takes up what the last run left, starts to listen, and writes `addresses.json`. `config` as
  // ParseCommandLine gives it. Errors say what to do: FAILED_PRECONDITION the data directory is in use, or no browser
  // sandbox is possible; UNAVAILABLE an address is taken; PERMISSION_DENIED; CANCELLED `stop` was cancelled, and what was begun is given up.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const v1::ServerConfig& config, const std::shared_ptr<CancelToken>& stop);

  // As Shutdown without grace.
  virtual ~Server() = default;

  virtual const Addresses& addresses() const = 0;

  // Puts in force what `config` (as ParseCommandLine gives it) changes of quotas and retention, and logs what else it changes, which waits for
  // a restart. Reads the tokens file and looks at the certificates again, whether they have changed or not. (A change is noticed within
  // seconds.) What is wrong with any of these, `config` that could not be read included, is logged and counted, and changes nothing.
  virtual void Reload(const absl::StatusOr<v1::ServerConfig>& config) = 0;

  // In order: not serving, no new sessions; wait up to `grace` for running calls and evaluations; close sessions (their
  // episodes are interrupted, SERVER_FAULT); stop jobs (they go on at the next start); end streams; cancel what is left;
  // stop. Waits `grace` and the times above; then only for what was cancelled and is still at it. Idempotent.
  virtual void Shutdown(absl::Duration grace) = 0;
};

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_SERVER_H_
