// proctor reward list, tail, group
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "clients/cli/call.h"
#include "clients/cli/commands.h"
#include "clients/cli/reward_filter.h"
#include "clients/cli/text.h"
#include "common/proto_time.h"
#include "common/status.h"

namespace proctor::cli {
namespace {

constexpr absl::Duration kPoll = absl::Seconds(20);
constexpr absl::Duration kPatience = absl::Minutes(1);
// Between the first two attempts to reach a server that went away; the pauses grow up to 5 s.
constexpr absl::Duration kFirstPause = absl::Milliseconds(200);

std::string Value(const v1::Reward& reward) {
  if (reward.status() != v1::REWARD_STATUS_VALID) {
    return absl::StrCat("masked: ", EnumLabel(v1::MaskReason_descriptor(), reward.mask_reason()));
  }
  return NumberText(reward.value());
}

std::string GroupValues(const v1::GroupComplete& group) {
  return absl::StrCat(
      group.partial() ? "partial: " : "",
      absl::StrJoin(group.rewards(), ", ", [](std::string* out, const v1::Reward& reward) {
        absl::StrAppend(out, Value(reward));
      }));
}

std::string Policy(const v1::RewardRecord& record) {
  const std::string& policy =
      record.has_reward() ? record.reward().policy() : record.group_complete().group().policy();
  const std::string& version = record.has_reward()
                                   ? record.reward().policy_version()
                                   : record.group_complete().group().policy_version();
  return version.empty() ? policy : absl::StrCat(policy, "@", version);
}

const std::vector<Column<v1::RewardRecord>>& Columns() {
  using R = v1::RewardRecord;
  static const auto& columns = *new std::vector<Column<R>>{
      {"OFFSET", [](const R& r) { return absl::StrCat(r.offset()); }, Align::kRight},
      {"OF",
       [](const R& r) {
         return r.has_reward() ? r.reward().trajectory() : r.group_complete().group().name();
       }},
      {"VALUE",
       [](const R& r) {
         return r.has_reward() ? Value(r.reward()) : GroupValues(r.group_complete());
       }},
      {"SUCCESS", [](const R& r) { return r.reward().success() ? "yes" : ""; }},
      {"SPLIT", [](const R& r) { return EnumLabel(v1::Split_descriptor(), r.reward().split()); }},
      {"POLICY", Policy},
      {"TASK",
       [](const R& r) {
         return ShortName(r.has_reward() ? r.reward().task() : r.group_complete().group().task());
       }},
      {"MADE", [](const R& r) {
         return TimeText(r.has_reward() ? r.reward().create_time()
                                        : r.group_complete().group().complete_time());
       }}};
  return columns;
}

absl::Status List(Call& call) {
  const int64_t limit = call.arguments().Integer("limit", Call::kDefaultLimit);
  v1::ListRewardsRequest request;
  request.set_after_offset(call.arguments().Integer("after"));
  *request.mutable_filter() = RewardFilter(call.arguments());
  std::vector<v1::RewardRecord> shown;
  bool more = true;
  while (more && (limit == 0 || static_cast<int64_t>(shown.size()) < limit)) {
    const int64_t wanted =
        limit == 0 ? Call::kLargestPage : limit - static_cast<int64_t>(shown.size());
    request.set_page_size(static_cast<int32_t>(std::min(wanted, Call::kLargestPage)));
    PROCTOR_ASSIGN_OR_RETURN(const auto page, call.Send<v1::ListRewardsResponse>(request));
    shown.insert(shown.end(), page.records().begin(), page.records().end());
    more = page.next_after_offset() > request.after_offset() &&
           page.next_after_offset() < page.end_offset();
    request.set_after_offset(page.next_after_offset());
  }
  call.PrintAll(Columns(), shown);
  if (more)
    call.output().Note(
        absl::StrCat("there are more: --after ", request.after_offset(), ", or --limit 0 for all"));
  return absl::OkStatus();
}

// Tab-separated, as a table cannot know its widths before the last line has come.
void PrintFollowed(Output& output, const v1::RewardRecord& record) {
  if (output.json()) return output.Message(record);
  output.Raw(absl::StrCat(absl::StrJoin(Columns(), "\t",
                                        [&](std::string* out, const auto& column) {
                                          absl::StrAppend(out, OneLine(column.cell(record)));
                                        }),
                          "\n"));
}

// Where to begin: --after, else behind the log's end.
absl::StatusOr<int64_t> FirstOffset(Call& call) {
  if (call.arguments().Has("after")) return call.arguments().Integer("after");
  v1::ListRewardsRequest request;
  request.set_page_size(1);
  PROCTOR_ASSIGN_OR_RETURN(const auto page, call.Send<v1::ListRewardsResponse>(request));
  return page.end_offset();
}

// Bears with a server that answered before and does not any more (it is started again, the network broke), for a time.
class Patience {
 public:
  Patience(Output& output, absl::Duration time) : output_(output), time_(time) {}

  // After each attempt. OK: it was answered, or it is time for the next one. Else its status: trying again is of no use, or took too long.
  absl::Status After(const absl::Status& attempt) {
    const bool away = absl::IsUnavailable(attempt) || absl::IsDeadlineExceeded(attempt);
    if (!away) {
      if (attempt.ok() && failures_ > 0) output_.Note("proctor: the server answers again");
      failures_ = 0;
      return attempt;
    }
    if (failures_++ == 0) give_up_ = absl::Now() + time_;
    const absl::Duration pause = client::RetryDelay(attempt, failures_, kFirstPause);
    if (absl::Now() + pause >= give_up_) return attempt;
    if (failures_ == 1) output_.Note(AwayNote(attempt, time_));
    absl::SleepFor(pause);
    return absl::OkStatus();
  }

