// Who calls, as far as it is known.
#ifndef PROCTOR_SERVER_AUTH_CALLER_H_
#define PROCTOR_SERVER_AUTH_CALLER_H_

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "proctor/v1/auth.pb.h"

namespace proctor::server {

// Sessions of callers that no token gives another tenant belong to it.
inline constexpr char kDefaultTenant[] = "default";
// Callers that an open door lets in without a token: everything is allowed to them.
inline constexpr char kLocalCaller[] = "local";
inline constexpr char kAnonymousCaller[] = "anonymous";

// A client's request id as it is kept where those of all tenants lie together: no tenant's is another's, nor one that the server makes for a
// job's own work. Those of the tenant `default` stay as they are, but for ids that look like another's. Empty stays empty.
// INVALID_ARGUMENT: over 128 bytes.
absl::StatusOr<std::string> TenantRequestId(const std::string& tenant, const std::string& request_id);

// A set of scopes. SCOPE_ADMINISTER contains all others.
class Scopes {
 public:
  constexpr Scopes() = default;
  constexpr Scopes(std::initializer_list<v1::Scope> scopes) {
    for (const v1::Scope scope : scopes) bits_ |= 1u << scope;
  }
  static constexpr Scopes Every() { return {v1::SCOPE_ADMINISTER}; }

  void Add(v1::Scope scope) { bits_ |= 1u << scope; }
  constexpr bool Has(v1::Scope scope) const {
    return (bits_ & (1u << scope | 1u << v1::SCOPE_ADMINISTER)) != 0;
  }
  constexpr bool HasAny(Scopes of) const { return (bits_ & (of.bits_ | 1u << v1::SCOPE_ADMINISTER)) != 0; }
  constexpr bool empty() const { return bits_ == 0; }
  constexpr bool operator==(const Scopes&) const = default;
  // "act, judge"
  std::string ToString(std::string_view separator = ", ") const;

 private:
  uint32_t bits_ = 0;
};

// A scope's name on the command line and in messages: "read_rewards".
std::string ScopeName(v1::Scope scope);
// Every scope but UNSPECIFIED.
std::vector<v1::Scope> AllScopes();

struct Caller {
  // The name of its token or certificate, or kLocalCaller, or kAnonymousCaller.
  std::string name = kLocalCaller;
  std::string tenant = kDefaultTenant;
  Scopes scopes = Scopes::Every();
  // It is nobody from then on.
  absl::Time expire_time = absl::InfiniteFuture();

  // Sees the sessions of all tenants.
  bool sees_all() const { return scopes.Has(v1::SCOPE_ADMINISTER); }
  // Sees the passwords and cookies of stored tasks: who writes tasks.
  bool sees_credentials() const { return scopes.Has(v1::SCOPE_PROPOSE); }
};

// What a client presents with a call.
struct Credentials {
  // The value of the metadata `authorization`; empty: none.
  std::string_view authorization = "";
  // Names in its verified client certificate; empty: it has none.
  std::vector<std::string> identities = {};
};

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_AUTH_CALLER_H_
