// A real proctord whose tasks are proposed by a scripted model over real HTTP.
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/ids.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "imaging/image.h"
#include "tests/server/change_rows.h"
#include "tests/server/proctord_model_fixture.h"

namespace proctor::server {
namespace {

using model::ScriptedReply;
using model::SeenRequest;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr const char* kGoals[] = {"Report the height of the lighthouse at the northern cape.",
                                  "Open the list of museums sorted by year of foundation.",
                                  "Buy two tickets for the opera house.",
                                  "Which bridge was finished first, the iron or the stone one?"};

bool IsBatch(const SeenRequest& request) { return absl::StrContains(request.text, "\nInvent "); }
bool IsFirstBatch(const SeenRequest& request) { return absl::StrContains(request.text, "There are no tasks"); }

std::string Line(const std::string& goal) {
  return absl::StrCat(R"({"goal": ")", goal,
                      R"(", "area": "sights", "kind": "find_information", "difficulty": "easy", "persona": 1})", "\n");
}

// Two tasks with a bad line between them, then two more, the first of which takes a payment.
ScriptedReply Play(const SeenRequest& request) {
  const std::string tag = TagOf(request);
  if (IsBatch(request)) {
    const int first = IsFirstBatch(request) ? 0 : 2;
    return model::SayText(
        request, absl::StrCat("I think.\n", tag, "\n", Line(kGoals[first]), "no task\n", Line(kGoals[first + 1])));
  }
  const bool pays = absl::StrContains(request.text, kGoals[2]);
  return model::SayText(request, absl::StrCat(tag, pays ? ": REJECT NEEDS_PAYMENT" : ": ACCEPT"));
}

class ProctordProposeTest : public ProctordModelTest {
 protected:
  void StartWith(Script script, const std::string& budgets = "{}") {
    StartWithModel(std::move(script), absl::StrCat("  budgets: ", budgets, "\n"));
  }

  static v1::ProposeTasksRequest Request() {
    v1::ProposeTasksRequest request;
    request.set_count(3);
    request.mutable_model()->set_site_name("Sights");
    request.mutable_model()->set_start_url("https://sights.example/");
    request.mutable_model()->set_environment("environments/null");
    request.mutable_model()->set_batch_size(2);
    return request;
  }
  grpc::Status Propose(const v1::ProposeTasksRequest& request, v1::Job* job) {
    ClientContext context;
    return tasks_->ProposeTasks(&context, request, job);
  }
  static v1::ProposeTasksResult ResultOf(const v1::Job& job) {
    EXPECT_EQ(job.state(), v1::JOB_STATE_SUCCEEDED) << job.error_message();
    v1::ProposeTasksResult result;
    EXPECT_TRUE(job.result().UnpackTo(&result));
    return result;
  }
  std::vector<v1::Task> Tasks() {
    v1::ListTasksRequest request;
    request.mutable_filter()->add_sites("sights.example");
    v1::ListTasksResponse response;
    ClientContext context;
    EXPECT_TRUE(tasks_->ListTasks(&context, request, &response).ok());
    return {response.tasks().begin(), response.tasks().end()};
  }

  // A recorded visit with a picture.
  v1::Trajectory Record(const std::string& task, const std::string& picture) {
    v1::RecordTrajectoryRequest messages[4];
    messages[0].mutable_blob()->set_digest(Sha256Hex(picture));
    messages[0].mutable_blob()->set_data(picture);
    messages[1].mutable_header()->set_task(task);
    messages[1].mutable_header()->mutable_policy()->set_policy("visitor");
    messages[1].mutable_header()->mutable_policy()->set_version("1");
    messages[1].mutable_header()->mutable_initial_observation()->mutable_screenshot()->set_digest(Sha256Hex(picture));
    *messages[2].mutable_step()->mutable_action() = Answer("It is the tall one.");
    messages[3].mutable_end()->set_end_kind(v1::END_KIND_TERMINATED);
    messages[3].mutable_end()->set_end_reason(v1::END_REASON_ANSWERED);
    v1::Trajectory trajectory;
    ClientContext context;
    const auto writer = trajectories_->RecordTrajectory(&context, &trajectory);
    for (const auto& message : messages) writer->Write(message);
    writer->WritesDone();
    const grpc::Status status = writer->Finish();
    EXPECT_TRUE(status.ok()) << status.error_message();
    return trajectory;
  }
};

TEST_F(ProctordProposeTest, ProposesExaminesStoresAndTellsWhatItCost) {
  StartWith(Play);
  v1::Job job;
  const grpc::Status status = Propose(Request(), &job);
  ASSERT_TRUE(status.ok()) << status.error_message();
  const std::vector<v1::Job> told = Watch(job.name());
  ASSERT_FALSE(told.empty());
  const v1::ProposeTasksResult result = ResultOf(told.back());
  EXPECT_EQ(result.accepted(), 3);
  EXPECT_EQ(result.batches(), 2);
  EXPECT_EQ(result.drafted(), 4);
  EXPECT_EQ(result.bad_lines(), 2);
  EXPECT_EQ(result.rejected_by_reason().at("needs a payment"), 1);
  // Six calls of 10 + 5 tokens at $1000 a million.
  EXPECT_EQ(result.replies(), 6);
  EXPECT_NEAR(result.usage().cost_usd(), 0.09, 1e-9);
  EXPECT_FALSE(result.unpriced());
  EXPECT_THAT(told.back().message(),
              HasSubstr("$0.0900 so far, batch 2: 4 proposed, 0 duplicates, 1 rejected, 2 bad lines"));
  const std::vector<v1::Task> tasks = Tasks();
  ASSERT_THAT(tasks, SizeIs(3));
  EXPECT_THAT(result.tasks(), ElementsAre(tasks[0].name(), tasks[1].name(), tasks[2].name()));
  EXPECT_EQ(tasks[0].goal(), kGoals[0]);
  EXPECT_EQ(tasks[0].state(), v1::TASK_STATE_ACCEPTED);
  EXPECT_THAT(tasks[0].lineage().model(), HasSubstr("scripted-"));
  EXPECT_EQ(tasks[0].lineage().job(), job.name());
  // What is there is not proposed again; the second time the first batch's reply names only what is known.
  ASSERT_TRUE(Propose(Request(), &job).ok());
  const v1::ProposeTasksResult again = ResultOf(Watch(job.name()).back());
  EXPECT_GE(again.duplicates(), 1);
  EXPECT_THAT(Tasks(), SizeIs(3));
}

