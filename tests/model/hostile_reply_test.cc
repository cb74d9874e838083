// Bytes that no server should send, through everything that reads a reply: they give a reason, never more.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "model/failure.h"
#include "model/retry.h"
#include "model/wire.h"
#include "tests/model/fixtures.h"

namespace proctor::model {
namespace {

constexpr v1::ModelWire kWires[] = {v1::MODEL_WIRE_OPENAI_CHAT, v1::MODEL_WIRE_ANTHROPIC_MESSAGES};

// Every reader takes them; the decoders' answers are valid messages.
void Feed(const std::string& body) {
  for (const v1::ModelWire wire : kWires) {
    for (const bool streamed : {false, true}) {
      for (const int status : {200, 400, 429, 500}) {
        const ChatReply reply = DecodeReply(wire, streamed, status, body, 1);
        EXPECT_LE(reply.call.failure_detail().size(), 500u);
        EXPECT_LE(reply.choices.size(), 128u);
        EXPECT_EQ(reply.choices.empty(), reply.call.failure() != v1::MODEL_FAILURE_UNSPECIFIED);
        v1::ModelCall copy;
        EXPECT_TRUE(copy.ParseFromString(reply.call.SerializeAsString()));  // Refuses strings that are no UTF-8.
      }
    }
  }
  const EmbedReply vectors = DecodeEmbedReply(200, body, 2);
  EXPECT_EQ(vectors.vectors.empty(), vectors.call.failure() != v1::MODEL_FAILURE_UNSPECIFIED);
  AskedDelay({}, body, absl::UnixEpoch());
}

std::string Repeat(const std::string& text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

TEST(HostileReplyTest, DeepNesting) {
  Feed(Repeat("[", 100000));
  Feed(Repeat("{\"choices\":", 100000));
  Feed(Repeat("{\"error\":", 150) + "1" + Repeat("}", 150));
  Feed("data: " + Repeat("[", 100000) + "\n\n");
}

TEST(HostileReplyTest, GiantParts) {
  Feed(absl::StrCat("{\"choices\":[{\"message\":{\"content\":\"", std::string(1 << 20, 'a'), "\"}}]}"));
  Feed(absl::StrCat("{\"error\":{\"message\":\"", std::string(1 << 20, 'a'), "\"}}"));
  Feed("{\"choices\":[" + Repeat("{},", 50000) + "{}]}");
  Feed("data: " + std::string(1 << 20, ':') + "\n\n");
  Feed(Repeat("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n", 2000));
}

TEST(HostileReplyTest, BinaryAndInvalidUtf8) {
  std::string all_bytes;
  for (int i = 0; i < 256; ++i) all_bytes += static_cast<char>(i);
  Feed(all_bytes);
  Feed("data: " + all_bytes + "\n\n");
  Feed("{\"choices\":[{\"message\":{\"content\":\"\xC3\x28\xFF\"}}]}");
  Feed("{\"choices\":[{\"message\":{\"content\":\"\\ud800 \\udfff\"}}]}");
  Feed("{\"error\":{\"message\":\"\xF0\x28\x8C\xBC\"}}");
  Feed("{\"model\":\"\\u0000\xFF\",\"choices\":[]}");
}

TEST(HostileReplyTest, NumbersOutOfRange) {
  for (const char* number :
       {"-1", "128", "1e400", "9223372036854775808", "18446744073709551616", "-9223372036854775809", "0.5", "NaN"}) {
    Feed(absl::StrCat("{\"choices\":[{\"index\":", number,
                      ",\"message\":{\"content\":\"x\"}}],\"usage\":{\"prompt_tokens\":", number,
                      ",\"completion_tokens\":", number, "}}"));
    Feed(absl::StrCat("data: {\"type\":\"message_delta\",\"usage\":{\"output_tokens\":", number, "}}\n\n"));
    Feed(absl::StrCat("{\"data\":[{\"index\":", number, ",\"embedding\":[", number, "]},{\"embedding\":[1]}]}"));
  }
}

// Each value of each good reply in turn is replaced by one of another type.
TEST(HostileReplyTest, WrongTypesEverywhere) {
  for (const Fixture& fixture : Fixtures()) {
    const std::string& body = fixture.body;
    for (size_t at = body.find(':'); at != std::string::npos; at = body.find(':', at + 1)) {
      const size_t end = body.find_first_of(",}]", at);
      if (end == std::string::npos) break;
      for (const char* value : {"null", "[]", "{}", "7", "\"x\"", "true", "[[{}]]"}) {
        const std::string changed = absl::StrCat(body.substr(0, at + 1), value, body.substr(end));
        for (const bool streamed : {false, true}) {
          const ChatReply reply = DecodeReply(fixture.wire, streamed, fixture.http_status, changed, 1);
          EXPECT_EQ(reply.choices.empty(), reply.call.failure() != v1::MODEL_FAILURE_UNSPECIFIED);
        }
      }
    }
  }
}

}  // namespace
}  // namespace proctor::model
