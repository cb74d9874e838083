// Sizes from the headers of PNG, JPEG and WebP, without decoding anything.
#include <cstdint>
#include <optional>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "imaging/image.h"

namespace proctor::imaging {
namespace {

class Bytes {
 public:
  explicit Bytes(std::string_view bytes) : bytes_(bytes) {}

  size_t size() const { return bytes_.size(); }
  bool Has(size_t at, size_t count) const { return at <= size() && count <= size() - at; }
  uint32_t At(size_t at) const { return static_cast<uint8_t>(bytes_[at]); }
  uint32_t Big16(size_t at) const { return At(at) << 8 | At(at + 1); }
  uint32_t Big32(size_t at) const { return Big16(at) << 16 | Big16(at + 2); }
  uint32_t Little16(size_t at) const { return At(at) | At(at + 1) << 8; }
  uint32_t Little24(size_t at) const { return Little16(at) | At(at + 2) << 16; }
  bool Is(size_t at, std::string_view text) const {
    return Has(at, text.size()) && bytes_.substr(at, text.size()) == text;
  }

 private:
  std::string_view bytes_;
};

struct Size {
  uint32_t width = 0;
  uint32_t height = 0;
};

std::optional<Size> PngSize(const Bytes& bytes) {
  if (!bytes.Is(12, "IHDR") || !bytes.Has(16, 8)) return std::nullopt;
  return Size{bytes.Big32(16), bytes.Big32(20)};
}

// Walks the segments up to the first frame header.
std::optional<Size> JpegSize(const Bytes& bytes) {
  size_t at = 2;
  while (bytes.Has(at, 4) && bytes.At(at) == 0xFF) {
    const uint32_t kind = bytes.At(at + 1);
    if (kind == 0xFF) {  // Fill byte.
      ++at;
      continue;
    }
    const bool frame = kind >= 0xC0 && kind <= 0xCF && kind != 0xC4 && kind != 0xC8 && kind != 0xCC;
    if (frame) {
      if (!bytes.Has(at, 9)) return std::nullopt;
      return Size{bytes.Big16(at + 7), bytes.Big16(at + 5)};
    }
    const bool bare = (kind >= 0xD0 && kind <= 0xD7) || kind == 0x01;
    const uint32_t length = bare ? 0 : bytes.Big16(at + 2);
    // 0 is no marker: decoders pass over it and look for the next one, so that what has a length here has none for them.
    if (kind == 0 || kind == 0xD9 || kind == 0xDA || (!bare && length < 2)) return std::nullopt;
    at += 2 + length;
  }
  return std::nullopt;
}

std::optional<Size> WebpSize(const Bytes& bytes) {
  if (bytes.Is(12, "VP8 ") && bytes.Has(26, 4)) {
    return Size{bytes.Little16(26) & 0x3FFF, bytes.Little16(28) & 0x3FFF};
  }
  if (bytes.Is(12, "VP8L") && bytes.Has(21, 4) && bytes.At(20) == 0x2F) {
    const uint32_t bits = bytes.Little16(21) | bytes.Little16(23) << 16;
    return Size{(bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1};
  }
  if (bytes.Is(12, "VP8X") && bytes.Has(24, 6)) {
    return Size{bytes.Little24(24) + 1, bytes.Little24(27) + 1};
  }
  return std::nullopt;
}

}  // namespace

absl::StatusOr<ImageInfo> Probe(std::string_view encoded) {
  if (encoded.size() > kMaxEncodedBytes) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "picture of ", encoded.size(), " bytes; at most ", kMaxEncodedBytes, " are decoded"));
  }
  const Bytes bytes(encoded);
  ImageInfo info;
  std::optional<Size> size;
  if (bytes.Is(0, "\x89PNG\r\n\x1a\n")) {
    info.format = Format::kPng;
    size = PngSize(bytes);
  } else if (bytes.Is(0, "\xFF\xD8\xFF")) {
    info.format = Format::kJpeg;
    size = JpegSize(bytes);
  } else if (bytes.Is(0, "RIFF") && bytes.Is(8, "WEBP")) {
    info.format = Format::kWebp;
    size = WebpSize(bytes);
  } else {
    return absl::InvalidArgumentError("not a PNG, JPEG or WebP picture");
  }
  if (!size.has_value() || size->width == 0 || size->height == 0) {
    return absl::InvalidArgumentError("picture with a broken header");
  }
  if (size->width > kMaxSidePx || size->height > kMaxSidePx ||
      static_cast<int64_t>(size->width) * size->height > kMaxPixels) {
    return absl::ResourceExhaustedError(
        absl::StrCat("picture of ", size->width, " x ", size->height, " pixels is too large"));
  }
  info.width_px = static_cast<int>(size->width);
  info.height_px = static_cast<int>(size->height);
  return info;
}

}  // namespace proctor::imaging
