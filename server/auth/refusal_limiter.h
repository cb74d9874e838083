// How many refusals get a line of their own in the audit log.
#ifndef PROCTOR_SERVER_AUTH_REFUSAL_LIMITER_H_
#define PROCTOR_SERVER_AUTH_REFUSAL_LIMITER_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"

namespace proctor::server {

// Anybody can be refused as often as he likes, and the log has a size: 100 refusals may come at once, then one in 10 s has a line, and
// what is left out is told every 10 s, as a number. So a flood that never ends writes 12 lines a minute, at most about 6 MB a day. Callers
// that are known have an account each, all strangers one together. Not thread-safe.
class RefusalLimiter {
 public:
  // Of one caller ("": strangers).
  struct LeftOut {
    std::string caller;
    std::string tenant;
    int64_t refusals = 0;
  };

  // True: this refusal has a line of its own. False: it is counted.
  bool Admit(std::string_view caller, std::string_view tenant, absl::Time now);

  // What was left out and is to be told now; with `everything` also what would wait for its 10 s to be over.
  std::vector<LeftOut> Take(absl::Time now, bool everything);
  // Something was left out that Take has not given.
  bool pending() const { return pending_ > 0; }

 private:
  struct Account {
    std::string tenant;
    double lines = 0;
    absl::Time filled = absl::InfinitePast();
    int64_t left_out = 0;
    // The first of them.
    absl::Time since = absl::InfiniteFuture();
  };

  // As many as there are entries in the tokens file.
  std::map<std::string, Account, std::less<>> accounts_;
  // Accounts with something left out.
  int pending_ = 0;
};

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_AUTH_REFUSAL_LIMITER_H_
