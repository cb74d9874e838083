#include "evaluator/urls.h"

#include <string>

#include "gtest/gtest.h"

namespace proctor::evaluator {
namespace {

struct UrlCase {
  v1::UrlCheck check;
  const char* actual;
  bool holds;
};

v1::UrlCheck Check(const std::string& url, std::vector<std::string> parameters = {},
                   bool fragment = false) {
  v1::UrlCheck check;
  check.add_urls(url);
  for (std::string& parameter : parameters) *check.add_query_parameters() = std::move(parameter);
  check.set_compare_fragment(fragment);
  return check;
}

TEST(MatchesUrlTest, ComparesSchemeHostPortPathAndNamedParameters) {
  const UrlCase kCases[] = {
      {Check("http://a.test/x"), "http://a.test/x/", true},
      {Check("http://a.test/x"), "http://A.TEST:80/x?y=1#z", true},
      {Check("https://a.test/x"), "https://a.test:443/x", true},
      {Check("http://a.test/x"), "https://a.test/x", false},
      {Check("http://a.test/x"), "http://a.test:81/x", false},
      {Check("http://a.test/x"), "http://a.test/x/y", false},
      {Check("http://a.test/X"), "http://a.test/x", false},
      {Check("http://a.test"), "http://a.test/", true},
      {Check("http://a.test/a%20b"), "http://a.test/a b", true},
      {Check("http://a.test/x?q=1&r=2", {"q"}), "http://a.test/x?q=1&r=3", true},
      {Check("http://a.test/x?q=1", {"q"}), "http://a.test/x?q=2", false},
      {Check("http://a.test/x?q=1", {"q"}), "http://a.test/x", false},
      {Check("http://a.test/x", {"q"}), "http://a.test/x?q=1", false},
      {Check("http://a.test/x?q=a+b", {"q"}), "http://a.test/x?q=a%20b", true},
      {Check("http://a.test/x#one", {}, true), "http://a.test/x#two", false},
      {Check("http://a.test/x#one", {}, true), "http://a.test/x#one", true},
      {Check("http://[::1]:8080/x"), "http://[::1]:8080/x", true},
      {Check("http://a.test/x"), "http://user:word@a.test/x", true},
      {Check("http://a.test/x"), "", false},
  };
  for (const UrlCase& test : kCases) {
    EXPECT_EQ(MatchesUrl(test.check, {test.check.urls(0)}, test.actual), test.holds)
        << test.check.urls(0) << " against " << test.actual;
  }
}

TEST(ResolvePlaceholdersTest, ReplacesAnywhereAndNamesWhatIsUnknown) {
  BaseUrls bases;
  bases["__SHOP__"] = "http://shop.test/";
  bases["__SHOP_ADMIN__"] = "http://admin.test/base/";
  EXPECT_EQ(ResolvePlaceholders("__SHOP__/a", bases).value(), "http://shop.test/a");
  EXPECT_EQ(ResolvePlaceholders("__SHOP_ADMIN__/a?next=__SHOP__/b", bases).value(),
            "http://admin.test/base/a?next=http://shop.test/b");
  EXPECT_EQ(ResolvePlaceholders("http://x/__init__/__", bases).value(), "http://x/__init__/__");
  const absl::Status missing = ResolvePlaceholders("__MAP__/a", bases).status();
  EXPECT_EQ(missing.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(missing.message().find("__MAP__"), std::string::npos);
}

TEST(ValidateUrlCheckTest, WantsAbsoluteUrlsOrPlaceholders) {
  EXPECT_TRUE(ValidateUrlCheck(Check("__SHOP__/a")).ok());
  EXPECT_TRUE(ValidateUrlCheck(Check("http://a.test")).ok());
  EXPECT_FALSE(ValidateUrlCheck(Check("/a")).ok());
  EXPECT_FALSE(ValidateUrlCheck(v1::UrlCheck()).ok());
}

}  // namespace
}  // namespace proctor::evaluator
