// Breaks a data directory in every way that Fsck looks for, and repairs what it can.
#include "server/fsck.h"

#include <filesystem>
#include <fstream>
#include <memory>

#include "absl/strings/str_cat.h"
#include "common/clock.h"
#include "common/ids.h"
#include "common/proto_json.h"
#include "common/proto_time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proctor/v1/config.pb.h"
#include "server/backup.h"
#include "server/data_directory.h"
#include "server/retention.h"
#include "storage/sqlite_database.h"
#include "tests/storage/temp_directory.h"
#include "trajectory/folder_export.h"
#include "trajectory/folder_import.h"

namespace proctor::server {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// A data directory with some closed trajectories, their blobs and rewards.
class DataFixture : public testing::Test {
 protected:
  DataFixture() {
    config_.set_data_dir(directory_ / "data");
    config_.set_durability(v1::DURABILITY_PROCESS);
  }

  void Open() {
    auto data = OpenDataDirectory(config_, clock_);
    ASSERT_TRUE(data.ok()) << data.status();
    data_ = std::make_unique<DataDirectory>(*std::move(data));
  }
  void Close() { data_.reset(); }
  const std::string& data_dir() const { return config_.data_dir(); }

  // A trajectory of some steps, each with a download of its own and one that all share; returns its id.
  std::string Record(const std::string& name, v1::Outcome outcome = v1::OUTCOME_SUCCESS, v1::Split split = v1::SPLIT_TRAIN,
                     int steps = 2) {
    const CallContext context;
    const std::string id = NewId();
    v1::Trajectory header;
    header.set_name("trajectories/" + id);
    header.set_environment("environments/null");
    header.mutable_task()->set_split(split);
    *header.mutable_start_time() = ToProto(clock_.Now());
    v1::Episode episode;
    episode.set_name("episodes/" + id);
    episode.set_trajectory(header.name());
    *episode.mutable_start_time() = header.start_time();
    EXPECT_TRUE(data_->recorder->Begin(context, header, episode, {}).ok());
    for (int i = 0; i < steps; ++i) {
      v1::Step step;
      step.set_index(i);
      for (const std::string& bytes : {absl::StrCat(name, i), std::string("shared")}) {
        const auto digest = data_->recorder->PutBlob(context, bytes);
        EXPECT_TRUE(digest.ok()) << digest.status();
        step.mutable_observation()->add_downloads()->set_digest(*digest);
      }
      EXPECT_TRUE(data_->recorder->Append(context, id, step, {}).ok());
    }
    v1::Trajectory ending;
    *ending.mutable_end_time() = ToProto(clock_.Now());
    ending.set_end_kind(v1::END_KIND_TERMINATED);
    ending.set_end_reason(v1::END_REASON_ANSWERED);
    episode.set_state(v1::EPISODE_STATE_CLOSED);
    episode.set_result_state(v1::RESULT_STATE_READY);
    episode.mutable_verdict()->set_outcome(outcome);
    EXPECT_TRUE(data_->recorder->Finish(context, id, ending, episode, {}).ok());
    v1::Reward reward;
    reward.set_reward_id("reward-" + id);
    reward.set_trajectory(header.name());
    reward.set_status(v1::REWARD_STATUS_VALID);
    EXPECT_TRUE(data_->rewards->Append(context, reward).ok());
    return id;
  }

  // Changes rows behind the server's back.
  void Sql(const std::string& sql, const std::vector<storage::Value>& parameters = {}) {
    storage::SqliteDatabaseOptions options;
    options.directory = data_dir();
    const auto database = storage::OpenSqliteDatabase(options);
    ASSERT_TRUE(database.ok()) << database.status();
    const absl::Status status = (*database)->Write(CallContext(), [&](storage::Transaction& transaction) {
      return transaction.Execute(sql, parameters).status();
    });
    ASSERT_TRUE(status.ok()) << status;
  }

