#include "env/desktop/guest/home_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <set>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/status.h"

namespace proctor::env::desktop::guest {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  const int fd_;
};

constexpr int kMaxEntries = 2000;
constexpr size_t kMaxNamesBytes = 256 << 10;
constexpr int kMaxDepth = 50;

absl::StatusOr<std::vector<std::string>> Parts(const std::string& path) {
  if (path.empty() || path[0] == '/' || path.find('\0') != std::string::npos) {
    return absl::InvalidArgumentError(absl::StrCat("\"", path, "\": give a path relative to the home directory"));
  }
  std::vector<std::string> parts;
  for (const absl::string_view part : absl::StrSplit(path, '/')) {
    if (part.empty() || part == ".") continue;
    if (part == "..") return absl::InvalidArgumentError(absl::StrCat("\"", path, "\": may not hold `..`"));
    parts.emplace_back(part);
  }
  if (parts.empty()) return absl::InvalidArgumentError(absl::StrCat("\"", path, "\" names no file"));
  return parts;
}

// Opens below `directory`; the kernel refuses links, also those that come between the look and the opening.
int OpenBeneath(int directory, const std::string& path, uint64_t flags, uint64_t mode = 0) {
  open_how how = {};
  how.flags = flags | O_CLOEXEC;
  how.mode = mode;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  return static_cast<int>(syscall(SYS_openat2, directory, path.c_str(), &how, sizeof how));
}

bool IsLinkError(int error) { return error == ELOOP || error == EXDEV; }

absl::Status Failed(const std::string& path) {
  const int error = errno;
  if (IsLinkError(error)) {
    return absl::InvalidArgumentError(absl::StrCat("\"", path, "\" leads through a link"));
  }
  return absl::FailedPreconditionError(absl::StrCat("\"", path, "\": ", strerror(error)));
}

struct DirectoryCloser {
  void operator()(DIR* directory) const { closedir(directory); }
};

// HomeFile::names and HomeFile::hidden.
class Listing {
 public:
  Listing(int root, bool is_home) : root_(root), is_home_(is_home) {}

  void Take(HomeFile& out) {
    Look("", 0, seen_);
    out.names.assign(seen_.names.begin(), seen_.names.end());
    out.hidden.assign(hidden_.names.begin(), hidden_.names.end());
  }

 private:
  struct Names {
    // Whether there is room for another one.
    bool Count(const std::string& path) {
      bytes += path.size();
      return ++entries <= kMaxEntries && bytes <= kMaxNamesBytes;
    }
    int entries = 0;
    size_t bytes = 0;
    std::set<std::string> names;
  };

  bool IsProgramsOwn(const std::string& path) const { return is_home_ && (path == ".cache" || path == ".config" || path == ".local"); }

  // `at`: empty, or with a slash behind it. `into`: for what does not begin with a dot.
  void Look(const std::string& at, int depth, Names& into) {
    const std::string itself = at.empty() ? "/" : at;
    const int fd = depth > kMaxDepth ? -1 : OpenBeneath(root_, at.empty() ? "." : at, O_RDONLY | O_DIRECTORY);
    const std::unique_ptr<DIR, DirectoryCloser> directory(fd < 0 ? nullptr : fdopendir(fd));
    if (directory == nullptr) into.names.insert(itself);
    while (const dirent* entry = directory != nullptr ? readdir(directory.get()) : nullptr) {
      const std::string path = absl::StrCat(at, entry->d_name);
      if (std::strcmp(entry->d_name, ".") == 0 || std::strcmp(entry->d_name, "..") == 0 || IsProgramsOwn(path)) continue;
      Names& found = entry->d_name[0] == '.' ? hidden_ : into;
      if (!found.Count(path)) {
        // What is hidden must not hide what is not.
        found.names.insert(&found == &into ? itself : "/");
        if (&found == &into) return;
      } else if (entry->d_type == DT_DIR) {
        Look(path + "/", depth + 1, found);
      } else {
        found.names.insert(path);
      }
    }
  }

