#include "net/egress_proxy.h"

#include <algorithm>
#include <map>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/mutex.h"
#include "common/status.h"
#include "net/asio.h"
#include "net/egress_connection.h"
#include "net/egress_messages.h"
#include "net/egress_rules.h"
#include "net/lookup.h"

namespace proctor::net {
namespace {

// Beyond its limit a listener answers this many connections more with 503; the rest waits in the
// kernel's queue.
constexpr int kRefusedAtOnce = 64;
// Of a listener, whose reasons are kept.
constexpr size_t kFailingHosts = 64;

absl::StatusOr<std::vector<HostPattern>> ParsePatterns(const std::vector<std::string>& texts) {
  std::vector<HostPattern> patterns;
  for (const std::string& text : texts) {
    PROCTOR_ASSIGN_OR_RETURN(HostPattern pattern, ParseHostPattern(text));
    patterns.push_back(std::move(pattern));
  }
  return patterns;
}

tcp::endpoint ToEndpoint(const IpAddress& address, uint16_t port) {
  if (!address.is_v4) return {asio::ip::address_v6(address.bytes), port};
  asio::ip::address_v4::bytes_type bytes;
  std::copy_n(address.bytes.begin(), 4, bytes.begin());
  return {asio::ip::address_v4(bytes), port};
}

bool IsLocalhost(const std::string& host) {
  return host == "localhost" || absl::EndsWith(host, ".localhost");
}

// A listening socket and its connections. Used on its acceptor's executor only.
struct Door {
  Door(std::shared_ptr<EgressListener> listener, asio::io_context& io)
      : listener(std::move(listener)),
        acceptor(asio::make_strand(io)),
        pause(acceptor.get_executor()) {}

  void Close() {
    ErrorCode ignored;
    closed = true;
    acceptor.close(ignored);
    pause.cancel();
    for (const auto& weak : connections) {
      if (auto connection = weak.lock()) connection->Close();
    }
    connections.clear();
  }

  const std::shared_ptr<EgressListener> listener;
  tcp::acceptor acceptor;
  asio::steady_timer pause;
  std::vector<std::weak_ptr<EgressConnection>> connections;
  bool closed = false;
};

asio::awaitable<void> AcceptAll(std::shared_ptr<Door> door, asio::io_context& io) {
  const int most = door->listener->core.options().max_connections_per_listener + kRefusedAtOnce;
  while (!door->closed) {
    ErrorCode error;
    tcp::socket socket(asio::make_strand(io));
    if (door->listener->connections >= most) {
      error = asio::error::no_descriptors;
    } else {
      co_await door->acceptor.async_accept(socket, Catch(error));
    }
    if (door->closed) co_return;
    if (error) {
      // Out of descriptors or connections: others must end first.
      door->pause.expires_after(std::chrono::milliseconds(20));
      co_await door->pause.async_wait(Catch(error));
      continue;
    }
    auto connection = EgressConnection::Make(door->listener, std::move(socket));
    connection->Start();
    std::erase_if(door->connections, [](const auto& weak) { return weak.expired(); });
    door->connections.push_back(connection);
  }
}

class EgressProxyImpl final : public EgressProxy {
 public:
  explicit EgressProxyImpl(Options options)
      : work_(asio::make_work_guard(io_)), core_(std::move(options)) {
    for (int i = 0; i < std::max(1, core_.options().threads); ++i) {
      threads_.emplace_back([this] { io_.run(); });
    }
  }

  ~EgressProxyImpl() override {
    // What is left of the connections is destroyed with the I/O context, after no thread runs them
    // any more and no lookup will report to them.
    io_.stop();
    for (std::thread& thread : threads_) thread.join();
    core_.Stop();
  }

  void SetOwnPorts(std::vector<uint16_t> ports) override { core_.SetOwnPorts(std::move(ports)); }

  absl::StatusOr<uint16_t> Open(EgressPolicy policy) override {
    EgressRules rules;
    PROCTOR_ASSIGN_OR_RETURN(rules.allowed, ParsePatterns(policy.allowed_hosts));
    PROCTOR_ASSIGN_OR_RETURN(rules.also_required, ParsePatterns(policy.narrowed_to));
    rules.allow_private = policy.allow_private;
    auto door =
        std::make_shared<Door>(std::make_shared<EgressListener>(core_, std::move(rules)), io_);
    const tcp::endpoint endpoint(asio::ip::address_v4::loopback(), 0);
    ErrorCode error;
    door->acceptor.open(endpoint.protocol(), error);
    if (!error) door->acceptor.bind(endpoint, error);
    if (!error) door->acceptor.listen(asio::socket_base::max_listen_connections, error);
    if (!error) door->listener->port = door->acceptor.local_endpoint(error).port();
    if (error) {
      return absl::UnavailableError(absl::StrCat("cannot open a proxy port: ", error.message()));
    }
    const uint16_t port = door->listener->port;
    core_.AddListener(port);
    {
      MutexLock lock(mutex_);
      doors_[port] = door;
    }
    asio::co_spawn(door->acceptor.get_executor(), AcceptAll(door, io_), asio::detached);
    return port;
  }

  void Close(uint16_t port) override {
    std::shared_ptr<Door> door;
    {
      MutexLock lock(mutex_);
      const auto it = doors_.find(port);
      if (it == doors_.end()) return;
      door = std::move(it->second);
      doors_.erase(it);
    }
    core_.RemoveListener(port);
    const auto executor = door->acceptor.get_executor();
    asio::post(executor, [door = std::move(door)] { door->Close(); });
  }

  const std::string& mark() const override { return core_.mark(); }

