#include "tests/proposer/fake_site.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/json.h"
#include "evaluator/evaluate.h"
#include "evaluator/evaluator_config.h"
#include "evaluator/evidence.h"
#include "proposer/site_model.h"
#include "proposer/text.h"

namespace proctor::proposer {
namespace {

constexpr char kSearchPath[] = "/search?q=";

std::string TextOf(const FakePage& page) {
  std::string text = page.heading + "\n";
  for (const auto& [name, target] : page.links) absl::StrAppend(&text, name, "\n");
  for (const auto& [key, value] : page.pairs) absl::StrAppend(&text, key, " ", value, "\n");
  for (const auto& row : page.table) {
    for (const auto& cell : row) absl::StrAppend(&text, cell, " ");
  }
  return absl::StrCat(text, page.extra_text);
}

Json CellJson(const std::string& text, bool header) { return {{"text", text}, {"header", header}, {"span", false}}; }

Json TablesOf(const FakePage& page) {
  Json tables = Json::array();
  if (!page.pairs.empty()) {
    Json rows = Json::array();
    for (const auto& [key, value] : page.pairs) rows.push_back({CellJson(key, true), CellJson(value, false)});
    tables.push_back({{"rows", rows}, {"row_count", rows.size()}});
  }
  if (!page.table.empty()) {
    Json rows = Json::array();
    for (size_t i = 0; i < page.table.size(); ++i) {
      Json row = Json::array();
      for (const auto& cell : page.table[i]) row.push_back(CellJson(cell, i == 0));
      rows.push_back(row);
    }
    tables.push_back({{"rows", rows}, {"row_count", rows.size()}});
  }
  return tables;
}

}  // namespace

FakeSite MakeWiki(int count) {
  static const char* const kSections[] = {"Animals", "Plants", "Stones", "Stars"};
  static const char* const kColours[] = {"crimson", "teal", "ochre", "violet", "amber"};
  FakeSite site;
  site.has_search = true;
  FakePage& start = site.pages["/"];
  start.title = start.heading = "Welcome";
  for (const char* section : kSections) {
    const std::string path = absl::StrCat("/section/", section);
    start.links.emplace_back(section, path);
    FakePage& page = site.pages[path];
    page.title = page.heading = absl::StrCat("All ", section);
    page.links.emplace_back("Home", "/");
    page.table.push_back({"Entry", "Colour"});
  }
  for (int i = 0; i < count; ++i) {
    const std::string name = absl::StrCat(std::string(1, 'A' + i % 26), "lu", std::string(1, 'a' + i / 26), "mar ", i * 7919 % 1000);
    const std::string path = absl::StrCat("/page?id=", i);
    FakePage& section = site.pages[absl::StrCat("/section/", kSections[i % 4])];
    section.links.emplace_back(name, path);
    section.table.push_back({name, kColours[i / 4 % 5]});
    FakePage& page = site.pages[path];
    page.title = page.heading = name;
    page.links.emplace_back("Home", "/");
    page.pairs = {{"Weight", absl::StrCat(1000 + i * 37, " kg")},
                  {"Code", absl::StrCat("code-", i * 104729 % 100003, "-", i)},
                  {"Number", absl::StrCat(50000 + i * 311)}};
    page.extra_text = absl::StrCat("Description of thing number ", i);
  }
  return site;
}

absl::StatusOr<SiteExplorer::Start> FakeExplorer::Reset(const CallContext&, const v1::Task& task,
                                                        const v1::ObservationRequest&) {
  if (broken_) return absl::UnavailableError("the browser is gone");
  history_.clear();
  std::string url = task.start_state().start_url();
  for (const auto& [placeholder, base] : base_urls) {
    if (absl::StartsWith(url, placeholder)) url = base + url.substr(placeholder.size());
  }
  Go(url);
  // As real browsers do.
  if (Current().status >= 500) return absl::UnavailableError("the start page could not be loaded");
  return Start{Observe(), base_urls};
}

void FakeExplorer::Go(const std::string& url) {
  history_.push_back(url);
  visited_.push_back(url);
}

FakePage FakeExplorer::Current() const {
  const std::string path(absl::StripPrefix(history_.back(), site_.base));
  if (absl::StartsWith(path, kSearchPath)) {
    FakePage results;
    results.title = results.heading = "Results";
    const std::string words = Folded(path.substr(sizeof(kSearchPath) - 1));
    for (const auto& [target, page] : site_.pages) {
      if (ContainsWords(Folded(page.heading), words)) results.links.emplace_back(page.heading, target);
    }
    return results;
  }
  const auto page = site_.pages.find(path.empty() ? "/" : path);
  if (page != site_.pages.end()) return page->second;
  FakePage missing;
  missing.status = 404;
  return missing;
}

v1::Observation FakeExplorer::Observe() const {
  const FakePage page = Current();
  v1::Observation observation;
  observation.set_url(history_.back());
  observation.set_title(page.title);
  int mark = 0;
  if (site_.has_search) {
    v1::Element& field = *observation.add_elements();
    field.set_mark(++mark);
    field.set_role("searchbox");
    field.set_name("Search");
    field.set_editable(true);
  }
  for (const auto& [name, target] : page.links) {
    v1::Element& link = *observation.add_elements();
    link.set_mark(++mark);
    link.set_role("link");
    link.set_name(name);
    link.set_href(absl::StartsWith(target, "/") ? site_.base + target : target);
  }
  return observation;
}

absl::StatusOr<v1::Observation> FakeExplorer::Act(const CallContext&, const v1::Action& action,
                                                  const v1::ObservationRequest&) {
  if (broken_) return absl::UnavailableError("the browser is gone");
  if (action.has_goto_()) Go(action.goto_().url());
  if (action.has_go_back() && history_.size() > 1) history_.pop_back();
  if (action.has_type()) Go(absl::StrCat(site_.base, kSearchPath, action.type().text()));
  if (action.has_click()) {
    const std::string target = Observe().elements(action.click().target().mark() - 1).href();
    Go(target);
  }
  return Observe();
}

absl::StatusOr<std::string> FakeExplorer::Evaluate(const CallContext&, const std::string& expression) {
  if (expression != ExtractScript()) return DumpJson(Json(site_.robots));
  const FakePage page = Current();
  if (!page.raw_extract.empty()) return page.raw_extract;
  Json extract = {{"url", history_.back()}, {"title", page.title}, {"status", page.status},
                  {"content_type", "text/html"}, {"headings", Json::array({Json::array({1, page.heading})})},
                  {"text", TextOf(page)}, {"tables", TablesOf(page)}, {"json_ld", page.json_ld}};
  if (absl::EndsWith(history_.back(), "/robots.txt")) extract["status"] = 200;
  if (site_.has_search) {
    extract["forms"] = Json::array({{{"action", site_.base + "/search"}, {"method", "get"},
                                     {"fields", Json::array({{{"name", "q"}, {"type", "search"}}})}}});
  }
  return DumpJson(extract);
}

std::vector<v1::Evidence> FakeExplorer::Collect(const CallContext&, const std::vector<v1::EvidenceRequest>& requests) {
  std::vector<v1::Evidence> all;
  for (const v1::EvidenceRequest& request : requests) {
    v1::Evidence& evidence = all.emplace_back();
    evidence.set_request_id(request.id());
    evidence.add_json_values(DumpJson(Json(history_.back())));
    evidence.add_urls(history_.back());
  }
  return all;
}

}  // namespace proctor::proposer

namespace proctor::proposer {

OracleCheck RealOracle() {
  return {.evidence = [](const v1::Task& task) { return evaluator::RequiredEvidence(task.oracle()); },
          .judge = [](const v1::Trajectory& trajectory) {
            return evaluator::Evaluate(evaluator::TaskOracleEvaluator(), trajectory);
          }};
}

}  // namespace proctor::proposer
