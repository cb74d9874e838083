// The real server, over its socket: a whole life, drains, kill -9, exit codes.
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <set>
#include <string_view>

#include "common/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proctor/v1/job_service.grpc.pb.h"
#include "storage/job_store.h"
#include "storage/sqlite_database.h"
#include "tests/server/proctord_fixture.h"

namespace proctor::server {
namespace {

using testing::HasSubstr;

TEST_F(ProctordTest, ARightAnswerEarnsAValidReward) {
  ASSERT_NO_FATAL_FAILURE(Start());
  const std::string session = MakeSession();
  const std::string task = MakeTask();
  const v1::Episode right = StartEpisode(session, task);
  Act(session, Click());
  const v1::StepResponse end = Act(session, Answer("42"));
  EXPECT_TRUE(end.terminated());
  EXPECT_EQ(end.episode().result_state(), v1::RESULT_STATE_READY);
  EXPECT_EQ(end.episode().verdict().outcome(), v1::OUTCOME_SUCCESS);
  EXPECT_EQ(end.episode().reward().status(), v1::REWARD_STATUS_VALID);
  EXPECT_EQ(end.episode().reward().value(), 1);
  StartEpisode(session, task);
  const v1::StepResponse wrong = Act(session, Answer("41"));
  EXPECT_EQ(wrong.episode().verdict().outcome(), v1::OUTCOME_FAILURE);
  EXPECT_EQ(wrong.episode().reward().status(), v1::REWARD_STATUS_VALID);
  EXPECT_EQ(wrong.episode().reward().value(), 0);
  EXPECT_EQ(WaitEpisode(right.name()).reward().reward_id(), end.episode().reward().reward_id());
}

TEST_F(ProctordTest, AfterKill9AcknowledgedStepsAreThereAndTheFaultIsMaskedExactlyOnce) {
  ASSERT_NO_FATAL_FAILURE(Start());
  MakeConsumer();
  const std::string session = MakeSession();
  const v1::Episode episode = StartEpisode(session, MakeTask());
  for (int i = 0; i < 5; ++i) EXPECT_EQ(Act(session, Click()).step_index(), i);
  server_.Kill();
  ASSERT_NO_FATAL_FAILURE(Start());
  const v1::Trajectory record = GetTrajectory(episode.trajectory());
  EXPECT_TRUE(record.closed());
  EXPECT_EQ(record.steps_size(), 5);
  EXPECT_EQ(record.end_kind(), v1::END_KIND_INTERRUPTED);
  EXPECT_EQ(record.end_reason(), v1::END_REASON_SERVER_FAULT);
  const v1::Episode ended = WaitEpisode(episode.name());
  EXPECT_EQ(ended.reward().status(), v1::REWARD_STATUS_MASKED);
  EXPECT_EQ(ended.reward().mask_reason(), v1::MASK_REASON_SERVER_FAULT);
  const auto first = Read(1, /*acknowledge=*/false);
  ASSERT_EQ(first.size(), 1u);
  server_.Kill();
  ASSERT_NO_FATAL_FAILURE(Start());
  // Not acknowledged: the same record again, by the same id; then never more.
  const auto again = Read(1, /*acknowledge=*/true);
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].reward().reward_id(), first[0].reward().reward_id());
  EXPECT_EQ(LogLength(), 1);
  server_.Kill();
  ASSERT_NO_FATAL_FAILURE(Start());
  EXPECT_EQ(LogLength(), 1);
}

