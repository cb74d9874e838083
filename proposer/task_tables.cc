#include "proposer/task_tables.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/ids.h"
#include "common/status.h"

namespace proctor::proposer {
namespace {

using storage::Bytes;
using storage::Value;

constexpr char kTables[] = R"sql(
CREATE TABLE proposer_tasks (
  id TEXT PRIMARY KEY,
  sequence BIGINT NOT NULL UNIQUE,
  state BIGINT NOT NULL,
  split BIGINT NOT NULL,
  environment TEXT NOT NULL,
  kind TEXT NOT NULL,
  template TEXT NOT NULL,
  site TEXT NOT NULL,
  job TEXT NOT NULL,
  optimal_steps BIGINT NOT NULL,
  task BYTEA NOT NULL);
CREATE INDEX proposer_tasks_by_template ON proposer_tasks (template);
CREATE INDEX proposer_tasks_by_job ON proposer_tasks (job);
CREATE TABLE proposer_task_tags (
  task TEXT NOT NULL,
  tag TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (task, tag));
CREATE TABLE proposer_requests (
  request_id TEXT PRIMARY KEY,
  digest TEXT NOT NULL,
  response BYTEA NOT NULL,
  create_time BIGINT NOT NULL);
CREATE TABLE proposer_outcomes (
  episode TEXT PRIMARY KEY,
  create_time BIGINT NOT NULL);
CREATE TABLE proposer_policy_versions (
  policy TEXT NOT NULL,
  version TEXT NOT NULL,
  rank BIGINT NOT NULL,
  PRIMARY KEY (policy, version));
CREATE TABLE proposer_success (
  policy TEXT NOT NULL,
  version TEXT NOT NULL,
  task TEXT NOT NULL,
  tries BIGINT NOT NULL,
  successes BIGINT NOT NULL,
  PRIMARY KEY (policy, version, task));
)sql";

// Of one list. SQLite takes 32,766 parameters, and a message can hold many more.
constexpr int kMaxValues = 5'000;
constexpr int kMaxTags = 64;

// For jobs that page through what is stored of a site.
constexpr char kSiteIndex[] = "CREATE INDEX proposer_tasks_by_site ON proposer_tasks (site, sequence);";

template <typename List>
void AddOneOf(TaskCondition& condition, const char* column, const List& values) {
  if (values.empty()) return;
  std::vector<std::string> names;
  for (const auto& value : values) {
    if constexpr (std::is_convertible_v<decltype(value), std::string>) {
      names.push_back(condition.Bind(std::string(value)));
    } else {
      names.push_back(condition.Bind(static_cast<int64_t>(value)));
    }
  }
  absl::StrAppend(&condition.sql, " AND ", column, " IN (", absl::StrJoin(names, ", "), ")");
}

}  // namespace

const std::vector<std::string>& TaskMigrations() {
  static const auto& migrations = *new std::vector<std::string>{kTables, kSiteIndex};
  return migrations;
}

absl::Status CheckFilter(const v1::TaskFilter& filter) {
  if (filter.min_optimal_steps() < 0 || filter.max_optimal_steps() < 0) {
    return absl::InvalidArgumentError("filter: optimal steps are not negative");
  }
  const std::pair<const char*, int> lists[] = {{"states", filter.states_size()},       {"splits", filter.splits_size()},
                                               {"environments", filter.environments_size()}, {"kinds", filter.kinds_size()},
                                               {"templates", filter.templates_size()}, {"sites", filter.sites_size()}};
  for (const auto& [field, size] : lists) {
    if (size > kMaxValues) return absl::InvalidArgumentError(absl::StrCat("filter.", field, ": at most 5,000"));
  }
  if (filter.tags_size() > kMaxTags) return absl::InvalidArgumentError("filter.tags: at most 64, for no task has more");
  return absl::OkStatus();
}

std::string TaskCondition::Bind(Value value) {
  parameters.push_back(std::move(value));
  return absl::StrCat("$", parameters.size());
}

TaskCondition ConditionOf(const v1::TaskFilter& filter) {
  TaskCondition condition;
  condition.sql = "1 = 1";
  AddOneOf(condition, "state", filter.states());
  AddOneOf(condition, "split", filter.splits());
  AddOneOf(condition, "environment", filter.environments());
  AddOneOf(condition, "kind", filter.kinds());
  AddOneOf(condition, "template", filter.templates());
  AddOneOf(condition, "site", filter.sites());
  if (!filter.job().empty()) absl::StrAppend(&condition.sql, " AND job = ", condition.Bind(filter.job()));
  if (filter.min_optimal_steps() > 0) {
    absl::StrAppend(&condition.sql, " AND optimal_steps >= ",
                    condition.Bind(static_cast<int64_t>(filter.min_optimal_steps())));
  }
  if (filter.max_optimal_steps() > 0) {
    absl::StrAppend(&condition.sql, " AND optimal_steps <= ",
                    condition.Bind(static_cast<int64_t>(filter.max_optimal_steps())));
  }
  for (const auto& [tag, value] : filter.tags()) {
    const std::string tag_name = condition.Bind(tag);
    absl::StrAppend(&condition.sql, " AND EXISTS (SELECT 1 FROM proposer_task_tags t WHERE t.task = id AND t.tag = ",
                    tag_name, " AND t.value = ", condition.Bind(value), ")");
  }
  return condition;
}

absl::Status InsertTask(storage::Transaction& transaction, const v1::Task& task) {
  PROCTOR_ASSIGN_OR_RETURN(const std::string id, ResourceId("tasks", task.name()));
  PROCTOR_ASSIGN_OR_RETURN(
      const int64_t inserted,
      transaction.Execute(
          "INSERT INTO proposer_tasks (id, sequence, state, split, environment, kind, template, site, job, "
          "optimal_steps, task) SELECT $1, COALESCE(MAX(sequence), 0) + 1, $2, $3, $4, $5, $6, $7, $8, $9, $10 "
          "FROM proposer_tasks WHERE 1 = 1 ON CONFLICT (id) DO NOTHING",
          {id, static_cast<int64_t>(task.state()), static_cast<int64_t>(task.split()), task.environment(),
           task.kind(), task.template_(), task.site(), task.lineage().job(),
           static_cast<int64_t>(task.optimal_steps()), Bytes{task.SerializeAsString()}}));
  if (inserted == 0) return absl::AlreadyExistsError(absl::StrCat(task.name(), " exists already"));
  for (const auto& [tag, value] : task.tags()) {
    PROCTOR_RETURN_IF_ERROR(
        transaction.Execute("INSERT INTO proposer_task_tags (task, tag, value) VALUES ($1, $2, $3)", {id, tag, value})
            .status());
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::Task> ParseTask(const std::string& bytes) {
  v1::Task task;
  if (!task.ParseFromString(bytes)) return absl::DataLossError("a stored task cannot be read");
  return task;
}

absl::StatusOr<v1::Task> ReadTask(storage::Transaction& transaction, const std::string& id) {
  PROCTOR_ASSIGN_OR_RETURN(const auto rows,
                           transaction.Query("SELECT task FROM proposer_tasks WHERE id = $1", {id}));
  if (rows.empty()) return absl::NotFoundError(absl::StrCat("there is no tasks/", id));
  return ParseTask(rows[0].Text(0));
}

absl::Status UpdateTaskState(storage::Transaction& transaction, const std::string& id, const v1::Task& task) {
  return transaction
      .Execute("UPDATE proposer_tasks SET state = $1, task = $2 WHERE id = $3",
               {static_cast<int64_t>(task.state()), Bytes{task.SerializeAsString()}, id})
      .status();
}

}  // namespace proctor::proposer
