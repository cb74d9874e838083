#include "net/egress_tunnel.h"

#include <utility>
#include <vector>

namespace proctor::net {
namespace {

namespace beast = boost::beast;

constexpr size_t kBytesAtOnce = 64 << 10;
// After one direction has ended, the other gets this long without a byte.
constexpr std::chrono::seconds kHalfClosedTimeout{30};

// What the two directions share.
class Both : public std::enable_shared_from_this<Both> {
 public:
  Both(std::shared_ptr<void> owner, TunnelEnd client, TunnelEnd server)
      : owner_(std::move(owner)), client_(client), server_(server), timer_(client.stream.get_executor()) {}

  asio::awaitable<void> Run(std::chrono::nanoseconds idle_timeout) {
    client_.stream.expires_never();
    server_.stream.expires_never();
    Start(client_, server_);
    Start(server_, client_);
    while (ends_ < 2) {
      moved_ = false;
      timer_.expires_after(ends_ == 0 ? idle_timeout : kHalfClosedTimeout);
      ErrorCode error;
      co_await timer_.async_wait(Catch(error));
      // The timer is cancelled when a direction ends.
      if (!error && !moved_) Close();
    }
    Close();
  }

 private:
  void Start(TunnelEnd from, TunnelEnd to) {
    asio::co_spawn(
        timer_.get_executor(), [self = shared_from_this(), from, to] { return self->Pump(from, to); }, asio::detached);
  }

  asio::awaitable<void> Pump(TunnelEnd from, TunnelEnd to) {
    ErrorCode error;
    if (from.early.size() > 0) {
      co_await asio::async_write(to.stream.socket(), from.early.data(), Catch(error));
      from.early.clear();
    }
    std::vector<char> buffer(kBytesAtOnce);
    while (!error) {
      const size_t count = co_await from.stream.socket().async_read_some(asio::buffer(buffer), Catch(error));
      moved_ = true;
      if (error) break;
      co_await asio::async_write(to.stream.socket(), asio::buffer(buffer.data(), count), Catch(error));
      moved_ = true;
    }
    ErrorCode ignored;
    if (error == asio::error::eof) {
      if (to.stream.socket().is_open()) to.stream.socket().shutdown(tcp::socket::shutdown_send, ignored);
    } else {
      Close();
    }
    ++ends_;
    timer_.cancel();
  }

  void Close() {
    client_.stream.close();
    server_.stream.close();
  }

  const std::shared_ptr<void> owner_;
  const TunnelEnd client_;
  const TunnelEnd server_;
  asio::steady_timer timer_;
  bool moved_ = false;
  int ends_ = 0;
};

}  // namespace

asio::awaitable<void> Tunnel(std::shared_ptr<void> owner, TunnelEnd client, TunnelEnd server, std::chrono::nanoseconds idle_timeout) {
  const auto both = std::make_shared<Both>(std::move(owner), client, server);
  co_await both->Run(idle_timeout);
}

}  // namespace proctor::net
