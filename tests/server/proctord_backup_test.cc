// Backup of a server at work, restore, fsck by the program's flags; retention by its configuration.
#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/server/change_rows.h"
#include "tests/server/proctord_fixture.h"
#include "tests/server/proctord_http.h"

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

  static std::string IdOf(const v1::Episode& episode) { return episode.name().substr(episode.name().find('/') + 1); }
  std::vector<std::string> ListEpisodes() {
    v1::ListEpisodesResponse response;
    ClientContext context;
    const grpc::Status status = worlds_->ListEpisodes(&context, v1::ListEpisodesRequest(), &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    std::vector<std::string> names;
    for (const v1::Episode& episode : response.episodes()) names.push_back(episode.name());
    return names;
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

TEST_F(ProctordBackupTest, DamagedEpisodesStopNeitherTheStartNorTheOthers) {
  std::ofstream(server_.config(), std::ios::app) << kHttpConfig;
  ASSERT_NO_FATAL_FAILURE(Start());
  const std::string task = MakeTask();
  const auto judged = [&] {
    const v1::Episode episode = StartEpisode(MakeSession(), task);
    Act(episode.session(), Answer("42"));
    return WaitEpisode(episode.name());
  };
  const auto open = [&] {
    const v1::Episode episode = StartEpisode(MakeSession(), task);
    Act(episode.session(), Click());
    return episode;
  };
  v1::Episode waits = judged();
  const v1::Episode damaged = judged();
  const v1::Episode left = open();
  const v1::Episode headless = open();
  const v1::Episode rowless = open();
  server_.Kill();
  // As if the server had died before they had their results.
  waits.set_result_state(v1::RESULT_STATE_PENDING);
  waits.clear_verdict();
  waits.clear_reward();
  const auto set_row = [&](const v1::Episode& episode, v1::ResultState state, const storage::Bytes& bytes) {
    ChangeRows(server_.data(), "UPDATE trajectory_episodes SET result_state = $2, episode = $3 WHERE id = $1",
               {IdOf(episode), int64_t{state}, bytes});
  };
  set_row(waits, v1::RESULT_STATE_PENDING, storage::Bytes{waits.SerializeAsString()});
  set_row(damaged, v1::RESULT_STATE_PENDING, Rubbish());
  set_row(rowless, v1::RESULT_STATE_UNSPECIFIED, Rubbish());
  ChangeRows(server_.data(), "UPDATE trajectory_records SET header = $2 WHERE id = $1", {IdOf(headless), Rubbish()});

  ASSERT_NO_FATAL_FAILURE(Start());
  EXPECT_EQ(WaitEpisode(waits.name()).reward().status(), v1::REWARD_STATUS_VALID);
  EXPECT_EQ(WaitEpisode(left.name()).reward().mask_reason(), v1::MASK_REASON_SERVER_FAULT);
  const v1::Episode fresh = judged();
  EXPECT_EQ(fresh.verdict().outcome(), v1::OUTCOME_SUCCESS);
  EXPECT_THAT(ListEpisodes(), testing::UnorderedElementsAre(waits.name(), left.name(), headless.name(), fresh.name()));
  // Of `waits`, `damaged`, `left` and `fresh`.
  EXPECT_EQ(LogLength(), 4);
  EXPECT_EQ(ValueOf(ProctordHttp(server_).Scrape(), "proctor_store_unreadable_records"), 3);
  EXPECT_EQ(GetTrajectory(rowless.trajectory()).end_reason(), v1::END_REASON_SERVER_FAULT);
  ASSERT_EQ(server_.Stop(SIGTERM), 0);

  EXPECT_EQ(Run({"--fsck"}, server_.data()), 4) << output_;
  for (const v1::Episode* const row : {&damaged, &rowless}) {
    EXPECT_THAT(output_, HasSubstr("damage    " + row->name() + ": its row cannot be read")) << output_;
  }
  EXPECT_THAT(output_, HasSubstr("damage    " + headless.trajectory() + ": its header cannot be read"));
  int lines = 0;
  for (size_t at = 0; (at = output_.find("damage    ", at)) != std::string::npos; ++at) ++lines;
  EXPECT_EQ(lines, 3) << output_;
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
