// From records, verdicts and labels to what judges are measured by.
#ifndef PROCTOR_SERVER_JUDGED_EPISODES_H_
#define PROCTOR_SERVER_JUDGED_EPISODES_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/call_context.h"
#include "evaluator/label_store.h"
#include "evaluator/measure/judged_episode.h"
#include "proctor/v1/label.pb.h"
#include "proctor/v1/measurement.pb.h"
#include "proctor/v1/trajectory_service.pb.h"
#include "proctor/v1/verdict.pb.h"
#include "server/data_directory.h"

namespace proctor::server {

// A trajectory's verdict by an evaluator, as measurements take it: outcome (invalid where the judge could not be understood), score,
// confidence, samples, cost, latency. Neither tags nor truth.
evaluator::JudgedEpisode ToJudged(const v1::Verdict& verdict);

// What labels of one trajectory say together: the majority, unclear for a tie or if most could not tell. The probability is that of the
// first label that was drawn; chosen by hand if none was. Nothing without labels.
void SetTruth(const std::vector<v1::Label>& labels, evaluator::JudgedEpisode& episode);

// What the oracle says; UNDETERMINED is no truth.
void SetTruth(const v1::Verdict& oracle, evaluator::JudgedEpisode& episode);

// Headers of the closed trajectories that pass the filter, oldest first; all at once, so without what may be large and tells nothing of a
// verdict (initial observation, evidence, start state, files). `tell` is called with how many there are, now and then; its
// error ends the work.
using TellCount = std::function<absl::Status(int64_t count)>;
absl::StatusOr<std::vector<v1::Trajectory>> ClosedTrajectories(const CallContext& context, DataDirectory& data,
                                                               v1::TrajectoryFilter filter, const TellCount& tell);

// The stored verdict of the evaluator, as it is now, on the trajectory as it is now; nothing if there is none.
absl::StatusOr<std::optional<v1::Verdict>> VerdictOn(const CallContext& context, DataDirectory& data,
                                                     const v1::Evaluator& evaluator, const v1::Trajectory& header);

// A trajectory with the verdict of one evaluator, tags, and the truth as far as it is known.
struct JudgedRow {
  v1::Trajectory header;
  evaluator::JudgedEpisode episode;
};

struct JudgedRows {
  std::vector<JudgedRow> rows;
  // Where the truth came from.
  v1::TruthSource truth = v1::TRUTH_SOURCE_UNSPECIFIED;
  // That passed the filter, with or without a verdict.
  int64_t trajectories = 0;
};

// All closed trajectories that pass the filter and have the evaluator's verdict. `tell(done, total, what)` is called now and then; its error
// ends the work.
using TellProgress = std::function<absl::Status(int64_t done, int64_t total, const std::string& what)>;
absl::StatusOr<JudgedRows> GatherJudged(const CallContext& context, DataDirectory& data, const v1::Evaluator& evaluator,
                                        const v1::TrajectoryFilter& filter, v1::TruthSource truth, const TellProgress& tell);

// "environment", "site", "kind", "difficulty", "policy", "split" of a trajectory, and its task as the cluster.
void SetTags(const v1::Trajectory& header, evaluator::JudgedEpisode& episode);

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_JUDGED_EPISODES_H_
