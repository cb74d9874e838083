// Who is let in, what is written of it, and who pays.
#include "server/auth/call_guard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <fstream>

#include "common/ids.h"
#include "common/json.h"
#include "proctor/v1/environment_service.pb.h"
#include "proctor/v1/evaluation_service.pb.h"
#include "proctor/v1/trajectory_service.pb.h"
#include "server/auth/call_trail.h"
#include "storage/memory_database.h"
#include "tests/server/comes.h"
#include "tests/storage/temp_directory.h"

namespace proctor::server {
namespace {

using ::testing::HasSubstr;

class CallGuardTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string tokens = directory_.path() + "/tokens.yaml";
    std::ofstream(tokens) << "tokens:\n- {name: alpha, tenant: lab, sha256: " << Sha256Hex("one") << ", scopes: [act, record, judge]}\n";
    chmod(tokens.c_str(), 0600);
    doors_ = *Doors::Create(tokens, clock_);
    database_ = *storage::NewMemoryDatabase();
    accounts_ = *TenantAccounts::Open(CallContext(), {*database_, pool_, clock_});
    v1::QuotaConfig config;
    config.mutable_otherwise()->set_judge_usd_per_day(1);
    config.mutable_otherwise()->set_storage_bytes(100);
    config.mutable_otherwise()->set_calls_per_minute(5);
    quotas_ = std::make_unique<TenantQuotas>(config, *accounts_, clock_);
    audit_ = *AuditLog::Open({.path = directory_.path() + "/audit.log"}, clock_);
    guard_ = std::make_unique<CallGuard>(CallGuard::Parts{*doors_, Door::kGuarded, *quotas_, *accounts_, *audit_, true});
  }
  absl::Status Admit(std::string_view method, const Credentials& credentials, const std::string& peer = "") {
    return guard_->Admit({Door::kGuarded, "127.0.0.1:1"}, method, credentials, [&] { return peer; });
  }
  std::vector<Json> Lines() {
    audit_->Flush();
    std::ifstream file(directory_.path() + "/audit.log");
    std::vector<Json> lines;
    for (std::string line; std::getline(file, line);) lines.push_back(*ParseJson(line));
    return lines;
  }
  static Caller Alpha() { return {.name = "alpha", .tenant = "lab", .scopes = {v1::SCOPE_ACT}}; }

  storage::TempDirectory directory_;
  SimulatedClock clock_;
  std::unique_ptr<storage::Database> database_;
  std::unique_ptr<Doors> doors_;
  std::unique_ptr<TenantAccounts> accounts_;
  std::unique_ptr<TenantQuotas> quotas_;
  std::unique_ptr<AuditLog> audit_;
  std::unique_ptr<CallGuard> guard_;
  ThreadPool pool_{"account", 1};

  const Credentials alpha_{.authorization = "Bearer one"};
};

TEST_F(CallGuardTest, ChecksScopesAndLeavesHealthOpen) {
  EXPECT_TRUE(Admit("/proctor.v1.EnvironmentService/Step", alpha_).ok());
  EXPECT_TRUE(absl::IsUnauthenticated(Admit("/proctor.v1.EnvironmentService/Step", {})));
  for (const char* path : {"/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch"}) EXPECT_TRUE(Admit(path, {}).ok()) << path;
  for (const char* path : {"/grpc.health.v1.Health/", "/grpc.health.v1.Health/Steal"}) {
    EXPECT_TRUE(absl::IsUnauthenticated(Admit(path, {}))) << path;
    EXPECT_TRUE(absl::IsUnimplemented(Admit(path, alpha_))) << path;
  }
  const absl::Status denied = Admit("/proctor.v1.RewardService/ListRewards", alpha_);
  EXPECT_TRUE(absl::IsPermissionDenied(denied));
  EXPECT_THAT(std::string(denied.message()), HasSubstr("read_rewards"));
  EXPECT_TRUE(absl::IsUnimplemented(Admit("/proctor.v1.RewardService/Steal", alpha_)));
  EXPECT_TRUE(absl::IsUnauthenticated(Admit("", {})));
  EXPECT_EQ(guard_->Identify("unix:", {})->name, kLocalCaller);
  EXPECT_FALSE(guard_->Identify("ipv4:127.0.0.1:9", {}).ok());
}

