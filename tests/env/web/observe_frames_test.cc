// Frames and shadow roots: seen, placed, acted on.
#include <set>

#include "tests/env/web/observe_fixture.h"

namespace proctor::env::web {
namespace {

// Where cross-site frames live.
enum class Frames { kTogether, kInProcessesOfTheirOwn };

class ObserveFramesTest : public ObserveFixture, public testing::WithParamInterface<Frames> {
 protected:
  std::vector<std::string> BrowserArguments() const override {
    if (GetParam() == Frames::kInProcessesOfTheirOwn) return {"--site-per-process"};
    return {"--disable-site-isolation-trials"};
  }

  // A cross-site frame at (100, 50) with a border of 5, inside it a same-site one at (10, 40).
  void OpenNestedFrames() {
    Serve("a.test/", R"(<!doctype html><title>Top</title><body style="margin:0">
      <button style="position:absolute;left:0;top:0">First</button>
      <iframe src="http://b.test/" title="Middle frame"
        style="position:absolute;left:100px;top:50px;width:600px;height:400px;border:5px solid"></iframe>
      <button style="position:absolute;left:0;top:600px">Last</button>)");
    Serve("b.test/", R"(<!doctype html><body style="margin:0"><h1>Middle heading</h1>
      <button style="position:absolute;left:20px;top:10px;width:80px;height:20px"
        onclick="document.title = 'clicked'; this.textContent = 'Done'">Middle</button>
      <iframe src="/inner" style="position:absolute;left:10px;top:40px;width:300px;height:200px;border:0"></iframe>
      <div style="height:2000px"></div><button>Far down</button>)");
    Serve("b.test/inner", R"(<!doctype html><body style="margin:0">
      <input aria-label="Inner" style="position:absolute;left:7px;top:9px;width:50px;height:20px">)");
    Open("http://a.test/", 3);
  }
};

TEST_P(ObserveFramesTest, KnowsWhereEachFrameLives) {
  OpenNestedFrames();
  const std::vector<FrameInfo> all = frames().Frames();
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].session_id != all[1].session_id, GetParam() == Frames::kInProcessesOfTheirOwn);
  EXPECT_EQ(all[1].session_id, all[2].session_id);
  EXPECT_EQ(all[1].parent_frame_id, all[0].frame_id);
  EXPECT_EQ(all[2].parent_frame_id, all[1].frame_id);
}

TEST_P(ObserveFramesTest, MergesFramesInDocumentOrderWithBoxesOfTheTopViewport) {
  OpenNestedFrames();
  const v1::Observation observation = Elements();
  std::vector<std::string> names;
  for (const v1::Element& element : observation.elements()) names.push_back(element.name());
  EXPECT_EQ(names, (std::vector<std::string>{"First", "Middle", "Inner", "Far down", "Last"}));
  const v1::Element& middle = *Find(observation, "Middle");
  EXPECT_EQ(middle.box().x(), 100 + 5 + 20);
  EXPECT_EQ(middle.box().y(), 50 + 5 + 10);
  EXPECT_EQ(middle.heading(), "Middle heading");
  const v1::Element& inner = *Find(observation, "Inner");
  EXPECT_EQ(inner.box().x(), 105 + 10 + 7);
  EXPECT_EQ(inner.box().y(), 55 + 40 + 9);
  EXPECT_FALSE(Find(observation, "Far down")->in_viewport());
  std::set<int32_t> marks;
  for (const v1::Element& element : observation.elements()) marks.insert(element.mark());
  EXPECT_EQ(marks.size(), 5u);
}

TEST_P(ObserveFramesTest, TreeTextAndHtmlHoldTheFrames) {
  OpenNestedFrames();
  const v1::Observation observation =
      Observe({v1::OBSERVATION_PART_ACCESSIBILITY_TREE, v1::OBSERVATION_PART_TEXT,
               v1::OBSERVATION_PART_HTML});
  EXPECT_EQ(observation.accessibility_tree().text(),
            "[1] button \"First\"\n"
            "iframe \"Middle frame\"\n"
            "  heading \"Middle heading\" level=1\n"
            "  [2] button \"Middle\"\n"
            "  iframe\n"
            "    [3] textbox \"Inner\"\n"
            "  [4] button \"Far down\"\n"
            "[5] button \"Last\"\n");
  EXPECT_NE(observation.text().text().find("Middle heading"), std::string::npos);
  EXPECT_NE(observation.html().text().find("<!-- frame: http://b.test/inner -->"),
            std::string::npos);
}

