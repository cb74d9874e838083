// Single HTTP requests with deadline, cancellation and size limit (libcurl behind it).
#ifndef PROCTOR_NET_HTTP_CLIENT_H_
#define PROCTOR_NET_HTTP_CLIENT_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "common/call_context.h"

namespace proctor::net {

struct FetchRequest {
  // http:// or https://.
  std::string url;
  // "GET", "POST", "HEAD", "PUT", "DELETE", ...
  std::string method = "GET";
  std::vector<std::pair<std::string, std::string>> headers;
  // Sent with every method but GET and HEAD.
  std::string body;
  // A larger reply, decoded, is RESOURCE_EXHAUSTED.
  int64_t max_reply_bytes = 16 << 20;
  // 0: redirects are returned, not followed.
  int max_redirects = 0;
  // "http://127.0.0.1:3128"; empty: none, whatever the environment says.
  std::string proxy;
  // Trusted besides nothing else, for tests of HTTPS; empty: the system's certificates.
  std::string ca_certificate_pem;
};

struct FetchReply {
  // Any HTTP status: a 404 is a reply.
  int status = 0;
  // Names in lower case, in the order sent; of the last reply if redirects were followed.
  std::vector<std::pair<std::string, std::string>> headers;
  // Decoded.
  std::string body;
  // Whether any byte of the request was given to a connection that was ready for it: without one, or where its TLS never
  // came about, the server cannot know of the request. True for every whole reply.
  bool sent = false;

  // The first header of that (lower-case) name, or "".
  std::string Header(const std::string& name) const;
};

// Sends the request and reads the whole reply, on this thread. Connections are not kept. A reply may be in one of the
// codings gzip and deflate.
// INVALID_ARGUMENT malformed URL, method or header; UNAVAILABLE cannot connect, the connection broke, or the body is not in
// its coding (retry); RESOURCE_EXHAUSTED reply too large, more than 256 KiB of headers, or another coding or several;
// DEADLINE_EXCEEDED and CANCELLED from `context`.
absl::StatusOr<FetchReply> Fetch(const CallContext& context, const FetchRequest& request);

}  // namespace proctor::net

#endif  // PROCTOR_NET_HTTP_CLIENT_H_
