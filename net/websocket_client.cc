#include "net/websocket_client.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <chrono>
#include <deque>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "boost/beast/core.hpp"
#include "boost/beast/websocket.hpp"
#include "common/mutex.h"
#include "common/status.h"
#include "common/thread.h"
#include "net/asio.h"
#include "net/lookup.h"

namespace proctor::net {
namespace {

namespace beast = boost::beast;
namespace websocket = boost::beast::websocket;

constexpr std::chrono::seconds kCloseTimeout{2};
constexpr int kUnacknowledgedMs = 30'000;
constexpr size_t kPieceBytes = 256 << 10;

// A connection that is torn down by closing it. Beast's own way is to wait, without a limit, for
// the peer to close.
class Socket : public beast::tcp_stream {
 public:
  using beast::tcp_stream::tcp_stream;
};
template <typename Handler>
void async_teardown(beast::role_type, Socket& socket, Handler&& handler) {
  socket.close();
  asio::post(socket.get_executor(),
             beast::bind_front_handler(std::forward<Handler>(handler), ErrorCode()));
}

struct Url {
  std::string host;
  uint16_t port = 80;
  // For the Host header, as written.
  std::string authority;
  std::string path = "/";
};

absl::StatusOr<Url> ParseUrl(const std::string& text) {
  if (!absl::StartsWith(text, "ws://"))
    return absl::InvalidArgumentError("the URL must begin with ws://");
  Url url;
  const size_t slash = std::min(text.find('/', 5), text.size());
  url.authority = text.substr(5, slash - 5);
  if (slash < text.size()) url.path = text.substr(slash);
  if (text.find_first_of(" \r\n\t#@") != std::string::npos) {
    return absl::InvalidArgumentError("malformed WebSocket URL");
  }
  const size_t bracket = url.authority.rfind(']');
  const size_t colon = url.authority.rfind(':');
  const bool has_port =
      colon != std::string::npos && (bracket == std::string::npos || colon > bracket);
  url.host = url.authority.substr(0, has_port ? colon : std::string::npos);
  const std::string port = has_port ? url.authority.substr(colon + 1) : "80";
  if (bracket != std::string::npos || url.host.find('[') != std::string::npos) {
    if (url.host.front() != '[' || url.host.back() != ']')
      return absl::InvalidArgumentError("malformed WebSocket URL");
    url.host = url.host.substr(1, url.host.size() - 2);
  }
  uint32_t number = 0;
  if (url.host.empty() || port.find_first_not_of("0123456789") != std::string::npos || !absl::SimpleAtoi(port, &number) ||
      number > 0xffff) {
    return absl::InvalidArgumentError("malformed WebSocket URL");
  }
  url.port = static_cast<uint16_t>(number);
  return url;
}

absl::Status ToStatus(const ErrorCode& error) {
  if (error == websocket::error::message_too_big || error == websocket::error::buffer_overflow) {
    return absl::ResourceExhaustedError("WebSocket message too large");
  }
  if (error == websocket::error::closed)
    return absl::UnavailableError("the peer closed the WebSocket");
  // Beast's own conditions: everything that a peer does against the protocol.
  if (error == websocket::condition::protocol_violation) {
    return absl::InvalidArgumentError(absl::StrCat("WebSocket protocol: ", error.message()));
  }
  return absl::UnavailableError(absl::StrCat("WebSocket: ", error.message()));
}

class WebSocketClientImpl final : public WebSocketClient {
 public:
  explicit WebSocketClientImpl(Options options)
      : options_(std::move(options)), stream_(io_), timer_(io_) {}

  ~WebSocketClientImpl() override { Close(); }

  absl::Status Start(const CallContext& context) {
    PROCTOR_ASSIGN_OR_RETURN(url_, ParseUrl(options_.url));
    // Not Asio's resolver: the I/O context waits for it when it goes.
    const absl::StatusOr<std::vector<std::string>> found = Lookup(context, url_.host);
    if (!found.ok()) return Annotate(found.status(), options_.url);
    for (const std::string& address : *found) {
      ErrorCode error;
      const asio::ip::address numeric = asio::ip::make_address(address, error);
      if (!error) endpoints_.emplace_back(numeric, url_.port);
    }
    asio::co_spawn(
        io_, [this] { return Run(); }, asio::detached);
    PROCTOR_ASSIGN_OR_RETURN(thread_, StartThread([this] { io_.run(); }));
    absl::Status status;
    {
      MutexLock lock(mutex_);
      status = AwaitWithContext(
          context, mutex_, changed_, [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return shaken_; },
          "WebSocket connect");
      if (status.ok()) status = handshake_;
    }
    if (!status.ok()) {
      io_.stop();
      thread_.join();
    }
    return Annotate(status, options_.url);
  }

  absl::Status Send(std::string text) override {
    {
      MutexLock lock(mutex_);
      if (closing_) return absl::UnavailableError("the WebSocket is closed");
      const auto bytes = static_cast<int64_t>(text.size());
      if (queued_bytes_ + bytes > options_.max_queued_bytes) {
        return absl::ResourceExhaustedError("too much is queued on the WebSocket");
      }
      queued_bytes_ += bytes;
      queue_.push_back(std::move(text));
      if (writing_) return absl::OkStatus();
      writing_ = true;
    }
    asio::co_spawn(
        io_, [this] { return WriteQueue(); }, asio::detached);
    return absl::OkStatus();
  }

