// Who pays for judges' models, on a real server with a scripted model.
#include <memory>
#include <string>

#include "gmock/gmock.h"
#include "proctor/v1/trajectory_service.grpc.pb.h"
#include "tests/model/scripted_server.h"
#include "tests/server/guarded_proctord.h"

namespace proctor::server {
namespace {

using ::testing::HasSubstr;

class ProctordSpendingTest : public ::testing::Test {
 protected:
  void Start(const std::string& quotas) {
    server_.Write("tokens.yaml", "tokens:\n" + GuardedProctord::Token("anna", "record", ", tenant: alpha") +
                                     GuardedProctord::Token("carl", "record"));
    server_.Start("auth: {tokens_file: " + server_.tokens_file() + "}\nquotas: " + quotas +
                  "\nmodels:\n"
                  "  endpoints: {scripted: {base_url: '" + model_.base_url() +
                  "', model: scripted, capabilities: {images: true}, max_attempts: 1}}\n"
                  "  prices: {scripted: {input_usd: 1000, output_usd: 1000}}\n");
  }
  // An episode that only a model can judge.
  grpc::Status Record(const std::string& name) {
    const auto channel = server_.Plain();
    ClientContext context;
    const auto [key, value] = Bearer(name);
    context.AddMetadata(key, value);
    v1::Trajectory trajectory;
    const auto writer = v1::TrajectoryService::NewStub(channel)->RecordTrajectory(&context, &trajectory);
    v1::RecordTrajectoryRequest header;
    header.mutable_header()->mutable_inline_task()->set_goal("Say a number.");
    v1::RecordTrajectoryRequest step;
    step.mutable_step()->mutable_action()->mutable_answer()->set_text("42");
    v1::RecordTrajectoryRequest end;
    end.mutable_end()->set_end_kind(v1::END_KIND_TERMINATED);
    end.mutable_end()->set_end_reason(v1::END_REASON_ANSWERED);
    for (const auto& message : {header, step, end}) {
      if (!writer->Write(message)) break;
    }
    writer->WritesDone();
    return writer->Finish();
  }

  model::ScriptedServer model_{[](const model::SeenRequest& request) { return model::SayText(request, "I cannot tell."); }};
  GuardedProctord server_;
};

TEST_F(ProctordSpendingTest, JudgesOfARecordingArePaidByWhoRecordedIt) {
  ASSERT_NO_FATAL_FAILURE(Start("{otherwise: {judge_usd_per_day: 0.001}}"));
  grpc::Status status = Record("anna");
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_TRUE(model_.WaitForRequests(1));
  while (status.ok()) {  // It is judged behind its answer.
    usleep(10'000);
    status = Record("anna");
  }
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(status.error_message(), HasSubstr("judge_usd_per_day"));
  EXPECT_THAT(status.error_message(), HasSubstr("alpha"));
  status = Record("carl");
  EXPECT_TRUE(status.ok()) << status.error_message();
}

}  // namespace
}  // namespace proctor::server
