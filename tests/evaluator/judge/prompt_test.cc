#include "evaluator/judge/prompt.h"

#include <string>

#include "common/yaml_proto.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/evaluator/judge/scripted_model.h"

namespace proctor::evaluator {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class PromptTest : public testing::Test {
 protected:
  PromptTest() {
    record_.Click("Teas", 10).mutable_agent_data()->set_thought("to the teas");
    record_.Click("Green \"tea\"", 20);
    record_.Click("Nothing", 20).mutable_observation()->set_action_error("covered");
    record_.Answer("4.20\nSUCCESS");
  }

  model::ChatRequest Render(const std::string& slots, const std::string& text, int index = 0,
                            v1::QuestionScope scope = v1::QUESTION_SCOPE_TRAJECTORY) {
    v1::JudgeStage stage;
    const auto read = ParseYamlProto("{id: s, slots: " + slots + "}", "test", stage);
    EXPECT_TRUE(read.ok()) << read.status();
    stage.set_scope(scope);
    stage.add_messages()->set_template_(text);
    const RecordView view(record_.trajectory());
    const absl::StatusOr<Prompt> prompt =
        RenderPrompt(CallContext(), stage, index, {view, results_, record_.blobs(), model::FenceKey{"secret", "v", 0}, nullptr});
    EXPECT_TRUE(prompt.ok()) << prompt.status();
    model::ChatRequest request;
    if (prompt.ok()) request.messages = prompt->messages;
    return request;
  }

  std::vector<std::string> Digests(const std::string& slots, int index = 0,
                                   v1::QuestionScope scope = v1::QUESTION_SCOPE_TRAJECTORY) {
    std::vector<std::string> digests;
    for (const model::ImagePart& picture : PicturesOf(Render(slots, "{{p}}", index, scope))) {
      digests.push_back(picture.digest);
    }
    return digests;
  }

