// The shape of an SQL text.
#ifndef PROCTOR_EVALUATOR_SQL_SHAPE_H_
#define PROCTOR_EVALUATOR_SQL_SHAPE_H_

#include <string_view>

#include "absl/status/status.h"

namespace proctor::evaluator {

// INVALID_ARGUMENT unless `sql` is one statement that begins with SELECT, or with WITH and goes on with a SELECT; one `;` may end
// it. Quotes ('...', "...", `...`, [...]) and comments (-- and /* */) are skipped; one that is not closed is an error. Whether
// SQLite accepts the statement is not known here. Linear.
absl::Status ValidateOneSelect(std::string_view sql);

}  // namespace proctor::evaluator

#endif  // PROCTOR_EVALUATOR_SQL_SHAPE_H_
