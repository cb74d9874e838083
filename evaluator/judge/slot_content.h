// What one slot of a template stands for.
#ifndef PROCTOR_EVALUATOR_JUDGE_SLOT_CONTENT_H_
#define PROCTOR_EVALUATOR_JUDGE_SLOT_CONTENT_H_

#include <string>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "common/call_context.h"
#include "evaluator/judge/prompt.h"

namespace proctor::evaluator {

// Text of ours or of the task's author.
struct TrustedText {
  std::string text;
};

// Text of a page, an agent or a model: to be fenced.
struct FencedText {
  // What it is: "answer".
  std::string name;
  std::string text;
};

// In the order in which it stands.
using SlotContent = std::vector<std::variant<TrustedText, FencedText, model::ImagePart>>;

// Errors as RenderPrompt.
absl::StatusOr<SlotContent> FillSlot(const CallContext& context, const std::string& name, const v1::Slot& slot,
                                     const v1::JudgeStage& stage, int index, const PromptSources& sources);

// What a page slot shows of the observation that the question `index` of its stage sees; empty if that has no such part. The view's.
const std::string& PageText(const v1::PageSlot& slot, const RecordView& view, int index);

// The bytes of a screenshot, with where the agent acted next drawn on it if asked (then as a PNG of its own).
absl::StatusOr<model::ImagePart> LoadPicture(const CallContext& context, const Screenshot& screenshot, bool draw_action,
                                             const PromptSources& sources);

}  // namespace proctor::evaluator

#endif  // PROCTOR_EVALUATOR_JUDGE_SLOT_CONTENT_H_
