// How DevTools messages travel: over a pair of pipes to a browser that we started, or over a WebSocket to a remote one.
#ifndef PROCTOR_ENV_WEB_DEVTOOLS_TRANSPORT_H_
#define PROCTOR_ENV_WEB_DEVTOOLS_TRANSPORT_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/call_context.h"

namespace proctor::env::web {

// A message of the browser larger than this breaks the connection: no honest reply comes near it.
inline constexpr size_t kMaxDevToolsMessageBytes = size_t{256} << 20;

// One connection. Write may be called from any thread (calls are serialised inside), Read from one thread.
class DevToolsTransport {
 public:
  virtual ~DevToolsTransport() = default;

  // Sends the messages, in order, in one write where the transport allows it. UNAVAILABLE: the connection is broken.
  virtual absl::Status Write(const std::vector<std::string>& messages) = 0;

  // Waits for the next message. UNAVAILABLE: the browser closed the connection, or Close was called.
  // RESOURCE_EXHAUSTED: a message above the limit.
  virtual absl::StatusOr<std::string> Read() = 0;

  // Makes a blocked Read or Write return. Idempotent; from any thread.
  virtual void Close() = 0;
};

// Messages end with a NUL byte (`--remote-debugging-pipe`). Takes ownership of both descriptors. A
// browser that takes nothing for `write_cap` while there is something to write hangs: the write
// fails, and the connection is closed.
std::unique_ptr<DevToolsTransport> NewPipeTransport(int read_fd, int write_fd,
                                                    absl::Duration write_cap = absl::Seconds(5));

// A remote browser: `ws://host:port/devtools/browser/...`. INVALID_ARGUMENT: the URL. UNAVAILABLE:
// nobody there. With more than `max_unread_bytes` of messages waiting for Read the connection ends,
// RESOURCE_EXHAUSTED.
absl::StatusOr<std::unique_ptr<DevToolsTransport>> ConnectWebSocketTransport(
    const CallContext& context, const std::string& url,
    size_t max_unread_bytes = kMaxDevToolsMessageBytes);

}  // namespace proctor::env::web

#endif  // PROCTOR_ENV_WEB_DEVTOOLS_TRANSPORT_H_
