#include "proposer/splits.h"

#include <cmath>
#include <cstdint>

#include "proposer/seeded.h"

namespace proctor::proposer {

absl::StatusOr<v1::SplitShares> NormalizeShares(const v1::SplitShares& shares) {
  v1::SplitShares normalized = shares;
  const double sum = shares.train() + shares.validation() + shares.test();
  if (!std::isfinite(sum) || shares.train() < 0 || shares.validation() < 0 || shares.test() < 0) {
    return absl::InvalidArgumentError("split_shares: not negative and finite");
  }
  if (sum == 0) {
    normalized.set_train(0.6);
    normalized.set_validation(0.1);
    normalized.set_test(0.3);
    return normalized;
  }
  normalized.set_train(shares.train() / sum);
  normalized.set_validation(shares.validation() / sum);
  normalized.set_test(shares.test() / sum);
  return normalized;
}

namespace {

// `point` in [0, 1).
v1::Split SplitAt(const v1::SplitShares& normalized, double point) {
  if (point < normalized.train()) return v1::SPLIT_TRAIN;
  // From the other end, so that a rounding error never makes a split out of a share of 0.
  if (point >= 1 - normalized.test()) return v1::SPLIT_TEST;
  return normalized.validation() > 0 ? v1::SPLIT_VALIDATION : v1::SPLIT_TRAIN;
}

}  // namespace

bool HasShare(const v1::SplitShares& shares, v1::Split split) {
  switch (split) {
    case v1::SPLIT_TRAIN:
      return shares.train() > 0;
    case v1::SPLIT_VALIDATION:
      return shares.validation() > 0;
    case v1::SPLIT_TEST:
      return shares.test() > 0;
    default:
      return false;
  }
}

v1::Split SplitOf(const v1::SplitShares& normalized, int row, int item) {
  // 1/p and 1/p^2 for the plastic number p (the R2 sequence).
  return SplitAt(normalized, std::fmod(row * 0.7548776662466927 + item * 0.5698402909980532 + 0.5, 1.0));
}

v1::Split SplitOfName(const v1::SplitShares& normalized, std::string_view name) {
  // Another seed would move everything to other sides: it never changes.
  constexpr uint64_t kSides = 0x5117;
  return SplitAt(normalized, SeededUnit(kSides, name));
}

}  // namespace proctor::proposer
