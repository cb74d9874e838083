// How looking for an application by its name ends.
#include "env/android/apps.h"

#include <memory>
#include <string>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace proctor::env::android {
namespace {

// A device that never answers.
class OpenAppTest : public testing::Test {
 protected:
  static absl::StatusOr<std::unique_ptr<AdbSocket>> Silence(const CallContext& context) {
    while (context.Check("an answer").ok()) std::this_thread::yield();
    return context.Check("an answer");
  }
  const AdbClient adb_{AdbAddress(), &OpenAppTest::Silence};
  Device device_{adb_, "phone"};
  std::string error_;
};

TEST_F(OpenAppTest, ALookThatTakesTooLongIsToldToTheAgent) {
  const absl::Status opened = OpenApp(CallContext(), absl::Milliseconds(1), device_, "Nowhere", error_);
  EXPECT_TRUE(opened.ok()) << opened;
  EXPECT_THAT(error_, testing::HasSubstr("too long"));
}

TEST_F(OpenAppTest, TheStepsOwnEndIsNotToldToTheAgent) {
  const CallContext step = CallContext::WithTimeout(absl::Milliseconds(1));
  EXPECT_TRUE(absl::IsDeadlineExceeded(OpenApp(step, absl::Minutes(1), device_, "Nowhere", error_)));
  EXPECT_EQ(error_, "");
}

}  // namespace
}  // namespace proctor::env::android
