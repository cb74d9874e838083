#include "server/job_places.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace proctor::server {

void JobPlaces::Await(const std::string& tenant, const std::string& job, Turn turn) {
  {
    MutexLock lock(mutex_);
    if (closed_) return;
    tenants_[tenant].fresh.push_back({job, std::move(turn)});
    meter_.Queued(1);
  }
  GiveTurns();
}

void JobPlaces::Drop(const std::string& tenant, const std::string& job) {
  std::optional<Waiting> dropped;
  MutexLock lock(mutex_);
  const auto own = tenants_.find(tenant);
  if (own == tenants_.end()) return;
  dropped = Take(own->second.fresh, job);
  ForgetIfIdle(own);
}

void JobPlaces::StepAside(const std::string& tenant) {
  {
    MutexLock lock(mutex_);
    const auto own = tenants_.find(tenant);
    if (own == tenants_.end()) return;
    AddPlaced(own->second, -1);
    ForgetIfIdle(own);
  }
  GiveTurns();
}

void JobPlaces::ComeBack(const std::string& tenant, const std::string& job, Turn turn) {
  {
    MutexLock lock(mutex_);
    if (closed_) return;
    tenants_[tenant].back.push_back({job, std::move(turn)});
    meter_.Queued(1);
  }
  GiveTurns();
}

void JobPlaces::End(const std::string& tenant, const std::string& job) {
  std::optional<Waiting> dropped;
  {
    MutexLock lock(mutex_);
    const auto own = tenants_.find(tenant);
    if (own == tenants_.end()) return;
    dropped = Take(own->second.back, job);
    AddBegun(own->second, -1);
    meter_.Finished();
    ForgetIfIdle(own);
  }
  // Others of its tenant may begin now.
  GiveTurns();
}

void JobPlaces::Close() {
  // What they hold goes without the lock.
  std::vector<std::deque<Waiting>> dropped;
  MutexLock lock(mutex_);
  closed_ = true;
  for (auto& [name, tenant] : tenants_) {
    for (std::deque<Waiting>* const waiting : {&tenant.fresh, &tenant.back}) {
      meter_.Queued(-static_cast<int64_t>(waiting->size()));
      dropped.emplace_back().swap(*waiting);
    }
  }
}

PoolUsage JobPlaces::Usage() const {
  MutexLock lock(mutex_);
  return meter_.Usage();
}

void JobPlaces::GiveTurns() {
  while (true) {
    std::optional<Given> given;
    {
      MutexLock lock(mutex_);
      given = NextTurn();
    }
    if (!given.has_value()) return;
    if (given->job.turn()) continue;
    MutexLock lock(mutex_);
    const auto own = tenants_.find(given->tenant);
    AddPlaced(own->second, -1);
    if (given->begins) AddBegun(own->second, -1);
    ForgetIfIdle(own);
  }
}

std::optional<JobPlaces::Given> JobPlaces::NextTurn() {
  if (placed_ >= places_) return std::nullopt;
  auto own = tenants_.upper_bound(last_tenant_);
  for (size_t looked_at = 0; looked_at < tenants_.size(); ++looked_at, ++own) {
    if (own == tenants_.end()) own = tenants_.begin();
    Tenant& tenant = own->second;
    const bool begins = tenant.back.empty();
    if (begins && !MayBegin(tenant)) continue;
    std::deque<Waiting>& from = begins ? tenant.fresh : tenant.back;
    Given given{.tenant = own->first, .job = std::move(from.front()), .begins = begins};
    from.pop_front();
    meter_.Queued(-1);
    AddPlaced(tenant, 1);
    if (begins) AddBegun(tenant, 1);
    last_tenant_ = own->first;
    return given;
  }
  return std::nullopt;
}

bool JobPlaces::MayBegin(const Tenant& tenant) const {
  return !tenant.fresh.empty() && tenant.begun - tenant.placed < kAsidePerTenant && begun_ - placed_ < kAside;
}

void JobPlaces::AddPlaced(Tenant& tenant, int change) {
  tenant.placed += change;
  placed_ += change;
  meter_.Running(change);
}

void JobPlaces::AddBegun(Tenant& tenant, int change) {
  tenant.begun += change;
  begun_ += change;
}

std::optional<JobPlaces::Waiting> JobPlaces::Take(std::deque<Waiting>& from, const std::string& job) {
  const auto found = std::find_if(from.begin(), from.end(), [&](const Waiting& each) { return each.job == job; });
  if (found == from.end()) return std::nullopt;
  Waiting taken = std::move(*found);
  from.erase(found);
  meter_.Queued(-1);
  return taken;
}

void JobPlaces::ForgetIfIdle(const Tenants::iterator& tenant) {
  const Tenant& own = tenant->second;
  // Of one that ended while its turn came, the place is still to be given back.
  if (own.begun == 0 && own.placed == 0 && own.fresh.empty() && own.back.empty()) tenants_.erase(tenant);
}

}  // namespace proctor::server
