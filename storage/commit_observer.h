// Who is told of commits, for figures. Implemented by server/.
#ifndef PROCTOR_STORAGE_COMMIT_OBSERVER_H_
#define PROCTOR_STORAGE_COMMIT_OBSERVER_H_

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace proctor::storage {

class CommitObserver {
 public:
  virtual ~CommitObserver() = default;

  // A transaction of `writes` write functions ended after `took`, its commit's sync included. `status` is the transaction's: not OK
  // means that nothing of it is stored (RESOURCE_EXHAUSTED: the disk is full). Called on the writer's thread: quick.
  virtual void Committed(int writes, absl::Duration took, const absl::Status& status) = 0;
};

}  // namespace proctor::storage

#endif  // PROCTOR_STORAGE_COMMIT_OBSERVER_H_
