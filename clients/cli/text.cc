#include "clients/cli/text.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/proto_time.h"
#include "common/strings.h"

namespace proctor::cli {
namespace {

struct Range {
  uint32_t first;
  uint32_t last;
};

// Combining marks and other characters without a width.
constexpr std::array<Range, 11> kZeroWidth = {{{0x0300, 0x036f},
                                               {0x0483, 0x0489},
                                               {0x0591, 0x05bd},
                                               {0x064b, 0x065f},
                                               {0x0e34, 0x0e3a},
                                               {0x1ab0, 0x1aff},
                                               {0x1dc0, 0x1dff},
                                               {0x200b, 0x200d},
                                               {0x20d0, 0x20ff},
                                               {0xfe00, 0xfe0f},
                                               {0xfe20, 0xfe2f}}};
constexpr std::array<Range, 9> kDoubleWidth = {{{0x1100, 0x115f},
                                                {0x2e80, 0x303e},
                                                {0x3041, 0xa4cf},
                                                {0xac00, 0xd7a3},
                                                {0xf900, 0xfaff},
                                                {0xfe30, 0xfe6f},
                                                {0xff00, 0xff60},
                                                {0x1f300, 0x1faff},
                                                {0x20000, 0x3fffd}}};
// Changes of the reading direction, line and paragraph separators, byte order mark.
constexpr std::array<Range, 5> kMisleading = {
    {{0x061c, 0x061c}, {0x200e, 0x200f}, {0x2028, 0x202e}, {0x2066, 0x2069}, {0xfeff, 0xfeff}}};

template <size_t N>
bool In(const std::array<Range, N>& ranges, uint32_t rune) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [&](const Range& range) { return rune >= range.first && rune <= range.last; });
}

// The next character of valid UTF-8; moves `position` past it.
uint32_t NextRune(std::string_view text, size_t& position) {
  const auto byte = [&](size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  const uint32_t first = byte(position);
  const int length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  uint32_t rune = length == 1 ? first : first & (0x7fu >> length);
  for (int i = 1; i < length; ++i) rune = rune << 6 | (byte(position + i) & 0x3f);
  position = std::min(text.size(), position + length);
  return rune;
}

size_t RuneWidth(uint32_t rune) {
  if (In(kZeroWidth, rune)) return 0;
  return In(kDoubleWidth, rune) ? 2 : 1;
}

std::string Visible(std::string_view text, bool keep_line_breaks) {
  const std::string valid = SanitizeUtf8(text);
  std::string safe;
  for (size_t position = 0; position < valid.size();) {
    const size_t start = position;
    const uint32_t rune = NextRune(valid, position);
    if (rune == '\n' && keep_line_breaks) {
      safe += '\n';
    } else if (rune == '\n' || rune == '\t' || rune == '\r') {
      safe += ' ';
    } else if (rune < 0x20 || (rune >= 0x7f && rune < 0xa0)) {
      absl::StrAppendFormat(&safe, "\\x%02x", rune);
    } else if (In(kMisleading, rune)) {
      absl::StrAppendFormat(&safe, "\\u%04x", rune);
    } else {
      safe.append(valid, start, position - start);
    }
  }
  return safe;
}

}  // namespace

std::string OneLine(std::string_view text) { return Visible(text, false); }

std::string ManyLines(std::string_view text) { return Visible(text, true); }

size_t DisplayWidth(std::string_view text) {
  size_t width = 0;
  for (size_t position = 0; position < text.size();) width += RuneWidth(NextRune(text, position));
  return width;
}

std::string CutToWidth(std::string_view text, size_t width) {
  size_t used = 0;
  size_t fits = 0;  // Bytes that leave a column for the ellipsis.
  for (size_t position = 0; position < text.size();) {
    used += RuneWidth(NextRune(text, position));
    if (used > width) return width == 0 ? "" : absl::StrCat(ToAbsl(text.substr(0, fits)), "…");
    if (used + 1 <= width) fits = position;
  }
  return std::string(text);
}

std::string TimeText(const google::protobuf::Timestamp& time) {
  if (time.seconds() == 0 && time.nanos() == 0) return "";
  return absl::FormatTime("%Y-%m-%d %H:%M:%SZ", FromProto(time), absl::UTCTimeZone());
}

std::string DurationText(absl::Duration duration) {
  const absl::Duration size = absl::AbsDuration(duration);
  const absl::Duration unit = size < absl::Seconds(1)   ? absl::Milliseconds(1)
                              : size < absl::Minutes(1) ? absl::Milliseconds(100)
                                                        : absl::Seconds(1);
  return absl::FormatDuration(absl::Trunc(duration, unit));
}

std::string DurationText(const google::protobuf::Duration& duration) {
  return DurationText(FromProto(duration));
}

std::string BytesText(double bytes) {
  static constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  size_t unit = 0;
  while (bytes >= 1024 && unit + 1 < std::size(kUnits)) {
    bytes /= 1024;
    ++unit;
  }
  return unit == 0 ? absl::StrFormat("%.0f B", bytes)
                   : absl::StrFormat("%.1f %s", bytes, kUnits[unit]);
}

std::string NumberText(double number) { return absl::StrFormat("%.4g", number); }

std::string ShortName(const std::string& name) {
  const size_t slash = name.find('/');
  return slash == std::string::npos ? name : name.substr(slash + 1);
}

}  // namespace proctor::cli
