#include "env/web/web_environment.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "env/web/context_source.h"
#include "env/web/page_settings.h"
#include "env/web/web_world.h"

namespace proctor::env::web {

WebEnvironment::WebEnvironment(Options options, BrowserPool& pool, net::EgressProxy& proxy, Executor& background)
    : options_(std::move(options)), pool_(pool), proxy_(proxy), background_(background) {}

v1::Capabilities WebCapabilities() {
  v1::Capabilities capabilities;
  for (const char* action :
       {"click", "hover", "type", "press_keys", "select_option", "check", "scroll", "drag", "upload_file", "goto",
        "go_back", "go_forward", "reload", "new_tab", "focus_tab", "close_tab", "wait", "answer", "give_up", "noop"}) {
    capabilities.add_actions(action);
  }
  for (int part = v1::OBSERVATION_PART_SCREENSHOT; part <= v1::OBSERVATION_PART_CONSOLE; ++part) {
    capabilities.add_observation_parts(static_cast<v1::ObservationPart>(part));
  }
  for (const v1::Dialect dialect : {v1::DIALECT_WEBVOYAGER, v1::DIALECT_WEBARENA, v1::DIALECT_BROWSERGYM}) {
    capabilities.add_dialects(dialect);
  }
  capabilities.set_seedable(true);
  for (const char* kind : {"page_expression", "final_url", "page_sequence"}) capabilities.add_evidence(kind);
  return capabilities;
}

v1::Environment WebEnvironment::Describe() const {
  v1::Environment environment;
  environment.set_name(options_.name);
  environment.set_description(options_.description);
  environment.set_available(true);
  *environment.mutable_capabilities() = WebCapabilities();
  if (!pool_.takes_uploads()) {
    auto& actions = *environment.mutable_capabilities()->mutable_actions();
    actions.erase(std::find(actions.begin(), actions.end(), "upload_file"));
  }
  const absl::StatusOr<v1::WebSettings> settings = ResolveWeb({});
  if (settings.ok()) *environment.mutable_default_settings()->mutable_web() = *settings;
  return environment;
}

absl::StatusOr<v1::WebSettings> WebEnvironment::ResolveWeb(const v1::WebSettings& settings) const {
  v1::WebSettings merged = options_.default_settings;
  // Lists replace the defaults, they do not add to them.
  if (settings.permissions_size() > 0) merged.clear_permissions();
  if (settings.allowed_hosts_size() > 0) merged.clear_allowed_hosts();
  // An explicit 0 is 0.
  if (settings.has_preload_max_age()) merged.clear_preload_max_age();
  merged.MergeFrom(settings);
  for (const std::string& host : merged.allowed_hosts()) {
    PROCTOR_RETURN_IF_ERROR(Annotate(net::CheckHostPattern(host), "web.allowed_hosts"));
  }
  return ResolveWebSettings(merged);
}

absl::StatusOr<v1::EnvironmentSettings> WebEnvironment::ResolveSettings(const v1::EnvironmentSettings& settings) const {
  if (settings.kind_case() != v1::EnvironmentSettings::kWeb &&
      settings.kind_case() != v1::EnvironmentSettings::KIND_NOT_SET) {
    return absl::InvalidArgumentError("settings: the web environment takes web settings");
  }
  v1::EnvironmentSettings resolved;
  PROCTOR_ASSIGN_OR_RETURN(*resolved.mutable_web(), ResolveWeb(settings.web()));
  return resolved;
}

absl::StatusOr<std::unique_ptr<World>> WebEnvironment::Open(const CallContext& context,
                                                            const v1::EnvironmentSettings& settings) {
  PROCTOR_ASSIGN_OR_RETURN(const v1::EnvironmentSettings resolved, ResolveSettings(settings));
  return OpenWeb(context, resolved.web());
}

absl::StatusOr<std::unique_ptr<World>> WebEnvironment::OpenWeb(const CallContext& context,
                                                               const v1::WebSettings& settings) {
  PROCTOR_RETURN_IF_ERROR(context.Check("opening a session"));
  net::EgressPolicy policy = options_.default_policy;
  if (settings.allowed_hosts_size() > 0) {
    // A client cannot open what the operator did not, unless the operator trusts clients with it.
    std::vector<std::string>& hosts = options_.sessions_may_name_hosts ? policy.allowed_hosts : policy.narrowed_to;
    hosts.assign(settings.allowed_hosts().begin(), settings.allowed_hosts().end());
  }
  PROCTOR_ASSIGN_OR_RETURN(const uint16_t port, proxy_.Open(std::move(policy)));
  auto contexts = std::make_unique<ContextSource>(pool_, background_, settings,
                                                  std::make_shared<ProxyPort>(proxy_, port));
  return std::make_unique<WebWorld>(settings, std::move(contexts), options_.prewarm);
}

}  // namespace proctor::env::web
