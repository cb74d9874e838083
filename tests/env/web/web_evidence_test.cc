// What is recorded where there is nothing to read: of the agent's own doing a value that counts against it, of a fault an error alone.
#include "env/web/web_evidence.h"

#include <memory>
#include <string>
#include <vector>

#include "tests/env/web/web_fixture.h"
#include "tests/net/raw_peer.h"

namespace proctor::env::web {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kDone[] = "document.querySelector('#done').textContent";

class WebEvidenceTest : public WebWorldTestBase {
 protected:
  static std::unique_ptr<net::HttpServer> Serve(const std::string& html) {
    auto server = net::HttpServer::Create({}, [html](const net::HttpRequest&) { return TestSite::Html(html); });
    EXPECT_TRUE(server.ok()) << server.status();
    return *std::move(server);
  }
  static std::string UrlOf(const net::HttpServer& server) { return absl::StrCat("http://127.0.0.1:", server.port(), "/"); }

  v1::Evidence Collect(const v1::EvidenceRequest& request) {
    const std::vector<v1::Evidence> evidence = world_->Collect(Within(absl::Seconds(60)), {request});
    EXPECT_EQ(evidence.size(), 1u);
    return evidence.at(0);
  }
  v1::Evidence InAgentsTab(const std::string& expression) {
    v1::EvidenceRequest request;
    request.mutable_page_expression()->set_expression(expression);
    return Collect(request);
  }
  // In a page that the oracle names, by its path.
  v1::Evidence InPage(const std::string& path, const std::string& expression) {
    v1::EvidenceRequest request;
    request.mutable_page_expression()->set_url(site().Url(path));
    request.mutable_page_expression()->set_expression(expression);
    return Collect(request);
  }
  // The agent's page as it stands, loaded anew, and where an expression leads from it; then a page of the task's.
  v1::Evidence Sequence(const std::string& own_page) {
    v1::EvidenceRequest request;
    auto& sequence = *request.mutable_page_sequence();
    auto* entry = sequence.add_entries();
    entry->set_url("last");
    entry->set_expression("document.title");
    *sequence.add_entries() = *entry;
    entry = sequence.mutable_entries(1);
    entry->add_prep_actions("1");
    *sequence.add_entries() = *entry;
    sequence.mutable_entries(2)->set_url_expression("location.href");
    if (!own_page.empty()) {
      *sequence.add_entries() = sequence.entries(0);
      sequence.mutable_entries(3)->set_url(own_page);
      *sequence.add_entries() = sequence.entries(0);
    }
    return Collect(request);
  }
  v1::Observation Goto(const std::string& url) {
    v1::Action action;
    action.mutable_goto_()->set_url(url);
    return Act(action);
  }
};

TEST_F(WebEvidenceTest, AScriptThatThrowsInTheAgentsTabIsThePagesAnswer) {
  ResetTo("<title>elsewhere</title>");
  for (const char* expression : {kDone, "nope.nope", "JSON.parse('{')", "Promise.reject(new Error('no'))", "(() => { throw 'text' })()"}) {
    const v1::Evidence evidence = InAgentsTab(expression);
    EXPECT_THAT(evidence.json_values(), ElementsAre("null")) << expression;
    EXPECT_THAT(evidence.urls(), ElementsAre(site().Url("/page"))) << expression;
    EXPECT_THAT(evidence.error(), HasSubstr("the expression failed")) << expression;
  }
  const v1::Evidence value = InAgentsTab("document.querySelector('#done')?.textContent");
  EXPECT_THAT(value.json_values(), ElementsAre("null"));
  EXPECT_EQ(value.error(), "");
}

TEST_F(WebEvidenceTest, WhatIsNotThePagesAnswerIsAFailureToCollect) {
  ResetTo("<title>here</title>");
  site().Page("/state", "<title>state</title>");
  // A mistake of whoever wrote it; more than may be recorded.
  for (const char* expression : {"nope nope(", "'x'.repeat(5e6)"}) {
    const v1::Evidence evidence = InAgentsTab(expression);
    EXPECT_THAT(evidence.json_values(), IsEmpty()) << expression;
    EXPECT_NE(evidence.error(), "") << expression;
  }
  // The same in a page that the oracle names, and whatever is said of one that its server fails to give.
  site().Answer("/failing", [](const net::HttpRequest&) {
    net::HttpResponse response = TestSite::Html("<title>sorry</title>");
    response.status = 503;
    return response;
  });
  for (const v1::Evidence& evidence :
       {InPage("/state", "nope nope("), InPage("/state", "'x'.repeat(5e6)"), InPage("/failing", kDone), InPage("/failing", "document.title")}) {
    EXPECT_THAT(evidence.json_values(), IsEmpty());
    EXPECT_NE(evidence.error(), "");
  }
}

TEST_F(WebEvidenceTest, APageOfASequenceThatItsServerFailsToGiveIsAFailureToCollect) {
  ResetTo("<title>here</title>");
  const auto failing = [](const net::HttpRequest&) {
    net::HttpResponse response = TestSite::Html("<title>sorry</title>");
    response.status = 502;
    return response;
  };
  site().Answer("/failing", failing);
  EXPECT_EQ(Sequence("").json_values_size(), 3);
  EXPECT_THAT(Sequence(site().Url("/failing")).json_values(), IsEmpty());
  // Where the agent is: read as it stands, loaded anew.
  site().Answer("/page", failing);
  const v1::Evidence evidence = Sequence("");
  EXPECT_THAT(evidence.json_values(), IsEmpty());
  EXPECT_THAT(evidence.error(), HasSubstr("502"));
}

TEST_F(WebEvidenceTest, APageThatIsCutOffAnswersForNothing) {
  net::RawServer server([](net::RawPeer peer) {
    peer.ReadUntil("\r\n\r\n");
    peer.Send("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 1000\r\n\r\n<title>half</title>");
  });
  const std::string url = absl::StrCat("http://127.0.0.1:", server.port(), "/");
  ResetTo("<title>here</title>");
  v1::EvidenceRequest named;
  named.mutable_page_expression()->set_url(url);
  named.mutable_page_expression()->set_expression("document.title");
  for (const v1::Evidence& evidence : {Collect(named), Sequence(url)}) {
    EXPECT_THAT(evidence.json_values(), IsEmpty());
    EXPECT_THAT(evidence.error(), HasSubstr("cut off"));
  }
  // A page of the task's own where the agent is.
  v1::StartState start;
  start.set_start_url(url);
  ASSERT_TRUE(TryReset(start).ok());
  for (const v1::Evidence& evidence : {InAgentsTab("document.title"), Sequence("")}) {
    EXPECT_THAT(evidence.json_values(), IsEmpty());
    EXPECT_THAT(evidence.error(), HasSubstr("cut off"));
  }
}

TEST_F(WebEvidenceTest, WhatAnAgentWritesHasTheSizeThatItHas) {
  ResetTo("<p></p><script>document.querySelector('p').textContent = '\\\\u'.repeat(5000) + '\u00e9'.repeat(1000000)</script>");
  const v1::Evidence evidence = InAgentsTab("document.querySelector('p').textContent");
  EXPECT_EQ(evidence.error(), "");
  ASSERT_EQ(evidence.json_values_size(), 1);
  EXPECT_GT(evidence.json_values(0).size(), 2'000'000u);
  const v1::Evidence few = InAgentsTab("'\\\\u'.repeat(300)");
  EXPECT_EQ(few.error(), "");
  EXPECT_EQ(few.json_values_size(), 1);
}

TEST_F(WebEvidenceTest, AScriptThatThrowsInAPageThatTheOracleNamesIsThePagesAnswer) {
  ResetTo("<title>here</title>");
  site().Page("/state", "<title>state</title>");
  const v1::Evidence before = InPage("/state", kDone);
  EXPECT_THAT(before.json_values(), ElementsAre("null"));
  EXPECT_THAT(before.urls(), ElementsAre(site().Url("/state")));
  EXPECT_THAT(before.error(), HasSubstr("the expression failed"));
  EXPECT_THAT(InPage("/nowhere", kDone).json_values(), ElementsAre("null")) << "that it is not there is an answer, too";
  site().Page("/state", "<title>state</title><p id=done>yes</p>");
  const v1::Evidence after = InPage("/state", kDone);
  EXPECT_THAT(after.json_values(), ElementsAre("\"yes\""));
  EXPECT_EQ(after.error(), "");
}

TEST_F(WebEvidenceTest, WhatThrowsInTheAgentsPageLeavesItsEntryEmpty) {
  ResetTo("<title>here</title>");
  v1::EvidenceRequest request;
  auto& sequence = *request.mutable_page_sequence();
  sequence.add_entries()->set_url("last");
  sequence.mutable_entries(0)->set_expression("document.title");
  *sequence.add_entries() = sequence.entries(0);
  sequence.mutable_entries(1)->set_expression(kDone);
  const v1::Evidence thrown = Collect(request);
  EXPECT_THAT(thrown.json_values(), ElementsAre("\"here\"", "\"\""));
  EXPECT_THAT(thrown.error(), HasSubstr("the expression failed"));
  // Where to go from there is not to be had: nor is what comes after.
  for (const char* expression : {kDone, "7", "'javascript:7'"}) {
    *sequence.mutable_entries(1) = sequence.entries(0);
    sequence.mutable_entries(1)->set_url_expression(expression);
    if (sequence.entries_size() == 2) *sequence.add_entries() = sequence.entries(0);
    const v1::Evidence nowhere = Collect(request);
    EXPECT_THAT(nowhere.json_values(), ElementsAre("\"here\"", "\"\"", "\"\"")) << expression;
    EXPECT_EQ(nowhere.urls_size(), 3) << expression;
    EXPECT_NE(nowhere.error(), "") << expression;
  }
}

TEST_F(WebEvidenceTest, WhatThrowsInAPageThatASequenceNamesIsAFailureToCollect) {
  ResetTo("<title>here</title>");
  v1::EvidenceRequest request;
  auto* entry = request.mutable_page_sequence()->add_entries();
  entry->set_url(site().Url("/page"));
  entry->set_expression(kDone);
  EXPECT_THAT(Collect(request).json_values(), IsEmpty());
  for (const char* expression : {kDone, "7", "'javascript:7'"}) {
    entry->set_expression("document.title");
    entry->set_url_expression(expression);
    const v1::Evidence evidence = Collect(request);
    EXPECT_THAT(evidence.json_values(), IsEmpty()) << expression;
    EXPECT_NE(evidence.error(), "") << expression;
  }
}

TEST_F(WebEvidenceTest, APageOfTheAgentsChoiceThatIsTooLargeHasNothing) {
  const std::string html = "<title>large</title><p>" + std::string(5'000'000, 'x');
  std::unique_ptr<net::HttpServer> other = Serve(html);
  v1::EvidenceRequest request;
  request.mutable_page_sequence()->add_entries()->set_url("last");
  ResetTo("<title>start</title>");
  EXPECT_EQ(Goto(UrlOf(*other)).title(), "large");
  const v1::Evidence tab = InAgentsTab("document.body.textContent");
  EXPECT_THAT(tab.json_values(), ElementsAre("null"));
  EXPECT_EQ(tab.error(), "the value is larger than 4 MiB");
  const v1::Evidence entry = Collect(request);
  EXPECT_THAT(entry.json_values(), ElementsAre("\"\""));
  EXPECT_EQ(entry.error(), "the value is larger than 4 MiB");
  // In the task's own nobody knows what there is.
  ResetTo(html);
  for (const v1::Evidence& evidence : {InAgentsTab("document.body.textContent"), Collect(request)}) {
    EXPECT_THAT(evidence.json_values(), IsEmpty());
    EXPECT_EQ(evidence.error(), "the value is larger than 4 MiB");
  }
}

TEST_F(WebEvidenceTest, AValueIsMeasuredAsUtf8BeforeItIsParsed) {
  ResetTo("<title>start</title>");
  EXPECT_EQ(InAgentsTab("Array.from({length: 2e6}, () => ({}))").error(), "the value is larger than 4 MiB");
  // The browser writes six bytes where UTF-8 has two or four for two.
  for (const char* character : {"\\u00e9", "\\ud83d\\ude00"}) {
    const std::string expression = absl::StrCat("'", character, "'.repeat(1e6)");
    const v1::Evidence kept = InAgentsTab(expression);
    EXPECT_EQ(kept.error(), "") << character;
    EXPECT_GE(kept.json_values_size(), 1) << character;
  }
  EXPECT_EQ(InAgentsTab("'\\u00e9'.repeat(3e6)").error(), "the value is larger than 4 MiB");
}

TEST_F(WebEvidenceTest, RedirectsWithoutEndOnASiteOfTheTasksOwnAreTheAgentsDoing) {
  ResetTo("<title>start</title>");
  site().Answer("/round", [](const net::HttpRequest&) {
    net::HttpResponse response;
    response.status = 302;
    response.headers = {{"Location", "/round"}};
    return response;
  });
  EXPECT_THAT(Goto(site().Url("/round")).action_error(), HasSubstr("ERR_TOO_MANY_REDIRECTS"));
  const v1::Evidence sequence = Sequence("");
  EXPECT_THAT(sequence.json_values(), ElementsAre("\"\"", "\"\"", "\"\"")) << sequence.error();
  EXPECT_THAT(InAgentsTab(kDone).json_values(), ElementsAre("null"));
}

TEST_F(WebEvidenceTest, AnAgentThatEndedWhereNothingIsLeftNothing) {
  std::unique_ptr<net::HttpServer> other = Serve("<title>other</title>");
  const std::string dead = UrlOf(*other);
  other.reset();
  ResetTo("<title>start</title>");
  EXPECT_NE(Goto(dead).action_error(), "");
  const v1::Evidence sequence = Sequence(site().Url("/page"));
  EXPECT_THAT(sequence.json_values(), ElementsAre("\"\"", "\"\"", "\"\"", "\"start\"", "\"start\"")) << sequence.error();
  EXPECT_EQ(sequence.urls_size(), 5);
  EXPECT_THAT(sequence.error(), HasSubstr("there is nothing where the agent ended"));
  const v1::Evidence expression = InAgentsTab(kDone);
  EXPECT_THAT(expression.json_values(), ElementsAre("null"));
  EXPECT_THAT(expression.error(), HasSubstr("the expression failed"));
}

TEST_F(WebEvidenceTest, APlaceOfTheAgentsChoiceThatIsGoneLeavesNothingToLoadAnew) {
  std::unique_ptr<net::HttpServer> other = Serve("<title>other</title>");
  ResetTo("<title>start</title>");
  EXPECT_EQ(Goto(UrlOf(*other)).title(), "other");
  const v1::Evidence there = Sequence("");
  EXPECT_THAT(there.json_values(), ElementsAre("\"other\"", "\"other\"", "\"other\""));
  EXPECT_EQ(there.error(), "");
  other.reset();
  const v1::Evidence gone = Sequence("");
  EXPECT_THAT(gone.json_values(), ElementsAre("\"other\"", "\"\"", "\"\""));
  EXPECT_THAT(gone.error(), HasSubstr("there is nothing where the agent ended"));
}

TEST_F(WebEvidenceTest, AnAgentThatEndedOnARequestThatNobodyTakesLeftNothing) {
  ResetTo("<title>start</title>");
  EXPECT_NE(Goto(absl::StrCat(site().Url("/page?"), std::string(70'000, 'x'))).action_error(), "");
  const v1::Evidence sequence = Sequence("");
  EXPECT_THAT(sequence.json_values(), ElementsAre("\"\"", "\"\"", "\"\"")) << sequence.error();
}

TEST_F(WebEvidenceTest, ASiteOfTheTasksOwnThatIsGoneIsAFailureToCollect) {
  std::unique_ptr<net::HttpServer> own = Serve("<title>own</title>");
  v1::StartState start;
  start.set_start_url(UrlOf(*own));
  const auto result = TryReset(start);
  ASSERT_TRUE(result.ok()) << result.status();
  own.reset();
  const v1::Evidence anew = Sequence("");
  EXPECT_THAT(anew.json_values(), IsEmpty());
  EXPECT_THAT(anew.error(), HasSubstr("the task's own site could not be loaded"));
  // What the agent's tab still shows can be read.
  EXPECT_THAT(InAgentsTab("document.title").json_values(), ElementsAre("\"own\""));
  v1::Action reload;
  reload.mutable_reload();
  EXPECT_EQ(TryAct(reload).status().code(), absl::StatusCode::kUnavailable);
  for (const v1::Evidence& evidence : {Sequence(""), InAgentsTab(kDone), InAgentsTab("document.title")}) {
    EXPECT_THAT(evidence.json_values(), IsEmpty());
    EXPECT_THAT(evidence.error(), HasSubstr("the task's own site could not be loaded"));
  }
}

}  // namespace
}  // namespace proctor::env::web
