// Cases worked by hand from the original's rules.
#include "evaluator/webarena.h"

#include <string>

#include "common/proto_json.h"
#include "evaluator/html.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace proctor::evaluator {
namespace {

using ::testing::ElementsAre;

v1::WebArenaEval Eval(const std::string& json) {
  v1::WebArenaEval eval;
  const absl::Status parsed = ProtoFromJson(json, eval);
  EXPECT_TRUE(parsed.ok()) << parsed << " in " << json;
  return eval;
}

BaseUrls Bases() {
  BaseUrls bases;
  bases["__SHOP__"] = "http://shop.test:7770/";
  bases["__REDDIT__"] = "http://reddit.test:9999";
  return bases;
}

constexpr double kJudge = -1;  // undetermined: JUDGE_NEEDED
constexpr double kUnset = -2;  // undetermined: NOT_CONFIGURED

void ExpectScore(const Score& score, double expected, const std::string& what) {
  if (expected >= 0) {
    EXPECT_TRUE(score.determined) << what;
    EXPECT_EQ(score.value, expected) << what << ": " << score.detail;
  } else {
    EXPECT_FALSE(score.determined) << what;
    EXPECT_EQ(score.reason, expected == kJudge ? v1::UNDETERMINED_REASON_JUDGE_NEEDED
                                               : v1::UNDETERMINED_REASON_NOT_CONFIGURED)
        << what;
  }
}

struct StringCase {
  const char* references;
  const char* answer;
  double score;
};

TEST(WebArenaStringMatchTest, FollowsTheOriginal) {
  const StringCase kCases[] = {
      {R"("exact_match":"Quest Lumaflex™ Band")", " quest lumaflex™ band ", 1},
      {R"("exact_match":"Quest Lumaflex™ Band")", "Quest Lumaflex™ Band.", 0},
      {R"("exact_match":"557m")", "'557m'", 1},
      {R"("exact_match":"557m")", "\"557M\"", 1},
      {R"("exact_match":"557m")", "'557m\"", 0},
      {R"("exact_match":"557m")", "''557m''", 0},  // one pair only
      {R"("exact_match":"")", "", 1},
      {R"("must_include":["HP CB782A","printer"])", "The PRINTER is hp cb782a!", 1},
      {R"("must_include":["HP CB782A","printer"])", "printer", 0},
      {R"("must_include":["cat"])", "concatenate", 1},
      {R"("must_include":["2"])", "There are 2 of them", 1},
      {R"("must_include":["2"])", "There are 12 of them", 0},
      {R"("must_include":["0"])", "$0.00", 0},
      {R"("must_include":["0"])", "0", 1},
      {R"("must_include":["0"])", "It is 0.", 1},
      {R"("must_include":["5"])", "(5)", 1},
      {R"("must_include":["5"])", "5%", 1},
      {R"("must_include":["5"])", "5, maybe", 1},
      {R"("must_include":["5"])", "5,000", 0},
      {R"("must_include":["5"])", "4/5", 0},
      {R"("must_include":["5"])", "say '5' now", 1},
      {R"("must_include":["5"])", "5. then more", 0},  // lower case follows: no sentence end
      {R"("must_include":["5"])", "", 0},
      {R"("must_include":["0","1"])", "10", 1},  // two items: no tokens
      {R"("exact_match":"a","must_include":["b"])", "a", 0},
      {R"("exact_match":"ab","must_include":["b","a"])", "ab", 1},
      {R"("fuzzy_match":["some meaning"])", "some meaning", kJudge},
      {R"("must_include":["x"],"fuzzy_match":["y"])", "z", 0},
      {R"("fuzzy_match_na":true)", "N/A", 1},
      {R"("fuzzy_match_na":true)", " 'n/a' ", 1},
      {R"("fuzzy_match_na":true)", "N/A, no such thing", kJudge},
      {R"("exact_match":"x","fuzzy_match_na":true)", "N/A", 1},  // overwrites the product
  };
  for (const StringCase& test : kCases) {
    const v1::WebArenaEval eval =
        Eval(std::string(R"({"eval_types":["string_match"],"reference_answers":{)") +
             test.references + "}}");
    ASSERT_TRUE(ValidateWebArena(eval).ok()) << test.references;
    ExpectScore(WebArenaStringMatch(eval, test.answer), test.score,
                std::string(test.references) + " / " + test.answer);
  }
}

struct UrlCase {
  const char* reference;
  const char* url;
  double score;
};

TEST(WebArenaUrlMatchTest, FollowsTheOriginal) {
  const UrlCase kCases[] = {
      {"__SHOP__/a/b", "http://shop.test:7770/a/b/", 1},
      {"__SHOP__/a/b/", "http://shop.test:7770/a/b", 1},
      {"__SHOP__/a", "http://shop.test:7770/a/longer/path", 1},  // substring rule
      {"__SHOP__/a", "https://shop.test:7770/a#part", 1},  // scheme and fragment do not matter
      {"__SHOP__/a", "http://shop.test/a", 0},             // the port does
      {"__SHOP__/a", "http://shop.test:7770/b", 0},
      {"__SHOP__/A", "http://shop.test:7770/a", 0},
      {"__SHOP__/a |OR| __SHOP__/b", "http://shop.test:7770/b", 1},
      {"__SHOP__/s?q=mug", "http://shop.test:7770/s?page=2&q=mug", 1},
      {"__SHOP__/s?q=mug", "http://shop.test:7770/s?q=cup", 0},
      {"__SHOP__/s?q=mug", "http://shop.test:7770/s", 0},
      {"__SHOP__/s?q=red+mug", "http://shop.test:7770/s?q=red%20mug", 1},
      {"__SHOP__/s?q=", "http://shop.test:7770/s", 1},  // blank values are ignored
      {"__SHOP__/s?q=a |OR| __SHOP__/s?q=b", "http://shop.test:7770/s?q=b", 1},
      {"__SHOP__/s?q=a |OR| __SHOP__/t?r=b", "http://shop.test:7770/s?q=a",
       0},  // the union of keys is required
      {"__SHOP__/s?q=a&r=1 |OR| __SHOP__/s?q=b", "http://shop.test:7770/s?q=b&r=1", 1},
      {"__SHOP__", "http://shop.test:7770/", 1},
      {"__MAP__/x", "http://map.test/x", kUnset},
  };
  for (const UrlCase& test : kCases) {
    v1::WebArenaEval eval = Eval(R"({"eval_types":["url_match"],"url_note":"GOLD in PRED"})");
    eval.set_reference_url(test.reference);
    ASSERT_TRUE(ValidateWebArena(eval).ok());
    ExpectScore(WebArenaUrlMatch(eval, test.url, Bases()), test.score,
                std::string(test.reference) + " / " + test.url);
  }
}

struct HtmlCase {
  const char* required;
  const char* json;
  double score;
};

TEST(WebArenaProgramHtmlTest, FollowsTheOriginal) {
  const HtmlCase kCases[] = {
      {R"("must_include":["Tom & Jerry"])", R"("<b>Tom &amp; Jerry</b>")", 1},
      {R"("must_include":["a","b"])", R"("only A")", 0},
      {R"("must_include":["80 |OR| eighty"])", R"("Eighty")", 1},
      {R"("must_include":["80 |OR| eighty"])", R"("8")", 0},
      {R"("must_include":["1"])", R"("12")", 1},  // never tokens
      {R"("exact_match":"Open")", R"(" open ")", 1},
      {R"("exact_match":"Open")", R"("Open now")", 0},
      {R"("exact_match":"x","must_include":["b"])", R"("b")", 0},  // exact_match takes precedence
      {R"("exact_match":"None")", "null", 1},                      // Python's text of null
      {R"("exact_match":"3")", "3", 1},
      {R"("exact_match":"3")", "3.0", 1},
      {R"("exact_match":"True")", "true", 1},
      {R"("exact_match":"['a', 'b']")", R"(["a","b"])", 1},
      {R"("exact_match":"")", R"("")", 1},  // what an error of the locator gives
      {R"("must_include":["__REDDIT__/f/books"])",
       R"("<a href='http://reddit.test:9999/f/books'>")", 1},
  };
  for (const HtmlCase& test : kCases) {
    const v1::WebArenaEval eval =
        Eval(std::string(
                 R"({"eval_types":["program_html"],"program_html":[{"url":"last","locator":"",)") +
             test.required + "}]}");
    ASSERT_TRUE(ValidateWebArena(eval).ok()) << test.required;
    ExpectScore(WebArenaProgramHtml(eval, {test.json}, Bases()), test.score,
                std::string(test.required) + " / " + test.json);
  }
}

TEST(WebArenaProgramHtmlTest, EveryEntryMustHold) {
  const v1::WebArenaEval eval = Eval(R"({"eval_types":["program_html"],"program_html":[
      {"url":"__SHOP__/a","must_include":["a"]},{"url":"last","must_include":["b"]}]})");
  EXPECT_EQ(WebArenaProgramHtml(eval, {"\"a\"", "\"b\""}, Bases()).value, 1);
  EXPECT_EQ(WebArenaProgramHtml(eval, {"\"a\"", "\"a\""}, Bases()).value, 0);
  EXPECT_FALSE(WebArenaProgramHtml(eval, {"\"a\""}, Bases()).determined);
}

