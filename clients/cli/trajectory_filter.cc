#include "clients/cli/trajectory_filter.h"

namespace proctor::cli {

std::vector<Flag> TrajectoryFilterFlags() {
  return {{.name = "env",
           .kind = ValueKind::kText,
           .value = "NAME",
           .help = "in this environment",
           .repeated = true},
          TextFlag("task", "NAME", "of this task"),
          TextFlag("group", "NAME", "of this group"),
          TextFlag("policy", "NAME", "of this policy"),
          TextFlag("policy-version", "VERSION", "of this snapshot of it"),
          {.name = "end",
           .kind = ValueKind::kChoice,
           .value = "KIND",
           .choices = EnumChoices(v1::EndKind_descriptor()),
           .repeated = true},
          {.name = "split",
           .kind = ValueKind::kChoice,
           .value = "SPLIT",
           .choices = EnumChoices(v1::Split_descriptor()),
           .repeated = true},
          {.name = "closed", .help = "only closed ones"}};
}

v1::TrajectoryFilter TrajectoryFilterOf(const Call& call) {
  const Arguments& arguments = call.arguments();
  v1::TrajectoryFilter filter;
  for (const std::string& text : arguments.Texts("env"))
    filter.add_environments(client::FullName("environments", text));
  filter.set_task(call.FlagName("tasks", "task"));
  filter.set_group(call.FlagName("groups", "group"));
  filter.set_policy(arguments.Text("policy"));
  filter.set_policy_version(arguments.Text("policy-version"));
  filter.set_closed_only(arguments.Has("closed"));
  for (const std::string& text : arguments.Texts("end")) {
    filter.add_end_kinds(static_cast<v1::EndKind>(EnumNumber(v1::EndKind_descriptor(), text)));
  }
  for (const std::string& text : arguments.Texts("split")) {
    filter.add_splits(static_cast<v1::Split>(EnumNumber(v1::Split_descriptor(), text)));
  }
  return filter;
}

}  // namespace proctor::cli
