#include "evaluator/webarena.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "common/json.h"
#include "common/status.h"
#include "common/strings.h"
#include "evaluator/html.h"
#include "evaluator/text.h"
#include "evaluator/unicode.h"

namespace proctor::evaluator {
namespace {

constexpr std::string_view kFunctionPrefix = "func:";

bool IsFunction(std::string_view text) { return text.rfind(kFunctionPrefix, 0) == 0; }

std::string Shorten(std::string_view text) { return std::string(TruncateUtf8(text, 200)); }

// Python's str.strip.
std::string_view Strip(std::string_view text) {
  size_t begin = text.size();
  size_t end = 0;
  for (size_t i = 0; i < text.size();) {
    const size_t at = i;
    if (!IsSpace(NextCodePoint(text, &i))) {
      begin = std::min(begin, at);
      end = i;
    }
  }
  return begin >= end ? std::string_view() : text.substr(begin, end - begin);
}

bool IsBlank(std::string_view text) { return Strip(text).empty(); }

bool HasType(const v1::WebArenaEval& eval, std::string_view type) {
  return std::find(eval.eval_types().begin(), eval.eval_types().end(), type) !=
         eval.eval_types().end();
}

bool IsJavaScript(std::string_view locator) {
  return locator.rfind("document.", 0) == 0 || locator.rfind("[...document.", 0) == 0;
}

absl::Status ValidateProgram(const v1::WebArenaEval::ProgramHtml& program) {
  if (program.url().empty()) return absl::InvalidArgumentError("program_html: url is missing");
  if (!program.has_exact_match() && program.must_include().empty()) {
    return absl::InvalidArgumentError(
        "program_html: neither exact_match nor must_include is required");
  }
  const std::string& locator = program.locator();
  if (!IsBlank(SanitizeUtf8(locator)) && !IsJavaScript(locator) && !IsFunction(locator)) {
    return absl::InvalidArgumentError(
        absl::StrCat("program_html: unknown kind of locator: ", Shorten(locator)));
  }
  return absl::OkStatus();
}

// A call of a site's function: `func:name(arguments)`.
struct FunctionCall {
  std::string name;
  std::string arguments;
};

std::optional<FunctionCall> ParseCall(std::string_view text) {
  text.remove_prefix(kFunctionPrefix.size());
  const size_t open = text.find('(');
  const size_t close = text.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open)
    return std::nullopt;
  return FunctionCall{std::string(Strip(text.substr(0, open))),
                      std::string(text.substr(open + 1, close - open - 1))};
}

// JavaScript that calls the function; nothing if it is not configured.
struct ConfiguredCall {
  std::string page_url;
  std::string javascript;
};

std::optional<ConfiguredCall> Configure(std::string_view text, const WebArenaFunctions& functions) {
  const std::optional<FunctionCall> call = ParseCall(text);
  if (!call) return std::nullopt;
  const auto it = functions.find(call->name);
  if (it == functions.end()) return std::nullopt;
  const std::string arguments =
      absl::StrReplaceAll(call->arguments, {{"'__last_url__'", "location.href"},
                                            {"\"__last_url__\"", "location.href"},
                                            {"__page__", "document"}});
  return ConfiguredCall{it->second.page_url,
                        absl::StrCat("(", it->second.expression, ")(", arguments, ")")};
}

// An error of the locator is the empty text in the original, no failure of the evaluation.
std::string ForgiveErrors(std::string_view expression) {
  return absl::StrCat("(() => { try { return (", ToAbsl(expression),
                      "); } catch (error) { return \"\"; } })()");
}

// Python's str() of a value that came from the browser; falsy texts are "".
std::string PythonText(const Json& value) {
  if (value.is_null()) return "None";
  if (value.is_boolean()) return value.get<bool>() ? "True" : "False";
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_float()) {
    const double number = value.get<double>();
    if (std::floor(number) == number && std::abs(number) < 1e15)
      return absl::StrCat(static_cast<int64_t>(number));
    return DumpJson(value);
  }
  if (value.is_array()) {
    std::string out = "[";
    for (size_t i = 0; i < value.size(); ++i) {
      if (i > 0) out += ", ";
      const std::string item = PythonText(value[i]);
      const bool has_quote = item.find('\'') != std::string::npos;
      const char* quote = has_quote && item.find('"') == std::string::npos ? "\"" : "'";
      out += value[i].is_string() ? absl::StrCat(quote, item, quote) : item;
    }
    return out + "]";
  }
  return DumpJson(value);
}

