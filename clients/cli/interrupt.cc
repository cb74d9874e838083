#include "clients/cli/interrupt.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <thread>
#include <utility>
#include <vector>

#include "clients/cli/output.h"
#include "common/mutex.h"

namespace proctor::cli {
namespace {

// Never destroyed: the signal may come while the program ends.
struct Actions {
  Mutex mutex;
  std::vector<std::function<void()>> stack ABSL_GUARDED_BY(mutex);
};

Actions& AllActions() {
  static auto& actions = *new Actions;
  return actions;
}

[[noreturn]] void End(Output& output, int number) {
  {
    Actions& actions = AllActions();
    MutexLock lock(actions.mutex);
    for (auto it = actions.stack.rbegin(); it != actions.stack.rend(); ++it) (*it)();
  }
  output.Progress("");
  output.mutex().Lock();  // Nobody is within a write now, and nobody begins one.
  _exit(128 + number);
}

}  // namespace

void HandleInterrupts(Output& output) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::thread([&output, signals] {
    int number = 0;
    sigwait(&signals, &number);
    // From now on a signal does what it does by default, should the end take long.
    pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
    End(output, number);
  }).detach();
}

OnInterrupt::OnInterrupt(std::function<void()> action) {
  MutexLock lock(AllActions().mutex);
  AllActions().stack.push_back(std::move(action));
}

OnInterrupt::~OnInterrupt() {
  MutexLock lock(AllActions().mutex);
  AllActions().stack.pop_back();
}

}  // namespace proctor::cli