  std::string BlobPath(const std::string& bytes, const std::string& folder) const {
    const std::string digest = Sha256Hex(bytes);
    return absl::StrCat(folder, "/blobs/", digest.substr(0, 2), "/", digest);
  }
  std::string BlobPath(const std::string& bytes) const { return BlobPath(bytes, data_dir()); }

  FsckReport Check(const std::string& directory, FsckMode mode = FsckMode::kLook) {
    const auto report = Fsck(CallContext(), directory, mode, [this](const std::string&, int64_t, int64_t) { ++progress_; });
    EXPECT_TRUE(report.ok()) << report.status();
    return report.ok() ? *report : FsckReport();
  }
  FsckReport Check(FsckMode mode = FsckMode::kLook) { return Check(data_dir(), mode); }

  storage::TempDirectory directory_;
  SimulatedClock clock_;
  v1::ServerConfig config_;
  std::unique_ptr<DataDirectory> data_;
  int progress_ = 0;
};

class FsckTest : public DataFixture {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(Open());
    first_ = Record("first");
    second_ = Record("second");
    Close();
  }
  // Looks, expects that line of damage and no other, and that a repair leaves it or not.
  void ExpectDamage(const std::string& line) {
    EXPECT_THAT(Check().damage, ElementsAre(HasSubstr(line)));
    EXPECT_THAT(Check(FsckMode::kRepair).damage, ElementsAre(HasSubstr(line)));
  }

  std::string first_;
  std::string second_;
};

