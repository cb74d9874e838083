#include "env/web/start_page.h"

#include <signal.h>

#include <string>

#include "imaging/image.h"
#include "tests/env/web/web_fixture.h"

namespace proctor::env::web {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Shows what it finds of earlier visits, then leaves something behind.
constexpr char kTraces[] =
    "<p id=out></p><button onclick=\"document.cookie='mark=clicked';localStorage.setItem('mark','clicked')\">Mark</button>"
    "<script>out.textContent='cookie['+document.cookie+'] storage['+Object.keys(localStorage)+']';"
    "document.cookie='trace=1';localStorage.setItem('trace','1')</script>";

class StartPageTest : public WebWorldTestBase {
 protected:
  StartPageTest() { start_.set_start_url(site().Url("/start")); }

  void OpenPreloading(absl::Duration max_age) {
    v1::WebSettings settings;
    settings.mutable_preload_max_age()->set_seconds(absl::ToInt64Seconds(max_age));
    settings.mutable_preload_max_age()->set_nanos(static_cast<int>((max_age % absl::Seconds(1)) / absl::Nanoseconds(1)));
    Open(settings);
  }

  v1::ObservationRequest WithPicture() {
    v1::ObservationRequest request = Everything();
    request.add_parts(v1::OBSERVATION_PART_SCREENSHOT);
    return request;
  }

  v1::Observation Begin(const v1::StartState& start, int64_t seed, const v1::ObservationRequest& request) {
    ResetSpec spec;
    *spec.task.mutable_start_state() = start;
    spec.seed = seed;
    auto result = world_->Reset(Within(absl::Seconds(40)), spec, request);
    EXPECT_TRUE(result.ok()) << result.status();
    return last_ = result.ok() ? result->observation : v1::Observation();
  }
  v1::Observation Begin() { return Begin(start_, 7, WithPicture()); }

  // Begins an episode on "old", lets its page be loaded for another one, then changes the page to "new".
  void BeginAndPreload() {
    const int before = site().hits("/start");
    site().Page("/start", "<title>old</title><p>text</p><button>Press</button>");
    EXPECT_EQ(Begin().title(), "old");
    ASSERT_TRUE(site().AwaitHits("/start", before + 2));
    site().Page("/start", "<title>new</title><p>text</p><button>Press</button>");
  }

