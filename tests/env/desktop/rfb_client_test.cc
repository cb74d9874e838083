// The VNC client against servers that speak RFB well, badly, and not at all.
#include "env/desktop/rfb_client.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <unistd.h>
#include <zlib.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <future>

#include "env/desktop/remote_display.h"
#include "gtest/gtest.h"
#include "tests/env/desktop/fake_rfb_server.h"

namespace proctor::env::desktop {
namespace {

using testing::HasSubstr;

absl::StatusOr<std::unique_ptr<RfbClient>> Connect(const FakeRfbServer& server, absl::Duration timeout = absl::Seconds(30),
                                                   const std::string& password = "") {
  v1::RemoteDisplay display;
  display.set_address(server.address());
  display.set_password(password);
  return ConnectRemoteDisplay(CallContext::WithTimeout(timeout), display);
}

// What a server that says this ends in.
absl::Status Outcome(std::function<void(RfbPeer&)> serve) {
  const FakeRfbServer server(std::move(serve));
  return Connect(server).status();
}

// Connects to a good screen of 64 x 64, then hears `bytes`; gives how it ended.
absl::Status AfterConnecting(const std::string& bytes) {
  const FakeRfbServer server([&](RfbPeer& peer) {
    peer.Greet();
    peer.SayScreen(64, 64);
    peer.ReadSetUp();
    peer.Write(RfbPeer::Filled(64, 64, "abc"));
    peer.Write(bytes);
  });
  auto client = Connect(server);
  if (!client.ok()) return client.status();
  const CallContext context = CallContext::WithTimeout(absl::Seconds(30));
  // The server closes at the end of its words: then at the latest it is over.
  while ((*client)->status().ok()) {
    if (!context.Check("the end").ok()) return absl::DeadlineExceededError("it goes on");
    (*client)->AwaitStill(context, absl::Now(), absl::Milliseconds(1), absl::Milliseconds(1)).IgnoreError();
  }
  imaging::Image image;
  uint64_t count = 0;
  (*client)->Copy(image, count);
  EXPECT_EQ(image.bgra.size(), size_t{4} * image.width_px * image.height_px);
  return (*client)->status();
}

// The library that speaks RFB would write past the end of its sets of descriptors.
TEST(RfbClientTest, RefusesADescriptorThatIsTooLargeForItsLibrary) {
  rlimit limit = {};
  getrlimit(RLIMIT_NOFILE, &limit);
  const rlimit more = {std::max<rlim_t>(limit.rlim_cur, FD_SETSIZE + 100), limit.rlim_max};
  if (setrlimit(RLIMIT_NOFILE, &more) != 0) GTEST_SKIP() << "the hard limit of open files is " << limit.rlim_max;
  const FakeRfbServer server([](RfbPeer& peer) { peer.Greet(); });
  std::vector<int> files;
  while (files.empty() || files.back() < FD_SETSIZE) files.push_back(open("/dev/null", O_RDONLY | O_CLOEXEC));
  const absl::Status refused = Connect(server).status();
  for (const int file : files) close(file);
  setrlimit(RLIMIT_NOFILE, &limit);
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted) << refused;
  EXPECT_THAT(std::string(refused.message()), HasSubstr("first 1024 descriptors"));
}

TEST(RfbClientTest, ShowsWhatTheServerDraws) {
  const FakeRfbServer server([](RfbPeer& peer) {
    peer.Greet();
    peer.SayScreen(8, 4);
    peer.ReadSetUp();
    peer.Write(RfbPeer::Filled(8, 4, "abc"));
    peer.Read(10);
    // Two pixels of another colour.
    peer.Write(RfbPeer::Update(1) + RfbPeer::Rectangle(3, 1, 2, 1, 0) + "ABC" + '\0' + "ABC" + '\0');
    peer.ReadAll();
  });
  auto client = Connect(server);
  ASSERT_TRUE(client.ok()) << client.status();
  EXPECT_EQ((*client)->width(), 8);
  EXPECT_EQ((*client)->height(), 4);
  const CallContext context = CallContext::WithTimeout(absl::Seconds(30));
  while ((*client)->change().count < 2 && context.Check("update").ok()) std::this_thread::yield();
  imaging::Image image;
  uint64_t count = 0;
  (*client)->Copy(image, count);
  EXPECT_EQ(count, 2u);
  const auto pixel = [&](int x, int y) { return std::string(reinterpret_cast<const char*>(image.bgra.data()) + 4 * (8 * y + x), 4); };
  EXPECT_EQ(pixel(0, 0), "abc\xff");
  EXPECT_EQ(pixel(3, 1), "ABC\xff");
  EXPECT_EQ(pixel(4, 1), "ABC\xff");
  EXPECT_EQ(pixel(5, 1), "abc\xff");
}

TEST(RfbClientTest, SendsPointerAndKeysInOrder) {
  std::promise<std::string> heard;
  const FakeRfbServer server([&](RfbPeer& peer) {
    peer.Greet();
    peer.SayScreen(8, 4);
    peer.ReadSetUp();
    peer.Write(RfbPeer::Filled(8, 4, "abc"));
    peer.Read(10);
    heard.set_value(peer.Read(6 + 8 + 8));
    peer.ReadAll();
  });
  auto client = Connect(server);
  ASSERT_TRUE(client.ok()) << client.status();
  const absl::Status sent = (*client)->Send(CallContext::WithTimeout(absl::Seconds(30)),
                                            {RfbEvent::Pointer(258, 3, kButtonLeft | kWheelDown), RfbEvent::Key(0x0101f600, true),
                                             RfbEvent::Key(0xff0d, false)});
  EXPECT_TRUE(sent.ok()) << sent;
  EXPECT_EQ(heard.get_future().get(), std::string("\x05\x11\x01\x02\x00\x03", 6) + std::string("\x04\x01\x00\x00\x01\x01\xf6\x00", 8) +
                                          std::string("\x04\x00\x00\x00\x00\x00\xff\x0d", 8));
}

TEST(RfbClientTest, KnowsWhenTheScreenStandsStill) {
  std::atomic<bool> moving = true;
  const FakeRfbServer server([&](RfbPeer& peer) {
    peer.Greet();
    peer.SayScreen(8, 4);
    peer.ReadSetUp();
    peer.Write(RfbPeer::Filled(8, 4, "abc"));
    while (moving && !peer.Read(10).empty()) peer.Write(RfbPeer::Filled(8, 4, "abd"));
    peer.ReadAll();
  });
  auto client = Connect(server);
  ASSERT_TRUE(client.ok()) << client.status();
  const CallContext context = CallContext::WithTimeout(absl::Seconds(60));
  const auto busy = (*client)->AwaitStill(context, absl::Now(), absl::Seconds(20), absl::Milliseconds(50));
  ASSERT_TRUE(busy.ok()) << busy.status();
  EXPECT_FALSE(*busy);
  moving = false;
  const auto still = (*client)->AwaitStill(context, absl::Now(), absl::Milliseconds(20), absl::Seconds(30));
  ASSERT_TRUE(still.ok()) << still.status();
  EXPECT_TRUE(*still);
}

TEST(RfbClientTest, ShowsWhatWasDrawnLastHoweverOftenItWasDrawnOver) {
  const FakeRfbServer server([](RfbPeer& peer) {
    peer.Greet();
    peer.SayScreen(8, 4);
    peer.ReadSetUp();
    peer.Write(RfbPeer::Filled(8, 4, "abc"));
    std::string update = RfbPeer::Update(5001);
    // More than is remembered apart, and more than the screen.
    for (int i = 0; i < 5000; ++i) update += RfbPeer::Painted(0, 0, 8, 4, i % 2 == 0 ? "xyz" : "XYZ");
    peer.Write(update + RfbPeer::Painted(3, 1, 1, 1, "ABC"));
    peer.ReadAll();
  });
  auto client = Connect(server);
  ASSERT_TRUE(client.ok()) << client.status();
  const CallContext context = CallContext::WithTimeout(absl::Seconds(30));
  while ((*client)->change().count < 2 && context.Check("update").ok()) std::this_thread::yield();
  imaging::Image image;
  uint64_t count = 0;
  (*client)->Copy(image, count);
  const auto pixel = [&](int x, int y) { return std::string(reinterpret_cast<const char*>(image.bgra.data()) + 4 * (8 * y + x), 4); };
  EXPECT_EQ(pixel(0, 0), "XYZ\xff");
  EXPECT_EQ(pixel(7, 3), "XYZ\xff");
  EXPECT_EQ(pixel(3, 1), "ABC\xff");
}

// Some bytes each ask for the whole screen to be drawn: what one message can say takes the library many minutes.
TEST(RfbClientTest, EndsAmidAMessageThatDrawsTheScreenOverAndOver) {
  constexpr int kWidth = 4096, kHeight = 2048;
  std::string copies = RfbPeer::Update(65535), fills = RfbPeer::Update(1) + RfbPeer::Rectangle(0, 0, kWidth, kHeight, 2);
  fills += Big32(0xffffffff) + "abc" + '\0';
  for (int i = 0; i < 65535; ++i) {
    copies += RfbPeer::Rectangle(0, 0, kWidth, kHeight, 1) + Big16(0) + Big16(0);
    fills += std::string("abc") + '\0' + Big16(0) + Big16(0) + Big16(kWidth) + Big16(kHeight);
  }
  for (const std::string& message : {copies, fills}) {
    std::promise<void> amid;
    const FakeRfbServer server([&](RfbPeer& peer) {
      peer.Greet();
      peer.SayScreen(kWidth, kHeight);
      peer.ReadSetUp();
      peer.Write(RfbPeer::Update(1) + RfbPeer::Painted(0, 0, kWidth, kHeight, "xyz"));
      peer.Write(message.substr(0, 16'000));
      amid.set_value();
      peer.Write(message.substr(16'000));
      peer.ReadAll();
    });
    auto client = Connect(server);
    ASSERT_TRUE(client.ok()) << client.status();
    amid.get_future().wait();
    const std::future<void> gone = std::async(std::launch::async, [&] { client->reset(); });
    // It takes some milliseconds, or the better part of a minute at least.
    EXPECT_EQ(gone.wait_for(std::chrono::seconds(10)), std::future_status::ready) << "it draws on";
  }
}

TEST(RfbClientTest, FollowsAScreenThatChangesItsSize) {
  const FakeRfbServer server([&](RfbPeer& peer) {
    peer.Greet();
    peer.SayScreen(8, 4);
    peer.ReadSetUp();
    peer.Write(RfbPeer::Filled(8, 4, "abc"));
    peer.Write(RfbPeer::Update(1) + RfbPeer::Rectangle(0, 0, 16, 16, -223));
    peer.Write(RfbPeer::Filled(16, 16, "xyz"));
    peer.ReadAll();
  });
  auto client = Connect(server);
  ASSERT_TRUE(client.ok()) << client.status();
  const CallContext context = CallContext::WithTimeout(absl::Seconds(30));
  while ((*client)->change().count < 2 && context.Check("update").ok()) std::this_thread::yield();
  EXPECT_EQ((*client)->width(), 16);
  EXPECT_EQ((*client)->height(), 16);
}

TEST(RfbClientTest, RefusesServersThatAreNone) {
  EXPECT_TRUE(absl::IsUnavailable(Outcome([](RfbPeer&) {})));
  EXPECT_TRUE(absl::IsUnavailable(Outcome([](RfbPeer& peer) { peer.Write("HTTP/1.1 400 Bad Request\r\n\r\n"); })));
  EXPECT_TRUE(absl::IsUnavailable(Outcome([](RfbPeer& peer) {
    peer.Write("RFB 003.008\n");
    peer.Read(12);
    peer.Write(std::string("\x00", 1) + Big32(7) + "go away");
  })));
  // Only security that we do not have.
  EXPECT_TRUE(absl::IsUnavailable(Outcome([](RfbPeer& peer) {
    peer.Write("RFB 003.008\n");
    peer.Read(12);
    peer.Write(std::string("\x01\x13", 2));
    peer.ReadAll();
  })));
}

TEST(RfbClientTest, RefusesScreensThatAreTooLarge) {
  for (const auto& [width, height] : {std::pair{4097, 100}, {100, 4097}, {65535, 65535}, {0, 0}}) {
    const absl::Status status = Outcome([width = width, height = height](RfbPeer& peer) {
      peer.Greet();
      peer.SayScreen(width, height);
      peer.ReadAll();
    });
    EXPECT_TRUE(absl::IsUnavailable(status)) << width << " x " << height << ": " << status;
  }
  EXPECT_THAT(std::string(AfterConnecting(RfbPeer::Update(1) + RfbPeer::Rectangle(0, 0, 65535, 65535, -223)).message()), HasSubstr("too large"));
}

TEST(RfbClientTest, SurvivesNonsense) {
  const std::string long_text(100'000, 'x');
  const std::vector<std::pair<const char*, std::string>> cases = {
      {"unknown message", "\xfe\xfe\xfe"},
      {"rectangle outside", RfbPeer::Update(1) + RfbPeer::Rectangle(60, 60, 20, 20, 0) + std::string(20 * 20 * 4, 'x')},
      {"rectangle far outside", RfbPeer::Update(1) + RfbPeer::Rectangle(65535, 65535, 65535, 65535, 0) + long_text},
      {"copy from outside", RfbPeer::Update(1) + RfbPeer::Rectangle(0, 0, 64, 64, 1) + Big16(65535) + Big16(65535)},
      {"unknown encoding", RfbPeer::Update(1) + RfbPeer::Rectangle(0, 0, 1, 1, 12345)},
      {"zrle of garbage", RfbPeer::Update(1) + RfbPeer::Rectangle(0, 0, 64, 64, 16) + Big32(100) + std::string(100, 'z')},
      {"zrle without end", RfbPeer::Update(1) + RfbPeer::Rectangle(0, 0, 64, 64, 16) + Big32(0xffffffff) + long_text},
      {"zlib of garbage", RfbPeer::Update(1) + RfbPeer::Rectangle(0, 0, 64, 64, 6) + Big32(0x7fffffff) + long_text},
      {"hextile cut", RfbPeer::Update(1) + RfbPeer::Rectangle(0, 0, 64, 64, 5) + "\xff\xff"},
      {"rre of many", RfbPeer::Update(1) + RfbPeer::Rectangle(0, 0, 64, 64, 2) + Big32(0xffffffff) + long_text},
      {"tight unasked", RfbPeer::Update(1) + RfbPeer::Rectangle(0, 0, 64, 64, 7) + "\x00\xff\xff\xff" + long_text},
      {"ultra unasked", RfbPeer::Update(1) + RfbPeer::Rectangle(0, 0, 64, 64, 9) + Big32(0xffffff) + long_text},
      {"large cursor", RfbPeer::Update(1) + RfbPeer::Rectangle(0, 0, 65535, 65535, -239) + long_text},
      {"large name", RfbPeer::Update(1) + RfbPeer::Rectangle(0, 0, 64, 64, -307) + Big32(0xffffffff) + long_text},
      {"clipboard without end", std::string("\x03\x00\x00\x00", 4) + Big32(0xffffffff) + long_text},
      {"colours", std::string("\x01\x00", 2) + Big16(0) + Big16(65535) + long_text},
      {"no rectangles", RfbPeer::Update(0) + RfbPeer::Update(65535)},
      {"text chat", std::string("\x0b\x00\x00\x00", 4) + Big32(0xfffffff) + long_text},
      {"size then old drawing", RfbPeer::Update(2) + RfbPeer::Rectangle(0, 0, 4, 4, -223) + RfbPeer::Rectangle(0, 0, 64, 64, 0) +
                                    std::string(64 * 64 * 4, 'x')},
  };
  for (const auto& [name, bytes] : cases) {
    const absl::Status status = AfterConnecting(bytes);
    EXPECT_TRUE(absl::IsUnavailable(status)) << name << ": " << status;
  }
}

TEST(RfbClientTest, ANameWithoutEndIsNoMemoryWithoutEnd) {
  EXPECT_TRUE(absl::IsUnavailable(Outcome([](RfbPeer& peer) {
    peer.Greet();
    std::string format = {32, 24, 0, 1};
    format += Big16(255) + Big16(255) + Big16(255) + std::string("\x10\x08\x00\x00\x00\x00", 6);
    peer.Write(Big16(8) + Big16(8) + format + Big32(0xfffffff0) + "x");
  })));
}

TEST(RfbClientTest, ASilentServerCostsTheCallersTimeOnly) {
  const FakeRfbServer server([](RfbPeer& peer) { peer.ReadAll(); });
  EXPECT_TRUE(absl::IsDeadlineExceeded(Connect(server, absl::Milliseconds(100)).status()));
  const FakeRfbServer drip([](RfbPeer& peer) {
    peer.Write("RFB 003");
    peer.ReadAll();
  });
  EXPECT_TRUE(absl::IsDeadlineExceeded(Connect(drip, absl::Milliseconds(100)).status()));
  const FakeRfbServer no_picture([](RfbPeer& peer) {
    peer.Greet();
    peer.SayScreen(64, 64);
    peer.ReadAll();
  });
  EXPECT_TRUE(absl::IsDeadlineExceeded(Connect(no_picture, absl::Milliseconds(100)).status()));
}

TEST(RfbClientTest, AServerThatTakesNoInputCostsTheCallersTimeOnly) {
  std::promise<void> over;
  const FakeRfbServer server([&](RfbPeer& peer) {
    peer.Greet();
    peer.SayScreen(8, 4);
    peer.ReadSetUp();
    peer.Write(RfbPeer::Filled(8, 4, "abc"));
    over.get_future().wait();
  });
  {
    auto client = Connect(server);
    ASSERT_TRUE(client.ok()) << client.status();
    absl::Status status;
    const std::vector<RfbEvent> events(100'000, RfbEvent::Key('a', true));
    for (int i = 0; i < 50 && status.ok(); ++i) status = (*client)->Send(CallContext::WithTimeout(absl::Milliseconds(200)), events);
    EXPECT_TRUE(absl::IsDeadlineExceeded(status) || absl::IsUnavailable(status)) << status;
  }
  over.set_value();
}

TEST(RfbClientTest, ACancelledConnectEnds) {
  const FakeRfbServer server([](RfbPeer& peer) { peer.ReadAll(); });
  CallContext context;
  std::thread canceller([&] { context.cancel()->Cancel(); });
  v1::RemoteDisplay display;
  display.set_address(server.address());
  EXPECT_TRUE(absl::IsCancelled(ConnectRemoteDisplay(context, display).status()));
  canceller.join();
}

TEST(RfbClientTest, NobodyThere) {
  v1::RemoteDisplay display;
  display.set_address("/nonexistent/socket");
  EXPECT_TRUE(absl::IsUnavailable(ConnectRemoteDisplay(CallContext::WithTimeout(absl::Seconds(30)), display).status()));
  {
    const FakeRfbServer server([](RfbPeer&) {});
    display.set_address(server.address());
  }
  EXPECT_TRUE(absl::IsUnavailable(ConnectRemoteDisplay(CallContext::WithTimeout(absl::Seconds(30)), display).status()));
  display.set_password_file("/nonexistent/password");
  EXPECT_THAT(std::string(ConnectRemoteDisplay(CallContext::WithTimeout(absl::Seconds(30)), display).status().message()), HasSubstr("password file"));
}

int64_t OpenDescriptors() {
  int64_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) ++count;
  return count;
}

TEST(RfbClientTest, LeavesNoDescriptorsBehind) {
  const FakeRfbServer good([](RfbPeer& peer) {
    peer.Greet();
    peer.SayScreen(8, 4);
    peer.ReadSetUp();
    peer.Write(RfbPeer::Filled(8, 4, "abc"));
    peer.ReadAll();
  });
  const FakeRfbServer bad([](RfbPeer& peer) { peer.Write("nonsense"); });
  ASSERT_TRUE(Connect(good).ok());
  const int64_t before = OpenDescriptors();
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(Connect(good).ok());
    EXPECT_FALSE(Connect(bad).ok());
  }
  // The fake servers' own ends may not be closed yet: one each.
  EXPECT_LE(OpenDescriptors(), before + 2);
}

}  // namespace
}  // namespace proctor::env::desktop
