#include "server/stop_signals.h"

#include <pthread.h>

#include <ctime>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/log.h"

namespace proctor::server {

sigset_t SignalSet(std::initializer_list<int> numbers) {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : numbers) sigaddset(&signals, number);
  return signals;
}

StopSignals::StopSignals(std::string what, std::shared_ptr<CancelToken> stop) {
  const sigset_t ending = SignalSet({SIGINT, SIGTERM});
  pthread_sigmask(SIG_BLOCK, &ending, nullptr);
  thread_ = std::thread([this, what = std::move(what), stop = std::move(stop)] { Run(what, *stop); });
}

StopSignals::~StopSignals() {
  over_ = true;
  thread_.join();
}

void StopSignals::Run(const std::string& what, CancelToken& stop) const {
  const sigset_t ending = SignalSet({SIGINT, SIGTERM});
  const timespec pause = {0, 50'000'000};
  while (!over_) {
    if (sigtimedwait(&ending, nullptr, &pause) < 0) continue;
    LogInfo(absl::StrCat(what, " is given up; another signal ends it at once"));
    stop.Cancel();
    // This thread alone lets the next one through.
    pthread_sigmask(SIG_UNBLOCK, &ending, nullptr);
  }
}

}  // namespace proctor::server
