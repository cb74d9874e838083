#include "proposer/proposal_lines.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/json.h"
#include "common/strings.h"
#include "proposer/model_source.h"
#include "proposer/text.h"

namespace proctor::proposer {
namespace {

constexpr size_t kMaxReplyBytes = 1 << 20;
constexpr size_t kMaxLineBytes = 16 << 10;
constexpr size_t kMaxGoalBytes = 2'000;
constexpr size_t kMaxAreaBytes = 80;
constexpr size_t kMaxExcerptBytes = 200;

// Why a line is no task; UNSPECIFIED: it is one.
struct Fault {
  v1::BadLineReason reason = v1::BAD_LINE_REASON_UNSPECIFIED;
  std::string detail;

  bool ok() const { return reason == v1::BAD_LINE_REASON_UNSPECIFIED; }
};

Fault ReadText(const Json& object, const char* field, size_t max_bytes, std::string& text) {
  const auto found = object.find(field);
  if (found == object.end() || found->is_null()) return {v1::BAD_LINE_REASON_MISSING_FIELD, field};
  if (!found->is_string()) return {v1::BAD_LINE_REASON_BAD_FIELD, field};
  const std::string& raw = found->get_ref<const std::string&>();
  if (raw.size() > max_bytes) return {v1::BAD_LINE_REASON_TOO_LONG, field};
  text = CleanText(raw, max_bytes);
  if (text.empty()) return {v1::BAD_LINE_REASON_MISSING_FIELD, field};
  return {};
}

Fault ReadDifficulty(const Json& object, const LineRules& rules, ProposedTask& task) {
  std::string text;
  if (Fault fault = ReadText(object, "difficulty", kMaxAreaBytes, text); !fault.ok()) return fault;
  for (const v1::TaskDifficulty difficulty : rules.difficulties) {
    if (Folded(text) == DifficultyName(difficulty)) task.difficulty = difficulty;
  }
  if (task.difficulty == v1::TASK_DIFFICULTY_UNSPECIFIED) return {v1::BAD_LINE_REASON_BAD_FIELD, "difficulty"};
  return {};
}

// A whole number from 1 to `most`.
Fault ReadNumber(const Json& object, const char* field, int most, int& number) {
  const auto found = object.find(field);
  if (found == object.end() || found->is_null()) return {v1::BAD_LINE_REASON_MISSING_FIELD, field};
  const double value = found->is_number() ? found->get<double>() : 0;
  if (value < 1 || value > most || value != std::floor(value)) return {v1::BAD_LINE_REASON_BAD_FIELD, field};
  number = static_cast<int>(value);
  return {};
}

Fault ReadPersona(const Json& object, const LineRules& rules, ProposedTask& task) {
  Fault fault = ReadNumber(object, "persona", rules.personas, task.persona);
  return fault.reason == v1::BAD_LINE_REASON_MISSING_FIELD ? Fault() : fault;
}

Fault ReadTask(std::string_view line, const LineRules& rules, ProposedTask& task) {
  if (line.size() > kMaxLineBytes) return {v1::BAD_LINE_REASON_TOO_LONG, "the line"};
  const absl::StatusOr<Json> object = ParseJson(line);
  if (!object.ok()) return {v1::BAD_LINE_REASON_NOT_JSON, ""};
  if (!object->is_object()) return {v1::BAD_LINE_REASON_NOT_AN_OBJECT, ""};
  if (Fault fault = ReadText(*object, "goal", kMaxGoalBytes, task.goal); !fault.ok()) return fault;
  if (Fault fault = ReadText(*object, "area", kMaxAreaBytes, task.area); !fault.ok()) return fault;
  if (Fault fault = ReadText(*object, "kind", kMaxAreaBytes, task.kind); !fault.ok()) return fault;
  task.kind = Folded(task.kind);
  const auto& kinds = ModelTaskKinds();
  if (std::find(kinds.begin(), kinds.end(), task.kind) == kinds.end()) return {v1::BAD_LINE_REASON_BAD_FIELD, "kind"};
  if (Fault fault = ReadDifficulty(*object, rules, task); !fault.ok()) return fault;
  if (Fault fault = ReadPersona(*object, rules, task); !fault.ok()) return fault;
  return rules.visits > 0 ? ReadNumber(*object, "visit", rules.visits, task.visit) : Fault();
}

v1::BadLine Bad(int number, std::string_view line, const Fault& fault) {
  v1::BadLine bad;
  bad.set_line(number);
  bad.set_reason(fault.reason);
  bad.set_detail(fault.detail);
  bad.set_excerpt(CleanText(line.substr(0, kMaxExcerptBytes), kMaxExcerptBytes));
  return bad;
}

std::vector<std::string_view> Lines(std::string_view reply) {
  std::vector<std::string_view> lines;
  for (const absl::string_view line : absl::StrSplit(ToAbsl(reply), '\n')) {
    lines.push_back(ToStd(absl::StripAsciiWhitespace(line)));
  }
  return lines;
}

// The line of the tag, whatever marks a model adds to it: "**VERDICT-...**:".
bool IsTag(std::string_view line, std::string_view tag) {
  const size_t first = line.find_first_not_of("*_`#>- ");
  if (first == std::string_view::npos) return false;
  line.remove_prefix(first);
  if (!line.starts_with(tag)) return false;
  return line.find_first_not_of("*_`: ", tag.size()) == std::string_view::npos;
}

// Index of the first line after the last tag; nothing without one.
std::optional<size_t> FirstTask(const std::vector<std::string_view>& lines, const std::string& tag) {
  for (size_t i = lines.size(); i > 0; --i) {
    if (IsTag(lines[i - 1], tag)) return i;
  }
  return std::nullopt;
}

}  // namespace

const std::vector<std::string>& ModelTaskKinds() {
  static const auto& kinds = *new std::vector<std::string>{"find_information", "navigate", "interact"};
  return kinds;
}

ProposalLines ReadProposals(std::string_view reply, const LineRules& rules) {
  ProposalLines found;
  if (reply.size() > kMaxReplyBytes) {
    found.bad.push_back(Bad(0, reply, {v1::BAD_LINE_REASON_TOO_LONG, "the reply"}));
    return found;
  }
  const std::vector<std::string_view> lines = Lines(reply);
  const std::optional<size_t> first = FirstTask(lines, rules.tag);
  if (!first.has_value()) {
    found.bad.push_back(Bad(0, reply, {v1::BAD_LINE_REASON_NO_TAG, ""}));
    return found;
  }
  for (size_t i = *first; i < lines.size(); ++i) {
    if (lines[i].empty() || lines[i].starts_with("```")) continue;
    ProposedTask task;
    Fault fault = ReadTask(lines[i], rules, task);
    const bool last = i + 1 == lines.size();
    if (fault.reason == v1::BAD_LINE_REASON_NOT_JSON && last && rules.cut_off)
      fault.reason = v1::BAD_LINE_REASON_CUT_OFF;
    if (fault.ok() && static_cast<int>(found.tasks.size()) >= rules.max_tasks)
      fault.reason = v1::BAD_LINE_REASON_TOO_MANY;
    if (fault.ok()) {
      found.tasks.push_back(std::move(task));
    } else {
      found.bad.push_back(Bad(static_cast<int>(i) + 1, lines[i], fault));
    }
  }
  return found;
}

}  // namespace proctor::proposer
