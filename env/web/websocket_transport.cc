#include <deque>
#include <utility>

#include "common/mutex.h"
#include "common/status.h"
#include "env/web/devtools_transport.h"
#include "net/websocket_client.h"

namespace proctor::env::web {
namespace {

class WebSocketTransport final : public DevToolsTransport {
 public:
  explicit WebSocketTransport(size_t max_unread_bytes) : max_unread_bytes_(max_unread_bytes) {}

  absl::Status Connect(const CallContext& context, const std::string& url) {
    net::WebSocketClient::Options options;
    options.url = url;
    options.max_message_bytes = static_cast<int64_t>(kMaxDevToolsMessageBytes);
    options.on_message = [this](std::string message) {
      {
        MutexLock lock(mutex_);
        if (!end_.ok()) return;
        unread_bytes_ += message.size();
        messages_.push_back(std::move(message));
        arrived_.Signal();
        if (unread_bytes_ <= max_unread_bytes_) return;
      }
      End(absl::ResourceExhaustedError("the browser says more than can be read"));
    };
    options.on_closed = [this](absl::Status reason) { End(std::move(reason)); };
    PROCTOR_ASSIGN_OR_RETURN(client_, net::WebSocketClient::Connect(context, std::move(options)));
    return absl::OkStatus();
  }

  // The client's thread calls back: it ends before the members do.
  ~WebSocketTransport() override { client_.reset(); }

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
    return message;
  }

  void Close() override { End(absl::UnavailableError("the connection to the browser is closed")); }

 private:
  void End(absl::Status reason) {
    MutexLock lock(mutex_);
    if (end_.ok()) {
      end_ = reason.ok() ? absl::UnavailableError("the connection to the browser is closed") : std::move(reason);
    }
    arrived_.SignalAll();
  }

  const size_t max_unread_bytes_;
  Mutex mutex_;
  CondVar arrived_;
  std::deque<std::string> messages_ ABSL_GUARDED_BY(mutex_);
  size_t unread_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Status end_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<net::WebSocketClient> client_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<DevToolsTransport>> ConnectWebSocketTransport(
    const CallContext& context, const std::string& url, size_t max_unread_bytes) {
  auto transport = std::make_unique<WebSocketTransport>(max_unread_bytes);
  PROCTOR_RETURN_IF_ERROR(transport->Connect(context, url));
  return transport;
}

}  // namespace proctor::env::web
