// Spans of what the server does, as OTLP/JSON lines in a file: calls, steps with their phases, questions to models, verdicts.
//
// A call's span continues its caller's trace (`traceparent`); a step is a child of the call that asked for it, its phases children of the
// step. A step's phases are laid one behind another from their durations, though some overlap. Evaluations of closed episodes are traces
// of their own, as nobody's call waits for them.
#ifndef PROCTOR_SERVER_TRACER_H_
#define PROCTOR_SERVER_TRACER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/mutex.h"
#include "common/trace_context.h"
#include "env/session_observer.h"
#include "proctor/v1/operation.pb.h"
#include "server/judging_observer.h"
#include "server/rotating_file.h"
#include "server/rpc/call_observer.h"

namespace proctor::server {

struct Span {
  // As OTLP numbers them.
  enum class Kind { kInternal = 1, kServer = 2, kClient = 3 };

  std::string trace_id;
  std::string span_id;
  // Empty: a root.
  std::string parent_span_id;
  std::string name;
  Kind kind = Kind::kInternal;
  absl::Time begin;
  absl::Time end;
  std::vector<std::pair<std::string, std::string>> attributes;
  // What failed; empty: nothing did.
  std::string error;
};

// A resourceSpans object of OTLP/JSON without a line break.
std::string ToOtlpJson(const std::vector<Span>& spans, const std::string& version);

// Thread-safe. Observers only queue; one thread writes. Spans beyond what is queued (10,000), and those that the disk refuses, are dropped
// and counted.
class Tracer final : public CallObserver, public env::SessionObserver, public JudgingObserver {
 public:
  // `config` with its defaults filled in. Errors: those of RotatingFile::Open.
  static absl::StatusOr<std::unique_ptr<Tracer>> Create(const v1::TraceConfig& config, const std::string& version);
  // Writes what is queued.
  ~Tracer() override;

  void CallBegan(const CallStart&) override {}
  void CallEnded(const CallEnd& call) override;
  void StepRecorded(const env::StepReport& step) override;
  void EpisodeEnded(const std::string&, v1::EndReason) override {}
  void ModelAsked() override {}
  void ModelAnswered(const CallContext& context, const std::string& route, absl::Time asked, const v1::ModelCall& call) override;
  void VerdictMade(const CallContext& context, const v1::Verdict& verdict) override;

  int64_t dropped() const;

 private:
  Tracer(std::unique_ptr<RotatingFile> file, std::string version);

  void Add(std::vector<Span> spans);
  void Run();

  const std::unique_ptr<RotatingFile> file_;  // On the thread only.
  const std::string version_;
  mutable Mutex mutex_;
  CondVar changed_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<Span> queue_ ABSL_GUARDED_BY(mutex_);
  int64_t dropped_ ABSL_GUARDED_BY(mutex_) = 0;
  std::thread thread_;
};

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_TRACER_H_
