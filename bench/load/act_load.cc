#include "bench/load/act_load.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>
#include <grpcpp/support/client_callback.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/mutex.h"
#include "common/proto_time.h"
#include "proctor/v1/environment_service.grpc.pb.h"

namespace proctor::bench {
namespace {

// How long a broken connection may take to end its streams.
constexpr absl::Duration kEndTimeout = absl::Seconds(60);

int64_t SteadyNanos() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// What the streams of a run share. Thread-safe.
class Run {
 public:
  explicit Run(const LoadOptions& options) : options(options) {}

  bool Measures(int64_t nanos) const { return nanos >= begin.load() && nanos < end.load(); }

  void Opened() {
    MutexLock lock(mutex_);
    --opening_;
    ++opened_;
    changed_.SignalAll();
  }
  // A stream that is over; `opening`: before it had an episode.
  void Ended(bool opening) {
    MutexLock lock(mutex_);
    if (opening) --opening_;
    --running_;
    changed_.SignalAll();
  }
  // Takes a place among those that are being opened.
  bool MayOpen(absl::Time deadline) {
    MutexLock lock(mutex_);
    while (opening_ >= options.opening_at_once) {
      if (!changed_.WaitFor(mutex_, deadline - absl::Now())) return false;
    }
    ++opening_;
    ++running_;
    return true;
  }
  void AwaitOpen(absl::Time deadline) {
    MutexLock lock(mutex_);
    while (opening_ > 0 && changed_.WaitFor(mutex_, deadline - absl::Now())) {
    }
  }
  bool AwaitEnd(absl::Time deadline) {
    MutexLock lock(mutex_);
    while (running_ > 0) {
      if (!changed_.WaitFor(mutex_, deadline - absl::Now())) return false;
    }
    return true;
  }
  int opened() {
    MutexLock lock(mutex_);
    return opened_;
  }

  const LoadOptions& options;
  // Of the time measured, on the steady clock.
  std::atomic<int64_t> begin = std::numeric_limits<int64_t>::max();
  std::atomic<int64_t> end = std::numeric_limits<int64_t>::max();
  // Streams close their sessions instead of acting on.
  std::atomic<bool> stopping = false;

 private:
  Mutex mutex_;
  CondVar changed_;
  int opening_ ABSL_GUARDED_BY(mutex_) = 0;
  int opened_ ABSL_GUARDED_BY(mutex_) = 0;
  int running_ ABSL_GUARDED_BY(mutex_) = 0;
};

// One stream. Replies are handled by gRPC's reactions, one at a time; writing is theirs and OnWriteDone's, so it has the lock.
class ActStream final : public grpc::ClientBidiReactor<v1::ActRequest, v1::ActResponse> {
 public:
  ActStream(Run& run, v1::EnvironmentService::Stub& stub, int number) : run_(run), number_(number) {
    stub.async()->Act(&context_, this);
    v1::ActRequest create;
    create.mutable_create_session()->set_environment("environments/null");
    *create.mutable_create_session()->mutable_settings()->mutable_null()->mutable_step_delay() = ToProto(run.options.step_delay);
    StartRead(&response_);
    Send(std::move(create));
    StartCall();
  }

  void Cancel() { context_.TryCancel(); }

  void OnReadDone(bool ok) override {
    if (!ok) return;
    const int64_t now = SteadyNanos();
    switch (response_.result_case()) {
      case v1::ActResponse::kSession:
        if (!closing_) {
          SendStart();
        } else {
          HalfClose();
        }
        break;
      case v1::ActResponse::kEpisodeStart:
        if (!std::exchange(opened_, true)) run_.Opened();
        SendVerb();
        break;
      case v1::ActResponse::kStep:
        if (Answered(now, response_.step().interrupted())) {
          record_.push_back(static_cast<float>(absl::ToDoubleMilliseconds(FromProto(response_.step().timing().record()))));
        }
        response_.step().has_episode() ? SendStart() : SendVerb();
        break;
      case v1::ActResponse::kObservation:
        Answered(now, /*interrupted=*/false);
        SendVerb();
        break;
      default:
        Broken(absl::StrCat("an error of a verb: ", response_.error().code(), " ", response_.error().message()));
        context_.TryCancel();
        return;
    }
    StartRead(&response_);
  }

