#include "env/desktop/guest/children.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "common/status.h"
#include "env/desktop/guest/paths.h"

namespace proctor::env::desktop::guest {
namespace {

// Made before fork: afterwards only async-signal-safe calls are allowed.
struct Plan {
  std::string path;
  std::vector<std::string> environment_texts;
  std::vector<char*> arguments;
  std::vector<char*> environment;
};

Plan MakePlan(const Program& program, std::string path) {
  Plan plan;
  plan.path = std::move(path);
  for (const std::string& argument : program.arguments) plan.arguments.push_back(const_cast<char*>(argument.c_str()));
  plan.arguments.push_back(nullptr);
  for (const auto& [name, value] : program.environment) plan.environment_texts.push_back(absl::StrCat(name, "=", value));
  for (std::string& text : plan.environment_texts) plan.environment.push_back(text.data());
  plan.environment.push_back(nullptr);
  return plan;
}

[[noreturn]] void RunChild(const Program& program, const Plan& plan) {
  setsid();
  for (int number = 1; number < NSIG; ++number) signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  const int null_fd = open("/dev/null", O_RDONLY);
  if (null_fd >= 0) dup2(null_fd, 0);
  if (program.output >= 0) dup2(program.output, 1);
  int first_closed = 3;
  if (program.descriptor >= 0) {
    if (program.descriptor == 3) {
      fcntl(3, F_SETFD, 0);
    } else {
      dup2(program.descriptor, 3);
    }
    first_closed = 4;
  }
  syscall(SYS_close_range, first_closed, ~0U, 0);
  if (chdir(program.working_directory.c_str()) != 0) _exit(126);
  execve(plan.path.c_str(), plan.arguments.data(), plan.environment.data());
  _exit(127);
}

std::string ReadSmallFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// True once the child ended; then its state is in `result`.
bool AwaitChild(pid_t pid, absl::Time deadline, int& result) {
  const int fd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  bool ended = false;
  for (;;) {
    const pid_t reaped = waitpid(pid, &result, WNOHANG);
    ended = reaped == pid || (reaped < 0 && errno == ECHILD);
    const int64_t left_ms = absl::ToInt64Milliseconds(deadline - absl::Now());
    if (ended || left_ms <= 0) break;
    pollfd wait = {fd, POLLIN, 0};
    poll(&wait, 1, static_cast<int>(std::min<int64_t>(left_ms, fd < 0 ? 20 : 60'000)));
  }
  if (fd >= 0) close(fd);
  return ended;
}

// Reads until the other end closes, the child ends or the deadline.
std::string ReadOutput(int fd, pid_t pid, absl::Time deadline, size_t max_output) {
  std::string output;
  const int child = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  for (;;) {
    const int64_t left_ms = absl::ToInt64Milliseconds(deadline - absl::Now());
    if (left_ms <= 0) break;
    pollfd waits[2] = {{fd, POLLIN, 0}, {child, POLLIN, 0}};
    poll(waits, 2, static_cast<int>(std::min<int64_t>(left_ms, 60'000)));
    char chunk[8192];
    const ssize_t size = read(fd, chunk, sizeof chunk);
    if (size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR)) break;
    if (size > 0) {
      output.append(chunk, std::min(static_cast<size_t>(size), max_output - std::min(max_output, output.size())));
    } else if ((waits[1].revents & POLLIN) != 0) {
      break;  // It ended, and what it said is read; others may hold the pipe open.
    }
  }
  if (child >= 0) close(child);
  return output;
}

}  // namespace

absl::StatusOr<std::string> FindProgram(const std::string& name) {
  if (name.empty()) return absl::InvalidArgumentError("no program is named");
  std::vector<std::string> candidates;
  if (name.find('/') != std::string::npos) {
    candidates.push_back(name);
  } else {
    for (const absl::string_view folder : absl::StrSplit(kProgramPath, ':')) candidates.push_back(absl::StrCat(folder, "/", name));
  }
  for (const std::string& path : candidates) {
    struct stat info = {};
    if (stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) && access(path.c_str(), X_OK) == 0) return path;
  }
  return absl::NotFoundError(absl::StrCat("there is no program ", name));
}

absl::StatusOr<pid_t> StartProgram(const Program& program) {
  if (program.arguments.empty()) return absl::InvalidArgumentError("no program is named");
  PROCTOR_ASSIGN_OR_RETURN(std::string path, FindProgram(program.arguments[0]));
  const Plan plan = MakePlan(program, std::move(path));
  const pid_t pid = fork();
  if (pid == 0) RunChild(program, plan);
  if (pid < 0) return absl::ResourceExhaustedError(absl::StrCat("fork: ", strerror(errno)));
  return pid;
}

absl::StatusOr<CommandResult> RunCommand(Program program, absl::Time deadline, size_t max_output) {
  int pipes[2];
  if (pipe2(pipes, O_CLOEXEC | O_NONBLOCK) != 0) return absl::ResourceExhaustedError(strerror(errno));
  program.output = pipes[1];
  // Programs write as they are used to; only we must not block.
  fcntl(pipes[1], F_SETFL, 0);
  const absl::StatusOr<pid_t> pid = StartProgram(program);
  close(pipes[1]);
  if (!pid.ok()) {
    close(pipes[0]);
    return pid.status();
  }
  CommandResult result;
  result.output = ReadOutput(pipes[0], *pid, deadline, max_output);
  close(pipes[0]);
  int state = 0;
  if (!AwaitChild(*pid, deadline, state)) {
    kill(-*pid, SIGKILL);
    kill(*pid, SIGKILL);
    AwaitChild(*pid, absl::Now() + absl::Seconds(1), state);
    return absl::DeadlineExceededError(absl::StrCat(program.arguments[0], " did not end in time and was killed"));
  }
  result.exit_code = WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
  return result;
}

std::set<pid_t> ReapChildren() {
  std::set<pid_t> ended;
  pid_t pid;
  while ((pid = waitpid(-1, nullptr, WNOHANG)) > 0) ended.insert(pid);
  return ended;
}

namespace {

struct Parentage {
  pid_t pid = 0;
  pid_t parent = 0;
  bool zombie = false;
  std::string name;
};

std::vector<Parentage> ReadProcesses() {
  std::vector<Parentage> found;
  DIR* folder = opendir("/proc");
  if (folder == nullptr) return found;
  while (const dirent* entry = readdir(folder)) {
    Parentage process;
    if (!absl::SimpleAtoi(entry->d_name, &process.pid)) continue;
    const std::string stat = ReadSmallFile(absl::StrCat("/proc/", entry->d_name, "/stat"));
    const size_t open = stat.find('(');
    const size_t end = stat.rfind(')');
    if (open == std::string::npos || end == std::string::npos || end < open) continue;
    process.name = stat.substr(open + 1, end - open - 1);
    const std::vector<std::string> fields = absl::StrSplit(stat.substr(end + 1), ' ', absl::SkipEmpty());
    if (fields.size() < 2 || !absl::SimpleAtoi(fields[1], &process.parent)) continue;
    process.zombie = fields[0] == "Z";
    found.push_back(std::move(process));
  }
  closedir(folder);
  return found;
}

// Those that descend from this process, also by way of ended ones: they are its children now.
std::vector<Parentage> Descendants() {
  const std::vector<Parentage> all = ReadProcesses();
  std::set<pid_t> family = {getpid()};
  std::vector<Parentage> found;
  for (bool grown = true; grown;) {
    grown = false;
    for (const Parentage& process : all) {
      if (family.contains(process.pid) || !family.contains(process.parent)) continue;
      family.insert(process.pid);
      found.push_back(process);
      grown = true;
    }
  }
  return found;
}

// The program's file name: the kernel's own name is cut at 15 bytes, and threads change it.
std::string ProgramName(const Parentage& process) {
  const std::string command = ReadSmallFile(absl::StrCat("/proc/", process.pid, "/cmdline"));
  const std::string first = command.substr(0, command.find('\0'));
  std::string base = first.substr(first.rfind('/') + 1);
  if (base.substr(0, 15) == process.name) return base;
  return process.name;
}

}  // namespace

std::vector<ProcessInfo> ListProcesses() {
  std::vector<ProcessInfo> out;
  for (const Parentage& process : Descendants()) {
    if (!process.zombie) out.push_back({process.pid, ProgramName(process)});
  }
  return out;
}

void KillDescendants(absl::Time deadline) {
  // Asked first: the X server takes its socket and its lock out of /tmp.
  const absl::Time patience = std::min(deadline, absl::Now() + absl::Seconds(1));
  for (const Parentage& process : Descendants()) kill(process.pid, SIGTERM);
  while (absl::Now() < deadline) {
    ReapChildren();
    const std::vector<Parentage> left = Descendants();
    if (left.empty()) return;
    if (absl::Now() >= patience) {
      for (const Parentage& process : left) kill(process.pid, SIGKILL);
    }
    absl::SleepFor(absl::Milliseconds(5));
  }
}

}  // namespace proctor::env::desktop::guest
