#include "fake_server.h"

#include <grpcpp/grpcpp.h>

#include <chrono>

#include "absl/strings/str_cat.h"
#include "fake_world.h"
#include "proctor/v1/trajectory_service.grpc.pb.h"

namespace proctor::client {
namespace {

class Trajectories final : public v1::TrajectoryService::Service {
 public:
  explicit Trajectories(World& world) : world_(world) {}

  // Breaks off after the first part when told to fail.
  Status ReadBlob(ServerContext*, const v1::ReadBlobRequest* request,
                  grpc::ServerWriter<v1::ReadBlobResponse>* writer) override {
    if (request->digest() != std::string(64, 'a')) return NotFound("blob");
    v1::ReadBlobResponse chunk;
    chunk.set_data("one ");
    writer->Write(chunk);
    const Status status = Unary(world_, "ReadBlob", [] { return Status::OK; });
    if (!status.ok()) return status;
    for (const char* part : {"two ", "three"}) {
      chunk.set_data(part);
      writer->Write(chunk);
    }
    return Status::OK;
  }

 private:
  World& world_;
};

class FakeServerImpl final : public FakeServer {
 public:
  explicit FakeServerImpl(int port) {
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
    // Clients may ping as often as a test likes.
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PING_STRIKES, 0);
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);  // A port is nobody else's too.
    builder.AddListeningPort(absl::StrCat("127.0.0.1:", port), grpc::InsecureServerCredentials(),
                             &port_);
    services_.push_back(MakeFakeEnvironments(world_));
    services_.push_back(MakeFakeRewards(world_));
    services_.push_back(MakeFakeTasks(world_));
    services_.push_back(MakeFakeJobs(world_));
    services_.push_back(std::make_unique<Trajectories>(world_));
    for (const auto& service : services_) builder.RegisterService(service.get());
    server_ = builder.BuildAndStart();
  }
  ~FakeServerImpl() override {
    {
      MutexLock lock(world_.mutex);
      world_.stopping = true;
      world_.changed.SignalAll();
    }
    if (server_ == nullptr) return;
    server_->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(1));
    server_->Wait();
  }

  bool listens() const { return server_ != nullptr; }
  std::string address() const override { return absl::StrCat("127.0.0.1:", port_); }
  int port() const override { return port_; }
  void FailUnary(int count, bool after, absl::StatusCode code) override {
    MutexLock lock(world_.mutex);
    world_.fail_unary = count;
    world_.fail_unary_with = static_cast<StatusCode>(code);
    world_.fail_after = after;
  }
  void RefuseWatches(int count) override {
    MutexLock lock(world_.mutex);
    world_.refuse_watches = count;
  }
  void BreakAct(int count) override {
    MutexLock lock(world_.mutex);
    world_.break_act = count;
  }
  void BreakRewardsEvery(int count) override {
    MutexLock lock(world_.mutex);
    world_.break_rewards_every = count;
  }
  void FailAcks(int count, absl::StatusCode code) override {
    MutexLock lock(world_.mutex);
    world_.fail_acks = count;
    world_.fail_acks_with = static_cast<StatusCode>(code);
  }
  void HoldKeepAlives() override {
    MutexLock lock(world_.mutex);
    world_.hold_keep_alives = true;
  }
  int keep_alives_held() const override {
    MutexLock lock(world_.mutex);
    return world_.keep_alives_held;
  }
  int keep_alives_given_up() const override {
    MutexLock lock(world_.mutex);
    return world_.keep_alives_given_up;
  }
  void CloseSessions() override {
    MutexLock lock(world_.mutex);
    for (auto& [name, session] : world_.sessions) session.set_state(v1::SESSION_STATE_CLOSED);
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
  std::vector<std::unique_ptr<grpc::Service>> services_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace

std::unique_ptr<FakeServer> FakeServer::Start(int port) {
  auto server = std::make_unique<FakeServerImpl>(port);
  if (!server->listens()) return nullptr;
  return server;
}

}  // namespace proctor::client
