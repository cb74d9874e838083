// What pages and servers send to the egress proxy. As it is, an input is both a browser's bytes and a server's, which the proxy's parser and
// rewriting alone see. After a `@` it is an exchange through the proxy itself: what the browser sends, then, after each line `====`, what the
// server answers to one request more; in the browser's bytes `$A` is the port of the one server that may be reached, `$B` of one that may not.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <limits>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "net/egress_messages.h"
#include "net/egress_proxy.h"
#include "tests/fuzz/strict_http.h"

namespace proctor {
namespace {

namespace http = boost::beast::http;
using fuzz::Require;

void CheckRequestHead(const fuzz::Head& head, const std::vector<std::string>& hosts) {
  const std::vector<std::string> line = fuzz::Split(head.first_line, ' ');
  Require(line.size() == 3 && fuzz::IsToken(line[0]) && line[2] == "HTTP/1.1", "a request line has three parts");
  Require(line[1].starts_with('/') && line[1].find('#') == std::string::npos, "a server gets the origin form");
  Require(head.Count("host") == 1, "a request names one host");
  Require(std::find(hosts.begin(), hosts.end(), std::string(head.Get("host"))) != hosts.end(), "and it is the one that was checked");
  for (const char* name : {"proxy-connection", "proxy-authorization", "keep-alive", "te", "trailer", "expect"}) {
    Require(head.Count(name) == 0, "what concerns one hop ends there");
  }
  Require(head.Count("connection") == 0 || (head.Get("connection") == "Upgrade" && head.Count("connection") == 1), "so does Connection");
}

// What of a reply holds whoever sent it. Returns its status.
int CheckReplyHead(const fuzz::Head& head, const std::string& mark) {
  const std::string_view line = head.first_line;
  Require(line.size() >= 12 && line.starts_with("HTTP/1.1 ") && fuzz::IsDigits(line.substr(9, 3)), "a reply begins with its status");
  for (const auto& [name, value] : head.fields) {
    if (!absl::EqualsIgnoreCase(name, net::kEgressFailureHeader)) continue;
    Require(!mark.empty() && value.starts_with(mark), "no server passes for the proxy");
  }
  return std::stoi(std::string(line.substr(9, 3)));
}

template <typename Serializer, typename Message>
std::string HeadOf(Message& message) {
  message.body().data = nullptr;
  message.body().size = 0;
  message.body().more = true;
  Serializer serializer(message);
  serializer.split(true);
  std::string text;
  net::ErrorCode error;
  while (!serializer.is_header_done() && !error) {
    serializer.next(error, [&](net::ErrorCode&, const auto& buffers) {
      for (auto at = net::asio::buffer_sequence_begin(buffers); at != net::asio::buffer_sequence_end(buffers); ++at) {
        const net::asio::const_buffer piece = *at;
        text.append(static_cast<const char*>(piece.data()), piece.size());
      }
      serializer.consume(net::asio::buffer_size(buffers));
    });
  }
  return text;
}

// Gives the parser its bytes, as the proxy's reads do. False: an error, or there is no more.
template <typename Parser>
bool ParseHead(Parser& parser, std::string_view& rest) {
  parser.header_limit(64 << 10);
  parser.body_limit(std::numeric_limits<uint64_t>::max());
  net::ErrorCode error;
  while (!parser.is_header_done() && !error && !rest.empty()) {
    rest.remove_prefix(parser.put(net::asio::buffer(rest.data(), rest.size()), error));
  }
  return parser.is_header_done() && !error;
}

template <typename Parser>
bool SkipBody(Parser& parser, std::string_view& rest) {
  char buffer[512];
  net::ErrorCode error;
  while (!parser.is_done() && !rest.empty()) {
    parser.get().body().data = buffer;
    parser.get().body().size = sizeof buffer;
    rest.remove_prefix(parser.put(net::asio::buffer(rest.data(), rest.size()), error));
    if (error == http::error::need_buffer) error = {};
    if (error) return false;
  }
  return parser.is_done();
}

// The requests of a browser's connection, as far as the proxy would read them.
void RewriteRequests(std::string_view rest) {
  while (!rest.empty()) {
    net::RequestParser parser;
    if (!ParseHead(parser, rest) || !net::Objection(parser).empty()) return;
    const std::string target = net::ToString(parser.get().target());
    if (parser.get().method() == http::verb::connect) return (void)net::ParseAuthority(target, 0);
    const auto destination = net::ParseAbsoluteForm(target);
    if (!destination.ok()) return;
    net::RewriteRequest(parser, *destination);
    const std::string text = HeadOf<http::request_serializer<http::buffer_body>>(parser.get());
    std::string_view head_text = text;
    const auto head = fuzz::TakeHead(head_text);
    Require(head.has_value() && head_text.empty(), "a head is one head");
    CheckRequestHead(*head, {net::HostHeader(destination->authority)});
    // What the server takes for the host is what was checked.
    const auto host = net::ParseAuthority(head->Get("host"), 80);
    Require(host.ok() && net::HostPort(*host) == net::HostPort(destination->authority), "Host leads where the proxy goes");
    if (!SkipBody(parser, rest)) return;
  }
}

void RewriteReplies(std::string_view rest) {
  while (!rest.empty()) {
    net::ResponseParser parser;
    if (!ParseHead(parser, rest) || !net::FramingObjection(parser.get()).empty()) return;
    net::RewriteReply(parser, parser.get().result_int() == 101);
    const std::string text = HeadOf<http::response_serializer<http::buffer_body>>(parser.get());
    std::string_view head_text = text;
    const auto head = fuzz::TakeHead(head_text);
    Require(head.has_value() && head_text.empty(), "a head is one head");
    CheckReplyHead(*head, "");
    if (!SkipBody(parser, rest)) return;
  }
}

// A socket on 127.0.0.1 that listens.
class Listener {
 public:
  Listener() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    Require(bind(fd_, reinterpret_cast<sockaddr*>(&address), size) == 0 && listen(fd_, 64) == 0 &&
                getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size) == 0,
            "there is a port to listen on");
    port_ = ntohs(address.sin_port);
  }
  int fd() const { return fd_; }
  uint16_t port() const { return port_; }

