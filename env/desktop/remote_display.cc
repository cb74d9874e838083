#include "env/desktop/remote_display.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/match.h"
#include "common/status.h"
#include "common/thread.h"
#include "env/desktop/guest_channel.h"

namespace proctor::env::desktop {
namespace {

constexpr absl::Duration kConnectCap = absl::Seconds(15);
constexpr size_t kMaxPasswordBytes = 8;

struct Address {
  int family = AF_UNSPEC;
  std::vector<char> bytes;
};

absl::StatusOr<Address> UnixAddress(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return absl::InvalidArgumentError("the path of the display's socket is too long");
  std::memcpy(address.sun_path, path.data(), path.size());
  const char* bytes = reinterpret_cast<const char*>(&address);
  return Address{AF_UNIX, {bytes, bytes + sizeof address}};
}

// The resolver knows no deadline: it works on a thread of its own, which outlives the call if need be.
absl::StatusOr<std::vector<Address>> Resolve(const CallContext& context, const std::string& host, const std::string& port) {
  struct Lookup {
    Mutex mutex;
    CondVar changed;
    bool done ABSL_GUARDED_BY(mutex) = false;
    std::vector<Address> found ABSL_GUARDED_BY(mutex);
  };
  auto lookup = std::make_shared<Lookup>();
  PROCTOR_ASSIGN_OR_RETURN(std::thread resolver, StartThread([lookup, host, port] {
    addrinfo hints = {};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV;
    addrinfo* list = nullptr;
    std::vector<Address> found;
    if (getaddrinfo(host.c_str(), port.c_str(), &hints, &list) == 0) {
      for (const addrinfo* item = list; item != nullptr; item = item->ai_next) {
        const char* bytes = reinterpret_cast<const char*>(item->ai_addr);
        found.push_back({item->ai_family, {bytes, bytes + item->ai_addrlen}});
      }
      freeaddrinfo(list);
    }
    MutexLock lock(lookup->mutex);
    lookup->found = std::move(found);
    lookup->done = true;
    lookup->changed.SignalAll();
  }));
  resolver.detach();
  Lookup& shared = *lookup;
  MutexLock lock(shared.mutex);
  PROCTOR_RETURN_IF_ERROR(AwaitWithContext(
      context, shared.mutex, shared.changed, [&shared]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return shared.done; },
      absl::StrCat("looking up ", host)));
  if (shared.found.empty()) return absl::UnavailableError(absl::StrCat("no machine is known as ", host));
  return shared.found;
}

absl::StatusOr<int> ConnectTo(const CallContext& context, const Address& address) {
  const int fd = socket(address.family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return absl::ResourceExhaustedError(strerror(errno));
  int error = 0;
  if (connect(fd, reinterpret_cast<const sockaddr*>(address.bytes.data()), static_cast<socklen_t>(address.bytes.size())) != 0) {
    error = errno;
  }
  if (error == EINPROGRESS || error == EAGAIN) {
    const absl::Status waited = PollWithContext(context, fd, POLLOUT, "connecting to the display");
    if (!waited.ok()) {
      close(fd);
      return waited;
    }
    socklen_t size = sizeof error;
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
  }
  if (error != 0) {
    close(fd);
    return absl::UnavailableError(strerror(error));
  }
  const int on = 1;
  // A key press must not wait for the answer to the one before. Fails for unix sockets, which do not wait.
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

absl::StatusOr<int> Dial(const CallContext& context, const std::string& address) {
  std::vector<Address> candidates;
  if (absl::StartsWith(address, "/")) {
    PROCTOR_ASSIGN_OR_RETURN(candidates.emplace_back(), UnixAddress(address));
  } else {
    const size_t colon = address.rfind(':');
    std::string host = address.substr(0, colon);
    // "[::1]:5901".
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
    PROCTOR_ASSIGN_OR_RETURN(candidates, Resolve(context, host, address.substr(colon + 1)));
  }
  absl::Status failure;
  for (const Address& candidate : candidates) {
    absl::StatusOr<int> fd = ConnectTo(context, candidate);
    if (fd.ok()) return fd;
    failure = fd.status();
    PROCTOR_RETURN_IF_ERROR(context.Check("connecting to the display"));
  }
  return failure;
}

absl::StatusOr<std::string> Password(const v1::RemoteDisplay& display) {
  if (display.password_file().empty()) return display.password();
  std::ifstream file(display.password_file());
  std::string line;
  if (!file || !std::getline(file, line)) {
    return absl::UnavailableError(absl::StrCat("the password file ", display.password_file(), " cannot be read or is empty"));
  }
  if (!line.empty() && line.back() == '\r') line.pop_back();
  if (line.size() > kMaxPasswordBytes) {
    return absl::UnavailableError(absl::StrCat("the password in ", display.password_file(), " has more than 8 bytes"));
  }
  return line;
}

}  // namespace

absl::StatusOr<std::unique_ptr<RfbClient>> ConnectRemoteDisplay(const CallContext& context, const v1::RemoteDisplay& display) {
  const CallContext capped = context.Child(kConnectCap);
  RfbOptions options;
  options.encodings = "zrle copyrect raw";
  PROCTOR_ASSIGN_OR_RETURN(options.password, Password(display));
  const absl::StatusOr<int> fd = Dial(capped, display.address());
  PROCTOR_RETURN_IF_ERROR(Annotate(fd.status(), absl::StrCat("the display at ", display.address())));
  absl::StatusOr<std::unique_ptr<RfbClient>> client = RfbClient::Connect(capped, *fd, std::move(options));
  PROCTOR_RETURN_IF_ERROR(Annotate(client.status(), absl::StrCat("the display at ", display.address())));
  return client;
}

absl::StatusOr<std::unique_ptr<DisplayLeases::Lease>> DisplayLeases::Take(const std::string& name) {
  {
    MutexLock lock(mutex_);
    if (!taken_.insert(name).second) {
      return absl::ResourceExhaustedError(absl::StrCat("the display ", name, " is used by another session: one at a time"));
    }
  }
  return std::make_unique<Lease>(*this, name);
}

DisplayLeases::Lease::~Lease() {
  MutexLock lock(leases_.mutex_);
  leases_.taken_.erase(name_);
}

}  // namespace proctor::env::desktop
