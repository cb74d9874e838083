// What the observing side needs of a DevTools connection.
#ifndef PROCTOR_ENV_WEB_COMMAND_CHANNEL_H_
#define PROCTOR_ENV_WEB_COMMAND_CHANNEL_H_

#include <functional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace proctor::env {

// Sends commands without waiting for earlier ones, so that several run side by side. Thread-safe.
class CommandChannel {
 public:
  // Called once, on the connection's reader thread, with the `result` object as JSON text. Must not
  // block. UNAVAILABLE: the browser or the session is gone; other codes: the browser refused the
  // command.
  using OnReply = std::function<void(absl::StatusOr<std::string> result_json)>;

  virtual ~CommandChannel() = default;
  virtual void Send(std::string_view session_id, std::string_view method,
                    std::string_view params_json, OnReply on_reply) = 0;
};

}  // namespace proctor::env

#endif  // PROCTOR_ENV_WEB_COMMAND_CHANNEL_H_
