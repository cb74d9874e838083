// Visits the sites of one practice instance without a browser or a socket.
#ifndef PROCTOR_TESTS_ENV_PRACTICE_VISITOR_H_
#define PROCTOR_TESTS_ENV_PRACTICE_VISITOR_H_

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "env/practice/hub.h"

namespace proctor::env::practice {

class Visitor {
 public:
  Visitor(PracticeHub& hub, const PracticeHub::Instance& instance, const std::string& site)
      : hub_(hub), id_(instance.id), site_(site) {
    const std::string url = instance.base_urls.at(absl::StrCat("__", absl::AsciiStrToUpper(site), "__"));
    host_ = url.substr(7);
  }

  net::HttpResponse Get(const std::string& target) {
    return hub_.Handle({.method = "GET", .target = target, .host = host_, .headers = {}, .body = ""});
  }

  net::HttpResponse Post(const std::string& target, const std::vector<std::pair<std::string, std::string>>& form) {
    std::string body;
    for (const auto& [name, value] : form) absl::StrAppend(&body, body.empty() ? "" : "&", EncodeUrl(name), "=", EncodeUrl(value));
    return hub_.Handle({.method = "POST", .target = target, .host = host_, .headers = {{"content-type", "application/x-www-form-urlencoded"}}, .body = body});
  }

  std::string State() { return hub_.StateJson(id_, site_).value(); }

  // Targets of links, frames and on-demand loads in a page, within the site and without fragments.
  static std::set<std::string> Links(const std::string& html) {
    std::set<std::string> links;
    for (const std::string attribute : {"href=\"", "src=\"", "data-loads=\""}) {
      for (size_t at = html.find(attribute); at != std::string::npos; at = html.find(attribute, at + 1)) {
        const size_t begin = at + attribute.size();
        std::string link = html.substr(begin, html.find('"', begin) - begin);
        link = absl::StrReplaceAll(link.substr(0, link.find('#')), {{"&amp;", "&"}});
        if (!link.empty() && link[0] == '/') links.insert(link);
      }
    }
    return links;
  }

 private:
  PracticeHub& hub_;
  const std::string id_, site_;
  std::string host_;
};

}  // namespace proctor::env::practice

#endif  // PROCTOR_TESTS_ENV_PRACTICE_VISITOR_H_
