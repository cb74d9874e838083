// Hostile clients of the real server: what they send and do not read must not take more memory than it is given.
#include <grpcpp/impl/codegen/rpc_method.h>
#include <grpcpp/support/sync_stream.h>

#include <chrono>
#include <fstream>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "proctor/v1/environment_service.grpc.pb.h"
#include "proctor/v1/evaluation_service.grpc.pb.h"
#include "proctor/v1/job_service.grpc.pb.h"
#include "proctor/v1/trajectory_service.grpc.pb.h"
#include "tests/server/guarded_proctord.h"

namespace proctor::server {
namespace {

using grpc::StatusCode;
using ::testing::HasSubstr;

constexpr char kListSessions[] = "/proctor.v1.EnvironmentService/ListSessions";
constexpr char kObserve[] = "/proctor.v1.EnvironmentService/Observe";
constexpr char kWaitEpisode[] = "/proctor.v1.EnvironmentService/WaitEpisode";
constexpr char kReadBlob[] = "/proctor.v1.TrajectoryService/ReadBlob";
constexpr char kWatchJob[] = "/proctor.v1.JobService/WatchJob";

// One field that no message has: number 100, so many bytes long.
std::string UnknownField(size_t bytes) {
  std::string field = "\xa2\x06";
  for (size_t rest = bytes; rest > 0; rest >>= 7) field += static_cast<char>((rest & 0x7f) | (rest >> 7 > 0 ? 0x80 : 0));
  return field + std::string(bytes, 'x');
}

// The most memory that a process has had, in KiB.
int64_t PeakMemory(int pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string word; status >> word;) {
    int64_t kib = 0;
    if (word == "VmHWM:" && status >> kib) return kib;
  }
  return -1;
}

// A call whose client sends its request and takes no answer.
class Unread {
 public:
  Unread(std::shared_ptr<grpc::Channel> channel, const char* path, const google::protobuf::Message& request)
      : channel_(std::move(channel)),
        method_(path, grpc::internal::RpcMethod::BIDI_STREAMING, channel_),
        stream_(grpc::internal::ClientReaderWriterFactory<google::protobuf::Message, google::protobuf::Message>::Create(channel_.get(), method_,
                                                                                                                &context_)) {
    stream_->Write(request);
    stream_->WritesDone();
  }
  // Reads what came after all.
  grpc::Status End() {
    while (stream_->Read(&answer_)) {
    }
    return stream_->Finish();
  }

 private:
  const std::shared_ptr<grpc::Channel> channel_;
  const grpc::internal::RpcMethod method_;
  ClientContext context_;
  v1::Observation answer_;
  const std::unique_ptr<grpc::ClientReaderWriter<google::protobuf::Message, google::protobuf::Message>> stream_;
};

class ProctordMemoryTest : public ::testing::Test {
 protected:
  int pid() const {
    const std::string addresses = ReadWholeFile(server_.data() + "/addresses.json");
    return std::stoi(addresses.substr(addresses.find("\"pid\": ") + 7));
  }

  // A null world whose page has so much text, with an episode under way.
  v1::EpisodeStart Begin(int text_bytes) {
    const auto worlds = v1::EnvironmentService::NewStub(server_.Plain());
    v1::CreateSessionRequest create;
    create.set_environment("environments/null");
    create.mutable_settings()->mutable_null()->set_text_bytes(text_bytes);
    v1::Session session;
    ClientContext context;
    EXPECT_TRUE(worlds->CreateSession(&context, create, &session).ok());
    v1::StartEpisodeRequest start;
    start.set_session(session.name());
    start.mutable_inline_task()->set_goal("wait");
    start.mutable_observation()->add_parts(v1::OBSERVATION_PART_TEXT);
    start.mutable_observation()->set_max_text_bytes(1);
    v1::EpisodeStart started;
    ClientContext starting;
    const grpc::Status status = worlds->StartEpisode(&starting, start, &started);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return started;
  }

  // Whether a call of the method ended, as the log has it, in time.
  bool AwaitEndOf(const std::string& method) const {
    return Comes([&] { return server_.log().find("method=" + method + " code=") != std::string::npos; });
  }

  static v1::ObserveRequest ObserveText(const std::string& session) {
    v1::ObserveRequest request;
    request.set_session(session);
    request.mutable_observation()->add_parts(v1::OBSERVATION_PART_TEXT);
    return request;
  }

