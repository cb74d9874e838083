#include "trajectory/trajectory_store.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <limits>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/ids.h"
#include "common/log.h"
#include "common/proto_time.h"
#include "common/status.h"
#include "google/protobuf/timestamp.pb.h"
#include "storage/database.h"
#include "storage/page.h"
#include "trajectory/blob_ledger.h"
#include "trajectory/page_token.h"
#include "trajectory/record_form.h"
#include "trajectory/record_query.h"
#include "trajectory/record_tables.h"

namespace proctor::trajectory {
namespace {

using storage::Row;
using storage::Transaction;

constexpr char kInterrupted[] = "the server stopped before the episode ended";
constexpr char kDamaged[] = "the trajectory is damaged and stays open; proctord --fsck tells more";

absl::StatusOr<std::string> IdOf(const std::string& name) {
  return ResourceId("trajectories", name);
}

// Blobs that are collected together: one commit for all. Nobody can name one of them before that.
constexpr int kCollectedTogether = 100;
// Of collecting at start-up, for which everybody waits: the next collection goes on.
constexpr absl::Duration kStartCollects = absl::Seconds(10);
// How old a blob may be of which nothing knows, to be taken for one that a killed server left.
constexpr absl::Duration kLostLately = absl::Hours(72);
// Blobs that are looked up together.
constexpr size_t kLookedUpTogether = 500;

// The last moment that the record tells of. Recordings need not say when their steps were.
google::protobuf::Timestamp LastTime(const v1::Trajectory& header, const std::vector<v1::Step>& last, absl::Time now) {
  if (!last.empty() && last.back().has_end_time()) return last.back().end_time();
  if (!last.empty() && last.back().has_start_time()) return last.back().start_time();
  return header.has_start_time() ? header.start_time() : ToProto(now);
}

// The end of a record that nobody ended: nobody knows when, so the last thing recorded counts.
v1::Trajectory InterruptedEnding(const v1::Trajectory& header, const std::vector<v1::Step>& last, absl::Time now, v1::EndReason reason,
                                 const std::string& message) {
  v1::Trajectory ending;
  *ending.mutable_end_time() = LastTime(header, last, now);
  ending.set_end_kind(v1::END_KIND_INTERRUPTED);
  ending.set_end_reason(reason);
  ending.set_end_message(message);
  return ending;
}

// What there is of a record's episode.
enum class EpisodeRow { kSoundOrNone, kUnreadable };

// Changes an episode's row, if there is one that can be read.
absl::StatusOr<EpisodeRow> ChangeEpisode(Transaction& transaction, const std::string& id,
                                         const std::function<void(v1::Episode&)>& change) {
  PROCTOR_ASSIGN_OR_RETURN(
      const std::vector<Row> rows,
      transaction.Query("SELECT episode FROM trajectory_episodes WHERE id = $1", {id}));
  if (rows.empty()) return EpisodeRow::kSoundOrNone;
  absl::StatusOr<v1::Episode> episode = ParseEpisode(id, rows[0].Text(0));
  if (!episode.ok()) return EpisodeRow::kUnreadable;
  change(*episode);
  PROCTOR_RETURN_IF_ERROR(PutEpisode(transaction, id, *episode));
  return EpisodeRow::kSoundOrNone;
}

void EndEpisode(const v1::Trajectory& ending, v1::Episode& episode) {
  episode.set_state(v1::EPISODE_STATE_CLOSED);
  episode.set_end_kind(ending.end_kind());
  episode.set_end_reason(ending.end_reason());
  episode.set_end_message(ending.end_message());
  *episode.mutable_end_time() = ending.end_time();
  episode.set_result_state(v1::RESULT_STATE_PENDING);
}

// Of the record `closed`. A row that cannot be read stays as it is.
absl::StatusOr<EpisodeRow> CloseEpisode(Transaction& transaction, const std::string& id,
                                        const v1::Trajectory& closed) {
  return ChangeEpisode(transaction, id, [&](v1::Episode& episode) {
    EndEpisode(closed, episode);
    episode.set_step_count(closed.step_count());
  });
}

}  // namespace

absl::StatusOr<v1::Trajectory> TrajectoryStore::Get(const CallContext& context,
                                                    const std::string& name) {
  PROCTOR_ASSIGN_OR_RETURN(const std::string id, IdOf(name));
  v1::Trajectory trajectory;
  PROCTOR_RETURN_IF_ERROR(
      archive_.database().Read(context, [&](Transaction& transaction) -> absl::Status {
        PROCTOR_ASSIGN_OR_RETURN(const int64_t step_bytes, LoadStepBytes(transaction, id));
        if (step_bytes > kMaxAllStepsBytes) {
          return absl::FailedPreconditionError(
              absl::StrCat("the steps of ", name, " have ", step_bytes, " bytes, more than ", kMaxAllStepsBytes,
                           ": it is not read whole; it can be deleted"));
        }
        PROCTOR_ASSIGN_OR_RETURN(RecordRow record, LoadRecord(transaction, id));
        trajectory = std::move(record.header);
        return ForEveryStep(transaction, id, record.step_count, [&](v1::Step step) {
          *trajectory.add_steps() = std::move(step);
          return absl::OkStatus();
        });
      }));
  return trajectory;
}

absl::StatusOr<int64_t> TrajectoryStore::StepBytes(const CallContext& context, const std::string& name) {
  PROCTOR_ASSIGN_OR_RETURN(const std::string id, IdOf(name));
  int64_t step_bytes = 0;
  PROCTOR_RETURN_IF_ERROR(archive_.database().Read(context, [&](Transaction& transaction) -> absl::Status {
    PROCTOR_ASSIGN_OR_RETURN(step_bytes, LoadStepBytes(transaction, id));
    return absl::OkStatus();
  }));
  return step_bytes;
}

absl::Status TrajectoryStore::ForEachStep(const CallContext& context, const std::string& name,
                                          const std::function<absl::Status(v1::Step step)>& visit) {
  PROCTOR_ASSIGN_OR_RETURN(const std::string id, IdOf(name));
  return archive_.database().Read(context, [&](Transaction& transaction) -> absl::Status {
    PROCTOR_ASSIGN_OR_RETURN(const RecordRow record, LoadRecord(transaction, id));
    return ForEveryStep(transaction, id, record.step_count, visit);
  });
}

absl::StatusOr<v1::Trajectory> TrajectoryStore::GetHeader(const CallContext& context,
                                                          const std::string& name) {
  PROCTOR_ASSIGN_OR_RETURN(const std::string id, IdOf(name));
  v1::Trajectory header;
  PROCTOR_RETURN_IF_ERROR(
      archive_.database().Read(context, [&](Transaction& transaction) -> absl::Status {
        PROCTOR_ASSIGN_OR_RETURN(RecordRow record, LoadRecord(transaction, id));
        header = std::move(record.header);
        return absl::OkStatus();
      }));
  return header;
}

absl::StatusOr<std::vector<v1::Step>> TrajectoryStore::GetSteps(const CallContext& context,
                                                                const std::string& name,
                                                                int64_t first, int64_t limit) {
  PROCTOR_ASSIGN_OR_RETURN(const std::string id, IdOf(name));
  if (first < 0 || limit < 0) return absl::InvalidArgumentError("a negative range of steps");
  std::vector<v1::Step> steps;
  PROCTOR_RETURN_IF_ERROR(
      archive_.database().Read(context, [&](Transaction& transaction) -> absl::Status {
        PROCTOR_RETURN_IF_ERROR(LoadRecord(transaction, id).status());
        PROCTOR_ASSIGN_OR_RETURN(steps, LoadSteps(transaction, id, first, limit));
        return absl::OkStatus();
      }));
  return steps;
}

absl::StatusOr<TrajectoryStore::Page> TrajectoryStore::List(const CallContext& context,
                                                            const v1::TrajectoryFilter& filter,
                                                            int page_size,
                                                            const std::string& page_token) {
  PROCTOR_ASSIGN_OR_RETURN(const int limit, PageSizeInForce(page_size));
  std::optional<PageToken> from;
  if (!page_token.empty()) {
    PROCTOR_ASSIGN_OR_RETURN(from, DecodePageToken(page_token));
  }
  const RecordQuery query = MakeRecordQuery(filter, from, limit + 1);
  Page page;
  PROCTOR_RETURN_IF_ERROR(
      archive_.database().Read(context, [&](Transaction& transaction) -> absl::Status {
        PageToken last;
        const auto add = [&](const Row& row) {
          last = {.start_time_micros = row.Int(1), .id = row.Text(0)};
          absl::StatusOr<v1::Trajectory> header = ParseHeader(row.Text(0), row.Text(2));
          if (header.ok()) {
            header->set_step_count(static_cast<int32_t>(row.Int(3)));
            page.trajectories.push_back(*std::move(header));
          } else {
            page.unreadable.push_back(ResourceName("trajectories", row.Text(0)));
          }
          return absl::OkStatus();
        };
        PROCTOR_ASSIGN_OR_RETURN(const bool more,
                                 storage::ForEachOfPage(transaction, query.sql, query.parameters, limit, add));
        if (more) page.next_page_token = EncodePageToken(last);
        return absl::OkStatus();
      }));
  for (const std::string& name : page.unreadable) archive_.unreadable().Note(name, "the trajectory's header cannot be read");
  return page;
}

absl::Status TrajectoryStore::Delete(const CallContext& context, const std::string& name) {
  PROCTOR_ASSIGN_OR_RETURN(const std::string id, IdOf(name));
  PROCTOR_RETURN_IF_ERROR(
      archive_.database().Write(context, [&](Transaction& transaction) -> absl::Status {
        PROCTOR_ASSIGN_OR_RETURN(const RecordRow record, LoadRecord(transaction, id));
        if (!record.header.closed()) {
          return absl::FailedPreconditionError(absl::StrCat(name, " is still being recorded"));
        }
        // What to delete from the blob store is noted here, so that a crash in between forgets nothing.
        for (const char* sql :
             {"INSERT INTO trajectory_garbage (digest) SELECT digest FROM trajectory_blobs "
              "WHERE trajectory = $1 ON CONFLICT DO NOTHING",
              "DELETE FROM trajectory_blobs WHERE trajectory = $1",
              "DELETE FROM trajectory_steps WHERE trajectory = $1",
              "DELETE FROM trajectory_records WHERE id = $1"}) {
          PROCTOR_RETURN_IF_ERROR(transaction.Execute(sql, {id}).status());
        }
        return absl::OkStatus();
      }));
  CollectWhatCanBe(context);
  return absl::OkStatus();
}

absl::Status TrajectoryStore::Thin(const CallContext& context, const std::string& name, absl::Time now) {
  PROCTOR_ASSIGN_OR_RETURN(const std::string id, IdOf(name));
  PROCTOR_ASSIGN_OR_RETURN(v1::Trajectory thin, GetHeader(context, name));
  if (!thin.closed()) return absl::FailedPreconditionError(absl::StrCat(name, " is still being recorded"));
  if (thin.has_thin_time()) return absl::OkStatus();
  // Closed records do not change, so what is read is what is there.
  std::vector<std::string> kept;
  const auto keep = [&](const v1::Observation& observation, int64_t index) {
    if (ThinningTakes(index, thin.step_count())) return;
    for (std::string& digest : NamedBlobs(observation)) kept.push_back(std::move(digest));
  };
  keep(thin.initial_observation(), -1);
  PROCTOR_RETURN_IF_ERROR(ForEachStep(context, name, [&](const v1::Step& step) {
    keep(step.observation(), step.index());
    return absl::OkStatus();
  }));
  *thin.mutable_thin_time() = ToProto(now);
  PROCTOR_RETURN_IF_ERROR(archive_.database().Write(context, [&](Transaction& transaction) -> absl::Status {
    PROCTOR_RETURN_IF_ERROR(UpdateHeader(transaction, id, thin));
    // As in Delete: a crash in between forgets nothing.
    for (const char* sql : {"INSERT INTO trajectory_garbage (digest) SELECT digest FROM trajectory_blobs WHERE trajectory = $1 "
                            "ON CONFLICT DO NOTHING",
                            "DELETE FROM trajectory_blobs WHERE trajectory = $1"}) {
      PROCTOR_RETURN_IF_ERROR(transaction.Execute(sql, {id}).status());
    }
    return InsertBlobs(transaction, id, kept);
  }));
  CollectWhatCanBe(context);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> TrajectoryStore::CloseInterrupted(
    const CallContext& context) {
  std::vector<std::string> ids;
  PROCTOR_RETURN_IF_ERROR(
      archive_.database().Read(context, [&](Transaction& transaction) -> absl::Status {
        PROCTOR_ASSIGN_OR_RETURN(
            const std::vector<Row> rows,
            transaction.Query("SELECT id FROM trajectory_records WHERE closed = 0 ORDER BY id", {}));
        for (const Row& row : rows) ids.push_back(row.Text(0));
        return absl::OkStatus();
      }));
  std::vector<std::string> closed;
  for (const std::string& id : ids) {
    const std::string name = ResourceName("trajectories", id);
    const absl::Status status = CloseOne(context, id, v1::END_REASON_SERVER_FAULT, kInterrupted);
    if (absl::IsDataLoss(status)) continue;
    PROCTOR_RETURN_IF_ERROR(status);
    closed.push_back(name);
  }
  CollectWhatCanBe(context.Child(kStartCollects));
  return closed;
}

absl::Status TrajectoryStore::CloseAbandoned(const CallContext& context, const std::string& name, v1::EndReason reason,
                                             const std::string& message) {
  PROCTOR_ASSIGN_OR_RETURN(const std::string id, IdOf(name));
  const absl::StatusOr<v1::Trajectory> header = GetHeader(context, name);
  if (!header.ok() && !absl::IsDataLoss(header.status())) return header.status();
  return header.ok() && header->closed() ? absl::OkStatus() : CloseOne(context, id, reason, message);
}

absl::Status TrajectoryStore::CloseOne(const CallContext& context, const std::string& id, v1::EndReason reason, const std::string& message) {
  EpisodeRow row = EpisodeRow::kSoundOrNone;
  const absl::Time now = archive_.clock().Now();
  const absl::Status status = archive_.database().Write(context, [&](Transaction& transaction) -> absl::Status {
    PROCTOR_ASSIGN_OR_RETURN(const RecordRow record, LoadRecord(transaction, id));
    const int64_t last_index = record.step_count - 1;
    std::vector<v1::Step> last;
    if (last_index >= 0) {
      PROCTOR_ASSIGN_OR_RETURN(last, LoadSteps(transaction, id, last_index, 1));
    }
    PROCTOR_ASSIGN_OR_RETURN(
        const v1::Trajectory closed,
        CloseRecord(transaction, id, InterruptedEnding(record.header, last, now, reason, message)));
    PROCTOR_ASSIGN_OR_RETURN(row, CloseEpisode(transaction, id, closed));
    return absl::OkStatus();
  });
  if (absl::IsDataLoss(status)) {
    archive_.unreadable().Note(ResourceName("trajectories", id), absl::StrCat("it stays open: ", status.message()));
    PROCTOR_RETURN_IF_ERROR(EndEpisodeAlone(context, id));
  }
  PROCTOR_RETURN_IF_ERROR(status);
  if (row == EpisodeRow::kUnreadable) {
    archive_.unreadable().Note(ResourceName("episodes", id), "the episode's row cannot be read; its trajectory is closed");
  }
  return absl::OkStatus();
}

absl::Status TrajectoryStore::EndEpisodeAlone(const CallContext& context, const std::string& id) {
  EpisodeRow row = EpisodeRow::kSoundOrNone;
  const absl::Time now = archive_.clock().Now();
  absl::Status ended = archive_.database().Write(context, [&](Transaction& transaction) -> absl::Status {
    PROCTOR_ASSIGN_OR_RETURN(row, ChangeEpisode(transaction, id, [&](v1::Episode& episode) {
                               if (episode.state() == v1::EPISODE_STATE_CLOSED) return;
                               v1::Trajectory known;
                               if (episode.has_start_time()) *known.mutable_start_time() = episode.start_time();
                               const v1::Trajectory ending = InterruptedEnding(known, {}, now, v1::END_REASON_SERVER_FAULT, kDamaged);
                               EndEpisode(ending, episode);
                             }));
    return absl::OkStatus();
  });
  if (!ended.ok() && !absl::IsDataLoss(ended)) return ended;
  if (!ended.ok() || row == EpisodeRow::kUnreadable) {
    archive_.unreadable().Note(ResourceName("episodes", id), absl::StrCat("it stays as it is: ", ended.ok() ? "its row cannot be read" : ended.message()));
  }
  return absl::OkStatus();
}

absl::Status TrajectoryStore::CollectLoose(const CallContext& context) {
  const int64_t until = absl::ToUnixMicros(archive_.clock().Now() - kLooseBlobLife);
  PROCTOR_RETURN_IF_ERROR(archive_.database().Write(context, [&](Transaction& transaction) -> absl::Status {
    for (const char* sql : {"INSERT INTO trajectory_garbage (digest) SELECT digest FROM trajectory_loose WHERE create_time <= $1 AND NOT "
                            "EXISTS (SELECT 1 FROM trajectory_blobs b WHERE b.digest = trajectory_loose.digest) ON CONFLICT DO NOTHING",
                            "DELETE FROM trajectory_loose WHERE create_time <= $1"}) {
      PROCTOR_RETURN_IF_ERROR(transaction.Execute(sql, {until}).status());
    }
    return absl::OkStatus();
  }));
  return CollectGarbage(context);
}

absl::Status TrajectoryStore::NoteUnnamed(const CallContext& context) {
  std::vector<std::string> digests;
  absl::Status status;
  const auto note = [&] {
    status = NoteUnnamedOf(context, digests);
    digests.clear();
    return status.ok();
  };
  PROCTOR_RETURN_IF_ERROR(archive_.blobs().ForEach([&](std::string_view digest, int64_t) {
    digests.emplace_back(digest);
    return digests.size() < kLookedUpTogether || note();
  }));
  if (status.ok() && !digests.empty()) note();
  return status;
}

absl::Status TrajectoryStore::NoteUnnamedOf(const CallContext& context, const std::vector<std::string>& digests) {
  std::vector<storage::Value> values;
  std::string list;
  for (const std::string& digest : digests) {
    values.emplace_back(digest);
    absl::StrAppend(&list, values.size() > 1 ? ", $" : "$", values.size());
  }
  std::set<std::string> known;
  PROCTOR_RETURN_IF_ERROR(archive_.database().Read(context, [&](Transaction& transaction) -> absl::Status {
    for (const char* table : {"trajectory_blobs", "trajectory_loose", "trajectory_garbage"}) {
      PROCTOR_ASSIGN_OR_RETURN(const std::vector<Row> rows,
                               transaction.Query(absl::StrCat("SELECT digest FROM ", table, " WHERE digest IN (", list, ")"), values));
      for (const Row& row : rows) known.insert(row.Text(0));
    }
    return absl::OkStatus();
  }));
  std::vector<std::string> unnamed;
  const absl::Time since = absl::Now() - kLostLately;
  std::copy_if(digests.begin(), digests.end(), std::back_inserter(unnamed), [&](const std::string& digest) {
    if (known.contains(digest)) return false;
    const absl::StatusOr<absl::Time> stored = archive_.blobs().StoreTime(digest);
    return stored.ok() && *stored >= since;
  });
  if (unnamed.empty()) return absl::OkStatus();
  const absl::Time now = archive_.clock().Now();
  return archive_.database().Write(context, [&](Transaction& transaction) { return NoteLoose(transaction, unnamed, now); });
}

absl::StatusOr<std::vector<std::string>> TrajectoryStore::Missing(const CallContext& context, const std::vector<std::string>& ids) {
  if (ids.empty()) return ids;
  std::string sql = "SELECT id FROM trajectory_records WHERE id IN (";
  std::vector<storage::Value> values;
  for (const std::string& id : ids) {
    values.emplace_back(id);
    absl::StrAppend(&sql, values.size() > 1 ? ", $" : "$", values.size());
  }
  std::set<std::string> there;
  PROCTOR_RETURN_IF_ERROR(archive_.database().Read(context, [&](Transaction& transaction) -> absl::Status {
    PROCTOR_ASSIGN_OR_RETURN(const std::vector<Row> rows, transaction.Query(absl::StrCat(sql, ")"), values));
    for (const Row& row : rows) there.insert(row.Text(0));
    return absl::OkStatus();
  }));
  std::vector<std::string> missing;
  std::copy_if(ids.begin(), ids.end(), std::back_inserter(missing), [&](const std::string& id) { return !there.contains(id); });
  return missing;
}

void TrajectoryStore::CollectWhatCanBe(const CallContext& context) {
  const absl::Status collected = CollectGarbage(context);
  if (!collected.ok()) LogInfo("not all blobs that nobody needs were deleted: the next collection goes on", {{"error", collected.ToString()}});
}

absl::Status TrajectoryStore::CollectGarbage(const CallContext& context) {
  std::string last;
  while (true) {
    std::vector<std::string> claimed;
    PROCTOR_RETURN_IF_ERROR(archive_.database().Read(context, [&](Transaction& transaction) -> absl::Status {
      PROCTOR_ASSIGN_OR_RETURN(const std::vector<Row> rows,
                               transaction.Query(absl::StrCat("SELECT digest FROM trajectory_garbage WHERE digest > $1 ORDER BY digest LIMIT ",
                                                              kCollectedTogether),
                                                 {last}));
      for (const Row& row : rows) claimed.push_back(row.Text(0));
      return absl::OkStatus();
    }));
    if (claimed.empty()) return absl::OkStatus();
    last = claimed.back();
    // Some are about to be named: the next collection looks again.
    const absl::Time now = archive_.clock().Now();
    std::erase_if(claimed, [&](const std::string& digest) { return !archive_.ledger().BeginCollect(digest, now); });
    const absl::Status status = CollectClaimed(context, claimed);
    for (const std::string& digest : claimed) archive_.ledger().EndCollect(digest);
    PROCTOR_RETURN_IF_ERROR(status);
  }
}

bool TrajectoryStore::DeleteBlob(const std::string& digest) {
  const absl::Status deleted = archive_.blobs().Delete(digest);
  MutexLock lock(mutex_);
  if (deleted.ok()) {
    undeletable_.erase(digest);
  } else if (undeletable_.insert(digest).second) {
    LogWarning("a blob that nobody needs cannot be deleted: every collection tries again", {{"blob", digest}, {"error", deleted.ToString()}});
  }
  return deleted.ok();
}

absl::Status TrajectoryStore::CollectClaimed(const CallContext& context, const std::vector<std::string>& digests) {
  if (digests.empty()) return absl::OkStatus();
  std::vector<std::string> named;
  std::vector<std::string> unnamed;
  PROCTOR_RETURN_IF_ERROR(archive_.database().Read(context, [&](Transaction& transaction) -> absl::Status {
    for (const std::string& digest : digests) {
      PROCTOR_ASSIGN_OR_RETURN(const std::vector<Row> rows,
                               transaction.Query("SELECT 1 FROM trajectory_blobs WHERE digest = $1 LIMIT 1", {digest}));
      (rows.empty() ? unnamed : named).push_back(digest);
    }
    return absl::OkStatus();
  }));
  std::erase_if(unnamed, [this](const std::string& digest) { return !DeleteBlob(digest); });
  return archive_.database().Write(context, [&](Transaction& transaction) -> absl::Status {
    for (const std::string& digest : unnamed) {
      // The same bytes may come again, in their first encoding.
      for (const char* sql : {"DELETE FROM trajectory_recompressed WHERE digest = $1", "DELETE FROM trajectory_garbage WHERE digest = $1"}) {
        PROCTOR_RETURN_IF_ERROR(transaction.Execute(sql, {digest}).status());
      }
    }
    // Whoever named one when it was looked for may have been deleted since, and have noted it again.
    for (const std::string& digest : named) {
      PROCTOR_RETURN_IF_ERROR(transaction
                                  .Execute("DELETE FROM trajectory_garbage WHERE digest = $1 AND EXISTS (SELECT 1 FROM trajectory_blobs b "
                                           "WHERE b.digest = trajectory_garbage.digest)",
                                           {digest})
                                  .status());
    }
    return absl::OkStatus();
  });
}

}  // namespace proctor::trajectory
