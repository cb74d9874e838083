#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <string>

#include "gtest/gtest.h"
#include "reward/subscription.h"
#include "tests/reward/reward_testing.h"

namespace proctor::reward {
namespace {

// Random interleavings of appends (repeated ones, too), credits, acks, reconnects and crashes of
// server and client: after dedupe by id every reward and every group arrives exactly once.
class RandomStreams {
 public:
  RandomStreams(RewardWorld::Engine engine, uint32_t seed) : world_(engine), random_(seed) {
    v1::ConsumerFilter groups;
    groups.set_delivery(v1::DELIVERY_GROUPS);
    world_.MakeConsumer("each");
    world_.MakeConsumer("groups", groups);
    StartServer();
  }
  ~RandomStreams() { StopServer(); }

  void Run(int moves) {
    for (int i = 0; i < moves; ++i) Move();
    // In the end everything is delivered.
    for (Client& client : clients_) {
      Connect(client);
      client.stream->AddCredits(1000);
      pool_.RunAll();
      while (Receive(client)) pool_.RunAll();
    }
    Check();
  }

 private:
  struct Client {
    std::string consumer;
    std::shared_ptr<Subscription> stream;
    // Durable with the client: what it has, by id.
    std::map<std::string, int> rewards, complete;
    int64_t last = 0;
  };

  int Below(int n) { return static_cast<int>(random_() % n); }

  void Move() {
    Client& client = clients_[Below(2)];
    switch (Below(16)) {
      case 0:
      case 1:
      case 2:
        AppendNext();
        break;
      case 3:
        if (appended_ > 0) world_.Append(RewardNumber(1 + Below(appended_)));
        break;
      case 4:
        if (Below(3) == 0 || !client.stream) Connect(client);
        break;
      case 5:
        if (client.stream) client.stream->AddCredits(1 + Below(3));
        break;
      case 6:
        if (client.stream) client.stream->Ack(client.last);
        break;
      case 7:
      case 8:
        Receive(client);
        break;
      case 9:
      case 10:
        pool_.RunOne();
        break;
      case 11:
        if (Below(4) == 0) Restart();
        break;
      case 12:
        if (client.stream && Below(4) == 0) client.stream->Finish();
        break;
      default:
        pool_.RunOne();
        break;
    }
  }

  v1::Reward RewardNumber(int n) {
    const std::string id = absl::StrCat("t", n);
    // Every third belongs to a group of two.
    const std::string group = n % 3 == 0 ? absl::StrCat("g", n / 6) : "";
    return n % 5 == 0 ? Masked(id, group) : Valid(id, group);
  }
  void AppendNext() {
    ++appended_;
    if (appended_ % 3 == 0) world_.MakeGroup(absl::StrCat("g", appended_ / 6), 2);
    world_.Append(RewardNumber(appended_));
  }
  void Connect(Client& client) {
    if (client.stream && Below(2) == 0) client.stream->Close();
    client.stream = hub_->Open(client.consumer, nullptr);
  }
  bool Receive(Client& client) {
    if (!client.stream) return false;
    const auto response = client.stream->Next();
    if (!response) return false;
    EXPECT_LE(response->committed_offset(), std::max(client.last, response->end_offset()));
    for (const v1::RewardRecord& record : response->records()) {
      client.last = std::max(client.last, record.offset());
      if (record.has_reward()) {
        ++client.rewards[record.reward().reward_id()];
      } else {
        ++client.complete[record.group_complete().group_complete_id()];
        for (const v1::Reward& reward : record.group_complete().rewards())
          ++client.rewards[reward.reward_id()];
      }
    }
    return true;
  }
  void StartServer() {
    hub_ = std::make_unique<SubscriptionHub>(world_.log(), world_.consumers(), pool_, nullptr);
  }
  void StopServer() {
    hub_->EndAll(absl::UnavailableError("stop"));
    pool_.Drop();  // a crash: what was not committed is lost
    for (Client& client : clients_) client.stream.reset();
    hub_.reset();
  }
  void Restart() {
    StopServer();
    world_.Restart();
    StartServer();
  }
  void Check() {
    size_t grouped = 0, whole = 0;
    std::map<std::string, int> places;
    for (int n = 1; n <= appended_; ++n) {
      if (n % 3 != 0) continue;
      ++grouped;
      whole += ++places[RewardNumber(n).group()] == 2;
    }
    EXPECT_EQ(clients_[0].rewards.size(), static_cast<size_t>(appended_));
    EXPECT_TRUE(clients_[0].complete.empty());
    EXPECT_EQ(clients_[1].complete.size(), whole);
    EXPECT_EQ(clients_[1].rewards.size(), static_cast<size_t>(appended_) - grouped + 2 * whole);
  }

  RewardWorld world_;
  std::mt19937 random_;
  ManualExecutor pool_;
  std::unique_ptr<SubscriptionHub> hub_;
  Client clients_[2] = {{"consumers/each", {}, {}, {}, 0}, {"consumers/groups", {}, {}, {}, 0}};
  int appended_ = 0;
};

TEST(RandomStreamsTest, ExactlyOnceAfterDedupeInMemory) {
  for (uint32_t seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    RandomStreams(RewardWorld::Engine::kMemory, seed).Run(1000);
  }
}

TEST(RandomStreamsTest, ExactlyOnceAfterDedupeAcrossRestartsOfSqlite) {
  for (uint32_t seed = 1; seed <= 5; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    RandomStreams(RewardWorld::Engine::kSqlite, seed).Run(300);
  }
}

}  // namespace
}  // namespace proctor::reward
