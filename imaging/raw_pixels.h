// Pictures that come as bare pixels, as Android's `screencap` and frame buffers give them.
#ifndef PROCTOR_IMAGING_RAW_PIXELS_H_
#define PROCTOR_IMAGING_RAW_PIXELS_H_

#include <string_view>

#include "absl/status/statusor.h"
#include "imaging/image.h"

namespace proctor::imaging {

// How a pixel lies in memory. The X of kRgbx and the alpha of kRgba and kBgra are ignored: a screen is opaque.
enum class PixelFormat { kRgba, kRgbx, kRgb, kRgb565, kBgra };

// 2 to 4.
int BytesPerPixel(PixelFormat format);

// Rows from the top without padding. INVALID_ARGUMENT: `pixels` is not exactly as long as the size says; RESOURCE_EXHAUSTED: above
// Decode's limits. About 1 ms for 1280 x 800.
absl::StatusOr<Image> FromRawPixels(int width_px, int height_px, PixelFormat format, std::string_view pixels);

}  // namespace proctor::imaging

#endif  // PROCTOR_IMAGING_RAW_PIXELS_H_
