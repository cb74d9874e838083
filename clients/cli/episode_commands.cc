// proctor episode
#include "absl/strings/str_cat.h"
#include "clients/cli/call.h"
#include "clients/cli/commands.h"
#include "clients/cli/text.h"
#include "common/proto_time.h"
#include "common/status.h"

namespace proctor::cli {
namespace {

// How it ended: "answered", "step_limit"; "running" until then.
std::string End(const v1::Episode& episode) {
  const std::string reason = EnumLabel(v1::EndReason_descriptor(), episode.end_reason());
  return reason.empty() ? EnumLabel(v1::EpisodeState_descriptor(), episode.state()) : reason;
}

// A masked reward is no number.
std::string RewardText(const v1::Episode& episode) {
  if (!episode.has_reward()) return "";
  if (episode.reward().status() != v1::REWARD_STATUS_VALID) {
    return absl::StrCat("masked: ",
                        EnumLabel(v1::MaskReason_descriptor(), episode.reward().mask_reason()));
  }
  return NumberText(episode.reward().value());
}

std::string Policy(const v1::PolicyRef& policy) {
  return policy.version().empty() ? policy.policy()
                                  : absl::StrCat(policy.policy(), "@", policy.version());
}

const std::vector<Column<v1::Episode>>& Columns() {
  using E = v1::Episode;
  static const auto& columns = *new std::vector<Column<E>>{
      {"NAME", [](const E& e) { return ShortName(e.name()); }},
      {"TASK", [](const E& e) { return e.task().empty() ? "(inline)" : ShortName(e.task()); }},
      {"END", End},
      {"STEPS", [](const E& e) { return absl::StrCat(e.step_count()); }, Align::kRight},
      {"POLICY", [](const E& e) { return Policy(e.policy()); }},
      {"OUTCOME",
       [](const E& e) { return EnumLabel(v1::Outcome_descriptor(), e.verdict().outcome()); }},
      {"REWARD", RewardText},
      {"STARTED", [](const E& e) { return TimeText(e.start_time()); }}};
  return columns;
}

absl::Status List(Call& call) {
  v1::ListEpisodesRequest request;
  request.set_session(call.FlagName("sessions", "session"));
  request.set_task(call.FlagName("tasks", "task"));
  request.set_policy(call.arguments().Text("policy"));
  return call.List(request, &v1::ListEpisodesResponse::episodes, Columns());
}

absl::Status Get(Call& call) {
  v1::GetEpisodeRequest request;
  request.set_name(call.Name("episodes"));
  return call.SendAndPrint<v1::Episode>(request);
}

absl::Status Wait(Call& call) {
  const absl::Duration wait = call.arguments().Duration("max-wait", absl::Minutes(10));
  v1::WaitEpisodeRequest request;
  request.set_name(call.Name("episodes"));
  *request.mutable_max_wait() = ToProto(wait);
  auto episode = call.Send<v1::Episode>(request, wait);
  if (!episode.ok()) return episode.status();
  call.output().Message(*episode);
  if (episode->result_state() == v1::RESULT_STATE_READY) return absl::OkStatus();
  return absl::DeadlineExceededError(absl::StrCat(episode->name(), " has no reward yet after ",
                                                  DurationText(wait),
                                                  "; a longer time is given with --max-wait"));
}

absl::Status EndEpisode(Call& call) {
  v1::GetEpisodeRequest get;
  get.set_name(call.Name("episodes"));
  auto episode = call.Send<v1::Episode>(get);
  if (!episode.ok()) return episode.status();
  if (episode->state() != v1::EPISODE_STATE_RUNNING) {
    return absl::FailedPreconditionError(
        absl::StrCat(episode->name(), " has already ended: ", End(*episode)));
  }
  v1::EndEpisodeRequest request;
  request.set_session(episode->session());
  request.set_end(call.arguments().Has("done") ? v1::CLIENT_END_DONE : v1::CLIENT_END_CANCEL);
  return call.SendAndPrint<v1::Episode>(request);
}

Flag Text(const char* name, const char* help) {
  return {.name = name, .kind = ValueKind::kText, .value = "NAME", .help = help};
}

}  // namespace

std::vector<Command> EpisodeCommands() {
  const Argument name = {"NAME", "the episode"};
  return {
      {.name = "episode list",
       .summary = "lists episodes, newest first",
       .flags = {Text("session", "of this session"), Text("task", "of this task"),
                 Text("policy", "of this policy"), LimitFlag()},
       .run = List},
      {.name = "episode get",
       .summary = "shows an episode, its verdict and reward",
       .arguments = {name},
       .run = Get},
      {.name = "episode wait",
       .summary = "waits until an episode has its reward",
       .arguments = {name},
       .flags = {{.name = "max-wait",
                  .kind = ValueKind::kDuration,
                  .value = "TIME",
                  .help = "how long, up to 10m, the default; exit code 1 if it has none by then"}},
       .run = Wait},
      {.name = "episode end",
       .summary = "ends a running episode",
       .arguments = {name},
       .flags =
           {{.name = "done",
             .help =
                 "judge it as it stands; without this flag it is cancelled: its reward is masked"}},
       .run = EndEpisode}};
}

}  // namespace proctor::cli
