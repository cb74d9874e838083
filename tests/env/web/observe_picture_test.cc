// Screenshots, and what happens when parts cannot be had.
#include "common/ids.h"
#include "imaging/image.h"
#include "tests/env/web/observe_fixture.h"

namespace proctor::env::web {
namespace {

class ObservePictureTest : public ObserveFixture {
 protected:
  v1::Image Shoot(v1::ImageFormat format, bool draw_marks) {
    v1::ObservationRequest request;
    request.add_parts(v1::OBSERVATION_PART_SCREENSHOT);
    request.mutable_screenshot()->set_format(format);
    request.mutable_screenshot()->set_draw_marks(draw_marks);
    return Observe(request).screenshot();
  }
};

TEST_F(ObservePictureTest, PngIsLosslessAndOfTheViewportsSize) {
  OpenBody(
      "<div "
      "style='position:fixed;left:0;top:0;width:100px;height:100px;background:#123456'></div>");
  const v1::Image shot = Shoot(v1::IMAGE_FORMAT_UNSPECIFIED, false);
  EXPECT_EQ(shot.width_px(), 1280);
  EXPECT_EQ(shot.height_px(), 720);
  EXPECT_EQ(shot.format(), v1::IMAGE_FORMAT_PNG);
  EXPECT_EQ(shot.digest(), Sha256Hex(shot.data()));
  EXPECT_EQ(shot.size_bytes(), static_cast<int64_t>(shot.data().size()));
  const imaging::Image image = imaging::Decode(shot.data()).value();
  const std::vector<uint8_t> pixel(image.bgra.begin() + 4 * (50 * 1280 + 50),
                                   image.bgra.begin() + 4 * (50 * 1280 + 51));
  EXPECT_EQ(pixel, (std::vector<uint8_t>{0x56, 0x34, 0x12, 0xFF}));
}

TEST_F(ObservePictureTest, OtherFormatsComeAsAsked) {
  OpenBody("<h1>Hello</h1>");
  EXPECT_EQ(Shoot(v1::IMAGE_FORMAT_JPEG, false).format(), v1::IMAGE_FORMAT_JPEG);
  EXPECT_EQ(Shoot(v1::IMAGE_FORMAT_WEBP, false).format(), v1::IMAGE_FORMAT_WEBP);
  EXPECT_EQ(Shoot(v1::IMAGE_FORMAT_JPEG, true).format(), v1::IMAGE_FORMAT_JPEG);
}

TEST_F(ObservePictureTest, MarksAreDrawnOnThePictureAndNotInThePage) {
  OpenBody(
      "<button style='position:absolute;left:200px;top:200px;width:100px;height:40px'>A</button>");
  const std::string html = Evaluate("document.documentElement.outerHTML");
  const v1::Image marked = Shoot(v1::IMAGE_FORMAT_PNG, true);
  EXPECT_TRUE(marked.marks_drawn());
  const auto difference =
      imaging::Diff(imaging::Decode(Shoot(v1::IMAGE_FORMAT_PNG, false).data()).value(),
                    imaging::Decode(marked.data()).value());
  EXPECT_GT(difference->changed_pixels, 300);
  EXPECT_EQ(difference->x_px, 200);
  EXPECT_EQ(difference->y_px + difference->height_px, 240);
  EXPECT_EQ(Evaluate("document.documentElement.outerHTML"), html);
}

TEST_F(ObservePictureTest, NothingUnaskedIsSent) {
  OpenBody("<button>A</button>");
  const v1::Observation observation = Observe(std::vector<v1::ObservationPart>{});
  EXPECT_EQ(observation.url(), "http://a.test/");
  EXPECT_EQ(observation.title(), "Test");
  EXPECT_FALSE(observation.has_screenshot());
  EXPECT_FALSE(observation.has_text());
  EXPECT_FALSE(observation.has_html());
  EXPECT_FALSE(observation.has_accessibility_tree());
  EXPECT_FALSE(observation.has_scroll());
  EXPECT_EQ(observation.elements_size(), 0);
}

TEST_F(ObservePictureTest, TextIsCutOnACharacterBoundary) {
  OpenBody("<p>\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4</p>");
  v1::ObservationRequest request;
  request.add_parts(v1::OBSERVATION_PART_TEXT);
  request.set_max_text_bytes(5);
  const v1::Observation observation = Observe(request);
  EXPECT_EQ(observation.text().text(), "\xC3\xA4\xC3\xA4");
  EXPECT_TRUE(observation.text().truncated());
}

TEST_F(ObservePictureTest, PageThatHangsIsReportedAsMissingParts) {
  OpenBody("<button>A</button>");
  devtools().Send({session(), "Runtime.evaluate", {{"expression", "for (;;) {}"}}});
  v1::ObservationRequest request;
  request.add_parts(v1::OBSERVATION_PART_ELEMENTS);
  request.add_parts(v1::OBSERVATION_PART_TEXT);
  Observer observer(devtools(), registry());
  const auto observation = observer.Observe(CallContext::WithTimeout(absl::Milliseconds(300)),
                                            {.frames = frames(), .viewport = {}}, request);
  ASSERT_TRUE(observation.ok()) << observation.status();
  EXPECT_EQ(observation->missing_size(), 2);
}

}  // namespace
}  // namespace proctor::env::web