TEST_F(CallGuardTest, ARefusalHasALineAndAnAdmissionNone) {
  EXPECT_TRUE(Admit("/proctor.v1.EnvironmentService/Step", alpha_).ok());
  EXPECT_FALSE(Admit("/proctor.v1.RewardService/ListRewards", alpha_).ok());
  EXPECT_FALSE(Admit("/proctor.v1.RewardService/ListRewards", {.authorization = "Bearer hunter2"}).ok());
  const auto lines = Lines();
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0]["caller"], "alpha");
  EXPECT_EQ(lines[0]["tenant"], "lab");
  EXPECT_EQ(lines[0]["status"], "PERMISSION_DENIED");
  EXPECT_EQ(lines[1]["caller"], "");
  EXPECT_EQ(lines[1]["peer"], "127.0.0.1:1");
  EXPECT_EQ(lines[1]["status"], "UNAUTHENTICATED");
  EXPECT_EQ(lines[1].dump().find("hunter2"), std::string::npos);
}

TEST_F(CallGuardTest, ARefusalNamesTheClientsAddressWhereItIsKnown) {
  const std::string peer = "ipv4:10.0.0.7:38416";
  const char* const list = "/proctor.v1.RewardService/ListRewards";
  EXPECT_TRUE(absl::IsPermissionDenied(Admit(list, alpha_, peer)));
  EXPECT_TRUE(absl::IsUnauthenticated(Admit(list, {.authorization = "Bearer hunter2"}, peer)));
  EXPECT_TRUE(absl::IsUnauthenticated(Admit(list, {}, peer)));
  absl::Status status;
  while (status.ok()) status = Admit("/proctor.v1.EnvironmentService/CloseSession", alpha_, peer);
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_FALSE(Admit(list, {}).ok());
  const auto lines = Lines();
  ASSERT_EQ(lines.size(), 5u);
  const char* const statuses[] = {"PERMISSION_DENIED", "UNAUTHENTICATED", "UNAUTHENTICATED", "RESOURCE_EXHAUSTED"};
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(lines[i]["status"], statuses[i]);
    EXPECT_EQ(lines[i]["peer"], peer);
    EXPECT_EQ(lines[i].dump().find("hunter2"), std::string::npos);
  }
  EXPECT_EQ(lines[4]["peer"], "127.0.0.1:1");
}

TEST_F(CallGuardTest, WhatIsRefusedWhoeverAsksHasALine) {
  const absl::Status why = absl::UnauthenticatedError("no");
  EXPECT_EQ(guard_->Refuse({Door::kGuarded, "127.0.0.1:1"}, "/proctor.v1.EnvironmentService/Step", why, [] { return "ipv4:10.0.0.7:1"; }), why);
  const auto lines = Lines();
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0]["peer"], "ipv4:10.0.0.7:1");
  EXPECT_EQ(lines[0]["reason"], "no");
}

TEST_F(CallGuardTest, SpentQuotasRefuseWhatWouldUseMore) {
  accounts_->AddEpisode("lab", "e", 200);
  accounts_->AddJudgeSpend("lab", 2);
  EXPECT_THAT(std::string(Admit("/proctor.v1.TrajectoryService/RecordTrajectory", alpha_).message()), HasSubstr("storage_bytes"));
  EXPECT_THAT(std::string(Admit("/proctor.v1.EvaluationService/EvaluateTrajectory", alpha_).message()), HasSubstr("judge_usd_per_day"));
  EXPECT_TRUE(Admit("/proctor.v1.EvaluationService/ListVerdicts", alpha_).ok());
  EXPECT_TRUE(Admit("/proctor.v1.EnvironmentService/CloseSession", alpha_).ok());
  EXPECT_TRUE(Admit("/proctor.v1.EnvironmentService/CloseSession", alpha_).ok());
  EXPECT_THAT(std::string(Admit("/proctor.v1.EnvironmentService/CloseSession", alpha_).message()), HasSubstr("calls_per_minute"));
}

