#include "proposer/template_proposer.h"

#include <map>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "proposer/splits.h"

namespace proctor::proposer {
namespace {

// Ten templates: `many/0` ... ask for a different thing each time, `few/9` always for the same one.
class FakeTemplates : public TaskTemplateSource {
 public:
  std::vector<v1::TaskTemplate> ListTemplates() const override {
    std::vector<v1::TaskTemplate> templates;
    for (int i = 0; i < 10; ++i) {
      v1::TaskTemplate about;
      about.set_site(i < 9 ? "many" : "few");
      about.set_name(absl::StrCat(about.site(), "/", i));
      about.set_kind("find_fact");
      about.set_optimal_steps(1 + i);
      about.set_impossible(i == 8);
      templates.push_back(about);
    }
    return templates;
  }
  absl::StatusOr<v1::Task> Instantiate(const std::string& name, int64_t seed) const override {
    v1::Task task;
    task.set_template_(name);
    task.set_site(name.substr(0, name.find('/')));
    task.set_kind("find_fact");
    task.set_environment("environments/practice");
    task.set_seed(seed);
    task.set_goal(name == "few/9" ? "Open the cart." : absl::StrCat("Find item ", seed));
    return task;
  }
};

v1::ProposeTasksRequest Request(int count) {
  v1::ProposeTasksRequest request;
  request.set_count(count);
  request.set_seed(3);
  request.mutable_templates()->set_include_impossible(true);
  return request;
}

Proposal Propose(const v1::ProposeTasksRequest& request, const std::string& job = "jobs/j") {
  auto proposal = ProposeFromTemplates({}, request, job, FakeTemplates());
  EXPECT_TRUE(proposal.ok()) << proposal.status();
  return proposal.ok() ? *std::move(proposal) : Proposal();
}

TEST(ProposeFromTemplatesTest, SpreadsOverTemplatesAndSplits) {
  const Proposal proposal = Propose(Request(181));
  ASSERT_EQ(proposal.tasks.size(), 181u);
  std::map<std::string, int> by_template;
  std::map<v1::Split, int> by_split;
  std::map<std::string, std::set<v1::Split>> splits_of_template;
  for (const v1::Task& task : proposal.tasks) {
    ++by_template[task.template_()];
    ++by_split[task.split()];
    splits_of_template[task.template_()].insert(task.split());
  }
  EXPECT_EQ(by_template["few/9"], 1);
  EXPECT_EQ(by_template["many/0"], 20);
  EXPECT_NEAR(by_split[v1::SPLIT_TRAIN], 109, 8);
  EXPECT_NEAR(by_split[v1::SPLIT_TEST], 54, 8);
  EXPECT_EQ(splits_of_template["many/4"].size(), 3u);
  EXPECT_EQ(proposal.result.accepted(), 181);
  EXPECT_GT(proposal.result.rejected_by_reason().at("duplicate"), 0);
}

TEST(ProposeFromTemplatesTest, UsesEachContentSeedOnce) {
  std::set<int64_t> seeds;
  for (const v1::Task& task : Propose(Request(100)).tasks) EXPECT_TRUE(seeds.insert(task.seed()).second);
  EXPECT_EQ(seeds.size(), 100u);
}

TEST(ProposeFromTemplatesTest, PutsHeldOutTemplatesAndSitesOnTheTestSide) {
  v1::ProposeTasksRequest request = Request(100);
  request.mutable_templates()->add_held_out_templates("many/3");
  request.mutable_templates()->add_held_out_sites("few");
  int held_out = 0;
  for (const v1::Task& task : Propose(request).tasks) {
    if (task.template_() != "many/3" && task.site() != "few") continue;
    EXPECT_EQ(task.split(), v1::SPLIT_TEST);
    ++held_out;
  }
  EXPECT_GT(held_out, 5);
}

TEST(ProposeFromTemplatesTest, FiltersTemplates) {
  const auto chosen = [](const v1::ProposeTasksRequest& request) {
    std::set<std::string> names;
    for (const v1::Task& task : Propose(request).tasks) names.insert(task.template_());
    return names;
  };
  const std::set<std::string> all = chosen(Request(30));
  EXPECT_EQ(all.size(), 10u);
  std::set<std::string> expected = all;
  v1::ProposeTasksRequest request = Request(30);
  request.mutable_templates()->set_include_impossible(false);
  expected.erase("many/8");
  EXPECT_EQ(chosen(request), expected);
  request.mutable_templates()->add_sites("many");
  expected.erase("few/9");
  EXPECT_EQ(chosen(request), expected);
  request.mutable_templates()->set_max_optimal_steps(3);
  EXPECT_EQ(chosen(request), (std::set<std::string>{"many/0", "many/1", "many/2"}));
}

TEST(ProposeFromTemplatesTest, MakesTheSameTasksAgain) {
  const Proposal first = Propose(Request(40)), second = Propose(Request(40));
  for (size_t i = 0; i < first.tasks.size(); ++i) {
    EXPECT_EQ(first.tasks[i].SerializeAsString(), second.tasks[i].SerializeAsString());
  }
  EXPECT_EQ(first.tasks[0].name(), "tasks/j-0");
  v1::ProposeTasksRequest other = Request(40);
  other.set_seed(4);
  EXPECT_NE(Propose(other).tasks[0].seed(), first.tasks[0].seed());
}

TEST(ProposeFromTemplatesTest, TheChoiceOfOtherTemplatesMovesNoneToAnotherSide) {
  std::map<std::string, v1::Split> sides;
  for (const v1::Task& task : Propose(Request(100)).tasks) {
    sides.emplace(absl::StrCat(task.template_(), "#", task.seed()), task.split());
  }
  v1::ProposeTasksRequest few = Request(20);
  few.mutable_templates()->add_templates("many/5");
  int known = 0;
  for (const v1::Task& task : Propose(few).tasks) {
    const auto side = sides.find(absl::StrCat(task.template_(), "#", task.seed()));
    if (side == sides.end()) continue;
    EXPECT_EQ(side->second, task.split());
    ++known;
  }
  EXPECT_GT(known, 5);
}

TEST(ProposeFromTemplatesTest, StoredGoalsKeepTheirSide) {
  v1::Task cart;
  cart.set_template_("few/9");
  cart.set_goal("open the cart");
  v1::ProposeTasksRequest request = Request(20);
  request.mutable_templates()->add_templates("few/9");
  for (const v1::Split side : {v1::SPLIT_TRAIN, v1::SPLIT_VALIDATION, v1::SPLIT_TEST}) {
    const GoalSplits taken = {{NormalizedGoal(cart), side}};
    const auto proposal = ProposeFromTemplates({}, request, "", FakeTemplates(), taken);
    ASSERT_TRUE(proposal.ok() && proposal->tasks.size() == 1u);
    EXPECT_EQ(proposal->tasks[0].split(), side);
    // A request without a share of that side gets no such task.
    v1::ProposeTasksRequest other = request;
    other.mutable_split_shares()->set_train(side != v1::SPLIT_TRAIN);
    other.mutable_split_shares()->set_test(side == v1::SPLIT_TRAIN);
    EXPECT_TRUE(ProposeFromTemplates({}, other, "", FakeTemplates(), taken)->tasks.empty());
  }
}

TEST(ProposeFromTemplatesTest, RefusesWhatIsUnknownOrOutOfRange) {
  std::vector<v1::ProposeTasksRequest> bad(5, Request(10));
  bad[0].set_count(0);
  bad[1].mutable_templates()->add_sites("none");
  bad[2].mutable_templates()->add_held_out_templates("none");
  bad[3].mutable_split_shares()->set_train(-1);
  bad[4].mutable_templates()->add_sites("few");
  bad[4].mutable_templates()->set_max_optimal_steps(1);
  for (const auto& request : bad) {
    EXPECT_EQ(ProposeFromTemplates({}, request, "", FakeTemplates()).status().code(),
              absl::StatusCode::kInvalidArgument);
  }
}

TEST(SplitOfTest, NeverGivesASplitWithoutShare) {
  v1::SplitShares shares;
  shares.set_train(2);
  shares.set_test(1);
  const auto normalized = NormalizeShares(shares);
  ASSERT_TRUE(normalized.ok());
  int test = 0;
  for (int row = 0; row < 30; ++row) {
    for (int item = 0; item < 100; ++item) {
      const v1::Split split = SplitOf(*normalized, row, item);
      EXPECT_NE(split, v1::SPLIT_VALIDATION);
      test += split == v1::SPLIT_TEST;
    }
  }
  EXPECT_NEAR(test, 1000, 20);
}

}  // namespace
}  // namespace proctor::proposer
