// Pictures, as clients, phones, pages and files of other programs give them.
#include <optional>
#include <utility>

#include "imaging/image.h"
#include "imaging/lossless_webp.h"
#include "tests/fuzz/input.h"

namespace proctor::imaging {
namespace {

using fuzz::Require;

// Of larger ones only the header is read: their pixels take time and show nothing more.
constexpr int64_t kMaxFuzzedPixels = 128 * 128;

bool IsOpaque(const Image& image) {
  for (size_t i = 3; i < image.bgra.size(); i += 4) {
    if (image.bgra[i] != 255) return false;
  }
  return true;
}

// The same to whoever looks: colours under full transparency do not count.
bool LookAlike(const Image& one, const Image& other) {
  if (one.width_px != other.width_px || one.bgra.size() != other.bgra.size()) return false;
  for (size_t i = 0; i < one.bgra.size(); i += 4) {
    if (one.bgra[i + 3] != other.bgra[i + 3]) return false;
    for (size_t c = 0; c < 3; ++c) {
      if (one.bgra[i + 3] != 0 && one.bgra[i + c] != other.bgra[i + c]) return false;
    }
  }
  return true;
}

void CheckEncodings(const Image& image) {
  const auto webp = EncodeLosslessWebp(image);
  Require(webp.ok() && LookAlike(Decode(*webp).value(), image), "a WebP has lost nothing");
  const auto png = PngInsteadOfWebp(*webp);
  Require(png.ok() && Probe(*png)->format == Format::kPng && LookAlike(Decode(*png).value(), image), "nor has a PNG in its place");
  const auto quick = EncodeQuickPng(image);
  Require(quick.ok() && (!IsOpaque(image) || Decode(*quick)->bgra == image.bgra), "nor a quick PNG");
}

// The picture, or nothing if it cannot be read or is left out.
std::optional<Image> Read(std::string_view encoded) {
  const auto info = Probe(encoded);
  if (!info.ok()) {
    Require(absl::IsInvalidArgument(info.status()) || absl::IsResourceExhausted(info.status()), "a picture is wrong or too large");
    return std::nullopt;
  }
  Require(info->width_px > 0 && info->width_px <= kMaxSidePx && info->height_px > 0 && info->height_px <= kMaxSidePx, "sides are limited");
  if (int64_t{info->width_px} * info->height_px > kMaxFuzzedPixels) return std::nullopt;
  absl::StatusOr<Image> image = Decode(encoded);
  if (!image.ok()) return std::nullopt;
  Require(image->width_px == info->width_px && image->height_px == info->height_px, "a picture is as large as its header says");
  Require(image->bgra.size() == size_t{4} * image->width_px * image->height_px, "a picture has its pixels");
  const auto shrunk = ShrinkPng(encoded);
  Require(shrunk.ok() == (info->format == Format::kPng), "what is a PNG can be shrunk");
  if (shrunk.ok()) Require(shrunk->size() <= encoded.size() && Decode(*shrunk)->bgra == image->bgra, "shrinking loses nothing");
  return *std::move(image);
}

}  // namespace
}  // namespace proctor::imaging

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto image = proctor::imaging::Read(proctor::fuzz::View(data, size));
  if (image) proctor::imaging::CheckEncodings(*image);
  return 0;
}

extern "C" bool IsCurrent(const uint8_t* data, size_t size) {
  return proctor::imaging::Read(proctor::fuzz::View(data, size)).has_value();
}
