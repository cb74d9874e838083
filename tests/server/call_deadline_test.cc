// How long calls may go on, by what their clients said: real ones, on a server that tells.
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "server/rpc/status.h"

namespace proctor::server {
namespace {

struct Deadlines {
  absl::Time call;
  absl::Time stream;
};

// Ends each call at once, and keeps its deadlines.
class Telling final : public grpc::CallbackGenericService {
 public:
  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext* context) override {
    class Reactor final : public grpc::ServerGenericBidiReactor {
     public:
      Reactor() { Finish(grpc::Status::OK); }
      void OnDone() override { delete this; }
    };
    told_.set_value({ContextOf(*context).deadline(), StreamContextOf(*context).deadline()});
    return new Reactor;
  }
  Deadlines told() { return told_.get_future().get(); }

 private:
  std::promise<Deadlines> told_;
};

class CallDeadlineTest : public testing::Test {
 protected:
  // Of a call whose client gives it so much time; nothing: all that it wants.
  static Deadlines Of(std::optional<std::chrono::seconds> timeout) {
    Telling telling;
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterCallbackGenericService(&telling);
    const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
    grpc::GenericStub stub(grpc::CreateCustomChannel("127.0.0.1:" + std::to_string(port), grpc::InsecureChannelCredentials(), arguments));
    grpc::ClientContext context;
    if (timeout) context.set_deadline(std::chrono::system_clock::now() + *timeout);
    const grpc::Slice nothing("");
    const grpc::ByteBuffer request(&nothing, 1);
    grpc::ByteBuffer response;
    std::promise<void> ended;
    stub.UnaryCall(&context, "/any/Method", grpc::StubOptions(), &request, &response, [&](const grpc::Status&) { ended.set_value(); });
    const Deadlines told = telling.told();
    ended.get_future().wait();
    server->Shutdown();
    return told;
  }
};

TEST_F(CallDeadlineTest, WithoutOneAUnaryCallEndsAndAStreamGoesOn) {
  const absl::Time before = absl::Now();
  const Deadlines of = Of(std::nullopt);
  EXPECT_GE(of.call, before + absl::Minutes(15));
  EXPECT_LE(of.call, absl::Now() + absl::Minutes(15));
  EXPECT_EQ(of.stream, absl::InfiniteFuture());
}

TEST_F(CallDeadlineTest, AStreamHasItsClientsHoweverLongAndAUnaryCallNoLongerOne) {
  const absl::Time before = absl::Now();
  const Deadlines of = Of(std::chrono::hours(24));
  EXPECT_LE(of.call, absl::Now() + absl::Minutes(15));
  EXPECT_GT(of.stream, before + absl::Hours(23));
  EXPECT_LT(of.stream, before + absl::Hours(25));
}

TEST_F(CallDeadlineTest, AShorterOneIsThatOfBoth) {
  const absl::Time before = absl::Now();
  const Deadlines of = Of(std::chrono::minutes(5));
  for (const absl::Time deadline : {of.call, of.stream}) {
    EXPECT_GT(deadline, before + absl::Minutes(4));
    EXPECT_LT(deadline, absl::Now() + absl::Minutes(6));
  }
}

}  // namespace
}  // namespace proctor::server
