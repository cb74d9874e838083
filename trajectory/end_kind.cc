#include "trajectory/end_kind.h"

namespace proctor::trajectory {

v1::EndKind EndKindOf(v1::EndReason reason) {
  switch (reason) {
    case v1::END_REASON_ANSWERED:
    case v1::END_REASON_GAVE_UP:
    case v1::END_REASON_WORLD_ENDED:
    case v1::END_REASON_CLIENT_DONE:
      return v1::END_KIND_TERMINATED;
    case v1::END_REASON_STEP_LIMIT:
    case v1::END_REASON_TIME_LIMIT:
    case v1::END_REASON_LEFT_APP:
      return v1::END_KIND_TRUNCATED;
    case v1::END_REASON_UNSPECIFIED:
      return v1::END_KIND_UNSPECIFIED;
    default:
      return v1::END_KIND_INTERRUPTED;
  }
}

}  // namespace proctor::trajectory
