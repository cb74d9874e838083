#include "server/trajectory_service.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/ids.h"
#include "common/log.h"
#include "common/status.h"
#include "env/request_checks.h"
#include "proctor/v1/trajectory_service.grpc.pb.h"
#include "server/auth/storage_meter.h"
#include "server/rpc/call_memory.h"
#include "server/rpc/door.h"
#include "server/rpc/stream.h"
#include "server/rpc/unary.h"
#include "server/trajectory_jobs.h"
#include "trajectory/record_form.h"
#include "trajectory/record_stream.h"

namespace proctor::server {
namespace {

constexpr size_t kChunkBytes = 1 << 20;
// Of one reading, or of what is done for one message of a recording: streams have no deadline of their own.
constexpr absl::Duration kStoreCap = absl::Minutes(5);
// How long a recording's answer waits for its verdict.
constexpr absl::Duration kVerdictWait = absl::Seconds(5);

v1::StartEpisodeRequest StartOf(const v1::RecordHeader& header) {
  v1::StartEpisodeRequest start;
  if (header.has_task()) start.set_task(header.task());
  if (header.has_inline_task()) *start.mutable_inline_task() = header.inline_task();
  start.set_group(header.group());
  *start.mutable_policy() = header.policy();
  return start;
}

// Recordings are admitted as episodes of sessions are. `tenant` pays for what judges them costs.
trajectory::RecordingHost HostOf(const TrajectoryServiceParts& parts, std::string tenant) {
  return {.admit = [&parts, tenant = std::move(tenant)](const CallContext& call, const v1::RecordHeader& header,
                                                        const std::string& id) -> absl::StatusOr<v1::Task> {
            PROCTOR_RETURN_IF_ERROR(env::CheckPolicy(header.policy()));
            PROCTOR_RETURN_IF_ERROR(env::CheckClientTags(header.client_tags()));
            PROCTOR_ASSIGN_OR_RETURN(v1::Task task, parts.pipeline.Admit(call, StartOf(header), id));
            if (!parts.quotas.limits_judge_spend()) return task;
            const absl::Status known = parts.accounts.AddRecording(call, tenant, id);
            if (known.ok()) return task;
            parts.pipeline.Abandon(StartOf(header), id);
            return known;
          },
          .withdraw = [&parts](const v1::RecordHeader& header, const std::string& id) {
            parts.pipeline.Abandon(StartOf(header), id);
          }};
}

// Sends a blob in chunks; the next one when the last went out. Its memory is taken until the client has all of it, or the call was ended because
// it took nothing.
class BlobReader final : public ServerStreamHandler<v1::ReadBlobResponse> {
 public:
  BlobReader(const TrajectoryServiceParts& parts, std::string digest)
      : parts_(parts), digest_(std::move(digest)), share_(parts.blob_memory) {}

  void OnOpen(std::shared_ptr<StreamWriter<v1::ReadBlobResponse>> writer) override {
    writer_ = std::move(writer);
    const absl::Status read = Read();
    if (!read.ok()) {
      writer_->Finish(read);
      return;
    }
    OnDrained();
  }

  bool wants_drained() const override { return true; }
  void OnDrained() override {
    if (finished_) return;
    v1::ReadBlobResponse chunk;
    if (sent_ == 0) chunk.set_size_bytes(static_cast<int64_t>(bytes_.size()));
    if (bytes_.size() <= kChunkBytes) {
      chunk.set_data(std::move(bytes_));
      finished_ = true;
    } else {
      const size_t size = std::min(kChunkBytes, bytes_.size() - sent_);
      chunk.set_data(bytes_.data() + sent_, size);
      sent_ += size;
      finished_ = sent_ == bytes_.size();
    }
    writer_->Write(std::move(chunk));
    if (finished_) writer_->Finish(absl::OkStatus());
  }

  absl::Status stalled(absl::Duration timeout) const override {
    return absl::DeadlineExceededError(absl::StrCat("nothing of blob ", digest_, " was taken for ", absl::FormatDuration(timeout),
                                                    " (connections.stalled_reader_timeout): read it again"));
  }

  // The memory goes with the handler.
  void OnClosed() override {}

 private:
  absl::Status Read() {
    const CallContext call = writer_->call().Child(kStoreCap);
    // Without a size there are no bytes either, and Get says why.
    if (const auto size = parts_.data.blobs->Size(digest_); size.ok()) PROCTOR_RETURN_IF_ERROR(share_.Add(*size));
    PROCTOR_ASSIGN_OR_RETURN(bytes_, parts_.data.blobs->Get(call, digest_));
    return absl::OkStatus();
  }

