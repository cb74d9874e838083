// Mouse and keyboard of a display: where the pointer is, what is held down.
#ifndef PROCTOR_ENV_DESKTOP_INPUT_H_
#define PROCTOR_ENV_DESKTOP_INPUT_H_

#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/call_context.h"
#include "env/desktop/display.h"
#include "env/desktop/keysyms.h"

namespace proctor::env::desktop {

struct Pixel {
  int x = 0;
  int y = 0;
};

// One an episode, one thread. Errors: UNAVAILABLE, DEADLINE_EXCEEDED, CANCELLED; INVALID_ARGUMENT is for the agent.
class Input {
 public:
  // Buttons, by their bits, and keys that are down.
  struct Held {
    int buttons = 0;
    std::set<uint32_t> keys;
  };

  // `display` outlives it.
  explicit Input(Display display);

  Pixel pointer() const { return pointer_; }
  const Held& held() const { return held_; }

  absl::Status Move(const CallContext& context, Pixel to);
  // `count` clicks in quick succession. A click of the action before is not taken for one of them.
  absl::Status Click(const CallContext& context, Pixel at, int button, int count);
  absl::Status Press(const CallContext& context, int button);
  absl::Status Release(const CallContext& context, int button);
  // Presses at the first, moves through the others, releases at the last.
  absl::Status Drag(const CallContext& context, const std::vector<Pixel>& path, int button);
  // Turns the wheel: kWheelUp, ...
  absl::Status Wheel(const CallContext& context, int direction, int notches);

  // While Shift is held, keys give what they give with Shift: "a" is "A". TypeText types its text all the same.
  absl::Status KeyDown(const CallContext& context, uint32_t keysym);
  absl::Status KeyUp(const CallContext& context, uint32_t keysym);
  absl::Status PressChord(const CallContext& context, const KeyChord& chord, absl::Duration hold);
  absl::Status TypeText(const CallContext& context, const std::vector<uint32_t>& keysyms);
  absl::Status HoldKeys(const CallContext& context, const std::vector<uint32_t>& keysyms, bool down);

  // Releases whatever is held, or what is held besides `kept`. Releases, these and all others, go out also where `context` has ended.
  absl::Status ReleaseAll(const CallContext& context) { return ReleaseAllBut(context, {}); }
  absl::Status ReleaseAllBut(const CallContext& context, const Held& kept);

 private:
  RfbEvent PointerEvent() const { return RfbEvent::Pointer(pointer_.x, pointer_.y, held_.buttons); }
  // What the key gives as things stand.
  uint32_t AsHeld(uint32_t keysym) const { return held_.keys.contains(kKeyShift) ? WithShift(keysym) : keysym; }
  // Sees to it that the keyboard has keys for these.
  absl::Status MapKeys(const CallContext& context, const std::vector<uint32_t>& keysyms);
  absl::Status TypeBatch(const CallContext& context, const std::vector<uint32_t>& keysyms);

  const Display display_;
  Pixel pointer_;
  Held held_;
  Pixel last_click_;
  absl::Time last_click_time_ = absl::InfinitePast();
};

// Waits. CANCELLED, DEADLINE_EXCEEDED.
absl::Status Sleep(const CallContext& context, absl::Duration duration);

}  // namespace proctor::env::desktop

#endif  // PROCTOR_ENV_DESKTOP_INPUT_H_
