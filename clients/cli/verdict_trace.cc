#include "clients/cli/verdict_trace.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "clients/cli/command.h"
#include "clients/cli/text.h"

namespace proctor::cli {
namespace {

constexpr size_t kDigestDigits = 12;
// Of a raw reply; --json has all of it.
constexpr size_t kRawBytes = 4000;

// `text` with every line moved to the right.
std::string Indented(const std::string& text, const std::string& indent) {
  return absl::StrCat(indent, absl::StrJoin(absl::StrSplit(text, '\n'), absl::StrCat("\n", indent)));
}

std::string CostText(const v1::Usage& usage) {
  return absl::StrFormat("%d tokens in, %d out, $%.6f", usage.input_tokens(), usage.output_tokens(), usage.cost_usd());
}

std::string CallText(const v1::ModelCall& call) {
  std::string text = absl::StrCat("asked ", OneLine(call.endpoint()), call.model().empty() ? "" : ", model ",
                                  OneLine(call.model()), call.cached() ? " (from the cache)" : "", ": ",
                                  CostText(call.usage()), ", ", DurationText(call.latency()), ", request ",
                                  call.request_digest().substr(0, kDigestDigits));
  if (call.attempts() > 1) absl::StrAppend(&text, ", ", call.attempts(), " attempts");
  for (const std::string& fallback : call.fallbacks()) absl::StrAppend(&text, "\n  instead: ", OneLine(fallback));
  if (call.failure() != v1::MODEL_FAILURE_UNSPECIFIED) {
    absl::StrAppend(&text, "\n  failed: ", EnumLabel(v1::ModelFailure_descriptor(), call.failure()), ": ",
                    OneLine(call.failure_detail()));
  }
  if (!call.raw_reply().empty()) {
    absl::StrAppend(&text, "\n  raw reply:\n",
                    Indented(ManyLines(std::string_view(call.raw_reply()).substr(0, kRawBytes)), "  | "));
    if (call.raw_reply().size() > kRawBytes) absl::StrAppend(&text, "\n  | ... of ", call.raw_reply().size(), " bytes");
  }
  return text;
}

std::string SampleText(const v1::JudgeSample& sample) {
  if (sample.undetermined()) return "read: cannot tell";
  if (!sample.valid()) return absl::StrCat("invalid: ", OneLine(sample.invalid_reason()));
  return absl::StrCat("read: ", sample.grade().empty() ? NumberText(sample.value()) : OneLine(sample.grade()));
}

std::string QuestionText(const v1::JudgeQuestion& question) {
  std::string text = question.stage();
  if (question.index() > 0) absl::StrAppend(&text, "[", question.index(), "]");
  if (question.valid() && question.confidence() > 0) {
    absl::StrAppend(&text, ": ", question.grade().empty() ? NumberText(question.value()) : OneLine(question.grade()),
                    ", score ", NumberText(question.score()), ", confidence ", NumberText(question.confidence()));
  } else if (!question.valid()) {
    absl::StrAppend(&text, ": ", OneLine(question.invalid_reason()));
  }
  for (const v1::ModelCall& call : question.calls()) absl::StrAppend(&text, "\n", Indented(CallText(call), "  "));
  for (const v1::JudgeSample& sample : question.samples()) absl::StrAppend(&text, "\n  ", SampleText(sample));
  if (!question.text().empty()) absl::StrAppend(&text, "\n", Indented(ManyLines(question.text()), "  > "));
  return text;
}

std::string Head(const v1::Verdict& verdict) {
  const std::string reason = EnumLabel(v1::UndeterminedReason_descriptor(), verdict.undetermined_reason());
  std::string text = absl::StrCat(EnumLabel(v1::Outcome_descriptor(), verdict.outcome()), reason.empty() ? "" : ": ", reason);
  if (verdict.outcome() != v1::OUTCOME_UNDETERMINED) {
    absl::StrAppend(&text, ", score ", NumberText(verdict.score()), ", confidence ", NumberText(verdict.confidence()));
  }
  absl::StrAppend(&text, "\nby ", ShortName(verdict.evaluator()), " ", verdict.evaluator_version().substr(0, kDigestDigits));
  if (!verdict.trajectory().empty()) {
    absl::StrAppend(&text, " on ", ShortName(verdict.trajectory()), " ", verdict.trajectory_digest().substr(0, kDigestDigits));
  }
  if (!verdict.rationale().empty()) absl::StrAppend(&text, "\n", ManyLines(verdict.rationale()));
  if (verdict.cited_steps_size() > 0) absl::StrAppend(&text, "\nsteps ", absl::StrJoin(verdict.cited_steps(), ", "));
  if (verdict.already_solved()) absl::StrAppend(&text, "\nthe task was solved before the first action");
  if (verdict.has_usage()) absl::StrAppend(&text, "\n", CostText(verdict.usage()));
  return text;
}

std::string CheckText(const v1::CheckResult& check) {
  return absl::StrCat(OneLine(check.path()), ": ", EnumLabel(v1::Outcome_descriptor(), check.outcome()), ": ",
                      OneLine(check.detail()));
}

std::string Trace(const v1::Verdict& verdict) {
  std::vector<std::string> parts = {Head(verdict)};
  for (const v1::CheckResult& check : verdict.checks()) parts.push_back(CheckText(check));
  for (const v1::JudgeQuestion& question : verdict.questions()) parts.push_back(QuestionText(question));
  for (const v1::Verdict& member : verdict.members()) parts.push_back(Indented(Trace(member), "    "));
  return absl::StrJoin(parts, "\n\n");
}

}  // namespace

std::string VerdictTrace(const v1::Verdict& verdict) { return absl::StrCat(Trace(verdict), "\n"); }

}  // namespace proctor::cli
