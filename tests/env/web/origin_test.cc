#include "env/web/origin.h"

#include <string>
#include <utility>

#include "gtest/gtest.h"

namespace proctor::env::web {
namespace {

TEST(NormalOriginTest, WritesOriginsAsBrowsersDo) {
  const std::pair<const char*, const char*> table[] = {
      {"http://shop.test", "http://shop.test"},
      {"HTTPS://Shop.Test", "https://shop.test"},
      {"https://shop.test/", "https://shop.test"},
      {"http://shop.test:80", "http://shop.test"},
      {"https://shop.test:443/", "https://shop.test"},
      {"http://shop.test:443", "http://shop.test:443"},
      {"https://shop.test:80", "https://shop.test:80"},
      {"http://shop.test:08080", "http://shop.test:8080"},
      {"http://127.0.0.1:7770", "http://127.0.0.1:7770"},
      {"http://a_b-c.test.", "http://a_b-c.test."},
      {"http://[::1]", "http://[::1]"},
      {"http://[::1]:81", "http://[::1]:81"},
      {"http://[0:0:0:0:0:0:0:1]:80", "http://[::1]"},
      {"http://[2001:DB8::A]", "http://[2001:db8::a]"},
      {"http://[::ffff:127.0.0.1]", "http://[::ffff:7f00:1]"},
  };
  for (const auto& [given, normal] : table) {
    const auto origin = NormalOrigin(given);
    ASSERT_TRUE(origin.ok()) << given << ": " << origin.status();
    EXPECT_EQ(*origin, normal);
  }
}

TEST(NormalOriginTest, RefusesWhatIsNoBareOrigin) {
  for (const char* bad :
       {"", "shop.test", "//shop.test", "ftp://shop.test", "file:///", "about:blank", "http://", "http:///", "http://:80",
        "http://shop.test/x", "http://shop.test//", "http://shop.test?q", "http://shop.test/?q", "http://shop.test#f",
        "http://shop.test\\x", "http://me@shop.test", "http://me:hunter2@shop.test", "http://shop.test:", "http://shop.test:0",
        "http://shop.test:65536", "http://shop.test:+80", "http://shop.test:8o", "http://shop.test:80:80", "http://shop test",
        "http://sh*p.test", "http://sh?p.test", "http://*", "http://m\xC3\xBCnchen.test", "http://sh%6fp.test", "http://.test",
        "http://a..test", "http://127.1", "http://0x7f.1", "http://0177.0.0.1", "http://2130706433", "http://256.0.0.1", "http://[::1",
        "http://[]", "http://[::1]80", "http://[::g]", "http://::1"}) {
    const auto origin = NormalOrigin(bad);
    EXPECT_EQ(origin.status().code(), absl::StatusCode::kInvalidArgument) << bad;
    EXPECT_EQ(std::string(origin.status().message()).find("hunter2"), std::string::npos);
  }
}

TEST(OriginOfUrlTest, LeavesOutWhatIsNotTheOrigin) {
  for (const char* url : {"http://shop.test", "HTTP://Shop.Test:80/", "http://me:word@shop.test/a@b?c#d", "http://shop.test?q=http://x.test/",
                          "http://shop.test#f", "http://shop.test\\@x.test/"}) {
    EXPECT_EQ(OriginOfUrl(url), "http://shop.test") << url;
  }
  EXPECT_EQ(OriginOfUrl("https://[::1]:8443/x"), "https://[::1]:8443");
  for (const char* url : {"", "about:blank", "data:text/html,x", "file:///etc", "blob:http://shop.test/1", "http://", "chrome-error://x/"}) {
    EXPECT_EQ(OriginOfUrl(url), "") << url;
  }
}

TEST(NormalHostTest, KnowsAddresses) {
  EXPECT_TRUE(IsAddress("127.0.0.1"));
  EXPECT_TRUE(IsAddress("[::1]"));
  EXPECT_FALSE(IsAddress("shop.test"));
  EXPECT_FALSE(IsAddress("1.shop.test"));
  EXPECT_EQ(NormalHost(std::string(254, 'a')).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(WithoutCredentialsTest, CutsUserNameAndPassword) {
  EXPECT_EQ(WithoutCredentials("http://user:pass@a.test/x@y"), "http://a.test/x@y");
  EXPECT_EQ(WithoutCredentials("http://a.test/x@y"), "http://a.test/x@y");
  EXPECT_EQ(WithoutCredentials("http://a@b@c.test"), "http://c.test");
  EXPECT_EQ(WithoutCredentials("http://u:p@h.test?q=x@y"), "http://h.test?q=x@y");
  EXPECT_EQ(WithoutCredentials("about:blank"), "about:blank");
  EXPECT_EQ(WithoutCredentials("a@b://c"), "a@b://c");
}

}  // namespace
}  // namespace proctor::env::web
