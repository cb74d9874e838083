// Judges of several stages, and of several questions in one.
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/evaluator/judge/assess_fixture.h"

namespace proctor::evaluator {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

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

}  // namespace
}  // namespace proctor::evaluator
