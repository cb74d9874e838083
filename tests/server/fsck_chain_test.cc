// Exchanges steps and headers in a data directory; Fsck names the first that does not follow.
#include <memory>
#include <string>

#include "common/proto_json.h"
#include "gmock/gmock.h"
#include "tests/server/fsck_fixture.h"
#include "tests/trajectory/older_records.h"
#include "trajectory/digest_chain.h"

namespace proctor::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

// A step that never was.
std::string Forged(int index) {
  v1::Step forged;
  forged.set_index(index);
  forged.mutable_agent_text()->set_text("never said");
  return forged.SerializeAsString();
}

class FsckChainTest : public FsckFixture {
 protected:
  // Without what happens at a start.
  std::unique_ptr<storage::Database> Database() {
    storage::SqliteDatabaseOptions options;
    options.directory = data_dir();
    return storage::OpenSqliteDatabase(options).value();
  }
  static v1::Trajectory Header(storage::Transaction& transaction, const std::string& id) {
    return trajectory::LoadRecord(transaction, id).value().header;
  }

  // Exchanges a step for a forged one, with a digest that follows from what is before it.
  void Forge(const std::string& id, int64_t index) {
    const absl::Status status = Database()->Write(CallContext(), [&](storage::Transaction& transaction) -> absl::Status {
      std::string before = trajectory::DigestChain(Header(transaction, id)).last();
      if (index > 0) {
        before = transaction.Query("SELECT digest FROM trajectory_steps WHERE trajectory = $1 AND step_index = $2", {id, index - 1})
                     ->at(0)
                     .Text(0);
      }
      const std::string bytes = Forged(static_cast<int>(index));
      return transaction
          .Execute("UPDATE trajectory_steps SET step = $3, digest = $4 WHERE trajectory = $1 AND step_index = $2",
                   {id, index, storage::Bytes{bytes}, trajectory::LinkStep(before, Sha256Hex(bytes))})
          .status();
    });
    ASSERT_TRUE(status.ok()) << status;
  }
  void ChangeGoal(const std::string& id) {
    const absl::Status status = Database()->Write(CallContext(), [&](storage::Transaction& transaction) {
      v1::Trajectory header = Header(transaction, id);
      header.mutable_task()->set_goal("another");
      return trajectory::UpdateHeader(transaction, id, header);
    });
    ASSERT_TRUE(status.ok()) << status;
  }
  void ExpectDamageOf(const std::string& id, const std::string& what) { ExpectDamage(absl::StrCat("trajectories/", id, ": ", what)); }
};

TEST_F(FsckChainTest, AChangedStepIsFound) {
  Sql("UPDATE trajectory_steps SET step = $2 WHERE trajectory = $1 AND step_index = 1", {first_, storage::Bytes{Forged(1)}});
  ExpectDamageOf(first_, "step 1 does not follow step 0: one of the two was changed");
}

TEST_F(FsckChainTest, AStepExchangedWithItsDigestIsFoundByWhatComesNext) {
  Forge(first_, 0);
  ExpectDamageOf(first_, "step 1 does not follow step 0: one of the two was changed");
}

TEST_F(FsckChainTest, TheLastStepExchangedWithItsDigestIsFoundByTheEnd) {
  Forge(first_, 1);
  ExpectDamageOf(first_, "it does not fit its digest");
}

TEST_F(FsckChainTest, AStepOfAnOpenTrajectoryExchangedWithItsDigestIsFound) {
  const std::string open = Begin(3);
  EXPECT_THAT(Check().damage, IsEmpty());
  Forge(open, 1);
  ExpectDamageOf(open, "step 2 does not follow step 1: one of the two was changed");
}

TEST_F(FsckChainTest, TheLastStepOfAnOpenTrajectoryIsKnownTooAndNothingIsMadeOfAForgedOne) {
  const std::string open = Begin(2);
  Forge(open, 1);
  ExpectDamageOf(open, "its last step is not what was recorded last");
  ASSERT_NO_FATAL_FAILURE(Open());
  EXPECT_FALSE(data_->trajectories->GetHeader(CallContext(), "trajectories/" + open)->closed());
  EXPECT_EQ(data_->archive->unreadable().count(), 1);
  Close();
  ExpectDamageOf(open, "its last step is not what was recorded last");
}

