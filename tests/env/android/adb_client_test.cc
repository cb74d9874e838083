// The wire protocol against servers that do not keep to it.
#include "env/android/adb_client.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <list>
#include <thread>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/net/hanging_resolver.h"

namespace proctor::env::android {
namespace {

using testing::HasSubstr;

// Says the same to everybody who connects, whatever is asked.
class ScriptedServer {
 public:
  enum class Then { kClose, kSilence, kEndless };
  ScriptedServer(std::string reply, Then then) : reply_(std::move(reply)), then_(then), fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(listen(fd_, 8), 0);
    getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    address_.port = ntohs(address.sin_port);
    thread_ = std::thread([this] { Accept(); });
  }
  ~ScriptedServer() {
    stop_ = true;
    shutdown(fd_, SHUT_RDWR);
    thread_.join();
    for (std::thread& peer : peers_) peer.join();
    close(fd_);
  }
  AdbClient client() const { return AdbClient(address_); }

 private:
  void Accept() {
    while (!stop_) {
      const int peer = accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
      if (peer < 0) return;
      peers_.emplace_back([this, peer] { Serve(peer); });
    }
  }
  void Serve(int peer) {
    send(peer, reply_.data(), reply_.size(), MSG_NOSIGNAL);
    if (then_ == Then::kEndless) {
      const std::string more(65536, 'x');
      while (!stop_ && send(peer, more.data(), more.size(), MSG_NOSIGNAL) > 0) {
      }
    }
    // Reads what is asked until the client has had enough.
    if (then_ == Then::kClose) shutdown(peer, SHUT_WR);
    char bytes[4096];
    while (recv(peer, bytes, sizeof bytes, 0) > 0) {
    }
    close(peer);
  }

