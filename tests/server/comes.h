// Waiting for what happens by itself.
#ifndef PROCTOR_TESTS_SERVER_COMES_H_
#define PROCTOR_TESTS_SERVER_COMES_H_

#include <unistd.h>

#include <chrono>

namespace proctor {

// Asks until `condition` holds; false: it did not within `deadline`, which is short of the test's own timeout.
template <typename Condition>
bool Comes(Condition condition, std::chrono::seconds deadline = std::chrono::seconds(60)) {
  const auto end = std::chrono::steady_clock::now() + deadline;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    usleep(20'000);
  }
  return true;
}

}  // namespace proctor

#endif  // PROCTOR_TESTS_SERVER_COMES_H_
