#include "clients/cli/json_error.h"

#include <gtest/gtest.h>

#include "common/retry_hint.h"

namespace proctor::cli {
namespace {

TEST(JsonErrorTest, HasCodeAndMessage) {
  EXPECT_EQ(JsonError(absl::NotFoundError("no \"x\"")), R"({"error":{"code":"NOT_FOUND","message":"no \"x\""}})");
}

TEST(JsonErrorTest, TellsWhenToTryAgain) {
  EXPECT_EQ(JsonError(WithRetryHint(absl::ResourceExhaustedError("full"), absl::Milliseconds(1500))),
            R"({"error":{"code":"RESOURCE_EXHAUSTED","message":"full","retry_delay":"1.500s"}})");
}

}  // namespace
}  // namespace proctor::cli
