#include "trajectory/trajectory_store.h"

#include <set>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/trajectory/fixture.h"
#include "trajectory/record_form.h"

namespace proctor::trajectory {
namespace {

class TrajectoryStoreTest : public testing::Test {
 protected:
  std::vector<std::string> List(const v1::TrajectoryFilter& filter, int page_size = 100) {
    std::vector<std::string> names;
    std::string token;
    do {
      const auto page = room_.trajectories.List(context_, filter, page_size, token);
      EXPECT_TRUE(page.ok()) << page.status();
      if (!page.ok()) break;
      EXPECT_LE(static_cast<int>(page->trajectories.size()), page_size);
      for (const v1::Trajectory& header : page->trajectories) {
        EXPECT_EQ(header.steps_size(), 0);
        names.push_back(header.name());
      }
      token = page->next_page_token;
    } while (!token.empty());
    return names;
  }

  int64_t Garbage() {
    int64_t rows = -1;
    const absl::Status read = room_.database->Read(context_, [&](storage::Transaction& transaction) -> absl::Status {
      const auto counted = transaction.Query("SELECT COUNT(*) FROM trajectory_garbage", {});
      if (counted.ok()) rows = counted->at(0).Int(0);
      return counted.status();
    });
    EXPECT_TRUE(read.ok()) << read;
    return rows;
  }

