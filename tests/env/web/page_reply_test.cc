// Replies of the page script, honest and hostile: a renderer may be taken over.
#include "env/web/page_reply.h"

#include "gtest/gtest.h"

namespace proctor::env::web {
namespace {

constexpr char kElement[] =
    R"([7,"button","Buy","button","Buy","",[4,5,99,"x"],1.5,2,30,20,0,["a","b"],"p","H","L","http://a/","",1])";

TEST(PageReplyTest, ReadsEveryField) {
  const auto element = ParsePageElement(ParseJson(kElement).value());
  ASSERT_TRUE(element.ok()) << element.status();
  EXPECT_EQ(element->local_id, 7);
  EXPECT_EQ(element->element.role(), "button");
  EXPECT_EQ(element->element.box().x(), 1.5);
  EXPECT_EQ(element->element.states_size(), 2);
  EXPECT_EQ(element->element.options_size(), 2);
  EXPECT_EQ(element->element.heading(), "H");
  EXPECT_TRUE(element->element.in_viewport());
}

TEST(PageReplyTest, RefusesOrSurvivesWhatTheScriptNeverWrites) {
  for (const std::string text :
       {"", "x", "[]", "7", "null", R"({"e":7})", R"({"e":[7]})", R"({"e":[[1,2]]})",
        R"({"o":[[1]]})", R"({"o":{"a":1}})", R"({"v":[1]})", R"({"s":"x"})",
        R"({"u":5,"t":[],"a":{}})", R"({"o":[[1,2,3,4,5,6,7,8,-1e300]]})",
        R"({"o":[[1,"a",null,4,5,6,7,8,1e300]]})", R"({"f":1e300})"}) {
    const auto reply = ParsePageReply(text);
    if (reply.ok()) {
      EXPECT_TRUE(reply->elements.empty());
    }
  }
  Json element = ParseJson(kElement).value();
  for (size_t i = 0; i < element.size(); ++i) {
    for (const Json& odd : {Json(nullptr), Json("text"), Json(-1e300),
                            Json::array({1, Json::array()}), Json::object()}) {
      Json changed = element;
      changed[i] = odd;
      (void)ParsePageElement(changed);
    }
  }
}

TEST(PageReplyTest, ScriptStringTellsExceptionsFromValues) {
  EXPECT_EQ(ScriptString(R"({"result":{"type":"string","value":"x"}})").value(), "x");
  const auto thrown = ScriptString(
      R"({"result":{},"exceptionDetails":{"text":"Uncaught","exception":{"description":"TypeError: no"}}})");
  EXPECT_EQ(thrown.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(thrown.status().message().find("TypeError: no"), std::string::npos);
  for (const std::string text :
       {"", "{}", R"({"result":5})", R"({"result":{"value":5}})", R"({"exceptionDetails":1})"}) {
    EXPECT_FALSE(ScriptString(text).ok()) << text;
  }
}

}  // namespace
}  // namespace proctor::env::web