TEST_F(ProctordProposeTest, ShowsDemonstrationsAndScreenshots) {
  StartWith(Play);
  imaging::Image image{.width_px = 64, .height_px = 48, .bgra = {}};
  image.bgra.resize(64 * 48 * 4, 200);
  const std::string picture = imaging::Encode(image, {}).value();
  const v1::Trajectory visit = Record(MakeTask(), picture);
  v1::ProposeTasksRequest request = Request();
  request.mutable_model()->add_demonstrations(visit.name());
  request.mutable_model()->add_screenshots(Sha256Hex(picture));
  v1::Job job;
  const grpc::Status status = Propose(request, &job);
  ASSERT_TRUE(status.ok()) << status.error_message();
  ResultOf(Watch(job.name()).back());
  for (const SeenRequest& seen : model_->requests()) {
    EXPECT_THAT(seen.text, HasSubstr("Goal: Say the number."));
    EXPECT_THAT(seen.text, HasSubstr("answer \"It is the tall one.\""));
    EXPECT_THAT(seen.images, SizeIs(1));
  }
  EXPECT_THAT(Tasks().at(0).lineage().demonstrations(), ElementsAre(visit.name()));
}

TEST_F(ProctordProposeTest, IsRefusedWhereItCannotBegin) {
  ASSERT_NO_FATAL_FAILURE(Start());
  v1::Job job;
  const grpc::Status none = Propose(Request(), &job);
  EXPECT_EQ(none.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(none.error_message(), HasSubstr("--model-endpoint"));
  server_.Stop(SIGTERM);
  StartWith(Play);
  v1::ProposeTasksRequest request = Request();
  request.mutable_model()->set_model("nobody");
  EXPECT_EQ(Propose(request, &job).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  request = Request();
  request.mutable_model()->add_screenshots(std::string(64, 'a'));
  EXPECT_EQ(Propose(request, &job).error_code(), grpc::StatusCode::NOT_FOUND);
  request = Request();
  request.mutable_model()->add_demonstrations("trajectories/nothing");
  EXPECT_EQ(Propose(request, &job).error_code(), grpc::StatusCode::NOT_FOUND);
  request = Request();
  request.mutable_model()->clear_site_name();
  EXPECT_EQ(Propose(request, &job).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(model_->requests(), IsEmpty());
}

TEST_F(ProctordProposeTest, DemonstrationsAreNotReadWhereTheyAreMoreThanAJobMayHold) {
  ASSERT_NO_FATAL_FAILURE(Start());
  const v1::Trajectory visit = Record(MakeTask(), "picture");
  server_.Stop(SIGTERM);
  ASSERT_NO_FATAL_FAILURE(ChangeRows(server_.data(), "UPDATE trajectory_records SET step_bytes = 67108864"));
  StartWith(Play);
  v1::ProposeTasksRequest request = Request();
  request.mutable_model()->add_demonstrations(visit.name());
  v1::Job job;
  const grpc::Status refused = Propose(request, &job);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(refused.error_message(), HasSubstr("name fewer or shorter ones"));
}

TEST_F(ProctordProposeTest, ASpentBudgetEndsTheJob) {
  StartWith(Play, "{job_usd: 0.01}");
  v1::Job job;
  ASSERT_TRUE(Propose(Request(), &job).ok());
  const v1::Job ended = Watch(job.name()).back();
  EXPECT_EQ(ended.state(), v1::JOB_STATE_FAILED);
  EXPECT_EQ(ended.error_code(), static_cast<int>(grpc::StatusCode::RESOURCE_EXHAUSTED)) << ended.error_message();
  EXPECT_THAT(model_->requests(), IsEmpty());
}

TEST_F(ProctordProposeTest, AfterACrashNothingIsPaidOrStoredTwice) {
  auto silent = std::make_shared<std::atomic<bool>>(true);
  StartWith([silent](const SeenRequest& request) {
    ScriptedReply reply = Play(request);
    reply.silent = *silent && IsBatch(request) && !IsFirstBatch(request);
    return reply;
  });
  v1::Job job;
  ASSERT_TRUE(Propose(Request(), &job).ok());
  // A batch, its two examinations, and the next batch, which is never answered.
  ASSERT_TRUE(model_->WaitForRequests(4));
  EXPECT_THAT(Tasks(), SizeIs(2));
  server_.Kill();
  *silent = false;
  StartAgain();
  const v1::ProposeTasksResult result = ResultOf(Watch(job.name()).back());
  EXPECT_EQ(result.accepted(), 3);
  EXPECT_EQ(result.replies(), 6);
  EXPECT_EQ(result.cached_replies(), 3);
  EXPECT_THAT(Tasks(), SizeIs(3));
  // The batch that had no answer, and two examinations.
  EXPECT_THAT(model_->requests(), SizeIs(7));
}

}  // namespace
}  // namespace proctor::server
