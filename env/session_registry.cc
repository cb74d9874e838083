#include "env/session_registry.h"

namespace proctor::env {

std::shared_ptr<Session> SessionRegistry::Find(const std::string& session_id) const {
  const auto it = sessions_.find(session_id);
  return it == sessions_.end() ? nullptr : it->second;
}

const SessionRegistry::Request* SessionRegistry::FindOrNote(const SessionOpeningPtr& opening) {
  const std::pair key(opening->tenant, opening->request.request_id());
  if (const auto it = requests_.find(key); it != requests_.end()) return &it->second;
  requests_[key] = Request{.digest = opening->digest, .opening = opening, .session_id = ""};
  return nullptr;
}

void SessionRegistry::Add(const SessionOpeningPtr& opening, const std::shared_ptr<Session>& session) {
  sessions_[session->id()] = session;
  const auto it = requests_.find({opening->tenant, opening->request.request_id()});
  if (it == requests_.end()) return;
  it->second.opening = nullptr;
  it->second.session_id = session->id();
}

void SessionRegistry::Withdraw(const SessionOpeningPtr& opening) {
  requests_.erase({opening->tenant, opening->request.request_id()});
}

void SessionRegistry::Remember(const std::string& session_id, const std::string& tenant) {
  const std::shared_ptr<Session>& session = sessions_.at(session_id);
  Closed& closed = closed_[tenant];
  closed.sessions.push_back(session);
  closed.bytes += session->client_bytes();
}

std::vector<std::shared_ptr<Session>> SessionRegistry::Forget(absl::Time now) {
  std::vector<std::shared_ptr<Session>> forgotten;
  const absl::Time too_old = now - remembrance_.how_long;
  for (auto& [tenant, closed] : closed_) {
    while (!closed.sessions.empty()) {
      const std::shared_ptr<Session>& oldest = closed.sessions.front();
      const bool too_many = static_cast<int64_t>(closed.sessions.size()) > remembrance_.max_sessions;
      if (oldest->close_time() >= too_old && !too_many && closed.bytes <= remembrance_.max_bytes) break;
      closed.bytes -= oldest->client_bytes();
      sessions_.erase(oldest->id());
      forgotten.push_back(oldest);
      closed.sessions.pop_front();
    }
  }
  if (forgotten.empty()) return forgotten;
  std::erase_if(closed_, [](const auto& of) { return of.second.sessions.empty(); });
  std::erase_if(requests_, [this](const auto& request) {
    return request.second.opening == nullptr && !sessions_.contains(request.second.session_id);
  });
  return forgotten;
}

}  // namespace proctor::env