TEST_F(ProctordTest, AGroupIsDeliveredWholeWithItsFaultMaskedThroughARestart) {
  ASSERT_NO_FATAL_FAILURE(Start());
  MakeConsumer(v1::DELIVERY_GROUPS);
  const std::string task = MakeTask();
  v1::CreateGroupRequest request;
  request.mutable_group()->set_task(task);
  request.mutable_group()->set_size(8);
  v1::Group group;
  {
    ClientContext context;
    const grpc::Status status = rewards_->CreateGroup(&context, request, &group);
    ASSERT_TRUE(status.ok()) << status.error_message();
  }
  std::string session = MakeSession();
  for (int i = 0; i < 4; ++i) {
    StartEpisode(session, task, group.name());
    Act(session, Answer(i % 2 == 0 ? "42" : "0"));
  }
  StartEpisode(session, task, group.name());
  Act(session, Click());
  server_.Kill();
  ASSERT_NO_FATAL_FAILURE(Start());
  session = MakeSession();
  for (int i = 0; i < 3; ++i) {
    StartEpisode(session, task, group.name());
    Act(session, Answer("42"));
  }
  const auto records = Read(1, /*acknowledge=*/true);
  ASSERT_EQ(records.size(), 1u);
  ASSERT_TRUE(records[0].has_group_complete());
  const v1::GroupComplete& complete = records[0].group_complete();
  EXPECT_FALSE(complete.partial());
  EXPECT_EQ(complete.masked_count(), 1);
  ASSERT_EQ(complete.rewards_size(), 8);
  std::set<std::string> ids;
  for (const v1::Reward& reward : complete.rewards()) ids.insert(reward.reward_id());
  EXPECT_EQ(ids.size(), 8u);
}

TEST_F(ProctordTest, SigtermDrainsAndInterruptsWhatIsOpen) {
  ASSERT_NO_FATAL_FAILURE(Start());
  const std::string session = MakeSession();
  const v1::Episode episode = StartEpisode(session, MakeTask());
  Act(session, Click());
  EXPECT_EQ(server_.Stop(SIGTERM), 0);
  EXPECT_FALSE(std::filesystem::exists(server_.data() + "/addresses.json"));
  ASSERT_NO_FATAL_FAILURE(Start());
  const v1::Trajectory record = GetTrajectory(episode.trajectory());
  EXPECT_EQ(record.end_reason(), v1::END_REASON_SERVER_FAULT);
  EXPECT_EQ(record.steps_size(), 1);
  EXPECT_EQ(WaitEpisode(episode.name()).reward().status(), v1::REWARD_STATUS_MASKED);
}

TEST_F(ProctordTest, SigtermEndsAnOpenWatchJobAndThePausedJobStaysPaused) {
  std::string name;
  {
    std::filesystem::create_directories(server_.data());
    auto database = storage::OpenSqliteDatabase({.directory = server_.data()});
    ASSERT_TRUE(database.ok()) << database.status();
    const auto store = storage::JobStore::Open(**database, SystemClock());
    ASSERT_TRUE(store.ok()) << store.status();
    name = (*store)->Create(CallContext(), "propose_tasks", v1::ProposeTasksRequest(), "")->name();
    ASSERT_TRUE((*store)->Update(CallContext(), name, [](v1::Job& job) {
                           job.set_state(v1::JOB_STATE_PAUSED);
                           return absl::OkStatus();
                         }).ok());
  }
  ASSERT_NO_FATAL_FAILURE(Start());
  ClientContext watching;
  v1::WatchJobRequest request;
  request.set_name(name);
  const auto jobs = v1::JobService::NewStub(server_.channel());
  const auto stream = jobs->WatchJob(&watching, request);
  v1::Job job;
  ASSERT_TRUE(stream->Read(&job));
  EXPECT_EQ(job.state(), v1::JOB_STATE_PAUSED);
  EXPECT_EQ(server_.Stop(SIGTERM), 0);
  EXPECT_FALSE(stream->Read(&job));
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  ASSERT_NO_FATAL_FAILURE(Start());
  v1::GetJobRequest get;
  get.set_name(name);
  ClientContext context;
  ASSERT_TRUE(v1::JobService::NewStub(server_.channel())->GetJob(&context, get, &job).ok());
  EXPECT_EQ(job.state(), v1::JOB_STATE_PAUSED);
}

