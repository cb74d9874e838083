// Blobs as files by digest.
//
//   <directory>/tmp/<random>        being written; swept at open
//   <directory>/<xx>/<digest>       the bytes as put; xx are the digest's first two digits
//   <directory>/<xx>/<digest>.alt   64 digits (sha256 of the rest), then the bytes that replaced them
//   <directory>/<xx>/<digest>.ext   the same form: adopted bytes, until the digest's own are put
#ifndef PROCTOR_STORAGE_FILE_BLOB_STORE_H_
#define PROCTOR_STORAGE_FILE_BLOB_STORE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "storage/blob_store.h"
#include "storage/database.h"
#include "storage/file_system.h"

namespace proctor::storage {

// What OpenFileBlobStore needs.
struct FileBlobStoreOptions {
  // `<data directory>/blobs`; its parent exists. Only one process may use it: the database's directory lock sees to that.
  std::string directory;
  // kPower: file and directory are synced before Put returns. kProcess: nothing is synced.
  Durability durability = Durability::kPower;
};

// Removes what an interrupted process left in tmp/. `files` outlives the store.
//
// Costs (2 cores under load, local disk; bench/storage_bench.cc): a new blob of 300 KB 5.6 ms with kPower (two syncs), 1.0 ms
// with kProcess; a known one 0.5 ms, of which 0.2 ms sha256. Get reads and checks the whole blob.
absl::StatusOr<std::unique_ptr<BlobStore>> OpenFileBlobStore(const FileBlobStoreOptions& options,
                                                             FileSystem& files = LocalFileSystem());

}  // namespace proctor::storage

#endif  // PROCTOR_STORAGE_FILE_BLOB_STORE_H_