bool ProgramHolds(const v1::WebArenaEval::ProgramHtml& program, std::string_view content,
                  const BaseUrls& base_urls) {
  const auto resolve = [&](const std::string& text) {
    return ResolvePlaceholders(text, base_urls).value_or(text);
  };
  if (program.has_exact_match()) return WebArenaExactMatch(resolve(program.exact_match()), content);
  return std::all_of(
      program.must_include().begin(), program.must_include().end(), [&](const std::string& item) {
        const std::vector<std::string> alternatives = absl::StrSplit(item, " |OR| ");
        return std::any_of(
            alternatives.begin(), alternatives.end(), [&](const std::string& alternative) {
              return WebArenaMustInclude(resolve(alternative), content, Tokenize::kNo);
            });
      });
}

std::string WithoutTrailingSlashes(std::string text) {
  while (!text.empty() && text.back() == '/') text.pop_back();
  return text;
}

// Python's netloc + path, without the `;parameters` of the last segment.
std::string BasePath(const UrlParts& parts) {
  const size_t segment = parts.path.rfind('/');
  const size_t parameters = parts.path.find(';', segment == std::string::npos ? 0 : segment);
  return parts.authority + parts.path.substr(0, parameters);
}

}  // namespace

std::string WebArenaClean(std::string_view text) {
  const std::string valid = SanitizeUtf8(text);
  std::string_view rest = Strip(valid);
  for (const char quote : {'\'', '"'}) {
    if (!rest.empty() && rest.front() == quote && rest.back() == quote) {
      rest = rest.size() < 2 ? std::string_view() : rest.substr(1, rest.size() - 2);
      break;
    }
  }
  return FoldCase(rest);
}

bool WebArenaExactMatch(std::string_view reference, std::string_view predicted) {
  return WebArenaClean(reference) == WebArenaClean(predicted);
}

bool WebArenaMustInclude(std::string_view reference, std::string_view predicted,
                         Tokenize tokenize) {
  const std::string item = WebArenaClean(reference);
  const std::string text = WebArenaClean(predicted);
  size_t first_length = 0;
  if (!item.empty()) NextCodePoint(item, &first_length);
  if (tokenize == Tokenize::kYes && !item.empty() && first_length == item.size() &&
      WordTokens(item).size() == 1) {
    const std::vector<std::string> tokens = WordTokens(text);
    return std::find(tokens.begin(), tokens.end(), item) != tokens.end();
  }
  return text.find(item) != std::string::npos;
}

absl::Status ValidateWebArena(const v1::WebArenaEval& eval) {
  if (eval.eval_types().empty()) return absl::InvalidArgumentError("webarena: eval_types is empty");
  for (const std::string& type : eval.eval_types()) {
    if (type != "string_match" && type != "url_match" && type != "program_html") {
      return absl::InvalidArgumentError(
          absl::StrCat("webarena: unknown eval type ", Shorten(type)));
    }
  }
  const auto& answers = eval.reference_answers();
  if (HasType(eval, "string_match") && !answers.has_exact_match() &&
      answers.must_include().empty() && answers.fuzzy_match().empty() &&
      !answers.fuzzy_match_na()) {
    return absl::InvalidArgumentError("webarena: string_match without reference answers");
  }
  if (HasType(eval, "url_match")) {
    if (eval.reference_url().empty())
      return absl::InvalidArgumentError("webarena: url_match without reference_url");
    if (!eval.url_note().empty() && eval.url_note() != "GOLD in PRED") {
      return absl::InvalidArgumentError(
          absl::StrCat("webarena: unknown url_note ", Shorten(eval.url_note())));
    }
  }
  if (HasType(eval, "program_html")) {
    if (eval.program_html().empty())
      return absl::InvalidArgumentError("webarena: program_html is empty");
    for (const auto& program : eval.program_html())
      PROCTOR_RETURN_IF_ERROR(ValidateProgram(program));
  }
  return absl::OkStatus();
}

bool NeedsFunctions(const v1::WebArenaEval& eval) {
  return HasType(eval, "program_html") &&
         std::any_of(eval.program_html().begin(), eval.program_html().end(),
                     [](const auto& program) {
                       return IsFunction(program.url()) || IsFunction(program.locator());
                     });
}

std::optional<v1::EvidenceRequest::PageSequence> WebArenaPages(const v1::WebArenaEval& eval,
                                                               const WebArenaFunctions& functions) {
  if (!HasType(eval, "program_html")) return std::nullopt;
  v1::EvidenceRequest::PageSequence sequence;
  for (const auto& program : eval.program_html()) {
    v1::EvidenceRequest::PageSequence::Entry& entry = *sequence.add_entries();
    entry.set_url(program.url());
    if (IsFunction(program.url())) {
      const std::optional<ConfiguredCall> call = Configure(program.url(), functions);
      if (!call) return std::nullopt;
      entry.set_url(call->page_url);
      entry.set_url_expression(call->javascript);
    }
    if (IsFunction(program.locator())) {
      const std::optional<ConfiguredCall> call = Configure(program.locator(), functions);
      if (!call) return std::nullopt;
      // A function that has a page of its own goes there; the original calls the site's API
      // instead, so that the page of the entry does not matter.
      if (call->page_url != "last") entry.set_url(call->page_url);
      entry.set_expression(call->javascript);
    } else if (IsJavaScript(program.locator())) {
      *entry.mutable_prep_actions() = program.prep_actions();
      entry.set_expression(ForgiveErrors(program.locator()));
    }
  }
  return sequence;
}

