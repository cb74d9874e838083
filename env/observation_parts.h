// What an observation was asked for, the same for all worlds.
#ifndef PROCTOR_ENV_OBSERVATION_PARTS_H_
#define PROCTOR_ENV_OBSERVATION_PARTS_H_

#include <algorithm>

#include "proctor/v1/observation.pb.h"

namespace proctor::env {

inline bool Asks(const v1::ObservationRequest& request, v1::ObservationPart part) {
  return std::find(request.parts().begin(), request.parts().end(), part) != request.parts().end();
}

}  // namespace proctor::env

#endif  // PROCTOR_ENV_OBSERVATION_PARTS_H_
