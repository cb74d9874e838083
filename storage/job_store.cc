#include "storage/job_store.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/ids.h"
#include "common/log.h"
#include "common/proto_json.h"
#include "common/proto_time.h"
#include "common/status.h"
#include "storage/page.h"

namespace proctor::storage {
namespace {

constexpr int kDefaultPageSize = 50;
constexpr int kMaxPageSize = 1'000;
// All that are queued are in memory, and at a start read at once.
constexpr size_t kMaxRequestBytes = 4 << 20;

const std::vector<std::string>& Migrations() {
  static const std::vector<std::string> migrations = {
      "CREATE TABLE storage_jobs (id TEXT PRIMARY KEY, state BIGINT NOT NULL, request_id TEXT, "
      "request_digest TEXT NOT NULL, job BYTEA NOT NULL);"
      "CREATE UNIQUE INDEX storage_jobs_request ON storage_jobs (request_id);"
      "CREATE INDEX storage_jobs_state ON storage_jobs (state)"};
  return migrations;
}

absl::StatusOr<v1::Job> Parse(const std::string& bytes) {
  v1::Job job;
  if (!job.ParseFromString(bytes)) return absl::DataLossError("a job's record is corrupt");
  return job;
}

absl::StatusOr<v1::Job> Load(Transaction& transaction, const std::string& id) {
  PROCTOR_ASSIGN_OR_RETURN(const std::vector<Row> rows,
                           transaction.Query("SELECT job FROM storage_jobs WHERE id = $1", {id}));
  if (rows.empty()) return absl::NotFoundError(absl::StrCat("no job jobs/", id));
  return Parse(rows[0].Text(0));
}

absl::Status Save(Transaction& transaction, const std::string& id, const v1::Job& job) {
  return transaction
      .Execute("UPDATE storage_jobs SET state = $2, job = $3 WHERE id = $1",
               {id, static_cast<int64_t>(job.state()), Bytes{job.SerializeAsString()}})
      .status();
}

absl::StatusOr<std::string> IdOf(const std::string& name) { return ResourceId("jobs", name); }

// What a change may not touch, and the times that follow from the state.
void Settle(const v1::Job& before, absl::Time now, v1::Job& job) {
  job.set_name(before.name());
  job.set_kind(before.kind());
  *job.mutable_request() = before.request();
  *job.mutable_create_time() = before.create_time();
  if (job.state() == v1::JOB_STATE_RUNNING && !job.has_start_time()) {
    *job.mutable_start_time() = ToProto(now);
  }
  if (JobHasEnded(job)) *job.mutable_end_time() = ToProto(now);
}

}  // namespace

bool JobHasEnded(const v1::Job& job) {
  return job.state() == v1::JOB_STATE_SUCCEEDED || job.state() == v1::JOB_STATE_FAILED ||
         job.state() == v1::JOB_STATE_CANCELLED;
}

absl::StatusOr<std::unique_ptr<JobStore>> JobStore::Open(Database& database, Clock& clock) {
  PROCTOR_RETURN_IF_ERROR(database.Migrate("storage_jobs", Migrations()));
  return std::unique_ptr<JobStore>(new JobStore(database, clock));
}

absl::StatusOr<v1::Job> JobStore::Create(const CallContext& context, const std::string& kind,
                                         const google::protobuf::Message& request,
                                         const std::string& request_id) {
  if (request.ByteSizeLong() > kMaxRequestBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("a job's request has ", request.ByteSizeLong(), " bytes, more than ", kMaxRequestBytes, ": make several jobs of it"));
  }
  const std::string id = NewId();
  const std::string digest = Sha256Hex(absl::StrCat(kind, "\n", ProtoCanonicalBytes(request)));
  v1::Job job;
  job.set_name(ResourceName("jobs", id));
  job.set_kind(kind);
  job.set_state(v1::JOB_STATE_QUEUED);
  job.mutable_request()->PackFrom(request);
  *job.mutable_create_time() = ToProto(clock_.Now());
  PROCTOR_RETURN_IF_ERROR(database_.Write(context, [&](Transaction& transaction) -> absl::Status {
    Value request_key = std::monostate();
    if (!request_id.empty()) {
      request_key = request_id;
      PROCTOR_ASSIGN_OR_RETURN(
          const std::vector<Row> rows,
          transaction.Query("SELECT request_digest, job FROM storage_jobs WHERE request_id = $1",
                            {request_id}));
      if (!rows.empty() && rows[0].Text(0) != digest) {
        return absl::InvalidArgumentError(
            absl::StrCat("request_id '", request_id, "' was used for another request"));
      }
      if (!rows.empty()) {
        PROCTOR_ASSIGN_OR_RETURN(job, Parse(rows[0].Text(1)));
        return absl::OkStatus();
      }
    }
    return transaction
        .Execute("INSERT INTO storage_jobs (id, state, request_id, request_digest, job) "
                 "VALUES ($1, $2, $3, $4, $5)",
                 {id, static_cast<int64_t>(job.state()), request_key, digest,
                  Bytes{job.SerializeAsString()}})
        .status();
  }));
  return job;
}

