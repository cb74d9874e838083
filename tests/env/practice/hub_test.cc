#include "env/practice/hub.h"

#include <thread>

#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/env/practice/visitor.h"

namespace proctor::env::practice {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(PracticeHubTest, GivesEverySiteAHostOfItsOwnThatCannotBeGuessed) {
  PracticeHub hub;
  hub.SetPort(8123);
  const auto first = hub.CreateInstance({.seed = 1}).value(), second = hub.CreateInstance({.seed = 1}).value();

  EXPECT_EQ(first.base_urls.size(), 5u);
  EXPECT_THAT(first.base_urls.at("__SHOP__"), StartsWith("http://shop-"));
  EXPECT_THAT(first.base_urls.at("__SHOP__"), ::testing::EndsWith(".localhost:8123"));
  EXPECT_GE(first.base_urls.at("__SHOP__").size(), std::string("http://shop-.localhost:8123").size() + 20);
  EXPECT_NE(first.base_urls.at("__SHOP__"), second.base_urls.at("__SHOP__"));
  EXPECT_NE(first.base_urls.at("__SHOP__").substr(12, 20), first.base_urls.at("__WIKI__").substr(12, 20));
}

TEST(PracticeHubTest, KeepsStatesOfInstancesOfOneSeedApart) {
  PracticeHub hub;
  const auto first = hub.CreateInstance({.seed = 7}).value(), second = hub.CreateInstance({.seed = 7}).value();
  Visitor one(hub, first, "mail"), other(hub, second, "mail");
  const std::string before = other.State();

  EXPECT_EQ(one.Post("/settings", {{"signature", "Hello"}}).status, 303);

  EXPECT_THAT(one.State(), HasSubstr("Hello"));
  EXPECT_EQ(other.State(), before);
  EXPECT_EQ(one.Get("/folder/archive").body, other.Get("/folder/archive").body);
}

TEST(PracticeHubTest, ASiteThatIsFullTakesNothingMore) {
  PracticeHub hub;
  Visitor visitor(hub, hub.CreateInstance({.seed = 1}).value(), "mail");
  const std::string text(7000, 'x');
  int posts = 0;
  while (posts < 2000 && visitor.Post("/compose", {{"to", "a@b"}, {"subject", text}, {"text", text}}).status == 303) ++posts;
  EXPECT_GT(posts, 100);
  EXPECT_LT(visitor.State().size(), State::kFullBytes + (1 << 16));
  EXPECT_EQ(visitor.Post("/settings", {{"signature", "Hello"}}).status, 413);
  EXPECT_EQ(visitor.Get("/folder/sent").status, 200);
}

TEST(PracticeStateTest, CountsWhatItHolds) {
  State state;
  const std::string much(State::kFullBytes, 'x');
  state.Set("a", "1", {{"text", much}});
  EXPECT_TRUE(state.full());
  state.Set("a", "1", {{"text", "little"}});
  EXPECT_FALSE(state.full());
  state.Set("a", "2", {{"text", much}});
  state.Erase("a", "2");
  state.Erase("a", "none");
  EXPECT_FALSE(state.full());
  state.Set("b", "1", {{"text", much}});
  state.Clear("b");
  state.Clear("none");
  EXPECT_FALSE(state.full());
}

TEST(PracticeHubTest, DifferentSeedsGiveDifferentContent) {
  PracticeHub hub;
  for (const std::string& site : SiteNames()) {
    Visitor one(hub, hub.CreateInstance({.seed = 1}).value(), site), other(hub, hub.CreateInstance({.seed = 2}).value(), site);
    EXPECT_NE(one.Get("/").body, other.Get("/").body) << site;
  }
}

TEST(PracticeHubTest, StopsAnsweringWhenDestroyed) {
  PracticeHub hub;
  hub.SetPort(80);
  const auto instance = hub.CreateInstance({.seed = 1, .proxy_port = 5001}).value();
  const std::string host = instance.base_urls.at("__SHOP__").substr(7);
  EXPECT_EQ(hub.PortOf(5001, host), 80);
  Visitor visitor(hub, instance, "shop");
  EXPECT_EQ(visitor.Get("/").status, 200);

  hub.Destroy(instance.id);
  hub.Destroy(instance.id);

  EXPECT_EQ(visitor.Get("/").status, 404);
  EXPECT_EQ(hub.PortOf(5001, host), 0);
  EXPECT_EQ(hub.instance_count(), 0);
  EXPECT_EQ(hub.StateJson(instance.id, "shop").status().code(), absl::StatusCode::kNotFound);
}

TEST(PracticeHubTest, RefusesHostsThatAreNotItsOwn) {
  PracticeHub hub;
  for (const char* host : {"", "localhost", "shop.localhost", "shop-1.localhost:80", "example.org", ".localhost"}) {
    EXPECT_EQ(hub.Handle({.method = "GET", .target = "/", .host = host, .headers = {}, .body = ""}).status, 404) << host;
    EXPECT_EQ(hub.PortOf(5001, host), 0) << host;
  }
}

TEST(PracticeHubTest, AnInstancesHostsAreThoseOfItsOwnProxyPort) {
  PracticeHub hub;
  hub.SetPort(80);
  const auto own = hub.CreateInstance({.seed = 1, .proxy_port = 5001}).value(), other = hub.CreateInstance({.seed = 1, .proxy_port = 5002}).value();
  const auto nobodys = hub.CreateInstance({.seed = 1}).value();

  for (const auto& [placeholder, url] : own.base_urls) {
    EXPECT_EQ(hub.PortOf(5001, url.substr(7)), 80) << placeholder;
    EXPECT_EQ(hub.PortOf(5002, url.substr(7)), 0) << placeholder;
    EXPECT_EQ(hub.PortOf(0, url.substr(7)), 0) << placeholder;
  }
  EXPECT_EQ(hub.PortOf(5002, other.base_urls.at("__SHOP__").substr(7)), 80);
  for (const int port : {0, 5001, 5002}) EXPECT_EQ(hub.PortOf(static_cast<uint16_t>(port), nobodys.base_urls.at("__SHOP__").substr(7)), 0);
}

TEST(PracticeHubTest, PlaysTheStartStateBeforeTheFirstPage) {
  PracticeHub hub;
  const auto instance = hub.CreateInstance({.seed = 3, .site_state_json = {{"mail", R"([{"path":"/settings","form":{"signature":"Ahoy"}}])"}}});
  ASSERT_TRUE(instance.ok()) << instance.status();
  EXPECT_THAT(Visitor(hub, *instance, "mail").State(), HasSubstr("Ahoy"));
}

TEST(PracticeHubTest, RefusesAMalformedStartState) {
  PracticeHub hub;
  for (const char* posts : {"", "{}", "[1]", R"([{"path":"settings"}])", R"([{"path":"/settings","form":3}])",
                            R"([{"path":"/settings","form":{"a":1}}])", R"([{"path":"/nowhere"}])"}) {
    EXPECT_EQ(hub.CreateInstance({.seed = 3, .site_state_json = {{"mail", posts}}}).status().code(), absl::StatusCode::kInvalidArgument) << posts;
  }
  EXPECT_EQ(hub.CreateInstance({.seed = 3, .site_state_json = {{"bank", "[]"}}}).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(hub.instance_count(), 0);
}

// Each post is short, and none makes the state larger than the one before: nothing else would end it.
TEST(PracticeHubTest, AStartStateHasABound) {
  PracticeHub hub;
  const auto play = [&](int posts) {
    std::string json = "[";
    for (int i = 0; i < posts; ++i) {
      absl::StrAppend(&json, i == 0 ? "" : ",", R"({"path":"/settings","form":{"signature":")", i % 2 == 0 ? "Ahoy" : "Hello", "\"}}");
    }
    return hub.CreateInstance({.seed = 3, .site_state_json = {{"mail", json + "]"}}}).status();
  };
  EXPECT_TRUE(play(1'000).ok());
  const absl::Status refused = play(1'001);
  EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("more than 1000 posts"));
}

TEST(PracticeHubTest, AStartStateHoldsNothingThatASiteWouldCut) {
  PracticeHub hub;
  const auto sign = [&](size_t bytes) {
    const std::string posts = absl::StrCat(R"([{"path":"/settings","form":{"signature":")", std::string(bytes, 'x'), "\"}}]");
    return hub.CreateInstance({.seed = 3, .site_state_json = {{"mail", posts}}}).status().code();
  };
  EXPECT_EQ(sign(8'000), absl::StatusCode::kOk);
  EXPECT_EQ(sign(8'001), absl::StatusCode::kInvalidArgument);
}

TEST(PracticeHubTest, RefusesAStartStateThatTheSiteAnswersWithAnError) {
  PracticeHub hub;
  // A postcode that is too short, a coupon that nobody has: each is answered by a page, and leaves all as it was.
  for (const char* posts : {R"([{"path":"/account/address","form":{"street":"x","city":"y","postcode":"123"}}])",
                            R"([{"path":"/cart/coupon","form":{"code":"NOBODYS1"}}])"}) {
    const absl::Status status = hub.CreateInstance({.seed = 3, .site_state_json = {{"shop", posts}}}).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << posts;
    EXPECT_THAT(std::string(status.message()), HasSubstr("the site refused /"));
  }
  EXPECT_EQ(hub.instance_count(), 0);
}

TEST(PracticeHubTest, AddsTheResponseDelay) {
  PracticeHub hub;
  Visitor visitor(hub, hub.CreateInstance({.seed = 1, .response_delay = absl::Milliseconds(250)}).value(), "shop");
  EXPECT_EQ(visitor.Get("/").delay, absl::Milliseconds(250));
  EXPECT_FALSE(hub.CreateInstance({.response_delay = absl::Seconds(11)}).ok());
}

TEST(PracticeHubTest, CreatesInstancesInFarLessThanAMillisecond) {
  PracticeHub hub;
  constexpr int kInstances = 500;
  const absl::Time start = absl::Now();
  for (int i = 0; i < kInstances; ++i) ASSERT_TRUE(hub.CreateInstance({.seed = i + 1}).ok());
  const absl::Duration each = (absl::Now() - start) / kInstances;
  RecordProperty("microseconds", static_cast<int>(absl::ToInt64Microseconds(each)));
  EXPECT_LT(each, absl::Milliseconds(1));
}

TEST(PracticeHubTest, ServesManyThreads) {
  PracticeHub hub;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&hub, t] {
      for (int i = 0; i < 20; ++i) {
        const auto instance = hub.CreateInstance({.seed = 1 + (i + t) % 3}).value();
        for (const std::string& site : SiteNames()) EXPECT_EQ(Visitor(hub, instance, site).Get("/").status, 200);
        hub.Destroy(instance.id);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(hub.instance_count(), 0);
}

}  // namespace
}  // namespace proctor::env::practice
