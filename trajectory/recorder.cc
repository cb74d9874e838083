#include "trajectory/recorder.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/ids.h"
#include "common/status.h"
#include "storage/database.h"
#include "trajectory/blob_ledger.h"
#include "trajectory/record_form.h"

namespace proctor::trajectory {
namespace {

using storage::Transaction;

// Of the note on a blob whose row could not be written: the call's own time may be over.
constexpr absl::Duration kNoteCap = absl::Seconds(10);

absl::StatusOr<std::string> IdOf(const v1::Trajectory& header) {
  return ResourceId("trajectories", header.name());
}

// Closes a record and, if it has one, its episode.
absl::StatusOr<v1::Trajectory> Close(const CallContext& context, Archive& archive, const std::string& id,
                                     const v1::Trajectory& ending, const v1::Episode* episode,
                                     const std::function<absl::Status(Transaction&)>& keep_replay) {
  PROCTOR_RETURN_IF_ERROR(CheckEnding(ending));
  v1::Trajectory closed;
  PROCTOR_RETURN_IF_ERROR(archive.database().Write(context, [&](Transaction& transaction) -> absl::Status {
    PROCTOR_ASSIGN_OR_RETURN(closed, CloseRecord(transaction, id, ending));
    if (episode != nullptr) PROCTOR_RETURN_IF_ERROR(PutEpisode(transaction, id, *episode));
    return keep_replay(transaction);
  }));
  return closed;
}

}  // namespace

absl::Status Recorder::Begin(const CallContext& context, const v1::Trajectory& header,
                             const v1::Episode& episode, const Replay& replay) {
  return BeginRecord(context, header, &episode, replay);
}

absl::Status Recorder::BeginWithoutEpisode(const CallContext& context,
                                           const v1::Trajectory& header) {
  return BeginRecord(context, header, nullptr, {});
}

absl::Status Recorder::BeginRecord(const CallContext& context, const v1::Trajectory& header,
                                   const v1::Episode* episode, const Replay& replay) {
  PROCTOR_RETURN_IF_ERROR(CheckHeader(header));
  PROCTOR_ASSIGN_OR_RETURN(const std::string id, IdOf(header));
  v1::Trajectory record = header;
  record.set_format_version(kFormatVersion);
  record.set_closed(false);
  record.set_step_count(0);
  record.clear_digest();
  RedactCredentials(record);
  BlobPins pins(archive_.ledger());
  PROCTOR_ASSIGN_OR_RETURN(const std::string stored, StoreBlobs(context, *record.mutable_initial_observation(), pins));
  if (!header.has_initial_observation()) record.clear_initial_observation();
  const std::vector<std::string> blobs = NamedBlobs(record.initial_observation());
  const absl::Time now = archive_.clock().Now();
  return WriteNaming(context, stored, [&](Transaction& transaction) -> absl::Status {
    PROCTOR_RETURN_IF_ERROR(
        Annotate(InsertRecord(transaction, id, record), absl::StrCat("trajectories/", id)));
    PROCTOR_RETURN_IF_ERROR(InsertBlobs(transaction, id, blobs));
    if (episode != nullptr) PROCTOR_RETURN_IF_ERROR(PutEpisode(transaction, id, *episode));
    return InsertReplay(transaction, replay, now);
  });
}

absl::Status Recorder::Append(const CallContext& context, const std::string& episode_id,
                              const v1::Step& step, const Replay& replay) {
  PROCTOR_RETURN_IF_ERROR(CheckStep(step));
  v1::Step record = step;
  BlobPins pins(archive_.ledger());
  std::string stored;
  if (record.has_observation()) {
    PROCTOR_ASSIGN_OR_RETURN(stored, StoreBlobs(context, *record.mutable_observation(), pins));
  }
  const std::vector<std::string> blobs = NamedBlobs(record.observation());
  const StepRow row = MakeStepRow(record);
  const absl::Time now = archive_.clock().Now();
  return WriteNaming(context, stored, [&](Transaction& transaction) -> absl::Status {
    PROCTOR_RETURN_IF_ERROR(InsertStep(transaction, episode_id, row));
    PROCTOR_RETURN_IF_ERROR(InsertBlobs(transaction, episode_id, blobs));
    return InsertReplay(transaction, replay, now);
  });
}

absl::StatusOr<v1::Trajectory> Recorder::Finish(const CallContext& context,
                                                const std::string& episode_id,
                                                const v1::Trajectory& ending,
                                                const v1::Episode& episode, const Replay& replay) {
  const absl::Time now = archive_.clock().Now();
  return Close(context, archive_, episode_id, ending, &episode,
               [&](Transaction& transaction) { return PutReplay(transaction, replay, now); });
}

absl::StatusOr<v1::Trajectory> Recorder::FinishFirst(const CallContext& context, const std::string& episode_id,
                                                     const v1::Trajectory& ending, const v1::Episode& episode,
                                                     const Replay& replay) {
  const absl::Time now = archive_.clock().Now();
  return Close(context, archive_, episode_id, ending, &episode,
               [&](Transaction& transaction) { return InsertReplay(transaction, replay, now); });
}

absl::StatusOr<v1::Trajectory> Recorder::FinishWithoutEpisode(const CallContext& context,
                                                              const std::string& id,
                                                              const v1::Trajectory& ending,
                                                              const Replay& replay) {
  const absl::Time now = archive_.clock().Now();
  return Close(context, archive_, id, ending, nullptr,
               [&](Transaction& transaction) { return InsertReplay(transaction, replay, now); });
}

absl::StatusOr<std::string> Recorder::PutBlob(const CallContext& context,
                                              const std::string& bytes) {
  if (static_cast<int64_t>(bytes.size()) > kMaxBlobBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("a blob has ", bytes.size(), " bytes, more than ", kMaxBlobBytes));
  }
  const std::string digest = Sha256Hex(bytes);
  BlobPins pins(archive_.ledger());
  PROCTOR_RETURN_IF_ERROR(pins.Add(context, digest));
  const absl::Time now = archive_.clock().Now();
  // Noted first: whatever comes in between, it is not forgotten.
  PROCTOR_RETURN_IF_ERROR(
      archive_.database().Write(context, [&](Transaction& transaction) { return NoteLoose(transaction, {digest}, now); }));
  PROCTOR_RETURN_IF_ERROR(archive_.blobs().Put(context, bytes).status());
  archive_.ledger().KeepUntil(digest, now, now + kLooseBlobLife);
  return digest;
}

