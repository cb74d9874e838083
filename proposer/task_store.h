// Tasks, kept.
#ifndef PROCTOR_PROPOSER_TASK_STORE_H_
#define PROCTOR_PROPOSER_TASK_STORE_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/call_context.h"
#include "common/clock.h"
#include "proctor/v1/task.pb.h"
#include "proctor/v1/task_service.pb.h"
#include "storage/database.h"

namespace proctor::proposer {

// Checks what a client or a proposer wants to store and fills in defaults: a name, split TRAIN, state ACCEPTED.
// INVALID_ARGUMENT names the field.
absl::Status NormalizeNewTask(v1::Task& task);

// Stores tasks and their states. A task's content, split included, never changes; only its state does:
//
//   PROPOSED -> ACCEPTED | REJECTED | TRIVIAL,  ACCEPTED -> REJECTED | TRIVIAL
//
// Asking again for the state that a task is in changes nothing and is OK. Any other change is FAILED_PRECONDITION.
// Thread-safe. Errors of all methods also: those of storage::Database.
class TaskStore {
 public:
  // Brings the room's tables up to date. `database` and `clock` outlive the store.
  static absl::StatusOr<std::unique_ptr<TaskStore>> Create(storage::Database& database, Clock& clock);

  // Stores one task. The same non-empty request id with the same request gives the same answer for at least two days;
  // with another request it is INVALID_ARGUMENT. ALREADY_EXISTS: the name is taken.
  absl::StatusOr<v1::Task> CreateTask(const CallContext& context, const v1::CreateTaskRequest& request);
  // Stores 1 to 1,000 tasks, all or none; else as CreateTask.
  absl::StatusOr<v1::BatchCreateTasksResponse> BatchCreateTasks(const CallContext& context,
                                                                const v1::BatchCreateTasksRequest& request);

  // NOT_FOUND; INVALID_ARGUMENT for a malformed name.
  absl::StatusOr<v1::Task> GetTask(const CallContext& context, const std::string& name) const;
  // A page also ends at 2 MiB (storage/page.h). INVALID_ARGUMENT for a page token of another filter, and for sizes out of range.
  absl::StatusOr<v1::ListTasksResponse> ListTasks(const CallContext& context,
                                                  const v1::ListTasksRequest& request) const;

  absl::StatusOr<v1::Task> AcceptTask(const CallContext& context, const std::string& name);
  absl::StatusOr<v1::Task> RejectTask(const CallContext& context, const std::string& name,
                                      const std::string& reason);
  // For the already-solved guard: the oracle held before the first action.
  absl::StatusOr<v1::Task> MarkTrivial(const CallContext& context, const std::string& name);

 private:
  TaskStore(storage::Database& database, Clock& clock) : database_(database), clock_(clock) {}
  absl::StatusOr<v1::Task> ChangeState(const CallContext& context, const std::string& name,
                                       v1::TaskState target, const std::string& reason);

  storage::Database& database_;
  Clock& clock_;
};

}  // namespace proctor::proposer

#endif  // PROCTOR_PROPOSER_TASK_STORE_H_
