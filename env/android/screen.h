// Pictures of a device's screen.
#ifndef PROCTOR_ENV_ANDROID_SCREEN_H_
#define PROCTOR_ENV_ANDROID_SCREEN_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "env/android/device.h"
#include "imaging/image.h"
#include "imaging/marks.h"
#include "imaging/raw_pixels.h"
#include "proctor/v1/geometry.pb.h"
#include "proctor/v1/observation.pb.h"

namespace proctor::env::android {

// What `screencap` writes without options: a header of three numbers, four since Android 9, and the pixels.
struct RawScreen {
  int width_px = 0;
  int height_px = 0;
  imaging::PixelFormat format = imaging::PixelFormat::kRgba;
  // Into the bytes that were parsed.
  std::string_view pixels;
};

// DATA_LOSS for anything but a whole picture in a format that is known.
absl::StatusOr<RawScreen> ParseRawScreen(std::string_view bytes);

// Takes pictures as raw pixels or as PNG, whichever the device delivers quicker, and keeps the last one: asked again while the screen is
// still, nothing is decoded or encoded anew. Not thread-safe.
class Screen {
 public:
  // `device` outlives it.
  explicit Screen(Device& device) : device_(device) {}

  // Takes a picture each way and keeps to the quicker. UNAVAILABLE, DATA_LOSS if neither works.
  absl::Status Calibrate(const CallContext& context);
  // Takes a picture. True: it shows the same as the one before.
  absl::StatusOr<bool> Capture(const CallContext& context);

  // Of the last picture; 0 before the first.
  const v1::Size& size() const { return size_; }
  // Another number whenever a picture showed something else than the one before.
  int64_t version() const { return version_; }
  // How pictures come from the device.
  bool raw() const { return raw_; }

  // The last picture's pixels. DATA_LOSS if they cannot be decoded.
  absl::StatusOr<const imaging::Image*> Pixels();
  // The last picture with these boxes drawn, encoded, with its digest.
  absl::Status Fill(const v1::ScreenshotOptions& options, const std::vector<imaging::MarkBox>& boxes, v1::Image* image);

 private:
  // Into `next_`. True: it is `last_`, and `next_` is not to be used.
  absl::StatusOr<bool> Take(const CallContext& context, bool raw);
  absl::StatusOr<v1::Image> Encode(const v1::ScreenshotOptions& options, const std::vector<imaging::MarkBox>& boxes);

  Device& device_;
  bool raw_ = true;
  // As they came; two, so that a picture can be compared with the one before without copying either.
  std::string last_;
  std::string next_;
  v1::Size size_;
  int64_t version_ = 0;
  std::optional<imaging::Image> pixels_;
  // The last picture without marks, encoded as `encoded_as_` says.
  v1::Image encoded_;
  int64_t encoded_version_ = -1;
  v1::ScreenshotOptions encoded_as_;
};

}  // namespace proctor::env::android

#endif  // PROCTOR_ENV_ANDROID_SCREEN_H_
