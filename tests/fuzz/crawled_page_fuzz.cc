// What a crawled site says. The first byte chooses: P, our script's extract of a page, with the page author's JSON-LD in it; R, a path, and
// after a line feed the site's robots.txt.
#include <optional>
#include <utility>

#include "common/strings.h"
#include "proposer/site_model.h"
#include "proposer/site_url.h"
#include "proposer/text.h"
#include "tests/fuzz/input.h"

namespace proctor::proposer {
namespace {

using fuzz::Require;

SiteUrls Urls() {
  SiteUrls urls = SiteUrls::Create("__SHOP__/start", {"/private/"}).value();
  urls.SetBaseUrls({{"__SHOP__", "http://shop.localhost:8080"}});
  return urls;
}

bool IsClean(const std::string& text, size_t max_bytes) { return text.size() <= max_bytes && text == SanitizeUtf8(text); }

void CheckTables(const Page& page) {
  for (const Table& table : page.tables) {
    Require(table.columns.size() >= 2 && !table.rows.empty(), "a table has a header and rows");
    for (const auto& row : table.rows) Require(row.size() == table.columns.size(), "each row is as long as the header");
  }
}

// What was read of it, or nothing if it is no extract.
std::optional<Page> ReadPage(std::string_view text) {
  const SiteUrls urls = Urls();
  absl::StatusOr<Page> page = ParsePage(std::string(text), urls);
  if (!page.ok()) {
    Require(absl::IsInvalidArgument(page.status()), "an extract is wrong in itself");
    return std::nullopt;
  }
  Require(page->status >= 0 && page->status <= 999, "a status has three digits");
  Require(IsClean(page->title, 1'000) && page->text == SanitizeUtf8(page->text), "texts are clean");
  Require(page->facts.size() <= 2'000, "facts are limited");
  for (const Fact& fact : page->facts) {
    Require(IsClean(fact.subject, 100) && IsClean(fact.attribute, 60) && IsClean(fact.value, 150), "facts are short and clean");
    Require(!fact.value.empty() && ContainsWords(page->text, Folded(fact.value)), "what is told as a fact can be seen");
  }
  for (const std::string& heading : page->headings) Require(IsClean(heading, 200), "headings are short and clean");
  CheckTables(*page);
  for (const Form& form : page->forms) Require(!form.is_search || (form.is_get && urls.IsOnSite(form.action)), "a search changes nothing");
  Require(!urls.MayVisit(page->url) || urls.IsOnSite(page->url), "no other site is visited");
  SiteModel model;
  model.pages.push_back(*page);
  Require(model.Find(page->url) == 0 && model.Digest().size() == 64, "a page is found again");
  return *std::move(page);
}

// Whether the robots may go there.
bool ReadRobots(std::string_view rest) {
  const std::string path = "/" + std::string(fuzz::TakeUntil(rest, '\n'));
  const bool allowed = RobotsRules::Parse(rest).Allows(path);
  Require(RobotsRules::Parse(std::string(rest) + "\n# Disallow: /\nnonsense\n").Allows(path) == allowed, "comments and nonsense change nothing");
  Require(RobotsRules::Parse("User-agent: other\nDisallow: /\n").Allows(path), "what holds for others does not hold for us");
  const std::string closed = "User-agent: Proctor\nDisallow: /\n";
  Require(!RobotsRules::Parse(closed).Allows(path), "a site that is closed to us is not visited");
  return allowed;
}

}  // namespace
}  // namespace proctor::proposer

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view rest = proctor::fuzz::View(data + 1, size - 1);
  if (data[0] == 'R') {
    proctor::proposer::ReadRobots(rest);
  } else {
    proctor::proposer::ReadPage(rest);
  }
  return 0;
}

// An extract with facts, tables and forms; rules that forbid the path.
extern "C" bool IsCurrent(const uint8_t* data, size_t size) {
  const std::string_view rest = proctor::fuzz::View(data + 1, size - 1);
  if (data[0] == 'R') return !proctor::proposer::ReadRobots(rest);
  const auto page = proctor::proposer::ReadPage(rest);
  return page && !page->url.empty() && !page->facts.empty() && !page->tables.empty() && !page->forms.empty();
}
