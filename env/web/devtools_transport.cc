#include "env/web/devtools_transport.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/mutex.h"

namespace proctor::env::web {
namespace {

absl::Status Closed() { return absl::UnavailableError("the connection to the browser is closed"); }

class PipeTransport final : public DevToolsTransport {
 public:
  PipeTransport(int read_fd, int write_fd)
      : read_fd_(read_fd), write_fd_(write_fd), wake_fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    fcntl(read_fd_, F_SETFL, fcntl(read_fd_, F_GETFL) | O_NONBLOCK);
    fcntl(write_fd_, F_SETFL, fcntl(write_fd_, F_GETFL) | O_NONBLOCK);
    // A roomy pipe saves wake-ups on screenshots; refusal by the kernel's limits does no harm.
    fcntl(read_fd_, F_SETPIPE_SZ, 1 << 20);
  }

  ~PipeTransport() override {
    close(read_fd_);
    close(write_fd_);
    close(wake_fd_);
  }

  absl::Status Write(const std::vector<std::string>& messages) override {
    std::string bytes;
    for (const std::string& message : messages) bytes.append(message).push_back('\0');
    MutexLock lock(write_mutex_);
    size_t sent = 0;
    while (sent < bytes.size()) {
      const ssize_t n = write(write_fd_, bytes.data() + sent, bytes.size() - sent);
      if (n > 0) {
        sent += static_cast<size_t>(n);
      } else if (n < 0 && errno == EAGAIN) {
        const absl::Status ready = WaitFor(write_fd_, POLLOUT);
        if (!ready.ok()) return ready;
      } else if (n < 0 && errno != EINTR) {
        return absl::UnavailableError(absl::StrCat("write to the browser: ", strerror(errno)));
      }
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::string> Read() override {
    for (;;) {
      const size_t end = buffer_.find('\0', scanned_);
      if (end != std::string::npos) {
        std::string message = buffer_.substr(start_, end - start_);
        start_ = scanned_ = end + 1;
        if (start_ == buffer_.size()) {
          buffer_.clear();
          start_ = scanned_ = 0;
        }
        return message;
      }
      scanned_ = buffer_.size();
      if (buffer_.size() - start_ > kMaxDevToolsMessageBytes) {
        return absl::ResourceExhaustedError("a message of the browser is too large");
      }
      const absl::Status filled = Fill();
      if (!filled.ok()) return filled;
    }
  }

  void Close() override {
    const uint64_t one = 1;
    // Stays readable for ever: every later wait returns at once.
    [[maybe_unused]] const ssize_t n = write(wake_fd_, &one, sizeof one);
  }

 private:
  // Waits until `fd` is ready or the transport is closed.
  absl::Status WaitFor(int fd, short events) {
    pollfd fds[2] = {{fd, events, 0}, {wake_fd_, POLLIN, 0}};
    while (poll(fds, 2, -1) < 0) {
      if (errno != EINTR) return absl::UnavailableError(strerror(errno));
    }
    if (fds[1].revents != 0) return Closed();
    return absl::OkStatus();
  }

  absl::Status Fill() {
    if (start_ > 0) {
      buffer_.erase(0, start_);
      scanned_ -= start_;
      start_ = 0;
    }
    for (;;) {
      const absl::Status ready = WaitFor(read_fd_, POLLIN);
      if (!ready.ok()) return ready;
      const ssize_t n = read(read_fd_, chunk_, sizeof chunk_);
      if (n > 0) {
        buffer_.append(chunk_, static_cast<size_t>(n));
        return absl::OkStatus();
      }
      if (n == 0) return absl::UnavailableError("the browser closed the connection");
      if (errno != EAGAIN && errno != EINTR) {
        return absl::UnavailableError(absl::StrCat("read from the browser: ", strerror(errno)));
      }
    }
  }

  const int read_fd_;
  const int write_fd_;
  const int wake_fd_;
  Mutex write_mutex_;
  // Reader thread only: bytes from start_ on are unread, bytes before scanned_ hold no NUL.
  std::string buffer_;
  size_t start_ = 0;
  size_t scanned_ = 0;
  char chunk_[256 << 10];
};

}  // namespace

std::unique_ptr<DevToolsTransport> NewPipeTransport(int read_fd, int write_fd) {
  return std::make_unique<PipeTransport>(read_fd, write_fd);
}

}  // namespace proctor::env::web
