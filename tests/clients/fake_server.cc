#include "fake_server.h"

#include <grpcpp/grpcpp.h>

#include "absl/strings/str_cat.h"
#include "common/mutex.h"
#include "common/proto_time.h"
#include "proctor/v1/environment_service.grpc.pb.h"
#include "proctor/v1/evaluation_service.grpc.pb.h"
#include "proctor/v1/job_service.grpc.pb.h"
#include "proctor/v1/reward_service.grpc.pb.h"
#include "proctor/v1/task_service.grpc.pb.h"
#include "proctor/v1/trajectory_service.grpc.pb.h"

namespace proctor::client {
namespace {

using grpc::ServerContext;
using grpc::Status;
using grpc::StatusCode;

// What the services share.
struct World {
  Mutex mutex;
  std::map<std::string, int> calls ABSL_GUARDED_BY(mutex);
  std::map<std::string, v1::Session> sessions ABSL_GUARDED_BY(mutex);
  std::map<std::string, v1::Episode> episodes ABSL_GUARDED_BY(mutex);
  // Answers by request id.
  std::map<std::string, v1::ActResponse> replays ABSL_GUARDED_BY(mutex);
  std::vector<std::string> request_ids ABSL_GUARDED_BY(mutex);
  std::vector<v1::RewardRecord> log ABSL_GUARDED_BY(mutex);
  std::map<std::string, v1::Consumer> consumers ABSL_GUARDED_BY(mutex);
  std::map<std::string, v1::Task> tasks ABSL_GUARDED_BY(mutex);
  std::map<std::string, v1::Job> jobs ABSL_GUARDED_BY(mutex);
  CondVar changed;
  int fail_unary ABSL_GUARDED_BY(mutex) = 0;
  bool fail_after ABSL_GUARDED_BY(mutex) = false;
  int break_act ABSL_GUARDED_BY(mutex) = 0;
  int break_rewards_every ABSL_GUARDED_BY(mutex) = 0;
  int fail_acks ABSL_GUARDED_BY(mutex) = 0;
  int steps ABSL_GUARDED_BY(mutex) = 0;
  bool credits_kept ABSL_GUARDED_BY(mutex) = true;
  bool stopping ABSL_GUARDED_BY(mutex) = false;
};

Status Gone() { return {StatusCode::UNAVAILABLE, "broken on purpose"}; }
Status NotFound(const std::string& name) { return {StatusCode::NOT_FOUND, "no " + name}; }

// Counts the call; decides whether it fails before or after its work.
template <typename Work>
Status Unary(World& world, const std::string& method, Work work) {
  MutexLock lock(world.mutex);
  ++world.calls[method];
  const bool fail = world.fail_unary > 0;
  if (fail) --world.fail_unary;
  if (fail && !world.fail_after) return Gone();
  const Status status = work();
  return fail ? Gone() : status;
}

class Environments final : public v1::EnvironmentService::Service {
 public:
  explicit Environments(World& world) : world_(world) {}

