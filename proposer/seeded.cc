#include "proposer/seeded.h"

namespace proctor::proposer {
namespace {

// The finalizer of splitmix64.
uint64_t Mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

}  // namespace

uint64_t SeededHash(uint64_t seed, std::string_view text) {
  uint64_t hash = 0xcbf29ce484222325u ^ Mix(seed);
  for (const char c : text) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;  // FNV-1a
  }
  return Mix(hash ^ text.size());
}

double SeededUnit(uint64_t seed, std::string_view text) {
  return (static_cast<double>(SeededHash(seed, text) >> 11) + 0.5) / 9007199254740992.0;
}

}  // namespace proctor::proposer
