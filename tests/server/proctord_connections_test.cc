// What the real server lets one connection, and all of them together, take: over real sockets, with limits shorter than anybody would
// set.
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "common/ids.h"
#include "gmock/gmock.h"
#include "proctor/v1/environment_service.grpc.pb.h"
#include "proctor/v1/trajectory_service.grpc.pb.h"
#include "raw_peer.h"
#include "tests/server/guarded_proctord.h"

namespace proctor::server {
namespace {

using grpc::StatusCode;
using ::testing::EndsWith;
using ::testing::HasSubstr;

// The head of HTTP/2's frame, from its type (7) on.
constexpr std::string_view kGoAway("\7\0\0\0\0\0", 6);
constexpr char kListSessions[] = "/proctor.v1.EnvironmentService/ListSessions";

std::chrono::system_clock::time_point Late() { return std::chrono::system_clock::now() + std::chrono::seconds(30); }

// An Act stream that holds a session of its own.
class Acting {
 public:
  explicit Acting(const std::shared_ptr<grpc::Channel>& channel)
      : stub_(v1::EnvironmentService::NewStub(channel)), stream_(stub_->Act(&context_)) {
    v1::ActRequest request;
    request.mutable_create_session()->set_environment("environments/null");
    opened_ = stream_->Write(request) && stream_->Read(&response_) && response_.has_session();
  }
  bool opened() const { return opened_; }
  bool StillAnswers() {
    v1::ActRequest request;
    request.mutable_keep_alive();
    return stream_->Write(request) && stream_->Read(&response_) && response_.has_session();
  }
  // Says what the server ended it with, without asking anything.
  grpc::Status AwaitEnd() {
    while (stream_->Read(&response_)) {
    }
    return stream_->Finish();
  }
  grpc::Status End() {
    stream_->WritesDone();
    return AwaitEnd();
  }

 private:
  ClientContext context_;
  std::unique_ptr<v1::EnvironmentService::Stub> stub_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::ActRequest, v1::ActResponse>> stream_;
  v1::ActResponse response_;
  bool opened_ = false;
};

class ProctordConnectionsTest : public ::testing::Test {
 protected:
  // Whether the channel's connection, over which a call went, is given up.
  static bool AwaitConnectionEnd(const std::shared_ptr<grpc::Channel>& channel) {
    return channel->GetState(false) != GRPC_CHANNEL_READY || channel->WaitForStateChange(GRPC_CHANNEL_READY, Late());
  }

  uint16_t port() const {
    const std::string addresses = ReadWholeFile(server_.data() + "/addresses.json");
    return static_cast<uint16_t>(std::stoi(addresses.substr(addresses.find("127.0.0.1:") + 10)));
  }

  // A connection that was greeted in HTTP/2.
  net::RawPeer SayHello() const {
    net::RawPeer peer = net::RawPeer::Connect(port());
    const std::string settings("\0\0\0\4\0\0\0\0\0", 9);
    const std::string acknowledgement("\0\0\0\4\1\0\0\0\0", 9);
    EXPECT_TRUE(peer.Send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + settings + acknowledgement));
    return peer;
  }

  static v1::RecordTrajectoryRequest Blob(const std::string& digest, const std::string& part, bool more) {
    v1::RecordTrajectoryRequest request;
    request.mutable_blob()->set_digest(digest);
    request.mutable_blob()->set_data(part);
    request.mutable_blob()->set_more(more);
    return request;
  }

