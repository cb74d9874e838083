// Rows of episodes: what GetEpisode and ListEpisodes show, verdict and reward filled in later.
#ifndef PROCTOR_TRAJECTORY_EPISODE_STORE_H_
#define PROCTOR_TRAJECTORY_EPISODE_STORE_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/call_context.h"
#include "proctor/v1/episode.pb.h"
#include "trajectory/archive.h"

namespace proctor::trajectory {

// Which episodes. Empty fields do not filter.
struct EpisodeFilter {
  // `sessions/{id}`.
  std::string session = "";
  std::string policy = "";
  // `tasks/{id}`.
  std::string task = "";
  // Only closed ones whose verdict and reward are still to be made.
  bool pending_result_only = false;
};

// Thread-safe. Names are `episodes/{id}`; INVALID_ARGUMENT for others, NOT_FOUND, DATA_LOSS for a corrupt row. Rows are made by the
// Recorder.
class EpisodeStore {
 public:
  // `archive` outlives the store.
  explicit EpisodeStore(Archive& archive) : archive_(archive) {}

  // `step_count` of a running episode is the number of durable steps.
  absl::StatusOr<v1::Episode> Get(const CallContext& context, const std::string& name);

  struct Page {
    std::vector<v1::Episode> episodes;
    // Empty on the last page.
    std::string next_page_token;
  };
  // Newest first. `page_size` 0 means 50, at most 1,000, and 2 MiB (storage/page.h). A row that cannot be read is left out and noted in Archive::unreadable, so a page
  // may have fewer episodes than are to come, or none. INVALID_ARGUMENT for a foreign page token.
  absl::StatusOr<Page> List(const CallContext& context, const EpisodeFilter& filter, int page_size,
                            const std::string& page_token);

  // Changes the row in one transaction and returns it. What `change` returns is returned.
  absl::StatusOr<v1::Episode> Update(const CallContext& context, const std::string& name,
                                     const std::function<absl::Status(v1::Episode&)>& change);

  // Notes in Archive::unreadable that an episode gets no result, since its row or its record, `name`, is damaged: `why`.
  void NoteDamaged(const std::string& name, const absl::Status& why);

 private:
  Archive& archive_;
};

}  // namespace proctor::trajectory

#endif  // PROCTOR_TRAJECTORY_EPISODE_STORE_H_
