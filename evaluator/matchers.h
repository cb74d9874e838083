// TextMatch and JsonMatch of oracle.proto. Pure functions.
#ifndef PROCTOR_EVALUATOR_MATCHERS_H_
#define PROCTOR_EVALUATOR_MATCHERS_H_

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proctor/v1/oracle.pb.h"

namespace proctor::evaluator {

// INVALID_ARGUMENT: nothing to compare with, an item that is empty after trimming, a regex that
// does not compile, ...
absl::Status ValidateTextMatch(const v1::TextMatch& match);
absl::Status ValidateJsonMatch(const v1::JsonMatch& match);

// Whether a text passes. A number or a date must be the only one in the text. `match` is valid. The
// empty text passes nothing but a regex that allows it.
bool MatchesText(const v1::TextMatch& match, std::string_view actual);

// How well a JSON value, given as text, fits, in [0, 1]: the number itself for `score`, else 1 or 0. No value (nullopt) passes
// `absent` only. INVALID_ARGUMENT: `json` is malformed.
absl::StatusOr<double> ScoreJson(const v1::JsonMatch& match, const std::optional<std::string>& json);

// The value at an RFC 6901 pointer as JSON text; nullopt if there is none. INVALID_ARGUMENT:
// malformed JSON or pointer.
absl::StatusOr<std::optional<std::string>> JsonAtPointer(std::string_view json,
                                                         std::string_view pointer);
absl::Status ValidateJsonPointer(std::string_view pointer);

// What is expected, for people: `number 12.5`.
std::string Describe(const v1::TextMatch& match);
std::string Describe(const v1::JsonMatch& match);

}  // namespace proctor::evaluator

#endif  // PROCTOR_EVALUATOR_MATCHERS_H_
