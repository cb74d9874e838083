// Devices that come, go and are shared; the adb server that dies.
#include <dirent.h>
#include <signal.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/proto_time.h"
#include "tests/env/android/world_fixture.h"
#include "tests/env/fakes.h"
#include "tests/server/comes.h"

namespace proctor::env::android {
namespace {

using testing::HasSubstr;

std::string Contents(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// This process's children whose command line holds `text`.
std::set<pid_t> Children(const std::string& text) {
  std::set<pid_t> out;
  DIR* proc = opendir("/proc");
  while (const dirent* entry = readdir(proc)) {
    int pid = 0, parent = 0;
    if (!absl::SimpleAtoi(entry->d_name, &pid)) continue;
    const std::string stat = Contents(absl::StrCat("/proc/", pid, "/stat"));
    // "pid (name) state parent ...", and names may hold anything.
    const size_t name_end = stat.rfind(") ");
    if (name_end == std::string::npos || std::sscanf(stat.c_str() + name_end + 4, "%d", &parent) != 1 || parent != getpid()) continue;
    if (absl::StrContains(Contents(absl::StrCat("/proc/", pid, "/cmdline")), text)) out.insert(pid);
  }
  closedir(proc);
  return out;
}

int OpenDescriptors() {
  int count = 0;
  DIR* folder = opendir("/proc/self/fd");
  while (readdir(folder) != nullptr) ++count;
  closedir(folder);
  return count;
}

class PoolTest : public WorldTest {
 protected:
  // Tests make their own lab.
  void SetUp() override {}
  // False: skip, with kNoAdb.
  bool Make(LabOptions options) {
    if (FindAdb().empty()) return false;
    lab_ = std::make_unique<Lab>(std::move(options));
    EXPECT_TRUE(lab_->ok()) << lab_->problem();
    return lab_->ok();
  }
  static LabOptions Devices(int count) {
    LabOptions options;
    options.devices = count;
    options.config.mutable_device_wait()->set_seconds(30);
    return options;
  }
  absl::Status OpenStatus(const std::string& serial = "") {
    v1::EnvironmentSettings settings;
    settings.mutable_android()->set_serial(serial);
    return lab_->environment().Open(Soon(), settings).status();
  }
  static absl::StatusOr<ResetResult> ResetOf(World& world) { return world.Reset(Soon(), {}, Elements()); }
};

TEST_F(PoolTest, LeasesEachDeviceToOneSession) {
  if (!Make(Devices(2))) GTEST_SKIP() << kNoAdb;
  EXPECT_EQ(OpenStatus("nobody").code(), absl::StatusCode::kUnavailable);
  v1::AndroidSettings settings;
  settings.set_serial(lab_->device(1).serial());
  auto second = lab_->Open(settings);
  EXPECT_EQ(OpenStatus(lab_->device(1).serial()).code(), absl::StatusCode::kResourceExhausted);
  auto first = lab_->Open();
  EXPECT_EQ(OpenStatus().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(lab_->environment().Describe().available());
  second.reset();
  EXPECT_TRUE(OpenStatus().ok());
}

TEST_F(PoolTest, OnlyConfiguredSerialsAreLeased) {
  LabOptions options = Devices(1);
  options.config.add_serials("127.0.0.1:1");
  options.config.set_adb_path(FindAdb());
  if (FindAdb().empty()) GTEST_SKIP() << kNoAdb;
  // The lab waits for devices in vain: there is none that may be leased.
  AndroidEnvironment::Options environment;
  environment.config = options.config;
  TemporaryFolder home;
  environment.adb_home = home.path();
  environment.config.set_adb_server(absl::StrCat("127.0.0.1:", FreePort()));
  auto made = AndroidEnvironment::Create(environment);
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ((*made)->AwaitDevices(CallContext::WithTimeout(absl::Milliseconds(500)), 1).code(), absl::StatusCode::kDeadlineExceeded);
  v1::EnvironmentSettings settings;
  settings.mutable_android()->set_serial("emulator-5554");
  EXPECT_EQ((*made)->Open(Soon(), settings).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_FALSE((*made)->Describe().available());
}

TEST(AndroidEnvironmentTest, SaysWhatIsMissing) {
  AndroidEnvironment::Options options;
  options.config.set_adb_server("127.0.0.1:1");
  options.config.set_adb_path("/no/such/adb");
  auto made = AndroidEnvironment::Create(options);
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ((*made)->Open(Soon(), {}).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_FALSE((*made)->Describe().available());
  EXPECT_THAT((*made)->Describe().unavailable_reason(), HasSubstr("/no/such/adb"));
  EXPECT_GT((*made)->Describe().capabilities().actions_size(), 0);
  options.config.set_adb_server("nonsense");
  EXPECT_EQ(AndroidEnvironment::Create(options).status().code(), absl::StatusCode::kInvalidArgument);
}

// The first of four devices is lost while its session acts: the others notice nothing.
TEST_F(PoolTest, ALostDeviceInterruptsItsOwnEpisodeOnly) {
  if (!Make(Devices(4))) GTEST_SKIP() << kNoAdb;
  SessionFixture sessions(SystemClock());
  sessions.manager().Register("android", lab_->environment(), 4);
  std::vector<std::string> names;
  std::vector<v1::EpisodeStart> starts;
  for (int i = 0; i < 4; ++i) {
    v1::CreateSessionRequest create;
    create.set_environment("environments/android");
    create.mutable_settings()->mutable_android()->set_serial(lab_->device(i).serial());
    *create.mutable_settings()->mutable_android()->mutable_settle_still() = ToProto(absl::Milliseconds(50));
    const auto session = sessions.Create(create);
    ASSERT_TRUE(session.ok()) << session.status();
    names.push_back(session->name());
    v1::StartEpisodeRequest start;
    start.set_session(names.back());
    start.mutable_inline_task()->set_goal("Open the settings.");
    start.mutable_observation()->add_parts(v1::OBSERVATION_PART_ELEMENTS);
    const auto started = sessions.Start(start);
    ASSERT_TRUE(started.ok()) << started.status();
    starts.push_back(*started);
  }
  lab_->device(0).SetFaults([](fake::Faults& faults) { faults.drop_at = "input tap"; });
  std::vector<v1::StepResponse> responses(4);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      v1::StepRequest step;
      step.set_session(names[i]);
      *step.mutable_action() = TapOn(starts[i].observation(), "Settings");
      const auto response = sessions.Step(step);
      if (response.ok()) responses[i] = *response;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(responses[0].interrupted());
  EXPECT_EQ(responses[0].episode().end_reason(), v1::END_REASON_WORLD_FAULT);
  for (int i = 1; i < 4; ++i) {
    EXPECT_FALSE(responses[i].interrupted());
    EXPECT_EQ(responses[i].observation().title(), "com.android.settings/.Settings");
  }
  // The device is back, and with it the session.
  v1::StartEpisodeRequest again;
  again.set_session(names[0]);
  again.mutable_inline_task()->set_goal("Open the settings.");
  const auto restarted = sessions.Start(again);
  EXPECT_TRUE(restarted.ok()) << restarted.status();
}

TEST_F(PoolTest, ADeviceThatRebootsIsWaitedFor) {
  if (!Make(Devices(1))) GTEST_SKIP() << kNoAdb;
  world_ = lab_->Open();
  const v1::Observation start = Reset();
  Done(TapOn(start, "Settings"));
  lab_->device().Reboot();
  // However soon it is back, this is no longer the episode's device.
  EXPECT_EQ(world_->Act(Soon(), Press(v1::DEVICE_BUTTON_BACK), {}).status().code(), absl::StatusCode::kUnavailable);
  std::thread booting([this] {
    // Listed, but still starting for a while.
    EXPECT_TRUE(Comes([this] { return lab_->device().adbd().connection_count() > 0; }));
    absl::SleepFor(absl::Milliseconds(300));
    lab_->device().FinishBoot();
  });
  EXPECT_EQ(Reset().title(), "com.proctor.launcher/.Home");
  booting.join();
}

TEST_F(PoolTest, ADeviceThatStaysAwayIsToldAfterTheWait) {
  LabOptions options = Devices(1);
  options.config.mutable_device_wait()->set_seconds(0);
  options.config.mutable_device_wait()->set_nanos(300'000'000);
  if (!Make(options)) GTEST_SKIP() << kNoAdb;
  world_ = lab_->Open();
  Reset();
  lab_->device().adbd().GoOffline();
  EXPECT_FALSE(world_->Act(Soon(), Press(v1::DEVICE_BUTTON_HOME), {}).ok());
  const auto refused = ResetOf(*world_);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(refused.status().message()), HasSubstr("did not come back within 300ms"));
  lab_->device().adbd().GoOnline();
  ASSERT_TRUE(lab_->environment().AwaitDevices(Soon(), 1).ok());
  absl::StatusOr<ResetResult> back = ResetOf(*world_);
  for (int i = 0; i < 100 && !back.ok(); ++i) back = ResetOf(*world_);
  EXPECT_TRUE(back.ok()) << back.status();
}

TEST_F(PoolTest, TheNextSessionPutsBackWhatTheLastOneCouldNot) {
  if (!Make(Devices(1))) GTEST_SKIP() << kNoAdb;
  v1::AndroidSettings settings;
  settings.set_text_method(v1::ANDROID_TEXT_METHOD_ADB_KEYBOARD);
  world_ = lab_->Open(settings);
  v1::AndroidStart start;
  start.add_setup()->set_rotate(1);
  Reset(start);
  lab_->device().adbd().GoOffline();
  world_.reset();
  ASSERT_TRUE(Comes([this] { return !lab_->environment().Describe().available(); }));
  EXPECT_EQ(Setting("secure", "default_input_method"), "com.android.adbkeyboard/.AdbIME");
  lab_->device().adbd().GoOnline();
  ASSERT_TRUE(lab_->environment().AwaitDevices(Soon(), 1).ok());
  world_ = lab_->Open();
  absl::StatusOr<ResetResult> back = ResetOf(*world_);
  for (int i = 0; i < 100 && !back.ok(); ++i) back = ResetOf(*world_);
  EXPECT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(Setting("secure", "default_input_method"), "com.android.inputmethod.latin/.LatinIME");
  EXPECT_EQ(Setting("system", "accelerometer_rotation"), "1");
}

TEST_F(PoolTest, AnAdbServerThatDiesIsStartedAgain) {
  if (!Make(Devices(2))) GTEST_SKIP() << kNoAdb;
  world_ = lab_->Open();
  Reset();
  const std::set<pid_t> servers = Children("nodaemon");
  ASSERT_EQ(servers.size(), 1u);
  kill(*servers.begin(), SIGKILL);
  EXPECT_EQ(world_->Act(Soon(), Press(v1::DEVICE_BUTTON_HOME), {}).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(Reset().title(), "com.proctor.launcher/.Home");
  EXPECT_NE(Children("nodaemon"), servers);
  world_.reset();
  lab_->CloseEnvironment();
  EXPECT_TRUE(Children("nodaemon").empty());
}

TEST_F(PoolTest, AServerThatRanAlreadyIsLeftAlone) {
  if (!Make(Devices(1))) GTEST_SKIP() << kNoAdb;
  LabOptions other;
  other.config.set_adb_server(lab_->server().text());
  {
    Lab second(std::move(other));
    ASSERT_TRUE(second.ok()) << second.problem();
    EXPECT_EQ(Children("nodaemon").size(), 1u);
  }
  EXPECT_EQ(Children("nodaemon").size(), 1u);
  EXPECT_TRUE(lab_->environment().Describe().available());
  EXPECT_TRUE(AdbClient(lab_->server()).Version(Soon()).ok());
}

// PROCTOR_ANDROID_SESSIONS: how many; each with an episode that opens an application and types.
TEST_F(PoolTest, ManySessionsLeaveNothingBehind) {
  if (!Make(Devices(4))) GTEST_SKIP() << kNoAdb;
  int sessions = 200;
  if (const char* given = std::getenv("PROCTOR_ANDROID_SESSIONS"); given != nullptr) sessions = std::atoi(given);
  const auto run = [this](int count) {
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([this, count, t] {
        for (int i = t; i < count; i += 4) {
          auto world = lab_->Open();
          v1::Task task;
          task.mutable_start_state()->mutable_android()->add_setup()->set_start_activity("com.android.contacts");
          auto start = world->Reset(Soon(), {task, 0}, Elements());
          ASSERT_TRUE(start.ok()) << start.status();
          auto editor = world->Act(Soon(), TapOn(start->observation, "Add contact"), Elements());
          ASSERT_TRUE(editor.ok()) << editor.status();
          v1::EvidenceRequest rows;
          rows.mutable_sqlite_query()->set_path("/data/data/com.proctor.notes/databases/notes.db");
          rows.mutable_sqlite_query()->set_query("SELECT count(*) FROM notes");
          EXPECT_EQ(world->Collect(Soon(), {rows})[0].error(), "");
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  };
  run(4);
  const int descriptors = OpenDescriptors();
  const std::set<pid_t> processes = Children("");
  run(sessions);
  // Connections that are just closing are given their time.
  for (int i = 0; i < 200 && OpenDescriptors() > descriptors; ++i) absl::SleepFor(absl::Milliseconds(25));
  EXPECT_LE(OpenDescriptors(), descriptors);
  EXPECT_EQ(Children(""), processes);
  EXPECT_EQ(lab_->scratch_folder().entry_count(), 0);
  for (int i = 0; i < 4; ++i) {
    EXPECT_TRUE(lab_->device(i).files().empty());
    lab_->device(i).With([](fake::Phone& phone) { EXPECT_TRUE(phone.running().empty()); });
  }
  const std::string forwards = absl::StrCat(FindAdb(), " -P ", lab_->server().port, " forward --list 2>&1");
  FILE* pipe = popen(forwards.c_str(), "r");
  char line[1000] = "";
  const size_t got = fread(line, 1, sizeof line - 1, pipe);
  EXPECT_EQ(pclose(pipe), 0);
  EXPECT_EQ(std::string(line, got).find("tcp:"), std::string::npos) << line;
}

}  // namespace
}  // namespace proctor::env::android
