#include "evaluator/evaluator_store.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/ids.h"
#include "common/proto_time.h"
#include "common/status.h"
#include "evaluator/evaluate.h"
#include "evaluator/evaluator_config.h"
#include "evaluator/judge/vote.h"
#include "evaluator/presets.h"
#include "evaluator/stored_message.h"
#include "storage/page.h"

namespace proctor::evaluator {
namespace {

constexpr int kDefaultPageSize = 100;
constexpr int kMaxPageSize = 1000;

const std::vector<std::string>& Migrations() {
  static const auto& migrations = *new std::vector<std::string>{
      R"(CREATE TABLE evaluator_evaluators (
           id TEXT PRIMARY KEY,
           version TEXT NOT NULL,
           body BYTEA NOT NULL);
         CREATE TABLE evaluator_verdicts (
           id TEXT PRIMARY KEY,
           sequence BIGINT NOT NULL,
           trajectory TEXT NOT NULL,
           evaluator TEXT NOT NULL,
           body BYTEA NOT NULL);
         CREATE UNIQUE INDEX evaluator_verdicts_by_sequence ON evaluator_verdicts (sequence);
         CREATE INDEX evaluator_verdicts_by_trajectory ON evaluator_verdicts (trajectory, sequence);
         CREATE INDEX evaluator_verdicts_by_evaluator ON evaluator_verdicts (evaluator, sequence);)",
      R"(CREATE TABLE evaluator_labels (
           id TEXT PRIMARY KEY,
           sequence BIGINT NOT NULL,
           trajectory TEXT NOT NULL,
           body BYTEA NOT NULL);
         CREATE UNIQUE INDEX evaluator_labels_by_sequence ON evaluator_labels (sequence);
         CREATE INDEX evaluator_labels_by_trajectory ON evaluator_labels (trajectory, sequence);
         CREATE TABLE evaluator_label_samples (
           id TEXT PRIMARY KEY,
           body BYTEA NOT NULL);
         CREATE TABLE evaluator_drawn (
           sample TEXT NOT NULL,
           trajectory TEXT NOT NULL,
           probability DOUBLE PRECISION NOT NULL,
           PRIMARY KEY (sample, trajectory));
         CREATE TABLE evaluator_reflections (
           id TEXT PRIMARY KEY,
           body BYTEA NOT NULL);)"};
  return migrations;
}

const std::vector<v1::Evaluator>& BuiltIns() {
  static const auto* all = [] {
    auto* evaluators = new std::vector<v1::Evaluator>(Presets());
    evaluators->push_back(TaskOracleEvaluator());
    return evaluators;
  }();
  return *all;
}

// Null if there is none of this name.
const v1::Evaluator* BuiltIn(const std::string& name) {
  const auto found = std::find_if(BuiltIns().begin(), BuiltIns().end(),
                                  [&](const v1::Evaluator& evaluator) { return evaluator.name() == name; });
  return found == BuiltIns().end() ? nullptr : &*found;
}

// A stored one with its version by the rules in force: the one in the row may be by those of older code.
v1::Evaluator InForce(v1::Evaluator stored) {
  stored.set_version(EvaluatorVersion(stored));
  return stored;
}

}  // namespace

absl::Status MigrateTables(storage::Database& database) {
  return database.Migrate("evaluator", Migrations());
}

