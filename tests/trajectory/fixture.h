// An archive in memory and records to put into it.
#ifndef PROCTOR_TESTS_TRAJECTORY_FIXTURE_H_
#define PROCTOR_TESTS_TRAJECTORY_FIXTURE_H_

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/clock.h"
#include "common/ids.h"
#include "common/proto_time.h"
#include "gtest/gtest.h"
#include "proctor/v1/episode.pb.h"
#include "proctor/v1/trajectory.pb.h"
#include "storage/memory_blob_store.h"
#include "storage/memory_database.h"
#include "trajectory/archive.h"
#include "trajectory/episode_store.h"
#include "trajectory/recorder.h"
#include "trajectory/replay_store.h"
#include "trajectory/trajectory_store.h"

namespace proctor::trajectory {

// Everything in memory, wired as a server would.
struct Room {
  Room()
      : database(storage::NewMemoryDatabase().value()),
        blobs(storage::NewMemoryBlobStore()),
        archive(Archive::Open(*database, *blobs, clock).value()),
        recorder(*archive),
        trajectories(*archive),
        episodes(*archive),
        replays(*archive) {}

  SimulatedClock clock;
  std::unique_ptr<storage::Database> database;
  std::unique_ptr<storage::BlobStore> blobs;
  std::unique_ptr<Archive> archive;
  Recorder recorder;
  TrajectoryStore trajectories;
  EpisodeStore episodes;
  ReplayStore replays;
};

inline v1::Observation MakeObservation(const std::string& pixels) {
  v1::Observation observation;
  observation.set_url("http://shop.localhost/cart");
  observation.mutable_screenshot()->set_format(v1::IMAGE_FORMAT_PNG);
  observation.mutable_screenshot()->set_width_px(1280);
  observation.mutable_screenshot()->set_data(pixels);
  return observation;
}

inline v1::Trajectory MakeHeader(const std::string& id, absl::Time start) {
  v1::Trajectory header;
  header.set_name("trajectories/" + id);
  header.mutable_task()->set_name("tasks/buy-tea");
  header.mutable_task()->set_goal("Buy the green tea.");
  header.mutable_task()->set_split(v1::SPLIT_TRAIN);
  header.set_environment("environments/practice");
  header.mutable_policy()->set_policy("refine");
  header.mutable_policy()->set_version("17");
  header.set_seed(7);
  (*header.mutable_client_tags())["run"] = "a";
  (*header.mutable_client_tags())["arm"] = "b";
  *header.mutable_start_time() = ToProto(start);
  *header.mutable_initial_observation() = MakeObservation("pixels 0");
  header.set_recorder("proctor");
  return header;
}

inline v1::Episode MakeEpisode(const std::string& id, absl::Time start) {
  v1::Episode episode;
  episode.set_name("episodes/" + id);
  episode.set_session("sessions/s1");
  episode.set_task("tasks/buy-tea");
  episode.mutable_policy()->set_policy("refine");
  episode.set_state(v1::EPISODE_STATE_RUNNING);
  episode.set_trajectory("trajectories/" + id);
  *episode.mutable_start_time() = ToProto(start);
  return episode;
}

inline v1::Step MakeStep(int index, absl::Time time) {
  v1::Step step;
  step.set_index(index);
  step.mutable_action()->mutable_click()->mutable_target()->set_mark(index + 1);
  step.mutable_agent_data()->set_thought("I should click.");
  step.mutable_agent_data()->add_log_probs(-0.1F);
  step.mutable_agent_data()->add_log_probs(-1.0e-7F);
  *step.mutable_observation() = MakeObservation(absl::StrCat("pixels ", index + 1));
  *step.mutable_start_time() = ToProto(time);
  *step.mutable_end_time() = ToProto(time + absl::Milliseconds(90));
  return step;
}

inline v1::Trajectory MakeEnding(absl::Time end) {
  v1::Trajectory ending;
  *ending.mutable_end_time() = ToProto(end);
  ending.set_end_kind(v1::END_KIND_TERMINATED);
  ending.set_end_reason(v1::END_REASON_ANSWERED);
  ending.set_server_seconds(1.25);
  v1::Evidence& evidence = *ending.add_evidence();
  evidence.set_request_id("url");
  evidence.add_json_values("\"http://shop.localhost/done\"");
  return ending;
}

inline Replay MakeReplay(const std::string& request_id) {
  return {.request_id = request_id,
          .request_digest = Sha256Hex(request_id),
          .response = "answer to " + request_id};
}

// Changes a column of bytes of a row, found by its id, behind the stores' backs.
inline void SetBytes(Room& room, const std::string& update, const std::string& id, const std::string& bytes) {
  const absl::Status status = room.database->Write(CallContext(), [&](storage::Transaction& transaction) -> absl::Status {
    const absl::StatusOr<int64_t> changed = transaction.Execute(update, {id, storage::Bytes{bytes}});
    if (!changed.ok()) return changed.status();
    return *changed == 1 ? absl::OkStatus() : absl::NotFoundError(id);
  });
  ASSERT_TRUE(status.ok()) << status;
}
inline void SetHeader(Room& room, const std::string& id, const std::string& bytes) {
  SetBytes(room, "UPDATE trajectory_records SET header = $2 WHERE id = $1", id, bytes);
}
inline void SetRow(Room& room, const std::string& id, const std::string& bytes) {
  SetBytes(room, "UPDATE trajectory_episodes SET episode = $2 WHERE id = $1", id, bytes);
}

// Runs SQL behind the stores' backs.
inline void Sql(Room& room, const std::string& sql) {
  const absl::Status status = room.database->Write(
      CallContext(), [&](storage::Transaction& transaction) { return transaction.Execute(sql, {}).status(); });
  ASSERT_TRUE(status.ok()) << status;
}
// As if the steps of all records had so many bytes.
inline void SetStepBytes(Room& room, int64_t bytes) { Sql(room, absl::StrCat("UPDATE trajectory_records SET step_bytes = ", bytes)); }

// Records a whole closed episode of `steps` steps and returns the trajectory's name.
inline std::string RecordEpisode(Room& room, const std::string& id, int steps) {
  const CallContext context;
  const absl::Time start = room.clock.Now();
  absl::Status status =
      room.recorder.Begin(context, MakeHeader(id, start), MakeEpisode(id, start), {});
  for (int i = 0; i < steps && status.ok(); ++i) {
    status = room.recorder.Append(context, id, MakeStep(i, start + absl::Seconds(i)), {});
  }
  v1::Episode episode = MakeEpisode(id, start);
  episode.set_state(v1::EPISODE_STATE_CLOSED);
  if (status.ok()) {
    status = room.recorder.Finish(context, id, MakeEnding(start + absl::Minutes(1)), episode, {})
                 .status();
  }
  return status.ok() ? "trajectories/" + id : status.ToString();
}

}  // namespace proctor::trajectory

#endif  // PROCTOR_TESTS_TRAJECTORY_FIXTURE_H_
