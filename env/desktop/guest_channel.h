// The server's end of the conversation with a desktop's guest (see guest/requests.h).
//
// The guest shares its desktop with whatever runs there: its replies are untrusted. They are limited in size and parsed strictly, and
// no call waits longer than its context.
#ifndef PROCTOR_ENV_DESKTOP_GUEST_CHANNEL_H_
#define PROCTOR_ENV_DESKTOP_GUEST_CHANNEL_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "common/call_context.h"
#include "common/json.h"

namespace proctor::env::desktop {

// One thread at a time.
class GuestChannel {
 public:
  // A file of 1 MiB in base64, 5,000 elements: with room.
  static constexpr size_t kMaxReplyBytes = size_t{32} << 20;

  // Takes over `socket`, a connected unix socket.
  explicit GuestChannel(int socket);
  ~GuestChannel();

  // Sends the request, an object with `op`, and waits for its reply's `ok`. `cap` bounds the wait and tells the guest its deadline.
  // Statuses that the guest itself gave (NOT_FOUND, ...) come through; UNAVAILABLE: the guest is gone or talks nonsense, for good.
  // After DEADLINE_EXCEEDED or CANCELLED the late reply is skipped by the next call.
  absl::StatusOr<Json> Call(const CallContext& context, absl::Duration cap, Json request);
  // The descriptor that came with the last reply, or -1. The caller owns it.
  int TakeDescriptor();
  // OK until the conversation has broken.
  const absl::Status& status() const { return status_; }
  // Says that it is over and waits until the guest has ended the desktop.
  void End(absl::Duration cap);

 private:
  absl::Status Write(const CallContext& context, const std::string& text);
  absl::StatusOr<std::string> ReadLine(const CallContext& context);
  absl::Status Receive();
  absl::StatusOr<Json> Broken(const absl::Status& status);

  const int socket_;
  absl::Status status_;
  uint64_t last_id_ = 0;
  int descriptor_ = -1;
  std::string input_;
  // How much of `input_` is known to hold no end of a line.
  size_t searched_ = 0;
};

}  // namespace proctor::env::desktop

#endif  // PROCTOR_ENV_DESKTOP_GUEST_CHANNEL_H_
