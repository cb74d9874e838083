// Opens, finds, keeps, reaps and closes sessions.
#ifndef PROCTOR_ENV_SESSION_MANAGER_H_
#define PROCTOR_ENV_SESSION_MANAGER_H_

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "env/session.h"
#include "env/world.h"
#include "proctor/v1/environment_service.pb.h"

namespace proctor::env {

struct SessionManagerOptions {
  absl::Duration default_lease = absl::Seconds(60);
  absl::Duration min_lease = absl::Seconds(5);
  absl::Duration max_lease = absl::Hours(1);
  // The longest wait for a free slot.
  absl::Duration max_wait = absl::Minutes(10);
  // What a refused client is told to wait.
  absl::Duration retry_hint = absl::Seconds(1);
  // How many may wait for a slot of one environment; more are refused at once.
  int max_waiters = 256;
  // How long closed sessions and their answers are remembered.
  absl::Duration remember = absl::Hours(24);
  // How long a world may take to open.
  absl::Duration open_cap = absl::Minutes(2);
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
  // Requests refused for want of a place, since the start.
  int64_t refused = 0;
};

// Admission: at most `max_sessions` open sessions per environment; who asks with `max_wait` waits in order of arrival.
// Thread-safe. Call Shutdown and wait for it before destruction.
class SessionManager {
 public:
  SessionManager(SessionManagerOptions options, SessionParts parts);
  ~SessionManager();

  // `environment` outlives the manager. Before the first session.
  void Register(std::string id, Environment& environment, int max_sessions);

  // Starts the once-a-second tick that reaps. Tests call Tick themselves.
  void StartTicking();
  void Tick();

  absl::StatusOr<v1::Environment> DescribeEnvironment(const std::string& name) const;
  std::vector<v1::Environment> DescribeEnvironments() const;

  // INVALID_ARGUMENT settings that cannot be honoured; NOT_FOUND no such environment; RESOURCE_EXHAUSTED full (with a
  // retry hint); UNAVAILABLE draining or the world cannot open.
  void Create(CallContext context, v1::CreateSessionRequest request, Done<v1::Session> done);

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
  // Stops the tick. After it nothing of the manager runs once all sessions are closed.
  void StopTicking();

 private:
  struct Kind {
    Environment* environment = nullptr;
    int max_sessions = 0;
    // Open or opening.
    int taken = 0;
    int64_t refused = 0;
  };
  struct Opening {
    CallContext context;
    v1::CreateSessionRequest request;
    v1::EnvironmentSettings settings;
    std::string environment_id;
    absl::Duration lease;
    std::vector<Done<v1::Session>> done;
    std::string digest;
    // Answered: either on its way to a world or given up.
    bool left_queue = false;
  };
  using OpeningPtr = std::shared_ptr<Opening>;
  struct Remembered {
    std::string digest;
    // Null once the session is there.
    OpeningPtr opening;
    std::string session_id;
  };

  absl::StatusOr<OpeningPtr> Check(CallContext context, const v1::CreateSessionRequest& request) const;
  // True if the request was answered or joined to one under way.
  bool Replay(const OpeningPtr& opening, Done<v1::Session>& done);
  void Open(const OpeningPtr& opening);
  void Finish(const OpeningPtr& opening, absl::StatusOr<std::shared_ptr<Session>> session);
  void GiveUpWaiting(const OpeningPtr& opening, absl::Status status);
  void ReleaseSlot(const std::string& environment_id);
  void ScheduleTick();

  const SessionManagerOptions options_;
  const SessionParts parts_;

  mutable Mutex mutex_;
  bool admitting_ ABSL_GUARDED_BY(mutex_) = true;
  bool ticking_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t tick_timer_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<std::string, Kind> kinds_ ABSL_GUARDED_BY(mutex_);
  // By id, which sorts by time.
  std::map<std::string, std::shared_ptr<Session>> sessions_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, Remembered> requests_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::list<OpeningPtr>> waiting_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace proctor::env

#endif  // PROCTOR_ENV_SESSION_MANAGER_H_
