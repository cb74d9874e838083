#include "env/session_manager.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/ids.h"
#include "common/status.h"
#include "env/request_checks.h"

namespace proctor::env {
namespace {

constexpr absl::Duration kTick = absl::Seconds(1);

}  // namespace

SessionManager::SessionManager(SessionManagerOptions options, SessionParts parts)
    : options_(options),
      parts_(parts),
      places_(options.max_waiters),
      registry_({.how_long = options.remember, .max_sessions = options.max_remembered, .max_bytes = options.max_remembered_bytes}) {}

SessionManager::~SessionManager() { StopTicking(); }

void SessionManager::Register(std::string id, Environment& environment, int max_sessions) {
  MutexLock lock(mutex_);
  places_.Add(std::move(id), environment, max_sessions);
}

void SessionManager::StartTicking() {
  MutexLock lock(mutex_);
  if (ticking_) return;
  ticking_ = true;
  ScheduleTick();
}

void SessionManager::ScheduleTick() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  tick_timer_ = parts_.timers.RunAfter(kTick, [this] {
    Tick();
    MutexLock lock(mutex_);
    if (ticking_) ScheduleTick();
  });
}

void SessionManager::StopTicking() {
  uint64_t timer = 0;
  {
    MutexLock lock(mutex_);
    ticking_ = false;
    timer = std::exchange(tick_timer_, 0);
  }
  if (timer != 0) parts_.timers.Cancel(timer);
}

void SessionManager::Tick() {
  std::vector<std::shared_ptr<Session>> sessions;
  std::vector<std::shared_ptr<Session>> forgotten;
  {
    MutexLock lock(mutex_);
    forgotten = registry_.Forget(parts_.clock.Now());
    for (const auto& [id, session] : registry_.sessions()) {
      if (!session->closed()) sessions.push_back(session);
    }
  }
  for (const auto& session : sessions) session->Tick();
}

absl::StatusOr<v1::Environment> SessionManager::DescribeEnvironment(const std::string& name) const {
  PROCTOR_ASSIGN_OR_RETURN(const std::string id, ResourceId("environments", name));
  Environment* environment = nullptr;
  int max_sessions = 0;
  int taken = 0;
  {
    MutexLock lock(mutex_);
    const SessionPlaces::Kind* kind = places_.Find(id);
    if (kind == nullptr) return places_.NoSuch(id);
    environment = kind->environment;
    max_sessions = kind->max_sessions;
    taken = kind->taken + kind->exploring;
  }
  v1::Environment out = environment->Describe();
  out.set_name(name);
  PROCTOR_ASSIGN_OR_RETURN(*out.mutable_default_limits(), ResolveLimits(out.default_limits(), {}, {}));
  out.set_max_sessions(max_sessions);
  out.set_open_sessions(taken);
  return out;
}

std::vector<v1::Environment> SessionManager::DescribeEnvironments() const {
  std::vector<std::string> ids;
  {
    MutexLock lock(mutex_);
    for (const auto& [id, kind] : places_.kinds()) ids.push_back(id);
  }
  std::vector<v1::Environment> out;
  for (const std::string& id : ids) {
    if (auto environment = DescribeEnvironment(ResourceName("environments", id)); environment.ok()) {
      out.push_back(*std::move(environment));
    }
  }
  return out;
}

absl::StatusOr<std::shared_ptr<Session>> SessionManager::Find(const std::string& name) const {
  PROCTOR_ASSIGN_OR_RETURN(const std::string id, ResourceId("sessions", name));
  MutexLock lock(mutex_);
  std::shared_ptr<Session> session = registry_.Find(id);
  if (session == nullptr) return absl::NotFoundError(absl::StrCat("no session ", name));
  return session;
}

std::vector<v1::Session> SessionManager::List(bool show_closed) const {
  std::vector<std::shared_ptr<Session>> sessions;
  {
    MutexLock lock(mutex_);
    const auto& all = registry_.sessions();
    for (auto it = all.rbegin(); it != all.rend(); ++it) sessions.push_back(it->second);
  }
  std::vector<v1::Session> out;
  for (const auto& session : sessions) {
    v1::Session described = session->Describe();
    if (show_closed || described.state() == v1::SESSION_STATE_OPEN) out.push_back(std::move(described));
  }
  return out;
}

bool SessionManager::busy() const {
  MutexLock lock(mutex_);
  return std::any_of(registry_.sessions().begin(), registry_.sessions().end(),
                     [](const auto& entry) { return entry.second->busy(); });
}

int SessionManager::open_sessions() const {
  MutexLock lock(mutex_);
  return places_.taken();
}

std::vector<SessionUsage> SessionManager::Usage() const {
  MutexLock lock(mutex_);
  std::vector<SessionUsage> usage;
  for (const auto& [id, kind] : places_.kinds()) {
    SessionUsage& one = usage.emplace_back(SessionUsage{.environment_id = id, .max_sessions = kind.max_sessions});
    for (const auto& [session_id, session] : registry_.sessions()) {
      if (session->environment_id() != id) continue;
      if (session->closed()) {
        ++one.remembered;
        continue;
      }
      ++one.open;
      if (session->busy()) ++one.busy;
    }
    one.opening = std::max(0, kind.taken - one.open);
    one.waiting = static_cast<int>(kind.waiting.size());
    one.exploring = kind.exploring;
    one.explorers_waiting = static_cast<int>(kind.explorers_waiting.size());
    one.refused = kind.refused;
  }
  return usage;
}

void SessionManager::CloseAll(const std::string& why, v1::EndReason reason, std::function<void()> done) {
  std::vector<std::shared_ptr<Session>> sessions;
  {
    MutexLock lock(mutex_);
    for (const auto& [id, session] : registry_.sessions()) sessions.push_back(session);
  }
  struct Rest {
    std::atomic<size_t> count;
    std::function<void()> done;
  };
  auto rest = std::make_shared<Rest>();
  rest->count = sessions.size() + 1;
  rest->done = std::move(done);
  const auto one = [rest] {
    if (--rest->count == 0) rest->done();
  };
  for (const auto& session : sessions) {
    session->Close(why, reason, [one](const absl::StatusOr<v1::Session>&) { one(); });
  }
  one();
}

absl::Status SessionManager::CloseAllAndWait(const CallContext& context, const std::string& why, v1::EndReason reason) {
  // The last one may close when nobody waits any more.
  struct Closing {
    Mutex mutex;
    CondVar condition;
    bool done = false;
  };
  const auto closing = std::make_shared<Closing>();
  CloseAll(why, reason, [closing] {
    MutexLock lock(closing->mutex);
    closing->done = true;
    closing->condition.SignalAll();
  });
  MutexLock lock(closing->mutex);
  return AwaitWithContext(context, closing->mutex, closing->condition, [closing] { return closing->done; }, "closing sessions");
}

}  // namespace proctor::env
