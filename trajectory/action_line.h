// What an agent did, in words.
#ifndef PROCTOR_TRAJECTORY_ACTION_LINE_H_
#define PROCTOR_TRAJECTORY_ACTION_LINE_H_

#include <string>

#include "proctor/v1/trajectory.pb.h"

namespace proctor::trajectory {

// One line for people and models: `click [button "Add to cart"]`, `type "tea" into [textbox "Search"] and submit`, `swipe up from
// (540, 1800) to (540, 600)`, `do 2 actions: click (10, 20); press Enter`. A text
// that did not parse is `(not understood) "..."`; an action that could not be done ends with `(failed: ...)`. Line breaks
// become spaces.
std::string ActionLine(const v1::Step& step);

}  // namespace proctor::trajectory

#endif  // PROCTOR_TRAJECTORY_ACTION_LINE_H_
