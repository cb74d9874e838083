#include "env/desktop/practice/templates.h"

#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/ids.h"
#include "common/json.h"
#include "common/proto_json.h"
#include "env/desktop/practice/oracles.h"
#include "env/practice/templates.h"
#include "evaluator/evaluate.h"
#include "evaluator/evaluator_config.h"
#include "evaluator/evidence.h"
#include "gtest/gtest.h"
#include "tests/env/desktop/practice/start_evidence.h"

namespace proctor::env::desktop_practice {
namespace {

constexpr int kSeeds = 200;

TEST(DesktopTemplatesTest, ThereAreEnoughOfEveryApplicationAndKind) {
  std::map<std::string, int> by_site, by_kind;
  std::set<std::string> ids;
  for (const practice::Template& source : practice::Templates()) ids.insert(source.id);
  for (const Template& source : Templates()) {
    EXPECT_TRUE(ids.insert(source.id).second) << source.id;
    EXPECT_TRUE(absl::StartsWith(source.id, source.site + "/")) << source.id;
    ++by_site[source.site];
    ++by_kind[source.kind];
  }
  EXPECT_GE(Templates().size(), 20u);
  for (const char* site : {"calculator", "editor", "files", "spreadsheet"}) EXPECT_GE(by_site[site], 3) << site;
  for (const char* kind : {"find_fact", "content_change", "reach_state", "impossible"}) EXPECT_GE(by_kind[kind], 1) << kind;
}

TEST(DesktopTemplatesTest, RefusesUnknownTemplatesAndSeeds) {
  EXPECT_EQ(Instantiate("files/nothing", 1).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Instantiate("files/rename", 0).status().code(), absl::StatusCode::kInvalidArgument);
}

// Stored tasks name a seed: what it gives must be the same whatever compiled the server. Change this only with the templates.
TEST(DesktopTemplatesTest, ASeedGivesWhatItAlwaysGave) {
  std::string tasks;
  for (const Template& source : Templates()) {
    for (int64_t seed = 1; seed <= 5; ++seed) {
      const v1::Task task = Instantiate(source.id, seed).value();
      absl::StrAppend(&tasks, task.goal(), "\n", ProtoToJson(task.oracle()), "\n", ProtoToJson(task.start_state()), "\n");
    }
  }
  EXPECT_EQ(Sha256Hex(tasks).substr(0, 16), "ef2ff24ea7c94a75");
}

TEST(DesktopOraclesTest, AFileHoldsItsOwnTextWithOrWithoutTheLastNewline) {
  for (const std::string text : {"", "a", "a\n", "a\n\n", "\n"}) {
    std::string other = text;
    if (text.empty() || text.back() != '\n') other += '\n'; else other.pop_back();
    for (const std::string& held : {text, other, text + "b"}) {
      v1::Trajectory record;
      record.set_name("trajectories/t");
      record.set_format_version(1);
      *record.mutable_task()->mutable_oracle() = FileHolds("f.txt", text);
      v1::DesktopFile* file = record.mutable_task()->mutable_start_state()->mutable_desktop()->add_files();
      file->set_path("f.txt");
      file->set_content(held);
      for (const v1::EvidenceRequest& request : evaluator::RequiredEvidence(record.task().oracle()))
        *record.add_evidence() = EvidenceAtStart(record.task(), request, false);
      record.set_closed(true);
      record.set_end_kind(v1::END_KIND_TERMINATED);
      record.set_end_reason(v1::END_REASON_ANSWERED);
      const bool right = held != text + "b";
      EXPECT_EQ(evaluator::Evaluate(evaluator::TaskOracleEvaluator(), record)->outcome(), right ? v1::OUTCOME_SUCCESS : v1::OUTCOME_FAILURE)
          << "'" << text << "' against '" << held << "'";
    }
  }
}

// The verdict on an episode that left these files, with what else the listing of the home tells as hidden.
v1::Outcome OutcomeWith(const v1::Task& task, const std::map<std::string, std::string>& files, const std::vector<std::string>& hidden = {}) {
  v1::Task after = task;
  after.mutable_start_state()->mutable_desktop()->clear_files();
  for (const auto& [path, content] : files) {
    v1::DesktopFile* file = after.mutable_start_state()->mutable_desktop()->add_files();
    file->set_path(path);
    file->set_content(content);
  }
  v1::Trajectory record;
  record.set_name("trajectories/t");
  record.set_format_version(1);
  *record.mutable_task() = task;
  for (const v1::EvidenceRequest& request : evaluator::RequiredStartEvidence(task.oracle())) *record.add_evidence() = EvidenceAtStart(task, request, true);
  for (const v1::EvidenceRequest& request : evaluator::RequiredEvidence(task.oracle())) {
    v1::Evidence& evidence = *record.add_evidence() = EvidenceAtStart(after, request, false);
    if (request.file().path() != ".") continue;
    Json listing = ParseJson(evidence.json_values(0)).value();
    listing["hidden"] = hidden;
    evidence.set_json_values(0, DumpJson(listing));
  }
  record.add_steps()->mutable_action()->mutable_answer()->set_text("done");
  record.set_step_count(1);
  record.set_closed(true);
  record.set_end_kind(v1::END_KIND_TERMINATED);
  record.set_end_reason(v1::END_REASON_ANSWERED);
  return evaluator::Evaluate(evaluator::TaskOracleEvaluator(), record)->outcome();
}

// What a task of the file manager starts from, but for the programs' settings, and the file that its solution clicks first.
std::map<std::string, std::string> FilesOf(const v1::Task& task) {
  std::map<std::string, std::string> files;
  for (const v1::DesktopFile& file : task.start_state().desktop().files()) {
    if (file.path()[0] != '.') files[file.path()] = file.content();
  }
  return files;
}

std::string ChosenOf(const v1::Task& task) {
  for (const v1::SolutionStep& step : task.solution()) {
    if (FilesOf(task).contains(step.click().name())) return step.click().name();
  }
  ADD_FAILURE() << "no file is clicked";
  return "";
}

TEST(DesktopFileTasksTest, AFileThatIsHiddenIsNotDeleted) {
  for (int seed = 1; seed <= 20; ++seed) {
    const v1::Task task = Instantiate("files/delete", seed).value();
    std::map<std::string, std::string> files = FilesOf(task);
    files.erase(ChosenOf(task));
    EXPECT_EQ(OutcomeWith(task, files), v1::OUTCOME_SUCCESS);
    EXPECT_EQ(OutcomeWith(task, files, {"." + ChosenOf(task)}), v1::OUTCOME_FAILURE);
  }
}

TEST(DesktopFileTasksTest, AFileIsMovedOnlyIfNoCopyStaysAnywhere) {
  // Where the known solution puts it.
  const auto place = [](const v1::Task& task) {
    if (task.template_() == "files/rename") return task.solution(2).type().text();
    return absl::StrCat(task.template_() == "files/move" ? task.solution(2).click().name() : task.solution(1).type().text(), "/", ChosenOf(task));
  };
  for (const char* id : {"files/rename", "files/move", "files/new_folder"}) {
    for (int seed = 1; seed <= 20; ++seed) {
      const v1::Task task = Instantiate(id, seed).value();
      SCOPED_TRACE(absl::StrCat(id, ": ", task.goal()));
      std::map<std::string, std::string> files = FilesOf(task);
      const std::string chosen = ChosenOf(task), text = files.at(chosen);
      files.erase(chosen);
      files[place(task)] = text;
      EXPECT_EQ(OutcomeWith(task, files), v1::OUTCOME_SUCCESS);
      EXPECT_EQ(OutcomeWith(task, files, {".copy"}), v1::OUTCOME_FAILURE);
      files["copy of " + chosen] = text;
      EXPECT_EQ(OutcomeWith(task, files), v1::OUTCOME_FAILURE);
    }
  }
}

TEST(DesktopFileTasksTest, TheFolderThatAFileIsMovedToKeepsWhatItHeld) {
  const v1::Task task = Instantiate("files/move", 3).value();
  std::map<std::string, std::string> files = FilesOf(task);
  const std::string chosen = ChosenOf(task), folder = task.solution(2).click().name();
  files[folder + "/" + chosen] = files.at(chosen);
  files.erase(chosen);
  ASSERT_EQ(OutcomeWith(task, files), v1::OUTCOME_SUCCESS);
  files.at(folder + "/readme.txt") = "Something else.\n";
  EXPECT_EQ(OutcomeWith(task, files), v1::OUTCOME_FAILURE);
}

class DesktopTemplateTest : public ::testing::TestWithParam<std::string> {
 protected:
  const Template& Source() {
    for (const Template& source : Templates()) {
      if (source.id == GetParam()) return source;
    }
    return Templates()[0];
  }

