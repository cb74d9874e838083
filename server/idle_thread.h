// A thread for work that has time.
#ifndef PROCTOR_SERVER_IDLE_THREAD_H_
#define PROCTOR_SERVER_IDLE_THREAD_H_

#include <sys/types.h>

#include <atomic>
#include <functional>
#include <string>

#include "common/executor.h"

namespace proctor::server {

// It gets a processor only while no other thread wants one (SCHED_IDLE; where the kernel refuses that, a nice value of 19). Tasks only
// compute: whoever waits for a lock that a task holds would wait as long as the task does. Thread-safe.
class IdleThread {
 public:
  explicit IdleThread(std::string name);

  // Runs `task` there, when those before it are done; returns when it has run.
  void Run(std::function<void()> task);

  // From now on it is a thread like others, where the kernel allows that (root, CAP_SYS_NICE or a limit for `nice` of 20): what runs ends soon.
  void Hurry();

 private:
  void StandBack();

  std::atomic<pid_t> id_ = 0;
  std::atomic<bool> hurried_ = false;
  // Last: its tasks use the others.
  ThreadPool pool_;
};

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_IDLE_THREAD_H_
