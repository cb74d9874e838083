// A server that a test kills.
#ifndef PROCTOR_TESTS_ENV_KILLED_SERVER_H_
#define PROCTOR_TESTS_ENV_KILLED_SERVER_H_

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace proctor::env {

// This test program once more, as a process of its own that runs one of its disabled tests. A mere fork that goes on in C++ would hang wherever
// another thread held a lock at that moment: AddressSanitizer's allocator keeps its own.
class KilledServer {
 public:
  // Starts `test` ("Suite.DISABLED_Name"), whose temporary files go to `directory`.
  KilledServer(const std::string& test, const std::string& directory) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return;
    // Made before the fork, as after it nothing may be allocated either.
    const std::string filter = "--gtest_filter=" + test;
    std::vector<std::string> environment = {"TMPDIR=" + directory, std::string(kReady) + "=" + std::to_string(ends[1])};
    for (char** entry = environ; *entry != nullptr; ++entry) {
      if (!std::string_view(*entry).starts_with("TMPDIR=")) environment.emplace_back(*entry);
    }
    std::vector<char*> entries;
    for (std::string& entry : environment) entries.push_back(entry.data());
    entries.push_back(nullptr);
    const char* const arguments[] = {"test", "--gtest_also_run_disabled_tests", filter.c_str(), nullptr};
    pid_ = fork();
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);  // Where the test ends before it kills it.
      fcntl(ends[1], F_SETFD, 0);
      execve("/proc/self/exe", const_cast<char* const*>(arguments), entries.data());
      _exit(1);
    }
    close(ends[1]);
    ready_ = ends[0];
  }
  ~KilledServer() {
    Kill();
    if (ready_ >= 0) close(ready_);
  }
  KilledServer(const KilledServer&) = delete;
  KilledServer& operator=(const KilledServer&) = delete;

  // Whether it came as far as AwaitKill within a minute.
  bool AwaitReady() const {
    pollfd watched = {ready_, POLLIN, 0};
    char byte = 0;
    return poll(&watched, 1, 60'000) == 1 && read(ready_, &byte, 1) == 1;
  }
  pid_t pid() const { return pid_; }
  void Kill() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

  // For the disabled test: where it works; empty: nobody will kill it, as it was started by hand.
  static std::string Directory() { return getenv(kReady) == nullptr ? "" : getenv("TMPDIR"); }
  // For the disabled test: says that it is ready, and waits for its end.
  static void AwaitKill() {
    if (write(atoi(getenv(kReady)), "+", 1) == 1) sleep(120);
  }

 private:
  static constexpr char kReady[] = "PROCTOR_TEST_READY";

  pid_t pid_ = -1;
  int ready_ = -1;
};

}  // namespace proctor::env

#endif  // PROCTOR_TESTS_ENV_KILLED_SERVER_H_
