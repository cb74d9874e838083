#include "server/state_metrics.h"

#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <utility>

#include "absl/time/clock.h"
#include "common/open_files.h"

namespace proctor::server {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

// One metric under way.
class FamilyBuilder {
 public:
  FamilyBuilder(std::vector<MetricFamily>& families, MetricType type, const char* name, const char* help)
      : families_(families), index_(families.size()) {
    MetricFamily& family = families.emplace_back();
    family.name = name;
    family.help = help;
    family.type = type;
  }

  FamilyBuilder& Add(Labels labels, double value) {
    ClientMetric& metric = families_[index_].metric.emplace_back();
    metric.label = std::move(labels);
    metric.gauge.value = value;
    metric.counter.value = value;
    return *this;
  }

 private:
  std::vector<MetricFamily>& families_;
  const size_t index_;
};

// Makes the metrics of one state.
class StateMetrics {
 public:
  StateMetrics(const ServerState& state, std::vector<MetricFamily>& families) : state_(state), families_(families) {}

  void AddAll() {
    Gauge("proctor_ready", "1 while new sessions are taken.").Add({}, state_.not_ready.empty() ? 1 : 0);
    AddSessions();
    AddBrowsers();
    AddPools();
    AddRewards();
    AddStore();
    AddDoors();
    AddReloads();
    if (state_.dropped_spans) {
      Counter("proctor_trace_spans_dropped_total", "Spans that were not written.").Add({}, static_cast<double>(*state_.dropped_spans));
    }
    AddProcess();
  }

 private:
  FamilyBuilder Gauge(const char* name, const char* help) { return {families_, MetricType::Gauge, name, help}; }
  FamilyBuilder Counter(const char* name, const char* help) { return {families_, MetricType::Counter, name, help}; }

  // One value an environment.
  template <typename T>
  void AddUsage(FamilyBuilder family, T env::SessionUsage::* member) {
    for (const env::SessionUsage& usage : state_.sessions) {
      family.Add({{"environment", usage.environment_id}}, static_cast<double>(usage.*member));
    }
  }

  void AddSessions() {
    AddUsage(Gauge("proctor_sessions_open", "Open sessions."), &env::SessionUsage::open);
    AddUsage(Gauge("proctor_sessions_opening", "Sessions whose world is being opened."), &env::SessionUsage::opening);
    AddUsage(Gauge("proctor_sessions_busy", "Open sessions that do something; the others wait for their clients."),
             &env::SessionUsage::busy);
    AddUsage(Gauge("proctor_sessions_remembered", "Closed sessions that are still told of."), &env::SessionUsage::remembered);
    AddUsage(Gauge("proctor_sessions_waiting", "Requests for a session that wait for a place."), &env::SessionUsage::waiting);
    AddUsage(Gauge("proctor_sessions_max", "Sessions that may be open."), &env::SessionUsage::max_sessions);
    AddUsage(Gauge("proctor_explorers_open", "Places of sessions that crawls and replays of demonstrations have."),
             &env::SessionUsage::exploring);
    AddUsage(Gauge("proctor_explorers_waiting", "Crawls and replays of demonstrations that wait for a place."),
             &env::SessionUsage::explorers_waiting);
    AddUsage(Counter("proctor_sessions_refused_total", "Requests for a session refused for want of a place."),
             &env::SessionUsage::refused);
  }

  void AddBrowsers() {
    if (!state_.browsers) return;
    const env::web::BrowserPool::Counters& browsers = *state_.browsers;
    Gauge("proctor_browsers", "Browsers that run.").Add({}, browsers.running);
    Counter("proctor_browser_starts_total", "Browsers started, by success.")
        .Add({{"result", "ok"}}, static_cast<double>(browsers.started))
        .Add({{"result", "failed"}}, static_cast<double>(browsers.failed_starts));
    Counter("proctor_browser_ends_total", "Browsers that were replaced, by reason.")
        .Add({{"reason", "died"}}, static_cast<double>(browsers.died))
        .Add({{"reason", "hung"}}, static_cast<double>(browsers.hung))
        .Add({{"reason", "recycled"}}, static_cast<double>(browsers.recycled));
    Counter("proctor_browser_messages_dropped_total", "Messages of browsers that were too large to be read: a page's doing.")
        .Add({}, static_cast<double>(browsers.dropped_messages));
  }

