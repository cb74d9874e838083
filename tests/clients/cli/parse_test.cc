#include "clients/cli/parse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "clients/cli/commands.h"
#include "clients/cli/help.h"

namespace proctor::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

absl::StatusOr<ParsedLine> Parse(const std::vector<std::string>& words) {
  return ParseLine(AllCommands(), GlobalFlags(), words);
}

// The message of a refused line; "" and a failure if it was taken.
std::string Refused(const std::vector<std::string>& words) {
  const auto line = Parse(words);
  EXPECT_FALSE(line.ok());
  if (line.ok()) return "";
  EXPECT_TRUE(IsUsageError(line.status()));
  return std::string(line.status().message());
}

TEST(ParseLineTest, TakesFlagsBeforeBetweenAndAfterTheWords) {
  const auto line = Parse({"--json", "task", "--timeout=5s", "list", "--limit", "7", "--split",
                           "train", "--split=test"});
  ASSERT_TRUE(line.ok()) << line.status();
  EXPECT_EQ(line->command->name, "task list");
  EXPECT_TRUE(line->arguments.Has("json"));
  EXPECT_EQ(line->arguments.Integer("limit"), 7);
  EXPECT_EQ(line->arguments.Duration("timeout", absl::ZeroDuration()), absl::Seconds(5));
  EXPECT_THAT(line->arguments.Texts("split"), ElementsAre("train", "test"));
}

TEST(ParseLineTest, TakesTheLetterOfAFlagAndMissesARequiredOne) {
  const auto line = Parse({"evaluator", "apply", "-f", "judge.yaml"});
  ASSERT_TRUE(line.ok()) << line.status();
  EXPECT_EQ(line->arguments.Text("file"), "judge.yaml");
  EXPECT_THAT(Refused({"evaluator", "apply"}), HasSubstr("missing --file FILE"));
  EXPECT_THAT(Refused({"evaluator", "list", "-f", "x"}), HasSubstr("no flag '-f'"));
}

TEST(ParseLineTest, FindsCommandsOfThreeWords) {
  const auto line = Parse({"reward", "consumer", "seek", "trainer", "--after", "12"});
  ASSERT_TRUE(line.ok()) << line.status();
  EXPECT_EQ(line->command->name, "reward consumer seek");
  EXPECT_EQ(line->arguments.Word(0), "trainer");
}

TEST(ParseLineTest, EverythingAfterTwoDashesIsAnArgument) {
  const auto line = Parse({"trajectory", "export", "--", "--folder", "--help"});
  ASSERT_TRUE(line.ok()) << line.status();
  EXPECT_THAT(line->arguments.words(), ElementsAre("--folder", "--help"));
}

TEST(ParseLineTest, AsksForHelpAtEveryLevel) {
  EXPECT_EQ(Parse({"--help"})->topic, "");
  EXPECT_EQ(Parse({"task", "-h"})->topic, "task");
  EXPECT_EQ(Parse({"task", "get", "--help"})->topic, "task get");
  EXPECT_EQ(Parse({"help", "reward", "consumer"})->topic, "reward consumer");
  EXPECT_EQ(Parse({"reward", "consumer", "help"})->topic, "reward consumer");
  EXPECT_EQ(Parse({"task", "get", "help"})->arguments.words(), std::vector<std::string>{"help"});
  EXPECT_EQ(Parse({"--version"})->mode, ParsedLine::Mode::kVersion);
  EXPECT_EQ(Parse({"version"})->mode, ParsedLine::Mode::kVersion);
}

TEST(ParseLineTest, NamesWhatIsNearAnUnknownWord) {
  EXPECT_THAT(Refused({"tsak"}), HasSubstr("did you mean 'task'?"));
  EXPECT_THAT(Refused({"task", "lst"}), HasSubstr("did you mean 'list'?"));
  EXPECT_THAT(Refused({"task", "list", "--limti", "3"}), HasSubstr("did you mean '--limit'?"));
  EXPECT_THAT(Refused({"task", "list", "--state", "acepted"}),
              HasSubstr("did you mean 'accepted'?"));
  EXPECT_THAT(Refused({"zebra"}), Not(HasSubstr("did you mean")));
  EXPECT_THAT(Refused({"zebra"}), HasSubstr("there are env, task, session"));
}

TEST(ParseLineTest, SaysWhatIsMissing) {
  EXPECT_THAT(Refused({}), HasSubstr("no command given"));
  EXPECT_THAT(Refused({"task"}), HasSubstr("'task' of what?"));
  EXPECT_THAT(Refused({"task", "get"}), HasSubstr("missing NAME"));
  EXPECT_THAT(Refused({"task", "get", ""}), HasSubstr("NAME is empty"));
  EXPECT_THAT(Refused({"task", "list", "--limit"}), HasSubstr("--limit needs a value"));
}

struct BadLine {
  std::vector<std::string> words;
  const char* reason;
};

