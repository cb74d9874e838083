// How the server stands at one moment: what is asked for when metrics are read, not counted as it happens.
#ifndef PROCTOR_SERVER_SERVER_STATE_H_
#define PROCTOR_SERVER_SERVER_STATE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "env/session_manager.h"
#include "env/web/browser_pool.h"
#include "server/auth/tenant_quotas.h"
#include "server/pool_meter.h"

namespace proctor::server {

struct ConsumerLag {
  // "trainer", without `consumers/`.
  std::string consumer;
  // Records of its filter's splits and others between what it acknowledged and the log's end.
  int64_t records = 0;
  // Age of the oldest record that it wants and has not acknowledged; zero if there is none, nothing if that is not known.
  std::optional<absl::Duration> age = absl::ZeroDuration();
  bool connected = false;
};

struct StoreSize {
  int64_t database_bytes = 0;
  // Written, not yet moved into the database.
  int64_t log_bytes = 0;
  // What the file system still has for the server's user.
  int64_t free_bytes = 0;
};

struct BlobSize {
  int64_t blobs = 0;
  int64_t bytes = 0;
};

// What recompression did since the start.
struct RecompressionTotals {
  int64_t looked_at = 0;
  int64_t replaced = 0;
  int64_t failed = 0;
  int64_t saved_bytes = 0;
};

struct ServerState {
  // Why no new sessions are taken; empty: they are.
  std::vector<std::string> not_ready;
  std::vector<env::SessionUsage> sessions;
  // Nothing where no environment needs a browser.
  std::optional<env::web::BrowserPool::Counters> browsers;
  std::vector<PoolUsage> pools;
  // Closed, not yet rewarded.
  int64_t episodes_pending = 0;
  // By status and reason ("VALID", ""), appended since the start.
  std::map<std::pair<std::string, std::string>, int64_t> rewards;
  int64_t reward_log_end = 0;
  int64_t reward_log_floor = 0;
  // By name; the first of them only, where there are very many.
  std::vector<ConsumerLag> consumers;
  // Nothing if they could not be listed.
  std::optional<int64_t> consumer_count;
  StoreSize store;
  // As last counted; nothing before the first time.
  std::optional<BlobSize> blobs;
  RecompressionTotals recompression;
  // Records of all rooms that were passed over since the start because they are damaged.
  int64_t unreadable_records = 0;
  // Calls refused at the door, by reason; refusals of quotas, by quota and tenant. See CallGuard and TenantQuotas.
  std::map<std::string, int64_t> refusals;
  std::map<std::pair<std::string, std::string>, int64_t> quota_refusals;
  std::vector<QuotaUse> quota_uses;
  // See Reloads.
  std::map<std::string, int64_t> reload_failures;
  // Nothing without TLS.
  std::optional<absl::Time> certificate_expiry;
  // Dropped since the start.
  int64_t audit_lines_lost = 0;
  // Nothing without traces.
  std::optional<int64_t> dropped_spans;
};

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_SERVER_STATE_H_