 private:
  int fd_;
  uint16_t port_ = 0;
};

// The proxy, the server that may be reached and the one that may not. One of each for all inputs.
struct Net {
  Net() {
    net::EgressProxy::Options options;
    options.resolver = [](const std::string& host) -> absl::StatusOr<std::vector<std::string>> {
      if (host == "a.test" || host == "b.test") return std::vector<std::string>{"127.0.0.1"};
      return absl::NotFoundError("no such name");
    };
    proxy = net::EgressProxy::Create(std::move(options)).value();
    hosts = {absl::StrCat("127.0.0.1:", allowed.port()), absl::StrCat("a.test:", allowed.port())};
    port = proxy->Open({.allowed_hosts = hosts, .allow_private = false, .narrowed_to = {}}).value();
  }
  Listener allowed;
  Listener forbidden;
  std::unique_ptr<net::EgressProxy> proxy;
  std::vector<std::string> hosts;
  uint16_t port = 0;
};

Net& Everything() {
  static auto& net = *new Net();
  return net;
}

// One end of a connection.
struct End {
  explicit End(int fd) : fd(fd) {}
  End(End&& other) noexcept : fd(std::exchange(other.fd, -1)), got(std::move(other.got)), answered(other.answered), ended(other.ended) {}
  ~End() {
    // No port waits for its last packets: there are thousands of connections.
    const linger now = {.l_onoff = 1, .l_linger = 0};
    if (fd < 0) return;
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(fd);
  }
  void Read() {
    char buffer[16384];
    const ssize_t count = recv(fd, buffer, sizeof buffer, MSG_DONTWAIT);
    if (count > 0) got.append(buffer, static_cast<size_t>(count));
    if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) ended = true;
  }
  void Send(std::string_view bytes) const { (void)!send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT); }
  void SayNoMore() const { shutdown(fd, SHUT_WR); }

  int fd;
  std::string got;
  // Heads that were answered.
  size_t answered = 0;
  bool ended = false;
};

