// Programs that a test runs: to their end, or as a server until it ends it.
#ifndef PROCTOR_TESTS_SERVER_SERVER_PROCESS_H_
#define PROCTOR_TESTS_SERVER_SERVER_PROCESS_H_

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "tests/server/comes.h"

namespace proctor::server {

// A program and its arguments, in the form that exec wants. To be made before the fork: what allocates after it hangs where another thread held
// a lock at that moment (AddressSanitizer's allocator has some).
class Program {
 public:
  explicit Program(std::vector<std::string> command) : command_(std::move(command)) {
    for (std::string& argument : command_) argv_.push_back(argument.data());
    argv_.push_back(nullptr);
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  // In a process of its own.
  [[noreturn]] void Become() const {
    execv(argv_[0], argv_.data());
    _exit(127);
  }

 private:
  std::vector<std::string> command_;
  std::vector<char*> argv_;
};

// Waits for the end of a process; returns its exit code, or minus the signal; -1000: it is none of ours.
inline int AwaitExit(pid_t pid) {
  if (pid <= 0) return -1000;
  int status = 0;
  pid_t ended = -1;
  while ((ended = waitpid(pid, &status, 0)) < 0 && errno == EINTR) {
  }
  if (ended != pid) return -1000;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

// What is written into a pipe until `text` is among it, all ends are closed, or time is up.
inline std::string ReadUntil(int fd, const std::string& text, std::chrono::milliseconds deadline) {
  const auto end = std::chrono::steady_clock::now() + deadline;
  std::string said;
  char byte = 0;
  while (said.find(text) == std::string::npos) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now()).count();
    pollfd watched = {fd, POLLIN, 0};
    if (left <= 0 || poll(&watched, 1, static_cast<int>(left)) != 1 || read(fd, &byte, 1) != 1) break;
    said += byte;
  }
  return said;
}

// Runs a program to its end; returns as AwaitExit. Its output goes to `output`.
inline int RunToEnd(const std::vector<std::string>& command, std::string* output = nullptr) {
  int ends[2];
  if (pipe(ends) != 0) return -1000;
  const Program program(command);
  const pid_t pid = fork();
  if (pid == 0) {
    dup2(ends[1], 1);
    dup2(ends[1], 2);
    close(ends[0]);
    program.Become();
  }
  close(ends[1]);
  char buffer[4096];
  ssize_t got = 0;
  while ((got = read(ends[0], buffer, sizeof buffer)) > 0) {
    if (output != nullptr) output->append(buffer, got);
  }
  close(ends[0]);
  return AwaitExit(pid);
}

// A proctord at work; killed at the end.
class ServerProcess {
 public:
  ServerProcess() = default;
  ~ServerProcess() {
    if (pid_ > 0) Stop(SIGKILL);
  }
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  // Starts it and waits until it says that it is ready. What it logs is appended to the file `log`; empty: it goes where the test's does.
  void Start(const std::vector<std::string>& command, const std::string& log = "",
             std::chrono::milliseconds deadline = std::chrono::seconds(60)) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const Program program(command);
    pid_ = fork();
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);  // Also where the test is killed.
      dup2(ends[1], 1);
      if (!log.empty()) dup2(open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600), 2);
      close(ends[0]);
      close(ends[1]);
      program.Become();
    }
    close(ends[1]);
    const std::string said = ReadUntil(ends[0], "ready\n", deadline);
    close(ends[0]);
    ASSERT_NE(said.find("ready\n"), std::string::npos) << "it did not get ready; it said: " << said;
  }
  void Signal(int signal) const {
    if (pid_ > 0) kill(pid_, signal);  // Minus one would be everybody.
  }
  // Returns as AwaitExit; see StopWithin.
  int Stop(int signal) { return StopWithin(signal, std::chrono::seconds(60)); }
  // The same of one that is to end within `deadline`; -SIGKILL: it did not, and was killed.
  int StopWithin(int signal, std::chrono::seconds deadline) {
    Signal(signal);
    if (!Comes([this] { return !Runs(); }, deadline)) Signal(SIGKILL);
    const int code = AwaitExit(pid_);
    pid_ = -1;
    return code;
  }
  // Its end is only looked at: until it is taken by Stop its number is nobody else's.
  bool Runs() const {
    siginfo_t ended = {};
    return pid_ > 0 && waitid(P_PID, static_cast<id_t>(pid_), &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid == 0;
  }

 private:
  pid_t pid_ = -1;
};

}  // namespace proctor::server

#endif  // PROCTOR_TESTS_SERVER_SERVER_PROCESS_H_
