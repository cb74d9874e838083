// The environments of this server and what they stand on: browsers, egress proxy, practice sites.
#ifndef PROCTOR_SERVER_WORLDS_H_
#define PROCTOR_SERVER_WORLDS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "common/call_context.h"
#include "env/session_manager.h"
#include "env/web/browser_pool.h"
#include "env/world.h"
#include "proctor/v1/config.pb.h"
#include "proposer/template_proposer.h"

namespace proctor::server {

// Thread-safe. Outlives the session manager's sessions.
class Worlds {
 public:
  // Starts what the enabled environments need. FAILED_PRECONDITION: no browser sandbox is possible here; CANCELLED, DEADLINE_EXCEEDED from
  // `context`.
  static absl::StatusOr<std::unique_ptr<Worlds>> Start(const CallContext& context, const v1::ServerConfig& config);
  virtual ~Worlds() = default;

  // Registers all enabled environments.
  virtual void Register(env::SessionManager& sessions) = 0;

  // The environment `environments/{id}`, or null.
  virtual env::Environment* Find(const std::string& name) = 0;

  // The practice sites' templates; none if the practice environment is off.
  virtual const proposer::TaskTemplateSource& templates() const = 0;

  // What became of the browsers; nothing if no environment needs one.
  virtual std::optional<env::web::BrowserPool::Counters> browsers() const = 0;

  // A port of the server's own that pages must never reach.
  virtual void RefusePort(uint16_t port) = 0;
};

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_WORLDS_H_
