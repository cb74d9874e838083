// Files of the home directory, read and written without ever leaving it: no `..`, and no link is followed, whoever made it.
#ifndef PROCTOR_ENV_DESKTOP_GUEST_HOME_FILES_H_
#define PROCTOR_ENV_DESKTOP_GUEST_HOME_FILES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace proctor::env::desktop::guest {

// Makes or replaces a file, with its directories. `path` is relative to `home`. INVALID_ARGUMENT: a path that leaves it, or leads through
// a link.
absl::Status WriteHomeFile(const std::string& home, const std::string& path, const std::string& content, bool executable);

struct HomeFile {
  // A plain file is there, and no link leads to it.
  bool exists = false;
  // What is in its place, or on the way to it: "directory", "link", "other" (a pipe, a socket); empty: nothing.
  std::string instead;
  // Of a directory: all below it but directories, relative to it and sorted. What begins with a dot is left out, with all below it. A directory
  // that cannot be looked into, or not to its end (2,000 entries and 256 KiB in all), is one of them too, with a slash behind it.
  std::vector<std::string> names;
  // The same of what begins with a dot or lies below that, with limits of its own ("/": there are more); without the home's .cache, .config
  // and .local, where programs keep their own.
  std::vector<std::string> hidden;
  int64_t size = 0;
  // False: whoever made it did not let it be read.
  bool readable = true;
  // Of a file of at most `max_bytes` that can be read.
  std::string content;
};

// `path` "." is the home directory. A file that is not there is no error, nor is something else in its place: that is a state of the desktop
// as well. INVALID_ARGUMENT: a path that leaves the home directory; FAILED_PRECONDITION: a directory on the way may not be entered, or the
// file changes meanwhile.
absl::StatusOr<HomeFile> ReadHomeFile(const std::string& home, const std::string& path, int64_t max_bytes);

}  // namespace proctor::env::desktop::guest

#endif  // PROCTOR_ENV_DESKTOP_GUEST_HOME_FILES_H_
