#include "proposer/wording.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "proposer/seeded.h"

namespace proctor::proposer {
namespace {

std::string Quoted(const std::string& text) { return absl::StrCat("\"", absl::StrReplaceAll(text, {{"\"", "'"}}), "\""); }

// Fills $0, $1, ... of one of the wordings.
std::string Say(uint64_t seed, const std::vector<std::string>& wordings, const std::vector<std::string>& parts) {
  std::string key;
  for (const std::string& part : parts) absl::StrAppend(&key, part, "\n");
  const std::string& wording = wordings[SeededHash(seed, key) % wordings.size()];
  std::string said;
  for (size_t i = 0; i < wording.size(); ++i) {
    if (wording[i] == '$' && i + 1 < wording.size()) {
      said += Quoted(parts[wording[++i] - '0']);
    } else {
      said += wording[i];
    }
  }
  return said;
}

}  // namespace

std::string AskForPage(uint64_t seed, const std::string& subject) {
  return Say(seed,
             {"Open the page $0.", "Go to the page with the heading $0 and stop there.",
              "Find the page about $0 on this site and open it."},
             {subject});
}

std::string AskForFact(uint64_t seed, const Fact& fact) {
  return Say(seed,
             {"What is the $1 of $0? Answer with the value only.",
              "Look up $0 on this site. What does it give as $1? Answer with the value only.",
              "Find the $1 of $0 and answer with just that value."},
             {fact.subject, fact.attribute});
}

std::string AskForFactBySearch(uint64_t seed, const Fact& fact) {
  return Say(seed,
             {"Search the site for $0. What is its $1? Answer with the value only.",
              "Use the search to find $0 and answer with its $1, the value only.",
              "Look for $0 with the site's search. Which $1 does it have? Answer with the value only."},
             {fact.subject, fact.attribute});
}

std::string AskForLarger(uint64_t seed, const Fact& one, const Fact& other) {
  return Say(seed,
             {"Compare the $2 of $0 with that of $1. Answer with the larger of the two values as it is written there.",
              "Which is larger, the $2 of $0 or that of $1? Answer with the larger value as it is written there.",
              "Of $0 and $1, one has the larger $2. Answer with that larger value as it is written there."},
             {one.subject, other.subject, one.attribute});
}

std::string AskForList(uint64_t seed, const std::string& page_subject, const Table& table, size_t column,
                       const std::string& value) {
  return Say(seed,
             {"The page $0 has a table with the column $1. List the $2 of every row whose $1 is $3, separated by commas.",
              "On the page $0, which entries in the column $2 have $3 as $1? Answer with all of them, separated by commas.",
              "Find the table on the page $0 and answer with every $2 whose $1 is $3, separated by commas."},
             {page_subject, table.columns[column], table.columns[0], value});
}

}  // namespace proctor::proposer