  GuardedProctord server_;
};

TEST_F(ProctordConnectionsTest, AnIdleConnectionIsClosedAndTheNextCallMakesAnother) {
  ASSERT_NO_FATAL_FAILURE(server_.Start("connections: {max_idle: 1s}\n"));
  const auto channel = server_.Plain();
  ASSERT_TRUE(Send(channel, {kListSessions}).ok());
  EXPECT_TRUE(AwaitConnectionEnd(channel));
  EXPECT_TRUE(Send(channel, {kListSessions}).ok());
}

// A stranger who says hello in HTTP/2, and then nothing.
TEST_F(ProctordConnectionsTest, AConnectionThatNeverCallsIsClosed) {
  ASSERT_NO_FATAL_FAILURE(server_.Start("connections: {max_idle: 1s}\n"));
  net::RawPeer stranger = SayHello();
  // Up to the end of the connection: its settings, pings perhaps, and GOAWAY.
  const std::string heard = stranger.ReadToEnd();
  EXPECT_NE(heard.find(kGoAway), std::string::npos);
  EXPECT_TRUE(stranger.IsClosedByPeer());
}

// A client that looks between its calls whether its connection still stands.
TEST_F(ProctordConnectionsTest, PingsWithoutCallsAreAnswered) {
  ASSERT_NO_FATAL_FAILURE(server_.Start("connections: {min_client_ping_interval: 1s}\n"));
  net::RawPeer client = SayHello();
  const std::string ping("\0\0\10\6\0\0\0\0\0" "Are you?", 17);
  const std::string answer("\0\0\10\6\1\0\0\0\0" "Are you?", 17);
  // The fourth without a call in between was one too many.
  for (int i = 0; i < 5; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1050));
    ASSERT_TRUE(client.Send(ping));
    const std::string heard = client.ReadUntil(answer);
    ASSERT_EQ(heard.find(kGoAway), std::string::npos) << i;
    ASSERT_THAT(heard, EndsWith(answer)) << i;
  }
}

// A stranger who begins a request of 64 MiB, and says no more.
TEST_F(ProctordConnectionsTest, AHealthCheckThatStopsWithinItsRequestIsEnded) {
  ASSERT_NO_FATAL_FAILURE(server_.Start("connections: {stalled_reader_timeout: 1s}\n"));
  const auto frame = [](char type, char flags, char stream, const std::string& payload) {
    return std::string{0, static_cast<char>(payload.size() >> 8), static_cast<char>(payload.size()), type, flags, 0, 0, 0, stream} + payload;
  };
  // A header field that is in no table (RFC 7541, 6.2.2).
  const auto field = [](const std::string& name, const std::string& value) {
    return std::string(1, '\0') + static_cast<char>(name.size()) + name + static_cast<char>(value.size()) + value;
  };
  for (const char* method : {"Check", "Watch"}) {
    const std::string headers = field(":method", "POST") + field(":scheme", "http") + field(":path", std::string("/grpc.health.v1.Health/") + method) +
                                field(":authority", "localhost") + field("content-type", "application/grpc") + field("te", "trailers");
    net::RawPeer stranger = net::RawPeer::Connect(port());
    const std::string announced("\0\4\0\0\0", 5);
    ASSERT_TRUE(stranger.Send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, "") + frame(4, 1, 0, "") + frame(1, 4, 1, headers) +
                              frame(0, 0, 1, announced + std::string(1000, 'x'))));
    EXPECT_THAT(stranger.ReadUntil("stalled_reader_timeout"), HasSubstr("the request did not come in time")) << method;
  }
  std::string reply;
  EXPECT_TRUE(Send(server_.Plain(), {"/grpc.health.v1.Health/Check"}, &reply).ok());
  EXPECT_EQ(reply, "\10\1") << "HealthCheckResponse: SERVING";
}

TEST_F(ProctordConnectionsTest, AnOldConnectionEndsOnceItsCallsDid) {
  ASSERT_NO_FATAL_FAILURE(server_.Start("connections: {max_age: 1s, max_age_grace: 1h}\n"));
  const auto channel = server_.Plain();
  Acting acting(channel);
  ASSERT_TRUE(acting.opened());
  EXPECT_TRUE(AwaitConnectionEnd(channel));
  // Other calls go over another connection; this one goes on over the old one.
  EXPECT_TRUE(Send(channel, {kListSessions}).ok());
  EXPECT_TRUE(acting.StillAnswers());
  const grpc::Status end = acting.End();
  EXPECT_TRUE(end.ok()) << end.error_message();
}

