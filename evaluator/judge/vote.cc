#include "evaluator/judge/vote.h"

#include <algorithm>
#include <cmath>
#include <initializer_list>

#include "absl/strings/str_cat.h"
#include "evaluator/evaluate.h"
#include "evaluator/score.h"
#include "evaluator/score_calibration.h"
#include "model/prices.h"

namespace proctor::evaluator {
namespace {

constexpr double kDefaultQuorum = 0.5;

// It, or a member of it that left it open, is UNDETERMINED for one of these reasons.
bool UndeterminedFor(std::initializer_list<v1::UndeterminedReason> reasons, const v1::Verdict& verdict) {
  if (verdict.outcome() != v1::OUTCOME_UNDETERMINED) return false;
  return std::find(reasons.begin(), reasons.end(), verdict.undetermined_reason()) != reasons.end() ||
         std::any_of(verdict.members().begin(), verdict.members().end(),
                     [&](const v1::Verdict& member) { return UndeterminedFor(reasons, member); });
}

bool FaultLeftItOpen(const v1::Verdict& verdict) {
  return UndeterminedFor({v1::UNDETERMINED_REASON_JUDGE_UNAVAILABLE, v1::UNDETERMINED_REASON_JUDGE_INVALID,
                          v1::UNDETERMINED_REASON_EVIDENCE_MISSING},
                         verdict);
}

// Weights by what members say.
struct Tally {
  double total = 0;
  double success = 0;
  double failure = 0;
  // Of score times weight, of those that decided.
  double scores = 0;
  // Of members that a fault kept from deciding.
  double failed = 0;

