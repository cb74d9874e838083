#include "server/webarena_source.h"

#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/propose_job.h"
#include "server/task_service.h"

namespace proctor::server {
namespace {

constexpr char kStatePath[] = "./.auth/shopping.json";

// `count` tasks, two of each template, that start logged out.
v1::ProposeTasksRequest Request(int count) {
  std::string list;
  for (int i = 0; i < count; ++i) {
    absl::StrAppend(&list, list.empty() ? "" : ",", R"({"task_id": )", i,
                    R"(, "intent_template_id": )", i / 2, R"(, "intent": "Find item )", i,
                    R"(", "sites": ["shopping"], "start_url": "__SHOPPING__",
                    "storage_state": "./.auth/shopping.json", "eval": {"eval_types": ["string_match"],
                    "reference_answers": {"exact_match": "42"}}})");
  }
  v1::ProposeTasksRequest request;
  request.mutable_webarena()->set_config_json(absl::StrCat("[", list, "]"));
  (*request.mutable_webarena()->mutable_storage_states())[kStatePath] = "";
  return request;
}

TEST(ProposeFromWebArenaTest, MakesAcceptedTestTasksUnlessTold) {
  v1::ProposeTasksRequest request = Request(3);
  (*request.mutable_webarena()->mutable_base_urls())["__SHOPPING__"] = "http://127.0.0.1:7770";
  (*request.mutable_tags())["from"] = "webarena";
  const auto proposal = ProposeFromWebArena(request, "jobs/j");
  ASSERT_TRUE(proposal.ok()) << proposal.status();
  ASSERT_EQ(proposal->tasks.size(), 3u);
  EXPECT_EQ(proposal->result.accepted(), 3);
  for (const v1::Task& task : proposal->tasks) {
    EXPECT_EQ(task.split(), v1::SPLIT_TEST);
    EXPECT_EQ(task.state(), v1::TASK_STATE_ACCEPTED);
    EXPECT_EQ(task.environment(), "environments/web");
    EXPECT_EQ(task.lineage().job(), "jobs/j");
    EXPECT_EQ(task.tags().at("from"), "webarena");
    EXPECT_EQ(task.start_state().base_urls().at("__SHOPPING__"), "http://127.0.0.1:7770");
  }
  EXPECT_EQ(proposal->tasks[2].name(), "tasks/webarena-2");
}

TEST(ProposeFromWebArenaTest, KeepsTasksOfOneTemplateOnOneSide) {
  v1::ProposeTasksRequest request = Request(100);
  request.mutable_split_shares()->set_train(0.5);
  request.mutable_split_shares()->set_test(0.5);
  const auto proposal = ProposeFromWebArena(request, "");
  ASSERT_TRUE(proposal.ok()) << proposal.status();
  std::map<std::string, v1::Split> sides;
  std::map<v1::Split, int> counts;
  for (const v1::Task& task : proposal->tasks) {
    EXPECT_EQ(sides.emplace(task.template_(), task.split()).first->second, task.split());
    ++counts[task.split()];
  }
  EXPECT_EQ(counts[v1::SPLIT_TRAIN] + counts[v1::SPLIT_TEST], 100);
  EXPECT_GT(counts[v1::SPLIT_TRAIN], 20);
  EXPECT_GT(counts[v1::SPLIT_TEST], 20);
}

TEST(ProposeFromWebArenaTest, TasksStartWithTheStorageStateThatWasSent) {
  v1::ProposeTasksRequest request = Request(1);
  EXPECT_EQ(ProposeFromWebArena(request, "")->tasks[0].start_state().storage_state_json(), "");
  (*request.mutable_webarena()->mutable_storage_states())[kStatePath] = "{\"cookies\": []}";
  EXPECT_EQ(ProposeFromWebArena(request, "")->tasks[0].start_state().storage_state_json(), "{\"cookies\": []}");
}

TEST(ProposeFromWebArenaTest, RefusesTasksWhoseStorageStateWasNotSent) {
  v1::ProposeTasksRequest request = Request(3);
  request.mutable_webarena()->clear_storage_states();
  const absl::Status status = ProposeFromWebArena(request, "").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr("./.auth/shopping.json (3 tasks)"));
}

TEST(ProposeFromWebArenaTest, RefusesMistakesAndKeepsToTheCount) {
  v1::ProposeTasksRequest request = Request(5);
  request.set_count(2);
  EXPECT_EQ(ProposeFromWebArena(request, "")->tasks.size(), 2u);
  request.mutable_webarena()->set_config_json("{\"task_id\": 7}");
  const absl::Status status = ProposeFromWebArena(request, "").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr("7"));
  request = Request(1);
  request.mutable_webarena()->set_environment("web");
  EXPECT_EQ(ProposeFromWebArena(request, "").status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(ShownJobTest, LeavesOutWhatWasUploaded) {
  v1::ProposeTasksRequest request = Request(1);
  (*request.mutable_webarena()->mutable_storage_states())[kStatePath] = "hunter2";
  v1::Job job;
  job.set_kind(kProposeTasksJob);
  job.mutable_request()->PackFrom(request);
  const std::string shown = ShownJob(job).SerializeAsString();
  EXPECT_EQ(shown.find("hunter2"), std::string::npos);
  EXPECT_EQ(shown.find("Find item"), std::string::npos);
}

}  // namespace
}  // namespace proctor::server