  Status ListEnvironments(ServerContext*, const v1::ListEnvironmentsRequest*,
                          v1::ListEnvironmentsResponse* response) override {
    return Unary(world_, "ListEnvironments", [&] {
      FillEnvironment(*response->add_environments());
      return Status::OK;
    });
  }
  Status GetEnvironment(ServerContext*, const v1::GetEnvironmentRequest* request,
                        v1::Environment* response) override {
    return Unary(world_, "GetEnvironment", [&] {
      if (request->name() != "environments/null") return NotFound(request->name());
      FillEnvironment(*response);
      return Status::OK;
    });
  }
  Status CreateSession(ServerContext* context, const v1::CreateSessionRequest* request,
                       v1::Session* response) override {
    return Unary(world_, "CreateSession", [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      world_.request_ids.push_back(request->request_id());
      if (request->environment() == "environments/full") {
        context->AddTrailingMetadata("grpc-retry-pushback-ms", "1500");
        return Status(StatusCode::RESOURCE_EXHAUSTED, "no free slot");
      }
      if (request->environment() != "environments/null") return NotFound(request->environment());
      const std::string name = "sessions/" + request->request_id();
      v1::Session& session = world_.sessions[name];
      session.set_name(name);
      session.set_environment(request->environment());
      session.set_state(v1::SESSION_STATE_OPEN);
      *session.mutable_lease() = request->lease();
      *response = session;
      return Status::OK;
    });
  }
  Status ListSessions(ServerContext*, const v1::ListSessionsRequest*,
                      v1::ListSessionsResponse* response) override {
    return Unary(world_, "ListSessions", [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      for (const auto& [name, session] : world_.sessions) *response->add_sessions() = session;
      return Status::OK;
    });
  }
  Status KeepAlive(ServerContext*, const v1::KeepAliveRequest* request,
                   v1::Session* response) override {
    return Unary(world_, "KeepAlive", [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      *response = world_.sessions[request->name()];
      world_.changed.SignalAll();
      return Status::OK;
    });
  }
  Status CloseSession(ServerContext*, const v1::CloseSessionRequest* request,
                      v1::Session* response) override {
    return Unary(world_, "CloseSession", [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      const auto it = world_.sessions.find(request->name());
      if (it == world_.sessions.end()) return NotFound(request->name());
      it->second.set_state(v1::SESSION_STATE_CLOSED);
      *response = it->second;
      return Status::OK;
    });
  }
  Status GetEpisode(ServerContext*, const v1::GetEpisodeRequest* request,
                    v1::Episode* response) override {
    return Unary(world_, "GetEpisode", [&] { return FindEpisode(request->name(), *response); });
  }
  Status WaitEpisode(ServerContext*, const v1::WaitEpisodeRequest* request,
                     v1::Episode* response) override {
    return Unary(world_, "WaitEpisode", [&] { return FindEpisode(request->name(), *response); });
  }

  Status Act(ServerContext*,
             grpc::ServerReaderWriter<v1::ActResponse, v1::ActRequest>* stream) override {
    v1::ActRequest request;
    while (stream->Read(&request)) {
      v1::ActResponse response = Verb(request);
      response.set_tag(request.tag());
      if (BreaksNow(request)) return Gone();
      if (!stream->Write(response)) break;
    }
    return Status::OK;
  }

 private:
  static void FillEnvironment(v1::Environment& environment) {
    environment.set_name("environments/null");
    environment.set_description("For tests");
    environment.set_available(true);
    environment.set_max_sessions(1000);
  }

  Status FindEpisode(const std::string& name, v1::Episode& out) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    const auto it = world_.episodes.find(name);
    if (it == world_.episodes.end()) return NotFound(name);
    out = it->second;
    return Status::OK;
  }

  bool BreaksNow(const v1::ActRequest& request) {
    MutexLock lock(world_.mutex);
    if (request.has_attach() || world_.break_act == 0) return false;
    --world_.break_act;
    return true;
  }

  v1::ActResponse Verb(const v1::ActRequest& request) {
    MutexLock lock(world_.mutex);
    ++world_.calls[request.GetDescriptor()->FindFieldByNumber(request.verb_case())->name()];
    v1::ActResponse response;
    switch (request.verb_case()) {
      case v1::ActRequest::kAttach:
        Attach(request.attach().session(), response);
        break;
      case v1::ActRequest::kStartEpisode:
        Once(request.start_episode().request_id(), response,
             [&] { StartOne(request.start_episode(), response); });
        break;
      case v1::ActRequest::kStep:
        Once(request.step().request_id(), response, [&] { StepOne(request.step(), response); });
        break;
      case v1::ActRequest::kObserve:
        response.mutable_observation()->set_title("looked");
        break;
      case v1::ActRequest::kEndEpisode:
        EndOne(request.end_episode(), response);
        break;
      default:
        Fail(response, StatusCode::UNIMPLEMENTED, "not here");
    }
    return response;
  }

  template <typename Work>
  void Once(const std::string& id, v1::ActResponse& response,
            Work work) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    const auto it = world_.replays.find(id);
    if (it != world_.replays.end()) {
      response = it->second;
      return;
    }
    work();
    if (!response.has_error()) world_.replays[id] = response;
  }

  static void Fail(v1::ActResponse& response, StatusCode code, const std::string& message) {
    response.mutable_error()->set_code(code);
    response.mutable_error()->set_message(message);
  }

