#include "server/reward_payload.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/trajectory/fixture.h"

namespace proctor::server {
namespace {

TEST(RewardPayloadTest, HasWhatWasDoneAndTheScreenshotBeforeIt) {
  trajectory::Room room;
  const std::string name = trajectory::RecordEpisode(room, "e1", 2);
  const auto payload = PayloadLoaderOf(room.trajectories)(CallContext(), name, 1 << 20);
  ASSERT_TRUE(payload.ok()) << payload.status();
  EXPECT_EQ(payload->goal(), "Buy the green tea.");
  ASSERT_EQ(payload->steps_size(), 2);
  EXPECT_EQ(payload->steps(0).screenshot_digest(), Sha256Hex("pixels 0"));
  EXPECT_EQ(payload->steps(1).screenshot_digest(), Sha256Hex("pixels 1"));
  EXPECT_EQ(payload->steps(1).index(), 1);
  EXPECT_EQ(payload->steps(1).action().click().target().mark(), 2);
  EXPECT_EQ(payload->steps(1).agent_data().thought(), "I should click.");
}

// What a trainer learns from, byte for byte.
TEST(RewardPayloadTest, HasTheTokensOfTheAgent) {
  trajectory::Room room;
  v1::Step step = trajectory::MakeStep(0, room.clock.Now());
  v1::AgentData& data = *step.mutable_agent_data();
  for (const int id : {151644, 0, 872}) data.add_prompt_token_ids(id);
  for (const int id : {40, 1184}) data.add_token_ids(id);
  for (const int trained_on : {0, 1}) data.add_loss_mask(trained_on);
  data.set_prompt_digest(Sha256Hex("prompt"));
  (*data.mutable_sampling()->mutable_fields())["temperature"].set_number_value(0.7);
  const CallContext context;
  ASSERT_TRUE(room.recorder.BeginWithoutEpisode(context, trajectory::MakeHeader("e1", room.clock.Now())).ok());
  ASSERT_TRUE(room.recorder.Append(context, "e1", step, {}).ok());
  ASSERT_TRUE(room.recorder.FinishWithoutEpisode(context, "e1", trajectory::MakeEnding(room.clock.Now()), {}).ok());
  const auto record = room.trajectories.Get(context, "trajectories/e1");
  ASSERT_TRUE(record.ok()) << record.status();
  EXPECT_EQ(record->steps(0).agent_data().SerializeAsString(), data.SerializeAsString());
  const auto payload = PayloadLoaderOf(room.trajectories)(context, "trajectories/e1", 1 << 20);
  ASSERT_TRUE(payload.ok()) << payload.status();
  ASSERT_EQ(payload->steps_size(), 1);
  EXPECT_EQ(payload->steps(0).agent_data().SerializeAsString(), data.SerializeAsString());
  EXPECT_THAT(payload->steps(0).agent_data().loss_mask(), testing::ElementsAre(0, 1));
  EXPECT_THAT(payload->steps(0).agent_data().prompt_token_ids(), testing::ElementsAre(151644, 0, 872));
}

TEST(RewardPayloadTest, StopsReadingWhereItIsTooLarge) {
  trajectory::Room room;
  const std::string name = trajectory::RecordEpisode(room, "e1", 50);
  const auto whole = PayloadLoaderOf(room.trajectories)(CallContext(), name, 1 << 20);
  ASSERT_TRUE(whole.ok()) << whole.status();
  // Whoever read so far would find it damaged.
  trajectory::Sql(room, "UPDATE trajectory_steps SET step = x'ffffff' WHERE step_index = 40");
  const auto payload =
      PayloadLoaderOf(room.trajectories)(CallContext(), name, static_cast<int64_t>(whole->ByteSizeLong()) / 2);
  EXPECT_EQ(payload.status().code(), absl::StatusCode::kOutOfRange) << payload.status();
}

TEST(RewardPayloadTest, IsNotThereForADeletedTrajectory) {
  trajectory::Room room;
  EXPECT_EQ(PayloadLoaderOf(room.trajectories)(CallContext(), "trajectories/none", 1 << 20).status().code(),
            absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace proctor::server
