// The reward log over the wire: groups that end early or go on, payloads.
#include <grpcpp/generic/generic_stub.h>

#include <chrono>
#include <ctime>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/server/proctord_fixture.h"

namespace proctor::server {
namespace {

using ProctordRewardsTest = ProctordTest;
using testing::HasSubstr;

TEST_F(ProctordRewardsTest, AGroupsDeadlineDeliversWhatThereIs) {
  ASSERT_NO_FATAL_FAILURE(Start());
  MakeConsumer(v1::DELIVERY_GROUPS);
  const std::string session = MakeSession();
  v1::Group wanted;
  wanted.set_task(MakeTask());
  wanted.set_size(3);
  wanted.mutable_deadline_time()->set_seconds(std::time(nullptr) + 5);
  const v1::Group group = MakeGroup(wanted);
  StartEpisode(session, group.task(), group.name());
  Act(session, Answer("42"));
  const auto records = Read(1, /*acknowledge=*/true);
  ASSERT_EQ(records.size(), 1u);
  ASSERT_TRUE(records[0].has_group_complete());
  EXPECT_TRUE(records[0].group_complete().partial());
  EXPECT_EQ(records[0].group_complete().rewards_size(), 1);
  EXPECT_EQ(records[0].group_complete().group().state(), v1::GROUP_STATE_PARTIAL);
}

TEST_F(ProctordRewardsTest, AMaskedMemberLeavesItsPlaceIfAsked) {
  ASSERT_NO_FATAL_FAILURE(Start());
  MakeConsumer(v1::DELIVERY_GROUPS);
  const std::string session = MakeSession();
  v1::Group wanted;
  wanted.set_task(MakeTask());
  wanted.set_size(1);
  wanted.set_replace_masked(true);
  const v1::Group group = MakeGroup(wanted);
  const v1::Episode cancelled = StartEpisode(session, group.task(), group.name());
  v1::EndEpisodeRequest end;
  end.set_session(session);
  end.set_end(v1::CLIENT_END_CANCEL);
  v1::Episode ended;
  {
    ClientContext context;
    ASSERT_TRUE(worlds_->EndEpisode(&context, end, &ended).ok());
  }
  EXPECT_EQ(WaitEpisode(cancelled.name()).reward().status(), v1::REWARD_STATUS_MASKED);
  StartEpisode(session, group.task(), group.name());
  Act(session, Answer("42"));
  // The masked one on its own, then the group without it.
  const auto records = Read(2, /*acknowledge=*/true);
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[0].reward().status(), v1::REWARD_STATUS_MASKED);
  ASSERT_EQ(records[1].group_complete().rewards_size(), 1);
  EXPECT_EQ(records[1].group_complete().rewards(0).status(), v1::REWARD_STATUS_VALID);
  EXPECT_FALSE(records[1].group_complete().partial());
}

TEST_F(ProctordRewardsTest, TheEpisodeComesAlongIfAsked) {
  ASSERT_NO_FATAL_FAILURE(Start());
  v1::ConsumerFilter filter;
  filter.set_include_payload(true);
  MakeConsumer(filter);
  const std::string session = MakeSession();
  StartEpisode(session, MakeTask());
  Act(session, Click());
  Act(session, Answer("42"));
  const auto records = Read(1, /*acknowledge=*/true);
  ASSERT_EQ(records.size(), 1u);
  const v1::TrajectoryPayload& payload = records[0].reward().payload();
  EXPECT_EQ(payload.goal(), "Say the number.");
  ASSERT_EQ(payload.steps_size(), 2);
  EXPECT_TRUE(payload.steps(0).action().has_click());
  EXPECT_EQ(payload.steps(1).action().answer().text(), "42");
  v1::ListRewardsRequest request;
  *request.mutable_filter() = filter;
  v1::ListRewardsResponse listed;
  ClientContext context;
  ASSERT_TRUE(rewards_->ListRewards(&context, request, &listed).ok());
  EXPECT_EQ(listed.records(0).reward().payload().steps_size(), 2);
}

TEST_F(ProctordRewardsTest, AnAcknowledgementRightBeforeTheEndIsCommittedOrItsErrorTold) {
  ASSERT_NO_FATAL_FAILURE(Start());
  MakeConsumer();
  const std::string session = MakeSession();
  StartEpisode(session, MakeTask());
  Act(session, Answer("42"));
  ASSERT_EQ(Read(1, /*acknowledge=*/false).size(), 1u);
  // The acknowledgement and the end of the client's side come in one piece.
  int64_t confirmed = 0;
  const auto acknowledge = [&](int64_t offset) {
    ClientContext context;
    const auto stream = rewards_->StreamRewards(&context);
    v1::StreamRewardsRequest request;
    request.set_consumer("consumers/trainer");
    request.set_ack_offset(offset);
    stream->WriteLast(request, grpc::WriteOptions());
    v1::StreamRewardsResponse response;
    while (stream->Read(&response)) confirmed = response.committed_offset();
    return stream->Finish();
  };
  EXPECT_EQ(acknowledge(99).error_code(), grpc::StatusCode::OUT_OF_RANGE);
  const grpc::Status status = acknowledge(1);
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(confirmed, 1);
  v1::ListConsumersResponse consumers;
  ClientContext context;
  ASSERT_TRUE(rewards_->ListConsumers(&context, v1::ListConsumersRequest(), &consumers).ok());
  ASSERT_EQ(consumers.consumers_size(), 1);
  EXPECT_EQ(consumers.consumers(0).committed_offset(), 1);
}

// One ListRewards that waits.
class Poll {
 public:
  Poll(v1::RewardService::Stub& rewards, const v1::ConsumerFilter& filter) {
    // Longer than any other call of the tests.
    context_.set_deadline(std::chrono::system_clock::now() + std::chrono::minutes(5));
    request_.mutable_max_wait()->set_seconds(60);
    *request_.mutable_filter() = filter;
    rewards.async()->ListRewards(&context_, &request_, &response_, [this](const grpc::Status& status) { ended_.set_value(status); });
  }
  void Cancel() { context_.TryCancel(); }
  grpc::Status Await() { return ended_.get_future().get(); }
  const v1::ListRewardsResponse& response() const { return response_; }

