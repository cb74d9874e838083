// Screenshots of a client's own world, made smaller later.
#include <chrono>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "common/ids.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "imaging/image.h"
#include "tests/server/recording_fixture.h"

namespace proctor::server {
namespace {

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
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::minutes(4);
    for (size_t i = 0; i < images_.size(); ++i) {
      std::string stored = Stored(static_cast<int>(i));
      while (stored.size() >= encoded_[i].size() && std::chrono::steady_clock::now() < give_up && !HasFailure()) {
        meanwhile();
        // What encodes has only the time that nobody else wants.
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
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
