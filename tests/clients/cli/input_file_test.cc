#include "clients/cli/input_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "common/proto_json.h"

namespace proctor::cli {
namespace {

using ::testing::HasSubstr;

TEST(ParseTasksTest, ReadsOneTaskOfYaml) {
  const auto tasks = ParseTasks(
      "goal: Say hello.\nenvironment: environments/null\nlimits: {max_duration: 30s}\n", "t.yaml");
  ASSERT_TRUE(tasks.ok()) << tasks.status();
  ASSERT_EQ(tasks->size(), 1u);
  EXPECT_EQ(tasks->front().goal(), "Say hello.");
  EXPECT_EQ(tasks->front().limits().max_duration().seconds(), 30);
}

TEST(ParseTasksTest, ReadsAListOfYaml) {
  const auto tasks = ParseTasks("# two\ntasks:\n- {goal: a}\n- goal: b\n", "t.yaml");
  ASSERT_TRUE(tasks.ok()) << tasks.status();
  ASSERT_EQ(tasks->size(), 2u);
  EXPECT_EQ(tasks->at(1).goal(), "b");
}

TEST(ParseTasksTest, ReadsJsonAsItIsPrinted) {
  v1::Task task;
  task.set_goal("a");
  task.set_seed(1LL << 60);
  task.mutable_create_time()->set_seconds(5);
  const std::string line = ProtoToJson(task);
  for (const std::string& text :
       {line, ProtoToJson(task, JsonLayout::kIndented), "{\"tasks\": [" + line + "]}",
        "[" + line + "]", "\n" + line + "\n"}) {
    const auto tasks = ParseTasks(text, "t.json");
    ASSERT_TRUE(tasks.ok()) << tasks.status() << text;
    ASSERT_EQ(tasks->size(), 1u) << text;
    EXPECT_EQ(tasks->front().seed(), 1LL << 60);
  }
  EXPECT_EQ(ParseTasks(line + "\n\n" + line + "\n", "t.json")->size(), 2u);
}

TEST(ParseTasksTest, NamesFileLineAndField) {
  EXPECT_THAT(ParseTasks("goal: a\ngaol: b\n", "t.yaml").status().message(), HasSubstr("t.yaml:2"));
  EXPECT_THAT(ParseTasks("{\"goal\":\"a\"}\n{\"gaol\":\"b\"}\n", "t.json").status().message(),
              HasSubstr("t.json:2"));
  EXPECT_THAT(ParseTasks(" \n", "-").status().message(), HasSubstr("standard input is empty"));
}

TEST(ParseTasksTest, RefusesWhatFollowsAList) {
  for (const char* text : {R"([{"goal":"a"}], "tasks": [{"goal":"b"}])", R"([{"goal":"a"}], "request_id": "x")"}) {
    EXPECT_THAT(ParseTasks(text, "t.json").status().message(), HasSubstr("t.json begins with '[' but is not one JSON list")) << text;
  }
}

TEST(ParseTasksTest, RefusesWhatIsNoTask) {
  for (const char* text : {"[1, 2]", "[{]", "{", "{\"goal\": 3}", "- goal: a", "just words",
                           "tasks: 3", "goal: [a]", "goal: \xff"}) {
    EXPECT_FALSE(ParseTasks(text, "t").ok()) << text;
  }
  EXPECT_FALSE(ParseTasks(std::string(100'000, '['), "t").ok());
  EXPECT_FALSE(ParseTasks(std::string(100'000, '{'), "t").ok());
}

TEST(ReadInputTest, SaysWhatCannotBeRead) {
  EXPECT_EQ(ReadInput("/no/such/file").status().code(), absl::StatusCode::kNotFound);
  EXPECT_FALSE(ReadInput("/").ok());
}

}  // namespace
}  // namespace proctor::cli
