// What all measurements start from: a judge's verdict on an episode, and what is known of the
// truth.
#ifndef PROCTOR_EVALUATOR_MEASURE_JUDGED_EPISODE_H_
#define PROCTOR_EVALUATOR_MEASURE_JUDGED_EPISODE_H_

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace proctor::evaluator {

// What the judge said. kInvalid: its reply could not be read; never turned into one of the others,
// nor into a number.
enum class JudgeOutcome { kSuccess, kFailure, kUndetermined, kInvalid };

// What a person or an oracle says. kUnclear: they looked and could not tell.
enum class Truth { kSuccess, kFailure, kUnclear };

struct JudgedEpisode {
  JudgeOutcome outcome = JudgeOutcome::kUndetermined;
  // The judge's score, read as the probability of success, in [0, 1].
  std::optional<double> score;
  // In [0, 1]: how sure the judge is of its outcome.
  std::optional<double> confidence;
  // The outcomes of repeated samples of the same judge on the same episode; may be empty.
  std::vector<JudgeOutcome> samples;
  // In dollars, not negative.
  std::optional<double> cost;
  std::optional<absl::Duration> latency;
  // For slices: environment, site, task kind, difficulty, policy, ...
  std::map<std::string, std::string> tags;
  // The task. Episodes of one cluster are not independent. Empty: a cluster of its own.
  std::string cluster;
  // Absent: nobody looked.
  std::optional<Truth> truth;
  // The probability with which this episode was drawn to be labelled, in (0, 1]; 1 for an oracle
  // that judges all. Absent with a truth: chosen by hand.
  std::optional<double> inclusion_probability;
};

// INVALID_ARGUMENT, naming the index: a score, confidence, cost, latency or probability out of
// range or not finite.
absl::Status ValidateEpisodes(std::span<const JudgedEpisode> episodes);

// Dense cluster numbers from 0, in order of first appearance; `count` is how many there are.
struct Clusters {
  std::vector<size_t> of;
  size_t count = 0;
};
Clusters ClustersOf(std::span<const JudgedEpisode> episodes);

// Which labels are used, and what each stands for: sampled ones with the inverse of their inclusion
// probability; those chosen by hand only if there are no others, with weight 1, and then every
// estimate is biased.
class LabelWeights {
 public:
  explicit LabelWeights(std::span<const JudgedEpisode> episodes);

  // Only labels chosen by hand.
  bool biased() const { return by_hand_ > 0 && sampled_ == 0; }
  size_t sampled() const { return sampled_; }
  size_t by_hand() const { return by_hand_; }
  // 0: no label, or not used.
  double Of(const JudgedEpisode& episode) const;

 private:
  size_t sampled_ = 0;
  size_t by_hand_ = 0;
};

}  // namespace proctor::evaluator

#endif  // PROCTOR_EVALUATOR_MEASURE_JUDGED_EPISODE_H_
