// What the hub and a practice site agree on: parsed requests, the episode's state, the site itself.
#ifndef PROCTOR_ENV_PRACTICE_SITE_H_
#define PROCTOR_ENV_PRACTICE_SITE_H_

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "env/practice/html.h"
#include "net/http_server.h"

namespace proctor::env::practice {

// Decoded names and values of a query or a form, in the order sent.
class Parameters {
 public:
  static Parameters Parse(std::string_view encoded);
  static Parameters Of(std::vector<std::pair<std::string, std::string>> values);
  // False: Parse would cut some of it (over 200 values, or one of over 8,000 bytes).
  static bool MayBeSent(const std::vector<std::pair<std::string, std::string>>& values);

  // The first value without outer white space, or `otherwise`.
  std::string Get(std::string_view name, std::string_view otherwise = "") const;
  std::vector<std::string> All(std::string_view name) const;
  bool Has(std::string_view name) const;
  // The value as a whole number in [low, high], or `otherwise`.
  int Int(std::string_view name, int low, int high, int otherwise) const;

 private:
  std::vector<std::pair<std::string, std::string>> values_;
};

struct Request {
  bool post = false;
  // Decoded, without the query: "/product/blue-lamp".
  std::string path;
  // `path` split at slashes.
  std::vector<std::string> segments;
  Parameters query;
  Parameters form;

  // False for other methods than GET, HEAD and POST and for paths over 2,000 bytes.
  static bool Parse(const net::HttpRequest& request, Request& parsed);

  // The segment, or "".
  const std::string& Segment(size_t index) const;
};

// What the episode changed: sections of records of named values. Ordered, so that equal states give equal JSON. Small: one that is full() takes no
// more POSTs.
class State {
 public:
  using Record = std::map<std::string, std::string>;
  using Section = std::map<std::string, Record>;

  // Bytes of all names and values from which on a state is full: more than any task asks for, and pages of it are still made at once.
  static constexpr size_t kFullBytes = size_t{2} << 20;

  void Set(const std::string& section, const std::string& id, Record record);
  void Erase(const std::string& section, const std::string& id);
  void Clear(const std::string& section);
  bool full() const { return bytes_ >= kFullBytes; }
  bool Has(const std::string& section, const std::string& id) const;
  const Section& Get(const std::string& section) const;
  // The value, or `otherwise`.
  std::string Value(const std::string& section, const std::string& id, const std::string& field,
                    std::string_view otherwise = "") const;
  // "1", "2", ... for the next record of a section that only grows.
  std::string NextId(const std::string& section) const;

  // {"section":{"id":{"field":"value"}}}; empty sections are left out.
  std::string ToJson() const;

 private:
  std::map<std::string, Section> sections_;
  size_t bytes_ = 0;
};

// A site of one episode: shared immutable content and a state of its own. Not thread-safe. Never fails: what a page
// cannot do is a page that says so.
class Site {
 public:
  virtual ~Site() = default;

  virtual net::HttpResponse Handle(const Request& request) = 0;
  const State& state() const { return state_; }

 protected:
  State state_;
};

net::HttpResponse HtmlResponse(std::string html, int status = 200);
// 303: the browser continues with a GET.
net::HttpResponse Redirect(std::string location);

// The frame of a site's pages.
struct Shell {
  // Also the body's class.
  std::string site;
  std::string brand;
  Options links = {};  // href, label
  // Label of the search field, "" for none; it sends `q` to /search.
  std::string search_label = "";
  std::string footer = "";
};
std::string Page(const Shell& shell, std::string_view title, std::string_view main_html, std::string_view query = "");
// A page shown inside another one.
std::string FramedPage(const Shell& shell, std::string_view title, std::string_view main_html);
net::HttpResponse NotFound(const Shell& shell, std::string_view what);

std::string Notice(std::string_view text);
std::string Errors(const std::vector<std::string>& errors);

// True if every word of `query` occurs in `text`, without case. An empty query matches nothing.
bool MatchesQuery(std::string_view text, std::string_view query);

}  // namespace proctor::env::practice

#endif  // PROCTOR_ENV_PRACTICE_SITE_H_
