// The recorded runs that WebVoyager's authors published, where they are present.
#include <cstdlib>
#include <string>

#include "tests/trajectory/formats/format_testing.h"

namespace proctor::trajectory::formats {
namespace {

// $PROCTOR_SHARED_DATA or beside the source tree.
std::string RunsPath() {
  const char* data = std::getenv("PROCTOR_SHARED_DATA");
  const std::string root =
      data != nullptr ? data : std::string(PROCTOR_SOURCE_DIR) + "/../shared/data";
  return root + "/webvoyager/examples";
}

class WebVoyagerRealTest : public FormatTest {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(RunsPath())) {
      GTEST_SKIP() << RunsPath()
                   << " is not there; set PROCTOR_SHARED_DATA to the folder with webvoyager/";
    }
  }
};

TEST_F(WebVoyagerRealTest, PublishedRunsAreTheSameAfterARoundTrip) {
  ExpectSameAfterRoundTrip(RunsPath(), v1::TRAJECTORY_FORMAT_WEBVOYAGER);
}

TEST_F(WebVoyagerRealTest, EveryTurnOfThePublishedRunsHasATypedAction) {
  const auto result = Import(room_, RunsPath());
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->imported(), 4);
  int elements = 0, steps = 0;
  for (const std::string& name : result->names()) {
    const v1::Trajectory record = Record(room_, name);
    EXPECT_EQ(record.end_reason(), v1::END_REASON_ANSWERED) << name;
    EXPECT_FALSE(record.task().start_state().start_url().empty()) << name;
    for (const v1::Step& step : record.steps()) {
      EXPECT_NE(step.action().kind_case(), v1::Action::KIND_NOT_SET) << step.ShortDebugString();
      EXPECT_FALSE(step.agent_data().thought().empty()) << step.ShortDebugString();
      elements += step.observation().elements_size();
      ++steps;
    }
  }
  EXPECT_EQ(steps, 18);
  EXPECT_GT(elements, 400);
  // The system prompts, and nothing of an element list.
  EXPECT_EQ(result->skipped_count(), 4) << result->ShortDebugString();
}

}  // namespace
}  // namespace proctor::trajectory::formats
