#include "net/fair_queue.h"

#include <algorithm>
#include <utility>

namespace proctor::net {

FairQueue::FairQueue(std::string name, Options options)
    : options_(options), pool_(std::make_unique<ThreadPool>(std::move(name), options.threads)) {}

FairQueue::~FairQueue() {
  // What they hold goes without the lock.
  std::map<uint64_t, Owner> dropped;
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    dropped.swap(owners_);
  }
  pool_.reset();
}

uint64_t FairQueue::Add(uint64_t owner, std::function<void()> task) {
  MutexLock lock(mutex_);
  if (stopping_) return 0;
  Owner& own = owners_[owner];
  if (own.waiting.size() >= options_.queued_per_owner) return 0;
  const uint64_t id = next_id_++;
  own.waiting.push_back({id, std::move(task)});
  Dispatch();
  return id;
}

void FairQueue::Drop(uint64_t id) {
  std::function<void()> dropped;
  MutexLock lock(mutex_);
  for (auto owner = owners_.begin(); owner != owners_.end(); ++owner) {
    std::deque<Task>& waiting = owner->second.waiting;
    const auto task = std::find_if(waiting.begin(), waiting.end(), [id](const Task& each) { return each.id == id; });
    if (task == waiting.end()) continue;
    dropped = std::move(task->run);
    waiting.erase(task);
    if (waiting.empty() && owner->second.running == 0) owners_.erase(owner);
    return;
  }
}

std::map<uint64_t, FairQueue::Owner>::iterator FairQueue::NextOwner() {
  if (owners_.empty() || running_ >= options_.threads) return owners_.end();
  const bool scarce = running_ >= options_.threads - options_.reserved;
  auto owner = owners_.upper_bound(last_owner_);
  for (size_t looked_at = 0; looked_at < owners_.size(); ++looked_at, ++owner) {
    if (owner == owners_.end()) owner = owners_.begin();
    const int most = scarce ? 1 : options_.running_per_owner;
    if (!owner->second.waiting.empty() && owner->second.running < most) return owner;
  }
  return owners_.end();
}

void FairQueue::Dispatch() {
  for (auto next = NextOwner(); next != owners_.end(); next = NextOwner()) {
    const uint64_t owner = last_owner_ = next->first;
    std::function<void()> task = std::move(next->second.waiting.front().run);
    next->second.waiting.pop_front();
    ++next->second.running;
    ++running_;
    pool_->Post([this, owner, task = std::move(task)]() mutable {
      task();
      task = nullptr;
      Ended(owner);
    });
  }
}

void FairQueue::Ended(uint64_t owner) {
  MutexLock lock(mutex_);
  --running_;
  if (stopping_) return;
  const auto own = owners_.find(owner);
  if (--own->second.running == 0 && own->second.waiting.empty()) owners_.erase(own);
  Dispatch();
}

}  // namespace proctor::net
