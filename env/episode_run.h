// The books of one open episode: its messages, step index, limits and whose time it is. The same for all worlds.
#ifndef PROCTOR_ENV_EPISODE_RUN_H_
#define PROCTOR_ENV_EPISODE_RUN_H_

#include <string>

#include "absl/time/time.h"
#include "env/world.h"
#include "proctor/v1/environment_service.pb.h"
#include "proctor/v1/episode.pb.h"
#include "proctor/v1/trajectory.pb.h"

namespace proctor::env {

// How an episode ends.
struct Ending {
  v1::EndReason reason = v1::END_REASON_UNSPECIFIED;
  std::string message;
};

// Takes pictures' bytes out of an observation.
void DropPictureBytes(v1::Observation& observation);

// Not thread-safe: used on the session's executor.
class EpisodeRun {
 public:
  struct Start {
    std::string episode_id;
    std::string session_id;
    std::string environment_id;
    v1::Task task;
    v1::Limits limits;
    // What Reset gave.
    ResetResult reset;
    // When the first observation was there.
    absl::Time time;
  };
  EpisodeRun(Start start, const v1::StartEpisodeRequest& request);

  const std::string& id() const { return id_; }
  const v1::Task& task() const { return task_; }
  const v1::Episode& episode() const { return episode_; }
  // The record's head: everything but steps and end, without credentials.
  const v1::Trajectory& header() const { return header_; }
  void AddEvidence(std::vector<v1::Evidence> evidence, bool at_start);

  int next_index() const { return episode_.step_count(); }
  absl::Time deadline() const { return deadline_; }
  // A step was recorded.
  void CountStep() { episode_.set_step_count(episode_.step_count() + 1); }
  bool AtStepLimit() const { return episode_.step_count() >= episode_.limits().max_steps(); }

  // The agent's time ends when a verb arrives, the server's when it is answered; of what the server took, up to `asked` is the
  // agent's: it wished to wait.
  void Arrived(absl::Time time);
  void Answered(absl::Time time, absl::Duration asked = absl::ZeroDuration());

  // Fills in the end, or another one. The shares are those up to the last Arrived or Answered. The record's ending: end fields, times,
  // evidence.
  v1::Trajectory End(const Ending& ending, absl::Time now);

  // The newest observation, with bytes.
  v1::Observation& last_observation() { return last_observation_; }

 private:
  const std::string id_;
  const v1::Task task_;
  v1::Episode episode_;
  v1::Trajectory header_;
  absl::Time deadline_;
  // When the account was last settled.
  absl::Time settled_;
  absl::Duration server_;
  absl::Duration agent_;
  v1::Observation last_observation_;
  // Of the evidence in the header.
  int64_t evidence_bytes_ = 0;
};

}  // namespace proctor::env

#endif  // PROCTOR_ENV_EPISODE_RUN_H_
