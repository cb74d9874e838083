#include "server/episode_pipeline.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <utility>

#include "tests/server/pipeline_fixture.h"

namespace proctor::server {
namespace {

TEST_F(EpisodePipelineTest, WaitEndsWithTheReward) {
  const std::string name = Record("e1");
  std::future<Answer> answer = Wait(CallContext(), name, absl::Minutes(1));
  EXPECT_EQ(answer.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  pipeline_.Closed("e1");
  ASSERT_TRUE(Comes(answer));
  const Answer episode = answer.get();
  ASSERT_TRUE(episode.ok()) << episode.status();
  EXPECT_EQ(episode->result_state(), v1::RESULT_STATE_READY);
  EXPECT_EQ(episode->reward().status(), v1::REWARD_STATUS_MASKED);
}

TEST_F(EpisodePipelineTest, WaitForWhatIsReadyEndsAtOnce) {
  const std::string name = Record("e1");
  pipeline_.Closed("e1");
  ASSERT_TRUE(pipeline_.Drain(CallContext::WithTimeout(absl::Seconds(30))).ok());
  std::future<Answer> answer = Wait(CallContext(), name, absl::Minutes(1));
  ASSERT_EQ(answer.wait_for(std::chrono::seconds(0)), std::future_status::ready);
  EXPECT_EQ(answer.get()->result_state(), v1::RESULT_STATE_READY);
}

TEST_F(EpisodePipelineTest, ARecordThatItsSessionCouldNotCloseIsClosedAndMasked) {
  const absl::Time start = SystemClock().Now();
  ASSERT_TRUE(recorder_.Begin(CallContext(), trajectory::MakeHeader("e1", start), trajectory::MakeEpisode("e1", start), {}).ok());
  std::future<Answer> answer = Wait(CallContext(), "episodes/e1", absl::Minutes(1));
  // The store fails twice more before it recovers.
  std::atomic<int> failures = 2;
  database_.FailWrites(failures);
  pipeline_.NotClosed("e1", v1::END_REASON_CANCELLED, "its client left");
  ASSERT_TRUE(Comes(answer));
  const Answer episode = answer.get();
  ASSERT_TRUE(episode.ok()) << episode.status();
  EXPECT_EQ(failures, 0);
  // For whose sake it was to be closed at first.
  EXPECT_EQ(episode->end_reason(), v1::END_REASON_CANCELLED);
  EXPECT_EQ(episode->end_message(), "its client left");
  EXPECT_EQ(episode->reward().mask_reason(), v1::MASK_REASON_CLIENT);
  EXPECT_TRUE(trajectories_.GetHeader(CallContext(), "trajectories/e1")->closed());
}

TEST_F(EpisodePipelineTest, InlineTasksAreOfTheSplitThatTheySayAndOfTrainWithoutOne) {
  v1::StartEpisodeRequest request;
  request.mutable_inline_task()->set_goal("click");
  EXPECT_EQ(pipeline_.Admit(CallContext(), request, "e1")->split(), v1::SPLIT_TRAIN);
  request.mutable_inline_task()->set_split(v1::SPLIT_TEST);
  EXPECT_EQ(pipeline_.Admit(CallContext(), request, "e2")->split(), v1::SPLIT_TEST);
}

TEST_F(EpisodePipelineTest, APlaceInAGroupThatCouldNotBeGivenBackIsGivenBackLater) {
  const v1::StartEpisodeRequest request = AdmitAsGroup({"e1"});
  std::atomic<int> failures = 2;
  database_.FailWrites(failures);
  pipeline_.Abandon(request, "e1");
  ASSERT_TRUE(pipeline_.Drain(CallContext::WithTimeout(absl::Seconds(30))).ok());
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(groups_.Get(CallContext(), request.group())->started(), 0);
}

TEST_F(EpisodePipelineTest, DamagedEpisodesAreLeftAsTheyAreAndTheOthersJudged) {
  for (const char* const id : {"e1", "e2", "e3", "e4"}) Record(id);
  Sql("UPDATE trajectory_episodes SET episode = x'ffffff' WHERE id = 'e1'");
  Sql("UPDATE trajectory_records SET header = x'ffffff' WHERE id = 'e3'");
  std::future<Answer> answer = Wait(CallContext(), "episodes/e3", absl::Minutes(1));
  const absl::Status resumed = pipeline_.Resume(CallContext());
  ASSERT_TRUE(resumed.ok()) << resumed;
  // Nobody waits for the damaged ones, neither a client nor the drain.
  ASSERT_TRUE(Comes(answer));
  EXPECT_EQ(answer.get()->result_state(), v1::RESULT_STATE_PENDING);
  ASSERT_TRUE(pipeline_.Drain(CallContext::WithTimeout(absl::Seconds(30))).ok());
  EXPECT_EQ(archive_->unreadable().count(), 2);
  for (const char* const name : {"episodes/e2", "episodes/e4"}) {
    EXPECT_EQ(episodes_.Get(CallContext(), name)->result_state(), v1::RESULT_STATE_READY) << name;
  }
  EXPECT_EQ(episodes_.Get(CallContext(), "episodes/e1").status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(episodes_.Get(CallContext(), "episodes/e3")->result_state(), v1::RESULT_STATE_PENDING);
}

TEST_F(EpisodePipelineTest, AnEpisodeWhoseRowGetsDamagedBeforeItIsJudgedGetsNoReward) {
  Record("e1");
  Sql("UPDATE trajectory_episodes SET episode = x'ffffff'");
  pipeline_.Closed("e1");
  ASSERT_TRUE(pipeline_.Drain(CallContext::WithTimeout(absl::Seconds(30))).ok());
  EXPECT_EQ(archive_->unreadable().count(), 1);
  int64_t rewards = -1;
  ASSERT_TRUE(database_
                  .Read(CallContext(),
                        [&](storage::Transaction& transaction) -> absl::Status {
                          const auto rows = transaction.Query("SELECT COUNT(*) FROM reward_records", {});
                          if (rows.ok()) rewards = (*rows)[0].Int(0);
                          return rows.status();
                        })
                  .ok());
  EXPECT_EQ(rewards, 0);
}

TEST_F(EpisodePipelineTest, ARecordThatIsTooDamagedToBeClosedIsNotTriedAgain) {
  const absl::Time start = SystemClock().Now();
  ASSERT_TRUE(recorder_.Begin(CallContext(), trajectory::MakeHeader("e1", start), trajectory::MakeEpisode("e1", start), {}).ok());
  Sql("UPDATE trajectory_records SET header = x'ffffff'");
  pipeline_.NotClosed("e1", v1::END_REASON_SERVER_FAULT, "its end could not be recorded");
  ASSERT_TRUE(pipeline_.Drain(CallContext::WithTimeout(absl::Seconds(30))).ok());
  EXPECT_EQ(archive_->unreadable().count(), 1);
  const v1::Episode episode = episodes_.Get(CallContext(), "episodes/e1").value();
  EXPECT_EQ(episode.state(), v1::EPISODE_STATE_CLOSED);
  EXPECT_EQ(episode.end_kind(), v1::END_KIND_INTERRUPTED);
  // The next start counts no other record for it.
  ASSERT_TRUE(trajectories_.CloseInterrupted(CallContext()).ok());
  pipeline_.Closed("e1");
  ASSERT_TRUE(pipeline_.Drain(CallContext::WithTimeout(absl::Seconds(30))).ok());
  EXPECT_EQ(archive_->unreadable().count(), 1);
}

TEST_F(EpisodePipelineTest, ARecordThatTheDatabaseCannotCloseIsCountedAndItsEpisodeEnds) {
  const absl::Time start = SystemClock().Now();
  ASSERT_TRUE(recorder_.Begin(CallContext(), trajectory::MakeHeader("e1", start), trajectory::MakeEpisode("e1", start), {}).ok());
  std::future<Answer> answer = Wait(CallContext(), "episodes/e1", absl::Minutes(1));
  std::atomic<int> failures = 1;
  database_.FailWrites(failures, absl::DataLossError("database disk image is malformed"));
  pipeline_.NotClosed("e1", v1::END_REASON_SERVER_FAULT, "its end could not be recorded");
  ASSERT_TRUE(Comes(answer));
  const Answer episode = answer.get();
  ASSERT_TRUE(episode.ok()) << episode.status();
  EXPECT_EQ(episode->state(), v1::EPISODE_STATE_CLOSED);
  EXPECT_EQ(episode->end_reason(), v1::END_REASON_SERVER_FAULT);
  EXPECT_EQ(archive_->unreadable().count(), 1);
  EXPECT_FALSE(trajectories_.GetHeader(CallContext(), "trajectories/e1")->closed());
  // Nothing is made of it until it is closed.
  ASSERT_TRUE(pipeline_.Resume(CallContext()).ok());
  ASSERT_TRUE(pipeline_.Drain(CallContext::WithTimeout(absl::Seconds(30))).ok());
  EXPECT_EQ(episodes_.Get(CallContext(), "episodes/e1")->result_state(), v1::RESULT_STATE_PENDING);
  ASSERT_TRUE(trajectories_.CloseInterrupted(CallContext()).ok());
  ASSERT_TRUE(pipeline_.Resume(CallContext()).ok());
  ASSERT_TRUE(pipeline_.Drain(CallContext::WithTimeout(absl::Seconds(30))).ok());
  EXPECT_EQ(episodes_.Get(CallContext(), "episodes/e1")->reward().mask_reason(), v1::MASK_REASON_SERVER_FAULT);
}

TEST_F(EpisodePipelineTest, ADatabaseThatTakesNothingIsNotAskedAgain) {
  const absl::Time start = SystemClock().Now();
  ASSERT_TRUE(recorder_.Begin(CallContext(), trajectory::MakeHeader("e1", start), trajectory::MakeEpisode("e1", start), {}).ok());
  std::atomic<int> failures = 1000;
  database_.FailWrites(failures, absl::DataLossError("database disk image is malformed"));
  pipeline_.NotClosed("e1", v1::END_REASON_SERVER_FAULT, "its end could not be recorded");
  ASSERT_TRUE(pipeline_.Drain(CallContext::WithTimeout(absl::Seconds(30))).ok());
  EXPECT_EQ(failures, 998);
  // The trajectory, and its episode's row, which could not be changed either.
  EXPECT_EQ(archive_->unreadable().count(), 2);
}

TEST_F(EpisodePipelineTest, WhatClosesAfterTheStopIsTheNextStarts) {
  Record("e1");
  std::atomic<int> failures = 1000;
  database_.FailWrites(failures, absl::UnavailableError("the disk is away"));
  pipeline_.Closed("e1");  // It is tried again and again, ...
  pipeline_.Stop();        // ... but not after this.
  EXPECT_TRUE(pipeline_.Drain(CallContext::WithTimeout(absl::Seconds(30))).ok());
  failures = 0;
  Record("e2");
  pipeline_.Closed("e2");
  EXPECT_EQ(pipeline_.pending(), 0);
}

TEST_F(EpisodePipelineTest, ADamagedEpisodeKeepsItsPlaceInItsGroup) {
  const v1::StartEpisodeRequest request = AdmitAsGroup({"e1", "e2"});
  const absl::Time start = SystemClock().Now();
  ASSERT_TRUE(recorder_.Begin(CallContext(), trajectory::MakeHeader("e1", start), trajectory::MakeEpisode("e1", start), {}).ok());
  Sql("UPDATE trajectory_episodes SET episode = x'ffffff'");
  const absl::Status resumed = pipeline_.Resume(CallContext());
  ASSERT_TRUE(resumed.ok()) << resumed;
  // That of the other, which never started, was given back.
  EXPECT_EQ(groups_.Get(CallContext(), request.group())->started(), 1);
  EXPECT_EQ(archive_->unreadable().count(), 1);
}

TEST_F(EpisodePipelineTest, ADamagedGroupStopsNeitherTheStartNorTheDrain) {
  const v1::StartEpisodeRequest request = AdmitAsGroup({"e1", "e2"});
  Sql("UPDATE reward_groups SET body = x'ffffff'");
  const absl::Status resumed = pipeline_.Resume(CallContext());
  EXPECT_TRUE(resumed.ok()) << resumed;
  pipeline_.Abandon(request, "e1");
  EXPECT_TRUE(pipeline_.Drain(CallContext::WithTimeout(absl::Seconds(30))).ok());
  EXPECT_EQ(groups_.Get(CallContext(), request.group()).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(archive_->unreadable().count(), 1);
}

TEST_F(EpisodePipelineTest, AnInlineTaskHasTheLimitOfATask) {
  v1::StartEpisodeRequest request;
  request.mutable_inline_task()->set_goal(std::string(trajectory::kMaxTaskBytes, 'x'));
  EXPECT_EQ(pipeline_.Admit(CallContext(), request, "e1").status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(EpisodePipelineTest, WaitEndsWithItsTime) {
  std::future<Answer> answer = Wait(CallContext(), Record("e1"), absl::Milliseconds(20));
  ASSERT_TRUE(Comes(answer));
  EXPECT_EQ(answer.get()->result_state(), v1::RESULT_STATE_PENDING);
}

TEST_F(EpisodePipelineTest, WaitEndsWhenItsCallerGivesUp) {
  const CallContext context = CallContext::WithTimeout(absl::Minutes(1));
  std::future<Answer> answer = Wait(context, Record("e1"), absl::Minutes(1));
  context.cancel()->Cancel();
  ASSERT_TRUE(Comes(answer));
  EXPECT_EQ(answer.get()->result_state(), v1::RESULT_STATE_PENDING);
}

TEST_F(EpisodePipelineTest, WaitForNothingIsNotFound) {
  std::future<Answer> answer = Wait(CallContext(), "episodes/none", absl::Minutes(1));
  ASSERT_TRUE(Comes(answer));
  EXPECT_EQ(answer.get().status().code(), absl::StatusCode::kNotFound);
}

// The result comes while Wait still looks for it, and whoever asked is gone before Wait has returned, with all that it
// handed over.
TEST_F(EpisodePipelineTest, WaitNeedsNothingOfACallerThatWasAnsweredMeanwhile) {
  auto name = std::make_unique<std::string>(Record("e1"));
  auto context = std::make_unique<CallContext>(CallContext::WithTimeout(absl::Minutes(1)));
  const std::string& asked = *name;
  const CallContext& caller = *context;
  std::promise<Answer> answered;
  std::future<Answer> answer = answered.get_future();
  database_.BeforeNextRead([&] {
    pipeline_.Closed("e1");
    EXPECT_TRUE(Comes(answer));
  });
  int times = 0;
  pipeline_.Wait(caller, asked, absl::Minutes(1), [&](Answer episode) {
    ++times;
    name.reset();
    context.reset();
    answered.set_value(std::move(episode));
  });
  EXPECT_EQ(times, 1);
  EXPECT_EQ(answer.get()->result_state(), v1::RESULT_STATE_READY);
}

}  // namespace
}  // namespace proctor::server
