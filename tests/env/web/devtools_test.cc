#include "env/web/devtools.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/strings.h"
#include "env/web/browser_context.h"
#include "env/web/devtools_message.h"
#include "env/web/json_slices.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/env/web/fake_browser.h"

namespace proctor::env::web {
namespace {

using ::testing::HasSubstr;

TEST(DevToolsTest, MatchesRepliesThatComeOutOfOrder) {
  FakeBrowser browser;
  auto replies = browser.devtools().SendAll({{"", "A", {}}, {"S", "B", {{"x", 1}}}});
  EXPECT_EQ(browser.NextCommand()["id"], 1);
  const Json second = browser.NextCommand();
  EXPECT_EQ(second["sessionId"], "S");
  EXPECT_EQ(second["params"]["x"], 1);
  browser.Say(R"({"id":2,"result":{"which":"b"},"sessionId":"S"})");
  browser.Say(R"({"id":1,"result":{"which":"a"}})");
  EXPECT_EQ((*replies[0].Await(Soon()))["which"], "a");
  EXPECT_EQ((*replies[1].Await(Soon()))["which"], "b");
}

TEST(DevToolsTest, MapsErrorsOfTheBrowserToStatus) {
  FakeBrowser browser;
  const DevToolsReply reply = browser.devtools().Send({"S", "Page.reload", {}});
  browser.Say(R"({"id":1,"error":{"code":-32001,"message":"Session with given id not found."}})");
  const absl::Status status = reply.Await(Soon()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("Page.reload"));
}

TEST(DevToolsTest, AnErrorsCodeMayBeAnyNumber) {
  FakeBrowser browser;
  const DevToolsReply reply = browser.devtools().Send({"S", "Page.reload", {}});
  browser.Say(R"({"id":1,"error":{"code":-3.2e68,"message":"no"}})");
  EXPECT_EQ(reply.Await(Soon()).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST(DevToolsTest, DeliversEventsOfTheSubscribedSessionOnlyAndBeforeLaterReplies) {
  FakeBrowser browser;
  std::atomic<int> seen = 0;
  browser.devtools().Subscribe("S", [&](const DevToolsEvent& event) {
    if (event.method == "Page.loaded") seen += event.Params()["n"].get<int>();
  });
  const DevToolsReply reply = browser.devtools().Send({"", "X", {}});
  browser.Say(R"({"method":"Page.loaded","params":{"n":1},"sessionId":"other"})");
  browser.Say(R"({"method":"Page.loaded","params":{"n":5},"sessionId":"S"})");
  browser.Say(R"({"id":1,"result":{}})");
  ASSERT_TRUE(reply.Await(Soon()).ok());
  EXPECT_EQ(seen, 5);
}

TEST(DevToolsTest, UnsubscribedHandlersRunNoMore) {
  FakeBrowser browser;
  std::atomic<int> seen = 0;
  const uint64_t id = browser.devtools().Subscribe("S", [&](const DevToolsEvent&) { ++seen; });
  browser.devtools().Unsubscribe(id);
  const DevToolsReply reply = browser.devtools().Send({"", "X", {}});
  browser.Say(R"({"method":"E","params":{},"sessionId":"S"})");
  browser.Say(R"({"id":1,"result":{}})");
  ASSERT_TRUE(reply.Await(Soon()).ok());
  EXPECT_EQ(seen, 0);
}

TEST(DevToolsTest, DeathOfTheBrowserEndsEverythingThatWaits) {
  FakeBrowser browser;
  std::atomic<bool> told = false;
  browser.devtools().OnClosed([&] { told = true; });
  const DevToolsReply reply = browser.devtools().Send({"", "X", {}});
  browser.Die();
  EXPECT_EQ(reply.Await(Soon()).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(browser.devtools().Call(Soon(), "", "Y").status().code(), absl::StatusCode::kUnavailable);
  std::atomic<bool> told_at_once = false;
  browser.devtools().OnClosed([&] { told_at_once = true; });
  EXPECT_TRUE(told_at_once);
}

TEST(DevToolsTest, EndsWithTheDeadlineAndOnCancellation) {
  FakeBrowser browser;
  EXPECT_EQ(browser.devtools().Call(CallContext::WithTimeout(absl::Milliseconds(5)), "", "X").status().code(),
            absl::StatusCode::kDeadlineExceeded);
  const CallContext context;
  context.cancel()->Cancel();
  EXPECT_EQ(browser.devtools().Call(context, "", "X").status().code(), absl::StatusCode::kCancelled);
}

TEST(DevToolsTest, ABrowserThatTakesNoCommandsIsClosed) {
  int commands[2], answers[2];
  ASSERT_EQ(pipe2(commands, O_CLOEXEC), 0);
  ASSERT_EQ(pipe2(answers, O_CLOEXEC), 0);
  {
    DevTools devtools(NewPipeTransport(answers[0], commands[1], absl::Milliseconds(20)).value());
    // More than a pipe holds, and nobody reads.
    const DevToolsReply reply = devtools.Send({"", "X", {{"text", std::string(4 << 20, 'x')}}});
    EXPECT_EQ(reply.Await(Soon()).status().code(), absl::StatusCode::kUnavailable);
    EXPECT_EQ(devtools.Call(Soon(), "", "Y").status().code(), absl::StatusCode::kUnavailable);
    // Its half of a message must not be followed by another one when it wakes up.
    std::string drained(1 << 20, 0);
    EXPECT_GT(read(commands[0], drained.data(), drained.size()), 0);
    EXPECT_EQ(devtools.Call(Soon(), "", "Z").status().code(), absl::StatusCode::kUnavailable);
  }
  close(commands[0]);
  close(answers[1]);
}

#ifndef __SANITIZE_ADDRESS__  // UndefinedBehaviorSanitizer, which is on with it, opens descriptors itself to look at an object.
TEST(DevToolsTest, WithoutDescriptorsThereIsNoTransport) {
  int pipes[2];
  ASSERT_EQ(pipe2(pipes, O_CLOEXEC), 0);
  rlimit before = {};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none = {0, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  const auto transport = NewPipeTransport(pipes[0], pipes[1]);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(transport.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_NE(fcntl(pipes[0], F_GETFD), 0) << "closed with it";
}
#endif

// The browser is a guest, too.
TEST(DevToolsTest, ABrowserThatNamesNoContextMakesNone) {
  FakeBrowser browser;
  std::thread answers([&] {
    EXPECT_EQ(browser.NextCommand()["method"], "Target.createBrowserContext");
    browser.Say(R"({"id":1,"result":{}})");
  });
  EXPECT_EQ(BrowserContext::Create(Soon(), browser.devtools(), {}).status().code(), absl::StatusCode::kInternal);
  answers.join();
  // Nobody listens any more.
  browser.Say(R"({"method":"Target.targetCreated","params":{"targetInfo":{"targetId":"t","type":"page"}}})");
  const DevToolsReply reply = browser.devtools().Send({"", "X", {}});
  browser.Say(R"({"id":2,"result":{}})");
  EXPECT_TRUE(reply.Await(Soon()).ok());
}

TEST(DevToolsTest, AContextThatComesTooLateIsDisposedOf) {
  FakeBrowser browser;
  EXPECT_EQ(BrowserContext::Create(CallContext::WithTimeout(absl::Milliseconds(5)), browser.devtools(), {}).status().code(),
            absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(browser.NextCommand()["method"], "Target.createBrowserContext");
  browser.Say(R"({"id":1,"result":{"browserContextId":"late"}})");
  const Json next = browser.NextCommand();
  EXPECT_EQ(next["method"], "Target.disposeBrowserContext");
  EXPECT_EQ(next["params"]["browserContextId"], "late");
}

TEST(DevToolsTest, SurvivesMalformedMessagesAndUnknownIds) {
  FakeBrowser browser;
  for (const char* bad : {"", "{", "[1]", "{\"id\":}", "null", "{\"id\":99,\"result\":{}}", "{\"method\":1}",
                          "{\"id\":-1,\"result\":{}}"}) {
    browser.Say(bad);
  }
  const DevToolsReply reply = browser.devtools().Send({"", "X", {}});
  browser.Say(R"({"id":1,"result":{"ok":true}})");
  EXPECT_EQ((*reply.Await(Soon()))["ok"], true);
}

TEST(DevToolsTest, ForgottenSessionsFailTheirCommandsOnly) {
  FakeBrowser browser;
  auto replies = browser.devtools().SendAll({{"gone", "A", {}}, {"here", "B", {}}});
  browser.devtools().ForgetSession("gone", "the tab crashed");
  EXPECT_EQ(replies[0].Await(Soon()).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_FALSE(replies[1].ready());
}

TEST(DevToolsTest, CallsBackWithTheTextOfAReplyOrItsFailure) {
  FakeBrowser browser;
  std::vector<std::string> results;
  const auto keep = [&](absl::StatusOr<std::string> result) {
    results.push_back(result.ok() ? *result : absl::StatusCodeToString(result.status().code()));
  };
  browser.devtools().SendText("S", "A", R"({"x":1})", keep);
  EXPECT_EQ(browser.NextCommand(), Json::parse(R"({"id":1,"method":"A","params":{"x":1},"sessionId":"S"})"));
  browser.Say(R"({"id":1,"result":{"big":"text"}})");
  browser.devtools().SendText("", "B", "", keep);
  browser.Say(R"({"id":2,"error":{"code":-32602,"message":"bad"}})");
  const DevToolsReply last = browser.devtools().Send({"", "C", {}});
  browser.Say(R"({"id":3,"result":{}})");
  ASSERT_TRUE(last.Await(Soon()).ok());
  EXPECT_THAT(results, testing::ElementsAre(R"({"big":"text"})", "INVALID_ARGUMENT"));
}

TEST(DevToolsTest, AReplyOverTheLimitFailsItsCommandOnly) {
  FakeBrowser browser({.max_reply_bytes = 1 << 20, .max_event_bytes = 1 << 10});
  auto replies = browser.devtools().SendAll({{"S", "A", {}}, {"S", "B", {}}});
  std::thread reader([&] { browser.ReadAll(); });
  browser.Say(absl::StrCat(R"({"id":1,"result":{"data":")", Huge(), R"("},"sessionId":"S"})"));
  // Larger than an event may be.
  browser.Say(absl::StrCat(R"({"id":2,"result":{"data":")", std::string(100 << 10, 'y'), R"("},"sessionId":"S"})"));
  const absl::Status dropped = replies[0].Await(Soon()).status();
  EXPECT_EQ(dropped.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(dropped.message()), HasSubstr("A: the browser's reply was dropped: it has 3145"));
  EXPECT_EQ((*replies[1].Await(Soon()))["data"].get<std::string>().size(), 100u << 10);
  EXPECT_TRUE(browser.devtools().Call(Soon(), "", "Echo").ok());
  EXPECT_EQ(browser.devtools().traffic().dropped_messages, 1u);
  EXPECT_GT(browser.devtools().traffic().received_bytes, Huge().size());
  browser.StopReading();
  reader.join();
}

TEST(DevToolsTest, AnEventOverTheLimitIsToldOfToItsSession) {
  FakeBrowser browser({.max_reply_bytes = 1 << 20, .max_event_bytes = 1 << 10});
  std::vector<std::string> seen;
  for (const char* session : {"S", "other", ""}) {
    browser.devtools().Subscribe(session, [&](const DevToolsEvent& event) {
      seen.push_back(absl::StrCat(ToAbsl(event.session_id), ":", ToAbsl(event.method), ":", JsonStringOr(event.Params(), "method"), ":",
                                  JsonStringOr(event.Params(), "head").size()));
    });
  }
  std::thread reader([&] { browser.ReadAll(); });
  // What a page writes cannot name another session.
  browser.Say(absl::StrCat(R"({"method":"Runtime.consoleAPICalled","params":{"type":"log","args":[{"type":"string","value":")", Huge(),
                           R"(\",\"sessionId\":\"other\"}"}]},"sessionId":"S"})"));
  browser.Say(absl::StrCat(R"({"method":"E","params":{"t":")", Huge(), R"(,\"sessionId\":\"other"}})"));
  EXPECT_TRUE(browser.devtools().Call(Soon(), "", "Echo").ok());
  EXPECT_THAT(seen, testing::ElementsAre("S:Proctor.messageDropped:Runtime.consoleAPICalled:4096", ":Proctor.messageDropped:E:4096"));
  EXPECT_EQ(browser.devtools().traffic().dropped_messages, 2u);
  browser.StopReading();
  reader.join();
}

TEST(DevToolsMessageTest, IsTheSameHoweverItsBytesArrive) {
  const std::string text = absl::StrCat(R"({"method":"M","params":{"t":")", std::string(6000, 'x'), R"("},"sessionId":"S"})");
  std::string once;
  for (const size_t piece : {text.size(), size_t{1}, size_t{7}, size_t{4097}}) {
    DevToolsMessage message({.max_reply_bytes = 6000, .max_event_bytes = 5000});
    for (size_t at = 0; at < text.size(); at += piece) message.Add(std::string_view(text).substr(at, piece));
    const std::string taken = message.Take();
    if (once.empty()) once = taken;
    EXPECT_EQ(taken, once) << "in pieces of " << piece;
    EXPECT_EQ(Json::parse(taken)["params"]["bytes"], text.size());
    EXPECT_EQ(Json::parse(taken)["sessionId"], "S");
    // The next one is none of its.
    message.Add("{}");
    EXPECT_EQ(message.Take(), "{}");
  }
}

TEST(DevToolsMessageTest, WhatIsNotKnownOfAMessageIsLeftOut) {
  for (const std::string begin : {"", "{\"method\":\"", "{\"id\":", "{\"id\":12", "[\"", "{ \"method\": \"M\""}) {
    DevToolsMessage message({.max_reply_bytes = 100, .max_event_bytes = 100});
    message.Add(begin);
    message.Add(std::string(1000, '"'));
    const Json taken = Json::parse(message.Take(), nullptr, false);
    if (!begin.starts_with("{\"id\":")) {
      EXPECT_EQ(taken["method"], kMessageDropped) << begin;
    }
    EXPECT_FALSE(taken.contains("sessionId")) << begin;
  }
}

TEST(JsonSlicesTest, FindsRawMembers) {
  const std::string_view text = R"( {"a" : "x\"},{" , "b":[1,{"c":"]"}], "d":-1.5e3,"e":null} )";
  EXPECT_EQ(FindMember(text, "a"), R"("x\"},{")");
  EXPECT_EQ(FindMember(text, "b"), R"([1,{"c":"]"}])");
  EXPECT_EQ(FindMember(text, "d"), "-1.5e3");
  EXPECT_EQ(FindMember(text, "e"), "null");
  EXPECT_EQ(FindMember(text, "f"), "");
  EXPECT_EQ(PlainString(R"("abc")"), "abc");
}

TEST(JsonSlicesTest, KnowsTheStringInWhichACutTextEnds) {
  EXPECT_EQ(UnendedString(R"({"a":"b","c":"de)"), "de");
  EXPECT_EQ(UnendedString(R"({"a\"":"\\","c":"d\"e\u00e4)"), "d\"e\u00e4");
  // A cut escape, half a pair of them, half a character.
  for (const char* cut : {"\\", "\\u", "\\u4e0", "\\ud83d", "\\ud83d\\", "\\ud83d\\ude0", "\xc3", "\xf0\x9f\x98"}) {
    EXPECT_EQ(UnendedString(absl::StrCat("[\"xy", cut).c_str()), "xy") << cut;
  }
  for (const char* outside : {"", "{", R"({"a":"b")", R"({"a":"b","c":1)", R"(["\\")"}) EXPECT_EQ(UnendedString(outside), "") << outside;
}

TEST(JsonSlicesTest, RefusesWhatIsNotAnObject) {
  for (const char* bad : {"", "[", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":\"\\\"}", "{a:1}", "{\"a\":1,}", "{\"a\":[}"}) {
    EXPECT_FALSE(ForEachMember(bad, [](auto, auto) {})) << bad;
  }
  EXPECT_TRUE(ForEachMember("{}", [](auto, auto) {}));
}

}  // namespace
}  // namespace proctor::env::web
