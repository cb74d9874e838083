#include "trajectory/record_check.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/ids.h"
#include "common/status.h"
#include "proctor/v1/episode.pb.h"
#include "proctor/v1/trajectory.pb.h"
#include "trajectory/digest_chain.h"
#include "trajectory/record_form.h"
#include "trajectory/record_tables.h"

namespace proctor::trajectory {
namespace {

using storage::Row;
using storage::Transaction;

// What tells which blobs a record needs.
enum class Trust { kRecord, kNotes };

// Reads one record after another into a RecordCheck.
class Checker {
 public:
  Checker(Transaction& transaction, RecordCheck& check) : transaction_(transaction), check_(check) {}

  // What the database itself cannot read (a page of its file is damaged) is told of this record alone.
  absl::Status Check(const std::string& id) {
    absl::Status checked = CheckOne(id);
    if (!absl::IsDataLoss(checked)) return checked;
    Damage(absl::StrCat("it cannot be read: ", checked.message()));
    absl::Status noted = CheckNotes(Trust::kNotes);
    if (!absl::IsDataLoss(noted)) return noted;
    check_.blobs_unknown = true;
    return absl::OkStatus();
  }

 private:
  absl::Status CheckOne(const std::string& id) {
    id_ = id;
    named_.clear();
    const size_t damage_before = check_.damage.size();
    PROCTOR_ASSIGN_OR_RETURN(const std::vector<Row> rows,
                             transaction_.Query("SELECT header, step_count, digest, closed FROM trajectory_records WHERE id = $1", {id}));
    if (rows.empty()) return absl::OkStatus();
    ++check_.records;
    const absl::StatusOr<v1::Trajectory> parsed = ParseHeader(id, rows[0].Text(0));
    if (!parsed.ok()) {
      Damage("its header cannot be read");
      return CheckNotes(Trust::kNotes);
    }
    const v1::Trajectory& header = *parsed;
    thinned_ = header.has_thin_time();
    step_count_ = rows[0].Int(1);
    Name(header.initial_observation(), -1);
    chain_.emplace(header);
    linked_ = IsLinked(header);
    PROCTOR_ASSIGN_OR_RETURN(const bool steps_sound, CheckSteps(step_count_));
    const bool closed = rows[0].Int(3) != 0;
    if (header.closed() != closed) Damage("its header and its row differ about whether it is closed");
    if (closed && steps_sound) CheckDigest(header, rows[0].Text(2), step_count_);
    if (!closed && steps_sound && linked_ && rows[0].Text(2) != chain_->last()) {
      Damage(step_count_ > 0 ? "its last step is not what was recorded last" : "its header is not the one that it began with");
    }
    const bool whole = check_.damage.size() == damage_before;
    if (whole && !closed) ++check_.open;
    return CheckNotes(whole ? Trust::kRecord : Trust::kNotes);
  }

  void Damage(const std::string& what) { check_.damage.push_back(absl::StrCat("trajectories/", id_, ": ", what)); }

  void Name(const v1::Observation& observation, int64_t step_index) {
    if (thinned_ && ThinningTakes(step_index, step_count_)) return;
    for (std::string& digest : NamedBlobs(observation)) named_.insert(std::move(digest));
  }

  // True if all steps are there, readable and unchanged.
  absl::StatusOr<bool> CheckSteps(int64_t count) {
    const size_t before = check_.damage.size();
    PROCTOR_ASSIGN_OR_RETURN(
        const std::vector<Row> rows,
        transaction_.Query("SELECT step_index, digest FROM trajectory_steps WHERE trajectory = $1 ORDER BY step_index", {id_}));
    int64_t next = 0;
    for (const Row& row : rows) {
      const int64_t index = row.Int(0);
      if (index > next) Damage(absl::StrCat("steps ", next, " to ", index - 1, " are missing"));
      PROCTOR_RETURN_IF_ERROR(CheckStepRow(index, row.Text(1), next));
      next = index + 1;
    }
    if (next != count) Damage(absl::StrCat("it should have ", count, " steps, but they end with ", next - 1));
    return check_.damage.size() == before;
  }

