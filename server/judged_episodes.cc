#include "server/judged_episodes.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/proto_time.h"
#include "common/status.h"
#include "evaluator/assess.h"
#include "evaluator/evaluate.h"
#include "evaluator/evaluator_config.h"

namespace proctor::server {
namespace {

// Records that are read at once.
constexpr int kPage = 1000;
// How often those that watch are told.
constexpr int64_t kTellEvery = 100;

using evaluator::JudgedEpisode;
using evaluator::JudgeOutcome;
using evaluator::Truth;

JudgeOutcome OutcomeOf(const v1::Verdict& verdict) {
  if (verdict.outcome() == v1::OUTCOME_SUCCESS) return JudgeOutcome::kSuccess;
  if (verdict.outcome() == v1::OUTCOME_FAILURE) return JudgeOutcome::kFailure;
  return verdict.undetermined_reason() == v1::UNDETERMINED_REASON_JUDGE_INVALID ? JudgeOutcome::kInvalid
                                                                                : JudgeOutcome::kUndetermined;
}

JudgeOutcome OutcomeOf(const v1::JudgeSample& sample) {
  if (sample.undetermined()) return JudgeOutcome::kUndetermined;
  if (!sample.valid()) return JudgeOutcome::kInvalid;
  return sample.success_probability() >= 0.5 ? JudgeOutcome::kSuccess : JudgeOutcome::kFailure;
}

std::string Label(const google::protobuf::EnumDescriptor* type, const std::string& prefix, int number) {
  const auto* value = type->FindValueByNumber(number);
  return value == nullptr ? absl::StrCat(number) : value->name().substr(prefix.size());
}

absl::Status AddLabels(const CallContext& context, DataDirectory& data, JudgedRecords& judged, bool& any) {
  for (size_t i = 0; i < judged.records.size(); ++i) {
    PROCTOR_ASSIGN_OR_RETURN(const auto labels, data.labels->OfTrajectory(context, judged.records[i].trajectory));
    SetTruth(labels, judged.episodes[i]);
    any = any || !labels.empty();
  }
  return absl::OkStatus();
}

absl::Status AddOracle(const CallContext& context, DataDirectory& data, JudgedRecords& judged) {
  for (size_t i = 0; i < judged.records.size(); ++i) {
    PROCTOR_ASSIGN_OR_RETURN(const auto verdict, FindVerdict(context, data, judged.records[i].oracle_verdict));
    if (verdict.has_value()) SetTruth(*verdict, judged.episodes[i]);
  }
  return absl::OkStatus();
}

// See TruthSource.
absl::Status AddTruths(const CallContext& context, DataDirectory& data, v1::TruthSource source, JudgedRecords& judged) {
  bool any_label = false;
  if (source != v1::TRUTH_SOURCE_ORACLE) PROCTOR_RETURN_IF_ERROR(AddLabels(context, data, judged, any_label));
  if (source == v1::TRUTH_SOURCE_UNSPECIFIED) source = any_label ? v1::TRUTH_SOURCE_LABELS : v1::TRUTH_SOURCE_ORACLE;
  judged.truth = source;
  return source == v1::TRUTH_SOURCE_ORACLE ? AddOracle(context, data, judged) : absl::OkStatus();
}

JudgedRecord RecordOf(const JudgedQuery& query, const v1::Trajectory& header, const v1::Verdict& verdict) {
  JudgedRecord record;
  record.settled_by_rule = evaluator::SettledByRule(query.evaluator, verdict);
  record.trajectory = header.name();
  record.policy = header.policy().policy();
  record.policy_version = header.policy().version();
  if (query.truth != v1::TRUTH_SOURCE_LABELS) {
    record.oracle_verdict = evaluator::VerdictHead(evaluator::TaskOracleEvaluator(), header).name();
  }
  if (query.other.has_value()) record.other_verdict = evaluator::VerdictHead(*query.other, header).name();
  return record;
}

}  // namespace

JudgedEpisode ToJudged(const v1::Verdict& verdict) {
  JudgedEpisode episode;
  episode.outcome = OutcomeOf(verdict);
  if (episode.outcome == JudgeOutcome::kSuccess || episode.outcome == JudgeOutcome::kFailure) {
    episode.score = std::clamp(verdict.score(), 0.0, 1.0);
    episode.confidence = std::clamp(verdict.confidence(), 0.0, 1.0);
  }
  if (verdict.has_usage()) episode.cost = std::max(0.0, verdict.usage().cost_usd());
  if (verdict.has_latency()) episode.latency = std::max(absl::ZeroDuration(), FromProto(verdict.latency()));
  if (verdict.questions().empty()) return episode;
  // Of the question that decided; of several questions (one a step) no single one did.
  const std::string& last_stage = verdict.questions().rbegin()->stage();
  const auto of_last = [&](const v1::JudgeQuestion& question) { return question.stage() == last_stage; };
  if (std::count_if(verdict.questions().begin(), verdict.questions().end(), of_last) != 1) return episode;
  for (const v1::JudgeSample& sample : verdict.questions().rbegin()->samples()) {
    episode.samples.push_back(OutcomeOf(sample));
  }
  return episode;
}

void SetTruth(const std::vector<v1::Label>& labels, JudgedEpisode& episode) {
  if (labels.empty()) return;
  int success = 0, failure = 0;
  for (const v1::Label& label : labels) {
    success += label.outcome() == v1::OUTCOME_SUCCESS ? 1 : 0;
    failure += label.outcome() == v1::OUTCOME_FAILURE ? 1 : 0;
    if (!episode.inclusion_probability.has_value() && label.inclusion_probability() > 0) {
      episode.inclusion_probability = label.inclusion_probability();
    }
  }
  const int unclear = static_cast<int>(labels.size()) - success - failure;
  if (success > failure && success > unclear) {
    episode.truth = Truth::kSuccess;
  } else if (failure > success && failure > unclear) {
    episode.truth = Truth::kFailure;
  } else {
    episode.truth = Truth::kUnclear;
  }
}

void SetTruth(const v1::Verdict& oracle, JudgedEpisode& episode) {
  if (oracle.outcome() != v1::OUTCOME_SUCCESS && oracle.outcome() != v1::OUTCOME_FAILURE) return;
  episode.truth = oracle.outcome() == v1::OUTCOME_SUCCESS ? Truth::kSuccess : Truth::kFailure;
  episode.inclusion_probability = 1;
}

absl::Status ForEachJudged(const CallContext& context, DataDirectory& data, const v1::Evaluator& evaluator, v1::TrajectoryFilter filter,
                           const TellCount& tell, const VisitJudged& visit) {
  filter.set_closed_only(true);
  int64_t looked_at = 0;
  std::string token;
  do {
    PROCTOR_ASSIGN_OR_RETURN(const auto page, data.trajectories->List(context, filter, kPage, token));
    for (const v1::Trajectory& header : page.trajectories) {
      if (looked_at++ % kTellEvery == 0) PROCTOR_RETURN_IF_ERROR(tell(looked_at - 1));
      PROCTOR_ASSIGN_OR_RETURN(const auto verdict, FindVerdict(context, data, evaluator::VerdictHead(evaluator, header).name()));
      if (verdict.has_value()) visit(header, *verdict);
    }
    token = page.next_page_token;
  } while (!token.empty());
  return tell(looked_at);
}

absl::StatusOr<std::optional<v1::Verdict>> FindVerdict(const CallContext& context, DataDirectory& data, const std::string& name) {
  absl::StatusOr<v1::Verdict> verdict = data.verdicts->Get(context, name);
  if (absl::IsNotFound(verdict.status())) return std::optional<v1::Verdict>();
  if (!verdict.ok()) return verdict.status();
  return std::optional<v1::Verdict>(*std::move(verdict));
}

absl::StatusOr<JudgedRecords> GatherJudged(const CallContext& context, DataDirectory& data, const JudgedQuery& query, const TellProgress& tell) {
  JudgedRecords judged;
  const auto count = [&](int64_t looked_at) {
    judged.trajectories = looked_at;
    return tell(looked_at, 0, "reading records and verdicts");
  };
  PROCTOR_RETURN_IF_ERROR(ForEachJudged(context, data, query.evaluator, query.filter, count,
                                        [&](const v1::Trajectory& header, const v1::Verdict& verdict) {
                                          judged.records.push_back(RecordOf(query, header, verdict));
                                          SetTags(header, query.tags, judged.episodes.emplace_back(ToJudged(verdict)));
                                        }));
  std::reverse(judged.records.begin(), judged.records.end());
  std::reverse(judged.episodes.begin(), judged.episodes.end());
  PROCTOR_RETURN_IF_ERROR(tell(judged.trajectories, judged.trajectories, "reading truths"));
  PROCTOR_RETURN_IF_ERROR(AddTruths(context, data, query.truth, judged));
  return judged;
}

void SetTags(const v1::Trajectory& header, const std::vector<std::string>& tags, JudgedEpisode& episode) {
  const v1::Task& task = header.task();
  const v1::PolicyRef& policy = header.policy();
  episode.cluster = task.name();
  for (const std::string& tag : tags) {
    std::string& value = episode.tags[tag];
    if (tag == "environment") value = header.environment();
    if (tag == "site") value = task.site();
    if (tag == "kind") value = task.kind();
    if (tag == "difficulty" && task.optimal_steps() > 0) value = absl::StrCat(task.optimal_steps(), " steps");
    if (tag == "policy") value = absl::StrCat(policy.policy(), policy.version().empty() ? "" : "@", policy.version());
    if (tag == "split") value = Label(v1::Split_descriptor(), "SPLIT_", task.split());
  }
}

}  // namespace proctor::server