  double decided() const { return success + failure; }
};

Tally Count(const v1::Panel& panel, const std::vector<v1::Verdict>& members) {
  Tally tally;
  for (size_t i = 0; i < members.size(); ++i) {
    const double given = panel.members(static_cast<int>(i)).weight();
    const double weight = given > 0 ? given : 1;
    tally.total += weight;
    if (members[i].outcome() == v1::OUTCOME_SUCCESS) tally.success += weight;
    if (members[i].outcome() == v1::OUTCOME_FAILURE) tally.failure += weight;
    if (Decided(members[i])) tally.scores += weight * members[i].score();
    if (FaultLeftItOpen(members[i])) tally.failed += weight;
  }
  return tally;
}

// Three-valued: an undetermined member leaves open what it could have changed.
v1::Outcome All(const Tally& tally) {
  if (tally.failure > 0) return v1::OUTCOME_FAILURE;
  return tally.success < tally.total ? v1::OUTCOME_UNDETERMINED : v1::OUTCOME_SUCCESS;
}

v1::Outcome Any(const Tally& tally) {
  if (tally.success > 0) return v1::OUTCOME_SUCCESS;
  return tally.failure < tally.total ? v1::OUTCOME_UNDETERMINED : v1::OUTCOME_FAILURE;
}

// Of those that decided.
v1::Outcome Side(const v1::Panel& panel, double success_threshold, const Tally& tally) {
  if (panel.vote() == v1::PANEL_VOTE_MEAN) {
    return Reaches(tally.scores / tally.decided(), success_threshold) ? v1::OUTCOME_SUCCESS : v1::OUTCOME_FAILURE;
  }
  if (std::abs(tally.success - tally.failure) < kScoreSlack) return v1::OUTCOME_UNDETERMINED;
  return tally.success > tally.failure ? v1::OUTCOME_SUCCESS : v1::OUTCOME_FAILURE;
}

v1::Outcome Majority(const v1::Panel& panel, double success_threshold, const Tally& tally) {
  const double quorum = panel.quorum() > 0 ? panel.quorum() : kDefaultQuorum;
  if (tally.decided() <= 0 || !Reaches(tally.decided(), quorum * tally.total)) return v1::OUTCOME_UNDETERMINED;
  return Side(panel, success_threshold, tally);
}

v1::Outcome OutcomeOf(const v1::Panel& panel, double success_threshold, const Tally& tally) {
  switch (panel.vote()) {
    case v1::PANEL_VOTE_ALL:
      return All(tally);
    case v1::PANEL_VOTE_ANY:
      return Any(tally);
    default:
      return Majority(panel, success_threshold, tally);
  }
}

double ScoreOf(const v1::Panel& panel, const Tally& tally) {
  return (panel.vote() == v1::PANEL_VOTE_MEAN ? tally.scores : tally.success) / tally.decided();
}

// Whether the outcome of those that decided is the same whatever the members would have said that a fault kept from deciding.
bool Stands(const v1::Panel& panel, const SuccessRule& rule, const Tally& tally) {
  if (tally.failed <= 0) return true;
  const bool whole = panel.vote() == v1::PANEL_VOTE_ALL || panel.vote() == v1::PANEL_VOTE_ANY;
  // A quorum that is given says how many may be missing.
  if (!whole && panel.quorum() > 0) return true;
  // As they are, these two wait for whoever could change them.
  if (whole && rule.calibration == nullptr) return true;
  Tally as_success = tally, as_failure = tally;
  as_success.success += tally.failed;
  as_success.scores += tally.failed;
  as_failure.failure += tally.failed;
  const auto says = [&](const Tally& each) {
    if (rule.calibration == nullptr) return Side(panel, rule.threshold, each);
    return Reaches(Calibrated(*rule.calibration, ScoreOf(panel, each)), rule.threshold) ? v1::OUTCOME_SUCCESS : v1::OUTCOME_FAILURE;
  };
  return says(as_success) == says(tally) && says(as_failure) == says(tally);
}

// Why a panel says nothing: for the reason that all its members have, if they have but one.
v1::UndeterminedReason WhyOpen(const std::vector<v1::Verdict>& members) {
  const v1::UndeterminedReason reason = members.front().undetermined_reason();
  const bool shared = std::all_of(members.begin(), members.end(), [reason](const v1::Verdict& member) {
    return member.outcome() == v1::OUTCOME_UNDETERMINED && member.undetermined_reason() == reason;
  });
  return shared ? reason : v1::UNDETERMINED_REASON_DISAGREEMENT;
}

}  // namespace

bool Decided(const v1::Verdict& verdict) {
  return verdict.outcome() == v1::OUTCOME_SUCCESS || verdict.outcome() == v1::OUTCOME_FAILURE;
}

bool ModelWasUnavailable(const v1::Verdict& verdict) {
  return UndeterminedFor({v1::UNDETERMINED_REASON_JUDGE_UNAVAILABLE}, verdict);
}

bool WorthAnotherTry(const v1::Verdict& verdict) {
  return UndeterminedFor({v1::UNDETERMINED_REASON_JUDGE_UNAVAILABLE, v1::UNDETERMINED_REASON_JUDGE_INVALID}, verdict);
}

void Vote(const v1::Panel& panel, const SuccessRule& rule, const std::vector<v1::Verdict>& members, v1::Verdict* verdict) {
  const Tally tally = Count(panel, members);
  const std::string counts = absl::StrCat("of weight ", tally.total, ": ", tally.success, " SUCCESS, ", tally.failure,
                                          " FAILURE, ", tally.total - tally.decided(), " undetermined");
  const v1::Outcome outcome = OutcomeOf(panel, rule.threshold, tally);
  if (outcome == v1::OUTCOME_UNDETERMINED || !Stands(panel, rule, tally)) {
    SetUndetermined(WhyOpen(members), counts, verdict);
    return;
  }
  SetDecided(outcome, ScoreOf(panel, tally), counts, verdict);
  const double agreeing = outcome == v1::OUTCOME_SUCCESS ? tally.success : tally.failure;
  verdict->set_confidence(agreeing / tally.decided());
}

bool Escalates(const v1::Panel& panel, const std::vector<v1::Verdict>& members, const v1::Verdict& verdict) {
  if (!panel.has_escalation()) return false;
  if (!Decided(verdict)) return true;
  const Tally tally = Count(panel, members);
  switch (panel.escalate_on()) {
    case v1::ESCALATION_TRIGGER_FAILURE:
      return verdict.outcome() == v1::OUTCOME_FAILURE;
    case v1::ESCALATION_TRIGGER_UNDETERMINED:
      return false;
    default:
      return tally.success > 0 && tally.failure > 0;
  }
}

bool SureEnough(const v1::CascadeTier& tier, const v1::Verdict& verdict) {
  return Decided(verdict) && Reaches(verdict.confidence(), tier.min_confidence());
}

void TakeOver(const v1::Verdict& from, v1::Verdict* verdict) {
  verdict->set_outcome(from.outcome());
  verdict->set_score(from.score());
  verdict->set_confidence(from.confidence());
  verdict->set_rationale(from.rationale());
  verdict->set_undetermined_reason(from.undetermined_reason());
  verdict->set_already_solved(from.already_solved());
  *verdict->mutable_cited_steps() = from.cited_steps();
  *verdict->mutable_step_scores() = from.step_scores();
}

void AddUsageOf(const std::vector<v1::Verdict>& members, v1::Verdict* verdict) {
  for (const v1::Verdict& member : members) model::AddUsage(member.usage(), *verdict->mutable_usage());
}

}  // namespace proctor::evaluator
