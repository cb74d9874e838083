#include "env/web/start_state.h"

#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "common/strings.h"
#include "env/web/locale.h"
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

TEST(PlanStartTest, CredentialsAreFoundByTheOriginsThatBrowsersName) {
  const BaseUrls bases = {{"__SHOP__", "http://Shop.test:80/"}, {"__DEEP__", "http://deep.test/x"}, {"__SELF__", "http://me:hunter2@self.test"}};
  const std::pair<const char*, const char*> good[] = {{"https://Shop.test:443", "https://shop.test"},
                                                      {"http://shop.test:8080/", "http://shop.test:8080"},
                                                      {"__SHOP__", "http://shop.test"},
                                                      {"HTTP://127.0.0.1:7770", "http://127.0.0.1:7770"}};
  for (const auto& [key, origin] : good) {
    v1::StartState state;
    (*state.mutable_http_credentials())[key].set_username("u");
    const auto plan = PlanStart(state, bases);
    ASSERT_TRUE(plan.ok()) << plan.status();
    ASSERT_EQ(plan->credentials.size(), 1u);
    EXPECT_EQ(plan->credentials.begin()->first, origin);
  }
  for (const char* bad : {"", "shop.test", "about:blank", "ftp://shop.test", "https://shop.test/login", "https://shop.test?x",
                          "https://shop.test#x", "https://me@shop.test", "https://me:hunter2@shop.test", "https://*.test", "__WIKI__",
                          "__DEEP__", "__SELF__"}) {
    v1::StartState state;
    (*state.mutable_http_credentials())[bad].set_username("u");
    const absl::Status refused = PlanStart(state, bases).status();
    EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument) << bad;
    EXPECT_THAT(std::string(refused.message()), testing::StartsWith("start_state.http_credentials[\"")) << bad;
    EXPECT_THAT(std::string(refused.message()), testing::Not(HasSubstr("hunter2")));
  }
  v1::StartState twice;
  (*twice.mutable_http_credentials())["https://shop.test"].set_username("u");
  (*twice.mutable_http_credentials())["https://SHOP.test:443/"].set_username("v");
  EXPECT_THAT(std::string(PlanStart(twice, {}).status().message()), HasSubstr("the same origin is given twice"));
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
      R"("origins":[{"origin":")", site().Url(""), R"(","localStorage":[{"name":"k","value":"v\"<"}],"indexedDB":[]},)",
      R"({"origin":")", site().Url("", "localhost"), R"(","localStorage":[{"name":"k","value":"other"}]}]})"));
  const int before = site().hits("/");
  const auto result = TryReset(start);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->observation.title(), "c=1|v\"<");
  EXPECT_EQ(result->observation.tabs_size(), 1);
  EXPECT_EQ(site().hits("/"), before + 1) << "filling the storage sends no request";
  v1::Action other;
  other.mutable_goto_()->set_url(site().Url("/", "localhost"));
  EXPECT_EQ(Act(other).title(), "|other");
}

// Names of cookies, as a page and its server see them.
class CookieRulesTest : public WebWorldTestBase {
 protected:
  CookieRulesTest() {
    site().Answer("/", Telling);
    site().Answer("/below/page", Telling);
    site().Answer("/frame", Telling);
  }
  static net::HttpResponse Telling(const net::HttpRequest& request) {
    return TestSite::Html(absl::StrCat("<title>", Names(request.Header("cookie")),
                                       "</title><p id=p></p><script>p.textContent='script: '+document.cookie.split('; ').map(c=>"
                                       "c.split('=')[0]).sort().join(' ')+' server: '+document.title</script>"));
  }
  static std::string Names(std::string_view header) {
    std::set<std::string> names;
    for (const auto cookie : absl::StrSplit(ToAbsl(header), "; ", absl::SkipEmpty())) {
      names.emplace(cookie.substr(0, cookie.find('=')));
    }
    return absl::StrJoin(names, " ");
  }
  // What both see after a start with that one cookie of 127.0.0.1, or of another host.
  std::string Seen(const std::string& members, const std::string& url, const std::string& host = "127.0.0.1") {
    v1::StartState start;
    start.set_start_url(url);
    start.set_storage_state_json(
        absl::StrCat(R"({"cookies":[{"name":"c","value":"1","domain":")", host, "\"", members.empty() ? "" : ",", members, "}]}"));
    const auto result = TryReset(start);
    EXPECT_TRUE(result.ok()) << result.status();
    return result.ok() ? result->observation.text().text() : "";
  }
  // Of the frame in a page of another site.
  std::string SeenInFrame(const std::string& members) {
    site().Page("/outer", absl::StrCat("<iframe src='", site().Url("/frame"), "'></iframe>"));
    return Seen(members, site().Url("/outer", "localhost"));
  }
  // After a click in a page of another site.
  std::string SeenByLink(const std::string& members) {
    site().Page("/link", absl::StrCat("<a href='", site().Url("/"), "'>Go</a>"));
    v1::StartState start;
    start.set_start_url(site().Url("/link", "localhost"));
    start.set_storage_state_json(absl::StrCat(R"({"cookies":[{"name":"c","value":"1","domain":"127.0.0.1",)", members, "}]}"));
    const auto result = TryReset(start);
    EXPECT_TRUE(result.ok()) << result.status();
    if (!result.ok()) return "";
    last_ = result->observation;
    return Click("Go").text().text();
  }
};

