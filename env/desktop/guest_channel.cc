#include "env/desktop/guest_channel.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "common/strings.h"
#include "net/dial.h"

namespace proctor::env::desktop {
namespace {

constexpr size_t kMaxErrorBytes = 1000;

// The status that a guest named; what it may not name is its nonsense.
absl::StatusCode CodeNamed(const std::string& name) {
  for (const absl::StatusCode code :
       {absl::StatusCode::kInvalidArgument, absl::StatusCode::kNotFound, absl::StatusCode::kFailedPrecondition,
        absl::StatusCode::kDeadlineExceeded, absl::StatusCode::kResourceExhausted, absl::StatusCode::kPermissionDenied}) {
    if (absl::StatusCodeToString(code) == name) return code;
  }
  return absl::StatusCode::kInternal;
}

}  // namespace

GuestChannel::GuestChannel(int socket) : socket_(socket) {
  if (fcntl(socket, F_SETFL, fcntl(socket, F_GETFL) | O_NONBLOCK) != 0) status_ = absl::InternalError(strerror(errno));
}

GuestChannel::~GuestChannel() {
  close(socket_);
  if (descriptor_ >= 0) close(descriptor_);
}

void GuestChannel::End(absl::Duration cap) {
  shutdown(socket_, SHUT_WR);
  const CallContext context = CallContext::WithTimeout(cap);
  // What it still had to say is dropped.
  while (net::PollWithContext(context, socket_, POLLIN, "the desktop's end").ok() && Receive().ok()) input_.clear();
}

int GuestChannel::TakeDescriptor() { return std::exchange(descriptor_, -1); }

absl::StatusOr<Json> GuestChannel::Broken(const absl::Status& status) {
  status_ = absl::UnavailableError(absl::StrCat("the desktop: ", status.message()));
  return status_;
}

absl::StatusOr<Json> GuestChannel::Call(const CallContext& context, absl::Duration cap, Json request) {
  PROCTOR_RETURN_IF_ERROR(status_);
  PROCTOR_RETURN_IF_ERROR(context.Check("a question to the desktop"));
  const CallContext capped = context.Child(cap);
  request["id"] = ++last_id_;
  // It answers before we give up on it, so that a hung application does not cost what the others said.
  request["deadline_ms"] = std::max<int64_t>(1, absl::ToInt64Milliseconds(capped.remaining() * 0.9));
  if (const absl::Status sent = Write(capped, DumpJson(request) + "\n"); !sent.ok()) {
    // Half a line cannot be taken back.
    Broken(sent).IgnoreError();
    return absl::IsUnavailable(sent) ? status_ : sent;
  }
  for (;;) {
    absl::StatusOr<std::string> line = ReadLine(capped);
    if (!line.ok()) return absl::IsUnavailable(line.status()) ? Broken(line.status()) : line.status();
    absl::StatusOr<Json> reply = ParseJson(*line);
    if (!reply.ok() || !reply->is_object()) return Broken(absl::UnavailableError("its answer is no JSON object"));
    const auto id = reply->find("id");
    if (id == reply->end() || !id->is_number_unsigned() || id->get<uint64_t>() > last_id_) {
      return Broken(absl::UnavailableError("its answer is to no question"));
    }
    // To a question that was given up.
    if (id->get<uint64_t>() < last_id_) continue;
    const auto result = reply->find("ok");
    if (result != reply->end() && result->is_object()) return std::move(*result);
    if (!reply->contains("error")) return Broken(absl::UnavailableError("its answer says nothing"));
    return absl::Status(CodeNamed(JsonStringOr(*reply, "code")),
                        ToAbsl(TruncateUtf8(SanitizeUtf8(JsonStringOr(*reply, "error")), kMaxErrorBytes)));
  }
}

absl::Status GuestChannel::Write(const CallContext& context, const std::string& text) {
  size_t at = 0;
  while (at < text.size()) {
    const ssize_t size = send(socket_, text.data() + at, text.size() - at, MSG_NOSIGNAL);
    if (size > 0) {
      at += static_cast<size_t>(size);
    } else if (size < 0 && errno == EAGAIN) {
      PROCTOR_RETURN_IF_ERROR(net::PollWithContext(context, socket_, POLLOUT, "a question to the desktop"));
    } else if (size < 0 && errno != EINTR) {
      return absl::UnavailableError("it has ended");
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> GuestChannel::ReadLine(const CallContext& context) {
  for (;;) {
    const size_t end = input_.find('\n', searched_);
    if (end != std::string::npos) {
      std::string line = input_.substr(0, end);
      input_.erase(0, end + 1);
      searched_ = 0;
      return line;
    }
    searched_ = input_.size();
    if (input_.size() > kMaxReplyBytes) return absl::UnavailableError("its answer is too long");
    PROCTOR_RETURN_IF_ERROR(net::PollWithContext(context, socket_, POLLIN, "an answer of the desktop"));
    PROCTOR_RETURN_IF_ERROR(Receive());
  }
}

absl::Status GuestChannel::Receive() {
  char chunk[65536];
  iovec data = {chunk, sizeof chunk};
  // Room for more than one, so that all that come are seen, and closed.
  alignas(cmsghdr) char control[CMSG_SPACE(8 * sizeof(int))];
  msghdr message = {};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  const ssize_t size = recvmsg(socket_, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return absl::OkStatus();
  if (size <= 0) return absl::UnavailableError("it has ended");
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof fd);
      if (descriptor_ >= 0) close(descriptor_);
      descriptor_ = fd;
    }
  }
  input_.append(chunk, static_cast<size_t>(size));
  return absl::OkStatus();
}

}  // namespace proctor::env::desktop
