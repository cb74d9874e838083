// What a tab is busy with, by the events of a navigation in the orders in which browsers tell them.
#include "env/web/page_activity.h"

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace proctor::env::web {
namespace {

using Busy = PageActivity::Busy;

class PageActivityTest : public testing::Test {
 protected:
  PageActivityTest() { activity_.MarkActionStart(); }

  void Event(const std::string& method, const std::string& params) {
    activity_.OnEvent({.session_id = "page", .method = method, .params_text = params});
  }
  void Page(const std::string& method) { Event("Page." + method, R"({"frameId":"T"})"); }
  void Starts() { Page("frameStartedLoading"); }
  void Commits() { Event("Page.frameNavigated", R"({"frame":{"id":"T"}})"); }
  void Stops() { Page("frameStoppedLoading"); }
  void Requests(const std::string& id, const std::string& type = "Document") {
    Event("Network.requestWillBeSent", absl::StrCat(R"({"requestId":")", id, R"(","loaderId":"L","frameId":"T","type":")", type,
                                                    R"(","request":{"url":"http://a/"}})"));
  }
  void Finishes(const std::string& id) { Event("Network.loadingFinished", absl::StrCat(R"({"requestId":")", id, R"("})")); }
  // A document that is there, and that the browser still calls loading.
  void Arrives() {
    Starts();
    Requests("d");
    Commits();
    Finishes("d");
  }

  std::optional<int64_t> Arrival() { return ArrivalWithin(absl::ZeroDuration()); }
  std::optional<int64_t> ArrivalWithin(absl::Duration timeout) { return activity_.AwaitArrival(CallContext::WithTimeout(timeout)); }

  PageActivity activity_{"T"};
};

TEST_F(PageActivityTest, ADocumentArrivesWithAllThatWasRequestedForIt) {
  EXPECT_EQ(Arrival(), std::nullopt) << "nothing loads";
  Starts();
  EXPECT_EQ(Arrival(), std::nullopt) << "the old document is still there";
  Requests("d");
  Commits();
  EXPECT_EQ(Arrival(), std::nullopt) << "its end is to come";
  Requests("image", "Image");
  Finishes("d");
  EXPECT_EQ(Arrival(), std::nullopt) << "its picture is to come";
  Finishes("image");
  EXPECT_EQ(Arrival(), activity_.changes());
  EXPECT_EQ(activity_.busy(), Busy::kNavigation);
}

TEST_F(PageActivityTest, WaitingForAnArrivalEndsWithTheNavigation) {
  Arrives();
  Requests("poll", "Fetch");
  Stops();
  // A request that goes on is none of the navigation's.
  EXPECT_EQ(ArrivalWithin(absl::Hours(1)), std::nullopt);
  EXPECT_EQ(activity_.busy(), Busy::kRequests);
}

TEST_F(PageActivityTest, WaitingForAnArrivalEndsWithTheTab) {
  Starts();
  activity_.Gone();
  EXPECT_EQ(ArrivalWithin(absl::Hours(1)), std::nullopt);
}

TEST_F(PageActivityTest, ThatACompleteDocumentStoppedLoadingIsNoChange) {
  Arrives();
  const auto changes = activity_.DocumentComplete(*Arrival());
  ASSERT_TRUE(changes.has_value());
  EXPECT_EQ(activity_.busy(), Busy::kIdle);
  Stops();
  EXPECT_EQ(activity_.changes(), *changes);
  // The next one is told as ever.
  Arrives();
  Stops();
  EXPECT_GT(activity_.changes(), *changes);
}

TEST_F(PageActivityTest, ADocumentMayStopLoadingBeforeItIsKnownToBeComplete) {
  Arrives();
  const auto arrival = Arrival();
  Stops();
  EXPECT_EQ(activity_.DocumentComplete(*arrival), activity_.changes());
  const int64_t changes = activity_.changes();
  Stops();
  EXPECT_GT(activity_.changes(), changes) << "another one than that which was told";
}

TEST_F(PageActivityTest, OneThatSaysItIsNotCompleteIsAskedAgainOnceItStopped) {
  Arrives();
  const auto arrival = Arrival();
  const int64_t changes = activity_.changes();
  EXPECT_EQ(activity_.busy(), Busy::kNavigation);
  Stops();
  EXPECT_TRUE(arrival.has_value());
  EXPECT_GT(activity_.changes(), changes);
}

TEST_F(PageActivityTest, WhatHappensAfterAnArrivalOutdatesIt) {
  Arrives();
  const auto arrival = Arrival();
  Requests("script", "Script");
  Finishes("script");
  EXPECT_EQ(activity_.DocumentComplete(*arrival), std::nullopt);
  EXPECT_EQ(activity_.busy(), Busy::kNavigation);
}

// Chromium does not say a second time that loading starts before it said that it stopped.
TEST_F(PageActivityTest, ACompleteDocumentThatGoesOnElsewhereLoadsAgain) {
  Arrives();
  ASSERT_TRUE(activity_.DocumentComplete(*Arrival()).has_value());
  Requests("next");
  Commits();
  Finishes("next");
  EXPECT_EQ(activity_.busy(), Busy::kNavigation);
  const int64_t changes = activity_.changes();
  Stops();
  EXPECT_EQ(activity_.busy(), Busy::kIdle);
  EXPECT_GT(activity_.changes(), changes);
}

// Only an http:// reply for the document, with the proxy's own mark, is the proxy's.
TEST_F(PageActivityTest, TheProxysOwnReplyIsALoadErrorUntilTheNextNavigation) {
  activity_.SetProxyMark("abc");
  const auto answer = [&](const std::string& type, const std::string& response) {
    Requests("d", type);
    Event("Network.responseReceived", absl::StrCat(R"({"requestId":"d","response":)", response, "}"));
    Finishes("d");
    return activity_.load_error().text;
  };
  const auto reply = [](const std::string& url, const std::string& header, const std::string& value) {
    return absl::StrCat(R"({"status":403,"url":")", url, R"(","headers":{"A":"b",")", header, R"(":")", value, R"("}})");
  };
  const std::string own = reply("http://a/", "Proctor-Egress-Failure", "abc refused: why");
  EXPECT_EQ(answer("Document", own), "refused: why");
  EXPECT_EQ(activity_.load_error().url, "http://a/");
  activity_.NavigationBegins();
  EXPECT_EQ(activity_.load_error().text, "");
  EXPECT_EQ(answer("Document", reply("http://a/", "proctor-egress-failure", "abc why")), "why");
  EXPECT_EQ(answer("Document", reply("http://a/", "Proctor-Egress-Failure", "abd why")), "");
  EXPECT_EQ(answer("Document", reply("http://a/", "Proctor-Egress-Failure", "abcwhy")), "");
  EXPECT_EQ(answer("Document", reply("https://a/", "Proctor-Egress-Failure", "abc why")), "");
  EXPECT_EQ(answer("Image", own), "");
  EXPECT_EQ(answer("Document", R"({"fromServiceWorker":true,)" + own.substr(1)), "");
  for (const char* broken : {"null", "[]", R"({"url":"http://a/","headers":[]})", R"({"url":"http://a/","headers":{"Proctor-Egress-Failure":1}})"}) {
    EXPECT_EQ(answer("Document", broken), "") << broken;
  }
}

TEST_F(PageActivityTest, ADocumentIsAnsweredByItsServerAndNotByTheProxy) {
  activity_.SetProxyMark("abc");
  const auto answer = [&](const std::string& headers) {
    Requests("d");
    Event("Network.responseReceived",
          absl::StrCat(R"({"requestId":"d","response":{"status":502,"url":"http://a/","headers":{)", headers, "}}}"));
    Finishes("d");
    return activity_.answered_url();
  };
  EXPECT_EQ(activity_.answered_url(), "");
  EXPECT_EQ(answer(R"("Proctor-Egress-Failure":"abc cannot connect")"), "");
  EXPECT_EQ(answer(""), "http://a/");
  Requests("e", "Image");
  Event("Network.responseReceived", R"({"requestId":"e","response":{"status":200,"url":"http://b/"}})");
  EXPECT_EQ(activity_.answered_url(), "http://a/");
}

TEST_F(PageActivityTest, AnAnswerWithoutABodyIsNoFailureToLoad) {
  const auto fail = [&](const std::string& error) {
    Requests("d");
    Event("Network.responseReceived", R"({"requestId":"d","response":{"status":404,"url":"http://a/"}})");
    Event("Network.loadingFailed", absl::StrCat(R"({"requestId":"d","errorText":")", error, R"("})"));
    return activity_.load_error().text;
  };
  EXPECT_EQ(fail(std::string(kEmptyRefusal)), "");
  EXPECT_EQ(activity_.document_status(), 404);
  EXPECT_EQ(fail("net::ERR_CONNECTION_RESET"), "net::ERR_CONNECTION_RESET");
}

TEST_F(PageActivityTest, ADocumentIsFollowedHoweverManyRequestsThereAre) {
  // More than are kept.
  for (int i = 0; i < 5000; ++i) Requests(absl::StrCat("r", i), "Fetch");
  Starts();
  Requests("d");
  Event("Network.responseReceived", R"({"requestId":"d","response":{"status":404,"mimeType":"text/html","url":"http://a/"}})");
  EXPECT_EQ(activity_.document_status(), 404);
  EXPECT_EQ(activity_.answered_url(), "http://a/");
  Event("Network.loadingFailed", R"({"requestId":"d","errorText":"net::ERR_CONNECTION_RESET"})");
  EXPECT_EQ(activity_.load_error().text, "net::ERR_CONNECTION_RESET");
  EXPECT_TRUE(activity_.load_error().partial);
}

TEST_F(PageActivityTest, EventsOfOtherFramesAndBrokenOnesSayNothingOfTheDocument) {
  Arrives();
  const auto arrival = Arrival();
  Event("Page.frameStoppedLoading", R"({"frameId":"child"})");
  for (const char* params : {"", "[]", "null", "{", R"({"frameId":7})"}) Event("Page.frameStoppedLoading", params);
  EXPECT_EQ(activity_.busy(), Busy::kNavigation);
  EXPECT_TRUE(activity_.DocumentComplete(*arrival).has_value());
}

}  // namespace
}  // namespace proctor::env::web
