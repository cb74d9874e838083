#include "server/auth/tenant_accounts.h"

#include <utility>
#include <vector>

#include "common/log.h"
#include "common/status.h"
#include "server/auth/caller.h"

namespace proctor::server {
namespace {

constexpr absl::Duration kWriteCap = absl::Seconds(30);
// Where nothing can be written for so long that more would wait, the oldest are lost: their tenants' sums are too small after a restart.
constexpr size_t kMaxUnwritten = 10'000;
constexpr int64_t kMissingAtOnce = 500;
// Unnamed blobs are kept for a day at least and collected within the hour.
constexpr int64_t kUnnamedHours = 25;

const std::vector<std::string>& Migrations() {
  static const auto& migrations = *new std::vector<std::string>{
      R"(CREATE TABLE auth_episodes (
           episode TEXT PRIMARY KEY,
           tenant TEXT NOT NULL,
           bytes BIGINT NOT NULL);
         CREATE TABLE auth_judge_spending (
           tenant TEXT NOT NULL,
           day TEXT NOT NULL,
           usd DOUBLE PRECISION NOT NULL,
           PRIMARY KEY (tenant, day));)",
      R"(CREATE TABLE auth_jobs (
           job TEXT PRIMARY KEY,
           tenant TEXT NOT NULL);)",
      R"(CREATE TABLE auth_kept (
           tenant TEXT PRIMARY KEY,
           bytes BIGINT NOT NULL);)"};
  return migrations;
}

}  // namespace

std::string TenantOfSession(std::string_view session) {
  const size_t dot = session.rfind('.');
  return dot == std::string_view::npos ? kDefaultTenant : std::string(session.substr(dot + 1));
}

absl::StatusOr<std::unique_ptr<TenantAccounts>> TenantAccounts::Open(const CallContext& context, Parts parts) {
  PROCTOR_RETURN_IF_ERROR(parts.database.Migrate("auth", Migrations()));
  std::unique_ptr<TenantAccounts> accounts(new TenantAccounts(parts));
  PROCTOR_RETURN_IF_ERROR(accounts->Load(context));
  return accounts;
}

absl::Status TenantAccounts::Load(const CallContext& context) {
  std::map<std::string, int64_t> bytes;
  std::map<std::pair<std::string, std::string>, double> usd;
  std::map<std::string, std::string> jobs;
  PROCTOR_RETURN_IF_ERROR(parts_.database.Read(context, [&](storage::Transaction& transaction) -> absl::Status {
    PROCTOR_ASSIGN_OR_RETURN(const auto stored,
                             transaction.Query("SELECT tenant, SUM(bytes) FROM auth_episodes GROUP BY tenant", {}));
    for (const storage::Row& row : stored) bytes[row.Text(0)] = row.Int(1);
    PROCTOR_ASSIGN_OR_RETURN(const auto kept, transaction.Query("SELECT tenant, bytes FROM auth_kept", {}));
    for (const storage::Row& row : kept) bytes[row.Text(0)] += row.Int(1);
    PROCTOR_ASSIGN_OR_RETURN(const auto spent,
                             transaction.Query("SELECT tenant, usd FROM auth_judge_spending WHERE day = $1", {Today()}));
    for (const storage::Row& row : spent) usd[{row.Text(0), Today()}] = row.Double(1);
    PROCTOR_ASSIGN_OR_RETURN(const auto paid, transaction.Query("SELECT job, tenant FROM auth_jobs", {}));
    for (const storage::Row& row : paid) jobs[row.Text(0)] = row.Text(1);
    return absl::OkStatus();
  }));
  MutexLock lock(mutex_);
  bytes_ = std::move(bytes);
  usd_ = std::move(usd);
  jobs_ = std::move(jobs);
  return absl::OkStatus();
}

void TenantAccounts::WriteBehind(std::string what, std::function<absl::Status(storage::Transaction&)> work) {
  {
    MutexLock lock(mutex_);
    unwritten_.push_back({std::move(what), std::move(work)});
    if (unwritten_.size() > kMaxUnwritten) unwritten_.pop_front();
  }
  WriteAgain();
}

void TenantAccounts::WriteAgain() {
  {
    MutexLock lock(mutex_);
    if (unwritten_.empty() || std::exchange(writing_, true)) return;
  }
  parts_.pool.Post([this] { WriteAll(); });
}

