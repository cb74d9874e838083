// Each action and what it does to the phone.
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/proto_time.h"
#include "tests/env/android/world_fixture.h"

namespace proctor::env::android {
namespace {

using testing::HasSubstr;

constexpr char kSettings[] = "com.android.settings/.Settings";
constexpr char kNameField[] = "com.android.contacts:id/name";

class ActionsTest : public WorldTest {
 protected:
  v1::Observation NewContact() {
    const v1::Observation contacts = ResetIn("com.android.contacts/.Contacts");
    return Done(TapOn(contacts, "Add contact"));
  }
};

TEST_F(ActionsTest, ATapTogglesASwitchAndIsRecordedWithItsTarget) {
  const v1::Observation settings = ResetIn(kSettings);
  const v1::Element row = Find(settings, "Wi-Fi");
  const ActResult result = Act(TapOn(settings, "Wi-Fi"));
  EXPECT_EQ(Setting("global", "wifi_on"), "0");
  EXPECT_EQ(result.target_element->mark(), row.mark());
  EXPECT_EQ(result.target_box->height(), row.box().height());
  EXPECT_EQ(result.target_point->x(), row.box().x() + row.box().width() / 2);
  EXPECT_FALSE(result.release_point.has_value());
}

TEST_F(ActionsTest, ATapOnAPointKnowsTheElementThere) {
  const v1::Observation settings = ResetIn(kSettings);
  const v1::Element row = Find(settings, "Airplane mode");
  v1::Action tap;
  tap.mutable_click()->mutable_target()->mutable_point()->set_x(row.box().x() + 5);
  tap.mutable_click()->mutable_target()->mutable_point()->set_y(row.box().y() + 5);
  const ActResult result = Act(tap);
  EXPECT_EQ(Setting("global", "airplane_mode_on"), "1");
  EXPECT_EQ(result.target_element->mark(), row.mark());
}

TEST_F(ActionsTest, ADoubleTapIsQuickEnough) {
  const v1::Observation notes = ResetIn("com.proctor.notes/.Notes");
  v1::Action twice = TapOn(notes, "Buy milk");
  twice.mutable_click()->set_count(2);
  EXPECT_NE(Find(Done(twice), "* Buy milk").mark(), 0);
  v1::Action once = TapOn(Reset(), "Settings");
  once.mutable_click()->set_count(1);
  Done(once);
}

TEST_F(ActionsTest, ALongPressOpensWhatATapDoesNot) {
  const v1::Observation notes = ResetIn("com.proctor.notes/.Notes");
  v1::Action press;
  press.mutable_long_press()->mutable_target()->set_mark(Find(notes, "Buy milk").mark());
  const v1::Observation dialog = Done(press);
  EXPECT_NE(Find(dialog, "Delete").mark(), 0);
  const v1::Observation after = Done(TapOn(dialog, "Delete"));
  EXPECT_EQ(Find(after, "Buy milk").mark(), 0);
  EXPECT_NE(Find(after, "Call the plumber").mark(), 0);
}

TEST_F(ActionsTest, ScrollingDownShowsWhatIsBelowAndMarksStay) {
  const v1::Observation settings = ResetIn(kSettings);
  const int list = Find(settings, "list").mark();
  const v1::Element battery = Find(settings, "Battery saver");
  v1::Action scroll;
  scroll.mutable_scroll()->mutable_target()->set_mark(list);
  scroll.mutable_scroll()->set_delta_y(100);
  const ActResult result = Act(scroll);
  const v1::Element moved = Find(result.observation, "Battery saver");
  EXPECT_EQ(moved.mark(), battery.mark());
  EXPECT_EQ(moved.box().y(), battery.box().y() - 100);
  EXPECT_TRUE(result.release_point.has_value());
  EXPECT_GT(result.target_point->y(), result.release_point->y() - 1);
  scroll.mutable_scroll()->set_delta_y(-100);
  EXPECT_EQ(Find(Done(scroll), "Battery saver").box().y(), battery.box().y());
  // Without a distance: two thirds of the screen, in as many strokes as it takes.
  scroll.mutable_scroll()->Clear();
  const v1::Observation bottom = Done(scroll);
  EXPECT_NE(Find(bottom, "Developer options").mark(), 0);
  EXPECT_EQ(Find(bottom, "list").mark(), list);
}

TEST_F(ActionsTest, ASwipeMovesWhatIsUnderTheFinger) {
  const v1::Observation settings = ResetIn(kSettings);
  const double before = Find(settings, "Battery saver").box().y();
  v1::Action swipe;
  swipe.mutable_swipe()->mutable_from()->mutable_point()->set_x(180);
  swipe.mutable_swipe()->mutable_from()->mutable_point()->set_y(500);
  swipe.mutable_swipe()->mutable_to()->mutable_point()->set_x(180);
  swipe.mutable_swipe()->mutable_to()->mutable_point()->set_y(420);
  const ActResult result = Act(swipe);
  EXPECT_EQ(Find(result.observation, "Battery saver").box().y(), before - 80);
  EXPECT_EQ(result.target_point->y(), 500);
  EXPECT_EQ(result.release_point->y(), 420);
}

TEST_F(ActionsTest, TypesIntoAFieldByItsMark) {
  const v1::Observation editor = NewContact();
  const v1::Observation typed = Done(TypeInto(Find(editor, "name").mark(), "Edsger 'W' $(touch /tmp/x) `id` %s \"Dijkstra\""));
  EXPECT_EQ(Field(kNameField), "Edsger 'W' $(touch /tmp/x) `id` %s \"Dijkstra\"");
  EXPECT_EQ(Find(typed, "name").mark(), Find(editor, "name").mark());
  EXPECT_EQ(lab_->device().files().size(), 0u);
  v1::Action clear = TypeInto(Find(typed, "name").mark(), "Edsger");
  clear.mutable_type()->set_clear(true);
  clear.mutable_type()->set_submit(true);
  Done(clear);
  bool saved = false;
  lab_->device().With([&](fake::Phone& phone) { saved = phone.contacts().back().name == "Edsger"; });
  EXPECT_TRUE(saved);
}

TEST_F(ActionsTest, TypesWhereTheFocusIs) {
  Done(TapOn(NewContact(), "phone"));
  Done(TypeInto(0, "555\t-x"));
  EXPECT_EQ(Field("com.android.contacts:id/phone"), "555");
  EXPECT_EQ(Field(kNameField), "-x");
}

TEST_F(ActionsTest, TextThatIsTooLongForTheStepsTimeIsTheAgentsErrorAndLeavesTimeToLook) {
  const v1::Observation editor = NewContact();
  // Less than what is kept for looking: one line is typed.
  const auto result = world_->Act(CallContext::WithTimeout(absl::Seconds(18)), TypeInto(Find(editor, "name").mark(), std::string(1200, 'x')), {});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_THAT(result->observation.action_error(), HasSubstr("Only a part"));
  EXPECT_EQ(Field(kNameField), std::string(500, 'x'));
}

TEST_F(ActionsTest, RefusesTextThatItCannotTypeBeforeItTouchesAnything) {
  const v1::Observation editor = NewContact();
  EXPECT_THAT(Refusal(TypeInto(Find(editor, "name").mark(), "Grüße")), HasSubstr("ADB_KEYBOARD"));
  EXPECT_EQ(Field(kNameField), "");
  EXPECT_THAT(Refusal(TypeInto(Find(editor, "Save").mark(), "x")), HasSubstr("disabled"));
  EXPECT_THAT(Refusal(TypeInto(Find(Done(TypeInto(Find(editor, "name").mark(), "a")), "Save").mark(), "x")), HasSubstr("editable"));
}

TEST_F(ActionsTest, PressesKeysAndButtons) {
  const v1::Observation editor = NewContact();
  Done(TypeInto(Find(editor, "name").mark(), "abc"));
  v1::Action keys;
  for (const char* chord : {"Backspace", "x", "Control+A", "Delete"}) keys.mutable_press_keys()->add_chords(chord);
  Done(keys);
  EXPECT_EQ(Field(kNameField), "abx");
  keys.mutable_press_keys()->clear_chords();
  keys.mutable_press_keys()->add_chords("NoSuchKey");
  EXPECT_THAT(Refusal(keys), HasSubstr("no key"));
  EXPECT_EQ(Done(Press(v1::DEVICE_BUTTON_HOME)).title(), "com.proctor.launcher/.Home");
  EXPECT_EQ(Done(Press(v1::DEVICE_BUTTON_RECENTS)).title(), "com.proctor.launcher/.Recents");
  EXPECT_EQ(Done(Press(v1::DEVICE_BUTTON_BACK)).title(), "com.proctor.launcher/.Home");
  EXPECT_THAT(Refusal(Press(v1::DEVICE_BUTTON_UNSPECIFIED)), HasSubstr("back, home"));
}

TEST_F(ActionsTest, OpensApplicationsByPackageByNameAndByLabel) {
  Reset();
  v1::Action open;
  for (const char* name : {"com.android.settings", "settings", " Settings "}) {
    open.mutable_open_app()->set_name(name);
    EXPECT_EQ(Done(open).title(), "com.android.settings/.Settings") << name;
  }
  open.mutable_open_app()->set_name("notes");
  EXPECT_EQ(Done(open).title(), "com.proctor.notes/.Notes");
  // Only the launcher calls it so; it stands in the list of all applications.
  open.mutable_open_app()->set_name("My Notes");
  EXPECT_EQ(Done(open).title(), "com.proctor.notes/.Notes");
}

TEST_F(ActionsTest, SaysWhatApplicationsThereAreNot) {
  Reset();
  v1::Action open;
  for (const char* name : {"com.example.missing", "Minesweeper", "a; touch /x", "$(id)", "../../x"}) {
    open.mutable_open_app()->set_name(name);
    EXPECT_THAT(Refusal(open), testing::AnyOf(HasSubstr("no application"), HasSubstr("not installed"))) << name;
  }
  EXPECT_TRUE(lab_->device().files().empty());
}

TEST_F(ActionsTest, SaysWhatTargetsCannotBeActedOn) {
  const v1::Observation editor = NewContact();
  EXPECT_THAT(Refusal(TapOn(editor, "Save")), HasSubstr("disabled"));
  v1::Action tap;
  tap.mutable_click()->mutable_target()->set_mark(4000);
  EXPECT_THAT(Refusal(tap), HasSubstr("no element with mark 4000"));
  tap.mutable_click()->mutable_target()->mutable_point()->set_x(360);
  EXPECT_THAT(Refusal(tap), HasSubstr("360 x 640"));
  tap.mutable_click()->mutable_target()->mutable_point()->set_x(std::numeric_limits<double>::quiet_NaN());
  EXPECT_THAT(Refusal(tap), HasSubstr("outside"));
  tap = TapOn(editor, "name");
  tap.mutable_click()->set_button(v1::MOUSE_BUTTON_RIGHT);
  EXPECT_THAT(Refusal(tap), HasSubstr("long_press"));
  v1::Action scroll;
  scroll.mutable_scroll()->set_delta_y(std::numeric_limits<double>::infinity());
  EXPECT_THAT(Refusal(scroll), HasSubstr("number"));
  // Off the screen now, though it was listed.
  const v1::Observation home = Done(Press(v1::DEVICE_BUTTON_HOME));
  EXPECT_EQ(Find(home, "name").mark(), 0);
  EXPECT_THAT(Refusal(TapOn(editor, "name")), HasSubstr("no element"));
}

TEST_F(ActionsTest, AMarkIsFoundWhereItIsNowAndNotWhereItWas) {
  const v1::Observation settings = ResetIn(kSettings);
  const int mark = Find(settings, "Battery saver").mark();
  // Moved by something else than the agent, after it looked.
  lab_->device().With([](fake::Phone& phone) { phone.Swipe(180, 500, 180, 300, 300); });
  const auto seen = world_->Observe(Soon(), Parts({v1::OBSERVATION_PART_SCREENSHOT}));
  ASSERT_TRUE(seen.ok());
  v1::Action tap;
  tap.mutable_click()->mutable_target()->set_mark(mark);
  Done(tap);
  EXPECT_EQ(Setting("global", "low_power"), "1");
}

class TurnedTest : public WorldTest, public testing::WithParamInterface<int> {};

TEST_P(TurnedTest, MarksPointsAndPicturesFitTheScreenAsItIsTurned) {
  v1::AndroidStart start;
  start.add_setup()->set_start_activity(kSettings);
  start.add_setup()->set_rotate(GetParam());
  const v1::Observation seen =
      Reset(start, Parts({v1::OBSERVATION_PART_ELEMENTS, v1::OBSERVATION_PART_SCREENSHOT, v1::OBSERVATION_PART_DEVICE}));
  const bool lying = GetParam() % 2 != 0;
  EXPECT_EQ(seen.viewport().width(), lying ? 640 : 360);
  EXPECT_EQ(seen.screenshot().width_px(), seen.viewport().width());
  EXPECT_EQ(seen.screenshot().height_px(), seen.viewport().height());
  EXPECT_EQ(seen.device().orientation(), v1::ORIENTATION_NATURAL + GetParam());
  Done(TapOn(seen, "Wi-Fi"));
  EXPECT_EQ(Setting("global", "wifi_on"), "0");
  // The right edge of the row is where no upright screen has pixels.
  v1::Action tap;
  tap.mutable_click()->mutable_target()->mutable_point()->set_x(seen.viewport().width() - 1);
  tap.mutable_click()->mutable_target()->mutable_point()->set_y(Find(seen, "Airplane mode").box().y() + 1);
  Done(tap);
  EXPECT_EQ(Setting("global", "airplane_mode_on"), "1");
  v1::Action outside;
  outside.mutable_click()->mutable_target()->mutable_point()->set_x(seen.viewport().width());
  Refusal(outside);
  // Looks without a picture know it, too.
  EXPECT_EQ(world_->Observe(Soon(), {})->viewport().width(), seen.viewport().width());
  world_->EndEpisode();
  EXPECT_EQ(Setting("system", "accelerometer_rotation"), "1");
  EXPECT_EQ(Setting("system", "user_rotation"), "0");
}

INSTANTIATE_TEST_SUITE_P(Orientations, TurnedTest, testing::Range(0, 4));

class KeyboardTest : public WorldTest {
 protected:
  void SetUp() override {
    v1::AndroidSettings settings;
    settings.set_text_method(v1::ANDROID_TEXT_METHOD_ADB_KEYBOARD);
    SetUpLab({}, settings);
  }
};

TEST_F(KeyboardTest, TypesAnyUnicodeAndPutsTheInputMethodBack) {
  const v1::Observation contacts = ResetIn("com.android.contacts/.Contacts");
  EXPECT_EQ(Setting("secure", "default_input_method"), "com.android.adbkeyboard/.AdbIME");
  const v1::Observation editor = Done(TapOn(contacts, "Add contact"));
  const std::string text = "Grüße, 日本語 🙂 $(id) '\"";
  const v1::Observation typed = Done(TypeInto(Find(editor, "name").mark(), text));
  EXPECT_EQ(Find(typed, "name").value(), text);
  v1::Action again = TypeInto(Find(editor, "name").mark(), "й");
  again.mutable_type()->set_clear(true);
  Done(again);
  EXPECT_EQ(Field(kNameField), "й");
  world_->EndEpisode();
  EXPECT_EQ(Setting("secure", "default_input_method"), "com.android.inputmethod.latin/.LatinIME");
}

TEST_F(KeyboardTest, TheInputMethodIsPutBackAfterTheDeviceWasLost) {
  Reset();
  lab_->device().adbd().Drop();
  EXPECT_FALSE(world_->Act(Soon(), Press(v1::DEVICE_BUTTON_HOME), {}).ok());
  world_->EndEpisode();
  EXPECT_EQ(Setting("secure", "default_input_method"), "com.android.adbkeyboard/.AdbIME");
  Reset();
  world_->EndEpisode();
  EXPECT_EQ(Setting("secure", "default_input_method"), "com.android.inputmethod.latin/.LatinIME");
}

class NoKeyboardTest : public WorldTest {
 protected:
  void SetUp() override {
    LabOptions options;
    options.phone.keyboard = false;
    v1::AndroidSettings settings;
    settings.set_text_method(v1::ANDROID_TEXT_METHOD_ADB_KEYBOARD);
    SetUpLab(std::move(options), settings);
  }
};

TEST_F(NoKeyboardTest, RefusesTheEpisodeWithWhatMendsIt) {
  const auto refused = TryReset({});
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(refused.status().message()), HasSubstr("install ADBKeyBoard"));
}

class OldAndroidTest : public WorldTest {
 protected:
  void SetUp() override {
    LabOptions options;
    options.phone.api_level = 28;
    SetUpLab(std::move(options));
  }
};

TEST_F(OldAndroidTest, ClearsFieldsWithoutKeyCombinations) {
  const v1::Observation editor = Done(TapOn(ResetIn("com.android.contacts/.Contacts"), "Add contact"));
  Done(TypeInto(Find(editor, "name").mark(), "something longer"));
  v1::Action again = TypeInto(Find(editor, "name").mark(), "short");
  again.mutable_type()->set_clear(true);
  Done(again);
  EXPECT_EQ(Field(kNameField), "short");
}

}  // namespace
}  // namespace proctor::env::android
