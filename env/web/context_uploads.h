// The files that are given to the pages of one browser context.
#ifndef PROCTOR_ENV_WEB_CONTEXT_UPLOADS_H_
#define PROCTOR_ENV_WEB_CONTEXT_UPLOADS_H_

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "common/mutex.h"

namespace proctor::env::web {

// Thread-safe.
class ContextUploads {
 public:
  // Files are kept in `directory`, which the browser can read.
  explicit ContextUploads(std::string directory) : directory_(std::move(directory)) {}
  // Deletes the directory.
  ~ContextUploads();

  // Writes a file, the same name and bytes once. Returns its path. INVALID_ARGUMENT: all together would be larger than 256 MiB, each
  // counted as 256 KiB at least.
  absl::StatusOr<std::string> Store(const std::string& file_name, const std::string& bytes);

 private:
  const std::string directory_;
  Mutex mutex_;
  // Paths by name and digest.
  std::map<std::string, std::string> paths_ ABSL_GUARDED_BY(mutex_);
  size_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t count_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace proctor::env::web

#endif  // PROCTOR_ENV_WEB_CONTEXT_UPLOADS_H_
