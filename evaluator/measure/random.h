// Random numbers that are the same on every machine for a seed: the standard engine is, its
// distributions are not.
#ifndef PROCTOR_EVALUATOR_MEASURE_RANDOM_H_
#define PROCTOR_EVALUATOR_MEASURE_RANDOM_H_

#include <cstddef>
#include <cstdint>
#include <random>
#include <utility>
#include <vector>

namespace proctor::evaluator {

// Not thread-safe: one an algorithm's call.
class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}

  // In [0, 1), 53 bits.
  double Uniform() { return static_cast<double>(engine_() >> 11) * 0x1.0p-53; }
  // In [0, n); n > 0 and below 2^53, where the bias of the product is below n / 2^53.
  size_t Below(size_t n) { return static_cast<size_t>(Uniform() * static_cast<double>(n)); }

  // Fisher-Yates.
  template <typename T>
  void Shuffle(std::vector<T>& items) {
    for (size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[Below(i)]);
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace proctor::evaluator

#endif  // PROCTOR_EVALUATOR_MEASURE_RANDOM_H_
