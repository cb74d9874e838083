// Browsers that hang, crash and wear out, with real Chromium.
#include "env/web/browser_pool.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "env/web/page_settings.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace proctor::env::web {
namespace {

using ::testing::ElementsAre;
using ::testing::Not;

CallContext Soon() { return CallContext::WithTimeout(absl::Seconds(90)); }

class BrowserPoolTest : public testing::Test {
 protected:
  void SetUp() override {
    // As proctord does: a browser that is gone closes its pipe.
    signal(SIGPIPE, SIG_IGN);
    char name[] = "/tmp/proctor-test-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    root_ = name;
    chmod(name, 0755);
    options_.process.profile_root = root_;
    options_.max_browsers = 1;
    settings_ = *ResolveWebSettings({});
  }
  void TearDown() override {
    pool_.reset();
    std::filesystem::remove_all(root_);
  }

  std::unique_ptr<BrowserContext> NewContext() {
    if (pool_ == nullptr) pool_ = std::make_unique<BrowserPool>(options_);
    auto made = pool_->NewContext(Soon(), settings_, nullptr);
    EXPECT_TRUE(made.ok()) << made.status();
    return made.ok() ? *std::move(made) : nullptr;
  }
  // Whether a page of the context still does what it is told.
  static bool Works(BrowserContext& context) {
    const auto sum =
        context.devtools().Call(Soon(), context.active()->session_id(), "Runtime.evaluate",
                                {{"expression", "20+22"}, {"returnByValue", true}});
    return sum.ok() && (*sum)["result"]["value"] == 42;
  }

  // Runs a script in a page of the context and does not wait for it.
  static DevToolsReply Run(BrowserContext& context, const std::string& script) {
    return context.devtools().Send({context.active()->session_id(), "Runtime.evaluate", {{"expression", script}}});
  }