 private:
  grpc::ClientContext context_;
  v1::ListRewardsRequest request_;
  v1::ListRewardsResponse response_;
  std::promise<grpc::Status> ended_;
};

TEST_F(ProctordRewardsTest, PollsThatWaitInVainStopNoOthers) {
  ASSERT_NO_FATAL_FAILURE(Start());
  v1::ConsumerFilter nobodys;
  nobodys.add_policies("nobody's");
  std::vector<std::unique_ptr<Poll>> in_vain;
  for (int i = 0; i < 100; ++i) in_vain.push_back(std::make_unique<Poll>(*rewards_, nobodys));
  EXPECT_EQ(LogLength(), 0);
  Poll waiting(*rewards_, {});
  const std::string session = MakeSession();
  StartEpisode(session, MakeTask());
  Act(session, Answer("42"));
  const grpc::Status status = waiting.Await();
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(waiting.response().records_size(), 1);
  EXPECT_EQ(LogLength(), 1);
  for (const auto& poll : in_vain) poll->Cancel();
  for (const auto& poll : in_vain) EXPECT_EQ(poll->Await().error_code(), grpc::StatusCode::CANCELLED);
}

// What a client of the reflection service sends and gets, without its stubs: `list_services`, field
// 7 of the request.
TEST_F(ProctordRewardsTest, ReflectionListsTheServices) {
  ASSERT_NO_FATAL_FAILURE(Start());
  grpc::GenericStub stub(server_.channel());
  grpc::CompletionQueue queue;
  ClientContext context;
  const auto call = stub.PrepareCall(
      &context, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", &queue);
  const auto wait = [&queue] {
    void* tag = nullptr;
    bool ok = false;
    return queue.Next(&tag, &ok) && ok;
  };
  call->StartCall(nullptr);
  ASSERT_TRUE(wait());
  const grpc::Slice slice(std::string("\x3a\x00", 2));
  call->Write(grpc::ByteBuffer(&slice, 1), nullptr);
  ASSERT_TRUE(wait());
  grpc::ByteBuffer answer;
  call->Read(&answer, nullptr);
  ASSERT_TRUE(wait());
  std::vector<grpc::Slice> slices;
  ASSERT_TRUE(answer.Dump(&slices).ok());
  std::string bytes;
  for (const grpc::Slice& part : slices)
    bytes.append(reinterpret_cast<const char*>(part.begin()), part.size());
  for (const char* service : {"EnvironmentService", "TaskService", "TrajectoryService",
                              "EvaluationService", "RewardService", "JobService"}) {
    EXPECT_THAT(bytes, HasSubstr(std::string("proctor.v1.") + service));
  }
  call->WritesDone(nullptr);
  EXPECT_TRUE(wait());
  grpc::Status status;
  call->Finish(&status, nullptr);
  EXPECT_TRUE(wait());
  EXPECT_TRUE(status.ok()) << status.error_message();
  queue.Shutdown();
  EXPECT_FALSE(wait());
}

}  // namespace
}  // namespace proctor::server
