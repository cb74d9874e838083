#include "env/desktop/input.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <iterator>
#include <utility>

#include "absl/time/clock.h"
#include "common/mutex.h"
#include "common/status.h"

namespace proctor::env::desktop {
namespace {

// What applications of our own desktops take for a double click (guest/services.cc), and what those of others may.
constexpr absl::Duration kOwnDoubleClick = absl::Milliseconds(120);
constexpr absl::Duration kAnyDoubleClick = absl::Milliseconds(500);
constexpr int kDoubleClickPx = 8;
// Applications drop what comes quicker than they draw, and a drop target must be seen to be one.
constexpr absl::Duration kDragStep = absl::Milliseconds(8);
constexpr absl::Duration kDragPause = absl::Milliseconds(60);
constexpr int kDragSteps = 8;
constexpr absl::Duration kGuestCap = absl::Seconds(2);
// Keys that are free for characters that keyboards do not have: asked anew only for batches that may not fit.
constexpr size_t kBatchKeys = 16;
constexpr absl::Duration kTypedStill = absl::Milliseconds(60);
constexpr absl::Duration kTypedCap = absl::Seconds(3);

Pixel Between(Pixel from, Pixel to, int step, int steps) {
  return {from.x + (to.x - from.x) * step / steps, from.y + (to.y - from.y) * step / steps};
}

}  // namespace

absl::Status Sleep(const CallContext& context, absl::Duration duration) {
  if (duration <= absl::ZeroDuration()) return absl::OkStatus();
  Mutex mutex;
  CondVar never;
  const CallContext capped = context.Child(duration);
  MutexLock lock(mutex);
  const absl::Status waited = AwaitWithContext(capped, mutex, never, [] { return false; }, "waiting");
  return absl::IsCancelled(waited) ? waited : context.Check("waiting");
}

Input::Input(Display display) : display_(display) {
  // Where X servers put it.
  pointer_ = {display_.screen.width() / 2, display_.screen.height() / 2};
}

absl::Status Input::Move(const CallContext& context, Pixel to) {
  pointer_ = to;
  return display_.screen.Send(context, {PointerEvent()});
}

absl::Status Input::Click(const CallContext& context, Pixel at, int button, int count) {
  const absl::Duration double_click = display_.guest != nullptr ? kOwnDoubleClick : kAnyDoubleClick;
  const bool near = std::abs(at.x - last_click_.x) < kDoubleClickPx && std::abs(at.y - last_click_.y) < kDoubleClickPx;
  if (near) PROCTOR_RETURN_IF_ERROR(Sleep(context, last_click_time_ + double_click - absl::Now()));
  pointer_ = at;
  std::vector<RfbEvent> events = {PointerEvent()};
  for (int i = 0; i < count; ++i) {
    events.push_back(RfbEvent::Pointer(at.x, at.y, held_.buttons | button));
    events.push_back(RfbEvent::Pointer(at.x, at.y, held_.buttons & ~button));
  }
  held_.buttons &= ~button;
  last_click_ = at;
  last_click_time_ = absl::Now();
  return display_.screen.Send(context, events);
}

absl::Status Input::Press(const CallContext& context, int button) {
  held_.buttons |= button;
  return display_.screen.Send(context, {PointerEvent()});
}

absl::Status Input::Release(const CallContext& context, int button) {
  held_.buttons &= ~button;
  return display_.screen.Send(context, {PointerEvent()});
}

absl::Status Input::Drag(const CallContext& context, const std::vector<Pixel>& path, int button) {
  PROCTOR_RETURN_IF_ERROR(Move(context, path.front()));
  absl::Status status = Press(context, button);
  if (status.ok()) status = Sleep(context, kDragPause);
  for (size_t i = 1; i < path.size() && status.ok(); ++i) {
    const Pixel from = path[i - 1];
    for (int step = 1; step <= kDragSteps && status.ok(); ++step) {
      status = Move(context, Between(from, path[i], step, kDragSteps));
      if (status.ok()) status = Sleep(context, kDragStep);
    }
  }
  if (status.ok()) status = Sleep(context, kDragPause);
  // Whatever happened: no button stays pressed.
  status.Update(Release(context, button));
  return status;
}

absl::Status Input::Wheel(const CallContext& context, int direction, int notches) {
  std::vector<RfbEvent> events = {PointerEvent()};
  for (int i = 0; i < notches; ++i) {
    events.push_back(RfbEvent::Pointer(pointer_.x, pointer_.y, held_.buttons | direction));
    events.push_back(PointerEvent());
  }
  return display_.screen.Send(context, events);
}

absl::Status Input::MapKeys(const CallContext& context, const std::vector<uint32_t>& keysyms) {
  if (display_.guest == nullptr) return absl::OkStatus();
  Json wanted = Json::array();
  for (const uint32_t keysym : keysyms) {
    if (!IsCommonKeysym(keysym)) wanted.push_back(keysym);
  }
  if (wanted.empty()) return absl::OkStatus();
  return display_.guest->Call(context, kGuestCap, {{"op", "map_keys"}, {"keysyms", wanted}}).status();
}

absl::Status Input::KeyDown(const CallContext& context, uint32_t keysym) {
  keysym = AsHeld(keysym);
  PROCTOR_RETURN_IF_ERROR(MapKeys(context, {keysym}));
  held_.keys.insert(keysym);
  return display_.screen.Send(context, {RfbEvent::Key(keysym, true)});
}

absl::Status Input::KeyUp(const CallContext& context, uint32_t keysym) {
  // It went down as what it gave then.
  if (!held_.keys.contains(keysym) && held_.keys.contains(WithShift(keysym))) keysym = WithShift(keysym);
  held_.keys.erase(keysym);
  return display_.screen.Send(context, {RfbEvent::Key(keysym, false)});
}

absl::Status Input::HoldKeys(const CallContext& context, const std::vector<uint32_t>& keysyms, bool down) {
  std::vector<RfbEvent> events;
  for (const uint32_t keysym : keysyms) {
    down ? (void)held_.keys.insert(keysym) : (void)held_.keys.erase(keysym);
    events.push_back(RfbEvent::Key(keysym, down));
  }
  return events.empty() ? absl::OkStatus() : display_.screen.Send(context, events);
}

absl::Status Input::PressChord(const CallContext& context, const KeyChord& chord, absl::Duration hold) {
  // What the agent holds down anyway stays down.
  std::vector<uint32_t> pressed;
  for (const uint32_t keysym : chord.keysyms) {
    if (!held_.keys.contains(AsHeld(keysym))) pressed.push_back(AsHeld(keysym));
  }
  PROCTOR_RETURN_IF_ERROR(MapKeys(context, pressed));
  absl::Status status = HoldKeys(context, pressed, true);
  if (status.ok()) status = Sleep(context, hold);
  std::reverse(pressed.begin(), pressed.end());
  status.Update(HoldKeys(context, pressed, false));
  return status;
}

absl::Status Input::TypeBatch(const CallContext& context, const std::vector<uint32_t>& keysyms) {
  PROCTOR_RETURN_IF_ERROR(MapKeys(context, keysyms));
  std::vector<RfbEvent> events;
  for (const uint32_t keysym : keysyms) {
    events.push_back(RfbEvent::Key(keysym, true));
    events.push_back(RfbEvent::Key(keysym, false));
  }
  return display_.screen.Send(context, events);
}

absl::Status Input::TypeText(const CallContext& context, const std::vector<uint32_t>& keysyms) {
  std::vector<uint32_t> batch;
  std::set<uint32_t> rare;
  for (const uint32_t keysym : keysyms) {
    const bool is_rare = display_.guest != nullptr && !IsCommonKeysym(keysym);
    if (is_rare && !rare.contains(keysym) && rare.size() == kBatchKeys) {
      PROCTOR_RETURN_IF_ERROR(TypeBatch(context, batch));
      // Keys are given other meanings now: what was typed with the old ones must have arrived.
      PROCTOR_RETURN_IF_ERROR(display_.screen.AwaitStill(context, absl::Now(), kTypedStill, kTypedCap).status());
      batch.clear();
      rare.clear();
    }
    if (is_rare) rare.insert(keysym);
    batch.push_back(keysym);
  }
  return batch.empty() ? absl::OkStatus() : TypeBatch(context, batch);
}

absl::Status Input::ReleaseAllBut(const CallContext& context, const Held& kept) {
  std::vector<RfbEvent> events;
  for (const uint32_t keysym : held_.keys) {
    if (!kept.keys.contains(keysym)) events.push_back(RfbEvent::Key(keysym, false));
  }
  std::erase_if(held_.keys, [&](uint32_t keysym) { return !kept.keys.contains(keysym); });
  const int before = std::exchange(held_.buttons, held_.buttons & kept.buttons);
  if (held_.buttons != before) events.push_back(PointerEvent());
  return events.empty() ? absl::OkStatus() : display_.screen.Send(context, events);
}

}  // namespace proctor::env::desktop
