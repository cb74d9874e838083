#include "clients/cli/measurement_text.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "clients/cli/command.h"
#include "clients/cli/text.h"

namespace proctor::cli {
namespace {

constexpr int kShownDiffering = 10;

std::string Percent(double value) { return absl::StrFormat("%.1f%%", 100 * value); }

// "83.5% (79.0-87.2)", "83.5% (chosen by hand: no interval)", "undefined".
std::string EstimateText(const v1::Estimate& estimate) {
  if (!estimate.has_value()) return "undefined";
  const std::string value = Percent(estimate.value());
  if (estimate.has_low()) {
    return absl::StrFormat("%s (%.1f to %.1f)", value, 100 * estimate.low(), 100 * estimate.high());
  }
  return absl::StrCat(value, estimate.biased() ? " (chosen by hand: no interval)" : " (no interval)");
}

using Lines = std::vector<std::pair<std::string, std::string>>;

std::string Aligned(const Lines& lines) {
  std::string text;
  for (const auto& [name, value] : lines) absl::StrAppendFormat(&text, "  %-22s %s\n", name, value);
  return text;
}

std::string MeasuresText(const v1::JudgeMeasures& measures) {
  const v1::ConfusionMatrix& cells = measures.confusion();
  Lines lines = {{"verdicts", absl::StrCat(measures.episodes())},
                 {"truths", absl::StrCat(measures.labels(), " drawn, ", measures.by_hand(), " chosen by hand, ",
                                         measures.unclear(), " of them unclear")},
                 {"undetermined", EstimateText(measures.undetermined())},
                 {"not to be read", EstimateText(measures.invalid())},
                 {"judged SUCCESS", absl::StrFormat("%g right, %g wrong", cells.true_success(), cells.false_success())},
                 {"judged FAILURE", absl::StrFormat("%g right, %g wrong", cells.true_failure(), cells.false_failure())},
                 {"accuracy", EstimateText(measures.accuracy())},
                 {"precision", EstimateText(measures.precision())},
                 {"recall", EstimateText(measures.recall())},
                 {"specificity", EstimateText(measures.specificity())},
                 {"F1", EstimateText(measures.f1())},
                 {"kappa (x 100)", EstimateText(measures.kappa())}};
  if (measures.has_consistency()) lines.emplace_back("consistency", Percent(measures.consistency()));
  if (measures.has_calibration_error()) lines.emplace_back("calibration error", Percent(measures.calibration_error()));
  if (measures.has_brier()) lines.emplace_back("Brier", absl::StrFormat("%.3f", measures.brier()));
  if (measures.has_mean_cost_usd()) lines.emplace_back("cost a verdict", absl::StrFormat("$%.6f", measures.mean_cost_usd()));
  if (measures.has_median_latency()) {
    lines.emplace_back("latency", absl::StrCat(DurationText(measures.median_latency()), ", 95th percentile ",
                                               DurationText(measures.p95_latency())));
  }
  return Aligned(lines);
}

std::string SliceName(const v1::JudgeSlice& slice) {
  const std::map<std::string, std::string> tags(slice.tags().begin(), slice.tags().end());
  return absl::StrJoin(tags, ", ", [](std::string* out, const auto& tag) {
    absl::StrAppend(out, tag.first, " ", tag.second.empty() ? "(none)" : OneLine(tag.second));
  });
}

// What a corrected rate rests on. Labels chosen by hand count only where none was drawn.
std::string BasisText(const v1::CorrectedSuccessRate& rate) {
  return absl::StrCat(rate.episodes(), " verdicts, ",
                      rate.labels() == 0 && rate.rate().biased() ? "truths chosen by hand" : absl::StrCat(rate.labels(), " truths drawn"));
}

std::string CorrectedText(const v1::CorrectedSuccessRate& rate) {
  const std::string policy = rate.policy().empty() ? "(no policy)" : OneLine(rate.policy());
  Lines lines = {{"success rate", EstimateText(rate.rate())},
                 {"rests on", BasisText(rate)}};
  if (rate.has_judge_rate()) lines.emplace_back("as the judge says", Percent(rate.judge_rate()));
  if (rate.has_worst_case_low()) {
    lines.emplace_back("worst case", absl::StrFormat("%.1f to %.1f", 100 * rate.worst_case_low(), 100 * rate.worst_case_high()));
  }
  if (rate.has_width_with_twice_labels()) {
    lines.emplace_back("width, twice the labels", absl::StrFormat("%.1f points", 100 * rate.width_with_twice_labels()));
  }
  if (rate.has_width_with_twice_episodes()) {
    lines.emplace_back("width, twice the runs", absl::StrFormat("%.1f points", 100 * rate.width_with_twice_episodes()));
  }
  return absl::StrCat("\ncorrected success rate of ", policy, rate.policy_version().empty() ? "" : " ",
                      OneLine(rate.policy_version()), "\n", Aligned(lines));
}

std::string PairedText(const v1::PairedMeasures& paired) {
  Lines lines = {{"both right", absl::StrCat(paired.both_right())},
                 {"only the first", absl::StrCat(paired.only_first_right())},
                 {"only the other", absl::StrCat(paired.only_second_right())},
                 {"neither", absl::StrCat(paired.both_wrong())},
                 {"accuracy, difference", EstimateText(paired.accuracy_difference())},
                 {"McNemar's p", paired.has_p_value() ? absl::StrFormat("%.4f", paired.p_value()) : "undefined"},
                 {"kappa (x 100)", EstimateText(paired.kappa())}};
  std::string text = absl::StrCat("\nagainst ", ShortName(paired.other()), "\n", Aligned(lines));
  if (paired.differing_size() == 0) return text;
  absl::StrAppend(&text, "  they differ on ", paired.differing_size() == 1000 ? "at least " : "", paired.differing_size(), ":\n");
  for (int i = 0; i < paired.differing_size() && i < kShownDiffering; ++i) {
    absl::StrAppend(&text, "    proctor trajectory show ", ShortName(paired.differing(i)), "\n");
  }
  if (paired.differing_size() > kShownDiffering) absl::StrAppend(&text, "    ... (all of them: --json)\n");
  return text;
}

}  // namespace

std::string MeasurementText(const v1::EvaluatorMeasurement& measurement) {
  std::string text = absl::StrCat(ShortName(measurement.evaluator()), " against ",
                                  measurement.truth() == v1::TRUTH_SOURCE_LABELS ? "people's labels" : "the oracle", ", ",
                                  measurement.trajectories(), " trajectories\n", MeasuresText(measurement.measures()));
  for (const v1::JudgeSlice& slice : measurement.slices()) {
    absl::StrAppend(&text, "\n", SliceName(slice), "\n", MeasuresText(slice.measures()));
  }
  for (const v1::CorrectedSuccessRate& rate : measurement.corrected()) absl::StrAppend(&text, CorrectedText(rate));
  if (measurement.has_paired()) absl::StrAppend(&text, PairedText(measurement.paired()));
  return text;
}

absl::Status MeasurementStatus(const v1::EvaluatorMeasurement& measurement) {
  const std::string name = ShortName(measurement.evaluator());
  if (measurement.trajectories() == 0) return absl::FailedPreconditionError("nothing was measured: no closed trajectory is chosen");
  if (measurement.measures().episodes() == 0) {
    return absl::FailedPreconditionError(absl::StrCat("nothing was measured: no trajectory that is chosen has a verdict of ",
                                                      measurement.evaluator(), "; proctor rescore --evaluator ", name, " makes them"));
  }
  const v1::PairedMeasures& paired = measurement.paired();
  const int64_t compared = paired.both_right() + paired.only_first_right() + paired.only_second_right() + paired.both_wrong();
  // Kappa needs no truth, but both outcomes.
  const bool agree = paired.kappa().has_value();
  if (!measurement.has_paired() || compared > 0 || agree || paired.differing_size() > 0) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat("nothing was compared: no trajectory that is chosen has verdicts of ", measurement.evaluator(),
                                                    " and ", paired.other(), " that decide, or no truth is clear and all of these say the same"));
}

std::string CalibrationText(const v1::CalibrationResult& result) {
  return absl::StrCat("stored ", ShortName(result.evaluator().name()), ", threshold ",
                      NumberText(result.evaluator().success_threshold()), "\n\nbefore\n", MeasuresText(result.before()),
                      "\nafter, out of fold\n", MeasuresText(result.after()));
}

}  // namespace proctor::cli
