// What no reply of a practice site may hold.
#ifndef PROCTOR_TESTS_ENV_PRACTICE_SERVED_BYTES_H_
#define PROCTOR_TESTS_ENV_PRACTICE_SERVED_BYTES_H_

#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "env/practice/templates.h"
#include "net/http_server.h"

namespace proctor::env::practice {

// Words of templates, oracles and the machinery, in lower case.
inline const std::vector<std::string>& TellingWords() {
  static const auto& words = *new std::vector<std::string>([] {
    std::vector<std::string> words{
        "oracle",         "optimal_steps", "optimal-steps", "solution",  "site_state",
        "evidence",       "proctor",       "practice",      "__shop__",  "__wiki__",
        "__mail__",       "__forum__",     "__booking__",   "find_fact", "reach_page",
        "content_change", "impossible",    "reward",        "verdict",   "episode",
        "equals_json",    "<!--"};
    for (const Template& source : Templates()) {
      words.push_back(absl::AsciiStrToLower(source.id));
      words.push_back(absl::AsciiStrToLower(source.id.substr(source.id.find('/') + 1)));
    }
    return words;
  }());
  return words;
}

// Headers but the redirect's target, one a line.
inline std::string HeaderBytes(const net::HttpResponse& response) {
  std::string bytes;
  for (const auto& [name, value] : response.headers) {
    if (!absl::EqualsIgnoreCase(name, "location")) absl::StrAppend(&bytes, name, ": ", value, "\n");
  }
  return bytes;
}

// The first telling word in a reply's body or headers; empty: none.
inline std::string Telling(const net::HttpResponse& response) {
  std::string bytes = response.body;
  for (const auto& [name, value] : response.headers)
    absl::StrAppend(&bytes, "\n", name, ": ", value);
  bytes = absl::AsciiStrToLower(bytes);
  for (const std::string& word : TellingWords()) {
    if (absl::StrContains(bytes, word)) return word;
  }
  return "";
}

}  // namespace proctor::env::practice

#endif  // PROCTOR_TESTS_ENV_PRACTICE_SERVED_BYTES_H_
