#include "server/episode_waiters.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace proctor::server {

struct EpisodeWaiters::Waiter {
  Waiter(const CallContext& c, std::string n, For f, Done d)
      : context(c), name(std::move(n)), awaits(f), done(std::move(d)) {}

  const CallContext context;
  const std::string name;
  const For awaits;
  const Done done;
  // Under the waiters' mutex.
  bool answered = false;
  // What ends the wait; set once both are known.
  uint64_t timer = 0;
  uint64_t cancel_callback = 0;
};

// A context of its own: once it is registered, whoever asked may be answered, and be gone.
// NOLINTNEXTLINE(performance-unnecessary-value-param)
void EpisodeWaiters::Begin(CallContext context, const std::string& name, For awaits, absl::Duration max_wait, Done done) {
  const auto waiter = std::make_shared<Waiter>(context, name, awaits, std::move(done));
  absl::Duration wait = std::min(max_wait, context.remaining());
  // Registered before looking, so that a result that comes in between is not missed.
  {
    MutexLock lock(mutex_);
    waiters_.emplace(waiter->name, waiter);
    if (waiter->awaits == For::kOracles && asked_.contains(waiter->name)) wait = absl::ZeroDuration();
  }
  // From here on it may be answered, and whoever asked be gone.
  const absl::StatusOr<v1::Episode> now = parts_.episodes.Get(context, waiter->name);
  if (!now.ok() || now->result_state() == v1::RESULT_STATE_READY || wait <= absl::ZeroDuration()) {
    Answer(waiter, now);
    return;
  }
  const auto stop = [this, waiter] {
    parts_.pool.Post([this, waiter] { AnswerAsItStands(waiter); });
  };
  const uint64_t timer = parts_.timers.RunAfter(wait, stop);
  const uint64_t cancel_callback = context.cancel()->AddCallback(stop);
  {
    MutexLock lock(mutex_);
    if (!waiter->answered) {
      waiter->timer = timer;
      waiter->cancel_callback = cancel_callback;
      return;
    }
  }
  // Answered in between, by somebody who could not take these back.
  parts_.timers.Cancel(timer);
  context.cancel()->RemoveCallback(cancel_callback);
}

void EpisodeWaiters::ModelAsked(const std::string& name) {
  std::vector<std::shared_ptr<Waiter>> waiters;
  {
    MutexLock lock(mutex_);
    if (!asked_.insert(name).second) return;
    const auto [begin, end] = waiters_.equal_range(name);
    for (auto it = begin; it != end; ++it) {
      if (it->second->awaits == For::kOracles) waiters.push_back(it->second);
    }
  }
  // The evaluation does not wait until they are told.
  for (const auto& waiter : waiters) parts_.pool.Post([this, waiter] { AnswerAsItStands(waiter); });
}

void EpisodeWaiters::Finished(const std::string& name, const absl::StatusOr<v1::Episode>& episode) {
  std::vector<std::shared_ptr<Waiter>> waiters;
  {
    MutexLock lock(mutex_);
    asked_.erase(name);
    const auto [begin, end] = waiters_.equal_range(name);
    for (auto it = begin; it != end; ++it) waiters.push_back(it->second);
    waiters_.erase(begin, end);
  }
  for (const auto& waiter : waiters) {
    if (episode.ok() && episode->name().empty()) {
      Answer(waiter, absl::NotFoundError(absl::StrCat(waiter->name, " does not exist any more")));
    } else {
      Answer(waiter, episode);
    }
  }
}

void EpisodeWaiters::Leave(const std::string& name) {
  MutexLock lock(mutex_);
  asked_.erase(name);
}

void EpisodeWaiters::AnswerAsItStands(const std::shared_ptr<Waiter>& waiter) {
  {
    MutexLock lock(mutex_);
    if (waiter->answered) return;
  }
  Answer(waiter, parts_.episodes.Get(CallContext::WithTimeout(absl::Seconds(10)), waiter->name));
}

void EpisodeWaiters::Answer(const std::shared_ptr<Waiter>& waiter, absl::StatusOr<v1::Episode> episode) {
  {
    MutexLock lock(mutex_);
    if (std::exchange(waiter->answered, true)) return;
    const auto [begin, end] = waiters_.equal_range(waiter->name);
    for (auto it = begin; it != end; ++it) {
      if (it->second == waiter) {
        waiters_.erase(it);
        break;
      }
    }
  }
  if (waiter->timer != 0) parts_.timers.Cancel(waiter->timer);
  if (waiter->cancel_callback != 0) waiter->context.cancel()->RemoveCallback(waiter->cancel_callback);
  waiter->done(std::move(episode));
}

}  // namespace proctor::server