  void OnWriteDone(bool ok) override {
    if (!ok) return;
    MutexLock lock(mutex_);
    writing_ = false;
    Write();
  }

  void OnDone(const grpc::Status& status) override {
    if (!closing_ || !status.ok()) Broken(absl::StrCat("the stream ended: ", status.error_code(), " ", status.error_message()));
    if (counts_) ++failed_;
    counts_ = false;
    run_.Ended(!opened_);
  }

  // Once it is over.
  void AddTo(LoadResult& result) const {
    result.sent += sent_;
    result.succeeded += succeeded_;
    result.late += late_;
    result.failed += failed_;
    result.answered += answered_;
    result.broken += error_.empty() ? 0 : 1;
    if (result.first_error.empty()) result.first_error = error_;
    result.latencies_ms.insert(result.latencies_ms.end(), latencies_.begin(), latencies_.end());
    if (run_.options.verb == Verb::kStep) result.record_ms.insert(result.record_ms.end(), record_.begin(), record_.end());
  }

 private:
  void Broken(std::string error) {
    if (error_.empty()) error_ = std::move(error);
  }

  // Whether the request's times are among those measured.
  bool Answered(int64_t now, bool interrupted) {
    if (run_.Measures(now)) ++answered_;
    if (!std::exchange(counts_, false)) return false;
    const absl::Duration taken = absl::Nanoseconds(now - sent_at_);
    if (interrupted) {
      ++failed_;
      Broken("an episode was interrupted");
      return false;
    }
    ++(taken <= run_.options.limit ? succeeded_ : late_);
    latencies_.push_back(static_cast<float>(absl::ToDoubleMilliseconds(taken)));
    return true;
  }

  void SendStart() {
    v1::ActRequest request;
    v1::StartEpisodeRequest& start = *request.mutable_start_episode();
    start.set_request_id(absl::StrCat("start-", ++verbs_));
    start.mutable_inline_task()->set_goal("Press button 1 for ever.");
    start.mutable_policy()->set_policy("load");
    start.mutable_observation()->add_parts(v1::OBSERVATION_PART_ELEMENTS);
    Send(std::move(request));
  }

  void SendVerb() {
    v1::ActRequest request;
    if (run_.stopping) {
      closing_ = true;
      request.mutable_close_session();
      Send(std::move(request));
      return;
    }
    if (run_.options.verb == Verb::kObserve) {
      request.mutable_observe()->mutable_observation()->add_parts(v1::OBSERVATION_PART_ELEMENTS);
    } else {
      v1::StepRequest& step = *request.mutable_step();
      // As the clients do it, so that a retry never acts twice.
      step.set_request_id(absl::StrCat("load-", number_, "-", ++verbs_));
      step.mutable_action()->mutable_click()->mutable_target()->set_mark(1);
      step.mutable_observation()->add_parts(v1::OBSERVATION_PART_ELEMENTS);
      step.mutable_wait_for_verdict();
    }
    sent_at_ = SteadyNanos();
    counts_ = run_.Measures(sent_at_);
    if (counts_) ++sent_;
    Send(std::move(request));
  }

  void Send(v1::ActRequest request) {
    MutexLock lock(mutex_);
    request.set_tag(++tag_);
    next_ = std::move(request);
    has_next_ = true;
    Write();
  }
  void HalfClose() {
    MutexLock lock(mutex_);
    half_close_ = true;
    Write();
  }
  // The reply may come before gRPC says that the request is out. It never calls back from within Start*.
  void Write() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (writing_) return;
    if (has_next_) {
      std::swap(outgoing_, next_);
      has_next_ = false;
      writing_ = true;
      StartWrite(&outgoing_);
    } else if (std::exchange(half_close_, false)) {
      StartWritesDone();
    }
  }

