// A stop whose grace is too short for what is under way.
#include <grpcpp/completion_queue.h>

#include <chrono>
#include <fstream>

#include "gtest/gtest.h"
#include "tests/server/proctord_fixture.h"
#include "tests/server/proctord_http.h"

namespace proctor::server {
namespace {

using std::chrono::seconds;

class ProctordShutdownTest : public ProctordTest {
 protected:
  // A session whose steps last a minute.
  std::string MakeSlowSession() {
    v1::CreateSessionRequest request;
    request.set_environment("environments/null");
    request.mutable_settings()->mutable_null()->mutable_step_delay()->set_seconds(60);
    v1::Session session;
    ClientContext context;
    const grpc::Status status = worlds_->CreateSession(&context, request, &session);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return session.name();
  }
};

TEST_F(ProctordShutdownTest, AStepThatOutlivesTheGraceIsCutOffAndMasked) {
  std::ofstream(server_.config(), std::ios::trunc) << "environments: {web: {enabled: false}, practice: {enabled: false}}\n"
                                                      "shutdown_grace: 1s\n"
                                                   << kHttpConfig;
  ASSERT_NO_FATAL_FAILURE(Start());
  const ProctordHttp http(server_);
  const std::string session = MakeSlowSession();
  const v1::Episode episode = StartEpisode(session, MakeTask());
  v1::StepRequest step;
  step.set_session(session);
  *step.mutable_action() = Click();
  v1::StepResponse response;
  grpc::Status status;
  ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + seconds(110));
  grpc::CompletionQueue queue;
  const auto slow = worlds_->AsyncStep(&context, step, &queue);
  slow->Finish(&response, &status, &response);
  const auto busy = [&] { return ValueOf(http.Scrape(), "proctor_sessions_busy", {{"environment", "null"}}) == 1; };
  const auto give_up = std::chrono::steady_clock::now() + seconds(30);
  while (!busy()) ASSERT_LT(std::chrono::steady_clock::now(), give_up) << "the step does not begin";

  // Long before the step would end by itself.
  EXPECT_EQ(server_.StopWithin(SIGTERM, seconds(45)), 0);
  void* tag = nullptr;
  bool ok = false;
  ASSERT_EQ(queue.AsyncNext(&tag, &ok, std::chrono::system_clock::now() + seconds(30)), grpc::CompletionQueue::GOT_EVENT);
  // Its client is told, not left with a broken connection.
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_TRUE(response.interrupted());
  EXPECT_EQ(response.episode().end_reason(), v1::END_REASON_SERVER_FAULT);

  ASSERT_NO_FATAL_FAILURE(Start());
  const v1::Episode ended = WaitEpisode(episode.name());
  EXPECT_EQ(ended.end_reason(), v1::END_REASON_SERVER_FAULT);
  EXPECT_EQ(ended.reward().status(), v1::REWARD_STATUS_MASKED);
  EXPECT_EQ(ended.reward().mask_reason(), v1::MASK_REASON_SERVER_FAULT);
  EXPECT_EQ(LogLength(), 1);
}

}  // namespace
}  // namespace proctor::server
