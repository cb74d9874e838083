#include "proposer/proposal_lines.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace proctor::proposer {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr char kTag[] = "VERDICT-0123456789abcdef";
constexpr char kGood[] =
    R"({"goal": "Find the tallest tower.", "area": "towers", "kind": "find_information", "difficulty": "easy", "persona": 2})";

LineRules Rules() {
  return {.tag = kTag,
          .personas = 3,
          .difficulties = {v1::TASK_DIFFICULTY_EASY, v1::TASK_DIFFICULTY_HARD},
          .max_tasks = 5,
          .cut_off = false};
}

std::string After(const std::string& lines) { return absl::StrCat("I think.\n", kTag, "\n", lines); }

// A good line with one member in place of its own; "": without it.
std::string With(const std::string& field, const std::string& value) {
  std::string line = "{";
  const std::vector<std::pair<std::string, std::string>> members = {{"goal", "\"Find the tallest tower.\""},
                                                                    {"area", "\"towers\""},
                                                                    {"kind", "\"navigate\""},
                                                                    {"difficulty", "\"hard\""},
                                                                    {"persona", "1"}};
  for (const auto& [name, otherwise] : members) {
    const std::string& text = name == field ? value : otherwise;
    if (!text.empty()) absl::StrAppend(&line, line.size() > 1 ? ", " : "", "\"", name, "\": ", text);
  }
  return line + "}";
}

TEST(ProposalLinesTest, ReadsATask) {
  const ProposalLines found = ReadProposals(After(kGood), Rules());
  EXPECT_THAT(found.bad, IsEmpty());
  ASSERT_THAT(found.tasks, SizeIs(1));
  EXPECT_EQ(found.tasks[0].goal, "Find the tallest tower.");
  EXPECT_EQ(found.tasks[0].area, "towers");
  EXPECT_EQ(found.tasks[0].kind, "find_information");
  EXPECT_EQ(found.tasks[0].difficulty, v1::TASK_DIFFICULTY_EASY);
  EXPECT_EQ(found.tasks[0].persona, 2);
}

struct LineCase {
  const char* name;
  std::string line;
  // UNSPECIFIED: a task.
  v1::BadLineReason reason = v1::BAD_LINE_REASON_UNSPECIFIED;
  std::string detail = "";
};

class ProposalLineTest : public testing::TestWithParam<LineCase> {};

// Whatever a line is, it costs that line alone.
TEST_P(ProposalLineTest, IsReadByItself) {
  const LineCase& given = GetParam();
  const ProposalLines found = ReadProposals(After(absl::StrCat(kGood, "\n", given.line, "\n", kGood, "\n")), Rules());
  if (given.reason == v1::BAD_LINE_REASON_UNSPECIFIED) {
    EXPECT_THAT(found.bad, IsEmpty());
    EXPECT_GE(found.tasks.size(), 2u);
    return;
  }
  EXPECT_THAT(found.tasks, SizeIs(2));
  ASSERT_THAT(found.bad, SizeIs(1));
  EXPECT_EQ(found.bad[0].reason(), given.reason) << found.bad[0].ShortDebugString();
  EXPECT_EQ(found.bad[0].detail(), given.detail);
  EXPECT_EQ(found.bad[0].line(), 4);
  EXPECT_LE(found.bad[0].excerpt().size(), 200u);
}

