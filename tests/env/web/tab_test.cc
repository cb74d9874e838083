// Tabs of a browser that says what it is told to.
#include "env/web/tab.h"

#include <algorithm>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/strings.h"
#include "env/web/browser_context.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/env/web/fake_browser.h"

namespace proctor::env::web {
namespace {

TEST(TabTest, ErrorsOfTheConsoleAreToldByTheirBeginningHoweverLargeTheyAre) {
  FakeBrowser browser({.max_reply_bytes = 1 << 20, .max_event_bytes = 1 << 20});
  std::thread reader([&] { browser.ReadAll(); });
  const auto tab = std::make_shared<Tab>(browser.devtools(), "P", "T", "");
  tab->Start({});
  const auto say = [&](std::string_view type, const std::string& text) {
    browser.Say(absl::StrCat(R"({"method":"Runtime.consoleAPICalled","params":{"type":")", ToAbsl(type),
                             R"(","args":[{"type":"string","value":")", text, R"("}],"executionContextId":1},"sessionId":"P"})"));
  };
  const std::string large(200 << 10, 'y');
  for (const char* type : {"error", "log"}) {
    say(type, absl::StrCat("dropped ", type, Huge()));
    say(type, absl::StrCat("large ", type, large));
    say(type, absl::StrCat("small ", type));
  }
  browser.Say(absl::StrCat(R"({"method":"Runtime.exceptionThrown","params":{"timestamp":1,"exceptionDetails":{"exceptionId":1,"text":)",
                           R"("Uncaught","exception":{"type":"string","value":"thrown )", Huge(), R"("}}},"sessionId":"P"})"));
  browser.Say(absl::StrCat(R"({"method":"Runtime.exceptionThrown","params":{"exceptionDetails":{"text":"Uncaught","frames":[)",
                           std::string(2 << 20, '0'), R"(]}},"sessionId":"P"})"));
  EXPECT_TRUE(browser.devtools().Call(Soon(), "", "Echo").ok());
  const std::vector<std::string> told = tab->TakeConsoleErrors();
  using ::testing::StartsWith;
  EXPECT_THAT(told, testing::ElementsAre(StartsWith("dropped errorxxx"), StartsWith("large erroryyy"), "small error",
                                         StartsWith("thrown xxx"), StartsWith("an error of 2097")));
  for (const std::string& text : told) EXPECT_LE(text.size(), 1000u);
  tab->Stop();
  browser.StopReading();
  reader.join();
}

TEST(TabTest, AFrameThatIsGoneFailsItsCommandsAndIsHeardNoMore) {
  FakeBrowser browser;
  std::thread reader([&] { browser.ReadAll(); });
  const auto tab = std::make_shared<Tab>(browser.devtools(), "P", "T", "");
  tab->Start({});
  browser.Say(R"({"method":"Target.attachedToTarget","sessionId":"P",
                  "params":{"sessionId":"F","targetInfo":{"targetId":"C","type":"iframe"}}})");
  const DevToolsReply unanswered = browser.devtools().Send({"F", "X", {}});

  browser.Say(
      R"({"method":"Target.detachedFromTarget","sessionId":"P","params":{"sessionId":"F"}})");
  EXPECT_EQ(unanswered.Await(Soon()).status().code(), absl::StatusCode::kUnavailable);

  browser.Say(
      R"({"method":"Page.javascriptDialogOpening","sessionId":"F","params":{"type":"alert","message":"late"}})");
  EXPECT_TRUE(browser.devtools().Call(Soon(), "", "Echo").ok());
  EXPECT_TRUE(tab->TakeDialogs().empty());
  tab->Stop();
  browser.StopReading();
  reader.join();
}

