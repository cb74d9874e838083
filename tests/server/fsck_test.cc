// Breaks a data directory in every way that Fsck looks for, and repairs what it can.
#include "server/fsck.h"

#include <filesystem>
#include <fstream>

#include "gmock/gmock.h"
#include "tests/server/fsck_fixture.h"

namespace proctor::server {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;

using FsckTest = FsckFixture;

TEST_F(FsckTest, AWholeDirectoryIsSound) {
  const FsckReport report = Check();
  EXPECT_THAT(report.damage, IsEmpty());
  EXPECT_THAT(report.leftovers, IsEmpty());
  EXPECT_EQ(report.records, 2);
  EXPECT_EQ(report.steps, 4);
  EXPECT_EQ(report.episodes, 2);
  EXPECT_EQ(report.rewards, 2);
  EXPECT_EQ(report.blobs, 5);
  EXPECT_EQ(report.blob_bytes, static_cast<int64_t>(2 * 6 + 2 * 7 + 6));
  EXPECT_GT(progress_, 5);
}

TEST_F(FsckTest, ADamagedBlobIsFoundAndPutAside) {
  std::ofstream(BlobPath("first0"), std::ios::trunc) << "firsT0";
  const FsckReport report = Check();
  EXPECT_THAT(report.damage, ElementsAre(HasSubstr("its bytes do not fit"), HasSubstr("is damaged and needed")));
  EXPECT_TRUE(fs::exists(BlobPath("first0")));
  const FsckReport repair = Check(FsckMode::kRepair);
  EXPECT_THAT(repair.repaired, ElementsAre(AllOf(HasSubstr("its bytes do not fit"), HasSubstr("moved to"))));
  EXPECT_THAT(repair.damage, ElementsAre(HasSubstr("is damaged and needed")));
  EXPECT_FALSE(fs::exists(BlobPath("first0")));
  EXPECT_TRUE(fs::exists(absl::StrCat(data_dir(), "/damaged/", Sha256Hex("first0"))));
  EXPECT_THAT(Check().damage, ElementsAre(HasSubstr("is missing and needed")));
  // Whoever stores the same bytes again mends it.
  ASSERT_NO_FATAL_FAILURE(Open());
  ASSERT_TRUE(data_->blobs->Put(CallContext(), "first0").ok());
  Close();
  EXPECT_THAT(Check().damage, IsEmpty());
}

// As one in a bad sector.
TEST_F(FsckTest, ABlobThatCannotBeReadIsFoundAndTheRestLookedAt) {
  fs::remove(BlobPath("first0"));
  fs::create_directory(BlobPath("first0"));
  std::ofstream(BlobPath("second1"), std::ios::trunc) << "rubbish";
  const FsckReport report = Check();
  EXPECT_THAT(report.damage, UnorderedElementsAre(HasSubstr("the disk cannot read it"), HasSubstr("its bytes do not fit"),
                                                  AllOf(HasSubstr(Sha256Hex("first0")), HasSubstr("is damaged and needed")),
                                                  AllOf(HasSubstr(Sha256Hex("second1")), HasSubstr("is damaged and needed"))));
  EXPECT_EQ(report.blobs, 3);
  EXPECT_THAT(Check(FsckMode::kRepair).repaired, UnorderedElementsAre(HasSubstr("the disk cannot read it"), HasSubstr("its bytes do not fit")));
  ASSERT_NO_FATAL_FAILURE(Open());
  for (const char* bytes : {"first0", "second1"}) ASSERT_TRUE(data_->blobs->Put(CallContext(), bytes).ok());
  Close();
  EXPECT_THAT(Check().damage, IsEmpty());
}

TEST_F(FsckTest, ADamagedOriginalBesideASoundReplacementIsMended) {
  ASSERT_NO_FATAL_FAILURE(Open());
  ASSERT_TRUE(data_->blobs->Replace(CallContext(), Sha256Hex("first0"), "smaller").ok());
  Close();
  EXPECT_THAT(Check().damage, IsEmpty());
  std::ofstream(BlobPath("first0")) << "rubbish";
  EXPECT_THAT(Check().damage, ElementsAre(HasSubstr("its bytes do not fit")));
  EXPECT_THAT(Check(FsckMode::kRepair).damage, IsEmpty());
  EXPECT_THAT(Check().damage, IsEmpty());
}

TEST_F(FsckTest, ADamagedReplacementIsFound) {
  ASSERT_NO_FATAL_FAILURE(Open());
  ASSERT_TRUE(data_->blobs->Replace(CallContext(), Sha256Hex("first0"), "smaller").ok());
  Close();
  std::ofstream(BlobPath("first0") + ".alt", std::ios::app) << "x";
  EXPECT_THAT(Check().damage, Contains(HasSubstr(".alt: its bytes do not fit")));
}

TEST_F(FsckTest, AMissingBlobIsFound) {
  fs::remove(BlobPath("shared"));
  ExpectDamage(HasSubstr("blob " + Sha256Hex("shared") + " is missing and needed"));
}

TEST_F(FsckTest, ABlobThatNobodyNeedsIsALeftoverAndARepairDeletesIt) {
  ASSERT_NO_FATAL_FAILURE(Open());
  ASSERT_TRUE(data_->blobs->Put(CallContext(), "alone").ok());
  Close();
  const FsckReport report = Check();
  EXPECT_THAT(report.damage, IsEmpty());
  EXPECT_THAT(report.leftovers, ElementsAre(HasSubstr(Sha256Hex("alone") + " is needed by nobody")));
  EXPECT_TRUE(fs::exists(BlobPath("alone")));
  EXPECT_THAT(Check(FsckMode::kRepair).repaired, ElementsAre(HasSubstr("deleted")));
  EXPECT_FALSE(fs::exists(BlobPath("alone")));
  EXPECT_TRUE(fs::exists(BlobPath("shared")));
  EXPECT_THAT(Check().leftovers, IsEmpty());
}

TEST_F(FsckTest, AForeignFileIsFoundAndPutAside) {
  const std::string path = data_dir() + "/blobs/00/notes.txt";
  std::ofstream(path) << "hello";
  EXPECT_THAT(Check().damage, ElementsAre(HasSubstr("notes.txt: no blob's file")));
  EXPECT_THAT(Check(FsckMode::kRepair).damage, IsEmpty());
  EXPECT_TRUE(fs::exists(data_dir() + "/damaged/notes.txt"));
  EXPECT_THAT(Check().damage, IsEmpty());
}

TEST_F(FsckTest, AGapInTheStepsIsFound) {
  Sql("DELETE FROM trajectory_steps WHERE trajectory = $1 AND step_index = 0", {first_});
  const FsckReport report = Check();
  EXPECT_THAT(report.damage, ElementsAre(absl::StrCat("trajectories/", first_, ": steps 0 to 0 are missing")));
  EXPECT_THAT(Check(FsckMode::kRepair).repaired, IsEmpty());
  EXPECT_TRUE(fs::exists(BlobPath("first0")));
}

TEST_F(FsckTest, StepsMissingAtTheEndAreFound) {
  Sql("DELETE FROM trajectory_steps WHERE trajectory = $1 AND step_index = 1", {first_});
  EXPECT_THAT(Check().damage, Contains(HasSubstr("it should have 2 steps, but they end with 0")));
}

TEST_F(FsckTest, AHeaderThatCannotBeReadIsFound) {
  Sql("UPDATE trajectory_records SET header = $2 WHERE id = $1", {first_, storage::Bytes{"\xff\xff\xff"}});
  EXPECT_THAT(Check().damage, ElementsAre(absl::StrCat("trajectories/", first_, ": its header cannot be read")));
  // What it needs is not taken for what nobody needs.
  const FsckReport repair = Check(FsckMode::kRepair);
  EXPECT_THAT(repair.repaired, IsEmpty());
  EXPECT_THAT(repair.leftovers, IsEmpty());
  EXPECT_TRUE(fs::exists(BlobPath("first0")));
}

TEST_F(FsckTest, StepsWithoutARecordAreFound) {
  Sql("DELETE FROM trajectory_records WHERE id = $1", {first_});
  EXPECT_THAT(Check().damage, ElementsAre(absl::StrCat("trajectories/", first_, ": there are steps, but no record")));
  EXPECT_THAT(Check(FsckMode::kRepair).repaired, IsEmpty());
  EXPECT_TRUE(fs::exists(BlobPath("first0")));
}

TEST_F(FsckTest, NotesAboutBlobsAreMended) {
  Sql("DELETE FROM trajectory_blobs WHERE trajectory = $1 AND digest = $2", {first_, Sha256Hex("shared")});
  Sql("INSERT INTO trajectory_blobs (trajectory, digest) VALUES ($1, $2)", {first_, Sha256Hex("second0")});
  EXPECT_THAT(Check().damage, ElementsAre(HasSubstr("it is not noted that it needs blob " + Sha256Hex("shared")),
                                          HasSubstr("it is noted that it needs blob " + Sha256Hex("second0"))));
  EXPECT_EQ(Check(FsckMode::kRepair).repaired.size(), 2u);
  EXPECT_THAT(Check().damage, IsEmpty());
}

TEST_F(FsckTest, AnEpisodesRowThatCannotBeReadIsFound) {
  Sql("UPDATE trajectory_episodes SET episode = $2 WHERE id = $1", {first_, Rubbish()});
  ExpectDamage(HasSubstr(absl::StrCat("episodes/", first_, ": its row cannot be read: ")));
  Sql("UPDATE trajectory_episodes SET episode = (SELECT episode FROM trajectory_episodes WHERE id = $2) WHERE id = $1", {first_, second_});
  ExpectDamage(HasSubstr(absl::StrCat("episodes/", first_, ": its row cannot be read: ")));
}

TEST_F(FsckTest, AnEpisodesRowThatItsColumnsContradictIsFound) {
  Sql("UPDATE trajectory_episodes SET result_state = 1 WHERE id = $1", {second_});
  ExpectDamage(HasSubstr(absl::StrCat("episodes/", second_, ": its row and the columns beside it differ")));
}

TEST_F(FsckTest, MoreEpisodesThanAreReadAtATimeAreAllLookedAt) {
  ASSERT_NO_FATAL_FAILURE(Open());
  for (int i = 0; i < 1100; ++i) Record("", v1::OUTCOME_SUCCESS, v1::SPLIT_TRAIN, /*steps=*/0);
  Close();
  Sql("UPDATE trajectory_episodes SET episode = $1 WHERE id = (SELECT MAX(id) FROM trajectory_episodes)", {Rubbish()});
  const FsckReport report = Check();
  EXPECT_EQ(report.episodes, 1102);
  EXPECT_THAT(report.damage, ElementsAre(HasSubstr("its row cannot be read")));
}

TEST_F(FsckTest, AGapInTheRewardLogIsFound) {
  Sql("DELETE FROM reward_records WHERE log_offset = 1");
  ExpectDamage(HasSubstr("reward log: the records 1 to 1 are missing"));
}

TEST_F(FsckTest, ALogThatEndsTooEarlyIsFound) {
  Sql("DELETE FROM reward_records WHERE log_offset = 2");
  ExpectDamage(HasSubstr("reward log: the records 2 to 2 are missing"));
}

TEST_F(FsckTest, ARewardThatCouldComeTwiceIsFound) {
  Sql("DELETE FROM reward_ids WHERE log_offset = 2");
  ExpectDamage(HasSubstr("the id of reward 2 is not noted"));
}

TEST_F(FsckTest, ARecordOfTheLogThatCannotBeReadIsFound) {
  Sql("UPDATE reward_records SET body = $1 WHERE log_offset = 2", {storage::Bytes{"\xff"}});
  ExpectDamage(HasSubstr("reward log: record 2 cannot be read"));
}

TEST_F(FsckTest, AConsumerBehindTheEndIsFound) {
  Sql("INSERT INTO reward_consumers (id, filter, committed, epoch, create_time, last_ack_time, last_seen_time) "
      "VALUES ('trainer', $1, 3, 0, 0, 0, 0)",
      {storage::Bytes{""}});
  ExpectDamage(HasSubstr("consumers/trainer has acknowledged 3, behind the end 2"));
  Sql("UPDATE reward_consumers SET committed = 1, filter = $1", {storage::Bytes{"\xff\xff\xff"}});
  ExpectDamage(HasSubstr("consumers/trainer: its row cannot be read: delete it and create it again, from offset 1"));
}

// Declares groups/g of two, of whose members one has a reward; returns that member.
std::string MakeGroup(DataDirectory& data, absl::Time deadline) {
  v1::Group group;
  group.set_name("groups/g");
  group.set_task("tasks/t");
  group.set_size(2);
  *group.mutable_deadline_time() = ToProto(deadline);
  EXPECT_TRUE(data.groups->Create(CallContext(), group, {}).ok());
  v1::Reward reward;
  reward.set_reward_id("reward-of-group");
  reward.set_trajectory("trajectories/member");
  reward.set_task("tasks/t");
  reward.set_group("groups/g");
  reward.set_status(v1::REWARD_STATUS_VALID);
  EXPECT_TRUE(data.rewards->Append(CallContext(), reward).ok());
  return reward.trajectory();
}

class FsckGroupTest : public FsckFixture {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(FsckFixture::SetUp());
    ASSERT_NO_FATAL_FAILURE(Open());
    member_ = MakeGroup(*data_, clock_.Now() + absl::Hours(1));
    Close();
  }
  std::string member_;
};

