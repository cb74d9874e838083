#include "server/metrics.h"

#include <fstream>
#include <iterator>
#include <set>

#include "absl/strings/str_cat.h"
#include "common/proto_time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/server/prometheus_text.h"

namespace proctor::server {
namespace {

class MetricsTest : public testing::Test {
 protected:
  std::map<std::string, MetricText> Read(const ServerState& state = {}) {
    auto metrics = ParsePrometheusText(metrics_->Text(state));
    EXPECT_TRUE(metrics.ok()) << metrics.status();
    return metrics.ok() ? *std::move(metrics) : std::map<std::string, MetricText>();
  }

  const std::unique_ptr<Metrics> metrics_ = Metrics::Create("1.2.3");
};

TEST_F(MetricsTest, CallsAreCountedByMethodAndCodeAndStreamsHaveNoTime) {
  metrics_->CallBegan({"EnvironmentService/Step", false});
  EXPECT_EQ(ValueOf(Read(), "proctor_rpcs_in_flight", {{"method", "EnvironmentService/Step"}}), 1);
  metrics_->CallEnded({"EnvironmentService/Step", false, absl::StatusCode::kNotFound, absl::Now(), absl::Milliseconds(3), "", ""});
  metrics_->CallBegan({"EnvironmentService/Act", true});
  metrics_->CallEnded({"EnvironmentService/Act", true, absl::StatusCode::kOk, absl::Now(), absl::Hours(3), "", ""});
  const auto metrics = Read();
  EXPECT_EQ(ValueOf(metrics, "proctor_rpcs_in_flight", {{"method", "EnvironmentService/Step"}}), 0);
  EXPECT_EQ(ValueOf(metrics, "proctor_rpcs_total", {{"method", "EnvironmentService/Step"}, {"code", "NOT_FOUND"}}), 1);
  EXPECT_EQ(ValueOf(metrics, "proctor_rpcs_total", {{"method", "EnvironmentService/Act"}, {"code", "OK"}}), 1);
  EXPECT_EQ(ValueOf(metrics, "proctor_rpc_seconds_count"), 1);
  EXPECT_EQ(ValueOf(metrics, "proctor_rpc_seconds_bucket", {{"le", "0.0025"}}), 0);
  EXPECT_EQ(ValueOf(metrics, "proctor_rpc_seconds_bucket", {{"le", "0.005"}}), 1);
}

TEST_F(MetricsTest, PhasesThatAWorldDoesNotHaveAreLeftOut) {
  v1::StepTiming timing;
  *timing.mutable_queue() = ToProto(absl::Milliseconds(1));
  *timing.mutable_total() = ToProto(absl::Milliseconds(20));
  v1::SettleReport settle;
  settle.set_waiting_for("requests");
  const CallContext call;
  metrics_->StepRecorded({call, "web", absl::Now(), timing, &settle});
  settle.set_waiting_for("something new");
  metrics_->StepRecorded({call, "web", absl::Now(), timing, &settle});
  settle.set_settled(true);
  metrics_->StepRecorded({call, "web", absl::Now(), timing, &settle});
  metrics_->StepRecorded({call, "web", absl::Now(), timing, nullptr});
  const auto metrics = Read();
  EXPECT_EQ(ValueOf(metrics, "proctor_step_phase_seconds_count", {{"environment", "web"}, {"phase", "total"}}), 4);
  EXPECT_NEAR(ValueOf(metrics, "proctor_step_phase_seconds_sum", {{"phase", "total"}}), 0.08, 1e-9);
  EXPECT_TRUE(std::isnan(ValueOf(metrics, "proctor_step_phase_seconds_count", {{"phase", "act"}})));
  EXPECT_EQ(ValueOf(metrics, "proctor_settles_total", {{"outcome", "requests"}}), 1);
  EXPECT_EQ(ValueOf(metrics, "proctor_settles_total", {{"outcome", "other"}}), 1);
  EXPECT_EQ(ValueOf(metrics, "proctor_settles_total", {{"outcome", "settled"}}), 1);
}

TEST_F(MetricsTest, QuestionsToModelsAreCountedByWhatCameOfThem) {
  v1::ModelCall call;
  call.set_endpoint("gpt");
  call.mutable_usage()->set_input_tokens(1000);
  call.mutable_usage()->set_output_tokens(10);
  call.mutable_usage()->set_cost_usd(0.25);
  *call.mutable_latency() = ToProto(absl::Seconds(3));
  metrics_->ModelAsked();
  metrics_->ModelAsked();
  metrics_->ModelAsked();
  metrics_->ModelAnswered(CallContext(), "judge", absl::Now(), call);
  call.set_cached(true);
  metrics_->ModelAnswered(CallContext(), "judge", absl::Now(), call);
  v1::ModelCall failed;
  failed.set_failure(v1::MODEL_FAILURE_RATE_LIMITED);
  metrics_->ModelAnswered(CallContext(), "judge", absl::Now(), failed);
  const auto metrics = Read();
  EXPECT_EQ(ValueOf(metrics, "proctor_model_calls_in_flight"), 0);
  EXPECT_EQ(ValueOf(metrics, "proctor_model_calls_total", {{"endpoint", "gpt"}, {"outcome", "ok"}}), 1);
  EXPECT_EQ(ValueOf(metrics, "proctor_model_calls_total", {{"endpoint", "gpt"}, {"outcome", "cached"}}), 1);
  EXPECT_EQ(ValueOf(metrics, "proctor_model_calls_total", {{"endpoint", "none"}, {"outcome", "rate_limited"}}), 1);
  EXPECT_EQ(ValueOf(metrics, "proctor_model_tokens_total", {{"endpoint", "gpt"}, {"kind", "input"}}), 1000);
  EXPECT_EQ(ValueOf(metrics, "proctor_model_cost_usd_total", {{"endpoint", "gpt"}}), 0.25);
  EXPECT_EQ(ValueOf(metrics, "proctor_model_call_seconds_count", {{"endpoint", "gpt"}}), 1);
}

TEST_F(MetricsTest, CommitsThatFailAreCountedByTheirCode) {
  metrics_->Committed(3, absl::Milliseconds(2), absl::OkStatus());
  metrics_->Committed(2, absl::Milliseconds(2), absl::ResourceExhaustedError("full"));
  const auto metrics = Read();
  EXPECT_EQ(ValueOf(metrics, "proctor_store_commit_seconds_count"), 1);
  EXPECT_EQ(ValueOf(metrics, "proctor_store_writes_total"), 3);
  EXPECT_EQ(ValueOf(metrics, "proctor_store_failures_total", {{"code", "RESOURCE_EXHAUSTED"}}), 1);
}

TEST_F(MetricsTest, NamesThatClientsChooseAddABoundedNumberOfSeries) {
  v1::Verdict verdict;
  v1::ModelCall call;
  for (int i = 0; i < 5000; ++i) {
    const std::string name = absl::StrCat("name", i);
    verdict.set_evaluator(name);
    metrics_->VerdictMade(CallContext(), verdict);
    call.set_endpoint(name);
    metrics_->ModelAsked();
    metrics_->ModelAnswered(CallContext(), name, absl::Now(), call);
    metrics_->EpisodeEnded(name, v1::END_REASON_ANSWERED);
    metrics_->CallBegan({name, false});
    metrics_->CallEnded({name, false, absl::StatusCode::kOk, absl::Now(), absl::ZeroDuration(), "", ""});
  }
  const auto metrics = Read();
  std::set<std::string> values;
  for (const auto& [name, metric] : metrics) {
    EXPECT_LE(metric.samples.size(), 2000u) << name;
    for (const Sample& sample : metric.samples) {
      for (const auto& [label, value] : sample.labels) {
        if (label != "le") values.insert(absl::StrCat(label, "=", value));
      }
    }
  }
  EXPECT_LE(values.size(), 300u);
  EXPECT_EQ(ValueOf(metrics, "proctor_verdicts_total", {{"evaluator", "other"}}), 4950);
  EXPECT_EQ(ValueOf(metrics, "proctor_verdicts_total", {{"evaluator", "name0"}}), 1);
}

TEST_F(MetricsTest, TheStateIsTold) {
  ServerState state;
  state.not_ready = {"the server is shutting down"};
  state.sessions.push_back({.environment_id = "web", .max_sessions = 16, .open = 3, .opening = 1, .busy = 2, .waiting = 5, .exploring = 6, .explorers_waiting = 10, .remembered = 8, .refused = 7});
  state.browsers = env::web::BrowserPool::Counters{.started = 4, .died = 1, .hung = 1, .recycled = 1, .dropped_messages = 3, .running = 1};
  state.pools.push_back({.name = "rpc", .threads = 16, .queued = 2, .running = 16, .finished = 100, .busy = absl::Seconds(5)});
  state.episodes_pending = 9;
  state.rewards = {{{"valid", ""}, 5}, {{"masked", "server_fault"}, 2}};
  state.consumers.push_back({.consumer = "a \"quoted\"\nname", .records = 3, .age = absl::Seconds(60), .connected = true});
  state.unreadable_records = 6;
  state.refusals = {{"unauthenticated", 11}, {"quota", 0}};
  state.quota_refusals = {{{"storage_bytes", "lab"}, 12}, {{"storage_bytes", "otherwise"}, 1}};
  state.quota_uses = {{"judge_usd_per_day", "lab", 1.25, 5}, {"storage_bytes", "lab", 2e10, 1e10}};
  state.reload_failures = {{"tokens", 2}, {"certificates", 0}, {"configuration", 1}};
  state.certificate_expiry = absl::FromUnixSeconds(1'900'000'001);
  state.audit_lines_lost = 13;
  state.blobs = BlobSize{.blobs = 10, .bytes = 1000};
  const auto metrics = Read(state);
  EXPECT_EQ(ValueOf(metrics, "proctor_ready"), 0);
  EXPECT_EQ(ValueOf(metrics, "proctor_sessions_open", {{"environment", "web"}}), 3);
  EXPECT_EQ(ValueOf(metrics, "proctor_sessions_opening", {{"environment", "web"}}), 1);
  EXPECT_EQ(ValueOf(metrics, "proctor_sessions_remembered", {{"environment", "web"}}), 8);
  EXPECT_EQ(ValueOf(metrics, "proctor_explorers_open", {{"environment", "web"}}), 6);
  EXPECT_EQ(ValueOf(metrics, "proctor_explorers_waiting", {{"environment", "web"}}), 10);
  EXPECT_EQ(ValueOf(metrics, "proctor_refusals_total", {{"reason", "unauthenticated"}}), 11);
  EXPECT_EQ(ValueOf(metrics, "proctor_refusals_total", {{"reason", "quota"}}), 0);
  EXPECT_EQ(ValueOf(metrics, "proctor_quota_refusals_total", {{"quota", "storage_bytes"}, {"tenant", "lab"}}), 12);
  EXPECT_EQ(ValueOf(metrics, "proctor_quota_used", {{"quota", "judge_usd_per_day"}, {"tenant", "lab"}}), 1.25);
  EXPECT_EQ(ValueOf(metrics, "proctor_quota_limit", {{"quota", "judge_usd_per_day"}, {"tenant", "lab"}}), 5);
  EXPECT_EQ(ValueOf(metrics, "proctor_quota_used", {{"quota", "storage_bytes"}, {"tenant", "lab"}}), 2e10);
  EXPECT_EQ(ValueOf(metrics, "proctor_reload_failures_total", {{"what", "tokens"}}), 2);
  EXPECT_EQ(ValueOf(metrics, "proctor_reload_failures_total", {{"what", "certificates"}}), 0);
  EXPECT_EQ(ValueOf(metrics, "proctor_tls_certificate_expiry_timestamp_seconds"), 1'900'000'001);
  EXPECT_EQ(ValueOf(metrics, "proctor_audit_lines_lost_total"), 13);
  EXPECT_EQ(ValueOf(metrics, "proctor_sessions_refused_total", {{"environment", "web"}}), 7);
  EXPECT_EQ(ValueOf(metrics, "proctor_browser_ends_total", {{"reason", "hung"}}), 1);
  EXPECT_EQ(ValueOf(metrics, "proctor_browser_messages_dropped_total"), 3);
  EXPECT_EQ(ValueOf(metrics, "proctor_pool_busy_seconds_total", {{"pool", "rpc"}}), 5);
  EXPECT_EQ(ValueOf(metrics, "proctor_rewards_total", {{"status", "masked"}, {"reason", "server_fault"}}), 2);
  EXPECT_EQ(ValueOf(metrics, "proctor_consumer_lag_seconds", {{"consumer", "a \"quoted\"\nname"}}), 60);
  EXPECT_EQ(ValueOf(metrics, "proctor_store_blobs"), 10);
  EXPECT_EQ(ValueOf(metrics, "proctor_store_unreadable_records"), 6);
  EXPECT_GT(ValueOf(metrics, "process_resident_memory_bytes"), 0);
  EXPECT_GT(ValueOf(metrics, "process_open_fds"), 2);
}

// Also those that a server tells only where it has browsers, TLS, models or failures.
TEST_F(MetricsTest, EveryMetricOfTheOperationsPageExists) {
  const CallContext call;
  v1::SettleReport settle;
  metrics_->CallBegan({"EnvironmentService/Step", false});
  metrics_->CallEnded({"EnvironmentService/Step", false, absl::StatusCode::kOk, absl::Now(), absl::Milliseconds(3), "", ""});
  metrics_->StepRecorded({call, "web", absl::Now(), v1::StepTiming(), &settle});
  metrics_->EpisodeEnded("web", v1::END_REASON_ANSWERED);
  metrics_->Committed(1, absl::Milliseconds(1), absl::OkStatus());
  metrics_->Committed(1, absl::Milliseconds(1), absl::UnavailableError("disk"));
  metrics_->ModelAsked();
  metrics_->ModelAnswered(call, "judge", absl::Now(), v1::ModelCall());
  metrics_->VerdictMade(call, v1::Verdict());
  ServerState state;
  state.browsers.emplace();
  state.certificate_expiry = absl::UnixEpoch();
  state.dropped_spans = 0;
  const auto metrics = Read(state);
  std::ifstream file("docs/operations.md");
  const std::set<std::string> documented = MetricsOfTables(std::string(std::istreambuf_iterator<char>(file), {}));
  EXPECT_GE(documented.size(), 40u);
  for (const std::string& name : documented) EXPECT_TRUE(metrics.contains(name)) << name;
}

TEST_F(MetricsTest, TheVersionIsTold) { EXPECT_EQ(ValueOf(Read(), "proctor_build_info", {{"version", "1.2.3"}}), 1); }

}  // namespace
}  // namespace proctor::server
