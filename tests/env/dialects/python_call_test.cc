#include "env/dialects/python_call.h"

#include "gtest/gtest.h"

namespace proctor::env::dialects {
namespace {

std::string StringArgument(const std::string& literal) {
  const absl::StatusOr<PythonCall> call = ParsePythonCall("f(" + literal + ")");
  if (!call.ok()) return std::string(call.status().message());
  return std::get<std::string>(call->positional.at(0).value);
}

TEST(PythonCallTest, ReadsStringsAsPythonDoes) {
  EXPECT_EQ(StringArgument(R"('a"b')"), "a\"b");
  EXPECT_EQ(StringArgument(R"("a'b")"), "a'b");
  EXPECT_EQ(StringArgument(R"('\'\\\n\t\x41\101\u20ac\U0001F600')"),
            "'\\\n\tAA\xE2\x82\xAC\xF0\x9F\x98\x80");
  EXPECT_EQ(StringArgument(R"(r'\d\n')"), "\\d\\n");
  EXPECT_EQ(StringArgument(R"('\d')"), "\\d");
  EXPECT_EQ(StringArgument("'''two\nlines'''"), "two\nlines");
  EXPECT_EQ(StringArgument("''"), "");
  EXPECT_EQ(StringArgument(R"('\ud800')"), "\xEF\xBF\xBD");
}

TEST(PythonCallTest, ReadsOtherLiterals) {
  const absl::StatusOr<PythonCall> call =
      ParsePythonCall("f(-1.5e2, True, None, [1, 'x', (False,)], key = +3)");
  ASSERT_TRUE(call.ok()) << call.status();
  EXPECT_EQ(std::get<double>(call->positional[0].value), -150);
  EXPECT_TRUE(std::get<bool>(call->positional[1].value));
  EXPECT_TRUE(std::holds_alternative<std::monostate>(call->positional[2].value));
  EXPECT_EQ(std::get<std::vector<PythonValue>>(call->positional[3].value).size(), 3u);
  EXPECT_EQ(call->named[0].first, "key");
  EXPECT_EQ(std::get<double>(call->named[0].second.value), 3);
}

TEST(PythonCallTest, RefusesEverythingElse) {
  for (const std::string text : {"f",           "f(",         "f(1",           "f(1,,2)",
                                 "f(,)",        "f(1 2)",     "f(f'x')",       "f(b'x')",
                                 "f({'a': 1})", "f(1+1)",     "f(lambda: 1)",  "f(*[1])",
                                 "f(**{})",     "f('a' 'b')", "f('a\nb')",     "f('\\x4')",
                                 "f(0x10)",     "f(1_000)",   "f(a=1, a==2)",  "1f()",
                                 "f(); g()",    "f() + 1",    "[[[[[[1]]]]]]", "f([[[[[1]]]]])"}) {
    EXPECT_FALSE(ParsePythonCall(text).ok()) << text;
  }
}

TEST(PythonScriptTest, ReadsCallsLineByLine) {
  const auto calls = ParsePythonScript("import a.b as c, d\nimport m as n\nn.f(1); g('x')  # note\n\n  h(\n 2)\nm.S = 3\n",
                                       {.settings = {"m.S"}, .codes = {}});
  ASSERT_TRUE(calls.ok()) << calls.status();
  ASSERT_EQ(calls->size(), 3u);
  EXPECT_EQ((*calls)[0].name, "m.f");
  EXPECT_EQ((*calls)[1].name, "g");
  EXPECT_EQ((*calls)[2].name, "h");
  EXPECT_TRUE(ParsePythonScript("  # nothing\n;;\n").value().empty());
}

TEST(PythonScriptTest, CodesStandForCalls) {
  const auto calls = ParsePythonScript("f('''\nEND\n''')\n  END # now\nEND; END()", {.settings = {}, .codes = {"END"}});
  ASSERT_TRUE(calls.ok()) << calls.status();
  ASSERT_EQ(calls->size(), 4u);
  EXPECT_EQ(std::get<std::string>((*calls)[0].positional.at(0).value), "\nEND\n");
  for (size_t i = 1; i < 4; ++i) EXPECT_EQ((*calls)[i].name, "END");
}

TEST(PythonScriptTest, RefusesWhatIsNoCall) {
  for (const char* text : {"f", "f(1) g(2)", "a = 1", "f(1", "f(g(1))", "1", "f.(1)", "f..g(1)", "if a: f(1)", "f(1)[0]", "m.T = 1",
                           "'x'", "f(1) if a else g(2)", "@f", "lambda: 1", "f(1,\n", "END f(1)", "f(END)"}) {
    EXPECT_EQ(ParsePythonScript(text, {.settings = {"m.S"}, .codes = {"END"}}).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

}  // namespace
}  // namespace proctor::env::dialects