  void Close() override {
    {
      MutexLock lock(mutex_);
      if (!thread_.joinable()) return;
      closing_ = true;
      by_us_ = true;
    }
    asio::post(io_, [this] { BeginClose(); });
    // The reader ends by itself: the peer's close frame, an error or the timer.
    thread_.join();
  }

 private:
  asio::awaitable<void> Run() {
    const absl::Status status = co_await Handshake();
    {
      MutexLock lock(mutex_);
      handshake_ = status;
      shaken_ = true;
      changed_.SignalAll();
    }
    if (!status.ok()) co_return;
    absl::Status reason;
    // Not `?:` around both: compiled by gcc 12 that corrupts memory.
    if (options_.on_piece) {
      reason = co_await ReadPieces();
    } else {
      reason = co_await ReadAll();
    }
    bool by_us = false;
    {
      MutexLock lock(mutex_);
      closing_ = true;
      by_us = by_us_;
    }
    timer_.cancel();
    beast::get_lowest_layer(stream_).close();
    if (options_.on_closed) options_.on_closed(by_us ? absl::OkStatus() : reason);
  }

  asio::awaitable<absl::Status> Handshake() {
    ErrorCode error;
    co_await beast::get_lowest_layer(stream_).async_connect(endpoints_, Catch(error));
    if (error) co_return ToStatus(error);
    auto& socket = beast::get_lowest_layer(stream_).socket();
    socket.set_option(tcp::no_delay(true), error);
    socket.set_option(asio::socket_base::keep_alive(true), error);
    // A peer that is gone or stuck shows by unacknowledged data; WebSocket pings are not used
    // because not every DevTools server answers them.
    setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_USER_TIMEOUT, &kUnacknowledgedMs,
               sizeof(kUnacknowledgedMs));
    // 0: no limit.
    stream_.read_message_max(options_.on_piece ? 0 : static_cast<size_t>(options_.max_message_bytes));
    stream_.text(true);
    stream_.auto_fragment(false);
    co_await stream_.async_handshake(url_.authority, url_.path, Catch(error));
    if (error) co_return ToStatus(error);
    co_return absl::OkStatus();
  }

  asio::awaitable<absl::Status> ReadAll() {
    while (true) {
      ErrorCode error;
      std::string message;
      auto buffer = asio::dynamic_buffer(message);
      co_await stream_.async_read(buffer, Catch(error));
      if (error) co_return ToStatus(error);
      if (stream_.got_binary()) co_return RefuseBinary();
      if (options_.on_message) options_.on_message(std::move(message));
    }
  }

  asio::awaitable<absl::Status> ReadPieces() {
    std::vector<char> piece(kPieceBytes);
    while (true) {
      ErrorCode error;
      const size_t bytes = co_await stream_.async_read_some(asio::buffer(piece), Catch(error));
      if (error) co_return ToStatus(error);
      if (stream_.got_binary()) co_return RefuseBinary();
      options_.on_piece({piece.data(), bytes}, stream_.is_message_done());
    }
  }

  absl::Status RefuseBinary() {
    stream_.async_close(websocket::close_code::unknown_data, [](ErrorCode) {});
    return absl::InvalidArgumentError("the peer sent a binary WebSocket message");
  }

  asio::awaitable<void> WriteQueue() {
    while (true) {
      std::string text;
      {
        MutexLock lock(mutex_);
        if (queue_.empty()) {
          writing_ = false;
          break;
        }
        text = std::move(queue_.front());
        queue_.pop_front();
      }
      ErrorCode error;
      co_await stream_.async_write(asio::buffer(text), Catch(error));
      MutexLock lock(mutex_);
      queued_bytes_ -= static_cast<int64_t>(text.size());
      // The reader sees the broken connection too and reports it.
      if (error) queue_.clear();
    }
    if (close_wanted_) SendCloseFrame();
  }

  // On the reader thread.
  void BeginClose() {
    close_wanted_ = true;
    timer_.expires_after(kCloseTimeout);
    timer_.async_wait([this](ErrorCode error) {
      if (!error) beast::get_lowest_layer(stream_).close();
    });
    bool writing = false;
    {
      MutexLock lock(mutex_);
      writing = writing_;
    }
    if (!writing) SendCloseFrame();
  }

  void SendCloseFrame() {
    if (close_sent_ || !beast::get_lowest_layer(stream_).socket().is_open()) {
      timer_.cancel();
      return;
    }
    close_sent_ = true;
    stream_.async_close(websocket::close_code::normal, [this](ErrorCode) {
      timer_.cancel();
      beast::get_lowest_layer(stream_).close();
    });
  }

  const Options options_;
  Url url_;
  std::vector<tcp::endpoint> endpoints_;
  Mutex mutex_;
  CondVar changed_;
  bool shaken_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status handshake_ ABSL_GUARDED_BY(mutex_);
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;
  bool by_us_ ABSL_GUARDED_BY(mutex_) = false;
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  std::deque<std::string> queue_ ABSL_GUARDED_BY(mutex_);
  int64_t queued_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  // Reader thread only.
  bool close_wanted_ = false;
  bool close_sent_ = false;
  asio::io_context io_;
  websocket::stream<Socket> stream_;
  asio::steady_timer timer_;
  std::thread thread_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<WebSocketClient>> WebSocketClient::Connect(
    const CallContext& context, Options options) {
  auto client = std::make_unique<WebSocketClientImpl>(std::move(options));
  PROCTOR_RETURN_IF_ERROR(client->Start(context));
  return client;
}

}  // namespace proctor::net
