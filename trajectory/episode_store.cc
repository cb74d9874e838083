#include "trajectory/episode_store.h"

#include <cstdint>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/ids.h"
#include "common/status.h"
#include "storage/database.h"
#include "storage/page.h"
#include "trajectory/page_token.h"
#include "trajectory/record_tables.h"

namespace proctor::trajectory {
namespace {

using storage::Row;
using storage::Transaction;

constexpr char kSelect[] =
    "SELECT e.id, e.start_time, e.episode, r.step_count FROM trajectory_episodes e "
    "LEFT JOIN trajectory_records r ON r.id = e.id";
constexpr char kCorruptRow[] = "the episode's row cannot be read";

absl::StatusOr<v1::Episode> Parse(const Row& row) {
  PROCTOR_ASSIGN_OR_RETURN(v1::Episode episode, ParseEpisode(row.Text(0), row.Text(2)));
  if (!row.IsNull(3)) episode.set_step_count(static_cast<int32_t>(row.Int(3)));
  return episode;
}

absl::StatusOr<v1::Episode> Load(Transaction& transaction, const std::string& id) {
  PROCTOR_ASSIGN_OR_RETURN(const std::vector<Row> rows,
                           transaction.Query(absl::StrCat(kSelect, " WHERE e.id = $1"), {id}));
  if (rows.empty()) return absl::NotFoundError(absl::StrCat("no episode episodes/", id));
  return Parse(rows[0]);
}

}  // namespace

absl::StatusOr<v1::Episode> EpisodeStore::Get(const CallContext& context, const std::string& name) {
  PROCTOR_ASSIGN_OR_RETURN(const std::string id, ResourceId("episodes", name));
  v1::Episode episode;
  PROCTOR_RETURN_IF_ERROR(
      archive_.database().Read(context, [&](Transaction& transaction) -> absl::Status {
        PROCTOR_ASSIGN_OR_RETURN(episode, Load(transaction, id));
        return absl::OkStatus();
      }));
  return episode;
}

absl::StatusOr<EpisodeStore::Page> EpisodeStore::List(const CallContext& context,
                                                      const EpisodeFilter& filter, int page_size,
                                                      const std::string& page_token) {
  PROCTOR_ASSIGN_OR_RETURN(const int limit, PageSizeInForce(page_size));
  PageToken from;
  if (!page_token.empty()) {
    PROCTOR_ASSIGN_OR_RETURN(from, DecodePageToken(page_token));
  }
  const std::string sql = absl::StrCat(
      kSelect,
      " WHERE ($1 = '' OR e.session = $1) AND ($2 = '' OR e.policy = $2) AND ($3 = '' OR e.task = $3)",
      filter.pending_result_only ? " AND e.state = 3 AND e.result_state <> 2" : "",
      " AND ($5 = '' OR e.start_time < $4 OR (e.start_time = $4 AND e.id < $5))"
      " ORDER BY e.start_time DESC, e.id DESC LIMIT $6");
  static_assert(v1::EPISODE_STATE_CLOSED == 3 && v1::RESULT_STATE_READY == 2);
  Page page;
  std::vector<std::string> unreadable;
  PROCTOR_RETURN_IF_ERROR(
      archive_.database().Read(context, [&](Transaction& transaction) -> absl::Status {
        PageToken last;
        const auto add = [&](const Row& row) {
          last = {.start_time_micros = row.Int(1), .id = row.Text(0)};
          absl::StatusOr<v1::Episode> episode = Parse(row);
          if (episode.ok()) {
            page.episodes.push_back(*std::move(episode));
          } else {
            unreadable.push_back(ResourceName("episodes", row.Text(0)));
          }
          return absl::OkStatus();
        };
        PROCTOR_ASSIGN_OR_RETURN(
            const bool more,
            storage::ForEachOfPage(transaction, sql,
                                   {filter.session, filter.policy, filter.task, from.start_time_micros, from.id, int64_t{limit} + 1},
                                   limit, add));
        if (more) page.next_page_token = EncodePageToken(last);
        return absl::OkStatus();
      }));
  for (const std::string& name : unreadable) archive_.unreadable().Note(name, kCorruptRow);
  return page;
}

absl::StatusOr<v1::Episode> EpisodeStore::Update(
    const CallContext& context, const std::string& name,
    const std::function<absl::Status(v1::Episode&)>& change) {
  PROCTOR_ASSIGN_OR_RETURN(const std::string id, ResourceId("episodes", name));
  v1::Episode episode;
  PROCTOR_RETURN_IF_ERROR(
      archive_.database().Write(context, [&](Transaction& transaction) -> absl::Status {
        PROCTOR_ASSIGN_OR_RETURN(episode, Load(transaction, id));
        PROCTOR_RETURN_IF_ERROR(change(episode));
        return PutEpisode(transaction, id, episode);
      }));
  return episode;
}

void EpisodeStore::NoteDamaged(const std::string& name, const absl::Status& why) {
  archive_.unreadable().Note(name, std::string(why.message()));
}

}  // namespace proctor::trajectory