  void Attach(const std::string& name, v1::ActResponse& response) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    const auto it = world_.sessions.find(name);
    if (it == world_.sessions.end()) return Fail(response, StatusCode::NOT_FOUND, "no " + name);
    *response.mutable_session() = it->second;
  }

  void StartOne(const v1::StartEpisodeRequest& request,
                v1::ActResponse& response) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    if (request.task() == "tasks/missing")
      return Fail(response, StatusCode::NOT_FOUND, "no tasks/missing");
    v1::Episode episode;
    episode.set_name(absl::StrCat("episodes/e", world_.episodes.size()));
    episode.set_session(request.session());
    episode.set_task(request.task());
    episode.set_state(v1::EPISODE_STATE_RUNNING);
    world_.episodes[episode.name()] = episode;
    world_.sessions[request.session()].set_episode(episode.name());
    *response.mutable_episode_start()->mutable_episode() = episode;
    response.mutable_episode_start()->mutable_observation()->set_title("start");
  }

  void StepOne(const v1::StepRequest& request,
               v1::ActResponse& response) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    v1::Episode& episode = world_.episodes[world_.sessions[request.session()].episode()];
    if (request.expected_step_index() != episode.step_count()) {
      return Fail(response, StatusCode::ABORTED, "another step index");
    }
    ++world_.steps;
    v1::StepResponse& step = *response.mutable_step();
    step.set_step_index(episode.step_count());
    episode.set_step_count(episode.step_count() + 1);
    step.mutable_observation()->set_title(absl::StrCat("step ", step.step_index()));
    if (request.action().has_answer()) {
      episode.set_state(v1::EPISODE_STATE_CLOSED);
      episode.set_end_kind(v1::END_KIND_TERMINATED);
      episode.set_result_state(v1::RESULT_STATE_READY);
      const bool right = request.action().answer().text() == "42";
      episode.mutable_verdict()->set_outcome(right ? v1::OUTCOME_SUCCESS : v1::OUTCOME_FAILURE);
      episode.mutable_reward()->set_status(v1::REWARD_STATUS_VALID);
      episode.mutable_reward()->set_value(right ? 1 : 0);
      step.set_terminated(true);
      *step.mutable_episode() = episode;
    }
  }

  void EndOne(const v1::EndEpisodeRequest& request,
              v1::ActResponse& response) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    v1::Episode& episode = world_.episodes[world_.sessions[request.session()].episode()];
    episode.set_state(v1::EPISODE_STATE_CLOSED);
    episode.set_end_kind(request.end() == v1::CLIENT_END_DONE ? v1::END_KIND_TERMINATED
                                                              : v1::END_KIND_INTERRUPTED);
    *response.mutable_episode() = episode;
  }

  World& world_;
};

class Rewards final : public v1::RewardService::Service {
 public:
  explicit Rewards(World& world) : world_(world) {}

  Status CreateConsumer(ServerContext*, const v1::CreateConsumerRequest* request,
                        v1::Consumer* response) override {
    return Unary(world_, "CreateConsumer", [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      v1::Consumer& consumer = world_.consumers[request->name()];
      if (consumer.name().empty() && !request->start().earliest()) {
        consumer.set_committed_offset(static_cast<int64_t>(world_.log.size()));
      }
      consumer.set_name(request->name());
      *response = consumer;
      return Status::OK;
    });
  }
  Status ListConsumers(ServerContext*, const v1::ListConsumersRequest*,
                       v1::ListConsumersResponse* response) override {
    return Unary(world_, "ListConsumers", [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      for (const auto& [name, consumer] : world_.consumers) *response->add_consumers() = consumer;
      return Status::OK;
    });
  }
  Status ListRewards(ServerContext*, const v1::ListRewardsRequest* request,
                     v1::ListRewardsResponse* response) override {
    return Unary(world_, "ListRewards", [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      for (const auto& record : world_.log) {
        if (record.offset() > request->after_offset()) *response->add_records() = record;
      }
      response->set_next_after_offset(static_cast<int64_t>(world_.log.size()));
      response->set_end_offset(response->next_after_offset());
      return Status::OK;
    });
  }