TEST_F(FsckGroupTest, ADamagedGroupIsNamedBeforeAndAfterItEndsAndCountedOnce) {
  EXPECT_THAT(Check().damage, IsEmpty());
  Sql("UPDATE reward_groups SET body = $1", {Rubbish()});
  ExpectDamage(HasSubstr("groups/g: its row cannot be read: the server ends it at its deadline, PARTIAL"));
  ASSERT_NO_FATAL_FAILURE(Open());
  EXPECT_EQ(data_->archive->unreadable().count(), 0);
  clock_.Advance(absl::Hours(1));
  EXPECT_EQ(data_->rewards->EndExpiredGroups(CallContext()).value(), 1);
  EXPECT_EQ(data_->groups->Get(CallContext(), "groups/g").status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(data_->archive->unreadable().count(), 1);
  Close();
  ExpectDamage(HasSubstr("groups/g: its row cannot be read: it has ended, PARTIAL"));
}

TEST_F(FsckGroupTest, AnotherGroupsRowIsNone) {
  ASSERT_NO_FATAL_FAILURE(Open());
  v1::Group other;
  other.set_name("groups/other");
  other.set_task("tasks/t");
  other.set_size(1);
  ASSERT_TRUE(data_->groups->Create(CallContext(), other, {}).ok());
  Close();
  EXPECT_THAT(Check().damage, IsEmpty());
  Sql("UPDATE reward_groups SET body = (SELECT body FROM reward_groups WHERE id = 'other') WHERE id = 'g'");
  ExpectDamage(HasSubstr("groups/g: its row cannot be read"));
}

TEST_F(FsckGroupTest, AGroupsRowThatItsColumnsContradictIsFound) {
  Sql("UPDATE reward_groups SET state = $1", {int64_t{v1::GROUP_STATE_COMPLETE}});
  ExpectDamage("groups/g: its row and the columns beside it differ about its state");
}

TEST_F(FsckGroupTest, ARewardThatAnOpenGroupWillLackIsFound) {
  Sql("UPDATE reward_group_members SET reward = $1", {Rubbish()});
  ExpectDamage("groups/g: the reward of " + member_ + " in it cannot be read: the group ends without it");
  ASSERT_NO_FATAL_FAILURE(Open());
  clock_.Advance(absl::Hours(1));
  EXPECT_EQ(data_->rewards->EndExpiredGroups(CallContext()).value(), 1);
  EXPECT_EQ(data_->archive->unreadable().count(), 1);
  Close();
  // It is not kept beside the log any longer.
  EXPECT_THAT(Check().damage, IsEmpty());
}

TEST_F(FsckTest, AnOpenTrajectoryIsALeftover) {
  Begin(0);
  const FsckReport report = Check();
  EXPECT_THAT(report.damage, IsEmpty());
  EXPECT_THAT(report.leftovers, ElementsAre(HasSubstr("1 trajectories were left open")));
  // One that the next start cannot close is none of these.
  Sql("UPDATE trajectory_records SET header = $1 WHERE closed = 0", {Rubbish()});
  EXPECT_THAT(Check().damage, ElementsAre(HasSubstr("its header cannot be read")));
  EXPECT_THAT(Check().leftovers, IsEmpty());
}

TEST_F(FsckTest, LookingChangesNothing) {
  std::ofstream(BlobPath("first0"), std::ios::trunc) << "firsT0";
  Sql("DELETE FROM reward_records WHERE log_offset = 1");
  const FsckReport first = Check();
  const FsckReport second = Check();
  EXPECT_EQ(first.damage, second.damage);
  EXPECT_EQ(first.damage.size(), 3u);
}

TEST_F(FsckTest, ACorruptDatabaseFileIsAnErrorOrDamage) {
  const std::string path = data_dir() + "/proctor.db";
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(8192);
  file << std::string(16384, 'x');
  file.close();
  const auto report = Fsck(CallContext(), data_dir(), FsckMode::kLook, [](const std::string&, int64_t, int64_t) {});
  if (report.ok()) {
    EXPECT_THAT(report->damage, Not(IsEmpty()));
  } else {
    EXPECT_EQ(report.status().code(), absl::StatusCode::kDataLoss) << report.status();
  }
}

TEST_F(FsckTest, ADirectoryInUseOrMissingIsAnError) {
  ASSERT_NO_FATAL_FAILURE(Open());
  const auto none = [](const std::string&, int64_t, int64_t) {};
  EXPECT_EQ(Fsck(CallContext(), data_dir(), FsckMode::kLook, none).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Fsck(CallContext(), directory_ / "none", FsckMode::kLook, none).status().code(), absl::StatusCode::kNotFound);
  EXPECT_FALSE(fs::exists(directory_ / "none"));
}

}  // namespace
}  // namespace proctor::server
