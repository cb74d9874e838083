#include "trajectory/untrusted_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status.h"

namespace proctor::trajectory {
namespace {

constexpr size_t kChunkBytes = 1 << 20;

class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  ~Descriptor() { close(value_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int value() const { return value_; }

 private:
  int value_;
};

absl::Status OpenError(const std::string& path) {
  if (errno == ENOENT) return absl::NotFoundError(absl::StrCat(path, " is missing"));
  if (errno == ELOOP || errno == ENOTDIR) {
    return absl::InvalidArgumentError(absl::StrCat(path, " is a link or no folder"));
  }
  return absl::UnavailableError(absl::StrCat("cannot open ", path, ": ", std::strerror(errno)));
}

absl::Status CheckName(const std::string& name) {
  if (!name.empty() && name != "." && name != ".." && name.find('/') == std::string::npos &&
      name.find('\0') == std::string::npos) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError("a file name with slashes");
}

absl::StatusOr<size_t> ReadSome(int descriptor, char* buffer, size_t size) {
  while (true) {
    const ssize_t got = read(descriptor, buffer, size);
    if (got >= 0) return static_cast<size_t>(got);
    if (errno != EINTR) {
      return absl::UnavailableError(absl::StrCat("cannot read: ", std::strerror(errno)));
    }
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<UntrustedFolder>> UntrustedFolder::Open(const std::string& path) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (descriptor < 0) return OpenError(path);
  return std::unique_ptr<UntrustedFolder>(new UntrustedFolder(descriptor, path));
}

UntrustedFolder::~UntrustedFolder() { close(descriptor_); }

absl::StatusOr<std::unique_ptr<UntrustedFolder>> UntrustedFolder::OpenFolder(
    const std::string& name) const {
  PROCTOR_RETURN_IF_ERROR(CheckName(name));
  const std::string path = absl::StrCat(path_, "/", name);
  const int descriptor =
      openat(descriptor_, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (descriptor < 0) return OpenError(path);
  return std::unique_ptr<UntrustedFolder>(new UntrustedFolder(descriptor, path));
}

absl::StatusOr<std::vector<FolderEntry>> UntrustedFolder::List(size_t max_entries) const {
  // A descriptor of its own: reading it moves its position.
  const int descriptor = openat(descriptor_, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return OpenError(path_);
  DIR* const stream = fdopendir(descriptor);
  if (stream == nullptr) {
    close(descriptor);
    return absl::UnavailableError(absl::StrCat("cannot list ", path_, ": ", std::strerror(errno)));
  }
  std::vector<FolderEntry> entries;
  while (const dirent* entry = readdir(stream)) {
    const std::string name = entry->d_name;
    struct stat info;
    if (name == "." || name == ".." ||
        fstatat(descriptor_, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0 ||
        (!S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode))) {
      continue;
    }
    entries.push_back({name, S_ISDIR(info.st_mode) ? EntryKind::kFolder : EntryKind::kFile});
    if (entries.size() > max_entries) break;
  }
  closedir(stream);
  if (entries.size() > max_entries) {
    return absl::InvalidArgumentError(
        absl::StrCat(path_, " has more than ", max_entries, " entries"));
  }
  std::sort(entries.begin(), entries.end(),
            [](const FolderEntry& a, const FolderEntry& b) { return a.name < b.name; });
  return entries;
}

absl::StatusOr<int> UntrustedFolder::OpenFile(const std::string& name, int64_t& size) const {
  PROCTOR_RETURN_IF_ERROR(CheckName(name));
  // Not blocking: a named pipe would wait for its writer for ever.
  const int descriptor =
      openat(descriptor_, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (descriptor < 0) return OpenError(absl::StrCat(path_, "/", name));
  struct stat info;
  if (fstat(descriptor, &info) != 0 || !S_ISREG(info.st_mode)) {
    close(descriptor);
    return absl::InvalidArgumentError(absl::StrCat(path_, "/", name, " is no regular file"));
  }
  size = info.st_size;
  return descriptor;
}

absl::StatusOr<std::string> UntrustedFolder::ReadFile(const std::string& name,
                                                      int64_t max_bytes) const {
  int64_t size = 0;
  PROCTOR_ASSIGN_OR_RETURN(const int opened, OpenFile(name, size));
  const Descriptor file(opened);
  if (size > max_bytes) {
    return absl::InvalidArgumentError(
        absl::StrCat(path_, "/", name, " has ", size, " bytes, more than ", max_bytes));
  }
  // Never more than the size seen first, should the file grow meanwhile.
  std::string bytes(static_cast<size_t>(size), '\0');
  size_t filled = 0;
  while (filled < bytes.size()) {
    PROCTOR_ASSIGN_OR_RETURN(
        const size_t got, ReadSome(file.value(), bytes.data() + filled, bytes.size() - filled));
    if (got == 0) break;
    filled += got;
  }
  bytes.resize(filled);
  return bytes;
}

absl::Status UntrustedFolder::ReadLines(
    const std::string& name, int64_t max_line_bytes,
    const std::function<absl::Status(std::string_view line)>& visit) const {
  int64_t size = 0;
  PROCTOR_ASSIGN_OR_RETURN(const int opened, OpenFile(name, size));
  const Descriptor file(opened);
  std::string chunk(kChunkBytes, '\0');
  std::string line;
  while (true) {
    PROCTOR_ASSIGN_OR_RETURN(const size_t got, ReadSome(file.value(), chunk.data(), chunk.size()));
    if (got == 0) break;
    std::string_view rest(chunk.data(), got);
    for (size_t end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
      line += rest.substr(0, end);
      rest.remove_prefix(end + 1);
      PROCTOR_RETURN_IF_ERROR(visit(line));
      line.clear();
    }
    line += rest;
    if (static_cast<int64_t>(line.size()) > max_line_bytes) {
      return absl::InvalidArgumentError(
          absl::StrCat(path_, "/", name, " has a line of more than ", max_line_bytes, " bytes"));
    }
  }
  return line.empty() ? absl::OkStatus() : visit(line);
}

}  // namespace proctor::trajectory
