#include "server/auth/call_guard.h"

#include "common/status.h"
#include "common/strings.h"
#include "server/auth/method_rules.h"

namespace proctor::server {
namespace {

constexpr std::array<const char*, 5> kReasons = {"unauthenticated", "permission_denied", "unimplemented", "quota", "other"};

size_t ReasonOf(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kUnauthenticated: return 0;
    case absl::StatusCode::kPermissionDenied: return 1;
    case absl::StatusCode::kUnimplemented: return 2;
    case absl::StatusCode::kResourceExhausted: return 3;
    default: return 4;
  }
}

}  // namespace

absl::Status CallGuard::CheckQuotas(std::string_view path, const Caller& caller) const {
  PROCTOR_RETURN_IF_ERROR(parts_.quotas.SpendCall(caller.tenant));
  const MethodRule* const rule = FindMethodRule(path);
  if (rule != nullptr && rule->stores) PROCTOR_RETURN_IF_ERROR(parts_.quotas.CheckStorage(caller.tenant));
  if (rule != nullptr && rule->asks_models) PROCTOR_RETURN_IF_ERROR(parts_.quotas.CheckJudgeSpend(caller.tenant));
  return absl::OkStatus();
}

absl::Status CallGuard::Admit(const Entrance& entrance, std::string_view path, const Credentials& credentials,
                              const std::function<std::string()>& find_peer) const {
  if (IsHealthCheck(path)) return absl::OkStatus();
  const absl::StatusOr<Caller> caller = parts_.doors.Identify(entrance.door, credentials);
  if (!caller.ok()) return Refuse(entrance, path, caller.status(), find_peer);
  absl::Status status = CheckScopes(path, *caller);
  if (status.ok()) status = CheckQuotas(path, *caller);
  return status.ok() ? status : Refuse(entrance, path, status, find_peer, &*caller);
}

absl::Status CallGuard::Refuse(const Entrance& entrance, std::string_view path, const absl::Status& why,
                               const std::function<std::string()>& find_peer, const Caller* caller) const {
  refusals_[ReasonOf(why.code())].fetch_add(1, std::memory_order_relaxed);
  const std::string peer = find_peer();
  parts_.audit.WriteRefusal({.caller = caller != nullptr ? caller->name : "",
                             .tenant = caller != nullptr ? caller->tenant : "",
                             .peer = peer.empty() ? entrance.name : peer,
                             .method = path,
                             .status = why.code(),
                             .reason = ToStd(why.message())});
  return why;
}

std::map<std::string, int64_t> CallGuard::refusals() const {
  std::map<std::string, int64_t> counts;
  for (size_t i = 0; i < kReasons.size(); ++i) counts[kReasons[i]] = refusals_[i].load(std::memory_order_relaxed);
  return counts;
}

absl::StatusOr<Caller> CallGuard::Identify(std::string_view peer, const Credentials& credentials) const {
  return parts_.doors.Identify(peer.starts_with("unix") ? Door::kLocal : parts_.tcp_door, credentials);
}

}  // namespace proctor::server
