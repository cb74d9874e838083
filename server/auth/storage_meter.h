// Counts what one episode, or one call, hands in while it runs.
#ifndef PROCTOR_SERVER_AUTH_STORAGE_METER_H_
#define PROCTOR_SERVER_AUTH_STORAGE_METER_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "server/auth/tenant_accounts.h"
#include "server/auth/tenant_quotas.h"

namespace proctor::server {

// Bytes of an episode on their way to its tenant's account. They count against `storage_bytes` from the moment when they are taken. Not
// thread-safe: an episode hands in one thing after another.
class StorageMeter {
 public:
  // Both outlive it.
  StorageMeter(TenantQuotas& quotas, TenantAccounts& accounts, std::string tenant)
      : quotas_(quotas), accounts_(accounts), tenant_(std::move(tenant)) {}
  // What was taken and belongs to no episode counts for a day: blobs that nothing names are kept that long.
  ~StorageMeter();
  StorageMeter(const StorageMeter&) = delete;
  StorageMeter& operator=(const StorageMeter&) = delete;

  // RESOURCE_EXHAUSTED, and nothing is taken: the tenant's quota would be exceeded.
  absl::Status Take(size_t bytes);
  // Not recorded after all.
  void GiveBack(size_t bytes);
  // The episode is over: what was taken, and the `rest`, whatever the quota, is its own until it is deleted.
  void Settle(const std::string& episode_id, size_t rest);
  // What was taken is stored for good, and no episode's.
  void Keep();

 private:
  TenantQuotas& quotas_;
  TenantAccounts& accounts_;
  const std::string tenant_;
  int64_t taken_ = 0;
};

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_AUTH_STORAGE_METER_H_
