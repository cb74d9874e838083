#include <gtest/gtest.h>

#include <limits>

#include "absl/strings/match.h"
#include "clients/cli/job_progress.h"
#include "clients/cli/json_error.h"
#include "common/retry_hint.h"

namespace proctor::cli {
namespace {

v1::Job MakeJob(int64_t done, int64_t total) {
  v1::Job job;
  job.set_state(v1::JOB_STATE_RUNNING);
  job.set_done(done);
  job.set_total(total);
  job.set_message("crawling");
  return job;
}

TEST(ProgressLineTest, ShowsABarWhenTheTotalIsKnown) {
  EXPECT_EQ(ProgressLine(MakeJob(5, 10), absl::Seconds(90)),
            "[############------------]  50%  5/10  1m30s  crawling");
  EXPECT_EQ(ProgressLine(MakeJob(0, 0), absl::Seconds(3)), "0 done  3s  crawling");
}

TEST(ProgressLineTest, StaysWithinItsBarWhateverTheServerSays) {
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  EXPECT_TRUE(absl::StrContains(ProgressLine(MakeJob(kMost, 1), absl::ZeroDuration()), "] 100%"));
  EXPECT_TRUE(absl::StrContains(ProgressLine(MakeJob(-5, kMost), absl::ZeroDuration()), "]   0%"));
}

TEST(ProgressLineTest, NamesAStateThatIsNotRunning) {
  v1::Job job = MakeJob(1, 2);
  job.set_state(v1::JOB_STATE_PAUSED);
  EXPECT_TRUE(absl::StrContains(ProgressLine(job, absl::Seconds(1)), "paused"));
}

TEST(JobStatusTest, FailedAndCancelledJobsAreErrors) {
  v1::Job job = MakeJob(1, 2);
  EXPECT_TRUE(JobStatus(job).ok());
  job.set_state(v1::JOB_STATE_SUCCEEDED);
  EXPECT_TRUE(JobStatus(job).ok());
  job.set_state(v1::JOB_STATE_FAILED);
  job.set_error_message("disk full");
  EXPECT_TRUE(absl::StrContains(JobStatus(job).message(), "disk full"));
  job.set_state(v1::JOB_STATE_CANCELLED);
  EXPECT_FALSE(JobStatus(job).ok());
}

TEST(WatchFailureTest, SaysHowToFollowAJobThatGoesOn) {
  const auto message = [](const absl::Status& failure) {
    const absl::Status told = WatchFailure(failure, "jobs/abc", absl::Minutes(5));
    EXPECT_EQ(told.code(), failure.code());
    return std::string(told.message());
  };
  EXPECT_EQ(message(absl::DeadlineExceededError("late")),
            "not done after 5m; the job goes on; follow it with: proctor job watch abc");
  EXPECT_EQ(message(absl::UnavailableError("gone")),
            "gone; the job goes on; follow it with: proctor job watch abc");
  EXPECT_EQ(message(absl::NotFoundError("no jobs/abc")), "no jobs/abc");
}

TEST(ExplainTest, SaysWhatToDo) {
  EXPECT_EQ(Explain(absl::NotFoundError("no task\x1b")), "not found: no task\\x1b");
  EXPECT_TRUE(absl::StrContains(Explain(absl::UnavailableError("gone")), "proctor doctor"));
  EXPECT_EQ(Explain(client::AsAnswer(absl::UnavailableError("no device"))), "unavailable: no device");
  EXPECT_TRUE(absl::StrContains(Explain(absl::DeadlineExceededError("slow")), "--timeout"));
  EXPECT_TRUE(absl::StrContains(
      Explain(WithRetryHint(absl::ResourceExhaustedError("full"), absl::Seconds(2))),
      "try again in 2s"));
  EXPECT_EQ(Explain(UsageError("no such flag")), "no such flag");
  EXPECT_EQ(JsonError(absl::NotFoundError("a\"b")),
            R"({"error":{"code":"NOT_FOUND","message":"a\"b"}})");
}

}  // namespace
}  // namespace proctor::cli
