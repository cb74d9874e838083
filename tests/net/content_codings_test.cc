// Replies that are packed: what is taken, and that a few bytes make neither much memory nor much work.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/mutex.h"
#include "net/http_client.h"
#include "net/http_pool.h"
#include "raw_peer.h"

namespace proctor::net {
namespace {

using testing::HasSubstr;

// `window` as zlib's deflateInit2 has it: 15 + 16 is gzip, 15 deflate. `flush`: Z_FINISH, or Z_FULL_FLUSH for a part that may be repeated.
std::string Pack(const std::string& bytes, int window = 15 + 16, int flush = Z_FINISH) {
  z_stream stream = {};
  EXPECT_EQ(deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, window, 9, Z_DEFAULT_STRATEGY), Z_OK);
  std::string packed(deflateBound(&stream, bytes.size()) + 100, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  deflate(&stream, flush);
  packed.resize(packed.size() - stream.avail_out);
  deflateEnd(&stream);
  return packed;
}

FetchRequest To(const RawServer& server) {
  FetchRequest request;
  request.url = absl::StrCat("http://127.0.0.1:", server.port(), "/");
  return request;
}

// What comes of a reply with such headers.
absl::StatusOr<FetchReply> FetchReplyOf(const std::string& headers, const std::string& body) {
  RawServer server([&](RawPeer peer) {
    peer.ReadUntil("\r\n\r\n");
    peer.Send(absl::StrCat("HTTP/1.1 200 OK\r\n", headers, "\r\n", body));
  });
  return Fetch(CallContext::WithTimeout(absl::Seconds(30)), To(server));
}

TEST(ContentCodingsTest, OneCodingOfZlibIsTaken) {
  const std::string gzip = Pack("hello"), deflate = Pack("hello", 15);
  const std::pair<std::string, std::string> replies[] = {
      {"", "hello"},
      {"Content-Encoding: gzip\r\n", gzip},
      {"content-encoding: X-GZIP\r\n", gzip},
      {"Content-Encoding: identity, gzip\r\n", gzip},
      {"Content-Encoding: deflate\r\n", deflate},
      {"Transfer-Encoding: gzip\r\n", gzip},
      {"Transfer-Encoding: gzip, chunked\r\n", absl::StrCat(absl::Hex(gzip.size()), "\r\n", gzip, "\r\n0\r\n\r\n")},
      {"Transfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n", absl::StrCat(absl::Hex(gzip.size()), "\r\n", gzip, "\r\n0\r\n\r\n")}};
  for (const auto& [headers, body] : replies) {
    const auto reply = FetchReplyOf(headers, body);
    ASSERT_TRUE(reply.ok()) << headers << reply.status();
    EXPECT_EQ(reply->body, "hello") << headers;
  }
}

TEST(ContentCodingsTest, ACodingThatWasNotAskedForAndASecondOneAreRefused) {
  const std::string gzip = Pack("hello"), twice = Pack(gzip);
  const std::pair<std::string, std::string> replies[] = {
      {"Content-Encoding: gzip, gzip\r\n", twice},
      {"Content-Encoding: gzip\r\nContent-Encoding: gzip\r\n", twice},
      {"Content-Encoding: gzip\r\nHTTP/1.1: 200 OK\r\nContent-Encoding: gzip\r\n", twice},
      {"Content-Encoding: gzip\r\nTransfer-Encoding: gzip\r\n", twice},
      {"Transfer-Encoding: gzip, gzip, chunked\r\n", absl::StrCat(absl::Hex(twice.size()), "\r\n", twice, "\r\n0\r\n\r\n")},
      {"Content-Encoding: br\r\n", ""},
      {"Content-Encoding: zstd\r\n", ""},
      {"Content-Encoding: snappy\r\n", "hello"}};
  for (const auto& [headers, body] : replies) {
    const absl::Status status = FetchReplyOf(headers, body).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << headers << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("one of gzip, deflate is taken")) << headers;
  }
}

TEST(ContentCodingsTest, ABodyThatIsNotInItsCodingIsUnavailable) {
  EXPECT_EQ(FetchReplyOf("Content-Encoding: gzip\r\n", "no gzip").status().code(), absl::StatusCode::kUnavailable);
}

TEST(ContentCodingsTest, EachReplyOfAChainOfRedirectsHasItsOwnCoding) {
  RawServer server([](RawPeer peer) {
    for (std::string asked; !(asked = peer.ReadUntil("\r\n\r\n")).empty();) {
      const bool first = asked.find("GET / ") == 0;
      const std::string body = Pack(first ? "elsewhere" : "hello");
      peer.Send(absl::StrCat(first ? "HTTP/1.1 302 Found\r\nLocation: /there\r\n" : "HTTP/1.1 200 OK\r\n",
                             "Content-Encoding: gzip\r\nContent-Length: ", body.size(), "\r\n\r\n", body));
    }
  });
  FetchRequest request = To(server);
  request.max_redirects = 1;
  const auto reply = Fetch(CallContext::WithTimeout(absl::Seconds(30)), request);
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(reply->body, "hello");
}

// 16 MiB that would be 16 GiB.
TEST(ContentCodingsTest, ABombEndsAtTheLimitOfWhatIsDecoded) {
  const std::string head = Pack("", 15 + 16, Z_FULL_FLUSH);
  const std::string part = Pack(std::string(1 << 20, '\0'), -15, Z_FULL_FLUSH);
  ASSERT_LT(part.size(), 2048u);
  std::string bomb = absl::StrCat("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", head);
  while (bomb.size() < 16 << 20) bomb += part;
  RawServer server([&](RawPeer peer) {
    peer.ReadUntil("\r\n\r\n");
    peer.Send(bomb);
  });
  FetchRequest request = To(server);
  request.max_reply_bytes = 1'000'000;
  Mutex mutex;
  CondVar came;
  int replies = 0;
  const auto pool = *HttpPool::Create({});
  for (int i = 1; i <= 2; ++i) {  // The pool goes on.
    pool->Start(CallContext::WithTimeout(absl::Seconds(30)), request, [&](const absl::Status& status, const FetchReply& reply) {
      EXPECT_EQ(status, absl::ResourceExhaustedError("reply larger than 1000000 bytes"));
      EXPECT_LE(reply.body.size(), 1'000'000u);
      EXPECT_GT(reply.body.size(), 100'000u) << "it was decoded";
      MutexLock lock(mutex);
      ++replies;
      came.SignalAll();
    });
    MutexLock lock(mutex);
    while (replies < i) came.Wait(mutex);
  }
}

TEST(ContentCodingsTest, HeadersWithoutEndAreRefusedBeforeAndAfterTheBody) {
  std::string many;
  while (many.size() < 1 << 20) many += "a: b\r\n";
  for (const std::string& headers : {many, absl::StrCat("Transfer-Encoding: chunked\r\n\r\n0\r\n", many)}) {
    const absl::Status status = FetchReplyOf(headers, "").status();
    EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("headers"));
  }
}

}  // namespace
}  // namespace proctor::net
