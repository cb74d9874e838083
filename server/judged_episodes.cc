#include "server/judged_episodes.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/proto_time.h"
#include "common/status.h"
#include "evaluator/evaluate.h"
#include "evaluator/evaluator_config.h"

namespace proctor::server {
namespace {

// How often those that watch are told.
constexpr size_t kTellEvery = 100;

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

absl::Status AddLabels(const CallContext& context, DataDirectory& data, JudgedRows& judged, bool& any) {
  for (JudgedRow& row : judged.rows) {
    PROCTOR_ASSIGN_OR_RETURN(const auto labels, data.labels->OfTrajectory(context, row.header.name()));
    SetTruth(labels, row.episode);
    any = any || !labels.empty();
  }
  return absl::OkStatus();
}

absl::Status AddOracle(const CallContext& context, DataDirectory& data, JudgedRows& judged) {
  const v1::Evaluator oracle = evaluator::TaskOracleEvaluator();
  for (JudgedRow& row : judged.rows) {
    PROCTOR_ASSIGN_OR_RETURN(const auto verdict, VerdictOn(context, data, oracle, row.header));
    if (verdict.has_value()) SetTruth(*verdict, row.episode);
  }
  return absl::OkStatus();
}

// See TruthSource.
absl::Status AddTruths(const CallContext& context, DataDirectory& data, v1::TruthSource source, JudgedRows& judged) {
  bool any_label = false;
  if (source != v1::TRUTH_SOURCE_ORACLE) PROCTOR_RETURN_IF_ERROR(AddLabels(context, data, judged, any_label));
  if (source == v1::TRUTH_SOURCE_UNSPECIFIED) source = any_label ? v1::TRUTH_SOURCE_LABELS : v1::TRUTH_SOURCE_ORACLE;
  judged.truth = source;
  return source == v1::TRUTH_SOURCE_ORACLE ? AddOracle(context, data, judged) : absl::OkStatus();
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

absl::StatusOr<std::vector<v1::Trajectory>> ClosedTrajectories(const CallContext& context, DataDirectory& data,
                                                               v1::TrajectoryFilter filter, const TellCount& tell) {
  filter.set_closed_only(true);
  std::vector<v1::Trajectory> headers;
  std::string token;
  do {
    PROCTOR_ASSIGN_OR_RETURN(auto page, data.trajectories->List(context, filter, 1000, token));
    for (v1::Trajectory& header : page.trajectories) {
      header.clear_initial_observation();
      header.clear_evidence();
      header.mutable_task()->clear_start_state();
      header.mutable_task()->clear_files();
      headers.push_back(std::move(header));
    }
    token = page.next_page_token;
    PROCTOR_RETURN_IF_ERROR(tell(static_cast<int64_t>(headers.size())));
  } while (!token.empty());
  std::reverse(headers.begin(), headers.end());
  return headers;
}

absl::StatusOr<JudgedRows> GatherJudged(const CallContext& context, DataDirectory& data, const v1::Evaluator& evaluator,
                                        const v1::TrajectoryFilter& filter, v1::TruthSource truth, const TellProgress& tell) {
  PROCTOR_ASSIGN_OR_RETURN(std::vector<v1::Trajectory> headers,
                           ClosedTrajectories(context, data, filter, [&](int64_t count) {
                             return tell(0, count, "reading records");
                           }));
  JudgedRows judged;
  judged.trajectories = static_cast<int64_t>(headers.size());
  for (size_t i = 0; i < headers.size(); ++i) {
    if (i % kTellEvery == 0) {
      PROCTOR_RETURN_IF_ERROR(tell(static_cast<int64_t>(i), judged.trajectories, "reading verdicts"));
    }
    PROCTOR_ASSIGN_OR_RETURN(const auto verdict, VerdictOn(context, data, evaluator, headers[i]));
    if (!verdict.has_value()) continue;
    JudgedRow row{std::move(headers[i]), ToJudged(*verdict)};
    SetTags(row.header, row.episode);
    judged.rows.push_back(std::move(row));
  }
  PROCTOR_RETURN_IF_ERROR(tell(judged.trajectories, judged.trajectories, "reading truths"));
  PROCTOR_RETURN_IF_ERROR(AddTruths(context, data, truth, judged));
  return judged;
}

absl::StatusOr<std::optional<v1::Verdict>> VerdictOn(const CallContext& context, DataDirectory& data,
                                                     const v1::Evaluator& evaluator, const v1::Trajectory& header) {
  absl::StatusOr<v1::Verdict> verdict = data.verdicts->Get(context, evaluator::VerdictHead(evaluator, header).name());
  if (absl::IsNotFound(verdict.status())) return std::optional<v1::Verdict>();
  if (!verdict.ok()) return verdict.status();
  return std::optional<v1::Verdict>(*std::move(verdict));
}

void SetTags(const v1::Trajectory& header, JudgedEpisode& episode) {
  const v1::Task& task = header.task();
  episode.cluster = task.name();
  episode.tags["environment"] = header.environment();
  episode.tags["site"] = task.site();
  episode.tags["kind"] = task.kind();
  episode.tags["difficulty"] = task.optimal_steps() > 0 ? absl::StrCat(task.optimal_steps(), " steps") : "";
  episode.tags["policy"] = absl::StrCat(header.policy().policy(), header.policy().version().empty() ? "" : "@",
                                        header.policy().version());
  episode.tags["split"] = Label(v1::Split_descriptor(), "SPLIT_", task.split());
}

}  // namespace proctor::server
