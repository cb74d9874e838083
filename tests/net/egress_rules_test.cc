#include "net/egress_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace proctor::net {
namespace {

using testing::HasSubstr;

IpAddress Ip(std::string_view text) {
  const auto address = ParseIpAddress(text);
  EXPECT_TRUE(address.has_value()) << text;
  return address.value_or(IpAddress{});
}

Authority At(std::string_view text) {
  auto authority = ParseAuthority(text, 80);
  EXPECT_TRUE(authority.ok()) << text;
  return *authority;
}

EgressRules Rules(std::vector<std::string> allowed, bool allow_private = false,
                  std::vector<std::string> narrowed = {}) {
  EgressRules rules;
  for (const auto& text : allowed) rules.allowed.push_back(*ParseHostPattern(text));
  for (const auto& text : narrowed) rules.also_required.push_back(*ParseHostPattern(text));
  rules.allow_private = allow_private;
  return rules;
}

// As the proxy decides for a name that resolves to `address`.
bool Allowed(const EgressRules& rules, std::string_view authority, std::string_view address) {
  const Authority at = At(authority);
  return CheckHost(rules, at).ok() && CheckAddress(rules, at, Ip(address), false, false).ok();
}

TEST(EgressRulesTest, SeesThroughOddSpellingsOfAddresses) {
  for (const char* text : {"127.0.0.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "127.1",
                           "127.0.1", "0x7f.0x0.0x0.0x1", "017700000001", "::ffff:127.0.0.1",
                           "[::ffff:7f00:1]", "0:0:0:0:0:ffff:127.0.0.1"}) {
    EXPECT_EQ(Ip(text).ToString(), "127.0.0.1") << text;
  }
  for (const char* text :
       {"", "example.org", "[]", "[127.0.0.1]", "256.1.1.1", "1.2.3.4.5", "0x", "09.1.1.1",
        "127.0.0.1 x", "fe80::1%lo", "127.0.0.1\n", ":::", "1::2::3", "face", "a.b"}) {
    EXPECT_FALSE(ParseIpAddress(text).has_value()) << text;
  }
}

TEST(EgressRulesTest, ClassifiesAddresses) {
  const std::pair<const char*, AddressClass> kCases[] = {
      {"8.8.8.8", AddressClass::kPublic},
      {"1.1.1.1", AddressClass::kPublic},
      {"172.15.255.255", AddressClass::kPublic},
      {"172.32.0.0", AddressClass::kPublic},
      {"100.63.255.255", AddressClass::kPublic},
      {"223.255.255.255", AddressClass::kPublic},
      {"2606:4700::1111", AddressClass::kPublic},
      {"127.0.0.1", AddressClass::kLoopback},
      {"127.255.255.254", AddressClass::kLoopback},
      {"::1", AddressClass::kLoopback},
      {"10.0.0.1", AddressClass::kPrivate},
      {"172.16.0.1", AddressClass::kPrivate},
      {"172.31.255.255", AddressClass::kPrivate},
      {"192.168.1.1", AddressClass::kPrivate},
      {"100.64.0.1", AddressClass::kPrivate},
      {"198.19.0.1", AddressClass::kPrivate},
      {"fc00::1", AddressClass::kPrivate},
      {"fd12:3456::1", AddressClass::kPrivate},
      {"2001:db8::1", AddressClass::kPrivate},
      {"0.0.0.0", AddressClass::kForbidden},
      {"0.1.2.3", AddressClass::kForbidden},
      {"169.254.169.254", AddressClass::kForbidden},
      {"169.254.0.1", AddressClass::kForbidden},
      {"168.63.129.16", AddressClass::kForbidden},
      {"100.100.100.200", AddressClass::kForbidden},
      {"224.0.0.1", AddressClass::kForbidden},
      {"239.255.255.250", AddressClass::kForbidden},
      {"240.0.0.1", AddressClass::kForbidden},
      {"255.255.255.255", AddressClass::kForbidden},
      {"::", AddressClass::kForbidden},
      {"fe80::1", AddressClass::kForbidden},
      {"febf::1", AddressClass::kForbidden},
      {"ff02::1", AddressClass::kForbidden},
      {"fd00:ec2::254", AddressClass::kForbidden},
      // IPv4 inside IPv6.
      {"::ffff:169.254.169.254", AddressClass::kForbidden},
      {"::ffff:0:169.254.169.254", AddressClass::kForbidden},
      {"::127.0.0.1", AddressClass::kLoopback},
      {"::10.0.0.1", AddressClass::kPrivate},
      {"64:ff9b::169.254.169.254", AddressClass::kForbidden},
      {"64:ff9b::8.8.8.8", AddressClass::kPublic},
      {"2002:7f00:1::", AddressClass::kLoopback},
      {"2002:a9fe:a9fe::", AddressClass::kForbidden},
  };
  for (const auto& [text, kind] : kCases) EXPECT_EQ(ClassifyAddress(Ip(text)), kind) << text;
}

TEST(EgressRulesTest, ParsesAuthorities) {
  EXPECT_EQ(At("Example.ORG.").host, "example.org");
  EXPECT_EQ(At("example.org:8080").port, 8080);
  EXPECT_EQ(At("[::1]:90").host, "::1");
  EXPECT_EQ(At("[::ffff:10.0.0.1]:90").host, "10.0.0.1");
  EXPECT_EQ(At("0x7f.1:5").host, "127.0.0.1");
  for (const char* bad : {"",           ":80",
                          "a:",         "a:0",
                          "a:65536",    "a:+80",
                          "a: 80",      "a:80:90",
                          "user@a",     "user:p@a:80",
                          "a b",        "a\r\nb",
                          "a/b",        "a..b",
                          ".a",         "-\x01",
                          "[::1",       "::1",
                          "[::1]80",    "[::1]:",
                          "127.0.0.1.", "[fe80::1%25lo]:80",
                          "a%00b",      "\xc3\xa9.org"}) {
    EXPECT_FALSE(ParseAuthority(bad, 80).ok()) << bad;
  }
  EXPECT_FALSE(ParseAuthority("example.org", 0).ok());
  EXPECT_FALSE(ParseAuthority(std::string(300, 'a'), 80).ok());
}

TEST(EgressRulesTest, ParsesPatterns) {
  EXPECT_TRUE(ParseHostPattern("*.example.org")->wildcard);
  EXPECT_EQ(ParseHostPattern("example.org:81")->port, 81);
  EXPECT_EQ(ParseHostPattern("example.org")->port, 0);
  EXPECT_EQ(ParseHostPattern("[::1]:80")->port, 80);
  EXPECT_EQ(ParseHostPattern("::1")->port, 0);
  EXPECT_EQ(ParseHostPattern("[::1]")->host, "::1");
  for (const char* bad : {"", "*", "*.", "*.*.a", "a*", "*.127.0.0.1", "http://a", "a:b", "a/x"}) {
    EXPECT_FALSE(ParseHostPattern(bad).ok()) << bad;
  }
}

TEST(EgressRulesTest, WithoutListAllowsPublicHostsOnly) {
  EXPECT_TRUE(Allowed(Rules({}), "example.org", "93.184.216.34"));
  EXPECT_FALSE(Allowed(Rules({}), "example.org", "10.0.0.1"));
  EXPECT_FALSE(Allowed(Rules({}), "localhost", "127.0.0.1"));
  EXPECT_TRUE(Allowed(Rules({}, true), "localhost", "127.0.0.1"));
  EXPECT_TRUE(Allowed(Rules({}, true), "example.org", "93.184.216.34"));
}

TEST(EgressRulesTest, ListNarrowsHostsAndPorts) {
  const EgressRules rules = Rules({"example.org", "*.wiki.org", "127.0.0.1:8080"});
  EXPECT_TRUE(Allowed(rules, "example.org", "93.184.216.34"));
  EXPECT_FALSE(Allowed(rules, "a.example.org", "93.184.216.34"));
  EXPECT_TRUE(Allowed(rules, "a.b.wiki.org", "93.184.216.34"));
  EXPECT_FALSE(Allowed(rules, "wiki.org", "93.184.216.34"));
  EXPECT_FALSE(Allowed(rules, "evilwiki.org", "93.184.216.34"));
  EXPECT_FALSE(Allowed(rules, "other.org", "93.184.216.34"));
  EXPECT_TRUE(Allowed(rules, "127.0.0.1:8080", "127.0.0.1"));
  EXPECT_TRUE(Allowed(rules, "localhost:8080", "127.0.0.1"));
  EXPECT_FALSE(Allowed(rules, "localhost:8080", "::1"));
  EXPECT_FALSE(Allowed(rules, "127.0.0.1:8081", "127.0.0.1"));
}

TEST(EgressRulesTest, PrivateAddressesNeedAnExactEntry) {
  EXPECT_TRUE(Allowed(Rules({"intranet.corp"}), "intranet.corp", "10.1.2.3"));
  EXPECT_FALSE(Allowed(Rules({"*.corp"}), "intranet.corp", "10.1.2.3"));
  EXPECT_TRUE(Allowed(Rules({"*.corp"}, true), "intranet.corp", "10.1.2.3"));
  EXPECT_TRUE(Allowed(Rules({"example.org"}, true), "anything.local", "10.1.2.3"));
  EXPECT_FALSE(Allowed(Rules({"example.org"}, true), "anything.local", "8.8.8.8"));
}

TEST(EgressRulesTest, NothingAllowsForbiddenAddresses) {
  const EgressRules rules = Rules({"169.254.169.254", "0.0.0.0", "metadata.internal"}, true);
  EXPECT_FALSE(Allowed(rules, "169.254.169.254", "169.254.169.254"));
  EXPECT_FALSE(Allowed(rules, "metadata.internal", "169.254.169.254"));
  EXPECT_FALSE(Allowed(rules, "metadata.internal", "::ffff:169.254.169.254"));
  EXPECT_FALSE(Allowed(rules, "0.0.0.0", "0.0.0.0"));
}

TEST(EgressRulesTest, OwnPortsAreRefusedOnEveryLocalAddress) {
  const EgressRules rules = Rules({}, true);
  const auto check = [&](const char* at, const char* ip, bool own_address) {
    return CheckAddress(rules, At(at), Ip(ip), own_address, /*own_port=*/true);
  };
  EXPECT_THAT(check("localhost:50551", "127.0.0.1", false).message(), HasSubstr("server itself"));
  EXPECT_FALSE(check("x:50551", "127.9.9.9", false).ok());
  EXPECT_FALSE(check("x:50551", "::1", false).ok());
  EXPECT_FALSE(check("x:50551", "192.168.1.5", true).ok());
  EXPECT_TRUE(check("x:50551", "192.168.1.6", false).ok());
}

TEST(EgressRulesTest, TheMachinesOwnPublicAddressIsPrivate) {
  const EgressRules rules = Rules({});
  EXPECT_FALSE(CheckAddress(rules, At("x"), Ip("8.8.4.4"), /*own_address=*/true, false).ok());
  EXPECT_TRUE(CheckAddress(rules, At("x"), Ip("8.8.4.4"), false, false).ok());
}

TEST(EgressRulesTest, NarrowingGrantsNothing) {
  const EgressRules rules =
      Rules({"*.example.org"}, false, {"a.example.org", "other.org", "10.0.0.1"});
  EXPECT_TRUE(Allowed(rules, "a.example.org", "8.8.8.8"));
  EXPECT_FALSE(Allowed(rules, "b.example.org", "8.8.8.8"));
  EXPECT_FALSE(Allowed(rules, "other.org", "8.8.8.8"));
  EXPECT_FALSE(Allowed(rules, "a.example.org", "10.0.0.2"));
  EXPECT_FALSE(Allowed(Rules({}, false, {"10.0.0.1"}), "10.0.0.1", "10.0.0.1"));
}

}  // namespace
}  // namespace proctor::net
