// A client's recording of its own world, message by message (TrajectoryService.RecordTrajectory).
#ifndef PROCTOR_TRAJECTORY_RECORD_STREAM_H_
#define PROCTOR_TRAJECTORY_RECORD_STREAM_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/call_context.h"
#include "proctor/v1/episode.pb.h"
#include "proctor/v1/task.pb.h"
#include "proctor/v1/trajectory.pb.h"
#include "proctor/v1/trajectory_service.pb.h"
#include "trajectory/archive.h"
#include "trajectory/recorder.h"

namespace proctor::trajectory {

// What a recording asks of the rest of the server. `id` is the one of its trajectory and of its episode.
struct RecordingHost {
  // The recording's task, taken into its group if the header names one. NOT_FOUND no such task or group;
  // FAILED_PRECONDITION the task cannot be attempted or the group is full; INVALID_ARGUMENT.
  std::function<absl::StatusOr<v1::Task>(const CallContext& context, const v1::RecordHeader& header,
                                         const std::string& id)>
      admit;
  // The recording did not begin after all: gives its place in the group back.
  std::function<void(const v1::RecordHeader& header, const std::string& id)> withdraw;
};

// One stream; calls do not overlap. Order: blobs that the header names, the header, then steps each after the blobs that it
// names, the end. After an error the stream is over: call Abandon.
//
// The record has an episode without a session, so that it is judged and rewarded like any other, also after a crash.
//
// A header whose `request_id` was recorded whole before gives that record again: what follows is read and dropped. A
// recording that broke off is closed as interrupted; its retry makes a new record. Of several streams at once with one id the first
// that ends is the recording: another one's end closes its own record as interrupted (CANCELLED), and its answer is the first one's.
class RecordStream {
 public:
  // `archive` outlives the stream.
  RecordStream(Archive& archive, RecordingHost host);
  // Not ended nor abandoned: the record stays open until the next start closes it.
  ~RecordStream() = default;

  // Durable on return. INVALID_ARGUMENT: out of order, no task, a limit, a blob whose bytes do not fit its digest, a step
  // that is not the next, a missing end kind or one that does not fit its reason; FAILED_PRECONDITION: a blob that was not
  // sent; RESOURCE_EXHAUSTED: blob over 256 MiB, a step with which all have more than 512 MiB, or disk full; what admission says. A
  // `request_id` of another recording is INVALID_ARGUMENT, at the header or, if that one ended meanwhile, at the end.
  absl::Status Handle(const CallContext& context, const v1::RecordTrajectoryRequest& request);

  // After the client half-closed: the closed record without steps. INVALID_ARGUMENT without an end: the record is closed
  // as interrupted.
  absl::StatusOr<v1::Trajectory> Finish(const CallContext& context);

  // The stream broke or Handle failed: closes the record, if there is one, as interrupted (CANCELLED). Idempotent.
  absl::Status Abandon(const CallContext& context, const std::string& message);

  // The id of the episode that this stream recorded and closed, to be judged; empty if it has not (or not yet).
  std::string closed_episode() const { return state_ == State::kEnded || state_ == State::kReplayed ? id_ : ""; }
  // The id of the episode that this stream records, while its record is open: of one that could not be closed somebody else must close it.
  std::string open_episode() const { return state_ == State::kSteps ? id_ : ""; }

 private:
  // kReplayed: the answer is another stream's record.
  enum class State { kBeforeHeader, kSteps, kEnded, kReplayed };

  absl::Status HandleHeader(const CallContext& context, const v1::RecordHeader& header);
  absl::Status HandleBlob(const CallContext& context, const v1::RecordBlob& blob);
  absl::Status HandleStep(const CallContext& context, const v1::Step& step);
  absl::Status HandleEnd(const CallContext& context, const v1::RecordEnd& end);
  // The record that answered the request before, if any did. INVALID_ARGUMENT: it was another request.
  absl::StatusOr<std::optional<v1::Trajectory>> FindReplay(const CallContext& context);
  // Another stream of the same request ended first.
  absl::Status GiveWay(const CallContext& context);
  absl::Status Begin(const CallContext& context, const v1::RecordHeader& header, const std::string& id,
                     v1::Task task);
  // Closes record and episode. ALREADY_EXISTS, and they stay open, if the request has an answer.
  absl::Status Close(const CallContext& context, const v1::Trajectory& ending, const Replay& replay);

  Archive& archive_;
  const RecordingHost host_;
  Recorder recorder_;
  State state_ = State::kBeforeHeader;
  // Of what this stream records; empty before that.
  std::string id_;
  v1::Episode episode_;
  // Empty: the header has no `request_id`.
  std::string request_id_;
  std::string replay_id_;
  std::string replay_digest_;
  int32_t next_step_ = 0;
  // Parts of a blob so far.
  std::string blob_digest_;
  std::string blob_bytes_;
  v1::Trajectory closed_;
};

}  // namespace proctor::trajectory

#endif  // PROCTOR_TRAJECTORY_RECORD_STREAM_H_
