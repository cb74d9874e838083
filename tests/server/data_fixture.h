// A data directory to be broken, copied and thinned out, without a server.
#ifndef PROCTOR_TESTS_SERVER_DATA_FIXTURE_H_
#define PROCTOR_TESTS_SERVER_DATA_FIXTURE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/clock.h"
#include "common/ids.h"
#include "common/proto_time.h"
#include "gtest/gtest.h"
#include "proctor/v1/config.pb.h"
#include "server/data_directory.h"
#include "server/fsck.h"
#include "tests/server/change_rows.h"
#include "tests/storage/temp_directory.h"

namespace proctor::server {

// A data directory with some closed trajectories, their blobs and rewards.
class DataFixture : public testing::Test {
 protected:
  DataFixture() {
    config_.set_data_dir(directory_ / "data");
    config_.set_durability(v1::DURABILITY_PROCESS);
  }

  void Open() {
    auto data = OpenDataDirectory(CallContext(), config_, clock_);
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
    ChangeRows(data_dir(), sql, parameters);
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

}  // namespace proctor::server

#endif  // PROCTOR_TESTS_SERVER_DATA_FIXTURE_H_