  std::string root_;
  BrowserPool::Options options_;
  v1::WebSettings settings_;
  std::unique_ptr<BrowserPool> pool_;
};

TEST_F(BrowserPoolTest, AHungBrowserIsKilledAndReplaced) {
  options_.context_cap = absl::Seconds(10);
  const auto first = NewContext();
  ASSERT_NE(first, nullptr);
  const pid_t hung = pool_->pids().at(0);
  ASSERT_EQ(kill(hung, SIGSTOP), 0);

  const auto second = NewContext();

  ASSERT_NE(second, nullptr);
  EXPECT_TRUE(Works(*second));
  EXPECT_THAT(pool_->pids(), Not(ElementsAre(hung)));
  // Whoever still uses the old one is told at once.
  EXPECT_FALSE(Works(*first));
  EXPECT_EQ(pool_->counters().hung, 1);
  EXPECT_EQ(pool_->counters().started, 2);
}

TEST_F(BrowserPoolTest, ADeadBrowserIsCountedWhenItIsReplaced) {
  const auto first = NewContext();
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(pool_->counters().running, 1);
  ASSERT_EQ(kill(pool_->pids().at(0), SIGKILL), 0);
  const auto second = NewContext();
  ASSERT_NE(second, nullptr);
  const BrowserPool::Counters counters = pool_->counters();
  EXPECT_EQ(counters.died, 1);
  EXPECT_EQ(counters.started, 2);
  EXPECT_EQ(counters.running, 1);
  EXPECT_EQ(counters.failed_starts, 0);
}

TEST_F(BrowserPoolTest, ABrowserThatCannotBeStartedIsKnownUntilOneCan) {
  BrowserPool::Options options = options_;
  options.process.executable = "/bin/false";
  BrowserPool broken(options);
  const absl::Time before = absl::Now();
  EXPECT_FALSE(broken.NewContext(Soon(), settings_, nullptr).ok());
  EXPECT_EQ(broken.counters().failed_starts, 1);
  EXPECT_EQ(broken.counters().started, 0);
  EXPECT_GE(broken.counters().failing_since, before);
  ASSERT_NE(NewContext(), nullptr);
  EXPECT_EQ(pool_->counters().failing_since, absl::InfinitePast());
}

TEST_F(BrowserPoolTest, ACallerInAHurryCostsNoBrowser) {
  const auto first = NewContext();
  ASSERT_NE(first, nullptr);
  const std::vector<pid_t> before = pool_->pids();
  EXPECT_FALSE(
      pool_->NewContext(CallContext::WithTimeout(absl::ZeroDuration()), settings_, nullptr).ok());
  EXPECT_EQ(pool_->pids(), before);
  EXPECT_TRUE(Works(*first));
}

TEST_F(BrowserPoolTest, ACallerThatGaveUpIsToldThatAndNotThatThereIsNoBrowser) {
  const CallContext given_up;
  given_up.cancel()->Cancel();
  BrowserPool pool(options_);
  EXPECT_EQ(pool.NewContext(given_up, settings_, nullptr).status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(pool.counters().failed_starts, 0);
  EXPECT_THAT(pool.pids(), testing::IsEmpty());
}

TEST_F(BrowserPoolTest, BrowsersAreRecycledAfterTheirShareOfContexts) {
  options_.recycle_after = 2;
  auto first = NewContext(), second = NewContext();
  ASSERT_NE(second, nullptr);
  const pid_t worn = pool_->pids().at(0);
  ASSERT_EQ(pool_->pids().size(), 1u);

  const auto third = NewContext();

  ASSERT_NE(third, nullptr);
  EXPECT_THAT(pool_->pids(), Not(testing::Contains(worn)));
  // It goes on for those who are in it, and ends with the last of them.
  EXPECT_TRUE(Works(*first));
  first.reset();
  EXPECT_TRUE(Works(*second));
  EXPECT_EQ(kill(worn, 0), 0);
  EXPECT_EQ(pool_->counters().recycled, 1);
  second.reset();
  EXPECT_NE(kill(worn, 0), 0);
  EXPECT_TRUE(Works(*third));
}

// What is started for those who wait may be used up by their turn.
TEST_F(BrowserPoolTest, WhoWaitsForBrowsersOfOneContextGetsOne) {
  options_.recycle_after = 1;
  options_.max_browsers = 2;
  pool_ = std::make_unique<BrowserPool>(options_);
  std::vector<std::future<bool>> all;
  for (int i = 0; i < 5; ++i) {
    all.push_back(std::async(std::launch::async, [this] {
      const auto context = NewContext();
      return context != nullptr && Works(*context);
    }));
  }
  for (std::future<bool>& each : all) EXPECT_TRUE(each.get());
  EXPECT_EQ(pool_->counters().started, 5);
}

TEST_F(BrowserPoolTest, ACrashInOneContextLeavesTheOthersAlone) {
  const auto crashing = NewContext(), other = NewContext();
  ASSERT_NE(other, nullptr);
  ASSERT_EQ(pool_->pids().size(), 1u) << "both in one browser";
  const std::shared_ptr<Tab> tab = crashing->active();
  (void)crashing->devtools().Call(Soon(), tab->session_id(), "Page.crash");
  EXPECT_TRUE(tab->crashed());
  EXPECT_TRUE(Works(*other));
  EXPECT_FALSE(other->active()->crashed());
}

// A tenant's page must not take the browser from the sessions of others.
TEST_F(BrowserPoolTest, WhatAPageSaysCostsNobodyTheBrowserHoweverMuchItIs) {
  const auto shouting = NewContext(), other = NewContext();
  ASSERT_NE(other, nullptr);
  ASSERT_EQ(pool_->pids().size(), 1u) << "both in one browser";
  const char* loud[] = {"console.log('x'.repeat(2e7))", "console.error('\\u4e00'.repeat(4e6))",
                        "setTimeout(() => { throw 'y'.repeat(2e7); })",
                        "fetch('data:,' + 'z'.repeat(2e7)).catch(() => 0)",
                        "document.title = 't'.repeat(2e7); 0"};
  for (const char* script : loud) {
    (void)Run(*shouting, script).AwaitText(Soon());
    EXPECT_TRUE(Works(*other)) << script;
    EXPECT_TRUE(Works(*shouting)) << script;
  }
  // A timer fires when it likes.
  for (int look = 0; look < 1000 && shouting->active()->console_errors().size() < 2; ++look) EXPECT_TRUE(Works(*shouting));
  EXPECT_GE(pool_->counters().dropped_messages, 4);
  EXPECT_THAT(shouting->active()->console_errors(),
              ElementsAre(testing::StartsWith("\xe4\xb8\x80"), testing::StartsWith("yyy")));
  const auto third = NewContext();
  ASSERT_NE(third, nullptr);
  EXPECT_EQ(pool_->counters().started, 1);
}

TEST_F(BrowserPoolTest, AFloodOfTheConsoleLeavesTheOtherContextsAlone) {
  const auto flooding = NewContext(), other = NewContext();
  ASSERT_NE(other, nullptr);
  const DevToolsReply flood =
      Run(*flooding, "for (const end = Date.now() + 1000; Date.now() < end;) console.error('a line ' + 'x'.repeat(1000))");
  EXPECT_TRUE(Works(*other));
  EXPECT_TRUE(flood.AwaitText(Soon()).ok());
  EXPECT_TRUE(Works(*other));
  EXPECT_TRUE(Works(*flooding));
  EXPECT_EQ(flooding->active()->console_errors().size(), 50u);
  EXPECT_TRUE(other->active()->console_errors().empty());
  ASSERT_NE(NewContext(), nullptr);
  EXPECT_EQ(pool_->counters().started, 1);
}

}  // namespace
}  // namespace proctor::env::web
