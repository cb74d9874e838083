#include "evaluator/judge/validate_judge.h"

#include <cmath>
#include <map>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/json.h"
#include "common/status.h"
#include "common/strings.h"
#include "evaluator/judge/template_text.h"

namespace proctor::evaluator {
namespace {

constexpr int kMaxStages = 8;
constexpr int kMaxRetries = 5;
constexpr int kMaxQuestions = 1000;
constexpr int kMaxScreenshots = 50;
constexpr int kMaxSamples = 128;
constexpr int kMaxTextBytes = 1 << 20;
constexpr int kMaxGrades = 20;
constexpr int kMaxTemplateBytes = 64 << 10;
// A scale with more steps is no scale that a model can tell apart.
constexpr int kMaxScaleSteps = 1000;
// Its ends are written as `int`, and counted through.
constexpr double kMaxScaleEnd = 1e9;

using Scopes = std::map<std::string, v1::QuestionScope>;

absl::Status Invalid(const std::string& text) { return absl::InvalidArgumentError(text); }

bool InRange(double value, double low, double high) { return value >= low && value <= high; }

absl::Status CheckSampling(const v1::Sampling& sampling) {
  if (!InRange(sampling.n(), 0, kMaxSamples)) return Invalid("n must be 0 to 128");
  if (sampling.has_temperature() && !InRange(sampling.temperature(), 0, 2)) return Invalid("temperature must be 0 to 2");
  if (sampling.has_top_p() && !(sampling.top_p() > 0 && sampling.top_p() <= 1)) return Invalid("top_p must be in (0, 1]");
  if (sampling.max_tokens() < 0) return Invalid("max_tokens must not be negative");
  if (sampling.stop_size() > 4) return Invalid("stop: at most 4");
  if (!InRange(sampling.top_logprobs(), 0, 20)) return Invalid("top_logprobs must be 0 to 20");
  if (!sampling.json_schema().empty() && !ParseJson(sampling.json_schema()).ok()) {
    return Invalid("json_schema is no JSON");
  }
  return absl::OkStatus();
}

absl::Status CheckGrades(const google::protobuf::RepeatedPtrField<v1::Grade>& grades) {
  if (!InRange(grades.size(), 2, kMaxGrades)) return Invalid("grades: 2 to 20 are needed");
  std::set<std::string> texts;
  for (const v1::Grade& grade : grades) {
    if (grade.text().empty() || !texts.insert(grade.text()).second) {
      return Invalid(absl::StrCat("grades: `", grade.text(), "` is empty or there twice"));
    }
    if (!InRange(grade.score(), 0, 1)) return Invalid(absl::StrCat("grades: `", grade.text(), "`: score must be 0 to 1"));
  }
  return absl::OkStatus();
}

absl::Status CheckScale(double min, double max) {
  if (!std::isfinite(min) || !std::isfinite(max) || !(max > min)) return Invalid("max must be above min");
  return absl::OkStatus();
}

absl::Status CheckPlace(const v1::ValuePlace& place) {
  PROCTOR_ASSIGN_OR_RETURN(const auto pieces, ParseTemplate(place.after()));
  for (const TemplatePiece& piece : pieces) {
    if (piece.is_slot && piece.text != kVerdictTagSlot) {
      return Invalid(absl::StrCat("after: only {{", ToAbsl(kVerdictTagSlot), "}} can be used here"));
    }
  }
  return absl::OkStatus();
}

// See NumberParser.integers_only.
absl::Status CheckTokensTellNumbersApart(const v1::NumberParser& number) {
  if (!number.integers_only()) return Invalid("LOGPROB_EXPECTATION needs integers_only");
  if (number.max() - number.min() > kMaxScaleSteps) return Invalid("the scale is too long for LOGPROB_EXPECTATION");
  if (!InRange(number.min(), -kMaxScaleEnd, kMaxScaleEnd) || !InRange(number.max(), -kMaxScaleEnd, kMaxScaleEnd)) {
    return Invalid("min and max must be -1000000000 to 1000000000 for LOGPROB_EXPECTATION");
  }
  std::set<std::string> texts;
  const auto first = static_cast<int64_t>(std::ceil(number.min())), last = static_cast<int64_t>(std::floor(number.max()));
  for (int64_t value = first; value <= last; ++value) texts.insert(absl::StrCat(value));
  for (const std::string& text : texts) {
    for (size_t length = 1; length < text.size(); ++length) {
      if (texts.contains(text.substr(0, length))) {
        return Invalid(absl::StrCat("LOGPROB_EXPECTATION: on this scale the token ", text.substr(0, length),
                                    " may be the beginning of ", text, "; use MEAN or another scale"));
      }
    }
  }
  return absl::OkStatus();
}

absl::Status CheckParser(const v1::ReplyParser& parser) {
  switch (parser.kind_case()) {
    case v1::ReplyParser::kText:
      return absl::OkStatus();
    case v1::ReplyParser::kGrade:
      PROCTOR_RETURN_IF_ERROR(CheckPlace(parser.grade().place()));
      return CheckGrades(parser.grade().grades());
    case v1::ReplyParser::kNumber:
      PROCTOR_RETURN_IF_ERROR(CheckPlace(parser.number().place()));
      return CheckScale(parser.number().min(), parser.number().max());
    case v1::ReplyParser::kJson:
      if (parser.json().field().empty()) return Invalid("json.field is empty");
      if (parser.json().grades_size() > 0) return CheckGrades(parser.json().grades());
      return CheckScale(parser.json().min(), parser.json().max());
    case v1::ReplyParser::KIND_NOT_SET:
      break;
  }
  return Invalid("a parser needs a kind: text, grade, number or json");
}

absl::Status CheckScreenshots(const v1::ScreenshotsSlot& slot, v1::QuestionScope scope, const Scopes& earlier) {
  if (!InRange(slot.max(), 0, kMaxScreenshots)) return Invalid("max must be 0 to 50");
  switch (slot.which_case()) {
    case v1::ScreenshotsSlot::kLast:
      return InRange(slot.last(), 1, kMaxScreenshots) ? absl::OkStatus() : Invalid("last must be 1 to 50");
    case v1::ScreenshotsSlot::kAll:
      return absl::OkStatus();
    case v1::ScreenshotsSlot::kCurrent:
    case v1::ScreenshotsSlot::kBefore:
      if (scope != v1::QUESTION_SCOPE_TRAJECTORY) return absl::OkStatus();
      return Invalid("`current` and `before` are for the scopes SCREENSHOT and STEP");
    case v1::ScreenshotsSlot::kKey: {
      const auto stage = earlier.find(slot.key().stage());
      if (stage != earlier.end() && stage->second == v1::QUESTION_SCOPE_SCREENSHOT) return absl::OkStatus();
      return Invalid(absl::StrCat("key: there is no earlier stage `", slot.key().stage(), "` of scope SCREENSHOT"));
    }
    case v1::ScreenshotsSlot::WHICH_NOT_SET:
      break;
  }
  return Invalid("which screenshots: last, all, current, before or key");
}

absl::Status CheckPage(const v1::PageSlot& slot, v1::QuestionScope scope) {
  const bool of_step = slot.moment() == v1::PAGE_MOMENT_BEFORE || slot.moment() == v1::PAGE_MOMENT_AFTER;
  if (of_step && scope != v1::QUESTION_SCOPE_STEP) return Invalid("BEFORE and AFTER are for the scope STEP");
  return absl::OkStatus();
}

absl::Status CheckResult(const v1::ResultSlot& slot, v1::QuestionScope scope, const Scopes& earlier) {
  const auto stage = earlier.find(slot.stage());
  if (stage == earlier.end()) return Invalid(absl::StrCat("there is no earlier stage `", slot.stage(), "`"));
  const bool of_step = slot.moment() == v1::RESULT_MOMENT_BEFORE || slot.moment() == v1::RESULT_MOMENT_AFTER;
  if (of_step && (scope != v1::QUESTION_SCOPE_STEP || stage->second != v1::QUESTION_SCOPE_SCREENSHOT)) {
    return Invalid("BEFORE and AFTER are for the scope STEP and a stage of scope SCREENSHOT");
  }
  return absl::OkStatus();
}

absl::Status CheckSlot(const v1::Slot& slot, v1::QuestionScope scope, const Scopes& earlier) {
  if (!InRange(slot.max_bytes(), 0, kMaxTextBytes)) return Invalid("max_bytes must be 0 to 1 MiB");
  switch (slot.content_case()) {
    case v1::Slot::kTask:
    case v1::Slot::kAnswer:
      return absl::OkStatus();
    case v1::Slot::kScreenshots:
      return CheckScreenshots(slot.screenshots(), scope, earlier);
    case v1::Slot::kActions:
      if (!slot.actions().current() || scope == v1::QUESTION_SCOPE_STEP) return absl::OkStatus();
      return Invalid("`current` is for the scope STEP");
    case v1::Slot::kPage:
      return CheckPage(slot.page(), scope);
    case v1::Slot::kResult:
      return CheckResult(slot.result(), scope, earlier);
    case v1::Slot::CONTENT_NOT_SET:
      break;
  }
  return Invalid("a slot needs a content");
}

// Every slot that is used is declared, and the other way round; pictures are for users' messages.
absl::Status CheckMessages(const v1::JudgeStage& stage) {
  std::set<std::string> used;
  bool asks = false;
  for (int i = 0; i < stage.messages_size(); ++i) {
    const v1::PromptMessage& message = stage.messages(i);
    const std::string path = absl::StrCat("messages[", i, "]");
    const bool user = message.role() == v1::PROMPT_ROLE_USER || message.role() == v1::PROMPT_ROLE_UNSPECIFIED;
    asks = asks || user;
    if (message.template_().size() > kMaxTemplateBytes) return Invalid(path + ": longer than 64 KiB");
    if (message.role() == v1::PROMPT_ROLE_SYSTEM && i > 0) return Invalid(path + ": only the first can be SYSTEM");
    absl::StatusOr<std::vector<TemplatePiece>> pieces = ParseTemplate(message.template_());
    PROCTOR_RETURN_IF_ERROR(Annotate(pieces.status(), path));
    for (const TemplatePiece& piece : *pieces) {
      if (!piece.is_slot || piece.text == kVerdictTagSlot) continue;
      const auto slot = stage.slots().find(piece.text);
      if (slot == stage.slots().end()) return Invalid(absl::StrCat(path, ": the slot `", piece.text, "` is not declared"));
      if (slot->second.has_screenshots() && !user) return Invalid(absl::StrCat(path, ": pictures are for USER messages"));
      used.insert(piece.text);
    }
  }
  if (!asks) return Invalid("messages: at least one USER message is needed");
  for (const auto& [name, slot] : stage.slots()) {
    if (!used.contains(name)) return Invalid(absl::StrCat("slots[", name, "] is not used"));
  }
  return absl::OkStatus();
}

v1::QuestionScope ScopeOf(const v1::JudgeStage& stage) {
  return stage.scope() == v1::QUESTION_SCOPE_UNSPECIFIED ? v1::QUESTION_SCOPE_TRAJECTORY : stage.scope();
}

absl::Status CheckStage(const v1::JudgeStage& stage, const Scopes& earlier) {
  if (!IsSlotName(stage.id())) return Invalid("id must be `[a-z][a-z0-9_]{0,31}`");
  if (earlier.contains(stage.id())) return Invalid(absl::StrCat("the id `", stage.id(), "` is there twice"));
  if (!InRange(stage.retries(), 0, kMaxRetries)) return Invalid("retries must be 0 to 5");
  if (!InRange(stage.max_questions(), 0, kMaxQuestions)) return Invalid("max_questions must be 0 to 1,000");
  PROCTOR_RETURN_IF_ERROR(Annotate(CheckSampling(stage.sampling()), "sampling"));
  PROCTOR_RETURN_IF_ERROR(Annotate(CheckParser(stage.parser()), "parser"));
  for (const auto& [name, slot] : stage.slots()) {
    PROCTOR_RETURN_IF_ERROR(Annotate(CheckSlot(slot, ScopeOf(stage), earlier), absl::StrCat("slots[", name, "]")));
  }
  PROCTOR_RETURN_IF_ERROR(CheckMessages(stage));
  const bool grades = stage.parser().has_grade() || stage.parser().json().grades_size() > 0;
  if (stage.aggregation() == v1::SAMPLE_AGGREGATION_MAJORITY && !grades) return Invalid("MAJORITY is for grades");
  if (stage.aggregation() != v1::SAMPLE_AGGREGATION_LOGPROB_EXPECTATION) return absl::OkStatus();
  if (!stage.parser().has_number()) return Invalid("LOGPROB_EXPECTATION is for numbers");
  if (stage.sampling().top_logprobs() == 0) return Invalid("LOGPROB_EXPECTATION needs sampling.top_logprobs");
  return CheckTokensTellNumbersApart(stage.parser().number());
}

}  // namespace

absl::Status ValidatePairJudge(const v1::PairJudge& judge) {
  PROCTOR_RETURN_IF_ERROR(Annotate(CheckStage(judge.stage(), {}), "stage"));
  if (ScopeOf(judge.stage()) != v1::QUESTION_SCOPE_TRAJECTORY) return Invalid("stage: scope must be TRAJECTORY");
  const bool grades = judge.stage().parser().has_grade() || judge.stage().parser().json().grades_size() > 0;
  return grades ? absl::OkStatus() : Invalid("stage: a comparison is answered by grades");
}

absl::Status ValidateJudge(const v1::Judge& judge) {
  if (!InRange(judge.stages_size(), 1, kMaxStages)) return Invalid("stages: 1 to 8 are needed");
  Scopes earlier;
  for (int i = 0; i < judge.stages_size(); ++i) {
    const v1::JudgeStage& stage = judge.stages(i);
    for (const auto& [name, slot] : stage.slots()) {
      if (slot.side() == v1::RECORD_SIDE_UNSPECIFIED) continue;
      return Invalid(absl::StrCat("stages[", i, "]: slots[", name, "]: `side` is for a pair_judge"));
    }
    PROCTOR_RETURN_IF_ERROR(Annotate(CheckStage(stage, earlier), absl::StrCat("stages[", i, "]")));
    earlier[stage.id()] = ScopeOf(stage);
  }
  if (judge.stages().rbegin()->parser().has_text()) {
    return Invalid("the last stage gives the verdict: its parser cannot be `text`");
  }
  return absl::OkStatus();
}

}  // namespace proctor::evaluator
