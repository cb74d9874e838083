#include "proposer/task_store.h"

#include <cstdint>
#include <string>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "common/ids.h"
#include "common/proto_json.h"
#include "common/status.h"
#include "proposer/task_tables.h"
#include "storage/page.h"

namespace proctor::proposer {
namespace {

using storage::Bytes;
using storage::Row;
using storage::Transaction;

constexpr int kDefaultPageSize = 50;
constexpr int kMaxPageSize = 1'000;
constexpr int kMaxBatch = 1'000;
constexpr size_t kMaxReasonBytes = 1'000;
constexpr absl::Duration kKeepRequests = absl::Hours(48);

// Does `work` once for a request id, and gives its first answer to retries.
template <typename Response, typename Work>
absl::Status Once(Transaction& transaction, absl::Time now, const std::string& request_id,
                  const std::string& digest, Response& response, Work work) {
  if (request_id.empty()) return work();
  PROCTOR_ASSIGN_OR_RETURN(
      const auto rows,
      transaction.Query("SELECT digest, response FROM proposer_requests WHERE request_id = $1", {request_id}));
  if (!rows.empty()) {
    if (rows[0].Text(0) != digest) {
      return absl::InvalidArgumentError("request_id was used for another request");
    }
    if (!response.ParseFromString(rows[0].Text(1))) return absl::DataLossError("a stored answer cannot be read");
    return absl::OkStatus();
  }
  PROCTOR_RETURN_IF_ERROR(work());
  PROCTOR_RETURN_IF_ERROR(transaction
                              .Execute("DELETE FROM proposer_requests WHERE create_time < $1",
                                       {absl::ToUnixMicros(now - kKeepRequests)})
                              .status());
  return transaction
      .Execute("INSERT INTO proposer_requests (request_id, digest, response, create_time) VALUES ($1, $2, $3, $4)",
               {request_id, digest, Bytes{response.SerializeAsString()}, absl::ToUnixMicros(now)})
      .status();
}

void SetCreateTime(absl::Time now, v1::Task& task) {
  const int64_t micros = absl::ToUnixMicros(now);
  task.mutable_create_time()->set_seconds(micros / 1'000'000);
  task.mutable_create_time()->set_nanos(static_cast<int32_t>(micros % 1'000'000 * 1'000));
}

bool MayBecome(v1::TaskState from, v1::TaskState to) {
  const bool open = from == v1::TASK_STATE_PROPOSED || from == v1::TASK_STATE_ACCEPTED;
  return to == v1::TASK_STATE_ACCEPTED ? from == v1::TASK_STATE_PROPOSED : open;
}

// A page token is "<last sequence>.<digest of the filter>".
std::string FilterDigest(const v1::TaskFilter& filter) {
  return Sha256Hex(ProtoCanonicalBytes(filter)).substr(0, 16);
}

absl::StatusOr<int64_t> StartOfPage(const v1::ListTasksRequest& request) {
  if (request.page_token().empty()) return 0;
  const std::pair<std::string, std::string> parts = absl::StrSplit(request.page_token(), absl::MaxSplits('.', 1));
  int64_t sequence = 0;
  if (!absl::SimpleAtoi(parts.first, &sequence) || sequence < 0 || parts.second != FilterDigest(request.filter())) {
    return absl::InvalidArgumentError("page_token: not from a list with this filter");
  }
  return sequence;
}

}  // namespace

absl::StatusOr<std::unique_ptr<TaskStore>> TaskStore::Create(storage::Database& database, Clock& clock) {
  PROCTOR_RETURN_IF_ERROR(database.Migrate("proposer", TaskMigrations()));
  return absl::WrapUnique(new TaskStore(database, clock));
}

absl::StatusOr<v1::Task> TaskStore::CreateTask(const CallContext& context, const v1::CreateTaskRequest& request) {
  v1::BatchCreateTasksRequest batch;
  batch.set_request_id(request.request_id());
  *batch.add_tasks() = request.task();
  PROCTOR_ASSIGN_OR_RETURN(v1::BatchCreateTasksResponse response, BatchCreateTasks(context, batch));
  return std::move(*response.mutable_tasks(0));
}

absl::StatusOr<v1::BatchCreateTasksResponse> TaskStore::BatchCreateTasks(
    const CallContext& context, const v1::BatchCreateTasksRequest& request) {
  if (request.tasks().empty() || request.tasks_size() > kMaxBatch) {
    return absl::InvalidArgumentError("tasks: 1 to 1,000");
  }
  const std::string digest = Sha256Hex(ProtoCanonicalBytes(request));
  v1::BatchCreateTasksResponse made;
  for (int i = 0; i < request.tasks_size(); ++i) {
    v1::Task& task = *made.add_tasks();
    task = request.tasks(i);
    const absl::Status status = NormalizeNewTask(task);
    if (!status.ok()) return Annotate(status, absl::StrCat("tasks[", i, "]"));
    SetCreateTime(clock_.Now(), task);
  }
  PROCTOR_RETURN_IF_ERROR(database_.Write(context, [&](Transaction& transaction) {
    return Once(transaction, clock_.Now(), request.request_id(), digest, made, [&]() -> absl::Status {
      for (const v1::Task& task : made.tasks()) PROCTOR_RETURN_IF_ERROR(InsertTask(transaction, task));
      return absl::OkStatus();
    });
  }));
  return made;
}

absl::StatusOr<v1::Task> TaskStore::GetTask(const CallContext& context, const std::string& name) const {
  PROCTOR_ASSIGN_OR_RETURN(const std::string id, ResourceId("tasks", name));
  v1::Task task;
  PROCTOR_RETURN_IF_ERROR(database_.Read(context, [&](Transaction& transaction) -> absl::Status {
    PROCTOR_ASSIGN_OR_RETURN(task, ReadTask(transaction, id));
    return absl::OkStatus();
  }));
  return task;
}

absl::StatusOr<v1::ListTasksResponse> TaskStore::ListTasks(const CallContext& context,
                                                           const v1::ListTasksRequest& request) const {
  if (request.page_size() < 0 || request.page_size() > kMaxPageSize) {
    return absl::InvalidArgumentError("page_size: 0 to 1,000");
  }
  PROCTOR_RETURN_IF_ERROR(CheckFilter(request.filter()));
  PROCTOR_ASSIGN_OR_RETURN(const int64_t start, StartOfPage(request));
  const int64_t size = request.page_size() == 0 ? kDefaultPageSize : request.page_size();
  const TaskCondition counted = ConditionOf(request.filter());
  TaskCondition page = counted;
  absl::StrAppend(&page.sql, " AND sequence > ", page.Bind(start));
  absl::StrAppend(&page.sql, " ORDER BY sequence LIMIT ", page.Bind(size + 1));

  v1::ListTasksResponse response;
  PROCTOR_RETURN_IF_ERROR(database_.Read(context, [&](Transaction& transaction) -> absl::Status {
    PROCTOR_ASSIGN_OR_RETURN(const auto total,
                             transaction.Query(absl::StrCat("SELECT COUNT(*) FROM proposer_tasks WHERE ", counted.sql),
                                               counted.parameters));
    response.set_total_size(total[0].Int(0));
    int64_t last = 0;
    // Which ones first: tasks may be too large to be sorted.
    PROCTOR_ASSIGN_OR_RETURN(
        const bool more,
        storage::ForEachOfPage(transaction,
                               absl::StrCat("SELECT task, sequence FROM proposer_tasks WHERE sequence IN (SELECT sequence FROM "
                                            "proposer_tasks WHERE ",
                                            page.sql, ") ORDER BY sequence"),
                               page.parameters, size, [&](const Row& row) -> absl::Status {
                                 last = row.Int(1);
                                 PROCTOR_ASSIGN_OR_RETURN(*response.add_tasks(), ParseTask(row.Text(0)));
                                 return absl::OkStatus();
                               }));
    if (more) response.set_next_page_token(absl::StrCat(last, ".", FilterDigest(request.filter())));
    return absl::OkStatus();
  }));
  return response;
}

absl::StatusOr<v1::Task> TaskStore::ChangeState(const CallContext& context, const std::string& name,
                                                v1::TaskState target, const std::string& reason) {
  PROCTOR_ASSIGN_OR_RETURN(const std::string id, ResourceId("tasks", name));
  v1::Task task;
  PROCTOR_RETURN_IF_ERROR(database_.Write(context, [&](Transaction& transaction) -> absl::Status {
    PROCTOR_ASSIGN_OR_RETURN(task, ReadTask(transaction, id));
    if (task.state() == target) return absl::OkStatus();
    if (!MayBecome(task.state(), target)) {
      return absl::FailedPreconditionError(absl::StrCat(name, " is ", v1::TaskState_Name(task.state()),
                                                        " and cannot become ", v1::TaskState_Name(target)));
    }
    task.set_state(target);
    task.set_reject_reason(reason);
    return UpdateTaskState(transaction, id, task);
  }));
  return task;
}

absl::StatusOr<v1::Task> TaskStore::AcceptTask(const CallContext& context, const std::string& name) {
  return ChangeState(context, name, v1::TASK_STATE_ACCEPTED, "");
}

absl::StatusOr<v1::Task> TaskStore::RejectTask(const CallContext& context, const std::string& name,
                                               const std::string& reason) {
  if (reason.size() > kMaxReasonBytes) return absl::InvalidArgumentError("reason: at most 1,000 bytes");
  return ChangeState(context, name, v1::TASK_STATE_REJECTED, reason);
}

absl::StatusOr<v1::Task> TaskStore::MarkTrivial(const CallContext& context, const std::string& name) {
  return ChangeState(context, name, v1::TASK_STATE_TRIVIAL, "");
}

}  // namespace proctor::proposer
