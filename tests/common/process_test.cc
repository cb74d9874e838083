#include "common/process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace proctor {
namespace {

using ::testing::HasSubstr;

std::string ReadAll(int fd) {
  std::string text;
  char chunk[4096];
  for (ssize_t n; (n = read(fd, chunk, sizeof chunk)) > 0;) text.append(chunk, n);
  return text;
}

// Runs a shell script with the write end of a pipe as descriptor 3; returns what it wrote there.
std::string RunScript(ProcessSpawner& spawner, const std::string& script, ProcessOptions options = {}) {
  int fds[2];
  EXPECT_EQ(pipe2(fds, O_CLOEXEC), 0);
  options.arguments = {"/bin/sh", "-c", script};
  options.descriptors = {{fds[1], 3}};
  auto process = spawner.Spawn(options);
  EXPECT_TRUE(process.ok()) << process.status();
  close(fds[1]);
  const std::string text = ReadAll(fds[0]);
  close(fds[0]);
  EXPECT_TRUE((*process)->WaitFor(absl::Seconds(10)));
  return text;
}

TEST(ProcessSpawnerTest, GivesTheChildItsEnvironmentDescriptorsAndNothingElse) {
  ProcessSpawner spawner;
  setenv("PROCTOR_TEST_SECRET", "secret", 1);
  ProcessOptions options;
  options.environment = {{"GREETING", "hello"}};
  const std::string text = RunScript(
      spawner, "echo $GREETING $PROCTOR_TEST_SECRET. >&3; cd /proc/self/fd; echo * >&3", options);
  EXPECT_THAT(text, HasSubstr("hello .\n"));
  // The last number is the directory that the shell itself reads.
  EXPECT_THAT(text, HasSubstr("\n0 1 2 3"));
  EXPECT_THAT(text, testing::Not(HasSubstr("199")));
}

TEST(ProcessSpawnerTest, ChildrenGoBeforeUsWhereMemoryRunsOut) {
  ProcessSpawner spawner;
  int ours = 0;
  std::ifstream("/proc/self/oom_score_adj") >> ours;
  EXPECT_EQ(RunScript(spawner, "cat /proc/self/oom_score_adj >&3"), absl::StrCat(std::min(ours + 300, 1000), "\n"));
}

TEST(ProcessSpawnerTest, SaysWhyAProgramCouldNotBeStarted) {
  ProcessSpawner spawner;
  ProcessOptions options;
  options.arguments = {"/nowhere/at/all"};
  EXPECT_EQ(spawner.Spawn(options).status().code(), absl::StatusCode::kNotFound);
  options.arguments = {"/etc/passwd"};
  EXPECT_EQ(spawner.Spawn(options).status().code(), absl::StatusCode::kPermissionDenied);
}

TEST(ProcessSpawnerTest, SwitchesUserWithoutGroupsWhenRoot) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root to switch users";
  ProcessSpawner spawner;
  const auto nobody = FindUser("nobody");
  ASSERT_TRUE(nobody.ok());
  ProcessOptions options;
  options.user = *nobody;
  const std::string expected = absl::StrCat(nobody->uid, " ", nobody->gid, "\n");
  EXPECT_EQ(RunScript(spawner, "/usr/bin/echo $(/usr/bin/id -u) $(/usr/bin/id -G) >&3", options), expected);
}

TEST(ProcessTest, DestructionKillsTheWholeGroup) {
  ProcessSpawner spawner;
  int fds[2];
  ASSERT_EQ(pipe2(fds, O_CLOEXEC), 0);
  ProcessOptions options;
  options.arguments = {"/bin/sh", "-c", "/bin/sleep 1000 & echo started >&3; wait"};
  options.descriptors = {{fds[1], 3}};
  auto process = spawner.Spawn(options);
  ASSERT_TRUE(process.ok());
  close(fds[1]);
  char chunk[8];
  ASSERT_EQ(read(fds[0], chunk, sizeof chunk), 8);
  process->reset();
  // End of file only when the grandchild is gone too: it holds the pipe.
  EXPECT_EQ(ReadAll(fds[0]), "");
  close(fds[0]);
}

TEST(ProcessSpawnerTest, ChildrenDieWhenTheirParentIsKilled) {
  int fds[2];
  ASSERT_EQ(pipe(fds), 0);
  const pid_t parent = fork();
  if (parent == 0) {
    close(fds[0]);
    ProcessSpawner spawner;
    ProcessOptions options;
    options.arguments = {"/bin/sleep", "1000"};
    options.descriptors = {{fds[1], 3}};
    auto process = spawner.Spawn(options);
    [[maybe_unused]] const ssize_t n = write(fds[1], process.ok() ? "+" : "-", 1);
    pause();
    _exit(0);
  }
  close(fds[1]);
  char started = 0;
  ASSERT_EQ(read(fds[0], &started, 1), 1);
  ASSERT_EQ(started, '+');
  ASSERT_EQ(kill(parent, SIGKILL), 0);
  ASSERT_EQ(waitpid(parent, nullptr, 0), parent);
  EXPECT_EQ(ReadAll(fds[0]), "") << "the child still holds the pipe";
  close(fds[0]);
}

}  // namespace
}  // namespace proctor
