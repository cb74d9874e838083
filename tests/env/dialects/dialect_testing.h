// Tables of texts and what they parse to, shared by the dialects' tests.
#ifndef PROCTOR_TESTS_ENV_DIALECTS_DIALECT_TESTING_H_
#define PROCTOR_TESTS_ENV_DIALECTS_DIALECT_TESTING_H_

#include <string>

#include "common/proto_json.h"
#include "env/dialects/dialect.h"
#include "env/request_checks.h"
#include "gtest/gtest.h"

namespace proctor::env::dialects {

// A screen of 1024 x 768, the pointer at (300, 200), two elements with the marks 9 and 12.
inline v1::Observation LastObservation() {
  v1::Observation last;
  last.mutable_viewport()->set_width(1024);
  last.mutable_viewport()->set_height(768);
  last.mutable_cursor()->set_x(300);
  last.mutable_cursor()->set_y(200);
  v1::Element* pane = last.add_elements();
  pane->set_mark(9);
  pane->mutable_box()->set_height(300);
  v1::Element* list = last.add_elements();
  list->set_mark(12);
  list->mutable_box()->set_width(400);
  list->mutable_box()->set_height(100);
  return last;
}

inline ParsedAgentText ParseWith(v1::Dialect dialect, const std::string& text,
                                 const v1::Observation& last = LastObservation()) {
  v1::AgentText agent_text;
  agent_text.set_dialect(dialect);
  agent_text.set_text(text);
  return ParseAgentText(agent_text, last);
}

// A row of a grammar's table: the text, and either the action as JSON or a part of the error.
struct Row {
  std::string text;
  std::string action_json = "";
  std::string error_part = "";
};

// What a world that can do everything announces.
inline v1::Capabilities EveryAction() {
  v1::Capabilities capabilities;
  const auto* kinds = v1::Action::descriptor()->FindOneofByName("kind");
  for (int i = 0; i < kinds->field_count(); ++i) capabilities.add_actions(kinds->field(i)->name());
  return capabilities;
}

inline void CheckRow(v1::Dialect dialect, const Row& row) {
  SCOPED_TRACE(row.text.substr(0, 200));
  const ParsedAgentText parsed = ParseWith(dialect, row.text);
  if (row.action_json.empty()) {
    EXPECT_NE(parsed.error.find(row.error_part), std::string::npos) << parsed.error;
    EXPECT_FALSE(parsed.error.empty());
    EXPECT_EQ(parsed.action.kind_case(), v1::Action::KIND_NOT_SET);
    return;
  }
  v1::Action expected;
  ASSERT_TRUE(ProtoFromJson(row.action_json, expected).ok());
  EXPECT_EQ(parsed.error, "");
  EXPECT_EQ(ProtoToJson(parsed.action), ProtoToJson(expected));
  // What a grammar knows, a session takes.
  const absl::Status taken = CheckAction(parsed.action, EveryAction());
  EXPECT_TRUE(taken.ok()) << taken;
}

// Texts of no sense: there is an error or an action, never both, and no error is long.
inline void CheckHostile(v1::Dialect dialect, const std::string& text) {
  SCOPED_TRACE(text.substr(0, 80));
  const ParsedAgentText parsed = ParseWith(dialect, text);
  EXPECT_NE(parsed.error.empty(), parsed.action.kind_case() == v1::Action::KIND_NOT_SET);
  EXPECT_LT(parsed.error.size(), 1500u);
}

}  // namespace proctor::env::dialects

#endif  // PROCTOR_TESTS_ENV_DIALECTS_DIALECT_TESTING_H_
