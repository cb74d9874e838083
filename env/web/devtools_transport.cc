#include "env/web/devtools_transport.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/mutex.h"
#include "env/web/devtools_message.h"

namespace proctor::env::web {
namespace {

absl::Status Closed() { return absl::UnavailableError("the connection to the browser is closed"); }

class PipeTransport final : public DevToolsTransport {
 public:
  PipeTransport(int read_fd, int write_fd, absl::Duration write_cap, DevToolsLimits limits)
      : read_fd_(read_fd),
        write_fd_(write_fd),
        wake_fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
        write_cap_(write_cap),
        message_(limits) {
    fcntl(read_fd_, F_SETFL, fcntl(read_fd_, F_GETFL) | O_NONBLOCK);
    fcntl(write_fd_, F_SETFL, fcntl(write_fd_, F_GETFL) | O_NONBLOCK);
    // A roomy pipe saves wake-ups on screenshots; refusal by the kernel's limits does no harm.
    fcntl(read_fd_, F_SETPIPE_SZ, 1 << 20);
  }

  ~PipeTransport() override {
    close(read_fd_);
    close(write_fd_);
    if (wake_fd_ >= 0) close(wake_fd_);
  }

  // Else nothing would ever end a Read.
  bool can_be_woken() const { return wake_fd_ >= 0; }

  absl::Status Write(const std::vector<std::string>& messages) override {
    std::string bytes;
    for (const std::string& message : messages) bytes.append(message).push_back('\0');
    MutexLock lock(write_mutex_);
    if (broken_) return Closed();
    size_t sent = 0;
    while (sent < bytes.size()) {
      const ssize_t n = write(write_fd_, bytes.data() + sent, bytes.size() - sent);
      if (n > 0) {
        sent += static_cast<size_t>(n);
      } else if (n < 0 && errno == EAGAIN) {
        absl::Status ready = WaitFor(write_fd_, POLLOUT, write_cap_);
        if (!ready.ok()) {
          // Maybe in the middle of a message: nothing that is written after it would be understood.
          broken_ = true;
          Close();
          return ready;
        }
      } else if (n < 0 && errno != EINTR) {
        return absl::UnavailableError(absl::StrCat("write to the browser: ", strerror(errno)));
      }
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::string> Read() override {
    for (;;) {
      const size_t end = unread_.find('\0');
      message_.Add(unread_.substr(0, end));
      if (end != std::string_view::npos) {
        unread_.remove_prefix(end + 1);
        return message_.Take();
      }
      unread_ = {};
      const absl::Status filled = Fill();
      if (!filled.ok()) return filled;
    }
  }

  DevToolsTraffic traffic() const override { return message_.traffic(); }

  void Close() override {
    const uint64_t one = 1;
    // Stays readable for ever: every later wait returns at once.
    [[maybe_unused]] const ssize_t n = write(wake_fd_, &one, sizeof one);
  }

 private:
  // Waits until `fd` is ready or the transport is closed, for at most `cap`.
  absl::Status WaitFor(int fd, short events, absl::Duration cap) {
    pollfd fds[2] = {{fd, events, 0}, {wake_fd_, POLLIN, 0}};
    const int cap_ms =
        cap == absl::InfiniteDuration() ? -1 : static_cast<int>(absl::ToInt64Milliseconds(cap));
    int ready = 0;
    while ((ready = poll(fds, 2, cap_ms)) < 0) {
      if (errno != EINTR) return absl::UnavailableError(strerror(errno));
    }
    if (fds[1].revents != 0) return Closed();
    if (ready == 0) return absl::UnavailableError("the browser takes no commands any more");
    return absl::OkStatus();
  }

  absl::Status Fill() {
    for (;;) {
      absl::Status ready = WaitFor(read_fd_, POLLIN, absl::InfiniteDuration());
      if (!ready.ok()) return ready;
      const ssize_t n = read(read_fd_, chunk_, sizeof chunk_);
      if (n > 0) {
        unread_ = {chunk_, static_cast<size_t>(n)};
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
  const absl::Duration write_cap_;
  Mutex write_mutex_;
  bool broken_ ABSL_GUARDED_BY(write_mutex_) = false;
  // Reader thread only, but for its traffic.
  DevToolsMessage message_;
  // Of chunk_.
  std::string_view unread_;
  char chunk_[256 << 10];
};

}  // namespace

absl::StatusOr<std::unique_ptr<DevToolsTransport>> NewPipeTransport(int read_fd, int write_fd,
                                                                    absl::Duration write_cap, DevToolsLimits limits) {
  auto transport = std::make_unique<PipeTransport>(read_fd, write_fd, write_cap, limits);
  if (!transport->can_be_woken()) return absl::ResourceExhaustedError("no descriptors left");
  return transport;
}

}  // namespace proctor::env::web