  Status StreamRewards(ServerContext* context,
                       grpc::ServerReaderWriter<v1::StreamRewardsResponse,
                                                v1::StreamRewardsRequest>* stream) override {
    v1::StreamRewardsRequest request;
    if (!stream->Read(&request)) return Status::OK;
    const std::string name = request.consumer();
    Feed feed;
    Status taken = Take(name, request, feed);
    if (!taken.ok()) return taken;
    Status sent;
    std::thread sender([&] {
      sent = Send(name, stream, feed);
      if (!sent.ok()) context->TryCancel();
    });
    while (taken.ok() && stream->Read(&request)) taken = Take(name, request, feed);
    {
      MutexLock lock(world_.mutex);
      feed.ended = true;
      world_.changed.SignalAll();
    }
    sender.join();
    return taken.ok() ? sent : taken;
  }

 private:
  struct Feed {
    int credits = 0;
    bool ended = false;
    bool ack_to_confirm = false;
  };

  Status Take(const std::string& name, const v1::StreamRewardsRequest& request, Feed& feed) {
    MutexLock lock(world_.mutex);
    feed.credits += request.credits();
    if (feed.credits > 10'000) world_.credits_kept = false;
    v1::Consumer& consumer = world_.consumers[name];
    if (request.ack_offset() > consumer.committed_offset()) {
      if (world_.fail_acks > 0) {
        --world_.fail_acks;
        return {StatusCode::RESOURCE_EXHAUSTED, "the disk is full on purpose"};
      }
      consumer.set_committed_offset(request.ack_offset());
      feed.ack_to_confirm = true;
    }
    world_.changed.SignalAll();
    return Status::OK;
  }

  Status Send(const std::string& name,
              grpc::ServerReaderWriter<v1::StreamRewardsResponse, v1::StreamRewardsRequest>* stream,
              Feed& feed) {
    int64_t next = -1;
    int sent = 0;
    while (true) {
      v1::StreamRewardsResponse response;
      {
        MutexLock lock(world_.mutex);
        if (next < 0) next = world_.consumers[name].committed_offset();
        const auto ready = [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
          return feed.ended || world_.stopping || feed.ack_to_confirm ||
                 (feed.credits > 0 && next < static_cast<int64_t>(world_.log.size()));
        };
        while (!ready()) world_.changed.Wait(world_.mutex);
        if (feed.ended || world_.stopping) return world_.stopping ? Gone() : Status::OK;
        if (world_.break_rewards_every > 0 && sent >= world_.break_rewards_every) return Gone();
        if (feed.credits > 0 && next < static_cast<int64_t>(world_.log.size())) {
          *response.add_records() = world_.log[static_cast<size_t>(next++)];
          --feed.credits;
          ++sent;
        }
        feed.ack_to_confirm = false;
        response.set_committed_offset(world_.consumers[name].committed_offset());
        response.set_end_offset(static_cast<int64_t>(world_.log.size()));
      }
      if (!stream->Write(response)) return Status::OK;
    }
  }

  World& world_;
};

class Tasks final : public v1::TaskService::Service {
 public:
  explicit Tasks(World& world) : world_(world) {}

