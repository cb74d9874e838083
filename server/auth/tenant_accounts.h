// What tenants have used, kept in the database: bytes of their episodes and of what else they store, money of their judges.
#ifndef PROCTOR_SERVER_AUTH_TENANT_ACCOUNTS_H_
#define PROCTOR_SERVER_AUTH_TENANT_ACCOUNTS_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "common/clock.h"
#include "common/executor.h"
#include "common/mutex.h"
#include "storage/database.h"

namespace proctor::server {

// The tenant of `sessions/{id}`: what stands behind the id's dot; kDefaultTenant without one.
std::string TenantOfSession(std::string_view session);

// Sums are in memory and exact for this process; rows are written behind, on `pool` (of one thread), so that nobody waits for the disk. A crash may
// lose what was added within its last moments: these are quotas, not books. Thread-safe.
class TenantAccounts {
 public:
  // All outlive the accounts, and `pool` what was posted to it.
  struct Parts {
    storage::Database& database;
    Executor& pool;
    Clock& clock;
  };
  static absl::StatusOr<std::unique_ptr<TenantAccounts>> Open(const CallContext& context, Parts parts);

  // An episode `{id}` of the tenant ended with that many bytes.
  void AddEpisode(const std::string& tenant, const std::string& episode_id, int64_t bytes);
  // It was deleted. The sum shrinks when its row has been read, behind.
  void EpisodeDeleted(const std::string& episode_id);
  // Which of these episodes (at most 500) have no record.
  using Missing = std::function<absl::StatusOr<std::vector<std::string>>(const std::vector<std::string>& ids)>;
  // The episodes that were counted and that are missing now and were the last time, too, are forgotten: one that is missing for the first
  // time may be about to begin. Blocks. Not from two threads at once.
  absl::Status ForgetDeleted(const CallContext& context, const Missing& missing);
  // What could not be written, such as to a full disk, is tried once more, behind. What is added tries it, too.
  void WriteAgain();
  // What episodes that run have handed in: it counts as stored. False, and nothing is added: the tenant's sum would exceed `limit` (0: none).
  bool AddRunning(const std::string& tenant, int64_t bytes, int64_t limit);
  void EndRunning(const std::string& tenant, int64_t bytes);
  // Bytes that belong to no episode and are never deleted: a task, an evaluator, a job's request.
  void AddKept(const std::string& tenant, int64_t bytes);
  // Bytes that no episode names; they count as stored for a day, in this process.
  void AddUnnamed(const std::string& tenant, int64_t bytes);
  // All of these.
  int64_t stored_bytes(const std::string& tenant) const;

  // An episode that has no session begins: a recording of the tenant's. Durable on return; blocks.
  absl::Status AddRecording(const CallContext& context, const std::string& tenant, const std::string& episode_id);
  // Whose that is; kDefaultTenant if it is not known. Blocks.
  absl::StatusOr<std::string> RecordingTenant(const CallContext& context, const std::string& episode_id) const;

  void AddJudgeSpend(const std::string& tenant, double usd);
  // Of today (UTC).
  double judge_usd_today(const std::string& tenant) const;
  // When the next day begins.
  absl::Time NextDay() const;

  // A job that the tenant pays for, and whose worlds count to it, also when it goes on after a restart.
  void SetJobTenant(const std::string& job, const std::string& tenant);
  std::string JobTenant(const std::string& job) const;

 private:
  explicit TenantAccounts(Parts parts) : parts_(parts) {}
  absl::Status Load(const CallContext& context);
  absl::Status ForgetEpisode(const CallContext& context, const std::string& episode_id);
  int64_t StoredBytes(const std::string& tenant) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  struct Write {
    std::string what;
    std::function<absl::Status(storage::Transaction&)> work;
  };
  void WriteBehind(std::string what, std::function<absl::Status(storage::Transaction&)> work);
  // On the pool: in the order in which they came, up to the first that fails.
  void WriteAll();
  std::string Today() const;
  int64_t ThisHour() const;

  const Parts parts_;
  mutable Mutex mutex_;
  std::map<std::string, int64_t> bytes_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, int64_t> running_ ABSL_GUARDED_BY(mutex_);
  // By the hour since 1970 when they came, and tenant.
  std::map<std::pair<int64_t, std::string>, int64_t> unnamed_ ABSL_GUARDED_BY(mutex_);
  // By tenant and day.
  std::map<std::pair<std::string, std::string>, double> usd_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::string> jobs_ ABSL_GUARDED_BY(mutex_);
  std::deque<Write> unwritten_ ABSL_GUARDED_BY(mutex_);
  // WriteAll is on its way or at work: where the disk hangs, one task waits for it, not as many as there are writes.
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  // ForgetDeleted's alone.
  std::set<std::string> missing_before_;
};

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_AUTH_TENANT_ACCOUNTS_H_
