// Hundreds of HTTP requests at once on one thread: connections are kept and shared, HTTP/2 where the server has it over
// TLS.
#ifndef PROCTOR_NET_HTTP_POOL_H_
#define PROCTOR_NET_HTTP_POOL_H_

#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/call_context.h"
#include "net/http_client.h"

namespace proctor::net {

// Thread-safe.
class HttpPool {
 public:
  struct Options {
    // Longest wait for a connection and its TLS; then the request is UNAVAILABLE, and was not sent.
    absl::Duration connect_timeout = absl::Seconds(10);
    // Connections kept open for later requests, all hosts together.
    int max_idle_connections = 256;
  };

  // How a request ended, as Fetch says it, and what had come until then: with an error the reply may be empty or cut
  // off (`status` 0: not even a status line), and `sent` says whether the server may know of the request.
  using Done = std::function<void(absl::Status, FetchReply)>;

  // RESOURCE_EXHAUSTED: no memory or file descriptors.
  static absl::StatusOr<std::unique_ptr<HttpPool>> Create(Options options);
  // Ends what still runs with CANCELLED; every Done has run when it returns. Not from within a Done.
  virtual ~HttpPool() = default;

  // Sends the request; returns at once. `done` runs once, on the pool's thread: it must not block. Deadline and
  // cancellation of `context` close the request's socket (HTTP/2: reset its stream).
  virtual void Start(const CallContext& context, FetchRequest request, Done done) = 0;

  // Requests that have not ended.
  virtual int in_flight() const = 0;
};

}  // namespace proctor::net

#endif  // PROCTOR_NET_HTTP_POOL_H_
