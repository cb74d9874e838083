#include "server/auth/method_rules.h"

#include <map>

#include "absl/strings/str_cat.h"
#include "common/strings.h"

namespace proctor::server {
namespace {

constexpr Scopes kAct = {v1::SCOPE_ACT};
constexpr Scopes kRecord = {v1::SCOPE_RECORD};
constexpr Scopes kPropose = {v1::SCOPE_PROPOSE};
constexpr Scopes kJudge = {v1::SCOPE_JUDGE};
constexpr Scopes kLabel = {v1::SCOPE_LABEL};
constexpr Scopes kReadRewards = {v1::SCOPE_READ_REWARDS};
constexpr Scopes kAdminister = {v1::SCOPE_ADMINISTER};
// Whom a token lets in at all.
constexpr Scopes kAny = {v1::SCOPE_ACT,   v1::SCOPE_RECORD,       v1::SCOPE_PROPOSE,   v1::SCOPE_JUDGE,
                         v1::SCOPE_LABEL, v1::SCOPE_READ_REWARDS, v1::SCOPE_ADMINISTER};
constexpr Scopes kActOrRecord = {v1::SCOPE_ACT, v1::SCOPE_RECORD};
constexpr Scopes kActOrRead = {v1::SCOPE_ACT, v1::SCOPE_RECORD, v1::SCOPE_READ_REWARDS};
constexpr Scopes kLabelOrJudge = {v1::SCOPE_LABEL, v1::SCOPE_JUDGE};
constexpr Scopes kStartsJobs = {v1::SCOPE_PROPOSE, v1::SCOPE_JUDGE};

}  // namespace

const std::vector<MethodRule>& MethodRules() {
  static const auto& rules = *new std::vector<MethodRule>{
      {.path = "/proctor.v1.EnvironmentService/GetEnvironment", .scopes = kAny},
      {.path = "/proctor.v1.EnvironmentService/ListEnvironments", .scopes = kAny},
      {.path = "/proctor.v1.EnvironmentService/CreateSession", .scopes = kAct, .changes = true},
      {.path = "/proctor.v1.EnvironmentService/GetSession", .scopes = kAct},
      {.path = "/proctor.v1.EnvironmentService/ListSessions", .scopes = kAct},
      {.path = "/proctor.v1.EnvironmentService/KeepAlive", .scopes = kAct},
      {.path = "/proctor.v1.EnvironmentService/CloseSession", .scopes = kAct, .changes = true},
      {.path = "/proctor.v1.EnvironmentService/StartEpisode", .scopes = kAct, .changes = true},
      {.path = "/proctor.v1.EnvironmentService/GetEpisode", .scopes = kActOrRead},
      {.path = "/proctor.v1.EnvironmentService/ListEpisodes", .scopes = kActOrRead},
      {.path = "/proctor.v1.EnvironmentService/Step", .scopes = kAct, .changes = true},
      {.path = "/proctor.v1.EnvironmentService/Observe", .scopes = kAct},
      {.path = "/proctor.v1.EnvironmentService/EndEpisode", .scopes = kAct, .changes = true},
      {.path = "/proctor.v1.EnvironmentService/WaitEpisode", .scopes = kActOrRead},
      {.path = "/proctor.v1.EnvironmentService/Act", .scopes = kAct},
      {.path = "/proctor.v1.TaskService/CreateTask", .scopes = kPropose, .changes = true, .stores = true},
      {.path = "/proctor.v1.TaskService/BatchCreateTasks", .scopes = kPropose, .changes = true, .stores = true},
      {.path = "/proctor.v1.TaskService/GetTask", .scopes = kAny},
      {.path = "/proctor.v1.TaskService/ListTasks", .scopes = kAny},
      {.path = "/proctor.v1.TaskService/AcceptTask", .scopes = kPropose, .changes = true},
      {.path = "/proctor.v1.TaskService/RejectTask", .scopes = kPropose, .changes = true},
      {.path = "/proctor.v1.TaskService/ProposeTasks", .scopes = kPropose, .changes = true, .stores = true, .asks_models = true},
      {.path = "/proctor.v1.TaskService/ListTaskTemplates", .scopes = kAny},
      {.path = "/proctor.v1.TaskService/SampleTasks", .scopes = kActOrRecord},
      {.path = "/proctor.v1.TrajectoryService/GetTrajectory", .scopes = kAny},
      {.path = "/proctor.v1.TrajectoryService/ListTrajectories", .scopes = kAny},
      {.path = "/proctor.v1.TrajectoryService/ReadBlob", .scopes = kAny},
      {.path = "/proctor.v1.TrajectoryService/RecordTrajectory",
       .scopes = kRecord,
       .changes = true,
       .stores = true,
       .asks_models = true},
      {.path = "/proctor.v1.TrajectoryService/ImportTrajectories", .scopes = kAdminister, .changes = true},
      {.path = "/proctor.v1.TrajectoryService/ExportTrajectories", .scopes = kAdminister, .changes = true},
      {.path = "/proctor.v1.TrajectoryService/DeleteTrajectory", .scopes = kAdminister, .changes = true},
      {.path = "/proctor.v1.EvaluationService/CreateEvaluator", .scopes = kJudge, .changes = true, .stores = true},
      {.path = "/proctor.v1.EvaluationService/GetEvaluator", .scopes = kAny},
      {.path = "/proctor.v1.EvaluationService/ListEvaluators", .scopes = kAny},
      {.path = "/proctor.v1.EvaluationService/EvaluateTrajectory", .scopes = kJudge, .changes = true, .asks_models = true},
      {.path = "/proctor.v1.EvaluationService/GetVerdict", .scopes = kAny},
      {.path = "/proctor.v1.EvaluationService/ReplayVerdict", .scopes = kJudge},
      {.path = "/proctor.v1.EvaluationService/Rescore", .scopes = kJudge, .changes = true, .stores = true, .asks_models = true},
      {.path = "/proctor.v1.EvaluationService/CompareTrajectories", .scopes = kJudge, .changes = true, .asks_models = true},
      {.path = "/proctor.v1.EvaluationService/ListVerdicts", .scopes = kAny},
      {.path = "/proctor.v1.EvaluationService/LabelTrajectory", .scopes = kLabel, .changes = true, .stores = true},
      {.path = "/proctor.v1.EvaluationService/ListLabels", .scopes = kLabelOrJudge},
      {.path = "/proctor.v1.EvaluationService/DrawLabelSample", .scopes = kLabelOrJudge, .changes = true, .stores = true},
      {.path = "/proctor.v1.EvaluationService/GetLabelSample", .scopes = kLabelOrJudge},
      {.path = "/proctor.v1.EvaluationService/CalibrateEvaluator", .scopes = kJudge, .changes = true, .stores = true},
      {.path = "/proctor.v1.EvaluationService/Reflect", .scopes = kJudge, .changes = true, .asks_models = true},
      {.path = "/proctor.v1.EvaluationService/MeasureEvaluator", .scopes = kJudge, .changes = true, .stores = true},
      {.path = "/proctor.v1.RewardService/CreateGroup", .scopes = kActOrRecord, .changes = true, .stores = true},
      {.path = "/proctor.v1.RewardService/GetGroup", .scopes = kActOrRead},
      {.path = "/proctor.v1.RewardService/CreateConsumer", .scopes = kReadRewards, .changes = true, .stores = true},
      {.path = "/proctor.v1.RewardService/SeekConsumer", .scopes = kReadRewards, .changes = true},
      {.path = "/proctor.v1.RewardService/ListConsumers", .scopes = kReadRewards},
      {.path = "/proctor.v1.RewardService/DeleteConsumer", .scopes = kReadRewards, .changes = true},
      {.path = "/proctor.v1.RewardService/StreamRewards", .scopes = kReadRewards, .changes = true},
      {.path = "/proctor.v1.RewardService/ListRewards", .scopes = kReadRewards},
      {.path = "/proctor.v1.JobService/GetJob", .scopes = kStartsJobs},
      {.path = "/proctor.v1.JobService/ListJobs", .scopes = kStartsJobs},
      {.path = "/proctor.v1.JobService/WatchJob", .scopes = kStartsJobs},
      {.path = "/proctor.v1.JobService/PauseJob", .scopes = kStartsJobs, .changes = true},
      {.path = "/proctor.v1.JobService/ResumeJob", .scopes = kStartsJobs, .changes = true},
      {.path = "/proctor.v1.JobService/CancelJob", .scopes = kStartsJobs, .changes = true},
      {.path = "/grpc.channelz.v1.Channelz/GetTopChannels", .scopes = kAdminister},
      {.path = "/grpc.channelz.v1.Channelz/GetServers", .scopes = kAdminister},
      {.path = "/grpc.channelz.v1.Channelz/GetServer", .scopes = kAdminister},
      {.path = "/grpc.channelz.v1.Channelz/GetServerSockets", .scopes = kAdminister},
      {.path = "/grpc.channelz.v1.Channelz/GetChannel", .scopes = kAdminister},
      {.path = "/grpc.channelz.v1.Channelz/GetSubchannel", .scopes = kAdminister},
      {.path = "/grpc.channelz.v1.Channelz/GetSocket", .scopes = kAdminister},
      {.path = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", .scopes = kAny},
  };
  return rules;
}

const MethodRule* FindMethodRule(std::string_view path) {
  static const auto& by_path = *[] {
    auto* const map = new std::map<std::string_view, const MethodRule*>;
    for (const MethodRule& rule : MethodRules()) map->emplace(rule.path, &rule);
    return map;
  }();
  const auto it = by_path.find(path);
  return it == by_path.end() ? nullptr : it->second;
}

bool IsHealthCheck(std::string_view path) { return path == "/grpc.health.v1.Health/Check" || path == "/grpc.health.v1.Health/Watch"; }

absl::Status CheckScopes(std::string_view path, const Caller& caller) {
  const MethodRule* const rule = FindMethodRule(path);
  if (rule == nullptr) {
    return absl::UnimplementedError(absl::StrCat("the server has no method ", ToAbsl(TruncateUtf8(path, 200))));
  }
  if (caller.scopes.HasAny(rule->scopes)) return absl::OkStatus();
  return absl::PermissionDeniedError(absl::StrCat("`", caller.name, "` lacks the scope ", rule->scopes.ToString(" or "), ", which ",
                                                  ToAbsl(path), " needs; it has ", caller.scopes.ToString()));
}

}  // namespace proctor::server
