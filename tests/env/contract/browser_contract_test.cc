// The worlds' contract, kept by `web` and `practice` with real Chromium; and that worlds of practice keep to themselves.
#include <signal.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "env/practice/hub.h"
#include "env/practice/practice_environment.h"
#include "env/web/browser_pool.h"
#include "env/web/web_environment.h"
#include "gmock/gmock.h"
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
  // A browser is a must, as for all tests with one.
  bool Start(net::EgressProxy::Options proxy_options) {
    auto made = net::EgressProxy::Create(std::move(proxy_options));
    EXPECT_TRUE(made.ok()) << made.status();
    if (!made.ok()) return false;
    proxy = *std::move(made);
    const absl::Status started = pool.Start(CallContext::WithTimeout(absl::Seconds(60)));
    EXPECT_TRUE(started.ok()) << started;
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
    proxy.internal_port = [this](uint16_t listener_port, const std::string& host) { return hub_.PortOf(listener_port, host); };
    if (!browser_.Start(std::move(proxy))) return false;
    auto server = net::HttpServer::Create(
        {}, [this](const net::HttpRequest& request) { return hub_.Handle(request); });
    if (!server.ok()) return false;
    server_ = *std::move(server);
    hub_.SetPort(server_->port());
    browser_.proxy->SetOwnPorts({server_->port()});
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
std::unique_ptr<WorldUnderTest> Make(std::string&) {
  auto world = std::make_unique<World>();
  if (!world->Start()) return nullptr;
  return world;
}

INSTANTIATE_TEST_SUITE_P(Web, WorldContractTest, testing::Values(&Make<WebUnderTest>));
INSTANTIATE_TEST_SUITE_P(Practice, WorldContractTest, testing::Values(&Make<PracticeUnderTest>));

// Two worlds of the practice environment, in one browser.
class PracticeWorldsTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string lacking;
    practice_ = Make<PracticeUnderTest>(lacking);
    ASSERT_NE(practice_, nullptr);
    for (Side* side : {&one_, &other_}) {
      auto world = practice_->environment().Open(Soon(), {});
      ASSERT_TRUE(world.ok()) << world.status();
      side->world = *std::move(world);
      auto reset = side->world->Reset(Soon(), {.task = practice_->MakeTask(), .seed = 0}, {});
      ASSERT_TRUE(reset.ok()) << reset.status();
      side->base_urls = std::move(reset->base_urls);
    }
  }

  struct Side {
    std::unique_ptr<World> world;
    std::map<std::string, std::string> base_urls;
  };

  static CallContext Soon() { return CallContext::WithTimeout(absl::Seconds(60)); }

  // What a world says of an action that leads there.
  static std::string Goto(Side& side, const std::string& url) {
    v1::Action action;
    action.mutable_goto_()->set_url(url);
    const auto result = side.world->Act(Soon(), action, {});
    EXPECT_TRUE(result.ok()) << result.status();
    return result.ok() ? result->observation.action_error() : "";
  }

  // A form post as any page can send it to any site.
  static void Post(Side& side, const std::string& url, const std::string& form) {
    v1::EvidenceRequest request;
    request.mutable_page_expression()->set_expression(absl::StrCat(
        "fetch('", url, "', {method: 'POST', mode: 'no-cors', headers: {'Content-Type': 'application/x-www-form-urlencoded'}, body: '", form,
        "'}).then(() => 'done', () => 'done')"));
    const std::vector<v1::Evidence> evidence = side.world->Collect(Soon(), {request});
    ASSERT_EQ(evidence.size(), 1u);
    EXPECT_EQ(evidence[0].error(), "");
    EXPECT_THAT(evidence[0].json_values(), testing::ElementsAre("\"done\""));
  }

  static std::string MailState(Side& side) {
    v1::EvidenceRequest request;
    request.mutable_site_state()->set_site("mail");
    const std::vector<v1::Evidence> evidence = side.world->Collect(Soon(), {request});
    return evidence.size() == 1 && evidence[0].json_values_size() == 1 ? evidence[0].json_values(0) : "";
  }

  std::unique_ptr<WorldUnderTest> practice_;
  Side one_, other_;
};

TEST_F(PracticeWorldsTest, OneWorldsPagesDoNotReachTheSitesOfAnother) {
  const std::string refusal = "is a port of the server itself";
  const std::string before = MailState(other_);
  ASSERT_NE(before, "");

  for (const auto& [placeholder, url] : other_.base_urls) {
    EXPECT_THAT(Goto(one_, absl::StrCat(url, "/")), testing::HasSubstr(refusal)) << placeholder;
  }
  EXPECT_EQ(Goto(one_, "__MAIL__/"), "");
  Post(one_, absl::StrCat(other_.base_urls.at("__MAIL__"), "/settings"), "signature=Mallory");
  EXPECT_EQ(MailState(other_), before);

  // The same reaches the world's own.
  Post(one_, absl::StrCat(one_.base_urls.at("__MAIL__"), "/settings"), "signature=Ahoy");
  EXPECT_THAT(MailState(one_), testing::HasSubstr("Ahoy"));
  EXPECT_EQ(Goto(other_, "__MAIL__/"), "");
  // Nor are they there for anybody once their episode is over.
  const std::string gone = one_.base_urls.at("__SHOP__");
  auto again = one_.world->Reset(Soon(), {.task = practice_->MakeTask(), .seed = 0}, {});
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_THAT(Goto(one_, absl::StrCat(gone, "/")), testing::HasSubstr(refusal));
  EXPECT_EQ(Goto(one_, absl::StrCat(again->base_urls.at("__SHOP__"), "/")), "");
}

}  // namespace
}  // namespace proctor::env
