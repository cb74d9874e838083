#include "env/android/screen.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/status.h"
#include "common/strings.h"
#include "env/screenshot.h"

namespace proctor::env::android {
namespace {

// Four bytes a pixel of the largest picture that is decoded, and the header.
constexpr size_t kMaxRawBytes = static_cast<size_t>(imaging::kMaxPixels) * 4 + 16;

// Android's PixelFormat constants.
std::optional<imaging::PixelFormat> FormatOf(uint32_t number) {
  switch (number) {
    case 1:
      return imaging::PixelFormat::kRgba;
    case 2:
      return imaging::PixelFormat::kRgbx;
    case 3:
      return imaging::PixelFormat::kRgb;
    case 4:
      return imaging::PixelFormat::kRgb565;
    case 5:
      return imaging::PixelFormat::kBgra;
    default:
      return std::nullopt;
  }
}

uint32_t Number(std::string_view bytes, size_t at) {
  const auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<unsigned char>(bytes[at + i])); };
  return byte(0) | byte(1) << 8 | byte(2) << 16 | byte(3) << 24;
}

// `screencap` tells of failures in words.
absl::Status NoPicture(std::string_view bytes, std::string_view otherwise) {
  const bool words = bytes.size() < 1000 && bytes.find('\0') == std::string_view::npos;
  return absl::DataLossError(absl::StrCat("screencap: ", words && !bytes.empty() ? SanitizeUtf8(TruncateUtf8(bytes, 200))
                                                                                 : std::string(otherwise)));
}

}  // namespace

absl::StatusOr<RawScreen> ParseRawScreen(std::string_view bytes) {
  if (bytes.size() < 12) return NoPicture(bytes, "a picture that was cut");
  const uint32_t width = Number(bytes, 0), height = Number(bytes, 4);
  const std::optional<imaging::PixelFormat> format = FormatOf(Number(bytes, 8));
  if (width == 0 || height == 0 || width > imaging::kMaxSidePx || height > imaging::kMaxSidePx || !format.has_value()) {
    return NoPicture(bytes, "a picture of unknown size or format");
  }
  const size_t pixels = size_t{width} * height * imaging::BytesPerPixel(*format);
  for (const size_t header : {size_t{12}, size_t{16}}) {
    if (bytes.size() != header + pixels) continue;
    return RawScreen{static_cast<int>(width), static_cast<int>(height), *format, bytes.substr(header)};
  }
  return NoPicture(bytes, "a picture that was cut");
}

absl::StatusOr<bool> Screen::Take(const CallContext& context, bool raw) {
  // Warnings about several displays go to stderr, which `exec` would mix in.
  PROCTOR_ASSIGN_OR_RETURN(const bool same, device_.ExecUnless(context, raw ? "screencap 2>/dev/null" : "screencap -p 2>/dev/null",
                                                               raw ? kMaxRawBytes : imaging::kMaxEncodedBytes, last_, next_));
  if (same && !last_.empty()) return true;
  if (same) next_.clear();
  if (raw) {
    PROCTOR_ASSIGN_OR_RETURN(const RawScreen screen, ParseRawScreen(next_));
    size_.set_width(screen.width_px);
    size_.set_height(screen.height_px);
    return false;
  }
  const absl::StatusOr<imaging::ImageInfo> info = imaging::Probe(next_);
  if (!info.ok() || info->format != imaging::Format::kPng) return NoPicture(next_, "no PNG picture");
  size_.set_width(info->width_px);
  size_.set_height(info->height_px);
  return false;
}

absl::Status Screen::Calibrate(const CallContext& context) {
  last_.clear();
  const absl::Time first = absl::Now();
  absl::Status raw = Take(context, true).status();
  const absl::Time second = absl::Now();
  const absl::Status png = Take(context, false).status();
  const absl::Time third = absl::Now();
  if (!raw.ok() && !png.ok()) return raw;
  raw_ = raw.ok() && (!png.ok() || second - first <= third - second);
  return absl::OkStatus();
}

absl::StatusOr<bool> Screen::Capture(const CallContext& context) {
  PROCTOR_ASSIGN_OR_RETURN(const bool same, Take(context, raw_));
  if (same) return true;
  std::swap(last_, next_);
  pixels_.reset();
  ++version_;
  return false;
}

absl::StatusOr<const imaging::Image*> Screen::Pixels() {
  if (pixels_.has_value()) return &*pixels_;
  absl::StatusOr<imaging::Image> image;
  if (raw_) {
    PROCTOR_ASSIGN_OR_RETURN(const RawScreen screen, ParseRawScreen(last_));
    image = imaging::FromRawPixels(screen.width_px, screen.height_px, screen.format, screen.pixels);
  } else {
    image = imaging::Decode(last_);
  }
  if (!image.ok()) return absl::DataLossError(absl::StrCat("screencap: ", image.status().message()));
  pixels_ = *std::move(image);
  return &*pixels_;
}

absl::StatusOr<v1::Image> Screen::Encode(const v1::ScreenshotOptions& options, const std::vector<imaging::MarkBox>& boxes) {
  PROCTOR_ASSIGN_OR_RETURN(const imaging::Image* pixels, Pixels());
  if (!options.draw_marks()) return EncodeScreenshot(*pixels, options);
  imaging::Image marked = *pixels;
  imaging::DrawMarks(boxes, marked);
  return EncodeScreenshot(marked, options);
}

absl::Status Screen::Fill(const v1::ScreenshotOptions& options, const std::vector<imaging::MarkBox>& boxes, v1::Image* image) {
  const bool plain = !options.draw_marks();
  if (plain && encoded_version_ == version_ && SameEncoding(options, encoded_as_)) {
    *image = encoded_;
    return absl::OkStatus();
  }
  PROCTOR_ASSIGN_OR_RETURN(*image, Encode(options, boxes));
  if (plain) {
    encoded_ = *image;
    encoded_version_ = version_;
    encoded_as_ = options;
  }
  return absl::OkStatus();
}

}  // namespace proctor::env::android
