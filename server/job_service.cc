#include "server/job_service.h"

#include <optional>
#include <string>
#include <utility>

#include "common/serial_executor.h"
#include "common/status.h"
#include "evaluator/evaluator_config.h"
#include "proctor/v1/evaluation_service.pb.h"
#include "proctor/v1/job_service.grpc.pb.h"
#include "server/propose_job.h"
#include "server/rescore_job.h"
#include "server/rpc/stream.h"
#include "server/rpc/unary.h"

namespace proctor::server {
namespace {

// Of one look at a job: who watches it has no deadline, as it may run for days.
constexpr absl::Duration kStoreCap = absl::Minutes(1);

absl::StatusOr<v1::Job> Shown(absl::StatusOr<v1::Job> job) {
  if (job.ok()) job = ShownJob(*std::move(job));
  return job;
}

// Sends the job now and after every change until it has ended or the server stops (UNAVAILABLE). One is on its way at a time: a client
// that reads slowly gets the newest, not each.
class JobWatcher final : public ServerStreamHandler<v1::Job> {
 public:
  JobWatcher(JobRunner& runner, Executor& pool, std::string name)
      : runner_(runner), serial_(pool), name_(std::move(name)) {}

  void OnOpen(std::shared_ptr<StreamWriter<v1::Job>> writer) override {
    state_ = std::make_shared<State>(State{runner_, name_, std::move(writer), false, false, {}});
    // Changes and the stream's own calls meet on one serial executor, so that jobs go out in order.
    watch_ = runner_.Watch(name_, [serial = serial_, state = state_]() mutable {
      serial.Post([state] { Send(*state); });
    });
    serial_.Post([state = state_] { Send(*state); });
  }
  bool wants_drained() const override { return true; }
  void OnDrained() override {
    serial_.Post([state = state_] {
      state->writing = false;
      Send(*state);
    });
  }
  void OnClosed() override {
    runner_.Unwatch(watch_);
    serial_.Post([state = state_] { state->finished = true; });
  }

 private:
  struct State {
    JobRunner& runner;
    const std::string name;
    std::shared_ptr<StreamWriter<v1::Job>> writer;
    bool finished;
    bool writing;
    std::string last;
  };

  static void Send(State& state) {
    if (state.finished || state.writing) return;
    const absl::StatusOr<v1::Job> job = Shown(state.runner.Get(state.writer->call().Child(kStoreCap), state.name));
    if (!job.ok()) {
      state.finished = true;
      state.writer->Finish(job.status());
      return;
    }
    std::string bytes = job->SerializeAsString();
    if (bytes != state.last) {
      state.last = std::move(bytes);
      state.writing = true;
      state.writer->Write(*job);
    }
    if (storage::JobHasEnded(*job)) {
      state.finished = true;
      state.writer->Finish(absl::OkStatus());
    } else if (state.runner.stopping()) {
      state.finished = true;
      state.writer->Finish(absl::UnavailableError("the server is shutting down; the job goes on at the next start"));
    }
  }

  JobRunner& runner_;
  SerialExecutor serial_;
  const std::string name_;
  std::shared_ptr<State> state_;
  uint64_t watch_ = 0;
};

class JobServiceImpl final : public v1::JobService::CallbackService {
 public:
  explicit JobServiceImpl(JobServiceParts parts) : parts_(std::move(parts)) {}

  grpc::ServerUnaryReactor* GetJob(grpc::CallbackServerContext* context, const v1::GetJobRequest* request,
                                   v1::Job* response) override {
    return Unary(context, parts_.pool, [=, this](const CallContext& call) {
      return Assign(Shown(parts_.runner.Get(call, request->name())), response);
    });
  }

  grpc::ServerUnaryReactor* ListJobs(grpc::CallbackServerContext* context, const v1::ListJobsRequest* request,
                                     v1::ListJobsResponse* response) override {
    return Unary(context, parts_.pool, [=, this](const CallContext& call) -> absl::Status {
      PROCTOR_ASSIGN_OR_RETURN(const auto page,
                               parts_.store.List(call, request->page_size(), request->page_token()));
      for (const v1::Job& job : page.jobs) {
        const auto current = parts_.runner.Get(call, job.name());
        *response->add_jobs() = ShownJob(current.ok() ? *current : job);
      }
      response->set_next_page_token(page.next_page_token);
      return absl::OkStatus();
    });
  }

  grpc::ServerWriteReactor<v1::Job>* WatchJob(grpc::CallbackServerContext* context,
                                              const v1::WatchJobRequest* request) override {
    return ServeWrites<v1::Job>(context, parts_.pool, std::make_unique<JobWatcher>(parts_.runner, parts_.pool, request->name()),
                                parts_.patience);
  }

  grpc::ServerUnaryReactor* PauseJob(grpc::CallbackServerContext* context, const v1::PauseJobRequest* request,
                                     v1::Job* response) override {
    return Unary(context, parts_.pool, [=, this](const CallContext& call) {
      return Assign(Shown(parts_.runner.Pause(call, request->name())), response);
    });
  }

  grpc::ServerUnaryReactor* ResumeJob(grpc::CallbackServerContext* context,
                                      const v1::ResumeJobRequest* request, v1::Job* response) override {
    return Unary(context, parts_.pool, [=, this](const CallContext& call) -> absl::Status {
      PROCTOR_RETURN_IF_ERROR(CheckMayGoOn(call, request->name()));
      return Assign(Shown(parts_.runner.Resume(call, request->name())), response);
    });
  }

  grpc::ServerUnaryReactor* CancelJob(grpc::CallbackServerContext* context,
                                      const v1::CancelJobRequest* request, v1::Job* response) override {
    return Unary(context, parts_.pool, [=, this](const CallContext& call) {
      return Assign(Shown(parts_.runner.Cancel(call, request->name())), response);
    });
  }

 private:
  // Whoever resumes it, it is paid by who started it.
  absl::Status CheckMayGoOn(const CallContext& context, const std::string& name) {
    PROCTOR_ASSIGN_OR_RETURN(const v1::Job job, parts_.runner.Get(context, name));
    v1::RescoreRequest request;
    if (job.kind() != kRescoreJob || job.state() != v1::JOB_STATE_PAUSED || !job.request().UnpackTo(&request) || request.dry_run()) {
      return absl::OkStatus();
    }
    for (const std::string& evaluator : request.evaluators()) {
      const auto found = parts_.evaluators.Get(context, evaluator);
      if (!found.ok() || evaluator::AsksModels(*found)) return parts_.may_spend(name);
    }
    return absl::OkStatus();
  }

  const JobServiceParts parts_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeJobService(JobServiceParts parts) {
  return std::make_unique<JobServiceImpl>(std::move(parts));
}

}  // namespace proctor::server
