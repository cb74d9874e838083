// Tasks that a model proposes for a site (Proposer-Agent-Evaluator, section 3.2).
#ifndef PROCTOR_PROPOSER_MODEL_PROPOSER_H_
#define PROCTOR_PROPOSER_MODEL_PROPOSER_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/call_context.h"
#include "model/chat.h"
#include "proctor/v1/task.pb.h"
#include "proctor/v1/task_service.pb.h"
#include "proposer/demonstration_replay.h"
#include "proposer/site_evidence.h"

namespace proctor::proposer {

// Who answers questions: implemented by server/ over the configured models, paid by the job. Thread-safe.
class ProposerModel {
 public:
  virtual ~ProposerModel() = default;

  // Asks all of them side by side and waits for every reply; they come in the order of the requests. `model` is a
  // configured name. What goes wrong stands in the reply; the end of the context ends calls, too.
  virtual std::vector<model::ChatReply> Ask(const CallContext& context, const std::string& model,
                                            std::vector<model::ChatRequest> requests) = 0;
};

// Stores the tasks of a batch (from 1), maybe none, and returns what is stored of the batch: something else where an
// earlier run of the same job had stored it and its replies are not at hand any more.
using StoreTasks = std::function<absl::StatusOr<std::vector<v1::Task>>(int batch, std::vector<v1::Task> tasks)>;

// Does a demonstration's actions again in a fresh world that begins as `start` does; `visit` counts the source's
// demonstrations from 0. Errors tell nothing of the demonstration: no world could be made, it broke, the context ended. RESOURCE_EXHAUSTED (there
// is no place for a world) ends the proposal.
using TryDemonstration =
    std::function<absl::StatusOr<DemonstrationReplay>(const CallContext& context, int visit, const v1::Task& start)>;

// What a running proposal tells; `result.tasks` grows with it. Its error ends the work.
using ModelProposalProgress = std::function<absl::Status(const v1::ProposeTasksResult& result)>;

// What a proposal looks at of a task of the site: goal, side, kind and area, some hundred bytes. The whole may have megabytes of files.
v1::Task KnownPartOf(const v1::Task& task);

// What a proposal works with; all of it outlives the call.
struct ModelProposalParts {
  ProposerModel& model;
  // Normalized, with both models named.
  const v1::ModelSource& source;
  const SiteEvidence& evidence;
  // KnownPartOf the tasks of the site in the order of creation, of whatever source and state: the same ones if the job starts again.
  const std::vector<v1::Task>& known;
  // Of the data directory; see model::FenceKey.
  std::string secret;
  StoreTasks store;
  // Needed if the source replays.
  TryDemonstration replay = nullptr;
  // May be empty.
  ModelProposalProgress progress = nullptr;
};

// `Lineage.source` of these tasks.
inline constexpr char kModelSource[] = "model";

// The task `index` (from 0) of a batch (from 1) of `jobs/{id}`.
std::string ModelTaskName(const std::string& job, int batch, int index);

// Asks for tasks in batches until `request.count` are accepted. Each question shows which areas have tasks already. A
// line of a reply that cannot be read costs that task alone. A goal nearly like another of the site (MinHash, 0.8) is
// dropped; one that is somewhat like another (0.65) goes to that one's side, and is dropped if the request has no share
// of it; all others go by the hash of their goal. Where the source replays, a task is dropped whose demonstration cannot
// be done again, or could not be tried. What is left is examined by a second question, no more at a time than are still
// wanted; what it does not accept is dropped. Each batch is stored before the next one is asked for. Blocks while models
// think. Fewer tasks than asked, even none, are no error: the result says why.
//
// A model that declines, is cut off or says nothing gives a batch without tasks, or a task that is dropped. A model
// that cannot be asked at all ends the work, with what model::ToStatus says: RESOURCE_EXHAUSTED a budget is spent,
// UNAVAILABLE, DEADLINE_EXCEEDED, CANCELLED, ... Errors also: those of `store`.
absl::StatusOr<v1::ProposeTasksResult> ProposeFromModel(const CallContext& context,
                                                        const v1::ProposeTasksRequest& request, const std::string& job,
                                                        const ModelProposalParts& parts);

}  // namespace proctor::proposer

#endif  // PROCTOR_PROPOSER_MODEL_PROPOSER_H_
