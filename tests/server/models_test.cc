#include "server/models.h"

#include <chrono>
#include <future>
#include <memory>

#include "gtest/gtest.h"
#include "storage/memory_database.h"

namespace proctor::server {
namespace {

class ModelsTest : public testing::Test {
 protected:
  std::unique_ptr<Models> Make(const v1::ModelConfig& config) {
    auto models = Models::Create(config, {.database = *database_, .timers = timers_, .pool = pool_});
    EXPECT_TRUE(models.ok()) << models.status();
    return *std::move(models);
  }
  static v1::ModelConfig OneEndpoint() {
    v1::ModelConfig config;
    v1::ModelEndpoint& endpoint = (*config.mutable_endpoints())["judge"];
    endpoint.set_base_url("http://127.0.0.1:1/v1");
    endpoint.set_model("m");
    return config;
  }
  static model::ChatRequest Question() {
    model::ChatRequest request;
    request.messages.push_back({.role = model::Role::kUser, .parts = {model::TextPart{"Done?"}}});
    return request;
  }

  const std::unique_ptr<storage::Database> database_ = storage::NewMemoryDatabase().value();
  TimerQueue timers_;
  ThreadPool pool_{"model", 2};
};

TEST_F(ModelsTest, WhoeverAsksAfterTheStopIsToldSoAtOnce) {
  const auto models = Make(OneEndpoint());
  const auto judge = models->For({});
  models->Stop();
  bool told = false;
  judge->Ask(CallContext(), "", Question(), [&told](model::ChatReply reply) {
    EXPECT_EQ(reply.call.failure(), v1::MODEL_FAILURE_CANCELLED);
    told = true;
  });
  EXPECT_TRUE(told);
  EXPECT_TRUE(models->any());
  models->Stop();
}

TEST_F(ModelsTest, StoppingEndsWhatIsUnderWay) {
  const auto models = Make(OneEndpoint());
  const auto judge = models->For({});
  std::promise<v1::ModelFailure> ended;
  judge->Ask(CallContext::WithTimeout(absl::Minutes(5)), "", Question(),
             [&ended](model::ChatReply reply) { ended.set_value(reply.call.failure()); });
  models->Stop();
  // Before Stop returned.
  auto answer = ended.get_future();
  ASSERT_EQ(answer.wait_for(std::chrono::seconds(0)), std::future_status::ready);
  EXPECT_NE(answer.get(), v1::MODEL_FAILURE_UNSPECIFIED);
}

TEST_F(ModelsTest, WithoutAnyItIsSaidThatNoneIsConfigured) {
  const auto models = Make({});
  EXPECT_FALSE(models->any());
  bool told = false;
  models->For({})->Ask(CallContext(), "", Question(), [&told](model::ChatReply reply) {
    EXPECT_EQ(reply.call.failure_detail(), "no model is configured");
    told = true;
  });
  EXPECT_TRUE(told);
}

}  // namespace
}  // namespace proctor::server
