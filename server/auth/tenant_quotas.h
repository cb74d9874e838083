// What tenants may still use. A spent quota is RESOURCE_EXHAUSTED, names the quota, and carries a hint when to try again.
#ifndef PROCTOR_SERVER_AUTH_TENANT_QUOTAS_H_
#define PROCTOR_SERVER_AUTH_TENANT_QUOTAS_H_

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "common/mutex.h"
#include "env/admission.h"
#include "proctor/v1/auth.pb.h"
#include "server/auth/tenant_accounts.h"

namespace proctor::server {

// How much of a quota a tenant has used.
struct QuotaUse {
  // "storage_bytes" or "judge_usd_per_day", and in their units.
  std::string quota;
  std::string tenant;
  double used = 0;
  double limit = 0;
};

// Thread-safe; blocks on nothing.
class TenantQuotas final : public env::Admission {
 public:
  // `config` as CheckAuth left it. The others outlive the quotas.
  TenantQuotas(const v1::QuotaConfig& config, TenantAccounts& accounts, Clock& clock)
      : config_(std::make_shared<const v1::QuotaConfig>(config)), accounts_(accounts), clock_(clock) {}

  // Puts other quotas in force. False, and nothing changes, where they need a restart: other weights of sessions (open ones were taken by the
  // old ones), or the first or last limit of storage or of judge spend (whether use is counted is settled at the start).
  bool Replace(const v1::QuotaConfig& config);

  // One action, one call of any method: a bucket that holds a minute's worth and fills up evenly.
  absl::Status SpendStep(const std::string& tenant);
  absl::Status SpendCall(const std::string& tenant);
  // Bytes that something that runs hands in, against what is stored and all that runs: see TenantAccounts::AddRunning.
  absl::Status SpendStorage(const std::string& tenant, int64_t bytes);
  // Whether something more may be recorded, or asked of a model.
  absl::Status CheckStorage(const std::string& tenant) const;
  absl::Status CheckJudgeSpend(const std::string& tenant) const;

  // Some tenant has one: its use has to be counted.
  bool limits_storage() const;
  bool limits_judge_spend() const;

  // Refusals since the start by quota and tenant; of tenants that the configuration does not name together, as "otherwise".
  std::map<std::pair<std::string, std::string>, int64_t> refusals() const;

  // Of the tenants that the configuration names, those with a limit of storage, or of what their judges spend today (UTC).
  std::vector<QuotaUse> Uses() const;

  // env::Admission. "" is kDefaultTenant.
  absl::Status Take(const std::string& tenant, const std::string& environment_id) override;
  bool TryTake(const std::string& tenant, const std::string& environment_id) override;
  void GiveBack(const std::string& tenant, const std::string& environment_id) override;
  double Share(const std::string& tenant) const override;

 private:
  struct Bucket {
    double level = 0;
    absl::Time filled = absl::InfinitePast();
  };

  // Counts a refusal, and makes its status.
  absl::Status Spent(const char* quota, const std::string& tenant, double limit, const std::string& frees, absl::Duration retry) const;
  absl::Status StorageSpent(const std::string& tenant, int64_t limit) const;
  v1::TenantQuota Of(const std::string& tenant) const;
  double Weight(const std::string& environment_id) const;
  // False, and nothing is added: the tenant's sessions would weigh more than `limit` (0: none).
  bool AddWeight(const std::string& tenant, double weight, double limit) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Spend(const std::string& tenant, double per_minute, const char* what, std::map<std::string, Bucket>& buckets)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  std::shared_ptr<const v1::QuotaConfig> config() const;

  mutable Mutex config_mutex_;
  std::shared_ptr<const v1::QuotaConfig> config_ ABSL_GUARDED_BY(config_mutex_);
  TenantAccounts& accounts_;
  Clock& clock_;
  mutable Mutex refusals_mutex_;
  mutable std::map<std::pair<std::string, std::string>, int64_t> refusals_ ABSL_GUARDED_BY(refusals_mutex_);
  mutable Mutex mutex_;
  std::map<std::string, double> weights_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, Bucket> steps_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, Bucket> calls_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_AUTH_TENANT_QUOTAS_H_
