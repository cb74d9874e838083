// Bytes by digest.
#ifndef PROCTOR_STORAGE_BLOB_STORE_H_
#define PROCTOR_STORAGE_BLOB_STORE_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/call_context.h"

namespace proctor::storage {

// Byte strings named by the sha256 (hex) of the bytes as first put. A blob is durable before Put returns, so that a row may name it.
// Thread-safe.
class BlobStore {
 public:
  virtual ~BlobStore() = default;

  // Stores the bytes (once) and returns their digest. RESOURCE_EXHAUSTED: disk full.
  virtual absl::StatusOr<std::string> Put(const CallContext& context, std::string_view bytes) = 0;

  // The bytes that were put, or those that replaced them. NOT_FOUND; DATA_LOSS if they fit neither the digest nor, after
  // a replacement, the digest recorded with it, or the disk cannot read them any longer.
  virtual absl::StatusOr<std::string> Get(const CallContext& context, std::string_view digest) const = 0;
  // Of what Get returns. NOT_FOUND.
  virtual absl::StatusOr<int64_t> Size(std::string_view digest) const = 0;
  virtual bool Contains(std::string_view digest) const = 0;
  // When what Get returns was stored, by the clock of the machine. NOT_FOUND.
  virtual absl::StatusOr<absl::Time> StoreTime(std::string_view digest) const = 0;

  // Gives the blob another encoding of the same content (the caller has made sure of that), e.g. a smaller PNG of the same
  // pixels. Name and callers' references stay; readers get the old or the new bytes whole at every moment, also across
  // a crash. May be repeated; putting the original bytes again changes nothing. NOT_FOUND; RESOURCE_EXHAUSTED.
  virtual absl::Status Replace(const CallContext& context, std::string_view digest,
                               std::string_view new_bytes) = 0;

  // Stores bytes under a digest that cannot be checked against them: a smaller encoding whose original is elsewhere (an
  // import). Does nothing if the blob is there. Nothing trusts the name: a later Put of bytes with this very digest stores
  // those, and Get returns them from then on.
  virtual absl::Status Adopt(const CallContext& context, std::string_view digest,
                             std::string_view bytes) = 0;

  // OK if it is not there.
  virtual absl::Status Delete(std::string_view digest) = 0;

  // Calls `visit` for every blob, in no order, until it returns false. One that is so damaged that it has no size has 0.
  virtual absl::Status ForEach(
      const std::function<bool(std::string_view digest, int64_t size)>& visit) const = 0;
};

}  // namespace proctor::storage

#endif  // PROCTOR_STORAGE_BLOB_STORE_H_