  void AddPools() {
    FamilyBuilder threads = Gauge("proctor_pool_threads", "Threads that a pool may have.");
    for (const PoolUsage& pool : state_.pools) threads.Add({{"pool", pool.name}}, pool.threads);
    FamilyBuilder running = Gauge("proctor_pool_running", "Tasks that run.");
    for (const PoolUsage& pool : state_.pools) running.Add({{"pool", pool.name}}, static_cast<double>(pool.running));
    FamilyBuilder queued = Gauge("proctor_pool_queued", "Tasks that wait for a thread.");
    for (const PoolUsage& pool : state_.pools) queued.Add({{"pool", pool.name}}, static_cast<double>(pool.queued));
    FamilyBuilder finished = Counter("proctor_pool_tasks_total", "Tasks that ended.");
    for (const PoolUsage& pool : state_.pools) finished.Add({{"pool", pool.name}}, static_cast<double>(pool.finished));
    FamilyBuilder busy =
        Counter("proctor_pool_busy_seconds_total", "Thread time spent in tasks; its rate over the pool's threads is the busy share.");
    for (const PoolUsage& pool : state_.pools) busy.Add({{"pool", pool.name}}, absl::ToDoubleSeconds(pool.busy));
  }

  void AddRewards() {
    Gauge("proctor_episodes_pending", "Episodes that ended and wait for verdict and reward.")
        .Add({}, static_cast<double>(state_.episodes_pending));
    FamilyBuilder rewards = Counter("proctor_rewards_total", "Rewards appended to the log since the start, by status and reason.");
    for (const auto& [key, count] : state_.rewards) {
      rewards.Add({{"status", key.first}, {"reason", key.second}}, static_cast<double>(count));
    }
    Gauge("proctor_reward_log_end", "Offset of the log's last record.").Add({}, static_cast<double>(state_.reward_log_end));
    Gauge("proctor_reward_log_floor", "Offset of the last record that retention took.")
        .Add({}, static_cast<double>(state_.reward_log_floor));
    if (state_.consumer_count) {
      Gauge("proctor_consumers", "Consumers of the reward log.").Add({}, static_cast<double>(*state_.consumer_count));
    }
    FamilyBuilder lag = Gauge("proctor_consumer_lag_records", "Records between what a consumer acknowledged and the log's end.");
    for (const ConsumerLag& one : state_.consumers) lag.Add({{"consumer", one.consumer}}, static_cast<double>(one.records));
    FamilyBuilder age =
        Gauge("proctor_consumer_lag_seconds", "Age of the oldest record that a consumer wants and has not acknowledged.");
    for (const ConsumerLag& one : state_.consumers) {
      if (one.age) age.Add({{"consumer", one.consumer}}, absl::ToDoubleSeconds(*one.age));
    }
    FamilyBuilder connected = Gauge("proctor_consumer_connected", "1 while a consumer's stream is connected.");
    for (const ConsumerLag& one : state_.consumers) connected.Add({{"consumer", one.consumer}}, one.connected ? 1 : 0);
  }