TEST_F(ProctordTest, NoSecretOfAnEpisodeIsInTheDataDirectory) {
  ASSERT_NO_FATAL_FAILURE(Start());
  v1::RecordTrajectoryRequest header;
  header.mutable_header()->set_request_id("once");
  v1::Task& task = *header.mutable_header()->mutable_inline_task();
  task.set_goal("Say the number.");
  v1::StartState& state = *task.mutable_start_state();
  state.set_start_url("https://me:hunter2-url@shop.example/ |AND| https://me:hunter2-second@shop.example/");
  state.set_storage_state_json(R"({"cookies": [{"name": "session", "value": "hunter2-cookie"}],
      "origins": [{"origin": "https://shop.example", "localStorage": [{"name": "k", "value": "hunter2-storage"}]}]})");
  v1::HttpCredentials& credentials = (*state.mutable_http_credentials())["https://shop.example"];
  credentials.set_username("hunter2-user");
  credentials.set_password("hunter2-password");
  (*state.mutable_base_urls())["__SHOP__"] = "https://me:hunter2-base@shop.example/";
  v1::RecordTrajectoryRequest end;
  end.mutable_end()->set_end_kind(v1::END_KIND_TERMINATED);
  end.mutable_end()->set_end_reason(v1::END_REASON_ANSWERED);
  v1::Trajectory trajectory;
  ClientContext context;
  const auto writer = trajectories_->RecordTrajectory(&context, &trajectory);
  EXPECT_TRUE(writer->Write(header));
  EXPECT_TRUE(writer->Write(end));
  writer->WritesDone();
  const grpc::Status status = writer->Finish();
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(server_.Stop(SIGTERM), 0);
  int files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(server_.data())) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    EXPECT_EQ(bytes.find("hunter2"), std::string::npos) << entry.path();
    ++files;
  }
  EXPECT_GT(files, 0);
}

TEST_F(ProctordTest, TheSocketIsTheOwnersOnlyAndTheAddressesAreWritten) {
  ASSERT_NO_FATAL_FAILURE(Start());
  struct stat socket;
  ASSERT_EQ(stat((server_.data() + "/proctord.sock").c_str(), &socket), 0);
  EXPECT_EQ(socket.st_mode & 0777, 0600u);
  EXPECT_TRUE(std::filesystem::exists(server_.data() + "/addresses.json"));
}

TEST_F(ProctordTest, ASecondServerOnTheSameDataIsRefused) {
  ASSERT_NO_FATAL_FAILURE(Start());
  EXPECT_EQ(RunToEnd(server_.Command()), 3);
  MakeSession();  // The first one goes on.
}

TEST_F(ProctordTest, TheSocketOfAnotherServerAndWhatIsNoneStayWhereTheyAre) {
  ASSERT_NO_FATAL_FAILURE(Start());
  const auto refused = [&](const std::string& path) {
    std::string output;
    EXPECT_EQ(RunToEnd({PROCTORD, "--config", server_.config(), "--data-dir", server_.data() + "-other", "--listen", "", "--unix-socket", path}, &output), 1);
    return output;
  };
  EXPECT_THAT(refused(server_.data() + "/proctord.sock"), HasSubstr("another program listens there"));
  MakeSession();
  const std::string file = server_.data() + "-file";
  std::ofstream(file) << "a diary";
  EXPECT_THAT(refused(file), HasSubstr("no socket"));
  EXPECT_TRUE(std::filesystem::is_regular_file(file));
  std::filesystem::remove(file);
  std::filesystem::remove_all(server_.data() + "-other");
}

TEST_F(ProctordTest, AStopThatComesWhileItStartsEndsIt) {
  for (const int number : {SIGINT, SIGTERM}) {
    const Program program(server_.Command());
    const pid_t pid = fork();
    if (pid == 0) {
      // It waits for whoever looks at it first.
      sigset_t blocked;
      sigemptyset(&blocked);
      sigaddset(&blocked, number);
      pthread_sigmask(SIG_BLOCK, &blocked, nullptr);
      raise(number);
      alarm(60);
      program.Become();
    }
    EXPECT_EQ(AwaitExit(pid), 0);
  }
  ASSERT_NO_FATAL_FAILURE(Start());
  MakeSession();
}

