// Bytes by digest.
#ifndef PROCTOR_STORAGE_BLOB_STORE_H_
#define PROCTOR_STORAGE_BLOB_STORE_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/call_context.h"

namespace proctor::storage {

// Immutable byte strings named by their sha256 (hex). A blob is durable before Put returns, so that a row may name it.
// Thread-safe.
class BlobStore {
 public:
  virtual ~BlobStore() = default;

  // Stores the bytes (once) and returns their digest. RESOURCE_EXHAUSTED: disk full.
  virtual absl::StatusOr<std::string> Put(const CallContext& context, std::string_view bytes) = 0;

  // NOT_FOUND; DATA_LOSS if the bytes do not fit the digest any more.
  virtual absl::StatusOr<std::string> Get(const CallContext& context, std::string_view digest) const = 0;
  virtual absl::StatusOr<int64_t> Size(std::string_view digest) const = 0;
  virtual bool Contains(std::string_view digest) const = 0;

  // OK if it is not there.
  virtual absl::Status Delete(std::string_view digest) = 0;

  // Calls `visit` for every blob, in no order, until it returns false.
  virtual absl::Status ForEach(
      const std::function<bool(std::string_view digest, int64_t size)>& visit) const = 0;
};

}  // namespace proctor::storage

#endif  // PROCTOR_STORAGE_BLOB_STORE_H_
