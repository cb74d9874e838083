// What may be spent, and what has been.
#ifndef PROCTOR_MODEL_BUDGET_H_
#define PROCTOR_MODEL_BUDGET_H_

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "common/call_context.h"
#include "common/clock.h"
#include "common/mutex.h"
#include "model/failure.h"
#include "model/timers.h"
#include "model/wait.h"
#include "proctor/v1/model.pb.h"
#include "storage/database.h"

namespace proctor::model {

// Whom a call is made for.
struct Payer {
  // The evaluator's name; empty: none.
  std::string evaluator;
  // The job's name; empty: none.
  std::string job;
  // Who is told of what it cost (ClientDeps::charged); no budget is kept for it. Empty: nobody.
  std::string tenant = "";
  // In US dollars, in place of what the configuration gives each evaluator or job; 0: that.
  double evaluator_usd = 0;
  double job_usd = 0;
};

// Money set aside for a call that runs.
struct Reservation {
  struct Share {
    std::string scope;
    // The day in UTC, "2026-01-31"; of jobs "".
    std::string period;
    double limit_usd = 0;
  };
  std::vector<Share> shares;
  double usd = 0;
};

// Thread-safe. A call begins only if what it may cost at most (its prompt as estimated, its longest reply) fits into
// what is left of every budget after what other running calls may cost: until enough of them have ended, it waits where it would fit in
// without them. Calls begin in the order in which they asked: a later one only where it leaves room for those that wait before it, in every
// budget that they share. It goes on with another attempt only if what the last one cost fits in once more: so no budget is overdrawn but by
// the error of the estimate. What a server may have done without saying so is paid as estimated.
class Budget {
 public:
  // `database` (with the tables of MigrateTables) and `clock` outlive it; without a database, spending is forgotten at
  // exit.
  Budget(const v1::ModelBudgets& limits, storage::Database* database, Clock& clock)
      : limits_(limits), database_(database), clock_(clock) {}

  // The reservation is empty if there is a failure. BUDGET: a budget is spent, or holds and there is no price; TIMEOUT and CANCELLED from the
  // context; SERVER: the database cannot be read.
  using Reserved = std::function<void(Failure failure, Reservation reservation)>;
  // Sets aside `usd`, the most that the call may cost; nothing: its model has no price. It counts for the day on which it asked. Blocks on the
  // database the first time that a scope is seen. `done` runs once, maybe before this returns, else on a thread that ends a call or the wait;
  // it must not block. The budget lives until then.
  void Reserve(const CallContext& context, Timers& timers, const Payer& payer, std::optional<double> usd, Reserved done);
  // Sets aside `usd` more for a call that goes on, such as what another attempt comes to after one that was paid for. BUDGET: a budget is
  // spent; nothing is added then. Nothing, 0, always fits in. Does not wait: who waits is behind those that run.
  Failure ReserveMore(double usd, Reservation& reservation);
  // The call has ended and cost `usd`; those that wait begin as far as there is room now. Call Record within a transaction to keep it.
  void Settle(const Reservation& reservation, double usd);
  static absl::Status Record(storage::Transaction& transaction, const Reservation& reservation, double usd);

  // Spent by `scope` ("day", "evaluator:x", "job:y") as far as this process knows, for tests and reports.
  double Spent(const std::string& scope) const;

 private:
  struct Account {
    double spent = 0;
    double reserved = 0;
  };
  using Key = std::pair<std::string, std::string>;
  // By account; what those that wait before somebody will set aside.
  using Ahead = std::map<Key, double>;
  struct Waiter {
    // Nothing is set aside in it until its turn.
    Reservation reservation;
    double usd = 0;
    Failure refused;
    std::shared_ptr<Wait> wait;
  };

  std::vector<Reservation::Share> SharesOf(const Payer& payer) const;
  absl::Status Load(const CallContext& context, const Reservation::Share& share);
  // The share that `usd` does not fit into, rather one that is spent; null: it fits into all.
  const Reservation::Share* FindFull(const std::vector<Reservation::Share>& shares, double usd, const Ahead& ahead) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // No call that ends makes room for `usd`.
  bool IsSpent(const Reservation::Share& share, double usd) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Failure NoRoom(const Reservation::Share& share, double usd) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void SetAside(double usd, Reservation& reservation) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Takes those whose turn it is, who are refused, or whose wait has ended out of the queue; the first two are returned.
  std::vector<std::shared_ptr<Waiter>> TakeReady() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Tells them.
  void Serve();
  // Its wait has ended otherwise: why, and what was in the way. Those behind it may go.
  Failure GiveUp(const Waiter& waiter, const absl::Status& status);

  const v1::ModelBudgets limits_;
  storage::Database* const database_;
  Clock& clock_;
  mutable Mutex mutex_;
  std::map<Key, Account> accounts_ ABSL_GUARDED_BY(mutex_);
  std::deque<std::shared_ptr<Waiter>> waiting_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace proctor::model

#endif  // PROCTOR_MODEL_BUDGET_H_
