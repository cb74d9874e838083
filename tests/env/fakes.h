// In-memory neighbours of sessions, for tests.
#ifndef PROCTOR_TESTS_ENV_FAKES_H_
#define PROCTOR_TESTS_ENV_FAKES_H_

#include <future>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/executor.h"
#include "common/ids.h"
#include "common/mutex.h"
#include "env/admission.h"
#include "env/episode_host.h"
#include "env/episode_sink.h"
#include "env/session_manager.h"
#include "trajectory/end_kind.h"
#include "trajectory/record_form.h"

namespace proctor::env {

// Keeps records in memory; can be told to fail.
class MemorySink final : public EpisodeSink {
 public:
  struct Record {
    v1::Trajectory header;
    std::vector<v1::Step> steps;
    std::optional<v1::Trajectory> ending;
    v1::Episode episode;
  };

  absl::Status Begin(const CallContext&, const v1::Trajectory& header, const v1::Episode& episode,
                     const Replay& replay) override {
    MutexLock lock(mutex_);
    if (fail_) return absl::UnavailableError("disk on fire");
    records_[*ResourceId("episodes", episode.name())] = {header, {}, std::nullopt, episode};
    if (!replay.request_id.empty()) replays_[replay.request_id] = replay;
    return absl::OkStatus();
  }
  absl::Status Append(const CallContext&, const std::string& id, const v1::Step& step,
                      const Replay& replay) override {
    MutexLock lock(mutex_);
    if (fail_) return absl::UnavailableError("disk on fire");
    if (full_) return trajectory::RecordIsFull(id, step.index(), trajectory::kMaxAllStepsBytes + 1);
    records_[id].steps.push_back(step);
    if (!replay.request_id.empty()) replays_[replay.request_id] = replay;
    return absl::OkStatus();
  }
  absl::Status Finish(const CallContext&, const std::string& id, const v1::Trajectory& ending,
                      const v1::Episode& episode, const Replay& replay) override {
    MutexLock lock(mutex_);
    if (fail_ || fail_to_finish_) return absl::UnavailableError("disk on fire");
    records_[id].ending = ending;
    records_[id].episode = episode;
    if (!replay.request_id.empty()) replays_[replay.request_id] = replay;
    return absl::OkStatus();
  }
  absl::Status Keep(const CallContext&, const Replay& replay) override {
    MutexLock lock(mutex_);
    replays_[replay.request_id] = replay;
    return absl::OkStatus();
  }
  absl::StatusOr<std::string> PutBlob(const CallContext&, const std::string&, const std::string& bytes) override {
    MutexLock lock(mutex_);
    const std::string digest = Sha256Hex(bytes);
    blobs_[digest] = bytes;
    return digest;
  }
  absl::StatusOr<std::string> GetBlob(const CallContext&, const std::string& digest) override {
    MutexLock lock(mutex_);
    const auto it = blobs_.find(digest);
    if (it == blobs_.end()) return absl::NotFoundError("no blob");
    return it->second;
  }
  absl::StatusOr<std::optional<Replay>> FindReplay(const CallContext&, const std::string& id) override {
    MutexLock lock(mutex_);
    ++lookups_;
    const auto it = replays_.find(id);
    return it == replays_.end() ? std::nullopt : std::optional<Replay>(it->second);
  }

  Record record(const std::string& episode_name) const {
    MutexLock lock(mutex_);
    const auto it = records_.find(*ResourceId("episodes", episode_name));
    return it == records_.end() ? Record() : it->second;
  }
  size_t record_count() const {
    MutexLock lock(mutex_);
    return records_.size();
  }
  // How often an answer was looked for.
  int lookups() const {
    MutexLock lock(mutex_);
    return lookups_;
  }
  // Steps are recorded from now on, ends are not.
  void FailToFinish() {
    MutexLock lock(mutex_);
    fail_to_finish_ = true;
  }
  // No step fits any more.
  void FillUp() {
    MutexLock lock(mutex_);
    full_ = true;
  }
  void set_fail(bool fail) {
    MutexLock lock(mutex_);
    fail_ = fail;
  }

 private:
  mutable Mutex mutex_;
  bool fail_ ABSL_GUARDED_BY(mutex_) = false;
  bool fail_to_finish_ ABSL_GUARDED_BY(mutex_) = false;
  bool full_ ABSL_GUARDED_BY(mutex_) = false;
  int lookups_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<std::string, Record> records_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, Replay> replays_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::string> blobs_ ABSL_GUARDED_BY(mutex_);
};

// Gives inline tasks, wants the final URL at the end (and at the start if told so), or what it is told to want.
class FakeHost final : public EpisodeHost {
 public:
  // Before any episode begins.
  void set_evidence(v1::EvidenceRequest request) { evidence_ = std::move(request); }
  absl::StatusOr<v1::Task> Admit(const CallContext&, const v1::StartEpisodeRequest& request,
                                 const std::string&) override {
    if (!request.has_inline_task()) return absl::NotFoundError("no such task");
    return request.inline_task();
  }
  void Abandon(const v1::StartEpisodeRequest&, const std::string& id) override {
    MutexLock lock(mutex_);
    abandoned.push_back(id);
  }
  std::vector<v1::EvidenceRequest> RequiredEvidence(const v1::Task&, bool) override {
    if (evidence_.kind_case() != v1::EvidenceRequest::KIND_NOT_SET) return {evidence_};
    v1::EvidenceRequest request;
    request.set_id("url");
    request.mutable_final_url();
    return {request};
  }
  void Closed(const std::string& id) override {
    MutexLock lock(mutex_);
    closed.push_back(id);
  }
  void NotClosed(const std::string& id, v1::EndReason reason, const std::string&) override {
    EXPECT_EQ(trajectory::EndKindOf(reason), v1::END_KIND_INTERRUPTED);
    MutexLock lock(mutex_);
    not_closed.push_back(id);
  }
  size_t not_closed_count() const {
    MutexLock lock(mutex_);
    return not_closed.size();
  }
  size_t closed_count() const {
    MutexLock lock(mutex_);
    return closed.size();
  }
  size_t abandoned_count() const {
    MutexLock lock(mutex_);
    return abandoned.size();
  }

