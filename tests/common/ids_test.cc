#include "common/ids.h"

#include <gtest/gtest.h>

#include <set>

namespace proctor {
namespace {

TEST(IdsTest, NewIdsAreDistinctAndWellFormed) {
  std::set<std::string> ids;
  for (int i = 0; i < 10000; ++i) ids.insert(NewId());
  EXPECT_EQ(ids.size(), 10000u);
  for (const std::string& id : ids) EXPECT_TRUE(ResourceId("tasks", "tasks/" + id).ok()) << id;
}

TEST(IdsTest, Sha256MatchesKnownVector) {
  EXPECT_EQ(Sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_TRUE(IsDigest(Sha256Hex("")));
  EXPECT_FALSE(IsDigest("BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD"));
}

TEST(IdsTest, HmacMatchesRfc4231) {
  EXPECT_EQ(HmacSha256Hex("Jefe", "what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(IdsTest, ResourceIdRefusesForeignAndHostileNames) {
  EXPECT_EQ(*ResourceId("tasks", "tasks/a.b-c_1"), "a.b-c_1");
  for (const char* bad : {"", "tasks", "tasks/", "task/x", "tasks/../x", "tasks/a/b", "tasks/.x", "tasks/a b"}) {
    EXPECT_EQ(ResourceId("tasks", bad).status().code(), absl::StatusCode::kInvalidArgument) << bad;
  }
}

}  // namespace
}  // namespace proctor
