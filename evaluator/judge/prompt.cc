#include "evaluator/judge/prompt.h"

#include <utility>

#include "common/status.h"
#include "evaluator/judge/slot_content.h"
#include "evaluator/judge/template_text.h"

namespace proctor::evaluator {
namespace {

model::Role RoleOf(v1::PromptRole role) {
  switch (role) {
    case v1::PROMPT_ROLE_SYSTEM:
      return model::Role::kSystem;
    case v1::PROMPT_ROLE_ASSISTANT:
      return model::Role::kAssistant;
    default:
      return model::Role::kUser;
  }
}

// Appends to the last text, so that there is one text part between two pictures.
void AddText(const std::string& text, std::vector<model::Part>& parts) {
  if (text.empty()) return;
  if (!parts.empty()) {
    if (auto* last = std::get_if<model::TextPart>(&parts.back())) {
      last->text += text;
      return;
    }
  }
  parts.push_back(model::TextPart{text});
}

void AddContent(const SlotContent& content, const model::Fence& fence, std::vector<model::Part>& parts) {
  for (const auto& piece : content) {
    if (const auto* ours = std::get_if<TrustedText>(&piece)) {
      AddText(ours->text, parts);
    } else if (const auto* theirs = std::get_if<FencedText>(&piece)) {
      AddText(fence.Wrap(theirs->name, theirs->text), parts);
    } else {
      parts.push_back(std::get<model::ImagePart>(piece));
    }
  }
}

std::vector<std::string> FencedTexts(const std::map<std::string, SlotContent>& contents) {
  std::vector<std::string> texts;
  for (const auto& [name, content] : contents) {
    for (const auto& piece : content) {
      if (const auto* theirs = std::get_if<FencedText>(&piece)) texts.push_back(theirs->text);
    }
  }
  return texts;
}

}  // namespace

absl::StatusOr<Prompt> RenderPrompt(const CallContext& context, const v1::JudgeStage& stage, int index,
                                    const PromptSources& sources) {
  std::map<std::string, SlotContent> contents;
  for (const auto& [name, slot] : stage.slots()) {
    PROCTOR_ASSIGN_OR_RETURN(contents[name], FillSlot(context, name, slot, stage, index, sources));
  }
  const model::Fence fence(sources.key, FencedTexts(contents));
  Prompt prompt;
  prompt.verdict_tag = fence.verdict_tag();
  for (const v1::PromptMessage& message : stage.messages()) {
    PROCTOR_ASSIGN_OR_RETURN(const std::vector<TemplatePiece> pieces, ParseTemplate(message.template_()));
    model::Message rendered{.role = RoleOf(message.role()), .parts = {}};
    for (const TemplatePiece& piece : pieces) {
      if (!piece.is_slot) {
        AddText(piece.text, rendered.parts);
      } else if (piece.text == kVerdictTagSlot) {
        AddText(fence.verdict_tag(), rendered.parts);
      } else {
        AddContent(contents[piece.text], fence, rendered.parts);
      }
    }
    prompt.messages.push_back(std::move(rendered));
  }
  return prompt;
}

}  // namespace proctor::evaluator
