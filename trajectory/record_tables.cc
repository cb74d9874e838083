#include "trajectory/record_tables.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/ids.h"
#include "common/proto_json.h"
#include "common/proto_time.h"
#include "common/status.h"
#include "trajectory/digest_chain.h"
#include "trajectory/record_form.h"

namespace proctor::trajectory {
namespace {

using storage::Bytes;
using storage::Row;
using storage::Transaction;

// Bytes of all steps of record $1.
constexpr char kStepBytes[] =
    "COALESCE(step_bytes, (SELECT COALESCE(SUM(LENGTH(step)), 0) FROM trajectory_steps WHERE trajectory = $1))";

// What it sets is left out of the digest of a record's begin (digest_chain.h).
void MergeEnding(const v1::Trajectory& ending, v1::Trajectory& header) {
  *header.mutable_end_time() = ending.end_time();
  header.set_end_kind(ending.end_kind());
  header.set_end_reason(ending.end_reason());
  header.set_end_message(ending.end_message());
  header.set_server_seconds(ending.server_seconds());
  header.set_agent_seconds(ending.agent_seconds());
  header.mutable_evidence()->MergeFrom(ending.evidence());
  header.set_closed(true);
}

absl::Status LostSteps(const std::string& id, int64_t found, int64_t expected) {
  return absl::DataLossError(absl::StrCat("trajectories/", id, " lost steps: ", found, " of ", expected, " are there"));
}

// What the closed record's digest goes on from: all steps of a record without links, the last digest of a linked one.
absl::StatusOr<DigestChain> ChainOfOpen(Transaction& transaction, const std::string& id, const RecordRow& record) {
  DigestChain chain(record.header);
  if (!IsLinked(record.header)) {
    PROCTOR_ASSIGN_OR_RETURN(const std::vector<Row> rows,
                             transaction.Query("SELECT digest FROM trajectory_steps WHERE trajectory = $1 ORDER BY step_index", {id}));
    if (static_cast<int64_t>(rows.size()) != record.step_count) return LostSteps(id, static_cast<int64_t>(rows.size()), record.step_count);
    for (const Row& row : rows) chain.Add(row.Text(0));
    return chain;
  }
  PROCTOR_ASSIGN_OR_RETURN(const std::vector<Row> counted,
                           transaction.Query("SELECT COUNT(*) FROM trajectory_steps WHERE trajectory = $1", {id}));
  if (counted[0].Int(0) != record.step_count) return LostSteps(id, counted[0].Int(0), record.step_count);
  if (record.step_count > 0) {
    PROCTOR_ASSIGN_OR_RETURN(
        const std::vector<Row> last,
        transaction.Query("SELECT digest FROM trajectory_steps WHERE trajectory = $1 AND step_index = $2", {id, record.step_count - 1}));
    chain.GoOnFrom(last.empty() ? "" : last[0].Text(0));
  }
  if (chain.last() != record.digest) {
    return absl::DataLossError(absl::StrCat("the end of trajectories/", id, " is not what was recorded last: proctord --fsck tells more"));
  }
  return chain;
}

absl::Status InsertStepRow(Transaction& transaction, const std::string& id, const StepRow& step, const std::string& digest) {
  return transaction
      .Execute("INSERT INTO trajectory_steps (trajectory, step_index, digest, step) "
               "VALUES ($1, $2, $3, $4)",
               {id, step.index, digest, Bytes{step.bytes}})
      .status();
}

// Of those of [first, first + limit) that are there. DATA_LOSS: there is a gap, or one cannot be read.
absl::Status ForEachStep(Transaction& transaction, const std::string& id, int64_t first, int64_t limit, const StepVisit& visit) {
  int64_t next = first;
  return transaction.ForEach("SELECT step FROM trajectory_steps WHERE trajectory = $1 AND "
                             "step_index >= $2 ORDER BY step_index LIMIT $3",
                             {id, first, limit}, [&](const Row& row) -> absl::StatusOr<bool> {
                               v1::Step step;
                               if (!step.ParseFromString(row.Text(0)) || step.index() != next) {
                                 return absl::DataLossError(
                                     absl::StrCat("step ", next, " of trajectories/", id, " is missing or corrupt"));
                               }
                               ++next;
                               PROCTOR_RETURN_IF_ERROR(visit(std::move(step)));
                               return true;
                             });
}

// Why an open record did not take step `index`.
absl::Status RefuseStep(Transaction& transaction, const std::string& id, int64_t index) {
  PROCTOR_ASSIGN_OR_RETURN(const RecordRow record, LoadRecord(transaction, id));
  if (record.header.closed()) {
    return absl::FailedPreconditionError(absl::StrCat("trajectories/", id, " is closed"));
  }
  if (record.step_count == index) {
    return absl::FailedPreconditionError(
        absl::StrCat("trajectories/", id, " was begun by an older program, and cannot be continued: begin another"));
  }
  return absl::AbortedError(absl::StrCat("step ", index, " of trajectories/", id,
                                         " does not follow: the next one is ",
                                         record.step_count));
}

constexpr char kInsertReplay[] =
    "INSERT INTO trajectory_replays (request_id, request_digest, response, create_time) "
    "VALUES ($1, $2, $3, $4)";

std::vector<storage::Value> ReplayValues(const ReplayRow& replay, absl::Time now) {
  return {replay.request_id, replay.request_digest, Bytes{replay.response},
          absl::ToUnixMicros(now)};
}

}  // namespace

StepRow MakeStepRow(const v1::Step& step) {
  StepRow row{.index = step.index(), .sha256 = "", .bytes = ProtoCanonicalBytes(step)};
  row.sha256 = Sha256Hex(row.bytes);
  return row;
}

absl::StatusOr<v1::Trajectory> ParseHeader(const std::string& id, const std::string& bytes) {
  v1::Trajectory header;
  if (!header.ParseFromString(bytes) || header.name() != ResourceName("trajectories", id)) {
    return absl::DataLossError(absl::StrCat("the record of trajectories/", id, " is corrupt"));
  }
  return header;
}

absl::Status InsertRecord(Transaction& transaction, const std::string& id,
                          const v1::Trajectory& header, int64_t step_bytes) {
  return transaction
      .Execute("INSERT INTO trajectory_records (id, start_time, closed, end_kind, environment, task, "
               "split, policy, policy_version, group_name, step_count, digest, header, step_bytes) "
               "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
               {id, absl::ToUnixMicros(FromProto(header.start_time())),
                int64_t{header.closed() ? 1 : 0}, int64_t{header.end_kind()},
                header.environment(), header.task().name(), int64_t{header.task().split()},
                header.policy().policy(), header.policy().version(), header.group(),
                int64_t{header.step_count()}, header.closed() ? header.digest() : DigestChain(header).last(),
                Bytes{ProtoCanonicalBytes(header)}, step_bytes})
      .status();
}

absl::Status UpdateHeader(Transaction& transaction, const std::string& id, const v1::Trajectory& header) {
  PROCTOR_ASSIGN_OR_RETURN(const int64_t updated, transaction.Execute("UPDATE trajectory_records SET header = $2 WHERE id = $1",
                                                                      {id, Bytes{ProtoCanonicalBytes(header)}}));
  return updated == 1 ? absl::OkStatus() : absl::NotFoundError(absl::StrCat("no trajectory trajectories/", id));
}

absl::StatusOr<RecordRow> LoadRecord(Transaction& transaction, const std::string& id) {
  PROCTOR_ASSIGN_OR_RETURN(
      const std::vector<Row> rows,
      transaction.Query("SELECT header, step_count, digest FROM trajectory_records WHERE id = $1", {id}));
  if (rows.empty()) return absl::NotFoundError(absl::StrCat("no trajectory trajectories/", id));
  RecordRow record;
  PROCTOR_ASSIGN_OR_RETURN(record.header, ParseHeader(id, rows[0].Text(0)));
  record.step_count = rows[0].Int(1);
  record.digest = rows[0].Text(2);
  record.header.set_step_count(static_cast<int32_t>(record.step_count));
  return record;
}

absl::StatusOr<int64_t> LoadStepBytes(Transaction& transaction, const std::string& id) {
  PROCTOR_ASSIGN_OR_RETURN(const std::vector<Row> rows,
                           transaction.Query(absl::StrCat("SELECT ", kStepBytes, " FROM trajectory_records WHERE id = $1"), {id}));
  if (rows.empty()) return absl::NotFoundError(absl::StrCat("no trajectory trajectories/", id));
  return rows[0].Int(0);
}

absl::Status InsertStep(Transaction& transaction, const std::string& id, const StepRow& step) {
  PROCTOR_ASSIGN_OR_RETURN(
      const std::vector<Row> open,
      transaction.Query(absl::StrCat("SELECT digest, ", kStepBytes,
                                     " FROM trajectory_records WHERE id = $1 AND closed = 0 AND step_count = $2 AND digest <> ''"),
                        {id, step.index}));
  if (open.empty()) return RefuseStep(transaction, id, step.index);
  const int64_t step_bytes = open[0].Int(1) + static_cast<int64_t>(step.bytes.size());
  if (step_bytes > kMaxAllStepsBytes) return RecordIsFull(ResourceName("trajectories", id), step.index, step_bytes);
  const std::string digest = LinkStep(open[0].Text(0), step.sha256);
  PROCTOR_RETURN_IF_ERROR(
      transaction
          .Execute("UPDATE trajectory_records SET step_count = step_count + 1, digest = $2, step_bytes = $3 WHERE id = $1",
                   {id, digest, step_bytes})
          .status());
  return InsertStepRow(transaction, id, step, digest);
}

absl::Status InsertClosedRecord(Transaction& transaction, const std::string& id,
                                const v1::Trajectory& header, const std::vector<StepRow>& steps) {
  int64_t step_bytes = 0;
  for (const StepRow& step : steps) step_bytes += static_cast<int64_t>(step.bytes.size());
  PROCTOR_RETURN_IF_ERROR(InsertRecord(transaction, id, header, step_bytes));
  DigestChain chain(header);
  for (const StepRow& step : steps) {
    PROCTOR_RETURN_IF_ERROR(InsertStepRow(transaction, id, step, chain.Add(step.sha256)));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<v1::Step>> LoadSteps(Transaction& transaction, const std::string& id,
                                                int64_t first, int64_t limit) {
  std::vector<v1::Step> steps;
  PROCTOR_RETURN_IF_ERROR(ForEachStep(transaction, id, first, limit, [&](v1::Step step) {
    steps.push_back(std::move(step));
    return absl::OkStatus();
  }));
  return steps;
}

absl::Status ForEveryStep(Transaction& transaction, const std::string& id, int64_t step_count, const StepVisit& visit) {
  int64_t found = 0;
  PROCTOR_RETURN_IF_ERROR(ForEachStep(transaction, id, 0, step_count, [&](v1::Step step) {
    ++found;
    return visit(std::move(step));
  }));
  return found == step_count ? absl::OkStatus() : LostSteps(id, found, step_count);
}

absl::Status InsertBlobs(Transaction& transaction, const std::string& id,
                         const std::vector<std::string>& digests) {
  for (const std::string& digest : digests) {
    PROCTOR_RETURN_IF_ERROR(transaction
                                .Execute("INSERT INTO trajectory_blobs (trajectory, digest) "
                                         "VALUES ($1, $2) ON CONFLICT DO NOTHING",
                                         {id, digest})
                                .status());
  }
  return absl::OkStatus();
}

absl::Status NoteLoose(Transaction& transaction, const std::vector<std::string>& digests, absl::Time now) {
  for (const std::string& digest : digests) {
    PROCTOR_RETURN_IF_ERROR(transaction
                                .Execute("INSERT INTO trajectory_loose (digest, create_time) VALUES ($1, $2) ON CONFLICT (digest) DO UPDATE "
                                         "SET create_time = $2",
                                         {digest, absl::ToUnixMicros(now)})
                                .status());
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::Trajectory> CloseRecord(Transaction& transaction, const std::string& id,
                                           const v1::Trajectory& ending) {
  PROCTOR_ASSIGN_OR_RETURN(RecordRow record, LoadRecord(transaction, id));
  if (record.header.closed()) {
    return absl::FailedPreconditionError(absl::StrCat("trajectories/", id, " is closed"));
  }
  PROCTOR_ASSIGN_OR_RETURN(const DigestChain chain, ChainOfOpen(transaction, id, record));
  v1::Trajectory& header = record.header;
  MergeEnding(ending, header);
  header.set_digest(chain.End(header));
  PROCTOR_RETURN_IF_ERROR(
      transaction
          .Execute("UPDATE trajectory_records SET closed = 1, end_kind = $2, digest = $3, header = $4 "
                   "WHERE id = $1",
                   {id, int64_t{header.end_kind()}, header.digest(),
                    Bytes{ProtoCanonicalBytes(header)}})
          .status());
  return header;
}

absl::StatusOr<v1::Episode> ParseEpisode(const std::string& id, const std::string& bytes) {
  v1::Episode episode;
  if (!episode.ParseFromString(bytes) || episode.name() != ResourceName("episodes", id)) {
    return absl::DataLossError(absl::StrCat("the row of episodes/", id, " is corrupt"));
  }
  return episode;
}

absl::Status PutEpisode(Transaction& transaction, const std::string& id,
                        const v1::Episode& episode) {
  return transaction
      .Execute("INSERT INTO trajectory_episodes "
               "(id, start_time, session, task, policy, state, result_state, episode) "
               "VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO UPDATE SET "
               "state = excluded.state, result_state = excluded.result_state, "
               "episode = excluded.episode",
               {id, absl::ToUnixMicros(FromProto(episode.start_time())), episode.session(),
                episode.task(), episode.policy().policy(), int64_t{episode.state()},
                int64_t{episode.result_state()}, Bytes{episode.SerializeAsString()}})
      .status();
}

absl::Status InsertReplay(Transaction& transaction, const ReplayRow& replay, absl::Time now) {
  if (replay.request_id.empty()) return absl::OkStatus();
  return Annotate(transaction.Execute(kInsertReplay, ReplayValues(replay, now)).status(),
                  absl::StrCat("answer of request '", replay.request_id, "'"));
}

absl::Status PutReplay(Transaction& transaction, const ReplayRow& replay, absl::Time now) {
  if (replay.request_id.empty()) return absl::OkStatus();
  return transaction
      .Execute(absl::StrCat(kInsertReplay,
                            " ON CONFLICT (request_id) DO UPDATE SET request_digest = "
                            "excluded.request_digest, response = excluded.response, "
                            "create_time = excluded.create_time"),
               ReplayValues(replay, now))
      .status();
}

}  // namespace proctor::trajectory
