// SessionManager::Create: from the request to the open session, or to why there is none.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/ids.h"
#include "common/proto_json.h"
#include "common/proto_time.h"
#include "common/retry_hint.h"
#include "common/status.h"
#include "env/request_checks.h"
#include "env/session_manager.h"

namespace proctor::env {
namespace {

absl::Status Draining() { return absl::UnavailableError("the server is shutting down"); }

absl::Status AllTaken(const std::string& environment, const SessionPlaces::Kind& kind) {
  const std::string explorers = kind.exploring == 0 ? "" : absl::StrCat(" (", kind.exploring, " by crawls, which make room for who waits)");
  return absl::ResourceExhaustedError(absl::StrCat("all ", kind.max_sessions, " sessions of ", environment, " are taken", explorers,
                                                   "; try again or give max_wait"));
}

// The first caller asked first; others repeated its request, as they do when their connection broke, and still want what it gave up.
void Refuse(const CallContext& first, const std::vector<Done<v1::Session>>& done, const absl::Status& status) {
  const bool gave_up = !first.Check("CreateSession").ok();
  for (size_t i = 0; i < done.size(); ++i) {
    done[i](gave_up && i > 0 ? absl::UnavailableError("the call that this one repeats has ended; repeat it") : status);
  }
}

absl::Status GaveUpItsPlace(const std::string& environment) {
  return absl::ResourceExhaustedError(
      absl::StrCat("too many wait for a session of ", environment, ", and most of them are yours; try again later"));
}

}  // namespace

absl::StatusOr<SessionOpeningPtr> SessionManager::Check(
    CallContext context, const v1::CreateSessionRequest& request, std::string tenant) const {
  PROCTOR_RETURN_IF_ERROR(context.Check("CreateSession"));
  PROCTOR_RETURN_IF_ERROR(CheckRequestId(request.request_id()));
  auto opening = std::make_shared<SessionOpening>();
  PROCTOR_ASSIGN_OR_RETURN(opening->environment_id, ResourceId("environments", request.environment()));
  Environment* environment = nullptr;
  {
    MutexLock lock(mutex_);
    const SessionPlaces::Kind* kind = places_.Find(opening->environment_id);
    if (kind == nullptr) return places_.NoSuch(opening->environment_id);
    environment = kind->environment;
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

void SessionManager::Create(CallContext context, const v1::CreateSessionRequest& request,
                            Done<v1::Session> done, std::string tenant) {
  auto checked = Check(std::move(context), request, std::move(tenant));
  if (!checked.ok()) {
    parts_.pool.Post([done = std::move(done), status = checked.status()] { done(status); });
    return;
  }
  const SessionOpeningPtr opening = *std::move(checked);
  // Before anybody who repeats it can join.
  opening->done.push_back(std::move(done));
  if (Replay(opening)) return;
  const absl::Duration wait = FromProto(opening->request.max_wait());
  absl::Status refused;
  if (options_.admission != nullptr) {
    refused = options_.admission->Take(opening->tenant, opening->environment_id);
    opening->counted = refused.ok();
  }
  bool open = false;
  SessionOpeningPtr evicted;
  {
    MutexLock lock(mutex_);
    if (!admitting_) refused = Draining();
    const SessionPlaces::Place place = refused.ok() ? places_.Take(opening, evicted) : SessionPlaces::Place::kNone;
    open = place == SessionPlaces::Place::kFree;
    if (refused.ok() && place == SessionPlaces::Place::kNone) {
      refused = WithRetryHint(AllTaken(opening->request.environment(), *places_.Find(opening->environment_id)),
                              options_.retry_hint);
    }
  }
  if (evicted != nullptr) {
    GiveUpWaiting(evicted, WithRetryHint(GaveUpItsPlace(evicted->request.environment()), options_.retry_hint));
  }
  if (!refused.ok()) {
    GiveUpWaiting(opening, refused);
  } else if (open) {
    PostOpen(opening);
  } else {
    const auto give_up = [this, weak = std::weak_ptr<SessionOpening>(opening)] {
      if (const SessionOpeningPtr still = weak.lock()) {
        GiveUpWaiting(still, WithRetryHint(absl::ResourceExhaustedError("no session came free in time"),
                                           options_.retry_hint));
      }
    };
    const uint64_t timer = parts_.timers.RunAfter(std::min(wait, opening->context.remaining()), give_up);
    const uint64_t cancel_callback = opening->context.cancel()->AddCallback([this, weak = std::weak_ptr<SessionOpening>(opening)] {
      if (const SessionOpeningPtr still = weak.lock()) {
        GiveUpWaiting(still, absl::CancelledError("CreateSession: cancelled"));
      }
    });
    bool waits = false;
    {
      MutexLock lock(mutex_);
      opening->timer = timer;
      opening->cancel_callback = cancel_callback;
      waits = !opening->left_queue;
    }
    // It may have left in between, and whoever took it out knew nothing of these.
    if (!waits) EndWaiting(*opening);
  }
}

void SessionManager::EndWaiting(SessionOpening& opening) {
  uint64_t timer = 0;
  uint64_t cancel_callback = 0;
  {
    MutexLock lock(mutex_);
    std::swap(timer, opening.timer);
    std::swap(cancel_callback, opening.cancel_callback);
  }
  if (timer != 0) parts_.timers.Cancel(timer);
  if (cancel_callback != 0) opening.context.cancel()->RemoveCallback(cancel_callback);
}

bool SessionManager::Replay(const SessionOpeningPtr& opening) {
  if (opening->request.request_id().empty()) return false;
  Done<v1::Session> done;
  absl::StatusOr<v1::Session> answer = absl::UnknownError("");
  {
    MutexLock lock(mutex_);
    const SessionRegistry::Request* before = registry_.FindOrNote(opening);
    if (before == nullptr) return false;
    done = std::move(opening->done.front());
    if (before->digest != opening->digest) {
      answer = absl::InvalidArgumentError("request_id: was used for another request");
    } else if (before->opening != nullptr) {
      before->opening->done.push_back(std::move(done));
      return true;
    } else {
      answer = registry_.Find(before->session_id)->Describe();
    }
  }
  parts_.pool.Post([done = std::move(done), answer = std::move(answer)] { done(answer); });
  return true;
}

void SessionManager::GiveUpWaiting(const SessionOpeningPtr& opening, const absl::Status& status) {
  std::vector<Done<v1::Session>> done;
  {
    MutexLock lock(mutex_);
    if (!places_.GiveUp(opening)) return;
    // Not a tenant's own quota: more places would not help it.
    const bool had_quota = options_.admission == nullptr || opening->counted;
    if (had_quota && absl::IsResourceExhausted(status)) places_.CountRefused(opening->environment_id);
    registry_.Withdraw(opening);
    done.swap(opening->done);
  }
  EndWaiting(*opening);
  if (opening->counted) GiveBack(opening->environment_id, opening->tenant);
  parts_.pool.Post([opening, done = std::move(done), status] { Refuse(opening->context, done, status); });
}

void SessionManager::Open(const SessionOpeningPtr& opening) {
  Environment* environment = nullptr;
  {
    MutexLock lock(mutex_);
    environment = places_.Find(opening->environment_id)->environment;
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
    {
      MutexLock lock(mutex_);
      registry_.Remember(id, tenant);
    }
    ReleaseSlot(environment_id, tenant);
  };
  Finish(opening, std::make_shared<Session>(std::move(options), parts_, *std::move(world)));
}

void SessionManager::Finish(const SessionOpeningPtr& opening, absl::StatusOr<std::shared_ptr<Session>> session) {
  std::vector<Done<v1::Session>> done;
  bool draining = false;
  {
    MutexLock lock(mutex_);
    done.swap(opening->done);
    if (session.ok()) {
      registry_.Add(opening, *session);
      draining = !admitting_;
    } else {
      registry_.Withdraw(opening);
    }
  }
  if (!session.ok()) ReleaseSlot(opening->environment_id, opening->tenant);
  if (draining) (*session)->Close("the server is shutting down", v1::END_REASON_SERVER_FAULT, nullptr);
  if (!session.ok()) {
    Refuse(opening->context, done, session.status());
    return;
  }
  for (const auto& each : done) {
    if (draining) {
      each(Draining());
    } else {
      each((*session)->Describe());
    }
  }
}

void SessionManager::ReleaseSlot(const std::string& environment_id, const std::string& tenant) {
  GiveBack(environment_id, tenant);
  SessionOpeningPtr next;
  {
    MutexLock lock(mutex_);
    next = places_.Release(environment_id, tenant);
    explorers_changed_.SignalAll();
  }
  if (next != nullptr) PostOpen(next);
}

void SessionManager::PostOpen(const SessionOpeningPtr& opening) {
  EndWaiting(*opening);
  parts_.pool.Post([this, opening] { Open(opening); });
}

void SessionManager::GiveBack(const std::string& environment_id, const std::string& tenant) {
  if (options_.admission != nullptr) options_.admission->GiveBack(tenant, environment_id);
}

void SessionManager::StopAdmitting() {
  std::vector<SessionOpeningPtr> waiting;
  {
    MutexLock lock(mutex_);
    admitting_ = false;
    waiting = places_.Waiting();
  }
  for (const auto& opening : waiting) GiveUpWaiting(opening, Draining());
}

bool SessionManager::admitting() const {
  MutexLock lock(mutex_);
  return admitting_;
}

}  // namespace proctor::env
