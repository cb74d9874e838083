// Secrets of tasks, tokens, keys and models in a real server: who sees them, and where none may be.
#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "gmock/gmock.h"
#include "proctor/v1/evaluation_service.grpc.pb.h"
#include "proctor/v1/task_service.grpc.pb.h"
#include "proctor/v1/trajectory_service.grpc.pb.h"
#include "tests/server/tenants_fixture.h"

namespace proctor::server {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class ProctordSecretsTest : public TenantsFixture {};

v1::Task TaskWithSecrets() {
  v1::Task task;
  task.set_goal("Say hello.");
  task.set_environment("environments/null");
  v1::StartState& state = *task.mutable_start_state();
  state.set_start_url("https://me:hunter2-url@shop.example/");
  state.set_storage_state_json(R"({"cookies": [{"name": "session", "value": "hunter2-cookie"}], "origins": []})");
  v1::HttpCredentials& credentials = (*state.mutable_http_credentials())["https://shop.example"];
  credentials.set_username("hunter2-user");
  credentials.set_password("hunter2-password");
  return task;
}

TEST_F(ProctordSecretsTest, OnlyWhoWritesTasksSeesTheirSecrets) {
  server_.Write("tokens.yaml", "tokens:\n" + GuardedProctord::Token("writer", "propose") + GuardedProctord::Token("actor", "act") +
                                   GuardedProctord::Token("labeler", "label") + GuardedProctord::Token("judge", "judge, read_rewards") +
                                   GuardedProctord::Token("both", "act, propose") + GuardedProctord::Token("root", "administer"));
  ASSERT_NO_FATAL_FAILURE(server_.Start("auth: {tokens_file: " + server_.tokens_file() + "}\n"));
  const Client writer = As("writer");
  v1::ProposeTasksRequest propose;
  propose.set_count(1);
  propose.mutable_crawl()->set_environment("environments/none");
  propose.mutable_crawl()->set_start_url("http://me:hunter2-crawl@127.0.0.1:1/");
  v1::Job job;
  const grpc::Status proposed = v1::TaskService::NewStub(writer.channel())->ProposeTasks(writer.Context().get(), propose, &job);
  ASSERT_TRUE(proposed.ok()) << proposed.error_message();
  EXPECT_THAT(job.DebugString(), Not(HasSubstr("hunter2")));
  v1::CreateTaskRequest create;
  *create.mutable_task() = TaskWithSecrets();
  v1::Task task;
  const grpc::Status created = v1::TaskService::NewStub(writer.channel())->CreateTask(writer.Context().get(), create, &task);
  ASSERT_TRUE(created.ok()) << created.error_message();
  for (const char* name : {"writer", "actor", "labeler", "judge", "both", "root", ""}) {
    const Client client = As(name);
    const auto tasks = v1::TaskService::NewStub(client.channel());
    v1::GetTaskRequest get;
    get.set_name(task.name());
    v1::Task got;
    ASSERT_TRUE(tasks->GetTask(client.Context().get(), get, &got).ok()) << name;
    v1::ListTasksResponse listed;
    ASSERT_TRUE(tasks->ListTasks(client.Context().get(), v1::ListTasksRequest(), &listed).ok()) << name;
    ASSERT_EQ(listed.tasks_size(), 1) << name;
    std::vector<v1::Task> seen = {got, listed.tasks(0)};
    v1::SampleTasksRequest sample;
    sample.set_count(1);
    v1::SampleTasksResponse sampled;
    if (tasks->SampleTasks(client.Context().get(), sample, &sampled).ok()) {
      ASSERT_EQ(sampled.tasks_size(), 1) << name;
      seen.push_back(sampled.tasks(0));
    }
    const std::string who = name;
    EXPECT_EQ(seen.size(), who == "actor" || who == "both" || who == "root" || who.empty() ? 3u : 2u) << who;
    for (const v1::Task& answer : seen) {
      if (who == "actor" || who == "labeler" || who == "judge") {
        EXPECT_THAT(answer.DebugString(), Not(HasSubstr("hunter2"))) << who;
        EXPECT_THAT(answer.DebugString(), HasSubstr("[redacted]")) << who;
        EXPECT_EQ(answer.goal(), task.goal());
      } else {
        EXPECT_EQ(answer.SerializeAsString(), got.SerializeAsString()) << who;
        EXPECT_THAT(answer.DebugString(), HasSubstr("hunter2-cookie")) << who;
        EXPECT_THAT(answer.DebugString(), HasSubstr("hunter2-password")) << who;
      }
    }
  }
  // Metadata of a client's own making opens nothing.
  const Client labeler = As("labeler");
  const auto context = labeler.Context();
  context->AddMetadata("proctor-caller-proposes", "1");
  v1::ListTasksResponse listed;
  ASSERT_TRUE(v1::TaskService::NewStub(labeler.channel())->ListTasks(context.get(), v1::ListTasksRequest(), &listed).ok());
  EXPECT_THAT(listed.DebugString(), Not(HasSubstr("hunter2")));
  server_.Stop(SIGTERM);
  EXPECT_THAT(server_.log(), Not(HasSubstr("hunter2")));
  EXPECT_THAT(ReadWholeFile(server_.data() + "/audit.log"), Not(HasSubstr("hunter2")));
}

// Secrets everywhere, and calls that go right and wrong: nothing that is kept, logged or answered has one of them.
TEST_F(ProctordSecretsTest, NoSecretIsLoggedAnsweredOrKept) {
  PemPair pair;
  if (!net::MakeCertificate(pair.certificate, pair.key)) GTEST_SKIP() << "openssl is not installed";
  server_.WriteServerPair(pair);
  setenv("PROCTOR_TEST_MODEL_KEY", "hunter2-model-key", 1);
  const std::string authority = server_.Write("ca.pem", pair.certificate);
  ASSERT_NO_FATAL_FAILURE(
      Start("models: {endpoints: {judge: {base_url: 'http://127.0.0.1:1/v1', model: m, key_env: PROCTOR_TEST_MODEL_KEY, "
            "capabilities: {images: true}}}}\n",
            ", tls: {" + server_.TlsSettings() + ", client_certificate_optional: true, client_ca_file: " + authority + "}"));
  unsetenv("PROCTOR_TEST_MODEL_KEY");
  const auto channel = server_.Tls(pair.certificate, pair);
  std::string answers;
  const auto note = [&](const grpc::Status& status) { answers += status.error_message() + status.error_details() + "\n"; };
  for (const char* wrong : {"Bearer hunter2", "Basic hunter2", "hunter2", "Bearer hunter2 hunter2"}) {
    for (const char* path : {"/proctor.v1.EnvironmentService/Step", "/grpc.health.v1.Health/Check", "/hunter.X/Y"}) {
      note(Send(channel, {path, "", {{"authorization", wrong}}}));
    }
  }
  note(Send(channel, {"/proctor.v1.RewardService/ListRewards", "", {Bearer("anna")}}));
  note(Send(channel, {"/proctor.v1.TaskService/CreateTask", std::string("\xff\xfe"), {Bearer("root")}}));
  // Start states with credentials, in episodes that are recorded, that fail, and that are judged by a model that is not there.
  const v1::Task task = TaskWithSecrets();
  const Client operator_socket = As("");
  const v1::Session session = operator_socket.Create();
  v1::StartEpisodeRequest start;
  start.set_session(session.name());
  *start.mutable_inline_task() = task;
  v1::EpisodeStart started;
  note(operator_socket.worlds().StartEpisode(operator_socket.Context().get(), start, &started));
  note(operator_socket.Step(session.name()));
  start.mutable_inline_task()->mutable_start_state()->set_storage_state_json("{\"cookies\": hunter2-broken");
  note(operator_socket.worlds().StartEpisode(operator_socket.Context().get(), start, &started));
  v1::RecordTrajectoryRequest header;
  *header.mutable_header()->mutable_inline_task() = task;
  v1::RecordTrajectoryRequest end;
  end.mutable_end()->set_end_kind(v1::END_KIND_TERMINATED);
  end.mutable_end()->set_end_reason(v1::END_REASON_ANSWERED);
  v1::Trajectory trajectory;
  {
    const auto context = operator_socket.Context();
    const auto trajectories = v1::TrajectoryService::NewStub(operator_socket.channel());
    const auto writer = trajectories->RecordTrajectory(context.get(), &trajectory);
    writer->Write(header);
    writer->Write(end);
    writer->WritesDone();
    note(writer->Finish());
  }
  v1::EvaluateTrajectoryRequest evaluate;
  evaluate.set_trajectory(trajectory.name());
  evaluate.set_evaluator("evaluators/pae");
  v1::Verdict verdict;
  note(v1::EvaluationService::NewStub(operator_socket.channel())->EvaluateTrajectory(operator_socket.Context().get(), evaluate, &verdict));
  answers += verdict.DebugString();
  server_.Write("tokens.yaml", "tokens: [{name: x, sha256: hunter2-instead-of-its-digest, scopes: [act]}]\n");
  server_.Signal(SIGHUP);
  ASSERT_TRUE(Comes([&] { return server_.log().find("the tokens read before stay") != std::string::npos; }));
  server_.Stop(SIGTERM);
  const std::string key_body = pair.key.substr(pair.key.find('\n') + 1, 60);
  EXPECT_THAT(answers, HasSubstr("Bearer <token>"));
  EXPECT_THAT(answers, HasSubstr("read_rewards"));
  EXPECT_THAT(answers, Not(HasSubstr("hunter2")));
  EXPECT_THAT(server_.log(), Not(HasSubstr("hunter2")));
  EXPECT_THAT(server_.log(), Not(HasSubstr(key_body)));
  int files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(server_.data())) {
    if (!entry.is_regular_file()) continue;
    const std::string bytes = ReadWholeFile(entry.path());
    EXPECT_EQ(bytes.find("hunter2"), std::string::npos) << entry.path() << ": " << bytes.substr(std::max<size_t>(bytes.find("hunter2"), 80) - 80, 160);
    EXPECT_EQ(bytes.find(key_body), std::string::npos) << entry.path();
    ++files;
  }
  EXPECT_GE(files, 3);
  EXPECT_FALSE(ReadWholeFile(server_.data() + "/audit.log").empty());
}

}  // namespace
}  // namespace proctor::server
