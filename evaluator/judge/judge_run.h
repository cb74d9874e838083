// Puts a judge's questions to a model.
#ifndef PROCTOR_EVALUATOR_JUDGE_JUDGE_RUN_H_
#define PROCTOR_EVALUATOR_JUDGE_JUDGE_RUN_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/call_context.h"
#include "common/executor.h"
#include "evaluator/judge/prompt.h"
#include "model/chat.h"
#include "proctor/v1/judge.pb.h"
#include "proctor/v1/trajectory.pb.h"
#include "storage/blob_store.h"

namespace proctor::evaluator {

// Who answers questions: models behind HTTP, or the replies that were stored with a verdict. Thread-safe.
class JudgeModel {
 public:
  using Done = std::function<void(model::ChatReply)>;

  virtual ~JudgeModel() = default;

  // Calls `done` once, on any thread, maybe before it returns. `model` is a configured name; empty: the default one. What goes
  // wrong stands in the reply.
  virtual void Ask(const CallContext& context, const std::string& model, model::ChatRequest request, Done done) = 0;
};

// What a run needs; all outlive it.
struct JudgeParts {
  const storage::BlobStore& blobs;
  JudgeModel& model;
  // Where prompts are rendered and replies read; nothing waits on it.
  Executor& pool;
  // Of the data directory; see model::FenceKey.
  std::string secret;
};

// What is to be judged, by what.
struct JudgeWork {
  // ValidateJudge accepted it.
  v1::Judge judge;
  std::string evaluator_version;
  // Of scores, (0, 1].
  double success_threshold = 0.5;
  // Closed.
  std::shared_ptr<const v1::Trajectory> trajectory;
  // The second one of a comparison; else null.
  std::shared_ptr<const v1::Trajectory> other = nullptr;
  // Results that are there before the first stage; mostly none.
  StageResults given = {};
};

using JudgeDone = std::function<void(absl::StatusOr<std::vector<v1::JudgeQuestion>>)>;

// Asks stage after stage, the questions of a stage side by side (16 at a time), and calls `done` once, on `parts.pool`, with
// all of them in order. No thread is held while a model thinks. After a stage of which a question failed
// (see Failed), or none is valid, no further stage is asked. `done` may destroy `parts`' owners.
// Errors: RESOURCE_EXHAUSTED a budget is spent; DEADLINE_EXCEEDED, CANCELLED; NOT_FOUND, DATA_LOSS a screenshot. A model that
// cannot be reached or cannot be understood is no error: its questions are invalid and say why.
void RunJudge(const CallContext& context, JudgeWork work, const JudgeParts& parts, JudgeDone done);

}  // namespace proctor::evaluator

#endif  // PROCTOR_EVALUATOR_JUDGE_JUDGE_RUN_H_
