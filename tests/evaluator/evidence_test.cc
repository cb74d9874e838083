#include "evaluator/evidence.h"

#include <string>

#include "common/proto_json.h"
#include "gtest/gtest.h"

namespace proctor::evaluator {
namespace {

v1::Oracle Oracle(const std::string& json) {
  v1::Oracle oracle;
  const absl::Status parsed = ProtoFromJson(json, oracle);
  EXPECT_TRUE(parsed.ok()) << parsed << " in " << json;
  return oracle;
}

constexpr char kAnswer[] = R"({"answer":{"match":{"equals":{"values":["x"]}}}})";
constexpr char kUrl[] = R"({"url":{"urls":["http://a.test/"]}})";
constexpr char kPage[] = R"({"page":{"expression":"1","match":{"truthy":true}}})";
constexpr char kState[] =
    R"({"site_state":{"site":"SHOP","pointer":"/cart","match":{"truthy":true}}})";

std::string All(const std::string& a, const std::string& b) {
  return "{\"all\":{\"oracles\":[" + a + "," + b + "]}}";
}
std::string Any(const std::string& a, const std::string& b) {
  return "{\"any\":{\"oracles\":[" + a + "," + b + "]}}";
}

TEST(RequiredEvidenceTest, AnswersNeedNothing) {
  EXPECT_TRUE(RequiredEvidence(Oracle(kAnswer)).empty());
}

TEST(RequiredEvidenceTest, AsksForEachThingOnce) {
  const auto requests =
      RequiredEvidence(Oracle(All(All(kUrl, kPage), Any(kUrl, All(kState, kPage)))));
  ASSERT_EQ(requests.size(), 3u);
  EXPECT_TRUE(requests[0].has_final_url());
  EXPECT_EQ(requests[1].page_expression().expression(), "1");
  EXPECT_EQ(requests[2].site_state().site(), "SHOP");
}

TEST(RequiredEvidenceTest, IdsDependOnContentOnly) {
  const auto first = RequiredEvidence(Oracle(kPage));
  const auto again = RequiredEvidence(Oracle(All(kUrl, kPage)));
  EXPECT_EQ(first[0].id(), again[1].id());
  const auto other =
      RequiredEvidence(Oracle(R"({"page":{"expression":"2","match":{"truthy":true}}})"));
  EXPECT_NE(first[0].id(), other[0].id());
}

constexpr char kFile[] = R"({"file":{"path":"a.csv","format":"FORMAT_CSV","pointer":"/0/0","match":{"truthy":true}}})";
constexpr char kSetting[] =
    R"({"state":{"request":{"setting":{"namespace":"global","key":"wifi_on"}},"match":{"equals_json":"\"1\""}}})";

TEST(RequiredEvidenceTest, CollectsFilesAndStates) {
  const auto requests = RequiredEvidence(Oracle(All(kFile, kSetting)));
  ASSERT_EQ(requests.size(), 2u);
  EXPECT_EQ(requests[0].file().path(), "a.csv");
  EXPECT_EQ(requests[1].setting().key(), "wifi_on");
  EXPECT_FALSE(requests[1].id().empty());
}

TEST(RequiredEvidenceTest, AStateThatAnotherLeafAsksForIsCollectedOnce) {
  const std::string state = R"({"state":{"request":)";
  const std::string match = R"(,"match":{"truthy":true}}})";
  EXPECT_EQ(RequiredEvidence(Oracle(All(kFile, state + R"({"file":{"path":"a.csv"}})" + match))).size(), 1u);
  EXPECT_EQ(RequiredEvidence(Oracle(All(kUrl, state + R"({"final_url":{}})" + match))).size(), 1u);
  EXPECT_EQ(RequiredEvidence(Oracle(All(kPage, state + R"({"page_expression":{"expression":"1"}})" + match))).size(), 1u);
  EXPECT_EQ(RequiredEvidence(Oracle(All(kState, state + R"({"site_state":{"site":"SHOP"}})" + match))).size(), 1u);
  EXPECT_EQ(RequiredEvidence(Oracle(All(state + R"({"processes":{}})" + match, state + R"({"clipboard":{}})" + match))).size(), 2u);
  const std::string other =
      R"({"state":{"request":{"setting":{"namespace":"global","key":"wifi_on"}},"match":{"absent":true}}})";
  EXPECT_EQ(RequiredEvidence(Oracle(All(kSetting, other))).size(), 1u);
}

TEST(RequiredStartEvidenceTest, FilesAndStatesMayHoldBefore) {
  EXPECT_EQ(RequiredStartEvidence(Oracle(kFile)).size(), 1u);
  EXPECT_EQ(RequiredStartEvidence(Oracle(All(kSetting, kFile))).size(), 2u);
  EXPECT_TRUE(RequiredStartEvidence(Oracle(All(kSetting, kAnswer))).empty());
}

