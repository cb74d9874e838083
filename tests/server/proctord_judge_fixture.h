// A real proctord whose judges ask a scripted model over real HTTP.
#ifndef PROCTOR_TESTS_SERVER_PROCTORD_JUDGE_FIXTURE_H_
#define PROCTOR_TESTS_SERVER_PROCTORD_JUDGE_FIXTURE_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gtest/gtest.h"
#include "proctor/v1/evaluation_service.grpc.pb.h"
#include "tests/server/proctord_model_fixture.h"

namespace proctor::server {

// `{{tag}}` in the text is the request's verdict tag.
inline model::ScriptedReply SayWithTag(const model::SeenRequest& request, const std::string& text) {
  return model::SayText(request, absl::StrReplaceAll(text, {{"{{tag}}", TagOf(request)}}));
}

class ProctordJudgeTest : public ProctordModelTest {
 protected:
  void StartWith(Script script, const std::string& evaluation = "{audit_share: 0}") {
    StartWithModel(std::move(script), absl::StrCat("evaluation: ", evaluation, "\n"));
    evaluations_ = v1::EvaluationService::NewStub(server_.channel());
  }
  void StartOnceMore() {
    StartAgain();
    evaluations_ = v1::EvaluationService::NewStub(server_.channel());
  }

  std::string MakeTaskWithoutOracle() {
    v1::CreateTaskRequest request;
    request.mutable_task()->set_goal("Say a number.");
    request.mutable_task()->set_environment("environments/null");
    v1::Task task;
    ClientContext context;
    const grpc::Status status = tasks_->CreateTask(&context, request, &task);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return task.name();
  }

  // One episode that answers; returns it with its result.
  v1::Episode Play(const std::string& task, const std::string& answer) {
    const std::string session = MakeSession();
    const std::string episode = StartEpisode(session, task).name();
    Act(session, Answer(answer));
    return WaitEpisode(episode);
  }

  v1::Verdict GetVerdict(const std::string& name) {
    v1::GetVerdictRequest request;
    request.set_name(name);
    v1::Verdict verdict;
    ClientContext context;
    const grpc::Status status = evaluations_->GetVerdict(&context, request, &verdict);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return verdict;
  }
  std::vector<v1::Verdict> Verdicts(const std::string& trajectory = "", const std::string& evaluator = "") {
    v1::ListVerdictsRequest request;
    request.set_page_size(1000);
    request.set_trajectory(trajectory);
    request.set_evaluator(evaluator);
    v1::ListVerdictsResponse response;
    ClientContext context;
    const grpc::Status status = evaluations_->ListVerdicts(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return {response.verdicts().begin(), response.verdicts().end()};
  }
  grpc::Status Evaluate(const std::string& trajectory, const std::string& evaluator, v1::Verdict* verdict) {
    v1::EvaluateTrajectoryRequest request;
    request.set_trajectory(trajectory);
    request.set_evaluator(evaluator);
    ClientContext context;
    return evaluations_->EvaluateTrajectory(&context, request, verdict);
  }

  v1::RescoreResult Rescore(const v1::RescoreRequest& request) {
    v1::Job job;
    ClientContext context;
    const grpc::Status status = evaluations_->Rescore(&context, request, &job);
    EXPECT_TRUE(status.ok()) << status.error_message();
    v1::RescoreResult result;
    EXPECT_TRUE(AwaitJob(job.name()).result().UnpackTo(&result));
    return result;
  }
  static v1::RescoreRequest RescoreBy(const std::vector<std::string>& evaluators) {
    v1::RescoreRequest request;
    for (const std::string& name : evaluators) request.add_evaluators(name);
    return request;
  }

  std::unique_ptr<v1::EvaluationService::Stub> evaluations_;
};

}  // namespace proctor::server

#endif  // PROCTOR_TESTS_SERVER_PROCTORD_JUDGE_FIXTURE_H_
