#include "imaging/jpeg_scans.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace proctor::imaging {

int CountJpegScans(std::string_view encoded) {
  const auto byte = [&](size_t at) { return static_cast<uint8_t>(encoded[at]); };
  int scans = 0;
  size_t at = 0;
  while ((at = encoded.find('\xFF', at)) != std::string_view::npos && at + 1 < encoded.size()) {
    const uint8_t kind = byte(at + 1);
    if (kind == 0xFF) {  // Fill byte.
      ++at;
      continue;
    }
    at += 2;
    if (kind == 0xD9) break;  // The end.
    if (kind == 0xDA) ++scans;
    // Below 0xC0 there are no markers, and decoders go on right behind; those from 0xD0 to 0xD8 stand alone.
    if (kind < 0xC0 || (kind >= 0xD0 && kind <= 0xD8)) continue;
    if (at + 1 >= encoded.size()) break;
    at += std::max<size_t>(2, static_cast<size_t>(byte(at)) << 8 | byte(at + 1));
  }
  return scans;
}

}  // namespace proctor::imaging
