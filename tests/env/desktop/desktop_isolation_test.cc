// Walls: what a desktop cannot see, and that nothing of it is left.
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "env/desktop/live_desktop.h"
#include "tests/env/desktop/desktop_fixture.h"
#include "tests/env/desktop/fake_rfb_server.h"
#include "tests/env/killed_server.h"

namespace proctor::env::desktop {
namespace {

using testing::HasSubstr;
using testing::Not;

int64_t CountEntries(const std::string& path) {
  int64_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(path)) ++count;
  return count;
}

class DesktopIsolationTest : public DesktopWorldTest {
 protected:
  // Starts with commands by name; each runs in a shell.
  bool StartWith(const std::map<std::string, std::string>& scripts, v1::DesktopConfig config = {}) {
    for (const auto& [name, script] : scripts) {
      auto& command = (*config.mutable_evidence_commands())[name];
      for (const std::string& word : {std::string("bash"), std::string("-c"), script}) command.add_command(word);
    }
    return Start(std::move(config));
  }
  static std::string RunIn(World& world, const std::string& name) {
    v1::EvidenceRequest request;
    request.set_id("it");
    request.mutable_command()->set_name(name);
    const auto collected = world.Collect(AMinute(), {request});
    EXPECT_EQ(collected.at(0).error(), "");
    const auto value = collected.at(0).json_values_size() == 1 ? ParseJson(collected.at(0).json_values(0)) : Json();
    return value.ok() ? JsonStringOr(*value, "output") : "";
  }
  std::string Run(const std::string& name) { return RunIn(*world_, name); }
};

TEST_F(DesktopIsolationTest, HasNoNetwork) {
  const FakeRfbServer host([](RfbPeer& peer) { peer.Write("reached"); });
  const std::string script = absl::StrCat("(exec 3<>/dev/tcp/127.0.0.1/", host.port(), " && echo connected) 2>&1 || echo refused");
  if (!StartWith({{"connect", script}, {"interfaces", "grep -c : /proc/net/dev; grep -c : /proc/net/if_inet6; tail -n +2 /proc/net/route | wc -l"}})) {
    GTEST_SKIP() << MachineLacks();
  }
  Reset(TaskWith(""));
  EXPECT_THAT(Run("connect"), HasSubstr("refused"));
  EXPECT_THAT(Run("connect"), Not(HasSubstr("connected")));
  // Loopback is there, and down: no address, no route.
  EXPECT_EQ(Run("interfaces"), "1\n0\n0\n");
}

TEST_F(DesktopIsolationTest, HasTheMachinesNetworkIfConfigured) {
  const FakeRfbServer host([](RfbPeer& peer) { peer.Write("reached"); });
  v1::DesktopConfig config;
  config.set_network(true);
  const std::string script = absl::StrCat("exec 3<>/dev/tcp/127.0.0.1/", host.port(), " && head -c 7 <&3");
  if (!StartWith({{"connect", script}}, config)) GTEST_SKIP() << MachineLacks();
  Reset(TaskWith(""));
  EXPECT_EQ(Run("connect"), "reached");
}

TEST_F(DesktopIsolationTest, SeesNothingOfTheMachineButItsPrograms) {
  const TemporaryDirectory secrets;
  std::ofstream(secrets.path() + "/secret") << "secret";
  if (!StartWith({{"tmp", "ls -A /tmp | grep -v X11-unix"},
                  {"secret", absl::StrCat("cat ", secrets.path(), "/secret 2>&1")},
                  {"roots", "ls /"},
                  {"write", "for d in / /usr /etc /opt /usr/bin /var /dev /run /home; do touch $d/x 2>/dev/null && echo $d; done; echo end"},
                  {"user", "id -u; grep -E 'CapEff|CapPrm|NoNewPrivs' /proc/self/status | tr -d '\\n\\t'"},
                  {"processes", "ls -d /proc/[0-9]* | wc -l; tr '\\0' ' ' < /proc/1/cmdline; cat /proc/1/environ 2>&1; ls /proc/1/fd 2>&1"},
                  {"mount", "mount -t tmpfs x /home/user 2>&1; umount /usr 2>&1"},
                  {"devices", "mknod x c 1 3 2>&1; ls /dev"},
                  {"tasks", "grep 'Max processes' /proc/self/limits"},
                  {"host", "hostname; ipcs -m | grep -c 0x"}})) {
    GTEST_SKIP() << MachineLacks();
  }
  Reset(TaskWith(""));
  EXPECT_EQ(Run("tmp"), "");
  EXPECT_THAT(Run("secret"), HasSubstr("No such file"));
  const std::string roots = Run("roots");
  for (const char* path : {"root", "work", "srv", "mnt", "sys", "boot"}) EXPECT_THAT(roots, Not(HasSubstr(absl::StrCat(path, "\n")))) << roots;
  EXPECT_EQ(Run("write"), "end\n");
  EXPECT_THAT(Run("user"), Not(testing::StartsWith("0\n")));
  EXPECT_THAT(Run("user"), HasSubstr("CapPrm:0000000000000000CapEff:0000000000000000NoNewPrivs:1"));
  // The guest's own memory and sockets are closed to what runs beside it.
  const std::string processes = Run("processes");
  EXPECT_THAT(processes, HasSubstr("proctor-desktop-guest"));
  EXPECT_THAT(processes, HasSubstr("/proc/1/environ: Permission denied"));
  EXPECT_THAT(processes, HasSubstr("'/proc/1/fd': Permission denied"));
  EXPECT_LT(std::stoi(processes), 30);
  // Both limits: the soft one and the hard one. Where we are root, all desktops share them.
  EXPECT_THAT(Run("tasks"), testing::ContainsRegex(geteuid() == 0 ? "4096 +4096" : "1024 +1024"));
  EXPECT_THAT(Run("mount"), Not(HasSubstr("tmpfs on")));
  EXPECT_THAT(Run("devices"), Not(HasSubstr("vda")));
  EXPECT_THAT(Run("host"), testing::StartsWith("desktop\n"));
}

TEST_F(DesktopIsolationTest, TwoSessionsDoNotSeeOneAnother) {
  if (!StartWith({{"look", "ls /tmp; ls -d /proc/[0-9]* | wc -l; cat /home/user/note.txt; cat /proc/net/unix | wc -l"},
                  {"leave", "echo mine > /tmp/mine; echo mine > /dev/shm/mine"},
                  {"find", "ls /tmp/mine /dev/shm/mine 2>&1"},
                  {"names", "cat /proc/[0-9]*/comm"}})) {
    GTEST_SKIP() << MachineLacks();
  }
  const auto other = Open();
  ASSERT_NE(other, nullptr);
  Reset(TaskWith("editor", "note.txt", "first"));
  const auto second = other->Reset(AMinute(), {TaskWith("calculator", "", ""), 0}, Elements());
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(second->observation.windows_size(), 1);
  EXPECT_EQ(second->observation.windows(0).application(), "Galculator");
  Run("leave");
  EXPECT_EQ(Run("find"), "/dev/shm/mine\n/tmp/mine\n");
  EXPECT_THAT(RunIn(*other, "find"), HasSubstr("cannot access '/tmp/mine'"));
  EXPECT_THAT(RunIn(*other, "find"), HasSubstr("cannot access '/dev/shm/mine'"));
  EXPECT_THAT(RunIn(*other, "look"), Not(HasSubstr("first")));
  EXPECT_THAT(RunIn(*other, "names"), Not(HasSubstr("mousepad")));
  v1::Action set;
  set.mutable_set_clipboard()->set_text("first's");
  Do(set);
  v1::EvidenceRequest clipboard;
  clipboard.set_id("c");
  clipboard.mutable_clipboard();
  EXPECT_EQ(other->Collect(AMinute(), {clipboard}).at(0).json_values(0), "\"\"");
}

TEST_F(DesktopIsolationTest, AFaultIsTheWorldsAndTheNextEpisodeBegins) {
  if (!StartWith({{"kill", "kill -9 $(pidof Xvnc); sleep 60"}})) GTEST_SKIP() << MachineLacks();
  Reset(TaskWith("editor", "note.txt", "x"));
  v1::EvidenceRequest request;
  request.mutable_command()->set_name("kill");
  EXPECT_NE(Evidence(request).error(), "");
  v1::Action action;
  action.mutable_noop();
  EXPECT_TRUE(absl::IsUnavailable(world_->Act(AMinute(), action, {}).status()));
  EXPECT_TRUE(absl::IsUnavailable(world_->Observe(AMinute(), {}).status()));
  EXPECT_THAT(Reset(TaskWith("editor", "note.txt", "x")).title(), HasSubstr("note.txt"));
}

TEST_F(DesktopIsolationTest, KillingTheGuestIsAFaultToo) {
  if (!Start()) GTEST_SKIP() << MachineLacks();
  Reset(TaskWith("editor", "note.txt", "x"));
  for (const FamilyMember& process : Descendants()) {
    if (process.name.rfind("proctor-desktop", 0) == 0) kill(process.pid, SIGKILL);
  }
  v1::Action action;
  action.mutable_click()->mutable_target()->mutable_point()->set_x(5);
  EXPECT_TRUE(absl::IsUnavailable(world_->Act(AMinute(), action, {}).status()));
  EXPECT_THAT(Reset(TaskWith("editor", "note.txt", "x")).title(), HasSubstr("note.txt"));
}

TEST_F(DesktopIsolationTest, TwentySessionsLeaveNothing) {
  parts_ = DesktopParts::Make({}, /*prewarm=*/true);
  if (parts_ == nullptr) GTEST_SKIP() << MachineLacks();
  const auto run = [&] {
    const auto world = Open();
    ASSERT_NE(world, nullptr);
    const auto reset = world->Reset(AMinute(), {TaskWith("editor", "note.txt", "x"), 0}, Elements());
    EXPECT_TRUE(reset.ok()) << reset.status();
  };
  run();
  const int64_t descriptors = CountEntries("/proc/self/fd");
  const int64_t threads = CountEntries("/proc/self/task");
  for (int i = 0; i < 20; ++i) run();
  EXPECT_EQ(Descendants().size(), 0u);
  EXPECT_EQ(CountEntries(parts_->directory.path()), 0);
  EXPECT_LE(CountEntries("/proc/self/fd"), descriptors);
  // The pool may have grown to its size.
  EXPECT_LE(CountEntries("/proc/self/task"), threads + 4);
}

TEST_F(DesktopIsolationTest, LeavesTheMachinesDirectoriesAsTheyAre) {
  struct stat before[4] = {}, after[4] = {};
  const char* paths[] = {"/tmp", "/home", "/run", "/dev/shm"};
  for (int i = 0; i < 4; ++i) stat(paths[i], &before[i]);
  if (!Start()) GTEST_SKIP() << MachineLacks();
  Reset(TaskWith(""));
  for (int i = 0; i < 4; ++i) {
    stat(paths[i], &after[i]);
    EXPECT_EQ(before[i].st_mode, after[i].st_mode) << paths[i];
    EXPECT_EQ(before[i].st_uid, after[i].st_uid) << paths[i];
    EXPECT_EQ(before[i].st_dev, after[i].st_dev) << paths[i];
  }
}

// Processes whose command line names that.
int64_t ProcessesOf(const std::string& text) {
  int64_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    std::ifstream file(entry.path() / "cmdline", std::ios::binary);
    const std::string words((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    if (words.find(text) != std::string::npos) ++count;
  }
  return count;
}

TEST_F(DesktopIsolationTest, WithoutNamespacesItTidiesUpAllTheSame) {
  if (const std::string lacks = MachineLacks("programs"); !lacks.empty()) GTEST_SKIP() << lacks;
  const TemporaryDirectory directory;
  DesktopLauncher launcher;
  launcher.config = WithDefaults({}, geteuid() == 0);
  launcher.guest_executable = GuestExecutable();
  launcher.runtime_directory = directory.path();
  launcher.isolated = false;
  if (geteuid() == 0) launcher.user = *FindUser("nobody");
  ProcessSpawner spawner;
  const absl::Status probe = ProbeMachine(AMinute(), launcher, spawner);
  ASSERT_TRUE(probe.ok()) << probe;
  const auto settings = ResolveDesktopSettings(launcher.config, {});
  ASSERT_TRUE(settings.ok());
  {
    const auto desktop = LiveDesktop::Start(AMinute(), launcher, *settings, spawner);
    ASSERT_TRUE(desktop.ok()) << desktop.status();
    EXPECT_EQ((*desktop)->screen().width(), 1280);
    EXPECT_EQ(CountEntries(directory.path()), 1);
    EXPECT_GE(ProcessesOf(directory.path()), 2);
    const auto launched = (*desktop)->guest().Call(AMinute(), absl::Seconds(30), {{"op", "launch"}, {"command", {"mousepad"}}, {"files", Json::array()}});
    ASSERT_TRUE(launched.ok()) << launched.status();
    EXPECT_EQ(JsonBoolOr(*launched, "window"), true);
  }
  EXPECT_EQ(CountEntries(directory.path()), 0);
  EXPECT_EQ(ProcessesOf(directory.path()), 0);
}

// A process that has a desktop and is killed as a server may be. Gives whether all that descended from it went too.
TEST_F(DesktopIsolationTest, KillingTheServerLeavesNothing) {
  if (DesktopParts::Make() == nullptr) GTEST_SKIP() << MachineLacks();
  const TemporaryDirectory directory;
  KilledServer server("DesktopIsolationTest.DISABLED_HoldsADesktop", directory.path());
  ASSERT_TRUE(server.AwaitReady());
  const std::vector<FamilyMember> family = DescendantsOf(server.pid());
  EXPECT_GE(family.size(), 6u);
  server.Kill();
  const absl::Time end = absl::Now() + absl::Seconds(30);
  const auto alive = [&] {
    std::string names;
    for (const FamilyMember& member : family) {
      std::ifstream stat(absl::StrCat("/proc/", member.pid, "/comm"));
      std::string name;
      if (std::getline(stat, name) && name == member.name) absl::StrAppend(&names, name, " ");
    }
    return names;
  };
  while (!alive().empty() && absl::Now() < end) absl::SleepFor(absl::Milliseconds(20));
  EXPECT_EQ(alive(), "");
}

// Not a test by itself: see above.
TEST_F(DesktopIsolationTest, DISABLED_HoldsADesktop) {
  if (KilledServer::Directory().empty()) GTEST_SKIP() << "run by KillingTheServerLeavesNothing";
  ASSERT_TRUE(Start());
  Reset(TaskWith("editor", "note.txt", "x"));
  KilledServer::AwaitKill();
}

}  // namespace
}  // namespace proctor::env::desktop
