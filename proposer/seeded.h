// Choices that depend on a seed and on what is chosen from, never on order or time.
#ifndef PROCTOR_PROPOSER_SEEDED_H_
#define PROCTOR_PROPOSER_SEEDED_H_

#include <cstdint>
#include <string_view>

namespace proctor::proposer {

// 64 well-mixed bits of seed and text; the same on every machine.
uint64_t SeededHash(uint64_t seed, std::string_view text);

// In (0, 1), from SeededHash.
double SeededUnit(uint64_t seed, std::string_view text);

}  // namespace proctor::proposer

#endif  // PROCTOR_PROPOSER_SEEDED_H_
