#include "server/label_draws.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/retry_hint.h"
#include "evaluator/evaluate.h"
#include "evaluator/evaluator_config.h"
#include "gtest/gtest.h"
#include "tests/server/data_fixture.h"

namespace proctor::server {
namespace {

// Keeps what is posted until it is told to run it.
class HeldExecutor final : public Executor {
 public:
  void Post(std::function<void()> task) override { tasks_.push_back(std::move(task)); }
  size_t held() const { return tasks_.size(); }
  void RunOne() {
    ASSERT_FALSE(tasks_.empty());
    const std::function<void()> task = std::move(tasks_.front());
    tasks_.erase(tasks_.begin());
    task();
  }

 private:
  std::vector<std::function<void()>> tasks_;
};

class LabelDrawsTest : public DataFixture {
 protected:
  using Answer = std::optional<absl::StatusOr<v1::LabelSample>>;

  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(Open());
    accounts_ = TenantAccounts::Open(CallContext(), {*data_->database, account_pool_, clock_}).value();
    quotas_ = std::make_unique<TenantQuotas>(v1::QuotaConfig(), *accounts_, clock_);
    runner_ = std::make_unique<JobRunner>(JobRunner::Parts{*data_->jobs, account_pool_});
    writes_ = std::make_unique<TenantWrites>(*quotas_, *accounts_, *runner_);
    draws_ = std::make_unique<LabelDraws>(*data_, *writes_, background_);
    request_.mutable_sample()->set_evaluator("evaluators/oracle");
    request_.mutable_sample()->set_size(2);
  }

  // A trajectory with the oracle's verdict; returns its name.
  std::string Judged(const std::string& id) {
    const std::string name = "trajectories/" + Record(id);
    const v1::Trajectory trajectory = data_->trajectories->Get(CallContext(), name).value();
    const v1::Verdict verdict = evaluator::Evaluate(evaluator::TaskOracleEvaluator(), trajectory).value();
    EXPECT_TRUE(data_->verdicts->Put(CallContext(), verdict).ok());
    return name;
  }
  std::shared_ptr<Answer> Begin(const std::string& tenant, const CallContext& context = CallContext()) {
    auto answer = std::make_shared<Answer>();
    draws_->Begin(context, Caller{.name = "anna", .tenant = tenant}, request_, [answer](absl::StatusOr<v1::LabelSample> sample) {
      EXPECT_FALSE(answer->has_value()) << "answered twice";
      *answer = std::move(sample);
    });
    return answer;
  }
  static void ExpectRefused(const Answer& answer) {
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(answer->status().code(), absl::StatusCode::kResourceExhausted) << answer->status();
    EXPECT_TRUE(RetryHint(answer->status()).has_value());
  }

  v1::DrawLabelSampleRequest request_;
  std::unique_ptr<TenantAccounts> accounts_;
  std::unique_ptr<TenantQuotas> quotas_;
  std::unique_ptr<JobRunner> runner_;
  std::unique_ptr<TenantWrites> writes_;
  HeldExecutor background_;
  std::unique_ptr<LabelDraws> draws_;
  ThreadPool account_pool_{"account", 1};
};

TEST_F(LabelDrawsTest, DrawsFromWhatIsJudged) {
  std::vector<std::string> judged;
  for (const char* id : {"a", "b", "c"}) {
    judged.push_back(Judged(id));
    Record(std::string(id) + "-unjudged");
    clock_.Advance(absl::Seconds(1));
  }
  request_.mutable_sample()->set_size(10);
  const auto all = DrawLabelSample(CallContext(), request_.sample(), *data_);
  ASSERT_TRUE(all.ok()) << all.status();
  EXPECT_EQ(all->population(), 3);
  // Oldest first.
  std::vector<std::string> drawn;
  for (const v1::DrawnTrajectory& one : all->drawn()) drawn.push_back(one.trajectory());
  EXPECT_EQ(drawn, judged);
  request_.mutable_sample()->set_size(2);
  const auto two = DrawLabelSample(CallContext(), request_.sample(), *data_);
  ASSERT_TRUE(two.ok()) << two.status();
  ASSERT_EQ(two->drawn_size(), 2);
  EXPECT_DOUBLE_EQ(two->drawn(0).inclusion_probability(), 2.0 / 3);
  EXPECT_EQ(DrawLabelSample(CallContext(), request_.sample(), *data_)->name(), two->name());
}

TEST_F(LabelDrawsTest, FewDrawAtOnceAndOfATenantOne) {
  Judged("a");
  const auto first = Begin("lab");
  EXPECT_FALSE(first->has_value()) << "not on the caller's thread";
  ExpectRefused(*Begin("lab"));
  const auto second = Begin("other");
  EXPECT_EQ(background_.held(), LabelDraws::kAtOnce);
  ExpectRefused(*Begin("third"));
  EXPECT_EQ(background_.held(), LabelDraws::kAtOnce);
  background_.RunOne();
  ASSERT_TRUE(first->has_value());
  EXPECT_TRUE((*first)->ok()) << (*first)->status();
  EXPECT_FALSE(second->has_value());
  ExpectRefused(*Begin("other"));
  const auto third = Begin("third");
  background_.RunOne();
  background_.RunOne();
  for (const auto& answer : {second, third}) {
    ASSERT_TRUE(answer->has_value());
    EXPECT_TRUE((*answer)->ok()) << (*answer)->status();
  }
}

TEST_F(LabelDrawsTest, WhatFailsMakesRoomAsWell) {
  // Nothing is judged.
  const auto none = Begin("lab");
  background_.RunOne();
  ASSERT_TRUE(none->has_value());
  EXPECT_EQ((*none)->status().code(), absl::StatusCode::kFailedPrecondition);
  Judged("a");
  CallContext gone;
  const auto cancelled = Begin("lab", gone);
  EXPECT_FALSE(cancelled->has_value());
  gone.cancel()->Cancel();
  background_.RunOne();
  ASSERT_TRUE(cancelled->has_value());
  EXPECT_EQ((*cancelled)->status().code(), absl::StatusCode::kCancelled) << (*cancelled)->status();
  const auto drawn = Begin("lab");
  background_.RunOne();
  ASSERT_TRUE(drawn->has_value());
  EXPECT_TRUE((*drawn)->ok()) << (*drawn)->status();
}

}  // namespace
}  // namespace proctor::server
