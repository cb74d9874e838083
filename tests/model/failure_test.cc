#include "model/failure.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace proctor::model {
namespace {

using testing::HasSubstr;

v1::ModelCall Failed(v1::ModelFailure failure) {
  v1::ModelCall call;
  call.set_failure(failure);
  call.set_failure_detail("words");
  return call;
}

TEST(ToStatusTest, GivesEachFailureItsCode) {
  EXPECT_TRUE(ToStatus(v1::ModelCall()).ok());
  const auto code = [](v1::ModelFailure failure) { return ToStatus(Failed(failure)).code(); };
  EXPECT_EQ(code(v1::MODEL_FAILURE_BUDGET), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(code(v1::MODEL_FAILURE_RATE_LIMITED), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(code(v1::MODEL_FAILURE_TIMEOUT), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(code(v1::MODEL_FAILURE_CANCELLED), absl::StatusCode::kCancelled);
  EXPECT_EQ(code(v1::MODEL_FAILURE_UNREACHABLE), absl::StatusCode::kUnavailable);
  EXPECT_EQ(code(v1::MODEL_FAILURE_MALFORMED), absl::StatusCode::kUnavailable);
  EXPECT_EQ(code(v1::MODEL_FAILURE_UNAUTHENTICATED), absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(code(v1::MODEL_FAILURE_BAD_REQUEST), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code(v1::MODEL_FAILURE_NOT_CAPABLE), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(ToStatus(Failed(v1::MODEL_FAILURE_BUDGET)).message()), HasSubstr("words"));
}

TEST(FailureTest, WhatIsTransientAlsoLiesWithTheEndpoint) {
  for (int i = 0; i < v1::ModelFailure_ARRAYSIZE; ++i) {
    const auto failure = static_cast<v1::ModelFailure>(i);
    EXPECT_TRUE(!IsTransient(failure) || IsOfEndpoint(failure)) << i;
  }
  EXPECT_TRUE(IsOfEndpoint(v1::MODEL_FAILURE_QUOTA));
  EXPECT_FALSE(IsTransient(v1::MODEL_FAILURE_QUOTA));
  for (const auto own : {v1::MODEL_FAILURE_BUDGET, v1::MODEL_FAILURE_BAD_REQUEST, v1::MODEL_FAILURE_CONTEXT_TOO_LONG,
                         v1::MODEL_FAILURE_CONTENT_FILTER, v1::MODEL_FAILURE_CANCELLED}) {
    EXPECT_FALSE(IsOfEndpoint(own));
  }
}

TEST(FailTest, DetailIsValidAndShort) {
  const Failure failure = Fail(v1::MODEL_FAILURE_SERVER, absl::StrCat("\xFF", std::string(2000, 'x')));
  EXPECT_LE(failure.detail.size(), 500u);
  EXPECT_EQ(failure.detail.substr(0, 3), "\xEF\xBF\xBD");
}

TEST(ClassifyHttpErrorTest, EveryStatusHasAReasonWhateverTheBody) {
  for (int status = 100; status < 700; ++status) {
    if (status >= 200 && status < 300) continue;
    for (const char* body :
         {"", "{}", "null", "[]", "[1]", "{\"error\":null}", "{\"error\":[]}", "{\"error\":{\"message\":{}}}"}) {
      EXPECT_FALSE(ClassifyHttpError(status, body).ok()) << status << body;
    }
  }
}

}  // namespace
}  // namespace proctor::model
