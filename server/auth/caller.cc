#include "server/auth/caller.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "common/strings.h"

namespace proctor::server {
namespace {

constexpr size_t kMaxRequestIdBytes = 128;
// Before the tenant's name, in which there is no slash.
constexpr char kOfTenant[] = "tenant/";

}  // namespace

std::string ScopeName(v1::Scope scope) {
  const std::string name = v1::Scope_Name(scope);
  return absl::AsciiStrToLower(absl::StripPrefix(name, "SCOPE_"));
}

std::vector<v1::Scope> AllScopes() {
  return {v1::SCOPE_ACT,   v1::SCOPE_RECORD,       v1::SCOPE_PROPOSE,   v1::SCOPE_JUDGE,
          v1::SCOPE_LABEL, v1::SCOPE_READ_REWARDS, v1::SCOPE_ADMINISTER};
}

absl::StatusOr<std::string> TenantRequestId(const std::string& tenant, const std::string& request_id) {
  if (request_id.empty()) return "";
  if (request_id.size() > kMaxRequestIdBytes) return absl::InvalidArgumentError("request_id: over 128 bytes");
  const auto begins = [&](const char* prefix) { return absl::StartsWith(request_id, prefix); };
  if (tenant == kDefaultTenant && !begins(kOfTenant) && !begins("jobs/")) return request_id;
  return absl::StrCat(kOfTenant, tenant, "/", request_id);
}

std::string Scopes::ToString(std::string_view separator) const {
  std::vector<std::string> names;
  for (const v1::Scope scope : AllScopes()) {
    if ((bits_ & 1u << scope) != 0) names.push_back(ScopeName(scope));
  }
  return absl::StrJoin(names, ToAbsl(separator));
}

}  // namespace proctor::server
