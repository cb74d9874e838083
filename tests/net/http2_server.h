// Just enough of an HTTP/2 server (RFC 9113) to see what a client does with it: over TLS, on loopback, a thread for each
// connection.
#ifndef PROCTOR_TESTS_NET_HTTP2_SERVER_H_
#define PROCTOR_TESTS_NET_HTTP2_SERVER_H_

#include <openssl/ssl.h>

#include <cstdint>
#include <memory>
#include <set>
#include <string>

#include "common/mutex.h"
#include "raw_peer.h"

namespace proctor::net {

// Answers nothing until `hold` requests have come, all connections together; then each with status 200, body "h2".
class Http2Server {
 public:
  Http2Server(const std::string& certificate_pem, const std::string& key_pem, int hold);
  ~Http2Server();

  uint16_t port() const { return listener_->port(); }
  int connections() const { return listener_->accepted(); }
  // For requests that come from now on.
  void set_hold(int requests);
  // Requests that have come, and those that the client gave up (RST_STREAM) before they were answered.
  int requests() const;
  int resets() const;

 private:
  struct Context {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  };
  void Serve(int fd);
  void OnFrame(SSL* ssl, uint8_t type, uint32_t stream);
  void AnswerAll(SSL* ssl);

  std::unique_ptr<SSL_CTX, Context> context_;
  mutable Mutex mutex_;
  int hold_ ABSL_GUARDED_BY(mutex_);
  int requests_ ABSL_GUARDED_BY(mutex_) = 0;
  int resets_ ABSL_GUARDED_BY(mutex_) = 0;
  std::set<uint32_t> open_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<RawServer> listener_;
};

}  // namespace proctor::net

#endif  // PROCTOR_TESTS_NET_HTTP2_SERVER_H_
