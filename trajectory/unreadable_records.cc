#include "trajectory/unreadable_records.h"

#include "common/log.h"

namespace proctor::trajectory {

void UnreadableRecords::Note(const std::string& name) {
  {
    MutexLock lock(mutex_);
    if (!names_.insert(name).second) return;
  }
  LogError("a trajectory's header cannot be read: it is left out of lists; stop the server and run proctord --fsck", {{"trajectory", name}});
}

int64_t UnreadableRecords::count() const {
  MutexLock lock(mutex_);
  return static_cast<int64_t>(names_.size());
}

}  // namespace proctor::trajectory
