// What a browser that was taken over may say and write, besides what an honest one does.
#include "env/web/context_downloads.h"

#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace proctor::env::web {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class ContextDownloadsTest : public testing::Test {
 protected:
  ContextDownloadsTest() {
    char root[] = "/tmp/proctor-test-XXXXXX";
    root_ = mkdtemp(root);
    fs::create_directory(root_ / "context");
  }
  ~ContextDownloadsTest() override { fs::remove_all(root_); }

  std::string directory() const { return (root_ / "context").string(); }
  void Write(const std::string& guid, const std::string& bytes) const { std::ofstream(root_ / "context" / guid) << bytes; }
  static Json Beginning(const std::string& guid) {
    return {{"guid", guid}, {"frameId", "F"}, {"suggestedFilename", guid + ".txt"}, {"url", "http://a.test/" + guid}};
  }
  static Json Completed(const std::string& guid, int64_t bytes) {
    return {{"guid", guid}, {"state", "completed"}, {"receivedBytes", bytes}, {"totalBytes", bytes}};
  }
  static std::vector<FinishedDownload> Take(ContextDownloads& downloads) {
    return downloads.Take(CallContext::WithTimeout(absl::Milliseconds(20)));
  }

  fs::path root_;
};

TEST_F(ContextDownloadsTest, OneThatCompletesIsReadOnceAndItsFileGoes) {
  ContextDownloads downloads(directory(), 100);
  EXPECT_TRUE(downloads.Begin(Beginning("a")));
  EXPECT_TRUE(downloads.InProgress());
  Write("a", "hello");
  EXPECT_TRUE(downloads.Progress(Completed("a", 5)));
  EXPECT_FALSE(downloads.InProgress());
  const auto taken = Take(downloads);
  ASSERT_EQ(taken.size(), 1u);
  EXPECT_EQ(taken[0].bytes, "hello");
  EXPECT_EQ(taken[0].download.file_name(), "a.txt");
  EXPECT_EQ(taken[0].download.size_bytes(), 5);
  EXPECT_EQ(taken[0].download.digest().size(), 64u);
  EXPECT_TRUE(taken[0].download.error().empty());
  EXPECT_FALSE(fs::exists(root_ / "context/a"));
  EXPECT_TRUE(Take(downloads).empty());
}

TEST_F(ContextDownloadsTest, OneThatGoesOnIsLeftForTheNextStep) {
  ContextDownloads downloads(directory(), 100);
  downloads.Begin(Beginning("a"));
  EXPECT_TRUE(downloads.Progress({{"guid", "a"}, {"state", "inProgress"}, {"receivedBytes", 3}}));
  EXPECT_TRUE(Take(downloads).empty());
  EXPECT_TRUE(downloads.InProgress());
  downloads.Progress({{"guid", "a"}, {"state", "canceled"}});
  const auto taken = Take(downloads);
  ASSERT_EQ(taken.size(), 1u);
  EXPECT_THAT(taken[0].download.error(), HasSubstr("cancelled"));
}

TEST_F(ContextDownloadsTest, ALargeOneIsToBeCancelled) {
  ContextDownloads downloads(directory(), 100);
  downloads.Begin(Beginning("received"));
  downloads.Begin(Beginning("announced"));
  EXPECT_FALSE(downloads.Progress({{"guid", "received"}, {"state", "inProgress"}, {"receivedBytes", 101}}));
  EXPECT_FALSE(downloads.Progress({{"guid", "announced"}, {"state", "inProgress"}, {"receivedBytes", 1}, {"totalBytes", 1e300}}));
  // What it says afterwards changes nothing.
  Write("received", "x");
  EXPECT_TRUE(downloads.Progress(Completed("received", 1)));
  for (const FinishedDownload& one : Take(downloads)) {
    EXPECT_EQ(one.download.error(), "larger than 100 bytes");
    EXPECT_TRUE(one.bytes.empty());
  }
}

