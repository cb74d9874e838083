#include "evaluator/evidence_request.h"

#include <string>

#include "common/proto_json.h"
#include "evaluator/sql_shape.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "imaging/image.h"

namespace proctor::evaluator {
namespace {

using ::testing::HasSubstr;

absl::Status Validate(const std::string& json) {
  v1::EvidenceRequest request;
  const absl::Status parsed = ProtoFromJson(json, request);
  EXPECT_TRUE(parsed.ok()) << parsed << " in " << json;
  return ValidateEvidenceRequest(request);
}

TEST(ValidateEvidenceRequestTest, TakesEveryKind) {
  for (const char* json :
       {R"({"page_expression":{"expression":"1"}})", R"({"site_state":{"site":"SHOP"}})", R"({"final_url":{}})",
        R"({"page_sequence":{"entries":[{"url":"last"}]}})", R"({"file":{"path":"Documents/list.txt"}})",
        R"({"file":{"path":"/sdcard/Download/a..b.txt"}})", R"({"processes":{}})", R"({"command":{"name":"packages"}})",
        R"({"setting":{"namespace":"global","key":"airplane_mode_on"}})",
        R"({"content_query":{"uri":"content://contacts/phones","projection":["number"],"where":"name='Ann'"}})",
        R"({"sqlite_query":{"path":"/data/a.db","query":"SELECT * FROM notes;"}})",
        R"({"log_lines":{"filters":["App:I","*:S"],"regex":"reward (\\d+) .*"}})", R"({"foreground":{}})", R"({"clipboard":{}})"}) {
    EXPECT_TRUE(Validate(json).ok()) << json << ": " << Validate(json);
  }
}

TEST(ValidateEvidenceRequestTest, NamesWhatIsWrong) {
  const std::pair<const char*, const char*> kCases[] = {
      {"{}", "a request needs a kind"},
      {R"({"page_expression":{}})", "expression is empty"},
      {R"({"site_state":{}})", "site_state: site is empty"},
      {R"({"page_sequence":{}})", "page_sequence: entries"},
      {R"({"file":{}})", "file: path is empty"},
      {R"({"file":{"path":"../etc/passwd"}})", "'..'"},
      {R"({"file":{"path":"a/.."}})", "'..'"},
      {R"({"file":{"path":"a\u0000b"}})", "control characters"},
      {R"({"command":{}})", "command: name is empty"},
      {R"({"screen_match":{}})", "screen_match: picture is empty"},
      {R"({"screen_match":{"picture":"AAAA"}})", "screen_match: picture"},
      {R"({"setting":{"namespace":"other","key":"a"}})", "system, secure or global"},
      {R"({"setting":{"namespace":"global","key":"a b"}})", "key must match"},
      {R"({"setting":{"namespace":"global","key":"a\n"}})", "key must match"},
      {R"({"setting":{"namespace":"global","key":""}})", "key must match"},
      {R"({"content_query":{"uri":"file:///etc"}})", "content://"},
      {R"({"content_query":{"uri":"content://"}})", "content://"},
      {R"({"content_query":{"uri":"content://a","projection":[""]}})", "a column is empty"},
      {R"({"content_query":{"uri":"content://a","where":"a\n"}})", "where has control characters"},
      {R"({"sqlite_query":{"path":"a","query":"DROP TABLE a"}})", "not DROP"},
      {R"({"sqlite_query":{"query":"SELECT 1"}})", "path is empty"},
      {R"({"log_lines":{"regex":"("}})", "regex"},
      {R"({"log_lines":{}})", "regex is empty"},
      {R"({"log_lines":{"filters":["-c"],"regex":"a"}})", "filters"},
      {R"({"log_lines":{"filters":["a b"],"regex":"a"}})", "filters"},
  };
  for (const auto& [json, message] : kCases) {
    const absl::Status status = Validate(json);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << json;
    EXPECT_THAT(std::string(status.message()), HasSubstr(message)) << json;
  }
}

TEST(ValidateEvidenceRequestTest, APictureMustFitItsRegion) {
  const imaging::Image image{.width_px = 4, .height_px = 3, .bgra = std::vector<uint8_t>(48, 255)};
  v1::EvidenceRequest request;
  auto& match = *request.mutable_screen_match();
  match.set_picture(imaging::Encode(image, {}).value());
  EXPECT_TRUE(ValidateEvidenceRequest(request).ok());
  match.mutable_region()->set_width(4);
  match.mutable_region()->set_height(3);
  EXPECT_TRUE(ValidateEvidenceRequest(request).ok());
  match.mutable_region()->set_width(3);
  EXPECT_FALSE(ValidateEvidenceRequest(request).ok());
  match.mutable_region()->set_width(4);
  match.mutable_region()->set_x(-1);
  EXPECT_FALSE(ValidateEvidenceRequest(request).ok());
  match.clear_region();
  match.set_picture(match.picture() + std::string(1 << 20, 'x'));
  EXPECT_FALSE(ValidateEvidenceRequest(request).ok());
}

TEST(ValidateOneSelectTest, TakesOneSelect) {
  for (const char* sql :
       {"select 1", " SELECT a FROM b WHERE c = ';' ; ", "SELECT 'it''s; DROP' FROM t;", "SELECT [a;b], \"c;d\", `e;f` FROM t",
        "-- note; note\nSELECT 1", "/* ; */ SELECT 1 /* end */; -- end", "SELECT (SELECT max(a) FROM b) FROM c",
        "WITH a AS (SELECT 1), b AS (VALUES(2)) SELECT * FROM a, b", "SELECT 1 WHERE 'DELETE' = \"x\"",
        "SELECT replace(a, 'b', 'c') FROM t"}) {
    EXPECT_TRUE(ValidateOneSelect(sql).ok()) << sql << ": " << ValidateOneSelect(sql);
  }
}

TEST(ValidateOneSelectTest, RefusesEverythingElse) {
  for (const char* sql :
       {"", "  ", "-- SELECT 1", ";", "; SELECT 1", "SELECT 1; SELECT 2", "SELECT 1;; SELECT 2", "SELECT 1; x", "DELETE FROM a",
        "PRAGMA user_version", "ATTACH 'x' AS y", "(SELECT 1)", "'SELECT'", "SELECT 'open", "SELECT \"open", "SELECT [open",
        "SELECT /* open", "WITH a AS (SELECT 1) DELETE FROM b", "WITH a AS (SELECT 1) INSERT INTO b SELECT 1", "WITH a", "SELECTED",
        "EXPLAIN SELECT 1"}) {
    EXPECT_EQ(ValidateOneSelect(sql).code(), absl::StatusCode::kInvalidArgument) << sql;
  }
}

}  // namespace
}  // namespace proctor::evaluator
