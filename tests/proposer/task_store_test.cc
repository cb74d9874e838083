#include "proposer/task_store.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/memory_database.h"

namespace proctor::proposer {
namespace {

using testing::ElementsAre;

v1::Task SomeTask(const std::string& id) {
  v1::Task task;
  if (!id.empty()) task.set_name("tasks/" + id);
  task.set_goal("Find the price of the lamp.");
  task.set_environment("environments/web");
  return task;
}

class TaskStoreTest : public testing::Test {
 protected:
  void SetUp() override {
    auto database = storage::NewMemoryDatabase();
    ASSERT_TRUE(database.ok()) << database.status();
    database_ = std::move(*database);
    auto store = TaskStore::Create(*database_, clock_);
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = std::move(*store);
  }

  absl::StatusOr<v1::Task> Store(const v1::Task& task, const std::string& request_id = "") {
    v1::CreateTaskRequest request;
    request.set_request_id(request_id);
    *request.mutable_task() = task;
    return store_->CreateTask(context_, request);
  }

  std::vector<std::string> Names(const v1::TaskFilter& filter) {
    v1::ListTasksRequest request;
    *request.mutable_filter() = filter;
    const auto response = store_->ListTasks(context_, request);
    EXPECT_TRUE(response.ok()) << response.status();
    std::vector<std::string> names;
    for (const v1::Task& task : response->tasks()) names.push_back(task.name());
    EXPECT_EQ(response->total_size(), static_cast<int64_t>(names.size()));
    return names;
  }

