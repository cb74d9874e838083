// Everything that the server keeps: one directory with database and blobs, and the stores of all rooms over them.
#ifndef PROCTOR_SERVER_DATA_DIRECTORY_H_
#define PROCTOR_SERVER_DATA_DIRECTORY_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/call_context.h"
#include "common/clock.h"
#include "evaluator/evaluator_store.h"
#include "evaluator/label_store.h"
#include "evaluator/reflection_store.h"
#include "proctor/v1/config.pb.h"
#include "proposer/task_sampler.h"
#include "proposer/task_store.h"
#include "reward/groups.h"
#include "reward/reward_log.h"
#include "storage/blob_store.h"
#include "storage/commit_observer.h"
#include "storage/database.h"
#include "storage/job_store.h"
#include "trajectory/archive.h"
#include "trajectory/episode_store.h"
#include "trajectory/recorder.h"
#include "trajectory/replay_store.h"
#include "trajectory/trajectory_store.h"

namespace proctor::server {

// Members in the order of their dependence: destroyed the other way round.
struct DataDirectory {
  std::unique_ptr<storage::Database> database;
  std::unique_ptr<storage::BlobStore> blobs;
  std::unique_ptr<trajectory::Archive> archive;
  std::unique_ptr<trajectory::Recorder> recorder;
  std::unique_ptr<trajectory::TrajectoryStore> trajectories;
  std::unique_ptr<trajectory::EpisodeStore> episodes;
  std::unique_ptr<trajectory::ReplayStore> replays;
  std::unique_ptr<evaluator::EvaluatorStore> evaluators;
  std::unique_ptr<evaluator::VerdictStore> verdicts;
  std::unique_ptr<evaluator::LabelStore> labels;
  std::unique_ptr<evaluator::ReflectionStore> reflections;
  std::unique_ptr<proposer::TaskStore> tasks;
  std::unique_ptr<proposer::TaskSampler> sampler;
  std::unique_ptr<reward::Groups> groups;
  std::unique_ptr<reward::RewardLog> rewards;
  std::unique_ptr<storage::JobStore> jobs;
  // Made once, of 256 random bits, and kept in the file `secret` (mode 0600); see model::FenceKey.
  std::string secret;
};

// Makes the directory (mode 0700) if it is missing, locks it, brings tables up to date, closes what a stopped server left
// open. FAILED_PRECONDITION: another server holds it; PERMISSION_DENIED: it cannot be made or written; DATA_LOSS: its database or its secret is
// damaged.
// `commits` is told of the database's commits; it may be null, and outlives the directory. `context`: what closing and reading may take.
absl::StatusOr<DataDirectory> OpenDataDirectory(const CallContext& context, const v1::ServerConfig& config, Clock& clock,
                                                storage::CommitObserver* commits = nullptr);

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_DATA_DIRECTORY_H_
