// Records of any room that had to be passed over because they are damaged.
#ifndef PROCTOR_STORAGE_UNREADABLE_RECORDS_H_
#define PROCTOR_STORAGE_UNREADABLE_RECORDS_H_

#include <cstdint>
#include <set>
#include <string>

#include "common/mutex.h"

namespace proctor::storage {

// Thread-safe.
class UnreadableRecords {
 public:
  // Tells the log `why`, the first time for each record. `name` is a
  // resource's: `trajectories/{id}`, `episodes/{id}`, `groups/{id}`.
  void Note(const std::string& name, const std::string& why);
  // Different ones noted so far.
  int64_t count() const;

 private:
  mutable Mutex mutex_;
  std::set<std::string> names_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace proctor::storage

#endif  // PROCTOR_STORAGE_UNREADABLE_RECORDS_H_
