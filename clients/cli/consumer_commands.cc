// proctor reward consumer
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "clients/cli/call.h"
#include "clients/cli/commands.h"
#include "clients/cli/reward_filter.h"
#include "clients/cli/text.h"
#include "common/status.h"

namespace proctor::cli {
namespace {

std::string Splits(const v1::Consumer& consumer) {
  if (consumer.filter().splits().empty()) return "train";
  return absl::StrJoin(consumer.filter().splits(), ",", [](std::string* out, int split) {
    absl::StrAppend(out, EnumLabel(v1::Split_descriptor(), split));
  });
}

const std::vector<Column<v1::Consumer>>& Columns() {
  using C = v1::Consumer;
  static const auto& columns = *new std::vector<Column<C>>{
      {"NAME", [](const C& c) { return ShortName(c.name()); }},
      {"COMMITTED", [](const C& c) { return absl::StrCat(c.committed_offset()); }, Align::kRight},
      {"LAG", [](const C& c) { return absl::StrCat(c.end_offset() - c.committed_offset()); },
       Align::kRight},
      {"CONNECTED", [](const C& c) { return c.connected() ? "yes" : "no"; }},
      {"SPLITS", Splits},
      {"LAST ACK", [](const C& c) { return TimeText(c.last_ack_time()); }}};
  return columns;
}

// Exactly one of --earliest, --latest and --after, or none: false.
absl::StatusOr<bool> Position(const Arguments& arguments, v1::StartPosition& position) {
  const int given = arguments.Has("earliest") + arguments.Has("latest") + arguments.Has("after");
  if (given > 1) return UsageError("--earliest, --latest and --after exclude each other");
  if (arguments.Has("earliest")) position.set_earliest(true);
  if (arguments.Has("latest")) position.set_latest(true);
  if (arguments.Has("after")) position.set_after_offset(arguments.Integer("after"));
  return given == 1;
}

absl::Status List(Call& call) {
  auto response = call.Send<v1::ListConsumersResponse>(v1::ListConsumersRequest());
  if (!response.ok()) return response.status();
  call.PrintAll(Columns(), response->consumers());
  return absl::OkStatus();
}

absl::Status Create(Call& call) {
  v1::CreateConsumerRequest request;
  request.set_name(call.Name("consumers"));
  *request.mutable_filter() = RewardFilter(call.arguments());
  v1::StartPosition start;
  PROCTOR_ASSIGN_OR_RETURN(const bool given, Position(call.arguments(), start));
  if (given) *request.mutable_start() = start;
  auto before = call.Send<v1::ListConsumersResponse>(v1::ListConsumersRequest());
  if (!before.ok()) return before.status();
  PROCTOR_RETURN_IF_ERROR(call.SendAndPrint<v1::Consumer>(request));
  const bool was_there = std::any_of(before->consumers().begin(), before->consumers().end(),
                                     [&](const v1::Consumer& consumer) { return consumer.name() == request.name(); });
  if (was_there && given) {
    call.output().Note(absl::StrCat(request.name(), " was there already and keeps its position; to move it: proctor reward consumer seek"));
  }
  return absl::OkStatus();
}

absl::Status Seek(Call& call) {
  v1::SeekConsumerRequest request;
  request.set_name(call.Name("consumers"));
  PROCTOR_ASSIGN_OR_RETURN(const bool given,
                           Position(call.arguments(), *request.mutable_position()));
  if (!given) return UsageError("where to: --earliest, --latest or --after OFFSET");
  return call.SendAndPrint<v1::Consumer>(request);
}

absl::Status Delete(Call& call) {
  return call.Delete<v1::DeleteConsumerRequest, v1::DeleteConsumerResponse>("consumers");
}

std::vector<Flag> PositionFlags() {
  return {{.name = "earliest", .help = "before the oldest kept record"},
          {.name = "latest", .help = "after the newest record"},
          {.name = "after",
           .kind = ValueKind::kInteger,
           .value = "OFFSET",
           .help = "after this offset"}};
}

}  // namespace

std::vector<Command> ConsumerCommands() {
  const Argument name = {"NAME", "the consumer"};
  std::vector<Flag> create_flags = PositionFlags();
  for (const Flag& flag : RewardFilterFlags()) create_flags.push_back(flag);
  return {{.name = "reward consumer list",
           .summary = "lists the named readers of the reward log",
           .run = List},
          {.name = "reward consumer create",
           .summary = "makes a named reader of the reward log",
           .arguments = {name},
           .flags = create_flags,
           .notes = "Begins after the newest record unless told otherwise. One that is there already keeps its position.",
           .run = Create},
          {.name = "reward consumer seek",
           .summary = "moves a reader's position",
           .arguments = {name},
           .flags = PositionFlags(),
           .run = Seek},
          {.name = "reward consumer delete",
           .summary = "forgets a reader",
           .arguments = {name},
           .run = Delete}};
}

}  // namespace proctor::cli
