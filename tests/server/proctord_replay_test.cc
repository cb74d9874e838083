// A real proctord with real Chromium: what visitors did in the practice shop is done again before tasks that a scripted
// model draws from it are accepted.
#include <algorithm>
#include <chrono>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/server/change_rows.h"
#include "tests/server/proctord_model_fixture.h"

namespace proctor::server {
namespace {

using model::ScriptedReply;
using model::SeenRequest;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr char kOpen[] = "Open the page of the first thing in the first category.";
constexpr char kCompare[] = "Which brand makes the lamp that is sold with the longest cable?";

bool IsBatch(const SeenRequest& request) { return absl::StrContains(request.text, "\nInvent "); }

std::string Line(const std::string& goal, int visit) {
  return absl::StrCat(R"({"goal": ")", goal,
                      R"(", "area": "things", "kind": "navigate", "difficulty": "easy", "persona": 1, "visit": )", visit,
                      "}\n");
}

// A task of each of two visits, and one of no visit that there is.
ScriptedReply Play(const SeenRequest& request) {
  const std::string tag = TagOf(request);
  if (!IsBatch(request)) return model::SayText(request, absl::StrCat(tag, ": ACCEPT"));
  return model::SayText(request, absl::StrCat(tag, "\n", Line(kOpen, 1), Line(kCompare, 2), Line("Buy a lamp.", 3)));
}

class ProctordReplayTest : public ProctordModelTest {
 protected:
  void SetUp() override {
    std::ofstream(server_.config()) << "environments:\n"
                                       "  web: {enabled: false}\n"
                                       "shutdown_grace: 2s\n"
                                       "evaluation: {chain: ['evaluators/oracle']}\n";
    ASSERT_NO_FATAL_FAILURE(StartWithModel(Play));
  }

  // Starting and closing browsers on a busy machine takes a while.
  static constexpr std::chrono::seconds kPatience{120};
  struct PatientContext : grpc::ClientContext {
    PatientContext() { set_deadline(std::chrono::system_clock::now() + kPatience); }
  };

