// Trajectories and episodes that had to be passed over because they are damaged.
#ifndef PROCTOR_TRAJECTORY_UNREADABLE_RECORDS_H_
#define PROCTOR_TRAJECTORY_UNREADABLE_RECORDS_H_

#include <cstdint>
#include <set>
#include <string>

#include "common/mutex.h"

namespace proctor::trajectory {

// Thread-safe.
class UnreadableRecords {
 public:
  // Tells the log `why`, the first time for each record. `name` is `trajectories/{id}` or `episodes/{id}`.
  void Note(const std::string& name, const std::string& why);
  // Different ones noted so far.
  int64_t count() const;

 private:
  mutable Mutex mutex_;
  std::set<std::string> names_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace proctor::trajectory

#endif  // PROCTOR_TRAJECTORY_UNREADABLE_RECORDS_H_
