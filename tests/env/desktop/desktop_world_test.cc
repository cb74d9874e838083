// What a desktop shows, and what actions do, seen by their effect in real applications.
#include <gmock/gmock.h>
#include <gtest/gtest-spi.h>

#include <set>

#include "tests/env/desktop/desktop_fixture.h"

namespace proctor::env::desktop {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

v1::Target At(double x, double y) {
  v1::Target target;
  target.mutable_point()->set_x(x);
  target.mutable_point()->set_y(y);
  return target;
}

TEST_F(DesktopWorldTest, TypesIntoAnEditorAndSavesTheFile) {
  if (!Start()) GTEST_SKIP() << MachineLacks();
  const v1::Observation start = Reset(TaskWith("editor", "note.txt", "one\n"));
  EXPECT_THAT(start.title(), HasSubstr("note.txt"));
  ASSERT_EQ(start.windows_size(), 1);
  EXPECT_EQ(start.windows(0).application(), "Mousepad");
  EXPECT_TRUE(start.windows(0).focused());
  EXPECT_EQ(start.viewport().width(), 1280);
  EXPECT_EQ(start.viewport().height(), 800);
  const v1::Element text = Find(start, "textbox");
  EXPECT_EQ(text.value(), "one\n");
  EXPECT_TRUE(text.editable());
  EXPECT_EQ(text.tag(), "text");
  EXPECT_EQ(text.application(), "mousepad");
  Click(text.mark());
  Press("Control+End");
  const v1::Observation typed = Type("Hello, World! 1 + 1 = 2\tTab_~{}[]|\\\"'<>?");
  EXPECT_EQ(Find(typed, "textbox").value(), "one\nHello, World! 1 + 1 = 2\tTab_~{}[]|\\\"'<>?");
  EXPECT_EQ(Find(typed, "textbox").mark(), text.mark());
  Press("Control+S");
  EXPECT_EQ(FileText("note.txt"), "one\nHello, World! 1 + 1 = 2\tTab_~{}[]|\\\"'<>?");
}

TEST_F(DesktopWorldTest, TypesAnyUnicode) {
  if (!Start()) GTEST_SKIP() << MachineLacks();
  Reset(TaskWith("editor", "note.txt", ""));
  const std::string text = "Grüße, ÆØÅ ß € – „“ Ελλάδα Привет 漢字かな 한글 עברית 😀🎉 ½ ∑";
  v1::Action action;
  action.mutable_type()->mutable_target()->set_mark(See("textbox").mark());
  action.mutable_type()->set_text(text);
  EXPECT_EQ(Find(Do(action), "textbox").value(), text);
  Press("Control+S");
  EXPECT_EQ(FileText("note.txt"), text);
}

TEST_F(DesktopWorldTest, TypesMoreDifferentCharactersThanTheKeyboardHasKeysFor) {
  if (!Start()) GTEST_SKIP() << MachineLacks();
  Reset(TaskWith("editor", "note.txt", ""));
  std::string text;
  for (int i = 0; i < 80; ++i) {
    const int character = 0x4e00 + i;
    text += {static_cast<char>(0xe0 | character >> 12), static_cast<char>(0x80 | (character >> 6 & 0x3f)),
             static_cast<char>(0x80 | (character & 0x3f)), 'a'};
  }
  EXPECT_EQ(Find(Type(text), "textbox").value(), text);
}

TEST_F(DesktopWorldTest, TypesLongTextWithoutLoss) {
  if (!Start()) GTEST_SKIP() << MachineLacks();
  Reset(TaskWith("editor", "note.txt", ""));
  std::string text;
  for (int i = 0; i < 400; ++i) absl::StrAppend(&text, "Line ", i, ", no more.\n");
  Type(text);
  Press("Control+S");
  EXPECT_EQ(FileText("note.txt"), text);
}

TEST_F(DesktopWorldTest, ClearsAndSubmits) {
  if (!Start()) GTEST_SKIP() << MachineLacks();
  const v1::Observation start = Reset(TaskWith("editor", "note.txt", "old text\nof two lines\n"));
  v1::Action action;
  action.mutable_type()->mutable_target()->set_mark(Find(start, "textbox").mark());
  action.mutable_type()->set_text("new");
  action.mutable_type()->set_clear(true);
  action.mutable_type()->set_submit(true);
  EXPECT_EQ(Find(Do(action), "textbox").value(), "new\n");
}

TEST_F(DesktopWorldTest, CalculatesWithButtonsFoundByTheirNames) {
  if (!Start()) GTEST_SKIP() << MachineLacks();
  const v1::Observation start = Reset(TaskWith("calculator"));
  for (const char* button : {"1", "2", "*", "3", "="}) Click(Find(start, "button", button).mark());
  const v1::Element display = See("textbox");
  EXPECT_EQ(display.value(), "36");
  EXPECT_TRUE(HasState(display, v1::ELEMENT_STATE_READONLY));
}

TEST_F(DesktopWorldTest, TellsWhatItClicked) {
  if (!Start()) GTEST_SKIP() << MachineLacks();
  const v1::Observation start = Reset(TaskWith("calculator"));
  const v1::Element button = Find(start, "button", "7");
  v1::Action action;
  action.mutable_click()->mutable_target()->set_mark(button.mark());
  const ActResult result = Act(action);
  ASSERT_TRUE(result.target_element && result.target_box && result.target_point);
  EXPECT_EQ(result.target_element->name(), "7");
  EXPECT_EQ(result.target_box->x(), button.box().x());
  EXPECT_EQ(result.target_point->x(), button.box().x() + std::floor(button.box().width() / 2));
  EXPECT_EQ(result.observation.cursor().x(), result.target_point->x());
  EXPECT_EQ(result.observation.cursor().y(), result.target_point->y());
  EXPECT_TRUE(result.observation.settle().settled());
}

TEST_F(DesktopWorldTest, RefusesWhatCannotBeDoneAndSaysWhatToDo) {
  if (!Start()) GTEST_SKIP() << MachineLacks();
  const v1::Observation start = Reset(TaskWith("calculator"));
  const auto click = [](int mark) {
    v1::Action action;
    action.mutable_click()->mutable_target()->set_mark(mark);
    return action;
  };
  // Nothing is in the memory yet.
  EXPECT_THAT(ErrorOf(click(Find(start, "button", "MR").mark())), HasSubstr("\"MR\" [" ));
  EXPECT_THAT(ErrorOf(click(Find(start, "button", "MR").mark())), HasSubstr("is disabled"));
  EXPECT_TRUE(HasState(Find(start, "button", "MR"), v1::ELEMENT_STATE_DISABLED));
  EXPECT_THAT(ErrorOf(click(9999)), HasSubstr("no element with mark 9999"));
  v1::Action action;
  *action.mutable_click()->mutable_target() = At(1281, 5);
  EXPECT_THAT(ErrorOf(action), HasSubstr("outside the screen of 1280 x 800"));
  action.mutable_press_keys()->add_chords("Control+Nonsense");
  EXPECT_THAT(ErrorOf(action), HasSubstr("there is no key \"Nonsense\""));
  action.mutable_type()->mutable_target()->set_mark(Find(start, "button", "7").mark());
  EXPECT_THAT(ErrorOf(action), HasSubstr("takes no text"));
  action.mutable_type()->clear_target();
  action.mutable_type()->set_text("bell \a");
  EXPECT_THAT(ErrorOf(action), HasSubstr("control character U+0007"));
  action.mutable_open_app()->set_name("terminal");
  EXPECT_THAT(ErrorOf(action), HasSubstr("choose one of calculator, editor, files, spreadsheet"));
  EXPECT_EQ(See("textbox").value(), "0");
}

TEST_F(DesktopWorldTest, OpensMenusWhoseItemsCanBeClicked) {
  if (!Start()) GTEST_SKIP() << MachineLacks();
  const v1::Observation start = Reset(TaskWith("editor", "note.txt", "text\n"));
  const v1::Observation menu = Click(Find(start, "menuitem", "Edit").mark());
  ASSERT_TRUE(Has(menu, "menuitem", "Select All")) << Names(menu);
  EXPECT_FALSE(Has(start, "menuitem", "Select All"));
  Click(Find(menu, "menuitem", "Select All").mark());
  Press("Delete");
  EXPECT_EQ(See("textbox").value(), "");
}

TEST_F(DesktopWorldTest, DragsSelects) {
  if (!Start()) GTEST_SKIP() << MachineLacks();
  const v1::Observation start = Reset(TaskWith("editor", "note.txt", "delete this line\nkeep\n"));
  const v1::Rect box = Find(start, "textbox").box();
  v1::Action action;
  *action.mutable_drag()->mutable_from() = At(box.x() + 2, box.y() + 8);
  *action.mutable_drag()->mutable_to() = At(box.x() + 400, box.y() + 8);
  v1::Point& via = *action.mutable_drag()->add_via();
  via.set_x(box.x() + 100);
  via.set_y(box.y() + 9);
  const ActResult result = Act(action);
  EXPECT_EQ(result.observation.action_error(), "");
  ASSERT_TRUE(result.release_point && result.target_point);
  EXPECT_EQ(result.release_point->x(), std::floor(box.x() + 400));
  Press("Backspace");
  EXPECT_EQ(See("textbox").value(), "\nkeep\n");
}

TEST_F(DesktopWorldTest, ClicksTwiceAndThreeTimes) {
  if (!Start()) GTEST_SKIP() << MachineLacks();
  const v1::Observation start = Reset(TaskWith("editor", "note.txt", "first second\nthird\n"));
  const v1::Rect box = Find(start, "textbox").box();
  v1::Action action;
  *action.mutable_click()->mutable_target() = At(box.x() + 10, box.y() + 8);
  action.mutable_click()->set_count(2);
  Do(action);
  EXPECT_EQ(Find(Type("X"), "textbox").value(), "X second\nthird\n");
  action.mutable_click()->set_count(3);
  Do(action);
  Press("Delete");
  const std::string left = See("textbox").value();
  EXPECT_TRUE(left == "\nthird\n" || left == "third\n") << left;
}

TEST_F(DesktopWorldTest, TwoClicksOfTwoActionsAreNoDoubleClick) {
  v1::DesktopSettings quick;
  quick.mutable_settle_still()->set_nanos(20'000'000);
  if (!Start({}, quick)) GTEST_SKIP() << MachineLacks();
  const v1::Observation start = Reset(TaskWith("editor", "note.txt", "word word\n"));
  const v1::Rect box = Find(start, "textbox").box();
  ClickAt(box.x() + 10, box.y() + 8);
  ClickAt(box.x() + 10, box.y() + 8);
  // A double click would have selected the word, and this would replace it.
  EXPECT_THAT(Find(Type("X"), "textbox").value(), HasSubstr("d word"));
}

TEST_F(DesktopWorldTest, RightClickOpensAContextMenuAndEscapeClosesIt) {
  if (!Start()) GTEST_SKIP() << MachineLacks();
  const v1::Observation start = Reset(TaskWith("editor", "note.txt", "text\n"));
  v1::Action action;
  action.mutable_click()->mutable_target()->set_mark(Find(start, "textbox").mark());
  action.mutable_click()->set_button(v1::MOUSE_BUTTON_RIGHT);
  EXPECT_TRUE(Has(Do(action), "menuitem", "Paste"));
  EXPECT_FALSE(Has(Press("Escape"), "menuitem", "Paste"));
}

TEST_F(DesktopWorldTest, ClickWithModifierSelects) {
  if (!Start()) GTEST_SKIP() << MachineLacks();
  const v1::Observation start = Reset(TaskWith("editor", "note.txt", "abcdefghij\n"));
  const v1::Rect box = Find(start, "textbox").box();
  Press("Control+Home");
  v1::Action action;
  *action.mutable_click()->mutable_target() = At(box.x() + 500, box.y() + 8);
  action.mutable_click()->add_modifiers(v1::KEY_MODIFIER_SHIFT);
  Do(action);
  EXPECT_EQ(Find(Press("Delete"), "textbox").value(), "\n");
}

TEST_F(DesktopWorldTest, KeysAndButtonsStayPressedUntilTheyAreReleased) {
  if (!Start()) GTEST_SKIP() << MachineLacks();
  const v1::Observation start = Reset(TaskWith("editor", "note.txt", "abcdef\n"));
  v1::Action key;
  key.mutable_key_down()->set_key("Shift");
  Do(key);
  Press("ArrowRight");
  Press("ArrowRight");
  key.mutable_key_up()->set_key("Shift");
  Do(key);
  EXPECT_EQ(Find(Press("Delete"), "textbox").value(), "cdef\n");
  const v1::Rect box = Find(start, "textbox").box();
  v1::Action mouse;
  *mouse.mutable_mouse_down()->mutable_target() = At(box.x() + 1, box.y() + 8);
  Do(mouse);
  v1::Action move;
  *move.mutable_hover()->mutable_target() = At(box.x() + 300, box.y() + 8);
  EXPECT_EQ(Do(move).cursor().x(), std::floor(box.x() + 300));
  mouse.mutable_mouse_up();
  Do(mouse);
  EXPECT_EQ(Find(Press("Delete"), "textbox").value(), "\n");
}

TEST_F(DesktopWorldTest, KeysGiveWhatTheyGiveWhileShiftIsHeld) {
  if (!Start()) GTEST_SKIP() << MachineLacks();
  Reset(TaskWith("editor", "note.txt", ""));
  v1::Action shift, letter;
  shift.mutable_key_down()->set_key("Shift");
  letter.mutable_key_down()->set_key("b");
  Do(shift);
  Press("a");
  Press("1");
  Do(letter);
  letter.mutable_key_up()->set_key("b");
  Do(letter);
  shift.mutable_key_up()->set_key("Shift");
  Do(shift);
  EXPECT_EQ(Find(Press("c"), "textbox").value(), "A!Bc");
}

TEST_F(DesktopWorldTest, ScrollsByTheWheel) {
  if (!Start()) GTEST_SKIP() << MachineLacks();
  std::string text;
  for (int i = 0; i < 500; ++i) absl::StrAppend(&text, "line ", i, "\n");
  const v1::Observation start = Reset(TaskWith("editor", "note.txt", text));
  v1::ObservationRequest picture;
  picture.add_parts(v1::OBSERVATION_PART_SCREENSHOT);
  v1::Action scroll;
  scroll.mutable_scroll()->mutable_target()->set_mark(Find(start, "textbox").mark());
  scroll.mutable_scroll()->set_delta_y(-600);
  const std::string top = Act(scroll, picture).observation.screenshot().digest();
  scroll.mutable_scroll()->set_delta_y(600);
  const std::string lower = Act(scroll, picture).observation.screenshot().digest();
  EXPECT_NE(top, lower);
  scroll.mutable_scroll()->set_delta_y(-600);
  EXPECT_EQ(Act(scroll, picture).observation.screenshot().digest(), top);
  // Without a target: the window that is worked in, two thirds of the screen.
  v1::Action bare;
  bare.mutable_scroll();
  EXPECT_NE(Act(bare, picture).observation.screenshot().digest(), top);
}

TEST_F(DesktopWorldTest, ClipboardGoesInAndOut) {
  if (!Start()) GTEST_SKIP() << MachineLacks();
  Reset(TaskWith("editor", "note.txt", ""));
  v1::ObservationRequest clipboard;
  clipboard.add_parts(v1::OBSERVATION_PART_CLIPBOARD);
  const auto empty = world_->Observe(AMinute(), clipboard);
  ASSERT_TRUE(empty.ok()) << empty.status();
  EXPECT_TRUE(empty->has_clipboard());
  EXPECT_EQ(empty->clipboard().text(), "");
  v1::Action set;
  set.mutable_set_clipboard()->set_text("Zwischenablage: äöü 漢字 😀\n");
  EXPECT_EQ(Act(set, clipboard).observation.clipboard().text(), "Zwischenablage: äöü 漢字 😀\n");
  EXPECT_EQ(Find(Press("Control+V"), "textbox").value(), "Zwischenablage: äöü 漢字 😀\n");
  Type("mine");
  Press("Control+A");
  Press("Control+C");
  EXPECT_EQ(world_->Observe(AMinute(), clipboard)->clipboard().text(), "Zwischenablage: äöü 漢字 😀\nmine");
  v1::EvidenceRequest request;
  request.mutable_clipboard();
  EXPECT_EQ(Value(request), Json("Zwischenablage: äöü 漢字 😀\nmine"));
}

TEST_F(DesktopWorldTest, AClipboardLargerThanOnePropertyComesWhole) {
  if (!Start()) GTEST_SKIP() << MachineLacks();
  std::string text;
  for (int i = 0; i < 40'000; ++i) absl::StrAppend(&text, "line ", i, "\n");
  Reset(TaskWith("editor", "note.txt", text));
  Press("Control+A");
  Press("Control+C");
  v1::EvidenceRequest request;
  request.mutable_clipboard();
  EXPECT_EQ(Value(request), Json(text));
}

TEST_F(DesktopWorldTest, OpensApplicationsAndBringsThemToTheFront) {
  if (!Start()) GTEST_SKIP() << MachineLacks();
  Reset(TaskWith("editor", "note.txt", ""));
  v1::Action open;
  open.mutable_open_app()->set_name("calculator");
  const v1::Observation both = Do(open);
  ASSERT_EQ(both.windows_size(), 2);
  EXPECT_EQ(both.windows(0).application(), "Galculator");
  EXPECT_EQ(both.title(), "galculator");
  open.mutable_open_app()->set_name("editor");
  const v1::Observation editor = Do(open);
  ASSERT_EQ(editor.windows_size(), 2);
  EXPECT_EQ(editor.windows(0).application(), "Mousepad");
  EXPECT_TRUE(editor.windows(0).focused());
  open.mutable_open_app()->set_name("calculator");
  EXPECT_EQ(Do(open).windows_size(), 2);
}

TEST_F(DesktopWorldTest, RefusesMarksThatAnotherWindowCovers) {
  if (!Start()) GTEST_SKIP() << MachineLacks();
  const v1::Observation start = Reset(TaskWith("calculator"));
  const int seven = Find(start, "button", "7").mark();
  v1::Action open;
  open.mutable_open_app()->set_name("spreadsheet");
  const v1::Observation covered = Do(open);
  ASSERT_EQ(covered.windows_size(), 2);
  v1::Action click;
  click.mutable_click()->mutable_target()->set_mark(seven);
  EXPECT_THAT(ErrorOf(click), HasSubstr("is covered by the window \""));
}

TEST_F(DesktopWorldTest, SequencesRunToTheFirstThatCannotBeDone) {
  if (!Start()) GTEST_SKIP() << MachineLacks();
  const v1::Observation start = Reset(TaskWith("editor", "note.txt", ""));
  v1::Action action;
  v1::Sequence& sequence = *action.mutable_sequence();
  sequence.add_actions()->mutable_click()->mutable_target()->set_mark(Find(start, "textbox").mark());
  sequence.add_actions()->mutable_type()->set_text("one");
  sequence.add_actions()->mutable_wait()->mutable_duration()->set_nanos(10'000'000);
  sequence.add_actions()->mutable_press_keys()->add_chords("Enter");
  sequence.add_actions()->mutable_type()->set_text("two");
  EXPECT_EQ(Find(Do(action), "textbox").value(), "one\ntwo");
  sequence.mutable_actions(1)->mutable_press_keys()->add_chords("Nope");
  EXPECT_THAT(ErrorOf(action), StartsWith("action 2 of 5: there is no key \"Nope\""));
  EXPECT_EQ(See("textbox").value(), "one\ntwo");
}

TEST_F(DesktopWorldTest, AWaitInASequenceEndsWithItsCall) {
  if (!Start()) GTEST_SKIP() << MachineLacks();
  Reset(TaskWith("editor", "note.txt", ""));
  v1::Action action;
  action.mutable_sequence()->add_actions()->mutable_wait()->mutable_duration()->set_seconds(30);
  const CallContext context = CallContext::WithTimeout(absl::Minutes(1));
  std::thread canceller([&] { context.cancel()->Cancel(); });
  const auto result = world_->Act(context, action, {});
  canceller.join();
  EXPECT_TRUE(absl::IsCancelled(result.status())) << result.status();
}

TEST_F(DesktopWorldTest, ShowsTheTreeWithMarks) {
  if (!Start()) GTEST_SKIP() << MachineLacks();
  const v1::Observation start = Reset(TaskWith("calculator"));
  v1::ObservationRequest request;
  request.add_parts(v1::OBSERVATION_PART_ACCESSIBILITY_TREE);
  request.add_parts(v1::OBSERVATION_PART_ELEMENTS);
  const auto seen = world_->Observe(AMinute(), request);
  ASSERT_TRUE(seen.ok());
  EXPECT_THAT(seen->accessibility_tree().text(), StartsWith("window \"galculator\"\n"));
  EXPECT_THAT(seen->accessibility_tree().text(), HasSubstr(absl::StrCat("[", Find(start, "button", "7").mark(), "] button \"7\"\n")));
  request.set_max_text_bytes(40);
  const auto cut = world_->Observe(AMinute(), request);
  EXPECT_LE(cut->accessibility_tree().text().size(), 40u);
  EXPECT_TRUE(cut->accessibility_tree().truncated());
}

TEST_F(DesktopWorldTest, EachEpisodeBeginsAnew) {
  if (!Start()) GTEST_SKIP() << MachineLacks();
  Reset(TaskWith("editor", "note.txt", ""));
  v1::Action set;
  set.mutable_set_clipboard()->set_text("secret");
  Do(set);
  const v1::Observation next = Reset(TaskWith("calculator"));
  EXPECT_EQ(next.windows_size(), 1);
  EXPECT_EQ(File("note.txt"), (Json{{"exists", false}}));
  v1::EvidenceRequest clipboard;
  clipboard.mutable_clipboard();
  EXPECT_EQ(Value(clipboard), Json(""));
}

TEST_F(DesktopWorldTest, TheFirstElementKeepsItsMarkWhileOthersCome) {
  if (!Start()) GTEST_SKIP() << MachineLacks();
  const v1::Observation start = Reset(TaskWith("editor", "note.txt", ""));
  const int text = Find(start, "textbox").mark();
  Click(Find(start, "menuitem", "File").mark());
  const v1::Observation after = Press("Escape");
  EXPECT_EQ(Find(after, "textbox").mark(), text);
  std::set<int> marks;
  for (const v1::Element& element : after.elements()) EXPECT_TRUE(marks.insert(element.mark()).second) << element.mark();
}

TEST_F(DesktopWorldTest, SettingsOfTheScreenAndTheClockHold) {
  v1::DesktopConfig config;
  (*config.mutable_evidence_commands())["zone"].add_command("date");
  (*config.mutable_evidence_commands())["zone"].add_command("+%Z %z");
  v1::DesktopSettings settings;
  settings.mutable_screen()->set_width(1024);
  settings.mutable_screen()->set_height(640);
  settings.set_time_zone("Asia/Tokyo");
  if (!Start(config, settings)) GTEST_SKIP() << MachineLacks();
  const v1::Observation start = Reset(TaskWith(""));
  EXPECT_EQ(start.viewport().width(), 1024);
  EXPECT_EQ(start.viewport().height(), 640);
  EXPECT_EQ(start.windows_size(), 0);
  EXPECT_EQ(start.title(), "");
  v1::EvidenceRequest zone;
  zone.mutable_command()->set_name("zone");
  EXPECT_EQ(Value(zone), (Json{{"exit_code", 0}, {"output", "JST +0900\n"}}));
}

TEST_F(DesktopWorldTest, RefusesStartStatesThatItCannotHonour) {
  if (!Start()) GTEST_SKIP() << MachineLacks();
  const auto code = [&](const v1::Task& task) { return world_->Reset(AMinute(), {task, 0}, {}).status().code(); };
  v1::Task web;
  web.mutable_start_state()->set_start_url("http://example.org/");
  EXPECT_EQ(code(web), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code(TaskWith("terminal")), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code(TaskWith("", "../escape", "x")), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code(TaskWith("", "/etc/passwd", "x")), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code(TaskWith("", "a/./b/../../..", "x")), absl::StatusCode::kInvalidArgument);
  v1::Task clash = TaskWith("", "a", "x");
  v1::DesktopFile& below = *clash.mutable_start_state()->mutable_desktop()->add_files();
  below.set_path("a/b");
  EXPECT_EQ(code(clash), absl::StatusCode::kFailedPrecondition);
  // And it goes on.
  EXPECT_EQ(code(TaskWith("editor", "dir/note.txt", "x")), absl::StatusCode::kOk);
}

// Nobody is to mistake a broken product for a machine without desktops.
TEST(DesktopPartsTest, WhatTheMachineDoesNotLackIsAFailure) {
  if (const std::string lacks = MachineLacks(); !lacks.empty()) GTEST_SKIP() << lacks;
  v1::DesktopConfig config;
  config.add_startup()->add_command("no-such-program");
  EXPECT_NONFATAL_FAILURE(DesktopParts::Make(config), "no-such-program");
}

}  // namespace
}  // namespace proctor::env::desktop
