// An egress proxy with its clients and the servers behind it.
#ifndef PROCTOR_TESTS_NET_EGRESS_FIXTURE_H_
#define PROCTOR_TESTS_NET_EGRESS_FIXTURE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/mutex.h"
#include "gtest/gtest.h"
#include "net/egress_proxy.h"
#include "raw_peer.h"

namespace proctor::net {

// Answers every request with its own head and body as text; "/close" closes afterwards, "/stream"
// has no length.
inline void EchoRequests(RawPeer peer) {
  while (true) {
    const std::string request = peer.ReadReply();
    if (request.empty()) return;
    if (request.find(" /stream ") != std::string::npos) {
      peer.Send("HTTP/1.1 200 OK\r\n\r\npart one, ");
      peer.Send("part two");
      return;
    }
    if (request.find(" /chunked ") != std::string::npos) {
      peer.Send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
      peer.Send("4\r\ndefg\r\n0\r\n\r\n");
      continue;
    }
    if (request.find(" /none ") != std::string::npos) {
      peer.Send(
          "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\nKeep-Alive: "
          "timeout=5\r\n\r\n");
      continue;
    }
    const bool head = request.starts_with("HEAD");
    peer.Send(absl::StrCat("HTTP/1.1 200 OK\r\nContent-Length: ", request.size(),
                           "\r\nX-Reply: 1\r\n\r\n", head ? "" : request));
  }
}

inline void EchoBytes(RawPeer peer) {
  while (true) {
    const std::string byte = peer.ReadExactly(1);
    if (byte.empty() || !peer.Send(byte)) return;
  }
}

class EgressFixture : public testing::Test {
 protected:
  // Opens a listener that may reach everything private.
  uint16_t Open(EgressPolicy policy = {
                    .allowed_hosts = {}, .allow_private = true, .narrowed_to = {}}) {
    if (proxy_ == nullptr) Start();
    auto port = proxy_->Open(std::move(policy));
    EXPECT_TRUE(port.ok()) << port.status();
    return *port;
  }

  void Start() {
    options_.on_refused = [this](uint16_t, const std::string& host_port,
                                 const std::string& reason) {
      MutexLock lock(mutex_);
      refused_.push_back(host_port + ": " + reason);
    };
    auto proxy = EgressProxy::Create(options_);
    ASSERT_TRUE(proxy.ok());
    proxy_ = *std::move(proxy);
  }

  std::string Ask(uint16_t proxy_port, const std::string& bytes) {
    RawPeer peer = RawPeer::Connect(proxy_port);
    peer.Send(bytes);
    return peer.ReadReply();
  }

  std::string Get(uint16_t proxy_port, const std::string& authority,
                  const std::string& path = "/") {
    return Ask(proxy_port, absl::StrCat("GET http://", authority, path,
                                        " HTTP/1.1\r\nHost: ", authority, "\r\n\r\n"));
  }

  std::string Connect(uint16_t proxy_port, const std::string& authority) {
    return Ask(proxy_port,
               absl::StrCat("CONNECT ", authority, " HTTP/1.1\r\nHost: ", authority, "\r\n\r\n"));
  }

  size_t RefusedSoFar() {
    MutexLock lock(mutex_);
    return refused_.size();
  }

  // First: its threads use what is below until it is destroyed in TearDown.
  void TearDown() override { proxy_.reset(); }

  EgressProxy::Options options_;
  Mutex mutex_;
  std::vector<std::string> refused_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<EgressProxy> proxy_;
};

}  // namespace proctor::net

#endif  // PROCTOR_TESTS_NET_EGRESS_FIXTURE_H_
