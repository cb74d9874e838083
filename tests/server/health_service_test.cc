// gRPC's health service as clients know it: a unary call and a server stream.
#include "server/rpc/health_service.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/impl/client_unary_call.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/impl/rpc_method.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/support/sync_stream.h>

#include <chrono>
#include <memory>
#include <string>

#include "common/executor.h"
#include "google/protobuf/wrappers.pb.h"
#include "gtest/gtest.h"

namespace proctor::server {
namespace {

// As HealthCheckRequest and HealthCheckResponse are encoded.
using Request = google::protobuf::StringValue;
using Response = google::protobuf::Int32Value;
using grpc::internal::RpcMethod;

constexpr char kCheck[] = "/grpc.health.v1.Health/Check";
constexpr char kWatch[] = "/grpc.health.v1.Health/Watch";

class HealthServiceTest : public testing::Test {
 protected:
  void SetUp() override { Serve(absl::Minutes(1)); }
  void TearDown() override { server_->Shutdown(std::chrono::system_clock::now()); }

  void Serve(absl::Duration patience) {
    if (server_ != nullptr) server_->Shutdown(std::chrono::system_clock::now());
    server_.reset();
    health_ = std::make_unique<HealthService>(Patience{timers_, patience});
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(health_.get());
    server_ = builder.BuildAndStart();
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
    channel_ = grpc::CreateCustomChannel("127.0.0.1:" + std::to_string(port), grpc::InsecureChannelCredentials(), arguments);
  }

  static Request Of(const std::string& service) {
    Request request;
    request.set_value(service);
    return request;
  }

  // The status that is said of it, in negative what the call ended with.
  int Check(const std::string& service) {
    grpc::ClientContext context;
    Response response;
    const grpc::Status status =
        grpc::internal::BlockingUnaryCall<Request, Response>(channel_.get(), RpcMethod(kCheck, RpcMethod::NORMAL_RPC), &context, Of(service), &response);
    return status.ok() ? response.value() : -status.error_code();
  }

  struct Watching {
    Watching(grpc::Channel& channel, const std::string& service)
        : method(kWatch, RpcMethod::SERVER_STREAMING),
          reader(grpc::internal::ClientReaderFactory<Response>::Create<Request>(&channel, method, &context, Of(service))) {}
    // The next status; 0: the stream is over.
    int Next() {
      Response response;
      return reader->Read(&response) ? response.value() : 0;
    }
    grpc::ClientContext context;
    RpcMethod method;
    std::unique_ptr<grpc::ClientReader<Response>> reader;
  };

  TimerQueue timers_;
  std::unique_ptr<HealthService> health_;
  std::unique_ptr<grpc::Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
};

TEST_F(HealthServiceTest, ChecksTheServerAsAWholeAndNothingElse) {
  EXPECT_EQ(Check(""), 1);
  EXPECT_EQ(Check("proctor.v1.TaskService"), -grpc::StatusCode::NOT_FOUND);
  health_->SetServing(false);
  EXPECT_EQ(Check(""), 2);
  EXPECT_EQ(Check("proctor.v1.TaskService"), -grpc::StatusCode::NOT_FOUND);
  health_->SetServing(true);
  EXPECT_EQ(Check(""), 1);
}

TEST_F(HealthServiceTest, WhoeverWatchesIsToldOfChanges) {
  Watching one(*channel_, ""), other(*channel_, ""), unknown(*channel_, "proctor.v1.TaskService");
  EXPECT_EQ(one.Next(), 1);
  EXPECT_EQ(other.Next(), 1);
  EXPECT_EQ(unknown.Next(), 3);
  other.context.TryCancel();
  EXPECT_EQ(other.Next(), 0);
  EXPECT_EQ(other.reader->Finish().error_code(), grpc::StatusCode::CANCELLED);

  health_->SetServing(false);
  health_->SetServing(false);
  EXPECT_EQ(one.Next(), 2);
  health_->SetServing(true);
  EXPECT_EQ(one.Next(), 1) << "what does not change is not told again";
  // The end of the server is the end of the streams.
  server_->Shutdown(std::chrono::system_clock::now());
  for (Watching* const watching : {&one, &unknown}) {
    EXPECT_EQ(watching->Next(), 0);
    EXPECT_FALSE(watching->reader->Finish().ok());
  }
}

TEST_F(HealthServiceTest, OfTooManyThatWatchTheOldestIsEndedAndAChecksAnswerStays) {
  std::vector<std::unique_ptr<Watching>> all;
  for (size_t i = 0; i < HealthService::kMaxCalls + 1; ++i) {
    all.push_back(std::make_unique<Watching>(*channel_, ""));
    ASSERT_EQ(all.back()->Next(), 1) << i;
  }
  EXPECT_EQ(all[0]->Next(), 0);
  EXPECT_EQ(all[0]->reader->Finish().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(Check(""), 1);
  health_->SetServing(false);
  EXPECT_EQ(all.back()->Next(), 2);
  EXPECT_EQ(Check(""), 2);
}

// Calls whose clients send nothing at all.
TEST_F(HealthServiceTest, ARequestThatDoesNotComeEndsItsCall) {
  Serve(absl::Milliseconds(50));
  for (const char* path : {kCheck, kWatch}) {
    grpc::ClientContext context;
    const RpcMethod method(path, RpcMethod::BIDI_STREAMING);
    const std::unique_ptr<grpc::ClientReaderWriter<Request, Response>> stream(
        grpc::internal::ClientReaderWriterFactory<Request, Response>::Create(channel_.get(), method, &context));
    Response response;
    EXPECT_FALSE(stream->Read(&response));
    const grpc::Status status = stream->Finish();
    EXPECT_EQ(status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED) << path;
    EXPECT_NE(status.error_message().find("stalled_reader_timeout"), std::string::npos) << status.error_message();
  }
}

TEST_F(HealthServiceTest, AClientThatSaysNothingAndIsDoneIsRefused) {
  for (const char* path : {kCheck, kWatch}) {
    grpc::ClientContext context;
    const RpcMethod method(path, RpcMethod::BIDI_STREAMING);
    const std::unique_ptr<grpc::ClientReaderWriter<Request, Response>> stream(
        grpc::internal::ClientReaderWriterFactory<Request, Response>::Create(channel_.get(), method, &context));
    stream->WritesDone();
    Response response;
    EXPECT_FALSE(stream->Read(&response));
    EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::INVALID_ARGUMENT) << path;
  }
}

}  // namespace
}  // namespace proctor::server