 private:
  v1::EvidenceRequest evidence_;
  mutable Mutex mutex_;
  std::vector<std::string> closed ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> not_closed ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> abandoned ABSL_GUARDED_BY(mutex_);
};

// At most `limit` sessions a tenant; `heavy` has a share of 2.
class FakeAdmission final : public Admission {
 public:
  explicit FakeAdmission(int limit) : limit_(limit) {}
  absl::Status Take(const std::string& tenant, const std::string&) override {
    MutexLock lock(mutex_);
    if (counted_[tenant] >= limit_) return absl::ResourceExhaustedError("quota");
    ++counted_[tenant];
    return absl::OkStatus();
  }
  bool TryTake(const std::string& tenant, const std::string& environment_id) override { return Take(tenant, environment_id).ok(); }
  void GiveBack(const std::string& tenant, const std::string&) override {
    MutexLock lock(mutex_);
    --counted_[tenant];
  }
  double Share(const std::string& tenant) const override { return tenant == "heavy" ? 2 : 1; }
  int counted(const std::string& tenant) {
    MutexLock lock(mutex_);
    return counted_[tenant];
  }

 private:
  const int limit_;
  Mutex mutex_;
  std::map<std::string, int> counted_ ABSL_GUARDED_BY(mutex_);
};

// Calls an asynchronous function of the shape f(..., Done<T>) and waits for its answer.
template <typename T, typename F>
absl::StatusOr<T> Await(F&& start) {
  auto promise = std::make_shared<std::promise<absl::StatusOr<T>>>();
  auto future = promise->get_future();
  start([promise](absl::StatusOr<T> result) { promise->set_value(std::move(result)); });
  if (future.wait_for(std::chrono::seconds(60)) != std::future_status::ready) {
    return absl::DeadlineExceededError("the test waited 60 s");
  }
  return future.get();
}

// One manager with its neighbours. Closes everything at the end.
class SessionFixture {
 public:
  // `observer` may be null, and outlives the fixture.
  explicit SessionFixture(Clock& clock, SessionManagerOptions options = {}, SessionCaps caps = {}, SessionObserver* observer = nullptr)
      : manager_(options, SessionParts{pool_, timers_, clock, sink_, host_, caps, observer}) {}
  ~SessionFixture() {
    std::promise<void> closed;
    manager_.StopAdmitting();
    manager_.CloseAll("test over", v1::END_REASON_SERVER_FAULT, [&] { closed.set_value(); });
    closed.get_future().wait();
    manager_.StopTicking();
  }

  SessionManager& manager() { return manager_; }
  MemorySink& sink() { return sink_; }
  FakeHost& host() { return host_; }

  absl::StatusOr<v1::Session> Create(const v1::CreateSessionRequest& request) {
    return Await<v1::Session>(
        [&](Done<v1::Session> done) { manager_.Create(CallContext(), request, std::move(done)); });
  }
  absl::StatusOr<v1::EpisodeStart> Start(const v1::StartEpisodeRequest& request) {
    return Call<v1::EpisodeStart>(request.session(), [&](Session& session, Done<v1::EpisodeStart> done) {
      session.StartEpisode(CallContext(), request, std::move(done));
    });
  }
  absl::StatusOr<v1::StepResponse> Step(const v1::StepRequest& request) {
    return Call<v1::StepResponse>(request.session(), [&](Session& session, Done<v1::StepResponse> done) {
      session.Step(CallContext(), request, std::move(done));
    });
  }
  absl::StatusOr<v1::Observation> Observe(const v1::ObserveRequest& request) {
    return Call<v1::Observation>(request.session(), [&](Session& session, Done<v1::Observation> done) {
      session.Observe(CallContext(), request, std::move(done));
    });
  }
  absl::StatusOr<v1::Episode> End(const v1::EndEpisodeRequest& request) {
    return Call<v1::Episode>(request.session(), [&](Session& session, Done<v1::Episode> done) {
      session.EndEpisode(CallContext(), request, std::move(done));
    });
  }
  absl::StatusOr<v1::Session> Close(const std::string& name) {
    return Call<v1::Session>(name, [&](Session& session, Done<v1::Session> done) {
      session.Close("closed by the client", v1::END_REASON_CANCELLED, std::move(done));
    });
  }

 private:
  template <typename T, typename F>
  absl::StatusOr<T> Call(const std::string& name, F&& start) {
    const auto session = manager_.Find(name);
    if (!session.ok()) return session.status();
    return Await<T>([&](Done<T> done) { start(**session, std::move(done)); });
  }

  ThreadPool pool_{"session", 4};
  TimerQueue timers_;
  MemorySink sink_;
  FakeHost host_;
  SessionManager manager_;
};

}  // namespace proctor::env

#endif  // PROCTOR_TESTS_ENV_FAKES_H_
