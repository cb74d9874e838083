#include "env/web/browser_process.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "env/web/browser_flags.h"
#include "env/web/devtools.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/env/killed_server.h"

namespace proctor::env::web {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::HasSubstr;

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// Processes whose command line names `text`.
std::vector<int> ProcessesNaming(const std::string& text) {
  std::vector<int> pids;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/proc", error)) {
    const int pid = atoi(entry.path().filename().c_str());
    if (pid > 0 && absl::StrContains(ReadFile(entry.path().string() + "/cmdline"), text)) pids.push_back(pid);
  }
  return pids;
}

class BrowserProcessTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/proctor-test-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    root_ = name;
    chmod(name, 0755);
    options_.profile_root = root_;
  }
  void TearDown() override { fs::remove_all(root_); }

  std::unique_ptr<BrowserProcess> Start() {
    auto browser = BrowserProcess::Start(CallContext::WithTimeout(absl::Seconds(30)), options_, spawner_);
    EXPECT_TRUE(browser.ok()) << browser.status();
    return browser.ok() ? *std::move(browser) : nullptr;
  }

  std::string root_;
  BrowserProcessOptions options_;
  ProcessSpawner spawner_;
};

TEST_F(BrowserProcessTest, AnswersAndLeavesNothingBehind) {
  auto browser = Start();
  ASSERT_NE(browser, nullptr);
  EXPECT_THAT(browser->product(), HasSubstr("Chrome/"));
  EXPECT_FALSE(ProcessesNaming(root_).empty());
  browser.reset();
  EXPECT_TRUE(ProcessesNaming(root_).empty());
  EXPECT_TRUE(fs::is_empty(root_));
}

TEST_F(BrowserProcessTest, RunsUnprivilegedWithItsSandboxOn) {
  auto browser = Start();
  ASSERT_NE(browser, nullptr);
  EXPECT_TRUE(browser->sandboxed());
  const std::string command_line = ReadFile(absl::StrCat("/proc/", browser->pid(), "/cmdline"));
  EXPECT_THAT(command_line, testing::Not(HasSubstr("--no-sandbox")));
  if (geteuid() == 0) {
    EXPECT_THAT(ReadFile(absl::StrCat("/proc/", browser->pid(), "/status")),
                HasSubstr(absl::StrCat("Uid:\t", FindUser("nobody")->uid)));
  }
  // A process of ours in namespaces of its own: the sandbox's.
  std::string own(64, 0), theirs(64, 0);
  own.resize(std::max<ssize_t>(0, readlink("/proc/self/ns/net", own.data(), own.size())));
  bool contained = false;
  for (const int pid : ProcessesNaming(root_)) {
    theirs.assign(64, 0);
    theirs.resize(std::max<ssize_t>(0, readlink(absl::StrCat("/proc/", pid, "/ns/net").c_str(), theirs.data(), 64)));
    contained = contained || (!theirs.empty() && theirs != own);
  }
  for (const int pid : ProcessesNaming("--type=zygote")) {
    theirs.assign(64, 0);
    theirs.resize(std::max<ssize_t>(0, readlink(absl::StrCat("/proc/", pid, "/ns/net").c_str(), theirs.data(), 64)));
    contained = contained || (!theirs.empty() && theirs != own);
  }
  EXPECT_TRUE(contained);
}

TEST_F(BrowserProcessTest, KilledServerLeavesNoBrowserAndTheNextOneSweepsItsDirectory) {
  KilledServer server("KilledBrowserServer.DISABLED_HoldsABrowser", root_);
  ASSERT_TRUE(server.AwaitReady());
  ASSERT_EQ(SweepLeftoverBrowsers(root_), 0) << "a living server's browser is not swept";
  server.Kill();
  EXPECT_EQ(SweepLeftoverBrowsers(root_), 1);
  EXPECT_TRUE(ProcessesNaming(root_).empty());
  EXPECT_TRUE(fs::is_empty(root_));
}

