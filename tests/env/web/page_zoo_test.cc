// Each page that is known to make browsers misbehave ends in the documented observation.
#include <signal.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "tests/env/web/web_fixture.h"
#include "tests/net/certificate.h"

namespace proctor::env::web {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

class PageZooTest : public WebWorldTestBase {
 protected:
  // A page opens more tabs than it may; looks until all that it gets are there and the rest was refused.
  v1::Observation Flood() {
    ResetTo("<title>flood</title><button onclick=\"for(let i=0;i<60;i++)window.open('about:blank')\">Flood</button>");
    v1::Observation seen = Click("Flood");
    v1::Action noop;
    noop.mutable_noop();
    for (int look = 0; look < 20; ++look) {
      refused_ = refused_ || testing::Value(seen.notices(), Contains(HasSubstr("too many are open")));
      if (refused_ && seen.tabs_size() >= 32) break;
      seen = Act(noop);
    }
    return seen;
  }

  bool refused_ = false;
};

net::HttpResponse WithHeaders(std::string body, std::vector<std::pair<std::string, std::string>> headers, int status = 200) {
  net::HttpResponse response;
  response.status = status;
  response.headers = std::move(headers);
  response.body = std::move(body);
  return response;
}

std::string ReadProc(int pid, const char* name) {
  std::ifstream file(absl::StrCat("/proc/", pid, "/", name), std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

bool DescendsFrom(int pid, int ancestor) {
  while (pid > 1 && pid != ancestor) {
    const std::string stat = ReadProc(pid, "stat");
    const size_t name_end = stat.rfind(')');
    if (name_end == std::string::npos) return false;
    char state = 0;
    int parent = 0;
    std::istringstream(stat.substr(name_end + 1)) >> state >> parent;
    pid = parent;
  }
  return pid == ancestor;
}

// Kills the page processes of a browser, as the kernel does when memory is short.
void KillRenderers(int browser) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
    const int pid = atoi(entry.path().filename().c_str());
    if (pid > 0 && ReadProc(pid, "cmdline").find("--type=renderer") != std::string::npos && DescendsFrom(pid, browser)) {
      kill(pid, SIGKILL);
    }
  }
}

TEST_F(PageZooTest, DialogsAreAnsweredAndReported) {
  ResetTo("<button onclick=\"alert('one');document.title=confirm('two')+'|'+prompt('three','dflt')\">Ask</button>");
  const v1::Observation seen = Click("Ask");
  EXPECT_EQ(seen.title(), "true|dflt");
  ASSERT_EQ(seen.dialogs_size(), 3);
  EXPECT_EQ(seen.dialogs(0).kind(), "alert");
  EXPECT_EQ(seen.dialogs(0).message(), "one");
  EXPECT_TRUE(seen.dialogs(0).accepted());
  EXPECT_EQ(seen.dialogs(2).kind(), "prompt");
}

TEST_F(PageZooTest, APromptThatProposesTooMuchIsAnsweredAndReported) {
  ResetTo("<button onclick=\"document.title='asked';prompt('q','x'.repeat(9e6));document.title='answered'\">Ask</button>");
  const v1::Observation seen = Click("Ask");
  EXPECT_EQ(seen.title(), "answered");
  ASSERT_EQ(seen.dialogs_size(), 1);
  EXPECT_EQ(seen.dialogs(0).kind(), "prompt");
  EXPECT_TRUE(seen.dialogs(0).accepted());
}

TEST_F(PageZooTest, TitlesAndUrlsOfTabsInTheBackgroundAreCut) {
  ResetTo("<button onclick=\"window.open('about:blank');document.title='x'.repeat(3e6)\">Open</button>");
  const v1::Observation seen = Click("Open");
  ASSERT_EQ(seen.tabs_size(), 2);
  EXPECT_EQ(seen.tabs(0).title(), std::string(1000, 'x'));
}

TEST_F(PageZooTest, DialogWhileLoadingDoesNotBlockTheStart) {
  const v1::Observation seen = ResetTo("<script>alert('early')</script><title>after</title>");
  EXPECT_EQ(seen.title(), "after");
  ASSERT_EQ(seen.dialogs_size(), 1);
  EXPECT_EQ(seen.dialogs(0).message(), "early");
}

TEST_F(PageZooTest, LeavingAPageThatObjectsIsAccepted) {
  site().Page("/other", "<title>other</title>");
  ResetTo("<button>Touch</button><script>onbeforeunload=e=>{e.preventDefault();return 'stay'}</script>");
  Click("Touch");
  v1::Action action;
  action.mutable_goto_()->set_url(site().Url("/other"));
  const v1::Observation seen = Act(action);
  EXPECT_EQ(seen.title(), "other");
  ASSERT_EQ(seen.dialogs_size(), 1);
  EXPECT_EQ(seen.dialogs(0).kind(), "beforeunload");
}

TEST_F(PageZooTest, PopupBecomesTheActiveTab) {
  site().Page("/popup", "<title>popup</title><button onclick='window.close()'>Close</button>");
  ResetTo("<title>opener</title><button onclick=\"window.open('/popup')\">Open</button>");
  v1::Observation seen = Click("Open");
  EXPECT_EQ(seen.title(), "popup");
  ASSERT_EQ(seen.tabs_size(), 2);
  EXPECT_FALSE(seen.tabs(0).active());
  EXPECT_TRUE(seen.tabs(1).active());
  EXPECT_THAT(seen.notices(), Contains(HasSubstr("new tab")));
  seen = Click("Close");
  EXPECT_EQ(seen.title(), "opener");
  EXPECT_EQ(seen.tabs_size(), 1);
}

TEST_F(PageZooTest, LinkToANewTabIsFollowed) {
  site().Page("/target", "<title>target</title>");
  ResetTo("<a href=/target target=_blank>Go</a>");
  EXPECT_EQ(Click("Go").title(), "target");
}

TEST_F(PageZooTest, DownloadBecomesABlob) {
  site().Answer("/file", [](const net::HttpRequest&) {
    return WithHeaders("the bytes", {{"Content-Type", "application/octet-stream"},
                                     {"Content-Disposition", "attachment; filename=\"report.bin\""}});
  });
  ResetTo("<title>here</title><a href=/file>Get</a>");
  const v1::Observation seen = Click("Get");
  EXPECT_EQ(seen.title(), "here");
  ASSERT_EQ(seen.downloads_size(), 1);
  EXPECT_EQ(seen.downloads(0).file_name(), "report.bin");
  EXPECT_EQ(seen.downloads(0).size_bytes(), 9);
  EXPECT_EQ(seen.downloads(0).error(), "");
  EXPECT_EQ(blobs_[seen.downloads(0).digest()], "the bytes");
}

TEST_F(PageZooTest, TooLargeADownloadIsRefused) {
  v1::WebSettings settings;
  settings.set_max_download_bytes(1000);
  Open(settings);
  site().Answer("/file", [](const net::HttpRequest&) {
    return WithHeaders(std::string(200'000, 'x'), {{"Content-Type", "application/octet-stream"}});
  });
  ResetTo("<a href=/file>Get</a>");
  const v1::Observation seen = Click("Get");
  ASSERT_EQ(seen.downloads_size(), 1);
  EXPECT_THAT(seen.downloads(0).error(), HasSubstr("larger than 1000 bytes"));
  EXPECT_EQ(seen.downloads(0).digest(), "");
  EXPECT_TRUE(blobs_.empty());
}

TEST_F(PageZooTest, DownloadsWithoutEndAreCancelledAndReported) {
  // Chromium lets each frame start ten a second.
  ResetTo(R"(<button onclick="for(let k=0;k<7;k++){const frame=document.createElement('iframe');
      document.body.append(frame);const inner=frame.contentDocument;for(let i=0;i<10;i++){
      const a=inner.createElement('a');a.download='f'+k+i;a.href='data:application/octet-stream,'+k+i;
      inner.body.append(a);a.click()}}">Get</button>)");
  const v1::Observation seen = Click("Get");
  EXPECT_EQ(seen.downloads_size(), 50);
  EXPECT_THAT(seen.notices(), Contains(HasSubstr("more than 50 downloads")));
}

TEST_F(PageZooTest, DownloadsOfAStepHaveALimitTogether) {
  for (const char* path : {"/file0", "/file1", "/file2"}) {
    site().Answer(path, [](const net::HttpRequest&) {
      return WithHeaders(std::string(30 << 20, 'x'), {{"Content-Type", "application/octet-stream"}});
    });
  }
  ResetTo(R"(<button onclick="for(let i=0;i<3;i++){const a=document.createElement('a');a.download='f'+i;a.href='/file'+i;
      document.body.append(a);a.click()}">Get</button>)");
  v1::Observation seen = Click("Get");
  v1::Action noop;
  noop.mutable_noop();
  // The step may end before they begin; the next one waits for those that are going on. Three at once are more than the limit, two are not.
  int all = 0;
  for (int step = 0; step < 300 && all < 3; ++step) {
    if (step > 0) seen = Act(noop);
    all += seen.downloads_size();
    int64_t bytes = 0;
    for (const v1::Download& download : seen.downloads()) {
      if (download.error().empty()) bytes += download.size_bytes();
      if (!download.error().empty()) {
        EXPECT_THAT(download.error(), HasSubstr("with the others of this step"));
      }
    }
    EXPECT_LE(bytes, 64 << 20);
  }
  EXPECT_EQ(all, 3);
}

TEST_F(PageZooTest, LoginPromptIsDismissedAndReported) {
  site().Answer("/secret", [](const net::HttpRequest& request) {
    if (request.Header("authorization") == "Basic dTpw") return TestSite::Html("<title>inside</title>");
    return WithHeaders("<title>denied</title>", {{"Content-Type", "text/html"}, {"WWW-Authenticate", "Basic realm=x"}}, 401);
  });
  ResetTo("<a href=/secret>Enter</a>");
  const v1::Observation seen = Click("Enter");
  EXPECT_THAT(seen.notices(), Contains(HasSubstr("401")));
  ASSERT_GE(seen.dialogs_size(), 1);
  EXPECT_EQ(seen.dialogs(0).kind(), "http_auth");
  EXPECT_FALSE(seen.dialogs(0).accepted());
}

TEST_F(PageZooTest, GivenCredentialsLogIn) {
  site().Answer("/secret", [](const net::HttpRequest& request) {
    if (request.Header("authorization") == "Basic dTpw") return TestSite::Html("<title>inside</title>");
    return WithHeaders("<title>denied</title>", {{"Content-Type", "text/html"}, {"WWW-Authenticate", "Basic realm=x"}}, 401);
  });
  v1::StartState start;
  start.set_start_url(site().Url("/secret", "localhost"));
  v1::HttpCredentials& credentials = (*start.mutable_http_credentials())[absl::StrCat("HTTP://LocalHost:", site().port(), "/")];
  credentials.set_username("u");
  credentials.set_password("p");
  const auto result = TryReset(start);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->observation.title(), "inside");
  credentials.set_password("wrong");
  const auto refused = TryReset(start);
  ASSERT_TRUE(refused.ok()) << refused.status();
  EXPECT_EQ(refused->observation.title(), "denied");
}

TEST_F(PageZooTest, WithCredentialsLargeRequestsLeaveToo) {
  site().Page("/form", "<button onclick=\"fetch('/save',{method:'POST',body:'x'.repeat(4e6)}).then(()=>document.title='sent')\">Save</button>");
  site().Answer("/save", [](const net::HttpRequest&) { return TestSite::Html("saved"); });
  v1::StartState start;
  start.set_start_url(site().Url("/form"));
  v1::HttpCredentials& credentials = (*start.mutable_http_credentials())[site().Url("")];
  credentials.set_username("u");
  credentials.set_password("p");
  const auto result = TryReset(start);
  ASSERT_TRUE(result.ok()) << result.status();
  last_ = result->observation;
  EXPECT_EQ(Click("Save").title(), "sent");
}

TEST_F(PageZooTest, PdfIsADownloadOrSaysThatItsTextCannotBeSeen) {
  site().Answer("/doc.pdf", [](const net::HttpRequest&) {
    return WithHeaders("%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF", {{"Content-Type", "application/pdf"}});
  });
  ResetTo("<a href=/doc.pdf>Doc</a>");
  const v1::Observation seen = Click("Doc");
  // The shell has no viewer and downloads it; the full browser shows it.
  if (absl::EndsWith(*FindBrowser(), "headless-shell")) {
    ASSERT_EQ(seen.downloads_size(), 1);
    EXPECT_EQ(seen.downloads(0).file_name(), "doc.pdf");
    EXPECT_EQ(seen.downloads(0).error(), "");
    EXPECT_EQ(blobs_[seen.downloads(0).digest()].substr(0, 5), "%PDF-");
    EXPECT_EQ(seen.url(), site().Url("/page"));
  } else {
    EXPECT_EQ(seen.downloads_size(), 0);
    EXPECT_THAT(seen.notices(), Contains(HasSubstr("PDF")));
  }
}

TEST_F(PageZooTest, EndlessScriptIsStoppedAndReported) {
  ResetTo("<title>alive</title><button onclick='for(;;){}'>Spin</button><button onclick=\"document.title='again'\">Other</button>");
  v1::Observation seen = Click("Spin");
  EXPECT_FALSE(seen.settle().settled());
  EXPECT_THAT(seen.notices(), Contains(HasSubstr("without end")));
  EXPECT_GT(Mark("Other"), 0);
  seen = Click("Other");
  EXPECT_EQ(seen.title(), "again");
}

TEST_F(PageZooTest, EndlessScriptAtTheStartStillEndsInAnObservation) {
  const v1::Observation seen = ResetTo("<title>t</title><p>seen</p><script>for(;;){}</script>");
  EXPECT_FALSE(seen.settle().settled());
  v1::Action action;
  site().Page("/fine", "<title>fine</title>");
  action.mutable_goto_()->set_url(site().Url("/fine"));
  EXPECT_EQ(Act(action).title(), "fine");
}

TEST_F(PageZooTest, CrashedPageIsLoadedAgain) {
  ResetTo("<title>crashy</title><button onclick=\"document.title='x'\">Press</button>");
  for (const pid_t pid : pool().pids()) KillRenderers(pid);
  v1::Action noop;
  noop.mutable_noop();
  const v1::Observation seen = Act(noop);
  EXPECT_THAT(seen.notices(), Contains(HasSubstr("crashed")));
  EXPECT_EQ(seen.title(), "crashy");
  EXPECT_EQ(Click("Press").title(), "x");
}

TEST_F(PageZooTest, StartPageThatCrashesIsLoadedAgain) {
  std::atomic<int> asked = 0;
  site().Answer("/boom", [&](const net::HttpRequest&) {
    if (asked++ == 0) {
      for (const pid_t pid : pool().pids()) KillRenderers(pid);
    }
    return TestSite::Html("");
  });
  const v1::Observation seen = ResetTo(
      "<title>crashy</title><img src=/boom><button onclick=\"document.title='x'\">Press</button>");
  EXPECT_EQ(seen.title(), "crashy");
  EXPECT_THAT(seen.notices(), Contains(HasSubstr("crashed")));
  EXPECT_EQ(Click("Press").title(), "x");
  // The handler refers to this test.
  site().Page("/boom", "");
}

TEST_F(PageZooTest, StartPageThatCrashesEachTimeIsAFaultOfTheWorld) {
  site().Answer("/boom", [&](const net::HttpRequest&) {
    for (const pid_t pid : pool().pids()) KillRenderers(pid);
    return TestSite::Html("");
  });
  site().Page("/page", "<title>crashy</title><img src=/boom>");
  site().Page("/fine", "<title>fine</title>");
  v1::StartState start;
  for (const std::string& url : {site().Url("/page"), absl::StrCat(site().Url("/fine"), " |AND| ", site().Url("/page"))}) {
    start.set_start_url(url);
    const auto result = TryReset(start);
    EXPECT_EQ(result.status().code(), absl::StatusCode::kUnavailable) << result.status();
    EXPECT_THAT(std::string(result.status().message()), HasSubstr("crash"));
  }
  // The handler refers to this test.
  site().Page("/boom", "");
  EXPECT_EQ(Reset("/fine").title(), "fine") << "the world can be used again";
}

TEST_F(PageZooTest, KilledBrowserFailsTheWorldAndTheNextResetWorks) {
  ResetTo("<title>first</title>");
  ASSERT_FALSE(pool().pids().empty());
  for (const pid_t pid : pool().pids()) kill(pid, SIGKILL);
  v1::Action noop;
  noop.mutable_noop();
  EXPECT_EQ(TryAct(noop).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ResetTo("<title>second</title>").title(), "second");
}

TEST_F(PageZooTest, APageWithAnUnverifiedCertificateIsNotOpenedUnlessAccepted) {
  net::HttpServer::Options options;
  ASSERT_TRUE(net::MakeCertificate(options.tls_certificate_pem, options.tls_key_pem));
  auto server = net::HttpServer::Create(options, [](const net::HttpRequest&) { return TestSite::Html("<title>secure</title>"); });
  ASSERT_TRUE(server.ok()) << server.status();
  v1::StartState start;
  start.set_start_url(absl::StrCat("https://localhost:", (*server)->port(), "/"));
  const auto refused = TryReset(start);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kUnavailable) << refused.status();
  EXPECT_THAT(std::string(refused.status().message()),
              testing::AllOf(HasSubstr("certificate does not verify"), HasSubstr("ignore_certificate_errors")));
  ResetTo("<title>start</title>");
  v1::Action there;
  there.mutable_goto_()->set_url(start.start_url());
  EXPECT_THAT(Act(there).action_error(), HasSubstr("certificate does not verify"));
  EXPECT_THAT(last_.notices(), Contains(HasSubstr("certificate does not verify")));
  EXPECT_NE(last_.title(), "secure");
  v1::WebSettings settings;
  settings.set_ignore_certificate_errors(true);
  Open(settings);
  const auto accepted = TryReset(start);
  ASSERT_TRUE(accepted.ok()) << accepted.status();
  EXPECT_EQ(accepted->observation.title(), "secure");
}

TEST_F(PageZooTest, WorkersRunInPagesAndInFramesOfOtherSites) {
  const std::string worker =
      "<title>waiting</title><p id=said>nothing</p><script>const w = new Worker(URL.createObjectURL(new Blob(["
      "\"const inner = new Worker(URL.createObjectURL(new Blob(['postMessage(7)']))); inner.onmessage = e => postMessage(e.data)\"])));"
      "w.onmessage = e => { document.getElementById('said').textContent = 'worker said ' + e.data }</script>";
  site().Page("/worker", worker);
  ResetTo(worker + "<iframe src=\"" + site().Url("/worker", "localhost") + "\"></iframe>");
  v1::Action wait;
  wait.mutable_noop();
  const auto says = [&] {
    size_t count = 0;
    for (size_t at = last_.text().text().find("worker said 7"); at != std::string::npos;
         at = last_.text().text().find("worker said 7", at + 1)) {
      ++count;
    }
    return count;
  };
  EXPECT_TRUE(last_.settle().settled()) << last_.settle().waiting_for();
  for (int look = 0; look < 40 && says() < 2; ++look) Act(wait);
  EXPECT_EQ(says(), 2u) << last_.text().text();
}

TEST_F(PageZooTest, CrossSiteFrameIsSeenAndActedOn) {
  site().Page("/inner", "<button onclick=\"this.textContent='inner done'\">Inner</button>");
  ResetTo(absl::StrCat("<title>outer</title><iframe width=300 height=100 src=\"", site().Url("/inner", "localhost"), "\"></iframe>"));
  ASSERT_GT(Mark("Inner"), 0);
  Click("Inner");
  EXPECT_GT(Mark("inner done"), 0);
}

TEST_F(PageZooTest, ConsoleErrorsAreReported) {
  const v1::Observation seen = ResetTo(
      "<script>console.error('early',0)</script>"
      "<button onclick=\"console.error('bad',1);undefinedThing()\">Err</button>");
  EXPECT_THAT(seen.console_errors(), Contains(HasSubstr("early 0")));
  const v1::Observation after = Click("Err");
  EXPECT_THAT(after.console_errors(), Contains(HasSubstr("bad 1")));
  EXPECT_THAT(after.console_errors(), Contains(HasSubstr("undefinedThing")));
}

// Looks until the errors are told, however long the browser takes to say them.
TEST_F(PageZooTest, HugeErrorsAreToldByTheirBeginning) {
  ResetTo("<title>loud</title><button onclick=\"console.log('aside'.repeat(4e6));console.error('failed '+'x'.repeat(2e7));throw 'thrown '+'y'.repeat(2e7)\">"
          "Shout</button>");
  v1::Observation seen = Click("Shout");
  std::vector<std::string> errors(seen.console_errors().begin(), seen.console_errors().end());
  v1::Action noop;
  noop.mutable_noop();
  for (int look = 0; look < 20 && errors.size() < 2; ++look) {
    seen = Act(noop);
    errors.insert(errors.end(), seen.console_errors().begin(), seen.console_errors().end());
  }
  EXPECT_THAT(errors, testing::ElementsAre(testing::StartsWith("failed xxx"), testing::StartsWith("thrown yyy")));
  for (const std::string& error : errors) EXPECT_LE(error.size(), 1000u);
  EXPECT_EQ(seen.title(), "loud");
  EXPECT_EQ(ResetTo("<title>next</title>").title(), "next");
}

TEST_F(PageZooTest, AConsoleFloodedWithoutEndEndsInAnObservation) {
  ResetTo("<title>flood</title><button onclick=\"for(;;)console.error('a line '+'x'.repeat(1000))\">Flood</button>");
  std::unique_ptr<World> flooding = std::move(world_);
  Open();
  const std::unique_ptr<World> neighbour = std::exchange(world_, std::move(flooding));
  ResetSpec spec;
  spec.task.mutable_start_state()->set_start_url(site().Url("/neighbour"));
  site().Page("/neighbour", "<title>neighbour</title>");
  auto reset = neighbour->Reset(Within(absl::Seconds(40)), spec, Everything());
  ASSERT_TRUE(reset.ok()) << reset.status();

  const v1::Observation seen = Click("Flood");
  // That the script was stopped may stand behind what it said.
  EXPECT_FALSE(seen.settle().settled());
  EXPECT_EQ(seen.title(), "flood");
  EXPECT_EQ(seen.console_errors_size(), 50);

  v1::Action noop;
  noop.mutable_noop();
  auto other = neighbour->Act(Within(absl::Seconds(40)), noop, Everything());
  ASSERT_TRUE(other.ok()) << other.status();
  EXPECT_EQ(other->observation.title(), "neighbour");
  EXPECT_EQ(other->observation.console_errors_size(), 0);
  EXPECT_EQ(ResetTo("<title>next</title>").title(), "next");
}

TEST_F(PageZooTest, OpeningTabsWithoutEndIsBounded) {
  const v1::Observation seen = Flood();
  EXPECT_EQ(seen.tabs_size(), 32);
  EXPECT_TRUE(refused_);
}

TEST_F(PageZooTest, AllTabsInUseIsTheAgentsErrorAndHidesNoEvidence) {
  site().Page("/proof", "<title>proof</title>");
  ASSERT_EQ(Flood().tabs_size(), 32);
  v1::Action open;
  open.mutable_new_tab();
  v1::Observation seen = Act(open);
  EXPECT_THAT(seen.action_error(), HasSubstr("close a tab first"));
  EXPECT_EQ(seen.tabs_size(), 32);

  v1::EvidenceRequest request;
  request.mutable_page_expression()->set_url(site().Url("/proof"));
  request.mutable_page_expression()->set_expression("document.title");
  const std::vector<v1::Evidence> evidence = world_->Collect(Within(absl::Seconds(40)), {request});
  ASSERT_EQ(evidence.size(), 1u);
  EXPECT_EQ(evidence[0].error(), "");
  EXPECT_THAT(evidence[0].json_values(), testing::ElementsAre("\"proof\""));

  v1::Action close;
  close.mutable_close_tab();
  EXPECT_EQ(Act(close).tabs_size(), 31);
  seen = Act(open);
  EXPECT_EQ(seen.action_error(), "");
  EXPECT_EQ(seen.tabs_size(), 32);
}

}  // namespace
}  // namespace proctor::env::web
