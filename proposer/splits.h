// Which side of an experiment things are on.
#ifndef PROCTOR_PROPOSER_SPLITS_H_
#define PROCTOR_PROPOSER_SPLITS_H_

#include <string_view>

#include "absl/status/statusor.h"
#include "proctor/v1/task.pb.h"
#include "proctor/v1/task_service.pb.h"

namespace proctor::proposer {

// Shares that sum to 1; 0.6, 0.1 and 0.3 if none is set. INVALID_ARGUMENT: negative or not finite.
absl::StatusOr<v1::SplitShares> NormalizeShares(const v1::SplitShares& shares);

// Whether anything goes to that side.
bool HasShare(const v1::SplitShares& shares, v1::Split split);

// The split of item `item` of row `row`. A quasi-random sequence (the golden ratio's generalisation to two dimensions)
// rather than a random one: every row, every column and the whole come near the shares even when there are few.
v1::Split SplitOf(const v1::SplitShares& normalized, int row, int item);

// The split of what has this name, by its hash: the same in every job with the same shares, whatever its seed and whatever
// else it finds.
v1::Split SplitOfName(const v1::SplitShares& normalized, std::string_view name);

}  // namespace proctor::proposer

#endif  // PROCTOR_PROPOSER_SPLITS_H_