absl::StatusOr<v1::Job> JobStore::Get(const CallContext& context, const std::string& name) {
  PROCTOR_ASSIGN_OR_RETURN(const std::string id, IdOf(name));
  v1::Job job;
  PROCTOR_RETURN_IF_ERROR(database_.Read(context, [&](Transaction& transaction) -> absl::Status {
    PROCTOR_ASSIGN_OR_RETURN(job, Load(transaction, id));
    return absl::OkStatus();
  }));
  return job;
}

absl::StatusOr<JobStore::Page> JobStore::List(const CallContext& context, int page_size,
                                              const std::string& page_token) {
  if (page_size < 0) return absl::InvalidArgumentError("page_size is negative");
  // Ids sort by time, so the last id of a page is where the next one goes on.
  if (!page_token.empty() && !IdOf(ResourceName("jobs", page_token)).ok()) {
    return absl::InvalidArgumentError("page_token is not one of ListJobs");
  }
  const int64_t limit = page_size == 0 ? kDefaultPageSize : std::min(page_size, kMaxPageSize);
  Page page;
  PROCTOR_RETURN_IF_ERROR(database_.Read(context, [&](Transaction& transaction) -> absl::Status {
    std::string last;
    PROCTOR_ASSIGN_OR_RETURN(
        const bool more,
        ForEachOfPage(transaction, "SELECT id, job FROM storage_jobs WHERE $1 = '' OR id < $1 ORDER BY id DESC LIMIT $2",
                      {page_token, limit + 1}, limit, [&](const Row& row) {
                        last = row.Text(0);
                        absl::StatusOr<v1::Job> job = Parse(row.Text(1));
                        if (job.ok()) page.jobs.push_back(*std::move(job));
                        return absl::OkStatus();
                      }));
    if (more) page.next_page_token = last;
    return absl::OkStatus();
  }));
  return page;
}

absl::StatusOr<v1::Job> JobStore::Update(const CallContext& context, const std::string& name,
                                         const std::function<absl::Status(v1::Job&)>& change) {
  PROCTOR_ASSIGN_OR_RETURN(const std::string id, IdOf(name));
  v1::Job job;
  PROCTOR_RETURN_IF_ERROR(database_.Write(context, [&](Transaction& transaction) -> absl::Status {
    PROCTOR_ASSIGN_OR_RETURN(const v1::Job before, Load(transaction, id));
    if (JobHasEnded(before)) {
      return absl::FailedPreconditionError(absl::StrCat(
          name, " has ended: ", v1::JobState_Name(before.state())));
    }
    job = before;
    PROCTOR_RETURN_IF_ERROR(change(job));
    Settle(before, clock_.Now(), job);
    return Save(transaction, id, job);
  }));
  return job;
}

absl::StatusOr<std::vector<v1::Job>> JobStore::Recover(const CallContext& context) {
  std::vector<v1::Job> jobs;
  PROCTOR_RETURN_IF_ERROR(database_.Write(context, [&](Transaction& transaction) -> absl::Status {
    PROCTOR_ASSIGN_OR_RETURN(
        const std::vector<Row> rows,
        transaction.Query("SELECT id, job FROM storage_jobs WHERE state IN ($1, $2) ORDER BY id",
                          {static_cast<int64_t>(v1::JOB_STATE_QUEUED),
                           static_cast<int64_t>(v1::JOB_STATE_RUNNING)}));
    for (const Row& row : rows) {
      absl::StatusOr<v1::Job> job = Parse(row.Text(1));
      if (!job.ok()) {
        LogError("a job is damaged: it stays as it is, and is not run", {{"job", ResourceName("jobs", row.Text(0))}});
        continue;
      }
      if (job->state() == v1::JOB_STATE_RUNNING) {
        job->set_state(v1::JOB_STATE_QUEUED);
        PROCTOR_RETURN_IF_ERROR(Save(transaction, row.Text(0), *job));
      }
      jobs.push_back(*std::move(job));
    }
    return absl::OkStatus();
  }));
  return jobs;
}

}  // namespace proctor::storage
