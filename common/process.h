// Starts child processes that die with this one, whatever kills it.
#ifndef PROCTOR_COMMON_PROCESS_H_
#define PROCTOR_COMMON_PROCESS_H_

#include <sys/types.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/mutex.h"

namespace proctor {

struct ProcessOptions {
  // Absolute path of the program, then its arguments.
  std::vector<std::string> arguments;
  // The whole environment of the child; nothing is inherited.
  std::map<std::string, std::string> environment;
  // Empty: "/".
  std::string working_directory;
  // Our descriptor and the child's number: 3, 4, ... without gaps, at most 16. Everything else but 0, 1, 2 is closed in
  // the child.
  std::vector<std::pair<int, int>> descriptors;
  // Where stdout and stderr go; empty: /dev/null. stdin is always /dev/null.
  std::string output_path;
  // Switch to this user and group, without supplementary groups. Needs root.
  struct User {
    uid_t uid = 0;
    gid_t gid = 0;
  };
  std::optional<User> user;
  // RLIMIT_CORE is always 0. 0: unlimited open files stay as inherited.
  int max_open_files = 0;
};

// A child process in its own process group. Thread-safe.
class Process {
 public:
  // Takes over a child that was just forked.
  explicit Process(pid_t pid) : pid_(pid) {}
  // Kills the group and waits for the child.
  ~Process();

  pid_t pid() const { return pid_; }
  // Sends SIGKILL to the child's whole group.
  void Kill();
  // True if the child ended within `timeout`.
  bool WaitFor(absl::Duration timeout);

 private:
  bool Reap() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const pid_t pid_;
  Mutex mutex_;
  bool reaped_ ABSL_GUARDED_BY(mutex_) = false;
};

// Forks from one thread of its own: the kernel's "die with your parent" is about the *thread* that forked. Children end
// when the spawner is destroyed or this process dies. Thread-safe.
class ProcessSpawner {
 public:
  ProcessSpawner();
  ~ProcessSpawner();

  // NOT_FOUND, PERMISSION_DENIED or INTERNAL if the program could not be started.
  absl::StatusOr<std::unique_ptr<Process>> Spawn(const ProcessOptions& options);

 private:
  struct Request {
    const ProcessOptions* options = nullptr;
    std::optional<absl::StatusOr<std::unique_ptr<Process>>> result;
  };
  void Run();

  Mutex mutex_;
  CondVar changed_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<Request*> queue_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

// The user of that name, or NOT_FOUND.
absl::StatusOr<ProcessOptions::User> FindUser(const std::string& name);

}  // namespace proctor

#endif  // PROCTOR_COMMON_PROCESS_H_
