// Evaluation of an oracle's tree over the facts of one moment of an episode.
#ifndef PROCTOR_EVALUATOR_ORACLE_H_
#define PROCTOR_EVALUATOR_ORACLE_H_

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "evaluator/score.h"
#include "evaluator/urls.h"
#include "proctor/v1/oracle.pb.h"
#include "proctor/v1/trajectory.pb.h"
#include "proctor/v1/verdict.pb.h"

namespace proctor::evaluator {

// What an oracle may look at. Borrows from the trajectory.
struct Facts {
  // The final answer; nothing if none was given.
  std::optional<std::string> answer;
  // Gave up, or answered "N/A".
  bool gave_up = false;
  // The task is known to be impossible.
  bool impossible = false;
  const BaseUrls* base_urls = nullptr;
  // Recorded for a request; null if there is nothing.
  std::function<const v1::Evidence*(std::string_view request_id)> evidence;
  // Where the agent's tab was, for records without FinalUrl evidence. May be empty.
  std::string observed_url;
};

// The facts at the end, and those before the first action (nothing answered).
Facts FactsAtEnd(const v1::Trajectory& trajectory);
Facts FactsAtStart(const v1::Trajectory& trajectory);

// The score of the tree by three-valued logic (oracle.proto). One check a leaf is appended to
// `checks`. `oracle` is valid.
Score EvaluateOracle(const v1::Oracle& oracle, const Facts& facts,
                     std::vector<v1::CheckResult>* checks);

}  // namespace proctor::evaluator

#endif  // PROCTOR_EVALUATOR_ORACLE_H_
