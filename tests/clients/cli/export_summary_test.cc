#include "clients/cli/export_summary.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <map>
#include <string>

#include "proctor/v1/trajectory_service.pb.h"

namespace proctor::cli {
namespace {

v1::Job Ended(int64_t exported, int64_t total, const std::map<std::string, std::string>& failed) {
  v1::ExportTrajectoriesResult result;
  result.set_exported(exported);
  result.mutable_failed()->insert(failed.begin(), failed.end());
  v1::Job job;
  job.set_state(v1::JOB_STATE_SUCCEEDED);
  job.set_total(total);
  job.mutable_result()->PackFrom(result);
  return job;
}

TEST(LeftOutLineTest, IsEmptyWhereNothingIsMissing) {
  EXPECT_EQ(LeftOutLine(Ended(3, 3, {})), "");
  v1::Job failed;
  failed.set_state(v1::JOB_STATE_FAILED);
  failed.set_total(3);
  EXPECT_EQ(LeftOutLine(failed), "");
}

TEST(LeftOutLineTest, NamesTheFirstThreeAndCountsTheRest) {
  EXPECT_EQ(LeftOutLine(Ended(1, 3, {{"trajectories/b", "DATA_LOSS: lost\nsteps"}, {"trajectories/a", "DATA_LOSS: corrupt"}})),
            "2 of 3 trajectories left out: trajectories/a (DATA_LOSS: corrupt); trajectories/b (DATA_LOSS: lost steps)");
  EXPECT_EQ(LeftOutLine(Ended(1, 5, {{"a", "x"}, {"b", "x"}, {"c", "x"}, {"d", "x"}})), "4 of 5 trajectories left out: a (x); b (x); c (x); and 1 more");
  // More than a result names.
  EXPECT_EQ(LeftOutLine(Ended(10, 2010, {{"a", "x"}})), "2000 of 2010 trajectories left out: a (x); and 1999 more");
}

TEST(LeftOutLineTest, CountsNoNonsenseWhateverTheServerSays) {
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(LeftOutLine(Ended(kMost, -kMost, {{"a", "x"}})), "1 of 1152921504606846977 trajectories left out: a (x)");
  EXPECT_EQ(LeftOutLine(Ended(-5, 1, {{"a", "x"}})), "1 of 1 trajectories left out: a (x)");
}

}  // namespace
}  // namespace proctor::cli
