// Every template is solved on a real desktop with real applications by its known solution; what leaves a step out, does nothing or answers
// wrongly is not.
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/executor.h"
#include "common/json.h"
#include "env/desktop/desktop_environment.h"
#include "env/desktop/practice/templates.h"
#include "evaluator/evaluate.h"
#include "evaluator/evaluator_config.h"
#include "evaluator/evidence.h"
#include "gtest/gtest.h"
#include "proposer/solution_replay.h"
#include "tests/env/desktop/machine_lacks.h"

namespace proctor::env::desktop_practice {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(5);
constexpr absl::Duration kPause = absl::Milliseconds(100);

v1::Action Answer(const std::string& text) {
  v1::Action action;
  action.mutable_answer()->set_text(text);
  return action;
}

// A way through a task: steps of its solution, and starting applications, for which solutions have no words.
struct Script {
  std::vector<v1::SolutionStep> steps;
  std::string start_application;
};

Script SolutionOf(const v1::Task& task) {
  Script script{.steps = {task.solution().begin(), task.solution().end()}, .start_application = ""};
  if (!script.steps.empty()) return script;
  script.start_application = JsonStringOr(ParseJson(task.lineage().parameters_json()).value(), "application");
  script.steps.emplace_back().set_answer("done");
  return script;
}

class DesktopSolveTest : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (const std::string lacks = desktop::MachineLacks(); !lacks.empty()) GTEST_SKIP() << lacks;
    desktop::DesktopEnvironment::Options options;
    options.guest_executable = PROCTOR_DESKTOP_GUEST;
    auto environment = desktop::DesktopEnvironment::Create(std::move(options), background_);
    ASSERT_TRUE(environment.ok()) << environment.status();
    environment_ = *std::move(environment);
    const v1::Environment about = environment_->Describe();
    ASSERT_TRUE(about.available()) << about.unavailable_reason();
    const auto settings = environment_->ResolveSettings(v1::EnvironmentSettings());
    ASSERT_TRUE(settings.ok()) << settings.status();
    auto world = environment_->Open(CallContext::WithTimeout(absl::Seconds(60)), *settings);
    ASSERT_TRUE(world.ok()) << world.status();
    world_ = *std::move(world);
    elements_.add_parts(v1::OBSERVATION_PART_ELEMENTS);
  }

  // Plays the script; a step that cannot be done ends it. The verdict on it, once it is `wanted` or patience has an end.
  absl::StatusOr<v1::Verdict> Play(const v1::Task& task, const Script& script, v1::Outcome wanted) {
    const CallContext context = CallContext::WithTimeout(absl::Seconds(120));
    v1::Trajectory record;
    record.set_name("trajectories/t");
    record.set_format_version(1);
    *record.mutable_task() = task;
    auto reset = world_->Reset(context, {.task = task, .seed = 0}, elements_);
    if (!reset.ok()) return reset.status();
    Collect(context, evaluator::RequiredStartEvidence(task.oracle()), true, record);
    problem_ = "";
    v1::Action last = Answer("done");
    PROCTOR_RETURN_IF_ERROR(ActAll(context, reset->observation, script, record, last));
    *record.add_steps()->mutable_action() = last;
    record.set_step_count(record.steps_size());
    record.set_closed(true);
    record.set_end_kind(v1::END_KIND_TERMINATED);
    record.set_end_reason(last.has_give_up() ? v1::END_REASON_GAVE_UP : v1::END_REASON_ANSWERED);
    absl::StatusOr<v1::Verdict> verdict = VerdictNow(context, record);
    // A file may be written, or a program end, a moment later.
    const absl::Time give_up = absl::Now() + kPatience;
    while (wanted == v1::OUTCOME_SUCCESS && verdict.ok() && verdict->outcome() != wanted && absl::Now() < give_up) {
      absl::SleepFor(kPause);
      verdict = VerdictNow(context, record);
    }
    world_->EndEpisode();
    return verdict;
  }

  absl::StatusOr<v1::Verdict> VerdictNow(const CallContext& context, v1::Trajectory record) {
    Collect(context, evaluator::RequiredEvidence(record.task().oracle()), false, record);
    return evaluator::Evaluate(evaluator::TaskOracleEvaluator(), record);
  }

  absl::Status ActAll(const CallContext& context, v1::Observation seen, const Script& script, v1::Trajectory& record, v1::Action& last) {
    if (!script.start_application.empty()) {
      v1::Action start;
      start.mutable_open_app()->set_name(script.start_application);
      PROCTOR_RETURN_IF_ERROR(ActOnce(context, start, seen, record));
    }
    for (const v1::SolutionStep& step : script.steps) {
      auto action = Resolved(seen, step);
      if (!action.ok()) {
        problem_ = absl::StrCat(action.status().message(), " (", step.ShortDebugString(), ")");
        return absl::OkStatus();
      }
      if (action->has_answer() || action->has_give_up()) {
        last = *action;
        return absl::OkStatus();
      }
      PROCTOR_RETURN_IF_ERROR(ActOnce(context, *action, seen, record));
      if (!problem_.empty()) return absl::OkStatus();
    }
    return absl::OkStatus();
  }

  // Without an element text goes where the focus is.
  static absl::StatusOr<v1::Action> Resolved(const v1::Observation& seen, const v1::SolutionStep& step) {
    if (!step.has_type() || step.type().has_element()) return proposer::ResolveSolutionStep(seen, step);
    v1::Action action;
    action.mutable_type()->set_text(step.type().text());
    action.mutable_type()->set_clear(step.type().clear());
    action.mutable_type()->set_submit(step.type().submit());
    return action;
  }

  absl::Status ActOnce(const CallContext& context, const v1::Action& action, v1::Observation& seen, v1::Trajectory& record) {
    *record.add_steps()->mutable_action() = action;
    const std::string before = WhatIsSeen(seen);
    PROCTOR_ASSIGN_OR_RETURN(ActResult acted, world_->Act(context, action, elements_));
    seen = std::move(acted.observation);
    if (!seen.action_error().empty()) {
      problem_ = absl::StrCat(seen.action_error(), " (", action.ShortDebugString(), ")");
      return absl::OkStatus();
    }
    return AwaitEffect(context, action, before, seen);
  }

  // An application may take its time on a busy machine: waits until something looks different and then stays as it is.
  absl::Status AwaitEffect(const CallContext& context, const v1::Action& action, const std::string& before, v1::Observation& seen) {
    const std::string chord = action.press_keys().chords().empty() ? "" : action.press_keys().chords(0);
    bool changed = chord == "Control+A" || chord == "Control+C";
    const absl::Time give_up = absl::Now() + kPatience;
    while (absl::Now() < give_up) {
      const std::string now = WhatIsSeen(seen);
      changed |= now != before;
      absl::SleepFor(kPause);
      PROCTOR_ASSIGN_OR_RETURN(seen, world_->Observe(context, elements_));
      if (changed && WhatIsSeen(seen) == now) return absl::OkStatus();
    }
    return absl::OkStatus();
  }

  static std::string WhatIsSeen(const v1::Observation& observation) {
    std::string seen = observation.title();
    for (const v1::Element& element : observation.elements()) absl::StrAppend(&seen, "\n", element.SerializeAsString());
    return seen;
  }

  void Collect(const CallContext& context, const std::vector<v1::EvidenceRequest>& requests, bool at_start, v1::Trajectory& record) {
    if (requests.empty()) return;
    for (v1::Evidence& evidence : world_->Collect(context, requests)) {
      evidence.set_at_start(at_start);
      *record.add_evidence() = std::move(evidence);
    }
  }

  void ExpectOutcome(v1::Outcome wanted, const v1::Task& task, const Script& script) {
    const absl::StatusOr<v1::Verdict> verdict = Play(task, script, wanted);
    ASSERT_TRUE(verdict.ok()) << verdict.status();
    EXPECT_EQ(verdict->outcome(), wanted) << verdict->ShortDebugString() << "\n" << problem_;
    EXPECT_FALSE(verdict->already_solved());
  }

  // Near misses: the last step wrong, then each other step left out.
  void ExpectThatEveryStepMatters(const v1::Task& task) {
    Script script = SolutionOf(task);
    if (!script.start_application.empty()) {
      script.start_application = "";
      SCOPED_TRACE("nothing started");
      return ExpectOutcome(v1::OUTCOME_FAILURE, task, script);
    }
    if (task.oracle().has_answer() || task.impossible()) {
      SCOPED_TRACE("a wrong answer");
      Script wrong = script;
      wrong.steps.back().set_answer(script.steps.back().answer() + "7");
      ExpectOutcome(v1::OUTCOME_FAILURE, task, wrong);
      return;
    }
    for (size_t left_out = 0; left_out + 1 < script.steps.size(); ++left_out) {
      SCOPED_TRACE(absl::StrCat("without step ", left_out));
      Script shorter = script;
      shorter.steps.erase(shorter.steps.begin() + static_cast<std::ptrdiff_t>(left_out));
      ExpectOutcome(v1::OUTCOME_FAILURE, task, shorter);
    }
  }

  ThreadPool background_{"background", 2};
  std::unique_ptr<desktop::DesktopEnvironment> environment_;
  std::unique_ptr<World> world_;
  v1::ObservationRequest elements_;
  // Why the last script could not be played to its end.
  std::string problem_;
};

