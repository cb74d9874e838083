// A place of an environment for a world that belongs to no session: one to look around in, for a crawl or the replay of a demonstration.
#ifndef PROCTOR_ENV_EXPLORER_PLACE_H_
#define PROCTOR_ENV_EXPLORER_PLACE_H_

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "common/call_context.h"
#include "env/session_manager.h"

namespace proctor::env {

// Places are those of the environment's sessions, so that the worlds of both together are bounded by `max_sessions`. Explorers come after sessions:
// they have half of the places at most (but one), never one that a session waits for, and give theirs back between two pages while somebody
// waits (`wanted`). None are given once the server drains: who waits then is to be cancelled. Each counts to its tenant as a session does, while
// it has a place or waits for one. Used by one thread at a time.
class ExplorerPlace {
 public:
  // Has no place yet. `manager` outlives it.
  ExplorerPlace(SessionManager& manager, std::string environment_id, std::string tenant)
      : manager_(manager), environment_id_(std::move(environment_id)), tenant_(std::move(tenant)) {}
  ~ExplorerPlace() { GiveBack(); }
  ExplorerPlace(const ExplorerPlace&) = delete;
  ExplorerPlace& operator=(const ExplorerPlace&) = delete;

  bool held() const { return held_; }
  // Somebody waits for a place of that environment: a session, or an explorer.
  bool wanted() const;

  // Waits for a place, after the explorers that came before; OK at once where it has one. NOT_FOUND: no such environment; RESOURCE_EXHAUSTED: the
  // tenant's quota is spent, or none came free within SessionManagerOptions::max_wait; CANCELLED, DEADLINE_EXCEEDED from `context`.
  absl::Status Await(const CallContext& context);
  // The same without waiting: false where Await would wait or be refused, which is no refusal that counts.
  bool Try();

  // The world is gone, and who waits may have the place. Still counted to the tenant, so that no quota is in the way of Await.
  void Lend();
  // And counted no more.
  void GiveBack();

 private:
  SessionManager& manager_;
  const std::string environment_id_;
  const std::string tenant_;
  bool held_ = false;
  bool counted_ = false;
};

}  // namespace proctor::env

#endif  // PROCTOR_ENV_EXPLORER_PLACE_H_
