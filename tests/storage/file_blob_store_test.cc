// What only the file store does: sweeps, notices corruption, survives failing and forgetful disks.
#include "storage/file_blob_store.h"

#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "common/ids.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/file_system.h"
#include "tests/storage/fake_file_system.h"
#include "tests/storage/temp_directory.h"

namespace proctor::storage {
namespace {

namespace fs = std::filesystem;

class FileBlobStoreTest : public testing::Test {
 protected:
  std::unique_ptr<BlobStore> Open() {
    return OpenFileBlobStore({.directory = directory_ / "blobs"}).value();
  }
  fs::path PathOf(const std::string& digest) const {
    return directory_ / ("blobs/" + digest.substr(0, 2) + "/" + digest);
  }

  const CallContext context_;
  TempDirectory directory_;
};

TEST_F(FileBlobStoreTest, KeepsItsBlobsWhenOpenedAgain) {
  const std::string digest = Open()->Put(context_, "bytes").value();
  EXPECT_EQ(Open()->Get(context_, digest).value(), "bytes");
}

TEST_F(FileBlobStoreTest, SweepsTemporaryFilesAtOpen) {
  Open();
  std::ofstream(directory_ / "blobs/tmp/left") << "half";
  Open();
  EXPECT_TRUE(fs::is_empty(directory_ / "blobs/tmp"));
}

TEST_F(FileBlobStoreTest, NoticesBytesThatDoNotFitTheirDigest) {
  const auto store = Open();
  const std::string digest = store->Put(context_, "bytes").value();
  std::ofstream(PathOf(digest)) << "bytez";
  EXPECT_EQ(store->Get(context_, digest).status().code(), absl::StatusCode::kDataLoss);
  ASSERT_TRUE(store->Delete(digest).ok());
  ASSERT_TRUE(store->Put(context_, "bytes").ok());
  ASSERT_TRUE(store->Replace(context_, digest, "b").ok());
  std::ofstream(PathOf(digest).string() + ".alt", std::ios::app) << "z";
  EXPECT_EQ(store->Get(context_, digest).status().code(), absl::StatusCode::kDataLoss);
  std::ofstream(PathOf(digest).string() + ".alt") << "short";
  EXPECT_EQ(store->Get(context_, digest).status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(FileBlobStoreTest, MendsATruncatedBlobThatIsPutAgain) {
  const auto store = Open();
  const std::string digest = store->Put(context_, "bytes").value();
  fs::resize_file(PathOf(digest), 2);
  ASSERT_TRUE(store->Put(context_, "bytes").ok());
  EXPECT_EQ(store->Get(context_, digest).value(), "bytes");
}

TEST_F(FileBlobStoreTest, AReplacementThatIsCutOffHidesNoOtherAndIsMendedWhenItIsPutAgain) {
  const auto store = Open();
  const std::string digest = store->Put(context_, "bytes").value();
  ASSERT_TRUE(store->Put(context_, "other").ok());
  ASSERT_TRUE(store->Replace(context_, digest, "b").ok());
  fs::resize_file(PathOf(digest).string() + ".alt", 0);
  std::map<std::string, int64_t> all;
  const absl::Status visited = store->ForEach([&](std::string_view each, int64_t size) {
    all.emplace(each, size);
    return true;
  });
  EXPECT_TRUE(visited.ok()) << visited;
  EXPECT_THAT(all, testing::UnorderedElementsAre(testing::Pair(digest, 0), testing::Pair(Sha256Hex("other"), 5)));
  ASSERT_TRUE(store->Put(context_, "bytes").ok());
  EXPECT_EQ(store->Get(context_, digest).value(), "bytes");
}

TEST_F(FileBlobStoreTest, FailsAndLeavesNothingWhenAnyOperationFails) {
  FakeFileSystem files;
  const auto store = OpenFileBlobStore({.directory = "blobs"}, files).value();
  const std::string digest = Sha256Hex("bytes");
  for (const auto operation : {FakeFileSystem::Operation::kWrite, FakeFileSystem::Operation::kRename,
                               FakeFileSystem::Operation::kSyncDirectory}) {
    files.FailNext(operation, absl::ResourceExhaustedError("no space left"));
    EXPECT_EQ(store->Put(context_, "bytes").status().code(), absl::StatusCode::kResourceExhausted);
    EXPECT_FALSE(store->Contains(digest));
    EXPECT_TRUE(files.List("blobs/tmp")->empty());
  }
  EXPECT_TRUE(store->Put(context_, "bytes").ok());
}

TEST_F(FileBlobStoreTest, KeepsTheOriginalWhenAReplacementFails) {
  FakeFileSystem files;
  const auto store = OpenFileBlobStore({.directory = "blobs"}, files).value();
  const std::string digest = store->Put(context_, "bytes").value();
  for (const auto operation : {FakeFileSystem::Operation::kWrite, FakeFileSystem::Operation::kRename,
                               FakeFileSystem::Operation::kSyncDirectory}) {
    files.FailNext(operation, absl::UnavailableError("I/O error"));
    EXPECT_FALSE(store->Replace(context_, digest, "b").ok());
    EXPECT_EQ(store->Get(context_, digest).value(), "bytes");
    files.LosePower();
    EXPECT_EQ(store->Get(context_, digest).value(), "bytes");
  }
}

TEST_F(FileBlobStoreTest, LosesNothingAcknowledgedWhenThePowerFails) {
  FakeFileSystem files;
  auto store = OpenFileBlobStore({.directory = "blobs"}, files).value();
  const std::string put = store->Put(context_, "put").value();
  const std::string replaced = store->Put(context_, "replaced").value();
  ASSERT_TRUE(store->Replace(context_, replaced, "r").ok());
  files.LosePower();
  store = OpenFileBlobStore({.directory = "blobs"}, files).value();
  EXPECT_EQ(store->Get(context_, put).value(), "put");
  // Either encoding will do; one must be there.
  EXPECT_TRUE(store->Get(context_, replaced).ok());
}

TEST_F(FileBlobStoreTest, ShowsThatUnsyncedBlobsWouldBeLost) {
  FakeFileSystem files;
  const auto store =
      OpenFileBlobStore({.directory = "blobs", .durability = Durability::kProcess}, files).value();
  const std::string digest = store->Put(context_, "bytes").value();
  files.LosePower();
  EXPECT_FALSE(store->Get(context_, digest).ok());
}

}  // namespace
}  // namespace proctor::storage
