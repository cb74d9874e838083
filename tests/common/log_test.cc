#include "common/log.h"

#include <unistd.h>

#include "common/json.h"
#include "common/log_request.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace proctor {
namespace {

using testing::HasSubstr;
using testing::Not;

class LogTest : public testing::Test {
 protected:
  ~LogTest() override { ConfigureLog(LogLevel::kInfo, LogFormat::kText); }

  // One line, as it is logged.
  static std::string Logged(LogFormat format) {
    ConfigureLog(LogLevel::kInfo, format);
    testing::internal::CaptureStderr();
    LogInfo("it happened", {{"what", "a \"thing\""}});
    return testing::internal::GetCapturedStderr();
  }
};

TEST_F(LogTest, LinesNameTheRequestTheyAreAbout) {
  const std::string outer = "outer-id";
  const std::string inner = "inner-id";
  EXPECT_THAT(Logged(LogFormat::kText), Not(HasSubstr("request=")));
  const LogRequest one(outer);
  EXPECT_THAT(Logged(LogFormat::kText), HasSubstr("it happened what=a \\\"thing\\\" request=outer-id\n"));
  {
    const LogRequest two(inner);
    const auto line = ParseJson(Logged(LogFormat::kJson));
    ASSERT_TRUE(line.ok()) << line.status();
    EXPECT_EQ(JsonStringOr(*line, "request"), "inner-id");
    EXPECT_EQ(JsonStringOr(*line, "what"), "a \"thing\"");
  }
  EXPECT_THAT(Logged(LogFormat::kText), HasSubstr("request=outer-id"));
}

TEST_F(LogTest, AnEmptyIdAddsNothing) {
  const std::string none;
  const LogRequest log(none);
  EXPECT_THAT(Logged(LogFormat::kText), Not(HasSubstr("request")));
  EXPECT_THAT(Logged(LogFormat::kJson), Not(HasSubstr("request")));
}

}  // namespace
}  // namespace proctor
