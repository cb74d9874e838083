#include "server/trajectory_jobs.h"

#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "proctor/v1/trajectory_service.pb.h"
#include "trajectory/folder_export.h"
#include "trajectory/formats/export_runs.h"
#include "trajectory/formats/import_runs.h"

namespace proctor::server {
namespace {

// Unpacks the job's request; INTERNAL if it is of another type (a job table of another version).
template <typename Request>
absl::StatusOr<Request> RequestOf(const v1::Job& job) {
  Request request;
  if (job.request().UnpackTo(&request)) return request;
  return absl::InternalError(absl::StrCat(job.name(), " holds a request of another type"));
}

google::protobuf::Any Packed(const google::protobuf::Message& message) {
  google::protobuf::Any any;
  any.PackFrom(message);
  return any;
}

absl::StatusOr<google::protobuf::Any> Import(const CallContext& context, const v1::Job& job, JobProgress& progress,
                                             trajectory::Archive& archive, const std::string& exchange_dir) {
  PROCTOR_ASSIGN_OR_RETURN(const auto request, RequestOf<v1::ImportTrajectoriesRequest>(job));
  PROCTOR_ASSIGN_OR_RETURN(const std::string folder,
                           trajectory::ResolveExchangePath(exchange_dir, request.folder()));
  PROCTOR_ASSIGN_OR_RETURN(const auto result,
                           trajectory::formats::ImportRuns(
                               context, archive, folder, {.format = request.format(), .split = request.split()},
                               [&](int64_t done, int64_t total) { return progress.Report(done, total, "importing"); }));
  return Packed(result);
}

absl::StatusOr<google::protobuf::Any> Export(const CallContext& context, const v1::Job& job, JobProgress& progress,
                                             trajectory::Archive& archive, const std::string& exchange_dir) {
  PROCTOR_ASSIGN_OR_RETURN(const auto request, RequestOf<v1::ExportTrajectoriesRequest>(job));
  PROCTOR_ASSIGN_OR_RETURN(const std::string folder,
                           trajectory::ResolveExchangePath(exchange_dir, request.folder()));
  // The server was killed after the folder had appeared, which it does once the result is kept.
  std::error_code unknown;
  if (job.has_result() && std::filesystem::exists(folder, unknown)) return job.result();
  PROCTOR_ASSIGN_OR_RETURN(const trajectory::ExportChoice choice, trajectory::ChooseForExport(context, archive, request));
  PROCTOR_ASSIGN_OR_RETURN(
      const auto result,
      trajectory::formats::ExportRuns(
          context, archive, choice, folder, request.format(),
          [&](int64_t done, int64_t total) { return progress.Report(done, total, "exporting"); },
          [&](const v1::ExportTrajectoriesResult& written) { return progress.KeepResult(written); }));
  return Packed(result);
}

}  // namespace

void RegisterTrajectoryJobs(JobRunner& jobs, DataDirectory& data, const std::string& exchange_dir) {
  trajectory::Archive& archive = *data.archive;
  jobs.Register(kImportJob, [&archive, exchange_dir](const CallContext& context, const v1::Job& job,
                                                     JobProgress& progress) {
    return Import(context, job, progress, archive, exchange_dir);
  });
  jobs.Register(kExportJob, [&archive, exchange_dir](const CallContext& context, const v1::Job& job,
                                                     JobProgress& progress) {
    return Export(context, job, progress, archive, exchange_dir);
  });
}

}  // namespace proctor::server
