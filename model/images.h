// Pictures made small enough to be sent.
#ifndef PROCTOR_MODEL_IMAGES_H_
#define PROCTOR_MODEL_IMAGES_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace proctor::model {

struct ImageLimits {
  int max_side_px = 2048;
  // Encoded.
  int64_t max_bytes = int64_t{4} << 20;
};

// The picture itself where it fits. Otherwise scaled down, keeping its proportions, as PNG, or where that is still too
// large as JPEG of falling quality and size. INVALID_ARGUMENT: no PNG, JPEG or WebP; RESOURCE_EXHAUSTED: above what is
// decoded at all, or it fits at no size. Costs 20 to 100 ms a megapixel where it scales.
absl::StatusOr<std::string> FitImage(std::string_view encoded, const ImageLimits& limits);

}  // namespace proctor::model

#endif  // PROCTOR_MODEL_IMAGES_H_
