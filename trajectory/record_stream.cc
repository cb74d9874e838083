#include "trajectory/record_stream.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/ids.h"
#include "common/proto_json.h"
#include "common/proto_time.h"
#include "common/status.h"
#include "trajectory/record_form.h"
#include "trajectory/replay_store.h"
#include "trajectory/trajectory_store.h"

namespace proctor::trajectory {
namespace {

// Largest RecordEnd.end_message.
constexpr size_t kMaxMessageBytes = 64 << 10;
// Of a task that names none.
constexpr char kDefaultEnvironment[] = "environments/external";

absl::Status OutOfOrder(const char* what) {
  return absl::InvalidArgumentError(absl::StrCat("out of order: ", what));
}

bool ReasonFitsKind(v1::EndKind kind, v1::EndReason reason) {
  switch (reason) {
    case v1::END_REASON_ANSWERED:
    case v1::END_REASON_GAVE_UP:
    case v1::END_REASON_WORLD_ENDED:
    case v1::END_REASON_CLIENT_DONE:
      return kind == v1::END_KIND_TERMINATED;
    case v1::END_REASON_STEP_LIMIT:
    case v1::END_REASON_TIME_LIMIT:
    case v1::END_REASON_LEFT_APP:
      return kind == v1::END_KIND_TRUNCATED;
    case v1::END_REASON_CANCELLED:
    case v1::END_REASON_LEASE_EXPIRED:
    case v1::END_REASON_WORLD_FAULT:
    case v1::END_REASON_SERVER_FAULT:
      return kind == v1::END_KIND_INTERRUPTED;
    default:
      return false;
  }
}

}  // namespace

RecordStream::RecordStream(Archive& archive, RecordingHost host)
    : archive_(archive), host_(std::move(host)), recorder_(archive) {}

absl::Status RecordStream::Handle(const CallContext& context,
                                  const v1::RecordTrajectoryRequest& request) {
  if (state_ == State::kReplayed) return absl::OkStatus();
  if (!blob_digest_.empty() && request.part_case() != v1::RecordTrajectoryRequest::kBlob) {
    return OutOfOrder("the parts of a blob must follow each other");
  }
  switch (request.part_case()) {
    case v1::RecordTrajectoryRequest::kHeader:
      return HandleHeader(context, request.header());
    case v1::RecordTrajectoryRequest::kBlob:
      return HandleBlob(context, request.blob());
    case v1::RecordTrajectoryRequest::kStep:
      return HandleStep(context, request.step());
    case v1::RecordTrajectoryRequest::kEnd:
      return HandleEnd(context, request.end());
    default:
      return absl::InvalidArgumentError("a message without a part");
  }
}

absl::StatusOr<std::optional<v1::Trajectory>> RecordStream::FindReplay(const CallContext& context) {
  if (request_id_.empty()) return std::nullopt;
  PROCTOR_ASSIGN_OR_RETURN(const std::optional<Replay> replay,
                           ReplayStore(archive_).Find(context, replay_id_));
  if (!replay.has_value()) return std::nullopt;
  if (replay->request_digest != replay_digest_) {
    return absl::InvalidArgumentError(
        absl::StrCat("request_id '", request_id_, "' was used for another recording"));
  }
  PROCTOR_ASSIGN_OR_RETURN(v1::Trajectory recorded, TrajectoryStore(archive_).GetHeader(context, replay->response));
  return std::optional<v1::Trajectory>(std::move(recorded));
}

absl::Status RecordStream::HandleHeader(const CallContext& context,
                                        const v1::RecordHeader& header) {
  if (state_ != State::kBeforeHeader) return OutOfOrder("a second header");
  if (!header.request_id().empty()) {
    request_id_ = header.request_id();
    replay_id_ = absl::StrCat("record/", request_id_);
    replay_digest_ = Sha256Hex(ProtoCanonicalBytes(header));
  }
  PROCTOR_ASSIGN_OR_RETURN(std::optional<v1::Trajectory> recorded, FindReplay(context));
  if (recorded.has_value()) {
    closed_ = *std::move(recorded);
    state_ = State::kReplayed;
    return absl::OkStatus();
  }
  if (header.task_source_case() == v1::RecordHeader::TASK_SOURCE_NOT_SET) {
    return absl::InvalidArgumentError("the header has neither task nor inline_task");
  }
  if (header.has_inline_task() && header.inline_task().goal().empty()) {
    return absl::InvalidArgumentError("inline_task has no goal");
  }
  const std::string id = NewId();
  PROCTOR_ASSIGN_OR_RETURN(v1::Task task, host_.admit(context, header, id));
  absl::Status begun = Begin(context, header, id, std::move(task));
  if (!begun.ok()) {
    host_.withdraw(header, id);
    return begun;
  }
  id_ = id;
  state_ = State::kSteps;
  return absl::OkStatus();
}

absl::Status RecordStream::Begin(const CallContext& context, const v1::RecordHeader& header,
                                 const std::string& id, v1::Task task) {
  v1::Trajectory record;
  record.set_name(ResourceName("trajectories", id));
  *record.mutable_task() = std::move(task);
  record.set_environment(record.task().environment().empty() ? kDefaultEnvironment
                                                             : record.task().environment());
  *record.mutable_policy() = header.policy();
  record.set_group(header.group());
  record.set_seed(record.task().seed());
  *record.mutable_client_tags() = header.client_tags();
  *record.mutable_start_time() =
      header.has_start_time() ? header.start_time() : ToProto(archive_.clock().Now());
  if (header.has_initial_observation()) {
    *record.mutable_initial_observation() = header.initial_observation();
  }
  record.set_recorder(header.recorder().empty() ? "client" : header.recorder());
  record.set_recorder_version(header.recorder_version());

  episode_.Clear();
  episode_.set_name(ResourceName("episodes", id));
  if (header.has_task()) episode_.set_task(header.task());
  episode_.set_state(v1::EPISODE_STATE_RUNNING);
  *episode_.mutable_policy() = record.policy();
  episode_.set_group(record.group());
  episode_.set_seed(record.seed());
  *episode_.mutable_client_tags() = record.client_tags();
  *episode_.mutable_start_time() = record.start_time();
  episode_.set_trajectory(record.name());
  episode_.set_result_state(v1::RESULT_STATE_PENDING);
  return recorder_.Begin(context, record, episode_, {});
}

absl::Status RecordStream::HandleBlob(const CallContext& context, const v1::RecordBlob& blob) {
  if (state_ == State::kEnded) return OutOfOrder("a blob after the end");
  if (!IsDigest(blob.digest())) return absl::InvalidArgumentError("a blob without its sha256");
  if (!blob_digest_.empty() && blob_digest_ != blob.digest()) {
    return OutOfOrder("the parts of a blob must follow each other");
  }
  if (blob_bytes_.size() + blob.data().size() > static_cast<size_t>(kMaxBlobBytes)) {
    return absl::ResourceExhaustedError(
        absl::StrCat("blob ", blob.digest(), " has more than ", kMaxBlobBytes, " bytes"));
  }
  blob_digest_ = blob.digest();
  blob_bytes_ += blob.data();
  if (blob.more()) return absl::OkStatus();
  const std::string bytes = std::exchange(blob_bytes_, std::string());
  const std::string digest = std::exchange(blob_digest_, std::string());
  if (Sha256Hex(bytes) != digest) {
    return absl::InvalidArgumentError(absl::StrCat("the bytes of blob ", digest, " have another digest"));
  }
  return recorder_.PutBlob(context, bytes).status();
}

absl::Status RecordStream::HandleStep(const CallContext& context, const v1::Step& step) {
  if (state_ != State::kSteps) return OutOfOrder("a step before the header or after the end");
  if (step.index() != next_step_) {
    return absl::InvalidArgumentError(
        absl::StrCat("step ", step.index(), " does not follow: the next one is ", next_step_));
  }
  PROCTOR_RETURN_IF_ERROR(recorder_.Append(context, id_, step, {}));
  ++next_step_;
  return absl::OkStatus();
}

absl::Status RecordStream::HandleEnd(const CallContext& context, const v1::RecordEnd& end) {
  if (state_ != State::kSteps) return OutOfOrder("an end before the header or after the end");
  if (!ReasonFitsKind(end.end_kind(), end.end_reason())) {
    return absl::InvalidArgumentError("end_kind and end_reason do not fit each other");
  }
  if (end.end_message().size() > kMaxMessageBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("end_message has ", end.end_message().size(), " bytes, more than ", kMaxMessageBytes));
  }
  v1::Trajectory ending;
  *ending.mutable_end_time() = ToProto(archive_.clock().Now());
  ending.set_end_kind(end.end_kind());
  ending.set_end_reason(end.end_reason());
  ending.set_end_message(end.end_message());
  *ending.mutable_evidence() = end.evidence();
  const absl::Status closed = Close(context, ending,
                                    {.request_id = replay_id_,
                                     .request_digest = replay_digest_,
                                     .response = ResourceName("trajectories", id_)});
  return absl::IsAlreadyExists(closed) ? GiveWay(context) : closed;
}