  const int root_;
  const bool is_home_;
  Names seen_, hidden_;
};

absl::Status WriteAll(int fd, const std::string& content, const std::string& path) {
  size_t at = 0;
  while (at < content.size()) {
    const ssize_t size = write(fd, content.data() + at, content.size() - at);
    if (size < 0 && errno != EINTR) return Failed(path);
    if (size > 0) at += static_cast<size_t>(size);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status WriteHomeFile(const std::string& home, const std::string& path, const std::string& content, bool executable) {
  PROCTOR_ASSIGN_OR_RETURN(const std::vector<std::string> parts, Parts(path));
  const Descriptor root(open(home.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (root.get() < 0) return Failed(home);
  std::string folder;
  for (size_t i = 0; i + 1 < parts.size(); ++i) {
    const Descriptor parent(folder.empty() ? dup(root.get()) : OpenBeneath(root.get(), folder, O_PATH | O_DIRECTORY));
    if (parent.get() < 0) return Failed(path);
    if (mkdirat(parent.get(), parts[i].c_str(), 0755) != 0 && errno != EEXIST) return Failed(path);
    absl::StrAppend(&folder, folder.empty() ? "" : "/", parts[i]);
  }
  const std::string whole = folder.empty() ? parts.back() : absl::StrCat(folder, "/", parts.back());
  const mode_t mode = executable ? 0755 : 0644;
  // Neither a pipe nor a device may hold this up.
  const Descriptor file(OpenBeneath(root.get(), whole, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NONBLOCK, mode));
  if (file.get() < 0) return Failed(path);
  struct stat info = {};
  if (fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode)) {
    return absl::FailedPreconditionError(absl::StrCat("\"", path, "\" is no plain file"));
  }
  fchmod(file.get(), mode);
  return WriteAll(file.get(), content, path);
}

absl::StatusOr<HomeFile> ReadHomeFile(const std::string& home, const std::string& path, int64_t max_bytes) {
  std::string whole = ".";
  if (path != ".") {
    PROCTOR_ASSIGN_OR_RETURN(const std::vector<std::string> parts, Parts(path));
    whole = absl::StrJoin(parts, "/");
  }
  const Descriptor root(open(home.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (root.get() < 0) return Failed(home);
  HomeFile out;
  // First what it is: not everything can be opened for reading.
  const Descriptor place(OpenBeneath(root.get(), whole, O_PATH));
  if (place.get() < 0 && (errno == ENOENT || errno == ENOTDIR)) return out;
  if (place.get() < 0 && IsLinkError(errno)) {
    out.instead = "link";
    return out;
  }
  struct stat info = {};
  if (place.get() < 0 || fstat(place.get(), &info) != 0) return Failed(path);
  if (!S_ISREG(info.st_mode)) {
    out.instead = S_ISDIR(info.st_mode) ? "directory" : "other";
    if (S_ISDIR(info.st_mode)) Listing(place.get(), whole == ".").Take(out);
    return out;
  }
  out.exists = true;
  out.size = info.st_size;
  const Descriptor file(OpenBeneath(root.get(), whole, O_RDONLY | O_NONBLOCK));
  out.readable = file.get() >= 0 || errno != EACCES;
  if (!out.readable || info.st_size > max_bytes) return out;
  if (file.get() < 0) return Failed(path);
  char chunk[65536];
  ssize_t size;
  while ((size = read(file.get(), chunk, sizeof chunk)) != 0) {
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return Failed(path);
    out.content.append(chunk, static_cast<size_t>(size));
    // It grows while it is read.
    if (static_cast<int64_t>(out.content.size()) > max_bytes) {
      out.size = static_cast<int64_t>(out.content.size());
      out.content.clear();
      return out;
    }
  }
  out.size = static_cast<int64_t>(out.content.size());
  return out;
}

}  // namespace proctor::env::desktop::guest