TEST(RequiredStartEvidenceTest, LeavesOutWhatCannotHoldWithoutAnAnswer) {
  EXPECT_TRUE(RequiredStartEvidence(Oracle(kAnswer)).empty());
  EXPECT_TRUE(RequiredStartEvidence(Oracle(All(kAnswer, kPage))).empty());
  EXPECT_TRUE(RequiredStartEvidence(Oracle(All(R"({"gave_up":{}})", kPage))).empty());
  EXPECT_EQ(RequiredStartEvidence(Oracle(kPage)).size(), 1u);
  EXPECT_EQ(RequiredStartEvidence(Oracle(Any(kAnswer, kPage))).size(), 1u);
  EXPECT_EQ(RequiredStartEvidence(Oracle(All(std::string("{\"negation\":") + kAnswer + "}", kPage)))
                .size(),
            1u);
}

TEST(RequiredStartEvidenceTest, WeighsPartsAgainstTheThreshold) {
  const v1::Oracle oracle = Oracle(std::string(R"({"weighted":{"items":[{"weight":1,"oracle":)") +
                                   kAnswer + "},{\"weight\":1,\"oracle\":" + kPage + "}]}}");
  EXPECT_TRUE(RequiredStartEvidence(oracle, 1).empty());
  EXPECT_EQ(RequiredStartEvidence(oracle, 0.5).size(), 1u);
}

TEST(RequiredStartEvidenceTest, AsksWhereTheThresholdCanBeReachedOnPaper) {
  const auto item = [](const char* weight, const std::string& oracle) { return std::string("{\"weight\":") + weight + ",\"oracle\":" + oracle + "}"; };
  // As doubles, (0.7 + 0.1) / (0.7 + 0.1 + 0.2) is 0.7999999999999999.
  const v1::Oracle oracle =
      Oracle(R"({"weighted":{"items":[)" + item("0.7", kPage) + "," + item("0.1", kUrl) + "," + item("0.2", kAnswer) + "]}}");
  EXPECT_EQ(RequiredStartEvidence(oracle, 0.8).size(), 2u);
  EXPECT_TRUE(RequiredStartEvidence(oracle, 0.81).empty());
}

TEST(ValidateOracleTest, NamesThePlaceOfAnError) {
  const absl::Status status = ValidateOracle(Oracle(All(kUrl, R"({"any":{"oracles":[{}]}})")));
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(status.message().find("all[1]: any[0]"), std::string::npos) << status;
}

TEST(ValidateOracleTest, RefusesWhatCanNeverBeEvaluated) {
  for (const char* json :
       {"{}", R"({"all":{}})", R"({"any":{}})", R"({"weighted":{}})", R"({"negation":{}})",
        R"({"url":{}})", R"({"page":{"match":{"truthy":true}}})", R"({"page":{"expression":"1"}})",
        R"({"site_state":{"site":"A","pointer":"x","match":{"truthy":true}}})",
        R"({"site_state":{"pointer":"","match":{"truthy":true}}})", R"({"file":{}})", R"({"file":{"path":"../a"}})",
        R"({"file":{"path":"a","pointer":"/b"}})", R"({"file":{"path":"a","format":"FORMAT_JSON","pointer":"/b"}})",
        R"({"file":{"path":"a","pointer":"/b","match":{"truthy":true}}})",
        R"({"file":{"path":"a","format":"FORMAT_JSON","pointer":"b","match":{"truthy":true}}})",
        R"({"file":{"path":"a","format":99,"match":{"truthy":true}}})", R"({"file":{"path":"a","match":{}}})", R"({"state":{}})",
        R"({"state":{"request":{"clipboard":{}}}})", R"({"state":{"request":{},"match":{"truthy":true}}})",
        R"({"state":{"request":{"id":"x","clipboard":{}},"match":{"truthy":true}}})",
        R"({"state":{"request":{"clipboard":{}},"pointer":"a","match":{"truthy":true}}})",
        R"({"state":{"request":{"page_sequence":{"entries":[{"url":"last"}]}},"match":{"truthy":true}}})",
        R"({"state":{"request":{"log_lines":{"regex":"("}},"match":{"truthy":true}}})",
        R"({"weighted":{"items":[{"weight":0,"oracle":{"gave_up":{}}}]}})",
        R"({"weighted":{"items":[{"weight":"NaN","oracle":{"gave_up":{}}}]}})"}) {
    EXPECT_EQ(ValidateOracle(Oracle(json)).code(), absl::StatusCode::kInvalidArgument) << json;
  }
}

TEST(ValidateOracleTest, LimitsSizeAndDepth) {
  v1::Oracle deep;
  deep.mutable_gave_up();
  for (int i = 0; i < 40; ++i) {
    v1::Oracle outer;
    *outer.mutable_negation() = deep;
    deep = outer;
  }
  EXPECT_FALSE(ValidateOracle(deep).ok());
  v1::Oracle wide;
  for (int i = 0; i < 300; ++i) wide.mutable_all()->add_oracles()->mutable_gave_up();
  EXPECT_FALSE(ValidateOracle(wide).ok());
}

}  // namespace
}  // namespace proctor::evaluator
