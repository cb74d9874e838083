// A site of the task's own that cannot be reached any more ends the episode as a fault of the world; any other place that cannot be had is
// the agent's choice, and an action that failed.
#include <functional>
#include <memory>
#include <string>

#include "tests/env/web/web_fixture.h"
#include "tests/net/certificate.h"
#include "tests/net/raw_peer.h"

namespace proctor::env::web {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

constexpr char kPage[] =
    "<title>own</title><a href=/next>Same</a><a href=/next target=_blank>Other</a>"
    "<form action=/next method=post><button>Send</button></form>";

class OwnSiteTest : public WebWorldTestBase {
 protected:
  enum class Scheme { kHttp, kHttps };

  OwnSiteTest() {
    v1::WebSettings settings;
    settings.set_ignore_certificate_errors(true);
    settings.mutable_settle_cap()->set_seconds(5);
    Open(settings);
  }

  // Begins an episode at a server that can be stopped.
  void Begin(Scheme scheme = Scheme::kHttp) {
    net::HttpServer::Options options;
    if (scheme == Scheme::kHttps) {
      ASSERT_TRUE(net::MakeCertificate(options.tls_certificate_pem, options.tls_key_pem));
    }
    auto server = net::HttpServer::Create(options, [](const net::HttpRequest&) { return TestSite::Html(kPage); });
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    origin_ = absl::StrCat(scheme == Scheme::kHttps ? "https://localhost:" : "http://localhost:", server_->port());
    v1::StartState start;
    start.set_start_url(origin_ + "/");
    BeginAt(start);
  }
  void BeginAt(const v1::StartState& start) {
    const auto result = TryReset(start);
    ASSERT_TRUE(result.ok()) << result.status();
    last_ = result->observation;
  }
  void Stop() { server_.reset(); }

  void ExpectFault(const v1::Action& action) {
    const auto result = TryAct(action);
    EXPECT_EQ(result.status().code(), absl::StatusCode::kUnavailable) << action.ShortDebugString() << ": " << result.status();
    EXPECT_THAT(std::string(result.status().message()), HasSubstr("the task's own site cannot be reached any more")) << action.ShortDebugString();
  }

  static v1::Action Goto(const std::string& url) {
    v1::Action action;
    action.mutable_goto_()->set_url(url);
    return action;
  }
  v1::Action ClickOn(const std::string& name) const {
    v1::Action action;
    action.mutable_click()->mutable_target()->set_mark(Mark(name));
    return action;
  }
  static v1::Action Noop() {
    v1::Action action;
    action.mutable_noop();
    return action;
  }
  // Nobody listens there any more.
  static std::string ClosedPort() {
    auto server = net::HttpServer::Create({}, [](const net::HttpRequest&) { return net::HttpResponse(); });
    EXPECT_TRUE(server.ok()) << server.status();
    return absl::StrCat("http://127.0.0.1:", (*server)->port());
  }

