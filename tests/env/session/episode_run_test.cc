#include "env/episode_run.h"

#include <cstdint>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "trajectory/record_form.h"

namespace proctor::env {
namespace {

v1::Evidence Of(const std::string& id, int64_t bytes) {
  v1::Evidence evidence;
  evidence.set_request_id(id);
  evidence.add_json_values(std::string(static_cast<size_t>(bytes), 'x'));
  return evidence;
}

TEST(EpisodeRunTest, EvidenceBeyondWhatARecordTakesCountsAsFailed) {
  EpisodeRun run({.episode_id = "e1", .session_id = "s1", .environment_id = "null", .task = {}, .limits = {}, .reset = {}, .time = {}},
                 v1::StartEpisodeRequest());
  run.AddEvidence({Of("first", 8 << 20)}, /*at_start=*/true);
  run.AddEvidence({Of("second", 8 << 20), Of("third", 4 << 20)}, /*at_start=*/false);
  ASSERT_EQ(run.header().evidence_size(), 3);
  EXPECT_EQ(run.header().evidence(0).error(), "");
  EXPECT_EQ(run.header().evidence(1).json_values_size(), 0);
  EXPECT_THAT(run.header().evidence(1).error(), testing::HasSubstr("all evidence of the episode has more than"));
  EXPECT_EQ(run.header().evidence(2).error(), "") << "what comes later and fits is kept";
  EXPECT_TRUE(trajectory::CheckHeader(run.header()).ok());
  // So the end can be recorded.
  const v1::Trajectory ending = run.End({v1::END_REASON_ANSWERED, ""}, absl::UnixEpoch());
  EXPECT_EQ(ending.evidence_size(), 2);
  EXPECT_TRUE(trajectory::CheckEnding(ending).ok());
}

}  // namespace
}  // namespace proctor::env
