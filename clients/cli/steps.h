// Steps of a trajectory for people.
#ifndef PROCTOR_CLIENTS_CLI_STEPS_H_
#define PROCTOR_CLIENTS_CLI_STEPS_H_

#include <string>

#include "clients/cli/table.h"
#include "proctor/v1/trajectory.pb.h"

namespace proctor::cli {

// One row a step: index, action, what it acted on, where it led, its error, its time.
Table StepTable(const v1::Trajectory& trajectory);

// An action in one line: "click", "type "lamp"", "answer "42"", "scroll 0,480", "swipe 10,20 -> 30,40", "sequence of 2: click 10,20;
// press_keys Enter".
std::string ActionText(const v1::Action& action);

// Where something was seen: the page's URL; on desktops and phones, which have none, the title of what is in front.
std::string PlaceText(const v1::Observation& observation);

}  // namespace proctor::cli

#endif  // PROCTOR_CLIENTS_CLI_STEPS_H_
