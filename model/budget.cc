#include "model/budget.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/status.h"

namespace proctor::model {
namespace {

std::string Day(absl::Time time) { return absl::FormatTime("%Y-%m-%d", time, absl::UTCTimeZone()); }

// Money is compared with the error that adding doubles makes.
constexpr double kRounding = 1e-9;

Failure OfStatus(const absl::Status& status) {
  const std::string text(status.message());
  if (absl::IsCancelled(status)) return Fail(v1::MODEL_FAILURE_CANCELLED, text);
  if (absl::IsDeadlineExceeded(status)) return Fail(v1::MODEL_FAILURE_TIMEOUT, text);
  return Fail(v1::MODEL_FAILURE_SERVER, absl::StrCat("what was spent cannot be read: ", text));
}

}  // namespace

std::vector<Reservation::Share> Budget::SharesOf(const Payer& payer) const {
  const std::string day = Day(clock_.Now());
  std::vector<Reservation::Share> shares = {{.scope = "day", .period = day, .limit_usd = limits_.day_usd()}};
  if (!payer.evaluator.empty()) {
    const double limit = payer.evaluator_usd > 0 ? payer.evaluator_usd : limits_.evaluator_usd();
    shares.push_back({.scope = absl::StrCat("evaluator:", payer.evaluator), .period = day, .limit_usd = limit});
  }
  if (!payer.job.empty()) {
    const double limit = payer.job_usd > 0 ? payer.job_usd : limits_.job_usd();
    shares.push_back({.scope = absl::StrCat("job:", payer.job), .period = "", .limit_usd = limit});
  }
  return shares;
}

absl::Status Budget::Load(const CallContext& context, const Reservation::Share& share) {
  const Key key(share.scope, share.period);
  {
    MutexLock lock(mutex_);
    if (accounts_.contains(key)) return absl::OkStatus();
  }
  double spent = 0;
  if (database_ != nullptr) {
    PROCTOR_RETURN_IF_ERROR(database_->Read(context, [&](storage::Transaction& transaction) -> absl::Status {
      PROCTOR_ASSIGN_OR_RETURN(const std::vector<storage::Row> rows,
                               transaction.Query("SELECT usd FROM model_spending WHERE scope = $1 AND period = $2",
                                                 {share.scope, share.period}));
      if (!rows.empty()) spent = rows[0].Double(0);
      return absl::OkStatus();
    }));
  }
  MutexLock lock(mutex_);
  accounts_.emplace(key, Account{.spent = spent, .reserved = 0});
  return absl::OkStatus();
}

void Budget::Reserve(const CallContext& context, Timers& timers, const Payer& payer, std::optional<double> usd, Reserved done) {
  const auto waiter = std::make_shared<Waiter>();
  waiter->reservation.shares = SharesOf(payer);
  waiter->usd = usd.value_or(0);
  for (const Reservation::Share& share : waiter->reservation.shares) {
    if (share.limit_usd > 0 && !usd) {
      done(Fail(v1::MODEL_FAILURE_BUDGET, absl::StrCat("the budget of ", share.scope, " cannot be kept: the model has no price")), {});
      return;
    }
    if (const absl::Status status = Load(context, share); !status.ok()) {
      done(OfStatus(status), {});
      return;
    }
  }
  waiter->wait = Wait::Start(context, timers, [this, waiter, done = std::move(done)](const absl::Status& status) {
    // Only the thread that took the waiter out of the queue ends its wait with OK.
    if (!status.ok()) {
      done(GiveUp(*waiter, status), {});
    } else if (!waiter->refused.ok()) {
      done(std::move(waiter->refused), {});
    } else {
      done({}, std::move(waiter->reservation));
    }
  });
  {
    MutexLock lock(mutex_);
    waiting_.push_back(waiter);
  }
  Serve();
}

Failure Budget::GiveUp(const Waiter& waiter, const absl::Status& status) {
  Failure failure = OfStatus(status);
  {
    MutexLock lock(mutex_);
    const Reservation::Share* const full = FindFull(waiter.reservation.shares, waiter.usd, {});
    if (full != nullptr) failure.detail = NoRoom(*full, waiter.usd).detail;
  }
  Serve();  // Those behind it.
  return failure;
}

const Reservation::Share* Budget::FindFull(const std::vector<Reservation::Share>& shares, double usd, const Ahead& ahead) const {
  if (usd <= 0) return nullptr;  // Also where estimates fell short and more was spent than allowed.
  const Reservation::Share* full = nullptr;
  for (const Reservation::Share& share : shares) {
    if (share.limit_usd <= 0) continue;
    const Key key(share.scope, share.period);
    const Account& account = accounts_.at(key);
    const auto before = ahead.find(key);
    const double taken = account.spent + account.reserved + (before == ahead.end() ? 0 : before->second);
    if (taken + usd <= share.limit_usd + kRounding) continue;
    if (IsSpent(share, usd)) return &share;
    full = &share;
  }
  return full;
}

bool Budget::IsSpent(const Reservation::Share& share, double usd) const {
  return accounts_.at({share.scope, share.period}).spent + usd > share.limit_usd + kRounding;
}

Failure Budget::NoRoom(const Reservation::Share& share, double usd) const {
  const Account& account = accounts_.at({share.scope, share.period});
  return Fail(v1::MODEL_FAILURE_BUDGET,
              absl::StrFormat("the budget of %s has no room: $%.6f of $%.6f spent, $%.6f set aside for running calls, $%.6f asked",
                              share.scope, account.spent, share.limit_usd, account.reserved, usd));
}

void Budget::SetAside(double usd, Reservation& reservation) {
  for (const Reservation::Share& share : reservation.shares) accounts_[{share.scope, share.period}].reserved += usd;
  reservation.usd += usd;
}

Failure Budget::ReserveMore(double usd, Reservation& reservation) {
  if (usd <= 0) return {};
  MutexLock lock(mutex_);
  const Reservation::Share* const full = FindFull(reservation.shares, usd, {});
  if (full != nullptr) return NoRoom(*full, usd);
  SetAside(usd, reservation);
  return {};
}

std::vector<std::shared_ptr<Budget::Waiter>> Budget::TakeReady() {
  std::vector<std::shared_ptr<Waiter>> ready;
  std::deque<std::shared_ptr<Waiter>> waiting;
  Ahead ahead;
  for (const std::shared_ptr<Waiter>& waiter : waiting_) {
    if (waiter->wait->ended()) continue;
    const std::vector<Reservation::Share>& shares = waiter->reservation.shares;
    const Reservation::Share* const full = FindFull(shares, waiter->usd, ahead);
    if (full != nullptr && !IsSpent(*full, waiter->usd)) {
      for (const Reservation::Share& share : shares) ahead[{share.scope, share.period}] += waiter->usd;
      waiting.push_back(waiter);
      continue;
    }
    if (full == nullptr) {
      SetAside(waiter->usd, waiter->reservation);
    } else {
      waiter->refused = NoRoom(*full, waiter->usd);
    }
    ready.push_back(waiter);
  }
  waiting_ = std::move(waiting);
  return ready;
}

void Budget::Serve() {
  std::vector<std::shared_ptr<Waiter>> ready;
  {
    MutexLock lock(mutex_);
    ready = TakeReady();
  }
  for (const std::shared_ptr<Waiter>& waiter : ready) {
    // Cancelled just before its turn: what was set aside is given back.
    if (!waiter->wait->Finish() && waiter->refused.ok()) Settle(waiter->reservation, 0);
  }
}

void Budget::Settle(const Reservation& reservation, double usd) {
  {
    MutexLock lock(mutex_);
    for (const Reservation::Share& share : reservation.shares) {
      Account& account = accounts_[{share.scope, share.period}];
      account.reserved -= reservation.usd;
      account.spent += usd;
    }
  }
  Serve();
}

absl::Status Budget::Record(storage::Transaction& transaction, const Reservation& reservation, double usd) {
  for (const Reservation::Share& share : reservation.shares) {
    PROCTOR_RETURN_IF_ERROR(
        transaction
            .Execute("INSERT INTO model_spending (scope, period, usd) VALUES ($1, $2, $3) "
                     "ON CONFLICT (scope, period) DO UPDATE SET usd = model_spending.usd + excluded.usd",
                     {share.scope, share.period, usd})
            .status());
  }
  return absl::OkStatus();
}

double Budget::Spent(const std::string& scope) const {
  MutexLock lock(mutex_);
  const std::string period = scope.starts_with("job:") ? "" : Day(clock_.Now());
  const auto it = accounts_.find({scope, period});
  return it == accounts_.end() ? 0 : it->second.spent;
}

}  // namespace proctor::model