absl::StatusOr<v1::Evaluator> EvaluatorStore::Create(const CallContext& context,
                                                     const v1::Evaluator& evaluator) {
  PROCTOR_RETURN_IF_ERROR(ValidateEvaluator(evaluator));
  PROCTOR_ASSIGN_OR_RETURN(const std::string id, ResourceId("evaluators", evaluator.name()));
  v1::Evaluator stored = evaluator;
  stored.set_version(EvaluatorVersion(evaluator));
  *stored.mutable_create_time() = ToProto(clock_.Now());
  const auto same_or_exists = [&](const v1::Evaluator& other) -> absl::Status {
    if (EvaluatorVersion(other) == stored.version()) return absl::OkStatus();
    return absl::AlreadyExistsError(absl::StrCat(
        evaluator.name(), " exists with another configuration; give the new one another name"));
  };
  if (const v1::Evaluator* built_in = BuiltIn(evaluator.name())) {
    PROCTOR_RETURN_IF_ERROR(same_or_exists(*built_in));
    return *built_in;
  }
  const absl::Status written =
      database_.Write(context, [&](storage::Transaction& transaction) -> absl::Status {
        PROCTOR_ASSIGN_OR_RETURN(const auto found,
                                 Find<v1::Evaluator>(transaction, "evaluator_evaluators", id));
        if (found) {
          PROCTOR_RETURN_IF_ERROR(same_or_exists(*found));
          stored = InForce(*found);
          return absl::OkStatus();
        }
        return transaction
            .Execute("INSERT INTO evaluator_evaluators (id, version, body) VALUES ($1, $2, $3)",
                     {id, stored.version(), storage::Bytes{stored.SerializeAsString()}})
            .status();
      });
  if (!written.ok()) return written;
  return stored;
}

absl::StatusOr<v1::Evaluator> EvaluatorStore::Get(const CallContext& context,
                                                  const std::string& name) {
  if (name.empty()) return TaskOracleEvaluator();
  if (const v1::Evaluator* built_in = BuiltIn(name)) return *built_in;
  PROCTOR_ASSIGN_OR_RETURN(const std::string id, ResourceId("evaluators", name));
  std::optional<v1::Evaluator> found;
  PROCTOR_RETURN_IF_ERROR(
      database_.Read(context, [&](storage::Transaction& transaction) -> absl::Status {
        PROCTOR_ASSIGN_OR_RETURN(found,
                                 Find<v1::Evaluator>(transaction, "evaluator_evaluators", id));
        return absl::OkStatus();
      }));
  if (!found) return absl::NotFoundError(absl::StrCat("there is no ", name));
  return InForce(*std::move(found));
}

absl::StatusOr<std::vector<v1::Evaluator>> EvaluatorStore::List(const CallContext& context) {
  std::vector<v1::Evaluator> evaluators = BuiltIns();
  PROCTOR_RETURN_IF_ERROR(
      database_.Read(context, [&](storage::Transaction& transaction) -> absl::Status {
        PROCTOR_ASSIGN_OR_RETURN(
            const std::vector<storage::Row> rows,
            transaction.Query("SELECT id, body FROM evaluator_evaluators ORDER BY id LIMIT 1000",
                              {}));
        for (const storage::Row& row : rows) {
          PROCTOR_ASSIGN_OR_RETURN(v1::Evaluator stored, Decode<v1::Evaluator>(row, 1, row.Text(0)));
          evaluators.push_back(InForce(std::move(stored)));
        }
        return absl::OkStatus();
      }));
  std::sort(evaluators.begin(), evaluators.end(),
            [](const v1::Evaluator& a, const v1::Evaluator& b) { return a.name() < b.name(); });
  return evaluators;
}

absl::StatusOr<v1::Verdict> VerdictStore::PutWithin(storage::Transaction& transaction,
                                                    const v1::Verdict& verdict) {
  PROCTOR_ASSIGN_OR_RETURN(const std::string id, ResourceId("verdicts", verdict.name()));
  PROCTOR_ASSIGN_OR_RETURN(auto found, Find<v1::Verdict>(transaction, "evaluator_verdicts", id));
  if (found && !WorthAnotherTry(*found)) return *std::move(found);
  v1::Verdict stored = verdict;
  if (!stored.has_create_time()) *stored.mutable_create_time() = ToProto(clock_.Now());
  if (found) {
    PROCTOR_RETURN_IF_ERROR(transaction
                                .Execute("UPDATE evaluator_verdicts SET body = $2 WHERE id = $1",
                                         {id, storage::Bytes{stored.SerializeAsString()}})
                                .status());
    return stored;
  }
  // The newest is never deleted alone, so the next number is free.
  PROCTOR_RETURN_IF_ERROR(
      transaction
          .Execute("INSERT INTO evaluator_verdicts (id, sequence, trajectory, evaluator, body) "
                   "SELECT $1, COALESCE(MAX(sequence), 0) + 1, $2, $3, $4 FROM evaluator_verdicts",
                   {id, stored.trajectory(), stored.evaluator(),
                    storage::Bytes{stored.SerializeAsString()}})
          .status());
  return stored;
}

