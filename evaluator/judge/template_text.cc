#include "evaluator/judge/template_text.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/strings.h"

namespace proctor::evaluator {
namespace {

constexpr size_t kMaxNameBytes = 32;
constexpr std::string_view kOpen = "{{";
constexpr std::string_view kClose = "}}";

}  // namespace

bool IsSlotName(std::string_view name) {
  if (name.empty() || name.size() > kMaxNameBytes || !absl::ascii_islower(name[0])) return false;
  return std::all_of(name.begin(), name.end(),
                     [](char c) { return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '_'; });
}

absl::StatusOr<std::vector<TemplatePiece>> ParseTemplate(std::string_view text) {
  std::vector<TemplatePiece> pieces;
  while (!text.empty()) {
    const size_t open = text.find(kOpen);
    if (open != 0) pieces.push_back({false, std::string(text.substr(0, open))});
    if (open == std::string_view::npos) break;
    text.remove_prefix(open + kOpen.size());
    const size_t close = text.find(kClose);
    if (close == std::string_view::npos) return absl::InvalidArgumentError("`{{` without `}}`");
    const std::string_view name = text.substr(0, close);
    if (!IsSlotName(name)) {
      return absl::InvalidArgumentError(absl::StrCat("`{{", ToAbsl(name.substr(0, kMaxNameBytes)),
                                                     "}}` is no slot: names are lower-case letters, digits and `_`"));
    }
    pieces.push_back({true, std::string(name)});
    text.remove_prefix(close + kClose.size());
  }
  return pieces;
}

}  // namespace proctor::evaluator
