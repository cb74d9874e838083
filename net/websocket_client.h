// A WebSocket client for text messages: remote DevTools browsers (Boost.Beast behind it).
#ifndef PROCTOR_NET_WEBSOCKET_CLIENT_H_
#define PROCTOR_NET_WEBSOCKET_CLIENT_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/call_context.h"

namespace proctor::net {

// One connection. Thread-safe.
class WebSocketClient {
 public:
  struct Options {
    // `ws://host:port/path`; without a port 80. wss:// is not spoken.
    std::string url;
    // A larger message closes the connection (RESOURCE_EXHAUSTED). Not looked at with `on_piece`.
    int64_t max_message_bytes = 256 << 20;
    // Text queued by Send and not yet taken by the peer; more is RESOURCE_EXHAUSTED.
    int64_t max_queued_bytes = 256 << 20;
    // Each message, in order, on the reader thread: quick, or nothing else is read or sent
    // meanwhile.
    std::function<void(std::string message)> on_message;
    // If set, called instead of `on_message` with each piece of a message as it arrives, so that the
    // receiver decides how much of it to keep; the last one, maybe empty, has `ends`.
    std::function<void(std::string_view piece, bool ends)> on_piece;
    // Exactly once, after the last message, on the reader thread: OK after Close, UNAVAILABLE if
    // the peer closed or broke the connection or does not acknowledge data for 30 s,
    // INVALID_ARGUMENT for binary frames or broken protocol. Not called if Connect fails.
    std::function<void(absl::Status reason)> on_closed;
  };

  // Connects and shakes hands. INVALID_ARGUMENT: the URL. UNAVAILABLE: nobody there, or no
  // WebSocket. DEADLINE_EXCEEDED and CANCELLED from `context` (which bounds Connect only).
  static absl::StatusOr<std::unique_ptr<WebSocketClient>> Connect(const CallContext& context,
                                                                  Options options);

  // As Close. Not from within a callback.
  virtual ~WebSocketClient() = default;

  // Queues a message; messages go out in the order of the calls. Does not block. UNAVAILABLE once
  // closed; RESOURCE_EXHAUSTED if too much is queued.
  virtual absl::Status Send(std::string text) = 0;

  // Sends what is queued and a close frame, waits for the peer's for at most 2 s, and joins the
  // reader thread. Idempotent. Not from within a callback.
  virtual void Close() = 0;
};

}  // namespace proctor::net

#endif  // PROCTOR_NET_WEBSOCKET_CLIENT_H_