  const TrajectoryServiceParts& parts_;
  const std::string digest_;
  std::shared_ptr<StreamWriter<v1::ReadBlobResponse>> writer_;
  std::string bytes_;
  ByteBudget::Share share_;
  size_t sent_ = 0;
  bool finished_ = false;
};

// A client stream as a reactor: one message is read, recorded on the pool, then the next is read. A client may take its time between steps,
// but not over a blob that comes in parts, for which memory is held that others want.
class RecordReactor final : public grpc::ServerReadReactor<v1::RecordTrajectoryRequest> {
 public:
  RecordReactor(grpc::CallbackServerContext& context, TrajectoryServiceParts& parts, v1::Trajectory& response)
      : server_context_(context),
        parts_(parts),
        response_(response),
        call_(StreamContextOf(context)),
        tenant_(CallerOf(context).tenant),
        stream_(*parts.data.archive, HostOf(parts, tenant_)),
        blob_memory_(parts.blob_memory) {
    if (parts.quotas.limits_storage()) meter_.emplace(parts.quotas, parts.accounts, tenant_);
    StartRead(&request_);
  }

  // A message takes memory while it waits for a thread; the parts of a blob until it is whole.
  void OnReadDone(bool ok) override {
    parts_.patience.timers.Cancel(std::exchange(timer_, 0));
    if (ok) held_ = blob_memory_.Add(MemoryOf(request_));
    parts_.pool.Post([this, ok] {
      if (!stalled_.ok()) {
        Fail(stalled_);
      } else {
        ok ? Record() : End();
      }
    });
  }
  void OnCancel() override { call_.cancel()->Cancel(); }
  void OnDone() override { delete this; }

 private:
  void Record() {
    absl::Status status = held_;
    if (status.ok() && meter_) status = meter_->Take(request_.ByteSizeLong());
    if (status.ok()) status = Handle();
    if (!status.ok()) {
      Fail(status);
      return;
    }
    ReadOn();
  }

  void ReadOn() {
    if (request_.blob().more()) {
      const auto now = std::chrono::steady_clock::now();
      if (!blob_since_.has_value()) blob_since_ = now;
      blob_bytes_ += static_cast<int64_t>(request_.blob().data().size());
      timer_ = parts_.patience.timers.RunAfter(BlobPatience() - absl::FromChrono(now - *blob_since_), [this] { Stalled(); });
    } else {
      blob_since_.reset();
      blob_bytes_ = 0;
    }
    request_.Clear();
    StartRead(&request_);
  }

  // For all parts so far and the next, which may be as large as a message can be: parts of a byte each do not hold memory for ever.
  absl::Duration BlobPatience() const { return parts_.patience.For(static_cast<size_t>(blob_bytes_ + parts_.max_message_bytes)); }

  // On the timers' thread. The read is under way, so the call still lives; it fails now.
  void Stalled() {
    stalled_ = absl::DeadlineExceededError(
        absl::StrCat("of a blob came ", blob_bytes_, " bytes and no other part in ", absl::FormatDuration(BlobPatience()),
                     " (connections.stalled_reader_timeout, once more for each 16 MiB of them and of connections.max_message_bytes): record it again"));
    BreakCall(server_context_, stalled_);
  }

  absl::Status Handle() {
    if (request_.has_header()) {
      PROCTOR_ASSIGN_OR_RETURN(*request_.mutable_header()->mutable_request_id(), TenantRequestId(tenant_, request_.header().request_id()));
    }
    PROCTOR_RETURN_IF_ERROR(stream_.Handle(call_.Child(kStoreCap), request_));
    if (!request_.blob().more()) blob_memory_.Clear();
    return absl::OkStatus();
  }

  void End() {
    const absl::Status cancelled = call_.Check("recording a trajectory");
    if (!cancelled.ok()) {
      Fail(cancelled);
      return;
    }
    absl::StatusOr<v1::Trajectory> closed = stream_.Finish(call_.Child(kStoreCap));
    if (!closed.ok()) {
      Fail(closed.status());
      return;
    }
    response_ = *std::move(closed);
    const std::string episode = stream_.closed_episode();
    if (episode.empty()) {
      Finish(grpc::Status::OK);  // A retry: judged before.
      return;
    }
    // Masked, if another call of the same request was first.
    Closed(episode);
    // Whatever becomes of the wait, the recording is acknowledged; its reward comes in any case.
    parts_.pipeline.WaitForOracles(call_.Child(kStoreCap), ResourceName("episodes", episode), kVerdictWait,
                                   [this](const absl::StatusOr<v1::Episode>&) { Finish(grpc::Status::OK); });
  }

  void Fail(const absl::Status& status) {
    const absl::Status closed = stream_.Abandon(CallContext::WithTimeout(absl::Seconds(30)), std::string(status.message()));
    if (!closed.ok()) {
      LogError("a broken recording was not closed; trying again", {{"error", closed.ToString()}});
      // As Abandon would have.
      NotClosed(stream_.open_episode(), std::string(status.message()));
    }
    // Masked, or judged if it broke after its end.
    if (const std::string episode = stream_.closed_episode(); !episode.empty()) Closed(episode);
    Finish(ToGrpcStatus(status, server_context_));
  }

  void Closed(const std::string& episode) {
    if (meter_) meter_->Settle(episode, 0);
    parts_.pipeline.Closed(episode);
  }

  void NotClosed(const std::string& episode, const std::string& message) {
    if (meter_) meter_->Settle(episode, 0);
    parts_.pipeline.NotClosed(episode, v1::END_REASON_CANCELLED, message);
  }

