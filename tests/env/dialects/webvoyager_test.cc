#include "tests/env/dialects/dialect_testing.h"

namespace proctor::env::dialects {
namespace {

std::string Act(const std::string& action) { return "Thought: I see it.\nAction: " + action; }

TEST(WebVoyagerTest, ParsesEveryActionOfTheGrammar) {
  const Row rows[] = {
      {Act("Click [3]"), R"({"click":{"target":{"mark":3}}})"},
      {Act("Click 3"), R"({"click":{"target":{"mark":3}}})"},
      {Act("Type [4]; [red shoes]"),
       R"({"type":{"target":{"mark":4},"text":"red shoes","clear":true,"submit":true}})"},
      {Act("Type 4 red shoes"),
       R"({"type":{"target":{"mark":4},"text":"red shoes","clear":true,"submit":true}})"},
      {Act("Type [4]; [a [b] c]"),
       R"({"type":{"target":{"mark":4},"text":"a [b] c","clear":true,"submit":true}})"},
      {Act("Scroll [WINDOW]; [down]"), R"({"scroll":{"delta_y":512}})"},
      {Act("Scroll WINDOW up"), R"({"scroll":{"delta_y":-512}})"},
      {Act("Scroll [9]; [down]"), R"({"scroll":{"target":{"mark":9},"delta_y":200}})"},
      {Act("Scroll [5]; [up]"), R"({"scroll":{"target":{"mark":5},"delta_y":-512}})"},
      {Act("Wait"), R"({"wait":{"duration":"5s"}})"},
      {Act("GoBack"), R"({"go_back":{}})"},
      {Act("Google"), R"({"goto":{"url":"https://www.google.com/"}})"},
      {Act("ANSWER; [It costs $12.50]"), R"({"answer":{"text":"It costs $12.50"}})"},
      {Act("ANSWER; N/A"), R"({"answer":{"text":"N/A"}})"},
      {Act("ANSWER; [N/A]"), R"({"answer":{"text":"N/A"}})"},
      {Act("ANSWER; [Press Click [3] first]"), R"({"answer":{"text":"Press Click [3] first"}})"},
      {Act("ANSWER; [not closed"), R"({"answer":{"text":"not closed"}})"},
      {Act("I will Click [12] now"), R"({"click":{"target":{"mark":12}}})"},
      {Act("Click [3]\nObservation: then Click [4]"), R"({"click":{"target":{"mark":3}}})"},
  };
  for (const Row& row : rows) CheckRow(v1::DIALECT_WEBVOYAGER, row);
}

TEST(WebVoyagerTest, RefusesMalformedTextAndSaysHowToWriteIt) {
  const Row rows[] = {
      {"", "", "must both be there"},
      {"Click [3]", "", "must both be there"},
      {"Action: Click [3]", "", "must both be there"},
      {"Thought: only thinking", "", "must both be there"},
      {Act(""), "", "is not an action"},
      {Act("click [3]"), "", "is not an action"},
      {Act("Click [three]"), "", "is not an action"},
      {Act("Click [0]"), "", "marks are numbers from 1"},
      {Act("Click [99999999999999999999]"), "", "marks are numbers from 1"},
      {Act("Type [4];"), "", "needs a text"},
      {Act("Type [4]; []"), "", "needs a text"},
      {Act("Scroll [WINDOW]; [left]"), "", "is not an action"},
      {Act("Please Wait"), "", "is not an action"},
      {Act("Hover [3]"), "", "Write \"Thought"},
  };
  for (const Row& row : rows) CheckRow(v1::DIALECT_WEBVOYAGER, row);
}

TEST(WebVoyagerTest, KeepsTheThoughtAlsoWhenTheActionIsMalformed) {
  EXPECT_EQ(ParseWith(v1::DIALECT_WEBVOYAGER, Act("Click [3]")).thought, "I see it.");
  EXPECT_EQ(ParseWith(v1::DIALECT_WEBVOYAGER, Act("Jump")).thought, "I see it.");
  EXPECT_EQ(ParseWith(v1::DIALECT_WEBVOYAGER, "Thought: just this").thought, "just this");
}

TEST(WebVoyagerTest, SurvivesHostileText) {
  const std::string hostile[] = {std::string(70000, 'a'),
                                 Act(std::string(60000, '[')),
                                 Act("ANSWER; " + std::string(50000, '[')),
                                 Act("Type [4]; [\xff\xfe]"),
                                 std::string("Thought:\0Action:\0Click [1]", 26),
                                 Act("Type [1]" + std::string(40000, ';'))};
  for (const std::string& text : hostile) {
    const ParsedAgentText parsed = ParseWith(v1::DIALECT_WEBVOYAGER, text);
    EXPECT_NE(parsed.error.empty(), parsed.action.kind_case() == v1::Action::KIND_NOT_SET);
    EXPECT_LT(parsed.error.size(), 1000u);
  }
}

}  // namespace
}  // namespace proctor::env::dialects
