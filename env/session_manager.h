// Opens, finds, keeps, reaps and closes sessions.
#ifndef PROCTOR_ENV_SESSION_MANAGER_H_
#define PROCTOR_ENV_SESSION_MANAGER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "env/admission.h"
#include "env/session.h"
#include "env/session_opening.h"
#include "env/session_places.h"
#include "env/session_registry.h"
#include "env/world.h"
#include "proctor/v1/environment_service.pb.h"

namespace proctor::env {

struct SessionManagerOptions {
  absl::Duration default_lease = absl::Seconds(60);
  absl::Duration min_lease = absl::Seconds(5);
  absl::Duration max_lease = absl::Hours(1);
  // The longest wait for a free place, an explorer's too.
  absl::Duration max_wait = absl::Minutes(10);
  // What a refused client is told to wait.
  absl::Duration retry_hint = absl::Seconds(1);
  // How many may wait for a place of one environment; more are refused at once.
  int max_waiters = 256;
  // How long closed sessions and the answers that made them are remembered, and how much of them at most, a tenant: the longest closed are
  // forgotten first. (What was answered within a session is in the store.)
  absl::Duration remember = absl::Hours(24);
  int max_remembered = 20'000;
  // Of Session::client_bytes.
  int64_t max_remembered_bytes = 32 << 20;
  // How long a world may take to open.
  absl::Duration open_cap = absl::Minutes(2);
  // Outlives the manager; null: whoever asks may have a session that is free.
  Admission* admission = nullptr;
};

// How an environment's places are used.
struct SessionUsage {
  std::string environment_id;
  int max_sessions = 0;
  // Sessions whose world is there, and those whose world is being opened.
  int open = 0;
  int opening = 0;
  // Open sessions with a verb under way; the others wait for their clients.
  int busy = 0;
  // Who waits for a place.
  int waiting = 0;
  // Places that explorers have, and explorers that wait for one.
  int exploring = 0;
  int explorers_waiting = 0;
  // Closed sessions that are still told of.
  int remembered = 0;
  // Requests refused for want of a place, since the start.
  int64_t refused = 0;
};

// At most `max_sessions` open sessions per environment, worlds of explorers (ExplorerPlace) included; who asks with `max_wait` waits. Who gets the session that comes free:
// SessionPlaces. What is told of closed ones: SessionRegistry.
// Thread-safe. Call CloseAll and wait for it before destruction.
class SessionManager {
 public:
  SessionManager(SessionManagerOptions options, SessionParts parts);
  ~SessionManager();

  // `environment` outlives the manager. Before the first session.
  void Register(std::string id, Environment& environment, int max_sessions);

  // Starts the once-a-second tick that reaps. Tests call Tick themselves.
  void StartTicking();
  // Ends what is over: leases, episodes' time, the remembrance of closed sessions.
  void Tick();

  absl::StatusOr<v1::Environment> DescribeEnvironment(const std::string& name) const;
  std::vector<v1::Environment> DescribeEnvironments() const;

  // For `tenant`, whose name ends the session's id, after a dot ("": neither). INVALID_ARGUMENT settings that cannot be honoured;
  // NOT_FOUND no such environment; RESOURCE_EXHAUSTED full, or `admission` refuses (with a retry hint); UNAVAILABLE draining or the
  // world cannot open.
  void Create(CallContext context, const v1::CreateSessionRequest& request, Done<v1::Session> done, std::string tenant = "");

  // By `sessions/{id}`. NOT_FOUND.
  absl::StatusOr<std::shared_ptr<Session>> Find(const std::string& name) const;
  // Newest first; closed ones only if asked.
  std::vector<v1::Session> List(bool show_closed) const;

  // New sessions are refused from now on (UNAVAILABLE); waiting ones too.
  void StopAdmitting();
  int open_sessions() const;
  bool admitting() const;
  // By environment id.
  std::vector<SessionUsage> Usage() const;
  // A verb of some session is under way.
  bool busy() const;
  // Closes every session with `reason`; `done` when all are closed.
  void CloseAll(const std::string& why, v1::EndReason reason, std::function<void()> done);
  // The same, and waits. DEADLINE_EXCEEDED, CANCELLED from `context`: some close later.
  absl::Status CloseAllAndWait(const CallContext& context, const std::string& why, v1::EndReason reason);
  // Stops the tick. After it nothing of the manager runs once all sessions are closed.
  void StopTicking();

 private:
  // Takes and gives back places beside sessions.
  friend class ExplorerPlace;

  // The steps of Create, in session_create.cc: what is asked for;
  absl::StatusOr<SessionOpeningPtr> Check(CallContext context, const v1::CreateSessionRequest& request, std::string tenant) const;
  // true if the request was answered or joined to one under way;
  bool Replay(const SessionOpeningPtr& opening);
  // with a place, its world; without one, a refusal, unless it got one meanwhile;
  void Open(const SessionOpeningPtr& opening);
  void GiveUpWaiting(const SessionOpeningPtr& opening, const absl::Status& status);
  // Takes back what would end the wait of one that waits no longer: its token may live as long as a stream.
  void EndWaiting(SessionOpening& opening);
  // the answer to all who wait for it.
  void Finish(const SessionOpeningPtr& opening, absl::StatusOr<std::shared_ptr<Session>> session);
  // A session is gone or could not open: its place is the next one's.
  void ReleaseSlot(const std::string& environment_id, const std::string& tenant);
  // Opens what has a place, on the pool.
  void PostOpen(const SessionOpeningPtr& opening);
  // To `admission`.
  void GiveBack(const std::string& environment_id, const std::string& tenant);

  void ScheduleTick();

  const SessionManagerOptions options_;
  const SessionParts parts_;

  mutable Mutex mutex_;
  // A place may be free for an explorer.
  CondVar explorers_changed_;
  bool admitting_ ABSL_GUARDED_BY(mutex_) = true;
  bool ticking_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t tick_timer_ ABSL_GUARDED_BY(mutex_) = 0;
  SessionPlaces places_ ABSL_GUARDED_BY(mutex_);
  SessionRegistry registry_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace proctor::env

#endif  // PROCTOR_ENV_SESSION_MANAGER_H_