TEST_F(FsckTest, AWholeDirectoryIsSound) {
  const FsckReport report = Check();
  EXPECT_THAT(report.damage, IsEmpty());
  EXPECT_THAT(report.leftovers, IsEmpty());
  EXPECT_EQ(report.records, 2);
  EXPECT_EQ(report.steps, 4);
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
  ExpectDamage("blob " + Sha256Hex("shared") + " is missing and needed");
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

TEST_F(FsckTest, AChangedStepIsFound) {
  v1::Step forged;
  forged.set_index(0);
  forged.mutable_agent_text()->set_text("never said");
  Sql("UPDATE trajectory_steps SET step = $2 WHERE trajectory = $1 AND step_index = 0",
      {first_, storage::Bytes{forged.SerializeAsString()}});
  EXPECT_THAT(Check().damage, Contains(absl::StrCat("trajectories/", first_, ": the bytes of step 0 do not fit their digest")));
}

TEST_F(FsckTest, AChangedStepWithADigestToMatchIsFoundByTheTrajectorysOwn) {
  v1::Step forged;
  forged.set_index(0);
  forged.mutable_agent_text()->set_text("never said");
  const std::string bytes = forged.SerializeAsString();
  Sql("UPDATE trajectory_steps SET step = $2, digest = $3 WHERE trajectory = $1 AND step_index = 0",
      {first_, storage::Bytes{bytes}, Sha256Hex(bytes)});
  EXPECT_THAT(Check().damage, Contains(absl::StrCat("trajectories/", first_, ": it does not fit its digest")));
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

TEST_F(FsckTest, AGapInTheRewardLogIsFound) {
  Sql("DELETE FROM reward_records WHERE log_offset = 1");
  ExpectDamage("reward log: the records 1 to 1 are missing");
}

TEST_F(FsckTest, ALogThatEndsTooEarlyIsFound) {
  Sql("DELETE FROM reward_records WHERE log_offset = 2");
  ExpectDamage("reward log: the records 2 to 2 are missing");
}

TEST_F(FsckTest, ARewardThatCouldComeTwiceIsFound) {
  Sql("DELETE FROM reward_ids WHERE log_offset = 2");
  ExpectDamage("the id of reward 2 is not noted");
}

TEST_F(FsckTest, ARecordOfTheLogThatCannotBeReadIsFound) {
  Sql("UPDATE reward_records SET body = $1 WHERE log_offset = 2", {storage::Bytes{"\xff"}});
  ExpectDamage("reward log: record 2 cannot be read");
}

TEST_F(FsckTest, AConsumerBehindTheEndIsFound) {
  Sql("INSERT INTO reward_consumers (id, filter, committed, epoch, create_time, last_ack_time, last_seen_time) "
      "VALUES ('trainer', $1, 3, 0, 0, 0, 0)",
      {storage::Bytes{""}});
  ExpectDamage("consumers/trainer has acknowledged 3, behind the end 2");
}

TEST_F(FsckTest, AnOpenTrajectoryIsALeftover) {
  ASSERT_NO_FATAL_FAILURE(Open());
  v1::Trajectory header;
  header.set_name("trajectories/" + NewId());
  v1::Episode episode;
  episode.set_name("episodes/" + header.name().substr(13));
  ASSERT_TRUE(data_->recorder->Begin(CallContext(), header, episode, {}).ok());
  Close();
  const FsckReport report = Check();
  EXPECT_THAT(report.damage, IsEmpty());
  EXPECT_THAT(report.leftovers, ElementsAre(HasSubstr("1 trajectories were left open")));
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

class BackupTest : public DataFixture {
 protected:
  absl::StatusOr<BackupResult> Copy() {
    return Backup(CallContext(), data_dir(), directory_ / "copy", [this](int64_t, int64_t) { ++progress_; });
  }
};

TEST_F(BackupTest, TheCopyOfAServersDirectoryIsWholeAndServes) {
  ASSERT_NO_FATAL_FAILURE(Open());
  const std::string id = Record("first");
  ASSERT_TRUE(data_->blobs->Put(CallContext(), "needed by nobody").ok());
  ASSERT_TRUE(data_->blobs->Replace(CallContext(), Sha256Hex("first1"), "smaller").ok());
  const auto result = Copy();
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->blobs, 3);
  EXPECT_EQ(progress_, 3);
  // What comes later is not in it.
  Record("second");
  Close();
  const FsckReport report = Check(directory_ / "copy");
  EXPECT_THAT(report.damage, IsEmpty());
  EXPECT_THAT(report.leftovers, IsEmpty());
  EXPECT_EQ(report.records, 1);
  EXPECT_TRUE(fs::exists(directory_ / "copy/backup.json"));
  config_.set_data_dir(directory_ / "copy");
  ASSERT_NO_FATAL_FAILURE(Open());
  EXPECT_EQ(data_->trajectories->Get(CallContext(), "trajectories/" + id)->steps_size(), 2);
  EXPECT_EQ(*data_->blobs->Get(CallContext(), Sha256Hex("first1")), "smaller");
}

TEST_F(BackupTest, TheSecretIsCopied) {
  ASSERT_NO_FATAL_FAILURE(Open());
  const std::string secret = data_->secret;
  ASSERT_TRUE(Copy().ok());
  Close();
  config_.set_data_dir(directory_ / "copy");
  ASSERT_NO_FATAL_FAILURE(Open());
  EXPECT_EQ(data_->secret, secret);
}

TEST_F(BackupTest, AFolderThatIsNotEmptyIsRefused) {
  ASSERT_NO_FATAL_FAILURE(Open());
  fs::create_directories(directory_ / "copy/something");
  EXPECT_EQ(Copy().status().code(), absl::StatusCode::kAlreadyExists);
}

TEST_F(BackupTest, ABlobThatIsLostIsSaid) {
  ASSERT_NO_FATAL_FAILURE(Open());
  Record("first");
  fs::remove(BlobPath("shared"));
  const auto result = Copy();
  EXPECT_EQ(result.status().code(), absl::StatusCode::kAborted);
  EXPECT_THAT(std::string(result.status().message()), HasSubstr(Sha256Hex("shared")));
  EXPECT_FALSE(fs::exists(directory_ / "copy/backup.json"));
}

TEST_F(BackupTest, ADirectoryThatIsNoneIsSaid) {
  EXPECT_EQ(Copy().status().code(), absl::StatusCode::kNotFound);
}

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
  const auto exported = trajectory::ExportTrajectories(CallContext(), *data_->archive, {name}, folder, progress);
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