  EgressFailure FailureOf(uint16_t port, const std::string& host_port) const override {
    const absl::StatusOr<Authority> authority = ParseAuthority(host_port, 0);
    std::shared_ptr<Door> door;
    {
      MutexLock lock(mutex_);
      const auto it = doors_.find(port);
      if (it != doors_.end()) door = it->second;
    }
    if (door == nullptr || !authority.ok()) return {};
    return door->listener->failures.Find(HostPort(*authority));
  }

 private:
  asio::io_context io_;
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  // After io_: its lookups end before the I/O context does.
  EgressCore core_;
  mutable Mutex mutex_;
  std::map<uint16_t, std::shared_ptr<Door>> doors_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::thread> threads_;
};

}  // namespace

asio::awaitable<absl::StatusOr<std::vector<tcp::endpoint>>> EgressCore::Endpoints(
    uint16_t listener_port, const EgressRules& rules, Authority authority) {
  if (options_.internal_port) {
    const uint16_t internal = options_.internal_port(listener_port, authority.host);
    if (internal != 0) {
      co_return std::vector<tcp::endpoint>{{asio::ip::address_v4::loopback(), internal}};
    }
  }
  if (absl::Status status = CheckHost(rules, authority); !status.ok()) co_return status;
  std::vector<IpAddress> addresses;
  if (authority.address.has_value()) {
    addresses.push_back(*authority.address);
  } else if (IsLocalhost(authority.host)) {
    addresses = {*ParseIpAddress("127.0.0.1"), *ParseIpAddress("::1")};
  } else {
    absl::StatusOr<std::vector<IpAddress>> found = co_await Lookup(listener_port, authority.host);
    if (!found.ok()) co_return found.status();
    addresses = *std::move(found);
  }
  const std::vector<IpAddress> interfaces = InterfaceAddresses();
  std::vector<tcp::endpoint> endpoints;
  absl::Status refusal = absl::UnavailableError(absl::StrCat(authority.host, " has no address"));
  for (const IpAddress& address : addresses) {
    const bool own = std::find(interfaces.begin(), interfaces.end(), address) != interfaces.end();
    absl::Status status = CheckAddress(rules, authority, address, own, IsOwnPort(authority.port));
    if (status.ok()) {
      endpoints.push_back(ToEndpoint(address, authority.port));
    } else {
      refusal = std::move(status);
    }
  }
  if (endpoints.empty()) co_return refusal;
  co_return endpoints;
}

asio::awaitable<absl::StatusOr<std::vector<IpAddress>>> EgressCore::Lookup(uint16_t listener_port,
                                                                           std::string host) {
  struct Pending {
    explicit Pending(const asio::any_io_executor& executor) : timer(executor) {}
    asio::steady_timer timer;
    bool done = false;
    absl::StatusOr<std::vector<std::string>> result;
  };
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  auto pending = std::make_shared<Pending>(executor);
  pending->timer.expires_after(absl::ToChronoNanoseconds(options_.connect_timeout));
  const uint64_t lookup = lookups_->Add(listener_port, [this, pending, host, executor] {
    auto result = options_.resolver ? options_.resolver(host) : SystemResolve(host);
    asio::post(executor, [pending, result = std::move(result)]() mutable {
      pending->result = std::move(result);
      pending->done = true;
      pending->timer.cancel();
    });
  });
  if (lookup == 0) {
    co_return absl::ResourceExhaustedError(
        absl::StrCat("looking up ", host, ": too many names are looked up at once"));
  }
  ErrorCode error;
  co_await pending->timer.async_wait(Catch(error));
  if (!pending->done) {
    lookups_->Drop(lookup);
    co_return absl::DeadlineExceededError(absl::StrCat("looking up ", host, " took too long"));
  }
  if (!pending->result.ok()) co_return pending->result.status();
  std::vector<IpAddress> addresses;
  for (const std::string& text : *pending->result) {
    if (auto address = ParseIpAddress(text)) addresses.push_back(*address);
  }
  co_return addresses;
}

void EgressFailures::Add(const std::string& host_port, EgressFailure failure) {
  MutexLock lock(mutex_);
  std::erase_if(failures_, [&](const auto& known) { return known.first == host_port; });
  if (failures_.size() >= kFailingHosts) failures_.pop_front();
  failures_.emplace_back(host_port, std::move(failure));
}

void EgressFailures::Remove(const std::string& host_port) {
  MutexLock lock(mutex_);
  std::erase_if(failures_, [&](const auto& known) { return known.first == host_port; });
}

EgressFailure EgressFailures::Find(const std::string& host_port) const {
  MutexLock lock(mutex_);
  const auto found = std::find_if(failures_.begin(), failures_.end(),
                                  [&](const auto& known) { return known.first == host_port; });
  return found == failures_.end() ? EgressFailure() : found->second;
}

void EgressCore::Stop() { lookups_.reset(); }

void EgressCore::SetOwnPorts(std::vector<uint16_t> ports) {
  MutexLock lock(mutex_);
  own_ports_ = {ports.begin(), ports.end()};
}

void EgressCore::AddListener(uint16_t port) {
  MutexLock lock(mutex_);
  listener_ports_.insert(port);
}

void EgressCore::RemoveListener(uint16_t port) {
  MutexLock lock(mutex_);
  listener_ports_.erase(port);
}

bool EgressCore::IsOwnPort(uint16_t port) const {
  MutexLock lock(mutex_);
  return own_ports_.contains(port) || listener_ports_.contains(port);
}

absl::Status CheckHostPattern(const std::string& pattern) {
  return ParseHostPattern(pattern).status();
}

absl::StatusOr<std::unique_ptr<EgressProxy>> EgressProxy::Create(Options options) {
  if (options.max_connections_per_listener < 1) {
    return absl::InvalidArgumentError("max_connections_per_listener must be at least 1");
  }
  return std::make_unique<EgressProxyImpl>(std::move(options));
}

}  // namespace proctor::net
