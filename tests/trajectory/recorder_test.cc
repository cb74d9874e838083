#include "trajectory/recorder.h"

#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/sqlite_database.h"
#include "tests/storage/temp_directory.h"
#include "tests/trajectory/fixture.h"
#include "tests/trajectory/older_records.h"
#include "trajectory/digest_chain.h"
#include "trajectory/record_form.h"

namespace proctor::trajectory {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class RecorderTest : public testing::Test {
 protected:
  absl::Status Begin(const std::string& id, const Replay& replay = {}) {
    return room_.recorder.Begin(context_, MakeHeader(id, now_), MakeEpisode(id, now_), replay);
  }
  absl::Status Append(const std::string& id, int index, const Replay& replay = {}) {
    return room_.recorder.Append(context_, id, MakeStep(index, now_), replay);
  }
  absl::Status Finish(const std::string& id) {
    return room_.recorder.Finish(context_, id, MakeEnding(now_), MakeEpisode(id, now_), {}).status();
  }
  v1::Trajectory Get(const std::string& id) {
    return room_.trajectories.Get(context_, "trajectories/" + id).value();
  }
  // The first column.
  std::vector<std::string> Texts(const std::string& query) {
    std::vector<std::string> texts;
    const absl::Status status = room_.database->Read(context_, [&](storage::Transaction& transaction) -> absl::Status {
      const auto rows = transaction.Query(query, {});
      if (!rows.ok()) return rows.status();
      for (const storage::Row& row : *rows) texts.push_back(row.Text(0));
      return absl::OkStatus();
    });
    EXPECT_TRUE(status.ok()) << status;
    return texts;
  }

  const CallContext context_;
  Room room_;
  const absl::Time now_ = room_.clock.Now();
};

TEST_F(RecorderTest, KeepsEverythingButThePicturesBytes) {
  ASSERT_TRUE(Begin("e1").ok());
  ASSERT_TRUE(Append("e1", 0).ok());
  ASSERT_TRUE(Finish("e1").ok());
  const v1::Trajectory record = Get("e1");
  v1::Step expected = MakeStep(0, now_);
  expected.mutable_observation()->mutable_screenshot()->clear_data();
  expected.mutable_observation()->mutable_screenshot()->set_digest(Sha256Hex("pixels 1"));
  expected.mutable_observation()->mutable_screenshot()->set_size_bytes(8);
  ASSERT_EQ(record.steps_size(), 1);
  EXPECT_EQ(record.steps(0).SerializeAsString(), expected.SerializeAsString());
  EXPECT_EQ(record.client_tags().at("run"), "a");
  EXPECT_EQ(record.end_kind(), v1::END_KIND_TERMINATED);
  EXPECT_EQ(record.evidence_size(), 1);
  EXPECT_EQ(record.step_count(), 1);
  EXPECT_TRUE(record.closed());
  EXPECT_EQ(record.digest(), TrajectoryDigest(record));
  EXPECT_EQ(room_.blobs->Get(context_, Sha256Hex("pixels 0")).value(), "pixels 0");
  EXPECT_EQ(room_.blobs->Get(context_, Sha256Hex("pixels 1")).value(), "pixels 1");
}

TEST_F(RecorderTest, LinksEachStepToTheOneBefore) {
  ASSERT_TRUE(Begin("e1").ok());
  DigestChain chain(Get("e1"));
  std::vector<std::string> expected;
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(Append("e1", i).ok());
    expected.push_back(chain.Add(StepSha256(Get("e1").steps(i))));
    EXPECT_EQ(Texts("SELECT digest FROM trajectory_records"), std::vector<std::string>{expected.back()});
  }
  EXPECT_EQ(Texts("SELECT digest FROM trajectory_steps ORDER BY step_index"), expected);
  ASSERT_TRUE(Finish("e1").ok());
  EXPECT_EQ(Get("e1").digest(), chain.End(Get("e1")));
  EXPECT_EQ(Texts("SELECT digest FROM trajectory_records"), std::vector<std::string>{Get("e1").digest()});
}

