// proctor session
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "clients/cli/call.h"
#include "clients/cli/commands.h"
#include "clients/cli/input_file.h"
#include "clients/cli/text.h"
#include "common/proto_time.h"
#include "common/status.h"

namespace proctor::cli {
namespace {

std::string LeaseLeft(const v1::Session& session) {
  if (session.state() != v1::SESSION_STATE_OPEN) return "";
  const absl::Duration left = FromProto(session.lease_expire_time()) - absl::Now();
  return DurationText(std::max(absl::ZeroDuration(), absl::Trunc(left, absl::Seconds(1))));
}

const std::vector<Column<v1::Session>>& Columns() {
  using S = v1::Session;
  static const auto& columns = *new std::vector<Column<S>>{
      {"NAME", [](const S& s) { return ShortName(s.name()); }},
      {"ENV", [](const S& s) { return ShortName(s.environment()); }},
      {"STATE", [](const S& s) { return EnumLabel(v1::SessionState_descriptor(), s.state()); }},
      {"EPISODES", [](const S& s) { return absl::StrCat(s.episode_count()); }, Align::kRight},
      {"EPISODE", [](const S& s) { return ShortName(s.episode()); }},
      {"LEASE LEFT", LeaseLeft, Align::kRight},
      {"CREATED", [](const S& s) { return TimeText(s.create_time()); }},
      {"ENDED BECAUSE", [](const S& s) { return s.close_reason(); }}};
  return columns;
}

absl::Status List(Call& call) {
  v1::ListSessionsRequest request;
  request.set_show_closed(call.arguments().Has("all"));
  return call.List(request, &v1::ListSessionsResponse::sessions, Columns());
}

absl::Status Get(Call& call) {
  v1::GetSessionRequest request;
  request.set_name(call.Name("sessions"));
  return call.SendAndPrint<v1::Session>(request);
}

absl::Status Create(Call& call) {
  const Arguments& arguments = call.arguments();
  v1::CreateSessionRequest request;
  request.set_environment(call.Name("environments"));
  // Nobody renews it between two commands: long by default.
  *request.mutable_lease() = ToProto(arguments.Duration("lease", absl::Minutes(10)));
  const absl::Duration wait = arguments.Duration("max-wait", absl::ZeroDuration());
  *request.mutable_max_wait() = ToProto(wait);
  for (const auto& [key, value] : arguments.Pairs("tag"))
    (*request.mutable_client_tags())[key] = value;
  if (arguments.Has("settings")) {
    const std::string path = arguments.Text("settings");
    PROCTOR_ASSIGN_OR_RETURN(const std::string text, ReadInput(path));
    PROCTOR_RETURN_IF_ERROR(ParseInput(text, path, *request.mutable_settings()));
  }
  return call.SendAndPrint<v1::Session>(request, wait);
}

absl::Status KeepAlive(Call& call) {
  v1::KeepAliveRequest request;
  request.set_name(call.Name("sessions"));
  return call.SendAndPrint<v1::Session>(request);
}

absl::Status Close(Call& call) {
  v1::CloseSessionRequest request;
  request.set_name(call.Name("sessions"));
  return call.SendAndPrint<v1::Session>(request);
}

Command CreateCommand() {
  return {.name = "session create",
          .summary = "opens a session",
          .arguments = {{"ENVIRONMENT", "web, practice, desktop, android, null"}},
          .flags = {{.name = "lease",
                     .kind = ValueKind::kDuration,
                     .value = "TIME",
                     .help = "it is closed without a sign of life (a verb, keepalive) for so long; "
                             "5s to 1h, default 10m"},
                    {.name = "max-wait",
                     .kind = ValueKind::kDuration,
                     .value = "TIME",
                     .help = "wait for a free place, up to 10m; default 0s"},
                    {.name = "settings",
                     .kind = ValueKind::kFile,
                     .value = "FILE",
                     .help = "YAML or JSON, e.g. web: {locale: de-DE}; see EnvironmentSettings in "
                             "environment.proto"},
                    {.name = "tag",
                     .kind = ValueKind::kPair,
                     .value = "KEY=VALUE",
                     .help = "a label of one's own",
                     .repeated = true}},
          .run = Create};
}

}  // namespace

std::vector<Command> SessionCommands() {
  const Argument name = {"NAME", "the session"};
  return {{.name = "session list",
           .summary = "lists the open sessions, newest first",
           .flags = {{.name = "all", .help = "closed ones too"}, LimitFlag()},
           .run = List},
          {.name = "session get", .summary = "shows a session", .arguments = {name}, .run = Get},
          CreateCommand(),
          {.name = "session keepalive",
           .summary = "renews a session's lease",
           .arguments = {name},
           .run = KeepAlive},
          {.name = "session close",
           .summary = "closes a session; its open episode is cancelled",
           .arguments = {name},
           .run = Close}};
}

}  // namespace proctor::cli
