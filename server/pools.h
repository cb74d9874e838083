// The server's threads.
#ifndef PROCTOR_SERVER_POOLS_H_
#define PROCTOR_SERVER_POOLS_H_

#include <vector>

#include "common/executor.h"
#include "proctor/v1/config.pb.h"
#include "server/housekeeping.h"
#include "server/idle_thread.h"
#include "server/job_places.h"
#include "server/label_draws.h"
#include "server/metered_pool.h"

namespace proctor::server {

// Pools: named and bounded. `rpc` runs unary calls; `sessions` worlds' verbs; the others what their names say. The destructor runs what was
// posted, then joins: it comes before what tasks use. `sessions` goes first, for a session that closes late posts to the others.
struct Pools {
  explicit Pools(const v1::ThreadsConfig& threads)
      : accounts("account", 1),
        upkeep("upkeep", Housekeeping::kRounds),
        rpc("rpc", 16),
        polling("polling", 8),
        evaluation("evaluate", threads.evaluation()),
        models("model", 2),
        jobs("job", threads.jobs() + JobPlaces::kAside),
        background("background", 3 + static_cast<int>(LabelDraws::kAtOnce)),
        sessions("session", threads.sessions()) {}

  // Of those that count what they do.
  std::vector<const MeteredPool*> All() const {
    return {&rpc, &polling, &sessions, &evaluation, &models, &background, &accounts, &upkeep};
  }

  // First: `background` waits for it.
  IdleThread encoder{"encode"};
  // Writes what tenants used. The others post to it.
  MeteredPool accounts;
  // What is done every second, whatever the others have to do.
  MeteredPool upkeep;
  MeteredPool rpc;
  // Looks at the reward log, when it grew, for those that wait.
  MeteredPool polling;
  MeteredPool evaluation;
  MeteredPool models;
  // As JobRunner wants it, which counts them.
  ThreadPool jobs;
  // Housekeeping, which has three threads for itself, and LabelDraws.
  MeteredPool background;
  MeteredPool sessions;
};

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_POOLS_H_
