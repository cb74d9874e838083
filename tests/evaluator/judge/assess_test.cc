#include "evaluator/assess.h"

#include <future>
#include <memory>
#include <string>

#include "common/yaml_proto.h"
#include "evaluator/evaluate.h"
#include "evaluator/evaluator_config.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/evaluator/judge/scripted_model.h"

namespace proctor::evaluator {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

v1::Evaluator Read(const std::string& yaml) {
  v1::Evaluator evaluator;
  const auto read = ParseYamlProto(yaml, "test", evaluator);
  EXPECT_TRUE(read.ok()) << read.status();
  evaluator.set_name("evaluators/test");
  return evaluator;
}

// One question; `name` stands in the prompt so that scripts can tell judges apart.
std::string OneQuestion(const std::string& name, const std::string& extra = "") {
  return "{stages: [{id: outcome, slots: {answer: {answer: {}}}, messages: [{template: '" + name +
         " {{answer}} {{verdict_tag}}'}], parser: {grade: {place: {after: '{{verdict_tag}}'}, grades: [{text: success, "
         "score: 1}, {text: failure, score: 0}, {text: unsure, undetermined: true}]}}" +
         extra + "}]}";
}

v1::Evaluator OneJudge(const std::string& extra = "") { return Read("judge: " + OneQuestion("only", extra)); }

class AssessTest : public testing::Test {
 protected:
  AssessTest() {
    record_.Click("Teas", 10);
    record_.Answer("4.20");
  }

  absl::StatusOr<v1::Verdict> Try(const v1::Evaluator& evaluator, JudgeModel& model,
                                  const CallContext& context = CallContext()) {
    auto result = std::make_shared<std::promise<absl::StatusOr<v1::Verdict>>>();
    std::future<absl::StatusOr<v1::Verdict>> came = result->get_future();
    const JudgeParts parts{record_.blobs(), model, pool_, "secret"};
    Assess(context, evaluator, std::make_shared<const v1::Trajectory>(record_.trajectory()), parts,
           [result](absl::StatusOr<v1::Verdict> verdict) { result->set_value(std::move(verdict)); });
    if (came.wait_for(std::chrono::seconds(30)) != std::future_status::ready) {
      return absl::DeadlineExceededError("no verdict in 30 s");
    }
    return came.get();
  }
  v1::Verdict By(const v1::Evaluator& evaluator, ScriptedJudgeModel& model) {
    const absl::StatusOr<v1::Verdict> verdict = Try(evaluator, model);
    EXPECT_TRUE(verdict.ok()) << verdict.status();
    return verdict.ok() ? *verdict : v1::Verdict();
  }
  v1::Verdict BySaying(const v1::Evaluator& evaluator, const std::string& text) {
    ScriptedJudgeModel model(ScriptedJudgeModel::Always(text));
    return By(evaluator, model);
  }

