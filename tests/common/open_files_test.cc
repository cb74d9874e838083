#include "common/open_files.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/process.h"
#include "gtest/gtest.h"

namespace proctor {
namespace {

// Puts the limit back.
class OpenFilesTest : public ::testing::Test {
 protected:
  OpenFilesTest() { getrlimit(RLIMIT_NOFILE, &before_); }
  ~OpenFilesTest() override { setrlimit(RLIMIT_NOFILE, &before_); }

  void SetLimit(rlim_t limit) const {
    const rlimit wanted = {limit, before_.rlim_max};
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &wanted), 0);
  }

  rlimit before_ = {};
};

TEST_F(OpenFilesTest, CountsWhatIsOpen) {
  ASSERT_NO_FATAL_FAILURE(SetLimit(200));
  const OpenFiles before = ReadOpenFiles();
  EXPECT_EQ(before.limit, 200);
  EXPECT_GE(before.open, 3);
  const int file = open("/dev/null", O_RDONLY | O_CLOEXEC);
  EXPECT_EQ(ReadOpenFiles().open, before.open + 1);
  close(file);
  EXPECT_EQ(ReadOpenFiles().open, before.open);
}

TEST_F(OpenFilesTest, WhereNothingCanBeOpenedAllAreOpen) {
  ASSERT_NO_FATAL_FAILURE(SetLimit(200));
  std::vector<int> files;
  for (int file; (file = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;) files.push_back(file);
  const OpenFiles full = ReadOpenFiles();
  for (const int file : files) close(file);
  EXPECT_EQ(full.open, 200);
}

TEST_F(OpenFilesTest, RaisesTheLimitAndChildrenKeepTheOldOne) {
  if (before_.rlim_max < 300) GTEST_SKIP() << "the hard limit is " << before_.rlim_max;
  ASSERT_NO_FATAL_FAILURE(SetLimit(200));
  // Never more than asked for, and never less than there is.
  for (const int most : {300, 250}) {
    const auto raised = RaiseOpenFileLimit(most);
    ASSERT_TRUE(raised.ok()) << raised.status();
    EXPECT_EQ(raised->before, most == 300 ? 200 : 300);
    EXPECT_EQ(raised->now, 300);
    EXPECT_EQ(ReadOpenFiles().limit, 300);
  }
  EXPECT_EQ(OpenFileLimitOfChildren(), 200);
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  ProcessSpawner spawner;
  ProcessOptions options;
  options.arguments = {"/bin/sh", "-c", "echo $(ulimit -S -n) $(ulimit -H -n) >&3"};
  options.descriptors = {{ends[1], 3}};
  const auto child = spawner.Spawn(options);
  close(ends[1]);
  ASSERT_TRUE(child.ok()) << child.status();
  std::string said;
  char bytes[64];
  for (ssize_t n; (n = read(ends[0], bytes, sizeof bytes)) > 0;) said.append(bytes, n);
  close(ends[0]);
  EXPECT_EQ(said, absl::StrCat("200 ", before_.rlim_max == RLIM_INFINITY ? "unlimited" : absl::StrCat(before_.rlim_max), "\n"));
}

}  // namespace
}  // namespace proctor