absl::StatusOr<std::string> Recorder::StoreBlobs(const CallContext& context, v1::Observation& observation,
                                                 BlobPins& pins) {
  std::string comes;
  if (!observation.screenshot().data().empty()) {
    v1::Image& image = *observation.mutable_screenshot();
    if (static_cast<int64_t>(image.data().size()) > kMaxBlobBytes) {
      return absl::InvalidArgumentError(
          absl::StrCat("a screenshot has ", image.data().size(), " bytes"));
    }
    comes = Sha256Hex(image.data());
    if (image.digest().empty()) image.set_digest(comes);
    if (comes != image.digest()) {
      return absl::InvalidArgumentError(
          absl::StrCat("a screenshot's bytes have digest ", comes, ", not ", image.digest()));
    }
  }
  for (const std::string& digest : NamedBlobs(observation)) {
    PROCTOR_RETURN_IF_ERROR(pins.Add(context, digest));
    if (digest != comes && !archive_.blobs().Contains(digest)) {
      return absl::FailedPreconditionError(
          absl::StrCat("the record names blob ", digest, ", which was not stored: in a recording, send it before the message that "
                       "names it, before the header too"));
    }
  }
  if (comes.empty()) return comes;
  v1::Image& image = *observation.mutable_screenshot();
  // Last, so that nothing but the row's write can leave it without a name.
  PROCTOR_RETURN_IF_ERROR(archive_.blobs().Put(context, image.data()).status());
  image.set_size_bytes(static_cast<int64_t>(image.data().size()));
  image.clear_data();
  return comes;
}

absl::Status Recorder::WriteNaming(const CallContext& context, const std::string& stored,
                                   const std::function<absl::Status(Transaction&)>& work) {
  absl::Status written = archive_.database().Write(context, work);
  if (written.ok() || stored.empty()) return written;
  // Not before, as PutBlob does: a step costs one durable commit. What cannot be noted now, TrajectoryStore::NoteUnnamed finds.
  const absl::Time now = archive_.clock().Now();
  archive_.database()
      .Write(CallContext::WithTimeout(kNoteCap), [&](Transaction& transaction) { return NoteLoose(transaction, {stored}, now); })
      .IgnoreError();
  return written;
}

}  // namespace proctor::trajectory
