// Looks at the files of a blob store (file_blob_store.h) as they lie there.
#ifndef PROCTOR_STORAGE_BLOB_CHECK_H_
#define PROCTOR_STORAGE_BLOB_CHECK_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "common/call_context.h"

namespace proctor::storage {

struct BlobFile {
  enum class State {
    // Its bytes fit.
    kSound,
    // Its bytes do not fit their digest.
    kDamaged,
    // The disk cannot read it any longer.
    kUnreadable,
    // No file of a blob store, or in the wrong folder.
    kForeign,
  };
  std::string path;
  // Of the blob that it belongs to; empty if it is foreign.
  std::string digest;
  int64_t bytes = 0;
  State state = State::kSound;
};

// Calls `visit` for every file below `directory` (`<data directory>/blobs`) but those being written, in no order. Writes nothing. Reads every
// byte. Errors: UNAVAILABLE a file or folder cannot be opened; CANCELLED, DEADLINE_EXCEEDED.
absl::Status CheckBlobFiles(const CallContext& context, const std::string& directory,
                            const std::function<void(const BlobFile&)>& visit);

}  // namespace proctor::storage

#endif  // PROCTOR_STORAGE_BLOB_CHECK_H_