TEST(WebArenaPagesTest, AsksForPagesInOrderAndForgivesErrorsOfLocators) {
  const v1::WebArenaEval eval = Eval(R"json({"eval_types":["program_html"],"program_html":[
      {"url":"__SHOP__/a","locator":"document.title","prep_actions":["f()"],"must_include":["a"]},
      {"url":"last","locator":"","must_include":["b"]}]})json");
  const auto pages = WebArenaPages(eval, {});
  ASSERT_TRUE(pages.has_value());
  ASSERT_EQ(pages->entries_size(), 2);
  EXPECT_EQ(pages->entries(0).url(), "__SHOP__/a");
  EXPECT_EQ(pages->entries(0).prep_actions(0), "f()");
  EXPECT_EQ(pages->entries(0).expression(),
            "(() => { try { return (document.title); } catch (error) { return \"\"; } })()");
  EXPECT_EQ(pages->entries(1).url(), "last");
  EXPECT_EQ(pages->entries(1).expression(), "");
}

TEST(WebArenaPagesTest, FunctionsNeedConfiguration) {
  const v1::WebArenaEval eval = Eval(R"json({"eval_types":["program_html"],"program_html":[
      {"url":"func:reddit_get_post_url('__last_url__')","locator":"document.title","must_include":["a"]},
      {"url":"last","locator":"func:role(__page__, 'tom')","must_include":["Guest"]}]})json");
  EXPECT_TRUE(NeedsFunctions(eval));
  EXPECT_FALSE(WebArenaPages(eval, {}).has_value());
  EXPECT_FALSE(WebArenaPages(eval, {{"role", {"last", "f"}}}).has_value());
  const auto pages =
      WebArenaPages(eval, {{"role", {"last", "f"}}, {"reddit_get_post_url", {"last", "u => u"}}});
  ASSERT_TRUE(pages.has_value());
  EXPECT_EQ(pages->entries(0).url(), "last");
  EXPECT_EQ(pages->entries(0).url_expression(), "(u => u)(location.href)");
  EXPECT_EQ(pages->entries(1).expression(), "(f)(document, 'tom')");
}

