#include "server/measure_job.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/status.h"
#include "evaluator/measure/agreement.h"
#include "evaluator/measure/corrected_rate.h"
#include "evaluator/measure/judge_report.h"
#include "evaluator/measure/label_sampling.h"
#include "server/judged_episodes.h"
#include "server/measurement_message.h"

namespace proctor::server {
namespace {

constexpr int kMaxSliceTags = 4;
constexpr int kMaxDiffering = 1000;
constexpr int kMaxSampleSize = 10'000;

const std::vector<std::string>& SliceTags() {
  static const auto* tags =
      new std::vector<std::string>{"environment", "site", "kind", "difficulty", "policy", "split"};
  return *tags;
}

class Measurement {
 public:
  Measurement(const CallContext& context, v1::MeasureEvaluatorRequest request, JobProgress& progress, DataDirectory& data)
      : context_(context), request_(std::move(request)), progress_(progress), data_(data) {
    options_.bootstrap.seed = request_.seed() == 0 ? 1 : static_cast<uint64_t>(request_.seed());
  }

  absl::StatusOr<v1::EvaluatorMeasurement> Run() {
    PROCTOR_ASSIGN_OR_RETURN(const v1::Evaluator evaluator, data_.evaluators->Get(context_, request_.evaluator()));
    result_.set_evaluator(evaluator.name());
    result_.set_evaluator_version(evaluator.version());
    PROCTOR_ASSIGN_OR_RETURN(JudgedRows judged,
                             GatherJudged(context_, data_, evaluator, request_.filter(), request_.truth(),
                                          [&](int64_t done, int64_t total, const std::string& what) {
                                            return progress_.Report(done, total, what);
                                          }));
    result_.set_trajectories(judged.trajectories);
    result_.set_truth(judged.truth);
    rows_ = std::move(judged.rows);
    std::vector<evaluator::JudgedEpisode> episodes;
    for (const JudgedRow& row : rows_) episodes.push_back(row.episode);
    PROCTOR_ASSIGN_OR_RETURN(const auto report, evaluator::MeasureJudge(episodes, options_));
    *result_.mutable_measures() = ToMessage(report);
    PROCTOR_RETURN_IF_ERROR(AddSlices(episodes));
    PROCTOR_RETURN_IF_ERROR(AddCorrectedRates());
    if (!request_.compare_with().empty()) PROCTOR_RETURN_IF_ERROR(AddComparison());
    return std::move(result_);
  }

 private:
  absl::Status AddSlices(const std::vector<evaluator::JudgedEpisode>& episodes) {
    if (request_.slice_by().empty()) return absl::OkStatus();
    const std::vector<std::string> tags(request_.slice_by().begin(), request_.slice_by().end());
    PROCTOR_ASSIGN_OR_RETURN(const auto slices, evaluator::MeasureJudgeBy(episodes, tags, options_));
    for (const evaluator::JudgeSlice& slice : slices) {
      v1::JudgeSlice& message = *result_.add_slices();
      for (const auto& [tag, value] : slice.tags) (*message.mutable_tags())[tag] = value;
      *message.mutable_measures() = ToMessage(slice.report);
    }
    return absl::OkStatus();
  }

  absl::Status AddCorrectedRates() {
    std::map<std::pair<std::string, std::string>, std::vector<evaluator::JudgedEpisode>> by_policy;
    for (const JudgedRow& row : rows_) {
      const v1::PolicyRef& policy = row.header.policy();
      by_policy[{policy.policy(), policy.version()}].push_back(row.episode);
    }
    for (const auto& [policy, episodes] : by_policy) {
      PROCTOR_ASSIGN_OR_RETURN(const auto rate, evaluator::CorrectSuccessRate(episodes));
      v1::CorrectedSuccessRate& message = *result_.add_corrected();
      message = ToMessage(rate);
      message.set_policy(policy.first);
      message.set_policy_version(policy.second);
    }
    return absl::OkStatus();
  }

  absl::Status AddComparison() {
    PROCTOR_ASSIGN_OR_RETURN(const v1::Evaluator other, data_.evaluators->Get(context_, request_.compare_with()));
    std::vector<evaluator::JudgedEpisode> first, second;
    std::vector<std::string> differing;
    for (const JudgedRow& row : rows_) {
      PROCTOR_ASSIGN_OR_RETURN(const auto verdict, VerdictOn(context_, data_, other, row.header));
      if (!verdict.has_value()) continue;
      first.push_back(row.episode);
      second.push_back(ToJudged(*verdict));
      if (first.back().outcome != second.back().outcome && differing.size() < kMaxDiffering) {
        differing.push_back(row.header.name());
      }
    }
    PROCTOR_ASSIGN_OR_RETURN(const auto comparison, evaluator::ComparePaired(first, second, options_.bootstrap));
    *result_.mutable_paired() = ToMessage(comparison);
    result_.mutable_paired()->set_other(request_.compare_with());
    for (const std::string& name : differing) result_.mutable_paired()->add_differing(name);
    return absl::OkStatus();
  }