  const std::string reply_;
  const Then then_;
  const int fd_;
  AdbAddress address_;
  std::atomic<bool> stop_ = false;
  std::list<std::thread> peers_;
  std::thread thread_;
};

CallContext Long() { return CallContext::WithTimeout(absl::Seconds(60)); }
CallContext Short() { return CallContext::WithTimeout(absl::Milliseconds(100)); }

// Everything a client can ask, of one server.
std::vector<absl::Status> AskAll(const AdbClient& client, const CallContext& context) {
  std::string bytes;
  return {client.Version(context).status(),
          client.Devices(context).status(),
          client.Features(context, "s").status(),
          client.ConnectDevice(context, "h:1"),
          client.Shell(context, "s", "true", 100'000).status(),
          client.Stat(context, "s", "/a").status(),
          client.Pull(context, "s", "/a", 100'000).status(),
          client.Push(context, "s", "/a", "b")};
}

std::string Packet(char id, uint32_t size, const std::string& bytes) {
  return absl::StrCat(std::string(1, id),
                      std::string({static_cast<char>(size), static_cast<char>(size >> 8), static_cast<char>(size >> 16), static_cast<char>(size >> 24)}),
                      bytes);
}

TEST(AdbClientTest, GarbageAndCutRepliesAreErrors) {
  for (const std::string reply : {"", "O", "OKA", "OKAY", "FAIL", "FAIL0005ab", "FAILzzzz", "OKAYffffab", "OKAY-001", "HTTP/1.1 400 Bad Request\r\n\r\n",
                                  "OKAYOKAY", "OKAYOKAY\x01", "OKAYOKAYSTAT", "OKAYOKAYDATA\xff\xff\xff\x7f", "OKAYOKAYFAIL\xff\xff\xff\xff"}) {
    const ScriptedServer server(reply, ScriptedServer::Then::kClose);
    for (const absl::Status& status : AskAll(server.client(), Long())) {
      EXPECT_FALSE(status.ok()) << reply;
      EXPECT_NE(status.code(), absl::StatusCode::kDeadlineExceeded) << reply;
    }
  }
}

TEST(AdbClientTest, SilenceEndsWithTheDeadline) {
  for (const std::string reply : {"", "OK", "OKAY", "OKAY00"}) {
    const ScriptedServer server(reply, ScriptedServer::Then::kSilence);
    for (const absl::Status& status : AskAll(server.client(), Short())) {
      EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded) << reply << status;
    }
  }
  // Within what a device answers.
  for (const std::string reply : {"OKAYOKAY", "OKAYOKAY\x01"}) {
    const ScriptedServer server(reply, ScriptedServer::Then::kSilence);
    EXPECT_EQ(server.client().Shell(Short(), "s", "true").status().code(), absl::StatusCode::kDeadlineExceeded) << reply;
    EXPECT_EQ(server.client().Pull(Short(), "s", "/a", 100).status().code(), absl::StatusCode::kDeadlineExceeded) << reply;
  }
}

TEST(AdbClientTest, AHostThatIsLookedUpForLongEndsWithTheDeadline) {
  const net::HangingResolver hanging;
  AdbAddress address;
  address.host = net::kHangingName;
  EXPECT_EQ(AdbClient(address).Version(Short()).status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(hanging.begun(), 1);
}

TEST(AdbClientTest, SilenceEndsWithCancellation) {
  const ScriptedServer server("OKAY", ScriptedServer::Then::kSilence);
  CallContext context = Long();
  std::thread cancel([&] {
    absl::SleepFor(absl::Milliseconds(50));
    context.cancel()->Cancel();
  });
  EXPECT_EQ(server.client().Version(context).status().code(), absl::StatusCode::kCancelled);
  cancel.join();
}

TEST(AdbClientTest, EndlessStreamsAreCut) {
  const ScriptedServer server("OKAYOKAY", ScriptedServer::Then::kEndless);
  for (const absl::Status& status : AskAll(server.client(), Long())) EXPECT_FALSE(status.ok());
  std::string bytes;
  EXPECT_EQ(server.client().ExecUnless(Long(), "s", "cat", 1'000'000, "", bytes).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(bytes, "");
  std::string packets = "OKAYOKAY";
  for (int i = 0; i < 10; ++i) packets += Packet(1, 50'000, std::string(50'000, 'x'));
  const ScriptedServer shell(packets, ScriptedServer::Then::kSilence);
  EXPECT_EQ(shell.client().Shell(Long(), "s", "cat", 100'000).status().code(), absl::StatusCode::kResourceExhausted);
}

TEST(AdbClientTest, KnowsOutputThatItExpects) {
  const std::string whole(300'000, 'x');
  const ScriptedServer server("OKAYOKAY" + whole, ScriptedServer::Then::kClose);
  const auto ask = [&](const std::string& expected, std::string& output) {
    const auto same = server.client().ExecUnless(Long(), "s", "cat", 1'000'000, expected, output);
    EXPECT_TRUE(same.ok()) << same.status();
    return *same;
  };
  std::string output = "before";
  EXPECT_TRUE(ask(whole, output));
  for (const std::string& expected : {std::string(), std::string("y"), whole.substr(1), whole + "x", whole.substr(0, 200'000) + std::string(100'000, 'y')}) {
    output = "something else";
    EXPECT_FALSE(ask(expected, output));
    EXPECT_EQ(output, whole);
  }
}

TEST(AdbClientTest, MalformedShellPacketsAreErrors) {
  for (const std::string& packet : {Packet(1, 0xffffffff, ""), Packet(9, 1, "x"), Packet(3, 5, "abcde"), Packet(3, 0, ""), Packet(1, 5, "ab")}) {
    const ScriptedServer server("OKAYOKAY" + packet, ScriptedServer::Then::kClose);
    EXPECT_FALSE(server.client().Shell(Long(), "s", "true").ok());
  }
  const ScriptedServer fine(absl::StrCat("OKAYOKAY", Packet(1, 3, "out"), Packet(2, 3, "err"), Packet(1, 0, ""), Packet(3, 1, "\x07")),
                            ScriptedServer::Then::kClose);
  const auto result = fine.client().Shell(Long(), "s", "true");
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->output, "out");
  EXPECT_EQ(result->errors, "err");
  EXPECT_EQ(result->exit_code, 7);
}

TEST(AdbClientTest, TellsTheServersReason) {
  const ScriptedServer server("FAIL0015device 'xx' not found", ScriptedServer::Then::kClose);
  const absl::Status status = server.client().Shell(Long(), "xx", "true").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("device 'xx' not found"));
}

TEST(AdbClientTest, RefusesRequestsThatCannotBeSent) {
  const ScriptedServer server("OKAYOKAY", ScriptedServer::Then::kClose);
  const AdbClient client = server.client();
  EXPECT_EQ(client.Shell(Long(), "s", std::string(kMaxCommandBytes + 1, 'x')).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(client.Shell(Long(), "s", std::string("a\0b", 3)).status().code(), absl::StatusCode::kInvalidArgument);
  for (const std::string serial : {"", "a b", "a\nb"}) {
    EXPECT_EQ(client.Shell(Long(), serial, "true").status().code(), absl::StatusCode::kInvalidArgument);
  }
  for (const std::string& path : {std::string("relative"), std::string(), "/" + std::string(2000, 'x')}) {
    EXPECT_EQ(client.Pull(Long(), "s", path, 10).status().code(), absl::StatusCode::kInvalidArgument);
  }
}

TEST(AdbClientTest, ParsesListsOfDevices) {
  const auto devices = ParseDeviceList("emulator-5554\tdevice\n10.0.0.7:5555\tunauthorized\n");
  ASSERT_TRUE(devices.ok());
  ASSERT_EQ(devices->size(), 2u);
  EXPECT_EQ((*devices)[1].state, "unauthorized");
  EXPECT_TRUE(ParseDeviceList("")->empty());
  for (const std::string text : {"nothing", "\tdevice", "a b\tdevice", "a\t"}) EXPECT_FALSE(ParseDeviceList(text).ok()) << text;
  std::string many;
  for (int i = 0; i < 2000; ++i) absl::StrAppend(&many, i, "\tdevice\n");
  EXPECT_FALSE(ParseDeviceList(many).ok());
}

TEST(AdbClientTest, ATrackerGoesOnAfterAWaitInVain) {
  const ScriptedServer server("OKAY0000000aone\tdevice", ScriptedServer::Then::kSilence);
  const auto tracker = server.client().Track(Long());
  ASSERT_TRUE(tracker.ok()) << tracker.status();
  EXPECT_TRUE((*tracker)->Next(Long())->empty());
  EXPECT_EQ((*(*tracker)->Next(Long()))[0].serial, "one");
  EXPECT_EQ((*tracker)->Next(Short()).status().code(), absl::StatusCode::kDeadlineExceeded);
  const ScriptedServer garbage("OKAYxxxx", ScriptedServer::Then::kSilence);
  EXPECT_EQ((*garbage.client().Track(Long()))->Next(Long()).status().code(), absl::StatusCode::kDataLoss);
}

TEST(AdbClientTest, NobodyListens) {
  AdbAddress address;
  address.port = 1;
  EXPECT_EQ(AdbClient(address).Version(Long()).status().code(), absl::StatusCode::kUnavailable);
  address.host = "no-such-host.invalid";
  EXPECT_EQ(AdbClient(address).Version(Long()).status().code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace proctor::env::android
