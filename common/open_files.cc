#include "common/open_files.h"

#include <dirent.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace proctor {
namespace {

// The kernel's limit is the process' too.
std::atomic<int64_t> limit_of_children = 0;

}  // namespace

OpenFiles ReadOpenFiles() {
  OpenFiles files;
  rlimit limit = {};
  getrlimit(RLIMIT_NOFILE, &limit);
  files.limit = static_cast<int64_t>(limit.rlim_cur);
  DIR* const directory = opendir("/proc/self/fd");
  if (directory == nullptr) {
    if (errno == EMFILE || errno == ENFILE) files.open = files.limit;
    return files;
  }
  // Without ".", ".." and the directory itself.
  files.open = -3;
  while (readdir(directory) != nullptr) ++files.open;
  closedir(directory);
  return files;
}

absl::StatusOr<RaisedOpenFiles> RaiseOpenFileLimit(int64_t most) {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return absl::InternalError(absl::StrCat("getrlimit: ", std::strerror(errno)));
  const rlim_t before = limit.rlim_cur;
  const rlim_t now = std::max(before, std::min(limit.rlim_max, static_cast<rlim_t>(most)));
  if (now != before) {
    limit.rlim_cur = now;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return absl::InternalError(absl::StrCat("setrlimit: ", std::strerror(errno)));
    limit_of_children = static_cast<int64_t>(before);
  }
  return RaisedOpenFiles{static_cast<int64_t>(before), static_cast<int64_t>(now)};
}

int64_t OpenFileLimitOfChildren() { return limit_of_children; }

}  // namespace proctor
