#include "storage/directory_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace proctor::storage {
namespace {

namespace fs = std::filesystem;

std::string HolderPid(int descriptor) {
  std::array<char, 32> buffer;
  const ssize_t size = pread(descriptor, buffer.data(), buffer.size(), 0);
  const absl::string_view text(buffer.data(), size > 0 ? static_cast<size_t>(size) : 0);
  const absl::string_view pid = absl::StripAsciiWhitespace(text);
  return pid.empty() ? "unknown" : std::string(pid);
}

absl::Status CreateDirectory(const std::string& directory) {
  std::error_code error;
  const bool created = fs::create_directories(directory, error);
  if (!error && created) {
    fs::permissions(directory, fs::perms::owner_all, fs::perm_options::replace, error);
  }
  if (!error) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("cannot create the data directory ", directory, ": ", error.message()));
}

}  // namespace

absl::StatusOr<std::unique_ptr<DirectoryLock>> DirectoryLock::Acquire(
    const std::string& directory) {
  const absl::Status created = CreateDirectory(directory);
  if (!created.ok()) return created;
  const std::string path = absl::StrCat(directory, "/lock");
  const int descriptor = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (descriptor < 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("cannot open ", path, ": ", std::strerror(errno)));
  }
  std::unique_ptr<DirectoryLock> lock(new DirectoryLock(descriptor));
  if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) {
      return absl::FailedPreconditionError(absl::StrCat("cannot lock ", path, ": ", std::strerror(errno),
                                                        ": the data directory needs a file system with locks (flock)"));
    }
    return absl::FailedPreconditionError(
        absl::StrCat("the data directory ", directory, " is in use by process ",
                     HolderPid(descriptor), ": stop it or choose another directory"));
  }
  const std::string pid = absl::StrCat(getpid(), "\n");
  if (ftruncate(descriptor, 0) != 0 ||
      pwrite(descriptor, pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
    return absl::ResourceExhaustedError(
        absl::StrCat("cannot write ", path, ": ", std::strerror(errno)));
  }
  return lock;
}

// Closing the last descriptor of the open file frees the lock.
DirectoryLock::~DirectoryLock() { close(descriptor_); }

}  // namespace proctor::storage
