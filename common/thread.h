// A thread that the machine may refuse.
#ifndef PROCTOR_COMMON_THREAD_H_
#define PROCTOR_COMMON_THREAD_H_

#include <functional>
#include <thread>

#include "absl/status/statusor.h"

namespace proctor {

// For threads made while the server runs: what strangers do (a desktop full of processes) must not end it. RESOURCE_EXHAUSTED where
// std::thread would throw: a limit of processes, or memory.
absl::StatusOr<std::thread> StartThread(std::function<void()> run);

}  // namespace proctor

#endif  // PROCTOR_COMMON_THREAD_H_
