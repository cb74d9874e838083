// The `web` environment: any URL, in real Chromium.
#ifndef PROCTOR_ENV_WEB_WEB_ENVIRONMENT_H_
#define PROCTOR_ENV_WEB_WEB_ENVIRONMENT_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/executor.h"
#include "env/web/browser_pool.h"
#include "env/world.h"
#include "net/egress_proxy.h"

namespace proctor::env::web {

class WebEnvironment final : public Environment {
 public:
  struct Options {
    std::string name = "environments/web";
    std::string description = "Real Chromium on any URL: give the task a start_url.";
    // Used where a session's settings say nothing.
    v1::WebSettings default_settings;
    // What pages may reach when a session's settings name no hosts.
    net::EgressPolicy default_policy;
    // A session's `allowed_hosts` replace the default policy's, private hosts included, rather than narrow it.
    bool sessions_may_name_hosts = false;
    // Make the next episode's context ready while the current one runs. Costs a blank page's memory a session.
    bool prewarm = true;
  };

  // All references outlive it and its worlds. `background` runs short blocking work (preparing the next context).
  WebEnvironment(Options options, BrowserPool& pool, net::EgressProxy& proxy, Executor& background);

  v1::Environment Describe() const override;
  absl::StatusOr<v1::EnvironmentSettings> ResolveSettings(const v1::EnvironmentSettings& settings) const override;
  absl::StatusOr<std::unique_ptr<World>> Open(const CallContext& context,
                                              const v1::EnvironmentSettings& settings) override;
  // The same, for worlds built on this one.
  absl::StatusOr<std::unique_ptr<World>> OpenWeb(const CallContext& context, const v1::WebSettings& settings);
  // As ResolveSettings, for a part of other settings.
  absl::StatusOr<v1::WebSettings> ResolveWeb(const v1::WebSettings& settings) const;

 private:
  const Options options_;
  BrowserPool& pool_;
  net::EgressProxy& proxy_;
  Executor& background_;
};

// What a browser world can do; shared by the environments built on it.
v1::Capabilities WebCapabilities();

}  // namespace proctor::env::web

#endif  // PROCTOR_ENV_WEB_WEB_ENVIRONMENT_H_
