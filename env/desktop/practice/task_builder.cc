#include "env/desktop/practice/task_builder.h"

#include "absl/strings/str_cat.h"
#include "common/strings.h"
#include "env/desktop/practice/oracles.h"
#include "common/json.h"

namespace proctor::env::desktop_practice {
namespace {

// Thunar lists files with accessible cells in this view only.
constexpr char kFileManagerSettings[] = R"(<?xml version="1.0" encoding="UTF-8"?>
<channel name="thunar" version="1.0">
  <property name="last-view" type="string" value="ThunarDetailsView"/>
</channel>
)";

// What opens a file: also on machines that have more editors.
constexpr char kFileTypes[] =
    "[Default Applications]\ntext/plain=org.xfce.mousepad.desktop\ntext/csv=gnumeric.desktop\n";

const std::vector<std::string>& Subjects() {
  static const auto& words = *new std::vector<std::string>{
      "anchor", "autumn", "bakery", "beacon", "bridge", "canal",   "candle", "castle", "cedar",  "cinema",
      "circus", "clover", "comet",  "copper", "coral",  "cottage", "desert", "dragon", "ferry",  "forest",
      "garden", "glacier", "granite", "harbour", "hazel", "island", "jasmine", "kettle", "lantern", "lemon",
      "library", "maple", "market", "meadow", "museum", "orchard", "otter", "pepper", "pigeon", "plaza",
      "quarry", "rabbit", "railway", "river", "saffron", "school", "silver", "station", "sunset", "theatre",
      "tiger", "tunnel", "valley", "velvet", "violet", "walnut", "willow", "window", "winter", "zebra"};
  return words;
}

const std::vector<std::string>& Papers() {
  static const auto& words = *new std::vector<std::string>{
      "agenda", "budget", "diary", "draft", "guide", "inventory", "invoice", "journal", "ledger", "letter",
      "list",   "manual", "memo",  "minutes", "notes", "outline", "plan", "recipe", "report", "schedule",
      "sketch", "speech", "summary", "survey"};
  return words;
}

}  // namespace

TaskBuilder::TaskBuilder(const Template& source, int64_t seed)
    : random_(static_cast<uint64_t>(seed), source.id) {
  task_.set_environment("environments/desktop");
  task_.set_template_(source.id);
  task_.set_site(source.site);
  task_.set_kind(source.kind);
  task_.set_impossible(source.impossible);
  task_.set_optimal_steps(source.optimal_steps);
  task_.mutable_lineage()->set_source("practice_templates");
  Parameter("seed", absl::StrCat(seed));
}

void TaskBuilder::Goal(const std::vector<std::string>& wordings) { task_.set_goal(random_.Pick(wordings)); }

void TaskBuilder::File(std::string_view path, std::string_view content) {
  v1::DesktopFile* file = task_.mutable_start_state()->mutable_desktop()->add_files();
  file->set_path(std::string(path));
  file->set_content(std::string(content));
}

void TaskBuilder::Open(std::string_view application, const std::vector<std::string>& files) {
  v1::DesktopLaunch* launch = task_.mutable_start_state()->mutable_desktop()->add_launches();
  launch->set_application(std::string(application));
  for (const std::string& file : files) launch->add_files(file);
}

void TaskBuilder::OpenFiles() {
  File(".config/xfce4/xfconf/xfce-perchannel-xml/thunar.xml", kFileManagerSettings);
  File(".config/mimeapps.list", kFileTypes);
  Open("files");
}

void TaskBuilder::Click(std::string_view name) {
  task_.add_solution()->mutable_click()->set_name(std::string(name));
}

void TaskBuilder::Press(std::string_view chord) { task_.add_solution()->set_press_key(std::string(chord)); }

void TaskBuilder::ClickTextbox(int nth) {
  v1::ElementRef* element = task_.add_solution()->mutable_click();
  element->set_role("textbox");
  element->set_nth(nth);
}

void TaskBuilder::AddType(std::string_view text, bool clear, bool submit) {
  v1::TypeInto* type = task_.add_solution()->mutable_type();
  type->set_text(std::string(text));
  type->set_clear(clear);
  type->set_submit(submit);
}

void TaskBuilder::Write(std::string_view text) { AddType(text, true, false); }

void TaskBuilder::Enter(std::string_view text) { AddType(text, false, true); }

void TaskBuilder::EnterNew(std::string_view text) { AddType(text, true, true); }

void TaskBuilder::Answers(std::string_view answer) {
  *task_.mutable_oracle() = AnswerIs({std::string(answer)});
  task_.add_solution()->set_answer(std::string(answer));
}

void TaskBuilder::AnswersNumber(double value) {
  *task_.mutable_oracle() = AnswerIsNumber(value);
  task_.add_solution()->set_answer(absl::StrCat(value));
}

void TaskBuilder::EndsWith(v1::Oracle oracle) {
  *task_.mutable_oracle() = std::move(oracle);
  task_.add_solution()->set_answer("done");
}

void TaskBuilder::GivesUp() {
  task_.mutable_oracle()->mutable_gave_up();
  task_.add_solution()->set_give_up(true);
}

void TaskBuilder::Parameter(std::string_view name, std::string_view value) {
  parameters_.emplace_back(std::string(name), std::string(value));
}

v1::Task TaskBuilder::Build() && {
  if (without_solution_) task_.clear_solution();
  Json parameters = Json::object();
  for (const auto& [name, value] : parameters_) parameters[name] = value;
  task_.mutable_lineage()->set_parameters_json(DumpJson(parameters));
  return std::move(task_);
}

std::string Quoted(std::string_view name) { return absl::StrCat("\"", ToAbsl(name), "\""); }

std::vector<std::string> Words(Random& random, int count) { return random.Sample(Subjects(), count); }

std::vector<std::string> FileNames(Random& random, int count, std::string_view ending) {
  std::vector<std::string> names = Words(random, count);
  for (std::string& name : names) absl::StrAppend(&name, "-", random.Pick(Papers()), ToAbsl(ending));
  return names;
}

std::string Sentence(Random& random) {
  static const auto& verbs = *new std::vector<std::string>{"needs", "awaits", "lost", "found", "sold", "wants", "repairs", "paints"};
  static const auto& numbers = *new std::vector<std::string>{"two", "three", "four", "five", "six", "seven", "nine", "ten"};
  static const auto& things = *new std::vector<std::string>{"chairs", "lamps", "boats", "tickets", "boxes", "keys", "ladders", "drums"};
  const std::string& subject = random.Pick(Subjects());
  const std::string& thing = random.Pick(things);
  const std::string& number = random.Pick(numbers);
  const std::string& verb = random.Pick(verbs);
  const std::string& paper = random.Pick(Papers());
  return absl::StrCat("the ", subject, " ", paper, " ", verb, " ", number, " ", thing);
}

std::string Filler(Random& random, int bytes) {
  std::string text;
  while (static_cast<int>(text.size()) < bytes) absl::StrAppend(&text, Sentence(random), "\n");
  text.resize(bytes);
  if (!text.empty()) text.back() = '\n';
  return text;
}

std::string Lines(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) absl::StrAppend(&text, line, "\n");
  return text;
}

}  // namespace proctor::env::desktop_practice
