// What the crawling proposer needs of a browser, and of an evaluator. Implemented by server/ over env::World and
// evaluator/, and by fakes in tests.
#ifndef PROCTOR_PROPOSER_SITE_EXPLORER_H_
#define PROCTOR_PROPOSER_SITE_EXPLORER_H_

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/call_context.h"
#include "proctor/v1/action.pb.h"
#include "proctor/v1/observation.pb.h"
#include "proctor/v1/oracle.pb.h"
#include "proctor/v1/task.pb.h"
#include "proctor/v1/trajectory.pb.h"
#include "proctor/v1/verdict.pb.h"

namespace proctor::proposer {

// One browser tab to look around with. Used by one thread at a time. All calls wait until the page came to rest.
class SiteExplorer {
 public:
  // The world after Reset.
  struct Start {
    v1::Observation observation;
    // Base URLs by placeholder in force (`__SHOP__` to `http://...`).
    std::map<std::string, std::string> base_urls;
  };

  virtual ~SiteExplorer() = default;

  // Asks for a browser, before each Reset (the next task, the next page): it may have to be shared with others, and what was open before may be
  // gone. Waits for it; not OK: there is none to be had, no use in going on. Explorers that need not share always have one.
  virtual absl::Status Acquire(const CallContext&) { return absl::OkStatus(); }
  // The same without waiting: false, there is none just now.
  virtual bool TryAcquire() { return true; }
  // Nothing is explored for now: what it has may go to others. Acquire or TryAcquire come before the next Reset.
  virtual void Release() {}

  // Brings a fresh context (no cookies, no history) to the task's start.
  virtual absl::StatusOr<Start> Reset(const CallContext& context, const v1::Task& task,
                                      const v1::ObservationRequest& request) = 0;

  // Acts as an agent would; `goto` included. Never called with `answer` and `give_up`.
  virtual absl::StatusOr<v1::Observation> Act(const CallContext& context, const v1::Action& action,
                                              const v1::ObservationRequest& request) = 0;

  // The value of a JavaScript expression in the page as it stands, as JSON text. UNAVAILABLE if it threw.
  virtual absl::StatusOr<std::string> Evaluate(const CallContext& context, const std::string& expression) = 0;

  // Collects evidence without touching the tab; one result a request, in order.
  virtual std::vector<v1::Evidence> Collect(const CallContext& context,
                                            const std::vector<v1::EvidenceRequest>& requests) = 0;
};

// How success is judged. Both functions are thread-safe and pure.
struct OracleCheck {
  // What must be collected before Judge can tell.
  std::function<std::vector<v1::EvidenceRequest>(const v1::Task&)> evidence;
  std::function<absl::StatusOr<v1::Verdict>(const v1::Trajectory&)> judge;
};

}  // namespace proctor::proposer

#endif  // PROCTOR_PROPOSER_SITE_EXPLORER_H_
