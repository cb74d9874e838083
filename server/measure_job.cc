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
#include "server/judged_episodes.h"
#include "server/measurement_message.h"

namespace proctor::server {
namespace {

constexpr int kMaxSliceTags = 4;
constexpr int kMaxDiffering = 1000;

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
    JudgedQuery query{.evaluator = evaluator, .filter = request_.filter(), .truth = request_.truth()};
    query.tags.assign(request_.slice_by().begin(), request_.slice_by().end());
    if (!request_.compare_with().empty()) {
      PROCTOR_ASSIGN_OR_RETURN(query.other, data_.evaluators->Get(context_, request_.compare_with()));
    }
    PROCTOR_ASSIGN_OR_RETURN(judged_, GatherJudged(context_, data_, query, [&](int64_t done, int64_t total, const std::string& what) {
                               return progress_.Report(done, total, what);
                             }));
    result_.set_trajectories(judged_.trajectories);
    result_.set_truth(judged_.truth);
    PROCTOR_ASSIGN_OR_RETURN(const auto report, evaluator::MeasureJudge(judged_.episodes, options_));
    *result_.mutable_measures() = ToMessage(report);
    PROCTOR_RETURN_IF_ERROR(AddSlices());
    PROCTOR_RETURN_IF_ERROR(AddCorrectedRates());
    if (!request_.compare_with().empty()) PROCTOR_RETURN_IF_ERROR(AddComparison());
    return std::move(result_);
  }

 private:
  absl::Status AddSlices() {
    if (request_.slice_by().empty()) return absl::OkStatus();
    const std::vector<std::string> tags(request_.slice_by().begin(), request_.slice_by().end());
    PROCTOR_ASSIGN_OR_RETURN(const auto slices, evaluator::MeasureJudgeBy(judged_.episodes, tags, options_));
    for (const evaluator::JudgeSlice& slice : slices) {
      v1::JudgeSlice& message = *result_.add_slices();
      for (const auto& [tag, value] : slice.tags) (*message.mutable_tags())[tag] = value;
      *message.mutable_measures() = ToMessage(slice.report);
    }
    return absl::OkStatus();
  }

  absl::Status AddCorrectedRates() {
    std::map<std::pair<std::string, std::string>, std::vector<size_t>> by_policy;
    for (size_t i = 0; i < judged_.records.size(); ++i) {
      by_policy[{judged_.records[i].policy, judged_.records[i].policy_version}].push_back(i);
    }
    for (const auto& [policy, indices] : by_policy) {
      std::vector<evaluator::JudgedEpisode> episodes;
      for (const size_t i : indices) episodes.push_back(judged_.episodes[i]);
      PROCTOR_ASSIGN_OR_RETURN(const auto rate, evaluator::CorrectSuccessRate(episodes));
      v1::CorrectedSuccessRate& message = *result_.add_corrected();
      message = ToMessage(rate);
      message.set_policy(policy.first);
      message.set_policy_version(policy.second);
    }
    return absl::OkStatus();
  }

  absl::Status AddComparison() {
    std::vector<evaluator::JudgedEpisode> first, second;
    std::vector<std::string> differing;
    for (size_t i = 0; i < judged_.records.size(); ++i) {
      PROCTOR_ASSIGN_OR_RETURN(const auto verdict, FindVerdict(context_, data_, judged_.records[i].other_verdict));
      if (!verdict.has_value()) continue;
      first.push_back(judged_.episodes[i]);
      second.push_back(ToJudged(*verdict));
      if (first.back().outcome != second.back().outcome && differing.size() < kMaxDiffering) {
        differing.push_back(judged_.records[i].trajectory);
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
  JudgedRecords judged_;
  v1::EvaluatorMeasurement result_;
};

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

}  // namespace proctor::server
