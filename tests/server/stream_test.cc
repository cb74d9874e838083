// How much a stream's handler has in hand before no more is read.
#include "server/rpc/stream.h"

#include <memory>
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "proctor/v1/environment_service.pb.h"

namespace proctor::server {
namespace {

// Counts what is asked of it.
struct FakeReactor {
  void Read() { ++reads; }
  void StartWrite(const v1::ActResponse*) { ++writes; }
  void Finish(const grpc::Status&) {}
  int reads = 0;
  int writes = 0;
};

// Runs what is posted at once.
class Inline final : public Executor {
 public:
  void Post(std::function<void()> task) override { task(); }
};

class Keeping final : public StreamHandler<v1::ActRequest, v1::ActResponse> {
 public:
  void OnOpen(std::shared_ptr<StreamWriter<v1::ActResponse>>) override {}
  void OnMessage(v1::ActRequest) override {}
  void OnHalfClose() override {}
  void OnClosed() override {}
};

class StreamTest : public testing::Test {
 protected:
  using Core = internal::StreamCore<v1::ActRequest, v1::ActResponse, FakeReactor>;

  static v1::ActRequest OfBytes(size_t bytes) {
    v1::ActRequest request;
    request.mutable_create_session()->set_environment(std::string(bytes, 'x'));
    return request;
  }

  static v1::ActResponse ReplyOfBytes(size_t bytes) {
    v1::ActResponse response;
    response.mutable_error()->set_message(std::string(bytes, 'x'));
    return response;
  }

  grpc::CallbackServerContext context_;
  Inline pool_;
  FakeReactor reactor_;
  const std::shared_ptr<Core> core_ = std::make_shared<Core>(&reactor_, context_, pool_, std::make_unique<Keeping>(), 4, nullptr);
};

TEST_F(StreamTest, ReadsNoMoreThanSoManySmallMessages) {
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(core_->Received(OfBytes(10))) << i;
  EXPECT_FALSE(core_->Received(OfBytes(10)));
  EXPECT_EQ(reactor_.reads, 0);
  core_->Release();
  EXPECT_EQ(reactor_.reads, 1);
}

TEST_F(StreamTest, ReadsNothingBehindALargeMessageUntilItIsReleased) {
  EXPECT_TRUE(core_->Received(OfBytes(10)));
  EXPECT_FALSE(core_->Received(OfBytes(kMaxUnreleasedBytes)));
  core_->Release();
  EXPECT_EQ(reactor_.reads, 0) << "the small one";
  core_->Release();
  EXPECT_EQ(reactor_.reads, 1);
  EXPECT_TRUE(core_->Received(OfBytes(10)));
  // More than there is to release does no harm.
  for (int i = 0; i < 3; ++i) core_->Release();
  EXPECT_TRUE(core_->Received(OfBytes(10)));
}

TEST_F(StreamTest, AMessageIsDoneWithWhenItsAnswerWentOutAndNoSooner) {
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(core_->Received(OfBytes(10))) << i;
  EXPECT_FALSE(core_->Received(OfBytes(10)));
  for (int i = 0; i < 4; ++i) core_->WriteAndRelease(ReplyOfBytes(10));
  EXPECT_EQ(reactor_.writes, 1) << "one at a time";
  EXPECT_EQ(reactor_.reads, 0) << "the client takes nothing";
  core_->Written(true);
  EXPECT_EQ(reactor_.writes, 2);
  EXPECT_EQ(reactor_.reads, 1);
  EXPECT_FALSE(core_->Received(OfBytes(10))) << "three answers are still there";
}

TEST_F(StreamTest, ReadsNothingWhileLargeAnswersWaitForTheClient) {
  EXPECT_TRUE(core_->Received(OfBytes(10)));
  core_->WriteAndRelease(ReplyOfBytes(10));
  core_->Write(ReplyOfBytes(kMaxUnwrittenBytes));
  EXPECT_FALSE(core_->Received(OfBytes(10)));
  core_->Written(true);
  EXPECT_EQ(reactor_.reads, 0) << "the small one";
  core_->Release();
  EXPECT_EQ(reactor_.reads, 0) << "nothing is with the handler, and the large one is still there";
  core_->Written(true);
  EXPECT_EQ(reactor_.reads, 1);
  EXPECT_TRUE(core_->Received(OfBytes(10)));
}

TEST_F(StreamTest, GoesOnForAsLongAsItsClientLikes) { EXPECT_EQ(core_->call().deadline(), absl::InfiniteFuture()); }

TEST_F(StreamTest, NothingIsReadOnceTheClientIsGone) {
  EXPECT_TRUE(core_->Received(OfBytes(10)));
  core_->WriteAndRelease(ReplyOfBytes(kMaxUnwrittenBytes));
  core_->WriteAndRelease(ReplyOfBytes(10));
  EXPECT_FALSE(core_->Received(OfBytes(10)));
  core_->Written(false);
  EXPECT_EQ(reactor_.reads, 0);
  EXPECT_EQ(reactor_.writes, 1) << "what was queued is dropped";
}

}  // namespace
}  // namespace proctor::server
