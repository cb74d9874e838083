#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "common/proto_time.h"
#include "tests/env/web/web_fixture.h"

namespace proctor::env::web {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

class WebWorldTest : public WebWorldTestBase {};

TEST_F(WebWorldTest, ResetsToTheStartPageAndSeesIt) {
  const v1::Observation seen = ResetTo("<title>Hello</title><h1>World</h1><button>Press</button>");
  EXPECT_EQ(seen.title(), "Hello");
  EXPECT_EQ(seen.url(), site().Url("/page"));
  EXPECT_THAT(seen.text().text(), HasSubstr("World"));
  EXPECT_TRUE(seen.settle().settled()) << seen.settle().waiting_for();
  EXPECT_EQ(seen.viewport().width(), 1280);
  EXPECT_GT(Mark("Press"), 0);
}

TEST_F(WebWorldTest, ClicksByMark) {
  ResetTo("<button onclick=\"document.title='clicked'\">Press</button>");
  const v1::Observation seen = Click("Press");
  EXPECT_EQ(seen.action_error(), "");
  EXPECT_EQ(seen.title(), "clicked");
  EXPECT_FALSE(seen.settle().navigated());
  EXPECT_TRUE(seen.settle().settled()) << seen.settle().waiting_for();
}

TEST_F(WebWorldTest, TypesClearsAndSubmits) {
  site().Answer("/found", [](const net::HttpRequest& request) { return TestSite::Html("<title>" + request.target + "</title>"); });
  ResetTo("<form action=/found><input name=q aria-label=Query value=old></form>");
  v1::Action action;
  action.mutable_type()->mutable_target()->set_mark(Mark("Query"));
  action.mutable_type()->set_text("a b&c");
  action.mutable_type()->set_clear(true);
  action.mutable_type()->set_submit(true);
  const v1::Observation seen = Act(action);
  EXPECT_EQ(seen.action_error(), "");
  EXPECT_EQ(seen.title(), "/found?q=a+b%26c");
  EXPECT_TRUE(seen.settle().navigated());
}

TEST_F(WebWorldTest, ClickThatNavigatesIsSettledOnTheNewPage) {
  site().Answer("/slow", [](const net::HttpRequest&) {
    net::HttpResponse response = TestSite::Html("<title>slow</title>arrived");
    response.delay = absl::Milliseconds(300);
    return response;
  });
  ResetTo("<a href=/slow>Go</a>");
  const v1::Observation seen = Click("Go");
  EXPECT_EQ(seen.title(), "slow");
  EXPECT_THAT(seen.text().text(), HasSubstr("arrived"));
  EXPECT_TRUE(seen.settle().navigated());
  EXPECT_TRUE(seen.settle().settled()) << seen.settle().waiting_for();
}

TEST_F(WebWorldTest, WaitsForWhatAClickFetches) {
  site().Answer("/data", [](const net::HttpRequest&) {
    net::HttpResponse response = TestSite::Html("fetched text");
    response.delay = absl::Milliseconds(400);
    return response;
  });
  ResetTo("<button onclick=\"fetch('/data').then(r=>r.text()).then(t=>out.textContent=t)\">Load</button><p id=out></p>");
  const v1::Observation seen = Click("Load");
  EXPECT_THAT(seen.text().text(), HasSubstr("fetched text"));
  EXPECT_TRUE(seen.settle().settled()) << seen.settle().waiting_for();
}

TEST_F(WebWorldTest, WaitsForTimersThatAClickSets) {
  ResetTo("<button onclick=\"setTimeout(()=>out.textContent='late text',400)\">Load</button><p id=out></p>");
  const v1::Observation seen = Click("Load");
  EXPECT_THAT(seen.text().text(), HasSubstr("late text"));
  EXPECT_TRUE(seen.settle().settled()) << seen.settle().waiting_for();
}

// A button that says later, by a timer of its document, that it was clicked.
constexpr char kLateButton[] =
    "<button onclick=\"setTimeout(()=>this.textContent='late done',400)\">Late</button>";

TEST_F(WebWorldTest, WaitsForTimersInAFrameOfTheSameSite) {
  site().Page("/inner", kLateButton);
  ResetTo("<iframe width=300 height=100 src=/inner></iframe>");
  const v1::Observation seen = Click("Late");
  EXPECT_GT(Mark("late done"), 0);
  EXPECT_TRUE(seen.settle().settled()) << seen.settle().waiting_for();
}

TEST_F(WebWorldTest, WaitsForTimersInAFrameOfAnotherSite) {
  site().Page("/inner", kLateButton);
  ResetTo(absl::StrCat("<iframe width=300 height=100 src=\"", site().Url("/inner", "localhost"),
                       "\"></iframe>"));
  const v1::Observation seen = Click("Late");
  EXPECT_GT(Mark("late done"), 0);
  EXPECT_TRUE(seen.settle().settled()) << seen.settle().waiting_for();
}

TEST_F(WebWorldTest, WaitsForAFrameThatTheActionOpens) {
  site().Page(
      "/inner",
      "<p id=out>early</p><script>setTimeout(()=>out.textContent='late text',400)</script>");
  ResetTo(
      "<button "
      "onclick=\"document.body.append(Object.assign(document.createElement('iframe'),{src:'/"
      "inner'}))\">Open</button>");
  const v1::Observation seen = Click("Open");
  EXPECT_THAT(seen.text().text(), HasSubstr("late text"));
  EXPECT_TRUE(seen.settle().settled()) << seen.settle().waiting_for();
}

TEST_F(WebWorldTest, SaysThatAFrameStillChanges) {
  site().Page("/inner",
              "<p id=n></p><script>let i=0;(function "
              "f(){n.textContent=++i;requestAnimationFrame(f)})()</script>");
  const v1::Observation seen = ResetTo("<iframe width=300 height=100 src=/inner></iframe>");
  EXPECT_FALSE(seen.settle().settled());
  EXPECT_EQ(seen.settle().waiting_for(), "mutations");
}

TEST_F(WebWorldTest, SaysThatAnOpenShadowRootStillChanges) {
  const v1::Observation seen = ResetTo(
      "<div id=host></div><script>const "
      "inner=host.attachShadow({mode:'open'});inner.innerHTML='<p><b></b></p>';"
      "const deeper=inner.querySelector('p').attachShadow({mode:'open'});let i=0;"
      "(function f(){deeper.textContent=++i;requestAnimationFrame(f)})()</script>");
  EXPECT_FALSE(seen.settle().settled());
  EXPECT_EQ(seen.settle().waiting_for(), "mutations");
}

TEST_F(WebWorldTest, AnEndlessScriptInAFrameOfAnotherSiteIsStopped) {
  site().Page("/inner",
              "<button onclick='for(;;){}'>Spin</button><button "
              "onclick=\"this.textContent='well'\">Other</button>");
  ResetTo(absl::StrCat("<iframe width=300 height=100 src=\"", site().Url("/inner", "localhost"),
                       "\"></iframe>"));
  const v1::Observation seen = Click("Spin");
  EXPECT_FALSE(seen.settle().settled());
  EXPECT_THAT(seen.notices(), Contains(HasSubstr("without end")));
  Click("Other");
  EXPECT_GT(Mark("well"), 0);
}

TEST_F(WebWorldTest, AnotherEpisodesEndlessScriptInTheSameBrowserHurtsNobody) {
  ResetTo("<title>spinning</title><button onclick='for(;;){}'>Spin</button>");
  const int spin = Mark("Spin");
  std::unique_ptr<World> spinning = std::move(world_);
  ResetTo("<button onclick=\"document.title='clicked'\">Press</button>");
  ASSERT_EQ(pool().pids().size(), 1u);
  absl::StatusOr<ActResult> stopped;
  std::thread other([&] {
    v1::Action action;
    action.mutable_click()->mutable_target()->set_mark(spin);
    stopped = spinning->Act(Within(absl::Seconds(40)), action, Everything());
  });
  const v1::Observation seen = Click("Press");
  EXPECT_EQ(seen.title(), "clicked");
  EXPECT_TRUE(seen.settle().settled()) << seen.settle().waiting_for();
  other.join();
  ASSERT_TRUE(stopped.ok()) << stopped.status();
  EXPECT_THAT(stopped->observation.notices(), Contains(HasSubstr("without end")));
}

TEST_F(WebWorldTest, SaysHowLongEachPhaseTook) {
  ResetTo("<button onclick=\"setTimeout(()=>document.title='late',200)\">Press</button>");
  const absl::Time began = absl::Now();
  const v1::StepTiming timing = Click("Press").settle().timing();
  const absl::Duration took = absl::Now() - began;
  const absl::Duration act = FromProto(timing.act()), settle = FromProto(timing.settle()),
                       observe = FromProto(timing.observe());
  EXPECT_GT(act, absl::ZeroDuration());
  // The timer itself, which begins somewhere within the act.
  EXPECT_GE(act + settle, absl::Milliseconds(190));
  EXPECT_GT(observe, absl::ZeroDuration());
  EXPECT_LE(act + settle + observe, took);
}

TEST_F(WebWorldTest, DoesNotWaitForAPagesHeartbeat) {
  ResetTo("<p id=n>0</p><script>setInterval(()=>{},50);(function f(){setTimeout(f,30)})()</script>"
          "<button onclick=\"document.title='done'\">Press</button>");
  const v1::Observation seen = Click("Press");
  EXPECT_EQ(seen.title(), "done");
  // It beats without end: waiting for it would be until the cap, and said so.
  EXPECT_TRUE(seen.settle().settled()) << seen.settle().waiting_for();
}

TEST_F(WebWorldTest, SaysWhatItStillWaitedForAtTheCap) {
  site().Answer("/never", [](const net::HttpRequest&) {
    net::HttpResponse response = TestSite::Html("late");
    response.delay = absl::Seconds(20);
    return response;
  });
  ResetTo("<button onclick=\"fetch('/never')\">Load</button>");
  const v1::Observation seen = Click("Load");
  EXPECT_FALSE(seen.settle().settled());
  EXPECT_EQ(seen.settle().waiting_for(), "requests");
}

TEST_F(WebWorldTest, ALookBetweenStepsLeavesWhatHappenedToTheRecord) {
  ResetTo("<title>here</title>");
  // Something happens between two steps.
  v1::EvidenceRequest request;
  request.mutable_page_expression()->set_expression("alert('late'),console.error('late',1),1");
  ASSERT_EQ(world_->Collect(Within(absl::Seconds(20)), {request}).at(0).error(), "");
  const auto look = [this] {
    return world_->Observe(Within(absl::Seconds(20)), Everything()).value();
  };
  for (int i = 0; i < 2; ++i) {
    const v1::Observation seen = look();
    ASSERT_EQ(seen.dialogs_size(), 1);
    EXPECT_EQ(seen.dialogs(0).message(), "late");
    EXPECT_THAT(seen.console_errors(), Contains(HasSubstr("late 1")));
  }
  const ActResult step = world_->Idle(Within(absl::Seconds(20)), Everything()).value();
  EXPECT_EQ(step.observation.dialogs_size(), 1);
  EXPECT_THAT(step.observation.console_errors(), Contains(HasSubstr("late 1")));
  EXPECT_EQ(look().dialogs_size(), 0);
}

TEST_F(WebWorldTest, TheEpisodesSeedComesBeforeTheSettings) {
  const std::string page = "<script>document.title=Math.random()</script>";
  site().Page("/page", page);
  const auto draw = [&](int64_t in_settings, int64_t in_spec) {
    v1::WebSettings settings;
    settings.set_random_seed(in_settings);
    Open(settings);
    ResetSpec spec;
    spec.seed = in_spec;
    spec.task.mutable_start_state()->set_start_url(site().Url("/page"));
    const auto reset = world_->Reset(Within(absl::Seconds(40)), spec, Everything());
    EXPECT_TRUE(reset.ok()) << reset.status();
    EXPECT_EQ(reset->seed, in_spec != 0 ? in_spec : in_settings);
    return reset->observation.title();
  };
  const std::string of_seven = draw(0, 7);
  EXPECT_EQ(draw(5, 7), of_seven);
  EXPECT_NE(draw(5, 0), of_seven);
}

TEST_F(WebWorldTest, EpisodesShareNothing) {
  ResetTo("<script>document.cookie='a=1';localStorage.b=2</script>");
  const v1::Observation seen =
      ResetTo("<script>document.title=document.cookie+'|'+(localStorage.b||'none')</script>");
  EXPECT_EQ(seen.title(), "|none");
}

TEST_F(WebWorldTest, ActionErrorsTellTheAgentWhatToDo) {
  ResetTo("<button disabled>Off</button><p>text</p>");
  EXPECT_NE(Click(999).action_error(), "");
  v1::Action outside;
  outside.mutable_click()->mutable_target()->mutable_point()->set_x(5000);
  EXPECT_THAT(Act(outside).action_error(), HasSubstr("outside the viewport"));
  v1::Action back;
  back.mutable_go_back();
  EXPECT_THAT(Act(back).action_error(), HasSubstr("no page to go back to"));
  v1::Action file;
  file.mutable_goto_()->set_url("file:///etc/passwd");
  EXPECT_THAT(Act(file).action_error(), HasSubstr("http"));
  v1::Action tab;
  tab.mutable_focus_tab()->set_index(7);
  EXPECT_THAT(Act(tab).action_error(), HasSubstr("no tab 7"));
}

// The URL that a browser started with --remote-debugging-port=0 wrote into its profile; waits for it.
std::string RemoteUrl(const std::string& root) {
  for (int attempt = 0; attempt < 200; ++attempt) {
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(root, error)) {
      std::ifstream file(entry.path() / "profile/DevToolsActivePort");
      std::string port, path;
      if (std::getline(file, port) && std::getline(file, path)) return absl::StrCat("ws://127.0.0.1:", port, path);
    }
    absl::SleepFor(absl::Milliseconds(20));
  }
  return "";
}