INSTANTIATE_TEST_SUITE_P(
    Lines, ProposalLineTest,
    testing::Values(
        LineCase{"Good", With("", "")}, LineCase{"Blank", "  \t "}, LineCase{"CodeFence", "```json"},
        LineCase{"CarriageReturn", With("", "") + "\r"},
        LineCase{
            "MoreFields",
            R"({"id": 7, "goal": "Open the towers' page.", "area": "a", "kind": "Navigate", "difficulty": "EASY"})"},
        LineCase{"PersonaNull", With("persona", "null")}, LineCase{"PersonaWholeAsFraction", With("persona", "2.0")},
        LineCase{"Prose", "Here are more:", v1::BAD_LINE_REASON_NOT_JSON},
        LineCase{"HalfALine", R"({"goal": "Find)", v1::BAD_LINE_REASON_NOT_JSON},
        LineCase{"TrailingComma", With("", "") + ",", v1::BAD_LINE_REASON_NOT_JSON},
        LineCase{"TwoObjects", With("", "") + With("", ""), v1::BAD_LINE_REASON_NOT_JSON},
        LineCase{"Array", "[]", v1::BAD_LINE_REASON_NOT_AN_OBJECT},
        LineCase{"Number", "7", v1::BAD_LINE_REASON_NOT_AN_OBJECT},
        LineCase{"Null", "null", v1::BAD_LINE_REASON_NOT_AN_OBJECT},
        LineCase{"Text", "\"goal\"", v1::BAD_LINE_REASON_NOT_AN_OBJECT},
        LineCase{"NotUtf8", "{\"goal\": \"\xff\"}", v1::BAD_LINE_REASON_NOT_JSON},
        LineCase{"Deep", std::string(5000, '[') + std::string(5000, ']'), v1::BAD_LINE_REASON_NOT_JSON},
        LineCase{"HugeLine", With("goal", "\"" + std::string(20'000, 'x') + "\""), v1::BAD_LINE_REASON_TOO_LONG,
                 "the line"},
        LineCase{"LongGoal", With("goal", "\"" + std::string(2'001, 'x') + "\""), v1::BAD_LINE_REASON_TOO_LONG, "goal"},
        LineCase{"LongArea", With("area", "\"" + std::string(81, 'x') + "\""), v1::BAD_LINE_REASON_TOO_LONG, "area"},
        LineCase{"NoGoal", With("goal", ""), v1::BAD_LINE_REASON_MISSING_FIELD, "goal"},
        LineCase{"EmptyGoal", With("goal", R"(" \n\u0000 ")"), v1::BAD_LINE_REASON_MISSING_FIELD, "goal"},
        LineCase{"GoalIsAList", With("goal", R"(["Find it."])"), v1::BAD_LINE_REASON_BAD_FIELD, "goal"},
        LineCase{"GoalIsNull", With("goal", "null"), v1::BAD_LINE_REASON_MISSING_FIELD, "goal"},
        LineCase{"NoArea", With("area", ""), v1::BAD_LINE_REASON_MISSING_FIELD, "area"},
        LineCase{"UnknownKind", With("kind", "\"steal\""), v1::BAD_LINE_REASON_BAD_FIELD, "kind"},
        LineCase{"NoDifficulty", With("difficulty", ""), v1::BAD_LINE_REASON_MISSING_FIELD, "difficulty"},
        LineCase{"DifficultyNotAskedFor", With("difficulty", "\"medium\""), v1::BAD_LINE_REASON_BAD_FIELD,
                 "difficulty"},
        LineCase{"NoSuchPersona", With("persona", "4"), v1::BAD_LINE_REASON_BAD_FIELD, "persona"},
        LineCase{"PersonaZero", With("persona", "0"), v1::BAD_LINE_REASON_BAD_FIELD, "persona"},
        LineCase{"PersonaInWords", With("persona", "\"one\""), v1::BAD_LINE_REASON_BAD_FIELD, "persona"},
        LineCase{"PersonaHuge", With("persona", "1e308"), v1::BAD_LINE_REASON_BAD_FIELD, "persona"}),
    [](const auto& info) { return info.param.name; });

TEST(ProposalLinesTest, ATaskNamesItsVisitWhereVisitsWereNumbered) {
  LineRules rules = Rules();
  rules.visits = 2;
  const auto of_visit = [](int visit) {
    std::string line = With("", "");
    line.pop_back();
    return absl::StrCat(line, ", \"visit\": ", visit, "}\n");
  };
  const ProposalLines found = ReadProposals(After(absl::StrCat(of_visit(2), of_visit(3), With("", ""))), rules);
  ASSERT_THAT(found.tasks, SizeIs(1));
  EXPECT_EQ(found.tasks[0].visit, 2);
  ASSERT_THAT(found.bad, SizeIs(2));
  EXPECT_EQ(found.bad[0].reason(), v1::BAD_LINE_REASON_BAD_FIELD);
  EXPECT_EQ(found.bad[0].detail(), "visit");
  EXPECT_EQ(found.bad[1].reason(), v1::BAD_LINE_REASON_MISSING_FIELD);
  // Else it is a field like any other.
  EXPECT_EQ(ReadProposals(After(of_visit(2)), Rules()).tasks.at(0).visit, 0);
}

TEST(ProposalLinesTest, ControlCharactersInAGoalBecomeSpaces) {
  const ProposalLines found = ReadProposals(After(With("goal", R"("Find\nthe\u0007 tower.")")), Rules());
  ASSERT_THAT(found.tasks, SizeIs(1));
  EXPECT_EQ(found.tasks[0].goal, "Find the tower.");
}

TEST(ProposalLinesTest, WhatStandsBeforeTheTagIsNoTask) {
  EXPECT_THAT(ReadProposals(absl::StrCat("The page says:\n", kGood, "\n", kTag, "\n"), Rules()).tasks, IsEmpty());
  // The tag within a line is none; the last line that is one counts.
  const ProposalLines found = ReadProposals(
      absl::StrCat("I will write ", kTag, ".\n", kTag, "\n", kGood, "\n**", kTag, "**:\n", kGood), Rules());
  EXPECT_THAT(found.tasks, SizeIs(1));
  EXPECT_THAT(found.bad, IsEmpty());
}

TEST(ProposalLinesTest, AReplyWithoutTheTagHasNoTaskAndSaysSo) {
  const ProposalLines found = ReadProposals(kGood, Rules());
  EXPECT_THAT(found.tasks, IsEmpty());
  ASSERT_THAT(found.bad, SizeIs(1));
  EXPECT_EQ(found.bad[0].reason(), v1::BAD_LINE_REASON_NO_TAG);
  EXPECT_EQ(found.bad[0].line(), 0);
  EXPECT_THAT(found.bad[0].excerpt(), HasSubstr("tallest"));
}

TEST(ProposalLinesTest, ACutOffReplyLosesItsLastLineOnly) {
  LineRules rules = Rules();
  rules.cut_off = true;
  const ProposalLines found = ReadProposals(After(absl::StrCat("prose\n", kGood, "\n{\"goal\": \"Fi")), rules);
  EXPECT_THAT(found.tasks, SizeIs(1));
  ASSERT_THAT(found.bad, SizeIs(2));
  EXPECT_EQ(found.bad[0].reason(), v1::BAD_LINE_REASON_NOT_JSON);
  EXPECT_EQ(found.bad[1].reason(), v1::BAD_LINE_REASON_CUT_OFF);
}

TEST(ProposalLinesTest, TasksBeyondWhatWasAskedForAreCounted) {
  std::string lines;
  for (int i = 0; i < 8; ++i) absl::StrAppend(&lines, kGood, "\n");
  const ProposalLines found = ReadProposals(After(lines), Rules());
  EXPECT_THAT(found.tasks, SizeIs(5));
  ASSERT_THAT(found.bad, SizeIs(3));
  EXPECT_EQ(found.bad[2].reason(), v1::BAD_LINE_REASON_TOO_MANY);
}

// Each kept, its lines would take a hundred times the memory of the reply.
TEST(ProposalLinesTest, AReplyThatIsTooLongIsOneBadLine) {
  const std::string most = After(absl::StrCat(kGood, "\n"));
  const std::string longest = most + std::string((1 << 20) - most.size(), '\n');
  EXPECT_THAT(ReadProposals(longest, Rules()).tasks, SizeIs(1));
  const ProposalLines found = ReadProposals(longest + "\n", Rules());
  EXPECT_THAT(found.tasks, IsEmpty());
  ASSERT_THAT(found.bad, SizeIs(1));
  EXPECT_EQ(found.bad[0].reason(), v1::BAD_LINE_REASON_TOO_LONG);
  EXPECT_EQ(found.bad[0].line(), 0);
  EXPECT_EQ(found.bad[0].detail(), "the reply");
}

TEST(ProposalLinesTest, AnyBytesGiveAResult) {
  for (const std::string& reply : {std::string(), std::string(1, '\0'), std::string("\xff\xfe\n"), std::string(kTag),
                                   std::string(100'000, '\n')}) {
    EXPECT_THAT(ReadProposals(reply, Rules()).tasks, IsEmpty());
  }
}

}  // namespace
}  // namespace proctor::proposer
