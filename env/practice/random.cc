#include "env/practice/random.h"

namespace proctor::env::practice {

Random::Random(uint64_t seed, std::string_view label) {
  uint64_t hash = 14695981039346656037ULL;  // FNV-1a
  for (const char c : label) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  state_ = seed * 0x9E3779B97F4A7C15ULL ^ hash;
  Next();
}

uint64_t Random::Next() {
  uint64_t z = (state_ += 0x9E3779B97F4A7C15ULL);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}

int Random::Int(int low, int high) {
  return low + static_cast<int>(Next() % static_cast<uint64_t>(high - low + 1));
}

}  // namespace proctor::env::practice
