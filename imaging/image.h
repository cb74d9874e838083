// Pictures: the only place that knows image formats and OpenCV. All input is untrusted: sizes are
// read from the header and limited before anything is decoded. Functions are pure and thread-safe.
#ifndef PROCTOR_IMAGING_IMAGE_H_
#define PROCTOR_IMAGING_IMAGE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace proctor::imaging {

enum class Format { kPng, kJpeg, kWebp };

// Largest picture that is decoded: no side above 16,384 pixels, at most 64 megapixels, at most 64
// MiB encoded.
inline constexpr int kMaxSidePx = 16384;
inline constexpr int64_t kMaxPixels = int64_t{64} << 20;
inline constexpr size_t kMaxEncodedBytes = size_t{64} << 20;

// What an encoded picture says of itself.
struct ImageInfo {
  Format format = Format::kPng;
  int width_px = 0;
  int height_px = 0;
};

// A decoded picture: rows from the top, 8 bits a channel, blue, green, red, alpha, without padding.
struct Image {
  int width_px = 0;
  int height_px = 0;
  std::vector<uint8_t> bgra;
};

// Reads the header only (under 1 us for PNG). INVALID_ARGUMENT: not a PNG, JPEG or WebP, or cut off
// in its header; RESOURCE_EXHAUSTED: above the limits.
absl::StatusOr<ImageInfo> Probe(std::string_view encoded);

// Errors as Probe, and INVALID_ARGUMENT for broken content; RESOURCE_EXHAUSTED for a JPEG of more than 100 scans, too. A
// truncated JPEG may decode to a partly grey picture.
absl::StatusOr<Image> Decode(std::string_view encoded);

// How to encode.
struct EncodeOptions {
  Format format = Format::kPng;
  // JPEG and WebP: 1 to 100. PNG is lossless always.
  int quality = 80;
  // PNG: 1 (quick: 40 ms for 1280 x 720) to 9 (small: about ten times slower).
  int png_level = 1;
};

// Alpha is kept by PNG and WebP where any pixel is not opaque.
absl::StatusOr<std::string> Encode(const Image& image, const EncodeOptions& options);

// A lossless PNG in as little time as that takes, for pictures of screens: 5 ms for a desktop of 1280 x 800 (png_level 1: 17 ms, less than
// half the size). Alpha is dropped. The store makes it smaller later.
// INVALID_ARGUMENT: above the limits.
absl::StatusOr<std::string> EncodeQuickPng(const Image& image);

// sha256 (hex) of width, height and pixels: the same for all lossless encodings of a picture.
std::string PixelHash(const Image& image);

// Scales to exactly this size, averaging where it shrinks. INVALID_ARGUMENT for a size out of the
// limits.
absl::StatusOr<Image> Scale(const Image& image, int width_px, int height_px);

// Where two pictures differ.
struct Difference {
  int64_t changed_pixels = 0;
  // Smallest box around all changed pixels; zero if there are none.
  int x_px = 0;
  int y_px = 0;
  int width_px = 0;
  int height_px = 0;
};

// A pixel counts as changed if a channel differs by more than `tolerance`. INVALID_ARGUMENT: sizes
// differ.
absl::StatusOr<Difference> Diff(const Image& before, const Image& after, int tolerance = 0);

// The smallest lossless PNG of a picture's pixels that a few seconds buy (palette where 256 colours
// suffice, best compression), for the store. Returns the input where nothing smaller was found.
// Only for PNG and for opaque or transparent 8-bit pictures; INVALID_ARGUMENT for other formats.
absl::StatusOr<std::string> ShrinkPng(std::string_view encoded);

}  // namespace proctor::imaging

#endif  // PROCTOR_IMAGING_IMAGE_H_