TEST_F(ProctordConnectionsTest, ACallThatOutlivesTheGraceOfItsConnectionIsEnded) {
  ASSERT_NO_FATAL_FAILURE(server_.Start("connections: {max_age: 1s, max_age_grace: 1s}\n"));
  const auto channel = server_.Plain();
  Acting acting(channel);
  ASSERT_TRUE(acting.opened());
  EXPECT_EQ(acting.AwaitEnd().error_code(), StatusCode::UNAVAILABLE);
  EXPECT_TRUE(Send(channel, {kListSessions}).ok());
}

TEST_F(ProctordConnectionsTest, OneCallTooManyWaitsUntilAnotherEnds) {
  ASSERT_NO_FATAL_FAILURE(server_.Start("connections: {max_calls: 1}\n"));
  const auto channel = server_.Plain();
  Acting acting(channel);
  ASSERT_TRUE(acting.opened());
  auto waiting = std::async(std::launch::async, [&] { return Send(channel, {kListSessions}); });
  // Other connections have calls of their own. A call that did not wait would be over by then.
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(Send(server_.Plain(), {kListSessions}).ok());
  EXPECT_EQ(waiting.wait_for(std::chrono::milliseconds(500)), std::future_status::timeout);
  EXPECT_TRUE(acting.End().ok());
  EXPECT_TRUE(waiting.get().ok());
}

// A client that is gone without a word: the connection stands, and nothing comes any more.
TEST_F(ProctordConnectionsTest, AConnectionThatAnswersNoPingIsClosed) {
  ASSERT_NO_FATAL_FAILURE(server_.Start("connections: {keepalive_time: 1s, keepalive_timeout: 1s}\n"));
  std::atomic<bool> frozen = false;
  std::promise<void> closed;
  net::RawServer relay([&](net::RawPeer client) {
    net::RawPeer server = net::RawPeer::Connect(port());
    char bytes[16 << 10];
    for (;;) {
      pollfd waits[] = {{server.fd(), POLLIN, 0}, {frozen ? -1 : client.fd(), POLLIN, 0}};
      poll(waits, 2, 50);
      if (waits[0].revents != 0) {
        const ssize_t n = recv(server.fd(), bytes, sizeof bytes, 0);
        if (n <= 0) break;
        if (!frozen) client.Send({bytes, static_cast<size_t>(n)});
      }
      if (waits[1].revents != 0) {
        const ssize_t n = recv(client.fd(), bytes, sizeof bytes, 0);
        if (n <= 0 || !server.Send({bytes, static_cast<size_t>(n)})) break;
      }
    }
    if (frozen) closed.set_value();
  });
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  const auto channel = OwnChannel("127.0.0.1:" + std::to_string(relay.port()), grpc::InsecureChannelCredentials(), arguments);
  Acting acting(channel);
  ASSERT_TRUE(acting.opened());
  frozen = true;
  EXPECT_EQ(closed.get_future().wait_for(std::chrono::seconds(30)), std::future_status::ready);
  EXPECT_FALSE(acting.AwaitEnd().ok());
}

TEST_F(ProctordConnectionsTest, BlobsThatComeInShareTheirMemory) {
  ASSERT_NO_FATAL_FAILURE(server_.Start("connections: {blob_memory_bytes: 3MiB}\n"));
  const auto trajectories = v1::TrajectoryService::NewStub(server_.Plain());
  const std::string bytes(2 << 20, 'x');
  const std::string digest = Sha256Hex(bytes);
  v1::Trajectory trajectory;
  const auto record = [&] {
    ClientContext context;
    const auto writer = trajectories->RecordTrajectory(&context, &trajectory);
    writer->Write(Blob(digest, bytes, /*more=*/false));
    writer->WritesDone();
    return writer->Finish();
  };
  grpc::Status refused;
  while (refused.error_code() != StatusCode::RESOURCE_EXHAUSTED) {
    ClientContext context;
    const auto holding = trajectories->RecordTrajectory(&context, &trajectory);
    ASSERT_TRUE(holding->Write(Blob(digest, bytes, /*more=*/true)));
    // Until the server has it there is room for another; and if another came first, it is refused itself.
    for (int i = 0; i < 20 && refused.error_code() != StatusCode::RESOURCE_EXHAUSTED; ++i) refused = record();
    context.TryCancel();
    holding->Finish();
  }
  EXPECT_THAT(refused.error_message(), HasSubstr("connections.blob_memory_bytes"));
  EXPECT_THAT(refused.error_message(), HasSubstr("try again"));
  // What it held is free again.
  grpc::Status status;
  EXPECT_TRUE(Comes([&] {
    status = record();
    return status.error_code() != StatusCode::RESOURCE_EXHAUSTED;
  }));
  // The blob was taken; a trajectory it is not.
  EXPECT_EQ(status.error_code(), StatusCode::INVALID_ARGUMENT) << status.error_message();
  ClientContext context;
  const auto writer = trajectories->RecordTrajectory(&context, &trajectory);
  writer->Write(Blob(digest, std::string(4 << 20, 'y'), /*more=*/false));
  writer->WritesDone();
  EXPECT_THAT(writer->Finish().error_message(), HasSubstr("the server has 3145728"));
}

