// What cannot be reached is no page: the start page is a fault of the world, a later one an action that failed (own_site_test.cc has what
// is not), for http:// (where the egress proxy answers in the server's place) as for https:// (where the browser shows an error of its own).
#include <chrono>
#include <memory>
#include <semaphore>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/time/time.h"
#include "tests/env/web/web_fixture.h"
#include "tests/net/certificate.h"
#include "tests/net/raw_peer.h"

namespace proctor::env::web {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kUnknownName[] = "cannot look up nothing.invalid";

class LoadFailureTest : public WebWorldTestBase {
 protected:
  LoadFailureTest() {
    net::EgressProxy::Options options;
    options.resolver = [](const std::string& host) -> absl::StatusOr<std::vector<std::string>> {
      return absl::UnavailableError("cannot look up " + host + ": Name or service not known");
    };
    auto made = net::EgressProxy::Create(std::move(options));
    EXPECT_TRUE(made.ok()) << made.status();
    proxy_ = *std::move(made);
  }
  // Before what it stands on.
  ~LoadFailureTest() override { world_.reset(); }

  // Pages may reach public hosts, as by default; everything on this machine, too; or the test's site alone. Certificates need not be right.
  enum class Reach { kPublic, kAll, kSite };
  void OpenTo(Reach reach) {
    world_.reset();
    WebEnvironment::Options options;
    if (reach == Reach::kAll) options.default_policy.allow_private = true;
    if (reach == Reach::kSite) options.default_policy.allowed_hosts = {absl::StrCat("127.0.0.1:", site().port())};
    environment_ = std::make_unique<WebEnvironment>(options, pool(), *proxy_, shared_->background);
    v1::EnvironmentSettings settings;
    settings.mutable_web()->mutable_settle_cap()->set_seconds(5);
    settings.mutable_web()->set_ignore_certificate_errors(true);
    auto world = environment_->Open(Within(absl::Seconds(30)), settings);
    ASSERT_TRUE(world.ok()) << world.status();
    world_ = *std::move(world);
  }

  absl::StatusOr<ResetResult> TryResetTo(const std::string& url) {
    v1::StartState start;
    start.set_start_url(url);
    return TryReset(start);
  }
  v1::Observation Goto(const std::string& url) {
    v1::Action action;
    action.mutable_goto_()->set_url(url);
    return Act(action);
  }
  // Nobody listens there any more.
  static std::string ClosedPort() {
    auto server = net::HttpServer::Create({}, [](const net::HttpRequest&) { return net::HttpResponse(); });
    EXPECT_TRUE(server.ok()) << server.status();
    return absl::StrCat("127.0.0.1:", (*server)->port());
  }

