// Actions and observation requests in one line each. What they mean is said in
// proctor/v1/action.proto.
#ifndef PROCTOR_CLIENTS_CPP_ACTIONS_H_
#define PROCTOR_CLIENTS_CPP_ACTIONS_H_

#include <initializer_list>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "proctor/v1/action.pb.h"
#include "proctor/v1/observation.pb.h"

namespace proctor::client {

// An element's mark, a point of the viewport in pixels, or one in shares of its size, 0 to 1.
v1::Target Mark(int mark);
v1::Target At(double x, double y);
v1::Target AtShare(double x, double y);

v1::Action Click(v1::Target target, int count = 1);
v1::Action RightClick(v1::Target target);
v1::Action MiddleClick(v1::Target target);
v1::Action Hover(v1::Target target);
// Replaces the field's text.
v1::Action Type(v1::Target target, std::string text);
// Replaces the field's text and presses Enter.
v1::Action TypeAndSubmit(v1::Target target, std::string text);
// "Enter", "Control+A", ...
v1::Action PressKeys(std::vector<std::string> chords);
v1::Action Select(v1::Target target, std::string option);
v1::Action Check(v1::Target target);
v1::Action Uncheck(v1::Target target);
// The page, by pixels; both 0: two thirds of the viewport down.
v1::Action Scroll(double delta_x = 0, double delta_y = 0);
v1::Action Drag(v1::Target from, v1::Target to);
// Under a mark or a point, by pixels.
v1::Action ScrollAt(v1::Target target, double delta_x, double delta_y);
// Into whatever has the focus, as it stands.
v1::Action TypeText(std::string text);
v1::Action GoTo(std::string url);
v1::Action GoBack();
v1::Action Reload();
v1::Action Wait(absl::Duration duration);

// Desktops. A button without a target is pressed and released where the pointer is; keys are named as in PressKeys.
v1::Action MouseDown(v1::MouseButton button = v1::MOUSE_BUTTON_LEFT);
v1::Action MouseUp(v1::MouseButton button = v1::MOUSE_BUTTON_LEFT);
v1::Action KeyDown(std::string key);
v1::Action KeyUp(std::string key);
v1::Action SetClipboard(std::string text);
// 1 to 32 actions as one step.
v1::Action Sequence(std::vector<v1::Action> actions);
// Desktops: one of the session's applications. Phones: a package, or an application's name as the launcher shows it.
v1::Action OpenApp(std::string name);

// Phones.
v1::Action LongPress(v1::Target target, absl::Duration duration = absl::Seconds(1));
// Upwards shows what is below.
v1::Action Swipe(v1::Target from, v1::Target to, absl::Duration duration = absl::Milliseconds(300));
v1::Action PressButton(v1::DeviceButton button);

// Ends the episode.
v1::Action Answer(std::string text);
// Ends the episode: the task is impossible.
v1::Action GiveUp(std::string reason);
v1::Action Noop();

// What to observe; screenshots as PNG.
v1::ObservationRequest Observe(std::initializer_list<v1::ObservationPart> parts);

}  // namespace proctor::client

#endif  // PROCTOR_CLIENTS_CPP_ACTIONS_H_
