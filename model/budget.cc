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

Failure Budget::Reserve(const CallContext& context, const Payer& payer, std::optional<double> usd,
                        Reservation& reservation, bool* busy) {
  if (busy != nullptr) *busy = false;
  Reservation wanted = {.shares = SharesOf(payer)};
  for (const Reservation::Share& share : wanted.shares) {
    if (share.limit_usd > 0 && !usd) {
      return Fail(v1::MODEL_FAILURE_BUDGET,
                  absl::StrCat("the budget of ", share.scope, " cannot be kept: the model has no price"));
    }
    if (const absl::Status status = Load(context, share); !status.ok()) return OfStatus(status);
  }
  bool only_running_calls = false;
  Failure failure = SetAside(usd.value_or(0), wanted, only_running_calls);
  if (failure.ok()) reservation = std::move(wanted);
  if (busy != nullptr) *busy = only_running_calls;
  return failure;
}

Failure Budget::ReserveMore(double usd, Reservation& reservation) {
  bool unread = false;
  return SetAside(usd, reservation, unread);
}

Failure Budget::SetAside(double usd, Reservation& reservation, bool& busy) {
  if (usd <= 0) return {};  // Also where estimates fell short and more was spent than allowed.
  MutexLock lock(mutex_);
  Failure failure;
  for (const Reservation::Share& share : reservation.shares) {
    const Account& account = accounts_[{share.scope, share.period}];
    const double limit = share.limit_usd + kRounding;
    if (share.limit_usd <= 0 || account.spent + account.reserved + usd <= limit) continue;
    failure = Fail(v1::MODEL_FAILURE_BUDGET,
                   absl::StrFormat("the budget of %s has no room: $%.6f of $%.6f spent, $%.6f set aside for running calls, $%.6f asked",
                                   share.scope, account.spent, share.limit_usd, account.reserved, usd));
    busy = account.spent + usd <= limit;
    if (!busy) return failure;
  }
  if (!failure.ok()) return failure;
  for (const Reservation::Share& share : reservation.shares) accounts_[{share.scope, share.period}].reserved += usd;
  reservation.usd += usd;
  return {};
}

void Budget::Settle(const Reservation& reservation, double usd) {
  std::vector<std::shared_ptr<Wait>> waiting;
  {
    MutexLock lock(mutex_);
    for (const Reservation::Share& share : reservation.shares) {
      Account& account = accounts_[{share.scope, share.period}];
      account.reserved -= reservation.usd;
      account.spent += usd;
    }
    ++settled_;
    waiting.swap(waiting_);
  }
  for (const std::shared_ptr<Wait>& wait : waiting) wait->Finish();
}

int64_t Budget::settled() const {
  MutexLock lock(mutex_);
  return settled_;
}

void Budget::AwaitSettled(const CallContext& context, Timers& timers, int64_t settled, std::function<void(absl::Status)> done) {
  const std::shared_ptr<Wait> wait = Wait::Start(context, timers, std::move(done));
  {
    MutexLock lock(mutex_);
    if (settled_ == settled) {
      waiting_.push_back(wait);
      return;
    }
  }
  wait->Finish();
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
