// WebP without loss: the smallest form of a screenshot that common decoders read.
#ifndef PROCTOR_IMAGING_LOSSLESS_WEBP_H_
#define PROCTOR_IMAGING_LOSSLESS_WEBP_H_

#include <string>

#include "absl/status/statusor.h"
#include "imaging/image.h"

namespace proctor::imaging {

// 0.53 of the bytes of WebVoyager's screenshots as PNG, 0.2 s for 1024 x 768. Alpha is kept where any pixel is not opaque; what colour
// lies under full transparency is not: compare before you trust it with the only copy. INVALID_ARGUMENT: a picture that is
// inconsistent, or above WebP's 16,383 pixels a side.
absl::StatusOr<std::string> EncodeLosslessWebp(const Image& image);

// A WebP as a PNG of the same pixels, for those who read no WebP; anything else as it is.
absl::StatusOr<std::string> PngInsteadOfWebp(std::string encoded);

}  // namespace proctor::imaging

#endif  // PROCTOR_IMAGING_LOSSLESS_WEBP_H_
