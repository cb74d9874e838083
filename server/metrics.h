// What the server counts, in Prometheus' terms. docs/operations.md tells what each metric means and what to do about it.
#ifndef PROCTOR_SERVER_METRICS_H_
#define PROCTOR_SERVER_METRICS_H_

#include <memory>
#include <set>
#include <string>

#include "common/mutex.h"
#include "env/session_observer.h"
#include "proctor/v1/model.pb.h"
#include "proctor/v1/verdict.pb.h"
#include "server/judging_observer.h"
#include "server/rpc/call_observer.h"
#include "server/server_state.h"
#include "storage/commit_observer.h"

namespace proctor::server {

// Keeps a label's values to a number that a monitoring system bears: the first `limit` different ones stay, others are "other".
// Thread-safe.
class BoundedLabel {
 public:
  explicit BoundedLabel(size_t limit) : limit_(limit) {}
  std::string Admit(const std::string& value);

 private:
  const size_t limit_;
  Mutex mutex_;
  std::set<std::string> values_ ABSL_GUARDED_BY(mutex_);
};

// Thread-safe. Costs of an observation: a lock and a map look-up, under a microsecond.
class Metrics : public CallObserver,
                public env::SessionObserver,
                public storage::CommitObserver,
                public JudgingObserver {
 public:
  // `version` is the server's.
  static std::unique_ptr<Metrics> Create(const std::string& version);

  // Everything counted, and `now`, in Prometheus' text format 0.0.4.
  virtual std::string Text(const ServerState& now) const = 0;
};

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_METRICS_H_
