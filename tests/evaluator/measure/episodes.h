// Short ways to write judged episodes.
#ifndef PROCTOR_TESTS_EVALUATOR_MEASURE_EPISODES_H_
#define PROCTOR_TESTS_EVALUATOR_MEASURE_EPISODES_H_

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "evaluator/measure/judged_episode.h"

namespace proctor::evaluator {

inline JudgedEpisode Unlabelled(JudgeOutcome outcome, std::string cluster = "") {
  JudgedEpisode episode;
  episode.outcome = outcome;
  episode.cluster = std::move(cluster);
  return episode;
}

// With a sampled label.
inline JudgedEpisode WithLabel(JudgeOutcome outcome, Truth truth, double probability = 1,
                               std::string cluster = "") {
  JudgedEpisode episode = Unlabelled(outcome, std::move(cluster));
  episode.truth = truth;
  episode.inclusion_probability = probability;
  return episode;
}

inline JudgedEpisode ByHand(JudgeOutcome outcome, Truth truth) {
  JudgedEpisode episode = Unlabelled(outcome);
  episode.truth = truth;
  return episode;
}

inline void Append(std::vector<JudgedEpisode>* to, size_t times, const JudgedEpisode& episode) {
  to->insert(to->end(), times, episode);
}

// Success and failure swapped, in verdicts, scores and labels.
inline JudgedEpisode Mirrored(JudgedEpisode e) {
  if (e.outcome == JudgeOutcome::kSuccess) {
    e.outcome = JudgeOutcome::kFailure;
  } else if (e.outcome == JudgeOutcome::kFailure) {
    e.outcome = JudgeOutcome::kSuccess;
  }
  if (e.score) e.score = 1 - *e.score;
  if (e.truth && *e.truth != Truth::kUnclear) {
    e.truth = *e.truth == Truth::kSuccess ? Truth::kFailure : Truth::kSuccess;
  }
  return e;
}

}  // namespace proctor::evaluator

#endif  // PROCTOR_TESTS_EVALUATOR_MEASURE_EPISODES_H_
