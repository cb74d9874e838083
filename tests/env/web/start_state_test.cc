#include "env/web/start_state.h"

#include <string>

#include "env/web/page_settings.h"
#include "tests/env/web/web_fixture.h"

namespace proctor::env::web {
namespace {

using ::testing::HasSubstr;

TEST(ResolveUrlTest, ReplacesPlaceholdersAndRefusesOtherSchemes) {
  const BaseUrls bases = {{"__SHOP__", "http://shop.test:1/"}};
  EXPECT_EQ(*ResolveUrl("__SHOP__/cart", bases), "http://shop.test:1/cart");
  EXPECT_EQ(*ResolveUrl("__SHOP__", bases), "http://shop.test:1/");
  EXPECT_EQ(*ResolveUrl(" HTTPS://x.test ", bases), "HTTPS://x.test");
  for (const char* bad : {"", "__WIKI__/x", "file:///etc/passwd", "chrome://version", "javascript:alert(1)",
                          "view-source:http://x", "data:text/html,x", "about:version", "devtools://x", "//x.test"}) {
    EXPECT_EQ(ResolveUrl(bad, bases).status().code(), absl::StatusCode::kInvalidArgument) << bad;
  }
}

TEST(ResolveUrlTest, CredentialsAreCutFromUrls) {
  EXPECT_EQ(WithoutCredentials("http://u:p@h.test/x@y"), "http://h.test/x@y");
  EXPECT_EQ(WithoutCredentials("http://h.test/x@y"), "http://h.test/x@y");
  EXPECT_EQ(WithoutCredentials("about:blank"), "about:blank");
}

TEST(ResolveWebSettingsTest, FillsInDefaultsAndRefusesWhatItCannotDo) {
  const auto defaults = ResolveWebSettings({});
  ASSERT_TRUE(defaults.ok());
  EXPECT_EQ(defaults->viewport().width(), 1280);
  EXPECT_EQ(defaults->time_zone(), "UTC");
  const auto refused = [](auto change) {
    v1::WebSettings settings;
    change(settings);
    return ResolveWebSettings(settings).status().code() == absl::StatusCode::kInvalidArgument;
  };
  EXPECT_TRUE(refused([](v1::WebSettings& s) { s.mutable_viewport()->set_width(10); }));
  EXPECT_TRUE(refused([](v1::WebSettings& s) { s.set_device_scale(9); }));
  EXPECT_TRUE(refused([](v1::WebSettings& s) { s.set_locale("no such locale!"); }));
  EXPECT_TRUE(refused([](v1::WebSettings& s) { s.set_time_zone("Mars/Olympus"); }));
  EXPECT_TRUE(refused([](v1::WebSettings& s) { s.set_color_scheme("pink"); }));
  EXPECT_TRUE(refused([](v1::WebSettings& s) { s.set_user_agent("a\nb"); }));
  EXPECT_TRUE(refused([](v1::WebSettings& s) { s.add_permissions("everything"); }));
  EXPECT_TRUE(refused([](v1::WebSettings& s) { s.mutable_geolocation()->set_latitude(91); }));
  EXPECT_TRUE(refused([](v1::WebSettings& s) { s.mutable_settle_cap()->set_seconds(61); }));
  EXPECT_TRUE(refused([](v1::WebSettings& s) { s.mutable_preload_max_age()->set_seconds(601); }));
  EXPECT_TRUE(refused([](v1::WebSettings& s) { s.mutable_preload_max_age()->set_seconds(-1); }));
  EXPECT_TRUE(refused([](v1::WebSettings& s) { s.set_max_download_bytes(int64_t{1} << 40); }));
}

TEST(PlanStartTest, RefusesMalformedStorageState) {
  for (const char* bad : {"[", "[]", R"({"cookies":{}})", R"({"cookies":[{}]})", R"({"origins":[{"origin":"file:///"}]})",
                          R"({"origins":[1]})", R"({"cookies":[{"name":"a","value":"b"}]})"}) {
    v1::StartState state;
    state.set_storage_state_json(bad);
    EXPECT_EQ(PlanStart(state, {}).status().code(), absl::StatusCode::kInvalidArgument) << bad;
  }
}

class StartStateTest : public WebWorldTestBase {};

TEST_F(StartStateTest, OpensSeveralTabsAndShowsTheFirst) {
  site().Page("/one", "<title>one</title>");
  site().Page("/two", "<title>two</title>");
  v1::StartState start;
  start.set_start_url("__SITE__/one |AND| __SITE__/two");
  (*start.mutable_base_urls())["__SITE__"] = site().Url("");
  const auto result = TryReset(start);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->observation.title(), "one");
  ASSERT_EQ(result->observation.tabs_size(), 2);
  EXPECT_EQ(result->observation.tabs(1).title(), "two");
  EXPECT_EQ(result->base_urls.at("__SITE__"), site().Url(""));
}

TEST_F(StartStateTest, BringsCookiesAndLocalStorage) {
  site().Page("/", "<script>document.title=document.cookie+'|'+localStorage.getItem('k')</script>");
  v1::StartState start;
  start.set_start_url(site().Url("/"));
  start.set_storage_state_json(absl::StrCat(
      R"({"cookies":[{"name":"c","value":"1","domain":"127.0.0.1","path":"/","expires":-1,"httpOnly":false,"secure":false,"sameSite":"Lax"}],)",
      R"("origins":[{"origin":")", site().Url(""), R"(","localStorage":[{"name":"k","value":"v\"<"}]}]})"));
  const int before = site().hits("/");
  const auto result = TryReset(start);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->observation.title(), "c=1|v\"<");
  EXPECT_EQ(result->observation.tabs_size(), 1);
  EXPECT_EQ(site().hits("/"), before + 1) << "filling the storage sends no request";
}

