// proctor env
#include <algorithm>
#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "clients/cli/call.h"
#include "clients/cli/commands.h"
#include "clients/cli/text.h"

namespace proctor::cli {
namespace {

const std::vector<Column<v1::Environment>>& Columns() {
  using E = v1::Environment;
  static const auto& columns = *new std::vector<Column<E>>{
      {"NAME", [](const E& e) { return ShortName(e.name()); }},
      {"AVAILABLE", [](const E& e) { return e.available() ? "yes" : "NO"; }},
      {"SESSIONS", [](const E& e) { return absl::StrCat(e.open_sessions(), "/", e.max_sessions()); }, Align::kRight},
      {"DESCRIPTION", [](const E& e) { return e.available() ? e.description() : e.unavailable_reason(); }}};
  return columns;
}

absl::Status List(Call& call) {
  auto response = call.Send<v1::ListEnvironmentsResponse>(v1::ListEnvironmentsRequest());
  if (!response.ok()) return response.status();
  call.PrintAll(Columns(), response->environments());
  return absl::OkStatus();
}

// Labels of what an environment has, and of what others may have and it has not.
struct Abilities {
  std::vector<std::string> has;
  std::vector<std::string> lacks;
};

template <typename List>
Abilities KindsOf(const google::protobuf::OneofDescriptor& kinds, const List& names) {
  Abilities abilities;
  for (int i = 0; i < kinds.field_count(); ++i) {
    const std::string& name = kinds.field(i)->name();
    const bool has = std::find(names.begin(), names.end(), name) != names.end();
    (has ? abilities.has : abilities.lacks).push_back(name);
  }
  return abilities;
}

template <typename List>
Abilities LabelsOf(const google::protobuf::EnumDescriptor* type, const List& numbers) {
  Abilities abilities;
  for (int i = 0; i < type->value_count(); ++i) {
    const int number = type->value(i)->number();
    if (number == 0) continue;
    const bool has = std::find(numbers.begin(), numbers.end(), number) != numbers.end();
    (has ? abilities.has : abilities.lacks).push_back(EnumLabel(type, number));
  }
  return abilities;
}

const std::vector<std::string>& Groups() {
  static const auto& groups = *new std::vector<std::string>{"action", "observation", "dialect", "evidence"};
  return groups;
}

// "actions", but "evidence".
std::string Plural(const std::string& group) { return group == "evidence" ? group : absl::StrCat(group, "s"); }

// By the groups' names. What sessions do for every world counts as something that it has.
std::map<std::string, Abilities> AbilitiesOf(const v1::Capabilities& can) {
  std::vector<std::string> actions(can.actions().begin(), can.actions().end());
  for (const char* always : {"wait", "noop", "answer", "give_up"}) actions.push_back(always);
  return {{"action", KindsOf(*v1::Action::descriptor()->FindOneofByName("kind"), actions)},
          {"observation", LabelsOf(v1::ObservationPart_descriptor(), can.observation_parts())},
          {"dialect", LabelsOf(v1::Dialect_descriptor(), can.dialects())},
          {"evidence", KindsOf(*v1::EvidenceRequest::descriptor()->FindOneofByName("kind"), can.evidence())}};
}

std::string AbilityText(const v1::Capabilities& can) {
  std::string text;
  const std::map<std::string, Abilities> abilities = AbilitiesOf(can);
  const auto line = [&](const std::string& title, const std::vector<std::string>& words) {
    if (!words.empty()) absl::StrAppend(&text, title, ": ", absl::StrJoin(words, ", "), "\n");
  };
  for (const std::string& group : Groups()) line(absl::StrCat(Plural(group), " it has"), abilities.at(group).has);
  std::vector<std::string> applications;
  for (const std::string& name : can.applications()) applications.push_back(OneLine(name));
  line("applications", applications);
  absl::StrAppend(&text, "takes a seed: ", can.seedable() ? "yes" : "no", "\n");
  for (const std::string& group : Groups()) line(absl::StrCat(Plural(group), " it lacks"), abilities.at(group).lacks);
  if (!can.limitations().empty()) absl::StrAppend(&text, "limitations:\n");
  for (const std::string& limitation : can.limitations()) absl::StrAppend(&text, "  - ", OneLine(limitation), "\n");
  return text;
}

absl::Status Get(Call& call) {
  v1::GetEnvironmentRequest request;
  request.set_name(call.Name("environments"));
  auto environment = call.Send<v1::Environment>(request);
  if (!environment.ok()) return environment.status();
  call.output().Message(*environment, {"capabilities"});
  if (!call.output().json()) call.output().Raw(AbilityText(environment->capabilities()));
  return absl::OkStatus();
}

// One row for each ability that some environment has.
absl::Status Compare(Call& call) {
  auto response = call.Send<v1::ListEnvironmentsResponse>(v1::ListEnvironmentsRequest());
  if (!response.ok()) return response.status();
  if (call.output().json()) {
    call.output().Message(*response);
    return absl::OkStatus();
  }
  Table table;
  table.AddColumn("WHAT", Align::kLeft);
  std::vector<std::map<std::string, Abilities>> all;
  for (const v1::Environment& environment : response->environments()) {
    table.AddColumn(ShortName(environment.name()), Align::kLeft);
    all.push_back(AbilitiesOf(environment.capabilities()));
  }
  for (const std::string& group : Groups()) {
    std::set<std::string> names;
    for (const auto& abilities : all) names.insert(abilities.at(group).has.begin(), abilities.at(group).has.end());
    for (const std::string& name : names) {
      std::vector<std::string> row = {absl::StrCat(group, " ", name)};
      for (const auto& abilities : all) {
        const std::vector<std::string>& has = abilities.at(group).has;
        row.push_back(std::find(has.begin(), has.end(), name) != has.end() ? "yes" : "-");
      }
      table.AddRow(std::move(row));
    }
  }
  call.output().Print(table);
  return absl::OkStatus();
}

}  // namespace

std::vector<Command> EnvCommands() {
  return {{.name = "env list", .summary = "lists the environments", .run = List},
          {.name = "env get",
           .summary = "shows an environment, what it can and cannot do and its defaults",
           .arguments = {{"NAME", "the environment: web, practice, desktop, android, null"}},
           .run = Get},
          {.name = "env compare", .summary = "shows side by side what the environments can do", .run = Compare}};
}

}  // namespace proctor::cli
