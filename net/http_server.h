// A small HTTP/1.1 server for embedded sites and metrics (Boost.Beast behind it).
#ifndef PROCTOR_NET_HTTP_SERVER_H_
#define PROCTOR_NET_HTTP_SERVER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace proctor::net {

struct HttpRequest {
  std::string method;
  // Path with query, as sent: "/search?q=a%20b".
  std::string target;
  // The Host header, lower case, with port if given.
  std::string host;
  // Names in lower case, in the order sent.
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;

  // The first header of that (lower-case) name, or "".
  std::string Header(const std::string& name) const;
};

struct HttpResponse {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  // Sent this much later, without holding a thread.
  absl::Duration delay;
};

// Runs on the server's I/O threads, so it is thread-safe; one that waits holds one of them.
using HttpHandler = std::function<HttpResponse(const HttpRequest&)>;

// Thread-safe. Keep-alive, HEAD, chunked request bodies. Limits: 64 KiB of headers (431),
// `max_body_bytes` (413), `idle_timeout` from the end of one reply to the end of the next request,
// so that a slow sender holds a connection no longer. Malformed or ambiguous requests (lengths that
// differ, a length besides a transfer coding, two hosts, unknown transfer coding) get 400; after any
// of these the connection is closed. The same length twice is one length. The handler's
// `content-length`, `connection` and `transfer-encoding` are ignored; a status outside 200-599 or a
// line break in a header is a 500.
class HttpServer {
 public:
  struct Options {
    // Numeric address; loopback by default.
    std::string address = "127.0.0.1";
    // 0: any free port.
    uint16_t port = 0;
    int threads = 1;
    int64_t max_body_bytes = 4 << 20;
    // More connections wait in the kernel's queue.
    int max_connections = 4096;
    absl::Duration idle_timeout = absl::Seconds(60);
    // PEM texts; both set: HTTPS. For tests of certificate errors.
    std::string tls_certificate_pem;
    std::string tls_key_pem;
  };

  // UNAVAILABLE: the port is taken. INVALID_ARGUMENT: the address, or the certificate and its key.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Create(Options options, HttpHandler handler);
  // Closes all connections and joins its threads.
  virtual ~HttpServer() = default;

  virtual uint16_t port() const = 0;
};

}  // namespace proctor::net

#endif  // PROCTOR_NET_HTTP_SERVER_H_
