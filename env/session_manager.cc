#include "env/session_manager.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/ids.h"
#include "common/log.h"
#include "common/proto_json.h"
#include "common/proto_time.h"
#include "common/retry_hint.h"
#include "common/status.h"
#include "env/request_checks.h"

namespace proctor::env {
namespace {

constexpr absl::Duration kTick = absl::Seconds(1);

absl::Status Draining() { return absl::UnavailableError("the server is shutting down"); }

absl::Status AllTaken(const std::string& environment, int max_sessions) {
  return absl::ResourceExhaustedError(
      absl::StrCat("all ", max_sessions, " sessions of ", environment, " are taken; try again or give max_wait"));
}

absl::Status GaveUpItsPlace(const std::string& environment) {
  return absl::ResourceExhaustedError(
      absl::StrCat("too many wait for a session of ", environment, ", and most of them are yours; try again later"));
}

}  // namespace

SessionManager::SessionManager(SessionManagerOptions options, SessionParts parts)
    : options_(options), parts_(parts) {}

SessionManager::~SessionManager() { StopTicking(); }

void SessionManager::Register(std::string id, Environment& environment, int max_sessions) {
  MutexLock lock(mutex_);
  kinds_[std::move(id)] = Kind{.environment = &environment, .max_sessions = max_sessions};
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

std::vector<std::shared_ptr<Session>> SessionManager::Forget() {
  std::vector<std::shared_ptr<Session>> forgotten;
  const absl::Time too_old = parts_.clock.Now() - options_.remember;
  for (auto& [tenant, closed] : closed_) {
    while (!closed.sessions.empty()) {
      const std::shared_ptr<Session>& oldest = closed.sessions.front();
      const bool too_many = static_cast<int64_t>(closed.sessions.size()) > options_.max_remembered;
      if (oldest->close_time() >= too_old && !too_many && closed.bytes <= options_.max_remembered_bytes) break;
      closed.bytes -= oldest->client_bytes();
      sessions_.erase(oldest->id());
      forgotten.push_back(oldest);
      closed.sessions.pop_front();
    }
  }
  if (forgotten.empty()) return forgotten;
  std::erase_if(closed_, [](const auto& of) { return of.second.sessions.empty(); });
  std::erase_if(requests_, [&sessions = sessions_](const auto& request) {
    return request.second.opening == nullptr && !sessions.contains(request.second.session_id);
  });
  return forgotten;
}

void SessionManager::Remember(const std::string& session_id, const std::string& tenant) {
  MutexLock lock(mutex_);
  const std::shared_ptr<Session>& session = sessions_.at(session_id);
  Closed& closed = closed_[tenant];
  closed.sessions.push_back(session);
  closed.bytes += session->client_bytes();
}

void SessionManager::Tick() {
  std::vector<std::shared_ptr<Session>> sessions;
  std::vector<std::shared_ptr<Session>> forgotten;
  {
    MutexLock lock(mutex_);
    forgotten = Forget();
    for (const auto& [id, session] : sessions_) {
      if (!session->closed()) sessions.push_back(session);
    }
  }
  for (const auto& session : sessions) session->Tick();
}

absl::StatusOr<v1::Environment> SessionManager::DescribeEnvironment(const std::string& name) const {
  PROCTOR_ASSIGN_OR_RETURN(const std::string id, ResourceId("environments", name));
  Kind kind;
  {
    MutexLock lock(mutex_);
    const auto it = kinds_.find(id);
    if (it == kinds_.end()) return absl::NotFoundError(absl::StrCat("no environment ", name));
    kind = it->second;
  }
  v1::Environment out = kind.environment->Describe();
  out.set_name(name);
  PROCTOR_ASSIGN_OR_RETURN(*out.mutable_default_limits(), ResolveLimits(out.default_limits(), {}, {}));
  out.set_max_sessions(kind.max_sessions);
  out.set_open_sessions(kind.taken);
  return out;
}

std::vector<v1::Environment> SessionManager::DescribeEnvironments() const {
  std::vector<std::string> ids;
  {
    MutexLock lock(mutex_);
    for (const auto& [id, kind] : kinds_) ids.push_back(id);
  }
  std::vector<v1::Environment> out;
  for (const std::string& id : ids) {
    if (auto environment = DescribeEnvironment(ResourceName("environments", id)); environment.ok()) {
      out.push_back(*std::move(environment));
    }
  }
  return out;
}

absl::StatusOr<SessionManager::OpeningPtr> SessionManager::Check(
    CallContext context, const v1::CreateSessionRequest& request, std::string tenant) const {
  PROCTOR_RETURN_IF_ERROR(context.Check("CreateSession"));
  PROCTOR_RETURN_IF_ERROR(CheckRequestId(request.request_id()));
  auto opening = std::make_shared<Opening>();
  PROCTOR_ASSIGN_OR_RETURN(opening->environment_id, ResourceId("environments", request.environment()));
  Environment* environment = nullptr;
  {
    MutexLock lock(mutex_);
    const auto it = kinds_.find(opening->environment_id);
    if (it == kinds_.end()) return absl::NotFoundError(absl::StrCat("no ", request.environment()));
    environment = it->second.environment;
  }
  opening->lease = request.has_lease() ? FromProto(request.lease()) : options_.default_lease;
  if (opening->lease < options_.min_lease || opening->lease > options_.max_lease) {
    return absl::InvalidArgumentError(absl::StrCat("lease: ", absl::FormatDuration(options_.min_lease),
                                                   " to ", absl::FormatDuration(options_.max_lease)));
  }
  const absl::Duration wait = FromProto(request.max_wait());
  if (wait < absl::ZeroDuration() || wait > options_.max_wait) {
    return absl::InvalidArgumentError(
        absl::StrCat("max_wait: at most ", absl::FormatDuration(options_.max_wait)));
  }
  PROCTOR_RETURN_IF_ERROR(CheckClientTags(request.client_tags()));
  PROCTOR_RETURN_IF_ERROR(CheckSettingsSize(request.settings()));
  PROCTOR_ASSIGN_OR_RETURN(opening->settings, environment->ResolveSettings(request.settings()));
  opening->context = std::move(context);
  opening->request = request;
  // It may wait for minutes: nothing in it is without a limit.
  opening->request.DiscardUnknownFields();
  opening->tenant = std::move(tenant);
  if (options_.admission != nullptr) opening->share = options_.admission->Share(opening->tenant);
  if (!request.request_id().empty()) opening->digest = Sha256Hex(ProtoCanonicalBytes(request));
  return opening;
}

bool SessionManager::Replay(const OpeningPtr& opening, Done<v1::Session>& done) {
  const std::string& id = opening->request.request_id();
  if (id.empty()) return false;
  absl::StatusOr<v1::Session> answer = absl::UnknownError("");
  {
    MutexLock lock(mutex_);
    const auto it = requests_.find({opening->tenant, id});
    if (it == requests_.end()) {
      requests_[{opening->tenant, id}] = Remembered{.digest = opening->digest, .opening = opening, .session_id = ""};
      return false;
    }
    if (it->second.digest != opening->digest) {
      answer = absl::InvalidArgumentError("request_id: was used for another request");
    } else if (it->second.opening != nullptr) {
      it->second.opening->done.push_back(std::move(done));
      return true;
    } else {
      answer = sessions_.at(it->second.session_id)->Describe();
    }
  }
  parts_.pool.Post([done = std::move(done), answer = std::move(answer)] { done(answer); });
  return true;
}

void SessionManager::TakeSlot(Kind& kind, const OpeningPtr& opening) {
  ++kind.taken;
  ++kind.taken_by[opening->tenant];
  opening->left_queue = true;
}

SessionManager::OpeningPtr SessionManager::MakeRoom(const std::string& tenant, std::list<OpeningPtr>& waiting) const {
  std::map<std::string, int> places;
  for (const OpeningPtr& opening : waiting) ++places[opening->tenant];
  const auto most = std::max_element(places.begin(), places.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; });
  // Who takes a place must still have fewer than whom it is taken from.
  if (most == places.end() || places[tenant] + 1 >= most->second) return nullptr;
  const auto newest = std::find_if(waiting.rbegin(), waiting.rend(),
                                   [&](const OpeningPtr& opening) { return opening->tenant == most->first; });
  return *newest;
}

SessionManager::Place SessionManager::FindPlace(const OpeningPtr& opening, OpeningPtr& evicted) {
  Kind& kind = kinds_[opening->environment_id];
  auto& waiting = waiting_[opening->environment_id];
  if (kind.taken < kind.max_sessions && waiting.empty()) {
    TakeSlot(kind, opening);
    return Place::kFree;
  }
  if (FromProto(opening->request.max_wait()) == absl::ZeroDuration()) return Place::kNone;
  if (static_cast<int>(waiting.size()) >= options_.max_waiters) {
    evicted = MakeRoom(opening->tenant, waiting);
    if (evicted == nullptr) return Place::kNone;
    waiting.remove(evicted);
  }
  waiting.push_back(opening);
  return Place::kWaits;
}

void SessionManager::Create(CallContext context, const v1::CreateSessionRequest& request,
                            Done<v1::Session> done, std::string tenant) {
  auto checked = Check(std::move(context), request, std::move(tenant));
  if (!checked.ok()) {
    parts_.pool.Post([done = std::move(done), status = checked.status()] { done(status); });
    return;
  }
  const OpeningPtr opening = *std::move(checked);
  if (Replay(opening, done)) return;
  const absl::Duration wait = FromProto(opening->request.max_wait());
  absl::Status refused;
  if (options_.admission != nullptr) {
    refused = options_.admission->Take(opening->tenant, opening->environment_id);
    opening->counted = refused.ok();
  }
  bool open = false;
  OpeningPtr evicted;
  {
    MutexLock lock(mutex_);
    opening->done.push_back(std::move(done));
    if (!admitting_) refused = Draining();
    const Place place = refused.ok() ? FindPlace(opening, evicted) : Place::kNone;
    open = place == Place::kFree;
    if (refused.ok() && place == Place::kNone) {
      refused = WithRetryHint(AllTaken(opening->request.environment(), kinds_[opening->environment_id].max_sessions),
                              options_.retry_hint);
    }
  }
  if (evicted != nullptr) {
    GiveUpWaiting(evicted, WithRetryHint(GaveUpItsPlace(evicted->request.environment()), options_.retry_hint));
  }
  if (!refused.ok()) {
    GiveUpWaiting(opening, refused);
  } else if (open) {
    parts_.pool.Post([this, opening] { Open(opening); });
  } else {
    const auto give_up = [this, weak = std::weak_ptr<Opening>(opening)] {
      if (const OpeningPtr still = weak.lock()) {
        GiveUpWaiting(still, WithRetryHint(absl::ResourceExhaustedError("no session came free in time"),
                                           options_.retry_hint));
      }
    };
    parts_.timers.RunAfter(std::min(wait, opening->context.remaining()), give_up);
    opening->context.cancel()->AddCallback([this, weak = std::weak_ptr<Opening>(opening)] {
      if (const OpeningPtr still = weak.lock()) {
        GiveUpWaiting(still, absl::CancelledError("CreateSession: cancelled"));
      }
    });
  }
}

void SessionManager::GiveUpWaiting(const OpeningPtr& opening, const absl::Status& status) {
  std::vector<Done<v1::Session>> done;
  {
    MutexLock lock(mutex_);
    if (opening->left_queue) return;
    opening->left_queue = true;
    waiting_[opening->environment_id].remove(opening);
    // Not a tenant's own quota: more places would not help it.
    const bool had_quota = options_.admission == nullptr || opening->counted;
    if (had_quota && absl::IsResourceExhausted(status)) ++kinds_[opening->environment_id].refused;
    requests_.erase({opening->tenant, opening->request.request_id()});
    done.swap(opening->done);
  }
  if (opening->counted) GiveBack(opening->environment_id, opening->tenant);
  parts_.pool.Post([done = std::move(done), status] {
    for (const auto& each : done) each(status);
  });
}

void SessionManager::Open(const OpeningPtr& opening) {
  Environment* environment = nullptr;
  {
    MutexLock lock(mutex_);
    environment = kinds_[opening->environment_id].environment;
  }
  absl::StatusOr<std::unique_ptr<World>> world = absl::UnknownError("");
  if (absl::Status wanted = opening->context.Check("CreateSession"); !wanted.ok()) {
    world = wanted;
  } else {
    world = environment->Open(opening->context.Child(options_.open_cap), opening->settings);
  }
  if (!world.ok()) {
    Finish(opening, world.status());
    return;
  }
  Session::Options options;
  options.id = opening->tenant.empty() ? NewId() : absl::StrCat(NewId(), ".", opening->tenant);
  options.environment_id = opening->environment_id;
  options.environment = environment->Describe();
  options.settings = opening->settings;
  options.lease = opening->lease;
  for (const auto& [key, value] : opening->request.client_tags()) options.client_tags[key] = value;
  options.on_closed = [this, id = options.id, environment_id = opening->environment_id, tenant = opening->tenant] {
    Remember(id, tenant);
    ReleaseSlot(environment_id, tenant);
  };
  Finish(opening, std::make_shared<Session>(std::move(options), parts_, *std::move(world)));
}

void SessionManager::Finish(const OpeningPtr& opening, absl::StatusOr<std::shared_ptr<Session>> session) {
  std::vector<Done<v1::Session>> done;
  bool draining = false;
  {
    MutexLock lock(mutex_);
    done.swap(opening->done);
    const auto it = requests_.find({opening->tenant, opening->request.request_id()});
    if (session.ok()) {
      sessions_[(*session)->id()] = *session;
      if (it != requests_.end()) {
        it->second.opening = nullptr;
        it->second.session_id = (*session)->id();
      }
      draining = !admitting_;
    } else if (it != requests_.end()) {
      requests_.erase(it);
    }
  }
  if (!session.ok()) ReleaseSlot(opening->environment_id, opening->tenant);
  if (draining) (*session)->Close("the server is shutting down", v1::END_REASON_SERVER_FAULT, nullptr);
  for (const auto& each : done) {
    if (!session.ok()) {
      each(session.status());
    } else if (draining) {
      each(Draining());
    } else {
      each((*session)->Describe());
    }
  }
}

void SessionManager::GiveBack(const std::string& environment_id, const std::string& tenant) {
  if (options_.admission != nullptr) options_.admission->GiveBack(tenant, environment_id);
}

SessionManager::OpeningPtr SessionManager::TakeNext(Kind& kind, std::list<OpeningPtr>& waiting) {
  const auto load = [&](const OpeningPtr& opening) {
    const auto it = kind.taken_by.find(opening->tenant);
    return (it == kind.taken_by.end() ? 0 : it->second) / opening->share;
  };
  // The first of the smallest: order of arrival among equals.
  const auto least = std::min_element(waiting.begin(), waiting.end(),
                                      [&](const OpeningPtr& a, const OpeningPtr& b) { return load(a) < load(b); });
  OpeningPtr next = *least;
  waiting.erase(least);
  TakeSlot(kind, next);
  return next;
}

void SessionManager::ReleaseSlot(const std::string& environment_id, const std::string& tenant) {
  GiveBack(environment_id, tenant);
  OpeningPtr next;
  {
    MutexLock lock(mutex_);
    Kind& kind = kinds_[environment_id];
    --kind.taken;
    if (--kind.taken_by[tenant] == 0) kind.taken_by.erase(tenant);
    auto& waiting = waiting_[environment_id];
    if (waiting.empty()) return;
    next = TakeNext(kind, waiting);
  }
  parts_.pool.Post([this, next] { Open(next); });
}

absl::StatusOr<std::shared_ptr<Session>> SessionManager::Find(const std::string& name) const {
  PROCTOR_ASSIGN_OR_RETURN(const std::string id, ResourceId("sessions", name));
  MutexLock lock(mutex_);
  const auto it = sessions_.find(id);
  if (it == sessions_.end()) return absl::NotFoundError(absl::StrCat("no session ", name));
  return it->second;
}

std::vector<v1::Session> SessionManager::List(bool show_closed) const {
  std::vector<std::shared_ptr<Session>> sessions;
  {
    MutexLock lock(mutex_);
    for (auto it = sessions_.rbegin(); it != sessions_.rend(); ++it) sessions.push_back(it->second);
  }
  std::vector<v1::Session> out;
  for (const auto& session : sessions) {
    v1::Session described = session->Describe();
    if (show_closed || described.state() == v1::SESSION_STATE_OPEN) out.push_back(std::move(described));
  }
  return out;
}

void SessionManager::StopAdmitting() {
  std::vector<OpeningPtr> waiting;
  {
    MutexLock lock(mutex_);
    admitting_ = false;
    for (auto& [id, list] : waiting_) waiting.insert(waiting.end(), list.begin(), list.end());
  }
  for (const auto& opening : waiting) GiveUpWaiting(opening, Draining());
}

bool SessionManager::busy() const {
  MutexLock lock(mutex_);
  return std::any_of(sessions_.begin(), sessions_.end(),
                     [](const auto& entry) { return entry.second->busy(); });
}

int SessionManager::open_sessions() const {
  MutexLock lock(mutex_);
  int open = 0;
  for (const auto& [id, kind] : kinds_) open += kind.taken;
  return open;
}

bool SessionManager::admitting() const {
  MutexLock lock(mutex_);
  return admitting_;
}

std::vector<SessionUsage> SessionManager::Usage() const {
  MutexLock lock(mutex_);
  std::vector<SessionUsage> usage;
  for (const auto& [id, kind] : kinds_) {
    SessionUsage& one = usage.emplace_back(SessionUsage{.environment_id = id, .max_sessions = kind.max_sessions});
    for (const auto& [session_id, session] : sessions_) {
      if (session->environment_id() != id) continue;
      if (session->closed()) {
        ++one.remembered;
        continue;
      }
      ++one.open;
      if (session->busy()) ++one.busy;
    }
    one.opening = std::max(0, kind.taken - one.open);
    if (const auto waiting = waiting_.find(id); waiting != waiting_.end()) {
      one.waiting = static_cast<int>(waiting->second.size());
    }
    one.refused = kind.refused;
  }
  return usage;
}

void SessionManager::CloseAll(const std::string& why, v1::EndReason reason, std::function<void()> done) {
  std::vector<std::shared_ptr<Session>> sessions;
  {
    MutexLock lock(mutex_);
    for (const auto& [id, session] : sessions_) sessions.push_back(session);
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
