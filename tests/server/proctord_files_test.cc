// Open files of the real server: what it starts with, and how it stands when they run out.
#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "raw_peer.h"
#include "tests/server/guarded_proctord.h"

namespace proctor::server {
namespace {

using ::testing::HasSubstr;

class ProctordFilesTest : public ::testing::Test {
 protected:
  // Starts the server with these limits.
  void StartWith(const std::string& limits) {
    ASSERT_NO_FATAL_FAILURE(server_.Start("http: {listen_address: \"127.0.0.1:0\"}\n", {"--listen", "127.0.0.1:0"},
                                          {"/usr/bin/prlimit", "--nofile=" + limits}));
  }

  uint16_t Port(const std::string& door) const {
    const std::string addresses = ReadWholeFile(server_.data() + "/addresses.json");
    const size_t begin = addresses.find("127.0.0.1:", addresses.find("\"" + door + "\""));
    return static_cast<uint16_t>(std::stoi(addresses.substr(begin + 10)));
  }

  std::string Get(const std::string& path) const {
    net::RawPeer peer = net::RawPeer::Connect(Port("http"));
    peer.Send("GET " + path + " HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n");
    return peer.ReadToEnd();
  }

  GuardedProctord server_;
};

TEST_F(ProctordFilesTest, TheLimitIsRaisedAtTheStart) {
  ASSERT_NO_FATAL_FAILURE(StartWith("256:700"));
  EXPECT_THAT(Get("/metrics"), HasSubstr("\nprocess_max_fds 700\n"));
  EXPECT_THAT(server_.log(), HasSubstr("limit_before=256"));
}

// A stranger who connects without end.
TEST_F(ProctordFilesTest, AServerWhoseFilesAreNearlyAllOpenIsNotReady) {
  ASSERT_NO_FATAL_FAILURE(StartWith("200:200"));
  EXPECT_THAT(Get("/readyz"), HasSubstr("200 OK"));
  std::vector<std::unique_ptr<net::RawPeer>> strangers;
  std::string ready;
  // Up to 90 %, not to the last: whoever asks needs one as well.
  while (strangers.size() < 200 && ready.find(" 503 ") == std::string::npos) {
    strangers.push_back(std::make_unique<net::RawPeer>(net::RawPeer::Connect(Port("grpc"))));
    ready = Get("/readyz");
  }
  EXPECT_THAT(ready, HasSubstr(" of 200 files that may be open are open"));
  EXPECT_THAT(Get("/metrics"), HasSubstr("\nproctor_ready 0\n"));
  strangers.clear();
  EXPECT_TRUE(Comes([&] {
    ready = Get("/readyz");
    return ready.find(" 503 ") == std::string::npos;
  }));
  EXPECT_THAT(ready, HasSubstr("200 OK"));
}

}  // namespace
}  // namespace proctor::server
