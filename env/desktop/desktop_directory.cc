#include "env/desktop/desktop_directory.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "common/log.h"
#include "env/desktop/guest/paths.h"

namespace proctor::env::desktop {
namespace {

namespace fs = std::filesystem;

constexpr char kPrefix[] = "proctor-desktop-";

std::string Root(const std::string& root) {
  if (!root.empty()) return root;
  const char* temporary = getenv("TMPDIR");
  return temporary != nullptr && temporary[0] == '/' ? temporary : "/tmp";
}

// Start time of a process in clock ticks since boot: with its pid it names it for good. Empty: no such process.
std::string StartTime(int pid) {
  std::ifstream file(absl::StrCat("/proc/", pid, "/stat"));
  std::stringstream text;
  text << file.rdbuf();
  const std::string stat = text.str();
  const size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos) return "";
  const std::vector<std::string> fields = absl::StrSplit(stat.substr(name_end + 1), ' ', absl::SkipEmpty());
  // Field 22 of the line; the first one here is field 3.
  return fields.size() < 20 || fields[0] == "Z" ? "" : fields[19];
}

// Whether it is named as ours are, "proctor-desktop-12-345-abcdef", for process 12, started at 345, and that process is gone.
bool IsLeftover(const std::string& name) {
  if (!absl::StartsWith(name, kPrefix)) return false;
  const std::vector<std::string> parts = absl::StrSplit(name.substr(std::strlen(kPrefix)), '-');
  int pid = 0;
  uint64_t start = 0;
  // Whatever else is named alike is somebody else's.
  if (parts.size() != 3 || !absl::SimpleAtoi(parts[0], &pid) || !absl::SimpleAtoi(parts[1], &start) || parts[2].size() != 6) return false;
  return pid > 0 && StartTime(pid) != parts[1];
}

// A directory that we (this user) made, not a link that somebody planted.
bool IsOurs(const std::string& path) {
  struct stat info = {};
  return lstat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode) && info.st_uid == geteuid();
}

}  // namespace

absl::StatusOr<std::string> MakeDesktopDirectory(const std::string& root) {
  std::error_code error;
  fs::create_directories(Root(root), error);
  std::string path = absl::StrCat(Root(root), "/", kPrefix, getpid(), "-", StartTime(getpid()), "-XXXXXX");
  if (mkdtemp(path.data()) == nullptr) {
    return absl::InternalError(absl::StrCat("cannot make ", path, ": ", strerror(errno)));
  }
  // The desktop's user may pass through, not look around.
  if (chmod(path.c_str(), 0711) != 0) return absl::InternalError(strerror(errno));
  return path;
}

void RemoveDesktopDirectory(const std::string& directory) {
  std::error_code error;
  // What is being killed may still write: a few tries.
  for (int attempt = 0; attempt < 5; ++attempt) {
    fs::remove_all(directory, error);
    if (!error && !fs::exists(directory, error)) return;
    absl::SleepFor(absl::Milliseconds(20 << attempt));
  }
  LogWarning("cannot remove a desktop's directory", {{"path", directory}, {"error", error.message()}});
}

int SweepDesktopDirectories(const std::string& root) {
  std::vector<std::string> leftovers;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(Root(root), error)) {
    const std::string name = entry.path().filename().string();
    if (IsLeftover(name) && IsOurs(entry.path().string())) {
      leftovers.push_back(entry.path().string());
    }
  }
  for (const std::string& path : leftovers) RemoveDesktopDirectory(path);
  return static_cast<int>(leftovers.size());
}

bool IsProgram(const std::string& name) {
  const auto runs = [](const std::string& path) {
    struct stat info = {};
    return stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) && access(path.c_str(), X_OK) == 0;
  };
  if (name.find('/') != std::string::npos) return runs(name);
  for (const absl::string_view folder : absl::StrSplit(kProgramPath, ':')) {
    if (runs(absl::StrCat(folder, "/", name))) return true;
  }
  return false;
}

}  // namespace proctor::env::desktop
