// Pieces of PNG files, for the encoders that write them themselves. Inside this folder only.
#ifndef PROCTOR_IMAGING_PNG_CHUNKS_H_
#define PROCTOR_IMAGING_PNG_CHUNKS_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace proctor::imaging {

inline constexpr std::string_view kPngSignature = "\x89PNG\r\n\x1a\n";

// Big-endian.
void Append32(uint32_t value, std::string& out);
// Length, kind, data, checksum.
void AppendChunk(std::string_view kind, std::string_view data, std::string& out);

}  // namespace proctor::imaging

#endif  // PROCTOR_IMAGING_PNG_CHUNKS_H_
