// A record, judges by their configuration, and the verdicts that scripted models lead to.
#ifndef PROCTOR_TESTS_EVALUATOR_JUDGE_ASSESS_FIXTURE_H_
#define PROCTOR_TESTS_EVALUATOR_JUDGE_ASSESS_FIXTURE_H_

#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <utility>

#include "common/executor.h"
#include "common/yaml_proto.h"
#include "evaluator/assess.h"
#include "gtest/gtest.h"
#include "tests/evaluator/judge/scripted_model.h"

namespace proctor::evaluator {

inline v1::Evaluator Read(const std::string& yaml) {
  v1::Evaluator evaluator;
  const auto read = ParseYamlProto(yaml, "test", evaluator);
  EXPECT_TRUE(read.ok()) << read.status();
  evaluator.set_name("evaluators/test");
  return evaluator;
}

// One question; `name` stands in the prompt so that scripts can tell judges apart.
inline std::string OneQuestion(const std::string& name, const std::string& extra = "") {
  return "{stages: [{id: outcome, slots: {answer: {answer: {}}}, messages: [{template: '" + name +
         " {{answer}} {{verdict_tag}}'}], parser: {grade: {place: {after: '{{verdict_tag}}'}, grades: [{text: success, "
         "score: 1}, {text: failure, score: 0}, {text: unsure, undetermined: true}]}}" +
         extra + "}]}";
}

inline v1::Evaluator OneJudge(const std::string& extra = "") { return Read("judge: " + OneQuestion("only", extra)); }

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

}  // namespace proctor::evaluator

#endif  // PROCTOR_TESTS_EVALUATOR_JUDGE_ASSESS_FIXTURE_H_
