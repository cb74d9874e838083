#include "server/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/proto_time.h"
#include "server/state_metrics.h"

namespace proctor::server {
namespace {

using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;
using prometheus::Histogram;

// Values of labels that clients or configuration make: more would burden who stores the series, not tell more.
constexpr size_t kMaxMethods = 100;
constexpr size_t kMaxEnvironments = 20;
constexpr size_t kMaxEndpoints = 50;
constexpr size_t kMaxEvaluators = 50;

// Seconds. From a null environment's step to a judge of many questions.
const Histogram::BucketBoundaries kFast = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60};
const Histogram::BucketBoundaries kSlow = {0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600};

// "END_REASON_STEP_LIMIT" to "step_limit".
std::string EnumLabel(const std::string& name, const std::string& prefix) {
  return absl::AsciiStrToLower(name.starts_with(prefix) ? name.substr(prefix.size()) : name);
}

// What env/web waits for when it gives up; anything else is "other".
std::string SettleLabel(const v1::SettleReport& settle) {
  if (settle.settled()) return "settled";
  for (const char* known : {"navigation", "requests", "mutations", "frame", "screen"}) {
    if (settle.waiting_for() == known) return known;
  }
  return "other";
}

std::string ModelOutcome(const v1::ModelCall& call) {
  if (call.failure() != v1::MODEL_FAILURE_UNSPECIFIED) {
    return EnumLabel(v1::ModelFailure_Name(call.failure()), "MODEL_FAILURE_");
  }
  return call.cached() ? "cached" : "ok";
}

class MetricsImpl final : public Metrics {
 public:
  explicit MetricsImpl(const std::string& version) {
    prometheus::BuildGauge()
        .Name("proctor_build_info")
        .Help("1, with the server's version.")
        .Register(registry_)
        .Add({{"version", version}})
        .Set(1);
    // There from the start: an increase to 1 is one.
    for (const char* code : {"RESOURCE_EXHAUSTED", "UNAVAILABLE", "DATA_LOSS"}) commit_failures_.Add({{"code", code}});
  }

  void CallBegan(const CallStart& call) override {
    calls_in_flight_.Add({{"method", methods_.Admit(call.method)}}).Increment();
  }

  void CallEnded(const CallEnd& call) override {
    const std::string method = methods_.Admit(call.method);
    calls_in_flight_.Add({{"method", method}}).Decrement();
    calls_.Add({{"method", method}, {"code", absl::StatusCodeToString(call.code)}}).Increment();
    if (!call.streams) call_seconds_.Add({{"method", method}}, kFast).Observe(absl::ToDoubleSeconds(call.took));
  }

  void StepRecorded(const env::StepReport& step) override {
    const std::string environment = environments_.Admit(step.environment_id);
    const auto phase = [&](const char* name, const google::protobuf::Duration& took) {
      step_seconds_.Add({{"environment", environment}, {"phase", name}}, kFast)
          .Observe(absl::ToDoubleSeconds(FromProto(took)));
    };
    phase("queue", step.timing.queue());
    phase("record", step.timing.record());
    phase("total", step.timing.total());
    // Phases that a world does not have are not zero, they are not there.
    if (step.timing.has_act()) phase("act", step.timing.act());
    if (step.timing.has_settle()) phase("settle", step.timing.settle());
    if (step.timing.has_observe()) phase("observe", step.timing.observe());
    if (step.settle == nullptr) return;
    settles_.Add({{"environment", environment}, {"outcome", SettleLabel(*step.settle)}}).Increment();
  }

  void EpisodeEnded(const std::string& environment_id, v1::EndReason reason) override {
    episodes_
        .Add({{"environment", environments_.Admit(environment_id)},
              {"reason", EnumLabel(v1::EndReason_Name(reason), "END_REASON_")}})
        .Increment();
  }

  void Committed(int writes, absl::Duration took, const absl::Status& status) override {
    if (!status.ok()) {
      commit_failures_.Add({{"code", absl::StatusCodeToString(status.code())}}).Increment();
      return;
    }
    commit_seconds_.Observe(absl::ToDoubleSeconds(took));
    committed_writes_.Increment(writes);
  }

  void ModelAsked() override { models_in_flight_.Increment(); }

