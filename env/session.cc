#include "env/session.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/ids.h"
#include "common/log.h"
#include "common/proto_time.h"
#include "common/retry_hint.h"
#include "common/status.h"

namespace proctor::env {
namespace {

constexpr int kMaxVerbs = 64;

int64_t ClientBytes(const Session::Options& options) {
  size_t bytes = options.settings.ByteSizeLong();
  for (const auto& [key, value] : options.client_tags) bytes += key.size() + value.size();
  return static_cast<int64_t>(bytes);
}

}  // namespace

Session::Session(Options options, SessionParts parts, std::unique_ptr<World> world)
    : options_(std::move(options)),
      client_bytes_(ClientBytes(options_)),
      parts_(parts),
      create_time_(parts.clock.Now()),
      observes_at_once_(world->observes_at_once()),
      queue_(parts.pool),
      world_(std::move(world)),
      replays_(options_.id, parts.sink, ReplayCache::Past::kNone),
      lease_expiry_(create_time_ + options_.lease) {}

Session::~Session() = default;

v1::Session Session::Describe() const {
  v1::Session out;
  out.set_name(ResourceName("sessions", options_.id));
  out.set_environment(ResourceName("environments", options_.environment_id));
  *out.mutable_settings() = options_.settings;
  *out.mutable_lease() = ToProto(options_.lease);
  *out.mutable_create_time() = ToProto(create_time_);
  for (const auto& [key, value] : options_.client_tags) (*out.mutable_client_tags())[key] = value;
  MutexLock lock(mutex_);
  out.set_state(closed_ ? v1::SESSION_STATE_CLOSED : v1::SESSION_STATE_OPEN);
  *out.mutable_lease_expire_time() = ToProto(lease_expiry_);
  if (closed_) *out.mutable_close_time() = ToProto(close_time_);
  if (episode_open_) out.set_episode(episode_.name());
  out.set_episode_count(episode_count_);
  out.set_close_reason(close_why_);
  return out;
}

bool Session::busy() const {
  MutexLock lock(mutex_);
  return verbs_ > 0;
}

bool Session::closed() const {
  MutexLock lock(mutex_);
  return closed_;
}

absl::Time Session::close_time() const {
  MutexLock lock(mutex_);
  return close_time_;
}

absl::Status Session::KeepAlive() {
  MutexLock lock(mutex_);
  if (closing_) return absl::FailedPreconditionError(absl::StrCat("the session is closed: ", close_why_));
  lease_expiry_ = parts_.clock.Now() + options_.lease;
  return absl::OkStatus();
}

absl::Status Session::Admit() {
  PROCTOR_RETURN_IF_ERROR(KeepAlive());
  MutexLock lock(mutex_);
  if (verbs_ < kMaxVerbs) return absl::OkStatus();
  return WithRetryHint(
      absl::ResourceExhaustedError(absl::StrCat(kMaxVerbs, " verbs of this session wait already")),
      absl::Seconds(1));
}

void Session::Enqueue(AsyncQueue::Task task) {
  {
    MutexLock lock(mutex_);
    ++verbs_;
  }
  queue_.Post(std::move(task));
}

void Session::RunOrEnqueue(AsyncQueue::Task task) {
  {
    MutexLock lock(mutex_);
    ++verbs_;
  }
  queue_.RunOrPost(std::move(task));
}

void Session::Leave(const AsyncQueue::Finish& finish) {
  {
    MutexLock lock(mutex_);
    --verbs_;
    // A verb that took longer than the lease leaves its client a whole one.
    lease_expiry_ = std::max(lease_expiry_, parts_.clock.Now() + options_.lease);
  }
  finish();
}

CallContext Session::WorkContext(absl::Duration cap) const {
  return CallContext(absl::InfiniteFuture(), closing_token_).Child(cap);
}

CallContext Session::ActContext() const {
  const absl::Duration rest =
      std::max(absl::ZeroDuration(), run_->deadline() - parts_.clock.Now()) + parts_.caps.overtime;
  return WorkContext(std::min(parts_.caps.step, rest));
}

void Session::Sleep(absl::Duration delay, std::function<void()> then) {
  struct State {
    std::atomic<bool> fired = false;
    std::function<void()> then;
  };
  auto state = std::make_shared<State>();
  // The cancel callback goes away with the wait, or a session of many waits would collect them.
  auto callback = std::make_shared<std::atomic<uint64_t>>(0);
  state->then = [this, self = shared_from_this(), callback, then = std::move(then)] {
    closing_token_->RemoveCallback(callback->load());
    then();
  };
  const auto fire = [this, state] {
    if (state->fired.exchange(true)) return;
    parts_.pool.Post([state] { std::exchange(state->then, nullptr)(); });
  };
  callback->store(closing_token_->AddCallback(fire));
  parts_.timers.RunAfter(delay, fire);
}

void Session::Close(std::string why, v1::EndReason reason, Done<v1::Session> done) {
  bool already_closed = false;
  Done<v1::Session> at_once;
  {
    MutexLock lock(mutex_);
    already_closed = released_;
    if (already_closed) {
      at_once = std::move(done);
    } else if (done) {
      close_waiters_.push_back(std::move(done));
    }
    if (!already_closed && closing_) return;
    if (!closing_) {
      closing_ = true;
      close_why_ = std::move(why);
      close_reason_ = reason;
    }
  }
  if (already_closed) {
    if (at_once) parts_.pool.Post([self = shared_from_this(), done = std::move(at_once)] { done(self->Describe()); });
    return;
  }
  closing_token_->Cancel();
  Enqueue([this, self = shared_from_this(), arrival = parts_.clock.Now()](const AsyncQueue::Finish& finish) {
    Ending ending;
    {
      MutexLock lock(mutex_);
      ending = {close_reason_, close_why_};
    }
    if (run_) {
      run_->Arrived(arrival);
      EndRun(ending, nullptr);
    }
    world_.reset();
    // A closed session is remembered for long: only what it says of itself, or pages and pictures would fill the memory.
    replays_.Clear();
    untold_.reset();
    options_.environment.Clear();
    const auto on_closed = std::exchange(options_.on_closed, nullptr);
    std::vector<Done<v1::Session>> waiters;
    {
      MutexLock lock(mutex_);
      episode_.Clear();
      closed_ = true;
      close_time_ = parts_.clock.Now();
    }
    LogInfo("session closed", {{"session", options_.id}, {"why", ending.message}});
    if (on_closed) on_closed();
    {
      MutexLock lock(mutex_);
      released_ = true;
      waiters.swap(close_waiters_);
    }
    Leave(finish);
    for (const auto& waiter : waiters) waiter(Describe());
  });
}

void Session::Tick() {
  const absl::Time now = parts_.clock.Now();
  bool expired = false;
  bool overdue = false;
  {
    MutexLock lock(mutex_);
    if (closing_ || verbs_ > 0) return;
    expired = now >= lease_expiry_;
    overdue = episode_open_ && now >= episode_deadline_;
  }
  if (expired) {
    Close("lease expired", v1::END_REASON_LEASE_EXPIRED, nullptr);
  } else if (overdue) {
    // As a verb: the lease, a drain and the next tick wait for it. But it is no sign of life.
    Enqueue([this, self = shared_from_this()](const AsyncQueue::Finish& finish) {
      const absl::Time then = parts_.clock.Now();
      if (run_ && then >= run_->deadline()) {
        run_->Arrived(then);
        untold_ = EndedResponse({v1::END_REASON_TIME_LIMIT, "the time limit was reached"}, {});
      }
      {
        MutexLock lock(mutex_);
        --verbs_;
      }
      finish();
    });
  }
}

}  // namespace proctor::env