  // The first link of the page whose target has `part` in it and whose name is none of `others`.
  static v1::Element LinkTo(const std::string& part, const v1::Observation& seen,
                            const std::set<std::string>& others = {}) {
    for (const v1::Element& element : seen.elements()) {
      if (element.role() == "link" && absl::StrContains(element.href(), part) && !others.contains(element.name())) {
        return element;
      }
    }
    ADD_FAILURE() << "no link to " << part << " on " << seen.url();
    return v1::Element();
  }
  static v1::Action ClickOn(const v1::Element& element) {
    v1::Action action;
    action.mutable_click()->mutable_target()->set_mark(element.mark());
    return action;
  }
  v1::Observation Do(const std::string& session, const v1::Action& action) {
    v1::StepRequest request;
    request.set_session(session);
    *request.mutable_action() = action;
    request.mutable_observation()->add_parts(v1::OBSERVATION_PART_ELEMENTS);
    v1::StepResponse response;
    PatientContext context;
    const grpc::Status status = worlds_->Step(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(response.observation().action_error(), "");
    return response.observation();
  }
  struct Visited {
    std::string trajectory;
    // In the category.
    std::set<std::string> names;
  };
  // In the shop of that seed: the first category, the first thing there that is none of `others`, and its name as the
  // answer.
  Visited Visit(int64_t seed, const std::set<std::string>& others = {}) {
    v1::CreateSessionRequest create;
    create.set_environment("environments/practice");
    v1::Session session;
    {
      PatientContext context;
      const grpc::Status status = worlds_->CreateSession(&context, create, &session);
      EXPECT_TRUE(status.ok()) << status.error_message();
    }
    v1::StartEpisodeRequest request;
    request.set_session(session.name());
    request.mutable_inline_task()->set_goal("Name the first thing.");
    request.mutable_inline_task()->set_environment("environments/practice");
    request.mutable_inline_task()->mutable_start_state()->set_start_url("__SHOP__/");
    request.mutable_inline_task()->set_seed(seed);
    request.mutable_observation()->add_parts(v1::OBSERVATION_PART_ELEMENTS);
    v1::EpisodeStart start;
    {
      PatientContext context;
      const grpc::Status status = worlds_->StartEpisode(&context, request, &start);
      EXPECT_TRUE(status.ok()) << status.error_message();
    }
    const v1::Observation category = Do(session.name(), ClickOn(LinkTo("/category/", start.observation())));
    const v1::Element thing = LinkTo("/product/", category, others);
    Do(session.name(), ClickOn(thing));
    Do(session.name(), Answer(thing.name()));
    v1::CloseSessionRequest close;
    close.set_name(session.name());
    PatientContext context;
    EXPECT_TRUE(worlds_->CloseSession(&context, close, &session).ok());
    Visited visited{.trajectory = start.episode().trajectory(), .names = {}};
    for (const v1::Element& element : category.elements()) visited.names.insert(element.name());
    return visited;
  }

  static v1::ProposeTasksRequest Request() {
    v1::ProposeTasksRequest request;
    request.set_count(2);
    request.mutable_model()->set_site_name("a shop");
    request.mutable_model()->set_start_url("__SHOP__/");
    request.mutable_model()->set_max_batches(1);
    request.mutable_model()->set_replay(true);
    return request;
  }
};

TEST_F(ProctordReplayTest, AcceptsOnlyTasksWhoseDemonstrationCanBeDoneAgain) {
  // The tasks' world is the shop of seed 1: what a visitor of another one clicked is not there.
  const Visited first = Visit(1);
  const std::string here = first.trajectory, elsewhere = Visit(2, first.names).trajectory;
  v1::ProposeTasksRequest request = Request();
  request.mutable_model()->add_demonstrations(here);
  request.mutable_model()->add_demonstrations(elsewhere);
  v1::Job job;
  {
    ClientContext context;
    const grpc::Status status = tasks_->ProposeTasks(&context, request, &job);
    ASSERT_TRUE(status.ok()) << status.error_message();
  }
  job = AwaitJob(job.name(), kPatience);
  ASSERT_FALSE(HasFailure());
  v1::ProposeTasksResult result;
  ASSERT_TRUE(job.result().UnpackTo(&result));
  EXPECT_EQ(result.drafted(), 2);
  EXPECT_EQ(result.bad_lines(), 1);
  ASSERT_EQ(result.accepted(), 1) << result.DebugString();
  EXPECT_EQ(result.rejected_by_reason().at("its demonstration cannot be replayed"), 1);
  ASSERT_EQ(result.rejected_size(), 1);
  EXPECT_EQ(result.rejected(0).goal(), kCompare);
  EXPECT_THAT(result.rejected(0).detail(), AllOf(HasSubstr(elsewhere), HasSubstr("step 2: no element")));
  EXPECT_THAT(job.message(), HasSubstr("2 proposed, 0 duplicates, 1 rejected"));
  v1::GetTaskRequest get;
  get.set_name(result.tasks(0));
  v1::Task task;
  ClientContext context;
  ASSERT_TRUE(tasks_->GetTask(&context, get, &task).ok());
  EXPECT_EQ(task.goal(), kOpen);
  EXPECT_EQ(task.seed(), 1);
  EXPECT_THAT(task.lineage().demonstrations(), ElementsAre(here));
  // What is dropped so is not examined: a batch, and one task.
  ASSERT_EQ(model_->requests().size(), 2u);
  EXPECT_THAT(model_->requests()[0].text, AllOf(HasSubstr("Recorded visit 2"), HasSubstr("\"visit\": 1")));
}

TEST_F(ProctordReplayTest, WithoutDemonstrationsThereIsNothingToReplay) {
  v1::Job job;
  ClientContext context;
  const grpc::Status status = tasks_->ProposeTasks(&context, Request(), &job);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("model.replay: there is nothing to replay"));
}

// Of one template, which has few goals: equal ones are on one side of the split, whoever stored them first.
TEST_F(ProctordReplayTest, AfterACrashATemplateJobMakesTheSameTasksAgain) {
  v1::ProposeTasksRequest request;
  request.set_count(20);
  request.set_seed(1);
  request.mutable_templates()->add_templates("shop/set_newsletter");
  v1::Job job;
  {
    ClientContext context;
    const grpc::Status status = tasks_->ProposeTasks(&context, request, &job);
    ASSERT_TRUE(status.ok()) << status.error_message();
  }
  job = Watch(job.name(), kPatience).back();
  const auto result_of = [](const v1::Job& ended) {
    EXPECT_EQ(ended.state(), v1::JOB_STATE_SUCCEEDED) << ended.error_message();
    v1::ProposeTasksResult result;
    EXPECT_TRUE(ended.result().UnpackTo(&result));
    return result;
  };
  const v1::ProposeTasksResult first = result_of(job);
  EXPECT_EQ(first.tasks_size(), 20);
  server_.Kill();
  // As if it had died before the job's end was stored.
  job.set_state(v1::JOB_STATE_RUNNING);
  job.clear_result();
  job.clear_end_time();
  ChangeRows(server_.data(), "UPDATE storage_jobs SET state = $2, job = $3 WHERE id = $1",
             {job.name().substr(job.name().find('/') + 1), int64_t{v1::JOB_STATE_RUNNING}, storage::Bytes{job.SerializeAsString()}});
  StartAgain();
  const v1::ProposeTasksResult again = result_of(Watch(job.name(), kPatience).back());
  EXPECT_EQ(again.tasks_size(), first.tasks_size());
  for (int i = 0; i < std::min(first.tasks_size(), again.tasks_size()); ++i) EXPECT_EQ(again.tasks(i), first.tasks(i));
}

}  // namespace
}  // namespace proctor::server