absl::Status RecordStream::GiveWay(const CallContext& context) {
  PROCTOR_ASSIGN_OR_RETURN(std::optional<v1::Trajectory> recorded, FindReplay(context));
  if (!recorded.has_value()) return absl::AbortedError("the request's answer is gone: record again");
  PROCTOR_RETURN_IF_ERROR(Abandon(context, absl::StrCat(recorded->name(), " was recorded first with the same request_id")));
  closed_ = *std::move(recorded);
  state_ = State::kReplayed;
  return absl::OkStatus();
}

absl::Status RecordStream::Close(const CallContext& context, const v1::Trajectory& ending,
                                 const Replay& replay) {
  v1::Episode episode = episode_;
  episode.set_state(v1::EPISODE_STATE_CLOSED);
  episode.set_end_kind(ending.end_kind());
  episode.set_end_reason(ending.end_reason());
  episode.set_end_message(ending.end_message());
  *episode.mutable_end_time() = ending.end_time();
  episode.set_step_count(next_step_);
  PROCTOR_ASSIGN_OR_RETURN(closed_, recorder_.FinishFirst(context, id_, ending, episode, replay));
  state_ = State::kEnded;
  return absl::OkStatus();
}

absl::StatusOr<v1::Trajectory> RecordStream::Finish(const CallContext& context) {
  if (state_ == State::kEnded || state_ == State::kReplayed) return closed_;
  PROCTOR_RETURN_IF_ERROR(Abandon(context, "the stream ended without an end"));
  return absl::InvalidArgumentError("the stream ended without an end: the record is interrupted");
}

absl::Status RecordStream::Abandon(const CallContext& context, const std::string& message) {
  if (state_ != State::kSteps) return absl::OkStatus();
  v1::Trajectory ending;
  *ending.mutable_end_time() = ToProto(archive_.clock().Now());
  ending.set_end_kind(v1::END_KIND_INTERRUPTED);
  ending.set_end_reason(v1::END_REASON_CANCELLED);
  ending.set_end_message(message);
  return Close(context, ending, {});
}

}  // namespace proctor::trajectory
