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
  bool operator==(const FileVersion&) const = default;

  // The default where there is no such file.
  static FileVersion Of(const std::string& path) {
    struct stat status;
    if (stat(path.c_str(), &status) != 0) return {};
    return {static_cast<int64_t>(status.st_ino), status.st_size,
            static_cast<int64_t>(status.st_mtim.tv_sec) * 1'000'000'000 + status.st_mtim.tv_nsec};
  }
};

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_AUTH_FILE_VERSION_H_
