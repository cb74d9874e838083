#include "server/backup.h"

#include <filesystem>
#include <fstream>

#include "gmock/gmock.h"
#include "tests/server/data_fixture.h"

namespace proctor::server {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class BackupTest : public DataFixture {
 protected:
  absl::StatusOr<BackupResult> Copy() {
    return Backup(CallContext(), data_dir(), directory_ / "copy", [this](int64_t, int64_t) { ++progress_; });
  }
};

TEST_F(BackupTest, TheCopyOfAServersDirectoryIsWholeAndServes) {
  ASSERT_NO_FATAL_FAILURE(Open());
  const std::string id = Record("first");
  ASSERT_TRUE(data_->blobs->Put(CallContext(), "needed by nobody").ok());
  ASSERT_TRUE(data_->blobs->Replace(CallContext(), Sha256Hex("first1"), "smaller").ok());
  const auto result = Copy();
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->blobs, 3);
  EXPECT_EQ(progress_, 3);
  // What comes later is not in it.
  Record("second");
  Close();
  const FsckReport report = Check(directory_ / "copy");
  EXPECT_THAT(report.damage, IsEmpty());
  EXPECT_THAT(report.leftovers, IsEmpty());
  EXPECT_EQ(report.records, 1);
  EXPECT_TRUE(fs::exists(directory_ / "copy/backup.json"));
  config_.set_data_dir(directory_ / "copy");
  ASSERT_NO_FATAL_FAILURE(Open());
  EXPECT_EQ(data_->trajectories->Get(CallContext(), "trajectories/" + id)->steps_size(), 2);
  EXPECT_EQ(*data_->blobs->Get(CallContext(), Sha256Hex("first1")), "smaller");
}

TEST_F(BackupTest, TheSecretIsCopied) {
  ASSERT_NO_FATAL_FAILURE(Open());
  const std::string secret = data_->secret;
  ASSERT_TRUE(Copy().ok());
  Close();
  config_.set_data_dir(directory_ / "copy");
  ASSERT_NO_FATAL_FAILURE(Open());
  EXPECT_EQ(data_->secret, secret);
}

TEST_F(BackupTest, AFolderThatIsNotEmptyIsRefused) {
  ASSERT_NO_FATAL_FAILURE(Open());
  fs::create_directories(directory_ / "copy/something");
  EXPECT_EQ(Copy().status().code(), absl::StatusCode::kAlreadyExists);
}

TEST_F(BackupTest, ABlobThatIsLostIsSaidAndEverythingElseCopied) {
  ASSERT_NO_FATAL_FAILURE(Open());
  const std::string id = Record("first");
  fs::remove(BlobPath("shared"));
  const auto result = Copy();
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_THAT(result->lost, ElementsAre(Sha256Hex("shared")));
  EXPECT_EQ(result->blobs, 2);
  EXPECT_TRUE(fs::exists(directory_ / "copy/backup.json"));
  Close();
  EXPECT_THAT(Check(directory_ / "copy").damage, ElementsAre(HasSubstr(Sha256Hex("shared"))));
  config_.set_data_dir(directory_ / "copy");
  ASSERT_NO_FATAL_FAILURE(Open());
  EXPECT_EQ(data_->trajectories->Get(CallContext(), "trajectories/" + id)->steps_size(), 2);
}

// As one in a bad sector: just then a copy is wanted.
TEST_F(BackupTest, ABlobThatCannotBeReadIsSaidAndEverythingElseCopied) {
  ASSERT_NO_FATAL_FAILURE(Open());
  Record("first");
  fs::remove(BlobPath("shared"));
  fs::create_directory(BlobPath("shared"));
  const auto result = Copy();
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_THAT(result->lost, ElementsAre(Sha256Hex("shared")));
  EXPECT_EQ(result->blobs, 2);
  Close();
  EXPECT_THAT(Check(directory_ / "copy").damage, ElementsAre(HasSubstr(Sha256Hex("shared"))));
}

TEST_F(BackupTest, ADirectoryThatIsNoneIsSaidAndNothingIsMade) {
  EXPECT_EQ(Copy().status().code(), absl::StatusCode::kNotFound);
  EXPECT_FALSE(fs::exists(directory_ / "copy"));
}

TEST_F(BackupTest, WhatSomebodyElsePutsThereStaysWhenItFails) {
  ASSERT_NO_FATAL_FAILURE(Open());
  Record("first");
  const CallContext context;
  const auto result = Backup(context, data_dir(), directory_ / "copy", [&](int64_t, int64_t) {
    std::ofstream(directory_ / "copy/proctord.yaml") << "theirs";
    context.cancel()->Cancel();
  });
  EXPECT_FALSE(result.ok());
  EXPECT_TRUE(fs::exists(directory_ / "copy/proctord.yaml"));
  EXPECT_FALSE(fs::exists(directory_ / "copy/blobs"));
}

TEST_F(BackupTest, OneThatFailsOrIsCancelledLeavesTheFolderAsItWas) {
  ASSERT_NO_FATAL_FAILURE(Open());
  Record("first");
  for (const bool there : {false, true}) {
    if (there) fs::create_directory(directory_ / "copy");
    if (there) fs::permissions(directory_ / "copy", fs::perms(0750));
    const CallContext context;
    const auto result = Backup(context, data_dir(), directory_ / "copy", [&](int64_t, int64_t) { context.cancel()->Cancel(); });
    EXPECT_EQ(result.status().code(), absl::StatusCode::kCancelled) << result.status();
    EXPECT_EQ(fs::exists(directory_ / "copy"), there);
  }
  EXPECT_TRUE(fs::is_empty(directory_ / "copy"));
  EXPECT_EQ(fs::status(directory_ / "copy").permissions(), fs::perms(0750));
  EXPECT_TRUE(Copy().ok());
}

}  // namespace
}  // namespace proctor::server
