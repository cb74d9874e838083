// Work that a JPEG asks for beyond its pixels. Inside this folder only.
#ifndef PROCTOR_IMAGING_JPEG_SCANS_H_
#define PROCTOR_IMAGING_JPEG_SCANS_H_

#include <string_view>

namespace proctor::imaging {

// For each of its scans a decoder goes over all of a picture, and 100 bytes are enough for one. Progressive pictures have about 10.
inline constexpr int kMaxJpegScans = 100;

// How many a decoder would find, or more; a few milliseconds for the largest picture. Any bytes.
int CountJpegScans(std::string_view encoded);

}  // namespace proctor::imaging

#endif  // PROCTOR_IMAGING_JPEG_SCANS_H_