TEST_F(FsckChainTest, AChangedHeaderIsFound) {
  ChangeGoal(first_);
  ExpectDamageOf(first_, "step 0 does not follow the header: one of the two was changed");
}

TEST_F(FsckChainTest, AChangedHeaderWithoutStepsIsFound) {
  const std::string open = Begin(0);
  EXPECT_THAT(Check().damage, IsEmpty());
  ChangeGoal(open);
  ExpectDamageOf(open, "its header is not the one that it began with");
}

TEST_F(FsckChainTest, EveryBreakIsFound) {
  const std::string open = Begin(6);
  Forge(open, 0);
  Forge(open, 3);
  EXPECT_THAT(Check().damage, ElementsAre(HasSubstr("step 1 does not follow step 0"), HasSubstr("step 4 does not follow step 3")));
}

TEST_F(FsckChainTest, NothingThatMayChangeLaterBreaksIt) {
  ASSERT_NO_FATAL_FAILURE(Open());
  const std::string thinned = Record("long", v1::OUTCOME_SUCCESS, v1::SPLIT_TRAIN, /*steps=*/5);
  ASSERT_TRUE(data_->blobs->Replace(CallContext(), Sha256Hex("long4"), "tiny").ok());
  ASSERT_TRUE(data_->trajectories->Thin(CallContext(), "trajectories/" + thinned, clock_.Now()).ok());
  ASSERT_TRUE(data_->trajectories->Delete(CallContext(), "trajectories/" + first_).ok());
  Close();
  EXPECT_THAT(Check().damage, IsEmpty());
}

TEST_F(FsckChainTest, WhatOlderProgramsRecordedIsSoundAndStaysWhatItIs) {
  const std::string open = Begin(2);
  for (const std::string& id : {first_, second_, open}) trajectory::MakeVersion1(*Database(), id);
  Sql("ALTER TABLE trajectory_records DROP COLUMN step_bytes");
  Sql("DROP TABLE trajectory_loose");
  Sql("UPDATE storage_migrations SET version = 2 WHERE room = 'trajectory'");
  FsckReport report = Check();
  EXPECT_THAT(report.damage, IsEmpty());
  EXPECT_THAT(report.leftovers, ElementsAre(HasSubstr("1 trajectories were left open")));
  ASSERT_NO_FATAL_FAILURE(Open());
  for (const std::string& id : {first_, open}) {
    const v1::Trajectory header = data_->trajectories->GetHeader(CallContext(), "trajectories/" + id).value();
    EXPECT_TRUE(header.closed());
    EXPECT_EQ(header.format_version(), 1);
  }
  Close();
  report = Check();
  EXPECT_THAT(report.damage, IsEmpty());
  EXPECT_THAT(report.leftovers, IsEmpty());
}

TEST_F(FsckChainTest, WhatOlderProgramsRecordedIsCheckedByItsOwnRule) {
  for (const std::string& id : {first_, second_}) trajectory::MakeVersion1(*Database(), id);
  Sql("UPDATE trajectory_steps SET step = $2 WHERE trajectory = $1 AND step_index = 0", {first_, storage::Bytes{Forged(0)}});
  Sql("UPDATE trajectory_steps SET step = $2, digest = $3 WHERE trajectory = $1 AND step_index = 0",
      {second_, storage::Bytes{Forged(0)}, Sha256Hex(Forged(0))});
  EXPECT_THAT(Check().damage, UnorderedElementsAre(absl::StrCat("trajectories/", first_, ": the bytes of step 0 do not fit their digest"),
                                                   absl::StrCat("trajectories/", second_, ": it does not fit its digest")));
}

}  // namespace
}  // namespace proctor::server