TEST_P(ObserveFramesTest, BeyondSixtyFourFramesAreLeftOutAndThatIsSaid) {
  Serve("a.test/inner", "<!doctype html><body><button>Inner</button>text");
  std::string body = "<!doctype html><body>";
  for (int i = 0; i < 70; ++i) body += "<iframe src='/inner' style='width:90px;height:40px'></iframe>";
  Serve("a.test/", body);
  Open("http://a.test/", 71);
  const v1::Observation observation = Observe({v1::OBSERVATION_PART_ELEMENTS, v1::OBSERVATION_PART_TEXT});
  EXPECT_EQ(observation.elements_size(), 63);
  EXPECT_TRUE(observation.elements_truncated());
  EXPECT_TRUE(observation.text().truncated());
}

TEST_P(ObserveFramesTest, AFrameWithMuchToSayHasTheRoomOfThoseWithLittle) {
  Serve("a.test/inner", "<!doctype html><body>little");
  Serve("a.test/much", "<!doctype html><body><script>document.body.textContent = 'much '.repeat(400000)</script>");
  std::string body = "<!doctype html><body><iframe src='/much'></iframe>";
  for (int i = 0; i < 9; ++i) body += "<iframe src='/inner'></iframe>";
  Serve("a.test/", body);
  Open("http://a.test/", 11);
  const v1::Observation observation = Observe({v1::OBSERVATION_PART_TEXT});
  EXPECT_FALSE(observation.text().truncated());
  EXPECT_GT(observation.text().text().size(), 1'900'000u);
}

TEST_P(ObserveFramesTest, ClickPointInsideFramesReachesTheElement) {
  OpenNestedFrames();
  const v1::Observation before = Elements();
  const auto located = registry().Locate(Soon(), frames(), Find(before, "Middle")->mark(), {});
  ASSERT_TRUE(located.ok()) << located.status();
  EXPECT_EQ(located->point.x(), 105 + 20 + 40);
  EXPECT_EQ(located->point.y(), 55 + 10 + 10);
  ClickAt(located->point);
  const v1::Observation after = Elements();
  EXPECT_EQ(Find(after, "Done")->mark(), Find(before, "Middle")->mark());
}

TEST_P(ObserveFramesTest, ScrollsAFarElementOfAFrameIntoTheTopViewport) {
  OpenNestedFrames();
  const auto located =
      registry().Locate(Soon(), frames(), Find(Elements(), "Far down")->mark(), {});
  ASSERT_TRUE(located.ok()) << located.status();
  EXPECT_GT(located->point.y(), 55);
  EXPECT_LT(located->point.y(), 455);
  EXPECT_TRUE(Find(Elements(), "Far down")->in_viewport());
}

TEST_P(ObserveFramesTest, CoverOutsideTheFrameIsSeen) {
  OpenNestedFrames();
  Evaluate(R"(document.body.insertAdjacentHTML('beforeend',
      '<div role=dialog aria-label=Cookies style="position:fixed;inset:0;background:#fff">Cookies</div>'))");
  const auto located = registry().Locate(Soon(), frames(), Find(Elements(), "Middle")->mark(), {});
  EXPECT_EQ(located.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(located.status().message().find("the dialog \"Cookies\""), std::string::npos)
      << located.status();
}

TEST_P(ObserveFramesTest, DescribesWhatLiesAtAPointInsideFrames) {
  OpenNestedFrames();
  const v1::Observation observation = Elements();
  v1::Point point;
  point.set_x(105 + 10 + 10);
  point.set_y(55 + 40 + 12);
  const auto described = registry().DescribeAt(Soon(), frames(), point);
  ASSERT_TRUE(described.ok()) << described.status();
  EXPECT_EQ(described->mark(), Find(observation, "Inner")->mark());
  EXPECT_EQ(described->box().x(), Find(observation, "Inner")->box().x());
}

