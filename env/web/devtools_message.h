// Puts together one DevTools message after another as their bytes arrive, in bounded memory.
#ifndef PROCTOR_ENV_WEB_DEVTOOLS_MESSAGE_H_
#define PROCTOR_ENV_WEB_DEVTOOLS_MESSAGE_H_

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "env/web/devtools_transport.h"

namespace proctor::env::web {

// The event that stands for one that was too large, delivered to the same session. Its parameters: `method`, `bytes`, and
// `head`, the first kDroppedHeadBytes of the message's text.
inline constexpr std::string_view kMessageDropped = "Proctor.messageDropped";
inline constexpr size_t kDroppedHeadBytes = 4096;

// Used by one thread, but for `traffic`.
class DevToolsMessage {
 public:
  explicit DevToolsMessage(DevToolsLimits limits) : limits_(limits) {}

  // The next bytes of the message.
  void Add(std::string_view bytes);
  // The message ended: returns it, and begins another. One over its limit gives what stands for it: for a reply an error of
  // the browser's (the id is known by its beginning), for an event kMessageDropped (the session by its end).
  std::string Take();

  DevToolsTraffic traffic() const { return {received_bytes_, dropped_messages_}; }

 private:
  size_t Limit() const;
  void Drop();
  std::string StandIn() const;

  const DevToolsLimits limits_;
  // The whole of it; once it is too large only its beginning.
  std::string text_;
  bool dropped_ = false;
  // Of a dropped one.
  std::string tail_;
  uint64_t bytes_ = 0;
  size_t limit_ = 0;
  std::atomic<uint64_t> received_bytes_ = 0;
  std::atomic<uint64_t> dropped_messages_ = 0;
};

}  // namespace proctor::env::web

#endif  // PROCTOR_ENV_WEB_DEVTOOLS_MESSAGE_H_