  std::unique_ptr<net::EgressProxy> proxy_;
  std::unique_ptr<WebEnvironment> environment_;
};

TEST_F(LoadFailureTest, StartPagesThatCannotBeHadAreFaultsOfTheWorld) {
  for (const std::string scheme : {"http://", "https://"}) {
    OpenTo(Reach::kPublic);
    for (const std::string host : {"127.0.0.1:", "localhost:"}) {
      const auto refused = TryResetTo(absl::StrCat(scheme, host, site().port(), "/"));
      EXPECT_EQ(refused.status().code(), absl::StatusCode::kUnavailable) << refused.status();
      EXPECT_THAT(std::string(refused.status().message()),
                  HasSubstr(absl::StrCat("(proctord --egress-allow ", host, site().port(), ")"))) << scheme;
    }
    OpenTo(Reach::kSite);
    auto result = TryResetTo(scheme + "elsewhere.example/");
    EXPECT_EQ(result.status().code(), absl::StatusCode::kUnavailable) << result.status();
    EXPECT_THAT(std::string(result.status().message()), HasSubstr("is not among the server's allowed hosts")) << scheme;
    OpenTo(Reach::kAll);
    result = TryResetTo(scheme + "nothing.invalid/");
    EXPECT_EQ(result.status().code(), absl::StatusCode::kUnavailable) << result.status();
    EXPECT_THAT(std::string(result.status().message()), HasSubstr(kUnknownName)) << scheme;
    const std::string closed = ClosedPort();
    result = TryResetTo(scheme + closed + "/");
    EXPECT_EQ(result.status().code(), absl::StatusCode::kUnavailable) << result.status();
    EXPECT_THAT(std::string(result.status().message()), HasSubstr("cannot connect to " + closed)) << scheme;
  }
  EXPECT_EQ(Reset("/nowhere").title(), "missing") << "the world can be used again";
}

TEST_F(LoadFailureTest, StartPagesThatLeadToWhatCannotBeHadAreFaultsOfTheWorld) {
  OpenTo(Reach::kAll);
  site().Answer("/moved", [](const net::HttpRequest& request) {
    net::HttpResponse response;
    response.status = 302;
    response.headers = {{"Location", request.target.substr(request.target.find('?') + 1)}};
    return response;
  });
  site().Page("/script", "<title>here</title><script>location.replace(location.search.slice(1))</script>");
  for (const char* path : {"/moved?", "/script?"}) {
    for (const char* scheme : {"http://", "https://"}) {
      const auto result = TryResetTo(site().Url(absl::StrCat(path, scheme, "nothing.invalid/")));
      EXPECT_EQ(result.status().code(), absl::StatusCode::kUnavailable) << path << scheme;
      EXPECT_THAT(std::string(result.status().message()), HasSubstr(kUnknownName)) << path << scheme;
    }
  }
}

TEST_F(LoadFailureTest, AStartPageThatDoesNotAnswerIsAFaultOfTheWorld) {
  OpenTo(Reach::kAll);
  site().Answer("/silent", [](const net::HttpRequest&) {
    net::HttpResponse response = TestSite::Html("late");
    response.delay = absl::Seconds(60);
    return response;
  });
  const auto result = TryResetTo(site().Url("/silent"));
  EXPECT_EQ(result.status().code(), absl::StatusCode::kUnavailable) << result.status();
  EXPECT_THAT(std::string(result.status().message()), HasSubstr("nothing came within"));
}

TEST_F(LoadFailureTest, AStartPageThatItsServerFailsToGiveIsAFaultOfTheWorld) {
  OpenTo(Reach::kAll);
  for (const int status : {500, 502, 503}) {
    const auto fail = [status](const net::HttpRequest&) {
      net::HttpResponse response = TestSite::Html("<title>sorry</title>");
      response.status = status;
      return response;
    };
    site().Answer("/failing", fail);
    const auto result = TryResetTo(site().Url("/failing"));
    EXPECT_EQ(result.status().code(), absl::StatusCode::kUnavailable) << result.status();
    EXPECT_THAT(std::string(result.status().message()), HasSubstr(absl::StrCat("the server answered with status ", status)));
  }
  // Also as a second one, and in mid-episode it is seen.
  site().Page("/fine", "<title>fine</title>");
  EXPECT_EQ(TryResetTo(absl::StrCat(site().Url("/fine"), " |AND| ", site().Url("/failing"))).status().code(),
            absl::StatusCode::kUnavailable);
  EXPECT_EQ(Reset("/fine").title(), "fine");
  EXPECT_EQ(Goto(site().Url("/failing")).title(), "sorry");
  EXPECT_EQ(last_.action_error(), "");
}

TEST_F(LoadFailureTest, AStatusWithoutABodyIsAnAnswerLikeAnother) {
  OpenTo(Reach::kAll);
  for (const int status : {404, 503}) {
    site().Answer(absl::StrCat("/bare", status), [status](const net::HttpRequest&) {
      net::HttpResponse response;
      response.status = status;
      return response;
    });
  }
  const auto missing = TryResetTo(site().Url("/bare404"));
  ASSERT_TRUE(missing.ok()) << missing.status();
  EXPECT_THAT(missing->observation.notices(), testing::ElementsAre("the server answered with status 404"));
  EXPECT_EQ(Goto(site().Url("/bare503")).action_error(), "");
  EXPECT_THAT(last_.notices(), testing::ElementsAre("the server answered with status 503"));
  const auto failing = TryResetTo(site().Url("/bare503"));
  EXPECT_EQ(failing.status().code(), absl::StatusCode::kUnavailable) << failing.status();
  EXPECT_THAT(std::string(failing.status().message()), HasSubstr("status 503"));
}

TEST_F(LoadFailureTest, AStartPageThatIsNoPageIsAFaultOfTheWorld) {
  OpenTo(Reach::kAll);
  site().Answer("/empty", [](const net::HttpRequest&) {
    net::HttpResponse response;
    response.status = 204;
    return response;
  });
  site().Answer("/file", [](const net::HttpRequest&) {
    net::HttpResponse response;
    response.headers = {{"Content-Type", "application/zip"}, {"Content-Disposition", "attachment; filename=a.zip"}};
    response.body = "PK";
    return response;
  });
  const auto empty = TryResetTo(site().Url("/empty"));
  EXPECT_EQ(empty.status().code(), absl::StatusCode::kUnavailable) << empty.status();
  EXPECT_THAT(std::string(empty.status().message()), HasSubstr("status 204"));
  const auto file = TryResetTo(site().Url("/file"));
  EXPECT_EQ(file.status().code(), absl::StatusCode::kUnavailable) << file.status();
  EXPECT_THAT(std::string(file.status().message()), HasSubstr("a download, of type application/zip"));
}

TEST_F(LoadFailureTest, ActionsThatLeadThereHaveFailed) {
  OpenTo(Reach::kSite);
  for (const std::string scheme : {"http://", "https://"}) {
    const std::string refused = scheme + "elsewhere.example/";
    ResetTo("<title>start</title><a href='" + refused + "'>Here</a><a target=_blank href='" + refused + "'>There</a>");
    EXPECT_THAT(Goto(refused).action_error(), HasSubstr("could not be loaded")) << refused;
    EXPECT_THAT(last_.action_error(), HasSubstr("allowed hosts")) << refused;
    v1::Action reload;
    reload.mutable_reload();
    EXPECT_THAT(Act(reload).action_error(), HasSubstr("allowed hosts")) << refused;
    // A look later, and the notice still says why.
    v1::Action noop;
    noop.mutable_noop();
    EXPECT_EQ(Act(noop).action_error(), "") << refused;
    EXPECT_THAT(last_.notices(), Contains(HasSubstr("allowed hosts"))) << refused;

    EXPECT_EQ(Goto(site().Url("/page")).action_error(), "");
    EXPECT_EQ(last_.title(), "start");
    EXPECT_THAT(last_.notices(), IsEmpty());
    EXPECT_THAT(Click("Here").action_error(), HasSubstr("allowed hosts")) << refused;
    v1::Action back;
    back.mutable_go_back();
    EXPECT_EQ(Act(back).action_error(), "");
    EXPECT_EQ(last_.title(), "start");
    EXPECT_THAT(Click("There").action_error(), HasSubstr("allowed hosts")) << refused;
    ASSERT_EQ(last_.tabs_size(), 2);
    // To show a tab is no failure, whatever is in it.
    v1::Action focus;
    focus.mutable_focus_tab()->set_index(0);
    EXPECT_EQ(Act(focus).action_error(), "");
    focus.mutable_focus_tab()->set_index(1);
    EXPECT_EQ(Act(focus).action_error(), "");
    EXPECT_THAT(last_.notices(), Contains(HasSubstr("allowed hosts")));
  }
}

TEST_F(LoadFailureTest, APageThatIsCutOffIsSeenAsFarAsItCame) {
  // The page has been read so far: what is cut off before that may be dropped.
  std::counting_semaphore<> read{0};
  net::RawServer server([&](net::RawPeer peer) {
    if (absl::StrContains(peer.ReadUntil("\r\n\r\n"), " /read ")) {
      read.release();
      return;
    }
    peer.Send("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 1000\r\n\r\n<title>half</title><img src='/read'>");
    read.try_acquire_for(std::chrono::seconds(10));
  });
  OpenTo(Reach::kAll);
  const std::string url = absl::StrCat("http://127.0.0.1:", server.port(), "/");
  const auto result = TryResetTo(url);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_THAT(result->observation.notices(), Contains(HasSubstr("cut off")));
  EXPECT_EQ(result->observation.title(), "half");
  EXPECT_EQ(Goto(url).action_error(), "");
}

TEST_F(LoadFailureTest, PartsOfAPageThatCannotBeHadAreThePagesBusiness) {
  OpenTo(Reach::kSite);
  const std::string refused = "//elsewhere.example/";
  ResetTo("<title>parts</title><img src='" + refused + "a.png'><iframe src='" + refused + "'></iframe><script src='" + refused +
          "a.js'></script><button onclick=\"fetch('" + refused + "').finally(() => document.title = 'asked')\">Ask</button>");
  EXPECT_EQ(last_.title(), "parts");
  EXPECT_THAT(last_.notices(), IsEmpty());
  EXPECT_EQ(Click("Ask").action_error(), "");
  EXPECT_EQ(last_.title(), "asked");
}

TEST_F(LoadFailureTest, ServersCannotPassForTheProxy) {
  const auto lie = [mark = proxy_->mark()](const net::HttpRequest&) {
    net::HttpResponse response = TestSite::Html("<title>lie</title>no such page");
    response.status = 404;
    response.headers.emplace_back(net::kEgressFailureHeader, mark + " a lie");
    return response;
  };
  site().Answer("/lie", lie);
  net::HttpServer::Options tls;
  ASSERT_TRUE(net::MakeCertificate(tls.tls_certificate_pem, tls.tls_key_pem));
  auto secure = net::HttpServer::Create(tls, lie);
  ASSERT_TRUE(secure.ok()) << secure.status();
  OpenTo(Reach::kAll);
  for (const std::string& url : {site().Url("/lie"), absl::StrCat("https://localhost:", (*secure)->port(), "/")}) {
    const auto result = TryResetTo(url);
    ASSERT_TRUE(result.ok()) << url << ": " << result.status();
    EXPECT_EQ(result->observation.title(), "lie");
    EXPECT_THAT(result->observation.notices(), testing::ElementsAre("the server answered with status 404")) << url;
    EXPECT_EQ(Goto(url).action_error(), "") << url;
  }
}

TEST_F(LoadFailureTest, ServiceWorkersCannotPassForTheProxy) {
  site().Answer("/worker.js", [mark = proxy_->mark()](const net::HttpRequest&) {
    net::HttpResponse response;
    response.headers = {{"Content-Type", "text/javascript"}};
    response.body = absl::StrCat(
        "onactivate = e => e.waitUntil(clients.claim());"
        "onfetch = e => { if (e.request.url.endsWith('/made-up')) e.respondWith(new Response('<title>made up</title>', {headers: {"
        "'Content-Type': 'text/html', '", net::kEgressFailureHeader, "': '", mark, " a lie'}})) }");
    return response;
  });
  OpenTo(Reach::kAll);
  ResetTo(
      "<title>waiting</title><a href=/made-up>Go</a><script>navigator.serviceWorker.register('/worker.js');"
      "navigator.serviceWorker.oncontrollerchange = () => document.title = 'ready'</script>");
  v1::Action noop;
  noop.mutable_noop();
  for (int look = 0; look < 200 && last_.title() != "ready"; ++look) Act(noop);
  ASSERT_EQ(last_.title(), "ready");
  EXPECT_EQ(Click("Go").action_error(), "");
  EXPECT_EQ(last_.title(), "made up");
  EXPECT_THAT(last_.notices(), IsEmpty());
}

TEST_F(LoadFailureTest, EvidenceOfAPageThatCannotBeHadIsNone) {
  OpenTo(Reach::kSite);
  ResetTo("<title>start</title>");
  v1::EvidenceRequest request;
  request.mutable_page_expression()->set_url("http://elsewhere.example/page");
  request.mutable_page_expression()->set_expression("document.body.innerText");
  const std::vector<v1::Evidence> evidence = world_->Collect(Within(absl::Seconds(40)), {request});
  ASSERT_EQ(evidence.size(), 1u);
  EXPECT_THAT(evidence[0].error(), HasSubstr("allowed hosts"));
  EXPECT_EQ(evidence[0].json_values_size(), 0);
}

}  // namespace
}  // namespace proctor::env::web
