// Tries a draft in the real site before it becomes a task.
#ifndef PROCTOR_PROPOSER_DRAFT_TRIAL_H_
#define PROCTOR_PROPOSER_DRAFT_TRIAL_H_

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "common/call_context.h"
#include "proctor/v1/trajectory.pb.h"
#include "proposer/crawler.h"
#include "proposer/draft.h"
#include "proposer/site_explorer.h"
#include "proposer/site_model.h"

namespace proctor::proposer {

// Not thread-safe.
class DraftTrial {
 public:
  // The references outlive the trial.
  DraftTrial(SiteExplorer& explorer, const OracleCheck& oracle, SiteUrls urls, Pace& pace)
      : explorer_(explorer), oracle_(oracle), urls_(std::move(urls)), pace_(pace) {}

  // Replays the draft's solution from a fresh context. Links are found by where they lead, and named in the solution as
  // they are found here. Search drafts get their solution here, and its length. The draft passes
  // ("") if every step can be done, what the answer rests on is seen on the way (and not at the start), and the oracle holds at
  // the end but accepts none of: doing nothing, "", "N/A", the start page's whole text, more than 2 % of `wrong_answers`.
  // Otherwise the reason, the same words for the same cause. Errors: only those of the context, and UNAVAILABLE when the browser fails.
  absl::StatusOr<std::string> Run(const CallContext& context, Draft& draft,
                                  const std::vector<std::string>& wrong_answers);

 private:
  absl::StatusOr<std::string> Begin(const CallContext& context, const Draft& draft);
  absl::StatusOr<std::string> Walk(const CallContext& context, Draft& draft);
  absl::StatusOr<std::string> Search(const CallContext& context, Draft& draft);
  absl::StatusOr<std::string> Do(const CallContext& context, const v1::SolutionStep& step);
  absl::Status Look(const CallContext& context);
  std::string WhyEvidenceFails(const Draft& draft) const;
  absl::StatusOr<std::string> Judge(const CallContext& context, const Draft& draft,
                                    const std::vector<std::string>& wrong_answers);
  bool Accepts(const std::string* answer) const;

  SiteExplorer& explorer_;
  const OracleCheck& oracle_;
  SiteUrls urls_;
  Pace& pace_;
  // The world before the first action with the evidence collected then, and the replay.
  v1::Trajectory at_start_;
  v1::Trajectory replay_;
  v1::Observation now_;
  Page start_page_;
  Page page_;
  std::vector<Fact> seen_;
};

}  // namespace proctor::proposer

#endif  // PROCTOR_PROPOSER_DRAFT_TRIAL_H_
