// Writes the task of a template, the parts in any order.
#ifndef PROCTOR_ENV_DESKTOP_PRACTICE_TASK_BUILDER_H_
#define PROCTOR_ENV_DESKTOP_PRACTICE_TASK_BUILDER_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "env/desktop/practice/templates.h"
#include "env/practice/random.h"
#include "proctor/v1/task.pb.h"

namespace proctor::env::desktop_practice {

using practice::Random;

class TaskBuilder {
 public:
  TaskBuilder(const Template& source, int64_t seed);

  // Chooses the parameters; its own sequence for each template and seed.
  Random& random() { return random_; }

  // Sets the goal to one of these wordings.
  void Goal(const std::vector<std::string>& wordings);

  // The start: files of the home directory, and applications that are open, the last one in front.
  void File(std::string_view path, std::string_view content);
  void Open(std::string_view application, const std::vector<std::string>& files = {});
  // The file manager, showing the home directory as a table.
  void OpenFiles();

  // Steps of the solution, in order. `name` is the element's accessible name.
  void Click(std::string_view name);
  void Press(std::string_view chord);
  // Replaces the text of what has the focus.
  void Write(std::string_view text);
  // Types into what has the focus and presses Enter; EnterNew empties it first.
  void Enter(std::string_view text);
  void EnterNew(std::string_view text);
  // The textbox number `nth`, from 0 in the order of the elements.
  void ClickTextbox(int nth);

  // How it ends. Exactly one of them. An answer adds the last step of the solution.
  void Answers(std::string_view answer);
  void AnswersNumber(double value);
  // The desktop is in this state; the answer does not matter.
  void EndsWith(v1::Oracle oracle);
  void GivesUp();

  // Nothing of the solution can be told in SolutionStep's words.
  void WithoutSolution() { without_solution_ = true; }
  // For people and tests: Lineage.parameters_json.
  void Parameter(std::string_view name, std::string_view value);

  v1::Task Build() &&;

 private:
  void AddType(std::string_view text, bool clear, bool submit);

  Random random_;
  v1::Task task_;
  std::vector<std::pair<std::string, std::string>> parameters_;
  bool without_solution_ = false;
};

// In double quotes.
std::string Quoted(std::string_view name);

// `count` different lower-case names of things, "harbour", "ledger".
std::vector<std::string> Words(Random& random, int count);
// `count` different file names, "harbour-ledger.txt". `ending` with its dot.
std::vector<std::string> FileNames(Random& random, int count, std::string_view ending);
// A short plain sentence without quotation marks, commas or a full stop.
std::string Sentence(Random& random);
// `bytes` bytes of lines of words, the last one ended.
std::string Filler(Random& random, int bytes);
// The lines, each ended.
std::string Lines(const std::vector<std::string>& lines);

// Each in a file of its own.
void AddCalculatorTemplates(std::vector<Template>& templates);
void AddEditorTemplates(std::vector<Template>& templates);
void AddFilesTemplates(std::vector<Template>& templates);
void AddSpreadsheetTemplates(std::vector<Template>& templates);
void AddDesktopTemplates(std::vector<Template>& templates);

}  // namespace proctor::env::desktop_practice

#endif  // PROCTOR_ENV_DESKTOP_PRACTICE_TASK_BUILDER_H_
