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

// Calls `visit` for each closed trajectory that passes the filter and has the evaluator's verdict, as both are now; newest first. No more than a
// page of records is in memory. `tell` is called with how many it has looked at, now and then; errors of both end the work.
using TellCount = std::function<absl::Status(int64_t count)>;
using VisitJudged = std::function<void(const v1::Trajectory& header, const v1::Verdict& verdict)>;
absl::Status ForEachJudged(const CallContext& context, DataDirectory& data, const v1::Evaluator& evaluator, v1::TrajectoryFilter filter,
                           const TellCount& tell, const VisitJudged& visit);

// The stored verdict; nothing if there is none.
absl::StatusOr<std::optional<v1::Verdict>> FindVerdict(const CallContext& context, DataDirectory& data, const std::string& name);

// "environment", "site", "kind", "difficulty", "policy", "split" of a trajectory, those of `tags`; and its task as the cluster.
void SetTags(const v1::Trajectory& header, const std::vector<std::string>& tags, evaluator::JudgedEpisode& episode);

// Which judged trajectories to gather, and what to keep of each.
struct JudgedQuery {
  v1::Evaluator evaluator;
  v1::TrajectoryFilter filter;
  v1::TruthSource truth = v1::TRUTH_SOURCE_UNSPECIFIED;
  // See SetTags.
  std::vector<std::string> tags = {};
  // Whose verdicts are to be found as well.
  std::optional<v1::Evaluator> other = std::nullopt;
};

// What is kept of a record besides its episode: there may be very many, and a header may have megabytes.
struct JudgedRecord {
  std::string trajectory;
  std::string policy;
  std::string policy_version;
  // Names of the verdicts of the oracle and of JudgedQuery::other, made or not; empty where nobody asks.
  std::string oracle_verdict;
  std::string other_verdict;
  // See evaluator::SettledByRule.
  bool settled_by_rule = false;
};

struct JudgedRecords {
  std::vector<JudgedRecord> records;
  // One a record: the evaluator's verdict, tags, and the truth as far as it is known.
  std::vector<evaluator::JudgedEpisode> episodes;
  // Where the truth came from.
  v1::TruthSource truth = v1::TRUTH_SOURCE_UNSPECIFIED;
  // That passed the filter, with or without a verdict.
  int64_t trajectories = 0;
};

// All that ForEachJudged finds, oldest first. `tell(done, total, what)` is called now and then (`total` 0: not known yet); its error ends the
// work.
using TellProgress = std::function<absl::Status(int64_t done, int64_t total, const std::string& what)>;
absl::StatusOr<JudgedRecords> GatherJudged(const CallContext& context, DataDirectory& data, const JudgedQuery& query, const TellProgress& tell);

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_JUDGED_EPISODES_H_
