// Panels of judges, and cascades.
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/evaluator/judge/assess_fixture.h"

namespace proctor::evaluator {
namespace {

std::string Member(const std::string& name, const std::string& extra = "") {
  return "{evaluator: {judge: " + OneQuestion(name) + "}" + extra + "}";
}

// Judges say what their names say.
ScriptedJudgeModel::Script SaysItsName() {
  return [](const model::ChatRequest& request, int) {
    const std::string text = TextOf(request);
    return Says("{{tag}}: " + text.substr(0, text.find(' ')));
  };
}

struct PanelCase {
  const char* name;
  const char* vote;
  // Names of three members; weights 2, 1, 1.
  const char* members[3];
  v1::Outcome outcome;
  double score;
  double confidence;
};

class PanelTest : public AssessTest, public testing::WithParamInterface<PanelCase> {};

TEST_P(PanelTest, VotesAsWorkedByHand) {
  const PanelCase& c = GetParam();
  ScriptedJudgeModel model(SaysItsName());
  const v1::Verdict verdict =
      By(Read(std::string("panel: {vote: ") + c.vote + ", members: [" + Member(c.members[0], ", weight: 2") + "," +
              Member(c.members[1]) + "," + Member(c.members[2]) + "]}"),
         model);
  EXPECT_EQ(verdict.outcome(), c.outcome) << verdict.rationale();
  EXPECT_DOUBLE_EQ(verdict.score(), c.score);
  EXPECT_DOUBLE_EQ(verdict.confidence(), c.confidence);
  EXPECT_EQ(verdict.members_size(), 3);
  EXPECT_DOUBLE_EQ(verdict.usage().cost_usd(), 0.03);
}

constexpr v1::Outcome kYes = v1::OUTCOME_SUCCESS, kNo = v1::OUTCOME_FAILURE, kOpen = v1::OUTCOME_UNDETERMINED;

INSTANTIATE_TEST_SUITE_P(
    Votes, PanelTest,
    testing::Values(PanelCase{"WeightWins", "majority", {"success", "failure", "unsure"}, kYes, 2.0 / 3, 2.0 / 3},
                    PanelCase{"Tie", "majority", {"success", "failure", "failure"}, kOpen, 0, 0},
                    PanelCase{"Unanimous", "majority", {"failure", "failure", "failure"}, kNo, 0, 1},
                    PanelCase{"HalfDecidedIsAQuorum", "majority", {"unsure", "failure", "failure"}, kNo, 0, 1},
                    PanelCase{"NoQuorum", "majority", {"unsure", "unsure", "failure"}, kOpen, 0, 0},
                    PanelCase{"MeanAtTheThreshold", "mean", {"success", "failure", "failure"}, kYes, 0.5, 0.5},
                    PanelCase{"MeanBelow", "mean", {"failure", "success", "failure"}, kNo, 0.25, 0.75},
                    PanelCase{"All", "all", {"success", "success", "success"}, kYes, 1, 1},
                    PanelCase{"AllButOne", "all", {"success", "success", "failure"}, kNo, 0.75, 0.25},
                    PanelCase{"AllLeftOpen", "all", {"success", "success", "unsure"}, kOpen, 0, 0},
                    PanelCase{"Any", "any", {"failure", "failure", "success"}, kYes, 0.25, 0.25},
                    PanelCase{"AnyLeftOpen", "any", {"failure", "failure", "unsure"}, kOpen, 0, 0},
                    PanelCase{"None", "any", {"failure", "failure", "failure"}, kNo, 0, 1}),
    [](const auto& info) { return info.param.name; });

TEST_F(AssessTest, APanelWhoseMembersFailedDecidesOnlyWhatTheyCouldNotHaveChanged) {
  const auto by = [&](const std::string& head, const std::vector<std::string>& names) {
    std::string members;
    for (const std::string& name : names) members += (members.empty() ? "" : ",") + Member(name);
    ScriptedJudgeModel model(SaysItsName());
    return By(Read("panel: {" + head + "members: [" + members + "]}"), model);
  };
  const v1::Verdict open = by("", {"failure", "gibberish"});
  EXPECT_EQ(open.outcome(), v1::OUTCOME_UNDETERMINED) << open.rationale();
  EXPECT_EQ(open.undetermined_reason(), v1::UNDETERMINED_REASON_DISAGREEMENT);
  EXPECT_EQ(by("", {"failure", "failure", "gibberish"}).outcome(), v1::OUTCOME_FAILURE);
  EXPECT_EQ(by("", {"success", "success", "gibberish"}).outcome(), v1::OUTCOME_SUCCESS);
  EXPECT_EQ(by("vote: mean, ", {"success", "gibberish"}).outcome(), v1::OUTCOME_SUCCESS);
  EXPECT_EQ(by("vote: mean, ", {"failure", "gibberish"}).outcome(), v1::OUTCOME_UNDETERMINED);
  // Who gives a quorum says how many may be missing; who cannot tell has no vote.
  EXPECT_EQ(by("quorum: 0.5, ", {"failure", "gibberish"}).outcome(), v1::OUTCOME_FAILURE);
  EXPECT_EQ(by("", {"failure", "unsure"}).outcome(), v1::OUTCOME_FAILURE);
}

TEST_F(AssessTest, APanelWhoseMembersAllLeaveItOpenForOneReasonHasThatReason) {
  const auto by = [&](const std::string& vote, const std::string& one, const std::string& other) {
    ScriptedJudgeModel model(SaysItsName());
    return By(Read("panel: {vote: " + vote + ", members: [" + Member(one) + "," + Member(other) + "]}"), model).undetermined_reason();
  };
  for (const char* vote : {"majority", "mean", "all", "any"}) {
    EXPECT_EQ(by(vote, "unsure", "unsure"), v1::UNDETERMINED_REASON_JUDGE_UNSURE) << vote;
    EXPECT_EQ(by(vote, "unsure", "gibberish"), v1::UNDETERMINED_REASON_DISAGREEMENT) << vote;
  }
  EXPECT_EQ(by("all", "success", "unsure"), v1::UNDETERMINED_REASON_DISAGREEMENT);
  record_.trajectory().set_end_kind(v1::END_KIND_INTERRUPTED);
  EXPECT_EQ(by("majority", "success", "failure"), v1::UNDETERMINED_REASON_INTERRUPTED);
}

// Probabilities 0.315, 0.544, 0.756 and 0.89 of no, one, two and three of three.
constexpr char kPlatt[] = "calibration: {platt: {slope: 2.863, intercept: -0.777}}\n";

TEST_F(AssessTest, ACalibratedPanelDecidesOnlyWhatItsFailedMembersCouldNotHaveChanged) {
  const auto by = [&](const std::string& head, const std::vector<std::string>& names) {
    std::string members;
    for (const std::string& name : names) members += (members.empty() ? "" : ",") + Member(name);
    ScriptedJudgeModel model(SaysItsName());
    return By(Read(kPlatt + ("panel: {" + head + "members: [" + members + "]}")), model);
  };
  // As votes stand, one more SUCCESS changes nothing; as a probability it does.
  EXPECT_EQ(by("", {"failure", "failure", "gibberish"}).outcome(), v1::OUTCOME_UNDETERMINED);
  EXPECT_EQ(by("vote: mean, ", {"failure", "failure", "gibberish"}).outcome(), v1::OUTCOME_UNDETERMINED);
  EXPECT_EQ(by("vote: all, ", {"failure", "failure", "gibberish"}).outcome(), v1::OUTCOME_UNDETERMINED);
  EXPECT_EQ(by("quorum: 0.5, ", {"failure", "failure", "gibberish"}).outcome(), v1::OUTCOME_FAILURE);
  EXPECT_EQ(by("", {"failure", "failure", "failure"}).outcome(), v1::OUTCOME_FAILURE);
  EXPECT_EQ(by("", {"failure", "failure", "failure", "failure", "gibberish"}).outcome(), v1::OUTCOME_FAILURE);
  const v1::Verdict sure = by("", {"success", "success", "gibberish"});
  EXPECT_EQ(sure.outcome(), v1::OUTCOME_SUCCESS);
  EXPECT_NEAR(sure.score(), 0.89, 0.01);
  EXPECT_EQ(by("vote: any, ", {"success", "success", "gibberish"}).outcome(), v1::OUTCOME_SUCCESS);
}

// A calibration that takes most of what the judge refuses for successes.
TEST_F(AssessTest, GivingUpIsNeverCalibratedToAReward) {
  record_.Answer("N/A");
  const std::string generous = "calibration: {platt: {slope: 1, intercept: 1}}\n";
  for (const std::string& evaluator :
       {"judge: " + OneQuestion("failure"), "panel: {members: [" + Member("failure") + "," + Member("failure") + "]}",
        "cascade: {tiers: [" + Member("failure") + "," + Member("failure") + "]}", std::string("cascade: {tiers: [{evaluator: {task_oracle: {}}}, ") + Member("failure") + "]}"}) {
    ScriptedJudgeModel model(SaysItsName());
    const v1::Verdict verdict = By(Read(generous + evaluator), model);
    EXPECT_EQ(verdict.outcome(), v1::OUTCOME_FAILURE) << evaluator;
    EXPECT_EQ(verdict.score(), 0) << evaluator;
  }
}

TEST_F(AssessTest, NoAnswerWhereOneIsRequiredIsNeverCalibratedToAReward) {
  record_.trajectory().mutable_steps()->RemoveLast();
  v1::Evaluator judge = OneJudge();
  judge.mutable_judge()->set_answer_required(true);
  v1::Evaluator panel = Read("panel: {}");
  for (int i = 0; i < 2; ++i) *panel.mutable_panel()->add_members()->mutable_evaluator()->mutable_judge() = judge.judge();
  for (v1::Evaluator evaluator : {judge, panel}) {
    evaluator.mutable_calibration()->mutable_platt()->set_intercept(1);
    ScriptedJudgeModel model(SaysItsName());
    const v1::Verdict verdict = By(evaluator, model);
    EXPECT_EQ(verdict.outcome(), v1::OUTCOME_FAILURE);
    EXPECT_EQ(verdict.score(), 0);
    EXPECT_TRUE(model.requests().empty());
  }
}

TEST_F(AssessTest, APanelEscalatesOnDisagreementOnly) {
  const auto panel = [](const std::string& second) {
    return Read("panel: {members: [" + Member("failure", ", weight: 3") + "," + Member(second) +
                "], escalation: {judge: " + OneQuestion("success", ", model: arbiter") + "}}");
  };
  ScriptedJudgeModel agreeing(SaysItsName());
  EXPECT_EQ(By(panel("failure"), agreeing).outcome(), v1::OUTCOME_FAILURE);
  EXPECT_EQ(agreeing.requests().size(), 2u);
  ScriptedJudgeModel differing(SaysItsName());
  const v1::Verdict verdict = By(panel("success"), differing);
  EXPECT_EQ(verdict.outcome(), v1::OUTCOME_SUCCESS);
  EXPECT_EQ(differing.models().back(), "arbiter");
  EXPECT_EQ(verdict.members_size(), 3);
}

TEST_F(AssessTest, APanelCanEscalateEveryFailure) {
  ScriptedJudgeModel model(SaysItsName());
  const v1::Evaluator evaluator = Read("panel: {members: [" + Member("failure") + "," + Member("failure") +
                                       "], escalate_on: failure, escalation: {judge: " + OneQuestion("success") + "}}");
  EXPECT_EQ(By(evaluator, model).outcome(), v1::OUTCOME_SUCCESS);
}

TEST_F(AssessTest, ACascadeAsksOnWhereItIsNotSure) {
  // Two of three samples say success: confidence 2/3.
  const auto script = [](const model::ChatRequest& request, int sample) {
    if (TextOf(request).rfind("dear", 0) == 0) return Says("{{tag}}: failure");
    return Says(sample == 0 ? "{{tag}}: failure" : "{{tag}}: success");
  };
  const auto cascade = [](const std::string& confidence) {
    return Read("cascade: {tiers: [{min_confidence: " + confidence + ", evaluator: {judge: " +
                OneQuestion("cheap", ", sampling: {n: 3}") + "}}," + Member("dear") + "]}");
  };
  ScriptedJudgeModel sure(script);
  EXPECT_EQ(By(cascade("0.6"), sure).outcome(), v1::OUTCOME_SUCCESS);
  EXPECT_EQ(sure.requests().size(), 1u);
  ScriptedJudgeModel unsure(script);
  const v1::Verdict verdict = By(cascade("0.7"), unsure);
  EXPECT_EQ(verdict.outcome(), v1::OUTCOME_FAILURE);
  EXPECT_EQ(verdict.members_size(), 2);
}

TEST_F(AssessTest, AnOracleFirstSparesTheJudge) {
  const v1::Evaluator evaluator = Read("cascade: {tiers: [{evaluator: {task_oracle: {}}}, " + Member("failure") + "]}");
  ScriptedJudgeModel model(SaysItsName());
  EXPECT_EQ(By(evaluator, model).outcome(), v1::OUTCOME_FAILURE);
  EXPECT_EQ(model.requests().size(), 1u);
  v1::Oracle& oracle = *record_.trajectory().mutable_task()->mutable_oracle();
  oracle.mutable_answer()->mutable_match()->mutable_equals()->add_values("4.20");
  const v1::Verdict verdict = By(evaluator, model);
  EXPECT_EQ(verdict.outcome(), v1::OUTCOME_SUCCESS) << verdict.rationale();
  EXPECT_EQ(model.requests().size(), 1u);
}

TEST_F(AssessTest, AMembersErrorIsThePanels) {
  ScriptedJudgeModel model(SaysItsName());
  model.FailAll(v1::MODEL_FAILURE_BUDGET);
  EXPECT_EQ(Try(Read("panel: {members: [" + Member("success") + "," + Member("failure") + "]}"), model).status().code(),
            absl::StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace proctor::evaluator
