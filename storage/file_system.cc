#include "storage/file_system.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "common/strings.h"

namespace proctor::storage {
namespace {

absl::Status ErrnoStatus(int error, std::string_view what, const std::string& path) {
  absl::StatusCode code = absl::StatusCode::kUnavailable;
  if (error == ENOENT) code = absl::StatusCode::kNotFound;
  if (error == ENOSPC || error == EDQUOT) code = absl::StatusCode::kResourceExhausted;
  return absl::Status(code, absl::StrCat(ToAbsl(what), " ", path, ": ", std::strerror(error)));
}

// Of a read: what the disk does not give back is lost, and so is what a folder lies in the place of.
absl::Status ReadStatus(int error, const std::string& path) {
  absl::Status status = ErrnoStatus(error, "cannot read", path);
  return error == EIO || error == EISDIR ? absl::DataLossError(status.message()) : status;
}

// Closes on every way out.
class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  ~Descriptor() {
    if (value_ >= 0) close(value_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int value() const { return value_; }

 private:
  int value_;
};

absl::Status WriteAll(int descriptor, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t written = write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return ErrnoStatus(errno, "cannot write", path);
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

class Local final : public FileSystem {
 public:
  absl::Status CreateDirectory(const std::string& path) override {
    if (mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return absl::OkStatus();
    return ErrnoStatus(errno, "cannot create", path);
  }

  absl::Status SyncDirectory(const std::string& path) override {
    const Descriptor directory(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (directory.value() < 0) return ErrnoStatus(errno, "cannot open", path);
    if (fsync(directory.value()) != 0) return ErrnoStatus(errno, "cannot sync", path);
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<std::string>> List(const std::string& path) const override {
    DIR* directory = opendir(path.c_str());
    if (directory == nullptr) return ErrnoStatus(errno, "cannot list", path);
    std::vector<std::string> names;
    while (const dirent* entry = readdir(directory)) {
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
    }
    closedir(directory);
    return names;
  }

  absl::Status WriteNew(const std::string& path, std::string_view bytes, SyncMode sync) override {
    const Descriptor file(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (file.value() < 0) return ErrnoStatus(errno, "cannot create", path);
    PROCTOR_RETURN_IF_ERROR(WriteAll(file.value(), bytes, path));
    if (sync == SyncMode::kSync && fdatasync(file.value()) != 0) {
      return ErrnoStatus(errno, "cannot sync", path);
    }
    return absl::OkStatus();
  }

  absl::Status Rename(const std::string& from, const std::string& to) override {
    if (rename(from.c_str(), to.c_str()) == 0) return absl::OkStatus();
    return ErrnoStatus(errno, "cannot rename to", to);
  }

  absl::StatusOr<std::string> Read(const std::string& path) const override {
    const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (file.value() < 0) return ErrnoStatus(errno, "cannot open", path);
    struct stat info;
    if (fstat(file.value(), &info) != 0) return ErrnoStatus(errno, "cannot read", path);
    if (S_ISDIR(info.st_mode)) return ReadStatus(EISDIR, path);
    std::string bytes(static_cast<size_t>(info.st_size), '\0');
    size_t size = 0;
    while (size < bytes.size()) {
      const ssize_t got = read(file.value(), bytes.data() + size, bytes.size() - size);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return ReadStatus(errno, path);
      if (got == 0) break;
      size += static_cast<size_t>(got);
    }
    bytes.resize(size);
    return bytes;
  }

  absl::StatusOr<int64_t> Size(const std::string& path) const override {
    struct stat info;
    if (stat(path.c_str(), &info) != 0) return ErrnoStatus(errno, "cannot read", path);
    return static_cast<int64_t>(info.st_size);
  }

  absl::StatusOr<absl::Time> ModifyTime(const std::string& path) const override {
    struct stat info;
    if (stat(path.c_str(), &info) != 0) return ErrnoStatus(errno, "cannot read", path);
    return absl::TimeFromTimespec(info.st_mtim);
  }

  absl::Status Remove(const std::string& path) override {
    if (unlink(path.c_str()) == 0 || errno == ENOENT) return absl::OkStatus();
    return ErrnoStatus(errno, "cannot remove", path);
  }
};

}  // namespace

FileSystem& LocalFileSystem() {
  static Local local;
  return local;
}

}  // namespace proctor::storage
