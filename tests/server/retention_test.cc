#include "server/retention.h"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>

#include "common/proto_json.h"
#include "gmock/gmock.h"
#include "tests/server/data_fixture.h"
#include "trajectory/folder_export.h"
#include "trajectory/folder_import.h"

namespace proctor::server {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;

class RetentionTest : public DataFixture {
 protected:
  void SetUp() override { ASSERT_NO_FATAL_FAILURE(Open()); }
  v1::RetentionRule& Rule(absl::Duration min_age) {
    v1::RetentionRule& rule = *retention_.add_rules();
    rule.set_name(absl::StrCat("rule ", retention_.rules_size()));
    *rule.mutable_min_age() = ToProto(min_age);
    return rule;
  }
  std::map<std::string, int64_t> Apply() {
    const auto deleted = ApplyRetention(CallContext(), retention_, {*data_->trajectories, *data_->episodes, *data_->labels}, clock_.Now());
    EXPECT_TRUE(deleted.ok()) << deleted.status();
    return deleted.ok() ? *deleted : std::map<std::string, int64_t>();
  }
  bool Exists(const std::string& id) { return data_->trajectories->GetHeader(CallContext(), "trajectories/" + id).ok(); }

  v1::RetentionConfig retention_;
};

TEST_F(RetentionTest, OldOnesGoWithTheBlobsThatNobodyElseNeeds) {
  const std::string old = Record("old");
  clock_.Advance(absl::Hours(48));
  const std::string young = Record("young");
  Rule(absl::Hours(24));
  EXPECT_THAT(Apply(), ElementsAre(testing::Pair("rule 1", 1)));
  EXPECT_FALSE(Exists(old));
  EXPECT_TRUE(Exists(young));
  EXPECT_FALSE(data_->blobs->Contains(Sha256Hex("old0")));
  EXPECT_TRUE(data_->blobs->Contains(Sha256Hex("shared")));
  EXPECT_TRUE(data_->blobs->Contains(Sha256Hex("young0")));
  EXPECT_THAT(Apply(), IsEmpty());
  // Its reward and its episode's row stay.
  EXPECT_TRUE(data_->rewards->GetByTrajectory(CallContext(), "trajectories/" + old).ok());
  EXPECT_TRUE(data_->episodes->Get(CallContext(), "episodes/" + old).ok());
  Close();
  EXPECT_THAT(Check().damage, IsEmpty());
  EXPECT_THAT(Check().leftovers, IsEmpty());
}

// What lies there longer may be needed: a database that is damaged may have forgotten who needs it.
TEST_F(RetentionTest, ABlobThatNothingKnowsGoesADayAfterItWasFoundIfItCameLately) {
  for (const char* bytes : {"lately", "long ago"}) ASSERT_TRUE(data_->blobs->Put(CallContext(), bytes).ok());
  fs::last_write_time(BlobPath("long ago"), fs::file_time_type::clock::now() - std::chrono::hours(96));
  ASSERT_TRUE(data_->trajectories->NoteUnnamed(CallContext()).ok());
  clock_.Advance(absl::Hours(25));
  ASSERT_TRUE(data_->trajectories->CollectLoose(CallContext()).ok());
  EXPECT_FALSE(data_->blobs->Contains(Sha256Hex("lately")));
  EXPECT_TRUE(data_->blobs->Contains(Sha256Hex("long ago")));
}

TEST_F(RetentionTest, WithoutRulesEverythingStays) {
  const std::string id = Record("a");
  clock_.Advance(absl::Hours(24 * 3650));
  EXPECT_THAT(Apply(), IsEmpty());
  EXPECT_TRUE(Exists(id));
}

TEST_F(RetentionTest, ARuleTakesOnlyWhatFitsAllOfIt) {
  const std::string failed = Record("a", v1::OUTCOME_FAILURE);
  const std::string succeeded = Record("b", v1::OUTCOME_SUCCESS);
  const std::string held_out = Record("c", v1::OUTCOME_FAILURE, v1::SPLIT_TEST);
  clock_.Advance(absl::Hours(48));
  v1::RetentionRule& rule = Rule(absl::Hours(24));
  rule.add_outcomes(v1::OUTCOME_FAILURE);
  rule.add_splits(v1::SPLIT_TRAIN);
  rule.add_environments("environments/web");
  EXPECT_THAT(Apply(), IsEmpty());
  rule.add_environments("environments/null");
  EXPECT_THAT(Apply(), ElementsAre(testing::Pair("rule 1", 1)));
  EXPECT_FALSE(Exists(failed));
  EXPECT_TRUE(Exists(succeeded));
  EXPECT_TRUE(Exists(held_out));
}

TEST_F(RetentionTest, WhatPeopleLabelledStaysUnlessTheRuleSaysOtherwise) {
  const std::string id = Record("a");
  v1::Label label;
  label.set_trajectory("trajectories/" + id);
  label.set_outcome(v1::OUTCOME_SUCCESS);
  label.set_annotator("person");
  const auto labelled = data_->labels->Put(CallContext(), label);
  ASSERT_TRUE(labelled.ok()) << labelled.status();
  clock_.Advance(absl::Hours(48));
  v1::RetentionRule& rule = Rule(absl::Hours(24));
  EXPECT_THAT(Apply(), IsEmpty());
  EXPECT_TRUE(Exists(id));
  rule.set_include_labelled(true);
  EXPECT_THAT(Apply(), ElementsAre(testing::Pair("rule 1", 1)));
  EXPECT_FALSE(Exists(id));
}

TEST_F(RetentionTest, WhatIsStillToBeJudgedStays) {
  const std::string id = Record("a");
  const auto pending = data_->episodes->Update(CallContext(), "episodes/" + id, [](v1::Episode& row) {
    row.set_result_state(v1::RESULT_STATE_PENDING);
    return absl::OkStatus();
  });
  ASSERT_TRUE(pending.ok()) << pending.status();
  clock_.Advance(absl::Hours(48));
  Rule(absl::Hours(24));
  EXPECT_THAT(Apply(), IsEmpty());
  EXPECT_TRUE(Exists(id));
}

TEST_F(RetentionTest, ThinningTakesWhatOnlyEarlyObservationsName) {
  const std::string id = Record("a", v1::OUTCOME_SUCCESS, v1::SPLIT_TRAIN, /*steps=*/5);
  clock_.Advance(absl::Hours(48));
  Rule(absl::Hours(24)).set_action(v1::RETENTION_ACTION_THIN);
  EXPECT_THAT(Apply(), ElementsAre(testing::Pair("rule 1", 1)));
  EXPECT_FALSE(data_->blobs->Contains(Sha256Hex("a0")));
  EXPECT_FALSE(data_->blobs->Contains(Sha256Hex("a1")));
  for (const std::string kept : {"a2", "a3", "a4", "shared"}) EXPECT_TRUE(data_->blobs->Contains(Sha256Hex(kept))) << kept;
  const auto thin = data_->trajectories->Get(CallContext(), "trajectories/" + id);
  ASSERT_TRUE(thin.ok()) << thin.status();
  EXPECT_EQ(FromProto(thin->thin_time()), clock_.Now());
  ASSERT_EQ(thin->steps_size(), 5);
  EXPECT_EQ(thin->steps(0).observation().downloads(0).digest(), Sha256Hex("a0"));
  EXPECT_THAT(Apply(), IsEmpty());
  Close();
  EXPECT_THAT(Check().damage, IsEmpty());
  EXPECT_THAT(Check().leftovers, IsEmpty());
  EXPECT_EQ(Check().blobs, 4);
}

TEST_F(RetentionTest, AnExportOfAThinOneComesBackAsItIs) {
  const std::string id = Record("a", v1::OUTCOME_SUCCESS, v1::SPLIT_TRAIN, /*steps=*/5);
  const std::string name = "trajectories/" + id;
  clock_.Advance(absl::Hours(48));
  ASSERT_TRUE(data_->trajectories->Thin(CallContext(), name, clock_.Now()).ok());
  const auto before = data_->trajectories->Get(CallContext(), name);
  ASSERT_TRUE(before.ok()) << before.status();
  const std::string folder = data_dir() + "-export";
  const auto progress = [](int64_t, int64_t) { return absl::OkStatus(); };
  const auto exported = trajectory::ExportTrajectories(CallContext(), *data_->archive, {.names = {name}}, folder, progress);
  ASSERT_TRUE(exported.ok()) << exported.status();
  EXPECT_FALSE(data_->blobs->Contains(Sha256Hex("a0")));
  ASSERT_TRUE(data_->trajectories->Delete(CallContext(), name).ok());
  EXPECT_FALSE(data_->blobs->Contains(Sha256Hex("a4")));
  const auto imported = trajectory::ImportTrajectories(CallContext(), *data_->archive, folder, progress);
  ASSERT_TRUE(imported.ok()) << imported.status();
  EXPECT_EQ(imported->imported(), 1) << imported->ShortDebugString();
  const auto after = data_->trajectories->Get(CallContext(), name);
  ASSERT_TRUE(after.ok()) << after.status();
  EXPECT_EQ(ProtoCanonicalBytes(*after), ProtoCanonicalBytes(*before));
  EXPECT_TRUE(data_->blobs->Contains(Sha256Hex("a4")));
  fs::remove_all(folder);
}

TEST_F(RetentionTest, TheFirstRuleThatFitsDecides) {
  const std::string failed = Record("a", v1::OUTCOME_FAILURE);
  const std::string held_out = Record("b", v1::OUTCOME_FAILURE, v1::SPLIT_TEST);
  clock_.Advance(absl::Hours(48));
  v1::RetentionRule& keep = Rule(absl::ZeroDuration());
  keep.set_action(v1::RETENTION_ACTION_KEEP);
  keep.add_splits(v1::SPLIT_TEST);
  Rule(absl::Hours(24)).set_include_labelled(true);
  v1::Label label;
  label.set_trajectory("trajectories/" + held_out);
  label.set_outcome(v1::OUTCOME_SUCCESS);
  label.set_annotator("person");
  ASSERT_TRUE(data_->labels->Put(CallContext(), label).ok());
  EXPECT_THAT(Apply(), ElementsAre(testing::Pair("rule 2", 1)));
  EXPECT_FALSE(Exists(failed));
  EXPECT_TRUE(Exists(held_out));
}

TEST_F(RetentionTest, DamagedOnesStayAndKeepNothingElse) {
  const std::string oldest = Record("oldest");
  const std::string header = Record("header");
  const std::string row = Record("row");
  const std::string step = Record("step", v1::OUTCOME_SUCCESS, v1::SPLIT_TEST);
  const std::string youngest = Record("youngest");
  clock_.Advance(absl::Hours(48));
  Close();
  const storage::Bytes rubbish{"\xff\xff\xff"};
  Sql("UPDATE trajectory_records SET header = $2 WHERE id = $1", {header, rubbish});
  Sql("UPDATE trajectory_episodes SET episode = $2 WHERE id = $1", {row, rubbish});
  Sql("UPDATE trajectory_steps SET step = $2 WHERE trajectory = $1", {step, rubbish});
  ASSERT_NO_FATAL_FAILURE(Open());
  v1::RetentionRule& thin = Rule(absl::Hours(24));
  thin.add_splits(v1::SPLIT_TEST);
  thin.set_action(v1::RETENTION_ACTION_THIN);
  Rule(absl::Hours(24));
  EXPECT_THAT(Apply(), ElementsAre(testing::Pair("rule 2", 2)));
  for (const std::string& gone : {oldest, youngest}) EXPECT_FALSE(Exists(gone)) << gone;
  for (const std::string& kept : {row, step}) EXPECT_TRUE(Exists(kept)) << kept;
  EXPECT_EQ(data_->archive->unreadable().count(), 1);
  for (const char* const needed : {"header0", "row0", "step0", "shared"}) EXPECT_TRUE(data_->blobs->Contains(Sha256Hex(needed))) << needed;
}

TEST_F(RetentionTest, ManyDamagedOnesKeepNothingElseEither) {
  const std::string oldest = Record("oldest");
  for (int i = 0; i < 120; ++i) Record(absl::StrCat("t", i));
  clock_.Advance(absl::Hours(48));
  Close();
  Sql("UPDATE trajectory_episodes SET episode = $2 WHERE id != $1", {oldest, storage::Bytes{"\xff\xff\xff"}});
  ASSERT_NO_FATAL_FAILURE(Open());
  Rule(absl::Hours(24));
  EXPECT_THAT(Apply(), ElementsAre(testing::Pair("rule 1", 1)));
  EXPECT_FALSE(Exists(oldest));
}

TEST_F(RetentionTest, ABlobThatCannotBeDeletedKeepsNothingElseAndIsTriedAgain) {
  const std::string first = Record("first");
  const std::string second = Record("second");
  clock_.Advance(absl::Hours(48));
  // No unlink deletes a folder.
  const std::string path = BlobPath("first0");
  fs::remove(path);
  fs::create_directories(path + "/kept");
  Rule(absl::Hours(24));
  EXPECT_THAT(Apply(), ElementsAre(testing::Pair("rule 1", 2)));
  for (const std::string& gone : {first, second}) EXPECT_FALSE(Exists(gone)) << gone;
  EXPECT_FALSE(data_->blobs->Contains(Sha256Hex("second0")));
  const auto closed = data_->trajectories->CloseInterrupted(CallContext());
  EXPECT_TRUE(closed.ok()) << closed.status();
  EXPECT_TRUE(fs::exists(path));
  fs::remove(path + "/kept");
  fs::remove(path);
  std::ofstream(path) << "first0";
  ASSERT_TRUE(data_->trajectories->CollectLoose(CallContext()).ok());
  EXPECT_FALSE(fs::exists(path));
  Close();
  EXPECT_THAT(Check().damage, IsEmpty());
  EXPECT_THAT(Check().leftovers, IsEmpty());
}

TEST_F(RetentionTest, MorePagesThanOneAreDeleted) {
  for (int i = 0; i < 450; ++i) Record(absl::StrCat("t", i));
  clock_.Advance(absl::Hours(48));
  Rule(absl::Hours(24));
  EXPECT_THAT(Apply(), ElementsAre(testing::Pair("rule 1", 450)));
  Close();
  EXPECT_EQ(Check().blobs, 0);
}

}  // namespace
}  // namespace proctor::server