TEST_F(CallGuardTest, WhatStoresWhatItIsSentIsRefusedWhereStorageIsSpent) {
  accounts_->AddKept("lab", 100);
  for (const char* path : {"/proctor.v1.EvaluationService/CreateEvaluator", "/proctor.v1.EvaluationService/Rescore",
                           "/proctor.v1.EvaluationService/MeasureEvaluator", "/proctor.v1.TrajectoryService/RecordTrajectory"}) {
    const absl::Status full = Admit(path, alpha_);
    EXPECT_TRUE(absl::IsResourceExhausted(full)) << path;
    EXPECT_THAT(std::string(full.message()), HasSubstr("storage_bytes"));
  }
  EXPECT_TRUE(Admit("/proctor.v1.EvaluationService/ListVerdicts", alpha_).ok());
}

TEST_F(CallGuardTest, WhoeverActsMakesNoMoreGroupsWhereStorageIsSpent) {
  const char* const path = "/proctor.v1.RewardService/CreateGroup";
  EXPECT_TRUE(Admit(path, alpha_).ok());
  accounts_->AddKept("lab", 100);
  EXPECT_THAT(std::string(Admit(path, alpha_).message()), HasSubstr("storage_bytes"));
}

TEST_F(CallGuardTest, ARecordingIsJudgedAndSoRefusedWhereJudgingIsSpent) {
  accounts_->AddJudgeSpend("lab", 2);
  EXPECT_THAT(std::string(Admit("/proctor.v1.TrajectoryService/RecordTrajectory", alpha_).message()), HasSubstr("judge_usd_per_day"));
}

TEST_F(CallGuardTest, RefusalsAreCountedByReason) {
  const char* const list = "/proctor.v1.RewardService/ListRewards";
  for (int i = 0; i < 300; ++i) EXPECT_FALSE(Admit(list, {}).ok());
  EXPECT_FALSE(Admit(list, alpha_).ok());
  EXPECT_FALSE(Admit("/proctor.v1.RewardService/Steal", alpha_).ok());
  for (int i = 0; i < 6; ++i) Admit("/proctor.v1.EnvironmentService/Step", alpha_).IgnoreError();
  const std::map<std::string, int64_t> counted = {
      {"unauthenticated", 300}, {"permission_denied", 1}, {"unimplemented", 1}, {"quota", 1}, {"other", 0}};
  EXPECT_EQ(guard_->refusals(), counted);
  // Not each of the strangers' has a line, each of a known caller's has.
  EXPECT_EQ(Lines().size(), 103u);
}

TEST_F(CallGuardTest, AChangeHasALineWithWhatWasMade) {
  CallTrail trail(*guard_, "/proctor.v1.EnvironmentService/CreateSession");
  trail.Begin(Alpha(), "ipv4:10.0.0.7:1");
  v1::CreateSessionRequest request;
  request.set_environment("environments/null");
  request.set_request_id("r1");
  trail.Received(request);
  v1::Session session;
  session.set_name("sessions/x.lab");
  trail.Sent(session);
  trail.Ended(absl::StatusCode::kOk);
  const auto lines = Lines();
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0]["resource"], "sessions/x.lab");
  EXPECT_EQ(lines[0]["request_id"], "r1");
  EXPECT_EQ(lines[0]["peer"], "ipv4:10.0.0.7:1");
  EXPECT_EQ(lines[0]["status"], "OK");
}