TEST_F(ProctordConnectionsTest, AReaderThatStopsReadingGivesItsMemoryBack) {
  ASSERT_NO_FATAL_FAILURE(server_.Start("connections: {blob_memory_bytes: 24MiB, stalled_reader_timeout: 1s}\n"));
  const auto trajectories = v1::TrajectoryService::NewStub(server_.Plain());
  const std::string bytes(16 << 20, 'x');
  v1::ReadBlobRequest request;
  request.set_digest(Sha256Hex(bytes));
  {
    ClientContext context;
    v1::Trajectory trajectory;
    const auto writer = trajectories->RecordTrajectory(&context, &trajectory);
    ASSERT_TRUE(writer->Write(Blob(request.digest(), bytes, /*more=*/false)));
    writer->WritesDone();
    EXPECT_EQ(writer->Finish().error_code(), StatusCode::INVALID_ARGUMENT);
  }
  const auto read = [&](v1::TrajectoryService::Stub& stub) {
    ClientContext context;
    const auto reader = stub.ReadBlob(&context, request);
    size_t size = 0;
    v1::ReadBlobResponse chunk;
    while (reader->Read(&chunk)) size += chunk.data().size();
    return std::make_pair(reader->Finish().error_code(), size);
  };
  // On a connection of its own, whose window it fills.
  const auto stalling = v1::TrajectoryService::NewStub(server_.Plain());
  ClientContext context;
  const auto stalled = stalling->ReadBlob(&context, request);
  v1::ReadBlobResponse chunk;
  ASSERT_TRUE(stalled->Read(&chunk));
  EXPECT_EQ(chunk.size_bytes(), 16 << 20);
  std::pair<StatusCode, size_t> got;
  int refused = 0;
  while ((got = read(*trajectories)).first == StatusCode::RESOURCE_EXHAUSTED) ++refused;
  EXPECT_EQ(got, std::make_pair(StatusCode::OK, bytes.size()));
  EXPECT_GT(refused, 0);
  size_t taken = chunk.data().size();
  while (stalled->Read(&chunk)) taken += chunk.data().size();
  const grpc::Status end = stalled->Finish();
  EXPECT_EQ(end.error_code(), StatusCode::DEADLINE_EXCEEDED);
  EXPECT_THAT(end.error_message(), HasSubstr("connections.stalled_reader_timeout"));
  EXPECT_LT(taken, bytes.size());
}

