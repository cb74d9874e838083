#include "model/sse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace proctor::model {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> Events(std::string_view stream) {
  std::vector<std::string> found;
  SseParser parser([&](const SseEvent& event) { found.push_back(event.type + "|" + event.data); });
  parser.Feed(stream);
  parser.Finish();
  return found;
}

TEST(SseParserTest, ReadsEventsWithTheirTypes) {
  EXPECT_THAT(Events("event: a\ndata: 1\n\ndata: 2\n\n"), ElementsAre("a|1", "|2"));
}

TEST(SseParserTest, LinesEndInAnyOfThreeWays) {
  EXPECT_THAT(Events("data: 1\r\rdata: 2\r\n\r\ndata: 3\n\n"), ElementsAre("|1", "|2", "|3"));
}

TEST(SseParserTest, DataLinesAreJoined) {
  EXPECT_THAT(Events("data: a\ndata:b\ndata\ndata:  c\n\n"), ElementsAre("|a\nb\n\n c"));
}

TEST(SseParserTest, PassesOverCommentsUnknownFieldsAndAByteOrderMark) {
  EXPECT_THAT(Events("\xEF\xBB\xBF: hi\nid: 3\nretry: 5\nfoo: x\nbare\ndata: 1\n\n: only a comment\n\n"),
              ElementsAre("|1"));
}

TEST(SseParserTest, EventWithoutDataIsNone) { EXPECT_THAT(Events("event: a\n\n\n\n"), IsEmpty()); }

TEST(SseParserTest, LastEventNeedsNoBlankLine) {
  EXPECT_THAT(Events("data: 1\n\ndata: 2"), ElementsAre("|1", "|2"));
  EXPECT_THAT(Events("data: 1\n"), ElementsAre("|1"));
}

TEST(SseParserTest, BinaryAndEmptyStreamsGiveNothingOrWhatTheyHold) {
  EXPECT_THAT(Events(""), IsEmpty());
  EXPECT_THAT(Events(std::string(1000, '\0')), IsEmpty());
  EXPECT_THAT(Events(std::string("data: a\0b\n\n", 11)), ElementsAre(std::string("|a\0b", 4)));
}

}  // namespace
}  // namespace proctor::model
