#include "env/web/input.h"

#include <algorithm>
#include <utility>

#include "common/status.h"
#include "env/web/keys.h"

namespace proctor::env::web {
namespace {

constexpr int kDragSteps = 6;
// Pages that answer each move of a drag slowly must not hold the whole step.
constexpr absl::Duration kMoveCap = absl::Seconds(2);

const char* ButtonName(v1::MouseButton button) {
  if (button == v1::MOUSE_BUTTON_MIDDLE) return "middle";
  if (button == v1::MOUSE_BUTTON_RIGHT) return "right";
  return "left";
}

int ButtonBit(v1::MouseButton button) {
  if (button == v1::MOUSE_BUTTON_MIDDLE) return 4;
  if (button == v1::MOUSE_BUTTON_RIGHT) return 2;
  return 1;
}

DevToolsCommand Mouse(const std::string& session, std::string_view type, const v1::Point& point, Json more) {
  more["type"] = std::string(type);
  more["x"] = point.x();
  more["y"] = point.y();
  return {session, "Input.dispatchMouseEvent", std::move(more)};
}

DevToolsCommand DragEvent(const std::string& session, std::string_view type, const v1::Point& point, const Json& data) {
  return {session, "Input.dispatchDragEvent",
          {{"type", std::string(type)}, {"x", point.x()}, {"y", point.y()}, {"data", data}}};
}

v1::Point Between(const v1::Point& from, const v1::Point& to, double share) {
  v1::Point point;
  point.set_x(from.x() + (to.x() - from.x()) * share);
  point.set_y(from.y() + (to.y() - from.y()) * share);
  return point;
}

// Presses and moves; fills in `data` when the page starts a drag of data.
absl::Status PressAndMove(const CallContext& context, Tab& tab, const v1::Point& from,
                          const v1::Point& to, std::optional<Json>& data) {
  DevTools& devtools = tab.devtools();
  const std::string& session = tab.session_id();
  const Json held = {{"button", "left"}, {"buttons", 1}};
  PROCTOR_RETURN_IF_ERROR(AwaitAll(
      context, devtools.SendAll({Mouse(session, "mouseMoved", from, Json::object()),
                                 Mouse(session, "mousePressed", from,
                                       {{"button", "left"}, {"buttons", 1}, {"clickCount", 1}})})));
  // The first move decides: the page starts a drag of data, which Chromium hands to us, or it does
  // not.
  for (int step = 1; step <= kDragSteps; ++step) {
    const v1::Point point = Between(from, to, static_cast<double>(step) / kDragSteps);
    if (data.has_value()) {
      PROCTOR_RETURN_IF_ERROR(
          AwaitAll(context, {devtools.Send(DragEvent(session, "dragOver", point, *data))}));
      continue;
    }
    PROCTOR_RETURN_IF_ERROR(
        AwaitAll(context, {devtools.Send(Mouse(session, "mouseMoved", point, held))}));
    data = tab.TakeDrag();
    if (data.has_value()) {
      PROCTOR_RETURN_IF_ERROR(
          AwaitAll(context, {devtools.Send(DragEvent(session, "dragEnter", point, *data))}));
    }
  }
  if (!data.has_value()) return absl::OkStatus();
  return AwaitAll(context, devtools.SendAll({DragEvent(session, "dragOver", to, *data),
                                             DragEvent(session, "drop", to, *data)}));
}

}  // namespace

std::vector<DevToolsCommand> ClickCommands(const std::string& session, const v1::Point& point, v1::MouseButton button,
                                           int count, int modifiers) {
  std::vector<DevToolsCommand> commands;
  commands.push_back(Mouse(session, "mouseMoved", point, {{"modifiers", modifiers}}));
  for (int n = 1; n <= std::max(count, 1); ++n) {
    const Json pressed = {{"button", ButtonName(button)}, {"buttons", ButtonBit(button)}, {"clickCount", n},
                          {"modifiers", modifiers}};
    commands.push_back(Mouse(session, "mousePressed", point, pressed));
    Json released = pressed;
    released["buttons"] = 0;
    commands.push_back(Mouse(session, "mouseReleased", point, std::move(released)));
  }
  return commands;
}

std::vector<DevToolsCommand> MoveCommands(const std::string& session, const v1::Point& point) {
  return {Mouse(session, "mouseMoved", point, Json::object())};
}

std::vector<DevToolsCommand> WheelCommands(const std::string& session, const v1::Point& point, double delta_x,
                                           double delta_y) {
  return {Mouse(session, "mouseMoved", point, Json::object()),
          Mouse(session, "mouseWheel", point, {{"deltaX", delta_x}, {"deltaY", delta_y}})};
}

int ModifierBits(const google::protobuf::RepeatedField<int>& modifiers) {
  int bits = 0;
  for (const int modifier : modifiers) {
    if (modifier == v1::KEY_MODIFIER_ALT) bits |= kAltBit;
    if (modifier == v1::KEY_MODIFIER_CONTROL) bits |= kControlBit;
    if (modifier == v1::KEY_MODIFIER_META) bits |= kMetaBit;
    if (modifier == v1::KEY_MODIFIER_SHIFT) bits |= kShiftBit;
  }
  return bits;
}

absl::Status AwaitAll(const CallContext& context, const std::vector<DevToolsReply>& replies) {
  for (const DevToolsReply& reply : replies) PROCTOR_RETURN_IF_ERROR(reply.AwaitText(context).status());
  return absl::OkStatus();
}

absl::Status DragBetween(const CallContext& context, Tab& tab, const v1::Point& from, const v1::Point& to) {
  DevTools& devtools = tab.devtools();
  const std::string& session = tab.session_id();
  (void)tab.TakeDrag();
  const CallContext capped = context.Child(kMoveCap);
  std::optional<Json> data;
  const absl::Status moved = PressAndMove(capped, tab, from, to, data);
  // Released whatever happened, or the page would take every later move for a drag.
  std::vector<DevToolsCommand> release;
  if (!moved.ok() && data.has_value())
    release.push_back(DragEvent(session, "dragCancel", to, *data));
  release.push_back(
      Mouse(session, "mouseReleased", to, {{"button", "left"}, {"buttons", 0}, {"clickCount", 1}}));
  const std::vector<DevToolsReply> released = devtools.SendAll(std::move(release));
  // Who does not answer a move does not answer this either.
  return moved.ok() ? AwaitAll(capped, released) : moved;
}

}  // namespace proctor::env::web
