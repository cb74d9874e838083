// The room's tables and the rows of tasks in them. Private to proposer/.
#ifndef PROCTOR_PROPOSER_TASK_TABLES_H_
#define PROCTOR_PROPOSER_TASK_TABLES_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proctor/v1/task.pb.h"
#include "proctor/v1/task_service.pb.h"
#include "storage/database.h"

namespace proctor::proposer {

// For Database::Migrate("proposer", ...).
const std::vector<std::string>& TaskMigrations();

// A condition on proposer_tasks and its parameters. Parameters are numbered from $1.
struct TaskCondition {
  std::string sql;
  std::vector<storage::Value> parameters;

  // Adds a parameter and returns its name: "$3".
  std::string Bind(storage::Value value);
};

// INVALID_ARGUMENT names the field: negative bounds, a list of over 5,000 values, over 64 tags (no task has more).
absl::Status CheckFilter(const v1::TaskFilter& filter);

// What `filter`, which CheckFilter lets through, asks for; "1 = 1" if nothing.
TaskCondition ConditionOf(const v1::TaskFilter& filter);

// ALREADY_EXISTS if the name is taken.
absl::Status InsertTask(storage::Transaction& transaction, const v1::Task& task);
// NOT_FOUND.
absl::StatusOr<v1::Task> ReadTask(storage::Transaction& transaction, const std::string& id);
// DATA_LOSS if the row's bytes are no task.
absl::StatusOr<v1::Task> ParseTask(const std::string& bytes);
absl::Status UpdateTaskState(storage::Transaction& transaction, const std::string& id, const v1::Task& task);

}  // namespace proctor::proposer

#endif  // PROCTOR_PROPOSER_TASK_TABLES_H_
