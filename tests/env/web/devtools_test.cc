#include "env/web/devtools.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "env/web/json_slices.h"
#include "env/web/tab.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace proctor::env::web {
namespace {

using ::testing::HasSubstr;

// The far end of a pipe transport: reads commands, writes what it is told.
class FakeBrowser {
 public:
  FakeBrowser() {
    int commands[2], answers[2];
    EXPECT_EQ(pipe2(commands, O_CLOEXEC), 0);
    EXPECT_EQ(pipe2(answers, O_CLOEXEC), 0);
    commands_ = NewPipeTransport(commands[0], dup(answers[1]));
    answer_fd_ = answers[1];
    devtools_ = std::make_unique<DevTools>(NewPipeTransport(answers[0], commands[1]));
  }
  ~FakeBrowser() {
    if (answer_fd_ >= 0) close(answer_fd_);
  }

  DevTools& devtools() { return *devtools_; }
  // Takes all commands and answers those named Echo, until StopReading.
  void ReadAll() {
    for (;;) {
      const absl::StatusOr<std::string> command = commands_->Read();
      if (!command.ok()) return;
      const Json json = ParseJson(*command).value();
      if (json["method"] == "Echo") Say(DumpJson({{"id", json["id"]}, {"result", Json::object()}}));
    }
  }
  void StopReading() { commands_->Close(); }
  Json NextCommand() { return ParseJson(*commands_->Read()).value(); }
  void Say(const std::string& text) { ASSERT_TRUE(commands_->Write({text}).ok()); }
  void Die() {
    commands_.reset();
    close(answer_fd_);
    answer_fd_ = -1;
  }

 private:
  std::unique_ptr<DevToolsTransport> commands_;
  int answer_fd_ = -1;
  std::unique_ptr<DevTools> devtools_;
};

CallContext Soon() { return CallContext::WithTimeout(absl::Seconds(10)); }

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
    DevTools devtools(NewPipeTransport(answers[0], commands[1], absl::Milliseconds(20)));
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

TEST(JsonSlicesTest, FindsRawMembers) {
  const std::string_view text = R"( {"a" : "x\"},{" , "b":[1,{"c":"]"}], "d":-1.5e3,"e":null} )";
  EXPECT_EQ(FindMember(text, "a"), R"("x\"},{")");
  EXPECT_EQ(FindMember(text, "b"), R"([1,{"c":"]"}])");
  EXPECT_EQ(FindMember(text, "d"), "-1.5e3");
  EXPECT_EQ(FindMember(text, "e"), "null");
  EXPECT_EQ(FindMember(text, "f"), "");
  EXPECT_EQ(PlainString(R"("abc")"), "abc");
}

TEST(JsonSlicesTest, RefusesWhatIsNotAnObject) {
  for (const char* bad : {"", "[", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":\"\\\"}", "{a:1}", "{\"a\":1,}", "{\"a\":[}"}) {
    EXPECT_FALSE(ForEachMember(bad, [](auto, auto) {})) << bad;
  }
  EXPECT_TRUE(ForEachMember("{}", [](auto, auto) {}));
}

}  // namespace
}  // namespace proctor::env::web
