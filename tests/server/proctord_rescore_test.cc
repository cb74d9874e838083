// kill -9 in the middle of a large re-scoring job: nothing is paid twice, nothing is judged twice.
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "proctor/v1/evaluation_service.grpc.pb.h"
#include "proctor/v1/job_service.grpc.pb.h"
#include "storage/file_blob_store.h"
#include "storage/sqlite_database.h"
#include "tests/model/scripted_server.h"
#include "tests/server/proctord_fixture.h"
#include "tests/trajectory/fixture.h"

namespace proctor::server {
namespace {

constexpr int kTrajectories = 1000;
constexpr int kAtOnce = 200;

class ProctordRescoreTest : public ProctordTest {
 protected:
  using Database = std::unique_ptr<storage::Database>;

  Database OpenDatabase() const {
    storage::SqliteDatabaseOptions options;
    options.directory = server_.data();
    options.durability = storage::Durability::kProcess;
    return storage::OpenSqliteDatabase(options).value();
  }

  // Closed records, written while no server runs.
  void MakeRecords() const {
    const Database database = OpenDatabase();
    const auto blobs =
        storage::OpenFileBlobStore({server_.data() + "/blobs", storage::Durability::kProcess}).value();
    const auto archive = trajectory::Archive::Open(*database, *blobs, SystemClock()).value();
    trajectory::Recorder recorder(*archive);
    for (int i = 0; i < kTrajectories; ++i) {
      const std::string id = absl::StrCat("t", i);
      v1::Trajectory header = trajectory::MakeHeader(id, absl::UnixEpoch() + absl::Seconds(i));
      header.mutable_task()->set_goal(absl::StrCat("Goal number ", i, "."));
      header.mutable_initial_observation()->clear_screenshot();
      header.mutable_initial_observation()->mutable_accessibility_tree()->set_text("[1] heading \"Done\"");
      ASSERT_TRUE(recorder.BeginWithoutEpisode(CallContext(), header).ok());
      v1::Step step;
      step.mutable_action()->mutable_answer()->set_text("done");
      ASSERT_TRUE(recorder.Append(CallContext(), id, step, {}).ok());
      ASSERT_TRUE(recorder.FinishWithoutEpisode(CallContext(), id, trajectory::MakeEnding(absl::Now()), {}).ok());
    }
  }

  int64_t CountCachedReplies() const {
    const Database database = OpenDatabase();
    int64_t count = 0;
    EXPECT_TRUE(database
                    ->Read(CallContext(),
                           [&](storage::Transaction& transaction) -> absl::Status {
                             const auto rows = transaction.Query("SELECT COUNT(*) FROM model_replies", {});
                             if (rows.ok()) count = (*rows)[0].Int(0);
                             return rows.status();
                           })
                    .ok());
    return count;
  }

  std::vector<v1::Verdict> AllVerdicts(v1::EvaluationService::Stub& evaluations) {
    std::vector<v1::Verdict> all;
    v1::ListVerdictsRequest request;
    request.set_evaluator("evaluators/agent-reward-bench");
    request.set_page_size(1000);
    do {
      v1::ListVerdictsResponse response;
      ClientContext context;
      EXPECT_TRUE(evaluations.ListVerdicts(&context, request, &response).ok());
      all.insert(all.end(), response.verdicts().begin(), response.verdicts().end());
      request.set_page_token(response.next_page_token());
    } while (!request.page_token().empty());
    return all;
  }

  v1::Job Await(v1::JobService::Stub& jobs, const std::string& name) {
    v1::WatchJobRequest request;
    request.set_name(name);
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(90));
    const auto stream = jobs.WatchJob(&context, request);
    v1::Job job;
    while (stream->Read(&job)) {
    }
    return job;
  }
};

TEST_F(ProctordRescoreTest, AKilledJobGoesOnWithoutPayingTwice) {
  model::ScriptedServer model([](const model::SeenRequest& request) {
    const std::string all = request.system + request.text;
    model::ScriptedReply reply = model::SayText(request, all.substr(all.find("VERDICT-"), 24) + ": Successful");
    reply.delay = absl::Milliseconds(200);
    return reply;
  });
  std::ofstream(server_.config(), std::ios::app)
      << "durability: process\nmodels: {endpoints: {scripted: {base_url: '" << model.base_url()
      << "', model: scripted, max_in_flight: " << kAtOnce << "}}}\n";
  MakeRecords();
  Start();
  auto evaluations = v1::EvaluationService::NewStub(server_.channel());
  v1::RescoreRequest request;
  request.add_evaluators("evaluators/agent-reward-bench");
  request.set_concurrency(kAtOnce);
  v1::Job job;
  {
    ClientContext context;
    const grpc::Status status = evaluations->Rescore(&context, request, &job);
    ASSERT_TRUE(status.ok()) << status.error_message();
  }
  ASSERT_TRUE(model.WaitForRequests(450));
  server_.Kill();
  const int64_t kept = CountCachedReplies();
  const size_t asked_before = model.requests().size();
  EXPECT_GE(kept, 1);
  EXPECT_LT(kept, kTrajectories);

  Start();
  evaluations = v1::EvaluationService::NewStub(server_.channel());
  const auto jobs = v1::JobService::NewStub(server_.channel());
  const v1::Job ended = Await(*jobs, job.name());
  ASSERT_EQ(ended.state(), v1::JOB_STATE_SUCCEEDED) << ended.error_message();
  std::map<std::string, int> of_trajectory;
  for (const v1::Verdict& verdict : AllVerdicts(*evaluations)) {
    ++of_trajectory[verdict.trajectory()];
    EXPECT_EQ(verdict.outcome(), v1::OUTCOME_SUCCESS) << verdict.rationale();
  }
  EXPECT_EQ(of_trajectory.size(), static_cast<size_t>(kTrajectories));
  for (const auto& [name, count] : of_trajectory) EXPECT_EQ(count, 1) << name;
  // Every request whose reply was not kept, and no other, was sent again.
  EXPECT_EQ(model.requests().size() - asked_before, static_cast<size_t>(kTrajectories - kept));
  EXPECT_GE(model.most_at_once(), kAtOnce / 2);
}

}  // namespace
}  // namespace proctor::server
