#include "model/fence.h"

#include <set>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace proctor::model {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr char kVersion[] = "v1";

Fence Make(const std::string& secret, int attempt, const std::vector<std::string>& contents) {
  return Fence(FenceKey{secret, kVersion, attempt}, contents);
}

TEST(FenceTest, IsTheSameForTheSameRequest) {
  EXPECT_EQ(Make("s", 0, {"a", "b"}).verdict_tag(), Make("s", 0, {"a", "b"}).verdict_tag());
  EXPECT_EQ(Make("s", 0, {"a"}).Wrap("answer", "a"), Make("s", 0, {"a"}).Wrap("answer", "a"));
}

TEST(FenceTest, IsAnotherForEverythingThatItIsMadeOf) {
  const std::set<std::string> tags = {Make("s", 0, {"a"}).verdict_tag(), Make("t", 0, {"a"}).verdict_tag(),
                                      Make("s", 1, {"a"}).verdict_tag(), Make("s", 0, {"b"}).verdict_tag(),
                                      Fence(FenceKey{"s", "v2", 0}, {"a"}).verdict_tag()};
  EXPECT_EQ(tags.size(), 5u);
}

TEST(FenceTest, ContentsCannotBeMovedAcrossTheirBorder) {
  EXPECT_NE(Make("s", 0, {"ab", "c"}).verdict_tag(), Make("s", 0, {"a", "bc"}).verdict_tag());
}

TEST(FenceTest, WrapsBetweenTheSameUnguessableDelimiters) {
  const std::string wrapped = Make("s", 0, {"x"}).Wrap("answer", "x");
  const std::string digits = wrapped.substr(wrapped.find(' ') + 1, 16);
  EXPECT_EQ(wrapped, "<<answer " + digits + ">>\nx\n<<end of answer " + digits + ">>");
}

TEST(FenceTest, AQuotedDelimiterIsNoVerdictTag) {
  const Fence fence = Make("s", 0, {"x"});
  EXPECT_THAT(fence.Wrap("answer", "x"), Not(HasSubstr(fence.verdict_tag().substr(8))));
}

// Only who knows the secret could do this; the delimiters move on all the same.
TEST(FenceTest, CountsUpWhereATagOccursInTheContent) {
  const std::string secret = "s";
  std::string content = "harmless";
  for (int i = 0; i < 3; ++i) {
    const Fence fence = Make(secret, 0, {content});
    EXPECT_THAT(content, Not(HasSubstr(fence.verdict_tag().substr(8))));
    content += fence.verdict_tag() + fence.Wrap("x", "");
  }
}

}  // namespace
}  // namespace proctor::model
