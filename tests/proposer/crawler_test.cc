#include "proposer/crawler.h"

#include <algorithm>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/proposer/fake_site.h"

namespace proctor::proposer {
namespace {

class CrawlTest : public testing::Test {
 protected:
  CrawlTest() : site_(MakeWiki(20)), explorer_(site_) {
    source_.set_start_url(site_.base + "/");
    source_.mutable_delay()->set_seconds(0);
  }

  absl::StatusOr<SiteModel> Run() { return Run(explorer_); }
  absl::StatusOr<SiteModel> Run(FakeExplorer& explorer) {
    const auto source = NormalizeCrawlSource(source_);
    EXPECT_TRUE(source.ok()) << source.status();
    auto urls = SiteUrls::Create(source_.start_url(),
                                 {source_.exclude_url_patterns().begin(), source_.exclude_url_patterns().end()});
    EXPECT_TRUE(urls.ok()) << urls.status();
    v1::Task task;
    task.mutable_start_state()->set_start_url(source_.start_url());
    return Crawl({}, *source, task, *urls, explorer, nullptr, max_bytes_);
  }

  bool Visited(const std::string& part) const {
    return std::any_of(explorer_.visited().begin(), explorer_.visited().end(),
                       [&](const std::string& url) { return absl::StrContains(url, part); });
  }

