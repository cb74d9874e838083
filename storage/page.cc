#include "storage/page.h"

#include "common/status.h"

namespace proctor::storage {

absl::StatusOr<bool> ForEachOfPage(Transaction& transaction, std::string_view sql, const std::vector<Value>& parameters,
                                   int64_t max_rows, const std::function<absl::Status(const Row& row)>& visit) {
  bool more = false;
  int64_t rows = 0;
  size_t bytes = 0;
  PROCTOR_RETURN_IF_ERROR(transaction.ForEach(sql, parameters, [&](const Row& row) -> absl::StatusOr<bool> {
    bytes += row.Size();
    more = rows == max_rows || (rows > 0 && bytes > kMaxPageBytes);
    if (more) return false;
    ++rows;
    PROCTOR_RETURN_IF_ERROR(visit(row));
    return true;
  }));
  return more;
}

}  // namespace proctor::storage
