#include "server/job_runner.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/log.h"
#include "common/proto_time.h"
#include "common/status.h"

namespace proctor::server {
namespace {

constexpr std::chrono::milliseconds kNotifyInterval(100);
constexpr std::chrono::seconds kStoreInterval(1);
// Of one try to store a job's end, and between two of them: a second, then twice as long each time.
constexpr absl::Duration kEndCap = absl::Seconds(30);
constexpr absl::Duration kFirstPause = absl::Seconds(1);
constexpr absl::Duration kLongestPause = absl::Minutes(1);

// A full disk, one that does not answer, or a lost race: it may be stored later.
bool MayBeStoredLater(const absl::Status& status) {
  return absl::IsResourceExhausted(status) || absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status) || absl::IsAborted(status);
}

}  // namespace

struct JobRunner::Running {
  enum class Place { kNone, kAwaited, kHeld };
  // What a resumed job asks for.
  enum class Wish { kNothing, kFirstPlace, kPlaceAgain };

  Running(v1::Job started, std::string whose)
      : name(started.name()),
        tenant(std::move(whose)),
        context(absl::InfiniteFuture(), std::make_shared<CancelToken>()),
        job(std::move(started)) {}

  v1::Job Copy() {
    MutexLock lock(mutex);
    return job;
  }

  // False, and nothing is done, if the job has ended: it is the store's, though its thread may still tell watchers.
  bool Pause() {
    MutexLock lock(mutex);
    if (storage::JobHasEnded(job)) return false;
    paused = true;
    job.set_state(v1::JOB_STATE_PAUSED);
    return true;
  }
  // Nothing if the job has ended.
  std::optional<Wish> Resume() {
    MutexLock lock(mutex);
    if (storage::JobHasEnded(job)) return std::nullopt;
    paused = false;
    const bool asks = place == Place::kNone;
    if (asks) place = Place::kAwaited;
    job.set_state(place == Place::kHeld && job.has_start_time() ? v1::JOB_STATE_RUNNING : v1::JOB_STATE_QUEUED);
    if (!asks) return Wish::kNothing;
    return begun ? Wish::kPlaceAgain : Wish::kFirstPlace;
  }
  // True: it has not begun, and does not before TakeBack.
  bool GiveUp() {
    MutexLock lock(mutex);
    if (!begun) ++given_up;
    return !begun;
  }
  // Of a GiveUp that came to nothing. True: its turn came meanwhile, and it must ask for another.
  bool TakeBack() {
    MutexLock lock(mutex);
    if (--given_up > 0 || paused || place != Place::kNone) return false;
    place = Place::kAwaited;
    return true;
  }

  const std::string name;
  const std::string tenant;
  const CallContext context;
  Mutex mutex;
  CondVar changed;
  v1::Job job ABSL_GUARDED_BY(mutex);
  bool paused ABSL_GUARDED_BY(mutex) = false;
  bool cancelled_by_client ABSL_GUARDED_BY(mutex) = false;
  Place place ABSL_GUARDED_BY(mutex) = Place::kAwaited;
  // Its thread is on its way, or was.
  bool begun ABSL_GUARDED_BY(mutex) = false;
  // How many have given it up: while there are any, no turn is of use to it.
  int given_up ABSL_GUARDED_BY(mutex) = 0;
  // The first report is both told and stored.
  std::optional<std::chrono::steady_clock::time_point> last_notified ABSL_GUARDED_BY(mutex);
  std::optional<std::chrono::steady_clock::time_point> last_stored ABSL_GUARDED_BY(mutex);
};

// Progress of one job: in memory at once, to watchers and the store now and then.
class JobRunner::Progress final : public JobProgress {
 public:
  Progress(JobRunner& runner, Running& running) : runner_(runner), running_(running) {}

