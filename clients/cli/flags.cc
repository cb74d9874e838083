#include "clients/cli/flags.h"

#include <limits>

namespace proctor::cli {

Flag TextFlag(const char* name, const char* value, const char* help) {
  return {.name = name, .kind = ValueKind::kText, .value = value, .help = help};
}

Flag TextsFlag(const char* name, const char* value, const char* help) {
  return {.name = name, .kind = ValueKind::kText, .value = value, .help = help, .repeated = true};
}

Flag NumberFlag(const char* name, const char* help, int64_t low, int64_t high) {
  return {.name = name,
          .kind = ValueKind::kInteger,
          .value = "N",
          .help = help,
          .low = low,
          .high = high};
}

Flag SeedFlag() {
  return {.name = "seed",
          .kind = ValueKind::kInteger,
          .value = "N",
          .help = "the same seed chooses the same",
          .low = std::numeric_limits<int64_t>::min()};
}

Flag TagFlag(const char* help) {
  return {.name = "tag",
          .kind = ValueKind::kPair,
          .value = "KEY=VALUE",
          .help = help,
          .repeated = true};
}

std::vector<Flag> operator+(std::vector<Flag> left, const std::vector<Flag>& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

}  // namespace proctor::cli
