// Templates with `{{name}}`.
#ifndef PROCTOR_EVALUATOR_JUDGE_TEMPLATE_TEXT_H_
#define PROCTOR_EVALUATOR_JUDGE_TEMPLATE_TEXT_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace proctor::evaluator {

// The slot that every template has: the tag to put before the verdict.
inline constexpr std::string_view kVerdictTagSlot = "verdict_tag";

// A piece of a template: text, or the name of a slot.
struct TemplatePiece {
  bool is_slot = false;
  std::string text;
};

// INVALID_ARGUMENT: `{{` without `}}`, a name that is not `[a-z][a-z0-9_]{0,31}`.
absl::StatusOr<std::vector<TemplatePiece>> ParseTemplate(std::string_view text);

// `[a-z][a-z0-9_]{0,31}`.
bool IsSlotName(std::string_view name);

}  // namespace proctor::evaluator

#endif  // PROCTOR_EVALUATOR_JUDGE_TEMPLATE_TEXT_H_
