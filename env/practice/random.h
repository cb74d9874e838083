// The practice sites' source of variety: the same seed and label give the same sequence on every machine. Two draws never stand as arguments of
// one call or on both sides of an operator, whose order each compiler chooses for itself; between braces they may.
#ifndef PROCTOR_ENV_PRACTICE_RANDOM_H_
#define PROCTOR_ENV_PRACTICE_RANDOM_H_

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace proctor::env::practice {

// SplitMix64. Not for secrets. A value type, not thread-safe.
class Random {
 public:
  // Different labels give independent sequences of one seed.
  Random(uint64_t seed, std::string_view label);

  uint64_t Next();
  // Uniform in [low, high].
  int Int(int low, int high);
  bool OneIn(int n) { return Int(1, n) == 1; }

  template <typename T>
  const T& Pick(const std::vector<T>& items) {
    return items[Int(0, static_cast<int>(items.size()) - 1)];
  }

  template <typename T>
  void Shuffle(std::vector<T>& items) {
    for (size_t i = items.size(); i > 1; --i) {
      std::swap(items[i - 1], items[Int(0, static_cast<int>(i) - 1)]);
    }
  }

  // `count` different items in random order; all of them if there are fewer.
  template <typename T>
  std::vector<T> Sample(std::vector<T> items, size_t count) {
    Shuffle(items);
    if (items.size() > count) items.erase(items.begin() + count, items.end());
    return items;
  }

 private:
  uint64_t state_;
};

}  // namespace proctor::env::practice

#endif  // PROCTOR_ENV_PRACTICE_RANDOM_H_
