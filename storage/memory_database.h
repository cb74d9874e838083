// The simplest database that keeps the contract: the reference for tests.
#ifndef PROCTOR_STORAGE_MEMORY_DATABASE_H_
#define PROCTOR_STORAGE_MEMORY_DATABASE_H_

#include <memory>

#include "absl/status/statusor.h"
#include "storage/database.h"

namespace proctor::storage {

// Nothing outlives the object. One transaction at a time, on the caller's thread: unlike elsewhere, Read waits for
// writers, and neither may be called from within the other.
absl::StatusOr<std::unique_ptr<Database>> NewMemoryDatabase();

}  // namespace proctor::storage

#endif  // PROCTOR_STORAGE_MEMORY_DATABASE_H_
