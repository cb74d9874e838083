#include "net/http_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "hanging_resolver.h"
#include "net/egress_proxy.h"
#include "net/http_server.h"
#include "raw_peer.h"

namespace proctor::net {
namespace {

using testing::HasSubstr;

std::unique_ptr<HttpServer> Serve() {
  return *HttpServer::Create({}, [](const HttpRequest& request) {
    if (request.target == "/moved") {
      return HttpResponse{
          .status = 302, .headers = {{"Location", "/end"}}, .body = "here", .delay = {}};
    }
    if (request.target == "/missing")
      return HttpResponse{.status = 404, .headers = {}, .body = "no", .delay = {}};
    return HttpResponse{
        .status = 200,
        .headers = {{"X-Echo", request.Header("x-sent")}},
        .body = absl::StrCat(request.method, " ", request.target, " ", request.body),
        .delay = {}};
  });
}

std::string At(uint16_t port, const std::string& path) {
  return absl::StrCat("http://127.0.0.1:", port, path);
}

FetchRequest To(std::string url) {
  FetchRequest request;
  request.url = std::move(url);
  return request;
}

TEST(FetchTest, GetsAndPosts) {
  const auto server = Serve();
  FetchRequest get = To(At(server->port(), "/a?b"));
  get.headers = {{"X-Sent", "yes"}};
  const auto reply = Fetch(CallContext::WithTimeout(absl::Seconds(10)), get);
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(reply->status, 200);
  EXPECT_EQ(reply->body, "GET /a?b ");
  EXPECT_EQ(reply->Header("x-echo"), "yes");
  FetchRequest post = To(At(server->port(), "/p"));
  post.method = "POST";
  post.body = std::string("bytes\0too", 9);
  EXPECT_EQ(Fetch(CallContext::WithTimeout(absl::Seconds(10)), post)->body, "POST /p " + post.body);
  FetchRequest head = To(At(server->port(), "/h"));
  head.method = "HEAD";
  EXPECT_EQ(Fetch(CallContext::WithTimeout(absl::Seconds(10)), head)->body, "");
}

TEST(FetchTest, HttpErrorsAreRepliesAndRedirectsAreFollowedOnlyIfAsked) {
  const auto server = Serve();
  EXPECT_EQ(Fetch(CallContext(), To(At(server->port(), "/missing")))->status, 404);
  FetchRequest moved = To(At(server->port(), "/moved"));
  EXPECT_EQ(Fetch(CallContext(), moved)->status, 302);
  moved.max_redirects = 1;
  EXPECT_EQ(Fetch(CallContext(), moved)->body, "GET /end ");
}

TEST(FetchTest, LimitsTheReply) {
  RawServer server([](RawPeer peer) {
    peer.ReadUntil("\r\n\r\n");
    peer.Send("HTTP/1.1 200 OK\r\n\r\n" + std::string(100000, 'x'));
  });
  FetchRequest request = To(At(server.port(), "/"));
  request.max_reply_bytes = 1000;
  EXPECT_EQ(Fetch(CallContext(), request).status().code(), absl::StatusCode::kResourceExhausted);
}

TEST(FetchTest, EndsAtDeadlineAndOnCancellation) {
  RawServer server([](RawPeer peer) { peer.ReadToEnd(); });
  const FetchRequest request = To(At(server.port(), "/"));
  EXPECT_EQ(Fetch(CallContext::WithTimeout(absl::Milliseconds(30)), request).status().code(),
            absl::StatusCode::kDeadlineExceeded);
  auto cancel = std::make_shared<CancelToken>();
  const CallContext context(absl::InfiniteFuture(), cancel);
  std::thread canceller([&] {
    while (server.accepted() < 2) std::this_thread::yield();
    cancel->Cancel();
  });
  EXPECT_EQ(Fetch(context, request).status().code(), absl::StatusCode::kCancelled);
  canceller.join();
}

TEST(FetchTest, EndsAtDeadlineWhileItsHostIsLookedUp) {
  const HangingResolver hanging;
  const FetchRequest request = To(absl::StrCat("http://", kHangingName, "/"));
  EXPECT_EQ(Fetch(CallContext::WithTimeout(absl::Milliseconds(50)), request).status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(hanging.begun(), 1);
}

TEST(FetchTest, TellsUnreachableServersFromBadRequests) {
  uint16_t port = 0;
  {
    RawServer server([](RawPeer) {});
    port = server.port();
  }
  EXPECT_EQ(Fetch(CallContext(), To(At(port, "/"))).status().code(),
            absl::StatusCode::kUnavailable);
  RawServer garbage([](RawPeer peer) {
    peer.ReadUntil("\r\n\r\n");
    peer.Send("nonsense\r\n\r\n");
  });
  EXPECT_EQ(Fetch(CallContext(), To(At(garbage.port(), "/"))).status().code(),
            absl::StatusCode::kUnavailable);
  for (const char* url : {"", "file:///etc/passwd", "gopher://x", "http://", "http://a b/"}) {
    EXPECT_EQ(Fetch(CallContext(), To(url)).status().code(), absl::StatusCode::kInvalidArgument)
        << url;
  }
  FetchRequest split = To(At(garbage.port(), "/"));
  split.headers = {{"a", "b\r\nc: d"}};
  EXPECT_EQ(Fetch(CallContext(), split).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(FetchTest, GoesThroughAProxyIfTold) {
  const auto server = Serve();
  const auto proxy = *EgressProxy::Create({});
  FetchRequest request = To(At(server->port(), "/"));
  request.proxy = absl::StrCat("http://127.0.0.1:", *proxy->Open({}));
  const auto reply = Fetch(CallContext(), request);
  EXPECT_EQ(reply->status, 403);
  EXPECT_THAT(reply->Header("proctor-egress-failure"), HasSubstr("loopback"));
}

}  // namespace
}  // namespace proctor::net