void TenantAccounts::WriteAll() {
  while (true) {
    Write next;
    {
      MutexLock lock(mutex_);
      if (unwritten_.empty()) {
        writing_ = false;
        return;
      }
      next = std::move(unwritten_.front());
      unwritten_.pop_front();
    }
    const absl::Status written = parts_.database.Write(CallContext::WithTimeout(kWriteCap), next.work);
    if (written.ok()) continue;
    LogError("a tenant's account was not written; trying again", {{"what", next.what}, {"error", written.ToString()}});
    MutexLock lock(mutex_);
    unwritten_.push_front(std::move(next));
    writing_ = false;
    return;
  }
}

void TenantAccounts::AddEpisode(const std::string& tenant, const std::string& episode_id, int64_t bytes) {
  {
    MutexLock lock(mutex_);
    bytes_[tenant] += bytes;
  }
  WriteBehind("bytes", [=](storage::Transaction& transaction) {
    return transaction
        .Execute("INSERT INTO auth_episodes (episode, tenant, bytes) VALUES ($1, $2, $3) "
                 "ON CONFLICT (episode) DO UPDATE SET bytes = $3",
                 {episode_id, tenant, bytes})
        .status();
  });
}

void TenantAccounts::AddKept(const std::string& tenant, int64_t bytes) {
  {
    MutexLock lock(mutex_);
    bytes_[tenant] += bytes;
  }
  WriteBehind("bytes that are kept", [=](storage::Transaction& transaction) {
    return transaction
        .Execute("INSERT INTO auth_kept (tenant, bytes) VALUES ($1, $2) "
                 "ON CONFLICT (tenant) DO UPDATE SET bytes = auth_kept.bytes + $2",
                 {tenant, bytes})
        .status();
  });
}

absl::Status TenantAccounts::AddRecording(const CallContext& context, const std::string& tenant, const std::string& episode_id) {
  return parts_.database.Write(context, [&](storage::Transaction& transaction) {
    return transaction
        .Execute("INSERT INTO auth_episodes (episode, tenant, bytes) VALUES ($1, $2, 0) ON CONFLICT (episode) DO NOTHING",
                 {episode_id, tenant})
        .status();
  });
}

absl::StatusOr<std::string> TenantAccounts::RecordingTenant(const CallContext& context, const std::string& episode_id) const {
  std::string tenant = kDefaultTenant;
  PROCTOR_RETURN_IF_ERROR(parts_.database.Read(context, [&](storage::Transaction& transaction) -> absl::Status {
    PROCTOR_ASSIGN_OR_RETURN(const auto rows, transaction.Query("SELECT tenant FROM auth_episodes WHERE episode = $1", {episode_id}));
    if (!rows.empty()) tenant = rows[0].Text(0);
    return absl::OkStatus();
  }));
  return tenant;
}

bool TenantAccounts::AddRunning(const std::string& tenant, int64_t bytes, int64_t limit) {
  MutexLock lock(mutex_);
  if (limit > 0 && StoredBytes(tenant) + bytes > limit) return false;
  running_[tenant] += bytes;
  return true;
}

void TenantAccounts::EndRunning(const std::string& tenant, int64_t bytes) {
  MutexLock lock(mutex_);
  running_[tenant] -= bytes;
}

void TenantAccounts::AddUnnamed(const std::string& tenant, int64_t bytes) {
  MutexLock lock(mutex_);
  const int64_t hour = ThisHour();
  std::erase_if(unnamed_, [&](const auto& entry) { return entry.first.first + kUnnamedHours < hour; });
  unnamed_[{hour, tenant}] += bytes;
}

void TenantAccounts::EpisodeDeleted(const std::string& episode_id) {
  parts_.pool.Post([this, episode_id] {
    const absl::Status forgotten = ForgetEpisode(CallContext::WithTimeout(kWriteCap), episode_id);
    if (!forgotten.ok()) LogError("a deleted episode still counts", {{"episode", episode_id}, {"error", forgotten.ToString()}});
  });
}

absl::Status TenantAccounts::ForgetEpisode(const CallContext& context, const std::string& episode_id) {
  std::string tenant;
  int64_t bytes = 0;
  PROCTOR_RETURN_IF_ERROR(parts_.database.Write(context, [&](storage::Transaction& transaction) -> absl::Status {
    PROCTOR_ASSIGN_OR_RETURN(const auto rows,
                             transaction.Query("SELECT tenant, bytes FROM auth_episodes WHERE episode = $1", {episode_id}));
    if (rows.empty()) return absl::OkStatus();
    tenant = rows[0].Text(0);
    bytes = rows[0].Int(1);
    return transaction.Execute("DELETE FROM auth_episodes WHERE episode = $1", {episode_id}).status();
  }));
  MutexLock lock(mutex_);
  if (!tenant.empty()) bytes_[tenant] -= bytes;
  return absl::OkStatus();
}

