// Ctrl-C and SIGTERM during work that can be given up.
#ifndef PROCTOR_SERVER_STOP_SIGNALS_H_
#define PROCTOR_SERVER_STOP_SIGNALS_H_

#include <signal.h>

#include <atomic>
#include <initializer_list>
#include <memory>
#include <string>
#include <thread>

#include "common/call_context.h"

namespace proctor::server {

sigset_t SignalSet(std::initializer_list<int> numbers);

// While it lives, the first SIGINT or SIGTERM cancels the token, and a second one ends the process at once. Both stay blocked in the thread that
// made it, and in those that thread makes.
class StopSignals {
 public:
  // `what` names the work for the log: "the start".
  StopSignals(std::string what, std::shared_ptr<CancelToken> stop);
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

 private:
  void Run(const std::string& what, CancelToken& stop) const;

  std::atomic<bool> over_ = false;
  std::thread thread_;
};

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_STOP_SIGNALS_H_
