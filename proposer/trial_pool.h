// Tries drafts in several browsers at once.
#ifndef PROCTOR_PROPOSER_TRIAL_POOL_H_
#define PROCTOR_PROPOSER_TRIAL_POOL_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/call_context.h"
#include "common/executor.h"
#include "proposer/crawler.h"
#include "proposer/draft.h"
#include "proposer/draft_trial.h"
#include "proposer/site_explorer.h"

namespace proctor::proposer {

// Who looks around on the site. All outlive what is given them.
struct ExplorerTeam {
  // At least one; the first crawls. Each is used by one thread at a time.
  std::vector<SiteExplorer*> explorers;
  // Runs all explorers but the first, which the caller's thread runs; null: only the first is used.
  Executor* pool = nullptr;
};

// A draft to try, and what came out: see DraftTrial::Run.
struct TrialItem {
  Draft* draft = nullptr;
  std::vector<std::string> wrong_answers;
  absl::StatusOr<std::string> outcome = absl::UnknownError("not tried");
};

// Used by one thread.
class TrialPool {
 public:
  // `oracle` and `pace` outlive the pool. Page loads of all explorers together keep `pace`.
  TrialPool(const ExplorerTeam& team, const OracleCheck& oracle, const SiteUrls& urls, Pace& pace);

  // Tries all items and returns when the last one is done. Once the context ends, the rest have its error. Explorers that get no browser at
  // once leave their share to the others; the first one waits for it, and the others give theirs up (SiteExplorer::Release) once
  // their share is done. Not OK: the first got none (SiteExplorer::Acquire), the rest is not tried.
  absl::Status Run(const CallContext& context, std::vector<TrialItem>& items);

 private:
  Executor* const pool_;
  std::vector<SiteExplorer*> explorers_;
  // In the order of the explorers.
  std::vector<std::unique_ptr<DraftTrial>> trials_;
};

}  // namespace proctor::proposer

#endif  // PROCTOR_PROPOSER_TRIAL_POOL_H_