  FakeSite site_;
  FakeExplorer explorer_;
  v1::CrawlSource source_;
  size_t max_bytes_ = kMaxModelBytes;
};

TEST_F(CrawlTest, VisitsEachPageOnce) {
  const auto model = Run();
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_EQ(model->pages.size(), 25u);
  EXPECT_EQ(explorer_.visited().size(), 26u);  // and robots.txt
}

TEST_F(CrawlTest, AsksForABrowserBeforeEachPageAndEndsWithoutOne) {
  SharedExplorer shared(site_, /*turns=*/4);
  const auto model = Run(shared);
  EXPECT_EQ(model.status(), absl::ResourceExhaustedError("no browser for you"));
  EXPECT_EQ(shared.visited().size(), 5u);  // robots.txt and the start page are one turn.
  SharedExplorer none(site_, /*turns=*/0);
  EXPECT_EQ(Run(none).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(none.visited().empty());
}

TEST_F(CrawlTest, KeepsItsBounds) {
  source_.set_max_pages(7);
  EXPECT_EQ(Run()->pages.size(), 7u);
  source_.set_max_pages(0);
  source_.set_max_depth(1);
  EXPECT_EQ(Run()->pages.size(), 5u);
}

TEST_F(CrawlTest, EndsWhereItsPagesTakeTooMuchMemory) {
  max_bytes_ = 100'000;
  site_.pages["/section/Animals"].extra_text = std::string(50'000, 'x');
  EXPECT_EQ(Run()->pages.size(), 25u);
  // With the start page and the first section.
  for (int i = 0; i < 400; ++i) site_.pages["/section/Plants"].table.push_back({absl::StrCat("Row ", i), std::string(100, 'y')});
  EXPECT_EQ(Run()->pages.size(), 3u);
}

TEST_F(CrawlTest, KnowsTimesBelowASecond) {
  source_.mutable_max_duration()->set_nanos(999'999'999);
  EXPECT_GT(Run()->pages.size(), 1u);
  source_.mutable_max_duration()->set_nanos(-1);
  EXPECT_EQ(NormalizeCrawlSource(source_).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(CrawlTest, ObeysRobots) {
  site_.robots = "User-agent: *\nDisallow: /section/Stars\nDisallow: /page?id=1$\n";
  ASSERT_TRUE(Run().ok());
  EXPECT_FALSE(Visited("Stars"));
  EXPECT_FALSE(std::count(explorer_.visited().begin(), explorer_.visited().end(), site_.base + "/page?id=1"));
  source_.set_respect_robots(false);
  ASSERT_TRUE(Run().ok());
  EXPECT_TRUE(Visited("Stars"));
}

TEST_F(CrawlTest, StopsWhenRobotsForbidTheStart) {
  site_.robots = "User-agent: *\nDisallow: /\n";
  EXPECT_EQ(Run().status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(CrawlTest, OpensNothingThatCouldChangeTheSite) {
  auto& links = site_.pages["/"].links;
  for (const char* path : {"/?do=edit", "/logout", "/page?id=3&action=delete", "/a/delete/3", "/file.zip", "/user/login"}) {
    links.emplace_back(path, path);
  }
  links.emplace_back("Elsewhere", "http://127.0.0.1:8081/x");
  links.emplace_back("Lookalike", "http://127.0.0.1:8080.evil.example/x");
  ASSERT_TRUE(Run().ok());
  for (const char* part : {"do=", "logout", "action=", "delete", ".zip", "login", "8081", "evil"}) {
    EXPECT_FALSE(Visited(part)) << part;
  }
}

TEST_F(CrawlTest, SkipsExcludedPages) {
  source_.add_exclude_url_patterns("/section/St");
  ASSERT_TRUE(Run().ok());
  EXPECT_FALSE(Visited("/section/St"));
}

TEST_F(CrawlTest, MergesTheNamesOfOnePage) {
  site_.pages["/"].links.emplace_back("Again", "/section/Stars#top");
  site_.pages["/"].links.emplace_back("Tracked", "/section/Stars?utm_source=x");
  EXPECT_EQ(Run()->pages.size(), 25u);
}

TEST_F(CrawlTest, LeavesOutErrorPages) {
  site_.pages["/"].links.emplace_back("Gone", "/gone");
  const auto model = Run();
  ASSERT_TRUE(model.ok());
  EXPECT_EQ(model->Find(site_.base + "/gone"), -1);
}

TEST_F(CrawlTest, GoesOnBehindManyPagesThatCannotBeHad) {
  auto& links = site_.pages["/"].links;
  for (int i = 0; i < 25; ++i) {
    const std::string path = absl::StrCat("/failing?id=", i);
    site_.pages[path].status = 503;
    links.emplace(links.begin(), "Failing", path);
  }
  const auto model = Run();
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_TRUE(Visited("/failing?id=24"));
  EXPECT_TRUE(Visited("/page?id=19"));
}

TEST_F(CrawlTest, GivesUpOnABrokenBrowser) {
  explorer_.Break();
  source_.set_respect_robots(false);
  EXPECT_EQ(Run().status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(CrawlTest, StopsWhenCancelled) {
  v1::Task task;
  task.mutable_start_state()->set_start_url(source_.start_url());
  auto urls = SiteUrls::Create(source_.start_url(), {});
  const CallContext context;
  context.cancel()->Cancel();
  EXPECT_EQ(Crawl(context, *NormalizeCrawlSource(source_), task, *urls, explorer_).status().code(),
            absl::StatusCode::kCancelled);
}

// Cancels what it is asked in before the start page is known.
class CancellingExplorer final : public FakeExplorer {
 public:
  CancellingExplorer(const FakeSite& site, std::shared_ptr<CancelToken> cancel) : FakeExplorer(site), cancel_(std::move(cancel)) {}
  absl::StatusOr<std::string> Evaluate(const CallContext& context, const std::string& expression) override {
    if (!absl::EndsWith(visited().back(), "/robots.txt")) cancel_->Cancel();
    return FakeExplorer::Evaluate(context, expression);
  }

 private:
  const std::shared_ptr<CancelToken> cancel_;
};

// To compare its links with its rules would take many minutes.
TEST_F(CrawlTest, StopsWhenCancelledWhateverRulesTheSiteHas) {
  site_.robots = "User-agent: *\n";
  for (int i = 0; i < 3'000; ++i) absl::StrAppend(&site_.robots, "Disallow: *", std::string(100, 'a'), "b\n");
  auto& links = site_.pages["/"].links;
  for (int i = 0; i < 1'400; ++i) links.emplace(links.begin(), absl::StrCat("Link ", i), absl::StrCat("/", i, std::string(1'800, 'a')));
  const CallContext context;
  CancellingExplorer explorer(site_, context.cancel());
  v1::Task task;
  task.mutable_start_state()->set_start_url(source_.start_url());
  auto urls = SiteUrls::Create(source_.start_url(), {});
  const absl::Time began = absl::Now();
  EXPECT_EQ(Crawl(context, *NormalizeCrawlSource(source_), task, *urls, explorer).status().code(), absl::StatusCode::kCancelled);
  EXPECT_LT(absl::Now() - began, absl::Seconds(30));
}

TEST(PaceTest, KeepsLoadsApartWhoeverMakesThem) {
  Pace pace(absl::Milliseconds(20));
  const absl::Time began = absl::Now();
  std::thread other([&] {
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(pace.Wait({}).ok());
  });
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(pace.Wait({}).ok());
  other.join();
  EXPECT_GE(absl::Now() - began, absl::Milliseconds(100));
}

TEST(PaceTest, AClockThatIsSetBackKeepsNobodyWaiting) {
  SimulatedClock clock;
  Pace pace(absl::Milliseconds(1), clock);
  EXPECT_TRUE(pace.Wait({}).ok());
  clock.Advance(-absl::Hours(1));
  EXPECT_TRUE(pace.Wait(CallContext::WithTimeout(absl::Seconds(30))).ok());
}

TEST(PaceTest, EndsWithTheContext) {
  Pace pace(absl::Hours(1));
  EXPECT_TRUE(pace.Wait({}).ok());
  const CallContext context;
  context.cancel()->Cancel();
  EXPECT_EQ(pace.Wait(context).code(), absl::StatusCode::kCancelled);
}

TEST(NormalizeCrawlSourceTest, IsPoliteUnlessTold) {
  v1::CrawlSource source;
  source.set_start_url("http://example.org/");
  const auto elsewhere = NormalizeCrawlSource(source);
  ASSERT_TRUE(elsewhere.ok()) << elsewhere.status();
  EXPECT_EQ(elsewhere->delay().seconds(), 1);
  EXPECT_TRUE(elsewhere->respect_robots());
  EXPECT_EQ(elsewhere->max_pages(), 200);
  source.set_start_url("http://127.0.0.1/");
  EXPECT_EQ(NormalizeCrawlSource(source)->delay().nanos(), 100'000'000);
  source.set_parallel_trials(17);
  EXPECT_EQ(NormalizeCrawlSource(source).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(RobotsRulesTest, TakesTheLongestMatchOfOurGroup) {
  const RobotsRules rules = RobotsRules::Parse(
      "User-agent: *\nDisallow: /\n\nUser-agent: other\nUser-agent: Proctor\nDisallow: /a\nAllow: /a/b # why\n"
      "Disallow: /*.php$\nDisallow:\nnonsense\n");
  EXPECT_TRUE(rules.Allows("/"));
  EXPECT_FALSE(rules.Allows("/a/c"));
  EXPECT_TRUE(rules.Allows("/a/b/c"));
  EXPECT_FALSE(rules.Allows("/x/y.php"));
  EXPECT_TRUE(rules.Allows("/x/y.php?z"));
}

TEST(SiteUrlsTest, MakesUrlsCanonical) {
  const auto urls = SiteUrls::Create("HTTP://Host:80", {});
  ASSERT_TRUE(urls.ok()) << urls.status();
  EXPECT_EQ(urls->start(), "http://host/");
  EXPECT_EQ(urls->Canonical("http://user:pw@host/a?b=1&utm_x=2&sid=3#f"), "http://host/a?b=1");
  EXPECT_EQ(urls->Canonical("mailto:a@b"), "");
  EXPECT_TRUE(urls->IsOnSite("http://host/a"));
  EXPECT_FALSE(urls->IsOnSite("http://host.evil/a"));
}

}  // namespace
}  // namespace proctor::proposer
