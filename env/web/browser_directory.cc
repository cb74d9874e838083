#include "env/web/browser_directory.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "common/log.h"
#include "env/web/browser_process.h"

namespace proctor::env::web {
namespace {

namespace fs = std::filesystem;

constexpr char kPrefix[] = "proctor-browser-";

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// Start time of a process in clock ticks since boot: with its pid it names it for good. Empty: no such process.
std::string StartTime(pid_t pid) {
  const std::string stat = ReadFile(absl::StrCat("/proc/", pid, "/stat"));
  const size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos) return "";
  const std::vector<std::string> fields = absl::StrSplit(stat.substr(name_end + 1), ' ', absl::SkipEmpty());
  // Field 22 of the whole line; the first after the name is field 3. A zombie is as good as gone.
  if (fields.size() < 20 || fields[0] == "Z") return "";
  return fields[19];
}

std::string OwnerLine(pid_t pid) { return absl::StrCat(pid, " ", StartTime(pid), "\n"); }

bool OwnerLives(const std::string& directory) {
  const std::string line = ReadFile(directory + "/owner");
  struct stat info = {};
  // Just being made by another server: its owner is not written yet.
  if (line.empty() && stat(directory.c_str(), &info) == 0 && time(nullptr) - info.st_mtime < 60) return true;
  int pid = 0;
  const std::vector<std::string> parts = absl::StrSplit(line, ' ');
  if (parts.size() != 2 || !absl::SimpleAtoi(parts[0], &pid) || pid <= 0) return false;
  return !StartTime(pid).empty() && OwnerLine(pid) == line;
}

// A directory that we (this user) made, not a link that somebody planted.
bool IsOurs(const std::string& directory) {
  struct stat info = {};
  return lstat(directory.c_str(), &info) == 0 && S_ISDIR(info.st_mode) && info.st_uid == geteuid();
}

// Kills every process that was started with this directory as its profile.
void KillUsersOf(const std::string& directory) {
  const std::string flag = absl::StrCat("--user-data-dir=", directory, "/");
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator("/proc", error)) {
    int pid = 0;
    if (!absl::SimpleAtoi(entry.path().filename().string(), &pid) || pid == getpid()) continue;
    if (absl::StrContains(ReadFile(entry.path().string() + "/cmdline"), flag)) kill(pid, SIGKILL);
  }
}

}  // namespace

std::string BrowserDirectoryRoot(const std::string& root) {
  if (!root.empty()) return root;
  const char* temporary = getenv("TMPDIR");
  return temporary != nullptr && temporary[0] == '/' ? temporary : "/tmp";
}

absl::StatusOr<std::string> MakeBrowserDirectory(const std::string& root) {
  std::string path = absl::StrCat(BrowserDirectoryRoot(root), "/", kPrefix, "XXXXXX");
  if (mkdtemp(path.data()) == nullptr) {
    return absl::InternalError(absl::StrCat("cannot make ", path, ": ", strerror(errno)));
  }
  std::ofstream(path + "/owner") << OwnerLine(getpid());
  // The browser's user may pass through, not look around.
  if (chmod(path.c_str(), 0711) != 0) return absl::InternalError(strerror(errno));
  return path;
}

void RemoveBrowserDirectory(const std::string& directory) {
  // A dying child of the browser may still write: a few tries.
  std::error_code error;
  for (int attempt = 0; attempt < 5; ++attempt) {
    fs::remove_all(directory, error);
    if (!error && !fs::exists(directory, error)) return;
    KillUsersOf(directory);
    absl::SleepFor(absl::Milliseconds(20 << attempt));
  }
  LogWarning("cannot remove a browser's directory", {{"path", directory}, {"error", error.message()}});
}

int SweepLeftoverBrowsers(const std::string& profile_root) {
  std::vector<std::string> leftovers;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(BrowserDirectoryRoot(profile_root), error)) {
    const std::string path = entry.path().string();
    if (absl::StartsWith(entry.path().filename().string(), kPrefix) && IsOurs(path) && !OwnerLives(path)) {
      leftovers.push_back(path);
    }
  }
  for (const std::string& path : leftovers) {
    KillUsersOf(path);
    RemoveBrowserDirectory(path);
  }
  if (!leftovers.empty()) LogInfo("removed what earlier browsers left", {{"directories", absl::StrCat(leftovers.size())}});
  return static_cast<int>(leftovers.size());
}

}  // namespace proctor::env::web
