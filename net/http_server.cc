#include "net/http_server.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <optional>
#include <thread>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "boost/asio/ssl.hpp"
#include "boost/beast/core.hpp"
#include "boost/beast/http.hpp"
#include "boost/beast/ssl.hpp"
#include "net/asio.h"

namespace proctor::net {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;
namespace ssl = boost::asio::ssl;

using RequestParser = http::request_parser<http::string_body>;
using BeastResponse = http::response<http::string_body>;

constexpr std::chrono::seconds kHandshakeTimeout{10};
constexpr std::chrono::seconds kWriteTimeout{60};
constexpr std::chrono::seconds kLingerTimeout{2};
constexpr int kHeaderLimit = 64 << 10;
// As much as is read at once.
constexpr int kReadBytes = 64 << 10;

std::string ToString(beast::string_view view) { return std::string(view.data(), view.size()); }

// What is wrong with a well-formed header block, or "". These are the ambiguities that request
// smuggling lives on.
std::string_view Objection(const RequestParser& parser) {
  const auto& message = parser.get();
  if (message.count(http::field::host) > 1) return "more than one Host header";
  if (message.version() >= 11 && message.count(http::field::host) == 0) return "no Host header";
  if (message.count(http::field::transfer_encoding) > 0 &&
      !absl::EqualsIgnoreCase(ToString(message[http::field::transfer_encoding]), "chunked")) {
    return "unsupported transfer coding";
  }
  return "";
}

HttpRequest ToRequest(RequestParser& parser) {
  auto& message = parser.get();
  HttpRequest request;
  request.method = ToString(message.method_string());
  request.target = ToString(message.target());
  request.host = absl::AsciiStrToLower(ToString(message[http::field::host]));
  // Absolute form, as sent to proxies, is allowed to servers too and overrides Host.
  if (absl::StartsWithIgnoreCase(request.target, "http://")) {
    const size_t path = std::min(request.target.find('/', 7), request.target.size());
    request.host = absl::AsciiStrToLower(request.target.substr(7, path - 7));
    request.target = path == request.target.size() ? "/" : request.target.substr(path);
  }
  for (const auto& field : message) {
    request.headers.emplace_back(absl::AsciiStrToLower(ToString(field.name_string())),
                                 ToString(field.value()));
  }
  request.body = std::move(message.body());
  return request;
}

bool IsFramingHeader(const std::string& name) {
  return absl::EqualsIgnoreCase(name, "content-length") ||
         absl::EqualsIgnoreCase(name, "connection") ||
         absl::EqualsIgnoreCase(name, "transfer-encoding");
}

BeastResponse ToBeast(HttpResponse response) {
  const auto broken = [](const auto& header) {
    return header.first.empty() || header.first.find_first_of("\r\n: ") != std::string::npos ||
           header.second.find_first_of("\r\n") != std::string::npos;
  };
  if (response.status < 200 || response.status > 599 ||
      std::any_of(response.headers.begin(), response.headers.end(), broken)) {
    response = {
        .status = 500, .headers = {}, .body = "the handler's response is malformed\n", .delay = {}};
  }
  BeastResponse message;
  message.result(static_cast<unsigned>(response.status));
  for (const auto& [name, value] : response.headers) {
    if (!IsFramingHeader(name)) message.insert(name, value);
  }
  // These have no body; Beast refuses to send one.
  if (response.status != 204 && response.status != 304) message.body() = std::move(response.body);
  message.prepare_payload();
  return message;
}

// The peer sent nonsense, as opposed to having gone or being slow.
bool IsProtocolError(const ErrorCode& error) {
  return error && error != http::error::end_of_stream && error != http::error::partial_message &&
         error.category() == ErrorCode(http::error::bad_method).category();
}

int StatusForReadError(const ErrorCode& error) {
  if (error == http::error::body_limit) return 413;
  if (error == http::error::header_limit || error == http::error::buffer_overflow) return 431;
  return 400;
}

class HttpServerImpl final : public HttpServer {
 public:
  HttpServerImpl(Options options, HttpHandler handler)
      : options_(std::move(options)), handler_(std::move(handler)), acceptor_(io_) {}

