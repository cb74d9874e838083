// Exports as jobs whose server is killed.
#include "server/trajectory_jobs.h"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>

#include "absl/time/clock.h"
#include "common/executor.h"
#include "proctor/v1/trajectory_service.pb.h"
#include "server/job_runner.h"
#include "storage/memory_database.h"
#include "tests/server/data_fixture.h"

namespace proctor::server {
namespace {

// Stores nothing any more once a folder is there.
class LateDatabase final : public storage::Database {
 public:
  explicit LateDatabase(std::string folder) : folder_(std::move(folder)) {}

  void StoreAgain() { stores_ = true; }

  absl::Status Migrate(std::string_view room, const std::vector<std::string>& migrations) override {
    return database_->Migrate(room, migrations);
  }
  absl::Status Write(const CallContext& context, const std::function<absl::Status(storage::Transaction&)>& work) override {
    if (!stores_ && std::filesystem::exists(folder_)) return absl::UnavailableError("too late");
    return database_->Write(context, work);
  }
  absl::Status Read(const CallContext& context, const std::function<absl::Status(storage::Transaction&)>& work) override {
    return database_->Read(context, work);
  }

 private:
  const std::string folder_;
  const std::unique_ptr<storage::Database> database_ = storage::NewMemoryDatabase().value();
  std::atomic<bool> stores_ = false;
};

class TrajectoryJobsTest : public DataFixture {
 protected:
  void SetUp() override {
    Open();
    StartRunner();
  }
  void TearDown() override { runner_->Stop(); }

  void StartRunner() {
    runner_ = std::make_unique<JobRunner>(JobRunner::Parts{.store = *jobs_, .pool = pool_});
    RegisterTrajectoryJobs(*runner_, *data_, exchange_);
  }

  const std::string exchange_ = directory_ / "exchange";
  LateDatabase database_{exchange_ + "/out"};
  const std::unique_ptr<storage::JobStore> jobs_ = storage::JobStore::Open(database_, SystemClock()).value();
  ThreadPool pool_{"jobs", 4};
  std::unique_ptr<JobRunner> runner_;
};

TEST_F(TrajectoryJobsTest, AnExportWhoseFolderIsWholeHasSucceededWhateverWasStoredOfItsEnd) {
  const std::string id = Record("a");
  v1::ExportTrajectoriesRequest request;
  request.set_folder("out");
  request.add_names("trajectories/" + id);
  const std::string name = runner_->Start(CallContext(), "", kExportJob, request).value().name();
  const absl::Time last = absl::Now() + absl::Seconds(30);
  while (!std::filesystem::exists(exchange_ + "/out") && absl::Now() < last) std::this_thread::yield();
  runner_->Stop();
  ASSERT_EQ(jobs_->Get(CallContext(), name)->state(), v1::JOB_STATE_RUNNING);
  database_.StoreAgain();
  StartRunner();
  ASSERT_TRUE(runner_->Recover(CallContext()).ok());
  v1::Job job;
  do {
    std::this_thread::yield();
    job = runner_->Get(CallContext(), name).value();
  } while (!storage::JobHasEnded(job) && absl::Now() < last);
  ASSERT_EQ(job.state(), v1::JOB_STATE_SUCCEEDED) << job.error_message();
  v1::ExportTrajectoriesResult result;
  ASSERT_TRUE(job.result().UnpackTo(&result));
  EXPECT_EQ(result.exported(), 1);
  EXPECT_EQ(result.path(), exchange_ + "/out");
  // Whoever exports into it afterwards finds it taken.
  const std::string other = runner_->Start(CallContext(), "", kExportJob, request).value().name();
  do {
    std::this_thread::yield();
    job = runner_->Get(CallContext(), other).value();
  } while (!storage::JobHasEnded(job) && absl::Now() < last);
  EXPECT_EQ(job.state(), v1::JOB_STATE_FAILED);
  EXPECT_EQ(job.error_code(), static_cast<int>(absl::StatusCode::kAlreadyExists));
  EXPECT_FALSE(job.has_result());
}

}  // namespace
}  // namespace proctor::server
