#include "server/tenant_writes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>

#include "proctor/v1/task.pb.h"
#include "storage/memory_database.h"

namespace proctor::server {
namespace {

using ::testing::HasSubstr;

class TenantWritesTest : public ::testing::Test {
 protected:
  TenantWritesTest() : database_(storage::NewMemoryDatabase().value()) {
    accounts_ = TenantAccounts::Open(CallContext(), {*database_, account_pool_, clock_}).value();
    v1::QuotaConfig config;
    (*config.mutable_tenants())["lab"].set_storage_bytes(1000);
    (*config.mutable_tenants())["lab"].set_judge_usd_per_day(1);
    quotas_ = std::make_unique<TenantQuotas>(config, *accounts_, clock_);
    store_ = storage::JobStore::Open(*database_, clock_).value();
    runner_ = std::make_unique<JobRunner>(JobRunner::Parts{*store_, job_pool_});
    runner_->Register("job", [this](const CallContext&, const v1::Job& job, JobProgress&) -> absl::StatusOr<google::protobuf::Any> {
      payer_.set_value(accounts_->JobTenant(job.name()));
      return google::protobuf::Any();
    });
    writes_ = std::make_unique<TenantWrites>(*quotas_, *accounts_, *runner_);
  }
  ~TenantWritesTest() override { runner_->Stop(); }

  static v1::Task Task(size_t bytes) {
    v1::Task task;
    task.set_goal(std::string(bytes, 'x'));
    return task;
  }

  SimulatedClock clock_;
  const std::unique_ptr<storage::Database> database_;
  std::promise<std::string> payer_;
  std::unique_ptr<TenantAccounts> accounts_;
  std::unique_ptr<TenantQuotas> quotas_;
  std::unique_ptr<storage::JobStore> store_;
  std::unique_ptr<JobRunner> runner_;
  std::unique_ptr<TenantWrites> writes_;
  const Caller lab_{.name = "anna", .tenant = "lab", .scopes = {}};
  ThreadPool account_pool_{"account", 1};
  ThreadPool job_pool_{"job", 1};
};

TEST_F(TenantWritesTest, WhatIsStoredCounts) {
  const v1::Task task = Task(400);
  EXPECT_TRUE(writes_->Store(lab_, task, [] { return absl::OkStatus(); }).ok());
  EXPECT_EQ(accounts_->stored_bytes("lab"), static_cast<int64_t>(task.ByteSizeLong()));
}

TEST_F(TenantWritesTest, WhatFailsDoesNot) {
  EXPECT_TRUE(absl::IsAlreadyExists(writes_->Store(lab_, Task(400), [] { return absl::AlreadyExistsError("there"); })));
  EXPECT_EQ(accounts_->stored_bytes("lab"), 0);
}

TEST_F(TenantWritesTest, WhatWouldExceedTheQuotaIsNotDone) {
  bool done = false;
  const absl::Status full = writes_->Store(lab_, Task(1001), [&] {
    done = true;
    return absl::OkStatus();
  });
  EXPECT_TRUE(absl::IsResourceExhausted(full)) << full;
  EXPECT_THAT(std::string(full.message()), HasSubstr("storage_bytes"));
  EXPECT_FALSE(done);
  EXPECT_TRUE(writes_->Store(lab_, Task(900), [] { return absl::OkStatus(); }).ok());
  EXPECT_TRUE(writes_->Store(Caller(), Task(5000), [] { return absl::OkStatus(); }).ok());
}

TEST_F(TenantWritesTest, AJobIsItsTenantsWhenItBegins) {
  ASSERT_TRUE(writes_->StartJob(CallContext(), lab_, "run-1", "job", Task(10)).ok());
  EXPECT_EQ(payer_.get_future().get(), "lab");
  EXPECT_GT(accounts_->stored_bytes("lab"), 10);
}

TEST_F(TenantWritesTest, AJobIsItsTenantsWithoutAQuotaOfMoney) {
  quotas_ = std::make_unique<TenantQuotas>(v1::QuotaConfig(), *accounts_, clock_);
  writes_ = std::make_unique<TenantWrites>(*quotas_, *accounts_, *runner_);
  ASSERT_TRUE(writes_->StartJob(CallContext(), lab_, "run-1", "job", Task(10)).ok());
  EXPECT_EQ(payer_.get_future().get(), "lab");
}

TEST_F(TenantWritesTest, AJobsRequestMayNotExceedTheQuota) {
  EXPECT_TRUE(absl::IsResourceExhausted(writes_->StartJob(CallContext(), lab_, "run-1", "job", Task(2000)).status()));
  EXPECT_TRUE(store_->List(CallContext(), 0, "")->jobs.empty());
}

}  // namespace
}  // namespace proctor::server
