#include "env/practice/site.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/json.h"
#include "common/strings.h"

namespace proctor::env::practice {
namespace {

// Longer texts are cut.
constexpr size_t kMaxValueBytes = 8000;
constexpr size_t kMaxParameters = 200;

std::string Head(const Shell& shell, std::string_view title, std::string_view body_class) {
  return absl::StrCat("<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">",
                      "<meta name=\"viewport\" content=\"width=device-width\"><title>", Escape(title), " - ",
                      Escape(shell.brand), "</title><link rel=\"icon\" href=\"data:,\">",
                      "<link rel=\"stylesheet\" href=\"/style.css\"></head><body class=\"", ToAbsl(body_class), "\">");
}

size_t BytesOf(const std::string& id, const State::Record& record) {
  // What a record takes besides its texts is no less than this.
  size_t bytes = 100 + id.size();
  for (const auto& [name, value] : record) bytes += 100 + name.size() + value.size();
  return bytes;
}

}  // namespace

Parameters Parameters::Parse(std::string_view encoded) {
  Parameters parameters;
  for (const absl::string_view pair : absl::StrSplit(ToAbsl(encoded), '&', absl::SkipEmpty())) {
    if (parameters.values_.size() == kMaxParameters) break;
    const size_t equals = pair.find('=');
    const std::string value = equals == absl::string_view::npos ? "" : DecodeUrl(ToStd(pair.substr(equals + 1)));
    parameters.values_.emplace_back(
        SanitizeUtf8(DecodeUrl(ToStd(pair.substr(0, equals)))),
        std::string(TruncateUtf8(SanitizeUtf8(value), kMaxValueBytes)));
  }
  return parameters;
}

Parameters Parameters::Of(std::vector<std::pair<std::string, std::string>> values) {
  Parameters parameters;
  parameters.values_ = std::move(values);
  return parameters;
}

bool Parameters::MayBeSent(const std::vector<std::pair<std::string, std::string>>& values) {
  return values.size() <= kMaxParameters &&
         std::all_of(values.begin(), values.end(), [](const auto& value) { return value.second.size() <= kMaxValueBytes; });
}

std::string Parameters::Get(std::string_view name, std::string_view otherwise) const {
  for (const auto& [key, value] : values_) {
    if (key == name) return std::string(absl::StripAsciiWhitespace(value));
  }
  return std::string(otherwise);
}

std::vector<std::string> Parameters::All(std::string_view name) const {
  std::vector<std::string> found;
  for (const auto& [key, value] : values_) {
    if (key == name) found.push_back(value);
  }
  return found;
}

bool Parameters::Has(std::string_view name) const {
  for (const auto& [key, value] : values_) {
    if (key == name) return true;
  }
  return false;
}

int Parameters::Int(std::string_view name, int low, int high, int otherwise) const {
  int value = 0;
  return absl::SimpleAtoi(Get(name), &value) && value >= low && value <= high ? value : otherwise;
}

bool Request::Parse(const net::HttpRequest& request, Request& parsed) {
  parsed.post = request.method == "POST";
  if (!parsed.post && request.method != "GET" && request.method != "HEAD") return false;
  const size_t query = request.target.find('?');
  parsed.path = SanitizeUtf8(DecodeUrl(request.target.substr(0, query)));
  if (parsed.path.size() > 2000) return false;
  parsed.segments = absl::StrSplit(parsed.path, '/', absl::SkipEmpty());
  if (query != std::string::npos) {
    const std::string text = request.target.substr(query + 1);
    parsed.query = Parameters::Parse(text.substr(0, text.find('#')));
  }
  if (parsed.post) parsed.form = Parameters::Parse(request.body);
  return true;
}

const std::string& Request::Segment(size_t index) const {
  static const auto& none = *new std::string;
  return index < segments.size() ? segments[index] : none;
}

void State::Set(const std::string& section, const std::string& id, Record record) {
  bytes_ += BytesOf(id, record);
  const auto [place, is_new] = sections_[section].try_emplace(id);
  if (!is_new) bytes_ -= BytesOf(id, place->second);
  place->second = std::move(record);
}

void State::Erase(const std::string& section, const std::string& id) {
  const auto found = sections_.find(section);
  if (found == sections_.end()) return;
  const auto record = found->second.find(id);
  if (record == found->second.end()) return;
  bytes_ -= BytesOf(id, record->second);
  found->second.erase(record);
  if (found->second.empty()) sections_.erase(found);
}

void State::Clear(const std::string& section) {
  for (const auto& [id, record] : Get(section)) bytes_ -= BytesOf(id, record);
  sections_.erase(section);
}

bool State::Has(const std::string& section, const std::string& id) const { return Get(section).count(id) > 0; }

const State::Section& State::Get(const std::string& section) const {
  static const auto& none = *new Section;
  const auto found = sections_.find(section);
  return found == sections_.end() ? none : found->second;
}

std::string State::Value(const std::string& section, const std::string& id, const std::string& field,
                         std::string_view otherwise) const {
  const Section& records = Get(section);
  if (const auto record = records.find(id); record != records.end()) {
    if (const auto value = record->second.find(field); value != record->second.end()) return value->second;
  }
  return std::string(otherwise);
}

std::string State::NextId(const std::string& section) const { return absl::StrCat(Get(section).size() + 1); }

std::string State::ToJson() const {
  Json json = Json::object();
  for (const auto& [section, records] : sections_) {
    if (!records.empty()) json[section] = records;
  }
  return DumpJson(json);
}

net::HttpResponse HtmlResponse(std::string html, int status) {
  net::HttpResponse response;
  response.status = status;
  response.headers = {{"content-type", "text/html; charset=utf-8"}, {"cache-control", "no-store"}};
  response.body = std::move(html);
  return response;
}

net::HttpResponse Redirect(std::string location) {
  net::HttpResponse response;
  response.status = 303;
  response.headers = {{"location", std::move(location)}, {"cache-control", "no-store"}};
  return response;
}

std::string Page(const Shell& shell, std::string_view title, std::string_view main_html, std::string_view query) {
  std::string html = Head(shell, title, shell.site);
  absl::StrAppend(&html, "<header class=\"site\">", Link("/", shell.brand, "class=\"brand\""),
                  "<nav aria-label=\"Main\">");
  for (const auto& [href, label] : shell.links) html += Link(href, label);
  html += "</nav>";
  if (!shell.search_label.empty()) {
    html += Form("/search",
                 Field({.label = shell.search_label,
                        .name = "q",
                        .value = std::string(query),
                        .type = "search",
                        .attributes = absl::StrCat("placeholder=\"", Escape(shell.search_label), "\"")}) +
                     Submit("Search"),
                 "get", "role=\"search\"");
  }
  absl::StrAppend(&html, "</header><main>", ToAbsl(main_html), "</main><footer>", Escape(shell.footer),
                  "</footer><script src=\"/site.js\"></script></body></html>");
  return html;
}

std::string FramedPage(const Shell& shell, std::string_view title, std::string_view main_html) {
  return absl::StrCat(Head(shell, title, shell.site + " framed"), "<main>", ToAbsl(main_html),
                      "</main><script src=\"/site.js\"></script></body></html>");
}

net::HttpResponse NotFound(const Shell& shell, std::string_view what) {
  return HtmlResponse(
      Page(shell, "Not found", Heading(1, "Not found") + Paragraph(what) + Wrap("p", Link("/", "Back to the start page"))),
      404);
}

std::string Notice(std::string_view text) { return Tag("div", text, "class=\"notice\" role=\"status\""); }

std::string Errors(const std::vector<std::string>& errors) {
  if (errors.empty()) return "";
  std::vector<std::string> items;
  for (const std::string& error : errors) items.push_back(Escape(error));
  return Wrap("div", Paragraph("Please correct the following:") + List(items), "class=\"error\" role=\"alert\"");
}

bool MatchesQuery(std::string_view text, std::string_view query) {
  const std::string haystack = absl::AsciiStrToLower(ToAbsl(text));
  const std::string words = absl::AsciiStrToLower(ToAbsl(query));
  bool any = false;
  for (const absl::string_view word : absl::StrSplit(words, ' ', absl::SkipEmpty())) {
    any = true;
    if (!absl::StrContains(haystack, word)) return false;
  }
  return any;
}

}  // namespace proctor::env::practice
