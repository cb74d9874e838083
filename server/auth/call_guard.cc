#include "server/auth/call_guard.h"

#include "common/status.h"
#include "server/auth/method_rules.h"

namespace proctor::server {

absl::Status CallGuard::Admit(Door door, std::string_view path, const Credentials& credentials) const {
  if (IsHealthCheck(path)) return absl::OkStatus();
  PROCTOR_ASSIGN_OR_RETURN(const Caller caller, parts_.doors.Identify(door, credentials));
  return CheckScopes(path, caller);
}

absl::StatusOr<Caller> CallGuard::Identify(std::string_view peer, const Credentials& credentials) const {
  return parts_.doors.Identify(peer.starts_with("unix") ? Door::kLocal : parts_.tcp_door, credentials);
}

}  // namespace proctor::server
