#include "clients/cli/doctor/own_server.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <sstream>

#include "absl/strings/numbers.h"
#include "common/json.h"

namespace proctor::cli::doctor {
namespace {

bool Lives(pid_t process) { return kill(process, 0) == 0 || errno == EPERM; }

}  // namespace

// Only where the file names one that lives is the lock tried: what does so for a moment could keep a server from starting.
pid_t RunningOn(const std::string& data_dir) {
  const std::string path = data_dir + "/lock";
  std::string line;
  std::ifstream file(path);
  pid_t process = 0;
  if (!std::getline(file, line) || !absl::SimpleAtoi(line, &process) || process <= 0 || !Lives(process)) return 0;
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (descriptor < 0) return 0;
  const bool held = flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  close(descriptor);
  return held ? process : 0;
}

std::string ToldOf(const std::string& data_dir, const std::string& key) {
  std::ifstream file(data_dir + "/addresses.json");
  std::stringstream text;
  text << file.rdbuf();
  const absl::StatusOr<Json> told = ParseJson(text.str());
  return told.ok() ? JsonStringOr(*told, key) : "";
}

}  // namespace proctor::cli::doctor
