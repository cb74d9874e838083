// Crawls after crawls: what is stored is not asked again, and pages and answers keep their side.
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proposer/draft.h"
#include "proposer/text.h"
#include "tests/proposer/crawl_testing.h"
#include "tests/proposer/fake_site.h"

namespace proctor::proposer {
namespace {

TEST(ProposeFromCrawlTest, KeepsPagesAndAnswersOnOneSide) {
  const FakeSite site = MakeWiki(80);
  const auto proposal = Propose(site, Request(site, 150));
  ASSERT_TRUE(proposal.ok()) << proposal.status();
  std::map<std::string, v1::Split> split_of_page, split_of_answer;
  std::set<v1::Split> splits;
  for (const v1::Task& task : proposal->tasks) {
    splits.insert(task.split());
    for (const std::string& page : task.lineage().pages()) {
      EXPECT_EQ(split_of_page.emplace(page, task.split()).first->second, task.split()) << page;
    }
    const std::string& answer = task.solution(task.solution_size() - 1).answer();
    if (answer.empty()) continue;
    EXPECT_EQ(split_of_answer.emplace(answer, task.split()).first->second, task.split()) << answer;
  }
  EXPECT_EQ(splits.size(), 3u);
}

TEST(ProposeFromCrawlTest, AnotherCrawlPutsPagesOnTheSameSides) {
  const FakeSite site = MakeWiki(80);
  std::map<std::string, v1::Split> split_of_page;
  for (const int64_t seed : {11, 12, 13}) {
    v1::ProposeTasksRequest request = Request(site, 60);
    request.set_seed(seed);
    // Other bounds, too: the page's side does not depend on which others are found.
    if (seed == 13) request.mutable_crawl()->set_max_pages(40);
    const auto proposal = Propose(site, request);
    ASSERT_TRUE(proposal.ok()) << proposal.status();
    for (const v1::Task& task : proposal->tasks) {
      for (const std::string& page : task.lineage().pages()) {
        EXPECT_EQ(split_of_page.emplace(page, task.split()).first->second, task.split()) << page;
      }
    }
  }
}

// What a store holds after jobs with these proposals, as the next one is told it.
CrawlHistory HistoryOf(const std::vector<Proposal>& proposals) {
  CrawlHistory history;
  for (const Proposal& proposal : proposals) {
    for (const v1::Task& task : proposal.tasks) history.known.Add(task);
  }
  return history;
}

absl::StatusOr<Proposal> ProposeAfter(const FakeSite& site, const v1::ProposeTasksRequest& request, CrawlHistory history,
                                      const std::string& job = "jobs/k") {
  FakeExplorer explorer(site);
  return ProposeFromCrawl({}, request, job, {.explorers = {&explorer}}, RealOracle(), nullptr, std::move(history));
}

TEST(ProposeFromCrawlTest, AsksNothingAgainThatIsStored) {
  const FakeSite site = MakeWiki(80);
  std::vector<Proposal> stored;
  std::set<std::string> goals;
  for (int job = 0; job < 2; ++job) {
    auto proposal = ProposeAfter(site, Request(site, 40), HistoryOf(stored));
    ASSERT_TRUE(proposal.ok()) << proposal.status();
    EXPECT_EQ(proposal->tasks.size(), 40u);
    for (const v1::Task& task : proposal->tasks) EXPECT_TRUE(goals.insert(task.goal()).second) << task.goal();
    if (job == 1) {
      EXPECT_GT(proposal->result.rejected_by_reason().at("near-duplicate"), 0);
    }
    stored.push_back(*std::move(proposal));
  }
}

TEST(ProposeFromCrawlTest, SaysThatEverythingIsStored) {
  const FakeSite site = MakeWiki(6);
  v1::ProposeTasksRequest request = Request(site, 1000);
  request.mutable_crawl()->add_kinds("reach_page");
  auto first = ProposeAfter(site, request, {});
  ASSERT_TRUE(first.ok()) << first.status();
  const auto second = ProposeAfter(site, request, HistoryOf({*first}));
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(second.status().message()), testing::HasSubstr("near-duplicate"));
}

TEST(ProposeFromCrawlTest, KeepsStoredPagesAndAnswersOnTheirSidesWhateverTheShares) {
  const FakeSite site = MakeWiki(80);
  std::vector<Proposal> stored;
  std::map<std::string, v1::Split> split_of_page, split_of_answer;
  const std::pair<double, double> shares[] = {{0.5, 0.5}, {0.9, 0.1}, {0.1, 0.9}};
  int known_pages = 0;
  for (const auto& [train, test] : shares) {
    v1::ProposeTasksRequest request = Request(site, 50);
    request.mutable_split_shares()->set_train(train);
    request.mutable_split_shares()->set_test(test);
    auto proposal = ProposeAfter(site, request, HistoryOf(stored));
    ASSERT_TRUE(proposal.ok()) << proposal.status();
    for (const v1::Task& task : proposal->tasks) {
      for (const std::string& page : task.lineage().pages()) {
        const auto [side, added] = split_of_page.emplace(page, task.split());
        EXPECT_EQ(side->second, task.split()) << page;
        if (!added && !stored.empty()) ++known_pages;
      }
      const std::string answer = Folded(task.solution(task.solution_size() - 1).answer());
      if (answer.empty()) continue;
      EXPECT_EQ(split_of_answer.emplace(answer, task.split()).first->second, task.split()) << answer;
    }
    stored.push_back(*std::move(proposal));
  }
  EXPECT_GT(known_pages, 20) << "the later jobs had to do with pages of the earlier ones";
}

TEST(ProposeFromCrawlTest, MakesNothingForASideWithoutAShare) {
  const FakeSite site = MakeWiki(40);
  const auto first = ProposeAfter(site, Request(site, 60), {});
  ASSERT_TRUE(first.ok()) << first.status();
  v1::ProposeTasksRequest request = Request(site, 1000);
  request.mutable_split_shares()->set_train(1);
  const auto second = ProposeAfter(site, request, HistoryOf({*first}));
  ASSERT_TRUE(second.ok()) << second.status();
  for (const v1::Task& task : second->tasks) EXPECT_EQ(task.split(), v1::SPLIT_TRAIN) << task.goal();
  EXPECT_GT(second->result.rejected_by_reason().at("its page is on a side without a share"), 0);
}

// Interrupted while its tasks were stored, in part or all of them.
TEST(ProposeFromCrawlTest, GoesOnFromWhatTheJobItselfHasStored) {
  const FakeSite site = MakeWiki(40);
  const auto whole = ProposeAfter(site, Request(site, 20), {});
  ASSERT_TRUE(whole.ok()) << whole.status();
  for (const int stored : {7, 20}) {
    CrawlHistory history;
    history.own.assign(whole->tasks.begin(), whole->tasks.begin() + stored);
    const auto again = ProposeAfter(site, Request(site, 20), std::move(history));
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_EQ(again->stored, stored);
    EXPECT_EQ(again->result.accepted(), 20);
    ASSERT_EQ(again->tasks.size(), 20u);
    std::set<std::string> goals;
    for (int i = 0; i < 20; ++i) {
      EXPECT_EQ(again->tasks[i].name(), CrawlTaskName("jobs/k", i));
      EXPECT_TRUE(goals.insert(again->tasks[i].goal()).second) << again->tasks[i].goal();
      if (i >= stored) continue;
      EXPECT_EQ(again->tasks[i].SerializeAsString(), whole->tasks[i].SerializeAsString());
    }
  }
}

TEST(CrawledTasksTest, BearsAnyLineage) {
  CrawledTasks known;
  for (const char* json : {"", "{", "[]", "7", R"({"answer": 4, "gist": null})", R"({"answer": " The  Answer "})"}) {
    v1::Task task;
    task.set_kind("find_fact");
    task.set_split(v1::SPLIT_TEST);
    task.mutable_lineage()->set_source("crawl");
    task.mutable_lineage()->set_parameters_json(json);
    known.Add(task);
  }
  EXPECT_EQ(known.SideOfAnswer("the answer"), v1::SPLIT_TEST);
  EXPECT_FALSE(known.SideOfAnswer("4").has_value());
  EXPECT_FALSE(known.SideOfAnswer("").has_value());
  EXPECT_FALSE(known.HasNearDuplicate("find_fact", ""));
}

}  // namespace
}  // namespace proctor::proposer