TEST_F(ProctordTest, AStopThatComesWhileItReadsItsFileEndsIt) {
  for (const int number : {SIGINT, SIGTERM}) {
    // Whoever reads a pipe waits for somebody who writes.
    std::filesystem::remove(server_.config());
    ASSERT_EQ(mkfifo(server_.config().c_str(), 0600), 0);
    const Program program(server_.Command());
    const pid_t pid = fork();
    if (pid == 0) {
      alarm(60);
      program.Become();
    }
    int file = -1;
    EXPECT_TRUE(Comes([&] { return (file = open(server_.config().c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC)) >= 0; }, std::chrono::seconds(30)));
    signal(SIGPIPE, SIG_IGN);
    // To be read again before there is a server is no reason to end.
    kill(pid, SIGHUP);
    kill(pid, number);
    constexpr std::string_view kConfig = "environments: {web: {enabled: false}, practice: {enabled: false}}\n";
    EXPECT_EQ(write(file, kConfig.data(), kConfig.size()), static_cast<ssize_t>(kConfig.size()));
    close(file);
    EXPECT_EQ(AwaitExit(pid), 0);
  }
}

TEST_F(ProctordTest, AStopThatComesWhileTheBrowserStartsEndsIt) {
  // One that says nothing. Whoever it runs as may run it, and leaves a sign.
  const std::filesystem::path folder = std::filesystem::path(server_.config()).parent_path();
  const std::string browser = folder / "browser", begun = folder / "begun";
  std::ofstream(browser) << "#!/bin/sh\n: >" << begun << "\nexec sleep 300\n";
  std::filesystem::permissions(browser, std::filesystem::perms(0755));
  std::filesystem::permissions(folder, std::filesystem::perms(0777));
  std::ofstream(server_.config(), std::ios::trunc) << "browser: {executable: " << browser << "}\n";
  const Program program(server_.Command());
  const pid_t pid = fork();
  if (pid == 0) {
    alarm(60);
    program.Become();
  }
  EXPECT_TRUE(Comes([&] { return std::filesystem::exists(begun); }, std::chrono::seconds(30)));
  kill(pid, SIGTERM);
  EXPECT_EQ(AwaitExit(pid), 0);
}

TEST_F(ProctordTest, BadValuesAreRefusedWithFileLineAndReason) {
  std::ofstream(server_.config()) << "data_dir: " << server_.data() << "\nsessions:\n  default_leese: 3s\n";
  std::string output;
  EXPECT_EQ(RunToEnd({PROCTORD, "--config", server_.config()}, &output), 2);
  EXPECT_THAT(output, HasSubstr("proctord.yaml:3"));
  EXPECT_THAT(output, HasSubstr("default_leese"));
}

TEST_F(ProctordTest, CheckConfigPrintsTheChainInForce) {
  std::vector<std::string> command = server_.Command();
  command.push_back("--check-config");
  std::string output;
  EXPECT_EQ(RunToEnd(command, &output), 0);
  EXPECT_THAT(output, HasSubstr("\"evaluators/oracle\""));
  EXPECT_THAT(output, testing::Not(HasSubstr("evaluators/pae")));
  command.insert(command.end(), {"--model-endpoint", "http://127.0.0.1:1/v1", "--model-name", "m"});
  output.clear();
  EXPECT_EQ(RunToEnd(command, &output), 0);
  EXPECT_THAT(output, testing::ContainsRegex("\"evaluators/oracle\",[[:space:]]*\"evaluators/pae\""));
  // Who makes a file of it is warned.
  EXPECT_THAT(output, HasSubstr("evaluation.chain is the default"));
}

TEST_F(ProctordTest, OtherThanLoopbackAddressesAreRefused) {
  std::string output;
  EXPECT_EQ(RunToEnd({PROCTORD, "--data-dir", server_.data(), "--listen", "0.0.0.0:0"}, &output), 2);
  EXPECT_THAT(output, HasSubstr("0.0.0.0"));
  output.clear();
  EXPECT_EQ(RunToEnd({PROCTORD, "--help"}, &output), 0);
  EXPECT_THAT(output, HasSubstr("--data-dir"));
}

}  // namespace
}  // namespace proctor::server
