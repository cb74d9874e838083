// What each preset sends: how many questions, which pictures in which order, which texts.
#include "evaluator/presets.h"

#include <algorithm>
#include <chrono>
#include <future>
#include <memory>
#include <set>
#include <string>

#include "evaluator/assess.h"
#include "evaluator/evaluator_config.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/evaluator/judge/scripted_model.h"

namespace proctor::evaluator {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

const v1::Evaluator& Preset(const std::string& id) {
  const auto found = std::find_if(Presets().begin(), Presets().end(),
                                  [&](const v1::Evaluator& e) { return e.name() == "evaluators/" + id; });
  EXPECT_NE(found, Presets().end()) << id;
  return *found;
}

// Four screens (initial, 1, 2, 2 again), three clicks and an answer.
class PresetsTest : public testing::Test {
 protected:
  PresetsTest() {
    record_.Click("Teas", 1).mutable_agent_data()->set_thought("to the teas");
    record_.Click("Green", 2).mutable_observation()->mutable_accessibility_tree()->set_text("[3] heading \"Green tea\"");
    record_.Click("Same", 2).mutable_observation()->mutable_accessibility_tree()->set_text("[3] heading \"Price 4.20\"");
    record_.Answer("It costs 4.20.");
  }

  v1::Verdict Run(const std::string& id, ScriptedJudgeModel::Script script) {
    model_ = std::make_unique<ScriptedJudgeModel>(std::move(script));
    ThreadPool pool("judge", 1);
    std::promise<absl::StatusOr<v1::Verdict>> result;
    auto came = result.get_future();
    Assess(CallContext(), Preset(id), std::make_shared<const v1::Trajectory>(record_.trajectory()),
           JudgeParts{record_.blobs(), *model_, pool, "secret"},
           [&](absl::StatusOr<v1::Verdict> verdict) { result.set_value(std::move(verdict)); });
    EXPECT_EQ(came.wait_for(std::chrono::seconds(30)), std::future_status::ready);
    const absl::StatusOr<v1::Verdict> verdict = came.get();
    EXPECT_TRUE(verdict.ok()) << verdict.status();
    return verdict.value_or(v1::Verdict());
  }

  model::ChatRequest Sent(size_t request) const { return model_->requests().at(request); }
  std::string Text(size_t request) const { return TextOf(Sent(request)); }
  std::vector<std::string> Digests(size_t request) const {
    std::vector<std::string> digests;
    for (const model::ImagePart& picture : PicturesOf(Sent(request))) digests.push_back(picture.digest);
    return digests;
  }
  size_t sent() const { return model_->requests().size(); }

