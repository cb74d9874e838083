// What every BlobStore does; run for each implementation.
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "common/ids.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/blob_store.h"
#include "storage/file_blob_store.h"
#include "storage/memory_blob_store.h"
#include "tests/storage/temp_directory.h"

namespace proctor::storage {
namespace {

struct Implementation {
  std::string name;
  std::function<absl::StatusOr<std::unique_ptr<BlobStore>>(const std::string& directory)> open;

  friend void PrintTo(const Implementation& made, std::ostream* out) { *out << made.name; }
};

class BlobStoreContractTest : public testing::TestWithParam<Implementation> {
 protected:
  void SetUp() override {
    auto store = GetParam().open(directory_.path());
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
  }

  std::map<std::string, int64_t> All() {
    std::map<std::string, int64_t> all;
    const absl::Status status = store_->ForEach([&](std::string_view digest, int64_t size) {
      EXPECT_TRUE(all.emplace(digest, size).second) << "visited twice";
      return true;
    });
    EXPECT_TRUE(status.ok()) << status;
    return all;
  }

  const CallContext context_;
  TempDirectory directory_;
  std::unique_ptr<BlobStore> store_;
};

TEST_P(BlobStoreContractTest, NamesBytesByTheirSha256) {
  const std::string bytes("a\0b", 3);
  const auto digest = store_->Put(context_, bytes);
  ASSERT_TRUE(digest.ok()) << digest.status();
  EXPECT_EQ(*digest, Sha256Hex(bytes));
  EXPECT_EQ(store_->Get(context_, *digest).value(), bytes);
  EXPECT_EQ(store_->Size(*digest).value(), 3);
  EXPECT_LT(absl::AbsDuration(absl::Now() - store_->StoreTime(*digest).value()), absl::Minutes(1));
  EXPECT_TRUE(store_->Contains(*digest));
}

TEST_P(BlobStoreContractTest, StoresTheSameBytesOnce) {
  ASSERT_TRUE(store_->Put(context_, "same").ok());
  ASSERT_TRUE(store_->Put(context_, "same").ok());
  ASSERT_TRUE(store_->Put(context_, "").ok());
  EXPECT_THAT(All(), testing::UnorderedElementsAre(testing::Pair(Sha256Hex("same"), 4),
                                                   testing::Pair(Sha256Hex(""), 0)));
}

TEST_P(BlobStoreContractTest, DoesNotFindWhatIsNotThere) {
  const std::string digest = Sha256Hex("nothing");
  EXPECT_EQ(store_->Get(context_, digest).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(store_->Size(digest).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(store_->StoreTime(digest).status().code(), absl::StatusCode::kNotFound);
  EXPECT_FALSE(store_->Contains(digest));
  EXPECT_TRUE(store_->Delete(digest).ok());
  EXPECT_EQ(store_->Replace(context_, digest, "x").code(), absl::StatusCode::kNotFound);
}

TEST_P(BlobStoreContractTest, DoesNotFollowPathsInPlaceOfDigests) {
  for (const std::string digest : {"../../etc/passwd", "", "tmp", "AB", "ab/../x"}) {
    EXPECT_EQ(store_->Get(context_, digest).status().code(), absl::StatusCode::kNotFound);
    EXPECT_FALSE(store_->Contains(digest));
    EXPECT_TRUE(store_->Delete(digest).ok());
  }
}

TEST_P(BlobStoreContractTest, DeletesABlobForGood) {
  const std::string digest = store_->Put(context_, "gone").value();
  ASSERT_TRUE(store_->Replace(context_, digest, "go").ok());
  ASSERT_TRUE(store_->Delete(digest).ok());
  EXPECT_FALSE(store_->Contains(digest));
  EXPECT_TRUE(All().empty());
  EXPECT_EQ(store_->Put(context_, "gone").value(), digest);
  EXPECT_EQ(store_->Get(context_, digest).value(), "gone");
}

TEST_P(BlobStoreContractTest, ReadsTheReplacementUnderTheFirstName) {
  const std::string digest = store_->Put(context_, "long original").value();
  ASSERT_TRUE(store_->Replace(context_, digest, "short").ok());
  EXPECT_EQ(store_->Get(context_, digest).value(), "short");
  EXPECT_EQ(store_->Size(digest).value(), 5);
  EXPECT_EQ(store_->Put(context_, "long original").value(), digest);
  EXPECT_EQ(store_->Get(context_, digest).value(), "short");
  EXPECT_FALSE(store_->Contains(Sha256Hex("short")));
  ASSERT_TRUE(store_->Replace(context_, digest, "s").ok());
  EXPECT_EQ(store_->Get(context_, digest).value(), "s");
  EXPECT_THAT(All(), testing::ElementsAre(testing::Pair(digest, 1)));
}

TEST_P(BlobStoreContractTest, AdoptsAForeignEncodingUntilTheOriginalComes) {
  const std::string digest = Sha256Hex("original");
  ASSERT_TRUE(store_->Adopt(context_, digest, "hostile?").ok());
  EXPECT_EQ(store_->Get(context_, digest).value(), "hostile?");
  ASSERT_TRUE(store_->Replace(context_, digest, "smaller").ok());
  EXPECT_EQ(store_->Get(context_, digest).value(), "smaller");
  EXPECT_EQ(store_->Put(context_, "original").value(), digest);
  EXPECT_EQ(store_->Get(context_, digest).value(), "original");
  ASSERT_TRUE(store_->Adopt(context_, digest, "again").ok());
  EXPECT_EQ(store_->Get(context_, digest).value(), "original");
  ASSERT_TRUE(store_->Delete(digest).ok());
  EXPECT_FALSE(store_->Contains(digest));
  EXPECT_EQ(store_->Adopt(context_, "../x", "y").code(), absl::StatusCode::kInvalidArgument);
}

TEST_P(BlobStoreContractTest, StopsVisitingWhenTold) {
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(store_->Put(context_, std::to_string(i)).ok());
  int visited = 0;
  ASSERT_TRUE(store_->ForEach([&](std::string_view, int64_t) { return ++visited < 2; }).ok());
  EXPECT_EQ(visited, 2);
}

TEST_P(BlobStoreContractTest, RefusesACallWhoseTimeIsUp) {
  const CallContext late(absl::InfinitePast(), std::make_shared<CancelToken>());
  EXPECT_EQ(store_->Put(late, "x").status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(store_->Get(late, Sha256Hex("x")).status().code(), absl::StatusCode::kDeadlineExceeded);
}

TEST_P(BlobStoreContractTest, ServesReadersWhileOthersPutAndReplace) {
  const std::string digest = store_->Put(context_, "original").value();
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < 25; ++i) {
        EXPECT_TRUE(store_->Put(context_, std::to_string(i)).ok());
        if (thread == 0) {
          EXPECT_TRUE(store_->Replace(context_, digest, std::to_string(i)).ok());
        }
        EXPECT_TRUE(store_->Get(context_, digest).ok());
        EXPECT_EQ(store_->Get(context_, Sha256Hex(std::to_string(i))).value(), std::to_string(i));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(All().size(), 26);
}

INSTANTIATE_TEST_SUITE_P(
    All, BlobStoreContractTest,
    testing::Values(Implementation{"Memory", [](const std::string&) { return NewMemoryBlobStore(); }},
                    Implementation{"FilePower",
                                   [](const std::string& directory) {
                                     return OpenFileBlobStore({.directory = directory + "/blobs"});
                                   }},
                    Implementation{"FileProcess",
                                   [](const std::string& directory) {
                                     return OpenFileBlobStore({.directory = directory + "/blobs",
                                                               .durability = Durability::kProcess});
                                   }}),
    [](const testing::TestParamInfo<Implementation>& info) { return info.param.name; });

}  // namespace
}  // namespace proctor::storage