  RecordMaker record_;
  ThreadPool pool_{"judge", 2};
};

TEST_F(AssessTest, AJudgesVerdictHasItsTrace) {
  ScriptedJudgeModel model(ScriptedJudgeModel::Always("It is there.\n{{tag}}: success"));
  const v1::Verdict verdict = By(OneJudge(), model);
  EXPECT_EQ(verdict.outcome(), v1::OUTCOME_SUCCESS);
  EXPECT_EQ(verdict.score(), 1);
  EXPECT_EQ(verdict.confidence(), 1);
  EXPECT_EQ(verdict.rationale(), "It is there.");
  EXPECT_EQ(verdict.evaluator_version(), EvaluatorVersion(OneJudge()));
  ASSERT_EQ(verdict.questions_size(), 1);
  EXPECT_EQ(verdict.questions(0).calls(0).purpose(), "outcome");
  EXPECT_EQ(verdict.usage().input_tokens(), 100);
  EXPECT_DOUBLE_EQ(verdict.usage().cost_usd(), 0.01);
}

TEST_F(AssessTest, ARecordWithoutItsStepsIsUndeterminedAndNobodyIsAsked) {
  ScriptedJudgeModel model(ScriptedJudgeModel::Always("{{tag}}: success"));
  v1::Trajectory header = record_.trajectory();
  header.set_step_count(header.steps_size());
  header.clear_steps();
  absl::StatusOr<v1::Verdict> verdict;
  Assess(CallContext(), OneJudge(), std::make_shared<const v1::Trajectory>(header), {record_.blobs(), model, pool_, "secret"},
         [&](absl::StatusOr<v1::Verdict> came) { verdict = std::move(came); });
  ASSERT_TRUE(verdict.ok()) << verdict.status();
  EXPECT_EQ(verdict->undetermined_reason(), v1::UNDETERMINED_REASON_NOTHING_TO_JUDGE);
  EXPECT_EQ(verdict->name(), VerdictHead(OneJudge(), header).name());
  EXPECT_THAT(model.requests(), IsEmpty());
}

TEST_F(AssessTest, ARequestIsForTheConfiguredModelAndSampling) {
  ScriptedJudgeModel model(ScriptedJudgeModel::Always("{{tag}}: success"));
  By(OneJudge(", model: big, sampling: {temperature: 0.5, n: 3}"), model);
  EXPECT_THAT(model.models(), ElementsAre("big"));
  EXPECT_EQ(model.requests()[0].sampling.n(), 3);
  EXPECT_EQ(model.requests()[0].sampling.temperature(), 0.5);
}

TEST_F(AssessTest, WhatCannotBeReadIsUndeterminedAndNeverAScore) {
  const v1::Verdict verdict = BySaying(OneJudge(), "I think it went well.");
  EXPECT_EQ(verdict.outcome(), v1::OUTCOME_UNDETERMINED);
  EXPECT_EQ(verdict.undetermined_reason(), v1::UNDETERMINED_REASON_JUDGE_INVALID);
  EXPECT_EQ(verdict.score(), 0);
  EXPECT_THAT(verdict.rationale(), HasSubstr("no verdict"));
}

TEST_F(AssessTest, AsksAgainForTheSamplesThatLackOnly) {
  ScriptedJudgeModel model([](const model::ChatRequest&, int sample) {
    return Says(sample == 1 ? "nothing" : "{{tag}}: failure");
  });
  const v1::Verdict verdict = By(OneJudge(", retries: 2, sampling: {n: 3}"), model);
  EXPECT_EQ(verdict.outcome(), v1::OUTCOME_FAILURE);
  ASSERT_EQ(model.requests().size(), 2u);
  EXPECT_EQ(model.requests()[1].sampling.n(), 1);
  EXPECT_NE(TagOf(model.requests()[0]), TagOf(model.requests()[1]));
  EXPECT_EQ(verdict.questions(0).samples_size(), 4);
}

TEST_F(AssessTest, GivesUpAskingAfterItsRetries) {
  ScriptedJudgeModel model(ScriptedJudgeModel::Always("nothing"));
  EXPECT_EQ(By(OneJudge(", retries: 2"), model).outcome(), v1::OUTCOME_UNDETERMINED);
  EXPECT_EQ(model.requests().size(), 3u);
}

TEST_F(AssessTest, AModelThatIsNotToBeHadIsUndeterminedAndNotAskedAgain) {
  for (const v1::ModelFailure failure : {v1::MODEL_FAILURE_UNREACHABLE, v1::MODEL_FAILURE_UNAUTHENTICATED,
                                         v1::MODEL_FAILURE_OVERLOADED, v1::MODEL_FAILURE_CONTEXT_TOO_LONG}) {
    ScriptedJudgeModel model(ScriptedJudgeModel::Always(""));
    model.FailAll(failure);
    const v1::Verdict verdict = By(OneJudge(", retries: 2"), model);
    EXPECT_EQ(verdict.undetermined_reason(), v1::UNDETERMINED_REASON_JUDGE_UNAVAILABLE);
    EXPECT_EQ(model.requests().size(), 1u);
  }
}

TEST_F(AssessTest, ASpentBudgetIsAnError) {
  ScriptedJudgeModel model(ScriptedJudgeModel::Always(""));
  model.FailAll(v1::MODEL_FAILURE_BUDGET);
  EXPECT_EQ(Try(OneJudge(), model).status().code(), absl::StatusCode::kResourceExhausted);
}

TEST_F(AssessTest, ACancelledCallIsAnError) {
  ScriptedJudgeModel model(ScriptedJudgeModel::Always("{{tag}}: success"));
  const CallContext context;
  context.cancel()->Cancel();
  EXPECT_EQ(Try(OneJudge(), model, context).status().code(), absl::StatusCode::kCancelled);
}

TEST_F(AssessTest, AJudgeMaySayThatItCannotTell) {
  EXPECT_EQ(BySaying(OneJudge(), "{{tag}}: unsure").undetermined_reason(), v1::UNDETERMINED_REASON_JUDGE_UNSURE);
}

TEST_F(AssessTest, WhatNeedsNoQuestionIsNotAsked) {
  ScriptedJudgeModel model(ScriptedJudgeModel::Always("{{tag}}: success"));
  v1::Evaluator evaluator = OneJudge();
  evaluator.mutable_judge()->set_answer_required(true);
  record_.trajectory().mutable_steps()->RemoveLast();
  EXPECT_EQ(By(evaluator, model).outcome(), v1::OUTCOME_FAILURE);
  record_.Answer("N/A");
  EXPECT_EQ(By(evaluator, model).outcome(), v1::OUTCOME_FAILURE);
  record_.trajectory().set_end_kind(v1::END_KIND_INTERRUPTED);
  EXPECT_EQ(By(evaluator, model).undetermined_reason(), v1::UNDETERMINED_REASON_INTERRUPTED);
  EXPECT_THAT(model.requests(), IsEmpty());
}

TEST_F(AssessTest, AnOpenTrajectoryIsRefused) {
  ScriptedJudgeModel model(ScriptedJudgeModel::Always(""));
  record_.trajectory().set_closed(false);
  EXPECT_EQ(Try(OneJudge(), model).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(AssessTest, TheSameVerdictHasTheSameName) {
  EXPECT_EQ(BySaying(OneJudge(), "{{tag}}: success").name(), BySaying(OneJudge(), "{{tag}}: success").name());
  EXPECT_NE(BySaying(OneJudge(), "{{tag}}: success").name(), BySaying(OneJudge(", retries: 1"), "{{tag}}: success").name());
}

// --- Several stages ---------------------------------------------------------------------------------------------

constexpr char kCaptionsThenSteps[] = R"(
judge:
  combination: maximum
  stages:
    - id: caption
      scope: screenshot
      slots: {picture: {screenshots: {current: true}}}
      messages: [{template: 'caption {{picture}}'}]
      parser: {text: {}}
    - id: step
      scope: step
      slots: {before: {result: {stage: caption, moment: before}}, after: {result: {stage: caption, moment: after}, if_empty: '(end)'}}
      messages: [{template: 'step {{before}} {{after}} {{verdict_tag}}'}]
      parser: {grade: {place: {after: '{{verdict_tag}}'}, grades: [{text: reached, score: 1}, {text: away, score: 0}]}}
)";

TEST_F(AssessTest, LaterStagesGetWhatEarlierOnesFound) {
  ScriptedJudgeModel model([](const model::ChatRequest& request, int) {
    const std::string text = TextOf(request);
    if (text.rfind("caption", 0) == 0) return Says("seen " + PicturesOf(request)[0].digest);
    return Says(text.find("(end)") == std::string::npos ? "{{tag}}: away" : "the end\n{{tag}}: reached");
  });
  const v1::Verdict verdict = By(Read(kCaptionsThenSteps), model);
  EXPECT_EQ(verdict.outcome(), v1::OUTCOME_SUCCESS);
  EXPECT_EQ(verdict.rationale(), "the end");
  EXPECT_THAT(verdict.cited_steps(), ElementsAre(1));
  ASSERT_EQ(verdict.step_scores_size(), 2);
  EXPECT_EQ(verdict.step_scores(0).grade(), "away");
  EXPECT_EQ(verdict.step_scores(1).score(), 1);
  EXPECT_EQ(verdict.questions_size(), 4);
  EXPECT_EQ(verdict.questions(1).calls(0).purpose(), "caption[2]");
  EXPECT_THAT(TextOf(model.requests()[2]), HasSubstr("seen " + record_.Picture(0)));
}

TEST_F(AssessTest, AStageWithoutAnyResultEndsTheRun) {
  ScriptedJudgeModel model([](const model::ChatRequest&, int) { return FailsWith(v1::MODEL_FAILURE_NO_VISION); });
  const v1::Verdict verdict = By(Read(kCaptionsThenSteps), model);
  EXPECT_EQ(verdict.undetermined_reason(), v1::UNDETERMINED_REASON_JUDGE_UNAVAILABLE);
  EXPECT_THAT(verdict.rationale(), HasSubstr("caption"));
  EXPECT_EQ(model.requests().size(), 2u);
}

TEST_F(AssessTest, AStageThatIsIncompleteEndsTheRun) {
  for (const bool refused : {true, false}) {
    ScriptedJudgeModel model([&](const model::ChatRequest& request, int) {
      if (TextOf(request).rfind("caption", 0) != 0) return Says("{{tag}}: away");
      if (PicturesOf(request)[0].digest == record_.Picture(0)) return Says("seen");
      return FailsWith(refused ? v1::MODEL_FAILURE_REFUSAL : v1::MODEL_FAILURE_TIMEOUT);
    });
    const v1::Verdict verdict = By(Read(kCaptionsThenSteps), model);
    EXPECT_EQ(verdict.undetermined_reason(), v1::UNDETERMINED_REASON_JUDGE_UNAVAILABLE);
    EXPECT_THAT(verdict.rationale(), HasSubstr("caption"));
    EXPECT_EQ(verdict.questions_size(), 2);
    EXPECT_EQ(model.requests().size(), 2u);
  }
}

// What each of three pictures is said to be: a, b or c (worth 1, 0, 0.5), `?` cannot be read, `x` timed out, `-` the judge cannot tell.
struct CombinationCase {
  const char* combination;
  const char* said;
  v1::Outcome outcome;
  v1::UndeterminedReason reason = v1::UNDETERMINED_REASON_UNSPECIFIED;
  const char* extra = "";
};

class CombinationTest : public AssessTest, public testing::WithParamInterface<CombinationCase> {};

TEST_P(CombinationTest, AQuestionThatFailedLeavesOpenWhatItCouldHaveChanged) {
  const CombinationCase& c = GetParam();
  record_.Click("Green", 20);
  ScriptedJudgeModel model([&](const model::ChatRequest& request, int) {
    const std::string digest = PicturesOf(request)[0].digest;
    const char said = c.said[digest == record_.Picture(0) ? 0 : digest == record_.Picture(10) ? 1 : 2];
    if (said == 'x') return FailsWith(v1::MODEL_FAILURE_TIMEOUT);
    return Says(said == '?' ? "nothing" : said == '-' ? "{{tag}}: unsure" : std::string("{{tag}}: ") + said);
  });
  const v1::Verdict verdict = By(Read(std::string(c.extra) + R"(
judge:
  combination: )" + c.combination + R"(
  stages:
    - id: look
      scope: screenshot
      slots: {picture: {screenshots: {current: true}}}
      messages: [{template: '{{picture}} {{verdict_tag}}'}]
      parser:
        grade:
          place: {after: '{{verdict_tag}}'}
          grades: [{text: a, score: 1}, {text: b, score: 0}, {text: c, score: 0.5}, {text: unsure, undetermined: true}]
)"),
                                 model);
  EXPECT_EQ(verdict.outcome(), c.outcome) << verdict.rationale();
  EXPECT_EQ(verdict.undetermined_reason(), c.reason) << verdict.rationale();
  EXPECT_EQ(verdict.questions_size(), 3);
}

constexpr v1::UndeterminedReason kUnavailable = v1::UNDETERMINED_REASON_JUDGE_UNAVAILABLE;
constexpr v1::UndeterminedReason kInvalid = v1::UNDETERMINED_REASON_JUDGE_INVALID;
constexpr v1::UndeterminedReason kUnsure = v1::UNDETERMINED_REASON_JUDGE_UNSURE;
constexpr char kCalibration[] = "calibration: {isotonic: {scores: [0, 0.5, 1], values: [0, 0.2, 0.9]}}";

INSTANTIATE_TEST_SUITE_P(
    Combinations, CombinationTest,
    testing::Values(CombinationCase{"maximum", "bbx", v1::OUTCOME_UNDETERMINED, kUnavailable},
                    CombinationCase{"maximum", "?bb", v1::OUTCOME_UNDETERMINED, kInvalid},
                    CombinationCase{"maximum", "?xb", v1::OUTCOME_UNDETERMINED, kUnavailable},
                    CombinationCase{"maximum", "x-b", v1::OUTCOME_UNDETERMINED, kUnavailable},
                    CombinationCase{"maximum", "x--", v1::OUTCOME_UNDETERMINED, kUnavailable},
                    CombinationCase{"maximum", "axb", v1::OUTCOME_SUCCESS}, CombinationCase{"maximum", "b-b", v1::OUTCOME_FAILURE},
                    CombinationCase{"maximum", "bcx", v1::OUTCOME_SUCCESS},
                    CombinationCase{"maximum", "bcx", v1::OUTCOME_UNDETERMINED, kUnavailable, kCalibration},
                    CombinationCase{"maximum", "bca", v1::OUTCOME_SUCCESS, v1::UNDETERMINED_REASON_UNSPECIFIED, kCalibration},
                    CombinationCase{"minimum", "axa", v1::OUTCOME_UNDETERMINED, kUnavailable},
                    CombinationCase{"minimum", "axb", v1::OUTCOME_FAILURE}, CombinationCase{"minimum", "a-a", v1::OUTCOME_SUCCESS},
                    CombinationCase{"last", "bbx", v1::OUTCOME_UNDETERMINED, kUnavailable},
                    CombinationCase{"last", "aa?", v1::OUTCOME_UNDETERMINED, kInvalid},
                    CombinationCase{"last", "aa-", v1::OUTCOME_UNDETERMINED, kUnsure},
                    CombinationCase{"last", "x?a", v1::OUTCOME_SUCCESS},
                    CombinationCase{"mean", "axb", v1::OUTCOME_UNDETERMINED, kUnavailable},
                    CombinationCase{"mean", "aax", v1::OUTCOME_SUCCESS}, CombinationCase{"mean", "b?b", v1::OUTCOME_FAILURE}));

TEST_F(AssessTest, ALastScreenshotThatCouldNotBeHadIsNoOlderOne) {
  v1::Observation& end = *record_.Click("Pay", 30).mutable_observation();
  end.clear_screenshot();
  end.add_missing()->set_part(v1::OBSERVATION_PART_SCREENSHOT);
  end.mutable_missing(0)->set_reason("the browser took no picture in time");
  for (const v1::Evaluator& preset : JudgePresets()) {
    ScriptedJudgeModel model(ScriptedJudgeModel::Always("{{tag}}: failure"));
    const v1::Verdict verdict = By(preset, model);
    EXPECT_EQ(verdict.undetermined_reason(), v1::UNDETERMINED_REASON_EVIDENCE_MISSING) << preset.name();
    EXPECT_THAT(verdict.rationale(), HasSubstr("no picture in time"));
    EXPECT_THAT(model.requests(), IsEmpty());
  }
  // Who looks at no picture, or at one that came later, can tell.
  EXPECT_EQ(BySaying(OneJudge(), "{{tag}}: failure").outcome(), v1::OUTCOME_FAILURE);
  record_.Click("Done", 40);
  const v1::Verdict later = BySaying(Read(kCaptionsThenSteps), "{{tag}}: away");
  EXPECT_EQ(later.outcome(), v1::OUTCOME_FAILURE) << later.rationale();
}

TEST_F(AssessTest, ARecordedPictureThatIsLostIsUndetermined) {
  record_.Click("Pay", 30).mutable_observation()->mutable_screenshot()->set_digest(std::string(64, '0'));
  ScriptedJudgeModel model(ScriptedJudgeModel::Always("seen"));
  const v1::Verdict verdict = By(Read(kCaptionsThenSteps), model);
  EXPECT_EQ(verdict.undetermined_reason(), v1::UNDETERMINED_REASON_EVIDENCE_MISSING);
  EXPECT_THAT(verdict.rationale(), HasSubstr("screenshot 3"));
}

TEST_F(AssessTest, UnchangedScreensAreSkipped) {
  record_.Click("again", 10);
  v1::Evaluator evaluator = Read(R"(
judge:
  stages:
    - id: look
      scope: screenshot
      skip_unchanged: true
      slots: {picture: {screenshots: {current: true}}}
      messages: [{template: '{{picture}} {{verdict_tag}}'}]
      parser: {grade: {place: {after: '{{verdict_tag}}'}, grades: [{text: a, score: 1}, {text: b, score: 0}]}}
)");
  ScriptedJudgeModel model(ScriptedJudgeModel::Always("{{tag}}: b"));
  const v1::Verdict verdict = By(evaluator, model);
  EXPECT_EQ(model.requests().size(), 2u);
  EXPECT_TRUE(verdict.questions(2).skipped());
  EXPECT_EQ(verdict.outcome(), v1::OUTCOME_FAILURE);
}

TEST_F(AssessTest, ManyQuestionsAreAskedOnceEach) {
  for (int i = 0; i < 60; ++i) record_.Click("x", 30 + i);
  ScriptedJudgeModel model([](const model::ChatRequest& request, int) {
    return Says(TextOf(request).rfind("caption", 0) == 0 ? "seen" : "{{tag}}: away");
  });
  const v1::Verdict verdict = By(Read(kCaptionsThenSteps), model);
  EXPECT_EQ(model.requests().size(), 62u + 62u);
  for (int i = 0; i < 62; ++i) EXPECT_EQ(verdict.questions(i).index(), i + 1);
}

TEST_F(AssessTest, WithoutStepsOrPicturesThereIsNothingToJudge) {
  record_.trajectory().clear_steps();
  ScriptedJudgeModel model(ScriptedJudgeModel::Always(""));
  EXPECT_EQ(By(Read(kCaptionsThenSteps), model).undetermined_reason(), v1::UNDETERMINED_REASON_NOTHING_TO_JUDGE);
}

// --- Panels and cascades ----------------------------------------------------------------------------------------

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