absl::Status TenantAccounts::ForgetDeleted(const CallContext& context, const Missing& missing) {
  std::set<std::string> missing_now;
  std::string after;
  while (true) {
    std::vector<std::string> ids;
    PROCTOR_RETURN_IF_ERROR(parts_.database.Read(context, [&](storage::Transaction& transaction) -> absl::Status {
      PROCTOR_ASSIGN_OR_RETURN(const auto rows, transaction.Query("SELECT episode FROM auth_episodes WHERE episode > $1 ORDER BY episode LIMIT $2",
                                                                  {after, kMissingAtOnce}));
      for (const storage::Row& row : rows) ids.push_back(row.Text(0));
      return absl::OkStatus();
    }));
    if (ids.empty()) break;
    after = ids.back();
    PROCTOR_ASSIGN_OR_RETURN(const std::vector<std::string> gone, missing(ids));
    for (const std::string& id : gone) {
      if (missing_before_.contains(id)) {
        PROCTOR_RETURN_IF_ERROR(ForgetEpisode(context, id));
      } else {
        missing_now.insert(id);
      }
    }
  }
  missing_before_ = std::move(missing_now);
  return absl::OkStatus();
}

int64_t TenantAccounts::stored_bytes(const std::string& tenant) const {
  MutexLock lock(mutex_);
  return StoredBytes(tenant);
}

int64_t TenantAccounts::StoredBytes(const std::string& tenant) const {
  int64_t sum = 0;
  for (const auto* part : {&bytes_, &running_}) {
    if (const auto it = part->find(tenant); it != part->end()) sum += it->second;
  }
  const int64_t hour = ThisHour();
  for (const auto& [of, bytes] : unnamed_) {
    if (of.second == tenant && of.first + kUnnamedHours >= hour) sum += bytes;
  }
  return sum;
}

int64_t TenantAccounts::ThisHour() const { return absl::ToUnixSeconds(parts_.clock.Now()) / 3600; }

std::string TenantAccounts::Today() const {
  return absl::FormatTime("%Y-%m-%d", parts_.clock.Now(), absl::UTCTimeZone());
}

absl::Time TenantAccounts::NextDay() const {
  const absl::CivilDay today = absl::ToCivilDay(parts_.clock.Now(), absl::UTCTimeZone());
  return absl::FromCivil(today + 1, absl::UTCTimeZone());
}

void TenantAccounts::AddJudgeSpend(const std::string& tenant, double usd) {
  if (!(usd > 0)) return;
  const std::string day = Today();
  {
    MutexLock lock(mutex_);
    std::erase_if(usd_, [&](const auto& entry) { return entry.first.second != day; });
    usd_[{tenant, day}] += usd;
  }
  WriteBehind("spending", [=](storage::Transaction& transaction) -> absl::Status {
    PROCTOR_RETURN_IF_ERROR(transaction.Execute("DELETE FROM auth_judge_spending WHERE day < $1", {day}).status());
    return transaction
        .Execute("INSERT INTO auth_judge_spending (tenant, day, usd) VALUES ($1, $2, $3) "
                 "ON CONFLICT (tenant, day) DO UPDATE SET usd = auth_judge_spending.usd + $3",
                 {tenant, day, usd})
        .status();
  });
}

double TenantAccounts::judge_usd_today(const std::string& tenant) const {
  MutexLock lock(mutex_);
  const auto it = usd_.find({tenant, Today()});
  return it == usd_.end() ? 0 : it->second;
}

void TenantAccounts::SetJobTenant(const std::string& job, const std::string& tenant) {
  {
    MutexLock lock(mutex_);
    if (std::string& known = jobs_[job]; std::exchange(known, tenant) == tenant) return;
  }
  WriteBehind("a job", [=](storage::Transaction& transaction) {
    return transaction
        .Execute("INSERT INTO auth_jobs (job, tenant) VALUES ($1, $2) ON CONFLICT (job) DO UPDATE SET tenant = $2", {job, tenant})
        .status();
  });
}

std::string TenantAccounts::JobTenant(const std::string& job) const {
  MutexLock lock(mutex_);
  const auto it = jobs_.find(job);
  return it == jobs_.end() ? kDefaultTenant : it->second;
}

}  // namespace proctor::server
