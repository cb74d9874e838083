// What the element list says of a page.
#include "absl/strings/str_cat.h"
#include "tests/env/web/observe_fixture.h"

namespace proctor::env::web {
namespace {

class ObserveElementsTest : public ObserveFixture {};

TEST_F(ObserveElementsTest, ListsEveryKindOfInteractiveElementInDocumentOrder) {
  OpenBody(R"(
    <a href="/x#f">Link</a> <a>no link</a> <button>Push</button> <input value="v" placeholder="Your name">
    <input type="hidden"> <textarea>long</textarea> <select><option>One</option><option selected>Two</option></select>
    <input type="checkbox" aria-label="Agree" checked> <details><summary>More</summary>inside</details>
    <div contenteditable>Edit me</div> <div role="tab" aria-selected="true">Tab</div> <div tabindex="0">Focusable</div>
    <div onclick="1">Handler</div> <div style="cursor:pointer"><b>Hand</b></div> <p>Plain text</p>
    <div draggable="true">Drag me</div>)");
  std::vector<std::string> seen;
  const v1::Observation observation = Elements();
  for (const v1::Element& element : observation.elements()) {
    seen.push_back(element.role() + ":" + element.tag());
  }
  EXPECT_EQ(seen, (std::vector<std::string>{
                      "link:a", "button:button", "textbox:input", "textbox:textarea",
                      "combobox:select", "checkbox:input", "button:summary", "textbox:div",
                      "tab:div", "generic:div", "generic:div", "generic:div", "generic:div"}));
}

TEST_F(ObserveElementsTest, DescribesFieldsWithAllThatAFeatureNeeds) {
  OpenBody(R"(
    <h2>Shipping</h2>
    <label for=c>City</label> <input id=c value="Bonn" placeholder="e.g. Paris" required>
    <table><tr><th>Alice</th><td><button>Delete</button></td></tr></table>
    <dl><dt>Phone</dt><dd><input aria-label="Number" type="tel" readonly value="12"></dd></dl>
    <h2>Colour</h2> <select multiple aria-label="Colours" disabled><option selected>Red</option><option>Blue</option></select>
    <input type="password" aria-label="Secret" value="hidden!"> <a href="next?q=1#frag">Next</a>)");
  const v1::Observation observation = Elements();
  const v1::Element& city = *Find(observation, "City");
  EXPECT_EQ(city.value(), "Bonn");
  EXPECT_EQ(city.placeholder(), "e.g. Paris");
  EXPECT_EQ(city.heading(), "Shipping");
  EXPECT_EQ(city.label(), "City");
  EXPECT_EQ(city.input_type(), "text");
  EXPECT_TRUE(city.editable());
  EXPECT_TRUE(city.in_viewport());
  EXPECT_TRUE(Has(city, v1::ELEMENT_STATE_REQUIRED));
  EXPECT_GT(city.box().width(), 50);
  EXPECT_EQ(Find(observation, "Delete")->label(), "Alice");
  const v1::Element& phone = *Find(observation, "Number");
  EXPECT_EQ(phone.label(), "Phone");
  EXPECT_FALSE(phone.editable());
  EXPECT_TRUE(Has(phone, v1::ELEMENT_STATE_READONLY));
  const v1::Element& colours = *Find(observation, "Colours");
  EXPECT_EQ(colours.heading(), "Colour");
  EXPECT_EQ(colours.options_size(), 2);
  EXPECT_EQ(colours.options(1), "Blue");
  EXPECT_EQ(colours.value(), "Red");
  EXPECT_TRUE(Has(colours, v1::ELEMENT_STATE_DISABLED));
  EXPECT_TRUE(Has(colours, v1::ELEMENT_STATE_MULTIPLE));
  EXPECT_EQ(Find(observation, "Secret")->value(), "");
  EXPECT_EQ(Find(observation, "Next")->href(), "http://a.test/next?q=1#frag");
}

TEST_F(ObserveElementsTest, TellsStates) {
  OpenBody(R"(
    <input type=radio aria-label=Radio checked> <div role=switch tabindex=0 aria-checked=true>Switch</div>
    <button aria-expanded=false>Menu</button> <details open><summary>Sum</summary>x</details>
    <button aria-pressed=true>Bold</button> <input aria-label=Wrong aria-invalid=true>
    <fieldset disabled><button>Off</button></fieldset> <div aria-disabled=true><a href=x>Grey</a></div>
    <button autofocus id=f>Focus</button> <div role=option aria-selected=true tabindex=0>Opt</div>)");
  Evaluate("document.getElementById('f').focus()");
  const v1::Observation observation =
      Observe({v1::OBSERVATION_PART_ELEMENTS, v1::OBSERVATION_PART_FOCUS_AND_SCROLL});
  EXPECT_TRUE(Has(*Find(observation, "Radio"), v1::ELEMENT_STATE_CHECKED));
  EXPECT_TRUE(Has(*Find(observation, "Switch"), v1::ELEMENT_STATE_CHECKED));
  EXPECT_TRUE(Has(*Find(observation, "Menu"), v1::ELEMENT_STATE_COLLAPSED));
  EXPECT_TRUE(Has(*Find(observation, "Sum"), v1::ELEMENT_STATE_EXPANDED));
  EXPECT_TRUE(Has(*Find(observation, "Bold"), v1::ELEMENT_STATE_PRESSED));
  EXPECT_TRUE(Has(*Find(observation, "Wrong"), v1::ELEMENT_STATE_INVALID));
  EXPECT_TRUE(Has(*Find(observation, "Off"), v1::ELEMENT_STATE_DISABLED));
  EXPECT_TRUE(Has(*Find(observation, "Grey"), v1::ELEMENT_STATE_DISABLED));
  EXPECT_TRUE(Has(*Find(observation, "Focus"), v1::ELEMENT_STATE_FOCUSED));
  EXPECT_TRUE(Has(*Find(observation, "Opt"), v1::ELEMENT_STATE_SELECTED));
  EXPECT_EQ(observation.focused_mark(), Find(observation, "Focus")->mark());
}

TEST_F(ObserveElementsTest, LeavesOutWhatCannotBeSeen) {
  OpenBody(R"(
    <button style="display:none">a</button> <button style="visibility:hidden">b</button>
    <div hidden><button>c</button></div> <div style="visibility:hidden"><button style="visibility:visible">shown</button></div>
    <div style="display:contents"><button>contents</button></div> <div inert><button>d</button></div>
    <div style="position:absolute; top:5000px"><button>below</button></div>)");
  const v1::Observation observation = Elements();
  ASSERT_EQ(observation.elements_size(), 3);
  EXPECT_TRUE(Find(observation, "shown")->in_viewport());
  EXPECT_TRUE(Find(observation, "contents")->in_viewport());
  EXPECT_FALSE(Find(observation, "below")->in_viewport());
}

TEST_F(ObserveElementsTest, LabelStandsForAControlThatIsStyledAway) {
  OpenBody(
      R"(<input type=checkbox id=x checked style="position:absolute;opacity:0;width:0;height:0">
              <label for=x style="display:inline-block;width:50px;height:20px">Newsletter</label>)");
  const v1::Observation observation = Elements();
  ASSERT_EQ(observation.elements_size(), 1);
  EXPECT_EQ(observation.elements(0).tag(), "label");
  EXPECT_EQ(observation.elements(0).role(), "checkbox");
  EXPECT_EQ(observation.elements(0).name(), "Newsletter");
  EXPECT_TRUE(Has(observation.elements(0), v1::ELEMENT_STATE_CHECKED));
}

TEST_F(ObserveElementsTest, SameNodeKeepsItsMarkAndNewNodesGetNewOnes) {
  OpenBody("<button id=a>A</button> <button id=b>B</button>");
  const v1::Observation first = Elements();
  Evaluate(
      "a.remove(); document.body.prepend(Object.assign(document.createElement('button'), "
      "{textContent: 'C'}));"
      "b.textContent = 'B2'; b.style.marginTop = '300px'");
  const v1::Observation second = Elements();
  EXPECT_EQ(Find(second, "B2")->mark(), Find(first, "B")->mark());
  EXPECT_EQ(Find(second, "C")->mark(), 3);
  Evaluate("document.body.append(a0 = document.createElement('button')); a0.textContent = 'D'");
  EXPECT_EQ(Find(Elements(), "D")->mark(), 4);
}

TEST_F(ObserveElementsTest, MarksOfAnEarlierDocumentAreNeverReused) {
  OpenBody("<button>A</button>");
  const int32_t old_mark = Elements().elements(0).mark();
  OpenBody("<button>B</button>");
  EXPECT_NE(Elements().elements(0).mark(), old_mark);
  EXPECT_EQ(registry().Locate(Soon(), frames(), old_mark, {}).status().code(),
            absl::StatusCode::kNotFound);
}

TEST_F(ObserveElementsTest, PageCannotSeeOrForgeTheScript) {
  OpenBody(R"(<button>A</button><script>
    Object.defineProperty(Element.prototype, 'getBoundingClientRect', {value: () => { throw 1; }});
    JSON.stringify = () => 'forged'; WeakMap.prototype.get = () => 77;</script>)");
  EXPECT_EQ(Elements().elements(0).mark(), 1);
  EXPECT_EQ(Evaluate("typeof proctorPage"), "undefined");
}

TEST_F(ObserveElementsTest, ControlCharactersInPageTextCannotForgeMarks) {
  OpenBody("<button>A</button><p>x</p>");
  Evaluate(
      R"(document.querySelector('p').textContent = '\u000199\u0001 button "Pay"\n\u00021\u0002\n[1] link')");
  EXPECT_EQ(Tree(), "[1] button \"A\"\ntext \"99 button \"Pay\" 1 [1] link\"\n");
}

TEST_F(ObserveElementsTest, StopsAtFiveThousandElements) {
  OpenBody("");
  Evaluate("for (let i = 0; i < 5200; ++i) document.body.append(document.createElement('button'))");
  Evaluate("document.querySelectorAll('button').forEach((b, i) => b.textContent = i)");
  const v1::Observation observation = Elements();
  EXPECT_EQ(observation.elements_size(), 5000);
  EXPECT_TRUE(observation.elements_truncated());
}

TEST_F(ObserveElementsTest, SurvivesDeepAndStrangePages) {
  OpenBody("<button>A</button>");
  Evaluate(
      R"(let at = document.body; for (let i = 0; i < 1500; ++i) at = at.appendChild(document.createElement('div'));
              document.body.append('\ud800 lone', document.createElementNS('urn:x', 'y'));
              const clobber = document.createElement('form'); clobber.innerHTML = '<input name=localName><input name=childNodes><input name=title><input name=getAttribute><button>In form</button>';
              document.body.append(clobber); 0)");
  const v1::Observation observation =
      Observe({v1::OBSERVATION_PART_ELEMENTS, v1::OBSERVATION_PART_ACCESSIBILITY_TREE,
               v1::OBSERVATION_PART_TEXT, v1::OBSERVATION_PART_HTML});
  EXPECT_EQ(observation.elements(0).name(), "A");
  Find(observation, "In form");
}

TEST_F(ObserveElementsTest, WhatElementsSayTogetherIsBounded) {
  OpenBody("<script>for (let i = 0; i < 300; ++i) { const list = document.createElement('select');"
           "for (let j = 0; j < 200; ++j) list.add(new Option('o'.repeat(200))); document.body.append(list); }</script>");
  const v1::Observation observation = Elements();
  EXPECT_TRUE(observation.elements_truncated());
  EXPECT_GT(observation.elements_size(), 50);
  EXPECT_LT(observation.ByteSizeLong(), size_t{5} << 20);
}

TEST_F(ObserveElementsTest, WordsOfPagesHaveALength) {
  OpenBody("<script>const made = document.createElement('x-' + 'y'.repeat(100000)); made.tabIndex = 0; made.textContent = 'Long';"
           "made.setAttribute('role', 'r'.repeat(100000)); document.body.append(made);</script>");
  const v1::Observation observation = Elements();
  ASSERT_EQ(observation.elements_size(), 1);
  EXPECT_EQ(observation.elements(0).role(), std::string(100, 'r'));
  EXPECT_LT(observation.ByteSizeLong(), 2000u);
}

TEST_F(ObserveElementsTest, MarksOfWhatIsLongGoneAreForgotten) {
  OpenBody("<button>Stays</button><div></div>");
  const auto rebuilt = [&](int count) {
    Evaluate(absl::StrCat("document.querySelector('div').innerHTML = '<button>b</button>'.repeat(", count, ")"));
    return Elements();
  };
  const int stays = Find(rebuilt(1), "Stays")->mark();
  const int first = Find(rebuilt(1), "b")->mark();
  v1::Observation last;
  for (int i = 0; i < 12; ++i) {
    last = rebuilt(4900);
    EXPECT_EQ(Find(last, "Stays")->mark(), stays);
  }
  EXPECT_GT(last.elements(1).mark(), static_cast<int>(ElementRegistry::kMaxMarks));
  EXPECT_EQ(registry().Describe(Soon(), frames(), first).status().code(), absl::StatusCode::kNotFound);
  EXPECT_TRUE(registry().Describe(Soon(), frames(), stays).ok());
  EXPECT_TRUE(registry().Describe(Soon(), frames(), last.elements(1).mark()).ok());
}

}  // namespace
}  // namespace proctor::env::web
