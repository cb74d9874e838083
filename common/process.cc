#include "common/process.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "common/open_files.h"

namespace proctor {
namespace {

// Everything the child needs, made before fork: afterwards only async-signal-safe calls are allowed.
struct ChildPlan {
  std::vector<std::string> environment_texts;
  std::vector<char*> arguments;
  std::vector<char*> environment;
  std::string working_directory;
  std::string output_path;
  int error_fd = -1;
  pid_t parent = 0;
  // Limits of open files; untouched unless these are more than 0.
  int64_t soft_open_files = 0;
  int64_t hard_open_files = 0;
  // For /proc/self/oom_score_adj; empty where ours cannot be known.
  std::string oom_score;
};

// Children are what can be replaced (browsers, displays): where memory runs out they go before this process does. To raise one's
// score needs no privilege.
constexpr int kOomScoreAboveOurs = 300;
constexpr int kMaxOomScore = 1000;
constexpr char kOomScoreFile[] = "/proc/self/oom_score_adj";

std::string ChildOomScore() {
  std::ifstream file(kOomScoreFile);
  int ours = 0;
  if (!(file >> ours)) return "";
  return absl::StrCat(std::min(ours + kOomScoreAboveOurs, kMaxOomScore));
}

ChildPlan MakePlan(const ProcessOptions& options) {
  ChildPlan plan;
  for (const std::string& argument : options.arguments) {
    plan.arguments.push_back(const_cast<char*>(argument.c_str()));
  }
  plan.arguments.push_back(nullptr);
  for (const auto& [name, value] : options.environment) {
    plan.environment_texts.push_back(absl::StrCat(name, "=", value));
  }
  for (std::string& text : plan.environment_texts) plan.environment.push_back(text.data());
  plan.environment.push_back(nullptr);
  plan.working_directory = options.working_directory.empty() ? "/" : options.working_directory;
  plan.output_path = options.output_path.empty() ? "/dev/null" : options.output_path;
  plan.parent = getpid();
  plan.oom_score = ChildOomScore();
  plan.hard_open_files = options.max_open_files;
  plan.soft_open_files = options.max_open_files > 0 ? options.max_open_files : OpenFileLimitOfChildren();
  return plan;
}

[[noreturn]] void Fail(const ChildPlan& plan) {
  const int error = errno;
  [[maybe_unused]] const ssize_t n = write(plan.error_fd, &error, sizeof error);
  _exit(127);
}

// Moves the descriptors to their numbers by way of high ones, so that none is overwritten before its turn.
void PlaceDescriptors(const ProcessOptions& options, ChildPlan& plan) {
  constexpr int kHigh = 64;
  constexpr size_t kMost = 16;
  int high[kMost] = {};
  if (options.descriptors.size() > kMost) Fail(plan);
  if ((plan.error_fd = fcntl(plan.error_fd, F_DUPFD, kHigh)) < 0) Fail(plan);
  for (size_t i = 0; i < options.descriptors.size(); ++i) {
    if ((high[i] = fcntl(options.descriptors[i].first, F_DUPFD, kHigh)) < 0) Fail(plan);
  }
  const int null_fd = open("/dev/null", O_RDONLY);
  const int output_fd = open(plan.output_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0600);
  if (null_fd < 0 || output_fd < 0) Fail(plan);
  dup2(null_fd, 0);
  dup2(output_fd, 1);
  dup2(output_fd, 2);
  int next = 3;
  for (size_t i = 0; i < options.descriptors.size(); ++i, ++next) {
    if (dup2(high[i], options.descriptors[i].second) < 0) Fail(plan);
  }
  // Closed by exec, not now: the error pipe is among them.
  if (syscall(SYS_close_range, next, ~0U, CLOSE_RANGE_CLOEXEC) != 0) Fail(plan);
}

// Without it the child runs all the same.
void RaiseOomScore(const ChildPlan& plan) {
  const int fd = open(kOomScoreFile, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  [[maybe_unused]] const ssize_t n = write(fd, plan.oom_score.data(), plan.oom_score.size());
  close(fd);
}

[[noreturn]] void RunChild(const ProcessOptions& options, ChildPlan plan) {
  setpgid(0, 0);
  for (int signal_number = 1; signal_number < NSIG; ++signal_number) signal(signal_number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  // Before the change of user: a program that is not ours may lower its score only to what root set.
  RaiseOomScore(plan);
  PlaceDescriptors(options, plan);
  const rlimit no_core = {0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  rlimit files = {};
  if (plan.soft_open_files > 0 && getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = static_cast<rlim_t>(plan.soft_open_files);
    if (plan.hard_open_files > 0) files.rlim_max = static_cast<rlim_t>(plan.hard_open_files);
    setrlimit(RLIMIT_NOFILE, &files);
  }
  if (options.user) {
    // The raw calls: glibc's wrappers want to tell all threads, of which a forked child has none.
    if (syscall(SYS_setgroups, 0, nullptr) != 0) Fail(plan);
    if (syscall(SYS_setresgid, options.user->gid, options.user->gid, options.user->gid) != 0) Fail(plan);
    if (syscall(SYS_setresuid, options.user->uid, options.user->uid, options.user->uid) != 0) Fail(plan);
  }
  if (chdir(plan.working_directory.c_str()) != 0) Fail(plan);
  // After the change of user, which clears it.
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) Fail(plan);
  if (getppid() != plan.parent) _exit(127);
  execve(plan.arguments[0], plan.arguments.data(), plan.environment.data());
  Fail(plan);
}

absl::StatusOr<std::unique_ptr<Process>> ForkAndExec(const ProcessOptions& options) {
  int error_pipe[2];
  if (pipe2(error_pipe, O_CLOEXEC) != 0) return absl::InternalError(strerror(errno));
  ChildPlan plan = MakePlan(options);
  plan.error_fd = error_pipe[1];
  const pid_t pid = fork();
  if (pid == 0) RunChild(options, std::move(plan));
  close(error_pipe[1]);
  if (pid < 0) {
    close(error_pipe[0]);
    return absl::ResourceExhaustedError(absl::StrCat("fork: ", strerror(errno)));
  }
  auto process = std::make_unique<Process>(pid);
  int error = 0;
  ssize_t n;
  while ((n = read(error_pipe[0], &error, sizeof error)) < 0 && errno == EINTR) {
  }
  close(error_pipe[0]);
  if (n == 0) return process;
  const std::string message = absl::StrCat("cannot start ", options.arguments[0], ": ", strerror(error));
  if (error == ENOENT) return absl::NotFoundError(message);
  if (error == EACCES || error == EPERM) return absl::PermissionDeniedError(message);
  return absl::InternalError(message);
}

}  // namespace

Process::~Process() {
  Kill();
  // A killed child ends; one that hangs in the kernel is left to init.
  WaitFor(absl::Seconds(10));
}

void Process::Kill() {
  MutexLock lock(mutex_);
  // Also after the child ended: its children may live. The group's number is not reused while it has members.
  kill(-pid_, SIGKILL);
  if (!reaped_) kill(pid_, SIGKILL);
}

bool Process::Reap() {
  if (reaped_) return true;
  const pid_t result = waitpid(pid_, nullptr, WNOHANG);
  reaped_ = result == pid_ || (result < 0 && errno == ECHILD);
  return reaped_;
}

bool Process::WaitFor(absl::Duration timeout) {
  const absl::Time deadline = absl::Now() + timeout;
  const int fd = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
  for (;;) {
    {
      MutexLock lock(mutex_);
      if (Reap()) break;
    }
    const absl::Duration left = deadline - absl::Now();
    if (left <= absl::ZeroDuration()) break;
    pollfd wait = {fd, POLLIN, 0};
    // Without pidfd (fd is -1, ignored by poll) this is a poll every 20 ms.
    const absl::Duration slice = fd < 0 ? std::min(left, absl::Milliseconds(20)) : left;
    poll(&wait, 1, static_cast<int>(std::min<int64_t>(absl::ToInt64Milliseconds(slice) + 1, 60'000)));
  }
  if (fd >= 0) close(fd);
  MutexLock lock(mutex_);
  return reaped_;
}

ProcessSpawner::ProcessSpawner() : thread_([this] { Run(); }) {}

ProcessSpawner::~ProcessSpawner() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    changed_.SignalAll();
  }
  thread_.join();
}

absl::StatusOr<std::unique_ptr<Process>> ProcessSpawner::Spawn(const ProcessOptions& options) {
  if (options.arguments.empty()) return absl::InvalidArgumentError("no program to start");
  Request request;
  request.options = &options;
  MutexLock lock(mutex_);
  queue_.push_back(&request);
  changed_.SignalAll();
  while (!request.result) changed_.Wait(mutex_);
  return *std::move(request.result);
}

void ProcessSpawner::Run() {
  prctl(PR_SET_NAME, "spawner");
  for (;;) {
    Request* request = nullptr;
    {
      MutexLock lock(mutex_);
      while (queue_.empty() && !stopping_) changed_.Wait(mutex_);
      if (queue_.empty()) return;
      request = queue_.front();
      queue_.erase(queue_.begin());
    }
    auto result = ForkAndExec(*request->options);
    MutexLock lock(mutex_);
    request->result = std::move(result);
    changed_.SignalAll();
  }
}

absl::StatusOr<ProcessOptions::User> FindUser(const std::string& name) {
  passwd entry = {};
  passwd* found = nullptr;
  std::vector<char> buffer(16 << 10);
  getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (found == nullptr) return absl::NotFoundError(absl::StrCat("no user named ", name));
  return ProcessOptions::User{found->pw_uid, found->pw_gid};
}

}  // namespace proctor
