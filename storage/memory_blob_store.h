// The simplest blob store that keeps the contract: the reference for tests.
#ifndef PROCTOR_STORAGE_MEMORY_BLOB_STORE_H_
#define PROCTOR_STORAGE_MEMORY_BLOB_STORE_H_

#include <memory>

#include "storage/blob_store.h"

namespace proctor::storage {

// Nothing outlives the object. Thread-safe.
std::unique_ptr<BlobStore> NewMemoryBlobStore();

}  // namespace proctor::storage

#endif  // PROCTOR_STORAGE_MEMORY_BLOB_STORE_H_
