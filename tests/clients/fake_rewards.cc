#include <thread>

#include "fake_world.h"
#include "proctor/v1/reward_service.grpc.pb.h"

namespace proctor::client {
namespace {

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
        return {world_.fail_acks_with, "the disk is full on purpose"};
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

}  // namespace

std::unique_ptr<grpc::Service> MakeFakeRewards(World& world) { return std::make_unique<Rewards>(world); }

}  // namespace proctor::client