  v1::StartState start_;
};

TEST_F(StartPageTest, EpisodeThatStartsAlikeFindsItsPageLoaded) {
  OpenPreloading(absl::Minutes(1));
  BeginAndPreload();
  const v1::Observation seen = Begin();
  EXPECT_EQ(seen.title(), "old");
  EXPECT_GT(seen.screenshot().data().size(), 1000u);
  EXPECT_FALSE(seen.has_accessibility_tree());
  EXPECT_TRUE(seen.settle().settled());
  EXPECT_EQ(Click("Press").action_error(), "");
}

TEST_F(StartPageTest, NothingIsLoadedBeforehandUnlessAskedFor) {
  Open();
  site().Page("/start", "<title>old</title>");
  Begin();
  const int hits = site().hits("/start");
  site().Page("/start", "<title>new</title>");
  EXPECT_EQ(Begin().title(), "new");
  EXPECT_EQ(site().hits("/start"), hits + 1);
}

TEST_F(StartPageTest, EpisodesShareNoCookiesAndNoStorage) {
  OpenPreloading(absl::Minutes(1));
  site().Page("/start", kTraces);
  for (int episode = 1; episode <= 3; ++episode) {
    const int before = site().hits("/start");
    EXPECT_THAT(Begin().text().text(), HasSubstr("cookie[] storage[]")) << episode;
    EXPECT_EQ(Click("Mark").action_error(), "");
    // The first one loads its own page too.
    ASSERT_TRUE(site().AwaitHits("/start", before + (episode == 1 ? 2 : 1)));
  }
}

TEST_F(StartPageTest, PageLoadedForOtherSettingsIsNotUsed) {
  const auto differs = [&](const std::string& what, const v1::StartState& start, int64_t seed,
                           const v1::ObservationRequest& request) {
    OpenPreloading(absl::Minutes(1));
    BeginAndPreload();
    EXPECT_EQ(Begin(start, seed, request).title(), "new") << what;
  };
  differs("seed", start_, 8, WithPicture());
  v1::StartState elsewhere = start_;
  elsewhere.mutable_geolocation()->set_latitude(10);
  differs("place", elsewhere, 7, WithPicture());
  v1::StartState with_cookie = start_;
  with_cookie.set_storage_state_json(R"({"cookies":[{"name":"a","value":"b","domain":"127.0.0.1","path":"/"}]})");
  differs("cookies", with_cookie, 7, WithPicture());
  v1::StartState with_password = start_;
  (*with_password.mutable_http_credentials())[site().Url("")].set_username("u");
  differs("credentials", with_password, 7, WithPicture());
  v1::StartState other_url = start_;
  other_url.set_start_url(site().Url("/start?other"));
  differs("URL", other_url, 7, WithPicture());
  differs("observation", start_, 7, Everything());
}

TEST_F(StartPageTest, PageLoadedTooLongAgoIsNotUsed) {
  OpenPreloading(absl::Microseconds(1));
  BeginAndPreload();
  EXPECT_EQ(Begin().title(), "new");
}

TEST_F(StartPageTest, PrivateStartsHaveNoKey) {
  StartOrder order;
  EXPECT_EQ(order.Key(), "");
  order.plan.urls = {"http://a.test/"};
  EXPECT_NE(order.Key(), "");
  StartOrder secret = order;
  secret.plan.urls = {"http://user:word@a.test/"};
  EXPECT_EQ(secret.Key(), "");
  secret = order;
  secret.plan.storage.origins.push_back({"http://a.test", {{"k", "v"}}});
  EXPECT_EQ(secret.Key(), "");
  secret = order;
  secret.plan.urls.push_back("http://b.test/");
  EXPECT_EQ(secret.Key(), "");
}

// One that leaves no trace in elements and tree.
TEST_F(StartPageTest, PageThatChangesByItselfIsSeenAsItIsWhenTheEpisodeBegins) {
  OpenPreloading(absl::Minutes(1));
  site().Page("/start",
              "<title>clock</title><canvas id=c width=40 height=40 style='position:absolute;left:0;top:0'></canvas><script>"
              "const pen = c.getContext('2d'), draw = (colour) => { pen.fillStyle = colour; pen.fillRect(0, 0, 40, 40); };"
              "draw('rgb(255,0,0)'); setInterval(() => draw('rgb(0,255,0)'), 700);</script>");
  int hits = site().hits("/start") + 2;  // Its own, and the one that is loaded for the next.
  Begin();
  bool seen_changed = false;
  // Nothing tells that the page has drawn, or it would leave a trace; a machine that is busy gets more time. What was seen when it was
  // loaded stays red however long one waits.
  for (absl::Duration wait = absl::Milliseconds(1500); !seen_changed && wait < absl::Seconds(15); wait *= 2) {
    ASSERT_TRUE(site().AwaitHits("/start", hits));
    absl::SleepFor(wait);
    const v1::Observation seen = Begin();
    const auto image = imaging::Decode(seen.screenshot().data());
    ASSERT_TRUE(image.ok()) << image.status();
    const uint8_t* pixel = &image->bgra[4 * (size_t{20} * image->width_px + 20)];
    seen_changed = pixel[1] == 255 && pixel[2] == 0;
    EXPECT_LE(site().hits("/start"), ++hits);
  }
  EXPECT_TRUE(seen_changed);
}

TEST_F(StartPageTest, BrowserKilledWithAPageInItIsReplaced) {
  OpenPreloading(absl::Minutes(1));
  BeginAndPreload();
  const std::vector<pid_t> pids = pool().pids();
  ASSERT_FALSE(pids.empty());
  for (const pid_t pid : pids) kill(pid, SIGKILL);
  EXPECT_EQ(Begin().title(), "new");
  EXPECT_EQ(Click("Press").action_error(), "");
}

TEST_F(StartPageTest, SessionClosedWhileAPageIsBeingLoadedEndsSoon) {
  OpenPreloading(absl::Minutes(1));
  BeginAndPreload();
  const int before = site().hits("/start");
  site().Answer("/start", [](const net::HttpRequest&) {
    net::HttpResponse response = TestSite::Html("late");
    response.delay = absl::Minutes(10);
    return response;
  });
  Begin();
  ASSERT_TRUE(site().AwaitHits("/start", before + 1));
  const absl::Time start = absl::Now();
  world_.reset();
  EXPECT_LT(absl::Now() - start, absl::Seconds(10));
}

}  // namespace
}  // namespace proctor::env::web
