// Finding a picture within another one.
#ifndef PROCTOR_IMAGING_MATCH_H_
#define PROCTOR_IMAGING_MATCH_H_

#include "absl/status/statusor.h"
#include "imaging/image.h"

namespace proctor::imaging {

// In pixels; may reach beyond a picture's edges.
struct Region {
  int x_px = 0;
  int y_px = 0;
  int width_px = 0;
  int height_px = 0;
};

struct Match {
  // From -1 to 1: normalised correlation of what deviates from the mean (1: the same but for brightness and contrast). For a picture of one
  // colour, which deviates nowhere: 1 less the mean difference as a share of the largest possible.
  double score = 0;
  // Top left corner of the best place.
  int x_px = 0;
  int y_px = 0;
};

// The best place of `wanted` in that part of `picture`. Transparency is not looked at. INVALID_ARGUMENT: it does not fit in there.
absl::StatusOr<Match> FindPicture(const Image& picture, const Image& wanted, const Region& region);

}  // namespace proctor::imaging

#endif  // PROCTOR_IMAGING_MATCH_H_
