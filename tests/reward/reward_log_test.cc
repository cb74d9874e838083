#include "reward/reward_log.h"

#include <limits>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/proto_time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/reward/reward_log_fixture.h"

namespace proctor::reward {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using RewardLogTest = RewardLogFixture;

TEST_P(RewardLogTest, OffsetsGrowFromOne) {
  EXPECT_EQ(world_.Append(Valid("a")).offset(), 1);
  EXPECT_EQ(world_.Append(Valid("b")).offset(), 2);
  EXPECT_EQ(world_.log().end_offset(), 2);
  EXPECT_THAT(Seen(), ElementsAre("a", "b"));
}

TEST_P(RewardLogTest, ARepeatedAppendIsANoOp) {
  const v1::Reward first = world_.Append(Valid("a"));
  world_.clock.Advance(absl::Hours(1));
  world_.Restart();
  v1::Reward again = Valid("a");
  again.set_value(7);
  EXPECT_EQ(world_.Append(again).SerializeAsString(), first.SerializeAsString());
  EXPECT_THAT(Seen(), ElementsAre("a"));
}

TEST_P(RewardLogTest, HeldOutTasksReachOnlyThoseWhoNameThem) {
  v1::Reward test = Valid("held-out");
  test.set_split(v1::SPLIT_TEST);
  world_.Append(test);
  world_.Append(Valid("train"));
  EXPECT_THAT(Seen(), ElementsAre("train"));
  v1::ConsumerFilter filter;
  filter.add_splits(v1::SPLIT_TEST);
  EXPECT_THAT(Seen(filter), ElementsAre("held-out"));
  filter.add_splits(v1::SPLIT_TRAIN);
  EXPECT_THAT(Seen(filter), ElementsAre("held-out", "train"));
}

TEST_P(RewardLogTest, FiltersByPolicyEnvironmentAndStatus) {
  v1::Reward other = Valid("other-policy");
  other.set_policy("q");
  other.set_environment("environments/web");
  world_.Append(other);
  world_.Append(Masked("masked"));
  world_.Append(Valid("plain"));
  v1::ConsumerFilter filter;
  filter.add_policies("q");
  EXPECT_THAT(Seen(filter), ElementsAre("other-policy"));
  filter.Clear();
  filter.add_environments("environments/web");
  EXPECT_THAT(Seen(filter), ElementsAre("other-policy"));
  filter.Clear();
  filter.set_valid_only(true);
  EXPECT_THAT(Seen(filter), ElementsAre("other-policy", "plain"));
  filter.add_policies("' OR 1 = 1 --");
  EXPECT_THAT(Seen(filter), IsEmpty());
}

TEST_P(RewardLogTest, GroupsComeWholeOrOneByOne) {
  world_.MakeGroup("g", 2);
  world_.Append(Valid("a", "g"));
  world_.Append(Valid("alone"));
  EXPECT_THAT(Seen(Groups()), ElementsAre("alone"));
  world_.Append(Masked("b", "g"));
  EXPECT_THAT(Seen(Groups()), ElementsAre("alone", "group(2)"));
  EXPECT_THAT(Seen(), ElementsAre("a", "alone", "b"));
  const v1::Group group = *world_.groups().Get(world_.context, "groups/g");
  EXPECT_EQ(group.state(), v1::GROUP_STATE_COMPLETE);
  EXPECT_EQ(group.rewards_size(), 2);
  EXPECT_TRUE(group.has_complete_time());
}

TEST_P(RewardLogTest, AGroupIsOfTheOnePolicyThatItsRewardsAreOfElseForAll) {
  const auto of = [](const std::string& id, const std::string& group, const std::string& policy) {
    v1::Reward reward = Valid(id, group);
    reward.set_policy(policy);
    return reward;
  };
  for (const char* group : {"one", "mixed", "none"}) world_.MakeGroup(group, 2);
  world_.Append(of("a", "one", "p"));
  world_.Append(of("b", "one", "p"));
  world_.Append(of("c", "mixed", "q"));
  world_.Append(of("d", "mixed", "p"));
  world_.clock.Advance(absl::Hours(2));
  ASSERT_TRUE(world_.log().EndExpiredGroups(world_.context).ok());
  v1::ConsumerFilter filter = Groups();
  filter.add_policies("p");
  EXPECT_THAT(Seen(filter), ElementsAre("group(2)", "group(2)", "group(0)!"));
  filter.set_policies(0, "q");
  EXPECT_THAT(Seen(filter), ElementsAre("group(2)", "group(0)!"));
  EXPECT_THAT(Seen(Groups()), ElementsAre("group(2)", "group(2)", "group(0)!"));
}

TEST_P(RewardLogTest, AGroupCompletesExactlyOnce) {
  world_.MakeGroup("g", 2);
  for (int round = 0; round < 3; ++round) {
    world_.Append(Valid("a", "g"));
    world_.Append(Masked("b", "g"));
    world_.clock.Advance(absl::Hours(2));
    ASSERT_TRUE(world_.log().EndExpiredGroups(world_.context).ok());
    world_.Restart();
  }
  EXPECT_THAT(Seen(Groups()), ElementsAre("group(2)"));
  const LogBatch batch = *world_.log().Read(world_.context, 0, Groups());
  EXPECT_EQ(batch.records[0].group_complete().masked_count(), 1);
  EXPECT_EQ(batch.records[0].group_complete().rewards(0).offset(), 1);
}

TEST_P(RewardLogTest, TheDeadlineDeliversAPartialGroupAndLateRewardsOnTheirOwn) {
  world_.MakeGroup("g", 3);
  ASSERT_TRUE(Admit("g", "late").ok());
  world_.Append(Valid("a", "g"));
  EXPECT_EQ(*world_.log().EndExpiredGroups(world_.context), 0);
  const auto deadline = world_.groups().NextDeadline(world_.context);
  ASSERT_TRUE(deadline.ok() && deadline->has_value());
  EXPECT_EQ(**deadline, world_.clock.Now() + absl::Hours(1));
  world_.clock.Advance(absl::Hours(1));
  EXPECT_EQ(*world_.log().EndExpiredGroups(world_.context), 1);
  world_.Append(Valid("late", "g"));
  EXPECT_THAT(Seen(Groups()), ElementsAre("group(1)!", "late"));
  EXPECT_EQ(Admit("g", "later").code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(*world_.groups().NextDeadline(world_.context), std::nullopt);
}

TEST_P(RewardLogTest, ListenersKnowOfGroupsThatEndedBeforeAFailure) {
  // A commit ends 100.
  for (int i = 0; i < 150; ++i) world_.MakeGroup(absl::StrCat("g", i), 1);
  world_.clock.Advance(absl::Hours(2));
  const auto cancel = std::make_shared<CancelToken>();
  std::vector<int64_t> told;
  const uint64_t listener = world_.log().AddListener([&](int64_t end) {
    told.push_back(end);
    cancel->Cancel();
  });
  EXPECT_EQ(world_.log().EndExpiredGroups(CallContext(absl::InfiniteFuture(), cancel)).status().code(), absl::StatusCode::kCancelled);
  EXPECT_THAT(told, ElementsAre(100));
  EXPECT_EQ(*world_.log().EndExpiredGroups(world_.context), 50);
  EXPECT_THAT(told, ElementsAre(100, 150));
  world_.log().RemoveListener(listener);
}

TEST_P(RewardLogTest, ARewardOfADamagedGroupComesOnItsOwn) {
  world_.MakeGroup("g", 2);
  ASSERT_TRUE(Admit("g", "a").ok());
  world_.Sql("UPDATE reward_groups SET body = x'ffffff'");
  world_.Append(Valid("a", "g"));
  EXPECT_THAT(Seen(Groups()), ElementsAre("a"));
  EXPECT_THAT(Seen(), ElementsAre("a"));
  EXPECT_EQ(world_.unreadable.count(), 1);
}

TEST_P(RewardLogTest, ADamagedGroupEndsOnceWithWhatCanBeReadAndTheOthersEnd) {
  for (const char* id : {"g", "other"}) world_.MakeGroup(id, 3);
  world_.Append(Valid("a", "g"));
  world_.Append(Valid("b", "g"));
  world_.Append(Valid("c", "other"));
  world_.Sql("UPDATE reward_groups SET body = x'ffffff' WHERE id = 'g'");
  world_.Sql("UPDATE reward_group_members SET reward = x'ffffff' WHERE trajectory = 'trajectories/a'");
  world_.clock.Advance(absl::Hours(1));
  const absl::StatusOr<int> ended = world_.log().EndExpiredGroups(world_.context);
  ASSERT_TRUE(ended.ok()) << ended.status();
  EXPECT_EQ(*ended, 2);
  EXPECT_EQ(*world_.log().EndExpiredGroups(world_.context), 0);
  EXPECT_THAT(Seen(Groups()), ElementsAre("group(1)!", "group(1)!"));
  const LogBatch batch = *world_.log().Read(world_.context, 0, Groups());
  for (const v1::RewardRecord& record : batch.records) {
    const v1::GroupComplete& complete = record.group_complete();
    EXPECT_EQ(complete.group().task(), "tasks/t");
    if (complete.group().name() != "groups/g") continue;
    EXPECT_EQ(complete.rewards(0).trajectory(), "trajectories/b");
  }
  EXPECT_EQ(world_.groups().Get(world_.context, "groups/g").status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(world_.groups().Get(world_.context, "groups/other")->state(), v1::GROUP_STATE_PARTIAL);
  EXPECT_EQ(world_.unreadable.count(), 1);
}

TEST_P(RewardLogTest, ADamagedRewardDoesNotKeepItsGroupFromEnding) {
  world_.MakeGroup("g", 2);
  world_.Append(Valid("a", "g"));
  world_.Sql("UPDATE reward_group_members SET reward = x'ffffff'");
  world_.Append(Valid("b", "g"));
  EXPECT_THAT(Seen(Groups()), ElementsAre("group(1)!"));
  EXPECT_EQ(world_.unreadable.count(), 1);
}

TEST_P(RewardLogTest, WhoeverMeetsADamagedGroupCountsItOnce) {
  world_.MakeGroup("g", 2);
  EXPECT_EQ(world_.unreadable.count(), 0);
  world_.Sql("UPDATE reward_groups SET body = x''");
  EXPECT_EQ(Admit("g", "a").code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(world_.groups().Get(world_.context, "groups/g").status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(world_.groups().Withdraw(world_.context, "groups/g", "trajectories/a").code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(world_.unreadable.count(), 1);
}

TEST_P(RewardLogTest, MoreEpisodesThanPlacesAreRefused) {
  world_.MakeGroup("g", 2);
  EXPECT_TRUE(Admit("g", "a").ok());
  EXPECT_TRUE(Admit("g", "a").ok());
  EXPECT_TRUE(Admit("g", "b").ok());
  EXPECT_EQ(Admit("g", "c").code(), absl::StatusCode::kFailedPrecondition);
  ASSERT_TRUE(world_.groups().Withdraw(world_.context, "groups/g", "trajectories/b").ok());
  EXPECT_TRUE(Admit("g", "c").ok());
  EXPECT_EQ(world_.groups().Get(world_.context, "groups/g")->started(), 2);
  EXPECT_EQ(world_.groups()
                .Admit(world_.context, "groups/g", "trajectories/a2", "tasks/other", {})
                .code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Admit("none", "a").code(), absl::StatusCode::kNotFound);
}

TEST_P(RewardLogTest, PlacesWithoutRewardAreListedUntilGivenBack) {
  world_.MakeGroup("g", 3);
  for (const char* id : {"a", "b", "c"}) ASSERT_TRUE(Admit("g", id).ok());
  world_.Append(Valid("b", "g"));
  auto places = world_.groups().ListWaiting(world_.context);
  ASSERT_TRUE(places.ok()) << places.status();
  ASSERT_EQ(places->size(), 2u);
  EXPECT_EQ((*places)[0].group, "groups/g");
  EXPECT_EQ((*places)[0].trajectory, "trajectories/a");
  EXPECT_EQ((*places)[1].trajectory, "trajectories/c");
  ASSERT_TRUE(world_.groups().Withdraw(world_.context, "groups/g", "trajectories/a").ok());
  world_.Append(Valid("c", "g"));
  EXPECT_TRUE(world_.groups().ListWaiting(world_.context)->empty());
  EXPECT_EQ(world_.groups().Get(world_.context, "groups/g")->started(), 2);
}

TEST_P(RewardLogTest, MaskedMembersAreReplacedIfAsked) {
  world_.MakeGroup("g", 2, /*replace_masked=*/true);
  ASSERT_TRUE(Admit("g", "a").ok());
  ASSERT_TRUE(Admit("g", "b").ok());
  world_.Append(Masked("a", "g"));
  world_.Append(Valid("b", "g"));
  EXPECT_EQ(world_.groups().Get(world_.context, "groups/g")->started(), 1);
  ASSERT_TRUE(Admit("g", "c").ok());
  world_.Append(Valid("c", "g"));
  EXPECT_THAT(Seen(Groups()), ElementsAre("a", "group(2)"));
}

TEST_P(RewardLogTest, RewardsOfUnknownOrFullGroupsAreNotLost) {
  world_.Append(Valid("stranger", "nowhere"));
  world_.MakeGroup("g", 1);
  world_.Append(Valid("a", "g"));
  world_.Append(Valid("extra", "g"));
  EXPECT_THAT(Seen(Groups()), ElementsAre("stranger", "group(1)", "extra"));
}

TEST_P(RewardLogTest, ARewardThatWasNotAdmittedJoinsOnlyAGroupOfItsTaskAndPolicy) {
  v1::Group group;
  group.set_name("groups/g");
  group.set_task("tasks/t");
  group.set_size(1);
  group.set_policy("p");
  group.set_policy_version("1");
  ASSERT_TRUE(world_.groups().Create(world_.context, group, {}).ok());
  v1::Reward other_task = Valid("other_task", "g");
  other_task.set_task("tasks/other");
  world_.Append(other_task);
  v1::Reward other_version = Valid("other_version", "g");
  other_version.set_policy_version("2");
  world_.Append(other_version);
  world_.Append(Valid("fits", "g"));
  EXPECT_THAT(Seen(Groups()), ElementsAre("other_task", "other_version", "group(1)"));
}

TEST_P(RewardLogTest, GroupsOfHeldOutTasksKeepTheirSplit) {
  v1::Group group;
  group.set_name("groups/g");
  group.set_task("tasks/t");
  group.set_size(1);
  ASSERT_TRUE(world_.groups().Create(world_.context, group, {.split = v1::SPLIT_TEST}).ok());
  v1::Reward reward = Valid("a", "g");
  reward.set_split(v1::SPLIT_TEST);
  world_.Append(reward);
  EXPECT_THAT(Seen(Groups()), IsEmpty());
}

TEST_P(RewardLogTest, GroupsAreValidatedAndMadeOnce) {
  v1::Group group;
  group.set_task("tasks/t");
  EXPECT_FALSE(world_.groups().Create(world_.context, group, {}).ok());
  group.set_size(1025);
  EXPECT_FALSE(world_.groups().Create(world_.context, group, {}).ok());
  group.set_size(2);
  group.set_name("groups/g");
  const auto first = world_.groups().Create(world_.context, group, {});
  ASSERT_TRUE(first.ok());
  world_.clock.Advance(absl::Minutes(1));
  EXPECT_EQ(world_.groups().Create(world_.context, group, {})->SerializeAsString(),
            first->SerializeAsString());
  *group.mutable_deadline_time() = first->deadline_time();
  EXPECT_TRUE(world_.groups().Create(world_.context, group, {}).ok());
  const auto another = [&](void (*change)(v1::Group& group)) {
    v1::Group other = group;
    change(other);
    return world_.groups().Create(world_.context, other, {}).status().code();
  };
  EXPECT_EQ(another([](v1::Group& of) { of.set_size(3); }), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(another([](v1::Group& of) { of.set_task("tasks/u"); }), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(another([](v1::Group& of) { of.set_replace_masked(true); }), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(another([](v1::Group& of) { of.set_policy("p"); }), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(another([](v1::Group& of) { of.set_policy_version("1"); }), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(another([](v1::Group& of) { of.mutable_deadline_time()->set_seconds(of.deadline_time().seconds() + 1); }),
            absl::StatusCode::kInvalidArgument);
}

TEST_P(RewardLogTest, AGroupsDeadlineIsWithinThirtyDays) {
  const absl::Time longest = world_.clock.Now() + absl::Hours(24) * 30;
  v1::Group group;
  group.set_task("tasks/t");
  group.set_size(2);
  *group.mutable_deadline_time() = ToProto(longest + absl::Seconds(1));
  const absl::Status refused = world_.groups().Create(world_.context, group, {}).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("30 days"));
  *group.mutable_deadline_time() = ToProto(longest);
  EXPECT_TRUE(world_.groups().Create(world_.context, group, {}).ok());
}

TEST_P(RewardLogTest, RevisionsSupersedeAndTouchNoGroup) {
  world_.MakeGroup("g", 2);
  const v1::Reward first = world_.Append(Valid("a", "g"));
  v1::Reward revision = Masked("a", "g");
  revision.set_revision(1);
  revision.set_reward_id(RewardId(revision.trajectory(), 1));
  EXPECT_FALSE(world_.log().Append(world_.context, revision).ok());
  revision.set_supersedes(first.reward_id());
  world_.Append(revision);
  EXPECT_THAT(Seen(), ElementsAre("a", "a"));
  EXPECT_EQ(world_.groups().Get(world_.context, "groups/g")->rewards_size(), 1);
  EXPECT_EQ(world_.log().GetByTrajectory(world_.context, "trajectories/a")->revision(), 1);
  EXPECT_EQ(world_.log().GetByTrajectory(world_.context, "trajectories/b").status().code(),
            absl::StatusCode::kNotFound);
}

TEST_P(RewardLogTest, ADamagedRecordHidesNoneBeforeItAndCanBePassed) {
  for (const char* id : {"a", "b", "c", "d"}) world_.Append(Valid(id));
  world_.Sql("UPDATE reward_records SET body = X'FFFFFF' WHERE log_offset = 3");
  const absl::StatusOr<LogBatch> before = world_.log().Read(world_.context, 0, {});
  ASSERT_TRUE(before.ok()) << before.status();
  EXPECT_EQ(before->records.size(), 2u);
  EXPECT_EQ(before->next_after_offset, 2);
  const absl::Status damaged = world_.log().Read(world_.context, 2, {}).status();
  EXPECT_EQ(damaged.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(damaged.message()), HasSubstr("after offset 3"));
  EXPECT_THAT(Seen({}, 3), ElementsAre("d"));
}

TEST_P(RewardLogTest, RefusesOffsetsThatTheLogHasNot) {
  for (const char* id : {"a", "b", "c"}) world_.Append(Valid(id));
  for (const int64_t offset : {int64_t{4}, std::numeric_limits<int64_t>::max() - 10'000, std::numeric_limits<int64_t>::max()}) {
    const absl::Status refused = world_.log().Read(world_.context, offset, {}).status();
    EXPECT_EQ(refused.code(), absl::StatusCode::kOutOfRange) << refused;
  }
  for (const int64_t offset : {int64_t{-1}, std::numeric_limits<int64_t>::min()}) {
    EXPECT_EQ(world_.log().Read(world_.context, offset, {}).status().code(), absl::StatusCode::kInvalidArgument);
  }
}

TEST_P(RewardLogTest, RefusesFiltersOfLongNames) {
  v1::ConsumerFilter filter;
  filter.add_policies(std::string(1025, 'x'));
  EXPECT_EQ(world_.log().Read(world_.context, 0, filter).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_P(RewardLogTest, StatsBoundSuccessByWhatIsMasked) {
  for (const char* id : {"a", "b"}) world_.Append(Valid(id));
  v1::Reward failed = Valid("c");
  failed.set_success(false);
  world_.Append(failed);
  world_.Append(Masked("d"));
  v1::Reward other = Valid("e");
  other.set_policy_version("2");
  world_.Append(other);
  v1::Reward held_out = Valid("f");
  held_out.set_split(v1::SPLIT_TEST);
  world_.Append(held_out);
  const auto stats = world_.log().Stats(world_.context, {.policy = "p"});
  ASSERT_TRUE(stats.ok()) << stats.status();
  ASSERT_EQ(stats->size(), 2u);
  const PolicyStats& first = stats->front();
  EXPECT_EQ(first.policy_version, "1");
  EXPECT_EQ(first.valid, 3);
  EXPECT_EQ(first.succeeded, 2);
  EXPECT_EQ(first.masked, 1);
  EXPECT_EQ(first.masked_by_reason.at(v1::MASK_REASON_WORLD_FAULT), 1);
  EXPECT_DOUBLE_EQ(first.success_rate, 2.0 / 3);
  EXPECT_DOUBLE_EQ(first.masked_share, 0.25);
  EXPECT_DOUBLE_EQ(first.lower_bound, 0.5);
  EXPECT_DOUBLE_EQ(first.upper_bound, 0.75);
  EXPECT_EQ(world_.log().Stats(world_.context, {.policy_version = "2"})->size(), 1u);
}

TEST_P(RewardLogTest, ConcurrentAppendsLoseNothing) {
  constexpr int kThreads = 4, kEach = 25;
  world_.MakeGroup("g", kThreads * kEach);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([this, t] {
      for (int i = 0; i < kEach; ++i) world_.Append(Valid(absl::StrCat(t, "-", i), "g"));
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(world_.log().end_offset(), kThreads * kEach + 1);
  EXPECT_THAT(Seen(Groups()), ElementsAre("group(100)"));
}

INSTANTIATE_TEST_SUITE_P(Databases, RewardLogTest, Engines(), EngineName);

}  // namespace
}  // namespace proctor::reward
