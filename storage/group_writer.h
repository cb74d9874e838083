// Group commit: write functions that wait share one transaction. Private to storage/.
#ifndef PROCTOR_STORAGE_GROUP_WRITER_H_
#define PROCTOR_STORAGE_GROUP_WRITER_H_

#include <deque>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "common/call_context.h"
#include "common/mutex.h"
#include "storage/commit_observer.h"
#include "storage/sqlite_connection.h"

namespace proctor::storage {

// Owns the writing connection and the one thread that uses it. Thread-safe.
class GroupWriter {
 public:
  using Work = std::function<absl::Status(SqliteConnection&)>;

  // At most `max_batch` functions share a commit.
  // `observer` may be null.
  GroupWriter(std::unique_ptr<SqliteConnection> connection, int max_batch, CommitObserver* observer = nullptr);
  // Nobody may be in Write any more.
  ~GroupWriter();

  // As Database::Write.
  absl::Status Write(const CallContext& context, const Work& work);

 private:
  // Lives on the stack of its caller, who leaves only when it is out of the queue and done.
  struct Request {
    const CallContext& context;
    const Work& work;
    absl::Status status;
    bool taken = false;
    bool done = false;
    // Each waits for itself: what waits for the next commit sleeps on.
    CondVar settled = {};
  };
  using Batch = std::vector<Request*>;

  void Run();
  // Runs requests from the front in one transaction; returns how many are settled (at least one), and in `status` what came of
  // the transaction as a whole.
  size_t RunTransaction(const Batch& batch, size_t first, absl::Status& status);
  absl::Status RunOne(Request& request);
  void Finish(const Batch& batch, size_t first, size_t end);

  std::unique_ptr<SqliteConnection> connection_;
  const size_t max_batch_;
  CommitObserver* const observer_;
  Mutex mutex_;
  CondVar work_ready_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::deque<Request*> queue_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace proctor::storage

#endif  // PROCTOR_STORAGE_GROUP_WRITER_H_
