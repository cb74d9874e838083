#include "net/websocket_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <optional>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "boost/beast/core.hpp"
#include "boost/beast/websocket.hpp"
#include "common/mutex.h"
#include "hanging_resolver.h"
#include "net/asio.h"
#include "raw_peer.h"

namespace proctor::net {
namespace {

namespace beast = boost::beast;
using Stream = beast::websocket::stream<tcp::socket>;

// Accepts one connection, shakes hands and runs `serve` on a thread of its own.
class WebSocketServer {
 public:
  explicit WebSocketServer(std::function<void(Stream&)> serve)
      : acceptor_(io_, tcp::endpoint(asio::ip::address_v4::loopback(), 0)),
        thread_([this, serve = std::move(serve)] {
          Stream stream(acceptor_.accept());
          ErrorCode error;
          stream.accept(error);
          if (!error) serve(stream);
        }) {}
  ~WebSocketServer() { thread_.join(); }
  std::string url() {
    return absl::StrCat("ws://127.0.0.1:", acceptor_.local_endpoint().port(),
                        "/devtools/browser/x");
  }

 private:
  asio::io_context io_;
  tcp::acceptor acceptor_;
  std::thread thread_;
};

void EchoAll(Stream& stream) {
  ErrorCode error;
  while (!error) {
    beast::flat_buffer buffer;
    stream.read(buffer, error);
    stream.text(true);
    if (!error) stream.write(buffer.data(), error);
  }
}

// Waits for what the callbacks bring.
class Inbox {
 public:
  WebSocketClient::Options Options(std::string url) {
    WebSocketClient::Options options;
    options.url = std::move(url);
    options.on_message = [this](std::string message) {
      MutexLock lock(mutex_);
      messages_.push_back(std::move(message));
      changed_.SignalAll();
    };
    options.on_closed = [this](absl::Status reason) {
      MutexLock lock(mutex_);
      closed_ = std::move(reason);
      ++closings_;
      changed_.SignalAll();
    };
    return options;
  }
  std::string Next() {
    MutexLock lock(mutex_);
    while (messages_.empty() && !closed_.has_value()) changed_.Wait(mutex_);
    if (messages_.empty()) return "closed";
    std::string message = std::move(messages_.front());
    messages_.pop_front();
    return message;
  }
  absl::Status Closed() {
    MutexLock lock(mutex_);
    while (!closed_.has_value()) changed_.Wait(mutex_);
    return *closed_;
  }
  int closings() {
    MutexLock lock(mutex_);
    return closings_;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  std::deque<std::string> messages_ ABSL_GUARDED_BY(mutex_);
  std::optional<absl::Status> closed_ ABSL_GUARDED_BY(mutex_);
  int closings_ ABSL_GUARDED_BY(mutex_) = 0;
};

CallContext Soon() { return CallContext::WithTimeout(absl::Seconds(10)); }

TEST(WebSocketClientTest, SendsAndReceivesInOrder) {
  WebSocketServer server(EchoAll);
  Inbox inbox;
  auto client = WebSocketClient::Connect(Soon(), inbox.Options(server.url()));
  ASSERT_TRUE(client.ok()) << client.status();
  for (int i = 0; i < 100; ++i) ASSERT_TRUE((*client)->Send(absl::StrCat("message ", i)).ok());
  for (int i = 0; i < 100; ++i) EXPECT_EQ(inbox.Next(), absl::StrCat("message ", i));
  (*client)->Close();
  EXPECT_TRUE(inbox.Closed().ok());
  EXPECT_EQ((*client)->Send("late").code(), absl::StatusCode::kUnavailable);
  (*client)->Close();
  client->reset();
  EXPECT_EQ(inbox.closings(), 1);
}

TEST(WebSocketClientTest, CarriesLargeMessages) {
  WebSocketServer server([](Stream& stream) {
    stream.read_message_max(256 << 20);
    EchoAll(stream);
  });
  Inbox inbox;
  auto client = WebSocketClient::Connect(Soon(), inbox.Options(server.url()));
  ASSERT_TRUE(client.ok());
  const std::string large(40 << 20, 'x');
  ASSERT_TRUE((*client)->Send(large).ok());
  EXPECT_EQ(inbox.Next().size(), large.size());
}

TEST(WebSocketClientTest, GivesMessagesInPiecesToWhoeverWantsThemSo) {
  WebSocketServer server(EchoAll);
  Inbox inbox;
  WebSocketClient::Options options = inbox.Options(server.url());
  // Not looked at.
  options.max_message_bytes = 1;
  std::string message;
  size_t most = 0;
  options.on_piece = [&, keep = options.on_message](std::string_view piece, bool ends) {
    most = std::max(most, piece.size());
    message.append(piece);
    if (ends) keep(std::exchange(message, std::string()));
  };
  auto client = WebSocketClient::Connect(Soon(), std::move(options));
  ASSERT_TRUE(client.ok()) << client.status();
  const std::string large(3 << 20, 'x');
  for (const std::string& text : {std::string("small"), large, std::string(), std::string("last")}) {
    ASSERT_TRUE((*client)->Send(text).ok());
  }
  EXPECT_EQ(inbox.Next(), "small");
  EXPECT_EQ(inbox.Next(), large);
  EXPECT_EQ(inbox.Next(), "");
  EXPECT_EQ(inbox.Next(), "last");
  (*client)->Close();
  EXPECT_TRUE(inbox.Closed().ok());
  EXPECT_LT(most, large.size());
}

TEST(WebSocketClientTest, CloseSendsWhatIsQueued) {
  std::string got;
  {
    WebSocketServer server([&](Stream& stream) {
      ErrorCode error;
      beast::flat_buffer buffer;
      stream.read(buffer, error);
      got = beast::buffers_to_string(buffer.data());
      stream.read(buffer, error);
    });
    Inbox inbox;
    auto client = WebSocketClient::Connect(Soon(), inbox.Options(server.url()));
    ASSERT_TRUE(client.ok());
    ASSERT_TRUE((*client)->Send("last words").ok());
    (*client)->Close();
  }
  EXPECT_EQ(got, "last words");
}

TEST(WebSocketClientTest, ReportsThatThePeerClosedOrVanished) {
  {
    WebSocketServer server([](Stream& stream) {
      ErrorCode error;
      stream.close(beast::websocket::close_code::normal, error);
    });
    Inbox inbox;
    auto client = WebSocketClient::Connect(Soon(), inbox.Options(server.url()));
    ASSERT_TRUE(client.ok());
    EXPECT_EQ(inbox.Closed().code(), absl::StatusCode::kUnavailable);
  }
  WebSocketServer server([](Stream& stream) { stream.next_layer().close(); });
  Inbox inbox;
  auto client = WebSocketClient::Connect(Soon(), inbox.Options(server.url()));
  ASSERT_TRUE(client.ok());
  EXPECT_EQ(inbox.Closed().code(), absl::StatusCode::kUnavailable);
}

// Sends raw bytes after the handshake and expects the client to close with `code`.
void ExpectClosed(const std::string& frame, absl::StatusCode code,
                  int64_t max_message_bytes = 1 << 20) {
  WebSocketServer server([&](Stream& stream) {
    ErrorCode error;
    asio::write(stream.next_layer(), asio::buffer(frame), error);
    char byte = 0;
    while (!error) stream.next_layer().read_some(asio::buffer(&byte, 1), error);
  });
  Inbox inbox;
  auto options = inbox.Options(server.url());
  options.max_message_bytes = max_message_bytes;
  auto client = WebSocketClient::Connect(Soon(), std::move(options));
  ASSERT_TRUE(client.ok());
  EXPECT_EQ(inbox.Closed().code(), code) << inbox.Closed();
}

TEST(WebSocketClientTest, ClosesOnHostileFrames) {
  using absl::StatusCode;
  ExpectClosed(std::string("\x81\x7f\x00\x00\x7f\xff\xff\xff\xff\xff", 10),
               StatusCode::kResourceExhausted);
  ExpectClosed(std::string("\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff", 10),
               StatusCode::kResourceExhausted);
  ExpectClosed("\x81\x05hello" + std::string("\x81\x7e\xff\xff", 4) + std::string(70000, 'x'),
               StatusCode::kResourceExhausted, 1000);
  ExpectClosed(std::string("\x82\x02\x00\x01", 4), StatusCode::kInvalidArgument);
  ExpectClosed("\x83\x02xx", StatusCode::kInvalidArgument);
  ExpectClosed("\xf1\x02xx", StatusCode::kInvalidArgument);
  ExpectClosed("\x80\x02xx", StatusCode::kInvalidArgument);
  ExpectClosed("\x81\x02\xff\xfe", StatusCode::kInvalidArgument);
  ExpectClosed(std::string("\x81\x82\x00\x00\x00\x00xx", 8), StatusCode::kInvalidArgument);
  ExpectClosed("garbage that is no frame at all", StatusCode::kInvalidArgument);
}

TEST(WebSocketClientTest, ConnectFailsWithReason) {
  Inbox inbox;
  for (const char* url :
       {"", "http://x", "wss://x", "ws://", "ws://:80", "ws://a:b/", "ws://u@h/", "ws://[::1/", "ws://h:65536/"}) {
    EXPECT_EQ(WebSocketClient::Connect(Soon(), inbox.Options(url)).status().code(),
              absl::StatusCode::kInvalidArgument)
        << url;
  }
  RawServer refuses([](RawPeer peer) {
    peer.ReadUntil("\r\n\r\n");
    peer.Send("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
  });
  const std::string at = absl::StrCat("ws://127.0.0.1:", refuses.port(), "/");
  EXPECT_FALSE(WebSocketClient::Connect(Soon(), inbox.Options(at)).ok());
  uint16_t free_port = 0;
  {
    RawServer server([](RawPeer) {});
    free_port = server.port();
  }
  EXPECT_EQ(
      WebSocketClient::Connect(Soon(), inbox.Options(absl::StrCat("ws://127.0.0.1:", free_port)))
          .status()
          .code(),
      absl::StatusCode::kUnavailable);
  EXPECT_EQ(inbox.closings(), 0);
}

TEST(WebSocketClientTest, ConnectEndsAtDeadline) {
  RawServer silent([](RawPeer peer) { peer.ReadToEnd(); });
  Inbox inbox;
  const auto client =
      WebSocketClient::Connect(CallContext::WithTimeout(absl::Milliseconds(50)),
                               inbox.Options(absl::StrCat("ws://127.0.0.1:", silent.port())));
  EXPECT_EQ(client.status().code(), absl::StatusCode::kDeadlineExceeded);
}

TEST(WebSocketClientTest, ConnectEndsAtDeadlineWhileItsHostIsLookedUp) {
  const HangingResolver hanging;
  Inbox inbox;
  const auto client = WebSocketClient::Connect(CallContext::WithTimeout(absl::Milliseconds(50)),
                                               inbox.Options(absl::StrCat("ws://", kHangingName, ":1/")));
  EXPECT_EQ(client.status().code(), absl::StatusCode::kDeadlineExceeded);
}

TEST(WebSocketClientTest, FindsItsHostByName) {
  WebSocketServer server(EchoAll);
  Inbox inbox;
  std::string url = server.url();
  url.replace(url.find("127.0.0.1"), 9, "localhost");
  auto client = WebSocketClient::Connect(Soon(), inbox.Options(url));
  ASSERT_TRUE(client.ok()) << client.status();
  ASSERT_TRUE((*client)->Send("hello").ok());
  EXPECT_EQ(inbox.Next(), "hello");
}

TEST(WebSocketClientTest, CloseDoesNotWaitForAStuckPeer) {
  RawServer gate([](RawPeer peer) { peer.ReadToEnd(); });
  RawPeer release = RawPeer::Connect(gate.port());
  WebSocketServer server([&](Stream&) { release.IsClosedByPeer(); });
  Inbox inbox;
  auto options = inbox.Options(server.url());
  options.max_queued_bytes = 64 << 20;
  auto client = WebSocketClient::Connect(Soon(), std::move(options));
  ASSERT_TRUE(client.ok());
  // More than the socket's buffers hold: the writer hangs.
  ASSERT_TRUE((*client)->Send(std::string(60 << 20, 'x')).ok());
  EXPECT_EQ((*client)->Send(std::string(60 << 20, 'x')).code(),
            absl::StatusCode::kResourceExhausted);
  (*client)->Close();
  EXPECT_TRUE(inbox.Closed().ok());
  release.ShutdownSend();
}

}  // namespace
}  // namespace proctor::net