  RecordMaker record_;
  std::unique_ptr<ScriptedJudgeModel> model_;
};

TEST_F(PresetsTest, NoneJudgesByTheAgentsWordsWhereNothingWasRecordedToLookAt) {
  record_.trajectory().mutable_initial_observation()->clear_screenshot();
  for (v1::Step& step : *record_.trajectory().mutable_steps()) step.mutable_observation()->clear_screenshot();
  const auto success = ScriptedJudgeModel::Always("{{tag}}: success");
  EXPECT_NE(Run("agent-reward-bench", success).undetermined_reason(), v1::UNDETERMINED_REASON_NOTHING_TO_JUDGE);  // It reads the tree.
  for (v1::Step& step : *record_.trajectory().mutable_steps()) step.mutable_observation()->clear_accessibility_tree();
  for (const v1::Evaluator& preset : Presets()) {
    if (!preset.has_judge()) continue;
    const v1::Verdict verdict = Run(preset.name().substr(std::string("evaluators/").size()), success);
    EXPECT_EQ(verdict.undetermined_reason(), v1::UNDETERMINED_REASON_NOTHING_TO_JUDGE) << preset.name();
    EXPECT_TRUE(model_->requests().empty()) << preset.name();
  }
}

TEST_F(PresetsTest, AreValidAndVersioned) {
  std::set<std::string> versions;
  for (const v1::Evaluator& preset : Presets()) {
    EXPECT_TRUE(ValidateEvaluator(preset).ok()) << preset.name() << ": " << ValidateEvaluator(preset);
    EXPECT_FALSE(preset.description().empty());
    EXPECT_EQ(preset.version(), EvaluatorVersion(preset));
    versions.insert(preset.version());
  }
  EXPECT_EQ(versions.size(), Presets().size());
  EXPECT_EQ(Presets().size(), 11u);
}

TEST_F(PresetsTest, PaeShowsTheLastThreeScreensAndTheAnswerOnly) {
  const v1::Verdict verdict = Run("pae", ScriptedJudgeModel::Always("All there.\n{{tag}}: SUCCESS"));
  EXPECT_EQ(verdict.outcome(), v1::OUTCOME_SUCCESS);
  ASSERT_EQ(sent(), 1u);
  ASSERT_THAT(PicturesOf(Sent(0)), SizeIs(3));
  EXPECT_EQ(Digests(0)[2], record_.Picture(2));
  EXPECT_THAT(Text(0), AllOf(HasSubstr("Find the price of the green tea."), HasSubstr("It costs 4.20."),
                             Not(HasSubstr("click")), Not(HasSubstr("to the teas"))));
  EXPECT_EQ(Sent(0).sampling.temperature(), 0);
  EXPECT_EQ(Sent(0).sampling.top_p(), 0.7);
  EXPECT_EQ(Sent(0).sampling.max_tokens(), 1000);
  EXPECT_EQ(Sent(0).messages[0].role, model::Role::kSystem);
}

TEST_F(PresetsTest, PaeFailsAnEpisodeWithoutAnswerUnasked) {
  record_.trajectory().mutable_steps()->RemoveLast();
  EXPECT_EQ(Run("pae", ScriptedJudgeModel::Always("")).outcome(), v1::OUTCOME_FAILURE);
  EXPECT_EQ(sent(), 0u);
}

TEST_F(PresetsTest, PaeWebArenaSaysWhereTheAgentStopped) {
  record_.trajectory().mutable_steps(3)->mutable_observation()->set_url("http://shop.localhost/end");
  Run("pae-webarena", ScriptedJudgeModel::Always("{{tag}}: NOT SUCCESS"));
  EXPECT_THAT(Text(0), HasSubstr("http://shop.localhost/end"));
}

TEST_F(PresetsTest, AerShowsTheLastScreenActionsAndAnswer) {
  const v1::Verdict verdict = Run("aer", ScriptedJudgeModel::Always("Thoughts: it fits\n{{tag}}: success"));
  EXPECT_EQ(verdict.rationale(), "it fits");
  EXPECT_THAT(Digests(0), ElementsAre(record_.Picture(2)));
  EXPECT_THAT(Text(0), AllOf(HasSubstr("1. click [link \"Teas\"]"), HasSubstr("It costs 4.20.")));
}

TEST_F(PresetsTest, AerCaptionsDescribesTheLastScreenAndThenReasonsWithoutPictures) {
  Run("aer-captions", [](const model::ChatRequest& request, int) {
    return Says(PicturesOf(request).empty() ? "Thoughts: so\n{{tag}}: failure" : "a page with a price");
  });
  ASSERT_EQ(sent(), 2u);
  EXPECT_EQ(model_->models()[0], "captioner");
  EXPECT_THAT(Digests(0), ElementsAre(record_.Picture(2)));
  EXPECT_THAT(PicturesOf(Sent(1)), SizeIs(0));
  EXPECT_THAT(Text(1), AllOf(HasSubstr("a page with a price"), HasSubstr("1. click"), HasSubstr("It costs 4.20.")));
}

TEST_F(PresetsTest, AerStepsGradesEveryStep) {
  const v1::Verdict verdict = Run("aer-steps", [](const model::ChatRequest& request, int) {
    if (!PicturesOf(request).empty()) return Says("a screen");
    const std::string text = TextOf(request);
    if (text.find("4. answer") != std::string::npos) return Says("Thoughts: done\n{{tag}}: goal-reached");
    if (text.find("3. click") != std::string::npos) return Says("Thoughts: hm\n{{tag}}: not-sure");
    return Says("Thoughts: on\n{{tag}}: towards-the-goal");
  });
  EXPECT_EQ(sent(), 4u + 4u);
  EXPECT_EQ(verdict.outcome(), v1::OUTCOME_SUCCESS);
  ASSERT_EQ(verdict.step_scores_size(), 4);
  EXPECT_EQ(verdict.step_scores(0).score(), 0.5);
  EXPECT_FALSE(verdict.step_scores(2).valid());
  EXPECT_EQ(verdict.step_scores(3).grade(), "goal-reached");
  EXPECT_THAT(Text(7), HasSubstr("(the episode ended)"));
}

TEST_F(PresetsTest, AerStepsTowardsTheGoalIsNoSuccess) {
  const v1::Verdict verdict = Run("aer-steps", [](const model::ChatRequest& request, int) {
    return Says(PicturesOf(request).empty() ? "Thoughts: on\n{{tag}}: towards-the-goal" : "a screen");
  });
  EXPECT_EQ(verdict.outcome(), v1::OUTCOME_FAILURE);
}

TEST_F(PresetsTest, WebVoyagerShowsUpToFifteenScreens) {
  for (int i = 0; i < 20; ++i) record_.Click("more", 30 + i);
  record_.Answer("done");
  Run("webvoyager", ScriptedJudgeModel::Always("{{tag}}: SUCCESS"));
  ASSERT_THAT(PicturesOf(Sent(0)), SizeIs(15));
  EXPECT_EQ(Digests(0)[0], record_.Picture(35));
  EXPECT_EQ(Digests(0)[14], record_.Picture(49));
  EXPECT_EQ(Sent(0).sampling.seed(), 42);
}

TEST_F(PresetsTest, WebJudgeFindsKeyPointsScoresScreensAndDecides) {
  const v1::Verdict verdict = Run("webjudge", [this](const model::ChatRequest& request, int) {
    const std::string text = TextOf(request);
    if (text.find("List the key points") != std::string::npos) return Says("Key points:\n1. green tea\n2. its price");
    if (text.find("how much it matters") != std::string::npos) {
      const bool price = PicturesOf(request)[0].digest == record_.Picture(2);
      return Says(std::string("Reasoning: a screen\n{{tag}}: ") + (price ? "5" : "2"));
    }
    return Says("Thoughts: all met\n{{tag}}: success");
  });
  EXPECT_EQ(verdict.outcome(), v1::OUTCOME_SUCCESS);
  ASSERT_EQ(sent(), 1u + 4u + 1u);
  EXPECT_THAT(Text(2), AllOf(HasSubstr("1. green tea\n2. its price"), Not(HasSubstr("Key points:\n1"))));
  EXPECT_THAT(Digests(5), ElementsAre(record_.Picture(2), record_.Picture(2)));
  EXPECT_THAT(Text(5), AllOf(HasSubstr(">>\na screen\n<<end of remark"), HasSubstr("3. click"), Not(HasSubstr("answer \""))));
}

TEST_F(PresetsTest, AgentRewardBenchShowsStepsThoughtsLastTreeAndScreen) {
  record_.trajectory().mutable_steps()->RemoveLast();
  Run("agent-reward-bench", ScriptedJudgeModel::Always("{{tag}}: Unsuccessful"));
  EXPECT_THAT(Text(0), AllOf(HasSubstr("1. on http://shop.localhost/0: click"), HasSubstr("thought: to the teas"),
                             HasSubstr("Price 4.20"), Not(HasSubstr("heading \"Green tea\""))));
  EXPECT_THAT(Digests(0), ElementsAre(record_.Picture(2)));
}

TEST_F(PresetsTest, NnetnavRatesChangesFromOneToFiveAndFourIsSuccess) {
  for (const auto& [number, outcome] : {std::pair{"4", v1::OUTCOME_SUCCESS}, std::pair{"3", v1::OUTCOME_FAILURE}}) {
    const v1::Verdict verdict = Run("nnetnav", [number = number](const model::ChatRequest& request, int) {
      if (!PicturesOf(request).empty()) return Says("the list opened");
      return Says(std::string("Thoughts: well\n{{tag}}: ") + number);
    });
    EXPECT_EQ(verdict.outcome(), outcome);
  }
  // The third click changed nothing and the answer shows no screen: no question about the former.
  EXPECT_THAT(Digests(0), ElementsAre(record_.Picture(0), record_.Picture(1)));
  EXPECT_THAT(Text(sent() - 1), HasSubstr("the list opened"));
}

TEST_F(PresetsTest, DigirlLooksAtEveryNewScreenAndOneSuccessIsEnough) {
  const v1::Verdict verdict = Run("digirl", [this](const model::ChatRequest& request, int) {
    const std::vector<model::ImagePart> pictures = PicturesOf(request);
    const bool reached = !pictures.empty() && pictures[0].digest == record_.Picture(2);
    return Says(reached ? "{{tag}}: success" : "{{tag}}: failure");
  });
  EXPECT_EQ(verdict.outcome(), v1::OUTCOME_SUCCESS);
  EXPECT_THAT(verdict.cited_steps(), ElementsAre(1));
  EXPECT_TRUE(verdict.questions(2).skipped());
}

// A phone: no URLs, taps and swipes, the task ended without words.
class PhonePresetsTest : public PresetsTest {
 protected:
  PhonePresetsTest() {
    v1::Trajectory& record = record_.trajectory();
    record.set_environment("environments/android");
    record.mutable_task()->set_goal("Turn the Wi-Fi off.");
    MakeScreen(*record.mutable_initial_observation(), "com.android.launcher3/.Launcher");
    for (v1::Step& step : *record.mutable_steps()) {
      step.clear_agent_data();
      MakeScreen(*step.mutable_observation(), "com.android.settings/.Settings");
    }
    v1::Swipe& swipe = *record.mutable_steps(0)->mutable_action()->mutable_swipe();
    swipe.mutable_from()->mutable_point()->set_y(12);
    swipe.mutable_to()->mutable_point()->set_y(2);
    record.mutable_steps(0)->clear_target_element();
    record.mutable_steps(0)->mutable_release_point()->set_y(2);
    record.mutable_steps(1)->mutable_action()->mutable_long_press()->mutable_target()->set_mark(1);
    record.mutable_steps(2)->mutable_action()->mutable_press_button()->set_button(v1::DEVICE_BUTTON_BACK);
    record.mutable_steps(3)->mutable_action()->mutable_answer()->clear_text();
  }