absl::StatusOr<v1::Verdict> VerdictStore::Put(const CallContext& context,
                                              const v1::Verdict& verdict) {
  v1::Verdict stored;
  PROCTOR_RETURN_IF_ERROR(
      database_.Write(context, [&](storage::Transaction& transaction) -> absl::Status {
        PROCTOR_ASSIGN_OR_RETURN(stored, PutWithin(transaction, verdict));
        return absl::OkStatus();
      }));
  return stored;
}

absl::StatusOr<v1::Verdict> VerdictStore::Get(const CallContext& context, const std::string& name) {
  PROCTOR_ASSIGN_OR_RETURN(const std::string id, ResourceId("verdicts", name));
  std::optional<v1::Verdict> found;
  PROCTOR_RETURN_IF_ERROR(
      database_.Read(context, [&](storage::Transaction& transaction) -> absl::Status {
        PROCTOR_ASSIGN_OR_RETURN(found, Find<v1::Verdict>(transaction, "evaluator_verdicts", id));
        return absl::OkStatus();
      }));
  if (!found) return absl::NotFoundError(absl::StrCat("there is no ", name));
  return *std::move(found);
}

absl::StatusOr<v1::ListVerdictsResponse> VerdictStore::List(
    const CallContext& context, const v1::ListVerdictsRequest& request) {
  if (request.page_size() < 0) return absl::InvalidArgumentError("page_size must not be negative");
  const int size =
      request.page_size() == 0 ? kDefaultPageSize : std::min(request.page_size(), kMaxPageSize);
  int64_t before = std::numeric_limits<int64_t>::max();
  if (!request.page_token().empty() &&
      (!absl::SimpleAtoi(request.page_token(), &before) || before <= 0)) {
    return absl::InvalidArgumentError("page_token is not one that this method gave");
  }
  std::string sql = "SELECT sequence, body FROM evaluator_verdicts WHERE sequence < $1";
  std::vector<storage::Value> parameters = {before};
  const auto filter = [&](const char* column, const std::string& value) {
    if (value.empty()) return;
    parameters.push_back(value);
    absl::StrAppend(&sql, " AND ", column, " = $", parameters.size());
  };
  filter("trajectory", request.trajectory());
  filter("evaluator", request.evaluator());
  parameters.push_back(int64_t{size} + 1);
  absl::StrAppend(&sql, " ORDER BY sequence DESC LIMIT $", parameters.size());
  v1::ListVerdictsResponse response;
  PROCTOR_RETURN_IF_ERROR(
      database_.Read(context, [&](storage::Transaction& transaction) -> absl::Status {
        int64_t last = 0;
        const auto add = [&](const storage::Row& row) -> absl::Status {
          last = row.Int(0);
          v1::Verdict& verdict = *response.add_verdicts();
          PROCTOR_ASSIGN_OR_RETURN(verdict, Decode<v1::Verdict>(row, 1, "verdict"));
          // A page of traces would not fit into a message.
          verdict.clear_questions();
          verdict.clear_members();
          return absl::OkStatus();
        };
        PROCTOR_ASSIGN_OR_RETURN(const bool more, storage::ForEachOfPage(transaction, sql, parameters, size, add));
        if (more) response.set_next_page_token(absl::StrCat(last));
        return absl::OkStatus();
      }));
  return response;
}

}  // namespace proctor::evaluator