TEST_F(RecorderTest, DoesNotCloseARecordWhoseEndIsNotWhatWasRecorded) {
  for (const std::string change : {"UPDATE trajectory_steps SET digest = $1 WHERE step_index = 1",
                                   "UPDATE trajectory_records SET digest = $1", "DELETE FROM trajectory_steps WHERE digest <> $1"}) {
    Room room;
    ASSERT_TRUE(room.recorder.BeginWithoutEpisode(context_, MakeHeader("e1", now_)).ok());
    for (int i = 0; i < 2; ++i) ASSERT_TRUE(room.recorder.Append(context_, "e1", MakeStep(i, now_), {}).ok());
    ASSERT_TRUE(room.database
                    ->Write(context_,
                            [&](storage::Transaction& transaction) { return transaction.Execute(change, {Sha256Hex("forged")}).status(); })
                    .ok());
    EXPECT_EQ(room.recorder.FinishWithoutEpisode(context_, "e1", MakeEnding(now_), {}).status().code(), absl::StatusCode::kDataLoss) << change;
    EXPECT_FALSE(room.trajectories.GetHeader(context_, "trajectories/e1")->closed()) << change;
  }
}

TEST_F(RecorderTest, ClosesWhatAnOlderProgramBeganByItsRuleAndDoesNotGoOnWithIt) {
  ASSERT_TRUE(Begin("e1").ok());
  ASSERT_TRUE(Append("e1", 0).ok());
  MakeVersion1(*room_.database, "e1");
  EXPECT_EQ(Append("e1", 1).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Append("e1", 2).code(), absl::StatusCode::kAborted);
  ASSERT_TRUE(Finish("e1").ok());
  const v1::Trajectory record = Get("e1");
  EXPECT_EQ(record.format_version(), 1);
  EXPECT_EQ(record.steps_size(), 1);
  EXPECT_EQ(record.digest(), TrajectoryDigest(record));
}

TEST_F(RecorderTest, RefusesAStepThatIsNotTheNext) {
  ASSERT_TRUE(Begin("e1").ok());
  EXPECT_EQ(Append("e1", 1).code(), absl::StatusCode::kAborted);
  ASSERT_TRUE(Append("e1", 0).ok());
  EXPECT_EQ(Append("e1", 0).code(), absl::StatusCode::kAborted);
  EXPECT_EQ(Get("e1").steps_size(), 1);
}

