#include "env/practice/templates.h"

#include <map>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/ids.h"
#include "common/proto_json.h"
#include "env/practice/hub.h"
#include "gtest/gtest.h"
#include "tests/env/practice/visitor.h"

namespace proctor::env::practice {
namespace {

constexpr int kSeeds = 25;

std::string UnescapedText(const std::string& html) {
  std::string text;
  bool tag = false;
  for (const char c : html) {
    if (c == '<') tag = true;
    if (!tag) text += c;
    if (c == '>') tag = false;
  }
  return absl::StrReplaceAll(text, {{"&amp;", "&"}, {"&#39;", "'"}, {"&quot;", "\""}});
}

TEST(TemplatesTest, ThereAreEnoughOfEveryKind) {
  std::map<std::string, int> short_by_site, by_kind;
  std::set<std::string> ids;
  int impossible = 0, easy = 0, shortest = 100, longest = 0;
  for (const Template& source : Templates()) {
    EXPECT_TRUE(ids.insert(source.id).second) << source.id;
    EXPECT_TRUE(absl::StartsWith(source.id, source.site + "/")) << source.id;
    ++by_kind[source.kind];
    impossible += source.impossible;
    if (source.optimal_steps <= 4) ++easy;
    if (source.optimal_steps <= 4) ++short_by_site[source.site];
    shortest = std::min(shortest, source.optimal_steps);
    longest = std::max(longest, source.optimal_steps);
  }
  EXPECT_GE(Templates().size(), 80u);
  EXPECT_GE(easy, 45);
  EXPECT_GE(impossible, 6);
  EXPECT_EQ(shortest, 1);
  EXPECT_EQ(longest, 12);
  for (const std::string& site : SiteNames()) EXPECT_GE(short_by_site[site], 8) << site;
  for (const char* kind : {"find_fact", "reach_page", "content_change"}) EXPECT_GE(by_kind[kind], 15) << kind;
}

TEST(TemplatesTest, RefusesUnknownTemplatesAndSeeds) {
  EXPECT_EQ(Instantiate("shop/nothing", 1).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Instantiate("shop/read_fact", 0).status().code(), absl::StatusCode::kInvalidArgument);
}

// Stored tasks name a seed: what it gives must be the same whatever compiled the server, and as long as they are kept. Change these only
// with what they stand for.
struct Golden {
  const char* site;
  const char* tasks;
  const char* pages;
};

class GoldenTest : public ::testing::TestWithParam<Golden> {};

TEST_P(GoldenTest, ASeedGivesWhatItAlwaysGave) {
  std::string tasks;
  for (const Template& source : Templates()) {
    for (int64_t seed = 1; source.site == GetParam().site && seed <= 3; ++seed) {
      const v1::Task task = Instantiate(source.id, seed).value();
      absl::StrAppend(&tasks, task.goal(), "\n", ProtoToJson(task.oracle()), "\n");
    }
  }
  EXPECT_EQ(Sha256Hex(tasks).substr(0, 16), GetParam().tasks);

  PracticeHub hub;
  Visitor visitor(hub, hub.CreateInstance({.seed = 1}).value(), GetParam().site);
  std::string pages;
  std::set<std::string> seen{"/"};
  std::vector<std::string> targets{"/"};
  for (size_t i = 0; i < targets.size() && i < 400; ++i) {
    const std::string html = visitor.Get(targets[i]).body;
    absl::StrAppend(&pages, UnescapedText(html), "\n");
    for (const std::string& link : Visitor::Links(html)) {
      if (seen.insert(link).second) targets.push_back(link);
    }
  }
  EXPECT_EQ(Sha256Hex(pages).substr(0, 16), GetParam().pages);
}

INSTANTIATE_TEST_SUITE_P(Sites, GoldenTest,
                         testing::Values(Golden{"shop", "ce01838caa0729d0", "be385e2b45a3dc97"},
                                         Golden{"wiki", "d56d6504cb4f5ae4", "e346f9cdde635a68"},
                                         Golden{"mail", "2241e8fd5ccf99f7", "76f37b356d6203aa"},
                                         Golden{"forum", "9f12199f1d28cc31", "db8466fd085240dd"},
                                         Golden{"booking", "dc63d0543a33c266", "8e8c717d6b0dec41"}),
                         [](const auto& info) { return std::string(info.param.site); });

class TemplateTest : public ::testing::TestWithParam<std::string> {
 protected:
  const Template& Source() {
    for (const Template& source : Templates()) {
      if (source.id == GetParam()) return source;
    }
    return Templates()[0];
  }
};

TEST_P(TemplateTest, GivesTheSameTaskForTheSameSeed) {
  EXPECT_EQ(Instantiate(GetParam(), 5)->SerializeAsString(), Instantiate(GetParam(), 5)->SerializeAsString());
}

TEST_P(TemplateTest, GivesWellFormedTasks) {
  std::set<std::string> goals;
  for (int seed = 1; seed <= kSeeds; ++seed) {
    const absl::StatusOr<v1::Task> task = Instantiate(GetParam(), seed);
    ASSERT_TRUE(task.ok()) << task.status();
    SCOPED_TRACE(absl::StrCat("seed ", seed, ": ", task->goal()));
    goals.insert(task->goal());
    EXPECT_FALSE(task->goal().empty());
    EXPECT_FALSE(absl::StrContains(task->goal(), "$")) << "a placeholder was left";
    EXPECT_EQ(task->environment(), "environments/practice");
    EXPECT_EQ(task->template_(), GetParam());
    EXPECT_EQ(task->site(), Source().site);
    EXPECT_EQ(task->kind(), Source().kind);
    EXPECT_EQ(task->seed(), seed);
    EXPECT_EQ(task->impossible(), Source().impossible);
    EXPECT_EQ(task->optimal_steps(), Source().optimal_steps);
    EXPECT_EQ(task->optimal_steps(), task->solution_size());
    const v1::SolutionStep& last = task->solution(task->solution_size() - 1);
    EXPECT_EQ(last.kind_case(), Source().impossible ? v1::SolutionStep::kGiveUp : v1::SolutionStep::kAnswer);
    EXPECT_EQ(task->oracle().has_gave_up(), Source().impossible);
    EXPECT_TRUE(task->oracle().has_answer() || task->oracle().has_url() || task->oracle().has_site_state() || Source().impossible);
  }
  EXPECT_GE(goals.size(), GetParam() == "forum/open_page" ? 2u : 4u);
}

TEST_P(TemplateTest, IsNotSolvedAtTheStart) {
  for (int seed = 1; seed <= kSeeds; ++seed) {
    const v1::Task task = Instantiate(GetParam(), seed).value();
    SCOPED_TRACE(absl::StrCat("seed ", seed, ": ", task.goal()));
    PracticeHub hub;
    Visitor visitor(hub, hub.CreateInstance({.seed = task.seed()}).value(), task.site());
    const std::string start = task.start_state().start_url();
    const std::string path = start.substr(start.find("__/") + 2);
    const net::HttpResponse page = visitor.Get(path);
    ASSERT_EQ(page.status, 200) << path;
    const std::string text = UnescapedText(page.body);
    if (task.oracle().has_answer()) {
      const auto& answers = task.oracle().answer().match().equals().values();
      ASSERT_GT(answers.size(), 0);
      for (const std::string& answer : answers) {
        EXPECT_FALSE(answer.empty() || absl::EqualsIgnoreCase(answer, "N/A") || absl::EqualsIgnoreCase(answer, "done"));
      }
      const bool named = absl::StrContains(task.goal(), answers[0]);  // one of the things to compare
      if (task.optimal_steps() == 1) {
        EXPECT_TRUE(absl::StrContains(text, answers[0])) << answers[0];
      } else if (!named && answers[0].size() > 3) {
        EXPECT_FALSE(absl::StrContains(text, answers[0])) << answers[0];
      }
    }
    if (task.oracle().has_url()) {
      const v1::UrlCheck& check = task.oracle().url();
      for (const std::string& url : check.urls()) EXPECT_NE(url, start);
    }
    if (task.oracle().has_site_state()) {
      EXPECT_NE(task.oracle().site_state().match().equals_json(), visitor.State());
      EXPECT_TRUE(absl::EqualsIgnoreCase(task.oracle().site_state().site(), task.site()));
    }
  }
}

std::vector<std::string> Ids() {
  std::vector<std::string> ids;
  for (const Template& source : Templates()) ids.push_back(source.id);
  return ids;
}

INSTANTIATE_TEST_SUITE_P(All, TemplateTest, ::testing::ValuesIn(Ids()), [](const auto& info) { return absl::StrReplaceAll(info.param, {{"/", "_"}}); });

}  // namespace
}  // namespace proctor::env::practice
