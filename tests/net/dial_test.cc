#include "net/dial.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "hanging_resolver.h"
#include "raw_peer.h"

namespace proctor::net {
namespace {

using testing::HasSubstr;

CallContext Soon() { return CallContext::WithTimeout(absl::Seconds(20)); }

// A port of 127.0.0.1 that is bound, where nobody listens unless `backlog` is at least 0.
class Port {
 public:
  explicit Port(int backlog) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address);
    if (backlog >= 0) listen(fd_, backlog);
    socklen_t size = sizeof address;
    getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    number_ = ntohs(address.sin_port);
  }
  ~Port() { close(fd_); }
  uint16_t number() const { return number_; }

 private:
  const int fd_;
  uint16_t number_ = 0;
};

TEST(DialTest, ConnectsByNameAndByAddressWithoutDelay) {
  RawServer server([](RawPeer peer) { peer.Send("hello"); });
  for (const char* host : {"127.0.0.1", "localhost"}) {
    const absl::StatusOr<int> fd = Dial(Soon(), host, server.port());
    ASSERT_TRUE(fd.ok()) << host << ": " << fd.status();
    int on = 0;
    socklen_t size = sizeof on;
    getsockopt(*fd, IPPROTO_TCP, TCP_NODELAY, &on, &size);
    EXPECT_NE(on, 0);
    ASSERT_TRUE(PollWithContext(Soon(), *fd, POLLIN, "a greeting").ok());
    EXPECT_EQ(RawPeer(*fd).ReadExactly(5), "hello");
  }
}

TEST(DialTest, NobodyThereIsUnavailable) {
  const Port port(-1);
  EXPECT_EQ(Dial(Soon(), "127.0.0.1", port.number()).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(DialUnix(Soon(), "/nonexistent/socket").status().code(), absl::StatusCode::kUnavailable);
  const absl::Status unknown = Dial(Soon(), kHangingName, 80).status();
  EXPECT_EQ(unknown.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(unknown.message()), HasSubstr(kHangingName));
  EXPECT_EQ(DialUnix(Soon(), std::string(200, 'a')).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(DialTest, EndsAtDeadlineAndOnCancellationWhileItConnects) {
  // A backlog of one connection that nobody takes: the kernel answers no others.
  const Port port(0);
  const absl::StatusOr<int> first = Dial(Soon(), "127.0.0.1", port.number());
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(Dial(CallContext::WithTimeout(absl::Milliseconds(50)), "127.0.0.1", port.number()).status().code(), absl::StatusCode::kDeadlineExceeded);
  const CallContext context;
  std::thread canceller([&] {
    std::this_thread::yield();
    context.cancel()->Cancel();
  });
  EXPECT_EQ(Dial(context, "127.0.0.1", port.number()).status().code(), absl::StatusCode::kCancelled);
  canceller.join();
  close(*first);
}

TEST(DialTest, EndsAtItsDeadlineWhileANameIsLookedUp) {
  const HangingResolver hanging;
  EXPECT_EQ(Dial(CallContext::WithTimeout(absl::Milliseconds(20)), kHangingName, 80).status().code(), absl::StatusCode::kDeadlineExceeded);
}

}  // namespace
}  // namespace proctor::net
