// Tabs that close themselves, or that their opener closes, whatever is done with them meanwhile.
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/env/web/web_fixture.h"

namespace proctor::env::web {
namespace {

class ClosingTabsTest : public WebWorldTestBase {
 protected:
  // Before what it lives on.
  void TearDown() override { world_.reset(); }

  // A world in whose browser frames of other sites have processes of their own, which can be busy for themselves.
  void OpenIsolating() {
    BrowserPool::Options options = Shared::MakeOptions(shared_->profile_root);
    options.process.extra_arguments = {"--site-per-process"};
    pool_ = std::make_unique<BrowserPool>(options);
    WebEnvironment::Options environment_options;
    environment_options.default_policy.allow_private = true;
    environment_ = std::make_unique<WebEnvironment>(environment_options, *pool_, proxy(), background_);
    auto world = environment_->Open(Within(absl::Seconds(30)), {});
    ASSERT_TRUE(world.ok()) << world.status();
    world_ = *std::move(world);
  }

  // What the active tab's page makes of it.
  void Evaluate(const std::string& expression) {
    v1::EvidenceRequest request;
    request.mutable_page_expression()->set_expression(expression);
    EXPECT_EQ(world_->Collect(Within(absl::Seconds(20)), {request}).at(0).error(), "");
  }

 private:
  std::unique_ptr<BrowserPool> pool_;
  ThreadPool background_{"closing-test", 2};
  std::unique_ptr<WebEnvironment> environment_;
};

TEST_F(ClosingTabsTest, OneThatClosesWhileItIsLookedAtGivesTheOpenerBack) {
  OpenIsolating();
  site().Answer("/late", [](const net::HttpRequest&) {
    net::HttpResponse response = TestSite::Html("");
    response.delay = absl::Seconds(1);
    return response;
  });
  site().Page("/told", "");
  // So much to look at that it is gone before it has answered, but for a machine that is slow to close it.
  site().Page("/popup", "<title>popup</title><script>document.write('<button>Press</button>'.repeat(5000))</script>");
  ResetTo(absl::StrCat("<title>opener</title><script>let popup;onmessage=()=>{popup.close();fetch('/told')}</script>",
                       "<button onclick=\"popup=window.open('", site().Url("/popup", "localhost"), "')\">Open</button>"));
  ASSERT_EQ(Click("Open").title(), "popup");
  // It has itself closed, and is too busy to be gone at once, or to be looked at before.
  Evaluate("opener.postMessage('','*');setTimeout(()=>{const r=new XMLHttpRequest();r.open('GET','/late',false);r.send()})");
  ASSERT_TRUE(site().AwaitHits("/late", 1));
  ASSERT_TRUE(site().AwaitHits("/told", 1));
  const auto seen = world_->Observe(Within(absl::Seconds(40)), Everything());
  ASSERT_TRUE(seen.ok()) << seen.status();
  EXPECT_EQ(seen->missing_size(), 0);
  const bool there = seen->title() == "popup";
  ASSERT_EQ(seen->tabs_size(), there ? 2 : 1);
  const v1::Tab& active = seen->tabs(there ? 1 : 0);
  EXPECT_TRUE(active.active());
  EXPECT_EQ(active.title(), there ? "popup" : "opener");
  EXPECT_EQ(active.url(), there ? site().Url("/popup", "localhost") : site().Url("/page"));
  EXPECT_EQ(seen->title(), active.title());
  EXPECT_EQ(seen->url(), active.url());
}

TEST_F(ClosingTabsTest, TheLastOneLeavesABlankOne) {
  ResetTo("<title>t</title>");
  v1::Action close;
  close.mutable_close_tab();
  const v1::Observation seen = Act(close);
  EXPECT_EQ(seen.url(), "about:blank");
  EXPECT_EQ(seen.tabs_size(), 1);
}

}  // namespace
}  // namespace proctor::env::web
