// A picture taken before the page is known to rest never shows less than one taken afterwards.
#include <array>
#include <string>

#include "imaging/image.h"
#include "tests/env/web/web_fixture.h"

namespace proctor::env::web {
namespace {

// How a page answers to a click: `done` changes the picture.
struct LateChange {
  std::string name;
  std::string script;
};

class EarlyLookTest : public WebWorldTestBase {
 protected:
  static v1::ObservationRequest WithPicture() {
    v1::ObservationRequest request = Everything();
    request.add_parts(v1::OBSERVATION_PART_SCREENSHOT);
    return request;
  }
  // The colour in the middle of the badge, as blue, green, red.
  static std::array<int, 3> Badge(const v1::Observation& seen) {
    const auto image = imaging::Decode(seen.screenshot().data());
    EXPECT_TRUE(image.ok()) << image.status();
    if (!image.ok()) return {};
    const uint8_t* pixel = &image->bgra[4 * (size_t{20} * image->width_px + 20)];
    return {pixel[0], pixel[1], pixel[2]};
  }
};

class LateChangeTest : public EarlyLookTest, public testing::WithParamInterface<LateChange> {};

TEST_P(LateChangeTest, ThePictureShowsWhatTheClickChanged) {
  site().Answer("/late", [](const net::HttpRequest&) {
    net::HttpResponse response = TestSite::Html("late");
    response.delay = absl::Milliseconds(60);
    return response;
  });
  ResetTo(absl::StrCat(
      "<canvas id=badge width=40 height=40 style='position:absolute;left:0;top:0'></canvas>"
      "<button style='position:absolute;left:60px;top:0;height:40px'>Step</button><script>"
      "let n = 0; const pen = badge.getContext('2d');"
      "const draw = () => { pen.fillStyle = `rgb(${n * 50},${255 - n * 50},0)`; pen.fillRect(0, 0, "
      "40, 40); };"
      "draw(); document.querySelector('button').onclick = () => { ++n; const done = draw; ",
      GetParam().script, "; };</script>"));
  for (int n = 1; n <= 5; ++n) {
    v1::Action action;
    action.mutable_click()->mutable_target()->set_mark(Mark("Step"));
    const auto result = world_->Act(Within(absl::Seconds(40)), action, WithPicture());
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(result->observation.action_error(), "");
    EXPECT_EQ(Badge(result->observation), (std::array<int, 3>{0, 255 - n * 50, n * 50}))
        << "click " << n;
  }
}

INSTANTIATE_TEST_SUITE_P(
    EarlyLook, LateChangeTest,
    testing::Values(
        LateChange{"AtOnce", "done()"}, LateChange{"InAMicrotask", "Promise.resolve().then(done)"},
        LateChange{"InAFrame", "requestAnimationFrame(done)"},
        LateChange{"InTheSecondFrame", "requestAnimationFrame(() => requestAnimationFrame(done))"},
        LateChange{"InATimer", "setTimeout(done, 0)"},
        LateChange{"InALaterTimer", "setTimeout(done, 80)"},
        LateChange{"InTheFirstTurnOfAnInterval",
                   "const t = setInterval(() => { clearInterval(t); done(); }, 60)"},
        LateChange{"WhenAnImageHasLoaded",
                   "const i = document.body.appendChild(new Image()); i.onload = done; "
                   "i.src = 'data:image/svg+xml,<svg xmlns=\"http://www.w3.org/2000/svg\"/>'"},
        LateChange{"AfterAFetch", "fetch('/late').then(done)"},
        LateChange{"InATimerAfterAFetch", "fetch('/late').then(() => setTimeout(done, 40))"},
        LateChange{
            "InAMessage",
            "const c = new MessageChannel(); c.port1.onmessage = done; c.port2.postMessage(0)"}),
    [](const auto& info) { return info.param.name; });

TEST_F(EarlyLookTest, APageThatGoesElsewhereIsSeenWhereItWent) {
  site().Page("/there", "<body style='background:rgb(10,20,30)'>there</body>");
  ResetTo("<button onclick=\"location='/there'\">Go</button>");
  v1::Action action;
  action.mutable_click()->mutable_target()->set_mark(Mark("Go"));
  const auto result = world_->Act(Within(absl::Seconds(40)), action, WithPicture());
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->observation.url(), site().Url("/there"));
  EXPECT_EQ(Badge(result->observation), (std::array<int, 3>{30, 20, 10}));
}

class LateArrivalTest : public EarlyLookTest, public testing::WithParamInterface<LateChange> {};

// What leaves no trace in the document: a canvas, drawn as the new page loads.
TEST_P(LateArrivalTest, TheNewPageShowsWhatItDrewWhenItLoaded) {
  site().Answer("/late", [](const net::HttpRequest&) {
    net::HttpResponse response = TestSite::Html("late");
    response.delay = absl::Milliseconds(60);
    return response;
  });
  site().Answer("/script", [](const net::HttpRequest&) {
    net::HttpResponse response;
    response.headers = {{"content-type", "text/javascript"}};
    response.body = "later()";
    response.delay = absl::Milliseconds(60);
    return response;
  });
  const auto page = [](int n) {
    return absl::StrCat(
        "<canvas id=badge width=40 height=40 style='position:absolute;left:0;top:0'></canvas>"
        "<a href='/p", n + 1, "' style='position:absolute;left:60px;top:0;height:40px'>Step</a><script>"
        "const done = () => { const pen = badge.getContext('2d'); pen.fillStyle = 'rgb(", n * 50, ",", 255 - n * 50,
        ",0)'; pen.fillRect(0, 0, 40, 40); }; ", GetParam().script, ";</script>");
  };
  for (int n = 0; n <= 4; ++n) site().Page(absl::StrCat("/p", n), page(n));
  ResetTo("<a href='/p0'>Step</a>");
  for (int n = 0; n <= 4; ++n) {
    v1::Action action;
    action.mutable_click()->mutable_target()->set_mark(Mark("Step"));
    const auto result = world_->Act(Within(absl::Seconds(40)), action, WithPicture());
    ASSERT_TRUE(result.ok()) << result.status();
    last_ = result->observation;
    EXPECT_EQ(last_.url(), site().Url(absl::StrCat("/p", n)));
    EXPECT_EQ(Badge(last_), (std::array<int, 3>{0, 255 - n * 50, n * 50})) << "page " << n;
  }
}

INSTANTIATE_TEST_SUITE_P(
    EarlyLook, LateArrivalTest,
    testing::Values(
        LateChange{"WhileItIsRead", "done()"},
        LateChange{"OnceItIsRead", "document.addEventListener('DOMContentLoaded', done)"},
        LateChange{"WhenItHasLoaded", "addEventListener('load', done)"},
        LateChange{"InATimerAfterLoading", "addEventListener('load', () => setTimeout(done, 80))"},
        LateChange{"InAFrameAfterLoading", "addEventListener('load', () => requestAnimationFrame(done))"},
        LateChange{"WhenASlowImageHasLoaded",
                   "const i = document.body.appendChild(new Image()); i.onerror = done; i.src = '/late'"},
        LateChange{"ByASlowScript",
                   "window.later = done; document.body.appendChild(document.createElement('script')).src = '/script'"},
        LateChange{"AfterAFetch", "fetch('/late').then(done)"},
        LateChange{"AfterAFetchOnceLoaded", "addEventListener('load', () => fetch('/late').then(done))"}),
    [](const auto& info) { return info.param.name; });

TEST_F(EarlyLookTest, ABoxThatIsCheckedIsSeenChecked) {
  ResetTo(
      "<style>input{appearance:none;position:absolute;left:0;top:0;width:40px;height:40px;margin:0;"
      "background:rgb(1,2,3)}"
      "input:checked{background:rgb(200,100,50)}</style><input type=checkbox aria-label=Box>");
  v1::Action action;
  action.mutable_check()->mutable_target()->set_mark(Mark("Box"));
  action.mutable_check()->set_checked(true);
  const auto result = world_->Act(Within(absl::Seconds(40)), action, WithPicture());
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(Badge(result->observation), (std::array<int, 3>{50, 100, 200}));
}

}  // namespace
}  // namespace proctor::env::web
