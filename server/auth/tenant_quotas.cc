#include "server/auth/tenant_quotas.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/retry_hint.h"
#include "server/auth/caller.h"

namespace proctor::server {
namespace {

// Weights are sums of decimal fractions.
constexpr double kRounding = 1e-9;
// Something of the tenant's own must end first; nobody knows when.
constexpr absl::Duration kSomeTime = absl::Seconds(5);

std::string Named(const std::string& tenant) { return tenant.empty() ? kDefaultTenant : tenant; }

// Some tenant has such a limit.
bool LimitsStorage(const v1::QuotaConfig& config) {
  return config.otherwise().storage_bytes() > 0 ||
         std::any_of(config.tenants().begin(), config.tenants().end(), [](const auto& of) { return of.second.storage_bytes() > 0; });
}
bool LimitsJudgeSpend(const v1::QuotaConfig& config) {
  return config.otherwise().judge_usd_per_day() > 0 ||
         std::any_of(config.tenants().begin(), config.tenants().end(), [](const auto& of) { return of.second.judge_usd_per_day() > 0; });
}

bool SameWeights(const v1::QuotaConfig& a, const v1::QuotaConfig& b) {
  const auto weights = [](const v1::QuotaConfig& config) {
    return std::map<std::string, double>(config.session_weights().begin(), config.session_weights().end());
  };
  return weights(a) == weights(b);
}

}  // namespace

bool TenantQuotas::Replace(const v1::QuotaConfig& config) {
  const auto before = this->config();
  if (LimitsStorage(config) != LimitsStorage(*before) || LimitsJudgeSpend(config) != LimitsJudgeSpend(*before)) return false;
  if (!SameWeights(config, *before)) return false;
  MutexLock lock(config_mutex_);
  config_ = std::make_shared<const v1::QuotaConfig>(config);
  return true;
}

// "the quota steps_per_minute of tenant `lab` (600) is spent; it frees in 3s"
absl::Status TenantQuotas::Spent(const char* quota, const std::string& tenant, double limit, const std::string& frees,
                                 absl::Duration retry) const {
  {
    const bool named = config()->tenants().contains(tenant);
    MutexLock lock(refusals_mutex_);
    ++refusals_[{quota, named ? tenant : "otherwise"}];
  }
  return WithRetryHint(absl::ResourceExhaustedError(absl::StrCat("the quota ", quota, " of tenant `", tenant, "` (", limit,
                                                                 ") is spent; it frees ", frees)),
                       retry);
}

std::map<std::pair<std::string, std::string>, int64_t> TenantQuotas::refusals() const {
  MutexLock lock(refusals_mutex_);
  return refusals_;
}

std::vector<QuotaUse> TenantQuotas::Uses() const {
  const auto config = this->config();
  std::vector<QuotaUse> uses;
  for (const auto& [tenant, quota] : config->tenants()) {
    if (quota.storage_bytes() > 0) {
      uses.push_back({"storage_bytes", tenant, static_cast<double>(accounts_.stored_bytes(tenant)), static_cast<double>(quota.storage_bytes())});
    }
    if (quota.judge_usd_per_day() > 0) {
      uses.push_back({"judge_usd_per_day", tenant, accounts_.judge_usd_today(tenant), quota.judge_usd_per_day()});
    }
  }
  return uses;
}

std::shared_ptr<const v1::QuotaConfig> TenantQuotas::config() const {
  MutexLock lock(config_mutex_);
  return config_;
}

v1::TenantQuota TenantQuotas::Of(const std::string& tenant) const {
  const auto config = this->config();
  const auto it = config->tenants().find(tenant);
  return it == config->tenants().end() ? config->otherwise() : it->second;
}

double TenantQuotas::Weight(const std::string& environment_id) const {
  const auto config = this->config();
  const auto it = config->session_weights().find(environment_id);
  return it == config->session_weights().end() ? 1 : it->second;
}

absl::Status TenantQuotas::Spend(const std::string& tenant, double per_minute, const char* what,
                                 std::map<std::string, Bucket>& buckets) {
  Bucket& bucket = buckets[tenant];
  const double full = std::max(1.0, per_minute);
  const absl::Time now = clock_.Now();
  // A clock that is set back fills nothing.
  const double since = bucket.filled == absl::InfinitePast() ? full : absl::ToDoubleMinutes(now - bucket.filled) * per_minute;
  bucket.level = std::min(full, bucket.level + std::max(0.0, since));
  bucket.filled = now;
  if (bucket.level >= 1) {
    bucket.level -= 1;
    return absl::OkStatus();
  }
  const absl::Duration wait = absl::Milliseconds(1) + absl::Minutes((1 - bucket.level) / per_minute);
  return Spent(what, tenant, per_minute, absl::StrCat("in ", absl::FormatDuration(absl::Ceil(wait, absl::Milliseconds(1)))), wait);
}

absl::Status TenantQuotas::SpendStep(const std::string& tenant) {
  const double per_minute = Of(tenant).steps_per_minute();
  if (per_minute == 0) return absl::OkStatus();
  MutexLock lock(mutex_);
  return Spend(tenant, per_minute, "steps_per_minute", steps_);
}

absl::Status TenantQuotas::SpendCall(const std::string& tenant) {
  const double per_minute = Of(tenant).calls_per_minute();
  if (per_minute == 0) return absl::OkStatus();
  MutexLock lock(mutex_);
  return Spend(tenant, per_minute, "calls_per_minute", calls_);
}

absl::Status TenantQuotas::StorageSpent(const std::string& tenant, int64_t limit) const {
  return Spent("storage_bytes", tenant, static_cast<double>(limit), "when trajectories of its are deleted (DeleteTrajectory)",
               absl::Minutes(1));
}

absl::Status TenantQuotas::SpendStorage(const std::string& tenant, int64_t bytes) {
  const int64_t limit = Of(tenant).storage_bytes();
  return accounts_.AddRunning(tenant, bytes, limit) ? absl::OkStatus() : StorageSpent(tenant, limit);
}

absl::Status TenantQuotas::CheckStorage(const std::string& tenant) const {
  const int64_t limit = Of(tenant).storage_bytes();
  return limit == 0 || accounts_.stored_bytes(tenant) < limit ? absl::OkStatus() : StorageSpent(tenant, limit);
}

absl::Status TenantQuotas::CheckJudgeSpend(const std::string& tenant) const {
  const double limit = Of(tenant).judge_usd_per_day();
  if (limit == 0 || accounts_.judge_usd_today(tenant) < limit) return absl::OkStatus();
  const absl::Time next = accounts_.NextDay();
  return Spent("judge_usd_per_day", tenant, limit, absl::StrCat("at ", absl::FormatTime(absl::RFC3339_sec, next, absl::UTCTimeZone())),
               next - clock_.Now());
}

bool TenantQuotas::limits_storage() const { return LimitsStorage(*config()); }
bool TenantQuotas::limits_judge_spend() const { return LimitsJudgeSpend(*config()); }

bool TenantQuotas::AddWeight(const std::string& tenant, double weight, double limit) {
  double& taken = weights_[tenant];
  if (limit > 0 && taken + weight > limit + kRounding) return false;
  taken += weight;
  return true;
}

absl::Status TenantQuotas::Take(const std::string& tenant, const std::string& environment_id) {
  const std::string name = Named(tenant);
  const double limit = Of(name).session_weight();
  const double weight = Weight(environment_id);
  MutexLock lock(mutex_);
  if (AddWeight(name, weight, limit)) return absl::OkStatus();
  return Spent("session_weight", name, limit,
               absl::StrCat("when one of its sessions closes: they weigh ", weights_[name], ", and one of ", environment_id, " weighs ", weight),
               kSomeTime);
}

bool TenantQuotas::TryTake(const std::string& tenant, const std::string& environment_id) {
  const std::string name = Named(tenant);
  const double limit = Of(name).session_weight();
  const double weight = Weight(environment_id);
  MutexLock lock(mutex_);
  return AddWeight(name, weight, limit);
}

void TenantQuotas::GiveBack(const std::string& tenant, const std::string& environment_id) {
  MutexLock lock(mutex_);
  double& taken = weights_[Named(tenant)];
  taken = std::max(0.0, taken - Weight(environment_id));
}

double TenantQuotas::Share(const std::string& tenant) const { return Of(Named(tenant)).share(); }

}  // namespace proctor::server
