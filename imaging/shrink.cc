// Smaller lossless PNGs. OpenCV writes no palette pictures, so those are written here: rows of
// palette indices, deflated.
#include <zlib.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <unordered_map>
#include <vector>

#include "common/status.h"
#include "imaging/image.h"
#include "imaging/png_chunks.h"

namespace proctor::imaging {
namespace {

constexpr size_t kMaxColours = 256;

struct Palette {
  // Colours as stored in an Image, by index.
  std::vector<uint32_t> colours;
  // One index a pixel.
  std::vector<uint8_t> pixels;
};

std::optional<Palette> PaletteOf(const Image& image) {
  Palette palette;
  std::unordered_map<uint32_t, uint8_t> index_of;
  const size_t count = image.bgra.size() / 4;
  palette.pixels.resize(count);
  uint32_t last = 0;
  int last_index = -1;
  for (size_t i = 0; i < count; ++i) {
    uint32_t colour;
    std::memcpy(&colour, image.bgra.data() + 4 * i, 4);
    if (last_index < 0 || colour != last) {
      const auto [it, inserted] =
          index_of.try_emplace(colour, static_cast<uint8_t>(palette.colours.size()));
      if (inserted) {
        if (palette.colours.size() == kMaxColours) return std::nullopt;
        palette.colours.push_back(colour);
      }
      last = colour;
      last_index = it->second;
    }
    palette.pixels[i] = static_cast<uint8_t>(last_index);
  }
  return palette;
}

std::optional<std::string> Deflate(std::string_view data) {
  uLongf size = compressBound(data.size());
  std::string out(size, '\0');
  if (compress2(reinterpret_cast<Bytef*>(out.data()), &size,
                reinterpret_cast<const Bytef*>(data.data()), data.size(),
                Z_BEST_COMPRESSION) != Z_OK) {
    return std::nullopt;
  }
  out.resize(size);
  return out;
}

// Bits an index needs in a PNG: 1, 2, 4 or 8.
int DepthFor(size_t colours) { return colours <= 2 ? 1 : colours <= 4 ? 2 : colours <= 16 ? 4 : 8; }

// Rows with filter byte 0: filters rarely help indices.
std::string PackRows(const Image& image, const Palette& palette, int depth) {
  const size_t row_bytes = (static_cast<size_t>(image.width_px) * depth + 7) / 8;
  std::string rows;
  rows.reserve((row_bytes + 1) * image.height_px);
  size_t pixel = 0;
  for (int y = 0; y < image.height_px; ++y) {
    const size_t begin = rows.size();
    rows.append(row_bytes + 1, '\0');
    for (int x = 0; x < image.width_px; ++x, ++pixel) {
      const int bit = x * depth;
      rows[begin + 1 + bit / 8] |=
          static_cast<char>(palette.pixels[pixel] << (8 - depth - bit % 8));
    }
  }
  return rows;
}

std::optional<std::string> PalettePng(const Image& image, const Palette& palette) {
  const int depth = DepthFor(palette.colours.size());
  std::string header;
  Append32(static_cast<uint32_t>(image.width_px), header);
  Append32(static_cast<uint32_t>(image.height_px), header);
  header += static_cast<char>(depth);
  header += '\x03';        // Palette.
  header.append(3, '\0');  // Deflate, adaptive filters, not interlaced.
  std::string colours, alphas;
  bool opaque = true;
  for (const uint32_t colour : palette.colours) {
    uint8_t bgra[4];
    std::memcpy(bgra, &colour, 4);
    for (const int c : {2, 1, 0}) colours += static_cast<char>(bgra[c]);
    alphas += static_cast<char>(bgra[3]);
    opaque = opaque && bgra[3] == 255;
  }
  const std::optional<std::string> data = Deflate(PackRows(image, palette, depth));
  if (!data.has_value()) return std::nullopt;
  std::string png(kPngSignature);
  AppendChunk("IHDR", header, png);
  AppendChunk("PLTE", colours, png);
  if (!opaque) AppendChunk("tRNS", alphas, png);
  AppendChunk("IDAT", *data, png);
  AppendChunk("IEND", "", png);
  return png;
}

}  // namespace

absl::StatusOr<std::string> ShrinkPng(std::string_view encoded) {
  PROCTOR_ASSIGN_OR_RETURN(const ImageInfo info, Probe(encoded));
  if (info.format != Format::kPng)
    return absl::InvalidArgumentError("only PNG pictures are shrunk");
  PROCTOR_ASSIGN_OR_RETURN(const Image image, Decode(encoded));
  std::string best(encoded);
  const auto consider = [&](const std::string& candidate) {
    if (candidate.size() >= best.size()) return;
    // Never trust an encoder with the only copy: what is kept must decode to the same pixels.
    const absl::StatusOr<Image> again = Decode(candidate);
    if (again.ok() && again->width_px == image.width_px && again->bgra == image.bgra)
      best = candidate;
  };
  if (const std::optional<Palette> palette = PaletteOf(image); palette.has_value()) {
    if (const std::optional<std::string> png = PalettePng(image, *palette)) consider(*png);
  }
  PROCTOR_ASSIGN_OR_RETURN(const std::string true_colour, Encode(image, {.png_level = 9}));
  consider(true_colour);
  return best;
}

}  // namespace proctor::imaging
