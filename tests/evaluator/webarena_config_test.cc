#include "evaluator/webarena_config.h"

#include <cstdlib>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>

#include "evaluator/evidence.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace proctor::evaluator {
namespace {

using ::testing::HasSubstr;

constexpr char kTask[] = R"({
  "sites": ["shopping", "reddit"], "task_id": 7, "require_login": true, "storage_state": "./.auth/state.json",
  "start_url": "__SHOPPING__ |AND| __REDDIT__", "geolocation": null, "intent_template": "t", "instantiation_dict": {"n": 1},
  "intent": "Find it", "require_reset": false, "intent_template_id": 42,
  "eval": {"eval_types": ["string_match"], "reference_answers": {"fuzzy_match": "N/A"}, "reference_url": null,
           "program_html": [], "string_note": "there is none"}})";

TEST(LoadWebArenaConfigTest, ReadsOneTask) {
  WebArenaConfigOptions options;
  options.base_urls["__SHOPPING__"] = "http://127.0.0.1:7770";
  const auto tasks = LoadWebArenaConfig(kTask, options);
  ASSERT_TRUE(tasks.ok()) << tasks.status();
  ASSERT_EQ(tasks->size(), 1u);
  const v1::Task& task = tasks->front();
  EXPECT_EQ(task.name(), "tasks/webarena-7");
  EXPECT_EQ(task.goal(), "Find it");
  EXPECT_EQ(task.site(), "shopping+reddit");
  EXPECT_EQ(task.template_(), "webarena/42");
  EXPECT_EQ(task.start_state().start_url(), "__SHOPPING__ |AND| __REDDIT__");
  EXPECT_EQ(task.start_state().base_urls().at("__SHOPPING__"), "http://127.0.0.1:7770");
  EXPECT_EQ(task.tags().at("storage_state"), "./.auth/state.json");
  EXPECT_EQ(task.lineage().external_id(), "7");
  EXPECT_EQ(task.lineage().parameters_json(), "{\"n\":1}");
  EXPECT_TRUE(task.impossible());
  EXPECT_TRUE(task.oracle().webarena().reference_answers().fuzzy_match_na());
}

TEST(LoadWebArenaConfigTest, ReadsStorageStateIfToldHow) {
  WebArenaConfigOptions options;
  options.read_storage_state = [](const std::string& path) {
    return absl::StatusOr<std::string>("{\"from\":\"" + path + "\"}");
  };
  EXPECT_THAT(LoadWebArenaConfig(kTask, options)->front().start_state().storage_state_json(),
              HasSubstr("state.json"));
  options.read_storage_state = [](const std::string&) { return absl::NotFoundError("no file"); };
  EXPECT_EQ(LoadWebArenaConfig(kTask, options).status().code(), absl::StatusCode::kNotFound);
}

// `field` of the sample replaced by `value`.
std::string With(const std::string& from, const std::string& to) {
  std::string json = kTask;
  const size_t at = json.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return json.replace(at, from.size(), to);
}

TEST(LoadWebArenaConfigTest, RefusesMalformedTasksAndNamesThem) {
  const std::string kCases[] = {
      With("\"task_id\": 7", "\"task_id\": \"7\""),
      With("\"intent\": \"Find it\"", "\"intent\": 5"),
      With("\"intent\": \"Find it\"", "\"intent\": \"\""),
      With("[\"string_match\"]", "[\"page_image_query\"]"),
      With("[\"string_match\"]", "\"string_match\""),
      With("{\"fuzzy_match\": \"N/A\"}", "{\"fuzzy_match\": \"maybe\"}"),
      With("{\"fuzzy_match\": \"N/A\"}", "{\"soft_match\": \"x\"}"),
      With("{\"fuzzy_match\": \"N/A\"}", "{\"must_include\": [1]}"),
      With("{\"fuzzy_match\": \"N/A\"}", "null"),
      With("\"program_html\": []", "\"program_html\": {}"),
      With("\"sites\": [\"shopping\", \"reddit\"]", "\"sites\": [3]"),
      "5",
      "[5]",
      "{",
      "",
  };
  for (const std::string& json : kCases) {
    EXPECT_EQ(LoadWebArenaConfig(json).status().code(), absl::StatusCode::kInvalidArgument) << json;
  }
  EXPECT_THAT(std::string(LoadWebArenaConfig(kCases[2]).status().message()),
              HasSubstr("WebArena task 7"));
}

// Where the published configurations are: $PROCTOR_SHARED_DATA or beside the source tree.
std::string ConfigPath() {
  const char* data = std::getenv("PROCTOR_SHARED_DATA");
  const std::string root =
      data != nullptr ? data : std::string(PROCTOR_SOURCE_DIR) + "/../shared/data";
  return root + "/webarena/config_files/test.raw.json";
}

TEST(LoadWebArenaConfigTest, LoadsAllPublishedTasks) {
  std::ifstream file(ConfigPath());
  if (!file)
    GTEST_SKIP() << ConfigPath()
                 << " is not there; set PROCTOR_SHARED_DATA to the folder with webarena/";
  std::stringstream text;
  text << file.rdbuf();
  const auto tasks = LoadWebArenaConfig(text.str());
  ASSERT_TRUE(tasks.ok()) << tasks.status();
  EXPECT_EQ(tasks->size(), 812u);
  std::map<std::string, int> types;
  std::set<std::string> names;
  int impossible = 0, functions = 0, programs = 0, one_token = 0, tabs = 0;
  for (const v1::Task& task : *tasks) {
    names.insert(task.name());
    impossible += task.impossible();
    const v1::WebArenaEval& eval = task.oracle().webarena();
    std::string type;
    for (const std::string& part : eval.eval_types()) type += "+" + part;
    ++types[type];
    programs += eval.program_html_size();
    functions += NeedsFunctions(eval);
    tabs += task.start_state().start_url().find(" |AND| ") != std::string::npos;
    const auto& items = eval.reference_answers().must_include();
    one_token += items.size() == 1 && items[0].size() == 1;
    // What the oracle needs can be declared for every one of them.
    const bool only_answer = type == "+string_match";
    EXPECT_EQ(RequiredEvidence(task.oracle()).empty(),
              only_answer || (NeedsFunctions(eval) && type == "+program_html"))
        << task.name();
  }
  EXPECT_EQ(names.size(), 812u);
  EXPECT_EQ(types["+string_match"], 325);
  EXPECT_EQ(types["+program_html"], 282);
  EXPECT_EQ(types["+url_match"], 66);
  EXPECT_EQ(types["+string_match+url_match"] + types["+url_match+string_match"], 10);
  EXPECT_EQ(types["+url_match+program_html"] + types["+program_html+url_match"], 129);
  EXPECT_EQ(impossible, 36);
  EXPECT_EQ(programs, 651);
  EXPECT_EQ(one_token, 31);
  EXPECT_EQ(tabs, 5);
  EXPECT_GT(functions, 0);
}

}  // namespace
}  // namespace proctor::evaluator
