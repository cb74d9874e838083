#include "server/tracer.h"

#include <pthread.h>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/json.h"
#include "common/log.h"
#include "common/proto_time.h"
#include "common/status.h"

namespace proctor::server {
namespace {

constexpr size_t kMaxQueued = 10'000;
// In one line.
constexpr size_t kMaxBatch = 500;
// Between two complaints about the disk.
constexpr absl::Duration kLogPause = absl::Minutes(1);

Json Attribute(const std::string& key, const std::string& value) {
  return {{"key", key}, {"value", {{"stringValue", value}}}};
}

// As a decimal string: JSON's numbers do not hold 64 bits everywhere.
std::string Nanos(absl::Time time) { return absl::StrCat(absl::ToUnixNanos(time)); }

Json ToJson(const Span& span) {
  Json json = {{"traceId", span.trace_id},
               {"spanId", span.span_id},
               {"name", span.name},
               {"kind", static_cast<int>(span.kind)},
               {"startTimeUnixNano", Nanos(span.begin)},
               {"endTimeUnixNano", Nanos(std::max(span.begin, span.end))}};
  if (!span.parent_span_id.empty()) json["parentSpanId"] = span.parent_span_id;
  for (const auto& [key, value] : span.attributes) json["attributes"].push_back(Attribute(key, value));
  // STATUS_CODE_ERROR
  if (!span.error.empty()) json["status"] = {{"code", 2}, {"message", span.error}};
  return json;
}

// The span of a request, to hang others below; nothing if the trace is not kept.
std::optional<TraceContext> Sampled(const std::string& request_id) {
  auto context = ParseTraceparent(request_id);
  return context && context->sampled ? context : std::nullopt;
}

// A child of the request's span, or a root where its trace has none yet.
Span ChildOf(const TraceContext& request, std::string name, absl::Time begin, absl::Time end) {
  const TraceContext own = NewSpan(request);
  const bool root = request.span_id.find_first_not_of('0') == std::string::npos;
  Span span;
  span.trace_id = own.trace_id;
  span.span_id = own.span_id;
  if (!root) span.parent_span_id = request.span_id;
  span.name = std::move(name);
  span.begin = begin;
  span.end = end;
  return span;
}

}  // namespace

std::string ToOtlpJson(const std::vector<Span>& spans, const std::string& version) {
  Json list = Json::array();
  for (const Span& span : spans) list.push_back(ToJson(span));
  const Json resource = {{"attributes", {Attribute("service.name", "proctord"), Attribute("service.version", version)}}};
  const Json scope = {{"scope", {{"name", "proctor"}}}, {"spans", std::move(list)}};
  const Json resource_spans = {{"resource", resource}, {"scopeSpans", Json::array({scope})}};
  return DumpJson({{"resourceSpans", Json::array({resource_spans})}});
}

absl::StatusOr<std::unique_ptr<Tracer>> Tracer::Create(const v1::TraceConfig& config, const std::string& version) {
  PROCTOR_ASSIGN_OR_RETURN(std::unique_ptr<RotatingFile> file,
                           RotatingFile::Open({.directory = config.directory(),
                                               .name = "traces",
                                               .max_bytes = config.max_file_bytes(),
                                               .max_files = config.max_files()}));
  return std::unique_ptr<Tracer>(new Tracer(std::move(file), version));
}

Tracer::Tracer(std::unique_ptr<RotatingFile> file, std::string version)
    : file_(std::move(file)), version_(std::move(version)), thread_([this] { Run(); }) {}

Tracer::~Tracer() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    changed_.SignalAll();
  }
  thread_.join();
}

int64_t Tracer::dropped() const {
  MutexLock lock(mutex_);
  return dropped_;
}

void Tracer::Add(std::vector<Span> spans) {
  MutexLock lock(mutex_);
  if (queue_.size() + spans.size() > kMaxQueued) {
    dropped_ += static_cast<int64_t>(spans.size());
    return;
  }
  std::move(spans.begin(), spans.end(), std::back_inserter(queue_));
  changed_.Signal();
}

