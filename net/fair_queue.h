// Blocking tasks of many owners on few threads, so that no owner keeps the others from theirs.
#ifndef PROCTOR_NET_FAIR_QUEUE_H_
#define PROCTOR_NET_FAIR_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "common/executor.h"
#include "common/mutex.h"

namespace proctor::net {

// Owners take turns, one task each. Thread-safe.
class FairQueue {
 public:
  struct Options {
    int threads = 32;
    // Of these, only an owner none of whose tasks runs gets the last ones: that is what makes room
    // for the others while some owners' tasks hang.
    int reserved = 8;
    int running_per_owner = 4;
    size_t queued_per_owner = 64;
  };

  // `name`: of the threads.
  FairQueue(std::string name, Options options);
  // Waits for the tasks that run; drops the others.
  ~FairQueue();

  // Runs `task` when it is its owner's turn. Returns an id for Drop; 0: too much of this owner's
  // waits already, and the task is not taken.
  uint64_t Add(uint64_t owner, std::function<void()> task);
  // The task is not wanted any more: it does not run if it still waits.
  void Drop(uint64_t id);

 private:
  struct Task {
    uint64_t id = 0;
    std::function<void()> run;
  };
  struct Owner {
    int running = 0;
    std::deque<Task> waiting;
  };

  // Hands to the threads what may run now.
  void Dispatch() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The next owner that may run a task; `owners_.end()`: none.
  std::map<uint64_t, Owner>::iterator NextOwner() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Ended(uint64_t owner);

  const Options options_;
  Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  int running_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t next_id_ ABSL_GUARDED_BY(mutex_) = 1;
  // Whose task was handed out last.
  uint64_t last_owner_ ABSL_GUARDED_BY(mutex_) = 0;
  // Those with a task.
  std::map<uint64_t, Owner> owners_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<ThreadPool> pool_;
};

}  // namespace proctor::net

#endif  // PROCTOR_NET_FAIR_QUEUE_H_
