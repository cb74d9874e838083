// Backup of a server at work, restore, fsck by the program's flags; retention by its configuration.
#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/server/proctord_fixture.h"

namespace proctor::server {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class ProctordBackupTest : public ProctordTest {
 protected:
  int Run(const std::vector<std::string>& flags, const std::string& data) {
    output_.clear();
    std::vector<std::string> command = {PROCTORD, "--data-dir", data};
    command.insert(command.end(), flags.begin(), flags.end());
    return RunToEnd(command, &output_);
  }

  // A whole episode of two steps; returns the name of its trajectory.
  std::string Play(const std::string& session, const std::string& task) {
    const v1::Episode episode = StartEpisode(session, task);
    Act(session, Click());
    Act(session, Answer("42"));
    return episode.trajectory();
  }
  void Delete(const std::string& trajectory) {
    v1::DeleteTrajectoryRequest request;
    request.set_name(trajectory);
    v1::DeleteTrajectoryResponse response;
    ClientContext context;
    const grpc::Status status = trajectories_->DeleteTrajectory(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
  }

  std::string output_;
};

TEST_F(ProctordBackupTest, ABackupUnderLoadHasWhatWasAcknowledgedBeforeAndIsSound) {
  ASSERT_NO_FATAL_FAILURE(Start());
  const std::string task = MakeTask();
  std::vector<std::string> before;
  const std::string session = MakeSession();
  for (int i = 0; i < 20; ++i) before.push_back(Play(session, task));
  const v1::Episode open = StartEpisode(session, task);
  Act(session, Click());
  std::atomic<bool> stop = false;
  std::atomic<int> played = 0;
  std::vector<std::thread> load;
  for (int i = 0; i < 3; ++i) {
    load.emplace_back([&, deletes = i == 0] {
      const std::string own = MakeSession();
      while (!stop) {
        const std::string trajectory = Play(own, task);
        if (deletes) Delete(trajectory);
        ++played;
      }
    });
  }
  while (played < 5) std::this_thread::yield();
  const std::string copy = directory_.path() + "/copy";
  const int code = Run({"--backup", copy}, server_.data());
  stop = true;
  for (std::thread& thread : load) thread.join();
  ASSERT_EQ(code, 0) << output_;
  EXPECT_THAT(output_, HasSubstr("copied"));
  EXPECT_EQ(Run({"--fsck"}, server_.data()), 3) << "the server uses it: " << output_;

  EXPECT_EQ(Run({"--fsck"}, copy), 0) << output_;
  EXPECT_THAT(output_, HasSubstr("sound"));
  EXPECT_TRUE(fs::exists(copy + "/backup.json"));
  ASSERT_EQ(server_.Stop(SIGTERM), 0);
  // Restored: the old directory makes room for the copy.
  fs::rename(server_.data(), directory_.path() + "/lost");
  fs::rename(copy, server_.data());
  ASSERT_NO_FATAL_FAILURE(Start());
  for (const std::string& trajectory : before) EXPECT_EQ(GetTrajectory(trajectory).steps_size(), 2) << trajectory;
  const v1::Trajectory interrupted = GetTrajectory(open.trajectory());
  EXPECT_EQ(interrupted.steps_size(), 1);
  EXPECT_EQ(interrupted.end_reason(), v1::END_REASON_SERVER_FAULT);
  EXPECT_GE(LogLength(), 20);
}

TEST_F(ProctordBackupTest, FsckTellsDamageByItsExitCodeAndRepairsWhatItCan) {
  ASSERT_NO_FATAL_FAILURE(Start());
  Play(MakeSession(), MakeTask());
  ASSERT_EQ(server_.Stop(SIGTERM), 0);
  EXPECT_EQ(Run({"--fsck"}, server_.data()), 0) << output_;
  const std::string foreign = server_.data() + "/blobs/00/rubbish";
  std::ofstream(foreign) << "x";
  EXPECT_EQ(Run({"--fsck"}, server_.data()), 4) << output_;
  EXPECT_THAT(output_, HasSubstr("DAMAGED"));
  EXPECT_TRUE(fs::exists(foreign));
  EXPECT_EQ(Run({"--fsck", "--repair"}, server_.data()), 0) << output_;
  EXPECT_THAT(output_, HasSubstr("repaired"));
  EXPECT_EQ(Run({"--fsck"}, server_.data()), 0) << output_;
  EXPECT_EQ(Run({"--repair"}, server_.data()), 2) << output_;
  EXPECT_EQ(Run({"--fsck"}, directory_.path() + "/none"), 1) << output_;
}

TEST_F(ProctordBackupTest, TrajectoriesGoByTheRulesOfTheConfiguration) {
  std::ofstream(server_.config(), std::ios::app)
      << "retention: {interval: 1s, rules: [{name: failures, min_age: 1s, outcomes: [failure]}]}\n";
  ASSERT_NO_FATAL_FAILURE(Start());
  const std::string session = MakeSession();
  const std::string task = MakeTask();
  const std::string kept = Play(session, task);
  const std::string gone = StartEpisode(session, task).trajectory();
  Act(session, Answer("41"));
  v1::GetTrajectoryRequest request;
  request.set_name(gone);
  grpc::Status status;
  do {
    v1::Trajectory trajectory;
    ClientContext context;
    status = trajectories_->GetTrajectory(&context, request, &trajectory);
  } while (status.ok());
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(GetTrajectory(kept).steps_size(), 2);
  EXPECT_EQ(LogLength(), 2);
}

}  // namespace
}  // namespace proctor::server