  GuardedProctord server_;
};

// 200 messages of 20 bytes ask for 3.2 GiB.
TEST_F(ProctordMemoryTest, AnActStreamWhoseClientReadsNothingTakesBoundedMemoryAndEnds) {
  ASSERT_NO_FATAL_FAILURE(server_.Start("connections: {stalled_reader_timeout: 5s}\n"));
  const std::string session = Begin(16 << 20).episode().session();
  const auto stub = v1::EnvironmentService::NewStub(server_.Plain());
  ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::minutes(10));
  const auto stream = stub->Act(&context);
  v1::ActRequest request;
  request.mutable_attach()->set_session(session);
  ASSERT_TRUE(stream->Write(request));
  *request.mutable_observe() = ObserveText("");
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(stream->Write(request));
  // To read earlier would be to take an answer.
  ASSERT_TRUE(AwaitEndOf("EnvironmentService/Act"));
  v1::ActResponse response;
  while (stream->Read(&response)) EXPECT_NE(response.result_case(), v1::ActResponse::kObservation);
  const grpc::Status end = stream->Finish();
  EXPECT_EQ(end.error_code(), StatusCode::UNAVAILABLE) << end.error_message();
  EXPECT_THAT(end.error_message(), HasSubstr("connections.stalled_reader_timeout"));
  EXPECT_GT(PeakMemory(pid()), 16 << 10) << "an answer was made";
  // All 200 answers would take 3,200 MB.
#ifdef __SANITIZE_ADDRESS__
  constexpr int kMostKib = 1536 << 10;  // It keeps for a while what was given back.
#else
  constexpr int kMostKib = 640 << 10;
#endif
  EXPECT_LT(PeakMemory(pid()), kMostKib);
  // The session is still there, for a stream that reads.
  ClientContext again;
  const auto reading = stub->Act(&again);
  request.mutable_attach()->set_session(session);
  EXPECT_TRUE(reading->Write(request) && reading->Read(&response));
  EXPECT_EQ(response.session().name(), session);
}

