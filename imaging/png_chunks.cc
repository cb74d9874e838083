#include "imaging/png_chunks.h"

#include <zlib.h>

namespace proctor::imaging {

void Append32(uint32_t value, std::string& out) {
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift & 0xFF);
}

void AppendChunk(std::string_view kind, std::string_view data, std::string& out) {
  Append32(static_cast<uint32_t>(data.size()), out);
  const size_t begin = out.size();
  out += kind;
  out += data;
  Append32(static_cast<uint32_t>(crc32(0, reinterpret_cast<const Bytef*>(out.data() + begin),
                                       static_cast<uInt>(out.size() - begin))),
           out);
}

}  // namespace proctor::imaging
