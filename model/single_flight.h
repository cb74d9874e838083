// Of identical requests at the same time one is sent; the others wait for what it brings.
#ifndef PROCTOR_MODEL_SINGLE_FLIGHT_H_
#define PROCTOR_MODEL_SINGLE_FLIGHT_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/mutex.h"
#include "model/chat.h"

namespace proctor::model {

// What a flight brought.
struct Landing {
  ChatReply reply;
  // The leader had no time for more: see Failure.
  bool hurried = false;
};

// Thread-safe.
class SingleFlight {
 public:
  using Landed = std::function<void(std::shared_ptr<const Landing>)>;

  // True: the caller leads, must call Land, and `landed` is dropped. False: `landed` runs when the leader lands.
  bool Lead(const std::string& key, Landed landed) {
    MutexLock lock(mutex_);
    const auto [it, leads] = flights_.try_emplace(key);
    if (!leads) it->second.push_back(std::move(landed));
    return leads;
  }

  // Hands it to those who wait, on this thread.
  void Land(const std::string& key, const std::shared_ptr<const Landing>& landing) {
    std::vector<Landed> waiting;
    {
      MutexLock lock(mutex_);
      const auto it = flights_.find(key);
      waiting = std::move(it->second);
      flights_.erase(it);
    }
    for (const Landed& landed : waiting) landed(landing);
  }

 private:
  Mutex mutex_;
  std::map<std::string, std::vector<Landed>> flights_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace proctor::model

#endif  // PROCTOR_MODEL_SINGLE_FLIGHT_H_
