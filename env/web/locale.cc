#include "env/web/locale.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "common/strings.h"

namespace proctor::env::web {
namespace {

constexpr char kShape[] = "must be a language tag such as \"de\", \"de-DE\" or \"zh-Hant-TW\"";

bool AllLetters(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return absl::ascii_isalpha(static_cast<unsigned char>(c)); });
}

bool AllDigits(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return absl::ascii_isdigit(static_cast<unsigned char>(c)); });
}

bool IsScript(const std::string& part) { return part.size() == 4 && AllLetters(part); }

bool IsRegion(const std::string& part) {
  return (part.size() == 2 && AllLetters(part)) || (part.size() == 3 && AllDigits(part));
}

}  // namespace

const std::vector<std::string_view>& KnownLanguages() {
  static const auto* const kKnown = new std::vector<std::string_view>{
      "af", "ak", "am", "ar", "az", "bg", "bn", "bs", "ca", "cs", "da", "de", "el", "en", "es", "et", "fa", "fi", "fil", "fr",
      "gu", "he", "hi", "hr", "hu", "id", "it", "ja", "kk", "kn", "ko", "kok", "lt", "lv", "ml", "mr", "ms", "nb", "nl", "no",
      "pa", "pl", "pt", "ro", "ru", "sd", "sk", "sl", "sr", "sv", "sw", "ta", "te", "th", "tr", "uk", "ur", "uz", "vi", "zh"};
  return *kKnown;
}

absl::StatusOr<std::string> NormalLocale(std::string_view tag) {
  std::vector<std::string> parts = absl::StrSplit(ToAbsl(tag), '-');
  const size_t script = parts.size() > 1 && IsScript(parts[1]) ? 1 : 0;
  const size_t region = parts.size() > script + 1 && IsRegion(parts[script + 1]) ? script + 1 : 0;
  const bool shaped = parts[0].size() >= 2 && parts[0].size() <= 3 && AllLetters(parts[0]);
  if (!shaped || parts.size() != 1 + std::max(script, region)) return absl::InvalidArgumentError(kShape);
  absl::AsciiStrToLower(&parts[0]);
  if (script > 0) {
    absl::AsciiStrToLower(&parts[script]);
    parts[script][0] = absl::ascii_toupper(static_cast<unsigned char>(parts[script][0]));
  }
  if (region > 0) absl::AsciiStrToUpper(&parts[region]);
  const auto& known = KnownLanguages();
  if (std::find(known.begin(), known.end(), parts[0]) == known.end()) {
    return absl::InvalidArgumentError(absl::StrCat("the browser does not know the language \"", parts[0], "\""));
  }
  return absl::StrJoin(parts, "-");
}

bool IsTimeZone(std::string_view name) {
  const bool plain = !name.empty() && absl::ascii_isalpha(static_cast<unsigned char>(name.front())) &&
                     std::all_of(name.begin(), name.end(), [](char c) {
                       return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '/' || c == '_' || c == '-' || c == '+';
                     });
  if (!plain || absl::StartsWith(ToAbsl(name), "posix/") || absl::StartsWith(ToAbsl(name), "right/")) return false;
  for (const std::string_view other : {"localtime", "posixrules", "Factory"}) {
    if (name == other) return false;
  }
  absl::TimeZone zone;
  return absl::LoadTimeZone(ToAbsl(name), &zone);
}

}  // namespace proctor::env::web
