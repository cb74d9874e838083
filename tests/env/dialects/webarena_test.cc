#include "tests/env/dialects/dialect_testing.h"

namespace proctor::env::dialects {
namespace {

std::string Fence(const std::string& action) {
  return "Let's think step-by-step. In summary, the next action I will perform is ```" + action +
         "```";
}

TEST(WebArenaTest, ParsesEveryActionOfTheGrammar) {
  const Row rows[] = {
      {"click [12]", R"({"click":{"target":{"mark":12}}})"},
      {Fence("click [12]"), R"({"click":{"target":{"mark":12}}})"},
      {Fence("click[12]"), R"({"click":{"target":{"mark":12}}})"},
      {Fence("click [12] where 12 is the button"), R"({"click":{"target":{"mark":12}}})"},
      {Fence("\nhover [7]\n"), R"({"hover":{"target":{"mark":7}}})"},
      {Fence("type [4] [red shoes] [1]"),
       R"({"type":{"target":{"mark":4},"text":"red shoes","submit":true}})"},
      {Fence("type [4] [red shoes] [0]"), R"({"type":{"target":{"mark":4},"text":"red shoes"}})"},
      {Fence("type [4] [red shoes]"),
       R"({"type":{"target":{"mark":4},"text":"red shoes","submit":true}})"},
      {Fence("type [4] [a] b]"), R"({"type":{"target":{"mark":4},"text":"a] b","submit":true}})"},
      {Fence("press [ctrl+a]"), R"({"press_keys":{"chords":["Control+a"]}})"},
      {Fence("press [Meta+v]"), R"({"press_keys":{"chords":["Control+v"]}})"},
      {Fence("press [Enter]"), R"({"press_keys":{"chords":["Enter"]}})"},
      {Fence("scroll [down]"), R"({"scroll":{"delta_y":768}})"},
      {Fence("scroll up"), R"({"scroll":{"delta_y":-768}})"},
      {Fence("goto [http://shop.example/cart?a[0]=1]"),
       R"({"goto":{"url":"http://shop.example/cart?a[0]=1"}})"},
      {Fence("new_tab"), R"({"new_tab":{}})"},
      {Fence("go_back"), R"({"go_back":{}})"},
      {Fence("go_forward"), R"({"go_forward":{}})"},
      {Fence("tab_focus [1]"), R"({"focus_tab":{"index":1}})"},
      {Fence("close_tab"), R"({"close_tab":{}})"},
      {Fence("stop [N/A]"), R"({"answer":{"text":"N/A"}})"},
      {Fence("stop [42 [approx.]]"), R"({"answer":{"text":"42 [approx.]"}})"},
      {Fence("stop"), R"({"answer":{}})"},
      {Fence("stop []"), R"({"answer":{}})"},
      {"I go ```click [3]``` or ```click [4]```", R"({"click":{"target":{"mark":3}}})"},
      {"so ```click [3]", R"({"click":{"target":{"mark":3}}})"},
  };
  for (const Row& row : rows) CheckRow(v1::DIALECT_WEBARENA, row);
}

TEST(WebArenaTest, RefusesMalformedTextAndSaysHowToWriteIt) {
  const Row rows[] = {
      {"", "", "There is no action"},
      {"``````", "", "There is no action"},
      {"I think I will click [12]", "", "is not an action"},
      {Fence("click"), "", "is not an action"},
      {Fence("click [a12]"), "", "is not an action"},
      {Fence("click [0]"), "", "marks are numbers from 1"},
      {Fence("click [4294967297]"), "", "marks are numbers from 1"},
      {Fence("type [4]"), "", "is not an action"},
      {Fence("press []"), "", "is not an action"},
      {Fence("scroll [left]"), "", "is not an action"},
      {Fence("goto []"), "", "is not an action"},
      {Fence("tab_focus [x]"), "", "is not an action"},
      {Fence("tab_focus [99999999999]"), "", "no tab"},
      {Fence("dance"), "", "Write one action"},
  };
  for (const Row& row : rows) CheckRow(v1::DIALECT_WEBARENA, row);
}

TEST(WebArenaTest, KeepsTheThoughtBeforeTheFence) {
  EXPECT_EQ(ParseWith(v1::DIALECT_WEBARENA, "I see a link.\n```click [3]```").thought,
            "I see a link.");
  EXPECT_EQ(ParseWith(v1::DIALECT_WEBARENA, "I see a link.\n```jump```").thought, "I see a link.");
}

TEST(WebArenaTest, SurvivesHostileText) {
  const std::string hostile[] = {std::string(70000, '`'),
                                 Fence(std::string(60000, '[')),
                                 Fence("type [1] " + std::string(60000, '[')),
                                 Fence("stop [\xff]"),
                                 Fence(std::string("click\0[1]", 9)),
                                 Fence("type [1] [" + std::string(30000, ']') + "[0]")};
  for (const std::string& text : hostile) {
    const ParsedAgentText parsed = ParseWith(v1::DIALECT_WEBARENA, text);
    EXPECT_NE(parsed.error.empty(), parsed.action.kind_case() == v1::Action::KIND_NOT_SET);
    EXPECT_LT(parsed.error.size(), 1000u);
  }
}

}  // namespace
}  // namespace proctor::env::dialects