TEST_F(ProctordMemoryTest, RequestsThatAreServedOrWaitShareTheirMemory) {
  ASSERT_NO_FATAL_FAILURE(server_.Start("connections: {max_message_bytes: 16MiB, memory_bytes: 64MiB}\n"));
  const v1::Episode episode = Begin(0).episode();
  const auto worlds = v1::EnvironmentService::NewStub(server_.Plain());
  // Each is held for as long as the episode goes on.
  v1::WaitEpisodeRequest wait;
  wait.set_name(episode.name());
  wait.mutable_max_wait()->set_seconds(25);
  const std::string waiting = wait.SerializeAsString() + UnknownField(15 << 20);
  std::vector<std::future<grpc::Status>> held;
  const RawCall large{kListSessions, UnknownField(15 << 20)};
  grpc::Status refused;
  for (int i = 0; i < 20 && refused.ok(); ++i) {
    held.push_back(std::async(std::launch::async, [&] { return Send(server_.Plain(), {kWaitEpisode, waiting}); }));
    // Until the server has it there is room for another; and if another came first, it is refused itself.
    for (int k = 0; k < 5 && refused.ok(); ++k) refused = Send(server_.Plain(), large);
  }
  EXPECT_EQ(refused.error_code(), StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(refused.error_message(), HasSubstr("connections.memory_bytes"));
  EXPECT_THAT(refused.error_message(), HasSubstr("try again"));
  EXPECT_FALSE(refused.error_details().empty()) << "when to try again";
  // Also the request of a server stream, and the first of an Act stream.
  EXPECT_EQ(Send(server_.Plain(), {kWatchJob, large.bytes}).error_code(), StatusCode::RESOURCE_EXHAUSTED);
  {
    ClientContext context;
    const auto stream = worlds->Act(&context);
    v1::ActRequest request;
    request.mutable_create_session()->set_environment(std::string(15 << 20, 'x'));
    stream->Write(request);
    const grpc::Status end = stream->Finish();
    EXPECT_EQ(end.error_code(), StatusCode::RESOURCE_EXHAUSTED);
    EXPECT_THAT(end.error_message(), HasSubstr("connections.memory_bytes"));
  }
  // Small ones fit beside them.
  EXPECT_TRUE(Send(server_.Plain(), {kListSessions}).ok());
  v1::EndEpisodeRequest end;
  end.set_session(episode.session());
  end.set_end(v1::CLIENT_END_CANCEL);
  v1::Episode ended;
  ClientContext context;
  EXPECT_TRUE(worlds->EndEpisode(&context, end, &ended).ok());
  for (auto& each : held) {
    const grpc::Status status = each.get();
    EXPECT_THAT(status.error_code(), testing::AnyOf(StatusCode::OK, StatusCode::RESOURCE_EXHAUSTED)) << status.error_message();
  }
  // What they held is free again.
  grpc::Status status;
  EXPECT_TRUE(Comes([&] {
    status = Send(server_.Plain(), large);
    return status.error_code() != StatusCode::RESOURCE_EXHAUSTED;
  }));
  EXPECT_TRUE(status.ok()) << status.error_message();
}

// 2 bytes on the wire are an unknown field of 16 in memory.
TEST_F(ProctordMemoryTest, ARequestThatIsLargeOnlyInMemoryIsRefusedForGood) {
  ASSERT_NO_FATAL_FAILURE(server_.Start("connections: {max_message_bytes: 16MiB, memory_bytes: 32MiB}\n"));
  std::string fields;
  for (int i = 0; i < 4 << 20; ++i) fields += "\x78\x01";
  const grpc::Status refused = Send(server_.Plain(), {kListSessions, fields});
  EXPECT_EQ(refused.error_code(), StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(refused.error_message(), HasSubstr("the server has 33554432"));
  EXPECT_TRUE(refused.error_details().empty());
}

// What is packed is not unpacked to be measured then: 64 KiB that would be 64 MiB.
TEST_F(ProctordMemoryTest, ACompressedMessageIsRefusedUnopened) {
  ASSERT_NO_FATAL_FAILURE(server_.Start("connections: {max_message_bytes: 4MiB}\n"));
  const auto worlds = v1::EnvironmentService::NewStub(server_.Plain());
  const auto trajectories = v1::TrajectoryService::NewStub(server_.Plain());
  const int64_t before = PeakMemory(pid());
  for (const auto algorithm : {GRPC_COMPRESS_GZIP, GRPC_COMPRESS_DEFLATE}) {
    for (const size_t bytes : {10'000, 64 << 20}) {
      v1::ListSessionsRequest request;
      request.set_page_token(std::string(bytes, '\0'));
      ClientContext context;
      context.set_compression_algorithm(algorithm);
      v1::ListSessionsResponse response;
      const grpc::Status status = worlds->ListSessions(&context, request, &response);
      EXPECT_EQ(status.error_code(), StatusCode::UNIMPLEMENTED) << status.error_message();
      EXPECT_THAT(status.error_message(), HasSubstr("disabled"));
    }
    v1::RecordTrajectoryRequest blob;
    blob.mutable_blob()->set_data(std::string(64 << 20, '\0'));
    ClientContext context;
    context.set_compression_algorithm(algorithm);
    v1::Trajectory trajectory;
    const auto writer = trajectories->RecordTrajectory(&context, &trajectory);
    writer->Write(blob);
    writer->WritesDone();
    const grpc::Status status = writer->Finish();
    EXPECT_EQ(status.error_code(), StatusCode::UNIMPLEMENTED) << status.error_message();
  }
  EXPECT_LT(PeakMemory(pid()), before + (32 << 10));
  EXPECT_TRUE(Send(server_.Plain(), {kListSessions}).ok());
}

TEST_F(ProctordMemoryTest, AnswersThatNobodyTakesShareTheirMemoryAndAreDropped) {
  ASSERT_NO_FATAL_FAILURE(server_.Start("connections: {max_message_bytes: 16MiB, memory_bytes: 32MiB, stalled_reader_timeout: 2s}\n"));
  const v1::ObserveRequest request = ObserveText(Begin(12 << 20).episode().session());
  const RawCall observe{kObserve, request.SerializeAsString()};
  std::vector<std::unique_ptr<Unread>> unread;
  grpc::Status refused;
  for (int i = 0; i < 20 && refused.ok(); ++i) {
    unread.push_back(std::make_unique<Unread>(server_.Plain(), kObserve, request));
    for (int k = 0; k < 3 && refused.ok(); ++k) refused = Send(server_.Plain(), observe);
  }
  EXPECT_EQ(refused.error_code(), StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(refused.error_message(), HasSubstr("connections.memory_bytes"));
  // Nobody takes anything, so there is room again only because some are dropped.
  grpc::Status status;
  EXPECT_TRUE(Comes([&] {
    status = Send(server_.Plain(), observe);
    return status.error_code() != StatusCode::RESOURCE_EXHAUSTED;
  }));
  EXPECT_TRUE(status.ok()) << status.error_message();
  int dropped = 0;
  for (const auto& each : unread) {
    if (each->End().error_code() == StatusCode::UNAVAILABLE) ++dropped;
  }
  EXPECT_GT(dropped, 0);
}

// Each is one chunk, which the server could send and forget.
TEST_F(ProctordMemoryTest, SmallBlobsThatNobodyTakesShareTheirMemoryAndEnd) {
  ASSERT_NO_FATAL_FAILURE(server_.Start("connections: {blob_memory_bytes: 3MiB, stalled_reader_timeout: 5s}\n"));
  const auto trajectories = v1::TrajectoryService::NewStub(server_.Plain());
  const std::string bytes(1 << 20, 'x');
  v1::RecordTrajectoryRequest blob;
  blob.mutable_blob()->set_digest(Sha256Hex(bytes));
  blob.mutable_blob()->set_data(bytes);
  {
    ClientContext context;
    v1::Trajectory trajectory;
    const auto writer = trajectories->RecordTrajectory(&context, &trajectory);
    ASSERT_TRUE(writer->Write(blob));
    writer->WritesDone();
    EXPECT_EQ(writer->Finish().error_code(), StatusCode::INVALID_ARGUMENT) << "a trajectory it is not";
  }
  v1::ReadBlobRequest request;
  request.set_digest(blob.blob().digest());
  const auto read = [&] {
    ClientContext context;
    const auto reader = trajectories->ReadBlob(&context, request);
    size_t size = 0;
    v1::ReadBlobResponse chunk;
    while (reader->Read(&chunk)) size += chunk.data().size();
    const grpc::Status status = reader->Finish();
    EXPECT_TRUE(!status.ok() || size == bytes.size()) << size;
    return status;
  };
  std::vector<std::unique_ptr<Unread>> unread;
  grpc::Status refused;
  // A read that has just ended, or one whose network still takes something, gives its memory back in a moment: full is what stays full.
  for (int i = 0; i < 40 && refused.ok(); ++i) {
    unread.push_back(std::make_unique<Unread>(server_.Narrow(), kReadBlob, request));
    refused = read();
    for (int k = 0; k < 20 && !refused.ok(); ++k) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      refused = read();
    }
  }
  EXPECT_EQ(refused.error_code(), StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(refused.error_message(), HasSubstr("connections.blob_memory_bytes"));
  // Nobody takes anything, so there is room again only because they end.
  grpc::Status status;
  EXPECT_TRUE(Comes([&] {
    status = read();
    return status.error_code() != StatusCode::RESOURCE_EXHAUSTED;
  }));
  EXPECT_TRUE(status.ok()) << status.error_message();
  int ended = 0;
  for (const auto& each : unread) {
    if (each->End().error_code() == StatusCode::DEADLINE_EXCEEDED) ++ended;
  }
  EXPECT_GT(ended, 0);
}

TEST_F(ProctordMemoryTest, AWatchOfAJobWhoseClientReadsNothingEnds) {
  ASSERT_NO_FATAL_FAILURE(server_.Start("connections: {stalled_reader_timeout: 3s}\n"));
  // A job is told with its request: here 600 kB.
  v1::RescoreRequest rescore;
  rescore.add_evaluators("evaluators/oracle");
  for (int i = 0; i < 2; ++i) rescore.add_trajectories("trajectories/" + std::string(300'000, 'x'));
  v1::Job job;
  {
    ClientContext context;
    const grpc::Status status = v1::EvaluationService::NewStub(server_.Plain())->Rescore(&context, rescore, &job);
    ASSERT_TRUE(status.ok()) << status.error_message();
  }
  v1::WatchJobRequest request;
  request.set_name(job.name());
  Unread unread(server_.Narrow(), kWatchJob, request);
  EXPECT_TRUE(AwaitEndOf("JobService/WatchJob"));
  const grpc::Status end = unread.End();
  EXPECT_EQ(end.error_code(), StatusCode::UNAVAILABLE) << end.error_message();
  EXPECT_THAT(end.error_message(), HasSubstr("connections.stalled_reader_timeout"));
  // For whoever reads it goes on to its end.
  ClientContext context;
  const auto watch = v1::JobService::NewStub(server_.Plain())->WatchJob(&context, request);
  while (watch->Read(&job)) {
  }
  EXPECT_TRUE(watch->Finish().ok());
  EXPECT_EQ(job.state(), v1::JOB_STATE_SUCCEEDED) << job.error_message();
}

}  // namespace
}  // namespace proctor::server