TEST(ParseLineTest, RefusesBadValuesWithTheReason) {
  const std::vector<BadLine> lines = {
      {{"task", "get", "a", "b"}, "unexpected argument 'b'"},
      {{"task", "list", "--limit", "9999999999999999999999"}, "not a whole number"},
      {{"task", "list", "--limit", "-1"}, "not a whole number"},
      {{"task", "list", "--limit", "0x10"}, "not a whole number"},
      {{"task", "list", "--limit="}, "not a whole number"},
      {{"task", "propose", "--count", "10001"}, "from 1 to 10000"},
      {{"task", "propose", "--batch-size", "51"}, "from 1 to 50"},
      {{"task", "propose", "--difficulty", "extreme"}, "easy"},
      {{"task", "list", "--limit", "1", "--limit", "2"}, "given twice"},
      {{"task", "import", "--webarena", "f", "--env", "web", "--env=null"}, "--env is given twice"},
      {{"task", "list", "--json=yes"}, "takes no value"},
      {{"task", "list", "--tag", "novalue"}, "key=value"},
      {{"task", "list", "--tag", "=x"}, "key=value"},
      {{"task", "list", "--timeout", "10"}, "not a duration"},
      {{"task", "list", "--timeout", "-3s"}, "not a duration"},
      {{"task", "list", "--timeout", "0s"}, "--timeout: '0s' is not above 0"},
      {{"task", "list", "--timeout", "inf"}, "not a duration"},
      {{"task", "list", "--timeout", "1e300h"}, "not a duration"},
      {{"task", "list", "-x"}, "no flag '-x'"},
      {{"task", "get", "\xff\xfe"}, "not valid UTF-8"},
      {{"task", "list", "--site", "a\xc3("}, "not valid UTF-8"},
      {{"task", "get", "x", "--limit", "3"}, "no flag '--limit'"},
  };
  for (const BadLine& line : lines) EXPECT_THAT(Refused(line.words), HasSubstr(line.reason));
}

TEST(ParseLineTest, MessagesStayShortAndCleanWhateverIsTyped) {
  const std::string huge(1 << 20, 'x');
  for (const std::string& word :
       {huge, "--" + huge, std::string("\x1b[2Jtask"), std::string("a\nb")}) {
    const std::string message = Refused({word});
    EXPECT_LT(message.size(), 500u);
    EXPECT_FALSE(absl::StrContains(message, "\x1b")) << message;
    EXPECT_FALSE(absl::StrContains(message, "\n")) << message;
  }
  EXPECT_LT(Refused({"task", "list", "--state", huge}).size(), 500u);
  std::vector<std::string> many(100'000, "word");
  many.insert(many.begin(), {"task", "get"});
  EXPECT_LT(Refused(many).size(), 500u);
}

// Completion tells a flag's value from an argument by the flag's name alone.
TEST(CommandTableTest, FlagsOfOneNameTakeAValueEverywhereOrNowhere) {
  std::map<std::string, bool> takes_value;
  for (const Command& command : AllCommands()) {
    std::set<std::string> names;
    for (const auto& flags : {command.flags, GlobalFlags()}) {
      for (const Flag& flag : flags) {
        EXPECT_TRUE(names.insert(flag.name).second) << command.name << " --" << flag.name;
        const bool takes = flag.kind != ValueKind::kSwitch;
        EXPECT_EQ(takes_value.emplace(flag.name, takes).first->second, takes) << flag.name;
        EXPECT_EQ(takes, !flag.value.empty()) << command.name << " --" << flag.name;
        EXPECT_TRUE(!flag.help.empty() || !flag.choices.empty())
            << command.name << " --" << flag.name;
      }
    }
  }
}

TEST(CommandTableTest, EveryCommandCanRunAndIsExplained) {
  std::set<std::string> names;
  for (const Command& command : AllCommands()) {
    EXPECT_TRUE(names.insert(command.name).second) << command.name;
    EXPECT_NE(command.run, nullptr) << command.name;
    const std::string help = HelpText(AllCommands(), GlobalFlags(), command.name);
    EXPECT_THAT(help, HasSubstr(absl::StrCat("usage: proctor ", command.name)));
    for (const Flag& flag : command.flags) EXPECT_THAT(help, HasSubstr("--" + flag.name));
    EXPECT_THAT(HelpText(AllCommands(), GlobalFlags(), ""), HasSubstr(command.name));
    for (const auto& line : absl::StrSplit(help, '\n')) EXPECT_LE(line.size(), 110u) << line;
  }
}

TEST(CommandTableTest, NamesEveryEnvironmentWhereOneIsWanted) {
  for (const char* command : {"env get", "session create"}) {
    const std::string help = HelpText(AllCommands(), GlobalFlags(), command);
    for (const char* environment : {"web", "practice", "desktop", "android", "null"}) EXPECT_THAT(help, HasSubstr(environment)) << command;
  }
}

TEST(CommandTableTest, HasEveryNounThatUsersKnow) {
  for (const char* noun :
       {"env", "task", "session", "episode", "trajectory", "evaluator", "verdict", "label", "reward", "job"}) {
    EXPECT_THAT(WordsAfter(AllCommands(), noun), ::testing::Contains("list")) << noun;
    const std::vector<std::string> verbs = WordsAfter(AllCommands(), noun);
    EXPECT_TRUE(std::string(noun) == "reward" || std::count(verbs.begin(), verbs.end(), "get") == 1)
        << noun;
  }
}

}  // namespace
}  // namespace proctor::cli
