// Files of the home directory, read and written without ever leaving it: no `..`, and no link is followed, whoever made it.
#ifndef PROCTOR_ENV_DESKTOP_GUEST_HOME_FILES_H_
#define PROCTOR_ENV_DESKTOP_GUEST_HOME_FILES_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace proctor::env::desktop::guest {

// Makes or replaces a file, with its directories. `path` is relative to `home`. INVALID_ARGUMENT: a path that leaves it, or leads through
// a link.
absl::Status WriteHomeFile(const std::string& home, const std::string& path, const std::string& content, bool executable);

struct HomeFile {
  bool exists = false;
  int64_t size = 0;
  // Of a file of at most `max_bytes`.
  std::string content;
};

// A file that is not there is no error. INVALID_ARGUMENT as above; FAILED_PRECONDITION: there is something, but no plain file, or it
// cannot be read.
absl::StatusOr<HomeFile> ReadHomeFile(const std::string& home, const std::string& path, int64_t max_bytes);

}  // namespace proctor::env::desktop::guest

#endif  // PROCTOR_ENV_DESKTOP_GUEST_HOME_FILES_H_
