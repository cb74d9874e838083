#include "trajectory/recompress.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "imaging/image.h"
#include "tests/trajectory/fixture.h"

namespace proctor::trajectory {
namespace {

// A page-like picture: few colours, large areas. `seed` makes it different.
imaging::Image Picture(int seed) {
  imaging::Image image{.width_px = 320, .height_px = 200, .bgra = {}};
  image.bgra.resize(320 * 200 * 4, 255);
  for (int y = 0; y < 200; ++y) {
    for (int x = 0; x < 320; ++x) {
      if ((x / 8 + y / 16 + seed) % 5 == 0) image.bgra[4 * (y * 320 + x)] = 40;
    }
  }
  return image;
}

class RecompressTest : public testing::Test {
 protected:
  absl::StatusOr<RecompressResult> Run(const std::string& after = "") {
    return RecompressBlobs(context_, *room_.archive, {.after_digest = after},
                           [](const RecompressResult&) { return absl::OkStatus(); });
  }
  std::string RecordPicture(const std::string& id, const std::string& encoded) {
    v1::Trajectory header = MakeHeader(id, room_.clock.Now());
    *header.mutable_initial_observation() = MakeObservation(encoded);
    EXPECT_TRUE(room_.recorder.BeginWithoutEpisode(context_, header).ok());
    return Sha256Hex(encoded);
  }

  const CallContext context_;
  Room room_;
};

TEST_F(RecompressTest, KeepsNameAndPixelsInFewerBytes) {
  const std::string encoded = imaging::Encode(Picture(0), {.png_level = 1}).value();
  const std::string digest = RecordPicture("e1", encoded);
  const RecompressResult result = Run().value();
  EXPECT_EQ(result.looked_at, 1);
  EXPECT_EQ(result.replaced, 1);
  const std::string stored = room_.blobs->Get(context_, digest).value();
  EXPECT_LT(stored.size(), encoded.size());
  EXPECT_EQ(result.bytes_before, static_cast<int64_t>(encoded.size()));
  EXPECT_EQ(result.bytes_after, static_cast<int64_t>(stored.size()));
  EXPECT_EQ(imaging::Decode(stored)->bgra, Picture(0).bgra);
}

// A photograph-like picture, for which no PNG is small: soft slopes of three colours.
imaging::Image Slopes(bool transparent) {
  imaging::Image image{.width_px = 256, .height_px = 256, .bgra = {}};
  for (int y = 0; y < 256; ++y) {
    for (int x = 0; x < 256; ++x) {
      for (const int value : {x * y / 256, (x + 2 * y) / 3, (3 * x + y) / 4}) image.bgra.push_back(static_cast<uint8_t>(value));
      image.bgra.push_back(transparent && (x + y) % 7 == 0 ? 0 : 255);
    }
  }
  return image;
}

TEST_F(RecompressTest, TakesWebpWhereItIsSmallest) {
  const imaging::Image picture = Slopes(/*transparent=*/false);
  const std::string encoded = imaging::Encode(picture, {.png_level = 1}).value();
  const std::string smaller = SmallerEncoding(encoded).value();
  EXPECT_EQ(imaging::Probe(smaller).value().format, imaging::Format::kWebp);
  EXPECT_LT(smaller.size(), imaging::ShrinkPng(encoded).value().size());
  EXPECT_EQ(imaging::Decode(smaller).value().bgra, picture.bgra);
}

TEST_F(RecompressTest, KeepsColoursUnderTransparency) {
  const imaging::Image picture = Slopes(/*transparent=*/true);
  const std::string smaller = SmallerEncoding(imaging::Encode(picture, {.png_level = 1}).value()).value();
  ASSERT_NE(smaller, "");
  EXPECT_EQ(imaging::Decode(smaller).value().bgra, picture.bgra);
}

TEST_F(RecompressTest, LooksAtEachBlobOnce) {
  RecordPicture("e1", imaging::Encode(Picture(0), {.png_level = 1}).value());
  EXPECT_EQ(Run()->looked_at, 1);
  EXPECT_EQ(Run()->looked_at, 0);
}

TEST_F(RecompressTest, LeavesYoungRecordsAlone) {
  RecordPicture("old", imaging::Encode(Picture(0), {.png_level = 1}).value());
  room_.clock.Advance(absl::Minutes(10));
  RecordPicture("young", imaging::Encode(Picture(1), {.png_level = 1}).value());
  const auto result =
      RecompressBlobs(context_, *room_.archive, {.started_before = room_.clock.Now() - absl::Minutes(5)},
                      [](const RecompressResult&) { return absl::OkStatus(); });
  EXPECT_EQ(result->looked_at, 1);
  EXPECT_EQ(Run()->looked_at, 1);
}

TEST_F(RecompressTest, LeavesOtherFormatsAndBrokenPicturesAlone) {
  const std::string png = imaging::Encode(Picture(0), {.png_level = 1}).value();
  std::string broken = png;
  broken[60] ^= 1;
  std::string deep = png;
  deep[24] = 16;
  const std::string jpeg =
      imaging::Encode(Picture(0), {.format = imaging::Format::kJpeg}).value();
  // Says that it has 60,000 pixels a side: too many to be decoded, which is no full disk.
  std::string huge = png;
  for (const size_t side : {16, 20}) huge.replace(side, 4, std::string("\0\0\xea\x60", 4));
  const std::vector<std::string> originals = {broken, deep, jpeg, "text", huge};
  for (size_t i = 0; i < originals.size(); ++i) {
    RecordPicture(absl::StrCat("e", i), originals[i]);
  }
  const RecompressResult result = Run().value();
  EXPECT_EQ(result.replaced, 0);
  EXPECT_EQ(result.failed, 2);
  EXPECT_EQ(Run()->failed, 0) << "each is looked at once";
  for (const std::string& original : originals) {
    EXPECT_EQ(room_.blobs->Get(context_, Sha256Hex(original)).value(), original);
  }
}

TEST_F(RecompressTest, GoesOnWhereItWasStopped) {
  for (int i = 0; i < 3; ++i) {
    RecordPicture(absl::StrCat("e", i), imaging::Encode(Picture(i), {.png_level = 1}).value());
  }
  std::string last;
  const auto stopped =
      RecompressBlobs(context_, *room_.archive, {}, [&](const RecompressResult& so_far) {
        last = so_far.last_digest;
        return absl::CancelledError("paused");
      });
  EXPECT_EQ(stopped.status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(Run(last)->looked_at, 2);
}

}  // namespace
}  // namespace proctor::trajectory
