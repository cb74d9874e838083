// The templates' oracles accept the known solution's end and refuse what takes no skill.
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "env/practice/hub.h"
#include "env/practice/templates.h"
#include "evaluator/evaluate.h"
#include "evaluator/evaluator_config.h"
#include "evaluator/evidence.h"
#include "gtest/gtest.h"
#include "tests/env/practice/visitor.h"

namespace proctor::env::practice {
namespace {

std::string JsonText(const std::string& text) { return absl::StrCat("\"", text, "\""); }

// A closed trajectory that ends as it began, but for the answer.
class Attempt {
 public:
  explicit Attempt(const v1::Task& task) : instance_(hub_.CreateInstance({.seed = task.seed()}).value()) {
    *trajectory_.mutable_task() = task;
    trajectory_.set_name("trajectories/t");
    trajectory_.set_format_version(1);
    trajectory_.set_closed(true);
    trajectory_.set_end_kind(v1::END_KIND_TERMINATED);
    trajectory_.set_end_reason(v1::END_REASON_ANSWERED);
    for (const auto& [placeholder, url] : instance_.base_urls) (*trajectory_.mutable_base_urls())[placeholder] = url;
    const std::string start = absl::StrReplaceAll(task.start_state().start_url(), instance_.base_urls);
    for (const bool at_start : {true, false}) {
      const auto requests = at_start ? evaluator::RequiredStartEvidence(task.oracle()) : evaluator::RequiredEvidence(task.oracle());
      for (const v1::EvidenceRequest& request : requests) {
        v1::Evidence& evidence = *trajectory_.add_evidence();
        evidence.set_request_id(request.id());
        evidence.set_at_start(at_start);
        evidence.add_json_values(request.has_site_state() ? hub_.StateJson(instance_.id, request.site_state().site()).value() : JsonText(start));
        evidence.add_urls(start);
      }
    }
  }

  v1::Verdict Answer(const std::string& text) {
    trajectory_.clear_steps();
    trajectory_.add_steps()->mutable_action()->mutable_answer()->set_text(text);
    trajectory_.set_step_count(1);
    return evaluator::Evaluate(evaluator::TaskOracleEvaluator(), trajectory_).value();
  }

  v1::Verdict GiveUp() {
    trajectory_.clear_steps();
    trajectory_.add_steps()->mutable_action()->mutable_give_up();
    trajectory_.set_end_reason(v1::END_REASON_GAVE_UP);
    trajectory_.set_step_count(1);
    return evaluator::Evaluate(evaluator::TaskOracleEvaluator(), trajectory_).value();
  }

 private:
  PracticeHub hub_;
  const PracticeHub::Instance instance_;
  v1::Trajectory trajectory_;
};

class TemplateOraclesTest : public ::testing::TestWithParam<std::string> {};

TEST_P(TemplateOraclesTest, RefuseEmptyAnswersGuessesAndDoingNothing) {
  for (int seed = 1; seed <= 5; ++seed) {
    const v1::Task task = Instantiate(GetParam(), seed).value();
    ASSERT_TRUE(evaluator::ValidateOracle(task.oracle()).ok());
    Attempt attempt(task);
    std::vector<std::string> answers{"", "done", "yes", "1", task.goal()};
    if (!task.impossible()) answers.push_back("N/A");
    for (const std::string& answer : answers) {
      const v1::Verdict verdict = attempt.Answer(answer);
      EXPECT_EQ(verdict.outcome(), v1::OUTCOME_FAILURE) << "seed " << seed << ", answer " << answer << ": " << verdict.rationale();
      EXPECT_FALSE(verdict.already_solved());
    }
  }
}

TEST_P(TemplateOraclesTest, AcceptGivingUpOnlyWhereItIsImpossible) {
  const v1::Task task = Instantiate(GetParam(), 3).value();
  EXPECT_EQ(Attempt(task).GiveUp().outcome(), task.impossible() ? v1::OUTCOME_SUCCESS : v1::OUTCOME_FAILURE);
}

TEST_P(TemplateOraclesTest, AcceptTheAnswerAndHardlyAnyOther) {
  if (!Instantiate(GetParam(), 1)->oracle().has_answer()) return;
  constexpr int kSeeds = 40;
  int wrong = 0, tried = 0;
  std::vector<std::string> answers;
  for (int seed = 1; seed <= kSeeds; ++seed) {
    const v1::Task task = Instantiate(GetParam(), seed).value();
    answers.push_back(task.solution(task.solution_size() - 1).answer());
  }
  for (int seed = 1; seed <= 4; ++seed) {
    Attempt attempt(Instantiate(GetParam(), seed).value());
    for (const std::string& spelling : {answers[seed - 1], absl::AsciiStrToUpper(answers[seed - 1]), " " + answers[seed - 1] + ". "}) {
      EXPECT_EQ(attempt.Answer(spelling).outcome(), v1::OUTCOME_SUCCESS) << spelling;
    }
    for (int other = 1; other <= kSeeds; ++other) {
      if (other == seed) continue;
      ++tried;
      wrong += attempt.Answer(answers[other - 1]).outcome() == v1::OUTCOME_SUCCESS;
    }
  }
  EXPECT_LE(wrong, tried / 50) << "answers of other tasks are accepted";
}

std::vector<std::string> Ids() {
  std::vector<std::string> ids;
  for (const Template& source : Templates()) ids.push_back(source.id);
  return ids;
}

TEST(PracticeAnswersTest, ANumberOfTwoPartsIsWholeOrWrong) {
  const v1::Task task = Instantiate("mail/contact_phone", 3).value();
  const std::string answer = task.solution().rbegin()->answer();
  const size_t space = answer.find(' ');
  ASSERT_NE(space, std::string::npos) << answer;
  Attempt attempt(task);
  EXPECT_EQ(attempt.Answer(answer).outcome(), v1::OUTCOME_SUCCESS) << answer;
  EXPECT_EQ(attempt.Answer(answer.substr(0, space)).outcome(), v1::OUTCOME_FAILURE) << answer;
}

TEST(PracticeAnswersTest, AQuantityIsRightWithAndWithoutItsUnitAndItsSeparator) {
  v1::Task task;
  std::string answer;
  for (int seed = 1; answer.find(',') == std::string::npos || answer.find(' ') == std::string::npos; ++seed) {
    ASSERT_LT(seed, 200);
    task = Instantiate("wiki/measure_in_list", seed).value();
    answer = task.solution().rbegin()->answer();
  }
  const size_t space = answer.find(' ');
  const std::string amount = answer.substr(0, space), unit = answer.substr(space + 1), plain = absl::StrReplaceAll(amount, {{",", ""}});
  Attempt attempt(task);
  for (const std::string& right : {answer, amount, amount + unit, plain, plain + unit, plain + " " + unit}) {
    EXPECT_EQ(attempt.Answer(right).outcome(), v1::OUTCOME_SUCCESS) << right;
  }
  EXPECT_EQ(attempt.Answer(unit).outcome(), v1::OUTCOME_FAILURE);
}

INSTANTIATE_TEST_SUITE_P(All, TemplateOraclesTest, ::testing::ValuesIn(Ids()), [](const auto& info) { return absl::StrReplaceAll(info.param, {{"/", "_"}}); });

}  // namespace
}  // namespace proctor::env::practice
