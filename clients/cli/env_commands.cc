// proctor env
#include "absl/strings/str_cat.h"
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
      {"SESSIONS",
       [](const E& e) { return absl::StrCat(e.open_sessions(), "/", e.max_sessions()); },
       Align::kRight},
      {"DESCRIPTION",
       [](const E& e) { return e.available() ? e.description() : e.unavailable_reason(); }}};
  return columns;
}

absl::Status List(Call& call) {
  auto response = call.Send<v1::ListEnvironmentsResponse>(v1::ListEnvironmentsRequest());
  if (!response.ok()) return response.status();
  call.PrintAll(Columns(), response->environments());
  return absl::OkStatus();
}

absl::Status Get(Call& call) {
  v1::GetEnvironmentRequest request;
  request.set_name(call.Name("environments"));
  return call.SendAndPrint<v1::Environment>(request);
}

}  // namespace

std::vector<Command> EnvCommands() {
  return {{.name = "env list", .summary = "lists the environments", .run = List},
          {.name = "env get",
           .summary = "shows an environment, what it can do and its defaults",
           .arguments = {{"NAME", "the environment: web, practice, null"}},
           .run = Get}};
}

}  // namespace proctor::cli