  CallContext context_;
  SimulatedClock clock_;
  std::unique_ptr<storage::Database> database_;
  std::unique_ptr<TaskStore> store_;
};

TEST_F(TaskStoreTest, FillsInDefaults) {
  const auto task = Store(SomeTask(""));
  ASSERT_TRUE(task.ok()) << task.status();
  EXPECT_EQ(task->state(), v1::TASK_STATE_ACCEPTED);
  EXPECT_EQ(task->split(), v1::SPLIT_TRAIN);
  EXPECT_TRUE(task->has_create_time());
  const auto stored = store_->GetTask(context_, task->name());
  ASSERT_TRUE(stored.ok()) << stored.status();
  EXPECT_EQ(stored->SerializeAsString(), task->SerializeAsString());
}

TEST_F(TaskStoreTest, GivesARetryTheSameAnswer) {
  const auto first = Store(SomeTask(""), "r1");
  const auto second = Store(SomeTask(""), "r1");
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(first->name(), second->name());
  EXPECT_EQ(Names({}).size(), 1u);
}

TEST_F(TaskStoreTest, RefusesARequestIdOfAnotherRequest) {
  ASSERT_TRUE(Store(SomeTask("a"), "r1").ok());
  EXPECT_EQ(Store(SomeTask("b"), "r1").status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(TaskStoreTest, RefusesATakenName) {
  ASSERT_TRUE(Store(SomeTask("a")).ok());
  EXPECT_EQ(Store(SomeTask("a")).status().code(), absl::StatusCode::kAlreadyExists);
}

TEST_F(TaskStoreTest, StoresAllOfABatchOrNone) {
  v1::BatchCreateTasksRequest batch;
  *batch.add_tasks() = SomeTask("a");
  *batch.add_tasks() = SomeTask("b");
  *batch.add_tasks() = SomeTask("a");
  EXPECT_EQ(store_->BatchCreateTasks(context_, batch).status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_TRUE(Names({}).empty());
  batch.mutable_tasks()->RemoveLast();
  EXPECT_TRUE(store_->BatchCreateTasks(context_, batch).ok());
  EXPECT_THAT(Names({}), ElementsAre("tasks/a", "tasks/b"));
}

TEST_F(TaskStoreTest, RefusesMalformedTasks) {
  std::vector<v1::Task> bad(8, SomeTask("x"));
  bad[0].set_name("tasks/Capital");
  bad[1].set_name("trajectories/a");
  bad[2].clear_goal();
  bad[3].set_environment("web");
  bad[4].set_state(v1::TASK_STATE_TRIVIAL);
  bad[5].add_files()->set_file_name("a/b");
  (*bad[6].mutable_tags())[""] = "x";
  bad[7].set_goal(std::string(8193, 'x'));
  for (const v1::Task& task : bad) {
    EXPECT_EQ(Store(task).status().code(), absl::StatusCode::kInvalidArgument) << task.ShortDebugString();
  }
}

TEST_F(TaskStoreTest, RefusesATaskThatIsTooLargeAsAWhole) {
  v1::Task task = SomeTask("large");
  for (const char* const name : {"a", "b", "c"}) {
    v1::TaskFile& file = *task.add_files();
    file.set_file_name(name);
    file.set_content(std::string(11 << 20, 'x'));
  }
  const absl::Status refused = Store(task).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(refused.message()), testing::HasSubstr("more than 33554432"));
  task.mutable_files()->RemoveLast();
  EXPECT_TRUE(Store(task).ok());
}

TEST_F(TaskStoreTest, EndsAPageBeforeItIsTooLargeForAMessage) {
  for (int i = 0; i < 3; ++i) {
    v1::Task task = SomeTask(absl::StrCat("t", i));
    task.add_files()->set_file_name("a");
    task.mutable_files(0)->set_content(std::string(3 << 20, 'x'));
    ASSERT_TRUE(Store(task).ok());
  }
  v1::ListTasksRequest request;
  request.set_page_size(1000);
  std::vector<std::string> names;
  do {
    const auto response = store_->ListTasks(context_, request);
    ASSERT_TRUE(response.ok()) << response.status();
    EXPECT_EQ(response->tasks_size(), 1);
    EXPECT_EQ(response->total_size(), 3);
    for (const v1::Task& task : response->tasks()) names.push_back(task.name());
    request.set_page_token(response->next_page_token());
  } while (!request.page_token().empty());
  EXPECT_THAT(names, ElementsAre("tasks/t0", "tasks/t1", "tasks/t2"));
}

TEST_F(TaskStoreTest, PagesInTheOrderOfCreation) {
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(Store(SomeTask(absl::StrCat("t", 9 - i))).ok());
  v1::ListTasksRequest request;
  request.set_page_size(2);
  std::vector<std::string> names;
  do {
    const auto response = store_->ListTasks(context_, request);
    ASSERT_TRUE(response.ok()) << response.status();
    EXPECT_EQ(response->total_size(), 5);
    for (const v1::Task& task : response->tasks()) names.push_back(task.name());
    request.set_page_token(response->next_page_token());
  } while (!request.page_token().empty());
  EXPECT_THAT(names, ElementsAre("tasks/t9", "tasks/t8", "tasks/t7", "tasks/t6", "tasks/t5"));
}

TEST_F(TaskStoreTest, RefusesAPageTokenOfAnotherFilter) {
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(Store(SomeTask(absl::StrCat("t", i))).ok());
  v1::ListTasksRequest request;
  request.set_page_size(1);
  request.set_page_token(store_->ListTasks(context_, request)->next_page_token());
  request.mutable_filter()->add_sites("shop");
  EXPECT_EQ(store_->ListTasks(context_, request).status().code(), absl::StatusCode::kInvalidArgument);
  request.set_page_token("no token");
  EXPECT_EQ(store_->ListTasks(context_, request).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(TaskStoreTest, FiltersByEveryField) {
  v1::Task task = SomeTask("wanted");
  task.set_kind("find_fact");
  task.set_template_("shop/price");
  task.set_site("shop");
  task.set_split(v1::SPLIT_TEST);
  task.set_optimal_steps(3);
  task.mutable_lineage()->set_job("jobs/j");
  (*task.mutable_tags())["round"] = "'1'";
  ASSERT_TRUE(Store(task).ok());
  ASSERT_TRUE(Store(SomeTask("other")).ok());
  std::vector<v1::TaskFilter> filters(8);
  filters[0].add_kinds("find_fact");
  filters[1].add_templates("shop/price");
  filters[2].add_sites("shop");
  filters[3].add_splits(v1::SPLIT_TEST);
  filters[4].set_min_optimal_steps(3);
  filters[5].set_job("jobs/j");
  (*filters[6].mutable_tags())["round"] = "'1'";
  filters[7].set_min_optimal_steps(1);
  filters[7].set_max_optimal_steps(3);
  for (const v1::TaskFilter& filter : filters) {
    EXPECT_THAT(Names(filter), ElementsAre("tasks/wanted")) << filter.ShortDebugString();
  }
}

TEST_F(TaskStoreTest, RefusesAFilterThatNoDatabaseBears) {
  v1::ListTasksRequest list;
  for (int i = 0; i < 2'000; ++i) (*list.mutable_filter()->mutable_tags())[absl::StrCat("tag", i)] = "x";
  EXPECT_EQ(store_->ListTasks(context_, list).status(), absl::InvalidArgumentError("filter.tags: at most 64, for no task has more"));
  list.clear_filter();
  for (int i = 0; i < 5'000; ++i) list.mutable_filter()->add_sites(absl::StrCat("site", i));
  EXPECT_TRUE(store_->ListTasks(context_, list).ok());
  list.mutable_filter()->add_sites("one more");
  EXPECT_EQ(store_->ListTasks(context_, list).status(), absl::InvalidArgumentError("filter.sites: at most 5,000"));
}

TEST_F(TaskStoreTest, ChangesStatesOnlyForward) {
  v1::Task task = SomeTask("p");
  task.set_state(v1::TASK_STATE_PROPOSED);
  ASSERT_TRUE(Store(task).ok());
  EXPECT_EQ(store_->AcceptTask(context_, "tasks/p")->state(), v1::TASK_STATE_ACCEPTED);
  EXPECT_TRUE(store_->AcceptTask(context_, "tasks/p").ok());
  EXPECT_EQ(store_->RejectTask(context_, "tasks/p", "unclear")->reject_reason(), "unclear");
  EXPECT_EQ(store_->AcceptTask(context_, "tasks/p").status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(store_->MarkTrivial(context_, "tasks/p").status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(store_->AcceptTask(context_, "tasks/none").status().code(), absl::StatusCode::kNotFound);
}

TEST_F(TaskStoreTest, MarksTrivialTasksAndListsThemSo) {
  ASSERT_TRUE(Store(SomeTask("t")).ok());
  ASSERT_TRUE(store_->MarkTrivial(context_, "tasks/t").ok());
  v1::TaskFilter filter;
  filter.add_states(v1::TASK_STATE_TRIVIAL);
  EXPECT_THAT(Names(filter), ElementsAre("tasks/t"));
}

}  // namespace
}  // namespace proctor::proposer
