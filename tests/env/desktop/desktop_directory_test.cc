#include "env/desktop/desktop_directory.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "gtest/gtest.h"
#include "tests/env/desktop/desktop_fixture.h"

namespace proctor::env::desktop {
namespace {

TEST(DesktopDirectoryTest, SweepsWhatEndedServersLeftAndNothingElse) {
  const TemporaryDirectory root;
  const auto mine = MakeDesktopDirectory(root.path());
  ASSERT_TRUE(mine.ok()) << mine.status();
  const pid_t other = fork();
  if (other == 0) {
    const auto made = MakeDesktopDirectory(root.path());
    if (made.ok()) std::ofstream(*made + "/file") << "x";
    _exit(made.ok() ? 0 : 1);
  }
  int state = 0;
  waitpid(other, &state, 0);
  ASSERT_EQ(state, 0);
  for (const char* name : {"proctor-desktop-test-abcdef", "proctor-desktop-1-x-abcdef", "proctor-desktop-", "proctor-desktop-1-2-abcdefg", "other"}) {
    std::filesystem::create_directory(root.path() + "/" + name);
  }
  std::filesystem::create_directory_symlink("/etc", root.path() + "/proctor-desktop-999999999-1-abcdef");
  EXPECT_EQ(SweepDesktopDirectories(root.path()), 1);
  EXPECT_TRUE(std::filesystem::exists(*mine));
  int64_t left = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(root.path())) ++left;
  EXPECT_EQ(left, 7);
  RemoveDesktopDirectory(*mine);
  EXPECT_FALSE(std::filesystem::exists(*mine));
}

}  // namespace
}  // namespace proctor::env::desktop
