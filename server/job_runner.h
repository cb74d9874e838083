// Long work that goes on without its client: runs jobs on a pool, keeps them in the store, tells watchers.
#ifndef PROCTOR_SERVER_JOB_RUNNER_H_
#define PROCTOR_SERVER_JOB_RUNNER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/call_context.h"
#include "common/executor.h"
#include "common/mutex.h"
#include "google/protobuf/any.pb.h"
#include "proctor/v1/job.pb.h"
#include "server/job_places.h"
#include "storage/job_store.h"

namespace proctor::server {

// How running work tells how far it is. Thread-safe.
class JobProgress {
 public:
  virtual ~JobProgress() = default;
  // A safe point: waits while the job is paused, and then for its turn; CANCELLED once it is cancelled. `total` 0: not known. `before_waiting`,
  // if any, is called first where it waits: to give back what a paused job does not need.
  virtual absl::Status Report(int64_t done, int64_t total, const std::string& message, const std::function<void()>& before_waiting) = 0;
  absl::Status Report(int64_t done, int64_t total, const std::string& message) { return Report(done, total, message, nullptr); }
  // Stores what the job is about to bring, before the deed that makes it true and cannot be done twice: a job that is started again because its
  // server was stopped or killed finds it as its `result`, and whether the deed was done is to be seen.
  virtual absl::Status KeepResult(const google::protobuf::Message& result) = 0;
};

// Few jobs work at once: tenants take turns, and a paused job makes room for another (see JobPlaces). It keeps its thread, for its work could not
// go on elsewhere, and what it has done is not done again. One whose end cannot be stored, as on a full disk, is RUNNING and keeps its place
// until it can. Thread-safe.
class JobRunner {
 public:
  // Runs on the jobs pool and may block; its context is cancelled with the job and by Stop. After a stop it starts again
  // from the beginning at the next start, so it must bear that: what it makes is named after the job.
  using Work = std::function<absl::StatusOr<google::protobuf::Any>(
      const CallContext& context, const v1::Job& job, JobProgress& progress)>;

  struct Parts {
    storage::JobStore& store;
    // Has a thread for each of `places` jobs and JobPlaces::kAside more.
    Executor& pool;
    // Jobs that work at once.
    int places = 2;
    // Whose a job is; null: they are all one tenant's.
    std::function<std::string(const std::string& job)> tenant_of = nullptr;
  };
  // All outlive the runner.
  explicit JobRunner(Parts parts);
  // Call Stop first; what is watched is unwatched by then.
  ~JobRunner();

  // Cancels what runs and waits for it. What did not end stays QUEUED or PAUSED in the store, for Recover of the next
  // start. From here on nothing runs; the rest goes on answering. Watchers are told. Idempotent.
  void Stop();
  // Stop has begun.
  bool stopping() const;

  // Before anything starts.
  void Register(const std::string& kind, Work work);

  // Before anybody can Start: takes up what a stopped server left. Queued and running jobs start again from the
  // beginning, paused ones wait for Resume.
  absl::Status Recover(const CallContext& context);

  // Queues a job. The same `request_id` gives the same job. `created`, if any, is told its name before it runs.
  absl::StatusOr<v1::Job> Start(const CallContext& context, const std::string& request_id,
                                const std::string& kind, const google::protobuf::Message& request,
                                const std::function<void(const std::string& job)>& created = nullptr);

  // As it stands, progress of this moment included. NOT_FOUND.
  absl::StatusOr<v1::Job> Get(const CallContext& context, const std::string& name);
  // FAILED_PRECONDITION if it has ended. Pausing a paused job is OK, and so on. A job that was paused before it began does not begin; a resumed
  // one is QUEUED until it has a place again.
  absl::StatusOr<v1::Job> Pause(const CallContext& context, const std::string& name);
  absl::StatusOr<v1::Job> Resume(const CallContext& context, const std::string& name);
  // OK if it has ended. One that has not begun has ended on return; if the store refuses, it goes on waiting for its turn.
  absl::StatusOr<v1::Job> Cancel(const CallContext& context, const std::string& name);

  // Of the pool `job`.
  PoolUsage usage() const { return places_.Usage(); }

  // Calls `changed` after every change, at most 10 times a second, and once at the end, from any thread; it must not
  // block. For a job that a stopped server left paused, only Stop calls it until it is resumed.
  uint64_t Watch(const std::string& name, std::function<void()> changed);
  // After return nothing is called any more.
  void Unwatch(uint64_t id);

 private:
  struct Running;
  class Progress;

  void Launch(const v1::Job& job);
  // The job's turn: see JobPlaces. Lets it begin or go on.
  bool TakeTurn(const std::shared_ptr<Running>& running);
  void Run(const std::shared_ptr<Running>& running);
  // On the job's thread: gives its place to another until the job is resumed and has its turn. Errors: CANCELLED; those of the store.
  absl::Status StandAside(Running& running);
  // It has ended.
  void LeavePlace(Running& running);
  // It was cancelled before it began; `job`: as it is stored.
  void ForgetCancelled(Running& running, const v1::Job& job);
  // The last that is done with it: Stop waits for it.
  void Forget(const Running& running);
  // A job's last words: what its state becomes, stored.
  void Settle(Running& running, const absl::StatusOr<google::protobuf::Any>& result);
  // Where the disk is full or does not answer it tries again, the last time at Stop; what is not stored then is done again at the next start, and
  // nobody is told that it ended.
  absl::StatusOr<v1::Job> StoreEnd(const v1::Job& settled);
  void Notify(const std::string& name);
  absl::StatusOr<v1::Job> SetState(const CallContext& context, const std::string& name,
                                   v1::JobState state);
  absl::StatusOr<v1::Job> Store(const CallContext& context, const v1::Job& changed);
  // As it is when it is written: of two at once the later one says what is true.
  absl::Status StoreAsItIs(const CallContext& context, Running& running);
  std::shared_ptr<Running> Find(const std::string& name);

  const Parts parts_;
  JobPlaces places_;

  mutable Mutex mutex_;
  // A job has gone, or Stop has begun.
  CondVar idle_;
  std::map<std::string, Work> works_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::shared_ptr<Running>> running_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;

  Mutex watch_mutex_;
  uint64_t next_watch_ ABSL_GUARDED_BY(watch_mutex_) = 1;
  std::map<uint64_t, std::pair<std::string, std::function<void()>>> watches_
      ABSL_GUARDED_BY(watch_mutex_);
};

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_JOB_RUNNER_H_
