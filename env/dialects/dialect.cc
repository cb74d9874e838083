#include "env/dialects/dialect.h"

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/strings.h"
#include "env/dialects/parsers.h"

namespace proctor::env::dialects {

double ViewportHeight(const v1::Observation& last) {
  constexpr double kDefaultHeight = 720;
  return last.viewport().height() > 0 ? last.viewport().height() : kDefaultHeight;
}

double ViewportWidth(const v1::Observation& last) {
  constexpr double kDefaultWidth = 1280;
  return last.viewport().width() > 0 ? last.viewport().width() : kDefaultWidth;
}

std::optional<int32_t> ParseMark(std::string_view digits) {
  int32_t mark = 0;
  if (!absl::SimpleAtoi(ToAbsl(digits), &mark) || mark < 1) return std::nullopt;
  return mark;
}

std::string_view Trim(std::string_view text) {
  return ToStd(absl::StripAsciiWhitespace(ToAbsl(text)));
}

std::string Excerpt(std::string_view text) {
  constexpr size_t kMaxBytes = 80;
  std::string excerpt(TruncateUtf8(Trim(text), kMaxBytes));
  for (char& c : excerpt) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  }
  if (excerpt.size() < Trim(text).size()) excerpt += "...";
  return excerpt;
}

ParsedAgentText ParseAgentText(const v1::AgentText& text, const v1::Observation& last) {
  ParsedAgentText parsed;
  if (text.text().size() > kMaxAgentTextBytes) {
    parsed.error = absl::StrCat("The text is longer than ", kMaxAgentTextBytes,
                                " bytes. Write one short action.");
    return parsed;
  }
  switch (text.dialect()) {
    case v1::DIALECT_WEBVOYAGER:
      parsed = ParseWebVoyager(text.text(), last);
      break;
    case v1::DIALECT_WEBARENA:
      parsed = ParseWebArena(text.text(), last);
      break;
    case v1::DIALECT_BROWSERGYM:
      parsed = ParseBrowserGym(text.text());
      break;
    case v1::DIALECT_OPENAI_COMPUTER:
      parsed = ParseOpenAiComputer(text.text());
      break;
    case v1::DIALECT_ANTHROPIC_COMPUTER:
      parsed = ParseAnthropicComputer(text.text(), last);
      break;
    case v1::DIALECT_PYAUTOGUI:
      parsed = ParsePyAutoGui(text.text(), last);
      break;
    case v1::DIALECT_INFANT_AGENT:
      parsed = ParseInfantAgent(text.text(), last);
      break;
    case v1::DIALECT_ANDROID_IN_THE_WILD:
      parsed = ParseAndroidInTheWild(text.text());
      break;
    case v1::DIALECT_ANDROID_WORLD:
      parsed = ParseAndroidWorld(text.text(), last);
      break;
    case v1::DIALECT_AER_ANDROID:
      parsed = ParseAerAndroid(text.text());
      break;
    default:
      parsed.error = "No known dialect was named with the text.";
  }
  if (!parsed.error.empty()) parsed.action.Clear();
  return parsed;
}

}  // namespace proctor::env::dialects
