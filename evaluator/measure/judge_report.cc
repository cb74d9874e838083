#include "evaluator/measure/judge_report.h"

#include <algorithm>
#include <array>
#include <functional>
#include <utility>

#include "evaluator/measure/weighted_share.h"

namespace proctor::evaluator {
namespace {

constexpr const char* kByHand = "labels chosen by hand";

// A clear label in use.
struct Labelled {
  const JudgedEpisode* episode = nullptr;
  double weight = 0;
  size_t cluster = 0;
};

bool SaysSuccess(const Labelled& l) { return l.episode->outcome == JudgeOutcome::kSuccess; }
bool IsSuccess(const Labelled& l) { return *l.episode->truth == Truth::kSuccess; }
bool IsRight(const Labelled& l) { return SaysSuccess(l) == IsSuccess(l); }

std::vector<Labelled> ClearLabels(std::span<const JudgedEpisode> episodes, const Clusters& clusters,
                                  const LabelWeights& weights) {
  std::vector<Labelled> labels;
  for (size_t i = 0; i < episodes.size(); ++i) {
    const double weight = weights.Of(episodes[i]);
    if (weight <= 0 || *episodes[i].truth == Truth::kUnclear) continue;
    labels.push_back({&episodes[i], weight, clusters.of[i]});
  }
  return labels;
}

std::vector<Labelled> Decided(std::vector<Labelled> labels) {
  std::erase_if(labels, [](const Labelled& l) { return !IsDecided(l.episode->outcome); });
  return labels;
}

Estimate Marked(Estimate estimate, bool biased) {
  if (!biased) return estimate;
  estimate.biased = true;
  estimate.interval.reset();
  if (estimate.value) estimate.why = kByHand;
  return estimate;
}

using Filter = std::function<bool(const Labelled&)>;

// The share of `hit` among the labels of which `of` holds.
Estimate ShareOf(const std::vector<Labelled>& labels, const Filter& of, const Filter& hit,
                 bool biased, double level) {
  std::vector<Observation> observations;
  for (const Labelled& l : labels) {
    if (of(l)) observations.push_back({.weight = l.weight, .hit = hit(l), .cluster = l.cluster});
  }
  return Marked(WeightedShare(observations, level), biased);
}

Estimate OutcomeShare(std::span<const JudgedEpisode> episodes, const Clusters& clusters,
                      JudgeOutcome outcome, double level) {
  std::vector<Observation> observations;
  for (size_t i = 0; i < episodes.size(); ++i) {
    observations.push_back(
        {.weight = 1, .hit = episodes[i].outcome == outcome, .cluster = clusters.of[i]});
  }
  return WeightedShare(observations, level);
}

Confusion Total(const std::vector<Confusion>& cells, std::span<const double> counts) {
  Confusion sum;
  for (size_t c = 0; c < cells.size(); ++c) {
    sum.true_success += counts[c] * cells[c].true_success;
    sum.false_success += counts[c] * cells[c].false_success;
    sum.false_failure += counts[c] * cells[c].false_failure;
    sum.true_failure += counts[c] * cells[c].true_failure;
  }
  return sum;
}

// A measure of the confusion matrix with its interval from a bootstrap over clusters, in which half
// a label more stands in each cell.
Estimate Bootstrapped(const std::vector<Labelled>& labels, size_t clusters,
                      std::optional<double> (*measure)(const Confusion&), bool biased,
                      const BootstrapOptions& options) {
  std::vector<Confusion> cells(clusters);
  double weight = 0;
  for (const Labelled& l : labels) {
    cells[l.cluster].Add(l.episode->outcome, *l.episode->truth, l.weight);
    weight += l.weight / static_cast<double>(labels.size());
  }
  std::erase_if(cells, [](const Confusion& c) { return c.total() <= 0; });
  const size_t drawn = cells.size();
  const std::array<Confusion, 4> one_each = OneInEachCell(weight);
  cells.insert(cells.end(), one_each.begin(), one_each.end());
  BootstrapOptions smoothed = options;
  smoothed.pseudo_clusters = one_each.size();
  const auto statistic = [&](std::span<const double> counts) {
    return measure(Total(cells, counts));
  };
  Estimate estimate;
  std::vector<double> sample(drawn, 1.0);
  sample.resize(cells.size());
  estimate.value = statistic(sample);
  if (!estimate.value) {
    estimate.why = drawn == 0 ? "no observations" : "one class only";
  } else if (!biased) {
    estimate.interval = ClusterBootstrap(drawn, statistic, smoothed);
    if (!estimate.interval) estimate.why = "too few labels for an interval";
  }
  return Marked(std::move(estimate), biased);
}

std::optional<Interval> AccuracyOfAll(const std::vector<Labelled>& labels) {
  double weight = 0, right = 0, open = 0;
  for (const Labelled& l : labels) {
    weight += l.weight;
    if (!IsDecided(l.episode->outcome)) {
      open += l.weight;
    } else if (IsRight(l)) {
      right += l.weight;
    }
  }
  if (weight <= 0) return std::nullopt;
  return Interval{right / weight, std::min(1.0, (right + open) / weight)};
}

Reliability ReliabilityOf(const std::vector<Labelled>& labels, size_t bins) {
  std::vector<ScoredLabel> scored;
  for (const Labelled& l : labels) {
    if (!l.episode->score || l.episode->outcome == JudgeOutcome::kInvalid) continue;
    scored.push_back({*l.episode->score, IsSuccess(l), l.weight, l.cluster});
  }
  return MeasureReliability(scored, bins);
}

CostSummary Summarize(std::vector<double> values) {
  CostSummary summary;
  summary.count = values.size();
  if (values.empty()) return summary;
  std::sort(values.begin(), values.end());
  double sum = 0;
  for (const double value : values) sum += value;
  summary.mean = sum / static_cast<double>(values.size());
  summary.p50 = SampleQuantile(values, 0.5);
  summary.p95 = SampleQuantile(values, 0.95);
  return summary;
}

void AddCosts(std::span<const JudgedEpisode> episodes, JudgeReport* report) {
  std::vector<double> costs, seconds;
  for (const JudgedEpisode& e : episodes) {
    if (e.cost) costs.push_back(*e.cost);
    if (e.latency) seconds.push_back(absl::ToDoubleSeconds(*e.latency));
  }
  report->cost = Summarize(std::move(costs));
  const CostSummary latency = Summarize(std::move(seconds));
  report->latency.count = latency.count;
  if (latency.count == 0) return;
  report->latency.mean = absl::Seconds(*latency.mean);
  report->latency.p50 = absl::Seconds(*latency.p50);
  report->latency.p95 = absl::Seconds(*latency.p95);
}

void AddAgreement(const std::vector<Labelled>& labels, size_t clusters, bool biased,
                  const BootstrapOptions& options, JudgeReport* report) {
  const auto all = [](const Labelled&) { return true; };
  const auto says_failure = [](const Labelled& l) { return !SaysSuccess(l); };
  const auto is_failure = [](const Labelled& l) { return !IsSuccess(l); };
  const double level = options.level;
  for (const Labelled& l : labels) {
    report->confusion.Add(l.episode->outcome, *l.episode->truth, l.weight);
  }
  report->accuracy = ShareOf(labels, all, IsRight, biased, level);
  report->precision = ShareOf(labels, SaysSuccess, IsSuccess, biased, level);
  report->recall = ShareOf(labels, IsSuccess, SaysSuccess, biased, level);
  report->specificity = ShareOf(labels, is_failure, says_failure, biased, level);
  report->f1 = Bootstrapped(labels, clusters, F1, biased, options);
  report->kappa = Bootstrapped(labels, clusters, CohenKappa, biased, options);
}

}  // namespace

absl::StatusOr<JudgeReport> MeasureJudge(std::span<const JudgedEpisode> episodes,
                                         const MeasureOptions& options) {
  if (absl::Status status = ValidateEpisodes(episodes); !status.ok()) return status;
  if (absl::Status status = ValidateOptions(options.bootstrap); !status.ok()) return status;
  const Clusters clusters = ClustersOf(episodes);
  const LabelWeights weights(episodes);
  JudgeReport report;
  report.episodes = episodes.size();
  report.labels = weights.sampled();
  report.by_hand = weights.by_hand();
  for (const JudgedEpisode& e : episodes) {
    report.unclear += weights.Of(e) > 0 && *e.truth == Truth::kUnclear ? 1 : 0;
  }
  const double level = options.bootstrap.level;
  report.undetermined = OutcomeShare(episodes, clusters, JudgeOutcome::kUndetermined, level);
  report.invalid = OutcomeShare(episodes, clusters, JudgeOutcome::kInvalid, level);
  const std::vector<Labelled> labels = ClearLabels(episodes, clusters, weights);
  AddAgreement(Decided(labels), clusters.count, weights.biased(), options.bootstrap, &report);
  report.accuracy_of_all = AccuracyOfAll(labels);
  report.consistency = MeasureConsistency(episodes);
  report.reliability = ReliabilityOf(labels, options.bins);
  AddCosts(episodes, &report);
  return report;
}

absl::StatusOr<std::vector<JudgeSlice>> MeasureJudgeBy(std::span<const JudgedEpisode> episodes,
                                                       std::span<const std::string> tags,
                                                       const MeasureOptions& options) {
  std::map<std::map<std::string, std::string>, std::vector<JudgedEpisode>> groups;
  for (const JudgedEpisode& episode : episodes) {
    std::map<std::string, std::string> key;
    for (const std::string& tag : tags) {
      const auto it = episode.tags.find(tag);
      key[tag] = it == episode.tags.end() ? "" : it->second;
    }
    groups[std::move(key)].push_back(episode);
  }
  std::vector<JudgeSlice> slices;
  for (const auto& [key, group] : groups) {
    auto report = MeasureJudge(group, options);
    if (!report.ok()) return report.status();
    slices.push_back({key, *std::move(report)});
  }
  return slices;
}

}  // namespace proctor::evaluator
