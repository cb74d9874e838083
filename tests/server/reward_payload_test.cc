#include "server/reward_payload.h"

#include <string>

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
