// Which refusals of a store time may mend.
#ifndef PROCTOR_SERVER_MAY_BE_STORED_LATER_H_
#define PROCTOR_SERVER_MAY_BE_STORED_LATER_H_

#include "absl/status/status.h"

namespace proctor::server {

// A full disk, one that does not answer, or a lost race: the same write may succeed later.
inline bool MayBeStoredLater(const absl::Status& status) {
  return absl::IsResourceExhausted(status) || absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status) || absl::IsAborted(status);
}

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_MAY_BE_STORED_LATER_H_