  using JobProgress::Report;
  absl::Status Report(int64_t done, int64_t total, const std::string& message, const std::function<void()>& before_waiting) override {
    PROCTOR_RETURN_IF_ERROR(running_.context.Check("the job"));
    bool notify = false;
    bool store = false;
    {
      MutexLock lock(running_.mutex);
      running_.job.set_done(done);
      running_.job.set_total(total);
      running_.job.set_message(message);
      const auto now = std::chrono::steady_clock::now();
      notify = !running_.last_notified || now - *running_.last_notified >= kNotifyInterval;
      store = !running_.last_stored || now - *running_.last_stored >= kStoreInterval;
      if (notify) running_.last_notified = now;
      if (store) running_.last_stored = now;
    }
    if (store) PROCTOR_RETURN_IF_ERROR(runner_.StoreAsItIs(running_.context, running_));
    if (notify) runner_.Notify(running_.name);
    {
      MutexLock lock(running_.mutex);
      if (!running_.paused) return absl::OkStatus();
    }
    if (before_waiting != nullptr) before_waiting();
    return runner_.StandAside(running_);
  }

  absl::Status KeepResult(const google::protobuf::Message& result) override {
    {
      MutexLock lock(running_.mutex);
      running_.job.mutable_result()->PackFrom(result);
    }
    return runner_.StoreAsItIs(running_.context, running_);
  }

 private:
  JobRunner& runner_;
  Running& running_;
};

JobRunner::JobRunner(Parts parts) : parts_(std::move(parts)), places_(parts_.places) {}

JobRunner::~JobRunner() { Stop(); }

void JobRunner::Stop() {
  std::vector<std::shared_ptr<Running>> running;
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    idle_.SignalAll();
    for (const auto& [name, job] : running_) running.push_back(job);
  }
  // What waits stays in the store as it is.
  places_.Close();
  for (const auto& job : running) {
    job->context.cancel()->Cancel();
    if (job->GiveUp()) Forget(*job);
  }
  {
    MutexLock lock(mutex_);
    while (!running_.empty()) idle_.Wait(mutex_);
  }
  MutexLock lock(watch_mutex_);
  for (const auto& [id, watch] : watches_) watch.second();
}

bool JobRunner::stopping() const {
  MutexLock lock(mutex_);
  return stopping_;
}

void JobRunner::Register(const std::string& kind, Work work) {
  MutexLock lock(mutex_);
  works_[kind] = std::move(work);
}