  ~HttpServerImpl() override {
    // Connections are destroyed with the I/O context, after no thread runs them any more.
    io_.stop();
    for (std::thread& thread : threads_) thread.join();
  }

  absl::Status Start() {
    ErrorCode error;
    const auto address = asio::ip::make_address(options_.address, error);
    if (error) {
      return absl::InvalidArgumentError(absl::StrCat("not a numeric address: ", options_.address));
    }
    if (absl::Status status = LoadCertificate(); !status.ok()) return status;
    const tcp::endpoint endpoint(address, options_.port);
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(asio::socket_base::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (!error) port_ = acceptor_.local_endpoint(error).port();
    if (error) {
      return absl::UnavailableError(absl::StrCat("cannot listen on ", options_.address, ":",
                                                 options_.port, ": ", error.message()));
    }
    asio::co_spawn(io_, Accept(), asio::detached);
    for (int i = 0; i < std::max(1, options_.threads); ++i) {
      threads_.emplace_back([this] { io_.run(); });
    }
    return absl::OkStatus();
  }

  uint16_t port() const override { return port_; }

 private:
  // Counts a connection for its life.
  struct Slot {
    explicit Slot(std::atomic<int>& count) : count_(count) { ++count_; }
    ~Slot() { --count_; }
    std::atomic<int>& count_;
  };

  absl::Status LoadCertificate() {
    if (options_.tls_certificate_pem.empty() && options_.tls_key_pem.empty())
      return absl::OkStatus();
    tls_.emplace(ssl::context::tls_server);
    ErrorCode error;
    tls_->use_certificate_chain(asio::buffer(options_.tls_certificate_pem), error);
    if (!error) {
      tls_->use_private_key(asio::buffer(options_.tls_key_pem), ssl::context::pem, error);
    }
    if (!error && SSL_CTX_check_private_key(tls_->native_handle()) == 1) return absl::OkStatus();
    return absl::InvalidArgumentError(
        "the TLS certificate and key do not load or do not belong together");
  }

  asio::awaitable<void> Accept() {
    asio::steady_timer pause(io_);
    while (true) {
      ErrorCode error;
      tcp::socket socket(asio::make_strand(io_));
      if (connections_ < options_.max_connections) {
        co_await acceptor_.async_accept(socket, Catch(error));
      } else {
        error = asio::error::no_descriptors;
      }
      if (error == asio::error::operation_aborted) co_return;
      if (error) {
        // Out of descriptors or connections: others must end first.
        pause.expires_after(std::chrono::milliseconds(20));
        co_await pause.async_wait(Catch(error));
        continue;
      }
      const auto executor = socket.get_executor();
      asio::co_spawn(executor, Connection(std::move(socket)), asio::detached);
    }
  }

  asio::awaitable<void> Connection(tcp::socket socket) {
    const Slot slot(connections_);
    ErrorCode error;
    socket.set_option(tcp::no_delay(true), error);
    if (!tls_.has_value()) {
      beast::tcp_stream stream(std::move(socket));
      co_await Serve(stream);
      co_return;
    }
    beast::ssl_stream<beast::tcp_stream> stream(std::move(socket), *tls_);
    beast::get_lowest_layer(stream).expires_after(kHandshakeTimeout);
    co_await stream.async_handshake(ssl::stream_base::server, Catch(error));
    if (error) co_return;
    co_await Serve(stream);
    beast::get_lowest_layer(stream).expires_after(kLingerTimeout);
    co_await stream.async_shutdown(Catch(error));
  }

  template <typename Stream>
  asio::awaitable<void> Serve(Stream& stream) {
    // Its parser takes the body out, but what a chunk's header or the trailers have stays here until its end comes.
    beast::flat_buffer buffer{kHeaderLimit + kReadBytes};
    bool keep_alive = true;
    while (keep_alive) {
      keep_alive = co_await ServeOne(stream, buffer);
    }
    co_await Linger(beast::get_lowest_layer(stream));
  }

  // One request and its reply. Returns whether another may follow.
  template <typename Stream>
  asio::awaitable<bool> ServeOne(Stream& stream, beast::flat_buffer& buffer) {
    auto& lowest = beast::get_lowest_layer(stream);
    RequestParser parser;
    parser.header_limit(kHeaderLimit);
    parser.body_limit(static_cast<uint64_t>(options_.max_body_bytes));
    // One budget for the whole request: it is not renewed by each byte of a slow sender.
    lowest.expires_after(absl::ToChronoNanoseconds(options_.idle_timeout));
    ErrorCode error;
    co_await http::async_read_header(stream, buffer, parser, Catch(error));
    if (!error) {
      const std::string_view objection = Objection(parser);
      if (!objection.empty()) co_return co_await Refuse(stream, 400, std::string(objection));
      co_await SendContinue(stream, parser, error);
    }
    if (!error) co_await http::async_read(stream, buffer, parser, Catch(error));
    if (IsProtocolError(error)) {
      co_return co_await Refuse(stream, StatusForReadError(error), error.message());
    }
    if (error) co_return false;

    const bool head = parser.get().method() == http::verb::head;
    const bool keep_alive = parser.get().keep_alive();
    const unsigned version = parser.get().version();
    HttpResponse response = handler_(ToRequest(parser));
    if (response.delay > absl::ZeroDuration()) {
      asio::steady_timer timer(lowest.get_executor(), absl::ToChronoNanoseconds(response.delay));
      co_await timer.async_wait(Catch(error));
    }
    BeastResponse message = ToBeast(std::move(response));
    message.version(version);
    message.keep_alive(keep_alive);
    co_await Send(stream, message, head, error);
    co_return keep_alive && !error;
  }

  template <typename Stream>
  asio::awaitable<void> SendContinue(Stream& stream, const RequestParser& parser,
                                     ErrorCode& error) {
    if (!absl::EqualsIgnoreCase(ToString(parser.get()[http::field::expect]), "100-continue"))
      co_return;
    static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    co_await asio::async_write(stream, asio::buffer(kContinue.data(), kContinue.size()),
                               Catch(error));
  }

  template <typename Stream>
  asio::awaitable<void> Send(Stream& stream, BeastResponse& message, bool head, ErrorCode& error) {
    beast::get_lowest_layer(stream).expires_after(kWriteTimeout);
    http::response_serializer<http::string_body> serializer(message);
    if (head) {
      co_await http::async_write_header(stream, serializer, Catch(error));
    } else {
      co_await http::async_write(stream, serializer, Catch(error));
    }
  }

  template <typename Stream>
  asio::awaitable<bool> Refuse(Stream& stream, int status, std::string reason) {
    BeastResponse message = ToBeast({.status = status,
                                     .headers = {{"content-type", "text/plain"}},
                                     .body = absl::StrCat(reason, "\n"),
                                     .delay = {}});
    message.keep_alive(false);
    ErrorCode error;
    co_await Send(stream, message, /*head=*/false, error);
    co_return false;
  }

  // Lets the peer read the last reply: closing with unread input would reset the connection.
  asio::awaitable<void> Linger(beast::tcp_stream& stream) {
    ErrorCode error;
    if (tls_.has_value()) co_return;
    stream.socket().shutdown(tcp::socket::shutdown_send, error);
    stream.expires_after(kLingerTimeout);
    char scratch[4096];
    for (int i = 0; i < 256 && !error; ++i) {
      co_await stream.async_read_some(asio::buffer(scratch), Catch(error));
    }
  }

  const Options options_;
  const HttpHandler handler_;
  std::atomic<int> connections_ = 0;
  std::optional<ssl::context> tls_;
  uint16_t port_ = 0;
  // Declared after what its coroutines use: it destroys them.
  asio::io_context io_;
  tcp::acceptor acceptor_;
  std::vector<std::thread> threads_;
};

}  // namespace

std::string HttpRequest::Header(const std::string& name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return "";
}

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Create(Options options,
                                                               HttpHandler handler) {
  auto server = std::make_unique<HttpServerImpl>(std::move(options), std::move(handler));
  if (absl::Status status = server->Start(); !status.ok()) return status;
  return server;
}

}  // namespace proctor::net
