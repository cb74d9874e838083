// What a crash or a power cut leaves of a folder that is written: all of it or nothing.
#include "trajectory/folder_writer.h"

#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "tests/storage/temp_directory.h"

namespace {

// In place of a sync of the file system; empty: the kernel's.
std::function<int(int)> on_syncfs;
// Before the next lock is taken; what it returns, where that is not 0, is the lock's errno.
std::function<int(int)> before_flock;

}  // namespace

// In place of the C library's.
extern "C" int syncfs(int file) noexcept { return on_syncfs ? on_syncfs(file) : static_cast<int>(syscall(SYS_syncfs, file)); }
extern "C" int flock(int file, int operation) noexcept {
  const auto before = std::exchange(before_flock, nullptr);
  if (const int error = before ? before(file) : 0; error != 0) {
    errno = error;
    return -1;
  }
  return static_cast<int>(syscall(SYS_flock, file, operation));
}

namespace proctor::trajectory {
namespace {

namespace fs = std::filesystem;

class FolderWriterTest : public testing::Test {
 protected:
  ~FolderWriterTest() override {
    on_syncfs = nullptr;
    before_flock = nullptr;
  }
  // What a server that was killed leaves behind.
  std::string Abandon(const std::string& name) {
    fs::create_directories(directory_ / name + "/blobs");
    return directory_ / name;
  }
  std::unique_ptr<FolderWriter> Begin(const std::string& name) {
    auto writer = FolderWriter::Create(directory_ / name);
    EXPECT_TRUE(writer.ok()) << writer.status();
    EXPECT_TRUE((*writer)->AddFile("file", "content").ok());
    return *std::move(writer);
  }

  storage::TempDirectory directory_;
};

TEST_F(FolderWriterTest, GivesTheNameToWhatIsOnTheDiskOnly) {
  const auto writer = Begin("sub/folder");
  const std::string partial = writer->partial();
  int syncs = 0;
  on_syncfs = [&](int file) {
    ++syncs;
    EXPECT_EQ(fs::read_symlink("/proc/self/fd/" + std::to_string(file)), fs::canonical(partial));
    EXPECT_TRUE(fs::exists(partial + "/file"));
    EXPECT_FALSE(fs::exists(directory_ / "sub/folder"));
    return 0;
  };
  ASSERT_TRUE(writer->Complete().ok());
  EXPECT_EQ(syncs, 1);
  EXPECT_TRUE(fs::exists(directory_ / "sub/folder/file"));
  EXPECT_FALSE(fs::exists(partial));
}

TEST_F(FolderWriterTest, WhatCannotBeSyncedGetsNoName) {
  for (const auto& [error, code] : {std::pair(EIO, absl::StatusCode::kUnavailable), std::pair(ENOSPC, absl::StatusCode::kResourceExhausted)}) {
    auto writer = Begin("folder");
    on_syncfs = [error = error](int) {
      errno = error;
      return -1;
    };
    EXPECT_EQ(writer->Complete().code(), code);
    writer = nullptr;
    EXPECT_TRUE(fs::is_empty(directory_.path()));
  }
}

TEST_F(FolderWriterTest, WhatADeadServerLeftIsRemovedAndNothingElse) {
  const auto running = Begin("running");
  const std::string abandoned = Abandon("a.partial-0123456789abcdef");
  const std::string deeper = Abandon("sub/folder/b.partial-fedcba9876543210");
  const storage::TempDirectory elsewhere;
  fs::create_directories(elsewhere / "blobs");
  fs::create_directory_symlink(elsewhere.path(), directory_ / "c.partial-0123456789abcdef");
  for (const char* name : {"a.partial-0123456789abcde", "a.partial-0123456789ABCDEF", "a.partial-0123456789abcdef0", "a.partial-",
                           ".partial-0123456789abcdef", "a-partial-0123456789abcdef", "a.partial-0123456789abcdef.d"}) {
    Abandon(name);
  }
  ASSERT_TRUE(RemoveAbandonedFolders(CallContext(), directory_.path()).ok());
  EXPECT_FALSE(fs::exists(abandoned));
  EXPECT_FALSE(fs::exists(deeper));
  EXPECT_TRUE(fs::exists(directory_ / "sub/folder"));
  EXPECT_TRUE(fs::exists(running->partial() + "/file"));
  EXPECT_TRUE(fs::exists(directory_ / "c.partial-0123456789abcdef"));
  EXPECT_TRUE(fs::exists(elsewhere / "blobs"));
  size_t left = 0;
  for (const auto& entry : fs::directory_iterator(directory_.path())) left += entry.exists() ? 1 : 0;
  EXPECT_EQ(left, 10u);
  EXPECT_TRUE(running->Complete().ok());
  EXPECT_TRUE(RemoveAbandonedFolders(CallContext(), directory_ / "missing").ok());
}

TEST_F(FolderWriterTest, AFolderThatOthersLockFirstIsNotWrittenTo) {
  std::string taken;
  before_flock = [&](int file) {
    taken = fs::read_symlink("/proc/self/fd/" + std::to_string(file));
    return EWOULDBLOCK;
  };
  const auto writer = Begin("folder");
  EXPECT_NE(fs::path(taken).filename(), fs::path(writer->partial()).filename());
  EXPECT_TRUE(fs::is_empty(taken));
  EXPECT_TRUE(writer->Complete().ok());
  EXPECT_TRUE(fs::exists(directory_ / "folder/file"));
}

TEST_F(FolderWriterTest, AFolderThatWasRemovedBeforeItWasLockedIsNotWrittenTo) {
  before_flock = [&](int) {
    EXPECT_TRUE(RemoveAbandonedFolders(CallContext(), directory_.path()).ok());
    EXPECT_TRUE(fs::is_empty(directory_.path()));
    return 0;
  };
  EXPECT_TRUE(Begin("folder")->Complete().ok());
  EXPECT_TRUE(fs::exists(directory_ / "folder/file"));
}

TEST_F(FolderWriterTest, WritesAlsoWhereThereAreNoLocks) {
  before_flock = [](int) { return ENOLCK; };
  EXPECT_TRUE(Begin("folder")->Complete().ok());
  EXPECT_TRUE(fs::exists(directory_ / "folder/file"));
}

TEST_F(FolderWriterTest, RefusesNamesOfUnfinishedFolders) {
  for (const char* name : {"a.partial-0123456789abcdef", "a.partial-0123456789abcdef/b"}) {
    EXPECT_EQ(FolderWriter::Create(directory_ / name).status().code(), absl::StatusCode::kInvalidArgument) << name;
  }
  EXPECT_TRUE(FolderWriter::Create(directory_ / "a.partial-1").ok());
}

}  // namespace
}  // namespace proctor::trajectory
