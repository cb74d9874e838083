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
  absl::Status Connect(const CallContext& context, const std::string& url) {
    net::WebSocketClient::Options options;
    options.url = url;
    options.max_message_bytes = static_cast<int64_t>(kMaxDevToolsMessageBytes);
    options.on_message = [this](std::string message) {
      MutexLock lock(mutex_);
      messages_.push_back(std::move(message));
      arrived_.Signal();
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

  Mutex mutex_;
  CondVar arrived_;
  std::deque<std::string> messages_ ABSL_GUARDED_BY(mutex_);
  absl::Status end_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<net::WebSocketClient> client_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<DevToolsTransport>> ConnectWebSocketTransport(const CallContext& context,
                                                                             const std::string& url) {
  auto transport = std::make_unique<WebSocketTransport>();
  PROCTOR_RETURN_IF_ERROR(transport->Connect(context, url));
  return transport;
}

}  // namespace proctor::env::web