  Run& run_;
  const int number_;
  grpc::ClientContext context_;
  v1::ActResponse response_;
  bool opened_ = false;
  bool closing_ = false;
  // The request under way is one of the time measured.
  bool counts_ = false;
  int64_t sent_at_ = 0;
  int64_t verbs_ = 0;
  int64_t sent_ = 0, succeeded_ = 0, late_ = 0, failed_ = 0, answered_ = 0;
  std::vector<float> latencies_, record_;
  std::string error_;

  Mutex mutex_;
  v1::ActRequest outgoing_ ABSL_GUARDED_BY(mutex_);
  v1::ActRequest next_ ABSL_GUARDED_BY(mutex_);
  bool has_next_ ABSL_GUARDED_BY(mutex_) = false;
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool half_close_ ABSL_GUARDED_BY(mutex_) = false;
  int64_t tag_ ABSL_GUARDED_BY(mutex_) = 0;
};

std::vector<std::unique_ptr<v1::EnvironmentService::Stub>> Connect(const LoadOptions& options) {
  std::vector<std::unique_ptr<v1::EnvironmentService::Stub>> stubs;
  for (int i = 0; i < options.channels; ++i) {
    grpc::ChannelArguments arguments;
    // Else all channels would be one connection.
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    stubs.push_back(v1::EnvironmentService::NewStub(
        grpc::CreateCustomChannel(options.target, grpc::InsecureChannelCredentials(), arguments)));
  }
  return stubs;
}

// Streams must be over before they die: there is no going on without that.
void AwaitEnd(Run& run, const std::vector<std::unique_ptr<ActStream>>& streams) {
  if (run.AwaitEnd(absl::Now() + run.options.limit + run.options.step_delay)) return;
  for (const auto& stream : streams) stream->Cancel();
  if (run.AwaitEnd(absl::Now() + kEndTimeout)) return;
  fprintf(stderr, "streams do not end within %s of being cancelled\n", absl::FormatDuration(kEndTimeout).c_str());
  std::_Exit(1);
}

}  // namespace

absl::StatusOr<LoadResult> RunLoad(const LoadOptions& options, const std::function<void(const char*)>& on_phase) {
  const auto stubs = Connect(options);
  Run run(options);
  LoadResult result;
  const absl::Time begin = absl::Now();
  std::vector<std::unique_ptr<ActStream>> streams;
  for (int i = 0; i < options.streams; ++i) {
    if (!run.MayOpen(begin + options.open_timeout)) break;
    streams.push_back(std::make_unique<ActStream>(run, *stubs[i % stubs.size()], i));
  }
  run.AwaitOpen(begin + options.open_timeout);
  result.opened = run.opened();
  result.open_time = absl::Now() - begin;
  if (result.opened > 0) {
    absl::SleepFor(options.warm_up);
    on_phase("measuring");
    const int64_t first = SteadyNanos();
    run.end = first + absl::ToInt64Nanoseconds(options.measured);
    run.begin = first;
    absl::SleepFor(options.measured);
    result.measured = absl::Nanoseconds(SteadyNanos() - first);
    on_phase("measured");
  }
  run.stopping = true;
  AwaitEnd(run, streams);
  for (const auto& stream : streams) stream->AddTo(result);
  result.broken += options.streams - static_cast<int>(streams.size());
  std::sort(result.latencies_ms.begin(), result.latencies_ms.end());
  std::sort(result.record_ms.begin(), result.record_ms.end());
  if (result.opened == 0) return absl::UnavailableError(absl::StrCat("no stream could be opened: ", result.first_error));
  return result;
}

}  // namespace proctor::bench
