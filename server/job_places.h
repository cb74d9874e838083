// Which jobs are at work: few at once, tenants in turn.
#ifndef PROCTOR_SERVER_JOB_PLACES_H_
#define PROCTOR_SERVER_JOB_PLACES_H_

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "common/mutex.h"
#include "server/pool_meter.h"

namespace proctor::server {

// A job waits for a place, begins with it, may step aside and come back (it was paused), and ends. Free places go to tenants in turn; of a
// tenant's jobs those that come back are first, then who waits longest. A job that stepped aside keeps what it has done, and so memory and a
// thread: that is why a tenant with many of them begins no others until one comes back or ends. Thread-safe; waits for nothing.
class JobPlaces {
 public:
  // Of one tenant and of all, jobs that have begun and have no place; where there are so many, none begins.
  static constexpr int kAsidePerTenant = 8;
  static constexpr int kAside = 1024;

  // Called once, when it is the job's turn, by whoever freed or asked for a place, without locks: it must not block. True: the job has its
  // place. False: it does not want one now, and the place goes to the next.
  using Turn = std::function<bool()>;

  // `places`: jobs that work at once. No more than that and kAside have begun and not ended.
  explicit JobPlaces(int places) : places_(places), meter_("job", places) {}

  // For a job that has not begun.
  void Await(const std::string& tenant, const std::string& job, Turn turn);
  // It does not wait any more; nothing if it does not.
  void Drop(const std::string& tenant, const std::string& job);
  // It gives its place back, though it has not ended.
  void StepAside(const std::string& tenant);
  // It wants a place again.
  void ComeBack(const std::string& tenant, const std::string& job, Turn turn);
  // A job that had stepped aside has ended, whether it wanted to come back or not.
  void End(const std::string& tenant, const std::string& job);

  // Nobody's turn comes any more.
  void Close();

  // Of the pool `job`: `queued` wait for a place, `running` have one.
  PoolUsage Usage() const;

 private:
  struct Waiting {
    std::string job;
    Turn turn;
  };
  struct Tenant {
    std::deque<Waiting> fresh;
    std::deque<Waiting> back;
    int begun = 0;
    // Of these, those with a place.
    int placed = 0;
  };
  using Tenants = std::map<std::string, Tenant>;
  struct Given {
    std::string tenant;
    Waiting job;
    bool begins = false;
  };

  // Gives free places to those that wait, until there are none of either.
  void GiveTurns();
  std::optional<Given> NextTurn() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool MayBegin(const Tenant& tenant) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void AddPlaced(Tenant& tenant, int change) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void AddBegun(Tenant& tenant, int change) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // What is taken out dies without the lock.
  std::optional<Waiting> Take(std::deque<Waiting>& from, const std::string& job) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ForgetIfIdle(const Tenants::iterator& tenant) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const int places_;
  mutable Mutex mutex_;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  int begun_ ABSL_GUARDED_BY(mutex_) = 0;
  int placed_ ABSL_GUARDED_BY(mutex_) = 0;
  // Whose turn was last.
  std::string last_tenant_ ABSL_GUARDED_BY(mutex_);
  // Those with a job.
  Tenants tenants_ ABSL_GUARDED_BY(mutex_);
  PoolMeter meter_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_JOB_PLACES_H_
