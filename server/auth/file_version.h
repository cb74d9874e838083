// What tells one content of a file from another without reading it.
#ifndef PROCTOR_SERVER_AUTH_FILE_VERSION_H_
#define PROCTOR_SERVER_AUTH_FILE_VERSION_H_

#include <sys/stat.h>

#include <cstdint>
#include <string>

namespace proctor::server {

struct FileVersion {
  int64_t inode = 0;
  int64_t size = -1;
  int64_t modified_ns = 0;
  // Of its mode and owner, too: they decide whether it can be read, and is to be trusted.
  int64_t changed_ns = 0;
  bool operator==(const FileVersion&) const = default;

  // The default where there is no such file.
  static FileVersion Of(const std::string& path) {
    struct stat status;
    if (stat(path.c_str(), &status) != 0) return {};
    const auto nanoseconds = [](const timespec& time) { return static_cast<int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec; };
    return {static_cast<int64_t>(status.st_ino), status.st_size, nanoseconds(status.st_mtim), nanoseconds(status.st_ctim)};
  }
};

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_AUTH_FILE_VERSION_H_
