#include "imaging/image.h"

#include "gtest/gtest.h"
#include "imaging/jpeg_scans.h"
#include "tests/imaging/image_testing.h"

namespace proctor::imaging {
namespace {

std::string Encoded(const Image& image, Format format) {
  return Encode(image, {.format = format}).value();
}

TEST(ImageTest, PngComesBackPixelByPixel) {
  Image image = Gradient(120, 70);
  SetPixel(image, 3, 4, 1, 2, 3, 128);
  const std::string png = Encoded(image, Format::kPng);
  const Image back = Decode(png).value();
  EXPECT_EQ(back.bgra, image.bgra);
  EXPECT_EQ(PixelHash(back), PixelHash(image));
}

TEST(ImageTest, ProbeTellsFormatAndSizeOfAllFormats) {
  for (const Format format : {Format::kPng, Format::kJpeg, Format::kWebp}) {
    const std::string bytes = Encoded(Gradient(121, 73), format);
    const ImageInfo info = Probe(bytes).value();
    EXPECT_EQ(info.format, format);
    EXPECT_EQ(info.width_px, 121);
    EXPECT_EQ(info.height_px, 73);
    EXPECT_EQ(Decode(bytes).value().width_px, 121);
  }
}

TEST(ImageTest, PixelHashDependsOnPixelsAndShapeOnly) {
  const Image image = Gradient(40, 20);
  EXPECT_EQ(PixelHash(Decode(Encode(image, {.png_level = 1}).value()).value()),
            PixelHash(Decode(Encode(image, {.png_level = 9}).value()).value()));
  EXPECT_NE(PixelHash(Plain(40, 20, 5)), PixelHash(Plain(20, 40, 5)));
  EXPECT_NE(PixelHash(Plain(40, 20, 5)), PixelHash(Plain(40, 20, 6)));
}

TEST(ImageTest, DiffCountsChangedPixelsAndBoxesThem) {
  const Image before = Plain(50, 40, 100);
  Image after = before;
  SetPixel(after, 10, 5, 100, 100, 101);
  SetPixel(after, 20, 30, 0, 0, 0);
  const Difference all = Diff(before, after).value();
  EXPECT_EQ(all.changed_pixels, 2);
  EXPECT_EQ(all.x_px, 10);
  EXPECT_EQ(all.y_px, 5);
  EXPECT_EQ(all.width_px, 11);
  EXPECT_EQ(all.height_px, 26);
  EXPECT_EQ(Diff(before, after, /*tolerance=*/2).value().changed_pixels, 1);
  EXPECT_EQ(Diff(before, before).value().changed_pixels, 0);
  EXPECT_FALSE(Diff(before, Plain(40, 50, 100)).ok());
}

TEST(ImageTest, ScaleAveragesAndRefusesBadSizes) {
  Image image = Plain(20, 20, 0);
  for (int y = 0; y < 20; ++y) {
    for (int x = 0; x < 20; x += 2) SetPixel(image, x, y, 200, 200, 200);
  }
  const Image small = Scale(image, 10, 10).value();
  EXPECT_EQ(small.width_px, 10);
  EXPECT_NEAR(small.bgra[0], 100, 2);
  EXPECT_FALSE(Scale(image, 0, 10).ok());
  EXPECT_FALSE(Scale(image, 20000, 10).ok());
}

TEST(ImageTest, RefusesPictureWhosePixelsDoNotFitItsSize) {
  Image image = Plain(10, 10, 0);
  image.bgra.pop_back();
  EXPECT_FALSE(Encode(image, {}).ok());
  EXPECT_FALSE(Scale(image, 5, 5).ok());
  EXPECT_FALSE(Diff(image, image).ok());
}

TEST(ImageTest, RefusesWhatIsNoPicture) {
  for (const std::string& bytes :
       {std::string(), std::string("GIF89a...."), std::string("hello"), std::string(1000, '\0'),
        std::string("\x89PNG\r\n\x1a\n"), std::string("\xFF\xD8\xFF"), std::string("RIFF1234WEBP"),
        std::string("\xFF\xD8\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF")}) {
    EXPECT_EQ(Probe(bytes).status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(Decode(bytes).status().code(), absl::StatusCode::kInvalidArgument);
  }
}

TEST(ImageTest, RefusesDecompressionBombsByTheirHeader) {
  std::string png = Encoded(Plain(10, 10, 0), Format::kPng);
  for (const std::string& side :
       {std::string("\x00\x00\x80\x00", 4), std::string("\x7F\xFF\xFF\xFF", 4),
        std::string("\xFF\xFF\xFF\xFF", 4)}) {
    png.replace(16, 4, side);
    EXPECT_EQ(Decode(png).status().code(), absl::StatusCode::kResourceExhausted);
  }
  // Each side is fine, the area is not.
  png.replace(16, 8, std::string("\x00\x00\x3F\xFF\x00\x00\x3F\xFF", 8));
  EXPECT_EQ(Decode(png).status().code(), absl::StatusCode::kResourceExhausted);
  png.replace(16, 8, std::string(8, '\0'));
  EXPECT_EQ(Decode(png).status().code(), absl::StatusCode::kInvalidArgument);
}

// Of 64 x 48 pixels, and of 8 x 8 to whoever takes what is no marker for one with a length.
TEST(ImageTest, RefusesAJpegThatHidesItsSizeFromTheProbe) {
  const std::string real = Encoded(Plain(64, 48, 0), Format::kJpeg).substr(2);
  const std::string small("\xFF\xC0\x00\x11\x08\x00\x08\x00\x08\x03\x01\x22\x00\x02\x11\x01\x03\x11\x01", 19);
  const size_t length = real.size() + 2;
  for (const std::string& begin : {std::string("\xFF\xD8\xFF\x00", 4), std::string("\xFF\xD8\xFF\xFF\x00", 5)}) {
    const std::string jpeg = begin + static_cast<char>(length >> 8) + static_cast<char>(length & 0xFF) + real + small;
    EXPECT_EQ(Probe(jpeg).status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(Decode(jpeg).status().code(), absl::StatusCode::kInvalidArgument);
  }
}

// Each scan costs a walk over all pixels, whatever its bytes.
TEST(ImageTest, RefusesAJpegOfVeryManyScans) {
  const std::string jpeg = Encoded(Gradient(16, 16), Format::kJpeg);
  const size_t scan = jpeg.find("\xFF\xDA");
  ASSERT_NE(scan, std::string::npos);
  const std::string one = jpeg.substr(scan, jpeg.size() - 2 - scan);
  std::string many = jpeg.substr(0, scan);
  for (int i = 0; i < 100; ++i) many += one;
  EXPECT_EQ(CountJpegScans(jpeg), 1);
  // Not what stands in a comment, or behind the end.
  EXPECT_EQ(CountJpegScans(std::string("\xFF\xD8\xFF\xFE\0\4\xFF\xDA", 8) + many.substr(2) + "\xFF\xD9" + one), 100);
  EXPECT_NE(Decode(many + "\xFF\xD9").status().code(), absl::StatusCode::kResourceExhausted);
  for (const std::string& more : {one, one.substr(0, 2), "\xFF" + one, "\xFF\x02" + one}) {
    EXPECT_EQ(CountJpegScans(many + more), 101);
    EXPECT_EQ(Decode(many + more).status().code(), absl::StatusCode::kResourceExhausted);
  }
}

// Every prefix and many single-byte changes: an error or some picture, never a crash.
TEST(ImageTest, SurvivesTruncatedAndDamagedPictures) {
  for (const Format format : {Format::kPng, Format::kJpeg, Format::kWebp}) {
    const std::string whole = Encoded(Gradient(16, 16), format);
    for (size_t length = 0; length < whole.size(); length += 1 + whole.size() / 200) {
      const absl::StatusOr<Image> image = Decode(std::string_view(whole).substr(0, length));
      if (image.ok()) {
        EXPECT_EQ(image->bgra.size(), 4u * image->width_px * image->height_px);
      }
    }
    for (size_t i = 0; i < whole.size(); i += 1 + whole.size() / 200) {
      std::string damaged = whole;
      damaged[i] = static_cast<char>(damaged[i] ^ 0x5A);
      const absl::StatusOr<Image> image = Decode(damaged);
      if (image.ok()) {
        EXPECT_LE(int64_t{image->width_px} * image->height_px, kMaxPixels);
      }
    }
  }
}

}  // namespace
}  // namespace proctor::imaging
