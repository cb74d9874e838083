#include <chrono>
#include <deque>
#include <utility>

#include "absl/time/time.h"
#include "common/mutex.h"
#include "common/status.h"
#include "env/web/devtools_message.h"
#include "env/web/devtools_transport.h"
#include "net/websocket_client.h"

namespace proctor::env::web {
namespace {

class WebSocketTransport final : public DevToolsTransport {
 public:
  explicit WebSocketTransport(WebSocketTransportOptions options)
      : options_(options), message_(options.limits) {}

  absl::Status Connect(const CallContext& context, const std::string& url) {
    net::WebSocketClient::Options options;
    options.url = url;
    options.on_piece = [this](std::string_view piece, bool ends) {
      message_.Add(piece);
      if (ends) Queue(message_.Take());
    };
    options.on_closed = [this](absl::Status reason) { End(std::move(reason)); };
    PROCTOR_ASSIGN_OR_RETURN(client_, net::WebSocketClient::Connect(context, std::move(options)));
    return absl::OkStatus();
  }

  // The client's thread calls back: it ends before the members do.
  ~WebSocketTransport() override {
    Close();
    client_.reset();
  }

  absl::Status Write(const std::vector<std::string>& messages) override {
    for (const std::string& message : messages) {
      const absl::Status sent = client_->Send(message);
      if (!sent.ok()) return absl::UnavailableError(sent.message());
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::string> Read() override {
    MutexLock lock(mutex_);
    while (messages_.empty() && end_.ok()) arrived_.Wait(mutex_);
    if (messages_.empty()) return end_;
    std::string message = std::move(messages_.front());
    messages_.pop_front();
    unread_bytes_ -= message.size();
    read_.Signal();
    return message;
  }

  DevToolsTraffic traffic() const override { return message_.traffic(); }

  void Close() override { End(absl::UnavailableError("the connection to the browser is closed")); }

 private:
  // On the client's thread, which waits here while too much is unread: the browser's writes wait then, too.
  void Queue(std::string message) {
    // Not the wall clock, which may be set: all sessions of the browser would lose it.
    const auto give_up = std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(options_.unread_cap);
    MutexLock lock(mutex_);
    if (!end_.ok()) return;
    unread_bytes_ += message.size();
    messages_.push_back(std::move(message));
    arrived_.Signal();
    while (unread_bytes_ > options_.max_unread_bytes && end_.ok()) {
      const absl::Duration left = absl::FromChrono(give_up - std::chrono::steady_clock::now());
      if (left <= absl::ZeroDuration()) {
        end_ = absl::ResourceExhaustedError("the browser says more than is read");
        arrived_.SignalAll();
      } else {
        read_.WaitFor(mutex_, left);
      }
    }
  }

  void End(absl::Status reason) {
    MutexLock lock(mutex_);
    read_.SignalAll();
    if (end_.ok()) {
      end_ = reason.ok() ? absl::UnavailableError("the connection to the browser is closed") : std::move(reason);
    }
    arrived_.SignalAll();
  }

  const WebSocketTransportOptions options_;
  // The client's thread only, but for its traffic.
  DevToolsMessage message_;
  Mutex mutex_;
  CondVar arrived_;
  CondVar read_;
  std::deque<std::string> messages_ ABSL_GUARDED_BY(mutex_);
  size_t unread_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Status end_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<net::WebSocketClient> client_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<DevToolsTransport>> ConnectWebSocketTransport(
    const CallContext& context, const std::string& url, WebSocketTransportOptions options) {
  auto transport = std::make_unique<WebSocketTransport>(options);
  PROCTOR_RETURN_IF_ERROR(transport->Connect(context, url));
  return transport;
}

}  // namespace proctor::env::web
