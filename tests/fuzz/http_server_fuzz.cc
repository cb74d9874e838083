// Bytes of a connection to our HTTP server, and the practice sites behind it. The first line may say `@SITE path` to get the
// rest of the input as a form post to that site.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "env/practice/hub.h"
#include "net/egress_rules.h"
#include "net/http_server.h"
#include "tests/fuzz/input.h"

namespace proctor {
namespace {

env::practice::PracticeHub& Hub() {
  static auto& hub = *new env::practice::PracticeHub();
  return hub;
}

const env::practice::PracticeHub::Instance& Instance() {
  static const auto& instance = *new env::practice::PracticeHub::Instance(Hub().CreateInstance({.seed = 1}).value());
  return instance;
}

uint16_t Port() {
  static net::HttpServer& server = *[] {
    net::HttpServer::Options options;
    options.max_body_bytes = 4096;
    return net::HttpServer::Create(options, [](const net::HttpRequest& request) { return Hub().Handle(request); })
        .value()
        .release();
  }();
  return server.port();
}

// Sends the bytes, says that there are no more, reads what comes until the server closes.
void Exchange(std::string_view bytes) {
  const int connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval limit = {.tv_sec = 10, .tv_usec = 0};
  setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(Port());
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(connection, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) {
    (void)!send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    shutdown(connection, SHUT_WR);
    char buffer[65536];
    ssize_t got = 0;
    while ((got = recv(connection, buffer, sizeof buffer, 0)) > 0) {
    }
    // A reset is an answer too: the server closed with our bytes unread.
    fuzz::Require(got == 0 || errno == ECONNRESET, "the server ends every connection");
  }
  // No port waits for its last packets: there are thousands of connections.
  const linger now = {.l_onoff = 1, .l_linger = 0};
  setsockopt(connection, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close(connection);
}

void Visit(std::string_view line, std::string_view body) {
  const std::string site(fuzz::TakeUntil(line, ' '));
  const auto url = Instance().base_urls.find("__" + site + "__");
  if (url == Instance().base_urls.end()) return;
  net::HttpRequest request;
  request.method = body.empty() ? "GET" : "POST";
  request.target = std::string(line);
  request.host = url->second.substr(7);
  request.headers = {{"content-type", "application/x-www-form-urlencoded"}};
  request.body = std::string(body);
  const net::HttpResponse response = Hub().Handle(request);
  fuzz::Require(response.status >= 200 && response.status < 600, "a site answers with a status");
}

}  // namespace
}  // namespace proctor

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view rest = proctor::fuzz::View(data, size);
  if (rest.starts_with("@")) {
    rest.remove_prefix(1);
    const std::string_view line = proctor::fuzz::TakeUntil(rest, '\n');
    proctor::Visit(line, rest);
    (void)proctor::net::ParseAuthority(line, 80);
    (void)proctor::net::ParseHostPattern(line);
    if (const auto address = proctor::net::ParseIpAddress(line)) {
      const auto again = proctor::net::ParseIpAddress(address->ToString());
      proctor::fuzz::Require(again == address, "an address is the same when written and read");
    }
    return 0;
  }
  proctor::Exchange(rest);
  return 0;
}
