#include "env/desktop/practice/templates.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/strings.h"
#include "env/desktop/practice/task_builder.h"

namespace proctor::env::desktop_practice {

const std::vector<Template>& Templates() {
  static const auto& templates = *[] {
    auto* all = new std::vector<Template>;
    AddCalculatorTemplates(*all);
    AddEditorTemplates(*all);
    AddFilesTemplates(*all);
    AddSpreadsheetTemplates(*all);
    AddDesktopTemplates(*all);
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
  return absl::NotFoundError(absl::StrCat("no such desktop template: ", ToAbsl(template_id)));
}

}  // namespace proctor::env::desktop_practice