TEST_F(CallGuardTest, WhatOnlyReadsHasNoLine) {
  CallTrail trail(*guard_, "/proctor.v1.EnvironmentService/GetSession");
  EXPECT_TRUE(trail.idle());
  trail.Begin(Alpha(), "unix:");
  trail.Received(v1::GetSessionRequest());
  trail.Ended(absl::StatusCode::kNotFound);
  EXPECT_TRUE(Lines().empty());
}

TEST_F(CallGuardTest, EachVerbOfAStreamHasALineWithItsOwnStatus) {
  CallTrail trail(*guard_, "/proctor.v1.EnvironmentService/Act");
  trail.Begin(Alpha(), "unix:");
  v1::ActRequest create;
  create.mutable_create_session()->set_environment("environments/null");
  v1::ActRequest keep_alive;
  keep_alive.mutable_keep_alive();
  v1::ActRequest step;
  step.mutable_step()->set_request_id("r2");
  v1::ActRequest close;
  close.mutable_close_session();
  for (const v1::ActRequest& request : {create, v1::ActRequest(), keep_alive, step, close}) trail.Received(request);
  v1::ActResponse made;
  made.mutable_session()->set_name("sessions/x.lab");
  v1::ActResponse failed;
  failed.mutable_error()->set_code(static_cast<int>(absl::StatusCode::kAborted));
  trail.Sent(made);
  trail.Sent(failed);  // Of the request without a verb.
  trail.Sent(made);
  trail.Sent(failed);
  trail.Ended(absl::StatusCode::kCancelled);
  trail.Ended(absl::StatusCode::kCancelled);
  const auto lines = Lines();
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_THAT(lines[0]["method"].get<std::string>(), HasSubstr("Act:create_session"));
  EXPECT_EQ(lines[0]["resource"], "sessions/x.lab");
  EXPECT_THAT(lines[1]["method"].get<std::string>(), HasSubstr("Act:step"));
  EXPECT_EQ(lines[1]["resource"], "sessions/x.lab");
  EXPECT_EQ(lines[1]["request_id"], "r2");
  EXPECT_EQ(lines[1]["status"], "ABORTED");
  EXPECT_THAT(lines[2]["method"].get<std::string>(), HasSubstr("Act:close_session"));
  EXPECT_EQ(lines[2]["status"], "UNKNOWN");  // No answer came.
}

TEST_F(CallGuardTest, StepsCanBeLeftOut) {
  const CallGuard quiet(CallGuard::Parts{*doors_, Door::kGuarded, *quotas_, *accounts_, *audit_, false});
  CallTrail unary(quiet, "/proctor.v1.EnvironmentService/Step");
  unary.Begin(Alpha(), "unix:");
  unary.Ended(absl::StatusCode::kOk);
  CallTrail stream(quiet, "/proctor.v1.EnvironmentService/Act");
  stream.Begin(Alpha(), "unix:");
  v1::ActRequest step;
  step.mutable_step();
  v1::ActRequest end;
  end.mutable_end_episode();
  stream.Received(step);
  stream.Received(end);
  stream.Sent(v1::ActResponse());
  stream.Sent(v1::ActResponse());
  EXPECT_EQ(Lines().size(), 1u);
}

TEST_F(CallGuardTest, ADeletedTrajectoryNoLongerCounts) {
  accounts_->AddEpisode("lab", "e1", 50);
  const auto remove = [&](absl::StatusCode status) {
    CallTrail trail(*guard_, "/proctor.v1.TrajectoryService/DeleteTrajectory");
    trail.Begin(Alpha(), "unix:");
    v1::DeleteTrajectoryRequest request;
    request.set_name("trajectories/e1");
    trail.Received(request);
    trail.Ended(status);
  };
  remove(absl::StatusCode::kNotFound);
  remove(absl::StatusCode::kOk);
  EXPECT_TRUE(Comes([&] { return accounts_->stored_bytes("lab") == 0; }, std::chrono::seconds(30)));  // Written behind.
}

}  // namespace
}  // namespace proctor::server
