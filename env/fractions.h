// Targets given as shares of the viewport.
#ifndef PROCTOR_ENV_FRACTIONS_H_
#define PROCTOR_ENV_FRACTIONS_H_

#include "proctor/v1/action.pb.h"
#include "proctor/v1/geometry.pb.h"

namespace proctor::env {

// Replaces every `fraction` in `action`, those inside sequences too, by the point of a viewport of this size: 0 is its first
// pixel, 1 its last. An unknown size (0) makes every point (0, 0).
void FractionsToPoints(const v1::Size& viewport, v1::Action& action);

}  // namespace proctor::env

#endif  // PROCTOR_ENV_FRACTIONS_H_
