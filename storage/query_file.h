// Reads rows from an SQLite file that is not ours: a database of an application, copied from a device.
#ifndef PROCTOR_STORAGE_QUERY_FILE_H_
#define PROCTOR_STORAGE_QUERY_FILE_H_

#include <string>

#include "absl/status/statusor.h"
#include "common/call_context.h"

namespace proctor::storage {

// Most rows and bytes of JSON that come back.
inline constexpr int kMaxQueryFileRows = 10'000;
inline constexpr size_t kMaxQueryFileBytes = size_t{16} << 20;

// Runs one SELECT (or WITH ... SELECT, VALUES) on the database in `path` and returns its rows as JSON: [{"column": value}, ...]. Numbers,
// texts and nulls are themselves, blobs their Base64, malformed UTF-8 is replaced; of columns of the same name the last counts. Neither
// the file nor the query is trusted: nothing is written (but SQLite may fold a write-ahead log or a journal beside the file into it: give
// it a copy), nothing attached, no pragma, no extension, no other file opened; it ends with `context`.
// Errors: INVALID_ARGUMENT the query is no single SELECT, or SQLite refuses it; NOT_FOUND no such file; DATA_LOSS not a database, or
// broken; RESOURCE_EXHAUSTED more rows or bytes than allowed; DEADLINE_EXCEEDED, CANCELLED.
absl::StatusOr<std::string> QueryFile(const CallContext& context, const std::string& path, const std::string& query);

}  // namespace proctor::storage

#endif  // PROCTOR_STORAGE_QUERY_FILE_H_