  static void MakeScreen(v1::Observation& observation, const std::string& title) {
    observation.clear_url();
    observation.clear_accessibility_tree();
    observation.set_title(title);
  }
};

TEST_F(PhonePresetsTest, AerReadsTheActionsOfAPhone) {
  const v1::Verdict verdict = Run("aer", ScriptedJudgeModel::Always("Thoughts: it is off\n{{tag}}: success"));
  EXPECT_EQ(verdict.outcome(), v1::OUTCOME_SUCCESS);
  EXPECT_THAT(Digests(0), ElementsAre(record_.Picture(2)));
  EXPECT_THAT(Text(0), AllOf(HasSubstr("Turn the Wi-Fi off."), HasSubstr("1. swipe up from (0, 12) to (0, 2)"),
                             HasSubstr("2. long press [link \"Green\"]"), HasSubstr("3. press the back button"), HasSubstr("(none)"),
                             Not(HasSubstr("http"))));
}

TEST_F(PhonePresetsTest, AerCaptionsDescribesThePhonesLastScreen) {
  const v1::Verdict verdict = Run("aer-captions", [](const model::ChatRequest& request, int) {
    return Says(PicturesOf(request).empty() ? "Thoughts: so\n{{tag}}: success" : "the settings, Wi-Fi off");
  });
  EXPECT_EQ(verdict.outcome(), v1::OUTCOME_SUCCESS);
  EXPECT_THAT(Text(1), AllOf(HasSubstr("the settings, Wi-Fi off"), HasSubstr("1. swipe up")));
}

TEST_F(PhonePresetsTest, AerStepsLabelsEveryStepOfAPhone) {
  const v1::Verdict verdict = Run("aer-steps", [](const model::ChatRequest& request, int) {
    if (!PicturesOf(request).empty()) return Says("a screen");
    const std::string text = TextOf(request);
    if (text.find("1. swipe up") != std::string::npos) return Says("Thoughts: on\n{{tag}}: towards-the-goal");
    if (text.find("2. long press") != std::string::npos) return Says("Thoughts: there\n{{tag}}: goal-reached");
    return Says("Thoughts: off\n{{tag}}: away-from-the-goal");
  });
  EXPECT_EQ(verdict.outcome(), v1::OUTCOME_SUCCESS);
  ASSERT_EQ(verdict.step_scores_size(), 4);
  EXPECT_EQ(verdict.step_scores(0).grade(), "towards-the-goal");
  EXPECT_EQ(verdict.step_scores(1).grade(), "goal-reached");
  EXPECT_EQ(verdict.step_scores(2).grade(), "away-from-the-goal");
}

TEST_F(PhonePresetsTest, DigirlLooksAtThePhonesNewScreens) {
  const v1::Verdict verdict = Run("digirl", [this](const model::ChatRequest& request, int) {
    const std::vector<model::ImagePart> pictures = PicturesOf(request);
    const bool reached = !pictures.empty() && pictures[0].digest == record_.Picture(2);
    return Says(std::string("It shows.\n{{tag}}: ") + (reached ? "success" : "failure"));
  });
  EXPECT_EQ(verdict.outcome(), v1::OUTCOME_SUCCESS);
  EXPECT_THAT(Text(0), HasSubstr("Turn the Wi-Fi off."));
}

TEST_F(PhonePresetsTest, WhatAsksForAUrlGetsWhatIsInFront) {
  Run("agent-reward-bench", ScriptedJudgeModel::Always("{{tag}}: Successful"));
  EXPECT_THAT(Text(0), AllOf(HasSubstr("1. on com.android.launcher3/.Launcher: swipe up"),
                             HasSubstr("2. on com.android.settings/.Settings: long press"), Not(HasSubstr("on : "))));
  Run("pae-webarena", ScriptedJudgeModel::Always("{{tag}}: NOT SUCCESS"));
  EXPECT_THAT(Text(0), HasSubstr("com.android.settings/.Settings"));
}

}  // namespace
}  // namespace proctor::evaluator
