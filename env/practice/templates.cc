#include "env/practice/templates.h"

#include "absl/strings/str_cat.h"
#include "common/strings.h"
#include "env/practice/task_builder.h"

namespace proctor::env::practice {

const std::vector<Template>& Templates() {
  static const auto& templates = *[] {
    auto* all = new std::vector<Template>;
    AddShopTemplates(*all);
    AddWikiTemplates(*all);
    AddMailTemplates(*all);
    AddForumTemplates(*all);
    AddBookingTemplates(*all);
    return all;
  }();
  return templates;
}

absl::StatusOr<v1::Task> Instantiate(std::string_view template_id, int64_t seed) {
  if (seed < 1) return absl::InvalidArgumentError("the seed of a practice task must be at least 1");
  for (const Template& candidate : Templates()) {
    if (candidate.id != template_id) continue;
    TaskBuilder builder(candidate, seed);
    candidate.write(builder);
    return std::move(builder).Build();
  }
  return absl::NotFoundError(absl::StrCat("no such practice template: ", ToAbsl(template_id)));
}

}  // namespace proctor::env::practice
