#include "env/android/adb_socket.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "net/dial.h"

namespace proctor::env::android {
namespace {

absl::Status Gone(int error) {
  return absl::UnavailableError(absl::StrCat("the adb server's connection broke: ", std::strerror(error)));
}

}  // namespace

std::string AdbAddress::text() const { return absl::StrCat(host, ":", port); }

AdbSocket::AdbSocket(int fd) : fd_(fd) { fcntl(fd_, F_SETFL, fcntl(fd_, F_GETFL) | O_NONBLOCK); }

AdbSocket::~AdbSocket() { close(fd_); }

absl::StatusOr<std::unique_ptr<AdbSocket>> AdbSocket::Connect(const CallContext& context, const AdbAddress& address) {
  const std::string host = address.host == "localhost" ? "127.0.0.1" : address.host;
  const absl::StatusOr<int> fd = net::Dial(context, host, address.port);
  if (!fd.ok()) return Annotate(fd.status(), absl::StrCat("the adb server at ", address.text()));
  return std::make_unique<AdbSocket>(*fd);
}

absl::Status AdbSocket::Await(const CallContext& context, short events) {
  return net::PollWithContext(context, fd_, events, "waiting for the adb server");
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
