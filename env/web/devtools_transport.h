// How DevTools messages travel: over a pair of pipes to a browser that we started, or over a WebSocket to a remote one.
#ifndef PROCTOR_ENV_WEB_DEVTOOLS_TRANSPORT_H_
#define PROCTOR_ENV_WEB_DEVTOOLS_TRANSPORT_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/call_context.h"

namespace proctor::env::web {

// What a page can make the browser say has no other limit than these. Of a larger message only the ends are kept while it is read, and
// Read gives what stands for it (devtools_message.h): the connection, which all sessions of a browser share, goes on.
struct DevToolsLimits {
  // Replies are screenshots and snapshots of whole documents; no honest one comes near it.
  size_t max_reply_bytes = size_t{256} << 20;
  // Everything that is not a reply.
  size_t max_event_bytes = size_t{8} << 20;
};

// Since the connection was made.
struct DevToolsTraffic {
  uint64_t received_bytes = 0;
  // Messages over their limit.
  uint64_t dropped_messages = 0;
};

// One connection. Write may be called from any thread (calls are serialised inside), Read from one thread.
class DevToolsTransport {
 public:
  virtual ~DevToolsTransport() = default;

  // Sends the messages, in order, in one write where the transport allows it. UNAVAILABLE: the connection is broken.
  virtual absl::Status Write(const std::vector<std::string>& messages) = 0;

  // Waits for the next message. UNAVAILABLE: the browser closed the connection, or Close was called.
  virtual absl::StatusOr<std::string> Read() = 0;

  // From any thread.
  virtual DevToolsTraffic traffic() const = 0;

  // Makes a blocked Read or Write return. Idempotent; from any thread.
  virtual void Close() = 0;
};

// Messages end with a NUL byte (`--remote-debugging-pipe`). Takes ownership of both descriptors, whatever it returns. A browser that
// takes nothing for `write_cap` while there is something to write hangs: the write fails, and the connection is closed.
// RESOURCE_EXHAUSTED: no descriptors left.
absl::StatusOr<std::unique_ptr<DevToolsTransport>> NewPipeTransport(int read_fd, int write_fd,
                                                                    absl::Duration write_cap = absl::Seconds(5),
                                                                    DevToolsLimits limits = {});

struct WebSocketTransportOptions {
  DevToolsLimits limits;
  // With more than this many bytes of messages waiting for Read nothing is read from the browser. Below
  // `limits`, one message may wait all the same.
  size_t max_unread_bytes = size_t{256} << 20;
  // For so long; then the connection ends, RESOURCE_EXHAUSTED: nobody reads any more.
  absl::Duration unread_cap = absl::Seconds(30);
};

// A remote browser: `ws://host:port/devtools/browser/...`. INVALID_ARGUMENT: the URL. UNAVAILABLE:
// nobody there.
absl::StatusOr<std::unique_ptr<DevToolsTransport>> ConnectWebSocketTransport(
    const CallContext& context, const std::string& url, WebSocketTransportOptions options = {});

}  // namespace proctor::env::web

#endif  // PROCTOR_ENV_WEB_DEVTOOLS_TRANSPORT_H_
