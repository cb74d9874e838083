// Pages of lists whose rows may be large.
#ifndef PROCTOR_STORAGE_PAGE_H_
#define PROCTOR_STORAGE_PAGE_H_

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/database.h"

namespace proctor::storage {

// A page ends before the row with which its rows would have more; the first row is always in it.
inline constexpr size_t kMaxPageBytes = 2 << 20;

// Calls `visit` with the rows of one page of a query, in its order: `max_rows` at most, and no more than kMaxPageBytes. Returns whether
// more follow, so the query must not be limited to fewer than `max_rows` + 1. No more than one row is read beyond the page.
absl::StatusOr<bool> ForEachOfPage(Transaction& transaction, std::string_view sql, const std::vector<Value>& parameters,
                                   int64_t max_rows, const std::function<absl::Status(const Row& row)>& visit);

}  // namespace proctor::storage

#endif  // PROCTOR_STORAGE_PAGE_H_