  void AddStore() {
    Gauge("proctor_store_bytes", "Size of the database's files.")
        .Add({{"file", "database"}}, static_cast<double>(state_.store.database_bytes))
        .Add({{"file", "log"}}, static_cast<double>(state_.store.log_bytes));
    Gauge("proctor_store_free_bytes", "What the data directory's file system still has for the server.")
        .Add({}, static_cast<double>(state_.store.free_bytes));
    if (state_.blobs) {
      Gauge("proctor_store_blobs", "Blobs, as last counted.").Add({}, static_cast<double>(state_.blobs->blobs));
      Gauge("proctor_store_blob_bytes", "Size of all blobs, as last counted.").Add({}, static_cast<double>(state_.blobs->bytes));
    }
    Gauge("proctor_store_unreadable_records", "Damaged trajectories, episodes, groups, consumers and rewards, of those that were met since the start.")
        .Add({}, static_cast<double>(state_.unreadable_records));
    Counter("proctor_recompressed_blobs_total", "Blobs that recompression looked at, by what came of it.")
        .Add({{"result", "looked_at"}}, static_cast<double>(state_.recompression.looked_at))
        .Add({{"result", "replaced"}}, static_cast<double>(state_.recompression.replaced))
        .Add({{"result", "failed"}}, static_cast<double>(state_.recompression.failed));
    Counter("proctor_recompression_saved_bytes_total", "Bytes that recompression saved.")
        .Add({}, static_cast<double>(state_.recompression.saved_bytes));
  }

  void AddDoors() {
    FamilyBuilder refusals = Counter("proctor_refusals_total", "Calls refused at the door, by reason.");
    for (const auto& [reason, count] : state_.refusals) refusals.Add({{"reason", reason}}, static_cast<double>(count));
    FamilyBuilder quotas = Counter("proctor_quota_refusals_total",
                                   "Calls, verbs and recorded steps refused by a quota; tenants that the configuration does not name are one.");
    for (const auto& [key, count] : state_.quota_refusals) {
      quotas.Add({{"quota", key.first}, {"tenant", key.second}}, static_cast<double>(count));
    }
    FamilyBuilder used = Gauge("proctor_quota_used", "What tenants that the configuration names have used of a quota, in its unit.");
    for (const QuotaUse& use : state_.quota_uses) used.Add({{"quota", use.quota}, {"tenant", use.tenant}}, use.used);
    FamilyBuilder limits = Gauge("proctor_quota_limit", "What they may use of it.");
    for (const QuotaUse& use : state_.quota_uses) limits.Add({{"quota", use.quota}, {"tenant", use.tenant}}, use.limit);
    Counter("proctor_audit_lines_lost_total", "Lines of the audit log that were dropped.")
        .Add({}, static_cast<double>(state_.audit_lines_lost));
  }

  void AddReloads() {
    FamilyBuilder failures = Counter("proctor_reload_failures_total", "Times that tokens, certificates or the configuration could not be read again.");
    for (const auto& [what, count] : state_.reload_failures) failures.Add({{"what", what}}, static_cast<double>(count));
    if (!state_.certificate_expiry) return;
    Gauge("proctor_tls_certificate_expiry_timestamp_seconds", "When the server's certificate expires, in seconds since 1970.")
        .Add({}, static_cast<double>(absl::ToUnixSeconds(*state_.certificate_expiry)));
  }

  // Under the names that every dashboard knows.
  void AddProcess() {
    rusage usage = {};
    getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& time) { return static_cast<double>(time.tv_sec) + time.tv_usec / 1e6; };
    Counter("process_cpu_seconds_total", "CPU time of the server itself, without its browsers.")
        .Add({}, seconds(usage.ru_utime) + seconds(usage.ru_stime));
    int64_t pages = 0;
    int64_t resident_pages = 0;
    std::ifstream("/proc/self/statm") >> pages >> resident_pages;
    Gauge("process_resident_memory_bytes", "Memory of the server itself, without its browsers.")
        .Add({}, static_cast<double>(resident_pages * sysconf(_SC_PAGESIZE)));
    const OpenFiles files = ReadOpenFiles();
    Gauge("process_open_fds", "Open files.").Add({}, static_cast<double>(files.open));
    Gauge("process_max_fds", "Files that may be open.").Add({}, static_cast<double>(files.limit));
  }

  const ServerState& state_;
  std::vector<MetricFamily>& families_;
};

}  // namespace

void AppendStateMetrics(const ServerState& state, std::vector<MetricFamily>& families) {
  StateMetrics(state, families).AddAll();
}

}  // namespace proctor::server
