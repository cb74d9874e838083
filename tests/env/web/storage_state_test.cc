#include "env/web/storage_state.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace proctor::env::web {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;

constexpr char kGood[] = R"({"name":"good","value":"1","domain":"a.test"})";

// What is wrong with the second cookie of two.
std::string CookieRefusal(const std::string& cookie) {
  const auto state = ParseStorageState(absl::StrCat(R"({"cookies":[)", kGood, ",", cookie, "]}"));
  EXPECT_EQ(state.status().code(), absl::StatusCode::kInvalidArgument) << cookie;
  return std::string(state.status().message());
}

struct BadCookie {
  std::string members;
  std::string place;
};

TEST(ParseStorageStateTest, RefusesCookiesNamingThePlace) {
  const BadCookie table[] = {
      {R"("value":"v","domain":"a.test")", "cookies[1].name: is missing"},
      {R"("name":7,"value":"v","domain":"a.test")", "cookies[1].name: must be a string"},
      {R"("name":"n","domain":"a.test")", "cookies[1].value: is missing"},
      {R"("name":"n","value":5,"domain":"a.test")", "cookies[1].value: must be a string"},
      {R"("name":"n","value":null,"domain":"a.test")", "cookies[1].value: must be a string"},
      {R"("name":"n","value":"v")", "cookies[1].domain: is missing"},
      {R"("name":"n","value":"v","domain":"")", "cookies[1].domain: there is no host"},
      {R"("name":"n","value":"v","domain":".")", "cookies[1].domain: "},
      {R"("name":"n","value":"v","domain":"a b")", "cookies[1].domain: "},
      {R"("name":"n","value":"v","domain":"a.test/x")", "cookies[1].domain: "},
      {R"("name":"n","value":"v","domain":"a.test:80")", "cookies[1].domain: "},
      {R"("name":"n","value":"v","domain":"https://a.test")", "cookies[1].domain: "},
      {R"("name":"n","value":"v","domain":"127.1")", "cookies[1].domain: "},
      {R"("name":"n","value":"v","domain":["a.test"])", "cookies[1].domain: must be a string"},
      {R"("name":"n","value":"v","domain":"a.test","path":1)", "cookies[1].path: must be a string"},
      {R"("name":"n","value":"v","domain":"a.test","expires":"tomorrow")", "cookies[1].expires: "},
      {R"("name":"n","value":"v","domain":"a.test","expires":-2)", "cookies[1].expires: "},
      {R"("name":"n","value":"v","domain":"a.test","expires":null)", "cookies[1].expires: "},
      {R"("name":"n","value":"v","domain":"a.test","httpOnly":"true")", "cookies[1].httpOnly: must be true or false"},
      {R"("name":"n","value":"v","domain":"a.test","secure":1)", "cookies[1].secure: must be true or false"},
      {R"("name":"n","value":"v","domain":"a.test","sameSite":"lax")", "cookies[1].sameSite: must be \"Strict\", "},
      {R"("name":"n","value":"v","domain":"a.test","sameSite":"sometimes")", "cookies[1].sameSite: "},
      {R"("name":"n","value":"v","domain":"a.test","sameSite":true)", "cookies[1].sameSite: "},
      {R"("name":"n","value":"v","domain":"a.test","sameSite":"None")", "cookies[1].sameSite: \"None\" needs \"secure\""},
      {R"("name":"n","value":"v","domain":"a.test","secure":true,"partitionKey":5)", "cookies[1].partitionKey: must be a string"},
      {R"("name":"n","value":"v","domain":"a.test","secure":true,"partitionKey":"top.test")", "cookies[1].partitionKey: "},
      {R"("name":"n","value":"v","domain":"a.test","partitionKey":"https://top.test")", "cookies[1].partitionKey: needs \"secure\""},
      {R"("name":"n","value":"v","domain":"a.test","_crHasCrossSiteAncestor":true)", "cookies[1]._crHasCrossSiteAncestor: "},
      {R"("name":"n","value":"v","url":"https://a.test")", "cookies[1].url: is not supported"},
      {R"("name":"n","value":"v","domain":"a.test","hostOnly":true)", "cookies[1].hostOnly: is not supported"},
  };
  for (const BadCookie& bad : table) {
    EXPECT_THAT(CookieRefusal(absl::StrCat("{", bad.members, "}")),
                HasSubstr(absl::StrCat("start_state.storage_state_json: ", bad.place)));
  }
  EXPECT_THAT(CookieRefusal("7"), HasSubstr("cookies[1]: must be an object"));
}

TEST(ParseStorageStateTest, RefusesTheRestNamingThePlace) {
  const BadCookie table[] = {
      {"[", "not a JSON object"},
      {"[]", "not a JSON object"},
      {R"({"cookies":{}})", "cookies: must be a list"},
      {R"({"origins":"x"})", "origins: must be a list"},
      {R"({"sessionStorage":[1]})", "sessionStorage: is not supported"},
      {R"({"origins":[1]})", "origins[0]: must be an object"},
      {R"({"origins":[{}]})", "origins[0].origin: is missing"},
      {R"({"origins":[{"origin":"file:///"}]})", "origins[0].origin: "},
      {R"({"origins":[{"origin":"about:blank"}]})", "origins[0].origin: "},
      {R"({"origins":[{"origin":"http://a.test/x"}]})", "origins[0].origin: "},
      {R"({"origins":[{"origin":"http://a.test","localStorage":{}}]})", "origins[0].localStorage: must be a list"},
      {R"({"origins":[{"origin":"http://a.test","localStorage":[1]}]})", "origins[0].localStorage[0]: must be an object"},
      {R"({"origins":[{"origin":"http://a.test","localStorage":[{"value":"v"}]}]})", "origins[0].localStorage[0].name: is missing"},
      {R"({"origins":[{"origin":"http://a.test","localStorage":[{"name":"k","value":5}]}]})", "origins[0].localStorage[0].value: must be"},
      {R"({"origins":[{"origin":"http://a.test","localStorage":[{"name":"k"}]}]})", "origins[0].localStorage[0].value: is missing"},
      {R"({"origins":[{"origin":"http://a.test","localStorage":[{"name":"k","value":"1"},{"name":"k","value":"2"}]}]})",
       "origins[0].localStorage[1].name: is given twice"},
      {R"({"origins":[{"origin":"http://a.test","localStorage":[{"name":"k","value":"v","ttl":1}]}]})", "origins[0].localStorage[0].ttl: is"},
      {R"({"origins":[{"origin":"http://a.test","localStorage":[],"indexedDB":[{"name":"db"}]}]})", "origins[0].indexedDB: is not supported"},
  };
  for (const BadCookie& bad : table) {
    const auto state = ParseStorageState(bad.members);
    EXPECT_EQ(state.status().code(), absl::StatusCode::kInvalidArgument) << bad.members;
    EXPECT_THAT(std::string(state.status().message()), HasSubstr(absl::StrCat("start_state.storage_state_json: ", bad.place)));
  }
}

TEST(ParseStorageStateTest, NoMessageHasAValue) {
  const std::string refusal = CookieRefusal(R"({"name":"n","value":"hunter2","domain":"a.test","sameSite":"hunter2"})");
  EXPECT_THAT(refusal, AllOf(HasSubstr("cookies[1].sameSite"), Not(HasSubstr("hunter2"))));
}

TEST(ParseStorageStateTest, TakesWhatPlaywrightWrites) {
  const auto state = ParseStorageState(R"({"cookies":[
      {"name":"all","value":"v=1","domain":".Shop.test","path":"/a","expires":2000000000.5,"httpOnly":true,"secure":true,"sameSite":"None"},
      {"name":"session","value":"","domain":"shop.test","path":"/","expires":-1,"httpOnly":false,"secure":false,"sameSite":"Lax"},
      {"name":"part","value":"p","domain":"[::1]","path":"/","expires":-1,"httpOnly":false,"secure":true,"sameSite":"None",
       "partitionKey":"https://top.test","_crHasCrossSiteAncestor":false},
      {"name":"address","value":"v","domain":".127.0.0.1"}],
      "origins":[{"origin":"HTTPS://Shop.test:443","localStorage":[{"name":"k","value":"v"},{"name":"","value":""}],"indexedDB":[]},
                 {"origin":"http://b.test:81"}]})");
  ASSERT_TRUE(state.ok()) << state.status();
  ASSERT_EQ(state->cookies.size(), 4u);
  EXPECT_EQ(state->cookies[0],
            Json::parse(R"({"name":"all","value":"v=1","domain":".shop.test","path":"/a","expires":2000000000.5,"httpOnly":true,"secure":true,"sameSite":"None"})"));
  EXPECT_FALSE(state->cookies[1].contains("expires"));
  EXPECT_EQ(state->cookies[2]["partitionKey"], (Json{{"topLevelSite", "https://top.test"}, {"hasCrossSiteAncestor", false}}));
  EXPECT_EQ(state->cookies[3],
            Json::parse(R"({"name":"address","value":"v","domain":"127.0.0.1","path":"/","httpOnly":false,"secure":false})"));
  ASSERT_EQ(state->origins.size(), 2u);
  EXPECT_EQ(state->origins[0].origin, "https://shop.test");
  EXPECT_THAT(state->origins[0].items, ElementsAre(Pair("k", "v"), Pair("", "")));
  EXPECT_EQ(state->origins[1].origin, "http://b.test:81");
  EXPECT_TRUE(ParseStorageState("")->cookies.empty());
  EXPECT_TRUE(ParseStorageState("{}")->origins.empty());
}

TEST(CheckCookiesTakenTest, NamesTheOneThatIsMissingOrDifferent) {
  const Json given = ParseStorageState(R"({"cookies":[{"name":"a","value":"1","domain":"a.test"},
      {"name":"b","value":"2","domain":"a.test","httpOnly":true,"expires":2000}]})")->cookies;
  const Json a = {{"name", "a"}, {"value", "1"}, {"domain", "a.test"}, {"path", "/"}, {"session", true}};
  const Json b = {{"name", "b"}, {"value", "2"}, {"domain", "a.test"}, {"path", "/"}, {"session", false}, {"httpOnly", true}};
  const auto refusal = [&](const std::vector<Json>& has, int64_t now) {
    return std::string(CheckCookiesTaken(given, {{"cookies", has}}, absl::FromUnixSeconds(now)).message());
  };
  EXPECT_EQ(refusal({b, a}, 1000), "");
  EXPECT_EQ(refusal({a}, 2000), "") << "it is expired";
  EXPECT_THAT(refusal({a}, 1999), HasSubstr("cookies[1]: \"b\" of a.test: the browser did not take it"));
  EXPECT_THAT(refusal({b}, 1000), HasSubstr("cookies[0]: \"a\" of a.test: the browser did not take it"));
  for (const auto& [key, value] : std::vector<std::pair<std::string, Json>>{
           {"value", "3"}, {"httpOnly", false}, {"secure", true}, {"sameSite", "Lax"}, {"session", true}}) {
    Json other = b;
    other[key] = value;
    EXPECT_THAT(refusal({a, other}, 1000), HasSubstr("cookies[1]: \"b\" of a.test: the browser has it with another value")) << key;
  }
  for (const auto& [key, value] : std::vector<std::pair<std::string, Json>>{
           {"domain", ".a.test"}, {"path", "/x"}, {"partitionKey", Json{{"topLevelSite", "https://t.test"}}}}) {
    Json other = b;
    other[key] = value;
    EXPECT_THAT(refusal({a, other}, 1000), HasSubstr("cookies[1]: \"b\" of a.test: the browser did not take it")) << key;
  }
}

}  // namespace
}  // namespace proctor::env::web
