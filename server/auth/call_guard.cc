#include "server/auth/call_guard.h"

#include "common/status.h"
#include "common/strings.h"
#include "server/auth/method_rules.h"

namespace proctor::server {

absl::Status CallGuard::CheckQuotas(std::string_view path, const Caller& caller) const {
  PROCTOR_RETURN_IF_ERROR(parts_.quotas.SpendCall(caller.tenant));
  const MethodRule* const rule = FindMethodRule(path);
  if (rule != nullptr && rule->records) PROCTOR_RETURN_IF_ERROR(parts_.quotas.CheckStorage(caller.tenant));
  if (rule != nullptr && rule->asks_models) PROCTOR_RETURN_IF_ERROR(parts_.quotas.CheckJudgeSpend(caller.tenant));
  return absl::OkStatus();
}

absl::Status CallGuard::Admit(const Entrance& entrance, std::string_view path, const Credentials& credentials) const {
  if (IsHealthCheck(path)) return absl::OkStatus();
  const absl::StatusOr<Caller> caller = parts_.doors.Identify(entrance.door, credentials);
  absl::Status status = caller.status();
  if (status.ok()) status = CheckScopes(path, *caller);
  if (status.ok()) status = CheckQuotas(path, *caller);
  if (!status.ok()) {
    // gRPC tells the client's address only to methods, and none is called: the entrance has to do.
    parts_.audit.Write({.caller = caller.ok() ? caller->name : "",
                        .tenant = caller.ok() ? caller->tenant : "",
                        .peer = entrance.name,
                        .method = path,
                        .status = status.code(),
                        .reason = ToStd(status.message())});
  }
  return status;
}

absl::StatusOr<Caller> CallGuard::Identify(std::string_view peer, const Credentials& credentials) const {
  return parts_.doors.Identify(peer.starts_with("unix") ? Door::kLocal : parts_.tcp_door, credentials);
}

}  // namespace proctor::server
