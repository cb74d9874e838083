#include "net/egress_connection.h"

#include <array>
#include <chrono>
#include <limits>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "boost/beast/core.hpp"
#include "boost/beast/http.hpp"
#include "net/egress_messages.h"
#include "net/egress_tunnel.h"

namespace proctor::net {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;

constexpr int kHeaderLimit = 64 << 10;
// Bodies are streamed. `boost::none` would be refused by Beast 1.74 for messages with a length.
constexpr uint64_t kNoLimit = std::numeric_limits<uint64_t>::max();
constexpr size_t kRelayBytes = 64 << 10;
constexpr std::chrono::seconds kLingerTimeout{2};
constexpr std::chrono::seconds kServerReuse{3};

std::chrono::nanoseconds ToChrono(absl::Duration duration) {
  return absl::ToChronoNanoseconds(duration);
}

class Connection final : public EgressConnection {
 public:
  Connection(std::shared_ptr<EgressListener> listener, tcp::socket socket)
      : listener_(std::move(listener)),
        options_(listener_->core.options()),
        executor_(socket.get_executor()),
        client_(std::move(socket)),
        server_(executor_) {
    ++listener_->connections;
  }
  ~Connection() override { --listener_->connections; }

  void Start() override {
    asio::co_spawn(
        executor_, [self = Self()] { return self->Run(); }, asio::detached);
  }

  void Close() override {
    asio::post(executor_, [self = Self()] { self->CloseNow(); });
  }

 private:
  std::shared_ptr<Connection> Self() {
    return std::static_pointer_cast<Connection>(shared_from_this());
  }

  void CloseNow() {
    closed_ = true;
    client_.close();
    server_.close();
  }

  asio::awaitable<void> Run() {
    ErrorCode error;
    client_.socket().set_option(tcp::no_delay(true), error);
    if (listener_->connections > options_.max_connections_per_listener) {
      co_await Reply(503, "too many connections of this browser context at once");
    } else {
      bool more = true;
      while (more && !closed_) more = co_await ServeRequest();
    }
    co_await Linger();
    CloseNow();
  }

  // One request. Returns whether another may follow on this connection.
  asio::awaitable<bool> ServeRequest() {
    RequestParser parser;
    parser.header_limit(kHeaderLimit);
    parser.body_limit(kNoLimit);
    ErrorCode error;
    // One budget for the whole header: it is not renewed by each byte of a slow sender.
    client_.expires_after(ToChrono(options_.request_timeout));
    co_await http::async_read_header(client_, client_buffer_, parser, Catch(error));
    if (error) {
      co_await ReplyToBadHeader(error);
      co_return false;
    }
    const std::string_view objection = Objection(parser);
    if (!objection.empty()) co_return co_await Reply(400, std::string(objection));
    if (parser.get().method() == http::verb::connect) {
      co_await ServeConnect(ToString(parser.get().target()));
      co_return false;
    }
    co_return co_await Forward(parser);
  }

  asio::awaitable<void> ReplyToBadHeader(ErrorCode error) {
    const bool protocol = error.category() == ErrorCode(http::error::bad_method).category();
    if (!protocol || error == http::error::end_of_stream || error == http::error::partial_message)
      co_return;
    const bool too_large =
        error == http::error::header_limit || error == http::error::buffer_overflow;
    co_await Reply(too_large ? 431 : 400, error.message());
  }

  asio::awaitable<void> ServeConnect(std::string target) {
    const absl::StatusOr<Authority> authority = ParseAuthority(target, 0);
    if (!authority.ok()) {
      co_await ReplyStatus(target, authority.status());
      co_return;
    }
    const absl::Status status = co_await ConnectTo(*authority);
    if (!status.ok()) {
      co_await ReplyStatus(HostPort(*authority), status);
      co_return;
    }
    static constexpr std::string_view kEstablished = "HTTP/1.1 200 Connection established\r\n\r\n";
    ErrorCode error;
    client_.expires_after(ToChrono(options_.transfer_timeout));
    co_await asio::async_write(client_, asio::buffer(kEstablished.data(), kEstablished.size()),
                               Catch(error));
    if (!error) co_await RunTunnel();
  }

