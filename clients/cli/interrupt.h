// Ctrl-C and SIGTERM: end between two writes, after what must be put away is put away.
#ifndef PROCTOR_CLIENTS_CLI_INTERRUPT_H_
#define PROCTOR_CLIENTS_CLI_INTERRUPT_H_

#include <functional>

namespace proctor::cli {

class Output;

// Blocks the signals in this thread and those started later and waits for them on a thread of its
// own. Call it once, before any other thread. On a signal: runs the open OnInterrupts, newest
// first, takes the progress line away and exits with 130 (SIGINT) or 143 (SIGTERM). A second signal
// ends at once. `output` outlives the program's threads.
void HandleInterrupts(Output& output);

// While it lives, `action` runs if the program is interrupted (on another thread).
class OnInterrupt {
 public:
  explicit OnInterrupt(std::function<void()> action);
  ~OnInterrupt();
  OnInterrupt(const OnInterrupt&) = delete;
  OnInterrupt& operator=(const OnInterrupt&) = delete;
};

}  // namespace proctor::cli

#endif  // PROCTOR_CLIENTS_CLI_INTERRUPT_H_
