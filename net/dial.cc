#include "net/dial.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "net/lookup.h"

namespace proctor::net {
namespace {

// Readable once the call is cancelled.
class CancelSignal {
 public:
  explicit CancelSignal(const CallContext& context)
      : token_(context.cancel()), fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), id_(token_->AddCallback([this] { Set(); })) {}
  ~CancelSignal() {
    token_->RemoveCallback(id_);
    if (fd_ >= 0) close(fd_);
  }
  int fd() const { return fd_; }

 private:
  void Set() const {
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t size = write(fd_, &one, sizeof one);
  }

  const std::shared_ptr<CancelToken> token_;
  const int fd_;
  const uint64_t id_;
};

absl::StatusOr<int> Connect(const CallContext& context, const sockaddr* address, socklen_t size) {
  const int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return absl::ResourceExhaustedError(absl::StrCat("no socket: ", strerror(errno)));
  int error = connect(fd, address, size) == 0 ? 0 : errno;
  absl::Status waited;
  if (error == EINPROGRESS) {
    waited = PollWithContext(context, fd, POLLOUT, "connecting");
    socklen_t error_size = sizeof error;
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &error_size);
  }
  if (waited.ok() && error == 0) return fd;
  close(fd);
  return waited.ok() ? absl::UnavailableError(strerror(error)) : waited;
}

}  // namespace

absl::StatusOr<int> Dial(const CallContext& context, const std::string& host, uint16_t port) {
  PROCTOR_RETURN_IF_ERROR(context.Check("connecting"));
  PROCTOR_ASSIGN_OR_RETURN(const std::vector<std::string> addresses, Lookup(context, host));
  absl::Status failure = absl::UnavailableError(absl::StrCat(host, " has no address"));
  for (const std::string& numeric : addresses) {
    addrinfo hints = {};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
    addrinfo* list = nullptr;
    if (getaddrinfo(numeric.c_str(), absl::StrCat(port).c_str(), &hints, &list) != 0) continue;
    const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(list, &freeaddrinfo);
    const absl::StatusOr<int> fd = Connect(context, list->ai_addr, list->ai_addrlen);
    if (fd.ok()) {
      const int on = 1;
      setsockopt(*fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      return fd;
    }
    failure = fd.status();
    if (!absl::IsUnavailable(failure)) return failure;
  }
  return failure;
}

absl::StatusOr<int> DialUnix(const CallContext& context, const std::string& path) {
  PROCTOR_RETURN_IF_ERROR(context.Check("connecting"));
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return absl::InvalidArgumentError("the path of the socket is too long");
  std::memcpy(address.sun_path, path.data(), path.size());
  return Connect(context, reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

absl::Status PollWithContext(const CallContext& context, int fd, short events, std::string_view what) {
  // First, for one that always has more to say would be read without end.
  PROCTOR_RETURN_IF_ERROR(context.Check(what));
  // Most often it is ready, and nothing has to be set up.
  pollfd now = {fd, events, 0};
  if (poll(&now, 1, 0) > 0) return absl::OkStatus();
  const CancelSignal cancelled(context);
  for (;;) {
    PROCTOR_RETURN_IF_ERROR(context.Check(what));
    pollfd waits[2] = {{fd, events, 0}, {cancelled.fd(), POLLIN, 0}};
    const int64_t left_ms = context.remaining() == absl::InfiniteDuration() ? 60'000 : absl::ToInt64Milliseconds(context.remaining()) + 1;
    const int ready = poll(waits, 2, static_cast<int>(std::min<int64_t>(left_ms, 60'000)));
    if (ready < 0 && errno != EINTR) return absl::InternalError(absl::StrCat("poll: ", strerror(errno)));
    if (waits[0].revents != 0) return absl::OkStatus();
  }
}

}  // namespace proctor::net
