// proctor task
#include "absl/strings/str_cat.h"
#include "clients/cli/call.h"
#include "clients/cli/commands.h"
#include "clients/cli/flags.h"
#include "clients/cli/input_file.h"
#include "clients/cli/job_progress.h"
#include "clients/cli/text.h"
#include "common/status.h"

namespace proctor::cli {
namespace {

const std::vector<Column<v1::Task>>& Columns() {
  using T = v1::Task;
  static const auto& columns = *new std::vector<Column<T>>{
      {"NAME", [](const T& t) { return ShortName(t.name()); }},
      {"STATE", [](const T& t) { return EnumLabel(v1::TaskState_descriptor(), t.state()); }},
      {"SPLIT", [](const T& t) { return EnumLabel(v1::Split_descriptor(), t.split()); }},
      {"ENV", [](const T& t) { return ShortName(t.environment()); }},
      {"KIND", [](const T& t) { return t.kind(); }},
      {"STEPS",
       [](const T& t) { return t.optimal_steps() == 0 ? "" : absl::StrCat(t.optimal_steps()); },
       Align::kRight},
      {"GOAL", [](const T& t) { return t.goal(); }}};
  return columns;
}

v1::TaskFilter Filter(const Call& call) {
  const Arguments& arguments = call.arguments();
  v1::TaskFilter filter;
  for (const std::string& text : arguments.Texts("state")) {
    filter.add_states(static_cast<v1::TaskState>(EnumNumber(v1::TaskState_descriptor(), text)));
  }
  for (const std::string& text : arguments.Texts("split")) {
    filter.add_splits(static_cast<v1::Split>(EnumNumber(v1::Split_descriptor(), text)));
  }
  for (const std::string& text : arguments.Texts("env")) {
    filter.add_environments(client::FullName("environments", text));
  }
  for (const std::string& text : arguments.Texts("kind")) filter.add_kinds(text);
  for (const std::string& text : arguments.Texts("template")) filter.add_templates(text);
  for (const std::string& text : arguments.Texts("site")) filter.add_sites(text);
  filter.set_job(call.FlagName("jobs", "job"));
  filter.set_min_optimal_steps(static_cast<int32_t>(arguments.Integer("min-steps")));
  filter.set_max_optimal_steps(static_cast<int32_t>(arguments.Integer("max-steps")));
  for (const auto& [key, value] : arguments.Pairs("tag")) (*filter.mutable_tags())[key] = value;
  return filter;
}

absl::Status List(Call& call) {
  v1::ListTasksRequest request;
  *request.mutable_filter() = Filter(call);
  return call.List(request, &v1::ListTasksResponse::tasks, Columns());
}

absl::Status Get(Call& call) {
  v1::GetTaskRequest request;
  request.set_name(call.Name("tasks"));
  return call.SendAndPrint<v1::Task>(request);
}

absl::Status Create(Call& call) {
  const std::string path = call.arguments().Word(0);
  PROCTOR_ASSIGN_OR_RETURN(const std::string text, ReadInput(path));
  PROCTOR_ASSIGN_OR_RETURN(std::vector<v1::Task> tasks, ParseTasks(text, path));
  for (v1::Task& task : tasks) {
    if (!task.environment().empty()) task.set_environment(client::FullName("environments", task.environment()));
  }
  if (tasks.size() == 1) {
    v1::CreateTaskRequest request;
    *request.mutable_task() = tasks[0];
    return call.SendAndPrint<v1::Task>(request);
  }
  v1::BatchCreateTasksRequest request;
  request.mutable_tasks()->Assign(tasks.begin(), tasks.end());
  auto response = call.Send<v1::BatchCreateTasksResponse>(request);
  if (!response.ok()) return response.status();
  call.PrintAll(Columns(), response->tasks());
  return absl::OkStatus();
}

absl::Status Accept(Call& call) {
  v1::AcceptTaskRequest request;
  request.set_name(call.Name("tasks"));
  return call.SendAndPrint<v1::Task>(request);
}

absl::Status Reject(Call& call) {
  v1::RejectTaskRequest request;
  request.set_name(call.Name("tasks"));
  request.set_reason(call.arguments().Text("reason"));
  return call.SendAndPrint<v1::Task>(request);
}

// Why a draw brought fewer tasks than were asked for.
std::string FewerTasks(const v1::SampleTasksResponse& drawn, int count) {
  const std::string none = absl::StrCat(drawn.tasks_size(), " of ", count, ": no more accepted tasks fit");
  const int steps = drawn.frontier_steps();
  // No limit: unknown lengths come last.
  if (steps == 0) return none;
  // Whether there are longer ones, the answer does not tell.
  return absl::StrCat(none, ", or they are longer than the ", steps == 1 ? "1 step" : absl::StrCat(steps, " steps"),
                      " that the curriculum draws now (--strategy uniform: of any length)");
}

absl::Status Sample(Call& call) {
  const Arguments& arguments = call.arguments();
  v1::SampleTasksRequest request;
  request.set_count(static_cast<int32_t>(arguments.Integer("count", 10)));
  *request.mutable_filter() = Filter(call);
  request.set_policy(arguments.Text("policy"));
  request.set_policy_version(arguments.Text("policy-version"));
  request.set_seed(arguments.Integer("seed"));
  request.set_strategy(static_cast<v1::SamplingStrategy>(
      EnumNumber(v1::SamplingStrategy_descriptor(), arguments.Text("strategy"))));
  auto response = call.Send<v1::SampleTasksResponse>(request);
  if (!response.ok()) return response.status();
  call.PrintAll(Columns(), response->tasks());
  if (response->tasks_size() < request.count()) call.output().Note(FewerTasks(*response, request.count()));
  return absl::OkStatus();
}

absl::Status Import(Call& call) {
  const Arguments& arguments = call.arguments();
  if (!arguments.Has("webarena")) return UsageError("say what to import: --webarena FILE");
  v1::ProposeTasksRequest request;
  v1::WebArenaSource& source = *request.mutable_webarena();
  PROCTOR_ASSIGN_OR_RETURN(*source.mutable_config_json(), ReadInput(arguments.Text("webarena")));
  for (const auto& [placeholder, url] : arguments.Pairs("base-url"))
    (*source.mutable_base_urls())[placeholder] = url;
  for (const auto& [path, file] : arguments.Pairs("storage-state")) {
    std::string& content = (*source.mutable_storage_states())[path];
    if (file.empty()) continue;
    PROCTOR_ASSIGN_OR_RETURN(content, ReadInput(file));
  }
  if (arguments.Has("env"))
    source.set_environment(client::FullName("environments", arguments.Text("env")));
  for (const std::string& split : arguments.Texts("split")) {
    // Several: in equal shares.
    v1::SplitShares& shares = *request.mutable_split_shares();
    if (split == "train") shares.set_train(1);
    if (split == "validation") shares.set_validation(1);
    if (split == "test") shares.set_test(1);
  }
  for (const auto& [key, value] : arguments.Pairs("tag")) (*request.mutable_tags())[key] = value;
  auto job = call.Send<v1::Job>(request);
  if (!job.ok()) return job.status();
  return FollowJob(call, *job);
}

absl::Status ListTemplates(Call& call) {
  using T = v1::TaskTemplate;
  v1::ListTaskTemplatesRequest request;
  for (const std::string& text : call.arguments().Texts("site")) request.add_sites(text);
  auto response = call.Send<v1::ListTaskTemplatesResponse>(request);
  if (!response.ok()) return response.status();
  call.PrintAll(
      std::vector<Column<T>>{
          {"NAME", [](const T& t) { return t.name(); }},
          {"KIND", [](const T& t) { return t.kind(); }},
          {"STEPS", [](const T& t) { return absl::StrCat(t.optimal_steps()); }, Align::kRight},
          {"IMPOSSIBLE", [](const T& t) { return t.impossible() ? "yes" : ""; }}},
      response->templates());
  return absl::OkStatus();
}

std::vector<Flag> FilterFlags() {
  std::vector<std::string> splits = EnumChoices(v1::Split_descriptor());
  return {{.name = "split",
           .kind = ValueKind::kChoice,
           .value = "SPLIT",
           .choices = splits,
           .repeated = true},
          TextsFlag("env", "NAME", "for this environment"),
          TextsFlag("kind", "KIND", "of this kind: find_fact, reach_page, ..."),
          TextsFlag("template", "SITE/NAME", "made from this template"),
          TextsFlag("site", "SITE", "about this site"),
          TextFlag("job", "NAME", "proposed by this job"),
          NumberFlag("min-steps", "solved by no fewer steps", 1, 10'000),
          NumberFlag("max-steps", "solved by no more steps", 1, 10'000),
          TagFlag("with this tag")};
}

Command ListCommand() {
  const std::vector<Flag> state = {{.name = "state",
                                    .kind = ValueKind::kChoice,
                                    .value = "STATE",
                                    .choices = EnumChoices(v1::TaskState_descriptor()),
                                    .repeated = true}};
  return {.name = "task list",
          .summary = "lists tasks, oldest first",
          .flags = state + FilterFlags() + std::vector<Flag>{LimitFlag()},
          .run = List};
}

Command CreateCommand() {
  return {.name = "task create",
          .summary = "stores tasks from a file",
          .arguments =
              {{"FILE",
                "YAML or JSON: one task, a list under `tasks:`, or JSON lines; - is standard input",
                Presence::kRequired, ValueKind::kFile}},
          .notes =
              "  goal: Which lamp is the cheapest?\n"
              "  environment: environments/practice\n"
              "  start_state: {start_url: __SHOP__/}\n"
              "  oracle: {answer: {match: {equals: {values: [Blue lamp]}}}}\n"
              "\nAll fields: proto/proctor/v1/task.proto.",
          .run = Create};
}

Command ImportCommand() {
  return {.name = "task import",
          .summary = "stores the tasks of another benchmark's file, as a job",
          .flags =
              std::vector<Flag>{
                  {.name = "webarena",
                   .kind = ValueKind::kFile,
                   .value = "FILE",
                   .help = "WebArena's task file: one JSON object or a list; - is standard input"},
                  {.name = "base-url",
                   .kind = ValueKind::kPair,
                   .value = "PLACEHOLDER=URL",
                   .help = "where a site is: __SHOPPING__=http://127.0.0.1:7770",
                   .repeated = true},
                  {.name = "storage-state",
                   .kind = ValueKind::kPair,
                   .value = "PATH=FILE",
                   .help = "the cookies and storage that the tasks name by this path; PATH= to start logged out",
                   .repeated = true},
                  TextFlag("env", "NAME", "for this environment, default web"),
                  {.name = "split",
                   .kind = ValueKind::kChoice,
                   .value = "SPLIT",
                   .help = "on this side, default test; several: in equal shares",
                   .choices = EnumChoices(v1::Split_descriptor()),
                   .repeated = true},
                  TagFlag("put on every task")} +
              JobFlags(),
          .notes =
              "Tasks are named webarena-ID. Files are read here and sent; the server opens none.\n"
              "  proctor task import --webarena config.json --base-url "
              "__SHOPPING__=http://127.0.0.1:7770 \\\n"
              "      --storage-state ./.auth/shopping_state.json=auth/shopping_state.json",
          .run = Import};
}

Command SampleCommand() {
  return {.name = "task sample",
          .summary = "draws tasks for training, as a curriculum",
          .flags = std::vector<Flag>{NumberFlag("count", "at most how many, default 10", 1, 1'000),
                                     TextFlag("policy", "NAME", "whose success counts"),
                                     TextFlag("policy-version", "VERSION", "which snapshot of it"),
                                     SeedFlag(),
                                     {.name = "strategy",
                                      .kind = ValueKind::kChoice,
                                      .value = "STRATEGY",
                                      .choices = EnumChoices(v1::SamplingStrategy_descriptor())}} +
                   FilterFlags(),
          .notes = "Of the split `train` unless --split says otherwise.",
          .run = Sample};
}

}  // namespace

std::vector<Command> TaskCommands() {
  const Argument name = {"NAME", "the task"};
  return {ListCommand(),
          {.name = "task get", .summary = "shows a task", .arguments = {name}, .run = Get},
          CreateCommand(),
          ProposeCommand(),
          ImportCommand(),
          SampleCommand(),
          {.name = "task accept",
           .summary = "accepts a proposed task",
           .arguments = {name},
           .run = Accept},
          {.name = "task reject",
           .summary = "rejects a task",
           .arguments = {name},
           .flags = {TextFlag("reason", "TEXT", "why, kept with the task")},
           .run = Reject},
          {.name = "task templates",
           .summary = "lists the templates that tasks can be proposed from",
           .flags = {TextsFlag("site", "SITE", "of this site, or application of the practice desktop")},
           .run = ListTemplates}};
}

}  // namespace proctor::cli