void Tracer::Run() {
  pthread_setname_np(pthread_self(), "tracer");
  absl::Time next_complaint = absl::InfinitePast();
  while (true) {
    std::vector<Span> batch;
    {
      MutexLock lock(mutex_);
      while (queue_.empty() && !stopping_) changed_.Wait(mutex_);
      if (queue_.empty()) return;
      const auto end = queue_.begin() + static_cast<std::ptrdiff_t>(std::min(queue_.size(), kMaxBatch));
      std::move(queue_.begin(), end, std::back_inserter(batch));
      queue_.erase(queue_.begin(), end);
    }
    const absl::Status written = file_->WriteLine(ToOtlpJson(batch, version_));
    if (written.ok()) continue;
    {
      MutexLock lock(mutex_);
      dropped_ += static_cast<int64_t>(batch.size());
    }
    if (absl::Now() < next_complaint) continue;
    next_complaint = absl::Now() + kLogPause;
    LogError("traces were not written", {{"error", written.ToString()}});
  }
}

void Tracer::CallEnded(const CallEnd& call) {
  const auto request = Sampled(call.request_id);
  if (!request) return;
  Span span;
  span.trace_id = request->trace_id;
  span.span_id = request->span_id;
  span.parent_span_id = call.parent_span_id;
  // Other packages' services are named in full already.
  span.name = call.method.find('.') == std::string::npos ? "proctor.v1." + call.method : call.method;
  span.kind = Span::Kind::kServer;
  span.begin = call.begin;
  span.end = call.begin + call.took;
  span.attributes = {{"rpc.system", "grpc"}, {"rpc.grpc.status", absl::StatusCodeToString(call.code)}};
  if (call.code != absl::StatusCode::kOk) span.error = absl::StatusCodeToString(call.code);
  Add({std::move(span)});
}

void Tracer::StepRecorded(const env::StepReport& step) {
  const auto request = Sampled(step.call.request_id());
  if (!request) return;
  const absl::Time end = step.arrival + FromProto(step.timing.total());
  std::vector<Span> spans = {ChildOf(*request, "step", step.arrival, end)};
  spans[0].attributes = {{"proctor.environment", step.environment_id}};
  if (step.settle != nullptr) {
    spans[0].attributes.emplace_back("proctor.settled", step.settle->settled() ? "true" : "false");
    if (!step.settle->settled()) spans[0].attributes.emplace_back("proctor.waiting_for", step.settle->waiting_for());
  }
  const TraceContext parent{spans[0].trace_id, spans[0].span_id, true};
  absl::Time at = step.arrival;
  const auto phase = [&](const char* name, const google::protobuf::Duration& took) {
    const absl::Time begin = at;
    at += FromProto(took);
    spans.push_back(ChildOf(parent, name, begin, at));
  };
  phase("queue", step.timing.queue());
  if (step.timing.has_act()) phase("act", step.timing.act());
  if (step.timing.has_settle()) phase("settle", step.timing.settle());
  if (step.timing.has_observe()) phase("observe", step.timing.observe());
  at = end - FromProto(step.timing.record());
  phase("record", step.timing.record());
  Add(std::move(spans));
}

void Tracer::ModelAnswered(const CallContext& context, const std::string& route, absl::Time asked, const v1::ModelCall& call) {
  const auto request = Sampled(context.request_id());
  if (!request) return;
  Span span = ChildOf(*request, "ask model", asked, asked + FromProto(call.latency()));
  span.kind = Span::Kind::kClient;
  span.attributes = {{"proctor.route", route},
                     {"proctor.endpoint", call.endpoint()},
                     {"gen_ai.response.model", call.model()},
                     {"proctor.cached", call.cached() ? "true" : "false"},
                     {"proctor.attempts", absl::StrCat(call.attempts())},
                     {"gen_ai.usage.input_tokens", absl::StrCat(call.usage().input_tokens())},
                     {"gen_ai.usage.output_tokens", absl::StrCat(call.usage().output_tokens())}};
  if (call.failure() != v1::MODEL_FAILURE_UNSPECIFIED) span.error = v1::ModelFailure_Name(call.failure());
  Add({std::move(span)});
}

void Tracer::VerdictMade(const CallContext& context, const v1::Verdict& verdict) {
  const auto request = Sampled(context.request_id());
  if (!request) return;
  const absl::Time end = absl::Now();
  Span span = ChildOf(*request, "evaluate", end - FromProto(verdict.latency()), end);
  span.attributes = {{"proctor.evaluator", verdict.evaluator()},
                     {"proctor.trajectory", verdict.trajectory()},
                     {"proctor.outcome", v1::Outcome_Name(verdict.outcome())}};
  Add({std::move(span)});
}

}  // namespace proctor::server