  // Connects server_ to one of the authority's permitted addresses; keeps a connection that already
  // goes there.
  asio::awaitable<absl::Status> ConnectTo(Authority authority) {
    const std::string key = HostPort(authority);
    if (server_key_ == key && ServerIsQuiet()) co_return absl::OkStatus();
    server_.close();
    server_buffer_.clear();
    server_key_.clear();
    absl::StatusOr<std::vector<tcp::endpoint>> endpoints =
        co_await listener_->core.Endpoints(listener_->port, listener_->rules, std::move(authority));
    if (!endpoints.ok()) co_return endpoints.status();
    ErrorCode error;
    for (const tcp::endpoint& endpoint : *endpoints) {
      if (closed_) co_return absl::CancelledError("closed");
      server_.close();
      server_.expires_after(ToChrono(options_.connect_timeout));
      co_await server_.async_connect(endpoint, Catch(error));
      if (error) continue;
      server_.socket().set_option(tcp::no_delay(true), error);
      server_key_ = key;
      listener_->failures.Remove(key);
      co_return absl::OkStatus();
    }
    if (error == beast::error::timeout) {
      co_return absl::DeadlineExceededError(absl::StrCat("connecting to ", key, " took too long"));
    }
    co_return absl::UnavailableError(
        absl::StrCat("cannot connect to ", key, ": ", error.message()));
  }