TEST_P(DesktopSolveTest, IsSolvedByItsSolutionOnRealApplications) {
  for (const int seed : {1, 1001, 20002}) {
    const v1::Task task = Instantiate(GetParam(), seed).value();
    SCOPED_TRACE(absl::StrCat("seed ", seed, ": ", task.goal()));
    ExpectOutcome(v1::OUTCOME_SUCCESS, task, SolutionOf(task));
  }
}

TEST_P(DesktopSolveTest, IsNotSolvedByDoingNothingOrAlmostEverything) {
  const v1::Task task = Instantiate(GetParam(), 7).value();
  SCOPED_TRACE(task.goal());
  ExpectOutcome(v1::OUTCOME_FAILURE, task, Script());
  ExpectThatEveryStepMatters(task);
}

// Deleting is neither renaming, also to a name that is not shown, nor moving.
class DesktopDeleteTest : public DesktopSolveTest {};

TEST_P(DesktopDeleteTest, IsNotSolvedByPuttingTheFileElsewhere) {
  const v1::Task task = Instantiate("files/delete", 7).value();
  Script script;
  script.steps.push_back(task.solution(0));
  script.steps.emplace_back().set_press_key("F2");
  v1::TypeInto* name = script.steps.emplace_back().mutable_type();
  name->set_text(GetParam());
  name->set_clear(true);
  name->set_submit(true);
  script.steps.emplace_back().set_answer("done");
  ExpectOutcome(v1::OUTCOME_FAILURE, task, script);
}

INSTANTIATE_TEST_SUITE_P(Names, DesktopDeleteTest, ::testing::Values("renamed.txt", "renamed", ".hidden"));

std::vector<std::string> Ids() {
  std::vector<std::string> ids;
  for (const Template& source : Templates()) ids.push_back(source.id);
  return ids;
}

INSTANTIATE_TEST_SUITE_P(All, DesktopSolveTest, ::testing::ValuesIn(Ids()), [](const auto& info) {
  std::string name = info.param;
  name[name.find('/')] = '_';
  return name;
});

}  // namespace
}  // namespace proctor::env::desktop_practice
