#include "server/worlds.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/executor.h"
#include "common/ids.h"
#include "common/log.h"
#include "common/status.h"
#include "env/android/android_environment.h"
#include "env/desktop/desktop_environment.h"
#include "env/desktop/practice/templates.h"
#include "env/null/null_environment.h"
#include "env/practice/hub.h"
#include "env/practice/practice_environment.h"
#include "env/practice/templates.h"
#include "env/web/browser_pool.h"
#include "env/web/web_environment.h"
#include "net/egress_proxy.h"
#include "net/http_server.h"
#include "server/configured_environment.h"
#include "server/remote_browser.h"

namespace proctor::server {
namespace {

// Of the first browser's start.
constexpr absl::Duration kBrowserCap = absl::Minutes(1);

// The templates of the practice sites and of the practice desktop, as the proposer sees them.
class PracticeTemplates final : public proposer::TaskTemplateSource {
 public:
  PracticeTemplates(bool sites, bool desktop) : sites_(sites), desktop_(desktop) {}

  std::vector<v1::TaskTemplate> ListTemplates() const override {
    std::vector<v1::TaskTemplate> templates;
    if (sites_) Add(env::practice::Templates(), templates);
    if (desktop_) Add(env::desktop_practice::Templates(), templates);
    return templates;
  }

  absl::StatusOr<v1::Task> Instantiate(const std::string& name, int64_t seed) const override {
    if (!desktop_) return env::practice::Instantiate(name, seed);
    absl::StatusOr<v1::Task> task = env::desktop_practice::Instantiate(name, seed);
    return absl::IsNotFound(task.status()) ? env::practice::Instantiate(name, seed) : task;
  }

 private:
  template <typename Templates>
  static void Add(const Templates& sources, std::vector<v1::TaskTemplate>& templates) {
    for (const auto& source : sources) {
      v1::TaskTemplate& task_template = templates.emplace_back();
      task_template.set_name(source.id);
      task_template.set_site(source.site);
      task_template.set_kind(source.kind);
      task_template.set_optimal_steps(source.optimal_steps);
      task_template.set_impossible(source.impossible);
    }
  }

  const bool sites_;
  const bool desktop_;
};

absl::StatusOr<env::web::BrowserPool::Options> PoolOptions(const v1::BrowserConfig& config) {
  env::web::BrowserPool::Options options;
  if (!config.remote_url().empty()) {
    options.find_remote = [url = config.remote_url()](const CallContext& context) {
      return FindRemoteBrowser(context, url);
    };
  } else if (config.executable().empty()) {
    PROCTOR_ASSIGN_OR_RETURN(options.process.executable, env::web::FindBrowser(config.kind()));
  } else {
    options.process.executable = config.executable();
  }
  options.process.user = config.user();
  options.process.allow_unsandboxed = config.allow_unsandboxed();
  options.process.extra_arguments = {config.extra_flags().begin(), config.extra_flags().end()};
  options.max_browsers = config.max_browsers();
  // A session has up to two contexts: the one in use and the next one, made ready.
  options.contexts_per_browser = 2 * config.sessions_per_browser();
  options.recycle_after = config.recycle_after_contexts();
  return options;
}

net::EgressPolicy Policy(const v1::EgressConfig& config) {
  net::EgressPolicy policy;
  policy.allowed_hosts = {config.allowed_hosts().begin(), config.allowed_hosts().end()};
  policy.allow_private = config.allow_private();
  return policy;
}

// Members in the order of their dependence.
class WorldsImpl final : public Worlds {
 public:
  explicit WorldsImpl(const v1::ServerConfig& config)
      : config_(config),
        templates_(Enabled("practice"), Enabled("desktop")),
        background_("browser", std::max(4, config.browser().max_browsers() * 2)),
        desktop_background_("desktop", 4) {}

  absl::Status Open(const CallContext& context) {
    if (Enabled("null")) PROCTOR_RETURN_IF_ERROR(Add("null", std::make_unique<env::NullEnvironment>()));
    if (Enabled("desktop")) PROCTOR_RETURN_IF_ERROR(OpenDesktops());
    if (Enabled("android")) PROCTOR_RETURN_IF_ERROR(OpenAndroid());
    if (!Enabled("web") && !Enabled("practice")) return absl::OkStatus();
    PROCTOR_RETURN_IF_ERROR(OpenProxy());
    PROCTOR_RETURN_IF_ERROR(OpenBrowsers(context.Child(kBrowserCap)));
    web_ = std::make_unique<env::web::WebEnvironment>(WebOptions(), *pool_, *proxy_, background_);
    if (Enabled("practice")) PROCTOR_RETURN_IF_ERROR(OpenPractice());
    if (!Enabled("web")) return absl::OkStatus();
    // The practice sites have defaults of their own: each environment wraps a browser environment without any.
    return Add("web", std::make_unique<env::web::WebEnvironment>(WebOptions(), *pool_, *proxy_, background_));
  }

  void Register(env::SessionManager& sessions) override {
    for (const auto& [id, environment] : environments_) {
      sessions.Register(id, *environment, config_.environments().at(id).max_sessions());
    }
  }

