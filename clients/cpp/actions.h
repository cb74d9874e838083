// Actions and observation requests in one line each. What they mean is said in
// proctor/v1/action.proto.
#ifndef PROCTOR_CLIENTS_CPP_ACTIONS_H_
#define PROCTOR_CLIENTS_CPP_ACTIONS_H_

#include <initializer_list>
#include <string>
#include <vector>

#include "proctor/v1/action.pb.h"
#include "proctor/v1/observation.pb.h"

namespace proctor::client {

// An element's mark, or a point of the viewport in CSS pixels.
v1::Target Mark(int mark);
v1::Target At(double x, double y);

v1::Action Click(v1::Target target, int count = 1);
v1::Action RightClick(v1::Target target);
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
v1::Action GoTo(std::string url);
v1::Action GoBack();
v1::Action Reload();
// Ends the episode.
v1::Action Answer(std::string text);
// Ends the episode: the task is impossible.
v1::Action GiveUp(std::string reason);
v1::Action Noop();

// What to observe; screenshots as PNG.
v1::ObservationRequest Observe(std::initializer_list<v1::ObservationPart> parts);

}  // namespace proctor::client

#endif  // PROCTOR_CLIENTS_CPP_ACTIONS_H_
