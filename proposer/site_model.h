// What a crawl learned about a site.
#ifndef PROCTOR_PROPOSER_SITE_MODEL_H_
#define PROCTOR_PROPOSER_SITE_MODEL_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "proctor/v1/observation.pb.h"
#include "proctor/v1/solution.pb.h"
#include "proposer/site_url.h"

namespace proctor::proposer {

// The page says that `attribute` of `subject` is `value`. Texts are clean and valid UTF-8.
struct Fact {
  std::string subject;
  std::string attribute;
  std::string value;
  bool operator==(const Fact&) const = default;
};

// A table with a row of headers.
struct Table {
  std::string heading;
  std::vector<std::string> columns;
  // Each as long as `columns`.
  std::vector<std::vector<std::string>> rows;
  // Every row of the page's table is here.
  bool complete = false;
};

// A link by what it is called; `target` is canonical.
struct Link {
  std::string target;
  v1::ElementRef element;
};

struct Form {
  // Canonical.
  std::string action;
  bool is_get = false;
  // One text field, a GET, and nothing that looks like more than a search.
  bool is_search = false;
};

struct Page {
  // Canonical.
  std::string url;
  // Other canonical URLs that led to it.
  std::vector<std::string> aliases;
  std::string title;
  // What the page is about: its main heading, else its title.
  std::string subject;
  std::vector<std::string> headings;
  // Visible text, folded.
  std::string text;
  std::vector<Link> links;
  std::vector<Fact> facts;
  std::vector<Table> tables;
  std::vector<Form> forms;
  // HTTP status; 0 if unknown.
  int status = 0;
  bool is_html = true;
};

struct SiteModel {
  // In the order of the crawl; the first is the start.
  std::vector<Page> pages;
  // sha256 (hex) over all that tasks are drawn from.
  std::string Digest() const;
  // Index of the page that a canonical URL (or alias) leads to; -1 if it was not crawled.
  int Find(std::string_view canonical) const;
};

// The expression to evaluate in a page for ParsePage.
const std::string& ExtractScript();

// Reads the script's result. What is malformed in it (page authors write some of it) is left out; INVALID_ARGUMENT only
// if it is no JSON object.
absl::StatusOr<Page> ParsePage(const std::string& json, const SiteUrls& urls);

// The page's links: elements with a target on the site and a name, each with the number among those of its name.
std::vector<Link> LinksOf(const v1::Observation& observation, const SiteUrls& urls);

// Answers SiteModel::Find without looking at every page. Borrows the model's URLs.
class PageIndex {
 public:
  explicit PageIndex(const SiteModel& model);
  // -1 if it was not crawled.
  int Find(std::string_view canonical) const;

 private:
  std::map<std::string_view, int> pages_;
};

// Shortest ways by links through the model, to each of its pages: 16 bytes a page, borrowing the model's links.
class Paths {
 public:
  // Breadth first from page `from`; `index` is the model's.
  Paths(const SiteModel& model, const PageIndex& index, int from);
  // Links to click; -1 if there is no way.
  int Length(int to) const { return lengths_[to]; }
  // The links to click, appended to `way`. `to` must have a way.
  void AppendTo(int to, std::vector<const Link*>& way) const;

 private:
  std::vector<int> lengths_;
  std::vector<int> before_;
  std::vector<const Link*> by_;
};

}  // namespace proctor::proposer

#endif  // PROCTOR_PROPOSER_SITE_MODEL_H_
