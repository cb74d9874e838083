// How the null world looks.
#ifndef PROCTOR_ENV_NULL_NULL_PICTURE_H_
#define PROCTOR_ENV_NULL_NULL_PICTURE_H_

#include <vector>

#include "absl/status/statusor.h"
#include "proctor/v1/observation.pb.h"

namespace proctor::env {

// Its elements as boxes, with marks where `options` ask for them, and right of them one small square for each step of the world (a noop is
// none): no two such steps up to 3,600 look alike. `screen` is its size. Takes about a millisecond.
absl::StatusOr<v1::Image> DrawNullWorld(const v1::Size& screen, const std::vector<v1::Element>& elements, int steps,
                                        const v1::ScreenshotOptions& options);

}  // namespace proctor::env

#endif  // PROCTOR_ENV_NULL_NULL_PICTURE_H_