TEST_F(ProctordConnectionsTest, ARecordingThatStopsWithinABlobEndsAndOneThatWaitsBetweenStepsDoesNot) {
  ASSERT_NO_FATAL_FAILURE(server_.Start("connections: {max_message_bytes: 4MiB, blob_memory_bytes: 3MiB, stalled_reader_timeout: 1s}\n"));
  const auto trajectories = v1::TrajectoryService::NewStub(server_.Plain());
  const std::string bytes(2 << 20, 'x');
  const std::string digest = Sha256Hex(bytes);
  ClientContext waiting_context;
  v1::Trajectory recorded;
  const auto waiting = trajectories->RecordTrajectory(&waiting_context, &recorded);
  v1::RecordTrajectoryRequest message = Blob(Sha256Hex("whole"), "whole", /*more=*/false);
  ASSERT_TRUE(waiting->Write(message));
  message.mutable_header()->mutable_inline_task()->set_goal("wait");
  ASSERT_TRUE(waiting->Write(message));
  ClientContext context;
  v1::Trajectory trajectory;
  const auto stopped = trajectories->RecordTrajectory(&context, &trajectory);
  ASSERT_TRUE(stopped->Write(Blob(digest, bytes, /*more=*/true)));
  const grpc::Status end = stopped->Finish();
  EXPECT_EQ(end.error_code(), StatusCode::DEADLINE_EXCEEDED);
  EXPECT_THAT(end.error_message(), HasSubstr("connections.stalled_reader_timeout"));
  EXPECT_THAT(end.error_message(), HasSubstr("record it again"));
  // What it held is free again.
  grpc::Status status;
  do {
    ClientContext again;
    const auto writer = trajectories->RecordTrajectory(&again, &trajectory);
    writer->Write(Blob(digest, bytes, /*more=*/false));
    writer->WritesDone();
    status = writer->Finish();
  } while (status.error_code() == StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(status.error_code(), StatusCode::INVALID_ARGUMENT) << "taken, but no trajectory: " << status.error_message();
  message.mutable_step()->mutable_action()->mutable_answer()->set_text("42");
  ASSERT_TRUE(waiting->Write(message));
  message.mutable_end()->set_end_kind(v1::END_KIND_TERMINATED);
  message.mutable_end()->set_end_reason(v1::END_REASON_ANSWERED);
  ASSERT_TRUE(waiting->Write(message));
  waiting->WritesDone();
  const grpc::Status waited = waiting->Finish();
  EXPECT_TRUE(waited.ok()) << waited.error_message();
  EXPECT_EQ(recorded.step_count(), 1);
}

// Parts that come in time one by one, but without end.
TEST_F(ProctordConnectionsTest, ABlobThatTricklesInEndsItsRecording) {
  ASSERT_NO_FATAL_FAILURE(server_.Start("connections: {max_message_bytes: 4MiB, stalled_reader_timeout: 1s}\n"));
  const auto trajectories = v1::TrajectoryService::NewStub(server_.Plain());
  for (const std::string part : {"x", ""}) {
    ClientContext context;
    context.set_deadline(Late());
    v1::Trajectory trajectory;
    const auto trickling = trajectories->RecordTrajectory(&context, &trajectory);
    const v1::RecordTrajectoryRequest message = Blob(Sha256Hex("whole"), part, /*more=*/true);
    while (trickling->Write(message)) absl::SleepFor(absl::Milliseconds(50));
    const grpc::Status end = trickling->Finish();
    EXPECT_EQ(end.error_code(), StatusCode::DEADLINE_EXCEEDED) << end.error_message();
    EXPECT_THAT(end.error_message(), HasSubstr("connections.stalled_reader_timeout"));
  }
}

// As large messages as it takes, from many at once, where there is memory for two.
TEST_F(ProctordConnectionsTest, ManyLargeMessagesAreServedOrRefusedInTheMemoryThatThereIs) {
  ASSERT_NO_FATAL_FAILURE(server_.Start("connections: {max_message_bytes: 16MiB, memory_bytes: 32MiB}\n"));
  const std::string large(15 << 20, 'x');
  std::vector<std::future<grpc::Status>> sent;
  for (int i = 0; i < 8; ++i) {
    sent.push_back(std::async(std::launch::async, [&] { return Send(server_.Plain(), {kListSessions, large}); }));
  }
  // Fields that it does not know: it takes them.
  for (auto& each : sent) {
    const grpc::Status status = each.get();
    EXPECT_THAT(status.error_code(), testing::AnyOf(StatusCode::OK, StatusCode::RESOURCE_EXHAUSTED, StatusCode::UNAVAILABLE))
        << status.error_message();
  }
  EXPECT_TRUE(Send(server_.Plain(), {kListSessions}).ok());
  EXPECT_TRUE(server_.Runs());
}

}  // namespace
}  // namespace proctor::server
