// What may be spent, and what has been.
#ifndef PROCTOR_MODEL_BUDGET_H_
#define PROCTOR_MODEL_BUDGET_H_

#include <cstdint>
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
// what is left of every budget after what other running calls may cost: until one of them has ended, it waits where it would fit in without them.
// It goes on with another attempt only if what the last one cost fits in once more: so no budget is overdrawn but by the error of the
// estimate. What a server may have done without saying so is paid as estimated.
class Budget {
 public:
  // `database` (with the tables of MigrateTables) and `clock` outlive it; without a database, spending is forgotten at
  // exit.
  Budget(const v1::ModelBudgets& limits, storage::Database* database, Clock& clock)
      : limits_(limits), database_(database), clock_(clock) {}

  // Sets aside `usd`, the most that the call may cost; nothing: its model has no price. BUDGET: a budget is spent, or
  // holds and there is no price; the reservation is empty then. Blocks on the database the first time that a scope is
  // seen. Other failures: the database cannot be read (SERVER), TIMEOUT and CANCELLED from `context`. `busy`, if given, becomes whether only
  // what running calls have set aside stands in the way: then it is worth asking again when one of them has ended.
  Failure Reserve(const CallContext& context, const Payer& payer, std::optional<double> usd, Reservation& reservation, bool* busy = nullptr);
  // How many calls have ended so far: read before Reserve, and given to AwaitSettled.
  int64_t settled() const;
  // `done` runs once, when more than `settled` calls have ended, maybe before this returns, or with the context's error. It must not block.
  void AwaitSettled(const CallContext& context, Timers& timers, int64_t settled, std::function<void(absl::Status)> done);
  // Sets aside `usd` more for a call that goes on, such as what another attempt comes to after one that was paid for. BUDGET: a budget is
  // spent; nothing is added then. Nothing, 0, always fits in. Does not block.
  Failure ReserveMore(double usd, Reservation& reservation);
  // The call has ended and cost `usd`. Call Record within a transaction to keep it.
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

  std::vector<Reservation::Share> SharesOf(const Payer& payer) const;
  Failure SetAside(double usd, Reservation& reservation, bool& busy);
  absl::Status Load(const CallContext& context, const Reservation::Share& share);

  const v1::ModelBudgets limits_;
  storage::Database* const database_;
  Clock& clock_;
  mutable Mutex mutex_;
  std::map<Key, Account> accounts_ ABSL_GUARDED_BY(mutex_);
  int64_t settled_ ABSL_GUARDED_BY(mutex_) = 0;
  // Those that have ended otherwise stay until the next call ends.
  std::vector<std::shared_ptr<Wait>> waiting_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace proctor::model

#endif  // PROCTOR_MODEL_BUDGET_H_