TEST_F(RecorderTest, RefusesStepsAndEndsAfterTheEnd) {
  ASSERT_TRUE(Begin("e1").ok());
  ASSERT_TRUE(Finish("e1").ok());
  EXPECT_EQ(Append("e1", 0).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Finish("e1").code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(RecorderTest, RefusesUnknownAndDoubleRecords) {
  EXPECT_EQ(Append("none", 0).code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Finish("none").code(), absl::StatusCode::kNotFound);
  ASSERT_TRUE(Begin("e1").ok());
  EXPECT_EQ(Begin("e1").code(), absl::StatusCode::kAlreadyExists);
}

TEST_F(RecorderTest, KeepsTheAnswerWithTheStep) {
  ASSERT_TRUE(Begin("e1", MakeReplay("start")).ok());
  ASSERT_TRUE(Append("e1", 0, MakeReplay("step")).ok());
  const auto replay = room_.replays.Find(context_, "step").value();
  ASSERT_TRUE(replay.has_value());
  EXPECT_EQ(replay->request_digest, Sha256Hex("step"));
  EXPECT_EQ(replay->response, "answer to step");
  EXPECT_FALSE(room_.replays.Find(context_, "other").value().has_value());
}

TEST_F(RecorderTest, RecordsNeitherStepNorAnswerIfOneFails) {
  ASSERT_TRUE(Begin("e1", MakeReplay("same")).ok());
  EXPECT_EQ(Append("e1", 0, MakeReplay("same")).code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(Get("e1").steps_size(), 0);
}

TEST_F(RecorderTest, PrunesOldAnswersOnly) {
  for (const char* id : {"gone/1", "live/1", "active/1", "record/old"}) {
    ASSERT_TRUE(room_.replays.Save(context_, MakeReplay(id)).ok());
  }
  room_.clock.Advance(absl::Hours(48));
  for (const char* id : {"active/2", "record/new"}) {
    ASSERT_TRUE(room_.replays.Save(context_, MakeReplay(id)).ok());
  }
  const auto is_live = [](const std::string& session) { return session == "live"; };
  EXPECT_EQ(room_.replays.Prune(context_, room_.clock.Now() - absl::Hours(24), is_live).value(), 2);
  EXPECT_FALSE(room_.replays.Find(context_, "gone/1").value().has_value());
  EXPECT_FALSE(room_.replays.Find(context_, "record/old").value().has_value());
  // A session that lives, or whose last answer is young, keeps all of its answers.
  for (const char* id : {"live/1", "active/1", "active/2", "record/new"}) {
    EXPECT_TRUE(room_.replays.Find(context_, id).value().has_value()) << id;
  }
}

TEST_F(RecorderTest, RefusesADigestThatDoesNotFitItsBytes) {
  ASSERT_TRUE(Begin("e1").ok());
  v1::Step step = MakeStep(0, now_);
  step.mutable_observation()->mutable_screenshot()->set_digest(Sha256Hex("others"));
  EXPECT_EQ(room_.recorder.Append(context_, "e1", step, {}).code(),
            absl::StatusCode::kInvalidArgument);
  step.mutable_observation()->mutable_screenshot()->set_digest("../../x");
  EXPECT_EQ(room_.recorder.Append(context_, "e1", step, {}).code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(RecorderTest, RefusesABlobThatWasNotStored) {
  ASSERT_TRUE(Begin("e1").ok());
  v1::Step step = MakeStep(0, now_);
  v1::Download& download = *step.mutable_observation()->add_downloads();
  download.set_digest(Sha256Hex("file"));
  EXPECT_EQ(room_.recorder.Append(context_, "e1", step, {}).code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(room_.recorder.PutBlob(context_, "file").value(), Sha256Hex("file"));
  EXPECT_TRUE(room_.recorder.Append(context_, "e1", step, {}).ok());
}

TEST_F(RecorderTest, WhatIsRefusedForItsBlobsLeavesNoneBehind) {
  ASSERT_TRUE(Begin("e1").ok());
  v1::Step step = MakeStep(0, now_);
  step.mutable_observation()->mutable_screenshot()->set_digest(Sha256Hex("others"));
  EXPECT_EQ(room_.recorder.Append(context_, "e1", step, {}).code(), absl::StatusCode::kInvalidArgument);
  step = MakeStep(0, now_);
  step.mutable_observation()->add_downloads()->set_digest(Sha256Hex("never came"));
  EXPECT_EQ(room_.recorder.Append(context_, "e1", step, {}).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_FALSE(room_.blobs->Contains(Sha256Hex("pixels 1")));
}

TEST_F(RecorderTest, TheBlobOfARowThatIsNotWrittenIsCollectedADayLater) {
  ASSERT_TRUE(Begin("e1").ok());
  EXPECT_EQ(Append("e1", 7).code(), absl::StatusCode::kAborted);
  v1::Trajectory taken = MakeHeader("e1", now_);
  *taken.mutable_initial_observation() = MakeObservation("pixels of another");
  EXPECT_EQ(room_.recorder.BeginWithoutEpisode(context_, taken).code(), absl::StatusCode::kAlreadyExists);
  for (const char* pixels : {"pixels 8", "pixels of another"}) EXPECT_TRUE(room_.blobs->Contains(Sha256Hex(pixels))) << pixels;
  room_.clock.Advance(absl::Hours(25));
  ASSERT_TRUE(room_.trajectories.CollectLoose(context_).ok());
  for (const char* pixels : {"pixels 8", "pixels of another"}) EXPECT_FALSE(room_.blobs->Contains(Sha256Hex(pixels))) << pixels;
  EXPECT_TRUE(room_.blobs->Contains(Sha256Hex("pixels 0"))) << "the header names it";
}

TEST_F(RecorderTest, AStepThatIsRecordedIsNotNotedAsLoose) {
  ASSERT_TRUE(Begin("e1").ok());
  ASSERT_TRUE(Append("e1", 0).ok());
  EXPECT_TRUE(Texts("SELECT digest FROM trajectory_loose").empty());
}

TEST_F(RecorderTest, RefusesMoreStepsThanAnEpisodeCanHave) {
  ASSERT_TRUE(Begin("e1").ok());
  // As if it had that many.
  Sql(room_, "UPDATE trajectory_records SET step_count = 9999");
  EXPECT_TRUE(Append("e1", 9'999).ok());
  const absl::Status refused = Append("e1", 10'000);
  EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument) << refused;
  EXPECT_THAT(std::string(refused.message()), HasSubstr("at most 10000 steps"));
}

TEST_F(RecorderTest, OfTwoThatFinishOneRequestTheSecondStaysOpen) {
  for (const char* id : {"e1", "e2"}) ASSERT_TRUE(Begin(id).ok());
  const auto finish = [&](const std::string& id) {
    return room_.recorder.FinishFirst(context_, id, MakeEnding(now_), MakeEpisode(id, now_), MakeReplay("record/once")).status();
  };
  ASSERT_TRUE(finish("e1").ok());
  EXPECT_EQ(finish("e2").code(), absl::StatusCode::kAlreadyExists);
  EXPECT_FALSE(Get("e2").closed());
  EXPECT_TRUE(Finish("e2").ok());
}

TEST_F(RecorderTest, TakesAgentDataUpToOneMebibyteUnchanged) {
  ASSERT_TRUE(Begin("e1").ok());
  v1::Step step = MakeStep(0, now_);
  step.mutable_agent_data()->set_raw_output(std::string((1 << 20) - 200, 'x'));
  ASSERT_TRUE(room_.recorder.Append(context_, "e1", step, {}).ok());
  EXPECT_EQ(Get("e1").steps(0).agent_data().SerializeAsString(),
            step.agent_data().SerializeAsString());
  step.set_index(1);
  step.mutable_agent_data()->set_raw_output(std::string(1 << 20, 'x'));
  const absl::Status status = room_.recorder.Append(context_, "e1", step, {});
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("step 1: agent_data"));
}

TEST_F(RecorderTest, CountsTheBytesOfItsStepsAndRefusesTheOneThatIsTooMuch) {
  ASSERT_TRUE(Begin("e1").ok());
  ASSERT_TRUE(Append("e1", 0).ok());
  ASSERT_TRUE(Append("e1", 1).ok());
  const int64_t bytes = room_.trajectories.StepBytes(context_, "trajectories/e1").value();
  const v1::Trajectory record = Get("e1");
  EXPECT_EQ(bytes, static_cast<int64_t>(record.steps(0).ByteSizeLong() + record.steps(1).ByteSizeLong()));
  const int64_t next = static_cast<int64_t>(record.steps(1).ByteSizeLong());
  SetStepBytes(room_, kMaxAllStepsBytes - next + 1);
  const absl::Status refused = Append("e1", 2, MakeReplay("s1/r"));
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(SaysRecordIsFull(refused));
  EXPECT_TRUE(SaysRecordIsFull(Annotate(refused, "a step")));
  EXPECT_THAT(std::string(refused.message()), HasSubstr("more than 536870912"));
  EXPECT_FALSE(room_.replays.Find(context_, "s1/r")->has_value());
  SetStepBytes(room_, kMaxAllStepsBytes - next);
  EXPECT_TRUE(Append("e1", 2).ok());
  // Full as it is, it can be closed and read.
  EXPECT_TRUE(Finish("e1").ok());
  EXPECT_EQ(Get("e1").steps_size(), 3);
}

TEST_F(RecorderTest, RecordsOfBeforeTheirBytesWereCountedAreCountedWhenAsked) {
  ASSERT_EQ(RecordEpisode(room_, "e1", 2), "trajectories/e1");
  ASSERT_TRUE(Begin("e2").ok());
  ASSERT_TRUE(Append("e2", 0).ok());
  const int64_t bytes = room_.trajectories.StepBytes(context_, "trajectories/e1").value();
  Sql(room_, "ALTER TABLE trajectory_records DROP COLUMN step_bytes");
  Sql(room_, "DROP TABLE trajectory_loose");
  Sql(room_, "UPDATE storage_migrations SET version = 3 WHERE room = 'trajectory'");
  const auto opened = Archive::Open(*room_.database, *room_.blobs, room_.clock);
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ(room_.trajectories.StepBytes(context_, "trajectories/e1").value(), bytes);
  ASSERT_TRUE(Append("e2", 1).ok());
  EXPECT_EQ(room_.trajectories.StepBytes(context_, "trajectories/e2").value(), bytes);
  EXPECT_EQ(Get("e1").steps_size(), 2);
}

TEST_F(RecorderTest, RefusesAHeaderThatIsTooLargeAndSaysWhichPart) {
  v1::Trajectory task = MakeHeader("e1", now_);
  task.mutable_task()->set_goal(std::string(kMaxTaskBytes, 'x'));
  v1::Trajectory evidence = MakeHeader("e1", now_);
  evidence.add_evidence()->set_error(std::string(kMaxEvidenceBytes, 'x'));
  v1::Trajectory observation = MakeHeader("e1", now_);
  observation.mutable_initial_observation()->mutable_html()->set_text(std::string(kMaxHeaderBytes, 'x'));
  for (const auto& [header, part] : {std::pair{&task, "task"}, {&evidence, "evidence"}, {&observation, "initial observation"}}) {
    const absl::Status refused = room_.recorder.BeginWithoutEpisode(context_, *header);
    EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument) << part;
    EXPECT_THAT(std::string(refused.message()), HasSubstr(part));
  }
  ASSERT_TRUE(Begin("e1").ok());
  v1::Trajectory ending = MakeEnding(now_);
  ending.add_evidence()->set_error(std::string(kMaxEvidenceBytes, 'x'));
  EXPECT_EQ(room_.recorder.Finish(context_, "e1", ending, MakeEpisode("e1", now_), {}).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(Finish("e1").ok());
}

TEST_F(RecorderTest, RedactsCredentials) {
  v1::Trajectory header = MakeHeader("e1", now_);
  v1::StartState& start = *header.mutable_task()->mutable_start_state();
  start.set_storage_state_json("{\"cookies\":[{\"value\":\"secret1\"}]}");
  (*start.mutable_http_credentials())["https://a.example"].set_username("secret2");
  (*start.mutable_http_credentials())["https://a.example"].set_password("secret3");
  (*start.mutable_base_urls())["__A__"] = "https://user:secret4@a.example/x";
  start.set_start_url("https://secret5@a.example/ |AND| __A__/b@c");
  (*header.mutable_base_urls())["__A__"] = "https://user:secret6@a.example";
  v1::Oracle& oracle = *header.mutable_task()->mutable_oracle();
  oracle.mutable_page()->set_url("https://user:secret7@a.example/p");
  ASSERT_TRUE(room_.recorder.Begin(context_, header, MakeEpisode("e1", now_), {}).ok());
  const v1::Trajectory record = Get("e1");
  EXPECT_THAT(record.SerializeAsString(), Not(HasSubstr("secret")));
  EXPECT_EQ(record.task().start_state().http_credentials().count("https://a.example"), 1);
  EXPECT_EQ(record.task().start_state().base_urls().at("__A__"), "https://a.example/x");
  EXPECT_EQ(record.task().start_state().start_url(), "https://a.example/ |AND| __A__/b@c");
}

TEST(RecorderConcurrencyTest, ManyEpisodesAppendAtOnce) {
  constexpr int kEpisodes = 16;
  constexpr int kSteps = 20;
  storage::TempDirectory directory;
  auto database = storage::OpenSqliteDatabase({.directory = directory.path()}).value();
  auto blobs = storage::NewMemoryBlobStore();
  auto archive = Archive::Open(*database, *blobs, SystemClock()).value();
  Recorder recorder(*archive);
  const absl::Time now = absl::UnixEpoch();
  std::vector<std::thread> threads;
  for (int episode = 0; episode < kEpisodes; ++episode) {
    threads.emplace_back([&, id = absl::StrCat("e", episode)] {
      const CallContext context;
      EXPECT_TRUE(recorder.Begin(context, MakeHeader(id, now), MakeEpisode(id, now), {}).ok());
      for (int i = 0; i < kSteps; ++i) {
        EXPECT_TRUE(recorder.Append(context, id, MakeStep(i, now), {}).ok());
      }
      EXPECT_TRUE(recorder.Finish(context, id, MakeEnding(now), MakeEpisode(id, now), {}).ok());
    });
  }
  for (std::thread& thread : threads) thread.join();
  TrajectoryStore store(*archive);
  for (int episode = 0; episode < kEpisodes; ++episode) {
    const auto record = store.Get(CallContext(), absl::StrCat("trajectories/e", episode));
    ASSERT_TRUE(record.ok()) << record.status();
    EXPECT_EQ(record->steps_size(), kSteps);
    EXPECT_EQ(record->digest(), TrajectoryDigest(*record));
  }
}

}  // namespace
}  // namespace proctor::trajectory