TEST_F(ContextDownloadsTest, ManyTogetherAreToBeCancelledToo) {
  constexpr int64_t kMiB = 1 << 20;
  ContextDownloads downloads(directory(), 40 * kMiB);
  for (const char* guid : {"a", "b"}) downloads.Begin(Beginning(guid));
  EXPECT_TRUE(downloads.Progress({{"guid", "a"}, {"state", "inProgress"}, {"receivedBytes", 40 * kMiB}}));
  // A number below 0 makes no room for others.
  downloads.Begin(Beginning("c"));
  EXPECT_TRUE(downloads.Progress({{"guid", "c"}, {"state", "inProgress"}, {"receivedBytes", -100 * kMiB}}));
  EXPECT_FALSE(downloads.Progress({{"guid", "b"}, {"state", "inProgress"}, {"receivedBytes", 25 * kMiB}}));
}

TEST_F(ContextDownloadsTest, OneTooManyIsToBeCancelled) {
  ContextDownloads downloads(directory(), 100);
  for (size_t i = 0; i < ContextDownloads::kMost; ++i) EXPECT_TRUE(downloads.Begin(Beginning(std::to_string(i))));
  EXPECT_FALSE(downloads.Begin(Beginning("more")));
}

TEST_F(ContextDownloadsTest, ANameThatLeadsElsewhereIsNone) {
  std::ofstream(root_ / "outside") << "secret";
  ContextDownloads downloads(directory(), 100);
  for (const char* guid : {"../outside", "", ".", "a/b", "a\0b"}) EXPECT_TRUE(downloads.Begin(Beginning(guid)));
  downloads.Begin({{"guid", 7}});
  downloads.Begin(Json::array());
  EXPECT_TRUE(downloads.Progress(Completed("../outside", 6)));
  EXPECT_TRUE(downloads.Progress(Json("text")));
  // The last of the names ends at its 0 byte.
  downloads.Progress(Completed("a", 1));
  for (const FinishedDownload& one : Take(downloads)) EXPECT_TRUE(one.bytes.empty());
  EXPECT_TRUE(fs::exists(root_ / "outside"));
}

TEST_F(ContextDownloadsTest, WhatIsNoFileOfItsOwnIsNotRead) {
  std::ofstream(root_ / "outside") << "secret";
  fs::create_symlink(root_ / "outside", root_ / "context/symbolic");
  fs::create_hard_link(root_ / "outside", root_ / "context/hard");
  ASSERT_EQ(mkfifo((root_ / "context/pipe").c_str(), 0600), 0);
  fs::create_directory(root_ / "context/folder");
  Write("grown", std::string(101, 'x'));
  ContextDownloads downloads(directory(), 100);
  for (const char* guid : {"symbolic", "hard", "pipe", "folder", "grown", "none"}) {
    downloads.Begin(Beginning(guid));
    downloads.Progress(Completed(guid, 1));
  }
  const auto taken = Take(downloads);
  EXPECT_EQ(taken.size(), 6u);
  for (const FinishedDownload& one : taken) {
    EXPECT_EQ(one.download.error(), "could not be read") << one.download.file_name();
    EXPECT_TRUE(one.bytes.empty());
  }
  EXPECT_TRUE(fs::exists(root_ / "outside"));
}

TEST_F(ContextDownloadsTest, NothingIsReadOrRemovedThroughALinkInPlaceOfItsFolder) {
  ContextDownloads downloads(directory(), 100);
  downloads.Begin(Beginning("a"));
  fs::create_directory(root_ / "elsewhere");
  std::ofstream(root_ / "elsewhere" / "a") << "a secret";
  fs::remove(root_ / "context");
  fs::create_directory_symlink(root_ / "elsewhere", root_ / "context");
  downloads.Progress(Completed("a", 8));
  const auto taken = Take(downloads);
  ASSERT_EQ(taken.size(), 1u);
  EXPECT_EQ(taken[0].bytes, "");
  EXPECT_EQ(taken[0].download.error(), "could not be read");
  EXPECT_TRUE(fs::exists(root_ / "elsewhere" / "a"));
}

TEST_F(ContextDownloadsTest, ItsFolderGoesWithIt) {
  { ContextDownloads downloads(directory(), 100); }
  EXPECT_FALSE(fs::exists(root_ / "context"));
  ContextDownloads none("", 100);
  EXPECT_TRUE(Take(none).empty());
}

}  // namespace
}  // namespace proctor::env::web
