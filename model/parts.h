// What everything in a client works with. Private to model/.
#ifndef PROCTOR_MODEL_PARTS_H_
#define PROCTOR_MODEL_PARTS_H_

#include <functional>

#include "common/clock.h"
#include "common/executor.h"
#include "model/timers.h"
#include "net/http_pool.h"

namespace proctor::model {

struct Parts {
  net::HttpPool& pool;
  // Encodes, decodes, scales pictures, blocks on the database.
  Executor& executor;
  Timers& timers;
  Clock& clock;
  // 0 to 1, for waits. Thread-safe.
  std::function<double()> jitter;
};

}  // namespace proctor::model

#endif  // PROCTOR_MODEL_PARTS_H_