  Status GetTask(ServerContext*, const v1::GetTaskRequest* request, v1::Task* response) override {
    return Unary(world_, "GetTask", [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      const auto it = world_.tasks.find(request->name());
      if (it == world_.tasks.end()) return NotFound(request->name());
      *response = it->second;
      return Status::OK;
    });
  }
  // Pages of at most four, whatever is asked.
  Status ListTasks(ServerContext*, const v1::ListTasksRequest* request,
                   v1::ListTasksResponse* response) override {
    return Unary(world_, "ListTasks", [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      for (auto it = world_.tasks.upper_bound(request->page_token()); it != world_.tasks.end();
           ++it) {
        if (response->tasks_size() == 4) {
          response->set_next_page_token(response->tasks(3).name());
          break;
        }
        *response->add_tasks() = it->second;
      }
      response->set_total_size(static_cast<int64_t>(world_.tasks.size()));
      return Status::OK;
    });
  }
  Status CreateTask(ServerContext*, const v1::CreateTaskRequest* request,
                    v1::Task* response) override {
    return Unary(world_, "CreateTask", [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      world_.request_ids.push_back(request->request_id());
      *response = request->task();
      if (response->name().empty()) response->set_name("tasks/made");
      world_.tasks[response->name()] = *response;
      return Status::OK;
    });
  }
  Status BatchCreateTasks(ServerContext*, const v1::BatchCreateTasksRequest* request,
                          v1::BatchCreateTasksResponse* response) override {
    return Unary(world_, "BatchCreateTasks", [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      for (const auto& task : request->tasks()) {
        world_.tasks[task.name()] = task;
        *response->add_tasks() = task;
      }
      return Status::OK;
    });
  }
  Status AcceptTask(ServerContext*, const v1::AcceptTaskRequest* request,
                    v1::Task* response) override {
    return Unary(world_, "AcceptTask", [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      response->set_name(request->name());
      response->set_state(v1::TASK_STATE_ACCEPTED);
      return Status::OK;
    });
  }
  Status SampleTasks(ServerContext*, const v1::SampleTasksRequest*,
                     v1::SampleTasksResponse* response) override {
    return Unary(world_, "SampleTasks", [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      *response->add_tasks() = world_.tasks.begin()->second;
      return Status::OK;
    });
  }
  Status ProposeTasks(ServerContext*, const v1::ProposeTasksRequest* request,
                      v1::Job* response) override {
    return Unary(world_, "ProposeTasks", [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      v1::Job& job = world_.jobs["jobs/propose"];
      job.set_name("jobs/propose");
      job.set_kind("propose_tasks");
      job.set_total(request->count());
      job.set_state(v1::JOB_STATE_QUEUED);
      *response = job;
      return Status::OK;
    });
  }

 private:
  World& world_;
};

class Jobs final : public v1::JobService::Service {
 public:
  explicit Jobs(World& world) : world_(world) {}

  Status GetJob(ServerContext*, const v1::GetJobRequest* request, v1::Job* response) override {
    return Unary(world_, "GetJob", [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      const auto it = world_.jobs.find(request->name());
      if (it == world_.jobs.end()) return NotFound(request->name());
      *response = it->second;
      return Status::OK;
    });
  }
  Status ListJobs(ServerContext*, const v1::ListJobsRequest*,
                  v1::ListJobsResponse* response) override {
    return Unary(world_, "ListJobs", [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      for (const auto& [name, job] : world_.jobs) *response->add_jobs() = job;
      return Status::OK;
    });
  }
  // A fifth of the work a message; "jobs/broken" fails; a stream breaks once on the way when told
  // to.
  Status WatchJob(ServerContext*, const v1::WatchJobRequest* request,
                  grpc::ServerWriter<v1::Job>* writer) override {
    v1::Job job;
    {
      MutexLock lock(world_.mutex);
      ++world_.calls["WatchJob"];
      const auto it = world_.jobs.find(request->name());
      if (it == world_.jobs.end()) return NotFound(request->name());
      job = it->second;
    }
    const int64_t total = std::max<int64_t>(job.total(), 5);
    for (int64_t done = job.done(); done <= total; done += std::max<int64_t>(1, total / 5)) {
      job.set_done(done);
      job.set_message("working");
      job.set_state(done >= total ? v1::JOB_STATE_SUCCEEDED : v1::JOB_STATE_RUNNING);
      if (job.name() == "jobs/broken" && done >= total) {
        job.set_state(v1::JOB_STATE_FAILED);
        job.set_error_message("broken on purpose");
      }
      writer->Write(job);
      MutexLock lock(world_.mutex);
      world_.jobs[job.name()] = job;
      if (world_.fail_unary > 0) {
        --world_.fail_unary;
        return Gone();
      }
    }
    return Status::OK;
  }

