#include "evaluator/evaluator_config.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/ids.h"
#include "common/proto_json.h"
#include "common/status.h"
#include "evaluator/evidence.h"
#include "evaluator/judge/validate_judge.h"
#include "evaluator/score_calibration.h"

namespace proctor::evaluator {
namespace {

// Parts of every version: raise them when a rule of this folder changes what a trajectory scores.
constexpr int kOracleRules = 2;
constexpr int kJudgeRules = 4;
constexpr int kMaxDepth = 4;
constexpr int kMaxMembers = 9;

bool IsOracle(const v1::Evaluator& evaluator) { return evaluator.has_task_oracle() || evaluator.has_oracle(); }

absl::Status CheckCount(int count, const char* what) {
  if (count >= 2 && count <= kMaxMembers) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(what, ": 2 to ", kMaxMembers, " are needed"));
}

absl::Status Validate(const v1::Evaluator& evaluator, int depth);

absl::Status ValidatePanel(const v1::Panel& panel, int depth) {
  PROCTOR_RETURN_IF_ERROR(CheckCount(panel.members_size(), "panel.members"));
  if (!(panel.quorum() >= 0 && panel.quorum() <= 1)) return absl::InvalidArgumentError("panel.quorum must be 0 to 1");
  for (int i = 0; i < panel.members_size(); ++i) {
    const std::string path = absl::StrCat("panel.members[", i, "]");
    if (!(panel.members(i).weight() >= 0 && panel.members(i).weight() <= 1e6)) {
      return absl::InvalidArgumentError(path + ": weight must be 0 to 1,000,000");
    }
    PROCTOR_RETURN_IF_ERROR(Annotate(Validate(panel.members(i).evaluator(), depth + 1), path));
  }
  if (panel.has_escalation()) return Annotate(Validate(panel.escalation(), depth + 1), "panel.escalation");
  if (panel.escalate_on() == v1::ESCALATION_TRIGGER_UNSPECIFIED) return absl::OkStatus();
  return absl::InvalidArgumentError("panel.escalate_on without panel.escalation");
}

absl::Status ValidateCascade(const v1::Cascade& cascade, int depth) {
  PROCTOR_RETURN_IF_ERROR(CheckCount(cascade.tiers_size(), "cascade.tiers"));
  for (int i = 0; i < cascade.tiers_size(); ++i) {
    const std::string path = absl::StrCat("cascade.tiers[", i, "]");
    if (!(cascade.tiers(i).min_confidence() >= 0 && cascade.tiers(i).min_confidence() <= 1)) {
      return absl::InvalidArgumentError(path + ": min_confidence must be 0 to 1");
    }
    PROCTOR_RETURN_IF_ERROR(Annotate(Validate(cascade.tiers(i).evaluator(), depth + 1), path));
  }
  return absl::OkStatus();
}

absl::Status Validate(const v1::Evaluator& evaluator, int depth) {
  if (depth > kMaxDepth) return absl::InvalidArgumentError(absl::StrCat("nested deeper than ", kMaxDepth));
  if (!(evaluator.success_threshold() >= 0 && evaluator.success_threshold() <= 1)) {
    return absl::InvalidArgumentError("success_threshold must be in (0, 1], or 0 for the default");
  }
  if (evaluator.has_calibration()) {
    if (IsOracle(evaluator) || evaluator.has_pair_judge()) {
      return absl::InvalidArgumentError("calibration is for judges, panels and cascades");
    }
    PROCTOR_RETURN_IF_ERROR(ValidateCalibration(evaluator.calibration()));
  }
  switch (evaluator.kind_case()) {
    case v1::Evaluator::kTaskOracle:
      return absl::OkStatus();
    case v1::Evaluator::kOracle:
      return ValidateOracle(evaluator.oracle());
    case v1::Evaluator::kPairJudge:
      if (depth > 1) return absl::InvalidArgumentError("a pair_judge cannot be a member of another evaluator");
      return Annotate(ValidatePairJudge(evaluator.pair_judge()), "pair_judge");
    case v1::Evaluator::kJudge:
      return Annotate(ValidateJudge(evaluator.judge()), "judge");
    case v1::Evaluator::kPanel:
      return ValidatePanel(evaluator.panel(), depth);
    case v1::Evaluator::kCascade:
      return ValidateCascade(evaluator.cascade(), depth);
    case v1::Evaluator::KIND_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError("an evaluator needs a kind: task_oracle, oracle, judge, panel, cascade or pair_judge");
}

// Without what makes no difference to a verdict.
void Canonicalize(v1::Evaluator& evaluator) {
  evaluator.set_success_threshold(SuccessThreshold(evaluator));
  evaluator.clear_name();
  evaluator.clear_description();
  evaluator.clear_version();
  evaluator.clear_create_time();
  if (evaluator.has_panel()) {
    for (v1::PanelMember& member : *evaluator.mutable_panel()->mutable_members()) {
      Canonicalize(*member.mutable_evaluator());
    }
    if (evaluator.panel().has_escalation()) Canonicalize(*evaluator.mutable_panel()->mutable_escalation());
  }
  if (evaluator.has_cascade()) {
    for (v1::CascadeTier& tier : *evaluator.mutable_cascade()->mutable_tiers()) Canonicalize(*tier.mutable_evaluator());
  }
}

}  // namespace

absl::Status ValidateEvaluator(const v1::Evaluator& evaluator) { return Validate(evaluator, 1); }

v1::Evaluator TaskOracleEvaluator() {
  v1::Evaluator evaluator;
  evaluator.set_name("evaluators/oracle");
  evaluator.set_description("The task's own oracle.");
  evaluator.mutable_task_oracle();
  evaluator.set_success_threshold(1);
  evaluator.set_version(EvaluatorVersion(evaluator));
  return evaluator;
}

std::string EvaluatorVersion(const v1::Evaluator& evaluator) {
  v1::Evaluator content = evaluator;
  Canonicalize(content);
  std::string rules = absl::StrCat("proctor oracle rules ", kOracleRules);
  if (AsksModels(evaluator)) absl::StrAppend(&rules, ", judge rules ", kJudgeRules);
  return Sha256Hex(absl::StrCat(rules, "\n", ProtoCanonicalBytes(content)));
}

double SuccessThreshold(const v1::Evaluator& evaluator) {
  if (evaluator.success_threshold() > 0) return evaluator.success_threshold();
  return IsOracle(evaluator) ? 1 : 0.5;
}

std::vector<NeededOracle> OraclesOf(const v1::Evaluator& evaluator, const v1::Task& task) {
  std::vector<NeededOracle> oracles;
  if (IsOracle(evaluator)) {
    const v1::Oracle* oracle = OracleOf(evaluator, task);
    if (oracle != nullptr) oracles.push_back({oracle, SuccessThreshold(evaluator)});
  }
  for (const v1::Evaluator* member : MembersOf(evaluator)) {
    const std::vector<NeededOracle> more = OraclesOf(*member, task);
    oracles.insert(oracles.end(), more.begin(), more.end());
  }
  return oracles;
}

std::vector<const v1::Evaluator*> MembersOf(const v1::Evaluator& evaluator) {
  std::vector<const v1::Evaluator*> members;
  for (const v1::PanelMember& member : evaluator.panel().members()) members.push_back(&member.evaluator());
  if (evaluator.panel().has_escalation()) members.push_back(&evaluator.panel().escalation());
  for (const v1::CascadeTier& tier : evaluator.cascade().tiers()) members.push_back(&tier.evaluator());
  return members;
}

bool AsksModels(const v1::Evaluator& evaluator) {
  const std::vector<const v1::Evaluator*> members = MembersOf(evaluator);
  return evaluator.has_judge() || evaluator.has_pair_judge() ||
         std::any_of(members.begin(), members.end(), [](const v1::Evaluator* m) { return AsksModels(*m); });
}

}  // namespace proctor::evaluator