TEST(TabTest, AFrameThatCrashedIsNotTheTabsCrash) {
  FakeBrowser browser;
  std::thread reader([&] { browser.ReadAll(); });
  const auto tab = std::make_shared<Tab>(browser.devtools(), "P", "T", "");
  tab->Start({});
  browser.Say(R"({"method":"Target.attachedToTarget","sessionId":"P",
                  "params":{"sessionId":"F","targetInfo":{"targetId":"C","type":"iframe"}}})");
  const std::vector<DevToolsReply> asked = browser.devtools().SendAll({{"F", "X", {}}, {"P", "X", {}}});

  browser.Say(R"({"method":"Inspector.targetCrashed","sessionId":"F","params":{}})");
  EXPECT_EQ(asked[0].Await(Soon()).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_FALSE(asked[1].ready());
  EXPECT_FALSE(tab->crashed());
  EXPECT_EQ(tab->activity().busy(), PageActivity::Busy::kIdle);

  browser.Say(R"({"method":"Inspector.targetCrashed","sessionId":"P","params":{}})");
  EXPECT_EQ(asked[1].Await(Soon()).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(tab->crashed());
  EXPECT_EQ(tab->activity().busy(), PageActivity::Busy::kGone);
  tab->Stop();
  browser.StopReading();
  reader.join();
}

TEST(TabTest, RequestsTooLargeForAnEventGoOnAndGetNoPassword) {
  FakeBrowser browser({.max_reply_bytes = 1 << 20, .max_event_bytes = 1 << 20});
  std::thread reader([&] { browser.ReadAll(); });
  const auto tab = std::make_shared<Tab>(browser.devtools(), "P", "T", "");
  TabSetUp set_up;
  set_up.credentials["http://a"].set_password("secret");
  tab->Start(set_up);
  for (const char* method : {"requestPaused", "authRequired"}) {
    browser.Say(absl::StrCat(R"({"method":"Fetch.)", method, R"(","params":{"requestId":"of )", method,
                             R"(","request":{"url":"http://a/","postData":")", Huge(),
                             R"("},"authChallenge":{"source":"Server","origin":"http://a"}},"sessionId":"P"})"));
  }
  EXPECT_TRUE(browser.devtools().Call(Soon(), "", "Echo").ok());
  tab->Stop();
  browser.StopReading();
  reader.join();
  Json answers = Json::array();
  for (const Json& command : browser.taken()) {
    if (command["method"] == "Fetch.continueRequest" || command["method"] == "Fetch.continueWithAuth") answers.push_back(command["params"]);
  }
  EXPECT_EQ(answers, Json::parse(R"([{"requestId":"of requestPaused"},
                                     {"requestId":"of authRequired","authChallengeResponse":{"response":"CancelAuth"}}])"));
}

TEST(TabTest, OneThatHasClosedItselfIsNeitherShownNorClosedAgain) {
  FakeBrowser browser;
  std::thread reader([&] { browser.ServeContext(); });
  auto context = BrowserContext::Create(Soon(), browser.devtools(), {});
  ASSERT_TRUE(context.ok()) << context.status();
  const std::shared_ptr<Tab> first = (*context)->active();
  const auto second = (*context)->OpenTab(Soon(), BrowserContext::TabUse::kAgent);
  ASSERT_TRUE(second.ok()) << second.status();

  browser.Say(R"({"method":"Target.targetDestroyed","params":{"targetId":"T2"}})");
  EXPECT_TRUE(browser.devtools().Call(Soon(), "", "Echo").ok());
  EXPECT_EQ((*context)->active(), first);
  (*context)->SetActive(*second);
  EXPECT_EQ((*context)->active(), first);
  EXPECT_TRUE((*context)->CloseTab(Soon(), *second).ok());
  EXPECT_EQ((*context)->tabs().size(), 1u);

  context->reset();
  browser.StopReading();
  reader.join();
  const auto& taken = browser.taken();
  EXPECT_TRUE(std::none_of(taken.begin(), taken.end(), [](const Json& command) { return command["method"] == "Target.closeTarget"; }));
}

TEST(TabTest, WhatAPageOpensMeanwhileIsNotTakenForTheTabThatWasAskedFor) {
  FakeBrowser browser;
  // Told of before the browser answers which tab it made.
  browser.SetBeforeTab([&](int tab) {
    if (tab == 2) browser.Attach("S0", {{"targetId", "T0"}, {"type", "page"}, {"browserContextId", "C"}});
  });
  std::thread reader([&] { browser.ServeContext(); });
  auto context = BrowserContext::Create(Soon(), browser.devtools(), {});
  ASSERT_TRUE(context.ok()) << context.status();
  const auto evidence = (*context)->OpenTab(Soon(), BrowserContext::TabUse::kEvidence);
  ASSERT_TRUE(evidence.ok()) << evidence.status();
  EXPECT_EQ((*evidence)->target_id(), "T2");
  ASSERT_EQ((*context)->tabs().size(), 2u);
  EXPECT_EQ((*context)->active()->target_id(), "T0");
  EXPECT_THAT((*context)->TakeNotices(), testing::ElementsAre(testing::HasSubstr("opened a new tab")));
  context->reset();
  browser.StopReading();
  reader.join();
}

}  // namespace
}  // namespace proctor::env::web
