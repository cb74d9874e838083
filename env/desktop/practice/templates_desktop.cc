#include "absl/strings/substitute.h"
#include "env/desktop/practice/oracles.h"
#include "env/desktop/practice/task_builder.h"

namespace proctor::env::desktop_practice {
namespace {

using absl::Substitute;

struct Application {
  // In DesktopConfig.applications, its process, and what people call it.
  std::string name, program, called;
};

std::vector<Application> Applications() {
  return {{"calculator", "galculator", "calculator"}, {"editor", "mousepad", "text editor"}, {"files", "thunar", "file manager"}, {"spreadsheet", "gnumeric", "spreadsheet"}};
}

// Files for people to see: the scenes differ.
void SomeFiles(TaskBuilder& task) {
  for (const std::string& name : FileNames(task.random(), task.random().Int(1, 4), ".txt")) task.File(name, Filler(task.random(), task.random().Int(60, 600)));
}

void StartApplication(TaskBuilder& task) {
  const std::vector<Application> chosen = task.random().Sample(Applications(), 2);
  SomeFiles(task);
  task.Open(chosen[1].name);
  task.Parameter("application", chosen[0].name);
  const std::string called = Quoted(chosen[0].called), open = Quoted(chosen[1].called);
  task.Goal({Substitute("Start the $0; leave the $1 open.", called, open), Substitute("Besides the $1 I need the $0: start it.", called, open), Substitute("Open the $0 beside the $1.", called, open)});
  std::vector<v1::Oracle> all;
  for (const Application& application : Applications()) {
    const bool wanted = application.name == chosen[0].name || application.name == chosen[1].name;
    all.push_back(wanted ? Runs(application.program) : RunsNot(application.program));
  }
  task.WithoutSolution();
  task.EndsWith(All(std::move(all)));
}

void QuitApplication(TaskBuilder& task) {
  const std::vector<Application> chosen = task.random().Sample(Applications(), 2);
  SomeFiles(task);
  task.Open(chosen[1].name);
  task.Open(chosen[0].name);
  const std::string called = Quoted(chosen[0].called), other = Quoted(chosen[1].called);
  task.Goal({Substitute("Quit the $0; leave the $1 open.", called, other), Substitute("I no longer need the $0: quit it, but not the $1.", called, other), Substitute("Close the $0 and keep the $1.", called, other)});
  task.Press("Control+Q");
  task.EndsWith(All({RunsNot(chosen[0].program), Runs(chosen[1].program)}));
}

}  // namespace

void AddDesktopTemplates(std::vector<Template>& templates) {
  templates.push_back({"desktop/start_application", "desktop", "reach_state", 2, false, StartApplication});
  templates.push_back({"desktop/quit_application", "desktop", "reach_state", 2, false, QuitApplication});
}

}  // namespace proctor::env::desktop_practice
