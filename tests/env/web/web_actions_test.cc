#include <string>

#include "tests/env/web/web_fixture.h"

namespace proctor::env::web {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

class WebActionsTest : public WebWorldTestBase {
 protected:
  v1::Observation ClickAt(double x, double y) {
    v1::Action action;
    action.mutable_click()->mutable_target()->mutable_point()->set_x(x);
    action.mutable_click()->mutable_target()->mutable_point()->set_y(y);
    return Act(action);
  }
};

constexpr char kRecorder[] =
    "<script>const log=[];for(const t of ['click','dblclick','contextmenu','mouseover','keydown'])"
    "document.addEventListener(t,e=>{log.push(t+(e.isTrusted?'':'!')+(e.key?':'+e.key:'')+(e.shiftKey?'+shift':''));"
    "document.title=log.join(' ')})</script>";

TEST_F(WebActionsTest, ClicksByCoordinatesAreTrusted) {
  ResetTo(std::string("<button style='position:fixed;left:100px;top:100px;width:80px;height:40px'>B</button>") + kRecorder);
  EXPECT_THAT(ClickAt(120, 110).title(), HasSubstr("click"));
  EXPECT_THAT(last_.title(), testing::Not(HasSubstr("!")));
}

TEST_F(WebActionsTest, DoubleRightAndModifiedClicks) {
  ResetTo(std::string("<button>B</button>") + kRecorder);
  v1::Action action;
  action.mutable_click()->mutable_target()->set_mark(Mark("B"));
  action.mutable_click()->set_count(2);
  EXPECT_THAT(Act(action).title(), HasSubstr("dblclick"));
  action.mutable_click()->set_count(1);
  action.mutable_click()->set_button(v1::MOUSE_BUTTON_RIGHT);
  EXPECT_THAT(Act(action).title(), HasSubstr("contextmenu"));
  action.mutable_click()->set_button(v1::MOUSE_BUTTON_LEFT);
  action.mutable_click()->add_modifiers(v1::KEY_MODIFIER_SHIFT);
  EXPECT_THAT(Act(action).title(), HasSubstr("click+shift"));
}

TEST_F(WebActionsTest, HoverShowsWhatHoverShows) {
  ResetTo("<style>#m{display:none}#a:hover #m{display:block}</style><div id=a><button>Menu</button><button id=m>Hidden</button></div>");
  EXPECT_EQ(Mark("Hidden"), 0);
  v1::Action action;
  action.mutable_hover()->mutable_target()->set_mark(Mark("Menu"));
  Act(action);
  EXPECT_GT(Mark("Hidden"), 0);
}

TEST_F(WebActionsTest, PressesKeyChords) {
  ResetTo(std::string("<input aria-label=In value=hello>") + kRecorder);
  v1::Action action;
  action.mutable_press_keys()->mutable_target()->set_mark(Mark("In"));
  for (const char* chord : {"Control+A", "X", "y", "Shift+ArrowLeft", "Enter"}) action.mutable_press_keys()->add_chords(chord);
  const v1::Observation seen = Act(action);
  EXPECT_EQ(seen.action_error(), "");
  EXPECT_THAT(seen.title(), HasSubstr("keydown:Enter"));
  for (const v1::Element& element : seen.elements()) {
    if (element.name() == "In") {
      EXPECT_EQ(element.value(), "Xy");
    }
  }
  action.mutable_press_keys()->add_chords("NoSuchKey");
  EXPECT_THAT(Act(action).action_error(), HasSubstr("NoSuchKey"));
  action.mutable_press_keys()->mutable_chords()->RemoveLast();
  action.mutable_press_keys()->mutable_hold()->set_seconds(1);
  EXPECT_THAT(Act(action).action_error(), HasSubstr("without hold"));
}

TEST_F(WebActionsTest, TypesUnicodeAndLongText) {
  ResetTo("<textarea aria-label=Area></textarea>");
  v1::Action action;
  action.mutable_type()->mutable_target()->set_mark(Mark("Area"));
  const std::string text = "Grüße 你好 \n" + std::string(5000, 'x');
  action.mutable_type()->set_text(text);
  Act(action);
  EXPECT_EQ(last_.elements(0).value().substr(0, 40), text.substr(0, 40));
}

TEST_F(WebActionsTest, SelectsOptionsAndRefusesUnknownOnes) {
  ResetTo("<select aria-label=Size onchange='document.title=this.value'><option value=s>Small<option value=l>Large</select>");
  v1::Action action;
  action.mutable_select_option()->mutable_target()->set_mark(Mark("Size"));
  action.mutable_select_option()->add_options("Large");
  EXPECT_EQ(Act(action).title(), "l");
  action.mutable_select_option()->set_options(0, "Huge");
  EXPECT_NE(Act(action).action_error(), "");
  EXPECT_THAT(Click("Size").action_error(), HasSubstr("select_option"));
}

TEST_F(WebActionsTest, ChecksAndUnchecks) {
  ResetTo("<label><input type=checkbox onchange='document.title=this.checked'>Box</label><button>B</button>");
  v1::Action action;
  action.mutable_check()->mutable_target()->set_mark(Mark("Box"));
  action.mutable_check()->set_checked(true);
  EXPECT_EQ(Act(action).title(), "true");
  EXPECT_EQ(Act(action).title(), "true");
  action.mutable_check()->set_checked(false);
  EXPECT_EQ(Act(action).title(), "false");
  action.mutable_check()->mutable_target()->set_mark(Mark("B"));
  EXPECT_THAT(Act(action).action_error(), HasSubstr("click it instead"));
}

TEST_F(WebActionsTest, ScrollsPageAndElements) {
  ResetTo("<div style='height:100px;overflow:auto' tabindex=0 role=button aria-label=Box><div style='height:900px'>x</div></div>"
          "<div style='height:5000px'></div><script>onscroll=()=>document.title='page '+Math.round(scrollY);"
          "document.querySelector('div').onscroll=e=>document.title='box '+Math.round(e.target.scrollTop)</script>");
  v1::Action action;
  action.mutable_scroll();
  EXPECT_EQ(Act(action).title(), "page 480");
  action.mutable_scroll()->set_delta_y(-100);
  EXPECT_EQ(Act(action).title(), "page 380");
  action.mutable_scroll()->set_delta_y(50);
  action.mutable_scroll()->mutable_target()->set_mark(Mark("Box"));
  Act(action);
  EXPECT_EQ(last_.title(), "box 50");
}

TEST_F(WebActionsTest, DragsHtml5Data) {
  ResetTo("<style>div{width:100px;height:60px;border:1px solid}</style>"
          "<div draggable=true role=button aria-label=Source ondragstart=\"event.dataTransfer.setData('text/plain','cargo')\">s</div>"
          "<div style='margin-top:100px' role=button aria-label=Target ondragover='event.preventDefault()' "
          "ondrop=\"event.preventDefault();document.title=event.dataTransfer.getData('text/plain')\">t</div>");
  v1::Action action;
  action.mutable_drag()->mutable_from()->set_mark(Mark("Source"));
  action.mutable_drag()->mutable_to()->set_mark(Mark("Target"));
  EXPECT_EQ(Act(action).title(), "cargo") << last_.action_error();
}

TEST_F(WebActionsTest, ADragThatThePageHoldsUpIsReleasedAllTheSame) {
  ResetTo(
      "<div style='position:fixed;left:50px;top:50px;width:400px;height:100px' "
      "onmouseup=\"document.title='released'\" "
      "onmousemove=\"if(event.buttons&&!this.held){this.held=1;const end=performance.now()+3000;"
      "while(performance.now()<end);}\">pad</div>");
  v1::Action action;
  for (auto* point : {action.mutable_drag()->mutable_from()->mutable_point(),
                      action.mutable_drag()->mutable_to()->mutable_point()}) {
    point->set_y(80);
  }
  action.mutable_drag()->mutable_from()->mutable_point()->set_x(80);
  action.mutable_drag()->mutable_to()->mutable_point()->set_x(300);
  EXPECT_THAT(Act(action).action_error(), HasSubstr("does not respond"));
  v1::Action noop;
  noop.mutable_noop();
  EXPECT_EQ(Act(noop).title(), "released");
}

TEST_F(WebActionsTest, PressesNoKeysWhereOnlyTheFocusShouldMove) {
  ResetTo(std::string("<input aria-label=In value=hello onfocus=\"document.title='focused'\">") +
          kRecorder);
  v1::Action action;
  action.mutable_press_keys()->mutable_target()->set_mark(Mark("In"));
  const v1::Observation seen = Act(action);
  EXPECT_EQ(seen.action_error(), "");
  EXPECT_EQ(seen.title(), "focused");
}

TEST_F(WebActionsTest, DragsWithPlainMouseMoves) {
  ResetTo("<input type=range aria-label=Level min=0 max=100 value=0 style='width:200px;position:fixed;left:50px;top:50px' "
          "onchange='document.title=this.value'>");
  v1::Action action;
  action.mutable_drag()->mutable_from()->mutable_point()->set_x(58);
  action.mutable_drag()->mutable_from()->mutable_point()->set_y(58);
  action.mutable_drag()->mutable_to()->mutable_point()->set_x(150);
  action.mutable_drag()->mutable_to()->mutable_point()->set_y(58);
  Act(action);
  EXPECT_THAT(last_.title(), testing::MatchesRegex("4.|5."));
}

TEST_F(WebActionsTest, UploadsBytesToAFileInputAndThroughAChooser) {
  const std::string page =
      "<input type=file aria-label=File onchange=\"this.files[0].text().then(t=>document.title=this.files[0].name+':'+t)\">"
      "<button onclick=\"document.querySelector('input').click()\">Choose</button>";
  ResetTo(page);
  v1::Action action;
  action.mutable_upload_file()->mutable_target()->set_mark(Mark("File"));
  action.mutable_upload_file()->set_file_name("a.txt");
  action.mutable_upload_file()->set_content("hello");
  EXPECT_EQ(Act(action).title(), "a.txt:hello") << last_.action_error();
  action.mutable_upload_file()->mutable_target()->set_mark(Mark("Choose"));
  action.mutable_upload_file()->set_file_name("b.txt");
  EXPECT_EQ(Act(action).title(), "b.txt:hello") << last_.action_error();
  action.mutable_upload_file()->set_file_name("../../etc/passwd");
  EXPECT_THAT(Act(action).action_error(), HasSubstr("file_name"));
  action.mutable_upload_file()->set_file_name("c.txt");
  action.mutable_upload_file()->set_task_file("none.txt");
  EXPECT_THAT(Act(action).action_error(), HasSubstr("no file named"));
}

TEST_F(WebActionsTest, TheSameFileIsKeptOnceAndAllHaveALimit) {
  ResetTo("<input type=file aria-label=File onchange=\"document.title=this.files[0].name+this.files[0].size\">");
  const int mark = Mark("File");
  std::string content(16 << 20, 'x');
  const auto upload = [&](const std::string& name) {
    v1::Action action;
    action.mutable_upload_file()->mutable_target()->set_mark(mark);
    action.mutable_upload_file()->set_file_name(name);
    action.mutable_upload_file()->set_content(content);
    return Act(action);
  };
  for (int i = 0; i < 20; ++i) EXPECT_EQ(upload("a").title(), "a16777216") << last_.action_error();
  for (int i = 1; i < 15; ++i) {
    content[0] = static_cast<char>('a' + i);
    EXPECT_EQ(upload("b").title(), "b16777216") << last_.action_error();
  }
  // Small files are files, too.
  content.resize(1);
  for (int i = 0; i < 64; ++i) EXPECT_EQ(upload(absl::StrCat("small", i, ".")).title(), absl::StrCat("small", i, ".1")) << last_.action_error();
  EXPECT_THAT(upload("c").action_error(), HasSubstr("268435456"));
  content.assign(16 << 20, '!');
  EXPECT_THAT(upload("c").action_error(), HasSubstr("268435456"));
}

TEST_F(WebActionsTest, ClickThatOpensAFileChooserSaysHowToUseIt) {
  ResetTo(
      "<input type=file hidden onchange='document.title=this.files[0].name'>"
      "<button onclick=\"document.querySelector('input').click()\">Choose</button>");
  const int mark = Mark("Choose");
  EXPECT_THAT(Click(mark).notices(),
              Contains(absl::StrCat("a file chooser opened: use upload_file on mark ", mark)));
  v1::Action action;
  action.mutable_upload_file()->mutable_target()->set_mark(mark);
  action.mutable_upload_file()->set_file_name("a.txt");
  action.mutable_upload_file()->set_content("hello");
  const v1::Observation seen = Act(action);
  EXPECT_EQ(seen.title(), "a.txt") << seen.action_error();
  EXPECT_TRUE(seen.notices().empty());
}

TEST_F(WebActionsTest, GoesBackForwardAndReloads) {
  site().Page("/two", "<title>two</title>");
  ResetTo("<title>one</title><a href=/two>Next</a>");
  EXPECT_EQ(Click("Next").title(), "two");
  v1::Action back, forward, reload;
  back.mutable_go_back();
  forward.mutable_go_forward();
  reload.mutable_reload();
  EXPECT_EQ(Act(back).title(), "one");
  EXPECT_EQ(Act(forward).title(), "two");
  const int before = site().hits("/two");
  EXPECT_EQ(Act(reload).title(), "two");
  EXPECT_EQ(site().hits("/two"), before + 1);
  EXPECT_THAT(Act(forward).action_error(), HasSubstr("forward"));
}

TEST_F(WebActionsTest, OpensFocusesAndClosesTabs) {
  site().Page("/two", "<title>two</title>");
  ResetTo("<title>one</title>");
  v1::Action open;
  open.mutable_new_tab()->set_url(site().Url("/two"));
  EXPECT_EQ(Act(open).title(), "two");
  EXPECT_EQ(last_.tabs_size(), 2);
  v1::Action focus;
  focus.mutable_focus_tab()->set_index(0);
  EXPECT_EQ(Act(focus).title(), "one");
  v1::Action close;
  close.mutable_close_tab()->set_index(1);
  Act(close);
  EXPECT_EQ(last_.tabs_size(), 1);
  EXPECT_EQ(last_.title(), "one");
}

TEST_F(WebActionsTest, CoveredElementSaysSo) {
  ResetTo("<button>Under</button><div style='position:fixed;inset:0;background:#fff'>over</div>");
  EXPECT_NE(Mark("Under") == 0 ? "not listed" : Click("Under").action_error(), "");
}

}  // namespace
}  // namespace proctor::env::web
