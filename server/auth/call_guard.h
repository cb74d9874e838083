// The one place that decides whether a call may begin.
#ifndef PROCTOR_SERVER_AUTH_CALL_GUARD_H_
#define PROCTOR_SERVER_AUTH_CALL_GUARD_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/auth/audit_log.h"
#include "server/auth/doors.h"
#include "server/auth/tenant_accounts.h"
#include "server/auth/tenant_quotas.h"

namespace proctor::server {

// An address that calls come in by.
struct Entrance {
  Door door;
  // "unix", "127.0.0.1:50551": for the audit log, where the client's own address is not known.
  std::string name;
};

// Thread-safe; blocks on nothing.
class CallGuard {
 public:
  // All outlive the guard.
  struct Parts {
    const Doors& doors;
    // What `listen_address` asks; the unix socket is kLocal.
    Door tcp_door = Door::kGuarded;
    TenantQuotas& quotas;
    TenantAccounts& accounts;
    AuditLog& audit;
    // Steps have lines in the audit log.
    bool audit_steps = true;
  };
  explicit CallGuard(Parts parts) : parts_(parts) {}

  // Called for every call of every service before anything of it but its metadata is read. OK: it may begin. UNAUTHENTICATED,
  // PERMISSION_DENIED, UNIMPLEMENTED: see Doors::Identify and CheckScopes; RESOURCE_EXHAUSTED: a quota of its tenant is spent. A refusal
  // is counted, and gets a line in the audit log where there are not too many, for which `find_peer` is asked where the call comes from
  // (empty: not known). Health checks are let in by any door.
  absl::Status Admit(const Entrance& entrance, std::string_view path, const Credentials& credentials,
                     const std::function<std::string()>& find_peer) const;
  // For what is refused whoever asks: writes the same line, with `why`, and returns it.
  absl::Status Refuse(const Entrance& entrance, std::string_view path, const absl::Status& why,
                      const std::function<std::string()>& find_peer, const Caller* caller = nullptr) const;

  // Who calls through the door of `peer` ("unix:...", "ipv4:...").
  absl::StatusOr<Caller> Identify(std::string_view peer, const Credentials& credentials) const;

  // Refused calls since the start: "unauthenticated", "permission_denied", "unimplemented" (no such method), "quota", "other".
  std::map<std::string, int64_t> refusals() const;

  const Parts& parts() const { return parts_; }

 private:
  absl::Status CheckQuotas(std::string_view path, const Caller& caller) const;

  const Parts parts_;
  // By the place of their reason in a list of all.
  mutable std::array<std::atomic<int64_t>, 5> refusals_ = {};
};

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_AUTH_CALL_GUARD_H_