// What goes through the proxy, from the browser's first byte to the end of all connections.
class Exchange {
 public:
  explicit Exchange(std::string_view input) : client_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    std::vector<std::string> parts = absl::StrSplit(absl::string_view(input.data(), input.size()), "\n====\n");
    sent_ = absl::StrReplaceAll(parts.front(), {{"$A", absl::StrCat(Everything().allowed.port())},
                                                {"$B", absl::StrCat(Everything().forbidden.port())}});
    replies_.assign(parts.begin() + 1, parts.end());
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(Everything().port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    Require(connect(client_.fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0, "the proxy listens");
  }

  void Run() {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    client_.Send(sent_);
    int quiet = 0;
    while (!client_.ended || std::any_of(servers_.begin(), servers_.end(), [](const End& server) { return !server.ended; })) {
      Require(std::chrono::steady_clock::now() < end, "every exchange ends");
      if (Step(quiet < 2 ? 4 : 100)) continue;
      // Nobody has anything to say: the servers leave, then the browser.
      for (const End& server : servers_) server.SayNoMore();
      if (++quiet == 2) client_.SayNoMore();
    }
    while (Step(0)) {
    }
    Check();
  }

 private:
  // Serves what is ready. False: nothing was.
  bool Step(int wait_ms) {
    std::vector<pollfd> waits = {{Everything().forbidden.fd(), POLLIN, 0}, {Everything().allowed.fd(), POLLIN, 0}};
    std::vector<End*> ends;
    const auto wait_for = [&](End& end) {
      if (end.ended) return;
      waits.push_back({end.fd, POLLIN, 0});
      ends.push_back(&end);
    };
    wait_for(client_);
    for (End& server : servers_) wait_for(server);
    if (poll(waits.data(), waits.size(), wait_ms) <= 0) return false;
    Require(waits[0].revents == 0, "what may not be reached is not");
    for (size_t i = 0; i < ends.size(); ++i) {
      if (waits[i + 2].revents == 0) continue;
      ends[i]->Read();
      // The proxy's last reply waits for the browser to go.
      if (ends[i]->ended) ends[i]->SayNoMore();
      if (ends[i] != &client_) Answer(*ends[i]);
    }
    const int fd = waits[1].revents == 0 ? -1 : accept4(Everything().allowed.fd(), nullptr, nullptr, SOCK_CLOEXEC);
    if (fd >= 0) servers_.emplace_back(fd);
    return true;
  }

  void Answer(End& server) {
    size_t heads = 0;
    for (size_t at = 0; (at = server.got.find("\r\n\r\n", at)) != std::string::npos; at += 4) ++heads;
    for (; server.answered < heads; ++server.answered) {
      if (next_reply_ < replies_.size()) server.Send(replies_[next_reply_++]);
      if (next_reply_ == replies_.size()) server.SayNoMore();
    }
  }

  void Check() const {
    const bool tunnel = CheckReplies();
    size_t heads = 0, received = 0;
    for (size_t i = 0; i < servers_.size(); ++i) {
      std::string_view rest = servers_[i].got;
      received += rest.size();
      // A tunnel's bytes are between the browser and the server, the last one that was connected to.
      if (tunnel && i + 1 == servers_.size()) continue;
      while (!rest.empty()) {
        const auto head = fuzz::TakeHead(rest);
        if (!head.has_value()) break;
        ++heads;
        CheckRequestHead(*head, Everything().hosts);
        if (!fuzz::TakeBody(*head, rest)) break;
      }
    }
    size_t urls = 0;
    const std::string lower = absl::AsciiStrToLower(sent_);
    for (size_t at = 0; (at = lower.find("http://", at)) != std::string::npos; ++at) ++urls;
    Require(heads <= urls, "no server gets a request that the browser did not address to it");
    Require(received <= 4 * sent_.size() + 4096, "what goes on is not blown up");
  }

  // Whether a tunnel may have begun.
  bool CheckReplies() const {
    size_t replied = 0;
    for (const std::string& reply : replies_) replied += reply.size();
    Require(client_.got.size() <= 4 * (replied + sent_.size()) + 4096, "nor is what comes back");
    std::string_view rest = client_.got;
    while (!rest.empty()) {
      const auto head = fuzz::TakeHead(rest);
      if (!head.has_value()) return false;
      const int status = CheckReplyHead(*head, Everything().proxy->mark());
      if (status == 101 || head->first_line == "HTTP/1.1 200 Connection established") return true;
      // Its reply has no body whatever it says: which reply that is, is not known here.
      if (sent_.find("HEAD") != std::string::npos) return true;
      if (status == 100 || status == 204 || status == 304) continue;
      const bool framed = head->Count("content-length") + head->Count("transfer-encoding") > 0;
      if (!framed || !fuzz::TakeBody(*head, rest)) return false;
    }
    return false;
  }

  End client_;
  std::string sent_;
  std::vector<std::string> replies_;
  size_t next_reply_ = 0;
  std::vector<End> servers_;
};

}  // namespace
}  // namespace proctor

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view input = proctor::fuzz::View(data, size);
  if (input.starts_with('@')) {
    proctor::Exchange(input.substr(1)).Run();
  } else {
    proctor::RewriteRequests(input);
    proctor::RewriteReplies(input);
  }
  return 0;
}
