// Crawls of a real server among its sessions: on the null environment, which has no pages, so that a crawl that gets its place ends at its start page.
#include <chrono>
#include <csignal>
#include <fstream>
#include <memory>
#include <optional>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proctor/v1/job_service.grpc.pb.h"
#include "tests/server/proctord_fixture.h"
#include "tests/server/proctord_http.h"

namespace proctor::server {
namespace {

using testing::HasSubstr;

class ProctordExplorersTest : public ProctordTest {
 protected:
  void StartWithOnePlace() {
    std::ofstream(server_.config(), std::ios::trunc) << "environments:\n"
                                                        "  web: {enabled: false}\n"
                                                        "  practice: {enabled: false}\n"
                                                        "  \"null\": {max_sessions: 1}\n"
                                                        "shutdown_grace: 2s\n"
                                                        "sessions: {default_lease: 10m}\n"
                                                     << kHttpConfig;
    StartAgain();
  }
  void StartAgain() {
    ASSERT_NO_FATAL_FAILURE(Start());
    jobs_ = v1::JobService::NewStub(server_.channel());
    http_.emplace(server_);
  }

  std::string Crawl() {
    v1::ProposeTasksRequest request;
    request.set_count(1);
    request.mutable_crawl()->set_start_url("http://sights.example/");
    request.mutable_crawl()->set_environment("environments/null");
    request.mutable_crawl()->mutable_delay()->set_seconds(0);
    v1::Job job;
    ClientContext context;
    const grpc::Status status = tasks_->ProposeTasks(&context, request, &job);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return job.name();
  }
  v1::Job Get(const std::string& name) {
    v1::GetJobRequest request;
    request.set_name(name);
    v1::Job job;
    ClientContext context;
    EXPECT_TRUE(jobs_->GetJob(&context, request, &job).ok());
    return job;
  }
  // The job's end.
  v1::Job Await(const std::string& name) {
    v1::WatchJobRequest request;
    request.set_name(name);
    ClientContext context;
    const auto stream = jobs_->WatchJob(&context, request);
    v1::Job job;
    while (stream->Read(&job)) {
    }
    return job;
  }
  double Value(const std::string& metric) { return ValueOf(http_->Scrape(), metric, {{"environment", "null"}}); }
  // A crawl that waits for the place that a session has.
  std::string CrawlThatWaits() {
    const std::string job = Crawl();
    EXPECT_TRUE(Comes([&] { return Value("proctor_explorers_waiting") != 0 || Get(job).state() > v1::JOB_STATE_RUNNING; }));
    EXPECT_EQ(Value("proctor_explorers_waiting"), 1);
    EXPECT_EQ(Value("proctor_explorers_open"), 0);
    return job;
  }
  void Close(const std::string& session) {
    v1::CloseSessionRequest request;
    request.set_name(session);
    v1::Session closed;
    ClientContext context;
    EXPECT_TRUE(worlds_->CloseSession(&context, request, &closed).ok());
  }
  static void ExpectItHadItsPlace(const v1::Job& job) {
    EXPECT_EQ(job.state(), v1::JOB_STATE_FAILED);
    EXPECT_THAT(job.error_message(), HasSubstr("the start page cannot be had"));
  }

  std::optional<ProctordHttp> http_;
  std::unique_ptr<v1::JobService::Stub> jobs_;
};

TEST_F(ProctordExplorersTest, ACrawlWaitsForAPlaceAndGivesItBack) {
  ASSERT_NO_FATAL_FAILURE(StartWithOnePlace());
  const std::string session = MakeSession();
  const std::string job = CrawlThatWaits();
  EXPECT_EQ(Get(job).state(), v1::JOB_STATE_RUNNING);
  EXPECT_THAT(Get(job).message(), HasSubstr("waiting for a place in environments/null"));
  Close(session);
  ExpectItHadItsPlace(Await(job));
  EXPECT_EQ(Value("proctor_explorers_waiting"), 0);
  EXPECT_EQ(Value("proctor_explorers_open"), 0);
  MakeSession();
}

TEST_F(ProctordExplorersTest, ACancelledCrawlWaitsNoMore) {
  ASSERT_NO_FATAL_FAILURE(StartWithOnePlace());
  MakeSession();
  const std::string job = CrawlThatWaits();
  v1::CancelJobRequest request;
  request.set_name(job);
  v1::Job cancelled;
  ClientContext context;
  ASSERT_TRUE(jobs_->CancelJob(&context, request, &cancelled).ok());
  EXPECT_EQ(Await(job).state(), v1::JOB_STATE_CANCELLED);
  EXPECT_EQ(Value("proctor_explorers_waiting"), 0);
}

TEST_F(ProctordExplorersTest, ACrawlThatWaitsDoesNotHoldUpAStopAndGoesOnAfterIt) {
  ASSERT_NO_FATAL_FAILURE(StartWithOnePlace());
  MakeSession();
  const std::string job = CrawlThatWaits();
  // It would wait for the session's lease: ten minutes.
  EXPECT_EQ(server_.StopWithin(SIGTERM, std::chrono::seconds(45)), 0);
  ASSERT_NO_FATAL_FAILURE(StartAgain());
  ExpectItHadItsPlace(Await(job));
}

}  // namespace
}  // namespace proctor::server
