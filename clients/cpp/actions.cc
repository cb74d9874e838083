#include "clients/cpp/actions.h"

#include <utility>

#include "common/proto_time.h"

namespace proctor::client {

v1::Target Mark(int mark) {
  v1::Target target;
  target.set_mark(mark);
  return target;
}

v1::Target At(double x, double y) {
  v1::Target target;
  target.mutable_point()->set_x(x);
  target.mutable_point()->set_y(y);
  return target;
}

v1::Target AtShare(double x, double y) {
  v1::Target target;
  target.mutable_fraction()->set_x(x);
  target.mutable_fraction()->set_y(y);
  return target;
}

v1::Action Click(v1::Target target, int count) {
  v1::Action action;
  *action.mutable_click()->mutable_target() = std::move(target);
  action.mutable_click()->set_count(count);
  return action;
}

v1::Action RightClick(v1::Target target) {
  v1::Action action = Click(std::move(target));
  action.mutable_click()->set_button(v1::MOUSE_BUTTON_RIGHT);
  return action;
}

v1::Action MiddleClick(v1::Target target) {
  v1::Action action = Click(std::move(target));
  action.mutable_click()->set_button(v1::MOUSE_BUTTON_MIDDLE);
  return action;
}

v1::Action Hover(v1::Target target) {
  v1::Action action;
  *action.mutable_hover()->mutable_target() = std::move(target);
  return action;
}

v1::Action Type(v1::Target target, std::string text) {
  v1::Action action;
  *action.mutable_type()->mutable_target() = std::move(target);
  action.mutable_type()->set_text(std::move(text));
  action.mutable_type()->set_clear(true);
  return action;
}

v1::Action TypeAndSubmit(v1::Target target, std::string text) {
  v1::Action action = Type(std::move(target), std::move(text));
  action.mutable_type()->set_submit(true);
  return action;
}

v1::Action PressKeys(std::vector<std::string> chords) {
  v1::Action action;
  action.mutable_press_keys();
  for (std::string& chord : chords) action.mutable_press_keys()->add_chords(std::move(chord));
  return action;
}

v1::Action Select(v1::Target target, std::string option) {
  v1::Action action;
  *action.mutable_select_option()->mutable_target() = std::move(target);
  action.mutable_select_option()->add_options(std::move(option));
  return action;
}

v1::Action Check(v1::Target target) {
  v1::Action action = Uncheck(std::move(target));
  action.mutable_check()->set_checked(true);
  return action;
}

v1::Action Uncheck(v1::Target target) {
  v1::Action action;
  *action.mutable_check()->mutable_target() = std::move(target);
  return action;
}

v1::Action Scroll(double delta_x, double delta_y) {
  v1::Action action;
  action.mutable_scroll()->set_delta_x(delta_x);
  action.mutable_scroll()->set_delta_y(delta_y);
  return action;
}

v1::Action ScrollAt(v1::Target target, double delta_x, double delta_y) {
  v1::Action action = Scroll(delta_x, delta_y);
  *action.mutable_scroll()->mutable_target() = std::move(target);
  return action;
}

v1::Action TypeText(std::string text) {
  v1::Action action;
  action.mutable_type()->set_text(std::move(text));
  return action;
}

v1::Action Drag(v1::Target from, v1::Target to) {
  v1::Action action;
  *action.mutable_drag()->mutable_from() = std::move(from);
  *action.mutable_drag()->mutable_to() = std::move(to);
  return action;
}

v1::Action GoTo(std::string url) {
  v1::Action action;
  action.mutable_goto_()->set_url(std::move(url));
  return action;
}

v1::Action GoBack() {
  v1::Action action;
  action.mutable_go_back();
  return action;
}

v1::Action Reload() {
  v1::Action action;
  action.mutable_reload();
  return action;
}

v1::Action Wait(absl::Duration duration) {
  v1::Action action;
  *action.mutable_wait()->mutable_duration() = ToProto(duration);
  return action;
}

v1::Action MouseDown(v1::MouseButton button) {
  v1::Action action;
  action.mutable_mouse_down()->set_button(button);
  return action;
}

v1::Action MouseUp(v1::MouseButton button) {
  v1::Action action;
  action.mutable_mouse_up()->set_button(button);
  return action;
}

v1::Action KeyDown(std::string key) {
  v1::Action action;
  action.mutable_key_down()->set_key(std::move(key));
  return action;
}

v1::Action KeyUp(std::string key) {
  v1::Action action;
  action.mutable_key_up()->set_key(std::move(key));
  return action;
}

v1::Action SetClipboard(std::string text) {
  v1::Action action;
  action.mutable_set_clipboard()->set_text(std::move(text));
  return action;
}

v1::Action Sequence(std::vector<v1::Action> actions) {
  v1::Action action;
  action.mutable_sequence();
  for (v1::Action& part : actions) *action.mutable_sequence()->add_actions() = std::move(part);
  return action;
}

v1::Action OpenApp(std::string name) {
  v1::Action action;
  action.mutable_open_app()->set_name(std::move(name));
  return action;
}

v1::Action LongPress(v1::Target target, absl::Duration duration) {
  v1::Action action;
  *action.mutable_long_press()->mutable_target() = std::move(target);
  *action.mutable_long_press()->mutable_duration() = ToProto(duration);
  return action;
}

v1::Action Swipe(v1::Target from, v1::Target to, absl::Duration duration) {
  v1::Action action;
  *action.mutable_swipe()->mutable_from() = std::move(from);
  *action.mutable_swipe()->mutable_to() = std::move(to);
  *action.mutable_swipe()->mutable_duration() = ToProto(duration);
  return action;
}

v1::Action PressButton(v1::DeviceButton button) {
  v1::Action action;
  action.mutable_press_button()->set_button(button);
  return action;
}

v1::Action Answer(std::string text) {
  v1::Action action;
  action.mutable_answer()->set_text(std::move(text));
  return action;
}

v1::Action GiveUp(std::string reason) {
  v1::Action action;
  action.mutable_give_up()->set_reason(std::move(reason));
  return action;
}

v1::Action Noop() {
  v1::Action action;
  action.mutable_noop();
  return action;
}

v1::ObservationRequest Observe(std::initializer_list<v1::ObservationPart> parts) {
  v1::ObservationRequest request;
  for (const v1::ObservationPart part : parts) request.add_parts(part);
  return request;
}

}  // namespace proctor::client