 private:
  World& world_;
};

class Trajectories final : public v1::TrajectoryService::Service {
 public:
  Status ReadBlob(ServerContext*, const v1::ReadBlobRequest* request,
                  grpc::ServerWriter<v1::ReadBlobResponse>* writer) override {
    if (request->digest() != std::string(64, 'a')) return NotFound("blob");
    v1::ReadBlobResponse chunk;
    for (const char* part : {"one ", "two ", "three"}) {
      chunk.set_data(part);
      writer->Write(chunk);
    }
    return Status::OK;
  }
};

class FakeServerImpl final : public FakeServer {
 public:
  explicit FakeServerImpl(int port)
      : environments_(world_), rewards_(world_), tasks_(world_), jobs_(world_) {
    {
      MutexLock lock(world_.mutex);
      for (int i = 0; i < 10; ++i) {
        v1::Task& task = world_.tasks[absl::StrCat("tasks/t", i)];
        task.set_name(absl::StrCat("tasks/t", i));
        task.set_goal(absl::StrCat("Find the answer ", i, "\nto everything"));
        task.set_environment("environments/null");
        task.set_state(v1::TASK_STATE_ACCEPTED);
        task.set_split(v1::SPLIT_TRAIN);
      }
      v1::Job& broken = world_.jobs["jobs/broken"];
      broken.set_name("jobs/broken");
      broken.set_state(v1::JOB_STATE_RUNNING);
    }
    grpc::ServerBuilder builder;
    builder.AddListeningPort(absl::StrCat("127.0.0.1:", port), grpc::InsecureServerCredentials(),
                             &port_);
    for (grpc::Service* service : std::initializer_list<grpc::Service*>{
             &environments_, &rewards_, &tasks_, &jobs_, &trajectories_}) {
      builder.RegisterService(service);
    }
    server_ = builder.BuildAndStart();
  }
  ~FakeServerImpl() override {
    {
      MutexLock lock(world_.mutex);
      world_.stopping = true;
      world_.changed.SignalAll();
    }
    server_->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(1));
    server_->Wait();
  }

  std::string address() const override { return absl::StrCat("127.0.0.1:", port_); }
  int port() const override { return port_; }
  void FailUnary(int count, bool after) override {
    MutexLock lock(world_.mutex);
    world_.fail_unary = count;
    world_.fail_after = after;
  }
  void BreakAct(int count) override {
    MutexLock lock(world_.mutex);
    world_.break_act = count;
  }
  void BreakRewardsEvery(int count) override {
    MutexLock lock(world_.mutex);
    world_.break_rewards_every = count;
  }
  void FailAcks(int count) override {
    MutexLock lock(world_.mutex);
    world_.fail_acks = count;
  }
  void AddRewards(int count) override {
    MutexLock lock(world_.mutex);
    for (int i = 0; i < count; ++i) {
      v1::RewardRecord& record = world_.log.emplace_back();
      record.set_offset(static_cast<int64_t>(world_.log.size()));
      record.mutable_reward()->set_offset(record.offset());
      record.mutable_reward()->set_reward_id(absl::StrCat("r", record.offset()));
      record.mutable_reward()->set_status(v1::REWARD_STATUS_VALID);
    }
    world_.changed.SignalAll();
  }
  int Calls(const std::string& method) const override {
    MutexLock lock(world_.mutex);
    const auto it = world_.calls.find(method);
    return it == world_.calls.end() ? 0 : it->second;
  }
  int steps() const override {
    MutexLock lock(world_.mutex);
    return world_.steps;
  }
  int open_sessions() const override {
    MutexLock lock(world_.mutex);
    int count = 0;
    for (const auto& [name, session] : world_.sessions)
      count += session.state() == v1::SESSION_STATE_OPEN;
    return count;
  }
  int64_t committed() const override {
    MutexLock lock(world_.mutex);
    return world_.consumers.empty() ? 0 : world_.consumers.begin()->second.committed_offset();
  }
  bool credits_kept() const override {
    MutexLock lock(world_.mutex);
    return world_.credits_kept;
  }
  std::vector<std::string> request_ids() const override {
    MutexLock lock(world_.mutex);
    return world_.request_ids;
  }

 private:
  mutable World world_;
  Environments environments_;
  Rewards rewards_;
  Tasks tasks_;
  Jobs jobs_;
  Trajectories trajectories_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace

std::unique_ptr<FakeServer> FakeServer::Start(int port) {
  return std::make_unique<FakeServerImpl>(port);
}

}  // namespace proctor::client
