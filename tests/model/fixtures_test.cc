// What servers send, through the decoder: the right result or the right reason, each of them.
#include "tests/model/fixtures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>

#include "model/sse.h"
#include "model/wire.h"

namespace proctor::model {
namespace {

void ExpectChoices(const ChatReply& reply, const Fixture& fixture) {
  ASSERT_EQ(reply.choices.size(), fixture.choices.size());
  for (size_t i = 0; i < fixture.choices.size(); ++i) {
    const ExpectedChoice& expected = fixture.choices[i];
    EXPECT_EQ(reply.choices[i].text, expected.text);
    EXPECT_EQ(reply.choices[i].failure, expected.failure) << reply.choices[i].failure_detail;
    EXPECT_EQ(reply.choices[i].finish_reason, expected.finish_reason);
    EXPECT_EQ(reply.choices[i].reasoning, expected.reasoning);
    EXPECT_EQ(static_cast<int>(reply.choices[i].tokens.size()), expected.tokens);
  }
}

class FixturesTest : public testing::TestWithParam<Fixture> {};

TEST_P(FixturesTest, MeansWhatTheTableSays) {
  const Fixture& fixture = GetParam();
  const bool streamed = LooksStreamed(fixture.body);
  const ChatReply reply = DecodeReply(fixture.wire, streamed, fixture.http_status, fixture.body, fixture.images);
  EXPECT_EQ(reply.call.failure(), fixture.failure) << reply.call.failure_detail();
  EXPECT_EQ(reply.call.failure_detail().empty(), fixture.failure == v1::MODEL_FAILURE_UNSPECIFIED);
  EXPECT_LE(reply.call.failure_detail().size(), 500u);
  ExpectChoices(reply, fixture);
  EXPECT_EQ(reply.call.model(), fixture.model);
  EXPECT_EQ(reply.call.usage().input_tokens(), fixture.input_tokens);
  EXPECT_EQ(reply.call.usage().output_tokens(), fixture.output_tokens);
  EXPECT_EQ(reply.call.usage().cached_input_tokens(), fixture.cached_tokens);
  EXPECT_EQ(reply.call.http_status(), fixture.http_status);
  EXPECT_EQ(reply.call.wire(), fixture.wire);
  EXPECT_EQ(reply.call.streamed(), streamed);
}

TEST_P(FixturesTest, StoredCallIsReadAgainTheSame) {
  const Fixture& fixture = GetParam();
  const ChatReply first =
      DecodeReply(fixture.wire, LooksStreamed(fixture.body), fixture.http_status, fixture.body, fixture.images);
  v1::ModelCall stored = first.call;
  stored.set_raw_reply(fixture.body);
  stored.set_purpose("outcome");
  const ChatReply again = DecodeCall(stored);
  EXPECT_EQ(again.call.SerializeAsString(), stored.SerializeAsString());
  ExpectChoices(again, fixture);
}

class StreamsTest : public testing::TestWithParam<Fixture> {};

TEST_P(StreamsTest, EventsAreTheSameWhereverTheStreamIsSplit) {
  const std::string& body = GetParam().body;
  const auto events = [&](const std::vector<std::string_view>& pieces) {
    std::vector<std::string> found;
    SseParser parser([&](const SseEvent& event) { found.push_back(event.type + "|" + event.data); });
    for (const std::string_view piece : pieces) parser.Feed(piece);
    parser.Finish();
    return found;
  };
  const std::vector<std::string> whole = events({body});
  EXPECT_FALSE(whole.empty());
  const std::string_view view = body;
  for (size_t at = 0; at <= body.size(); ++at) EXPECT_EQ(events({view.substr(0, at), view.substr(at)}), whole) << at;
  std::vector<std::string_view> bytes;
  for (size_t at = 0; at < body.size(); ++at) bytes.push_back(view.substr(at, 1));
  EXPECT_EQ(events(bytes), whole);
}

class GoodRepliesTest : public testing::TestWithParam<Fixture> {};

// Nothing that is cut off passes for a whole reply with another text.
TEST_P(GoodRepliesTest, CutAnywhereIsEitherTheSameOrAFailure) {
  const Fixture& fixture = GetParam();
  for (size_t at = 0; at < fixture.body.size(); ++at) {
    const std::string cut = fixture.body.substr(0, at);
    const ChatReply reply = DecodeReply(fixture.wire, LooksStreamed(fixture.body), 200, cut, fixture.images);
    if (reply.call.failure() != v1::MODEL_FAILURE_UNSPECIFIED) continue;
    for (size_t i = 0; i < reply.choices.size(); ++i) EXPECT_EQ(reply.choices[i].text, fixture.choices[i].text) << at;
  }
}

std::vector<Fixture> Those(bool (*wanted)(const Fixture&)) {
  std::vector<Fixture> those;
  std::copy_if(Fixtures().begin(), Fixtures().end(), std::back_inserter(those), wanted);
  return those;
}

std::string NameOf(const testing::TestParamInfo<Fixture>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(All, FixturesTest, testing::ValuesIn(Fixtures()), NameOf);
INSTANTIATE_TEST_SUITE_P(All, StreamsTest,
                         testing::ValuesIn(Those([](const Fixture& fixture) { return LooksStreamed(fixture.body); })),
                         NameOf);
INSTANTIATE_TEST_SUITE_P(All, GoodRepliesTest, testing::ValuesIn(Those([](const Fixture& fixture) {
                           return fixture.http_status == 200 && fixture.failure == v1::MODEL_FAILURE_UNSPECIFIED;
                         })),
                         NameOf);

// The only one of that name.
Fixture Named(const std::string& name) {
  Fixture found;
  int count = 0;
  for (const Fixture& fixture : Fixtures()) {
    if (fixture.name != name) continue;
    found = fixture;
    ++count;
  }
  EXPECT_EQ(count, 1) << name;
  return found;
}

TEST(DecodeReplyTest, TokensCarryTheirAlternatives) {
  const Fixture fixture = Named("openai_logprobs");
  const ChatReply reply = DecodeReply(fixture.wire, false, 200, fixture.body, 0);
  const GeneratedToken& token = reply.choices.at(0).tokens.at(0);
  EXPECT_EQ(token.chosen.token, "Yes");
  EXPECT_DOUBLE_EQ(token.chosen.log_prob, -0.02);
  ASSERT_EQ(token.alternatives.size(), 2u);
  EXPECT_EQ(token.alternatives[1].token, "No");
  EXPECT_DOUBLE_EQ(token.alternatives[1].log_prob, -4.1);
}

TEST(DecodeReplyTest, ErrorTextOfAGenerationIsNotRepeated) {
  const Fixture fixture = Named("groq_failed_generation");
  ASSERT_THAT(fixture.body, testing::HasSubstr("text of a page"));
  const ChatReply reply = DecodeReply(fixture.wire, false, fixture.http_status, fixture.body, 0);
  EXPECT_THAT(reply.call.failure_detail(), testing::Not(testing::HasSubstr("text of a page")));
}

TEST(MergeRepliesTest, JoinsChoicesAndTokensOfSeveralRequests) {
  const std::string body =
      R"({"model":"m","choices":[{"index":0,"message":{"content":"a"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2}})";
  v1::ModelCall call = DecodeReply(v1::MODEL_WIRE_OPENAI_CHAT, false, 200, body, 0).call;
  call.set_raw_reply(body);
  call.add_more_raw_replies(body);
  call.add_more_raw_replies(body);
  EXPECT_EQ(DecodeCall(call).choices.size(), 3u);
  const ChatReply one = DecodeReply(v1::MODEL_WIRE_OPENAI_CHAT, false, 200, body, 0);
  EXPECT_EQ(MergeReplies({one, one}).call.usage().input_tokens(), 6);
}

}  // namespace
}  // namespace proctor::model