// Not a test by itself: see above.
TEST(KilledBrowserServer, DISABLED_HoldsABrowser) {
  BrowserProcessOptions options;
  options.profile_root = KilledServer::Directory();
  if (options.profile_root.empty()) GTEST_SKIP() << "run by KilledServerLeavesNoBrowserAndTheNextOneSweepsItsDirectory";
  ProcessSpawner spawner;
  const auto browser = BrowserProcess::Start(CallContext::WithTimeout(absl::Seconds(30)), options, spawner);
  ASSERT_TRUE(browser.ok()) << browser.status();
  KilledServer::AwaitKill();
}

TEST_F(BrowserProcessTest, SweepIgnoresWhatIsNotOurs) {
  fs::create_directory(root_ + "/proctor-other");
  fs::create_directory(root_ + "/target");
  fs::create_directory_symlink(root_ + "/target", root_ + "/proctor-browser-link00");
  EXPECT_EQ(SweepLeftoverBrowsers(root_), 0);
  EXPECT_TRUE(fs::exists(root_ + "/target"));
}

TEST_F(BrowserProcessTest, DeathIsSeenByWhoeverWaits) {
  auto browser = Start();
  ASSERT_NE(browser, nullptr);
  const DevToolsReply reply = browser->devtools().Send({"", "Target.setDiscoverTargets", {{"discover", true}}});
  kill(browser->pid(), SIGKILL);
  for (int i = 0; i < 1000 && !browser->devtools().closed(); ++i) {
    (void)browser->devtools().Call(CallContext::WithTimeout(absl::Seconds(5)), "", "Browser.getVersion");
  }
  EXPECT_TRUE(browser->devtools().closed());
}

TEST_F(BrowserProcessTest, SaysHowToMendAMissingSandbox) {
  // No user namespace and no setuid helper: what a kernel without either looks like to the browser.
  options_.extra_arguments = {"--disable-namespace-sandbox", "--disable-setuid-sandbox"};
  const auto browser = BrowserProcess::Start(CallContext::WithTimeout(absl::Seconds(30)), options_, spawner_);
  ASSERT_FALSE(browser.ok());
  EXPECT_EQ(browser.status().code(), absl::StatusCode::kFailedPrecondition) << browser.status();
  EXPECT_THAT(std::string(browser.status().message()), HasSubstr("--allow-unsandboxed-browser"));
}

TEST_F(BrowserProcessTest, RefusesToRunAsRoot) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root";
  options_.user = "root";
  EXPECT_EQ(BrowserProcess::Start({}, options_, spawner_).status().code(), absl::StatusCode::kInvalidArgument);
  options_.user = "nobody-of-that-name";
  EXPECT_EQ(BrowserProcess::Start({}, options_, spawner_).status().code(), absl::StatusCode::kNotFound);
}

TEST(BrowserFlagsTest, SendEverythingThroughTheProxyLoopbackIncluded) {
  BrowserProcessOptions options;
  options.proxy = "127.0.0.1:1234";
  const auto line = BrowserCommandLine("/x/chromium-headless-shell", "/p", true, options);
  EXPECT_THAT(line, Contains("--proxy-server=127.0.0.1:1234"));
  EXPECT_THAT(line, Contains("--proxy-bypass-list=<-loopback>"));
  EXPECT_THAT(line, Contains("--disable-quic"));
  EXPECT_THAT(line, Contains("--force-webrtc-ip-handling-policy=disable_non_proxied_udp"));
  EXPECT_THAT(line, Contains("--webrtc-ip-handling-policy=disable_non_proxied_udp"));
  // Names are the proxy's to look up: none leaves as a question to a name server.
  EXPECT_THAT(line, Contains("--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"));
  EXPECT_THAT(line, Contains("--dns-prefetch-disable"));
  EXPECT_THAT(line, Contains("--no-pings"));
  EXPECT_THAT(line, Contains(testing::ContainsRegex("^--disable-features=.*WebRtcHideLocalIpsWithMdns")));
  EXPECT_THAT(line, testing::Not(Contains("--no-sandbox")));
  EXPECT_THAT(line, testing::Not(Contains("--headless=new")));
  EXPECT_THAT(BrowserCommandLine("/x/chromium", "/p", false, options), Contains("--headless=new"));
}

}  // namespace
}  // namespace proctor::env::web
