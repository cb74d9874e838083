#include "env/web/download_watch.h"

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <set>
#include <string>
#include <thread>
#include <utility>

#include "tests/env/web/web_fixture.h"
#include "tests/net/raw_peer.h"

namespace proctor::env::web {
namespace {

namespace fs = std::filesystem;

// Until `done`, or half a minute.
bool Comes(const std::function<bool()>& done) {
  for (int i = 0; i < 300; ++i) {
    if (done()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  return false;
}

TEST(DownloadWatchTest, AFolderThatHasTooMuchIsEmptiedAndNoOther) {
  char root[] = "/tmp/proctor-test-XXXXXX";
  ASSERT_NE(mkdtemp(root), nullptr);
  const fs::path folder = root;
  for (const char* context : {"much", "little"}) fs::create_directory(folder / context);
  std::ofstream(folder / "much/one") << std::string(600, 'x');
  std::ofstream(folder / "much/two.crdownload") << std::string(600, 'x');
  std::ofstream(folder / "little/three") << std::string(600, 'x');
  // What is not there: a browser that was taken over may link to anything.
  const fs::path elsewhere = folder.string() + "-elsewhere";
  fs::create_directory(elsewhere);
  std::ofstream(elsewhere / "four") << std::string(6000, 'x');
  fs::create_directory_symlink(elsewhere, folder / "link");
  fs::create_symlink(elsewhere / "four", folder / "little/link");
  Mutex mutex;
  std::set<std::string> cancelled;
  {
    const auto watch = DownloadWatch::Start(root, 1000, [&](const std::string& context, const std::string& guid) {
      MutexLock lock(mutex);
      cancelled.insert(context + "/" + guid);
    });
    ASSERT_TRUE(watch.ok()) << watch.status();
    EXPECT_TRUE(Comes([&] { return fs::is_empty(folder / "much"); }));
  }
  MutexLock lock(mutex);
  EXPECT_EQ(cancelled, (std::set<std::string>{"much/one", "much/two"}));
  EXPECT_TRUE(fs::exists(folder / "little/three"));
  EXPECT_TRUE(fs::exists(elsewhere / "four"));
  fs::remove_all(folder);
  fs::remove_all(elsewhere);
}

class EndlessDownloadTest : public WebWorldTestBase {
 protected:
  // A page whose frame asks for a download of the same site and goes before it begins; it has no end.
  void Serve(net::RawPeer peer) {
    const std::string request = peer.ReadUntil("\r\n\r\n");
    if (request.starts_with("GET / ")) {
      Answer(peer, "<script>onmessage = () => { document.querySelector('iframe').remove(); document.title = 'gone'; }</script><iframe src=/frame></iframe>");
    } else if (request.starts_with("GET /frame ")) {
      Answer(peer, "<a href=/endless download>x</a><script>document.querySelector('a').click();"
                   "setTimeout(() => parent.postMessage('', '*'), 100)</script>");
    } else if (request.starts_with("GET /endless ")) {
      ++asked_;
      std::this_thread::sleep_for(std::chrono::milliseconds(500));
      bool sent = peer.Send("HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n\r\n");
      while (sent) sent = peer.Send(std::string(1 << 20, 'x'));
      ++ended_;
    }
  }
  static void Answer(net::RawPeer& peer, const std::string& html) {
    peer.Send(absl::StrCat("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: ", html.size(), "\r\n\r\n", html));
  }

  std::atomic<int> asked_ = 0;
  std::atomic<int> ended_ = 0;
};

TEST_F(EndlessDownloadTest, OfAFrameThatIsGoneIsEnded) {
  net::RawServer server([this](net::RawPeer peer) { Serve(std::move(peer)); });
  BrowserPool::Options options = Shared::MakeOptions(shared_->profile_root);
  options.process.max_download_folder_bytes = 1 << 20;
  BrowserPool pool(options);
  WebEnvironment::Options anywhere;
  anywhere.default_policy.allow_private = true;
  WebEnvironment environment(anywhere, pool, proxy(), shared_->background);
  auto world = environment.Open(Within(absl::Seconds(30)), {});
  ASSERT_TRUE(world.ok()) << world.status();
  world_ = *std::move(world);
  v1::StartState start;
  start.set_start_url(absl::StrCat("http://127.0.0.1:", server.port(), "/"));
  ASSERT_TRUE(TryReset(start).ok());
  EXPECT_TRUE(Comes([&] { return asked_ > 0; }));
  EXPECT_TRUE(Comes([&] { return ended_ == asked_; }));
  world_.reset();
}

}  // namespace
}  // namespace proctor::env::web
