// A client's own world over the wire: recorded, judged, rewarded.
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/server/recording_fixture.h"

namespace proctor::server {
namespace {

TEST_F(ProctordRecordingTest, IsJudgedAndRewardedLikeAnyEpisode) {
  ASSERT_NO_FATAL_FAILURE(Start());
  MakeConsumer();
  v1::Trajectory trajectory;
  const grpc::Status status = Record({Header(MakeTask()), AnswerStep("42"), End()}, &trajectory);
  ASSERT_TRUE(status.ok()) << status.error_message();
  const v1::Episode episode = WaitEpisode(EpisodeOf(trajectory));
  EXPECT_EQ(episode.session(), "");
  EXPECT_EQ(episode.step_count(), 1);
  EXPECT_EQ(episode.verdict().outcome(), v1::OUTCOME_SUCCESS);
  EXPECT_EQ(episode.reward().status(), v1::REWARD_STATUS_VALID);
  const auto records = Read(1, /*acknowledge=*/true);
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].reward().trajectory(), trajectory.name());
}

TEST_F(ProctordRecordingTest, IsMaskedIfItBreaksOffOrTheServerDies) {
  ASSERT_NO_FATAL_FAILURE(Start());
  MakeConsumer();
  const std::string task = MakeTask();
  v1::Trajectory trajectory;
  EXPECT_EQ(Record({Header(task), AnswerStep("42")}, &trajectory).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
  const auto first = Read(1, /*acknowledge=*/true);
  ASSERT_EQ(first.size(), 1u);
  EXPECT_EQ(first[0].reward().status(), v1::REWARD_STATUS_MASKED);
  EXPECT_EQ(first[0].reward().mask_reason(), v1::MASK_REASON_CLIENT);

  ClientContext context;
  const auto writer = trajectories_->RecordTrajectory(&context, &trajectory);
  ASSERT_TRUE(writer->Write(Header(task)));
  ASSERT_TRUE(writer->Write(AnswerStep("42")));
  // Until the server has it.
  v1::ListEpisodesResponse episodes;
  while (episodes.episodes_size() < 2) {
    ClientContext listing;
    ASSERT_TRUE(worlds_->ListEpisodes(&listing, v1::ListEpisodesRequest(), &episodes).ok());
  }
  server_.Kill();
  EXPECT_FALSE(writer->Finish().ok());
  ASSERT_NO_FATAL_FAILURE(Start());
  const auto second = Read(1, /*acknowledge=*/true);
  ASSERT_EQ(second.size(), 1u);
  EXPECT_EQ(second[0].reward().mask_reason(), v1::MASK_REASON_SERVER_FAULT);
}

TEST_F(ProctordRecordingTest, OfTwoAtOnceWithOneRequestIdOneCounts) {
  ASSERT_NO_FATAL_FAILURE(Start());
  MakeConsumer();
  auto header = Header(MakeTask());
  header.mutable_header()->set_request_id("once");
  ClientContext context;
  v1::Trajectory slow;
  const auto writer = trajectories_->RecordTrajectory(&context, &slow);
  ASSERT_TRUE(writer->Write(header));
  ASSERT_TRUE(writer->Write(AnswerStep("42")));
  // Until the server has it.
  v1::ListEpisodesResponse episodes;
  while (episodes.episodes_size() < 1) {
    ClientContext listing;
    ASSERT_TRUE(worlds_->ListEpisodes(&listing, v1::ListEpisodesRequest(), &episodes).ok());
  }
  v1::Trajectory fast;
  const grpc::Status recorded = Record({header, AnswerStep("42"), End()}, &fast);
  ASSERT_TRUE(recorded.ok()) << recorded.error_message();
  ASSERT_TRUE(writer->Write(End()));
  ASSERT_TRUE(writer->WritesDone());
  const grpc::Status answered = writer->Finish();
  ASSERT_TRUE(answered.ok()) << answered.error_message();
  EXPECT_EQ(slow.name(), fast.name());
  int valid = 0;
  for (const auto& record : Read(2, /*acknowledge=*/true)) {
    const bool counts = record.reward().trajectory() == fast.name();
    EXPECT_EQ(record.reward().status(), counts ? v1::REWARD_STATUS_VALID : v1::REWARD_STATUS_MASKED);
    EXPECT_EQ(record.reward().mask_reason(), counts ? v1::MASK_REASON_UNSPECIFIED : v1::MASK_REASON_CLIENT);
    valid += counts ? 1 : 0;
  }
  EXPECT_EQ(valid, 1);
}

TEST_F(ProctordRecordingTest, DoesNotMakeATaskTrivialHere) {
  ASSERT_NO_FATAL_FAILURE(Start());
  v1::CreateTaskRequest create;
  create.mutable_task()->set_goal("Go there.");
  create.mutable_task()->set_environment("environments/null");
  create.mutable_task()->mutable_oracle()->mutable_url()->add_urls("http://there.example/");
  v1::Task task;
  ClientContext creating;
  ASSERT_TRUE(tasks_->CreateTask(&creating, create, &task).ok());
  auto header = Header(task.name());
  header.mutable_header()->mutable_initial_observation()->set_url("http://there.example/");
  auto step = AnswerStep("there");
  step.mutable_step()->mutable_observation()->set_url("http://there.example/");
  for (int i = 0; i < 2; ++i) {
    v1::Trajectory trajectory;
    const grpc::Status status = Record({header, step, End()}, &trajectory);
    ASSERT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(WaitEpisode(EpisodeOf(trajectory)).reward().mask_reason(), v1::MASK_REASON_TRIVIAL);
  }
}

TEST_F(ProctordRecordingTest, TakesAPlaceInItsGroup) {
  ASSERT_NO_FATAL_FAILURE(Start());
  MakeConsumer(v1::DELIVERY_GROUPS);
  v1::Group wanted;
  wanted.set_task(MakeTask());
  wanted.set_size(1);
  wanted.set_policy("p");
  const v1::Group group = MakeGroup(wanted);
  v1::Trajectory trajectory;
  EXPECT_EQ(Record({Header(MakeTask(), group.name()), End()}, &trajectory).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
  ASSERT_TRUE(
      Record({Header(group.task(), group.name()), AnswerStep("42"), End()}, &trajectory).ok());
  EXPECT_EQ(Record({Header(group.task(), group.name()), End()}, &trajectory).error_code(),
            grpc::StatusCode::FAILED_PRECONDITION);
  const auto records = Read(1, /*acknowledge=*/true);
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].group_complete().rewards_size(), 1);
  EXPECT_FALSE(records[0].group_complete().partial());
}

}  // namespace
}  // namespace proctor::server
