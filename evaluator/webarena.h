// WebArena's evaluators (web-arena-x/webarena, evaluation_harness/evaluators.py) over recorded
// evidence.
//
// Each function follows the original to the letter, quirks included: substring rules, no tokens but
// for a lone one-character item, quotes stripped once, scheme and fragment of URLs ignored. Where
// the original asks a language model, the score is undetermined (JUDGE_NEEDED); where it calls a
// function of one site that is not configured, undetermined (NOT_CONFIGURED).
#ifndef PROCTOR_EVALUATOR_WEBARENA_H_
#define PROCTOR_EVALUATOR_WEBARENA_H_

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "evaluator/score.h"
#include "evaluator/urls.h"
#include "proctor/v1/oracle.pb.h"

namespace proctor::evaluator {

// How a `func:name(arguments)` of a configuration is done in the browser.
struct WebArenaFunction {
  // Where it is evaluated: a URL with placeholders, or "last": the page before. A locator's
  // function that has the page itself as an argument must use "last".
  std::string page_url = "last";
  // A JavaScript function expression; called with the arguments as written. `__page__` is passed as
  // `document`,
  // '__last_url__' as the page's URL.
  std::string expression;
};

// Functions by name. Empty by default: what needs one is NOT_CONFIGURED.
using WebArenaFunctions = std::map<std::string, WebArenaFunction>;

// INVALID_ARGUMENT: unknown types, notes or locators, parts that a type needs and that are missing.
absl::Status ValidateWebArena(const v1::WebArenaEval& eval);

// The page sequence that `program_html` needs; nothing if the evaluation has none, or needs a
// function that is not in `functions`. `eval` is valid.
std::optional<v1::EvidenceRequest::PageSequence> WebArenaPages(const v1::WebArenaEval& eval,
                                                               const WebArenaFunctions& functions);

// True if `program_html` calls functions.
bool NeedsFunctions(const v1::WebArenaEval& eval);

// StringEvaluator. `answer` is empty if there is none.
Score WebArenaStringMatch(const v1::WebArenaEval& eval, std::string_view answer);

// URLEvaluator with the rule "GOLD in PRED". Placeholders of the reference that have no base URL:
// NOT_CONFIGURED.
Score WebArenaUrlMatch(const v1::WebArenaEval& eval, std::string_view final_url,
                       const BaseUrls& base_urls);

// HTMLContentEvaluator: one JSON value an entry, as the browser gave it. Placeholders in what is
// required are replaced where they have a base URL.
Score WebArenaProgramHtml(const v1::WebArenaEval& eval, const std::vector<std::string>& json_values,
                          const BaseUrls& base_urls);

// `clean_answer`, `exact_match` and `must_include` of the original, for tests.
std::string WebArenaClean(std::string_view text);
bool WebArenaExactMatch(std::string_view reference, std::string_view predicted);
enum class Tokenize { kNo, kYes };
bool WebArenaMustInclude(std::string_view reference, std::string_view predicted, Tokenize tokenize);

// Word tokens as NLTK's `word_tokenize` makes them of lower-case text (Penn Treebank rules; of its
// sentence splitter: a final period is split off a word unless a lower-case word follows).
std::vector<std::string> WordTokens(std::string_view text);

}  // namespace proctor::evaluator

#endif  // PROCTOR_EVALUATOR_WEBARENA_H_