// A browser that somebody else started.
class RemoteBrowser {
 public:
  RemoteBrowser() {
    char root[] = "/tmp/proctor-test-XXXXXX";
    EXPECT_NE(mkdtemp(root), nullptr);
    chmod(root, 0755);
    root_ = root;
    BrowserProcessOptions process;
    process.profile_root = root_;
    process.extra_arguments = {"--remote-debugging-port=0"};
    auto browser = BrowserProcess::Start(Within(absl::Seconds(30)), process, spawner_);
    EXPECT_TRUE(browser.ok()) << browser.status();
    if (browser.ok()) browser_ = *std::move(browser);
    url_ = RemoteUrl(root_);
    EXPECT_NE(url_, "");
  }
  ~RemoteBrowser() {
    browser_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }
  const std::string& url() const { return url_; }

 private:
  ProcessSpawner spawner_;
  std::string root_;
  std::unique_ptr<BrowserProcess> browser_;
  std::string url_;
};

TEST_F(WebWorldTest, DrivesARemoteBrowserOverAWebSocketAndFindsItAgain) {
  auto browser = std::make_unique<RemoteBrowser>();
  BrowserPool::Options options;
  options.max_browsers = 1;
  options.find_remote = [&](const CallContext&) -> absl::StatusOr<std::string> {
    return browser->url();
  };
  BrowserPool pool(options);
  ThreadPool background("remote-test", 2);
  WebEnvironment::Options environment_options;
  environment_options.default_policy.allow_private = true;
  environment_options.prewarm = false;
  WebEnvironment remote(environment_options, pool, proxy(), background);
  EXPECT_THAT(remote.Describe().capabilities().actions(), testing::Not(Contains("upload_file")));
  EXPECT_THAT(environment().Describe().capabilities().actions(), Contains("upload_file"));
  auto world = remote.Open(Within(absl::Seconds(30)), {});
  ASSERT_TRUE(world.ok()) << world.status();
  world_ = *std::move(world);
  ResetTo(
      "<button onclick=\"document.title='clicked'\">Press</button><input type=file "
      "aria-label=File>");
  EXPECT_EQ(Click("Press").title(), "clicked");
  EXPECT_THAT(Click("File").notices(), Contains(HasSubstr("takes no uploads")));
  // Restarted, at another address.
  browser.reset();
  browser = std::make_unique<RemoteBrowser>();
  v1::Action noop;
  noop.mutable_noop();
  EXPECT_EQ(TryAct(noop).status().code(), absl::StatusCode::kUnavailable);
  ResetTo("<button onclick=\"document.title='again'\">Press</button>");
  EXPECT_EQ(Click("Press").title(), "again");
  world_.reset();
}

