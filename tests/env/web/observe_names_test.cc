// Accessible names and roles agree with Chromium's own.
#include <map>

#include "tests/env/web/observe_fixture.h"

namespace proctor::env::web {
namespace {

class ObserveNamesTest : public ObserveFixture {
 protected:
  struct Named {
    std::string role;
    std::string name;
  };

  // Chromium's role and name of each element with an id.
  std::map<std::string, Named> FromChromium() {
    std::map<std::string, Named> named;
    (void)devtools().Call(Soon(), session(), "Accessibility.enable");
    const auto document = devtools().Call(Soon(), session(), "DOM.getDocument", {{"depth", 0}});
    const auto nodes =
        devtools().Call(Soon(), session(), "DOM.querySelectorAll",
                        {{"nodeId", (*document)["root"]["nodeId"]}, {"selector", "[id]"}});
    for (const Json& node : (*nodes)["nodeIds"]) {
      const auto attributes =
          devtools().Call(Soon(), session(), "DOM.getAttributes", {{"nodeId", node}});
      std::string id;
      const Json& list = (*attributes)["attributes"];
      for (size_t i = 0; i + 1 < list.size(); i += 2) {
        if (list[i] == "id") id = list[i + 1];
      }
      const auto tree = devtools().Call(Soon(), session(), "Accessibility.getPartialAXTree",
                                        {{"nodeId", node}, {"fetchRelatives", false}});
      const Json& ax = (*tree)["nodes"][0];
      named[id] = {.role = ax["role"].value("value", ""),
                   .name = ax.contains("name") ? ax["name"].value("value", "") : ""};
    }
    return named;
  }
};

TEST_F(ObserveNamesTest, AgreeWithChromiumOnAFixturePage) {
  OpenBody(R"HTML(
    <a id=a1 href=x>Plain link</a> <a id=a2 href=x>Two <b>bold</b>words</a> <a id=a3 href=x><img alt="Picture" src=x></a>
    <a id=a4 href=x aria-label="Labelled">Text</a> <a id=a5 href=x title="Tip"></a> <a id=a6 href=x><div>Block</div><div>Two</div></a>
    <a id=a7 href=x><span hidden>no</span>Yes<span aria-hidden=true>no</span></a> <a id=a8 href=x title="Unused">Text</a>
    <button id=b1>  Spaced   out  </button> <button id=b2 aria-labelledby="t1 t2">x</button> <button id=b3><svg><title>Icon</title></svg></button>
    <span id=t1>First</span> <span id=t2 hidden>Second</span>
    <button id=b4>Line<br>break</button> <button id=b5><i></i></button> <button id=b6><span style="display:block">A</span>B</button>
    <input id=i1 placeholder="Place"> <label>Wrapped <input id=i2> after</label> <label for=i3>For</label><input id=i3>
    <input id=i4 title="Titled"> <input id=i5 type=submit> <input id=i6 type=submit value="Send"> <input id=i7 type=reset>
    <input id=i8 type=button value="Btn"> <input id=i9 type=image alt="Go" src=x> <label for=i10>One</label><label for=i10>Two</label><input id=i10>
    <input id=i11 type=checkbox><label for=i11>Check <em>me</em></label> <label><input id=i12 type=radio name=r> Option A</label>
    <input id=i13 type=search aria-label=Search> <input id=i14 type=number aria-label=Count> <input id=i15 type=range aria-label=Volume>
    <input id=i16 list=dl aria-label=Combo><datalist id=dl><option>q</datalist> <input id=i17 type=email placeholder=Mail title=Tip>
    <input id=i18 type=date aria-label=Day> <input id=i19 type=time aria-label=At> <input id=i20 type=color aria-label=Paint>
    <label id=l1 for=s1>Size</label><select id=s1><option>S<option>M</select> <select id=s2 multiple aria-label=Many><option>1</select>
    <textarea id=x1 aria-label="Notes"></textarea> <label for=x2>Story</label><textarea id=x2>text</textarea>
    <div id=d1 role=button tabindex=0>Div button</div> <div id=d2 role=checkbox tabindex=0 aria-checked=false>Aria check</div>
    <div id=d3 role=tab tabindex=0>Tab <b>1</b></div> <div id=d4 role=menuitem tabindex=0>Item</div> <div id=d5 role=switch tabindex=0>Sw</div>
    <div id=d6 role=textbox contenteditable aria-label="Editor">abc</div> <div id=d7 role=link tabindex=0>Role link</div>
    <div id=d8 role=combobox tabindex=0 aria-label="Pick">v</div> <div id=d9 role=slider tabindex=0 aria-label=Slide aria-valuenow=3></div>
    <details><summary id=m1>Summary</summary>c</details>
    <label for=i21>Every <input type=text value="5" aria-label="n"> days</label><input id=i21 type=checkbox>
    <button id=b7>Nested <span aria-label="labelled">ignored</span></button> <button id=b8 aria-label="  ">Blank label</button>
    <button id=b9 aria-labelledby=missing>Missing ref</button> <button id=b10 aria-label="Own" aria-labelledby="b10 t1">Self</button>
  )HTML");
  const std::map<std::string, Named> chromium = FromChromium();
  const v1::Observation observation = Elements();
  const Json ids = Evaluate("Array.from(document.querySelectorAll('[id]'), e => e.id)");
  // By box and tag: the list carries no ids.
  std::map<std::string, const v1::Element*> ours;
  for (const Json& id : ids) {
    const Json box = Evaluate("(b => [b.x, b.y, b.width, b.height])(document.getElementById('" +
                              id.get<std::string>() + "').getBoundingClientRect())");
    const std::string tag =
        Evaluate("document.getElementById('" + id.get<std::string>() + "').localName");
    for (const v1::Element& element : observation.elements()) {
      if (std::abs(element.box().x() - box[0].get<double>()) < 0.02 &&
          std::abs(element.box().y() - box[1].get<double>()) < 0.02 && element.tag() == tag) {
        ours[id] = &element;
      }
    }
  }
  int compared = 0, names_differ = 0, roles_differ = 0;
  for (const auto& [id, element] : ours) {
    const Named& theirs = chromium.at(id);
    ++compared;
    if (element->name() != theirs.name) {
      ++names_differ;
      ADD_FAILURE() << id << ": name '" << element->name() << "', Chromium's '" << theirs.name
                    << "'";
    }
    std::string role = theirs.role;
    if (role == "DisclosureTriangle") role = "button";
    if (element->role() != role) {
      ++roles_differ;
      ADD_FAILURE() << id << ": role '" << element->role() << "', Chromium's '" << role << "'";
    }
  }
  EXPECT_GE(compared, 50);
  RecordProperty("compared", compared);
}

}  // namespace
}  // namespace proctor::env::web
