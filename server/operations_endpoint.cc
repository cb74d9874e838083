#include "server/operations_endpoint.h"

#include <arpa/inet.h>

#include <atomic>
#include <memory>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace proctor::server {
namespace {

constexpr char kPlain[] = "text/plain; charset=utf-8";

net::HttpResponse Respond(int status, std::string body, const char* type = kPlain) {
  net::HttpResponse response;
  response.status = status;
  response.headers = {{"content-type", type}, {"cache-control", "no-store"}, {"x-content-type-options", "nosniff"}};
  response.body = std::move(body);
  return response;
}

net::HttpResponse Ready(const OperationsSources& sources) {
  const std::vector<std::string> reasons = sources.not_ready();
  if (reasons.empty()) return Respond(200, "ready\n");
  return Respond(503, absl::StrCat(absl::StrJoin(reasons, "\n"), "\n"));
}

bool IsNumeric(const std::string& host) {
  in6_addr address = {};
  return inet_pton(AF_INET, host.c_str(), &address) == 1 || inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

}  // namespace

net::HttpHandler MakeOperationsHandler(OperationsSources sources) {
  // Either may wait for a disk that does not answer.
  const auto looks = std::make_shared<std::atomic<int>>(0);
  const auto scrapes = std::make_shared<std::atomic<int>>(0);
  return [sources = std::move(sources), looks, scrapes](const net::HttpRequest& request) {
    const std::string path = request.target.substr(0, request.target.find('?'));
    const bool known = path == "/healthz" || path == "/readyz" || path == "/metrics";
    if (!known) return Respond(404, "there are /healthz, /readyz and /metrics\n");
    if (request.method != "GET" && request.method != "HEAD") {
      net::HttpResponse refused = Respond(405, "GET it\n");
      refused.headers.emplace_back("allow", "GET, HEAD");
      return refused;
    }
    if (path == "/healthz") return Respond(200, "alive\n");
    std::atomic<int>& readings = path == "/readyz" ? *looks : *scrapes;
    const absl::Cleanup done = [&readings] { --readings; };
    if (++readings > kMaxReadings) return Respond(503, "others are still waiting for an answer; does the disk work?\n");
    if (path == "/readyz") return Ready(sources);
    return Respond(200, sources.metrics(), "text/plain; version=0.0.4; charset=utf-8");
  };
}

absl::StatusOr<HttpAddress> ParseHttpAddress(const v1::HttpConfig& config) {
  const std::string& text = config.listen_address();
  const size_t colon = text.rfind(':');
  int port = -1;
  std::string host = colon == std::string::npos ? "" : text.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (bracketed != (host.find(':') != std::string::npos) || !IsNumeric(host) ||
      !absl::SimpleAtoi(text.substr(colon + 1), &port) || port < 0 || port > 65'535) {
    return absl::InvalidArgumentError(absl::StrCat("'", text, "' is not of the form 127.0.0.1:9464 or [::1]:9464"));
  }
  if (host != "127.0.0.1" && host != "::1" && !config.allow_remote()) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", text, "' is not loopback, and everybody who reaches it could read the metrics: set http.allow_remote if "
                     "that is meant"));
  }
  return HttpAddress{host, static_cast<uint16_t>(port)};
}

}  // namespace proctor::server