  // Nothing to read on an idle server connection: no end, and no reply that nobody asked for.
  // Servers that tire of waiting do so after 5 s or more: not reusing it that late keeps clear of
  // losing a request to their closing.
  bool ServerIsQuiet() {
    if (!server_.socket().is_open() || server_buffer_.size() > 0) return false;
    if (std::chrono::steady_clock::now() - server_used_ > kServerReuse) return false;
    char byte = 0;
    const ssize_t count = recv(server_.socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
  }

  asio::awaitable<bool> Forward(RequestParser& parser) {
    const std::string original = ToString(parser.get().target());
    absl::StatusOr<Destination> destination = ParseAbsoluteForm(original);
    if (!destination.ok())
      co_return co_await ReplyStatus(original.substr(0, 200), destination.status());
    const std::string key = HostPort(destination->authority);
    absl::Status status = co_await ConnectTo(destination->authority);
    if (!status.ok()) co_return co_await ReplyStatus(key, status);

    const bool upgrade = IsUpgrade(parser);
    const bool head = parser.get().method() == http::verb::head;
    const bool client_keeps = parser.get().keep_alive();
    const bool wants_continue =
        absl::EqualsIgnoreCase(ToString(parser.get()[http::field::expect]), "100-continue");
    RewriteRequest(parser, *destination);

    ErrorCode error;
    if (wants_continue) {
      static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
      co_await asio::async_write(client_, asio::buffer(kContinue.data(), kContinue.size()),
                                 Catch(error));
    }
    if (!error) co_await RelayRequest(parser, error);
    // A server may answer before it has read everything: its reply counts, not the failed write.
    const bool sent = !error && parser.is_done();
    co_return co_await RelayReply(key, head, upgrade, client_keeps && sent);
  }

  asio::awaitable<void> RelayRequest(RequestParser& parser, ErrorCode& error) {
    http::request_serializer<http::buffer_body> serializer(parser.get());
    co_await Relay(client_, client_buffer_, parser, server_, serializer, error);
  }

  // Passes the reply on. Returns whether the client's connection can be used again.
  asio::awaitable<bool> RelayReply(std::string key, bool head, bool upgrade, bool keep) {
    std::optional<ResponseParser> parser;
    ErrorCode error;
    WatchClient();
    do {
      parser.emplace();
      parser->header_limit(kHeaderLimit);
      parser->body_limit(kNoLimit);
      parser->skip(head);
      server_.expires_after(ToChrono(options_.transfer_timeout));
      co_await http::async_read_header(server_, server_buffer_, *parser, Catch(error));
      // Interim replies (100, 103) are dropped: the final one follows.
    } while (!error && parser->get().result_int() < 200 && parser->get().result_int() != 101);
    StopWatchingClient();
    if (closed_) co_return false;
    if (!error && !FramingObjection(parser->get()).empty())
      error = http::error::bad_transfer_encoding;
    if (error) co_return co_await ReplyToBadServer(key, error);

    const bool switched = parser->get().result_int() == 101;
    if (switched && !upgrade) co_return co_await ReplyToBadServer(key, http::error::bad_status);
    const bool server_keeps = parser->get().keep_alive() && !parser->get().need_eof();
    RewriteReply(*parser, switched);
    // Without a length the reply ends with the connection.
    const bool bodiless =
        head || parser->get().result_int() == 204 || parser->get().result_int() == 304;
    const bool framed = bodiless || parser->get().has_content_length() || parser->get().chunked();
    keep = keep && (framed || switched);
    if (!switched) parser->get().keep_alive(keep);
    co_await SendReply(*parser, bodiless || switched, error);
    // An orderly end would say that this was the whole reply.
    if (error && !framed && !switched) ResetClient();
    if (error || closed_) co_return false;
    if (switched) {
      co_await RunTunnel();
      co_return false;
    }
    server_used_ = std::chrono::steady_clock::now();
    if (!server_keeps) {
      server_.close();
      server_key_.clear();
    }
    co_return keep;
  }

  asio::awaitable<void> SendReply(ResponseParser& parser, bool header_only, ErrorCode& error) {
    http::response_serializer<http::buffer_body> serializer(parser.get());
    if (header_only) {
      client_.expires_after(ToChrono(options_.transfer_timeout));
      co_await http::async_write_header(client_, serializer, Catch(error));
    } else {
      co_await Relay(server_, server_buffer_, parser, client_, serializer, error);
    }
  }

  // Streams a message whose header is parsed: header first, then the body as it comes, in bounded
  // memory.
  template <typename Parser, typename Serializer>
  asio::awaitable<void> Relay(beast::tcp_stream& from, beast::flat_buffer& buffer, Parser& parser,
                              beast::tcp_stream& to, Serializer& serializer, ErrorCode& error) {
    to.expires_after(ToChrono(options_.transfer_timeout));
    co_await http::async_write_header(to, serializer, Catch(error));
    auto& body = parser.get().body();
    while (!error && !(parser.is_done() && serializer.is_done())) {
      body.data = relay_buffer_.data();
      body.size = relay_buffer_.size();
      if (!parser.is_done()) {
        from.expires_after(ToChrono(options_.transfer_timeout));
        co_await http::async_read_some(from, buffer, parser, Catch(error));
        // The body's buffer is full: not an error.
        if (error == http::error::need_buffer) error = {};
        if (error) co_return;
      }
      body.size = relay_buffer_.size() - body.size;
      body.more = !parser.is_done();
      if (body.size == 0 && body.more) continue;
      // An empty piece would be written as the last chunk, twice.
      body.data = body.size == 0 ? nullptr : relay_buffer_.data();
      to.expires_after(ToChrono(options_.transfer_timeout));
      co_await http::async_write(to, serializer, Catch(error));
      if (error == http::error::need_buffer) error = {};
    }
  }

  // While a reply is awaited, notices that the browser has gone and frees the server's connection.
  // Unread input of the client (a pipelined request) ends the watch.
  void WatchClient() {
    watching_ = true;
    client_.socket().async_wait(tcp::socket::wait_read, [self = Self()](ErrorCode error) {
      if (error || !self->watching_ || self->closed_) return;
      char byte = 0;
      const ssize_t count =
          recv(self->client_.socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
      if (count == 0) self->CloseNow();
    });
  }

  void StopWatchingClient() {
    watching_ = false;
    ErrorCode ignored;
    if (client_.socket().is_open()) client_.socket().cancel(ignored);
  }

  asio::awaitable<void> RunTunnel() {
    co_await Tunnel(Self(), {client_, client_buffer_}, {server_, server_buffer_}, ToChrono(options_.tunnel_idle_timeout));
    CloseNow();
  }

  asio::awaitable<bool> ReplyToBadServer(std::string key, ErrorCode error) {
    server_.close();
    server_key_.clear();
    if (error == beast::error::timeout) {
      co_return co_await ReplyStatus(
          key, absl::DeadlineExceededError("the server did not answer in time"));
    }
    co_return co_await ReplyStatus(
        key, absl::UnavailableError(absl::StrCat("the server's reply failed: ", error.message())));
  }

  asio::awaitable<bool> ReplyStatus(std::string host_port, absl::Status status) {
    if (closed_) co_return false;
    const std::string reason = OneLine(std::string(status.message()));
    const int code = HttpStatusFor(status);
    // Before the browser hears of it and somebody asks.
    if (code != 400) listener_->failures.Add(host_port, {reason, code});
    if (options_.on_refused && code != 400)
      options_.on_refused(listener_->port, OneLine(host_port), reason);
    co_return co_await Reply(code, reason);
  }

  // Always ends the connection: what follows on it may be the rest of a request that was not read.
  asio::awaitable<bool> Reply(int code, std::string reason) {
    http::response<http::string_body> message;
    message.result(static_cast<unsigned>(code));
    message.version(11);
    message.keep_alive(false);
    message.set(http::field::content_type, "text/plain; charset=utf-8");
    message.set(http::field::cache_control, "no-store");
    message.set(kEgressFailureHeader,
                absl::StrCat(listener_->core.mark(), " ", OneLine(reason)));
    message.body() = absl::StrCat(code == 403 ? "refused: " : "", reason, "\n");
    message.prepare_payload();
    ErrorCode error;
    client_.expires_after(ToChrono(options_.transfer_timeout));
    co_await http::async_write(client_, message, Catch(error));
    co_return false;
  }

  void ResetClient() {
    ErrorCode ignored;
    client_.socket().set_option(asio::socket_base::linger(true, 0), ignored);
    client_.close();
  }

  // Lets the browser read the last reply: closing with unread input would reset the connection.
  asio::awaitable<void> Linger() {
    ErrorCode error;
    if (closed_ || !client_.socket().is_open()) co_return;
    client_.socket().shutdown(tcp::socket::shutdown_send, error);
    client_.expires_after(kLingerTimeout);
    for (int i = 0; i < 64 && !error && !closed_; ++i) {
      co_await client_.async_read_some(asio::buffer(relay_buffer_), Catch(error));
    }
  }

  const std::shared_ptr<EgressListener> listener_;
  const EgressProxy::Options& options_;
  const asio::any_io_executor executor_;
  beast::tcp_stream client_;
  beast::tcp_stream server_;
  // What server_ is connected to: "host:port" as requested; empty if it is not.
  std::string server_key_;
  std::chrono::steady_clock::time_point server_used_;
  beast::flat_buffer client_buffer_{kHeaderLimit + kRelayBytes};
  beast::flat_buffer server_buffer_{kHeaderLimit + kRelayBytes};
  std::array<char, kRelayBytes> relay_buffer_;
  bool closed_ = false;
  bool watching_ = false;
};

}  // namespace

std::shared_ptr<EgressConnection> EgressConnection::Make(std::shared_ptr<EgressListener> listener,
                                                         tcp::socket socket) {
  return std::make_shared<Connection>(std::move(listener), std::move(socket));
}

}  // namespace proctor::net