TEST_F(StartStateTest, SettingsReachThePageAndItsFrames) {
  v1::WebSettings settings;
  settings.mutable_viewport()->set_width(800);
  settings.mutable_viewport()->set_height(600);
  settings.set_device_scale(2);
  settings.set_locale("de-DE");
  settings.set_time_zone("Asia/Tokyo");
  settings.set_user_agent("ProctorTest/1");
  settings.set_color_scheme("dark");
  settings.add_permissions("geolocation");
  settings.mutable_geolocation()->set_latitude(48);
  settings.mutable_geolocation()->set_longitude(11);
  settings.set_random_seed(7);
  Open(settings);
  const std::string script =
      "<script>const say=()=>[innerWidth>0,devicePixelRatio,navigator.language,new Date(0).getHours(),navigator.userAgent,"
      "matchMedia('(prefers-color-scheme: dark)').matches,(1.5).toLocaleString()].join(' ');</script>";
  site().Page("/inner", script + "<button></button><script>document.querySelector('button').textContent='frame '+say()</script>");
  ResetTo(script + "<p id=p></p><iframe src='" + site().Url("/inner", "localhost") + "'></iframe>"
          "<script>p.textContent=innerWidth+' '+say()+' '+Math.random();"
          "navigator.geolocation.getCurrentPosition(q=>document.title=q.coords.latitude+','+q.coords.longitude,e=>document.title='no '+e.message)</script>");
  EXPECT_THAT(last_.text().text(), HasSubstr("800 true 2 de-DE 9 ProctorTest/1 true 1,5"));
  EXPECT_GT(Mark("frame true 2 de-DE 9 ProctorTest/1 true 1,5"), 0);
  const std::string first = last_.text().text();
  Reset("/page");
  EXPECT_EQ(last_.text().text(), first) << "Math.random follows the seed";
  v1::Action noop;
  noop.mutable_noop();
  EXPECT_EQ(Act(noop).title(), "48,11");
}

TEST_F(StartStateTest, EvidenceIsCollectedWithoutTouchingTheAgentsTab) {
  site().Page("/state", "<p id=v>42</p>");
  ResetTo("<title>mine</title><script>var x={a:[1]}</script>");
  std::vector<v1::EvidenceRequest> requests(5);
  requests[0].set_id("live");
  requests[0].mutable_page_expression()->set_expression("x");
  requests[1].set_id("fresh");
  requests[1].mutable_page_expression()->set_url(site().Url("/state"));
  requests[1].mutable_page_expression()->set_expression("document.getElementById('v').textContent");
  requests[2].set_id("url");
  requests[2].mutable_final_url();
  requests[3].set_id("bad");
  requests[3].mutable_page_expression()->set_expression("nope.nope");
  requests[4].set_id("sequence");
  auto* entry = requests[4].mutable_page_sequence()->add_entries();
  entry->set_url(site().Url("/state"));
  entry->set_expression("document.title='seen'");
  entry = requests[4].mutable_page_sequence()->add_entries();
  entry->set_url("last");
  entry->add_prep_actions("throw 1");
  entry->set_expression("document.title");
  const auto evidence = world_->Collect(Within(absl::Seconds(40)), requests);
  ASSERT_EQ(evidence.size(), 5u);
  EXPECT_EQ(evidence[0].json_values(0), R"({"a":[1]})") << evidence[0].error();
  EXPECT_EQ(evidence[1].json_values(0), "\"42\"") << evidence[1].error();
  EXPECT_EQ(evidence[1].urls(0), site().Url("/state"));
  EXPECT_EQ(evidence[2].json_values(0), absl::StrCat("\"", site().Url("/page"), "\""));
  EXPECT_THAT(evidence[3].error(), HasSubstr("nope"));
  EXPECT_EQ(evidence[3].json_values_size(), 0);
  ASSERT_EQ(evidence[4].json_values_size(), 2) << evidence[4].error();
  EXPECT_EQ(evidence[4].json_values(1), "\"seen\"");
  v1::Action noop;
  noop.mutable_noop();
  EXPECT_EQ(Act(noop).title(), "mine");
  EXPECT_EQ(last_.tabs_size(), 1);
}

TEST_F(StartStateTest, HostsThatTheSessionDoesNotNameAreRefused) {
  v1::WebSettings settings;
  settings.add_allowed_hosts(absl::StrCat("localhost:", site().port()));
  Open(settings);
  site().Page("/page", "<title>ok</title>");
  v1::StartState start;
  start.set_start_url(site().Url("/page", "localhost"));
  const auto result = TryReset(start);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->observation.title(), "ok");
  v1::Action action;
  action.mutable_goto_()->set_url(site().Url("/page"));
  EXPECT_THAT(Act(action).title(), testing::Not(testing::StrEq("ok")));
  EXPECT_THAT(last_.notices(), testing::Contains(HasSubstr("403")));
}

}  // namespace
}  // namespace proctor::env::web
