#include "env/android/screen.h"

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "imaging/raw_pixels.h"

namespace proctor::env::android {
namespace {

std::string Little32(uint32_t n) {
  return {static_cast<char>(n), static_cast<char>(n >> 8), static_cast<char>(n >> 16), static_cast<char>(n >> 24)};
}

TEST(ParseRawScreenTest, ReadsBothHeaders) {
  for (const bool with_color_space : {false, true}) {
    const std::string bytes = absl::StrCat(Little32(2), Little32(1), Little32(1), with_color_space ? Little32(0) : "", "\1\2\3\xff\4\5\6\xff");
    const auto screen = ParseRawScreen(bytes);
    ASSERT_TRUE(screen.ok()) << screen.status();
    EXPECT_EQ(screen->width_px, 2);
    EXPECT_EQ(screen->pixels.size(), 8u);
    EXPECT_EQ(screen->pixels[0], '\1');
  }
}

TEST(ParseRawScreenTest, RefusesEverythingElseWithTheDevicesWords) {
  const std::string whole = absl::StrCat(Little32(2), Little32(1), Little32(1), std::string(8, 'x'));
  for (size_t size = 0; size < whole.size(); ++size) EXPECT_FALSE(ParseRawScreen(whole.substr(0, size)).ok());
  EXPECT_FALSE(ParseRawScreen(whole + "x").ok());
  for (const uint32_t huge : {0u, 20'000u, 0xffffffffu}) {
    EXPECT_FALSE(ParseRawScreen(absl::StrCat(Little32(huge), Little32(huge), Little32(1), "xxxx")).ok());
  }
  EXPECT_FALSE(ParseRawScreen(absl::StrCat(Little32(1), Little32(1), Little32(22), std::string(8, 'x'))).ok());
  EXPECT_EQ(ParseRawScreen("Failed to take screenshot. Status: -38").status().message(),
            "screencap: Failed to take screenshot. Status: -38");
}

TEST(RawPixelsTest, ConvertsEveryFormatToTheSamePixels) {
  using imaging::PixelFormat;
  struct Case {
    PixelFormat format;
    std::string bytes;
  };
  // Red, then blue.
  const std::string zero(1, '\0');
  const Case cases[] = {{PixelFormat::kRgba, absl::StrCat("\xff", zero, zero, "\x80", zero, zero, "\xff", "\x80")},
                        {PixelFormat::kRgbx, absl::StrCat("\xff", zero, zero, zero, zero, zero, "\xff", zero)},
                        {PixelFormat::kRgb, absl::StrCat("\xff", zero, zero, zero, zero, "\xff")},
                        {PixelFormat::kBgra, absl::StrCat(zero, zero, "\xff", zero, "\xff", zero, zero, zero)},
                        {PixelFormat::kRgb565, absl::StrCat(zero, "\xf8", "\x1f", zero)}};
  const std::vector<uint8_t> red_blue = {0, 0, 255, 255, 255, 0, 0, 255};
  for (const Case& c : cases) {
    const auto image = imaging::FromRawPixels(2, 1, c.format, c.bytes);
    ASSERT_TRUE(image.ok()) << image.status();
    for (size_t i = 0; i < red_blue.size(); ++i) EXPECT_NEAR(image->bgra[i], red_blue[i], 7) << static_cast<int>(c.format) << " " << i;
    EXPECT_FALSE(imaging::FromRawPixels(2, 2, c.format, c.bytes).ok());
  }
  EXPECT_FALSE(imaging::FromRawPixels(0, 1, PixelFormat::kRgb, "").ok());
  EXPECT_FALSE(imaging::FromRawPixels(60'000, 60'000, PixelFormat::kRgb, "").ok());
}

}  // namespace
}  // namespace proctor::env::android
