#include "server/label_draws.h"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/retry_hint.h"
#include "common/status.h"
#include "evaluator/measure/label_sampling.h"
#include "server/judged_episodes.h"

namespace proctor::server {
namespace {

constexpr int kMaxSampleSize = 10'000;
constexpr absl::Duration kRetryAfter = absl::Seconds(5);

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

// What all designs go by.
evaluator::JudgedEpisode ForDrawing(const v1::Verdict& verdict) {
  const evaluator::JudgedEpisode judged = ToJudged(verdict);
  evaluator::JudgedEpisode kept;
  kept.outcome = judged.outcome;
  kept.score = judged.score;
  kept.confidence = judged.confidence;
  return kept;
}

}  // namespace

absl::StatusOr<v1::LabelSample> DrawLabelSample(const CallContext& context, const v1::LabelSample& wanted, DataDirectory& data) {
  if (wanted.size() < 1 || wanted.size() > kMaxSampleSize) return absl::InvalidArgumentError("size must be 1 to 10,000");
  PROCTOR_ASSIGN_OR_RETURN(const v1::Evaluator evaluator, data.evaluators->Get(context, wanted.evaluator()));
  std::vector<evaluator::JudgedEpisode> episodes;
  std::vector<std::string> names;
  PROCTOR_RETURN_IF_ERROR(ForEachJudged(context, data, evaluator, wanted.filter(),
                                        [&](int64_t) { return context.Check("drawing labels"); },
                                        [&](const v1::Trajectory& header, const v1::Verdict& verdict) {
                                          episodes.push_back(ForDrawing(verdict));
                                          names.push_back(header.name());
                                        }));
  if (episodes.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat("no trajectory that passes the filter has a verdict of ", evaluator.name(), ": Rescore makes them"));
  }
  // Oldest first: the same seed draws the same.
  std::reverse(episodes.begin(), episodes.end());
  std::reverse(names.begin(), names.end());
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

void LabelDraws::Begin(const CallContext& context, const Caller& caller, const v1::DrawLabelSampleRequest& request, Done done) {
  if (const absl::Status taken = Take(caller.tenant); !taken.ok()) {
    done(taken);
    return;
  }
  background_.Post([this, context, caller, &request, done = std::move(done)] {
    absl::StatusOr<v1::LabelSample> sample = Draw(context, caller, request);
    // Before the caller learns of it, who may draw again at once.
    GiveBack(caller.tenant);
    done(std::move(sample));
  });
}

absl::Status LabelDraws::Take(const std::string& tenant) {
  MutexLock lock(mutex_);
  if (drawing_.size() < kAtOnce && drawing_.insert(tenant).second) return absl::OkStatus();
  return WithRetryHint(absl::ResourceExhaustedError(absl::StrCat(
                           "DrawLabelSample reads all that was judged: ", kAtOnce, " calls do that at once, one of each tenant; try again soon")),
                       kRetryAfter);
}

void LabelDraws::GiveBack(const std::string& tenant) {
  MutexLock lock(mutex_);
  drawing_.erase(tenant);
}

absl::StatusOr<v1::LabelSample> LabelDraws::Draw(const CallContext& context, const Caller& caller, const v1::DrawLabelSampleRequest& request) {
  v1::LabelSample sample;
  PROCTOR_RETURN_IF_ERROR(writes_.Store(caller, request, [&]() -> absl::Status {
    PROCTOR_ASSIGN_OR_RETURN(sample, DrawLabelSample(context, request.sample(), data_));
    return absl::OkStatus();
  }));
  return sample;
}

}  // namespace proctor::server
