// A real proctord whose judges and proposers ask a scripted model over real HTTP.
#ifndef PROCTOR_TESTS_SERVER_PROCTORD_MODEL_FIXTURE_H_
#define PROCTOR_TESTS_SERVER_PROCTORD_MODEL_FIXTURE_H_

#include <chrono>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "proctor/v1/job_service.grpc.pb.h"
#include "tests/model/scripted_server.h"
#include "tests/server/proctord_fixture.h"

namespace proctor::server {

// What counts in a reply comes after this; empty if the request has none.
inline std::string TagOf(const model::SeenRequest& request) {
  const std::string all = request.system + request.text;
  const size_t at = all.find("VERDICT-");
  return at == std::string::npos ? "" : all.substr(at, 24);
}

class ProctordModelTest : public ProctordTest {
 protected:
  using Script = model::ScriptedServer::Script;

  // Adds the model to the configuration, as the endpoint `scripted`, which is asked once and costs much, then `more`, which may begin with more
  // lines of `models`; starts.
  void StartWithModel(Script script, const std::string& more = "") {
    model_ = std::make_unique<model::ScriptedServer>(std::move(script));
    observes_screenshots_ = true;
    std::ofstream(server_.config(), std::ios::app)
        << "models:\n"
           "  endpoints:\n"
           "    scripted: {base_url: '"
        << model_->base_url()
        << "', model: scripted, capabilities: {images: true}, max_attempts: 1}\n"
           "  prices:\n"
           "    scripted: {input_usd: 1000, output_usd: 1000}\n"
        << more;
    StartAgain();
  }
  void StartAgain() {
    ASSERT_NO_FATAL_FAILURE(Start());
    jobs_ = v1::JobService::NewStub(server_.channel());
  }

  // A job as it was told, its end last, if that comes within `patience`.
  std::vector<v1::Job> Watch(const std::string& name, std::chrono::seconds patience = std::chrono::seconds(60)) {
    v1::WatchJobRequest request;
    request.set_name(name);
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + patience);
    const auto stream = jobs_->WatchJob(&context, request);
    std::vector<v1::Job> told;
    v1::Job job;
    while (stream->Read(&job)) told.push_back(job);
    return told;
  }
  // Its end, which must be a success.
  v1::Job AwaitJob(const std::string& name, std::chrono::seconds patience = std::chrono::seconds(60)) {
    const std::vector<v1::Job> told = Watch(name, patience);
    const v1::Job job = told.empty() ? v1::Job() : told.back();
    EXPECT_EQ(job.state(), v1::JOB_STATE_SUCCEEDED) << job.error_message();
    return job;
  }

  std::unique_ptr<model::ScriptedServer> model_;
  std::unique_ptr<v1::JobService::Stub> jobs_;
};

}  // namespace proctor::server

#endif  // PROCTOR_TESTS_SERVER_PROCTORD_MODEL_FIXTURE_H_
