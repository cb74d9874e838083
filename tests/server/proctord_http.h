// A proctord's health, readiness and metrics, as its operator's tools see them.
#ifndef PROCTOR_TESTS_SERVER_PROCTORD_HTTP_H_
#define PROCTOR_TESTS_SERVER_PROCTORD_HTTP_H_

#include <fstream>
#include <iterator>
#include <map>
#include <string>

#include "common/json.h"
#include "gtest/gtest.h"
#include "net/http_client.h"
#include "tests/server/proctord.h"
#include "tests/server/prometheus_text.h"

namespace proctor::server {

// The line of the configuration that makes it listen.
inline constexpr char kHttpConfig[] = "http: {listen_address: \"127.0.0.1:0\"}\n";

class ProctordHttp {
 public:
  // Of a server that runs, with kHttpConfig.
  explicit ProctordHttp(const Proctord& server) : ProctordHttp(server.data()) {}
  explicit ProctordHttp(const std::string& data_dir) {
    std::ifstream file(data_dir + "/addresses.json");
    const auto addresses = ParseJson(std::string(std::istreambuf_iterator<char>(file), {}));
    EXPECT_TRUE(addresses.ok()) << addresses.status();
    if (addresses.ok()) url_ = "http://" + JsonStringOr(*addresses, "http");
  }

  net::FetchReply Get(const std::string& path) const {
    net::FetchRequest request;
    request.url = url_ + path;
    const auto reply = net::Fetch(CallContext::WithTimeout(absl::Seconds(30)), request);
    EXPECT_TRUE(reply.ok()) << reply.status();
    return reply.ok() ? *reply : net::FetchReply();
  }

  std::map<std::string, MetricText> Scrape() const {
    const net::FetchReply reply = Get("/metrics");
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.Header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    auto metrics = ParsePrometheusText(reply.body);
    EXPECT_TRUE(metrics.ok()) << metrics.status();
    return metrics.ok() ? *std::move(metrics) : std::map<std::string, MetricText>();
  }

 private:
  std::string url_;
};

}  // namespace proctor::server

#endif  // PROCTOR_TESTS_SERVER_PROCTORD_HTTP_H_
