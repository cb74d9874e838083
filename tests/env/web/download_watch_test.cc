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
  fs::remove_all(folder);
}

class EndlessDownloadTest : public WebWorldTestBase {
 protected:
  // Sends without end, from when the asker's frame is gone.
  void Endless(net::RawPeer peer) {
    peer.ReadUntil("\r\n\r\n");
    ++asked_;
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    bool sent = peer.Send("HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Disposition: attachment\r\n\r\n");
    while (sent) sent = peer.Send(std::string(1 << 20, 'x'));
    ++ended_;
  }

  std::atomic<int> asked_ = 0;
  std::atomic<int> ended_ = 0;
};

TEST_F(EndlessDownloadTest, OfAFrameThatIsGoneIsEnded) {
  net::RawServer server([this](net::RawPeer peer) { Endless(std::move(peer)); });
  site().Page("/frame", absl::StrCat("<a href='http://127.0.0.1:", server.port(), "/endless' download>x</a><script>",
                                     "document.querySelector('a').click(); setTimeout(() => parent.postMessage('', '*'), 100)</script>"));
  ResetTo("<title>page</title><script>onmessage = () => document.querySelector('iframe').remove()</script><iframe src=/frame></iframe>");
  EXPECT_TRUE(Comes([&] { return asked_ > 0; }));
  EXPECT_TRUE(Comes([&] { return ended_ == asked_; }));
}

}  // namespace
}  // namespace proctor::env::web