  env::Environment* Find(const std::string& name) override {
    const auto id = ResourceId("environments", name);
    return id.ok() ? FindId(*id) : nullptr;
  }

  const proposer::TaskTemplateSource& templates() const override { return templates_; }

  std::optional<env::web::BrowserPool::Counters> browsers() const override {
    if (pool_ == nullptr) return std::nullopt;
    return pool_->counters();
  }

  void RefusePort(uint16_t port) override {
    own_ports_.push_back(port);
    if (proxy_ != nullptr) proxy_->SetOwnPorts(own_ports_);
  }

 private:
  bool Enabled(const std::string& id) const { return config_.environments().at(id).enabled(); }

  absl::Status Add(const std::string& id, std::unique_ptr<env::Environment> environment) {
    auto configured = ConfiguredEnvironment::Create(std::move(environment), config_.environments().at(id));
    if (!configured.ok()) return Annotate(configured.status(), absl::StrCat("environments.", id));
    environments_[id] = *std::move(configured);
    return absl::OkStatus();
  }

  env::web::WebEnvironment::Options WebOptions() const {
    env::web::WebEnvironment::Options options;
    options.default_policy = Policy(config_.egress());
    options.prewarm = config_.browser().prewarm_contexts();
    return options;
  }

  absl::Status OpenBrowsers(const CallContext& context) {
    PROCTOR_ASSIGN_OR_RETURN(env::web::BrowserPool::Options options,
                             PoolOptions(config_.browser()));
    pool_ = std::make_unique<env::web::BrowserPool>(std::move(options));
    PROCTOR_RETURN_IF_ERROR(pool_->Start(context));
    if (!config_.browser().remote_url().empty()) {
      LogWarning("A REMOTE BROWSER IS USED: its pages go through the server's proxy, but not what it sends of its own "
                 "accord, and nobody here knows whether it has a sandbox");
    }
    if (!pool_->sandboxed()) {
      LogWarning("THE BROWSER RUNS WITHOUT ITS SANDBOX: a hostile page may take over its process. Use it for pages "
                 "that you trust, or mend the sandbox: see `proctor doctor`");
    }
    return absl::OkStatus();
  }

  env::Environment* FindId(const std::string& id) {
    const auto it = environments_.find(id);
    return it == environments_.end() ? nullptr : it->second.get();
  }

  absl::Status OpenProxy() {
    net::EgressProxy::Options options;
    options.threads = config_.threads().network();
    if (config_.egress().max_connections() > 0) {
      options.max_connections_per_listener = config_.egress().max_connections();
    }
    // The practice sites of a session's running episode are its one way to a port of our own.
    options.internal_port = [this](uint16_t listener_port, const std::string& host) { return hub_.PortOf(listener_port, host); };
    PROCTOR_ASSIGN_OR_RETURN(proxy_, net::EgressProxy::Create(std::move(options)));
    return absl::OkStatus();
  }

  absl::Status OpenDesktops() {
    env::desktop::DesktopEnvironment::Options options;
    options.config = config_.desktop();
    PROCTOR_ASSIGN_OR_RETURN(auto desktops, env::desktop::DesktopEnvironment::Create(std::move(options), desktop_background_));
    return Add("desktop", std::move(desktops));
  }

  absl::Status OpenAndroid() {
    env::android::AndroidEnvironment::Options options;
    options.config = config_.android();
    PROCTOR_ASSIGN_OR_RETURN(auto devices, env::android::AndroidEnvironment::Create(std::move(options)));
    return Add("android", std::move(devices));
  }

  absl::Status OpenPractice() {
    net::HttpServer::Options options;
    options.port = static_cast<uint16_t>(config_.practice().port());
    options.threads = config_.threads().network();
    PROCTOR_ASSIGN_OR_RETURN(site_server_, net::HttpServer::Create(options, [this](const net::HttpRequest& request) {
      return hub_.Handle(request);
    }));
    hub_.SetPort(site_server_->port());
    RefusePort(site_server_->port());
    return Add("practice", std::make_unique<env::practice::PracticeEnvironment>(*web_, hub_,
                                                                                config_.practice().default_seed()));
  }

  const v1::ServerConfig config_;
  const PracticeTemplates templates_;
  std::vector<uint16_t> own_ports_;
  env::practice::PracticeHub hub_;
  std::unique_ptr<net::HttpServer> site_server_;
  std::unique_ptr<net::EgressProxy> proxy_;
  std::unique_ptr<env::web::BrowserPool> pool_;
  // Before it dies it runs what was posted, which uses the pool.
  ThreadPool background_;
  // Starts and ends desktops.
  ThreadPool desktop_background_;
  // What the practice environment drives.
  std::unique_ptr<env::web::WebEnvironment> web_;
  std::map<std::string, std::unique_ptr<env::Environment>> environments_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Worlds>> Worlds::Start(const CallContext& context, const v1::ServerConfig& config) {
  auto worlds = std::make_unique<WorldsImpl>(config);
  PROCTOR_RETURN_IF_ERROR(worlds->Open(context));
  return worlds;
}

}  // namespace proctor::server
