#include "server/rpc/connection_peers.h"

#include <gmock/gmock.h>
#include <grpc/grpc_security.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "proctor/v1/job_service.grpc.pb.h"

namespace proctor::server {
namespace {

using ::testing::StartsWith;

// The connection of the last call.
using Connection = std::unique_ptr<grpc_auth_context, decltype(&grpc_auth_context_release)>;

class Noter final : public grpc::experimental::Interceptor {
 public:
  Noter(ConnectionPeers& peers, Connection& last, grpc::ServerContextBase& context) : peers_(peers), last_(last), context_(context) {}
  void Intercept(grpc::experimental::InterceptorBatchMethods* methods) override {
    if (methods->QueryInterceptionHookPoint(grpc::experimental::InterceptionHookPoints::POST_RECV_INITIAL_METADATA)) {
      peers_.Note(context_.c_call(), context_.peer());
      last_.reset(grpc_call_auth_context(context_.c_call()));
    }
    methods->Proceed();
  }

 private:
  ConnectionPeers& peers_;
  Connection& last_;
  grpc::ServerContextBase& context_;
};

class Noters final : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  Noters(ConnectionPeers& peers, Connection& last) : peers_(peers), last_(last) {}
  grpc::experimental::Interceptor* CreateServerInterceptor(grpc::experimental::ServerRpcInfo* info) override {
    return new Noter(peers_, last_, *info->server_context());
  }

 private:
  ConnectionPeers& peers_;
  Connection& last_;
};

// Notes the calls of a service that has no method implemented.
class ConnectionPeersTest : public ::testing::Test {
 protected:
  ConnectionPeersTest() {
    grpc::ServerBuilder builder;
    builder.RegisterService(&service_);
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> interceptors;
    interceptors.push_back(std::make_unique<Noters>(peers_, last_));
    builder.experimental().SetInterceptorCreators(std::move(interceptors));
    server_ = builder.BuildAndStart();
  }

  std::shared_ptr<grpc::Channel> Connect() const {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
    return grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", port_), grpc::InsecureChannelCredentials(), arguments);
  }
  // Makes a call; returns its connection.
  Connection Call(const std::shared_ptr<grpc::Channel>& channel) {
    grpc::GenericStub stub(channel);
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
    const grpc::Slice empty;
    const grpc::ByteBuffer request(&empty, 1);
    grpc::ByteBuffer response;
    std::promise<grpc::Status> ended;
    stub.UnaryCall(&context, "/proctor.v1.JobService/ListJobs", grpc::StubOptions(), &request, &response,
                   [&](grpc::Status status) { ended.set_value(std::move(status)); });
    const grpc::Status status = ended.get_future().get();
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNIMPLEMENTED) << status.error_message();
    return std::exchange(last_, Connection(nullptr, grpc_auth_context_release));
  }

  ConnectionPeers peers_{2};
  Connection last_{nullptr, grpc_auth_context_release};
  v1::JobService::CallbackService service_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

TEST_F(ConnectionPeersTest, CallsOfAConnectionShareItsPeer) {
  const auto one = Connect();
  const auto other = Connect();
  const Connection first = Call(one);
  const Connection second = Call(other);
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(Call(one), first);
  EXPECT_THAT(peers_.Find(first.get()), StartsWith("ipv4:127.0.0.1:"));
  EXPECT_THAT(peers_.Find(second.get()), StartsWith("ipv4:127.0.0.1:"));
  EXPECT_NE(peers_.Find(first.get()), peers_.Find(second.get()));
  EXPECT_EQ(peers_.Find(nullptr), "");
}

TEST_F(ConnectionPeersTest, TheOldestConnectionIsForgotten) {
  const auto first_channel = Connect();
  const Connection first = Call(first_channel);
  const Connection second = Call(Connect());
  const Connection third = Call(Connect());
  EXPECT_EQ(peers_.Find(first.get()), "");
  EXPECT_NE(peers_.Find(second.get()), "");
  EXPECT_NE(peers_.Find(third.get()), "");
  EXPECT_EQ(Call(first_channel), first);
  EXPECT_NE(peers_.Find(first.get()), "");
  EXPECT_EQ(peers_.Find(second.get()), "");
}

}  // namespace
}  // namespace proctor::server
