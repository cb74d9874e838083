// Tables as text (RFC 4180).
#ifndef PROCTOR_EVALUATOR_CSV_H_
#define PROCTOR_EVALUATOR_CSV_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace proctor::evaluator {

// The file as JSON text: [["cell", ...], ...].
//
// Rows end with CRLF or LF, the last one maybe with neither; rows may differ in length, and an empty line is a row of one empty
// cell. A cell in double quotes may hold separators, line ends and doubled quotes; other cells are taken as they stand, blanks
// included. The separator is the one of comma, semicolon and tab that the first row has most of outside of quotes; the comma where
// none has more than it. A byte order mark is skipped.
// INVALID_ARGUMENT, with the row's number from 1: a quote that is not closed, text after a closing quote, a quote inside a cell
// that does not begin with one. `text` is UTF-8. Linear.
absl::StatusOr<std::string> CsvToJson(std::string_view text);

}  // namespace proctor::evaluator

#endif  // PROCTOR_EVALUATOR_CSV_H_
