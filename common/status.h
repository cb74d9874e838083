// Early returns and annotations for absl::Status.
#ifndef PROCTOR_COMMON_STATUS_H_
#define PROCTOR_COMMON_STATUS_H_

#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace proctor {

// `status` with "<context>: " before its message; code and payloads stay.
absl::Status Annotate(const absl::Status& status, std::string_view context);

}  // namespace proctor

// Returns from the function if `expression` is not OK.
#define PROCTOR_RETURN_IF_ERROR(expression)                    \
  do {                                                         \
    absl::Status proctor_status_ = (expression);               \
    if (!proctor_status_.ok()) return proctor_status_;         \
  } while (false)

// Assigns the value of a StatusOr or returns its status: PROCTOR_ASSIGN_OR_RETURN(auto x, F());
#define PROCTOR_ASSIGN_OR_RETURN(target, expression) \
  PROCTOR_ASSIGN_OR_RETURN_(PROCTOR_CONCAT_(proctor_or_, __LINE__), target, expression)
#define PROCTOR_CONCAT_INNER_(a, b) a##b
#define PROCTOR_CONCAT_(a, b) PROCTOR_CONCAT_INNER_(a, b)
#define PROCTOR_ASSIGN_OR_RETURN_(temporary, target, expression) \
  auto temporary = (expression);                                 \
  if (!temporary.ok()) return std::move(temporary).status();     \
  target = std::move(temporary).value()

#endif  // PROCTOR_COMMON_STATUS_H_
