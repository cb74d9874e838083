// WebArena's action texts as recorded: "click [12] where [12] is link 'Home'". Pure functions,
// linear in the texts' length.
#ifndef PROCTOR_TRAJECTORY_FORMATS_WEBARENA_TEXT_H_
#define PROCTOR_TRAJECTORY_FORMATS_WEBARENA_TEXT_H_

#include <string>
#include <string_view>

#include "proctor/v1/action.pb.h"
#include "proctor/v1/observation.pb.h"
#include "proctor/v1/trajectory.pb.h"

namespace proctor::trajectory::formats {

// Without a kind if the text is no action. Ids of nodes are marks. `seen`: what the agent saw;
// "scroll" goes its whole height.
v1::Action ReadWebArenaAction(std::string_view text, const v1::Observation& seen);

// The text of a step's action: the agent's own where it reads as the step says, else in WebArena's
// words with the element's role and name, else the JSON of proctor.v1.Action. Empty for a step
// without action and text.
std::string WriteWebArenaAction(const v1::Step& step, const v1::Observation& seen);

}  // namespace proctor::trajectory::formats

#endif  // PROCTOR_TRAJECTORY_FORMATS_WEBARENA_TEXT_H_
