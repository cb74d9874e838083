#include "env/session_places.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/proto_time.h"

namespace proctor::env {

void SessionPlaces::Add(std::string environment_id, Environment& environment, int max_sessions) {
  kinds_[std::move(environment_id)] = Kind{.environment = &environment, .max_sessions = max_sessions};
}

const SessionPlaces::Kind* SessionPlaces::Find(const std::string& environment_id) const {
  const auto it = kinds_.find(environment_id);
  return it == kinds_.end() ? nullptr : &it->second;
}

absl::Status SessionPlaces::NoSuch(const std::string& environment_id) const {
  const std::string known = absl::StrJoin(kinds_, ", ", [](std::string* out, const auto& kind) { out->append(kind.first); });
  return absl::NotFoundError(absl::StrCat("no environments/", environment_id, " here; there are: ", known.empty() ? "none" : known,
                                          ". Others may be off: see proctord --enable, or `environments` of its configuration"));
}

int SessionPlaces::taken() const {
  int taken = 0;
  for (const auto& [id, kind] : kinds_) taken += kind.taken;
  return taken;
}

std::vector<SessionOpeningPtr> SessionPlaces::Waiting() const {
  std::vector<SessionOpeningPtr> all;
  for (const auto& [id, kind] : kinds_) all.insert(all.end(), kind.waiting.begin(), kind.waiting.end());
  return all;
}

void SessionPlaces::Occupy(Kind& kind, const SessionOpeningPtr& opening) {
  ++kind.taken;
  ++kind.taken_by[opening->tenant];
  opening->left_queue = true;
}

SessionOpeningPtr SessionPlaces::FindEvicted(const std::string& tenant, const std::list<SessionOpeningPtr>& waiting) {
  std::map<std::string, int> places;
  for (const SessionOpeningPtr& opening : waiting) ++places[opening->tenant];
  const auto most = std::max_element(places.begin(), places.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; });
  // Who takes a place must still have fewer than whom it is taken from.
  if (most == places.end() || places[tenant] + 1 >= most->second) return nullptr;
  const auto newest = std::find_if(waiting.rbegin(), waiting.rend(),
                                   [&](const SessionOpeningPtr& opening) { return opening->tenant == most->first; });
  return *newest;
}

SessionPlaces::Place SessionPlaces::Take(const SessionOpeningPtr& opening, SessionOpeningPtr& evicted) {
  Kind& kind = kinds_[opening->environment_id];
  if (!IsFull(kind) && kind.waiting.empty()) {
    Occupy(kind, opening);
    return Place::kFree;
  }
  if (FromProto(opening->request.max_wait()) == absl::ZeroDuration()) return Place::kNone;
  if (static_cast<int>(kind.waiting.size()) >= max_waiters_) {
    evicted = FindEvicted(opening->tenant, kind.waiting);
    if (evicted == nullptr) return Place::kNone;
    kind.waiting.remove(evicted);
  }
  kind.waiting.push_back(opening);
  return Place::kWaits;
}

bool SessionPlaces::GiveUp(const SessionOpeningPtr& opening) {
  if (opening->left_queue) return false;
  opening->left_queue = true;
  kinds_[opening->environment_id].waiting.remove(opening);
  return true;
}

SessionOpeningPtr SessionPlaces::TakeNext(Kind& kind) {
  const auto load = [&](const SessionOpeningPtr& opening) {
    const auto it = kind.taken_by.find(opening->tenant);
    return (it == kind.taken_by.end() ? 0 : it->second) / opening->share;
  };
  // The first of the smallest: order of arrival among equals.
  const auto least = std::min_element(kind.waiting.begin(), kind.waiting.end(),
                                      [&](const SessionOpeningPtr& a, const SessionOpeningPtr& b) { return load(a) < load(b); });
  SessionOpeningPtr next = *least;
  kind.waiting.erase(least);
  Occupy(kind, next);
  return next;
}

SessionOpeningPtr SessionPlaces::Release(const std::string& environment_id, const std::string& tenant) {
  Kind& kind = kinds_[environment_id];
  --kind.taken;
  if (--kind.taken_by[tenant] == 0) kind.taken_by.erase(tenant);
  return kind.waiting.empty() ? nullptr : TakeNext(kind);
}

int SessionPlaces::MaxExploring(const Kind& kind) { return std::max(1, kind.max_sessions / 2); }

bool SessionPlaces::HasPlaceForExplorer(const Kind& kind) {
  return !IsFull(kind) && kind.waiting.empty() && kind.exploring < MaxExploring(kind);
}

uint64_t SessionPlaces::QueueExplorer(const std::string& environment_id) {
  return kinds_[environment_id].explorers_waiting.emplace_back(next_ticket_++);
}

bool SessionPlaces::IsExplorersTurn(const std::string& environment_id, uint64_t ticket) const {
  const Kind& kind = kinds_.at(environment_id);
  return kind.explorers_waiting.front() == ticket && HasPlaceForExplorer(kind);
}

SessionOpeningPtr SessionPlaces::ReleaseFromExplorer(const std::string& environment_id) {
  Kind& kind = kinds_[environment_id];
  --kind.exploring;
  return kind.waiting.empty() ? nullptr : TakeNext(kind);
}

}  // namespace proctor::env
