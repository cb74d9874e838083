// What the calls of a client share. Private to model/.
#ifndef PROCTOR_MODEL_CLIENT_CORE_H_
#define PROCTOR_MODEL_CLIENT_CORE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/call_context.h"
#include "common/mutex.h"
#include "model/budget.h"
#include "model/endpoint.h"
#include "model/parts.h"
#include "model/prices.h"
#include "model/reply_cache.h"
#include "model/single_flight.h"
#include "storage/database.h"

namespace proctor::model {

// The calls that run, so that the client's end can cancel them and wait. Thread-safe.
class ActiveCalls {
 public:
  uint64_t Add(std::shared_ptr<CancelToken> cancel);
  void Remove(uint64_t id);
  void CancelAndWait();

 private:
  Mutex mutex_;
  CondVar idle_;
  uint64_t next_id_ ABSL_GUARDED_BY(mutex_) = 1;
  std::map<uint64_t, std::shared_ptr<CancelToken>> calls_ ABSL_GUARDED_BY(mutex_);
};

struct ClientCore {
  Parts parts;
  storage::Database* database;
  Prices prices;
  Budget budget;
  // Null: switched off.
  std::unique_ptr<ReplyCache> cache = nullptr;
  // See ClientDeps.
  std::function<void(const Payer& payer, double usd)> charged = nullptr;
  std::map<std::string, std::unique_ptr<Endpoint>> endpoints = {};
  // Endpoints' own names, too.
  std::map<std::string, std::vector<Endpoint*>> routes = {};
  SingleFlight flights = {};
  ActiveCalls active = {};
};

}  // namespace proctor::model

#endif  // PROCTOR_MODEL_CLIENT_CORE_H_
