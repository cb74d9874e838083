// What input needs of marked elements.
#include "tests/env/web/observe_fixture.h"

namespace proctor::env::web {
namespace {

class ObserveInputTest : public ObserveFixture {
 protected:
  int32_t Mark(const std::string& name) { return Find(Elements(), name)->mark(); }
  absl::Status LocateStatus(int32_t mark) {
    return registry().Locate(Soon(), frames(), mark, {}).status();
  }
  static void ExpectError(const absl::Status& status, absl::StatusCode code,
                          const std::string& part) {
    EXPECT_EQ(status.code(), code) << status;
    EXPECT_NE(status.message().find(part), std::string::npos) << status;
  }
};

TEST_F(ObserveInputTest, LocateScrollsIntoViewAndFindsAPointThatReachesTheElement) {
  OpenBody(
      "<div style='height:3000px'></div><button onclick='this.textContent=1'>Down</button>"
      "<div style='height:3000px'></div>");
  const int32_t mark = Mark("Down");
  const auto located = registry().Locate(Soon(), frames(), mark, {});
  ASSERT_TRUE(located.ok()) << located.status();
  EXPECT_EQ(located->element.mark(), mark);
  EXPECT_GT(Evaluate("scrollY").get<double>(), 1000);
  ClickAt(located->point);
  EXPECT_EQ(Evaluate("document.querySelector('button').textContent"), "1");
}

TEST_F(ObserveInputTest, LocateAvoidsWhatCoversAPart) {
  OpenBody(
      "<button style='position:absolute;left:0;top:0;width:200px;height:40px'>Wide</button>"
      "<div "
      "style='position:absolute;left:60px;top:0;width:90px;height:40px;background:red'></div>");
  const auto located = registry().Locate(Soon(), frames(), Mark("Wide"), {});
  ASSERT_TRUE(located.ok()) << located.status();
  EXPECT_TRUE(located->point.x() < 60 || located->point.x() > 150) << located->point.x();
}

TEST_F(ObserveInputTest, LocateScrollsFromUnderAStickyHeader) {
  OpenBody(
      "<div style='position:fixed;top:0;left:0;right:0;height:500px;background:#eee'>Header</div>"
      "<div style='height:600px'></div><button>Under</button><div style='height:3000px'></div>");
  Evaluate("scrollTo(0, 400)");
  const auto located = registry().Locate(Soon(), frames(), Mark("Under"), {});
  ASSERT_TRUE(located.ok()) << located.status();
  EXPECT_GT(located->point.y(), 500);
}

TEST_F(ObserveInputTest, LocateRefusesWithATextThatHelps) {
  OpenBody(
      "<button disabled>Off</button> <button id=g>Goes</button> <button id=h>Hides</button> "
      "<button>Covered</button>");
  const v1::Observation observation = Elements();
  ExpectError(LocateStatus(Find(observation, "Off")->mark()), absl::StatusCode::kFailedPrecondition,
              "is disabled");
  Evaluate("g.remove(); h.style.display = 'none'");
  ExpectError(LocateStatus(Find(observation, "Goes")->mark()), absl::StatusCode::kNotFound,
              "not on the page any more");
  ExpectError(LocateStatus(Find(observation, "Hides")->mark()),
              absl::StatusCode::kFailedPrecondition, "cannot be seen");
  Evaluate(
      "document.body.insertAdjacentHTML('beforeend', '<dialog>Sign "
      "in<button>Close</button></dialog>');"
      "document.querySelector('dialog').showModal()");
  ExpectError(LocateStatus(Find(observation, "Covered")->mark()),
              absl::StatusCode::kFailedPrecondition, "covered by");
  ExpectError(LocateStatus(999), absl::StatusCode::kNotFound, "There is no mark 999");
  ExpectError(LocateStatus(0), absl::StatusCode::kNotFound, "There is no mark 0");
  ExpectError(LocateStatus(-5), absl::StatusCode::kNotFound, "There is no mark -5");
}

TEST_F(ObserveInputTest, SelectTextSelectsAllOrGoesToTheEnd) {
  OpenBody(
      "<input aria-label=Field value=abc> <textarea aria-label=Area>de</textarea>"
      "<div contenteditable aria-label=Rich>fgh</div> <button>Push</button> <input "
      "aria-label=Fixed readonly>"
      "<input type=email aria-label=Mail value=x@y>");
  const v1::Observation observation = Elements();
  const auto type = [&](const std::string& name, ElementRegistry::TextSelection selection) {
    const absl::Status status =
        registry().SelectText(Soon(), frames(), Find(observation, name)->mark(), selection);
    EXPECT_TRUE(status.ok()) << status;
    EXPECT_TRUE(devtools().Call(Soon(), session(), "Input.insertText", {{"text", "X"}}).ok());
  };
  type("Field", ElementRegistry::TextSelection::kAll);
  type("Area", ElementRegistry::TextSelection::kCaretAtEnd);
  type("Rich", ElementRegistry::TextSelection::kAll);
  type("Mail", ElementRegistry::TextSelection::kAll);
  EXPECT_EQ(
      Evaluate("[...document.querySelectorAll('input, textarea')].map(e => e.value).join('|')"),
      "X|deX||X");
  EXPECT_EQ(Evaluate("document.querySelector('[contenteditable]').textContent"), "X");
  const auto refused = [&](const std::string& name) {
    return registry().SelectText(Soon(), frames(), Find(observation, name)->mark(),
                                 ElementRegistry::TextSelection::kAll);
  };
  ExpectError(refused("Push"), absl::StatusCode::kInvalidArgument, "no text field");
  ExpectError(refused("Fixed"), absl::StatusCode::kFailedPrecondition, "read-only");
}

TEST_F(ObserveInputTest, SetInputValueTakesOnlyWellFormedValues) {
  OpenBody(
      "<input type=date aria-label=Day onchange='document.title=this.value'> <input type=color "
      "aria-label=Paint>"
      "<input type=range aria-label=Volume min=0 max=10>");
  const v1::Observation observation = Elements();
  const auto set = [&](const std::string& name, const std::string& value) {
    return registry().SetInputValue(Soon(), frames(), Find(observation, name)->mark(), value);
  };
  EXPECT_TRUE(set("Day", "2024-02-29").ok());
  EXPECT_EQ(Evaluate("document.title"), "2024-02-29");
  ExpectError(set("Day", "2023-02-29"), absl::StatusCode::kInvalidArgument, "2024-12-31");
  ExpectError(set("Day", "tomorrow"), absl::StatusCode::kInvalidArgument, "does not accept");
  EXPECT_EQ(Evaluate("document.querySelector('input').value"), "2024-02-29");
  EXPECT_TRUE(set("Paint", "#FF0000").ok());
  EXPECT_TRUE(set("Volume", "7").ok());
  ExpectError(set("Volume", "70"), absl::StatusCode::kInvalidArgument, "does not accept");
}

TEST_F(ObserveInputTest, SelectOptionsByLabelThenValueWithEvents) {
  OpenBody(
      R"(<select aria-label=One onchange="log += 'c'" oninput="log += 'i'"><option value=1>First<option value=First>Second
      <option disabled>Third</select>
    <select aria-label=Many multiple><option>A<option>B<option selected>C</select><button>Push</button><script>log = ''</script>)");
  const v1::Observation observation = Elements();
  const auto select = [&](const std::string& name, const std::vector<std::string>& options) {
    return registry().SelectOptions(Soon(), frames(), Find(observation, name)->mark(), options);
  };
  EXPECT_TRUE(select("One", {"Second"}).ok());
  EXPECT_EQ(Evaluate("document.querySelector('select').selectedIndex"), 1);
  EXPECT_EQ(Evaluate("log"), "ic");
  EXPECT_TRUE(select("One", {"First"}).ok());
  EXPECT_EQ(Evaluate("document.querySelector('select').selectedIndex"), 0);
  EXPECT_TRUE(select("Many", {"A", "B"}).ok());
  EXPECT_EQ(Find(Elements(), "Many")->value(), "A, B");
  ExpectError(select("One", {"Fourth"}), absl::StatusCode::kInvalidArgument,
              "First, Second, Third");
  ExpectError(select("One", {"Third"}), absl::StatusCode::kFailedPrecondition, "is disabled");
  ExpectError(select("One", {"First", "Second"}), absl::StatusCode::kInvalidArgument,
              "only one option");
  ExpectError(select("Push", {"First"}), absl::StatusCode::kInvalidArgument, "no select element");
}

TEST_F(ObserveInputTest, TellsHowFarThePageIsScrolled) {
  OpenBody("<div style='width:3000px;height:5000px'></div>");
  EXPECT_EQ(Observe({v1::OBSERVATION_PART_FOCUS_AND_SCROLL}).scroll().y(), 0);
  Evaluate("scrollTo(30, 400)");
  const v1::Observation scrolled = Observe({v1::OBSERVATION_PART_FOCUS_AND_SCROLL});
  EXPECT_EQ(scrolled.scroll().x(), 30);
  EXPECT_EQ(scrolled.scroll().y(), 400);
}

TEST_F(ObserveInputTest, ScrollsTheElementOrItsNearestScroller) {
  OpenBody(
      "<div style='height:100px;overflow:auto'><button>Inside</button><div "
      "style='height:900px'></div></div>"
      "<div style='height:3000px'></div>");
  const int32_t mark = Mark("Inside");
  EXPECT_TRUE(registry().ScrollBy(Soon(), frames(), mark, 0, 50).value());
  EXPECT_EQ(Evaluate("[document.querySelector('div').scrollTop, scrollY].join()"), "50,0");
  EXPECT_FALSE(registry().ScrollBy(Soon(), frames(), mark, -30, 0).value());
}

TEST_F(ObserveInputTest, FindsTheFileInput) {
  OpenBody(
      "<input type=file aria-label=File> <label>Upload<input type=file "
      "style='opacity:0;width:0'></label> <button>Push</button>");
  const v1::Observation observation = Elements();
  EXPECT_TRUE(registry().FileInput(Soon(), frames(), Find(observation, "File")->mark()).ok());
  EXPECT_TRUE(registry().FileInput(Soon(), frames(), Find(observation, "Upload")->mark()).ok());
  EXPECT_EQ(
      registry().FileInput(Soon(), frames(), Find(observation, "Push")->mark()).status().code(),
      absl::StatusCode::kInvalidArgument);
}

TEST_F(ObserveInputTest, DescribesAnElementAsItIsNow) {
  OpenBody("<input aria-label=Field>");
  const int32_t mark = Mark("Field");
  Evaluate("document.querySelector('input').value = 'later'");
  EXPECT_EQ(registry().Describe(Soon(), frames(), mark)->value(), "later");
}

}  // namespace
}  // namespace proctor::env::web