  grpc::CallbackServerContext& server_context_;
  TrajectoryServiceParts& parts_;
  v1::Trajectory& response_;
  const CallContext call_;
  const std::string tenant_;
  // Nothing where no tenant has a quota of storage.
  std::optional<StorageMeter> meter_;
  trajectory::RecordStream stream_;
  // For the message at hand, and the parts of a blob that came in so far.
  ByteBudget::Share blob_memory_;
  absl::Status held_;
  // Of the blob whose parts come in: since when, and how many bytes came so far.
  std::optional<std::chrono::steady_clock::time_point> blob_since_;
  int64_t blob_bytes_ = 0;
  // While the next part of a blob is waited for; 0: it is not.
  uint64_t timer_ = 0;
  // What ended the call because the part did not come. Written before the timer is done, read after that.
  absl::Status stalled_;
  v1::RecordTrajectoryRequest request_;
};

class TrajectoryServiceImpl final : public v1::TrajectoryService::CallbackService {
 public:
  explicit TrajectoryServiceImpl(TrajectoryServiceParts parts) : parts_(parts) {}

  grpc::ServerUnaryReactor* GetTrajectory(grpc::CallbackServerContext* context,
                                          const v1::GetTrajectoryRequest* request,
                                          v1::Trajectory* response) override {
    return UnaryAsync(context, parts_.pool, [=, this](const CallContext& call, const std::function<void(absl::Status)>& done) {
      // Held until the answer is on its way.
      ByteBudget::Share memory(parts_.blob_memory);
      const absl::StatusOr<int64_t> bytes = parts_.data.trajectories->StepBytes(call, request->name());
      absl::Status status = bytes.status();
      // What is more is not read.
      if (bytes.ok() && *bytes <= trajectory::kMaxAllStepsBytes) status = memory.Add(*bytes);
      if (status.ok()) status = Assign(parts_.data.trajectories->Get(call, request->name()), response);
      done(status);
    });
  }

  grpc::ServerUnaryReactor* ListTrajectories(grpc::CallbackServerContext* context,
                                             const v1::ListTrajectoriesRequest* request,
                                             v1::ListTrajectoriesResponse* response) override {
    return Unary(context, parts_.pool, [=, this](const CallContext& call) -> absl::Status {
      PROCTOR_ASSIGN_OR_RETURN(auto page, parts_.data.trajectories->List(call, request->filter(), request->page_size(),
                                                                        request->page_token()));
      for (v1::Trajectory& trajectory : page.trajectories) *response->add_trajectories() = std::move(trajectory);
      response->set_next_page_token(page.next_page_token);
      return absl::OkStatus();
    });
  }

  grpc::ServerWriteReactor<v1::ReadBlobResponse>* ReadBlob(grpc::CallbackServerContext* context,
                                                           const v1::ReadBlobRequest* request) override {
    return ServeWrites<v1::ReadBlobResponse>(
        context, parts_.pool, std::make_unique<BlobReader>(parts_, request->digest()), parts_.patience);
  }

  grpc::ServerReadReactor<v1::RecordTrajectoryRequest>* RecordTrajectory(grpc::CallbackServerContext* context,
                                                                         v1::Trajectory* response) override {
    return new RecordReactor(*context, parts_, *response);
  }

  grpc::ServerUnaryReactor* ImportTrajectories(grpc::CallbackServerContext* context,
                                               const v1::ImportTrajectoriesRequest* request,
                                               v1::Job* response) override {
    return Unary(context, parts_.pool, [=, this, caller = CallerOf(*context)](const CallContext& call) {
      return Assign(StartJob(call, caller, request->request_id(), kImportJob, *request), response);
    });
  }

  grpc::ServerUnaryReactor* ExportTrajectories(grpc::CallbackServerContext* context,
                                               const v1::ExportTrajectoriesRequest* request,
                                               v1::Job* response) override {
    return Unary(context, parts_.pool, [=, this, caller = CallerOf(*context)](const CallContext& call) {
      return Assign(StartJob(call, caller, request->request_id(), kExportJob, *request), response);
    });
  }

  grpc::ServerUnaryReactor* DeleteTrajectory(grpc::CallbackServerContext* context,
                                             const v1::DeleteTrajectoryRequest* request,
                                             v1::DeleteTrajectoryResponse*) override {
    return Unary(context, parts_.pool, [=, this](const CallContext& call) {
      return parts_.data.trajectories->Delete(call, request->name());
    });
  }

 private:
  // Its turn among jobs is its tenant's. What it stores, and its request, are nobody's: whoever administers may.
  absl::StatusOr<v1::Job> StartJob(const CallContext& call, const Caller& caller, const std::string& request_id, const std::string& kind,
                                   const google::protobuf::Message& request) {
    PROCTOR_ASSIGN_OR_RETURN(const std::string id, TenantRequestId(caller.tenant, request_id));
    return parts_.jobs.Start(call, id, kind, request, [&](const std::string& job) { parts_.accounts.SetJobTenant(job, caller.tenant); });
  }

  TrajectoryServiceParts parts_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeTrajectoryService(TrajectoryServiceParts parts) {
  return std::make_unique<TrajectoryServiceImpl>(parts);
}

}  // namespace proctor::server