TEST_P(ObserveFramesTest, FocusInsideAFrameIsSeen) {
  OpenNestedFrames();
  const int32_t inner = Find(Elements(), "Inner")->mark();
  ASSERT_TRUE(registry().Focus(Soon(), frames(), inner).ok());
  const v1::Observation observation = Observe({v1::OBSERVATION_PART_FOCUS_AND_SCROLL});
  EXPECT_EQ(observation.focused_mark(), inner);
  EXPECT_EQ(observation.scroll().page_height(), 720);
}

TEST_P(ObserveFramesTest, FrameThatNavigatesOrGoesIsFollowed) {
  OpenNestedFrames();
  const int32_t old_mark = Find(Elements(), "Inner")->mark();
  Serve("c.test/", "<button>Elsewhere</button>");
  Evaluate(
      "new Promise(done => { const f = document.querySelector('iframe'); f.onload = () => done(0);"
      "f.src = 'http://c.test/'; })");
  v1::Observation observation;
  const absl::Time deadline = absl::Now() + absl::Seconds(10);
  do {
    observation = Elements();
  } while (observation.elements_size() != 3 && absl::Now() < deadline);
  Find(observation, "Elsewhere");
  EXPECT_EQ(registry().Focus(Soon(), frames(), old_mark).code(), absl::StatusCode::kNotFound);
  Evaluate("document.querySelector('iframe').remove()");
  EXPECT_EQ(Elements().elements_size(), 2);
}

TEST_P(ObserveFramesTest, OpenShadowRootsAndSlotsAreSeenAsRendered) {
  OpenBody(R"(<x-card><button slot=s>Slotted</button><button>Not slotted</button></x-card><script>
    document.querySelector('x-card').attachShadow({mode: 'open'}).innerHTML =
      '<h3>Card</h3><button id=b onclick="this.textContent=`Pressed`">Shadow</button><slot name=s></slot>';</script>)");
  const v1::Observation observation =
      Observe({v1::OBSERVATION_PART_ELEMENTS, v1::OBSERVATION_PART_ACCESSIBILITY_TREE,
               v1::OBSERVATION_PART_TEXT, v1::OBSERVATION_PART_HTML});
  ASSERT_EQ(observation.elements_size(), 2);
  EXPECT_EQ(observation.accessibility_tree().text(),
            "heading \"Card\" level=3\n[1] button \"Shadow\"\n[2] button \"Slotted\"\n");
  EXPECT_NE(observation.text().text().find("Card"), std::string::npos);
  EXPECT_NE(observation.html().text().find("shadowrootmode=\"open\""), std::string::npos);
  const auto located = registry().Locate(Soon(), frames(), Find(observation, "Shadow")->mark(), {});
  ASSERT_TRUE(located.ok()) << located.status();
  ClickAt(located->point);
  Find(Elements(), "Pressed");
}

TEST_P(ObserveFramesTest, ClosedShadowRootsAreNotSeen) {
  OpenBody(R"(<button>Light</button><x-card></x-card><script>
    document.querySelector('x-card').attachShadow({mode: 'closed'}).innerHTML = '<p>Secret</p><button>Shadow</button>';</script>)");
  const v1::Observation observation = Observe({v1::OBSERVATION_PART_ELEMENTS, v1::OBSERVATION_PART_ACCESSIBILITY_TREE,
                                               v1::OBSERVATION_PART_TEXT, v1::OBSERVATION_PART_HTML});
  ASSERT_EQ(observation.elements_size(), 1);
  EXPECT_EQ(observation.elements(0).name(), "Light");
  for (const std::string& seen : {observation.accessibility_tree().text(), observation.text().text()}) {
    EXPECT_EQ(seen.find("Shadow"), std::string::npos) << seen;
    EXPECT_EQ(seen.find("Secret"), std::string::npos) << seen;
  }
  EXPECT_EQ(observation.html().text().find("shadowrootmode"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Isolation, ObserveFramesTest,
                         testing::Values(Frames::kTogether, Frames::kInProcessesOfTheirOwn),
                         [](const auto& info) {
                           return info.param == Frames::kTogether ? "Together" : "Apart";
                         });

}  // namespace
}  // namespace proctor::env::web
