#include "evaluator/measure/judged_episode.h"

#include <cmath>
#include <string_view>
#include <unordered_map>

#include "absl/strings/str_cat.h"

namespace proctor::evaluator {
namespace {

bool IsShare(double x) { return x >= 0 && x <= 1; }

absl::Status Refuse(size_t index, const char* what) {
  return absl::InvalidArgumentError(absl::StrCat("episode ", index, ": ", what));
}

}  // namespace

absl::Status ValidateEpisodes(std::span<const JudgedEpisode> episodes) {
  for (size_t i = 0; i < episodes.size(); ++i) {
    const JudgedEpisode& episode = episodes[i];
    if (episode.score && !IsShare(*episode.score)) return Refuse(i, "score is not in [0, 1]");
    if (episode.confidence && !IsShare(*episode.confidence)) {
      return Refuse(i, "confidence is not in [0, 1]");
    }
    if (episode.cost && !(*episode.cost >= 0 && std::isfinite(*episode.cost))) {
      return Refuse(i, "cost is negative or not finite");
    }
    if (episode.latency &&
        (*episode.latency < absl::ZeroDuration() || *episode.latency == absl::InfiniteDuration())) {
      return Refuse(i, "latency is negative or infinite");
    }
    const auto& probability = episode.inclusion_probability;
    if (probability && !(*probability > 0 && *probability <= 1)) {
      return Refuse(i, "inclusion probability is not in (0, 1]");
    }
  }
  return absl::OkStatus();
}

Clusters ClustersOf(std::span<const JudgedEpisode> episodes) {
  Clusters clusters;
  clusters.of.reserve(episodes.size());
  std::unordered_map<std::string_view, size_t> known;
  for (const JudgedEpisode& episode : episodes) {
    size_t number = clusters.count;
    if (!episode.cluster.empty()) {
      number = known.try_emplace(episode.cluster, clusters.count).first->second;
    }
    clusters.of.push_back(number);
    if (number == clusters.count) ++clusters.count;
  }
  return clusters;
}

LabelWeights::LabelWeights(std::span<const JudgedEpisode> episodes) {
  for (const JudgedEpisode& episode : episodes) {
    if (episode.truth) ++(episode.inclusion_probability ? sampled_ : by_hand_);
  }
}

double LabelWeights::Of(const JudgedEpisode& episode) const {
  if (!episode.truth) return 0;
  if (sampled_ == 0) return 1;
  return episode.inclusion_probability ? 1 / *episode.inclusion_probability : 0;
}

}  // namespace proctor::evaluator
