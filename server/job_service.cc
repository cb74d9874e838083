#include "server/job_service.h"

#include <optional>
#include <string>
#include <utility>

#include "common/serial_executor.h"
#include "common/status.h"
#include "proctor/v1/job_service.grpc.pb.h"
#include "server/propose_job.h"
#include "server/rpc/stream.h"
#include "server/rpc/unary.h"

namespace proctor::server {
namespace {

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
    const absl::StatusOr<v1::Job> job = Shown(state.runner.Get(state.writer->call(), state.name));
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
  JobServiceImpl(JobRunner& runner, storage::JobStore& store, Executor& pool)
      : runner_(runner), store_(store), pool_(pool) {}

  grpc::ServerUnaryReactor* GetJob(grpc::CallbackServerContext* context, const v1::GetJobRequest* request,
                                   v1::Job* response) override {
    return Unary(context, pool_, [=, this](const CallContext& call) {
      return Assign(Shown(runner_.Get(call, request->name())), response);
    });
  }

  grpc::ServerUnaryReactor* ListJobs(grpc::CallbackServerContext* context, const v1::ListJobsRequest* request,
                                     v1::ListJobsResponse* response) override {
    return Unary(context, pool_, [=, this](const CallContext& call) -> absl::Status {
      PROCTOR_ASSIGN_OR_RETURN(const auto page,
                               store_.List(call, request->page_size(), request->page_token()));
      for (const v1::Job& job : page.jobs) {
        const auto current = runner_.Get(call, job.name());
        *response->add_jobs() = ShownJob(current.ok() ? *current : job);
      }
      response->set_next_page_token(page.next_page_token);
      return absl::OkStatus();
    });
  }

  grpc::ServerWriteReactor<v1::Job>* WatchJob(grpc::CallbackServerContext* context,
                                              const v1::WatchJobRequest* request) override {
    return ServeWrites<v1::Job>(context, pool_,
                                std::make_unique<JobWatcher>(runner_, pool_, request->name()));
  }

  grpc::ServerUnaryReactor* PauseJob(grpc::CallbackServerContext* context, const v1::PauseJobRequest* request,
                                     v1::Job* response) override {
    return Unary(context, pool_, [=, this](const CallContext& call) {
      return Assign(Shown(runner_.Pause(call, request->name())), response);
    });
  }

  grpc::ServerUnaryReactor* ResumeJob(grpc::CallbackServerContext* context,
                                      const v1::ResumeJobRequest* request, v1::Job* response) override {
    return Unary(context, pool_, [=, this](const CallContext& call) {
      return Assign(Shown(runner_.Resume(call, request->name())), response);
    });
  }

  grpc::ServerUnaryReactor* CancelJob(grpc::CallbackServerContext* context,
                                      const v1::CancelJobRequest* request, v1::Job* response) override {
    return Unary(context, pool_, [=, this](const CallContext& call) {
      return Assign(Shown(runner_.Cancel(call, request->name())), response);
    });
  }

 private:
  JobRunner& runner_;
  storage::JobStore& store_;
  Executor& pool_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeJobService(JobRunner& runner, storage::JobStore& store, Executor& pool) {
  return std::make_unique<JobServiceImpl>(runner, store, pool);
}

}  // namespace proctor::server
