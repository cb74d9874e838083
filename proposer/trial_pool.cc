#include "proposer/trial_pool.h"

#include <algorithm>
#include <atomic>

#include "common/mutex.h"

namespace proctor::proposer {
namespace {

// Counts helpers that are still at work.
class Latch {
 public:
  explicit Latch(size_t count) : count_(count) {}

  void Done() {
    MutexLock lock(mutex_);
    if (--count_ == 0) zero_.SignalAll();
  }

  void Wait() {
    MutexLock lock(mutex_);
    while (count_ > 0) zero_.Wait(mutex_);
  }

 private:
  Mutex mutex_;
  CondVar zero_;
  size_t count_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

TrialPool::TrialPool(const ExplorerTeam& team, const OracleCheck& oracle, const SiteUrls& urls, Pace& pace)
    : pool_(team.pool) {
  for (SiteExplorer* const explorer : team.explorers) {
    explorers_.push_back(explorer);
    trials_.push_back(std::make_unique<DraftTrial>(*explorer, oracle, urls, pace));
    if (pool_ == nullptr) break;
  }
}

absl::Status TrialPool::Run(const CallContext& context, std::vector<TrialItem>& items) {
  std::atomic<size_t> next = 0;
  // False: all are tried, or being tried.
  const auto try_next = [&](DraftTrial& trial) {
    const size_t i = next++;
    if (i >= items.size()) return false;
    const absl::Status status = context.Check("trying a draft");
    if (status.ok()) items[i].outcome = trial.Run(context, *items[i].draft, items[i].wrong_answers);
    else items[i].outcome = status;
    return true;
  };
  const size_t helpers = std::min(trials_.size(), std::max<size_t>(items.size(), 1)) - 1;
  Latch latch(helpers);
  for (size_t h = 1; h <= helpers; ++h) {
    pool_->Post([&, h] {
      while (next < items.size() && explorers_[h]->TryAcquire() && try_next(*trials_[h])) {
      }
      explorers_[h]->Release();
      latch.Done();
    });
  }
  absl::Status acquired;
  while (next < items.size()) {
    acquired = explorers_[0]->Acquire(context);
    if (!acquired.ok() || !try_next(*trials_[0])) break;
  }
  // What is left is tried by nobody.
  if (!acquired.ok()) next = items.size();
  latch.Wait();
  return acquired;
}

}  // namespace proctor::proposer
