#include "common/trace_context.h"

#include <set>

#include "gtest/gtest.h"

namespace proctor {
namespace {

constexpr char kGood[] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

TEST(TraceContextTest, ReadsAndWritesTheStandardsForm) {
  const auto context = ParseTraceparent(kGood);
  ASSERT_TRUE(context);
  EXPECT_EQ(context->trace_id, "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(context->span_id, "00f067aa0ba902b7");
  EXPECT_TRUE(context->sampled);
  EXPECT_EQ(FormatTraceparent(*context), kGood);
  EXPECT_FALSE(ParseTraceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00")->sampled);
  // Other flags than the first bit say nothing here.
  EXPECT_FALSE(ParseTraceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-fe")->sampled);
  EXPECT_TRUE(ParseTraceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0b")->sampled);
}

TEST(TraceContextTest, ReadsLaterVersionsAsThisOne) {
  EXPECT_TRUE(ParseTraceparent("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
  EXPECT_TRUE(ParseTraceparent("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-will-be"));
  EXPECT_FALSE(ParseTraceparent("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.what-will-be"));
}

TEST(TraceContextTest, RefusesEverythingElse) {
  for (const char* bad :
       {"", "00", "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-", "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01", "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7-01", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7_01",
        "00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0x",
        " 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "0g-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}) {
    EXPECT_FALSE(ParseTraceparent(bad)) << bad;
  }
  // Every shorter text, and every text with one byte changed to one that has no place there.
  const std::string good = kGood;
  for (size_t i = 0; i < good.size(); ++i) {
    EXPECT_FALSE(ParseTraceparent(good.substr(0, i))) << i;
    std::string changed = good;
    changed[i] = '\x80';
    EXPECT_FALSE(ParseTraceparent(changed)) << i;
  }
}

TEST(TraceContextTest, NewSpansStayInTheirTrace) {
  const TraceContext trace = NewTrace(/*sampled=*/true);
  EXPECT_EQ(trace.span_id, "0000000000000000");
  EXPECT_EQ(FormatTraceparent(*ParseTraceparent(FormatTraceparent(trace))), FormatTraceparent(trace));
  std::set<std::string> spans;
  for (int i = 0; i < 100; ++i) {
    const TraceContext span = NewSpan(trace);
    EXPECT_EQ(span.trace_id, trace.trace_id);
    EXPECT_TRUE(span.sampled);
    EXPECT_EQ(span.span_id.size(), 16u);
    spans.insert(span.span_id);
  }
  EXPECT_EQ(spans.size(), 100u);
}

}  // namespace
}  // namespace proctor
