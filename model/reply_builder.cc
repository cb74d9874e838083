#include "model/reply_builder.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/strings.h"
#include "model/text_signals.h"

namespace proctor::model {
namespace {

constexpr int kMaxChoices = 128;

bool IsLengthEnd(const std::string& reason) {
  return reason == "length" || reason == "max_tokens" || reason == "model_length" ||
         reason == "model_context_window_exceeded";
}

bool IsFilterEnd(const std::string& reason) {
  return reason == "content_filter" || reason == "safety" || reason == "content_filtered";
}

}  // namespace

void ReplyBuilder::SetFailure(Failure failure) {
  if (failure_.ok()) failure_ = std::move(failure);
}

void ReplyBuilder::SetStreamFailure(Failure failure) {
  bool began = false;
  for (const auto& [index, choice] : choices_) began = began || !choice.text.empty() || !choice.reasoning.empty();
  if (began && IsTransient(failure.kind)) failure.kind = v1::MODEL_FAILURE_STREAM;
  SetFailure(std::move(failure));
}

void ReplyBuilder::SetModel(const std::string& model) {
  if (model_.empty()) model_ = SanitizeUtf8(TruncateUtf8(model, 256));
}

GrowingChoice* ReplyBuilder::At(int64_t index) {
  if (index < 0 || index >= kMaxChoices) return nullptr;
  return &choices_[index];
}

Choice ReplyBuilder::Judge(GrowingChoice growing, int images) const {
  Choice choice;
  choice.text = SanitizeUtf8(growing.text);
  choice.reasoning = SanitizeUtf8(growing.reasoning);
  choice.finish_reason = SanitizeUtf8(TruncateUtf8(growing.finish_reason, 64));
  choice.tokens = std::move(growing.tokens);
  const std::string reason = absl::AsciiStrToLower(choice.finish_reason);
  Failure failure;
  if (!growing.refusal.empty() || reason == "refusal") {
    failure = Fail(v1::MODEL_FAILURE_REFUSAL, "the model declined");
    if (choice.text.empty()) choice.text = SanitizeUtf8(growing.refusal);
  } else if (IsFilterEnd(reason)) {
    failure = Fail(v1::MODEL_FAILURE_CONTENT_FILTER, "the server's filter took the reply away");
  } else if (IsLengthEnd(reason)) {
    failure = Fail(v1::MODEL_FAILURE_TRUNCATED, absl::StrCat("cut off at the longest length: ", reason));
  } else if (absl::StripAsciiWhitespace(choice.text).empty()) {
    failure = Fail(v1::MODEL_FAILURE_EMPTY, growing.has_tools ? "calls of tools instead of text" : "no text");
  } else if (images > 0 && SaysNoVision(choice.text)) {
    failure = Fail(v1::MODEL_FAILURE_NO_VISION, "the model says that it sees no image");
  } else if (SaysRefusal(choice.text)) {
    failure = Fail(v1::MODEL_FAILURE_REFUSAL, "the model declined in words");
  }
  choice.failure = failure.kind;
  choice.failure_detail = std::move(failure.detail);
  return choice;
}

ChatReply ReplyBuilder::Build(int images) && {
  ChatReply reply;
  reply.call.set_model(model_);
  *reply.call.mutable_usage() = std::move(usage_);
  if (failure_.ok() && choices_.empty()) failure_ = Fail(v1::MODEL_FAILURE_MALFORMED, "no choice in the reply");
  if (failure_.ok() && choices_.rbegin()->first + 1 != static_cast<int64_t>(choices_.size())) {
    failure_ = Fail(v1::MODEL_FAILURE_MALFORMED, "choices are missing");
  }
  for (const auto& [index, choice] : choices_) {
    if (failure_.ok() && !choice.ended) {
      failure_ = Fail(v1::MODEL_FAILURE_MALFORMED, "the reply ends before its choices do");
    }
  }
  if (!failure_.ok()) {
    reply.call.set_failure(failure_.kind);
    reply.call.set_failure_detail(failure_.detail);
    return reply;
  }
  for (auto& [index, choice] : choices_) reply.choices.push_back(Judge(std::move(choice), images));
  return reply;
}

}  // namespace proctor::model