  // One at a time: a step may have megabytes. `next` is the index that should come.
  absl::Status CheckStepRow(int64_t index, const std::string& digest, int64_t next) {
    PROCTOR_ASSIGN_OR_RETURN(
        const std::vector<Row> rows,
        transaction_.Query("SELECT step FROM trajectory_steps WHERE trajectory = $1 AND step_index = $2", {id_, index}));
    ++check_.steps;
    v1::Step step;
    const std::string expected = rows.empty() ? "" : chain_->Add(Sha256Hex(rows[0].Text(0)));
    // Whatever is wrong with it, the next one has to follow what its row says.
    chain_->GoOnFrom(digest);
    if (expected != digest && !linked_) {
      Damage(absl::StrCat("the bytes of step ", index, " do not fit their digest"));
    } else if (expected != digest && index == next) {  // After a gap: what it follows is gone.
      Damage(absl::StrCat("step ", index, " does not follow ", index == 0 ? "the header" : absl::StrCat("step ", index - 1),
                          ": one of the two was changed"));
    } else if (rows.empty() || !step.ParseFromString(rows[0].Text(0)) || step.index() != index) {
      Damage(absl::StrCat("step ", index, " cannot be read"));
    } else {
      Name(step.observation(), index);
    }
    return absl::OkStatus();
  }

  void CheckDigest(const v1::Trajectory& header, const std::string& column, int64_t count) {
    if (header.digest() != column) Damage("its header and its row have different digests");
    if (header.step_count() != 0 && header.step_count() != count) Damage("its header and its row have different step counts");
    if (header.digest() != chain_->End(header)) Damage("it does not fit its digest");
  }

  // Of a record that is not whole nobody knows all that it names: what is noted counts.
  absl::Status CheckNotes(Trust trust) {
    PROCTOR_ASSIGN_OR_RETURN(const std::vector<Row> rows,
                             transaction_.Query("SELECT digest FROM trajectory_blobs WHERE trajectory = $1", {id_}));
    std::set<std::string> noted;
    for (const Row& row : rows) noted.insert(row.Text(0));
    for (const std::string& digest : named_) {
      if (!noted.contains(digest)) check_.unnoted_blobs.emplace_back(id_, digest);
    }
    for (const std::string& digest : noted) {
      if (trust == Trust::kNotes) {
        named_.insert(digest);
      } else if (!named_.contains(digest)) {
        check_.noted_for_nothing.emplace_back(id_, digest);
      }
    }
    check_.named_blobs.insert(named_.begin(), named_.end());
    return absl::OkStatus();
  }

