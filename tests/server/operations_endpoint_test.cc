#include "server/operations_endpoint.h"

#include <atomic>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace proctor::server {
namespace {

using testing::HasSubstr;

class OperationsEndpointTest : public testing::Test {
 protected:
  net::HttpResponse Get(const std::string& target, const std::string& method = "GET") {
    const net::HttpHandler handler = MakeOperationsHandler(
        {.not_ready = [this] { return not_ready_; }, .metrics = [] { return std::string("a 1\n"); }});
    net::HttpRequest request;
    request.method = method;
    request.target = target;
    return handler(request);
  }

  std::vector<std::string> not_ready_;
};

TEST_F(OperationsEndpointTest, IsAliveWhetherOrNotReady) {
  not_ready_ = {"draining"};
  EXPECT_EQ(Get("/healthz").status, 200);
  EXPECT_EQ(Get("/healthz", "HEAD").status, 200);
}

TEST_F(OperationsEndpointTest, TellsWhyItIsNotReady) {
  EXPECT_EQ(Get("/readyz").status, 200);
  not_ready_ = {"draining", "the disk is full"};
  EXPECT_EQ(Get("/readyz").status, 503);
  EXPECT_EQ(Get("/readyz").body, "draining\nthe disk is full\n");
}

// As on a disk that does not answer.
TEST(OperationsEndpointReadingsTest, TellsThatItIsAliveWhileReadingsHang) {
  std::promise<void> answer;
  std::shared_future<void> answered = answer.get_future().share();
  std::atomic<int> hanging = 0;
  const net::HttpHandler handler = MakeOperationsHandler({.not_ready =
                                                              [&] {
                                                                ++hanging;
                                                                answered.wait();
                                                                return std::vector<std::string>();
                                                              },
                                                          .metrics = [] { return std::string("a 1\n"); }});
  const auto status_of = [&handler](const char* target) {
    net::HttpRequest request;
    request.method = "GET";
    request.target = target;
    return handler(request).status;
  };
  std::vector<std::future<int>> readings;
  for (int i = 0; i < kMaxReadings; ++i) readings.push_back(std::async(std::launch::async, status_of, "/readyz"));
  while (hanging < kMaxReadings) std::this_thread::yield();
  EXPECT_EQ(status_of("/readyz"), 503);
  EXPECT_EQ(status_of("/metrics"), 200);
  EXPECT_EQ(status_of("/healthz"), 200);
  answer.set_value();
  for (auto& reading : readings) EXPECT_EQ(reading.get(), 200);
  EXPECT_EQ(status_of("/metrics"), 200);
}

TEST_F(OperationsEndpointTest, GivesMetricsInTheirFormat) {
  const net::HttpResponse response = Get("/metrics?verbose=1");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "a 1\n");
  EXPECT_THAT(response.headers, testing::Contains(testing::Pair("content-type", "text/plain; version=0.0.4; charset=utf-8")));
}

TEST_F(OperationsEndpointTest, RefusesEverythingElse) {
  EXPECT_EQ(Get("/").status, 404);
  EXPECT_EQ(Get("/metrics/x").status, 404);
  EXPECT_EQ(Get("").status, 404);
  const net::HttpResponse response = Get("/metrics", "POST");
  EXPECT_EQ(response.status, 405);
  EXPECT_THAT(response.headers, testing::Contains(testing::Pair("allow", "GET, HEAD")));
}

v1::HttpConfig At(const std::string& address, bool allow_remote = false) {
  v1::HttpConfig config;
  config.set_listen_address(address);
  config.set_allow_remote(allow_remote);
  return config;
}

TEST(ParseHttpAddressTest, TakesLoopbackAndOthersOnlyIfToldSo) {
  EXPECT_EQ(ParseHttpAddress(At("127.0.0.1:9464"))->port, 9464);
  EXPECT_EQ(ParseHttpAddress(At("[::1]:0"))->host, "::1");
  EXPECT_THAT(std::string(ParseHttpAddress(At("0.0.0.0:9464")).status().message()), HasSubstr("http.allow_remote"));
  EXPECT_EQ(ParseHttpAddress(At("0.0.0.0:9464", true))->host, "0.0.0.0");
}

TEST(ParseHttpAddressTest, RefusesWhatIsNoAddress) {
  for (const char* bad : {"", "9464", ":9464", "localhost:9464", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1",
                          "::1:80", "[127.0.0.1]:80", "127.0.0.1:80x", "[::1]"}) {
    EXPECT_FALSE(ParseHttpAddress(At(bad, true)).ok()) << bad;
  }
}

}  // namespace
}  // namespace proctor::server