 private:
  Output& output_;
  const absl::Duration time_;
  int failures_ = 0;
  absl::Time give_up_;
};

absl::Status Tail(Call& call) {
  v1::ListRewardsRequest request;
  *request.mutable_filter() = RewardFilter(call.arguments());
  PROCTOR_ASSIGN_OR_RETURN(const int64_t first, FirstOffset(call));
  request.set_after_offset(first);
  const int64_t limit = call.arguments().Integer("limit");
  const absl::Time end = absl::Now() + call.arguments().Duration("wait", absl::InfiniteDuration());
  if (!call.output().json()) {
    call.output().Raw(absl::StrCat(absl::StrJoin(Columns(), "\t",
                                                 [](std::string* out, const auto& column) {
                                                   absl::StrAppend(out, column.title);
                                                 }),
                                   "\n"));
  }
  Patience patience(call.output(), call.arguments().Duration("patience", kPatience));
  absl::Status last;
  for (int64_t shown = 0; absl::Now() < end;) {
    const absl::Duration wait = std::min(kPoll, end - absl::Now());
    *request.mutable_max_wait() = ToProto(wait);
    const auto page = call.Send<v1::ListRewardsResponse>(request, wait);
    last = page.status();
    PROCTOR_RETURN_IF_ERROR(patience.After(last));
    if (!page.ok()) continue;
    for (const v1::RewardRecord& record : page->records()) {
      PrintFollowed(call.output(), record);
      if (++shown == limit) return absl::OkStatus();
    }
    PROCTOR_RETURN_IF_ERROR(call.output().Flush());
    request.set_after_offset(std::max(request.after_offset(), page->next_after_offset()));
  }
  return last;
}

absl::Status GetGroup(Call& call) {
  v1::GetGroupRequest request;
  request.set_name(call.Name("groups"));
  return call.SendAndPrint<v1::Group>(request);
}

absl::Status CreateGroup(Call& call) {
  const Arguments& arguments = call.arguments();
  v1::CreateGroupRequest request;
  v1::Group& group = *request.mutable_group();
  group.set_task(call.Name("tasks"));
  group.set_size(static_cast<int32_t>(arguments.Integer("size", 8)));
  group.set_replace_masked(arguments.Has("replace-masked"));
  group.set_policy(arguments.Text("policy"));
  group.set_policy_version(arguments.Text("policy-version"));
  if (arguments.Has("deadline")) {
    *group.mutable_deadline_time() =
        ToProto(absl::Now() + arguments.Duration("deadline", absl::Hours(1)));
  }
  return call.SendAndPrint<v1::Group>(request);
}

Flag AfterFlag(const char* help) {
  return {.name = "after", .kind = ValueKind::kInteger, .value = "OFFSET", .help = help};
}

Command TailCommand() {
  Flag limit = LimitFlag();
  limit.help = "end after so many records; default 0: never";
  std::vector<Flag> flags = RewardFilterFlags();
  flags.insert(flags.begin(),
               AfterFlag("begin after this offset; default: after the newest record"));
  flags.push_back(limit);
  flags.push_back({.name = "wait",
                   .kind = ValueKind::kDuration,
                   .value = "TIME",
                   .help = "end after this time; default: on Ctrl-C"});
  flags.push_back({.name = "patience",
                   .kind = ValueKind::kDuration,
                   .value = "TIME",
                   .help = "go on trying for so long when the server does not answer any more; default 1m"});
  return {.name = "reward tail",
          .summary = "follows the reward log",
          .flags = flags,
          .notes =
              "Reads by offset, without a consumer: nothing is acknowledged. Columns are separated "
              "by tabs.",
          .run = Tail};
}

}  // namespace

std::vector<Command> RewardCommands() {
  std::vector<Flag> list_flags = RewardFilterFlags();
  list_flags.insert(list_flags.begin(),
                    AfterFlag("records after this offset; default 0: from the oldest"));
  list_flags.push_back(LimitFlag());
  return {
      {.name = "reward list",
       .summary = "lists the reward log, oldest first",
       .flags = list_flags,
       .notes = "Of the split `train` unless --split says otherwise.",
       .run = List},
      TailCommand(),
      {.name = "reward group get",
       .summary = "shows a group",
       .arguments = {{"NAME", "the group"}},
       .run = GetGroup},
      {.name = "reward group create",
       .summary = "declares a group of episodes of one task",
       .arguments = {{"TASK", "the task"}},
       .flags = {{.name = "size",
                  .kind = ValueKind::kInteger,
                  .value = "N",
                  .help = "episodes, default 8",
                  .low = 1,
                  .high = 1024},
                 {.name = "deadline",
                  .kind = ValueKind::kDuration,
                  .value = "TIME",
                  .help = "from now, at most 720h; then it is delivered as it is; default 1h"},
                 {.name = "replace-masked",
                  .help = "masked members leave their place to another episode"},
                 {.name = "policy", .kind = ValueKind::kText, .value = "NAME", .help = "who acts"},
                 {.name = "policy-version",
                  .kind = ValueKind::kText,
                  .value = "VERSION",
                  .help = "which snapshot of it"}},
       .run = CreateGroup}};
}

}  // namespace proctor::cli