  void ModelAnswered(const CallContext&, const std::string&, absl::Time, const v1::ModelCall& call) override {
    models_in_flight_.Decrement();
    const std::string endpoint = endpoints_.Admit(call.endpoint().empty() ? "none" : call.endpoint());
    const std::string outcome = ModelOutcome(call);
    model_calls_.Add({{"endpoint", endpoint}, {"outcome", outcome}}).Increment();
    if (call.cached()) return;  // Paid for by the call that filled the cache.
    model_seconds_.Add({{"endpoint", endpoint}}, kSlow).Observe(absl::ToDoubleSeconds(FromProto(call.latency())));
    const auto tokens = [&](const char* kind, int64_t count) {
      model_tokens_.Add({{"endpoint", endpoint}, {"outcome", outcome}, {"kind", kind}}).Increment(static_cast<double>(count));
    };
    tokens("input", call.usage().input_tokens());
    tokens("output", call.usage().output_tokens());
    model_cost_.Add({{"endpoint", endpoint}, {"outcome", outcome}}).Increment(call.usage().cost_usd());
  }

  void VerdictMade(const CallContext&, const v1::Verdict& verdict) override {
    verdicts_
        .Add({{"evaluator", evaluators_.Admit(verdict.evaluator())},
              {"outcome", EnumLabel(v1::Outcome_Name(verdict.outcome()), "OUTCOME_")}})
        .Increment();
  }

  std::string Text(const ServerState& now) const override {
    std::vector<prometheus::MetricFamily> families = registry_.Collect();
    AppendStateMetrics(now, families);
    return prometheus::TextSerializer().Serialize(families);
  }

 private:
  Family<Counter>& AddCounter(const char* name, const char* help) {
    return prometheus::BuildCounter().Name(name).Help(help).Register(registry_);
  }
  Family<Gauge>& AddGauge(const char* name, const char* help) {
    return prometheus::BuildGauge().Name(name).Help(help).Register(registry_);
  }
  Family<Histogram>& AddHistogram(const char* name, const char* help) {
    return prometheus::BuildHistogram().Name(name).Help(help).Register(registry_);
  }

  prometheus::Registry registry_;
  BoundedLabel methods_{kMaxMethods};
  BoundedLabel environments_{kMaxEnvironments};
  BoundedLabel endpoints_{kMaxEndpoints};
  BoundedLabel evaluators_{kMaxEvaluators};
  Family<Counter>& calls_ = AddCounter("proctor_rpcs_total", "Calls that ended, by method and status code.");
  Family<Histogram>& call_seconds_ = AddHistogram("proctor_rpc_seconds", "Time of calls that are not streams.");
  Family<Gauge>& calls_in_flight_ = AddGauge("proctor_rpcs_in_flight", "Calls that run, streams included.");
  Family<Histogram>& step_seconds_ = AddHistogram(
      "proctor_step_phase_seconds", "Time of recorded steps by phase; phases may overlap, total is the whole step in the server.");
  Family<Counter>& settles_ =
      AddCounter("proctor_settles_total", "How worlds came to rest after an action: settled, or what was still waited for.");
  Family<Counter>& episodes_ = AddCounter("proctor_episodes_total", "Episodes that ended, by the reason of their end.");
  Histogram& commit_seconds_ =
      AddHistogram("proctor_store_commit_seconds", "Time of the database's commits, their sync included.").Add({}, kFast);
  Counter& committed_writes_ =
      AddCounter("proctor_store_writes_total", "Write functions that were committed; some share a commit.").Add({});
  Family<Counter>& commit_failures_ =
      AddCounter("proctor_store_failures_total", "Transactions that failed as a whole, by status code.");
  Family<Counter>& model_calls_ = AddCounter("proctor_model_calls_total", "Questions to models, by endpoint and what came of them.");
  Family<Histogram>& model_seconds_ =
      AddHistogram("proctor_model_call_seconds", "Time of questions to models that no cache answered, waits included.");
  Gauge& models_in_flight_ = AddGauge("proctor_model_calls_in_flight", "Questions to models that run or wait.").Add({});
  Family<Counter>& model_tokens_ = AddCounter("proctor_model_tokens_total", "Tokens paid for, by endpoint, outcome and kind.");
  Family<Counter>& model_cost_ = AddCounter("proctor_model_cost_usd_total", "US dollars spent, as far as prices are known.");
  Family<Counter>& verdicts_ = AddCounter("proctor_verdicts_total", "Verdicts, by evaluator and outcome.");
};

}  // namespace

std::string BoundedLabel::Admit(const std::string& value) {
  MutexLock lock(mutex_);
  if (values_.contains(value)) return value;
  if (values_.size() >= limit_) return "other";
  values_.insert(value);
  return value;
}

std::unique_ptr<Metrics> Metrics::Create(const std::string& version) { return std::make_unique<MetricsImpl>(version); }

}  // namespace proctor::server
