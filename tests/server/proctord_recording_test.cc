// A client's own world over the wire: recorded, judged, rewarded; its screenshots made smaller
// later.
#include <chrono>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "common/ids.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "imaging/image.h"
#include "tests/server/proctord_fixture.h"

namespace proctor::server {
namespace {

class ProctordRecordingTest : public ProctordTest {
 protected:
  v1::RecordTrajectoryRequest Header(const std::string& task, const std::string& group = "") {
    v1::RecordTrajectoryRequest request;
    request.mutable_header()->set_task(task);
    request.mutable_header()->set_group(group);
    request.mutable_header()->mutable_policy()->set_policy("p");
    request.mutable_header()->mutable_policy()->set_version("1");
    return request;
  }
  static v1::RecordTrajectoryRequest AnswerStep(const std::string& text) {
    v1::RecordTrajectoryRequest request;
    *request.mutable_step()->mutable_action() = Answer(text);
    return request;
  }
  static v1::RecordTrajectoryRequest End() {
    v1::RecordTrajectoryRequest request;
    request.mutable_end()->set_end_kind(v1::END_KIND_TERMINATED);
    request.mutable_end()->set_end_reason(v1::END_REASON_ANSWERED);
    return request;
  }
  grpc::Status Record(const std::vector<v1::RecordTrajectoryRequest>& messages,
                      v1::Trajectory* trajectory) {
    ClientContext context;
    const auto writer = trajectories_->RecordTrajectory(&context, trajectory);
    for (const auto& message : messages) {
      if (!writer->Write(message)) break;
    }
    writer->WritesDone();
    return writer->Finish();
  }
  static std::string EpisodeOf(const v1::Trajectory& trajectory) {
    return "episodes/" + trajectory.name().substr(trajectory.name().find('/') + 1);
  }
};

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

// Trajectories with quickly encoded screenshots, recorded before the server's start.
class ProctordRecompressionTest : public ProctordRecordingTest {
 protected:
  void StartWithRecordings(int count) {
    std::ofstream(server_.config(), std::ios::app) << "recompression: {min_age: 0s}\n";
    ASSERT_NO_FATAL_FAILURE(Start());
    for (int i = 0; i < count; ++i) {
      images_.push_back({.width_px = 320, .height_px = 200, .bgra = {}});
      images_[i].bgra.resize(320 * 200 * 4, 255);
      for (size_t at = 4 * i; at < images_[i].bgra.size(); at += 64) images_[i].bgra[at] = 40;
      encoded_.push_back(imaging::Encode(images_[i], {.png_level = 1}).value());
      v1::RecordTrajectoryRequest blob;
      blob.mutable_blob()->set_digest(Sha256Hex(encoded_[i]));
      blob.mutable_blob()->set_data(encoded_[i]);
      v1::RecordTrajectoryRequest header = Header(MakeTask());
      header.mutable_header()->mutable_initial_observation()->mutable_screenshot()->set_digest(blob.blob().digest());
      v1::Trajectory trajectory;
      const grpc::Status status = Record({blob, header, AnswerStep("42"), End()}, &trajectory);
      ASSERT_TRUE(status.ok()) << status.error_message();
    }
    // A server looks soon after its start.
    EXPECT_EQ(server_.Stop(SIGTERM), 0);
    ASSERT_NO_FATAL_FAILURE(Start());
  }
  std::string Stored(int i) {
    v1::ReadBlobRequest request;
    request.set_digest(Sha256Hex(encoded_[i]));
    ClientContext context;
    const auto reader = trajectories_->ReadBlob(&context, request);
    std::string stored;
    v1::ReadBlobResponse chunk;
    while (reader->Read(&chunk)) stored += chunk.data();
    EXPECT_TRUE(reader->Finish().ok());
    return stored;
  }
  // Waits until all got smaller; `meanwhile` is done again and again.
  void ExpectThatAllGetSmaller(const std::function<void()>& meanwhile) {
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    for (size_t i = 0; i < images_.size(); ++i) {
      std::string stored = Stored(static_cast<int>(i));
      while (stored.size() >= encoded_[i].size() && std::chrono::steady_clock::now() < give_up && !HasFailure()) {
        meanwhile();
        stored = Stored(static_cast<int>(i));
      }
      EXPECT_LT(stored.size(), encoded_[i].size()) << i;
      EXPECT_EQ(imaging::Decode(stored)->bgra, images_[i].bgra) << i;
    }
  }

  std::vector<imaging::Image> images_;
  std::vector<std::string> encoded_;
};

TEST_F(ProctordRecompressionTest, ScreenshotsGetSmallerWhileNobodyIsAtWork) {
  ASSERT_NO_FATAL_FAILURE(StartWithRecordings(3));
  ExpectThatAllGetSmaller([] {});
}

TEST_F(ProctordRecompressionTest, ScreenshotsGetSmallerWhileASessionIsAtWork) {
  ASSERT_NO_FATAL_FAILURE(StartWithRecordings(3));
  const std::string session = MakeSession();
  const std::string episode = StartEpisode(session, MakeTask()).name();
  ExpectThatAllGetSmaller([&] {
    v1::KeepAliveRequest request;
    request.set_name(session);
    v1::Session alive;
    ClientContext context;
    EXPECT_TRUE(worlds_->KeepAlive(&context, request, &alive).ok());
  });
  // It was open all the time.
  Act(session, Answer("42"));
  EXPECT_EQ(WaitEpisode(episode).end_kind(), v1::END_KIND_TERMINATED);
}

}  // namespace
}  // namespace proctor::server