  Transaction& transaction_;
  RecordCheck& check_;
  std::string id_;
  bool thinned_ = false;
  int64_t step_count_ = 0;
  std::set<std::string> named_;
  // Up to the last step looked at.
  std::optional<DigestChain> chain_;
  bool linked_ = false;
};

absl::Status CheckOrphans(Transaction& transaction, RecordCheck& check) {
  PROCTOR_ASSIGN_OR_RETURN(const std::vector<Row> steps,
                           transaction.Query("SELECT DISTINCT trajectory FROM trajectory_steps WHERE trajectory NOT IN "
                                             "(SELECT id FROM trajectory_records)",
                                             {}));
  std::set<std::string> broken;
  for (const Row& row : steps) {
    check.damage.push_back(absl::StrCat("trajectories/", row.Text(0), ": there are steps, but no record"));
    broken.insert(row.Text(0));
  }
  PROCTOR_ASSIGN_OR_RETURN(const std::vector<Row> blobs,
                           transaction.Query("SELECT trajectory, digest FROM trajectory_blobs WHERE trajectory NOT IN "
                                             "(SELECT id FROM trajectory_records)",
                                             {}));
  for (const Row& row : blobs) {
    if (broken.contains(row.Text(0))) {
      check.named_blobs.insert(row.Text(1));
    } else {
      check.noted_for_nothing.emplace_back(row.Text(0), row.Text(1));
    }
  }
  PROCTOR_ASSIGN_OR_RETURN(const std::vector<Row> garbage, transaction.Query("SELECT digest FROM trajectory_garbage", {}));
  for (const Row& row : garbage) check.garbage.insert(row.Text(0));
  return absl::OkStatus();
}

void CheckEpisode(const Row& row, EpisodeCheck& check) {
  ++check.episodes;
  const std::string name = ResourceName("episodes", row.Text(0));
  const absl::StatusOr<v1::Episode> episode = ParseEpisode(row.Text(0), row.Text(3));
  if (!episode.ok()) {
    check.damage.push_back(absl::StrCat(name, ": its row cannot be read: the server goes on without it, and gives it no reward; restore "
                                              "from a backup, or live without it"));
  } else if (episode->state() != row.Int(1) || episode->result_state() != row.Int(2)) {
    check.damage.push_back(absl::StrCat(name, ": its row and the columns beside it differ about its state"));
  }
}

}  // namespace

absl::StatusOr<RecordCheck> CheckRecords(const CallContext& context, storage::Database& database,
                                         const std::function<void(int64_t done, int64_t all)>& progress) {
  RecordCheck check;
  PROCTOR_RETURN_IF_ERROR(database.Read(context, [&](Transaction& transaction) -> absl::Status {
    PROCTOR_ASSIGN_OR_RETURN(const std::vector<Row> ids, transaction.Query("SELECT id FROM trajectory_records ORDER BY id", {}));
    Checker checker(transaction, check);
    for (size_t i = 0; i < ids.size(); ++i) {
      PROCTOR_RETURN_IF_ERROR(checker.Check(ids[i].Text(0)));
      progress(static_cast<int64_t>(i) + 1, static_cast<int64_t>(ids.size()));
    }
    return CheckOrphans(transaction, check);
  }));
  return check;
}

absl::StatusOr<EpisodeCheck> CheckEpisodes(const CallContext& context, storage::Database& database,
                                           const std::function<void(int64_t done)>& progress) {
  EpisodeCheck check;
  PROCTOR_RETURN_IF_ERROR(database.Read(context, [&](Transaction& transaction) -> absl::Status {
    std::string last;
    while (true) {
      PROCTOR_ASSIGN_OR_RETURN(const std::vector<Row> rows,
                               transaction.Query("SELECT id, state, result_state, episode FROM trajectory_episodes WHERE id > $1 "
                                                 "ORDER BY id LIMIT 500",
                                                 {last}));
      if (rows.empty()) return absl::OkStatus();
      for (const Row& row : rows) CheckEpisode(row, check);
      last = rows.back().Text(0);
      progress(check.episodes);
    }
  }));
  return check;
}

absl::StatusOr<std::set<std::string>> NotedBlobs(const CallContext& context, storage::Database& database) {
  std::set<std::string> digests;
  PROCTOR_RETURN_IF_ERROR(database.Read(context, [&](Transaction& transaction) -> absl::Status {
    PROCTOR_ASSIGN_OR_RETURN(const std::vector<Row> rows, transaction.Query("SELECT DISTINCT digest FROM trajectory_blobs", {}));
    for (const Row& row : rows) digests.insert(row.Text(0));
    return absl::OkStatus();
  }));
  return digests;
}

absl::Status MendNotedBlobs(const CallContext& context, storage::Database& database, const RecordCheck& check) {
  return database.Write(context, [&](Transaction& transaction) -> absl::Status {
    for (const auto& [id, digest] : check.unnoted_blobs) {
      PROCTOR_RETURN_IF_ERROR(
          transaction.Execute("INSERT INTO trajectory_blobs (trajectory, digest) VALUES ($1, $2) ON CONFLICT DO NOTHING", {id, digest})
              .status());
    }
    for (const auto& [id, digest] : check.noted_for_nothing) {
      PROCTOR_RETURN_IF_ERROR(
          transaction.Execute("DELETE FROM trajectory_blobs WHERE trajectory = $1 AND digest = $2", {id, digest}).status());
    }
    return absl::OkStatus();
  });
}

}  // namespace proctor::trajectory
