#include "env/android/adb_socket.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "net/lookup.h"

namespace proctor::env::android {
namespace {

// Poll's clock is coarse: a wait that ends a little late beats one that spins.
int PollMilliseconds(const CallContext& context) {
  const absl::Duration rest = std::min(context.remaining(), absl::Hours(1));
  return static_cast<int>(absl::ToInt64Milliseconds(rest)) + 1;
}

absl::Status Gone(int error) {
  return absl::UnavailableError(absl::StrCat("the adb server's connection broke: ", std::strerror(error)));
}

// Of a numeric address; no name is looked up. `first` is null if it is none.
struct AddressList {
  AddressList(const std::string& numeric, uint16_t port) {
    addrinfo hints = {};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
    if (getaddrinfo(numeric.c_str(), absl::StrCat(port).c_str(), &hints, &first) != 0) first = nullptr;
  }
  AddressList(const AddressList&) = delete;
  AddressList& operator=(const AddressList&) = delete;
  ~AddressList() {
    if (first != nullptr) freeaddrinfo(first);
  }
  addrinfo* first = nullptr;
};

}  // namespace

std::string AdbAddress::text() const { return absl::StrCat(host, ":", port); }

AdbSocket::AdbSocket(int fd) : fd_(fd) {
  fcntl(fd_, F_SETFL, fcntl(fd_, F_GETFL) | O_NONBLOCK);
  const int on = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

AdbSocket::~AdbSocket() { close(fd_); }

absl::StatusOr<std::unique_ptr<AdbSocket>> AdbSocket::Connect(const CallContext& context, const AdbAddress& address) {
  PROCTOR_RETURN_IF_ERROR(context.Check("connecting to the adb server"));
  const std::string host = address.host == "localhost" ? "127.0.0.1" : address.host;
  const absl::StatusOr<std::vector<std::string>> found = net::Lookup(context, host);
  if (!found.ok()) return Annotate(found.status(), absl::StrCat("the adb server at ", address.text()));
  absl::Status last = absl::UnavailableError(absl::StrCat("no address for the adb server at ", address.text()));
  for (const std::string& numeric : *found) {
    const AddressList list(numeric, address.port);
    if (list.first == nullptr) continue;
    const int fd = socket(list.first->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return absl::ResourceExhaustedError(absl::StrCat("no socket: ", std::strerror(errno)));
    auto connection = std::make_unique<AdbSocket>(fd);
    int error = connect(fd, list.first->ai_addr, list.first->ai_addrlen) == 0 ? 0 : errno;
    if (error == EINPROGRESS) {
      PROCTOR_RETURN_IF_ERROR(connection->Await(context, POLLOUT));
      socklen_t size = sizeof error;
      getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
    }
    if (error == 0) return connection;
    last = absl::UnavailableError(absl::StrCat("no adb server answers at ", address.text(), ": ", std::strerror(error)));
  }
  return last;
}

absl::Status AdbSocket::Await(const CallContext& context, short events) {
  PROCTOR_RETURN_IF_ERROR(context.Check("waiting for the adb server"));
  // Ends the poll below. Not run any more once it is removed, so never on a descriptor that is another's by now.
  const int fd = fd_;
  const uint64_t callback = context.cancel()->AddCallback([fd] { shutdown(fd, SHUT_RDWR); });
  pollfd wait = {fd_, events, 0};
  const int ready = poll(&wait, 1, PollMilliseconds(context));
  const int error = errno;
  context.cancel()->RemoveCallback(callback);
  PROCTOR_RETURN_IF_ERROR(context.Check("waiting for the adb server"));
  if (ready < 0 && error != EINTR) return Gone(error);
  return absl::OkStatus();
}

absl::Status AdbSocket::Write(const CallContext& context, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<size_t>(sent));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      PROCTOR_RETURN_IF_ERROR(Await(context, POLLOUT));
    } else if (errno != EINTR) {
      return Gone(errno);
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<size_t> AdbSocket::ReadSome(const CallContext& context, char* bytes, size_t size) {
  while (true) {
    const ssize_t got = recv(fd_, bytes, size, 0);
    if (got >= 0) {
      // A peer that never stops sending must not outlast the deadline.
      PROCTOR_RETURN_IF_ERROR(context.Check("reading from the adb server"));
      return static_cast<size_t>(got);
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      PROCTOR_RETURN_IF_ERROR(Await(context, POLLIN));
    } else if (errno != EINTR) {
      return Gone(errno);
    }
  }
}

absl::Status AdbSocket::Read(const CallContext& context, char* bytes, size_t size) {
  size_t have = 0;
  while (have < size) {
    PROCTOR_ASSIGN_OR_RETURN(const size_t got, ReadSome(context, bytes + have, size - have));
    if (got == 0) return absl::UnavailableError("the adb server ended the connection early");
    have += got;
  }
  return absl::OkStatus();
}

}  // namespace proctor::env::android
