#ifndef PROCTOR_TRAJECTORY_END_KIND_H_
#define PROCTOR_TRAJECTORY_END_KIND_H_

#include "proctor/v1/episode.pb.h"

namespace proctor::trajectory {

// Whether an end is the agent's or the world's (terminated), a limit's (truncated) or nobody's wish (interrupted); UNSPECIFIED for no reason.
v1::EndKind EndKindOf(v1::EndReason reason);

}  // namespace proctor::trajectory

#endif  // PROCTOR_TRAJECTORY_END_KIND_H_
