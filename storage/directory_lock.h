// One server per data directory.
#ifndef PROCTOR_STORAGE_DIRECTORY_LOCK_H_
#define PROCTOR_STORAGE_DIRECTORY_LOCK_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace proctor::storage {

// Holds the exclusive lock on a directory while it lives; the kernel frees it when the process dies, however it dies.
// The lock is the file `lock` in the directory; it holds the pid of its last holder and stays behind.
class DirectoryLock {
 public:
  // Creates the directory (mode 0700; its parents too) if it is missing.
  // FAILED_PRECONDITION: another process (named by its pid) holds the lock, the path cannot be used, or its file system cannot lock.
  static absl::StatusOr<std::unique_ptr<DirectoryLock>> Acquire(const std::string& directory);
  ~DirectoryLock();
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;

 private:
  explicit DirectoryLock(int descriptor) : descriptor_(descriptor) {}

  int descriptor_;
};

}  // namespace proctor::storage

#endif  // PROCTOR_STORAGE_DIRECTORY_LOCK_H_
