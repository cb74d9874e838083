#include "server/auth/method_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "google/protobuf/descriptor.h"
#include "proctor/v1/environment_service.pb.h"
#include "proctor/v1/evaluation_service.pb.h"
#include "proctor/v1/job_service.pb.h"
#include "proctor/v1/reward_service.pb.h"
#include "proctor/v1/task_service.pb.h"
#include "proctor/v1/trajectory_service.pb.h"

namespace proctor::server {
namespace {

using ::testing::HasSubstr;

// Every method of every service of the protos that are linked in. A new service's .pb.h must be included above: the count tells.
std::set<std::string> AllMethods() {
  std::set<std::string> paths;
  for (const google::protobuf::FileDescriptor* file :
       {v1::ActRequest::descriptor()->file(), v1::RescoreRequest::descriptor()->file(), v1::GetJobRequest::descriptor()->file(),
        v1::ListRewardsRequest::descriptor()->file(), v1::GetTaskRequest::descriptor()->file(),
        v1::ReadBlobRequest::descriptor()->file()}) {
    for (int i = 0; i < file->service_count(); ++i) {
      const auto* service = file->service(i);
      for (int j = 0; j < service->method_count(); ++j) {
        paths.insert(absl::StrCat("/", service->full_name(), "/", service->method(j)->name()));
      }
    }
  }
  return paths;
}

TEST(MethodRulesTest, EveryMethodHasARuleAndEveryRuleAMethod) {
  std::set<std::string> methods = AllMethods();
  ASSERT_GE(methods.size(), 60u);
  methods.insert("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo");
  for (const char* name : {"GetTopChannels", "GetServers", "GetServer", "GetServerSockets", "GetChannel", "GetSubchannel", "GetSocket"}) {
    methods.insert(absl::StrCat("/grpc.channelz.v1.Channelz/", name));
  }
  std::set<std::string> rules;
  for (const MethodRule& rule : MethodRules()) {
    EXPECT_TRUE(rules.insert(std::string(rule.path)).second) << rule.path << " twice";
    EXPECT_FALSE(rule.scopes.empty()) << rule.path;
  }
  EXPECT_EQ(rules, methods);
}

TEST(MethodRulesTest, NothingThatOnlyReadsIsAudited) {
  for (const MethodRule& rule : MethodRules()) {
    const std::string_view name = rule.path.substr(rule.path.rfind('/') + 1);
    const bool reads = name.starts_with("Get") || name.starts_with("List") || name.starts_with("Watch") || name.starts_with("Read");
    EXPECT_FALSE(reads && rule.changes) << rule.path;
    const bool changes = name.starts_with("Create") || name.starts_with("Delete") || name.starts_with("Close");
    EXPECT_TRUE(rule.changes || !changes) << rule.path;
  }
}

TEST(MethodRulesTest, WhatIsNotInTheTableIsRefused) {
  const Caller anybody;
  for (const char* path : {"/proctor.v1.TaskService/NoSuchMethod", "/evil.Service/Do", "", "/", "proctor.v1.TaskService/GetTask"}) {
    EXPECT_TRUE(absl::IsUnimplemented(CheckScopes(path, anybody))) << path;
  }
}

TEST(MethodRulesTest, ADeniedCallerLearnsWhichScopeItLacks) {
  Caller caller{.name = "alpha", .scopes = {v1::SCOPE_ACT}};
  const absl::Status status = CheckScopes("/proctor.v1.EvaluationService/ListLabels", caller);
  EXPECT_TRUE(absl::IsPermissionDenied(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("judge or label"));
  EXPECT_TRUE(CheckScopes("/proctor.v1.EnvironmentService/Act", caller).ok());
  caller.scopes = {v1::SCOPE_LABEL};
  EXPECT_TRUE(CheckScopes("/proctor.v1.EvaluationService/ListLabels", caller).ok());
  EXPECT_FALSE(CheckScopes("/proctor.v1.EnvironmentService/Act", caller).ok());
}

// One scope at a time: what each opens. A change here is a change of what tokens that were given out can do.
TEST(MethodRulesTest, OnlyAdministratorsDeleteAndReadOrWriteTheServersFolders) {
  for (const v1::Scope scope : AllScopes()) {
    const Caller caller{.name = "alpha", .scopes = {scope}};
    for (const char* method : {"DeleteTrajectory", "ImportTrajectories", "ExportTrajectories"}) {
      EXPECT_EQ(CheckScopes(absl::StrCat("/proctor.v1.TrajectoryService/", method), caller).ok(), scope == v1::SCOPE_ADMINISTER)
          << method << " " << ScopeName(scope);
    }
    EXPECT_EQ(CheckScopes("/proctor.v1.RewardService/StreamRewards", caller).ok(),
              scope == v1::SCOPE_ADMINISTER || scope == v1::SCOPE_READ_REWARDS);
    // Who may act is not thereby believed a result.
    EXPECT_EQ(CheckScopes("/proctor.v1.TrajectoryService/RecordTrajectory", caller).ok(),
              scope == v1::SCOPE_ADMINISTER || scope == v1::SCOPE_RECORD);
    EXPECT_EQ(CheckScopes("/proctor.v1.EnvironmentService/StartEpisode", caller).ok(),
              scope == v1::SCOPE_ADMINISTER || scope == v1::SCOPE_ACT);
    EXPECT_TRUE(CheckScopes("/proctor.v1.TaskService/GetTask", caller).ok());
  }
}

}  // namespace
}  // namespace proctor::server
