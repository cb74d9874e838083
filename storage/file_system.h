// The few file operations that a blob store needs, as a seam for tests that let writes and syncs fail or drop what was
// not synced.
#ifndef PROCTOR_STORAGE_FILE_SYSTEM_H_
#define PROCTOR_STORAGE_FILE_SYSTEM_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace proctor::storage {

enum class SyncMode {
  // The bytes are on the disk when the call returns.
  kSync,
  // The bytes are the kernel's: they survive the process only.
  kNoSync,
};

// Thread-safe. Errors: NOT_FOUND; RESOURCE_EXHAUSTED disk full; UNAVAILABLE other failures, with errno's text.
class FileSystem {
 public:
  virtual ~FileSystem() = default;

  // Creates one directory; OK if it is there.
  virtual absl::Status CreateDirectory(const std::string& path) = 0;
  // Makes the entries of a directory durable.
  virtual absl::Status SyncDirectory(const std::string& path) = 0;
  // Names in a directory, in no order, without "." and "..".
  virtual absl::StatusOr<std::vector<std::string>> List(const std::string& path) const = 0;

  // Creates a file that must not exist. After a failure a part of it may be left behind.
  virtual absl::Status WriteNew(const std::string& path, std::string_view bytes, SyncMode sync) = 0;
  // Atomic; replaces `to`.
  virtual absl::Status Rename(const std::string& from, const std::string& to) = 0;
  // DATA_LOSS: the disk cannot read it any longer, or it is a folder.
  virtual absl::StatusOr<std::string> Read(const std::string& path) const = 0;
  virtual absl::StatusOr<int64_t> Size(const std::string& path) const = 0;
  // When its bytes were written.
  virtual absl::StatusOr<absl::Time> ModifyTime(const std::string& path) const = 0;
  // OK if it is not there.
  virtual absl::Status Remove(const std::string& path) = 0;
};

// The machine's files. New files have mode 0600, directories 0700.
FileSystem& LocalFileSystem();

}  // namespace proctor::storage

#endif  // PROCTOR_STORAGE_FILE_SYSTEM_H_
