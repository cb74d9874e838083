// The parsers of the dialects and what they share. Inside this folder only.
#ifndef PROCTOR_ENV_DIALECTS_PARSERS_H_
#define PROCTOR_ENV_DIALECTS_PARSERS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "env/dialects/dialect.h"

namespace proctor::env::dialects {

ParsedAgentText ParseWebVoyager(std::string_view text, const v1::Observation& last);
ParsedAgentText ParseWebArena(std::string_view text, const v1::Observation& last);
ParsedAgentText ParseBrowserGym(std::string_view text);
ParsedAgentText ParseOpenAiComputer(std::string_view text);
ParsedAgentText ParseAnthropicComputer(std::string_view text, const v1::Observation& last);
ParsedAgentText ParsePyAutoGui(std::string_view text, const v1::Observation& last);
ParsedAgentText ParseInfantAgent(std::string_view text, const v1::Observation& last);
ParsedAgentText ParseAndroidInTheWild(std::string_view text);
ParsedAgentText ParseAndroidWorld(std::string_view text, const v1::Observation& last);
ParsedAgentText ParseAerAndroid(std::string_view text);

// Size of the viewport that the agent saw, in pixels.
double ViewportHeight(const v1::Observation& last);
double ViewportWidth(const v1::Observation& last);

// A mark from decimal digits: 1 to 2^31 - 1, or nothing.
std::optional<int32_t> ParseMark(std::string_view digits);

std::string_view Trim(std::string_view text);

// A short, one-line, printable excerpt for error texts.
std::string Excerpt(std::string_view text);

}  // namespace proctor::env::dialects

#endif  // PROCTOR_ENV_DIALECTS_PARSERS_H_
