#include "server/auth/refusal_limiter.h"

#include <algorithm>
#include <utility>

namespace proctor::server {
namespace {

constexpr double kBurst = 100;
constexpr double kLinesASecond = 0.1;
constexpr absl::Duration kBetweenNumbers = absl::Seconds(10);

}  // namespace

bool RefusalLimiter::Admit(std::string_view caller, std::string_view tenant, absl::Time now) {
  auto it = accounts_.find(caller);
  if (it == accounts_.end()) it = accounts_.emplace(caller, Account{.tenant = std::string(tenant), .lines = kBurst, .filled = now}).first;
  Account& account = it->second;
  // A clock that is set back fills nothing.
  const absl::Duration passed = std::max(absl::ZeroDuration(), now - account.filled);
  account.lines = std::min(kBurst, account.lines + absl::ToDoubleSeconds(passed) * kLinesASecond);
  account.filled = now;
  if (account.lines >= 1) {
    account.lines -= 1;
    return true;
  }
  if (account.left_out++ == 0) {
    account.since = now;
    ++pending_;
  }
  return false;
}

std::vector<RefusalLimiter::LeftOut> RefusalLimiter::Take(absl::Time now, bool everything) {
  std::vector<LeftOut> due;
  if (pending_ == 0) return due;
  for (auto& [caller, account] : accounts_) {
    if (account.left_out == 0) continue;
    // Or the clock was set back.
    if (!everything && now >= account.since && now - account.since < kBetweenNumbers) continue;
    due.push_back({.caller = caller, .tenant = account.tenant, .refusals = std::exchange(account.left_out, 0)});
    --pending_;
  }
  return due;
}

}  // namespace proctor::server