constexpr char kBoth[] = "script: c server: c";
constexpr char kServerOnly[] = "script: server: c";
constexpr char kNobody[] = "script: server:";

TEST_F(CookieRulesTest, PathsExpiryAndHttpOnlyAreInForce) {
  EXPECT_THAT(Seen("", site().Url("/")), HasSubstr(kBoth));
  EXPECT_THAT(Seen(R"("httpOnly":true)", site().Url("/")), HasSubstr(kServerOnly));
  EXPECT_THAT(Seen(R"("path":"/below")", site().Url("/below/page")), HasSubstr(kBoth));
  EXPECT_THAT(Seen(R"("path":"/below")", site().Url("/")), HasSubstr(kNobody));
  EXPECT_THAT(Seen(R"("expires":1000000000)", site().Url("/")), HasSubstr(kNobody)) << "an expired one is no error";
  EXPECT_THAT(Seen(absl::StrCat(R"("expires":)", absl::ToUnixSeconds(absl::Now()) + 3600), site().Url("/")), HasSubstr(kBoth));
}

TEST_F(CookieRulesTest, SecureIsInForce) {
  // A host that is not this machine's own; cookies know no ports.
  const std::string plain = "http://plain.test/";
  EXPECT_THAT(Seen("", plain, "plain.test"), HasSubstr(kBoth));
  EXPECT_THAT(Seen(R"("secure":true)", plain, "plain.test"), HasSubstr(kNobody));
  EXPECT_THAT(Seen("", "http://below.plain.test/", "plain.test"), HasSubstr(kNobody));
  EXPECT_THAT(Seen("", "http://below.plain.test/", ".plain.test"), HasSubstr(kBoth));
}

TEST_F(CookieRulesTest, SameSiteIsInForce) {
  EXPECT_THAT(SeenByLink(R"("sameSite":"Lax")"), HasSubstr("server: c"));
  EXPECT_THAT(SeenByLink(R"("sameSite":"Strict")"), testing::Not(HasSubstr("server: c")));
  EXPECT_THAT(SeenInFrame(R"("sameSite":"Lax","secure":true)"), HasSubstr(kNobody));
  EXPECT_THAT(SeenInFrame(R"("sameSite":"None","secure":true)"), HasSubstr(kBoth));
}

TEST_F(CookieRulesTest, PartitionsAreInForce) {
  const std::string partitioned = R"("sameSite":"None","secure":true,"partitionKey":"http://localhost")";
  EXPECT_THAT(SeenInFrame(partitioned), HasSubstr(kBoth));
  EXPECT_THAT(Seen(partitioned, site().Url("/")), HasSubstr(kNobody));
  EXPECT_THAT(SeenInFrame(R"("sameSite":"None","secure":true,"partitionKey":"http://elsewhere.test")"), HasSubstr(kNobody));
}

TEST_F(CookieRulesTest, ACookieThatTheBrowserDoesNotTakeIsNamed) {
  const std::pair<const char*, const char*> table[] = {
      {R"({"name":"__Secure-x","value":"hunter2","domain":"a.test"})", "cookies[1]: \"__Secure-x\" of a.test: "},
      {R"({"name":"x","value":"hunter2","domain":"a.test","path":"below"})", "cookies[1]: \"x\" of a.test: "},
      {R"({"name":"x","value":"hunter2;","domain":"a.test"})", "cookies[1]: \"x\" of a.test: "},
      {R"({"name":"good","value":"hunter2","domain":"a.test"})", "cookies[0]: \"good\" of a.test: "},
      {R"({"name":"x","value":"hunter2","domain":"a.test","path":"/a b"})", "cookies[1]: \"x\" of a.test: the browser did not take it"},
      {R"({"name":"x","value":"hunter2","domain":"a.test","secure":true,"partitionKey":"https://below.top.test"})",
       "cookies[1]: \"x\" of a.test: the browser did not take it"},
  };
  for (const auto& [cookie, place] : table) {
    v1::StartState start;
    start.set_storage_state_json(absl::StrCat(R"({"cookies":[{"name":"good","value":"1","domain":"a.test"},)", cookie, "]}"));
    const absl::Status refused = TryReset(start).status();
    EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument) << cookie;
    EXPECT_THAT(std::string(refused.message()), HasSubstr(place));
    EXPECT_THAT(std::string(refused.message()), testing::Not(HasSubstr("hunter2")));
  }
}

TEST_F(StartStateTest, AStorageThatCannotBeFilledIsRefused) {
  v1::StartState start;
  start.set_storage_state_json(absl::StrCat(R"({"origins":[{"origin":")", site().Url(""), R"(","localStorage":[{"name":"k","value":")",
                                            std::string(11 << 20, 'x'), R"("}]}]})"));
  const absl::Status refused = TryReset(start).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(refused.message()), HasSubstr(absl::StrCat("local storage of ", site().Url(""), " cannot be filled")));
}

