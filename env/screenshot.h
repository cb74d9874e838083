// From pixels to the screenshot of an observation, the same for all worlds.
#ifndef PROCTOR_ENV_SCREENSHOT_H_
#define PROCTOR_ENV_SCREENSHOT_H_

#include <string>

#include "absl/status/statusor.h"
#include "imaging/image.h"
#include "proctor/v1/observation.pb.h"

namespace proctor::env {

// What the options ask for, defaults filled in: PNG; quality 80 for JPEG and WebP, 0 for PNG, which has none.
imaging::EncodeOptions EncodingOf(const v1::ScreenshotOptions& options);

// Both give the same bytes for the same pixels.
bool SameEncoding(const v1::ScreenshotOptions& a, const v1::ScreenshotOptions& b);

// Pixels, on which the marks are drawn already where `options` ask for them, as the message that agents get; PNG the quick way.
// Errors: those of imaging.
absl::StatusOr<v1::Image> EncodeScreenshot(const imaging::Image& pixels, const v1::ScreenshotOptions& options);

// The same of what is encoded already. INVALID_ARGUMENT: no picture.
absl::StatusOr<v1::Image> DescribeScreenshot(std::string encoded, const v1::ScreenshotOptions& options);

}  // namespace proctor::env

#endif  // PROCTOR_ENV_SCREENSHOT_H_
