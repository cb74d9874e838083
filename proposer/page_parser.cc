#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "common/json.h"
#include "common/status.h"
#include "common/strings.h"
#include "proposer/site_model.h"
#include "proposer/text.h"

namespace proctor::proposer {
namespace {

constexpr size_t kMaxFacts = 2'000;
// How many are looked for in the page's text, of up to 200,000 characters: its tables may have 480,000 cells that are not in it.
constexpr int kMaxLookedFor = 10'000;
constexpr size_t kMaxSubjectBytes = 100;
constexpr size_t kMaxAttributeBytes = 60;
constexpr size_t kMaxValueBytes = 150;
constexpr int kMaxJsonLdDepth = 4;

// The member as an array; an empty one if it is something else.
const Json& ArrayAt(const Json& object, const char* key) {
  static const Json& none = *new Json(Json::array());
  if (!object.is_object()) return none;
  const auto member = object.find(key);
  return member != object.end() && member->is_array() ? *member : none;
}

std::string TextAt(const Json& object, const char* key) { return CleanText(JsonStringOr(object, key)); }

std::string AttributeName(std::string text) {
  while (!text.empty() && (text.back() == ':' || text.back() == ' ')) text.pop_back();
  return text;
}

bool HasLetter(const std::string& text) {
  return std::any_of(text.begin(), text.end(),
                     [](unsigned char c) { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z' ? true : c >= 0x80; });
}

// Collects facts of one page; only those whose value can be seen there.
class FactCollector {
 public:
  explicit FactCollector(Page& page) : page_(page) {}

  void Add(const std::string& subject, const std::string& raw_attribute, const std::string& value) {
    const std::string attribute = AttributeName(raw_attribute);
    if (subject.size() < 2 || subject.size() > kMaxSubjectBytes || !HasLetter(subject)) return;
    if (attribute.size() < 2 || attribute.size() > kMaxAttributeBytes || !HasLetter(attribute)) return;
    if (value.empty() || value.size() > kMaxValueBytes || Folded(value) == Folded(attribute)) return;
    if (page_.facts.size() >= kMaxFacts || looked_for_ == kMaxLookedFor) return;
    ++looked_for_;
    if (!ContainsWords(page_.text, Folded(value))) return;
    Fact fact{subject, attribute, value};
    if (std::find(page_.facts.begin(), page_.facts.end(), fact) == page_.facts.end()) {
      page_.facts.push_back(std::move(fact));
    }
  }

 private:
  Page& page_;
  int looked_for_ = 0;
};

struct Cell {
  std::string text;
  bool header = false;
  bool span = false;
};

std::vector<std::vector<Cell>> CellsOf(const Json& table) {
  std::vector<std::vector<Cell>> rows;
  for (const Json& row : ArrayAt(table, "rows")) {
    if (!row.is_array() || row.empty()) continue;
    std::vector<Cell> cells;
    for (const Json& cell : row) {
      cells.push_back({TextAt(cell, "text"), JsonBoolOr(cell, "header"), JsonBoolOr(cell, "span")});
    }
    rows.push_back(std::move(cells));
  }
  return rows;
}

bool AllHeaders(const std::vector<Cell>& row) {
  return std::all_of(row.begin(), row.end(), [](const Cell& cell) { return cell.header; });
}

// A table of two columns whose rows are "attribute, value".
bool IsPairTable(const std::vector<std::vector<Cell>>& rows) {
  std::set<std::string> attributes;
  for (const auto& row : rows) {
    if (row.size() != 2 || row[1].header || row[0].span || row[1].span) return false;
    if (!attributes.insert(Folded(row[0].text)).second) return false;
  }
  return rows.size() >= 2 || (rows.size() == 1 && rows[0][0].header);
}

void ReadHeaderTable(const Json& json, const std::vector<std::vector<Cell>>& rows, Page& page, FactCollector& facts) {
  Table table;
  table.heading = TextAt(json, "caption");
  if (table.heading.empty()) table.heading = TextAt(json, "heading");
  std::set<std::string> names;
  for (const Cell& cell : rows[0]) {
    if (cell.span || cell.text.empty() || !names.insert(Folded(cell.text)).second) return;
    table.columns.push_back(AttributeName(cell.text));
  }
  for (size_t i = 1; i < rows.size(); ++i) {
    std::vector<std::string> texts;
    for (const Cell& cell : rows[i]) {
      if (cell.span) return;
      texts.push_back(cell.text);
    }
    if (texts.size() != table.columns.size()) return;
    for (size_t c = 1; c < texts.size(); ++c) facts.Add(texts[0], table.columns[c], texts[c]);
    table.rows.push_back(std::move(texts));
  }
  table.complete = JsonNumberOr(json, "row_count") == static_cast<double>(rows.size());
  page.tables.push_back(std::move(table));
}

void ReadTables(const Json& tables, Page& page, FactCollector& facts) {
  for (const Json& json : tables) {
    const auto rows = CellsOf(json);
    if (rows.empty()) continue;
    if (rows.size() >= 2 && rows[0].size() >= 2 && AllHeaders(rows[0])) {
      ReadHeaderTable(json, rows, page, facts);
    } else if (IsPairTable(rows)) {
      for (const auto& row : rows) facts.Add(page.subject, row[0].text, row[1].text);
    }
  }
}

void ReadLists(const Json& lists, const Page& page, FactCollector& facts) {
  for (const Json& list : lists) {
    std::map<std::string, int> uses;
    for (const Json& pair : ArrayAt(list, "pairs")) {
      if (pair.is_array() && pair.size() == 2 && pair[0].is_string()) ++uses[pair[0].get<std::string>()];
    }
    for (const Json& pair : ArrayAt(list, "pairs")) {
      if (!pair.is_array() || pair.size() != 2 || !pair[0].is_string() || !pair[1].is_string()) continue;
      if (uses[pair[0].get<std::string>()] > 1) continue;
      facts.Add(page.subject, CleanText(pair[0].get<std::string>()), CleanText(pair[1].get<std::string>()));
    }
  }
}

void ReadItems(const Json& items, FactCollector& facts) {
  for (const Json& item : items) {
    if (!item.is_array()) continue;
    std::string name;
    std::vector<std::pair<std::string, std::string>> properties;
    for (const Json& pair : item) {
      if (!pair.is_array() || pair.size() != 2 || !pair[0].is_string() || !pair[1].is_string()) continue;
      const std::string key = CleanText(pair[0].get<std::string>());
      const std::string value = CleanText(pair[1].get<std::string>());
      if (key == "name") name = value;
      else properties.emplace_back(key, value);
    }
    for (const auto& [key, value] : properties) facts.Add(name, key, value);
  }
}

void ReadJsonLdObject(const Json& json, int depth, FactCollector& facts) {
  if (depth > kMaxJsonLdDepth) return;
  if (json.is_array()) {
    for (const Json& item : json) ReadJsonLdObject(item, depth + 1, facts);
  }
  if (!json.is_object()) return;
  const std::string name = TextAt(json, "name");
  for (const auto& [key, value] : json.items()) {
    if (key == "name" || absl::StartsWith(key, "@")) {
      if (key == "@graph") ReadJsonLdObject(value, depth + 1, facts);
      continue;
    }
    if (value.is_string()) facts.Add(name, CleanText(key), CleanText(value.get<std::string>()));
    if (value.is_number()) facts.Add(name, CleanText(key), value.dump());
    if (value.is_structured()) ReadJsonLdObject(value, depth + 1, facts);
  }
}

void ReadForms(const Json& forms, const SiteUrls& urls, Page& page) {
  for (const Json& json : forms) {
    Form form;
    form.action = urls.Canonical(JsonStringOr(json, "action"));
    form.is_get = JsonStringOr(json, "method") == "get";
    int text_fields = 0, others = 0;
    for (const Json& field : ArrayAt(json, "fields")) {
      const std::string type = JsonStringOr(field, "type");
      if (type == "text" || type == "search") ++text_fields;
      else if (type != "hidden" && type != "submit" && type != "button" && type != "select-one") ++others;
    }
    form.is_search = form.is_get && text_fields == 1 && others == 0 && urls.IsOnSite(form.action);
    page.forms.push_back(std::move(form));
  }
}

void ReadHeadings(const Json& headings, Page& page) {
  std::string main;
  for (const Json& heading : headings) {
    if (!heading.is_array() || heading.size() != 2 || !heading[0].is_number() || !heading[1].is_string()) continue;
    const std::string text = CleanText(heading[1].get<std::string>(), kMaxSubjectBytes * 2);
    if (main.empty() && heading[0] == 1) main = text;
    page.headings.push_back(text);
  }
  page.subject = main.empty() ? page.title : main;
}

}  // namespace

absl::StatusOr<Page> ParsePage(const std::string& json, const SiteUrls& urls) {
  PROCTOR_ASSIGN_OR_RETURN(const Json root, ParseJson(SanitizeUtf8(json)));
  if (!root.is_object()) return absl::InvalidArgumentError("the page's extract is no object");
  Page page;
  page.url = urls.Canonical(JsonStringOr(root, "url"));
  page.title = TextAt(root, "title");
  page.status = static_cast<int>(std::clamp(JsonNumberOr(root, "status"), 0.0, 999.0));
  page.is_html = absl::StrContains(JsonStringOr(root, "content_type", "text/html"), "html");
  page.text = Folded(JsonStringOr(root, "text"));
  ReadHeadings(ArrayAt(root, "headings"), page);
  FactCollector facts(page);
  ReadTables(ArrayAt(root, "tables"), page, facts);
  ReadLists(ArrayAt(root, "lists"), page, facts);
  ReadItems(ArrayAt(root, "items"), facts);
  for (const Json& block : ArrayAt(root, "json_ld")) {
    if (!block.is_string()) continue;
    const auto parsed = ParseJson(block.get<std::string>());
    if (parsed.ok()) ReadJsonLdObject(*parsed, 0, facts);
  }
  ReadForms(ArrayAt(root, "forms"), urls, page);
  return page;
}

}  // namespace proctor::proposer
