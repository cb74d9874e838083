#include "storage/unreadable_records.h"

#include "common/log.h"

namespace proctor::storage {

void UnreadableRecords::Note(const std::string& name, const std::string& why) {
  {
    MutexLock lock(mutex_);
    if (!names_.insert(name).second) return;
  }
  LogError("a record is damaged: it stays as it is, and lists, judging and the like go on without it; stop the server and run proctord --fsck",
           {{"record", name}, {"why", why}});
}

int64_t UnreadableRecords::count() const {
  MutexLock lock(mutex_);
  return static_cast<int64_t>(names_.size());
}

}  // namespace proctor::storage