TEST(ValidateWebArenaTest, RefusesUnknownThings) {
  for (
      const char* json :
      {R"({})", R"({"eval_types":["page_image_query"]})", R"({"eval_types":["string_match"]})",
       R"({"eval_types":["url_match"]})", R"({"eval_types":["program_html"]})",
       R"({"eval_types":["url_match"],"reference_url":"http://a","url_note":"EXACT"})",
       R"json({"eval_types":["program_html"],"program_html":[{"url":"last","locator":"$('a')","must_include":["a"]}]})json",
       R"({"eval_types":["program_html"],"program_html":[{"url":"last"}]})"}) {
    EXPECT_EQ(ValidateWebArena(Eval(json)).code(), absl::StatusCode::kInvalidArgument) << json;
  }
}

TEST(WordTokensTest, SplitsLikeTheTreebank) {
  EXPECT_THAT(WordTokens("it isn't $5.00, ok?"),
              ElementsAre("it", "is", "n't", "$", "5.00", ",", "ok", "?"));
  EXPECT_THAT(WordTokens("a--b (c) 10:30"), ElementsAre("a", "--", "b", "(", "c", ")", "10:30"));
  EXPECT_THAT(WordTokens("tom's cat."), ElementsAre("tom", "'s", "cat", "."));
  EXPECT_THAT(WordTokens("wait... 3"), ElementsAre("wait", "...", "3"));
}

TEST(UnescapeHtmlTest, ReadsReferencesAsTheStandardSays) {
  const std::pair<const char*, const char*> kCases[] = {
      {"&lt;b&gt; &amp;amp; &quot;", "<b> &amp; \""},
      {"&eacute;&#233;&#xE9;", "ééé"},
      {"&ampx &notit;", "&x ¬it;"},
      {"&unknown; & &#; &#x;", "&unknown; & &#; &#x;"},
      {"&#128;&#0;&#xD800;", "€\uFFFD\uFFFD"},
      {"&#x110000;", "\uFFFD"},
      {"&nbsp;", "\u00A0"},
      {"&", "&"},
      {"&#99999999999999999999;", "\uFFFD"},
      {"&NotEqualTilde;", "\u2242\u0338"}};
  for (const auto& [raw, plain] : kCases) EXPECT_EQ(UnescapeHtml(raw), plain) << raw;
}

}  // namespace
}  // namespace proctor::evaluator
