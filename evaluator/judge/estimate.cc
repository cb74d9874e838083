#include "evaluator/judge/estimate.h"

#include <algorithm>
#include <variant>

#include "common/status.h"
#include "evaluator/evaluator_config.h"
#include "evaluator/judge/judge_verdict.h"
#include "evaluator/judge/prompt.h"
#include "evaluator/judge/questions.h"

namespace proctor::evaluator {
namespace {

constexpr int64_t kBytesPerToken = 4;
constexpr int64_t kTokensPerPicture = 1000;
// Sampling.max_tokens says so.
constexpr int64_t kDefaultMaxTokens = 1024;

using Estimates = std::map<std::string, TokenEstimate>;

int64_t TokensOf(const Prompt& prompt) {
  int64_t tokens = 0;
  for (const model::Message& message : prompt.messages) {
    for (const model::Part& part : message.parts) {
      const auto* text = std::get_if<model::TextPart>(&part);
      tokens += text == nullptr ? kTokensPerPicture : static_cast<int64_t>(text->text.size()) / kBytesPerToken;
    }
  }
  return tokens;
}

absl::Status AddJudge(const CallContext& context, const v1::Judge& judge, const RecordView& view,
                      const storage::BlobStore& blobs, Estimates& estimates) {
  v1::Verdict ignored;
  if (DecideWithoutQuestions(judge, view, &ignored)) return absl::OkStatus();
  const StageResults none;
  for (const v1::JudgeStage& stage : judge.stages()) {
    TokenEstimate& estimate = estimates[stage.model()];
    const int64_t longest = stage.sampling().max_tokens() > 0 ? stage.sampling().max_tokens() : kDefaultMaxTokens;
    for (const v1::JudgeQuestion& question : PlanQuestions(stage, view)) {
      if (question.skipped()) continue;
      PROCTOR_ASSIGN_OR_RETURN(const Prompt prompt,
                               RenderPrompt(context, stage, question.index(), {view, none, blobs, model::FenceKey{}, nullptr}));
      ++estimate.questions;
      estimate.input_tokens += TokensOf(prompt);
      estimate.output_tokens += longest * std::max(1, stage.sampling().n());
    }
  }
  return absl::OkStatus();
}

absl::Status Add(const CallContext& context, const v1::Evaluator& evaluator, const RecordView& view,
                 const storage::BlobStore& blobs, Estimates& estimates) {
  if (evaluator.has_judge()) return AddJudge(context, evaluator.judge(), view, blobs, estimates);
  for (const v1::Evaluator* member : MembersOf(evaluator)) {
    PROCTOR_RETURN_IF_ERROR(Add(context, *member, view, blobs, estimates));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Estimates> EstimateTokens(const CallContext& context, const v1::Evaluator& evaluator,
                                         const v1::Trajectory& trajectory, const storage::BlobStore& blobs) {
  Estimates estimates;
  PROCTOR_RETURN_IF_ERROR(Add(context, evaluator, RecordView(trajectory), blobs, estimates));
  return estimates;
}

}  // namespace proctor::evaluator
