// What tasks ask of the device before the first observation, what ends their episodes, and what is left afterwards.
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/proto_time.h"
#include "tests/env/android/world_fixture.h"

namespace proctor::env::android {
namespace {

using testing::HasSubstr;

class StartStateTest : public WorldTest {
 protected:
  std::string Refused(const v1::AndroidStart& start, absl::StatusCode code = absl::StatusCode::kUnavailable) {
    const auto result = TryReset(start);
    EXPECT_EQ(result.status().code(), code) << result.status();
    return std::string(result.status().message());
  }
};

// A ustar archive of one file.
std::string Tar(const std::string& name, const std::string& content) {
  std::string head = name;
  head.resize(100, '\0');
  absl::StrAppend(&head, absl::StrFormat("%07o", 0600), std::string(1, '\0'));
  head.resize(124, '\0');
  absl::StrAppend(&head, absl::StrFormat("%011o", content.size()), std::string(1, '\0'));
  head.resize(156, '\0');
  head += '0';
  head.resize(512, '\0');
  std::string out = head + content;
  out.resize((out.size() + 511) / 512 * 512 + 1024, '\0');
  return out;
}

TEST_F(StartStateTest, DoesTheStepsInOrderAndWaitsForTheirConditions) {
  v1::AndroidStart start;
  v1::AndroidSetting* setting = start.add_setup()->mutable_set_setting();
  setting->set_namespace_("global");
  setting->set_key("wifi_on");
  setting->set_value("it's $(id)");
  v1::AndroidFile* file = start.add_setup()->mutable_push_file();
  file->set_path("/sdcard/note.txt");
  file->set_content("hello");
  start.add_setup()->set_clear_data("com.android.contacts");
  start.add_setup()->set_shell("log -t Setup ready && echo done");
  start.mutable_setup(3)->add_until()->set_log_regex("Setup: ready");
  v1::AndroidSetupStep* open = start.add_setup();
  open->set_start_activity("com.android.contacts");
  open->add_until()->set_activity_regex("com\\.android\\.contacts/.*");
  open->add_until()->set_installed("com.android.contacts");
  open->add_until()->set_shell("true");
  open->add_until()->set_element_text("Add contact");
  start.add_setup()->mutable_sleep()->set_nanos(1'000'000);
  const v1::Observation seen = Reset(start);
  EXPECT_EQ(seen.title(), "com.android.contacts/.Contacts");
  EXPECT_EQ(Setting("global", "wifi_on"), "it's $(id)");
  EXPECT_EQ(lab_->device().files(), std::vector<std::string>{"/sdcard/note.txt"});
  lab_->device().With([](fake::Phone& phone) { EXPECT_TRUE(phone.contacts().empty()); });
  start.Clear();
  start.add_setup()->set_force_stop("com.android.contacts");
  start.add_setup()->set_press_home(true);
  EXPECT_EQ(Reset(start).title(), "com.proctor.launcher/.Home");
}

TEST_F(StartStateTest, AFailedStepRefusesTheEpisodeAndNamesItself) {
  v1::AndroidStart start;
  start.add_setup()->set_press_home(true);
  start.add_setup()->set_shell("echo because >&2; false");
  EXPECT_THAT(Refused(start), testing::AllOf(HasSubstr("setup[1]"), HasSubstr("because")));
  start.mutable_setup(1)->set_start_activity("com.missing/.Activity");
  EXPECT_THAT(Refused(start), HasSubstr("does not exist"));
  start.mutable_setup(1)->set_clear_data("com.missing");
  EXPECT_THAT(Refused(start), HasSubstr("Failed"));
  start.mutable_setup(1)->set_press_home(true);
  start.mutable_setup(1)->mutable_timeout()->set_seconds(3);
  start.mutable_setup(1)->add_until()->set_activity_regex("never");
  EXPECT_THAT(Refused(start), HasSubstr("in front is com.proctor.launcher/.Home"));
  Reset();  // The session goes on.
}

TEST_F(StartStateTest, AStepIsDoneAgainUntilItWorks) {
  v1::AndroidStart start;
  v1::AndroidSetupStep* step = start.add_setup();
  // The first time there is no such file, and the second time there is.
  step->set_shell("touch /sdcard/flag$(cat /sdcard/flag); echo x > /sdcard/flag; cat /sdcard/flagx");
  step->set_retries(1);
  Reset(start);
  v1::AndroidStart never;
  never.add_setup()->set_shell("log -t Tried again; false");
  never.mutable_setup(0)->set_retries(2);
  Refused(never);
  int tries = 0;
  lab_->device().With([&](fake::Phone& phone) {
    for (const auto& line : phone.log()) tries += line.tag == "Tried" ? 1 : 0;
  });
  EXPECT_EQ(tries, 3);
}

TEST_F(StartStateTest, RefusesWhatIsNotAPhones) {
  v1::Task task;
  task.mutable_start_state()->set_start_url("http://example.com/");
  EXPECT_EQ(world_->Reset(Soon(), {task, 0}, {}).status().code(), absl::StatusCode::kInvalidArgument);
  v1::AndroidStart start;
  start.add_setup();
  EXPECT_THAT(Refused(start, absl::StatusCode::kInvalidArgument), HasSubstr("setup[0]"));
}

TEST_F(StartStateTest, SetsTheClock) {
  v1::AndroidStart start;
  start.mutable_clock()->set_seconds(1'697'000'000);
  const v1::Observation seen = Reset(start, Parts({v1::OBSERVATION_PART_DEVICE}));
  EXPECT_NEAR(static_cast<double>(seen.device().device_time().seconds()), 1'697'000'000, 60);
  EXPECT_EQ(seen.device().time_zone(), "Europe/Berlin");
  EXPECT_EQ(seen.device().battery_percent(), 87);
  EXPECT_FALSE(seen.device().keyboard_shown());
  EXPECT_EQ(Setting("global", "auto_time"), "0");
  world_->EndEpisode();
  EXPECT_EQ(Setting("global", "auto_time"), "1");
  lab_->device().With([](fake::Phone& phone) { EXPECT_LT(absl::AbsDuration(phone.clock_offset()), absl::Minutes(1)); });
}

TEST_F(StartStateTest, UnpacksSnapshotsAsRoot) {
  v1::AndroidStart start;
  v1::AndroidAppSnapshot* snapshot = start.add_snapshots();
  snapshot->set_package("com.proctor.notes");
  snapshot->set_archive(Tar("files/profile.json", "{\"user\": \"ada\"}"));
  Reset(start);
  EXPECT_TRUE(lab_->device().files().empty()) << "the archive was left on the device";
  v1::EvidenceRequest request;
  request.mutable_file()->set_path("/data/data/com.proctor.notes/files/profile.json");
  EXPECT_THAT(Collect(request).json_values(0), HasSubstr(R"({\"user\": \"ada\"})"));
}

class NoRootTest : public StartStateTest {
 protected:
  void SetUp() override {
    LabOptions options;
    options.phone.root = false;
    SetUpLab(std::move(options));
  }
};

TEST_F(NoRootTest, WhatNeedsRootRefusesTheEpisode) {
  v1::AndroidStart clock;
  clock.mutable_clock()->set_seconds(1'697'000'000);
  EXPECT_THAT(Refused(clock), HasSubstr("no root"));
  v1::AndroidStart snapshot;
  snapshot.add_snapshots()->set_package("com.proctor.notes");
  snapshot.mutable_snapshots(0)->set_archive(Tar("a", "b"));
  EXPECT_THAT(Refused(snapshot), HasSubstr("snapshots[0]"));
  EXPECT_TRUE(lab_->device().files().empty());
  Reset();
  v1::EvidenceRequest request;
  request.mutable_sqlite_query()->set_path("/data/data/com.proctor.notes/databases/notes.db");
  request.mutable_sqlite_query()->set_query("SELECT 1");
  EXPECT_THAT(Collect(request).error(), HasSubstr("denied"));
}

TEST_F(StartStateTest, LeavingTheExpectedActivityForLongerThanAStepEndsTheEpisode) {
  v1::AndroidStart start;
  start.add_setup()->set_start_activity("com.android.contacts");
  start.set_expected_activity("com\\.android\\.contacts/.*");
  const v1::Observation contacts = Reset(start);
  // Within the application.
  EXPECT_EQ(Act(TapOn(contacts, "Add contact")).world_end, v1::END_REASON_UNSPECIFIED);
  // Out of it for one step, and back.
  EXPECT_EQ(Act(Press(v1::DEVICE_BUTTON_HOME)).world_end, v1::END_REASON_UNSPECIFIED);
  v1::Action open;
  open.mutable_open_app()->set_name("com.android.contacts");
  EXPECT_EQ(Act(open).world_end, v1::END_REASON_UNSPECIFIED);
  // Out for two.
  EXPECT_EQ(Act(Press(v1::DEVICE_BUTTON_HOME)).world_end, v1::END_REASON_UNSPECIFIED);
  // A look is no step.
  ASSERT_TRUE(world_->Observe(Soon(), {}).ok());
  EXPECT_EQ(world_->Idle(Soon(), {})->world_end, v1::END_REASON_LEFT_APP);
}

TEST_F(StartStateTest, ADeviceThatDoesNotSayWhatIsInFrontHasNotLeftTheExpectedActivity) {
  v1::AndroidStart start;
  start.add_setup()->set_start_activity("com.android.contacts");
  start.set_expected_activity("com\\.android\\.contacts/.*");
  Reset(start);
  lab_->device().SetFaults([](fake::Faults& faults) { faults.missing_services = {"activity", "window"}; });
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Act(Press(v1::DEVICE_BUTTON_HOME)).world_end, v1::END_REASON_UNSPECIFIED);
  // One that says nothing at all is not up.
  lab_->device().SetFaults([](fake::Faults& faults) { faults.missing_services.insert("display"); });
  EXPECT_EQ(world_->Act(Soon(), Press(v1::DEVICE_BUTTON_HOME), {}).status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(StartStateTest, WhatIsExpectedMustBeInFrontAtTheStart) {
  v1::AndroidStart start;
  start.add_setup()->set_shell("log -t T never");
  start.set_expected_activity("com\\.proctor\\.launcher/\\.Home");
  Reset(start);
}

TEST_F(StartStateTest, ALineOfTheLogEndsTheEpisode) {
  lab_->device().With([](fake::Phone& phone) { phone.Log("I", "Notes", "saved note 99"); });
  v1::AndroidStart start;
  start.add_setup()->set_start_activity("com.proctor.notes");
  start.set_end_log_regex("Notes: saved note \\d+");
  start.add_log_filters("Notes:I");
  const v1::Observation notes = Reset(start);
  const ActResult editor = Act(TapOn(notes, "New note"));
  EXPECT_EQ(editor.world_end, v1::END_REASON_UNSPECIFIED) << "a line from before the start counted";
  Act(TypeInto(Find(editor.observation, "text").mark(), "Water the plants"));
  EXPECT_EQ(Act(TapOn(editor.observation, "Save")).world_end, v1::END_REASON_WORLD_ENDED);
}

TEST_F(StartStateTest, OnceTheLogLostTheStartOnlyLinesThatCameLaterEndTheEpisode) {
  // Of an earlier episode, in a buffer that keeps it for longer.
  lab_->device().With([](fake::Phone& phone) { phone.Log("I", "ActivityManager", "saved note 7"); });
  v1::AndroidStart start;
  start.set_end_log_regex("saved note");
  Reset(start);
  lab_->device().With([](fake::Phone& phone) {
    for (int i = 0; i < 6000; ++i) phone.Log("I", "Noise", "nothing");
  });
  EXPECT_EQ(Act(Press(v1::DEVICE_BUTTON_HOME)).world_end, v1::END_REASON_UNSPECIFIED);
  lab_->device().With([](fake::Phone& phone) { phone.Log("I", "Notes", "saved note 8"); });
  EXPECT_EQ(Act(Press(v1::DEVICE_BUTTON_HOME)).world_end, v1::END_REASON_WORLD_ENDED);
}

TEST_F(StartStateTest, TheLogIsReadFromTheStartWhateverTheClockDoes) {
  lab_->device().With([](fake::Phone& phone) { phone.Log("I", "Before", "no"); });
  Reset();
  lab_->device().With([](fake::Phone& phone) {
    phone.clock_offset() = -absl::Hours(5);
    phone.Log("I", "After", "yes");
  });
  v1::EvidenceRequest request;
  request.mutable_log_lines()->set_regex("(no|yes)");
  EXPECT_EQ(Collect(request).json_values(0), R"({"captures":[["yes"]],"lines":["I/After: yes"],"sum":0.0})");
}

TEST_F(StartStateTest, AppsOfTheEpisodeAreStoppedAndHomeIsInFront) {
  Done(TapOn(ResetIn("com.android.contacts"), "Add contact"));
  v1::Action open;
  open.mutable_open_app()->set_name("com.android.settings");
  Done(open);
  world_->EndEpisode();
  lab_->device().With([](fake::Phone& phone) {
    EXPECT_TRUE(phone.running().empty());
    EXPECT_EQ(phone.Activity(), "com.proctor.launcher/.Home");
  });
  EXPECT_TRUE(lab_->device().files().empty());
}

}  // namespace
}  // namespace proctor::env::android