TEST_F(WebWorldTest, ARemoteBrowserThatSaysMoreThanIsReadIsLetGo) {
  const RemoteBrowser browser;
  auto transport = ConnectWebSocketTransport(Within(absl::Seconds(20)), browser.url(),
                                             {.limits = {}, .max_unread_bytes = 10, .unread_cap = absl::ZeroDuration()});
  ASSERT_TRUE(transport.ok()) << transport.status();
  ASSERT_TRUE((*transport)->Write({R"({"id":1,"method":"Browser.getVersion"})"}).ok());
  EXPECT_TRUE((*transport)->Read().ok());
  EXPECT_EQ((*transport)->Read().status().code(), absl::StatusCode::kResourceExhausted);
}

TEST_F(WebWorldTest, ARemoteBrowserWaitsWhileItsMessagesAreRead) {
  const RemoteBrowser browser;
  auto transport = ConnectWebSocketTransport(Within(absl::Seconds(20)), browser.url(),
                                             {.limits = {}, .max_unread_bytes = 10});
  ASSERT_TRUE(transport.ok()) << transport.status();
  for (int i = 0; i < 20; ++i) ASSERT_TRUE((*transport)->Write({R"({"id":1,"method":"Browser.getVersion"})"}).ok());
  for (int i = 0; i < 20; ++i) EXPECT_TRUE((*transport)->Read().ok()) << i;
}

TEST_F(WebWorldTest, AReplyOfARemoteBrowserThatIsTooLargeIsDroppedAlone) {
  const RemoteBrowser browser;
  auto transport = ConnectWebSocketTransport(Within(absl::Seconds(20)), browser.url(),
                                             {.limits = {.max_reply_bytes = 50, .max_event_bytes = 50}});
  ASSERT_TRUE(transport.ok()) << transport.status();
  DevTools devtools(*std::move(transport));
  const absl::Status dropped = devtools.Call(Within(absl::Seconds(20)), "", "Browser.getVersion").status();
  EXPECT_EQ(dropped.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(dropped.message()), HasSubstr("the browser's reply was dropped"));
  EXPECT_TRUE(devtools.Call(Within(absl::Seconds(20)), "", "Target.setDiscoverTargets", {{"discover", false}}).ok());
  EXPECT_EQ(devtools.traffic().dropped_messages, 1u);
}

}  // namespace
}  // namespace proctor::env::web
