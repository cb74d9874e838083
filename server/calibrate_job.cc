#include "server/calibrate_job.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/ids.h"
#include "common/status.h"
#include "evaluator/measure/calibration.h"
#include "evaluator/measure/judge_report.h"
#include "evaluator/score_calibration.h"
#include "server/judged_episodes.h"
#include "server/measurement_message.h"

namespace proctor::server {
namespace {

constexpr int kDefaultFolds = 5;
constexpr int kMaxFolds = 100;
// Of calibrated scores, which are probabilities.
constexpr double kEvenOdds = 0.5;

using evaluator::JudgedEpisode;
using evaluator::ScoredLabel;

// The verdicts that can be fitted to: with a judge's score and a clear truth.
struct Fitted {
  std::vector<JudgedEpisode> episodes;
  std::vector<ScoredLabel> labels;
};

Fitted FittedOf(JudgedRecords judged) {
  std::vector<JudgedEpisode>& all = judged.episodes;
  const evaluator::LabelWeights weights(all);
  const evaluator::Clusters clusters = evaluator::ClustersOf(all);
  Fitted fitted;
  for (size_t i = 0; i < all.size(); ++i) {
    const bool clear = all[i].truth == evaluator::Truth::kSuccess || all[i].truth == evaluator::Truth::kFailure;
    const double weight = clear ? weights.Of(all[i]) : 0;
    if (!all[i].score.has_value() || weight <= 0 || judged.records[i].settled_by_rule) continue;
    fitted.labels.push_back({.score = *all[i].score,
                             .success = all[i].truth == evaluator::Truth::kSuccess,
                             .weight = weight,
                             .cluster = clusters.of[i]});
    fitted.episodes.push_back(std::move(all[i]));
  }
  return fitted;
}

evaluator::Fitter FitterOf(const v1::CalibrateEvaluatorRequest& request) {
  switch (request.method()) {
    case v1::CALIBRATION_METHOD_PRECISION:
      return evaluator::PrecisionThresholdFitter(request.precision());
    case v1::CALIBRATION_METHOD_PLATT:
      return evaluator::PlattFitter();
    case v1::CALIBRATION_METHOD_ISOTONIC:
      return evaluator::IsotonicFitter();
    default:
      return evaluator::BestThresholdFitter();
  }
}

absl::Status SetThreshold(const absl::StatusOr<evaluator::Threshold>& threshold, v1::Evaluator* evaluator) {
  PROCTOR_RETURN_IF_ERROR(threshold.status());
  if (threshold->at > 1 || threshold->at <= 0) {
    return absl::FailedPreconditionError("no threshold within the scores does better than always saying the same");
  }
  evaluator->set_success_threshold(threshold->at);
  return absl::OkStatus();
}

// The evaluator with what the fit to all labels says.
absl::Status Fit(const v1::CalibrateEvaluatorRequest& request, const std::vector<ScoredLabel>& labels,
                 v1::Evaluator* evaluator) {
  switch (request.method()) {
    case v1::CALIBRATION_METHOD_THRESHOLD:
      return SetThreshold(evaluator::FitBestThreshold(labels), evaluator);
    case v1::CALIBRATION_METHOD_PRECISION:
      return SetThreshold(evaluator::FitThresholdForPrecision(labels, request.precision()), evaluator);
    case v1::CALIBRATION_METHOD_PLATT: {
      PROCTOR_ASSIGN_OR_RETURN(const evaluator::PlattScaling scaling, evaluator::FitPlatt(labels));
      *evaluator->mutable_calibration() = evaluator::ToMessage(scaling);
      break;
    }
    default: {
      PROCTOR_ASSIGN_OR_RETURN(const evaluator::IsotonicScaling scaling, evaluator::FitIsotonic(labels));
      *evaluator->mutable_calibration() = evaluator::ToMessage(scaling);
      break;
    }
  }
  evaluator->set_success_threshold(kEvenOdds);
  return absl::OkStatus();
}

// The episodes as the fits to the other folds would have judged them.
absl::StatusOr<std::vector<JudgedEpisode>> OutOfFold(const v1::CalibrateEvaluatorRequest& request, const Fitted& fitted) {
  const int folds = request.folds() == 0 ? kDefaultFolds : request.folds();
  const uint64_t seed = request.seed() == 0 ? 1 : static_cast<uint64_t>(request.seed());
  PROCTOR_ASSIGN_OR_RETURN(const auto predictions, evaluator::OutOfFold(fitted.labels, FitterOf(request), folds, seed));
  const bool threshold_only = request.method() == v1::CALIBRATION_METHOD_THRESHOLD ||
                              request.method() == v1::CALIBRATION_METHOD_PRECISION;
  std::vector<JudgedEpisode> judged;
  for (size_t i = 0; i < predictions.size(); ++i) {
    if (!predictions[i].has_value()) continue;
    JudgedEpisode episode = fitted.episodes[i];
    episode.outcome = *predictions[i] >= kEvenOdds ? evaluator::JudgeOutcome::kSuccess : evaluator::JudgeOutcome::kFailure;
    // A threshold leaves scores as they are.
    if (!threshold_only) episode.score = predictions[i];
    judged.push_back(std::move(episode));
  }
  return judged;
}

absl::StatusOr<v1::CalibrationResult> Run(const CallContext& context, const v1::CalibrateEvaluatorRequest& request,
                                          JobProgress& progress, DataDirectory& data) {
  PROCTOR_ASSIGN_OR_RETURN(const v1::Evaluator old, data.evaluators->Get(context, request.evaluator()));
  PROCTOR_ASSIGN_OR_RETURN(JudgedRecords judged,
                           GatherJudged(context, data, {.evaluator = old, .filter = request.filter(), .truth = request.truth()},
                                        [&](int64_t done, int64_t total, const std::string& what) {
                                          return progress.Report(done, total, what);
                                        }));
  v1::CalibrationResult result;
  result.set_truth(judged.truth);
  const Fitted fitted = FittedOf(std::move(judged));
  if (fitted.labels.empty()) {
    return absl::FailedPreconditionError(absl::StrCat("no trajectory has both a truth (an oracle's verdict or a label) and a score of ", old.name(),
                                                      ": Rescore makes verdicts"));
  }
  v1::Evaluator calibrated = old;
  calibrated.set_name(request.new_name());
  calibrated.clear_version();
  calibrated.clear_create_time();
  calibrated.set_description(absl::StrCat(old.description(), " Calibrated on ", fitted.labels.size(), " verdicts of ", old.name(), "."));
  PROCTOR_RETURN_IF_ERROR(Fit(request, fitted.labels, &calibrated));
  PROCTOR_ASSIGN_OR_RETURN(const auto before, evaluator::MeasureJudge(fitted.episodes));
  PROCTOR_ASSIGN_OR_RETURN(const std::vector<JudgedEpisode> honest, OutOfFold(request, fitted));
  PROCTOR_ASSIGN_OR_RETURN(const auto after, evaluator::MeasureJudge(honest));
  *result.mutable_before() = ToMessage(before);
  *result.mutable_after() = ToMessage(after);
  PROCTOR_ASSIGN_OR_RETURN(*result.mutable_evaluator(), data.evaluators->Create(context, calibrated));
  return result;
}

}  // namespace

absl::Status CheckCalibrate(const CallContext& context, const v1::CalibrateEvaluatorRequest& request, DataDirectory& data) {
  PROCTOR_RETURN_IF_ERROR(ResourceId("evaluators", request.new_name()).status());
  if (request.method() == v1::CALIBRATION_METHOD_UNSPECIFIED) return absl::InvalidArgumentError("method is missing");
  if (request.method() == v1::CALIBRATION_METHOD_PRECISION && !(request.precision() > 0 && request.precision() <= 1)) {
    return absl::InvalidArgumentError("precision must be in (0, 1]");
  }
  if (request.folds() != 0 && (request.folds() < 2 || request.folds() > kMaxFolds)) {
    return absl::InvalidArgumentError("folds must be 2 to 100");
  }
  PROCTOR_ASSIGN_OR_RETURN(const v1::Evaluator evaluator, data.evaluators->Get(context, request.evaluator()));
  if (!evaluator.has_judge() && !evaluator.has_panel() && !evaluator.has_cascade()) {
    return absl::FailedPreconditionError(absl::StrCat(evaluator.name(), " has no scores to calibrate"));
  }
  const bool by_threshold = request.method() == v1::CALIBRATION_METHOD_THRESHOLD || request.method() == v1::CALIBRATION_METHOD_PRECISION;
  const bool votes = evaluator.has_panel() && evaluator.panel().vote() != v1::PANEL_VOTE_MEAN;
  if (by_threshold && (votes || evaluator.has_cascade())) {
    return absl::InvalidArgumentError(absl::StrCat(evaluator.name(), " has no threshold (a ", votes ? "panel that votes" : "cascade",
                                                   "): calibrate its members, or by CALIBRATION_METHOD_PLATT or ISOTONIC"));
  }
  if (!evaluator.has_calibration()) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(evaluator.name(), " is calibrated: calibrate the one that it was made from"));
}

void RegisterCalibrateJob(JobRunner& jobs, DataDirectory& data) {
  jobs.Register(kCalibrateJob, [&data](const CallContext& context, const v1::Job& job,
                                       JobProgress& progress) -> absl::StatusOr<google::protobuf::Any> {
    v1::CalibrateEvaluatorRequest request;
    if (!job.request().UnpackTo(&request)) {
      return absl::InternalError(absl::StrCat(job.name(), " holds a request of another type"));
    }
    PROCTOR_ASSIGN_OR_RETURN(const v1::CalibrationResult result, Run(context, request, progress, data));
    google::protobuf::Any any;
    any.PackFrom(result);
    return any;
  });
}

}  // namespace proctor::server
