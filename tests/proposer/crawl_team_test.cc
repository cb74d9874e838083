// Crawls by several explorers, and again: the tasks are the same.

#include "common/executor.h"
#include "gtest/gtest.h"
#include "tests/proposer/crawl_testing.h"
#include "tests/proposer/fake_site.h"

namespace proctor::proposer {
namespace {

TEST(ProposeFromCrawlTest, MakesTheSameTasksAgain) {
  const FakeSite site = MakeWiki(40);
  const auto first = Propose(site, Request(site, 20)), second = Propose(site, Request(site, 20));
  ASSERT_TRUE(first.ok() && second.ok());
  ASSERT_EQ(first->tasks.size(), second->tasks.size());
  for (size_t i = 0; i < first->tasks.size(); ++i) {
    EXPECT_EQ(first->tasks[i].SerializeAsString(), second->tasks[i].SerializeAsString());
  }
}

TEST(ProposeFromCrawlTest, MakesTheSameTasksWhateverTheTeam) {
  const FakeSite site = MakeWiki(40);
  const auto alone = Propose(site, Request(site, 20));
  FakeExplorer one(site), two(site), three(site);
  ThreadPool pool("explorers", 2);
  const auto together = ProposeFromCrawl({}, Request(site, 20), "jobs/j",
                                         {.explorers = {&one, &two, &three}, .pool = &pool}, RealOracle());
  ASSERT_TRUE(alone.ok() && together.ok()) << together.status();
  ASSERT_EQ(alone->tasks.size(), together->tasks.size());
  for (size_t i = 0; i < alone->tasks.size(); ++i) {
    EXPECT_EQ(alone->tasks[i].SerializeAsString(), together->tasks[i].SerializeAsString());
  }
}

TEST(ProposeFromCrawlTest, ExplorersWithoutABrowserLeaveTheirShareToTheOthers) {
  const FakeSite site = MakeWiki(40);
  const auto alone = Propose(site, Request(site, 20));
  FakeExplorer one(site);
  SharedExplorer now_and_then(site, /*turns=*/3), never(site, /*turns=*/0);
  ThreadPool pool("explorers", 2);
  const auto together = ProposeFromCrawl({}, Request(site, 20), "jobs/j",
                                         {.explorers = {&one, &now_and_then, &never}, .pool = &pool}, RealOracle());
  ASSERT_TRUE(alone.ok() && together.ok()) << together.status();
  ASSERT_EQ(alone->tasks.size(), together->tasks.size());
  for (size_t i = 0; i < alone->tasks.size(); ++i) {
    EXPECT_EQ(alone->tasks[i].SerializeAsString(), together->tasks[i].SerializeAsString());
  }
  EXPECT_TRUE(never.visited().empty());
}

// Counts how often it was asked for a browser and gave it up.
class CountingExplorer final : public FakeExplorer {
 public:
  using FakeExplorer::FakeExplorer;
  absl::Status Acquire(const CallContext&) override {
    has_browser = true;
    return absl::OkStatus();
  }
  bool TryAcquire() override { return has_browser = true; }
  void Release() override {
    ++releases;
    has_browser = false;
  }
  absl::StatusOr<Start> Reset(const CallContext& context, const v1::Task& task, const v1::ObservationRequest& request) override {
    EXPECT_TRUE(has_browser);
    return FakeExplorer::Reset(context, task, request);
  }

  bool has_browser = false;
  int releases = 0;
};

TEST(ProposeFromCrawlTest, HelpersGiveTheirBrowsersUpBetweenTwoWaves) {
  const FakeSite site = MakeWiki(40);
  CountingExplorer one(site), two(site), three(site);
  ThreadPool pool("explorers", 2);
  const auto together = ProposeFromCrawl({}, Request(site, 20), "jobs/j", {.explorers = {&one, &two, &three}, .pool = &pool}, RealOracle());
  ASSERT_TRUE(together.ok()) << together.status();
  // Each once a wave, also one that found nothing left to do.
  EXPECT_GE(two.releases, 1);
  EXPECT_EQ(three.releases, two.releases);
  EXPECT_FALSE(two.has_browser);
  EXPECT_FALSE(three.has_browser);
  EXPECT_EQ(one.releases, 0);
}

TEST(ProposeFromCrawlTest, EndsWhereTheFirstExplorerGetsNoBrowserAnyMore) {
  const FakeSite site = MakeWiki(40);
  FakeExplorer crawls(site);
  const auto pages = ProposeFromCrawl({}, Request(site, 20), "jobs/j", {.explorers = {&crawls}}, RealOracle());
  ASSERT_TRUE(pages.ok()) << pages.status();
  // All pages of the crawl and some drafts.
  SharedExplorer one(site, pages->result.pages_crawled() + 5);
  EXPECT_EQ(ProposeFromCrawl({}, Request(site, 20), "jobs/j", {.explorers = {&one}}, RealOracle()).status(),
            absl::ResourceExhaustedError("no browser for you"));
}

}  // namespace
}  // namespace proctor::proposer