  std::unique_ptr<net::HttpServer> server_;
  std::string origin_;
};

TEST_F(OwnSiteTest, WhateverLeadsToItWhenItIsDownIsAFault) {
  v1::Action reload, new_tab;
  reload.mutable_reload();
  for (const Scheme scheme : {Scheme::kHttp, Scheme::kHttps}) {
    const std::function<v1::Action()> kActions[] = {
        [&] { return Goto(origin_ + "/next"); }, [&] { return ClickOn("Same"); }, [&] { return ClickOn("Other"); },
        [&] { return ClickOn("Send"); },         [&] { return reload; },
        [&] {
          new_tab.mutable_new_tab()->set_url(origin_);
          return new_tab;
        }};
    for (const auto& action : kActions) {
      Begin(scheme);
      EXPECT_EQ(last_.title(), "own");
      Stop();
      ExpectFault(action());
    }
  }
  EXPECT_EQ(ResetTo("<title>next</title>").title(), "next") << "the world can be used again";
}

TEST_F(OwnSiteTest, ASiteOfABaseUrlIsTheTasksOwn) {
  Begin();
  v1::StartState start;
  site().Page("/page", "<title>start</title>");
  start.set_start_url(site().Url("/page"));
  (*start.mutable_base_urls())["__SHOP__"] = origin_ + "/shop/";
  BeginAt(start);
  EXPECT_EQ(Act(Goto("__SHOP__/a")).title(), "own");
  Stop();
  ExpectFault(Goto("__SHOP__/a"));
}

TEST_F(OwnSiteTest, ABaseUrlWhereNobodyEverAnsweredIsNoWayOut) {
  site().Page("/page", "<title>start</title>");
  net::RawServer silent([](net::RawPeer peer) { peer.ReadUntil("\r\n\r\n"); });
  v1::StartState start;
  start.set_start_url(site().Url("/page"));
  (*start.mutable_base_urls())["__MAP__"] = ClosedPort();
  (*start.mutable_base_urls())["__WIKI__"] = "https://localhost:1";
  (*start.mutable_base_urls())["__FORUM__"] = absl::StrCat("http://127.0.0.1:", silent.port());
  BeginAt(start);
  v1::Action reload;
  reload.mutable_reload();
  for (const char* dead : {"__MAP__/a", "__WIKI__/a", "__FORUM__/a"}) {
    EXPECT_THAT(Act(Goto(dead)).action_error(), HasSubstr("could not be loaded")) << dead;
    // To try again does not make it so.
    EXPECT_NE(Act(reload).action_error(), "") << dead;
    EXPECT_EQ(Act(Noop()).action_error(), "") << dead;
    EXPECT_TRUE(world_->Idle(Within(absl::Seconds(40)), Everything()).ok()) << dead;
  }
  EXPECT_EQ(Act(Goto(site().Url("/page"))).title(), "start");
}

// While a page is waited for, the tab may show its URL already, and no failure.
TEST_F(OwnSiteTest, ABaseUrlThatIsWaitedForHasNotAnswered) {
  auto silent = net::HttpServer::Create({}, [](const net::HttpRequest&) {
    net::HttpResponse response = TestSite::Html("late");
    response.delay = absl::Seconds(60);
    return response;
  });
  ASSERT_TRUE(silent.ok()) << silent.status();
  site().Page("/page", "<title>start</title>");
  v1::StartState start;
  start.set_start_url(site().Url("/page"));
  (*start.mutable_base_urls())["__MAP__"] = absl::StrCat("http://localhost:", (*silent)->port());
  BeginAt(start);
  Act(Goto("__MAP__/a"));
  silent->reset();
  EXPECT_THAT(Act(Goto("__MAP__/b")).action_error(), HasSubstr("could not be loaded"));
}

TEST_F(OwnSiteTest, ABaseUrlThatAnsweredInAnotherEpisodeIsNotYetTheTasksOwn) {
  Begin();
  v1::StartState start;
  site().Page("/page", "<title>start</title>");
  start.set_start_url(site().Url("/page"));
  (*start.mutable_base_urls())["__SHOP__"] = origin_;
  BeginAt(start);
  EXPECT_EQ(Act(Goto("__SHOP__/a")).title(), "own");
  BeginAt(start);
  Stop();
  EXPECT_THAT(Act(Goto("__SHOP__/a")).action_error(), HasSubstr("could not be loaded"));
}

TEST_F(OwnSiteTest, WhereTheStartPageLedIsTheTasksOwn) {
  Begin();
  site().Answer("/moved", [to = origin_](const net::HttpRequest&) {
    net::HttpResponse response;
    response.status = 302;
    response.headers = {{"Location", to + "/"}};
    return response;
  });
  EXPECT_EQ(Reset("/moved").title(), "own");
  Stop();
  ExpectFault(Goto(origin_ + "/next"));
}

TEST_F(OwnSiteTest, ASiteThatBreaksOffWithoutAnAnswerIsAFault) {
  net::RawServer server([](net::RawPeer peer) {
    if (peer.ReadUntil("\r\n\r\n").find("/next") != std::string::npos) return;
    peer.Send("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n<title>own</title><a href=/next>Same</a>");
  });
  v1::StartState start;
  start.set_start_url(absl::StrCat("http://127.0.0.1:", server.port(), "/"));
  BeginAt(start);
  ExpectFault(ClickOn("Same"));
}

TEST_F(OwnSiteTest, AFailureThatComesBetweenStepsIsFoundByTheNext) {
  const std::string watching = "<title>own</title><script>setInterval(() => fetch('/')"
      ".then(reply => { if (!reply.ok) throw 0 }).catch(() => location.reload()), 700)</script>";
  for (const bool idle : {true, false}) {
    auto server = net::HttpServer::Create({}, [&](const net::HttpRequest&) { return TestSite::Html(watching); });
    ASSERT_TRUE(server.ok()) << server.status();
    v1::StartState start;
    start.set_start_url(absl::StrCat("http://localhost:", (*server)->port(), "/"));
    BeginAt(start);
    server->reset();
    // The page is told that nobody is there, and goes.
    absl::Status seen;
    for (const CallContext patience = Within(absl::Seconds(90)); seen.ok() && patience.Check("").ok(); absl::SleepFor(absl::Milliseconds(20))) {
      seen = (idle ? world_->Idle(Within(absl::Seconds(40)), Everything()) : TryAct(Noop())).status();
    }
    EXPECT_EQ(seen.code(), absl::StatusCode::kUnavailable) << seen;
    EXPECT_THAT(std::string(seen.message()), HasSubstr("the task's own site"));
  }
}

TEST_F(OwnSiteTest, AnyOtherPlaceThatCannotBeHadIsTheAgentsChoice) {
  Begin();
  const std::string elsewhere = ClosedPort();
  for (const std::string& url : {elsewhere + "/", std::string("http://localhost:1/"), absl::StrCat("https://localhost:", server_->port(), "/")}) {
    EXPECT_THAT(Act(Goto(url)).action_error(), HasSubstr("could not be loaded")) << url;
    // To look at it is no fault, whoever looks.
    EXPECT_EQ(Act(Noop()).action_error(), "") << url;
    EXPECT_TRUE(world_->Idle(Within(absl::Seconds(40)), Everything()).ok()) << url;
    EXPECT_TRUE(world_->Observe(Within(absl::Seconds(40)), Everything()).ok()) << url;
  }
  v1::Action action;
  action.mutable_new_tab()->set_url(origin_);
  EXPECT_EQ(Act(action).title(), "own");
  Stop();
  // The tab beside it shows a dead host, this one what was there.
  EXPECT_EQ(Act(Noop()).title(), "own");
  action.mutable_focus_tab()->set_index(0);
  EXPECT_EQ(Act(action).action_error(), "");
  EXPECT_THAT(last_.notices(), Contains(HasSubstr("could not be loaded")));
}

TEST_F(OwnSiteTest, ARequestThatTheProxyDoesNotTakeIsTheAgentsDoing) {
  Begin();
  const std::string url = absl::StrCat(origin_, "/?", std::string(70'000, 'x'));
  EXPECT_THAT(Act(Goto(url)).action_error(), HasSubstr("could not be loaded"));
  EXPECT_EQ(Act(Goto(origin_)).title(), "own");
}

}  // namespace
}  // namespace proctor::env::web
