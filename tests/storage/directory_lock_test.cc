// Why a data directory cannot be locked.
#include "storage/directory_lock.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/storage/temp_directory.h"

namespace {

// What flock fails with; 0: the kernel answers.
int flock_error = 0;

}  // namespace

// In place of the C library's: no file system at hand refuses locks.
extern "C" int flock(int descriptor, int operation) noexcept {
  if (flock_error == 0) return static_cast<int>(syscall(SYS_flock, descriptor, operation));
  errno = flock_error;
  return -1;
}

namespace proctor::storage {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class DirectoryLockTest : public testing::Test {
 protected:
  ~DirectoryLockTest() override { flock_error = 0; }

  std::string Refusal() {
    const absl::Status refused = DirectoryLock::Acquire(directory_ / "data").status();
    EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition) << refused;
    return std::string(refused.message());
  }

  TempDirectory directory_;
};

TEST_F(DirectoryLockTest, OnlyAHeldLockIsAnotherServers) {
  for (const int error : {ENOLCK, EIO, EPERM}) {
    flock_error = error;
    EXPECT_THAT(Refusal(), AllOf(HasSubstr("cannot lock"), HasSubstr(std::strerror(error)), Not(HasSubstr("in use"))));
  }
  flock_error = 0;
  const auto held = DirectoryLock::Acquire(directory_ / "data");
  ASSERT_TRUE(held.ok()) << held.status();
  EXPECT_THAT(Refusal(), HasSubstr("is in use by process"));
}

}  // namespace
}  // namespace proctor::storage
