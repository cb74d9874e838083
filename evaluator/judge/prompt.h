// From a stage and a recorded trajectory to the messages that are sent.
#ifndef PROCTOR_EVALUATOR_JUDGE_PROMPT_H_
#define PROCTOR_EVALUATOR_JUDGE_PROMPT_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/call_context.h"
#include "evaluator/judge/record_view.h"
#include "model/chat.h"
#include "model/fence.h"
#include "proctor/v1/judge.pb.h"
#include "storage/blob_store.h"

namespace proctor::evaluator {

// What earlier stages found, by their id; questions in order.
using StageResults = std::map<std::string, std::vector<v1::JudgeQuestion>>;

// What templates' slots are filled from.
struct PromptSources {
  const RecordView& view;
  const StageResults& results;
  const storage::BlobStore& blobs;
  model::FenceKey key;
  // The second record of a comparison.
  const RecordView* other = nullptr;
};

// What is sent, and the tag that the reply is read by.
struct Prompt {
  std::vector<model::Message> messages;
  std::string verdict_tag;
};

// Renders the question `index` (as in JudgeQuestion) of a stage that ValidateJudge accepted. The same sources give the same
// prompt. Errors: NOT_FOUND or DATA_LOSS a screenshot's bytes; CANCELLED and DEADLINE_EXCEEDED.
absl::StatusOr<Prompt> RenderPrompt(const CallContext& context, const v1::JudgeStage& stage, int index,
                                    const PromptSources& sources);

}  // namespace proctor::evaluator

#endif  // PROCTOR_EVALUATOR_JUDGE_PROMPT_H_
