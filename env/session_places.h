// The environments' places for sessions: who has one, who waits for one, who is next.
#ifndef PROCTOR_ENV_SESSION_PLACES_H_
#define PROCTOR_ENV_SESSION_PLACES_H_

#include <cstdint>
#include <list>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "env/session_opening.h"
#include "env/world.h"

namespace proctor::env {

// A place that comes free goes to the tenant that has the fewest of that environment for its share, within one tenant in order of arrival.
// If all places of waiting are taken, the tenant with most of them gives one up (its newest) to one that has fewer.
// Explorers (worlds that belong to no session) come after sessions: see ExplorerPlace.
// Books only: no thread, no lock, nothing is called; SessionManager keeps it under its mutex. Ids of environments are those that were added.
class SessionPlaces {
 public:
  struct Kind {
    Environment* environment = nullptr;
    int max_sessions = 0;
    // By sessions, open or opening.
    int taken = 0;
    // The same, by tenant.
    std::map<std::string, int> taken_by = {};
    // In order of arrival.
    std::list<SessionOpeningPtr> waiting = {};
    // Places that explorers have.
    int exploring = 0;
    // Tickets of explorers that wait, in order of arrival.
    std::list<uint64_t> explorers_waiting = {};
    // Since the start.
    int64_t refused = 0;
  };

  // At most `max_waiters` wait for an environment.
  explicit SessionPlaces(int max_waiters) : max_waiters_(max_waiters) {}

  // `environment` outlives the places.
  void Add(std::string environment_id, Environment& environment, int max_sessions);
  // Null: no such environment.
  const Kind* Find(const std::string& environment_id) const;
  const std::map<std::string, Kind>& kinds() const { return kinds_; }
  // NOT_FOUND, with those that there are and what to do.
  absl::Status NoSuch(const std::string& environment_id) const;
  // By sessions of all environments.
  int taken() const;
  std::vector<SessionOpeningPtr> Waiting() const;

  enum class Place { kFree, kWaits, kNone };
  // Takes a free place, or one to wait in if the request wants to wait. `evicted` is who gave up its place for that.
  Place Take(const SessionOpeningPtr& opening, SessionOpeningPtr& evicted);
  // Waits no more and will get no place. False: it got one, or gave up, before.
  bool GiveUp(const SessionOpeningPtr& opening);
  // Counts a request that was refused for want of a place.
  void CountRefused(const std::string& environment_id) { ++kinds_[environment_id].refused; }
  // The tenant's session is gone. Who is next has its place with that; null: nobody waits.
  SessionOpeningPtr Release(const std::string& environment_id, const std::string& tenant);

  // Places that explorers have together at most.
  static int MaxExploring(const Kind& kind);
  // One that is free, and that explorers may have.
  static bool HasPlaceForExplorer(const Kind& kind);
  // An explorer waits from now on; the result is its ticket.
  uint64_t QueueExplorer(const std::string& environment_id);
  void LeaveQueue(const std::string& environment_id, uint64_t ticket) { kinds_[environment_id].explorers_waiting.remove(ticket); }
  // It came first, and there is a place for it.
  bool IsExplorersTurn(const std::string& environment_id, uint64_t ticket) const;
  void TakeForExplorer(const std::string& environment_id) { ++kinds_[environment_id].exploring; }
  // Who is next has its place with that; null: no session waits.
  SessionOpeningPtr ReleaseFromExplorer(const std::string& environment_id);

 private:
  static bool IsFull(const Kind& kind) { return kind.taken + kind.exploring >= kind.max_sessions; }
  static void Occupy(Kind& kind, const SessionOpeningPtr& opening);
  static SessionOpeningPtr FindEvicted(const std::string& tenant, const std::list<SessionOpeningPtr>& waiting);
  // Who is next, taken out of those that wait, of which there are some.
  static SessionOpeningPtr TakeNext(Kind& kind);

  const int max_waiters_;
  uint64_t next_ticket_ = 1;
  std::map<std::string, Kind> kinds_;
};

}  // namespace proctor::env

#endif  // PROCTOR_ENV_SESSION_PLACES_H_
