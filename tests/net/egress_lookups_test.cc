// Names that the proxy looks up: once, checked, and nobody at the cost of others.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "absl/strings/str_cat.h"
#include "common/mutex.h"
#include "egress_fixture.h"

namespace proctor::net {
namespace {

using testing::StartsWith;

class EgressLookupsTest : public EgressFixture {};

TEST_F(EgressLookupsTest, ResolvesOnceAndConnectsToTheCheckedAddress) {
  RawServer server(EchoRequests);
  std::atomic<int> lookups = 0;
  // A rebinding name: allowed the first time, the metadata address ever after.
  options_.resolver = [&](const std::string& host) -> absl::StatusOr<std::vector<std::string>> {
    if (host == "gone.test") return absl::UnavailableError("no such name");
    if (host == "mixed.test") return std::vector<std::string>{"169.254.169.254", "127.0.0.1"};
    if (host == "empty.test") return std::vector<std::string>{};
    return std::vector<std::string>{++lookups == 1 ? "127.0.0.1" : "169.254.169.254"};
  };
  const uint16_t port = Open();
  EXPECT_THAT(Get(port, absl::StrCat("rebind.test:", server.port())), StartsWith("HTTP/1.1 200"));
  EXPECT_EQ(lookups, 1);
  EXPECT_THAT(Get(port, absl::StrCat("rebind.test:", server.port())), StartsWith("HTTP/1.1 403"));
  EXPECT_THAT(Get(port, absl::StrCat("mixed.test:", server.port())), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(Get(port, "gone.test"), StartsWith("HTTP/1.1 502"));
  EXPECT_THAT(Get(port, "empty.test"), StartsWith("HTTP/1.1 502"));
}

TEST_F(EgressLookupsTest, NamesOutsideTheListAreNotLookedUp) {
  std::atomic<int> lookups = 0;
  options_.resolver = [&](const std::string&) -> absl::StatusOr<std::vector<std::string>> {
    ++lookups;
    return std::vector<std::string>{"8.8.8.8"};
  };
  const uint16_t port =
      Open({.allowed_hosts = {"example.org"}, .allow_private = false, .narrowed_to = {}});
  EXPECT_THAT(Get(port, "secret-in-a-name.evil.test"), StartsWith("HTTP/1.1 403"));
  EXPECT_EQ(lookups, 0);
}

TEST_F(EgressLookupsTest, SlowLookupsGive504) {
  options_.connect_timeout = absl::Milliseconds(50);
  CondVar wake;
  Mutex mutex;
  bool done = false;
  options_.resolver = [&](const std::string&) -> absl::StatusOr<std::vector<std::string>> {
    MutexLock lock(mutex);
    while (!done) wake.Wait(mutex);
    return std::vector<std::string>{"127.0.0.1"};
  };
  EXPECT_THAT(Get(Open(), "slow.test"), StartsWith("HTTP/1.1 504"));
  {
    MutexLock lock(mutex);
    done = true;
    wake.SignalAll();
  }
  proxy_.reset();  // Ends the lookup, which uses what is local here.
}

// Names below .stuck are found only once it is let go.
class StuckLookups {
 public:
  EgressProxy::Resolver resolver() {
    return [this](const std::string& host) -> absl::StatusOr<std::vector<std::string>> {
      MutexLock lock(mutex_);
      if (host.ends_with(".stuck")) {
        ++begun_;
        changed_.SignalAll();
        while (!let_go_) changed_.Wait(mutex_);
      }
      return std::vector<std::string>{"127.0.0.1"};
    };
  }
  void AwaitBegun(int count) {
    MutexLock lock(mutex_);
    while (begun_ < count) changed_.Wait(mutex_);
  }
  int begun() {
    MutexLock lock(mutex_);
    return begun_;
  }
  void LetGo() {
    MutexLock lock(mutex_);
    let_go_ = true;
    changed_.SignalAll();
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  int begun_ ABSL_GUARDED_BY(mutex_) = 0;
  bool let_go_ ABSL_GUARDED_BY(mutex_) = false;
};

TEST_F(EgressLookupsTest, NamesThatAreNotFoundKeepNoOtherListenerFromTheirs) {
  StuckLookups stuck;
  options_.resolver = stuck.resolver();
  options_.lookups = {.threads = 4, .reserved = 1, .running_per_owner = 3, .queued_per_owner = 5};
  RawServer server(EchoRequests);
  const std::string at = absl::StrCat("found.test:", server.port());
  const uint16_t hostile = Open();
  std::vector<RawPeer> peers;
  for (int i = 0; i < 9; ++i) {
    peers.push_back(RawPeer::Connect(hostile));
    peers.back().Send(absl::StrCat("CONNECT n", i, ".stuck:1 HTTP/1.1\r\nHost: x\r\n\r\n"));
  }
  // Three of them run; one of the six others is one too many.
  stuck.AwaitBegun(3);
  do {
    ASSERT_THAT(Get(Open(), at), StartsWith("HTTP/1.1 200"));
  } while (RefusedSoFar() == 0);
  EXPECT_EQ(stuck.begun(), 3);
  stuck.LetGo();
  int refused = 0;
  for (RawPeer& peer : peers) {
    const std::string reply = peer.ReadReply();
    const bool too_many = reply.find("too many names") != std::string::npos;
    // Its own limit is not the host's failure.
    EXPECT_THAT(reply, StartsWith(too_many ? "HTTP/1.1 503" : "HTTP/1.1 502"));
    if (too_many) ++refused;
  }
  EXPECT_EQ(refused, 1);
  EXPECT_THAT(Get(hostile, at), StartsWith("HTTP/1.1 200"));
  proxy_.reset();  // Its lookups use what is local here.
}

TEST_F(EgressLookupsTest, LookupsThatNobodyWaitsForAnyMoreAreNotMade) {
  StuckLookups stuck;
  options_.resolver = stuck.resolver();
  options_.lookups = {.threads = 1, .reserved = 0, .running_per_owner = 1, .queued_per_owner = 5};
  options_.connect_timeout = absl::Milliseconds(50);
  const uint16_t port = Open();
  for (const char* host : {"one.stuck", "two.stuck", "three.stuck"}) {
    EXPECT_THAT(Get(port, host), StartsWith("HTTP/1.1 504"));
  }
  stuck.AwaitBegun(1);
  stuck.LetGo();
  // Its lookup comes after whatever waits.
  RawServer server(EchoRequests);
  while (!Get(port, absl::StrCat("found.test:", server.port())).starts_with("HTTP/1.1 200")) {
  }
  EXPECT_EQ(stuck.begun(), 1);
  proxy_.reset();  // Its lookups use what is local here.
}

}  // namespace
}  // namespace proctor::net