Score WebArenaStringMatch(const v1::WebArenaEval& eval, std::string_view answer) {
  const auto& references = eval.reference_answers();
  const std::string actual = absl::StrCat("; answer \"", Shorten(answer), "\"");
  if (references.fuzzy_match_na()) {
    // Overwrites what the other rules said, as in the original.
    if (WebArenaExactMatch("N/A", answer)) return Score::Of(1, "string_match: \"N/A\" as expected");
    return Score::Unknown(v1::UNDETERMINED_REASON_JUDGE_NEEDED,
                          absl::StrCat("string_match: a judge must compare the reason with \"",
                                       Shorten(eval.string_note()), "\"", actual));
  }
  if (references.has_exact_match() && !WebArenaExactMatch(references.exact_match(), answer)) {
    return Score::Of(0, absl::StrCat("string_match: expected exactly \"",
                                     Shorten(references.exact_match()), "\"", actual));
  }
  const Tokenize tokenize = references.must_include_size() == 1 ? Tokenize::kYes : Tokenize::kNo;
  for (const std::string& item : references.must_include()) {
    if (!WebArenaMustInclude(item, answer, tokenize)) {
      return Score::Of(
          0, absl::StrCat("string_match: \"", Shorten(item), "\" must be included", actual));
    }
  }
  if (!references.fuzzy_match().empty()) {
    return Score::Unknown(v1::UNDETERMINED_REASON_JUDGE_NEEDED,
                          absl::StrCat("string_match: fuzzy_match needs a judge", actual));
  }
  return Score::Of(1, absl::StrCat("string_match holds", actual));
}

Score WebArenaUrlMatch(const v1::WebArenaEval& eval, std::string_view final_url,
                       const BaseUrls& base_urls) {
  const UrlParts predicted = SplitUrl(WithoutTrailingSlashes(std::string(final_url)));
  const std::string predicted_base = BasePath(predicted);
  auto predicted_query = ParseQuery(predicted.query);
  bool base_holds = false;
  std::map<std::string, std::vector<std::string>> allowed;
  const std::vector<std::string> references = absl::StrSplit(eval.reference_url(), " |OR| ");
  for (const std::string& reference : references) {
    const absl::StatusOr<std::string> resolved = ResolvePlaceholders(reference, base_urls);
    if (!resolved.ok()) {
      return Score::Unknown(v1::UNDETERMINED_REASON_NOT_CONFIGURED,
                            std::string(resolved.status().message()));
    }
    const UrlParts parts = SplitUrl(WithoutTrailingSlashes(*resolved));
    base_holds = base_holds || absl::StrContains(predicted_base, BasePath(parts));
    for (auto& [key, values] : ParseQuery(parts.query)) {
      allowed[key].insert(allowed[key].end(), values.begin(), values.end());
    }
  }
  const bool query_holds = std::all_of(allowed.begin(), allowed.end(), [&](const auto& entry) {
    const std::vector<std::string>& got = predicted_query[entry.first];
    return std::any_of(entry.second.begin(), entry.second.end(), [&](const std::string& value) {
      return std::find(got.begin(), got.end(), value) != got.end();
    });
  });
  return Score::Of(base_holds && query_holds ? 1 : 0,
                   absl::StrCat("url_match: expected ", Shorten(eval.reference_url()), "; at ",
                                Shorten(final_url)));
}

Score WebArenaProgramHtml(const v1::WebArenaEval& eval, const std::vector<std::string>& json_values,
                          const BaseUrls& base_urls) {
  if (static_cast<int>(json_values.size()) != eval.program_html_size()) {
    return Score::Unknown(v1::UNDETERMINED_REASON_EVIDENCE_MISSING,
                          absl::StrCat("program_html: ", json_values.size(), " values for ",
                                       eval.program_html_size(), " entries"));
  }
  for (int i = 0; i < eval.program_html_size(); ++i) {
    const absl::StatusOr<Json> value = ParseJson(json_values[i]);
    if (!value.ok()) {
      return Score::Unknown(v1::UNDETERMINED_REASON_EVIDENCE_MISSING,
                            absl::StrCat("program_html[", i, "]: ", value.status().message()));
    }
    const std::string content = UnescapeHtml(PythonText(*value));
    if (!ProgramHolds(eval.program_html(i), content, base_urls)) {
      return Score::Of(
          0, absl::StrCat("program_html[", i, "] does not hold; found \"", Shorten(content), "\""));
    }
  }
  return Score::Of(1,
                   absl::StrCat("program_html: all ", eval.program_html_size(), " entries hold"));
}

}  // namespace proctor::evaluator