  const CallContext context_;
  Room room_;
};

TEST_F(TrajectoryStoreTest, GivesRangesOfSteps) {
  RecordEpisode(room_, "e1", 5);
  const auto steps = room_.trajectories.GetSteps(context_, "trajectories/e1", 2, 2).value();
  ASSERT_EQ(steps.size(), 2);
  EXPECT_EQ(steps[0].index(), 2);
  EXPECT_EQ(room_.trajectories.GetSteps(context_, "trajectories/e1", 4, 9)->size(), 1);
  EXPECT_EQ(room_.trajectories.GetHeader(context_, "trajectories/e1")->step_count(), 5);
}

TEST_F(TrajectoryStoreTest, ListsNewestFirstInPages) {
  std::vector<std::string> expected;
  for (int i = 0; i < 7; ++i) {
    expected.insert(expected.begin(), RecordEpisode(room_, absl::StrCat("e", i), 1));
    // Pairs start at the same moment: their ids decide.
    if (i % 2 == 1) room_.clock.Advance(absl::Seconds(1));
  }
  EXPECT_EQ(List({}, 3), expected);
  EXPECT_EQ(List({}, 100), expected);
}

TEST_F(TrajectoryStoreTest, ASplitThatIsNotSetIsTrain) {
  v1::Trajectory header = MakeHeader("e1", room_.clock.Now());
  header.mutable_task()->clear_split();
  ASSERT_TRUE(room_.recorder.BeginWithoutEpisode(context_, header).ok());
  v1::TrajectoryFilter filter;
  filter.add_splits(v1::SPLIT_TRAIN);
  EXPECT_EQ(List(filter), std::vector<std::string>{"trajectories/e1"});
  filter.set_splits(0, v1::SPLIT_TEST);
  EXPECT_EQ(List(filter), std::vector<std::string>());
}

TEST_F(TrajectoryStoreTest, FiltersByEveryField) {
  RecordEpisode(room_, "e1", 0);
  room_.clock.Advance(absl::Seconds(10));
  v1::Trajectory other = MakeHeader("e2", room_.clock.Now());
  other.set_environment("environments/web");
  other.mutable_task()->set_name("tasks/other");
  other.mutable_task()->set_split(v1::SPLIT_TEST);
  other.mutable_policy()->set_policy("random");
  other.mutable_policy()->set_version("1");
  other.set_group("groups/g");
  ASSERT_TRUE(room_.recorder.BeginWithoutEpisode(context_, other).ok());
  const std::vector<std::string> first = {"trajectories/e1"};
  const std::vector<std::string> second = {"trajectories/e2"};
  v1::TrajectoryFilter filter;
  filter.add_environments("environments/web");
  EXPECT_EQ(List(filter), second);
  filter.Clear();
  filter.set_task("tasks/other");
  EXPECT_EQ(List(filter), second);
  filter.Clear();
  filter.set_policy("refine");
  EXPECT_EQ(List(filter), first);
  filter.Clear();
  filter.set_policy_version("1");
  EXPECT_EQ(List(filter), second);
  filter.Clear();
  filter.set_group("groups/g");
  EXPECT_EQ(List(filter), second);
  filter.Clear();
  filter.add_end_kinds(v1::END_KIND_TERMINATED);
  EXPECT_EQ(List(filter), first);
  filter.Clear();
  filter.set_closed_only(true);
  EXPECT_EQ(List(filter), first);
  filter.Clear();
  filter.add_splits(v1::SPLIT_TEST);
  filter.add_splits(v1::SPLIT_VALIDATION);
  EXPECT_EQ(List(filter), second);
  filter.Clear();
  *filter.mutable_start_time_from() = ToProto(room_.clock.Now());
  EXPECT_EQ(List(filter), second);
  filter.Clear();
  *filter.mutable_start_time_until() = ToProto(room_.clock.Now());
  EXPECT_EQ(List(filter), first);
  filter.set_policy("' OR 1=1 --");
  EXPECT_TRUE(List(filter).empty());
}

TEST_F(TrajectoryStoreTest, EndsAPageBeforeItIsTooLargeForAMessage) {
  for (int i = 0; i < 4; ++i) {
    v1::Trajectory header = MakeHeader(absl::StrCat("e", i), room_.clock.Now());
    header.mutable_initial_observation()->mutable_html()->set_text(std::string(1 << 20, 'x'));
    ASSERT_TRUE(room_.recorder.BeginWithoutEpisode(context_, header).ok());
  }
  EXPECT_EQ(room_.trajectories.List(context_, {}, 100, "")->trajectories.size(), 1);
  EXPECT_EQ(List({}).size(), 4);
}

TEST_F(TrajectoryStoreTest, DoesNotReadWholeWhatIsTooLarge) {
  RecordEpisode(room_, "e1", 3);
  SetStepBytes(room_, kMaxAllStepsBytes + 1);
  const absl::Status refused = room_.trajectories.Get(context_, "trajectories/e1").status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition) << refused;
  EXPECT_EQ(room_.trajectories.GetHeader(context_, "trajectories/e1")->step_count(), 3);
  int steps = 0;
  const absl::Status visited = room_.trajectories.ForEachStep(context_, "trajectories/e1", [&](const v1::Step& step) {
    EXPECT_EQ(step.index(), steps++);
    return step.index() < 1 ? absl::OkStatus() : absl::AbortedError("enough");
  });
  EXPECT_EQ(visited.code(), absl::StatusCode::kAborted);
  EXPECT_EQ(steps, 2);
  ASSERT_TRUE(room_.trajectories.Thin(context_, "trajectories/e1", room_.clock.Now()).ok());
  EXPECT_TRUE(room_.trajectories.Delete(context_, "trajectories/e1").ok());
}

TEST_F(TrajectoryStoreTest, LeavesOutWhatCannotBeReadAndTellsHowMany) {
  std::vector<std::string> expected;
  for (int i = 0; i < 9; ++i) {
    const std::string name = RecordEpisode(room_, absl::StrCat("e", i), 1);
    if (i % 4 == 0) expected.insert(expected.begin(), name);
    room_.clock.Advance(absl::Seconds(1));
  }
  for (const char* const id : {"e1", "e2", "e3"}) SetHeader(room_, id, "\xff\xff\xff");
  SetHeader(room_, "e5", "");
  SetHeader(room_, "e6", MakeHeader("other", room_.clock.Now()).SerializeAsString());
  SetHeader(room_, "e7", "\x0a");
  for (const int page_size : {1, 2, 3, 100}) EXPECT_EQ(List({}, page_size), expected) << page_size;
  EXPECT_EQ(room_.archive->unreadable().count(), 6);
  EXPECT_EQ(room_.trajectories.GetHeader(context_, "trajectories/e6").status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(TrajectoryStoreTest, RefusesForeignPageTokens) {
  for (const char* token : {"x", "12", "12~", "12~../x", "~a", "a~b"}) {
    EXPECT_EQ(room_.trajectories.List(context_, {}, 1, token).status().code(),
              absl::StatusCode::kInvalidArgument);
  }
}

TEST_F(TrajectoryStoreTest, DeletesARecordAndTheBlobsThatNobodyElseNames) {
  RecordEpisode(room_, "e1", 3);
  RecordEpisode(room_, "e2", 1);
  ASSERT_TRUE(room_.trajectories.Delete(context_, "trajectories/e1").ok());
  EXPECT_EQ(room_.trajectories.Get(context_, "trajectories/e1").status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_TRUE(room_.trajectories.GetSteps(context_, "trajectories/e2", 0, 9).ok());
  EXPECT_TRUE(room_.blobs->Contains(Sha256Hex("pixels 0")));
  EXPECT_TRUE(room_.blobs->Contains(Sha256Hex("pixels 1")));
  EXPECT_FALSE(room_.blobs->Contains(Sha256Hex("pixels 2")));
  EXPECT_FALSE(room_.blobs->Contains(Sha256Hex("pixels 3")));
  ASSERT_TRUE(room_.trajectories.Delete(context_, "trajectories/e2").ok());
  EXPECT_FALSE(room_.blobs->Contains(Sha256Hex("pixels 0")));
}

TEST_F(TrajectoryStoreTest, KeepsABlobThatALaterStepWillName) {
  RecordEpisode(room_, "e1", 1);
  ASSERT_TRUE(room_.recorder.PutBlob(context_, "pixels 1").ok());
  ASSERT_TRUE(room_.trajectories.Delete(context_, "trajectories/e1").ok());
  EXPECT_TRUE(room_.blobs->Contains(Sha256Hex("pixels 1")));
  // Nobody named it: it goes with the first collection a day later.
  room_.clock.Advance(absl::Hours(25));
  ASSERT_TRUE(room_.trajectories.CloseInterrupted(context_).ok());
  EXPECT_FALSE(room_.blobs->Contains(Sha256Hex("pixels 1")));
}

TEST_F(TrajectoryStoreTest, CollectsBlobsThatCameAloneAndThatNobodyNamed) {
  ASSERT_TRUE(room_.recorder.PutBlob(context_, "never named").ok());
  ASSERT_TRUE(room_.recorder.PutBlob(context_, "pixels 1").ok());
  RecordEpisode(room_, "e1", 1);
  room_.clock.Advance(absl::Hours(23));
  ASSERT_TRUE(room_.recorder.PutBlob(context_, "young").ok());
  ASSERT_TRUE(room_.trajectories.CollectLoose(context_).ok());
  EXPECT_TRUE(room_.blobs->Contains(Sha256Hex("never named")));
  room_.clock.Advance(absl::Hours(2));
  ASSERT_TRUE(room_.trajectories.CollectLoose(context_).ok());
  EXPECT_FALSE(room_.blobs->Contains(Sha256Hex("never named")));
  EXPECT_TRUE(room_.blobs->Contains(Sha256Hex("pixels 1"))) << "a step names it";
  EXPECT_TRUE(room_.blobs->Contains(Sha256Hex("young")));
  // One that comes again is young again.
  ASSERT_TRUE(room_.recorder.PutBlob(context_, "young").ok());
  room_.clock.Advance(absl::Hours(23));
  ASSERT_TRUE(room_.trajectories.CollectLoose(context_).ok());
  EXPECT_TRUE(room_.blobs->Contains(Sha256Hex("young")));
}

TEST_F(TrajectoryStoreTest, FindsBlobsOfWhichNothingKnows) {
  // More than are looked up together, as kill -9 leaves them.
  for (int i = 0; i < 600; ++i) ASSERT_TRUE(room_.blobs->Put(context_, absl::StrCat("lost ", i)).ok());
  ASSERT_TRUE(room_.recorder.PutBlob(context_, "loose").ok());
  RecordEpisode(room_, "e1", 1);
  room_.clock.Advance(absl::Hours(2));
  ASSERT_TRUE(room_.trajectories.NoteUnnamed(context_).ok());
  room_.clock.Advance(absl::Hours(23));
  ASSERT_TRUE(room_.trajectories.CollectLoose(context_).ok());
  EXPECT_FALSE(room_.blobs->Contains(Sha256Hex("loose"))) << "found before, it is not young again";
  for (int i = 0; i < 600; ++i) EXPECT_TRUE(room_.blobs->Contains(Sha256Hex(absl::StrCat("lost ", i)))) << i;
  ASSERT_TRUE(room_.trajectories.NoteUnnamed(context_).ok());
  room_.clock.Advance(absl::Hours(2));
  ASSERT_TRUE(room_.trajectories.CollectLoose(context_).ok());
  for (int i = 0; i < 600; ++i) EXPECT_FALSE(room_.blobs->Contains(Sha256Hex(absl::StrCat("lost ", i)))) << i;
  for (const char* pixels : {"pixels 0", "pixels 1"}) EXPECT_TRUE(room_.blobs->Contains(Sha256Hex(pixels))) << pixels;
}

TEST_F(TrajectoryStoreTest, ARecordIsDeletedThoughItsBlobsCannotBeCollectedYet) {
  // More than are collected together.
  RecordEpisode(room_, "e1", 250);
  // Collecting fails.
  Sql(room_, "DROP TABLE trajectory_recompressed");
  EXPECT_TRUE(room_.trajectories.Delete(context_, "trajectories/e1").ok());
  EXPECT_EQ(room_.trajectories.GetHeader(context_, "trajectories/e1").status().code(), absl::StatusCode::kNotFound);
  const auto closed = room_.trajectories.CloseInterrupted(context_);
  EXPECT_TRUE(closed.ok()) << closed.status();
  EXPECT_FALSE(room_.trajectories.CollectLoose(context_).ok());
  EXPECT_EQ(Garbage(), 251);
  Sql(room_, "CREATE TABLE trajectory_recompressed (digest TEXT PRIMARY KEY)");
  ASSERT_TRUE(room_.trajectories.CollectLoose(context_).ok());
  for (int i = 0; i <= 250; ++i) EXPECT_FALSE(room_.blobs->Contains(Sha256Hex(absl::StrCat("pixels ", i)))) << i;
  EXPECT_EQ(Garbage(), 0);
}

TEST_F(TrajectoryStoreTest, TellsWhichRecordsAreMissing) {
  RecordEpisode(room_, "e1", 0);
  RecordEpisode(room_, "e3", 0);
  std::vector<std::string> ids;
  EXPECT_TRUE(room_.trajectories.Missing(context_, ids)->empty());
  for (int i = 0; i < 500; ++i) ids.push_back(absl::StrCat("e", i));
  std::vector<std::string> expected = ids;
  std::erase(expected, "e1");
  std::erase(expected, "e3");
  EXPECT_EQ(room_.trajectories.Missing(context_, ids).value(), expected);
}

TEST_F(TrajectoryStoreTest, DoesNotDeleteAnOpenRecord) {
  ASSERT_TRUE(
      room_.recorder.BeginWithoutEpisode(context_, MakeHeader("e1", room_.clock.Now())).ok());
  EXPECT_EQ(room_.trajectories.Delete(context_, "trajectories/e1").code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(room_.trajectories.Delete(context_, "trajectories/none").code(),
            absl::StatusCode::kNotFound);
}

TEST_F(TrajectoryStoreTest, ClosesWhatAStoppedServerLeftOpen) {
  RecordEpisode(room_, "e1", 1);
  const absl::Time start = room_.clock.Now();
  ASSERT_TRUE(
      room_.recorder.Begin(context_, MakeHeader("e2", start), MakeEpisode("e2", start), {}).ok());
  ASSERT_TRUE(room_.recorder.Append(context_, "e2", MakeStep(0, start), {}).ok());
  EXPECT_EQ(room_.episodes.Get(context_, "episodes/e2")->step_count(), 1);
  EXPECT_THAT(room_.trajectories.CloseInterrupted(context_).value(),
              testing::ElementsAre("trajectories/e2"));
  const v1::Trajectory record = room_.trajectories.Get(context_, "trajectories/e2").value();
  EXPECT_TRUE(record.closed());
  EXPECT_EQ(record.end_kind(), v1::END_KIND_INTERRUPTED);
  EXPECT_EQ(record.end_reason(), v1::END_REASON_SERVER_FAULT);
  EXPECT_EQ(record.steps_size(), 1);
  EXPECT_EQ(FromProto(record.end_time()), start + absl::Milliseconds(90));
  const v1::Episode episode = room_.episodes.Get(context_, "episodes/e2").value();
  EXPECT_EQ(episode.state(), v1::EPISODE_STATE_CLOSED);
  EXPECT_EQ(episode.end_kind(), v1::END_KIND_INTERRUPTED);
  EXPECT_EQ(episode.step_count(), 1);
  EXPECT_TRUE(room_.trajectories.CloseInterrupted(context_)->empty());
}

TEST_F(TrajectoryStoreTest, AnInterruptedRecordEndsWithTheLastTimeThatItTells) {
  const absl::Time start = room_.clock.Now();
  const auto open = [&](const std::string& id, const v1::Step& step) {
    ASSERT_TRUE(room_.recorder.BeginWithoutEpisode(context_, MakeHeader(id, start)).ok());
    ASSERT_TRUE(room_.recorder.Append(context_, id, step, {}).ok());
  };
  v1::Step begun = MakeStep(0, start + absl::Seconds(5));
  begun.clear_end_time();
  open("begun", begun);
  v1::Step timeless = begun;
  timeless.clear_start_time();
  open("timeless", timeless);
  v1::Trajectory header = MakeHeader("nothing", start);
  header.clear_start_time();
  ASSERT_TRUE(room_.recorder.BeginWithoutEpisode(context_, header).ok());
  room_.clock.Advance(absl::Hours(1));
  ASSERT_TRUE(room_.trajectories.CloseInterrupted(context_).ok());
  const auto end = [&](const std::string& id) { return FromProto(room_.trajectories.GetHeader(context_, "trajectories/" + id)->end_time()); };
  EXPECT_EQ(end("begun"), start + absl::Seconds(5));
  EXPECT_EQ(end("timeless"), start);
  EXPECT_EQ(end("nothing"), start + absl::Hours(1));
}

TEST_F(TrajectoryStoreTest, WhatIsTooDamagedToBeClosedStaysOpenAndKeepsNothingElseOpen) {
  const absl::Time start = room_.clock.Now();
  for (const char* const id : {"e1", "e2", "e3", "e4", "e5"}) {
    ASSERT_TRUE(room_.recorder.Begin(context_, MakeHeader(id, start), MakeEpisode(id, start), {}).ok());
    ASSERT_TRUE(room_.recorder.Append(context_, id, MakeStep(0, start), {}).ok());
  }
  SetHeader(room_, "e2", "\xff\xff\xff");
  SetRow(room_, "e3", "\xff\xff\xff");
  SetBytes(room_, "UPDATE trajectory_steps SET step = $2 WHERE trajectory = $1", "e4", "\xff\xff\xff");
  for (int i = 0; i < 2; ++i) {
    const auto closed = room_.trajectories.CloseInterrupted(context_);
    ASSERT_TRUE(closed.ok()) << closed.status();
    if (i == 0) {
      EXPECT_THAT(*closed, testing::ElementsAre("trajectories/e1", "trajectories/e3", "trajectories/e5"));
    }
    EXPECT_EQ(closed->empty(), i > 0);
    EXPECT_EQ(room_.archive->unreadable().count(), 3);
  }
  for (const char* const id : {"e1", "e5"}) {
    EXPECT_EQ(room_.episodes.Get(context_, absl::StrCat("episodes/", id))->state(), v1::EPISODE_STATE_CLOSED) << id;
  }
  // Nobody works on these any longer.
  for (const char* const id : {"e2", "e4"}) {
    const v1::Episode episode = room_.episodes.Get(context_, absl::StrCat("episodes/", id)).value();
    EXPECT_EQ(episode.state(), v1::EPISODE_STATE_CLOSED) << id;
    EXPECT_EQ(episode.end_kind(), v1::END_KIND_INTERRUPTED) << id;
    EXPECT_EQ(episode.result_state(), v1::RESULT_STATE_PENDING) << id;
    EXPECT_EQ(episode.end_time().SerializeAsString(), episode.start_time().SerializeAsString()) << id;
  }
  // As they were.
  EXPECT_EQ(room_.trajectories.GetHeader(context_, "trajectories/e2").status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(room_.episodes.Get(context_, "episodes/e3").status().code(), absl::StatusCode::kDataLoss);
  EXPECT_FALSE(room_.trajectories.GetHeader(context_, "trajectories/e4")->closed());
  EXPECT_EQ(room_.trajectories.CloseAbandoned(context_, "trajectories/e4", v1::END_REASON_SERVER_FAULT, "full").code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace proctor::trajectory
