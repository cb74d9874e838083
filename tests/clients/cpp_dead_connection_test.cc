// The C++ client on a connection over which nothing comes any more, though nobody closed it.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <atomic>

#include "clients/cpp/client.h"
#include "clients/cpp/rewards.h"
#include "clients/cpp/session.h"
#include "fake_server.h"
#include "raw_peer.h"

namespace proctor::client {
namespace {

// Passes bytes on to a server. Connections that stand when it is frozen stay open and take what is sent to them, but nothing comes
// through any more; later ones work.
class FreezingRelay {
 public:
  explicit FreezingRelay(int port)
      : server_([this, port](net::RawPeer client) { Relay(std::move(client), static_cast<uint16_t>(port)); }) {}

  std::string address() const { return "127.0.0.1:" + std::to_string(server_.port()); }
  void Freeze() { ++freezes_; }

 private:
  void Relay(net::RawPeer client, uint16_t port) const {
    const int born = freezes_;
    net::RawPeer server = net::RawPeer::Connect(port);
    char bytes[16 << 10];
    const auto pass_on = [&](const net::RawPeer& from, net::RawPeer& to) {
      const ssize_t n = recv(from.fd(), bytes, sizeof bytes, 0);
      if (n <= 0) return false;
      return freezes_ != born || to.Send({bytes, static_cast<size_t>(n)});
    };
    for (;;) {
      pollfd waits[] = {{client.fd(), POLLIN, 0}, {server.fd(), POLLIN, 0}};
      poll(waits, 2, -1);
      if (waits[0].revents != 0 && !pass_on(client, server)) return;
      if (waits[1].revents != 0 && !pass_on(server, client)) return;
    }
  }

  std::atomic<int> freezes_ = 0;
  net::RawServer server_;
};

class DeadConnectionTest : public testing::Test {
 protected:
  void SetUp() override {
    auto client = Client::Connect({.address = relay_.address(),
                                   .first_backoff = absl::Milliseconds(5),
                                   .keepalive_time = absl::Milliseconds(200),
                                   .keepalive_timeout = absl::Seconds(1)});
    ASSERT_TRUE(client.ok()) << client.status();
    client_ = *std::move(client);
  }

  std::unique_ptr<FakeServer> server_ = FakeServer::Start();
  FreezingRelay relay_{server_->port()};
  std::unique_ptr<Client> client_;
};

TEST_F(DeadConnectionTest, ARewardStreamGoesOnOverAnother) {
  server_->AddRewards(1);
  SubscriptionOptions options{.consumer = "trainer"};
  options.start.set_earliest(true);
  const auto rewards = RewardSubscription::Open(*client_, options);
  ASSERT_TRUE(rewards.ok()) << rewards.status();
  ASSERT_TRUE((*rewards)->Next(absl::Seconds(20)).ok());
  relay_.Freeze();
  server_->AddRewards(1);
  const auto record = (*rewards)->Next(absl::Seconds(20));
  ASSERT_TRUE(record.ok()) << record.status();
  EXPECT_EQ(record->offset(), 2);
}

TEST_F(DeadConnectionTest, AStreamThatOnlyListensIsPingedForAsLongAsItTakes) {
  const auto rewards = RewardSubscription::Open(*client_, {.consumer = "trainer"});
  ASSERT_TRUE(rewards.ok()) << rewards.status();
  // Longer than for the two pings that gRPC sends by default without data between; they are at least 1 s apart.
  EXPECT_TRUE(absl::IsDeadlineExceeded((*rewards)->Next(absl::Seconds(3)).status()));
  relay_.Freeze();
  server_->AddRewards(1);
  const auto record = (*rewards)->Next(absl::Seconds(20));
  ASSERT_TRUE(record.ok()) << record.status();
  EXPECT_EQ(record->offset(), 1);
}

TEST_F(DeadConnectionTest, AWatchOfAJobGoesOnOverAnother) {
  v1::ProposeTasksRequest request;
  request.set_count(10);
  ASSERT_TRUE(client_->Call<v1::Job>(request).ok());
  relay_.Freeze();
  const auto job = client_->WaitJob("propose", absl::Seconds(20));
  ASSERT_TRUE(job.ok()) << job.status();
  EXPECT_EQ(job->state(), v1::JOB_STATE_SUCCEEDED);
}

TEST_F(DeadConnectionTest, AVerbIsToldAgainOverAnother) {
  const auto session = Session::Open(*client_, {.environment = "null", .verb_timeout = absl::Seconds(20)});
  ASSERT_TRUE(session.ok()) << session.status();
  auto episode = (*session)->Start("t1", {});
  ASSERT_TRUE(episode.ok()) << episode.status();
  relay_.Freeze();
  const auto ended = episode->End(v1::CLIENT_END_DONE);
  EXPECT_TRUE(ended.ok()) << ended.status();
}

}  // namespace
}  // namespace proctor::client