absl::Status JobRunner::Recover(const CallContext& context) {
  PROCTOR_ASSIGN_OR_RETURN(const std::vector<v1::Job> interrupted, parts_.store.Recover(context));
  for (const v1::Job& job : interrupted) {
    LogInfo("job goes on after a restart", {{"job", job.name()}, {"kind", job.kind()}});
    Launch(job);
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::Job> JobRunner::Start(const CallContext& context, const std::string& request_id,
                                         const std::string& kind,
                                         const google::protobuf::Message& request,
                                         const std::function<void(const std::string& job)>& created) {
  PROCTOR_ASSIGN_OR_RETURN(const v1::Job job, parts_.store.Create(context, kind, request, request_id));
  if (created != nullptr) created(job.name());
  if (job.state() == v1::JOB_STATE_QUEUED) Launch(job);
  return Get(context, job.name());
}

void JobRunner::Launch(const v1::Job& job) {
  auto running = std::make_shared<Running>(job, parts_.tenant_of == nullptr ? "" : parts_.tenant_of(job.name()));
  {
    MutexLock lock(mutex_);
    if (stopping_) return;  // Stays QUEUED in the store: the next start takes it up.
    if (!running_.emplace(job.name(), running).second) return;
  }
  places_.Await(running->tenant, running->name, [this, running] { return TakeTurn(running); });
}

bool JobRunner::TakeTurn(const std::shared_ptr<Running>& running) {
  {
    MutexLock lock(running->mutex);
    const bool wanted = running->given_up == 0 && !running->paused;
    running->place = wanted ? Running::Place::kHeld : Running::Place::kNone;
    if (!wanted) return false;
    if (std::exchange(running->begun, true)) {
      running->job.set_state(v1::JOB_STATE_RUNNING);
      running->changed.SignalAll();
      return true;
    }
  }
  parts_.pool.Post([this, running] { Run(running); });
  return true;
}

absl::Status JobRunner::StandAside(Running& running) {
  bool placed = false;
  {
    MutexLock lock(running.mutex);
    if (!running.paused) return absl::OkStatus();
    // Not so if another thread of the job was here first.
    placed = running.place == Running::Place::kHeld;
    if (placed) running.place = Running::Place::kNone;
  }
  if (placed) places_.StepAside(running.tenant);
  {
    MutexLock lock(running.mutex);
    PROCTOR_RETURN_IF_ERROR(AwaitWithContext(
        running.context, running.mutex, running.changed,
        [&running]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return running.place == Running::Place::kHeld; }, "the job"));
  }
  PROCTOR_RETURN_IF_ERROR(StoreAsItIs(running.context, running));
  Notify(running.name);
  return absl::OkStatus();
}

void JobRunner::Run(const std::shared_ptr<Running>& running) {
  Work work;
  v1::Job job;
  {
    MutexLock lock(running->mutex);
    running->job.set_state(running->paused ? v1::JOB_STATE_PAUSED : v1::JOB_STATE_RUNNING);
    *running->job.mutable_start_time() = ToProto(absl::Now());
    job = running->job;
  }
  {
    MutexLock lock(mutex_);
    work = works_[job.kind()];
  }
  absl::Status status = running->context.Check("the job");
  if (status.ok()) status = StoreAsItIs(running->context, *running);
  absl::StatusOr<google::protobuf::Any> result =
      absl::InternalError(absl::StrCat("no work for jobs of kind ", job.kind()));
  if (!status.ok()) {
    result = status;
  } else if (work) {
    Notify(job.name());
    Progress progress(*this, *running);
    try {
      result = work(running->context, job, progress);
    } catch (const std::system_error& e) {
      // A pool without a single thread: the job's failure, not the server's end.
      result = absl::ResourceExhaustedError(e.what());
    }
  }
  Settle(*running, result);
  Notify(job.name());
  LeavePlace(*running);
  Forget(*running);
}

void JobRunner::LeavePlace(Running& running) {
  bool placed = false;
  {
    MutexLock lock(running.mutex);
    ++running.given_up;
    placed = std::exchange(running.place, Running::Place::kNone) == Running::Place::kHeld;
  }
  if (placed) places_.StepAside(running.tenant);
  places_.End(running.tenant, running.name);
}

void JobRunner::Forget(const Running& running) {
  MutexLock lock(mutex_);
  running_.erase(running.name);
  idle_.SignalAll();
}

void JobRunner::Settle(Running& running, const absl::StatusOr<google::protobuf::Any>& result) {
  const bool server_stops = stopping();
  v1::Job settled;
  {
    MutexLock lock(running.mutex);
    settled = running.job;
    if (result.ok()) {
      settled.set_state(v1::JOB_STATE_SUCCEEDED);
      *settled.mutable_result() = *result;
    } else if (running.cancelled_by_client) {
      settled.clear_result();
      settled.set_state(v1::JOB_STATE_CANCELLED);
    } else if (server_stops) {
      // Whatever the work says of being cut off: the next start takes it up, as after a crash, and what it kept is there.
      settled.set_state(running.paused ? v1::JOB_STATE_PAUSED : v1::JOB_STATE_QUEUED);
    } else {
      settled.clear_result();
      settled.set_state(v1::JOB_STATE_FAILED);
      settled.set_error_code(static_cast<int>(result.status().code()));
      settled.set_error_message(std::string(result.status().message()));
    }
  }
  absl::StatusOr<v1::Job> stored = StoreEnd(settled);
  // The next start does it again: it has not ended.
  if (!stored.ok() && stopping()) return;
  MutexLock lock(running.mutex);
  running.job = stored.ok() ? *std::move(stored) : std::move(settled);
}

absl::StatusOr<v1::Job> JobRunner::StoreEnd(const v1::Job& settled) {
  for (absl::Duration pause = kFirstPause;; pause = std::min(2 * pause, kLongestPause)) {
    // The job's own context may be cancelled; its end must be stored all the same, before anybody is told of it.
    absl::StatusOr<v1::Job> stored = Store(CallContext::WithTimeout(kEndCap), settled);
    if (stored.ok()) return stored;
    const bool again = MayBeStoredLater(stored.status()) && !stopping();
    LogError(again ? "a job's end was not stored; trying again" : "a job's end was not stored",
             {{"job", settled.name()}, {"error", stored.status().ToString()}});
    if (!again) return stored;
    MutexLock lock(mutex_);
    if (!stopping_) idle_.WaitFor(mutex_, pause);
  }
}

absl::StatusOr<v1::Job> JobRunner::Get(const CallContext& context, const std::string& name) {
  if (const auto running = Find(name)) return running->Copy();
  return parts_.store.Get(context, name);
}

absl::StatusOr<v1::Job> JobRunner::Pause(const CallContext& context, const std::string& name) {
  const auto running = Find(name);
  if (running == nullptr || !running->Pause()) return SetState(context, name, v1::JOB_STATE_PAUSED);
  PROCTOR_RETURN_IF_ERROR(StoreAsItIs(context, *running));
  Notify(name);
  return running->Copy();
}

absl::StatusOr<v1::Job> JobRunner::Resume(const CallContext& context, const std::string& name) {
  const auto running = Find(name);
  const std::optional<Running::Wish> wish = running == nullptr ? std::nullopt : running->Resume();
  if (!wish.has_value()) {
    // Paused when the server stopped.
    PROCTOR_ASSIGN_OR_RETURN(const v1::Job job, SetState(context, name, v1::JOB_STATE_QUEUED));
    Launch(job);
    return job;
  }
  const auto turn = [this, running] { return TakeTurn(running); };
  if (*wish == Running::Wish::kFirstPlace) places_.Await(running->tenant, name, turn);
  if (*wish == Running::Wish::kPlaceAgain) places_.ComeBack(running->tenant, name, turn);
  const absl::Status stored = StoreAsItIs(context, *running);
  // It may have gone on to its end meanwhile.
  if (!stored.ok() && !absl::IsFailedPrecondition(stored)) return stored;
  Notify(name);
  return running->Copy();
}

absl::StatusOr<v1::Job> JobRunner::Cancel(const CallContext& context, const std::string& name) {
  const auto running = Find(name);
  if (running != nullptr && !running->GiveUp()) {
    {
      MutexLock lock(running->mutex);
      running->cancelled_by_client = true;
    }
    running->context.cancel()->Cancel();
    return running->Copy();
  }
  absl::StatusOr<v1::Job> job = parts_.store.Get(context, name);
  if (job.ok() && !storage::JobHasEnded(*job)) job = SetState(context, name, v1::JOB_STATE_CANCELLED);
  if (running == nullptr) return job;
  if (job.ok()) {
    ForgetCancelled(*running, *job);
  } else if (running->TakeBack()) {
    places_.Await(running->tenant, name, [this, running] { return TakeTurn(running); });
  }
  return job;
}

void JobRunner::ForgetCancelled(Running& running, const v1::Job& job) {
  places_.Drop(running.tenant, running.name);
  {
    MutexLock lock(running.mutex);
    running.job = job;
  }
  Notify(running.name);
  Forget(running);
}

absl::StatusOr<v1::Job> JobRunner::SetState(const CallContext& context, const std::string& name,
                                            v1::JobState state) {
  return parts_.store.Update(context, name, [state](v1::Job& job) {
    job.set_state(state);
    return absl::OkStatus();
  });
}

absl::StatusOr<v1::Job> JobRunner::Store(const CallContext& context, const v1::Job& changed) {
  return parts_.store.Update(context, changed.name(), [&changed](v1::Job& job) {
    job = changed;
    return absl::OkStatus();
  });
}

absl::Status JobRunner::StoreAsItIs(const CallContext& context, Running& running) {
  return parts_.store
      .Update(context, running.name,
              [&running](v1::Job& job) {
                job = running.Copy();
                return absl::OkStatus();
              })
      .status();
}

std::shared_ptr<JobRunner::Running> JobRunner::Find(const std::string& name) {
  MutexLock lock(mutex_);
  const auto it = running_.find(name);
  return it == running_.end() ? nullptr : it->second;
}

uint64_t JobRunner::Watch(const std::string& name, std::function<void()> changed) {
  MutexLock lock(watch_mutex_);
  const uint64_t id = next_watch_++;
  watches_.emplace(id, std::make_pair(name, std::move(changed)));
  return id;
}

void JobRunner::Unwatch(uint64_t id) {
  MutexLock lock(watch_mutex_);
  watches_.erase(id);
}

void JobRunner::Notify(const std::string& name) {
  // Called under the lock so that Unwatch can promise silence; callbacks only post.
  MutexLock lock(watch_mutex_);
  for (const auto& [id, watch] : watches_) {
    if (watch.first == name) watch.second();
  }
}

}  // namespace proctor::server