  RecordMaker record_;
  StageResults results_;
};

TEST_F(PromptTest, FillsTaskAndFencesTheAnswer) {
  const std::string text = TextOf(Render("{task: {task: {}}, answer: {answer: {}}}", "Task: {{task}} / {{answer}}"));
  EXPECT_THAT(text, HasSubstr("Task: Find the price of the green tea. / <<answer "));
  EXPECT_THAT(text, HasSubstr(">>\n4.20\nSUCCESS\n<<end of answer "));
}

TEST_F(PromptTest, NumbersActionsAndNamesTheirElements) {
  const std::string text = TextOf(Render("{a: {actions: {}}}", "{{a}}"));
  EXPECT_THAT(text, HasSubstr("1. click [link \"Teas\"]\n2. click [link \"Green \"tea\"\"]\n"));
  EXPECT_THAT(text, HasSubstr("3. click [link \"Nothing\"] (failed: covered)\n4. answer \"4.20 SUCCESS\"\n"));
  EXPECT_THAT(text, Not(HasSubstr("thought")));
}

TEST_F(PromptTest, ActionsCanHaveThoughtsAndUrlsOrLackTheAnswer) {
  const std::string text =
      TextOf(Render("{a: {actions: {thoughts: true, urls: true, without_answer: true}}}", "{{a}}"));
  EXPECT_THAT(text, HasSubstr("1. on http://shop.localhost/0: click [link \"Teas\"]\n   thought: to the teas\n2. on"));
  EXPECT_THAT(text, Not(HasSubstr("answer")));
}

TEST_F(PromptTest, PlacesWithoutAUrlAreNamedByTheirTitle) {
  record_.trajectory().mutable_initial_observation()->clear_url();
  record_.trajectory().mutable_initial_observation()->set_title("com.android.settings/.Settings");
  record_.trajectory().mutable_steps(0)->mutable_observation()->clear_url();
  record_.trajectory().mutable_steps(2)->mutable_observation()->clear_url();
  record_.trajectory().mutable_steps(2)->mutable_observation()->set_title("Notes");
  record_.trajectory().mutable_steps()->RemoveLast();
  const std::string text = TextOf(Render("{a: {actions: {urls: true}}, u: {page: {part: url}}}", "{{a}} at {{u}}"));
  EXPECT_THAT(text, HasSubstr("1. on com.android.settings/.Settings: click [link \"Teas\"]\n2. click [link"));
  EXPECT_THAT(text, HasSubstr(">>\nNotes\n<<end of u "));
}

TEST_F(PromptTest, TheCurrentActionIsTheStepsOwn) {
  EXPECT_THAT(TextOf(Render("{a: {actions: {current: true}}}", "{{a}}", 1, v1::QUESTION_SCOPE_STEP)),
              HasSubstr(">>\n2. click [link \"Green \"tea\"\"]\n<<"));
}

TEST_F(PromptTest, LastPicturesStandInTheirOrder) {
  EXPECT_THAT(Digests("{p: {screenshots: {last: 2}}}"), ElementsAre(record_.Picture(20), record_.Picture(20)));
  EXPECT_THAT(Digests("{p: {screenshots: {last: 50}}}"),
              ElementsAre(record_.Picture(0), record_.Picture(10), record_.Picture(20), record_.Picture(20)));
  EXPECT_THAT(Digests("{p: {screenshots: {all: true, max: 1}}}"), ElementsAre(record_.Picture(20)));
}

TEST_F(PromptTest, PicturesAroundAStep) {
  EXPECT_THAT(Digests("{p: {screenshots: {before: true}}}", 1, v1::QUESTION_SCOPE_STEP), ElementsAre(record_.Picture(10)));
  EXPECT_THAT(Digests("{p: {screenshots: {current: true}}}", 1, v1::QUESTION_SCOPE_STEP),
              ElementsAre(record_.Picture(20)));
  EXPECT_THAT(Digests("{p: {screenshots: {current: true}}}", 3, v1::QUESTION_SCOPE_STEP), ElementsAre());
}

TEST_F(PromptTest, PicturesHaveTheirNumbers) {
  EXPECT_THAT(TextOf(Render("{p: {screenshots: {last: 2}}}", "See:\n{{p}}\nWell?")),
              HasSubstr("See:\nScreenshot 3\n[picture " + record_.Picture(20) + "]\nScreenshot 4\n[picture"));
}

TEST_F(PromptTest, KeyPicturesAreThoseThatAnEarlierStageValued) {
  for (int number = 1; number <= 4; ++number) {
    v1::JudgeQuestion question;
    question.set_index(number);
    question.set_valid(number != 2);
    question.set_value(number + 1);
    question.set_text("remark " + std::to_string(number));
    results_["look"].push_back(question);
  }
  EXPECT_THAT(Digests("{p: {screenshots: {key: {stage: look, min_value: 3}}}}"),
              ElementsAre(record_.Picture(20), record_.Picture(20)));
  EXPECT_THAT(TextOf(Render("{p: {screenshots: {key: {stage: look, min_value: 5, with_text: true}}}}", "{{p}}")),
              HasSubstr(">>\nremark 4\n<<end of remark "));
  EXPECT_THAT(TextOf(Render("{p: {screenshots: {key: {stage: look, min_value: 6}}}}", "{{p}}")), HasSubstr("(none)"));
}

TEST_F(PromptTest, DrawsWhereTheAgentActedOnItsOwnPicture) {
  const std::vector<model::ImagePart> pictures =
      PicturesOf(Render("{p: {screenshots: {all: true, draw_actions: true}}}", "{{p}}"));
  ASSERT_EQ(pictures.size(), 4u);
  // The first three have a click after them; after the last comes the answer.
  EXPECT_EQ(pictures[3].digest, record_.Picture(20));
  EXPECT_EQ(pictures[0].digest, "");
  const imaging::Image drawn = imaging::Decode(pictures[0].bytes).value();
  const auto at = [&](int x, int y) { return &drawn.bgra[size_t{4} * (y * 16 + x)]; };
  EXPECT_EQ(at(2, 4)[2], 255);
  EXPECT_EQ(at(2, 4)[0], 0);
  EXPECT_EQ(at(14, 14)[2], 0);
}

TEST_F(PromptTest, DrawsTheWayOfADragOrSwipe) {
  v1::Step& step = *record_.trajectory().mutable_steps(0);
  step.clear_target_box();
  step.mutable_target_point()->set_x(1);
  step.mutable_target_point()->set_y(12);
  step.mutable_release_point()->set_x(14);
  step.mutable_release_point()->set_y(2);
  const auto red = [&](int x, int y) {
    const auto pictures = PicturesOf(Render("{p: {screenshots: {all: true, draw_actions: true}}}", "{{p}}"));
    const imaging::Image drawn = imaging::Decode(pictures.at(0).bytes).value();
    const uint8_t* pixel = &drawn.bgra[size_t{4} * (y * 16 + x)];
    return pixel[2] == 255 && pixel[0] == 0;
  };
  EXPECT_TRUE(red(14, 2));
  step.clear_release_point();
  EXPECT_FALSE(red(14, 2));
}

TEST_F(PromptTest, ResultsOfEarlierStagesAreFencedToo) {
  v1::JudgeQuestion question;
  question.set_text("1. the price is shown");
  results_["points"].push_back(question);
  EXPECT_THAT(TextOf(Render("{r: {result: {stage: points}}}", "{{r}}")), HasSubstr(">>\n1. the price is shown\n<<end of r "));
}

TEST_F(PromptTest, ResultsOfPicturesAroundAStep) {
  for (int number = 1; number <= 4; ++number) {
    v1::JudgeQuestion question;
    question.set_index(number);
    question.set_text("caption " + std::to_string(number));
    results_["caption"].push_back(question);
  }
  EXPECT_THAT(TextOf(Render("{b: {result: {stage: caption, moment: before}}, a: {result: {stage: caption, moment: after}}}",
                            "{{b}} then {{a}}", 1, v1::QUESTION_SCOPE_STEP)),
              testing::AllOf(HasSubstr("caption 2"), HasSubstr("caption 3"), Not(HasSubstr("caption 1"))));
  EXPECT_THAT(TextOf(Render("{a: {result: {stage: caption}}}", "{{a}}")), HasSubstr("1. caption 1\n2. caption 2\n"));
  EXPECT_THAT(TextOf(Render("{a: {result: {stage: caption, moment: after}, if_empty: '(ended)'}}", "{{a}}", 3,
                            v1::QUESTION_SCOPE_STEP)),
              HasSubstr("(ended)"));
}

TEST_F(PromptTest, LongTextsAreCutBetweenCharacters) {
  record_.Answer(std::string(99, 'x') + "\xc3\xa4" + "tail");
  const std::string text = TextOf(Render("{a: {answer: {}, max_bytes: 100}}", "{{a}}"));
  EXPECT_THAT(text, HasSubstr(std::string(99, 'x') + "\n[cut here: the whole has 105 bytes]"));
}

TEST_F(PromptTest, TheSameSourcesGiveTheSamePrompt) {
  const std::string slots = "{answer: {answer: {}}}";
  EXPECT_EQ(TextOf(Render(slots, "{{answer}} {{verdict_tag}}")), TextOf(Render(slots, "{{answer}} {{verdict_tag}}")));
}

TEST_F(PromptTest, AMissingPictureIsAnError) {
  record_.trajectory().mutable_initial_observation()->mutable_screenshot()->set_digest(std::string(64, 'a'));
  const RecordView view(record_.trajectory());
  v1::JudgeStage stage;
  (*stage.mutable_slots())["p"].mutable_screenshots()->set_all(true);
  stage.add_messages()->set_template_("{{p}}");
  const auto prompt = RenderPrompt(CallContext(), stage, 0, {view, results_, record_.blobs(), model::FenceKey{"s", "v", 0}, nullptr});
  EXPECT_EQ(prompt.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(prompt.status().message(), HasSubstr("screenshot 1"));
}

}  // namespace
}  // namespace proctor::evaluator
