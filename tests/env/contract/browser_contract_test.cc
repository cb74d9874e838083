// The worlds' contract, kept by `web` and `practice` with real Chromium.
#include <signal.h>

#include <utility>

#include "env/practice/hub.h"
#include "env/practice/practice_environment.h"
#include "env/web/browser_pool.h"
#include "env/web/web_environment.h"
#include "net/egress_proxy.h"
#include "net/http_server.h"
#include "tests/env/world_contract.h"

namespace proctor::env {
namespace {

constexpr char kPage[] =
    "<!doctype html><title>Start</title><h1>Start</h1><button onclick=\"document.title='clicked'\">Press</button>"
    "<a href=/>Home</a><label>Name <input id=name></label>";

// Killed browsers are what the fault test is about.
bool KillBrowsers(const web::BrowserPool& pool) {
  for (const pid_t pid : pool.pids()) kill(pid, SIGKILL);
  return !pool.pids().empty();
}

struct Browser {
  Browser() : pool(PoolOptions()), background("prewarm", 2) {}

  static web::BrowserPool::Options PoolOptions() {
    web::BrowserPool::Options options;
    options.max_browsers = 1;
    return options;
  }
  // False: this machine has no browser or allows no sandbox.
  bool Start(net::EgressProxy::Options proxy_options) {
    auto made = net::EgressProxy::Create(std::move(proxy_options));
    if (!made.ok()) return false;
    proxy = *std::move(made);
    const absl::Status started = pool.Start(CallContext::WithTimeout(absl::Seconds(60)));
    if (!started.ok()) std::fprintf(stderr, "no browser: %s\n", started.ToString().c_str());
    return started.ok();
  }

  std::unique_ptr<net::EgressProxy> proxy;
  web::BrowserPool pool;
  ThreadPool background;
};

class WebUnderTest final : public WorldUnderTest {
 public:
  bool Start() {
    auto server = net::HttpServer::Create({}, [](const net::HttpRequest&) {
      net::HttpResponse response;
      response.headers = {{"content-type", "text/html"}};
      response.body = kPage;
      return response;
    });
    if (!server.ok() || !browser_.Start({})) return false;
    server_ = *std::move(server);
    web::WebEnvironment::Options options;
    options.default_policy.allow_private = true;
    environment_ = std::make_unique<web::WebEnvironment>(options, browser_.pool, *browser_.proxy,
                                                         browser_.background);
    return true;
  }
  Environment& environment() override { return *environment_; }
  v1::Task MakeTask() override {
    v1::Task task;
    task.set_goal("Press the button.");
    task.mutable_start_state()->set_start_url("http://127.0.0.1:" + std::to_string(server_->port()) + "/");
    return task;
  }
  bool Break() override { return KillBrowsers(browser_.pool); }

 private:
  Browser browser_;
  std::unique_ptr<net::HttpServer> server_;
  std::unique_ptr<web::WebEnvironment> environment_;
};

class PracticeUnderTest final : public WorldUnderTest {
 public:
  bool Start() {
    net::EgressProxy::Options proxy;
    proxy.internal_port = [this](const std::string& host) { return hub_.PortOf(host); };
    if (!browser_.Start(std::move(proxy))) return false;
    auto server = net::HttpServer::Create(
        {}, [this](const net::HttpRequest& request) { return hub_.Handle(request); });
    if (!server.ok()) return false;
    server_ = *std::move(server);
    hub_.SetPort(server_->port());
    web_ = std::make_unique<web::WebEnvironment>(web::WebEnvironment::Options{}, browser_.pool,
                                                 *browser_.proxy, browser_.background);
    environment_ = std::make_unique<practice::PracticeEnvironment>(*web_, hub_);
    return true;
  }
  Environment& environment() override { return *environment_; }
  v1::Task MakeTask() override {
    v1::Task task;
    task.set_goal("Look at the shop.");
    task.set_seed(7);
    task.mutable_start_state()->set_start_url("__SHOP__/");
    return task;
  }
  bool Break() override { return KillBrowsers(browser_.pool); }
  int64_t CountLeft() override { return hub_.instance_count(); }

 private:
  practice::PracticeHub hub_;
  std::unique_ptr<net::HttpServer> server_;
  Browser browser_;
  std::unique_ptr<web::WebEnvironment> web_;
  std::unique_ptr<practice::PracticeEnvironment> environment_;
};

template <typename World>
std::unique_ptr<WorldUnderTest> Make() {
  auto world = std::make_unique<World>();
  if (!world->Start()) return nullptr;
  return world;
}

INSTANTIATE_TEST_SUITE_P(Web, WorldContractTest, testing::Values(&Make<WebUnderTest>));
INSTANTIATE_TEST_SUITE_P(Practice, WorldContractTest, testing::Values(&Make<PracticeUnderTest>));

}  // namespace
}  // namespace proctor::env