  // The verdict on an episode that did nothing but give this answer, or give up.
  static v1::Verdict VerdictOn(const v1::Task& task, const v1::Action& last) {
    v1::Trajectory record;
    record.set_name("trajectories/t");
    record.set_format_version(1);
    *record.mutable_task() = task;
    for (const bool at_start : {true, false}) {
      const auto requests = at_start ? evaluator::RequiredStartEvidence(task.oracle()) : evaluator::RequiredEvidence(task.oracle());
      for (const v1::EvidenceRequest& request : requests) *record.add_evidence() = EvidenceAtStart(task, request, at_start);
    }
    *record.add_steps()->mutable_action() = last;
    record.set_step_count(1);
    record.set_closed(true);
    record.set_end_kind(v1::END_KIND_TERMINATED);
    record.set_end_reason(last.has_give_up() ? v1::END_REASON_GAVE_UP : v1::END_REASON_ANSWERED);
    return evaluator::Evaluate(evaluator::TaskOracleEvaluator(), record).value();
  }

  static v1::Action Answer(const std::string& text) {
    v1::Action action;
    action.mutable_answer()->set_text(text);
    return action;
  }

  static v1::Action GiveUp() {
    v1::Action action;
    action.mutable_give_up();
    return action;
  }
};

TEST_P(DesktopTemplateTest, GivesTheSameTaskForTheSameSeed) {
  EXPECT_EQ(Instantiate(GetParam(), 5)->SerializeAsString(), Instantiate(GetParam(), 5)->SerializeAsString());
}

TEST_P(DesktopTemplateTest, GivesWellFormedTasks) {
  for (int seed = 1; seed <= kSeeds; ++seed) {
    const absl::StatusOr<v1::Task> task = Instantiate(GetParam(), seed);
    ASSERT_TRUE(task.ok()) << task.status();
    SCOPED_TRACE(absl::StrCat("seed ", seed, ": ", task->goal()));
    EXPECT_FALSE(task->goal().empty());
    EXPECT_FALSE(absl::StrContains(task->goal(), "$")) << "a placeholder was left";
    EXPECT_EQ(task->environment(), "environments/desktop");
    EXPECT_EQ(task->template_(), GetParam());
    EXPECT_EQ(task->site(), Source().site);
    EXPECT_EQ(task->kind(), Source().kind);
    // Desktops cannot be seeded.
    EXPECT_EQ(task->seed(), 0);
    EXPECT_TRUE(absl::StrContains(task->lineage().parameters_json(), absl::StrCat("\"seed\":\"", seed, "\"")));
    EXPECT_EQ(task->impossible(), Source().impossible);
    EXPECT_EQ(task->optimal_steps(), Source().optimal_steps);
    EXPECT_EQ(evaluator::ValidateOracle(task->oracle()), absl::OkStatus());
  }
}

TEST_P(DesktopTemplateTest, StartsFromFilesThatAreThereOnceAndApplicationsThatAreKnown) {
  for (int seed = 1; seed <= kSeeds; ++seed) {
    const v1::Task task = Instantiate(GetParam(), seed).value();
    SCOPED_TRACE(absl::StrCat("seed ", seed, ": ", task.goal()));
    std::set<std::string> paths;
    for (const v1::DesktopFile& file : task.start_state().desktop().files()) EXPECT_TRUE(paths.insert(file.path()).second) << file.path();
    EXPECT_GE(task.start_state().desktop().launches_size(), 1);
    for (const v1::DesktopLaunch& launch : task.start_state().desktop().launches()) {
      EXPECT_FALSE(ProgramOf(launch.application()).first.empty());
      for (const std::string& file : launch.files()) EXPECT_TRUE(paths.contains(file)) << file;
    }
  }
}

TEST_P(DesktopTemplateTest, HasASolutionUnlessWordsForItAreMissing) {
  for (int seed = 1; seed <= kSeeds; ++seed) {
    const v1::Task task = Instantiate(GetParam(), seed).value();
    if (GetParam() == "desktop/start_application") {
      EXPECT_EQ(task.solution_size(), 0);
      EXPECT_TRUE(absl::StrContains(task.lineage().parameters_json(), "application"));
      continue;
    }
    ASSERT_GE(task.solution_size(), task.optimal_steps());
    const v1::SolutionStep& last = task.solution(task.solution_size() - 1);
    EXPECT_EQ(last.kind_case(), Source().impossible ? v1::SolutionStep::kGiveUp : v1::SolutionStep::kAnswer);
  }
}

TEST_P(DesktopTemplateTest, DiffersFromSeedToSeed) {
  std::set<std::string> goals, asked;
  for (int seed = 1; seed <= kSeeds; ++seed) {
    const v1::Task task = Instantiate(GetParam(), seed).value();
    goals.insert(task.goal());
    asked.insert(task.start_state().SerializeAsString() + task.oracle().SerializeAsString());
  }
  // Two seeds may draw the same expression.
  EXPECT_GE(asked.size(), static_cast<size_t>(kSeeds * 0.95));
  // Some only name an application, a cell or a label.
  EXPECT_GE(goals.size(), 20u);
}

TEST_P(DesktopTemplateTest, IsNotSolvedAtTheStartNorByAGuess) {
  for (int seed = 1; seed <= kSeeds; ++seed) {
    const v1::Task task = Instantiate(GetParam(), seed).value();
    SCOPED_TRACE(absl::StrCat("seed ", seed, ": ", task.goal()));
    for (const v1::Action& action : {Answer("done"), Answer(""), Answer("N/A"), GiveUp()}) {
      const v1::Verdict verdict = VerdictOn(task, action);
      const bool right = task.impossible() && (action.has_give_up() || action.answer().text() == "N/A");
      EXPECT_EQ(verdict.outcome(), right ? v1::OUTCOME_SUCCESS : v1::OUTCOME_FAILURE) << verdict.ShortDebugString();
      EXPECT_FALSE(verdict.already_solved());
    }
  }
}

TEST_P(DesktopTemplateTest, TakesTheRightAnswerOnlyAndDoesNotTellIt) {
  for (int seed = 1; seed <= kSeeds; ++seed) {
    const v1::Task task = Instantiate(GetParam(), seed).value();
    if (!task.oracle().has_answer()) continue;
    SCOPED_TRACE(absl::StrCat("seed ", seed, ": ", task.goal()));
    const std::string answer = task.solution(task.solution_size() - 1).answer();
    EXPECT_EQ(VerdictOn(task, Answer(answer)).outcome(), v1::OUTCOME_SUCCESS);
    EXPECT_EQ(VerdictOn(task, Answer(answer + "7")).outcome(), v1::OUTCOME_FAILURE);
    // The largest file is one of four that the goal names.
    if (GetParam() == "files/largest_file") continue;
    EXPECT_FALSE(absl::StrContains(task.goal(), absl::StrCat(" ", answer, " ")));
    EXPECT_FALSE(absl::StrContains(task.goal(), absl::StrCat("\"", answer, "\"")));
  }
}

std::vector<std::string> Ids() {
  std::vector<std::string> ids;
  for (const Template& source : Templates()) ids.push_back(source.id);
  return ids;
}

INSTANTIATE_TEST_SUITE_P(All, DesktopTemplateTest, ::testing::ValuesIn(Ids()),
                         [](const auto& info) { return absl::StrReplaceAll(info.param, {{"/", "_"}}); });

}  // namespace
}  // namespace proctor::env::desktop_practice
