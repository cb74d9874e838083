#include "model/request_digest.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "common/ids.h"

namespace proctor::model {
namespace {

ChatRequest Base() {
  ChatRequest request;
  request.model = "m";
  request.messages = {{.role = Role::kSystem, .parts = {TextPart{"Judge."}}},
                      {.role = Role::kUser, .parts = {TextPart{"Look."}, ImagePart{.bytes = "PNG", .digest = ""}}}};
  request.sampling.set_temperature(0.5);
  return request;
}

// Stored records and the cache hold such digests: another value for the same request is another form and needs another
// number.
TEST(RequestDigestTest, IsStable) {
  EXPECT_EQ(RequestDigest(Base()), "f5ad2ca9a2b0cf07d6e86540d5aed1f9bec7d2da1c85db2e53de4335236a6b4d");
}

TEST(RequestDigestTest, DefaultsAreTheSameSetOrNot) {
  ChatRequest request = Base();
  request.sampling.set_n(1);
  request.sampling.set_max_tokens(1024);
  EXPECT_EQ(RequestDigest(request), RequestDigest(Base()));
}

TEST(RequestDigestTest, StreamAndCacheDoNotMatter) {
  ChatRequest request = Base();
  request.stream = true;
  request.bypass_cache = true;
  EXPECT_EQ(RequestDigest(request), RequestDigest(Base()));
}

TEST(RequestDigestTest, ImageIsNamedByItsOriginal) {
  ChatRequest request = Base();
  request.messages[1].parts[1] = ImagePart{.bytes = "scaled", .digest = Sha256Hex("PNG")};
  EXPECT_EQ(RequestDigest(request), RequestDigest(Base()));
}

TEST(RequestDigestTest, EverythingElseMatters) {
  const std::vector<std::function<void(ChatRequest&)>> changes = {
      [](ChatRequest& r) { r.model = "other"; },
      [](ChatRequest& r) { r.messages[0].parts[0] = TextPart{"Judge!"}; },
      [](ChatRequest& r) { r.messages[0].role = Role::kUser; },
      [](ChatRequest& r) { r.messages[1].parts.pop_back(); },
      [](ChatRequest& r) { std::swap(r.messages[1].parts[0], r.messages[1].parts[1]); },
      [](ChatRequest& r) { r.messages[1].parts[1] = ImagePart{.bytes = "GIF", .digest = ""}; },
      [](ChatRequest& r) { r.messages[1].parts[1] = AudioPart{.bytes = "PNG", .format = "wav"}; },
      [](ChatRequest& r) { r.messages[1].parts[1] = AudioPart{.bytes = "PNG", .format = "mp3"}; },
      [](ChatRequest& r) { r.messages.push_back({.role = Role::kAssistant, .parts = {TextPart{"So:"}}}); },
      [](ChatRequest& r) { r.messages[0].parts.push_back(TextPart{""}); },
      [](ChatRequest& r) { r.sampling.clear_temperature(); },
      [](ChatRequest& r) { r.sampling.set_temperature(0.25); },
      [](ChatRequest& r) { r.sampling.set_top_p(0.5); },
      [](ChatRequest& r) { r.sampling.set_seed(0); },
      [](ChatRequest& r) { r.sampling.set_seed(1); },
      [](ChatRequest& r) { r.sampling.set_n(2); },
      [](ChatRequest& r) { r.sampling.set_max_tokens(7); },
      [](ChatRequest& r) { r.sampling.add_stop("x"); },
      [](ChatRequest& r) { r.sampling.set_top_logprobs(3); },
      [](ChatRequest& r) { r.sampling.set_json_schema("{}"); },
  };
  std::set<std::string> digests = {RequestDigest(Base())};
  for (const auto& change : changes) {
    ChatRequest request = Base();
    change(request);
    digests.insert(RequestDigest(request));
  }
  EXPECT_EQ(digests.size(), changes.size() + 1);
}

TEST(RequestDigestTest, EmbeddingsHaveTheirOwn) {
  EXPECT_NE(RequestDigest(EmbedRequest{.model = "m", .inputs = {"a", "b"}}),
            RequestDigest(EmbedRequest{.model = "m", .inputs = {"ab"}}));
}

}  // namespace
}  // namespace proctor::model
