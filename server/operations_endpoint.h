// What an operator's tools ask over HTTP: is it alive, does it take work, how does it do.
#ifndef PROCTOR_SERVER_OPERATIONS_ENDPOINT_H_
#define PROCTOR_SERVER_OPERATIONS_ENDPOINT_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "net/http_server.h"
#include "proctor/v1/operation.pb.h"

namespace proctor::server {

// All thread-safe. Called on the listener's own threads: they may read the store for a moment.
struct OperationsSources {
  // Why no new sessions are taken, one line each; empty: they are.
  std::function<std::vector<std::string>()> not_ready;
  // Prometheus' text format 0.0.4.
  std::function<std::string()> metrics;
};

// How many of `/readyz`, and as many of `/metrics`, are answered at once; more get a 503. A listener with more threads than both always tells
// whether the server is alive.
inline constexpr int kMaxReadings = 2;

// Answers GET and HEAD of `/healthz`, `/readyz` and `/metrics`; see HttpConfig in operation.proto.
net::HttpHandler MakeOperationsHandler(OperationsSources sources);

struct HttpAddress {
  // Numeric, without brackets.
  std::string host;
  uint16_t port = 0;
};

// "127.0.0.1:9464", "[::1]:0", and with `allow_remote` any numeric address. INVALID_ARGUMENT says what to do.
absl::StatusOr<HttpAddress> ParseHttpAddress(const v1::HttpConfig& config);

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_OPERATIONS_ENDPOINT_H_