  const CallContext context_;
  const v1::MeasureEvaluatorRequest request_;
  JobProgress& progress_;
  DataDirectory& data_;
  evaluator::MeasureOptions options_;
  std::vector<JudgedRow> rows_;
  v1::EvaluatorMeasurement result_;
};

evaluator::LabelDesign DesignOf(v1::LabelDesign design) {
  switch (design) {
    case v1::LABEL_DESIGN_BY_OUTCOME:
      return evaluator::LabelDesign::kByOutcome;
    case v1::LABEL_DESIGN_BY_UNCERTAINTY:
      return evaluator::LabelDesign::kByUncertainty;
    default:
      return evaluator::LabelDesign::kUniform;
  }
}

}  // namespace

absl::Status CheckMeasure(const CallContext& context, const v1::MeasureEvaluatorRequest& request, DataDirectory& data) {
  PROCTOR_RETURN_IF_ERROR(data.evaluators->Get(context, request.evaluator()).status());
  if (!request.compare_with().empty()) {
    PROCTOR_RETURN_IF_ERROR(data.evaluators->Get(context, request.compare_with()).status());
  }
  if (request.slice_by_size() > kMaxSliceTags) return absl::InvalidArgumentError("slice_by: at most 4");
  for (const std::string& tag : request.slice_by()) {
    if (std::find(SliceTags().begin(), SliceTags().end(), tag) != SliceTags().end()) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("slice_by: there is no tag `", tag, "`, only ", absl::StrJoin(SliceTags(), ", ")));
  }
  return absl::OkStatus();
}

void RegisterMeasureJob(JobRunner& jobs, DataDirectory& data) {
  jobs.Register(kMeasureJob, [&data](const CallContext& context, const v1::Job& job,
                                     JobProgress& progress) -> absl::StatusOr<google::protobuf::Any> {
    v1::MeasureEvaluatorRequest request;
    if (!job.request().UnpackTo(&request)) {
      return absl::InternalError(absl::StrCat(job.name(), " holds a request of another type"));
    }
    PROCTOR_ASSIGN_OR_RETURN(const v1::EvaluatorMeasurement result,
                             Measurement(context, std::move(request), progress, data).Run());
    google::protobuf::Any any;
    any.PackFrom(result);
    return any;
  });
}

absl::StatusOr<v1::LabelSample> DrawLabelSample(const CallContext& context, const v1::LabelSample& wanted,
                                                DataDirectory& data) {
  if (wanted.size() < 1 || wanted.size() > kMaxSampleSize) return absl::InvalidArgumentError("size must be 1 to 10,000");
  PROCTOR_ASSIGN_OR_RETURN(const v1::Evaluator evaluator, data.evaluators->Get(context, wanted.evaluator()));
  PROCTOR_ASSIGN_OR_RETURN(
      const std::vector<v1::Trajectory> headers,
      ClosedTrajectories(context, data, wanted.filter(), [&](int64_t) { return context.Check("drawing labels"); }));
  std::vector<evaluator::JudgedEpisode> episodes;
  std::vector<std::string> names;
  for (const v1::Trajectory& header : headers) {
    PROCTOR_ASSIGN_OR_RETURN(const auto verdict, VerdictOn(context, data, evaluator, header));
    if (!verdict.has_value()) continue;
    episodes.push_back(ToJudged(*verdict));
    names.push_back(header.name());
  }
  if (episodes.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat("no trajectory that passes the filter has a verdict of ", evaluator.name(), ": Rescore makes them"));
  }
  PROCTOR_ASSIGN_OR_RETURN(const auto drawn,
                           evaluator::DrawLabels(episodes, {.design = DesignOf(wanted.design()),
                                                            .count = static_cast<size_t>(wanted.size()),
                                                            .seed = wanted.seed() == 0 ? 1 : static_cast<uint64_t>(wanted.seed())}));
  v1::LabelSample sample = wanted;
  sample.set_evaluator(evaluator.name());
  sample.set_population(static_cast<int64_t>(episodes.size()));
  sample.clear_drawn();
  for (const evaluator::DrawnLabel& label : drawn) {
    v1::DrawnTrajectory& one = *sample.add_drawn();
    one.set_trajectory(names[label.index]);
    one.set_inclusion_probability(label.inclusion_probability);
  }
  return data.labels->PutSample(context, sample);
}

}  // namespace proctor::server
