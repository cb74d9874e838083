// PNG as quickly as it can be had losslessly, for pictures of screens.
#include <zlib.h>

#include <cstring>

#include "absl/status/status.h"
#include "imaging/image.h"
#include "imaging/png_chunks.h"

namespace proctor::imaging {
namespace {

// Each row as its difference from the one above: what goes on downwards, most of a screen, is zeros.
std::string Rows(const Image& image) {
  const size_t width = static_cast<size_t>(image.width_px);
  const size_t row_bytes = 3 * width + 1;
  std::string rows(row_bytes * static_cast<size_t>(image.height_px), '\0');
  const uint8_t* above = nullptr;
  for (int y = 0; y < image.height_px; ++y) {
    const uint8_t* row = image.bgra.data() + 4 * width * static_cast<size_t>(y);
    auto* out = reinterpret_cast<uint8_t*>(rows.data()) + row_bytes * static_cast<size_t>(y);
    *out++ = above == nullptr ? 0 : 2;
    if (above != nullptr && std::memcmp(above, row, 4 * width) == 0) {
      above = row;
      continue;
    }
    for (size_t x = 0; x < width; ++x, out += 3) {
      for (int c = 0; c < 3; ++c) {
        out[c] = static_cast<uint8_t>(row[4 * x + 2 - static_cast<size_t>(c)] -
                                      (above == nullptr ? 0 : above[4 * x + 2 - static_cast<size_t>(c)]));
      }
    }
    above = row;
  }
  return rows;
}

}  // namespace

absl::StatusOr<std::string> EncodeQuickPng(const Image& image) {
  const bool consistent = image.width_px > 0 && image.height_px > 0 && image.width_px <= kMaxSidePx && image.height_px <= kMaxSidePx &&
                          image.bgra.size() == size_t{4} * image.width_px * image.height_px;
  if (!consistent) return absl::InvalidArgumentError("picture whose pixels do not fit its size");
  std::string rows = Rows(image);
  z_stream stream = {};
  if (deflateInit2(&stream, 1, Z_DEFLATED, 15, 9, Z_RLE) != Z_OK) return absl::ResourceExhaustedError("no memory to encode a picture");
  std::string data(deflateBound(&stream, rows.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(rows.data());
  stream.avail_in = static_cast<uInt>(rows.size());
  stream.next_out = reinterpret_cast<Bytef*>(data.data());
  stream.avail_out = static_cast<uInt>(data.size());
  const int result = deflate(&stream, Z_FINISH);
  data.resize(stream.total_out);
  deflateEnd(&stream);
  if (result != Z_STREAM_END) return absl::InternalError("the picture could not be encoded");
  std::string header;
  Append32(static_cast<uint32_t>(image.width_px), header);
  Append32(static_cast<uint32_t>(image.height_px), header);
  header += std::string_view("\x08\x02\0\0\0", 5);  // 8 bits, colours; deflate, adaptive filters, not interlaced.
  std::string png(kPngSignature);
  AppendChunk("IHDR", header, png);
  AppendChunk("IDAT", data, png);
  AppendChunk("IEND", "", png);
  return png;
}

}  // namespace proctor::imaging
