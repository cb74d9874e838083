#include "clients/cli/reward_filter.h"

#include <string>

#include "clients/cpp/client.h"

namespace proctor::cli {

std::vector<Flag> RewardFilterFlags() {
  return {{.name = "split",
           .kind = ValueKind::kChoice,
           .value = "SPLIT",
           .choices = EnumChoices(v1::Split_descriptor()),
           .repeated = true},
          {.name = "policy", .kind = ValueKind::kText, .value = "NAME", .help = "of this policy"},
          {.name = "env",
           .kind = ValueKind::kText,
           .value = "NAME",
           .help = "in this environment",
           .repeated = true},
          {.name = "groups", .help = "rewards of groups only as whole groups"},
          {.name = "valid", .help = "leave masked rewards out"},
          {.name = "payload", .help = "with the episode of each reward, without pictures"}};
}

v1::ConsumerFilter RewardFilter(const Arguments& arguments) {
  v1::ConsumerFilter filter;
  for (const std::string& text : arguments.Texts("split")) {
    filter.add_splits(static_cast<v1::Split>(EnumNumber(v1::Split_descriptor(), text)));
  }
  for (const std::string& text : arguments.Texts("policy")) filter.add_policies(text);
  for (const std::string& text : arguments.Texts("env")) {
    filter.add_environments(client::FullName("environments", text));
  }
  filter.set_delivery(arguments.Has("groups") ? v1::DELIVERY_GROUPS : v1::DELIVERY_EACH);
  filter.set_valid_only(arguments.Has("valid"));
  filter.set_include_payload(arguments.Has("payload"));
  return filter;
}

}  // namespace proctor::cli
