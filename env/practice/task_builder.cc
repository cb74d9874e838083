#include "env/practice/task_builder.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/strings.h"
#include "env/practice/hub.h"
#include "env/practice/site.h"

namespace proctor::env::practice {
namespace {

std::string Placeholder(const std::string& site) { return absl::StrCat("__", absl::AsciiStrToUpper(site), "__"); }

// "$1,234" also as "1234"; "1,234 m" also as "1234", "1,234", "1234 m", "1234m" and "1,234m"; but "045 123456", a number of two parts, only so.
std::vector<std::string> Spellings(std::string_view answer) {
  std::vector<std::string> spellings{std::string(answer)};
  std::string plain = absl::StrReplaceAll(ToAbsl(answer), {{"$", ""}});
  const size_t space = plain.find(' ');
  const std::string first = absl::StrReplaceAll(plain.substr(0, space), {{",", ""}});
  const bool number = !first.empty() && first.find_first_not_of("0123456789.") == std::string::npos;
  const bool unit = space != std::string::npos && plain.find(' ', space + 1) == std::string::npos && space + 1 < plain.size() &&
                    !absl::ascii_isdigit(plain[space + 1]);
  if (number && space == std::string::npos && first != answer) spellings.push_back(first);
  if (number && unit) {
    for (const std::string& amount : {first, plain.substr(0, space)}) {
      for (const std::string& spelling : {amount, amount + plain.substr(space), amount + plain.substr(space + 1)}) {
        if (std::find(spellings.begin(), spellings.end(), spelling) == spellings.end()) spellings.push_back(spelling);
      }
    }
  }
  return spellings;
}

}  // namespace

std::string Quoted(std::string_view name) { return absl::StrCat("\"", ToAbsl(name), "\""); }

TaskBuilder::TaskBuilder(const Template& source, int64_t seed)
    : source_(source), random_(static_cast<uint64_t>(seed), source.id) {
  task_.set_seed(seed);
  task_.set_environment("environments/practice");
  task_.set_template_(source.id);
  task_.set_site(source.site);
  task_.set_kind(source.kind);
  task_.set_impossible(source.impossible);
  task_.mutable_lineage()->set_source("practice_templates");
  Start("/");
}

void TaskBuilder::Goal(const std::vector<std::string>& wordings) { task_.set_goal(random_.Pick(wordings)); }

void TaskBuilder::Start(std::string_view path) {
  task_.mutable_start_state()->set_start_url(absl::StrCat(Placeholder(source_.site), ToAbsl(path)));
}

void TaskBuilder::Click(std::string_view role, std::string_view name) {
  v1::ElementRef* element = task_.add_solution()->mutable_click();
  element->set_role(std::string(role));
  element->set_name(std::string(name));
}

void TaskBuilder::Type(std::string_view field, std::string_view text) {
  v1::TypeInto* type = task_.add_solution()->mutable_type();
  type->mutable_element()->set_name(std::string(field));
  type->set_text(std::string(text));
  type->set_clear(true);
}

void TaskBuilder::TypeAndSend(std::string_view field, std::string_view text) {
  Type(field, text);
  task_.mutable_solution(task_.solution_size() - 1)->mutable_type()->set_submit(true);
}

void TaskBuilder::Select(std::string_view field, std::string_view option) {
  v1::SelectIn* select = task_.add_solution()->mutable_select();
  select->mutable_element()->set_name(std::string(field));
  select->set_option(std::string(option));
}

void TaskBuilder::Check(std::string_view box) {
  v1::SetChecked* check = task_.add_solution()->mutable_check();
  check->mutable_element()->set_name(std::string(box));
  check->set_checked(true);
}

void TaskBuilder::Drag(std::string_view from, std::string_view to) {
  v1::DragOnto* drag = task_.add_solution()->mutable_drag();
  drag->mutable_from()->set_name(std::string(from));
  drag->mutable_from()->set_role("option");
  drag->mutable_to()->set_name(std::string(to));
  drag->mutable_to()->set_role("listbox");
}

void TaskBuilder::Answers(std::string_view answer) {
  v1::StringList* equals = task_.mutable_oracle()->mutable_answer()->mutable_match()->mutable_equals();
  for (std::string& spelling : Spellings(answer)) equals->add_values(std::move(spelling));
  task_.add_solution()->set_answer(std::string(answer));
}

void TaskBuilder::EndsAt(std::string_view path, const std::vector<std::pair<std::string, std::string>>& query) {
  std::string url = absl::StrCat(Placeholder(source_.site), ToAbsl(path));
  v1::UrlCheck* check = task_.mutable_oracle()->mutable_url();
  for (const auto& [name, value] : query) {
    absl::StrAppend(&url, url.find('?') == std::string::npos ? "?" : "&", name, "=", EncodeUrl(value));
    check->add_query_parameters(name);
  }
  check->set_compare_fragment(url.find('#') != std::string::npos);
  check->add_urls(std::move(url));
  Finish();
}

void TaskBuilder::EndsWith(const std::vector<Change>& changes) {
  const std::unique_ptr<Site> site = NewStandaloneSite(source_.site, seed());
  for (const Change& change : changes) {
    Request request;
    Request::Parse({.method = "POST", .target = change.path, .host = "", .headers = {}, .body = ""}, request);
    request.form = Parameters::Of(change.form);
    site->Handle(request);
  }
  v1::SiteStateCheck* check = task_.mutable_oracle()->mutable_site_state();
  check->set_site(absl::AsciiStrToUpper(source_.site));
  check->mutable_match()->set_equals_json(site->state().ToJson());
  Finish();
}

void TaskBuilder::GivesUp() {
  task_.mutable_oracle()->mutable_gave_up();
  task_.add_solution()->set_give_up(true);
}

void TaskBuilder::Finish() { task_.add_solution()->set_answer("done"); }

v1::Task TaskBuilder::Build() && {
  task_.set_optimal_steps(task_.solution_size());
  return std::move(task_);
}

}  // namespace proctor::env::practice