// Tells where it is, or why not.
constexpr char kAskPlace[] =
    "<script>navigator.geolocation.getCurrentPosition(q=>document.title=q.coords.latitude+','+q.coords.longitude,"
    "e=>document.title='no '+e.message)</script>";

TEST_F(StartStateTest, PagesMayAskForAPlaceThatIsGiven) {
  site().Page("/place", kAskPlace);
  const auto title = [&](const v1::WebSettings& settings, const v1::StartState& start) {
    Open(settings);
    const auto result = TryReset(start);
    EXPECT_TRUE(result.ok()) << result.status();
    last_ = result.ok() ? result->observation : v1::Observation();
    v1::Action noop;
    noop.mutable_noop();
    for (int look = 0; look < 40 && last_.title().empty(); ++look) Act(noop);
    return last_.title();
  };
  v1::StartState start;
  start.set_start_url(site().Url("/place"));
  EXPECT_THAT(title({}, start), testing::StartsWith("no "));
  v1::WebSettings settings;
  settings.mutable_geolocation()->set_latitude(48);
  settings.mutable_geolocation()->set_longitude(11);
  EXPECT_EQ(title(settings, start), "48,11");
  start.mutable_geolocation()->set_latitude(52);
  start.mutable_geolocation()->set_longitude(13);
  EXPECT_EQ(title(settings, start), "52,13");
  EXPECT_EQ(title({}, start), "52,13");
}

TEST_F(StartStateTest, WorkersSpeakTheLanguageOfTheirPage) {
  v1::WebSettings settings;
  settings.set_locale("de-DE");
  settings.set_time_zone("Asia/Tokyo");
  settings.set_user_agent("ProctorTest/1");
  Open(settings);
  site().Answer("/heard", [](const net::HttpRequest& request) { return TestSite::Html(std::string(request.Header("accept-language"))); });
  site().Answer("/worker.js", [](const net::HttpRequest&) {
    net::HttpResponse script = TestSite::Html(
        "fetch('/heard').then(r=>r.text()).then(heard=>postMessage([navigator.language,navigator.userAgent,new Date(0).getHours(),"
        "(1.5).toLocaleString(),heard].join(' ')))");
    script.headers = {{"Content-Type", "text/javascript"}};
    return script;
  });
  ResetTo("<script>new Worker('/worker.js').onmessage=e=>document.title=e.data</script>");
  v1::Action noop;
  noop.mutable_noop();
  for (int look = 0; look < 40 && last_.title().empty(); ++look) Act(noop);
  EXPECT_EQ(last_.title(), "de-DE ProctorTest/1 9 1,5 de-DE,de;q=0.9");
}

TEST_F(StartStateTest, TheBrowserKnowsEveryLanguageOfTheList) {
  std::string list;
  for (const std::string_view language : KnownLanguages()) absl::StrAppend(&list, list.empty() ? "" : ",", ToAbsl(language));
  ResetTo(absl::StrCat("<script>const all='", list, "'.split(',');document.title=all.length+' unknown: '+all.filter(l=>"
                       "!Intl.DateTimeFormat.supportedLocalesOf([l]).length||!Intl.NumberFormat.supportedLocalesOf([l]).length)</script>"));
  EXPECT_EQ(last_.title(), absl::StrCat(KnownLanguages().size(), " unknown:"));
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
  std::vector<v1::EvidenceRequest> requests(4);
  requests[0].set_id("live");
  requests[0].mutable_page_expression()->set_expression("x");
  requests[1].set_id("fresh");
  requests[1].mutable_page_expression()->set_url(site().Url("/state"));
  requests[1].mutable_page_expression()->set_expression("document.getElementById('v').textContent");
  requests[2].set_id("url");
  requests[2].mutable_final_url();
  requests[3].set_id("sequence");
  auto* entry = requests[3].mutable_page_sequence()->add_entries();
  entry->set_url(site().Url("/state"));
  entry->set_expression("document.title='seen'");
  entry = requests[3].mutable_page_sequence()->add_entries();
  entry->set_url("last");
  entry->add_prep_actions("throw 1");
  entry->set_expression("document.title");
  const auto evidence = world_->Collect(Within(absl::Seconds(40)), requests);
  ASSERT_EQ(evidence.size(), 4u);
  EXPECT_EQ(evidence[0].json_values(0), R"({"a":[1]})") << evidence[0].error();
  EXPECT_EQ(evidence[1].json_values(0), "\"42\"") << evidence[1].error();
  EXPECT_EQ(evidence[1].urls(0), site().Url("/state"));
  EXPECT_EQ(evidence[2].json_values(0), absl::StrCat("\"", site().Url("/page"), "\""));
  ASSERT_EQ(evidence[3].json_values_size(), 2) << evidence[3].error();
  EXPECT_EQ(evidence[3].json_values(1), "\"seen\"");
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
  EXPECT_THAT(last_.notices(), testing::Contains(HasSubstr("allowed_hosts")));
}

}  // namespace
}  // namespace proctor::env::web
