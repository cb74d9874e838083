#include "model/budget.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "model/tables.h"
#include "storage/memory_database.h"
#include "tests/model/simulated_timers.h"

namespace proctor::model {
namespace {

using testing::HasSubstr;

v1::ModelBudgets Limits(double day, double evaluator, double job) {
  v1::ModelBudgets limits;
  limits.set_day_usd(day);
  limits.set_evaluator_usd(evaluator);
  limits.set_job_usd(job);
  return limits;
}

class BudgetTest : public testing::Test {
 protected:
  BudgetTest() : database_(*storage::NewMemoryDatabase()) { MigrateTables(*database_).IgnoreError(); }
  std::unique_ptr<Budget> New(const v1::ModelBudgets& limits) {
    return std::make_unique<Budget>(limits, database_.get(), clock_);
  }
  // A call that asks for money.
  struct Call {
    bool told = false;
    Failure failure;
    Reservation reservation;

    bool began() const { return told && failure.ok(); }
  };
  std::shared_ptr<Call> Begin(Budget& budget, std::optional<double> most, const Payer& payer = {}, const CallContext& context = CallContext()) {
    const auto call = std::make_shared<Call>();
    budget.Reserve(context, timers_, payer, most, [call](Failure failure, Reservation reservation) {
      EXPECT_FALSE(call->told);
      *call = {.told = true, .failure = std::move(failure), .reservation = std::move(reservation)};
    });
    return call;
  }
  // Reserves `most`, if need be after a wait for other threads; then spends and records `cost`.
  v1::ModelFailure Spend(Budget& budget, const Payer& payer, double most, double cost) {
    std::promise<std::pair<Failure, Reservation>> told;
    budget.Reserve(CallContext(), timers_, payer, most, [&](Failure failure, Reservation reservation) {
      told.set_value({std::move(failure), std::move(reservation)});
    });
    const std::pair<Failure, Reservation> came = told.get_future().get();
    if (!came.first.ok()) return came.first.kind;
    budget.Settle(came.second, cost);
    EXPECT_TRUE(
        database_
            ->Write(CallContext(),
                    [&](storage::Transaction& transaction) { return Budget::Record(transaction, came.second, cost); })
            .ok());
    return v1::MODEL_FAILURE_UNSPECIFIED;
  }

  SimulatedClock clock_;
  SimulatedTimers timers_{clock_};
  std::unique_ptr<storage::Database> database_;
};

const Payer kJudge = {.evaluator = "evaluators/judge", .job = "jobs/1"};

TEST_F(BudgetTest, RefusesWhatMayCostMoreThanIsLeft) {
  const auto budget = New(Limits(1, 0, 0));
  EXPECT_EQ(Spend(*budget, {}, 0.6, 0.5), v1::MODEL_FAILURE_UNSPECIFIED);
  EXPECT_EQ(Spend(*budget, {}, 0.6, 0.6), v1::MODEL_FAILURE_BUDGET);
  EXPECT_EQ(Spend(*budget, {}, 0.5, 0.5), v1::MODEL_FAILURE_UNSPECIFIED);
  EXPECT_DOUBLE_EQ(budget->Spent("day"), 1);
  const auto spent = Begin(*budget, 0.01);
  EXPECT_EQ(spent->failure.kind, v1::MODEL_FAILURE_BUDGET);
  EXPECT_THAT(spent->failure.detail, HasSubstr("the budget of day has no room: $1.000000 of $1.000000 spent"));
  EXPECT_TRUE(spent->reservation.shares.empty());
}

TEST_F(BudgetTest, RunningCallsCountWithWhatTheyMayCost) {
  const auto budget = New(Limits(1, 0, 0));
  const auto first = Begin(*budget, 0.7), second = Begin(*budget, 0.7);
  EXPECT_TRUE(first->began());
  EXPECT_FALSE(second->told);
  budget->Settle(first->reservation, 0.1);
  EXPECT_TRUE(second->began());
}

TEST_F(BudgetTest, WhoseMoneyIsSpentMeanwhileIsRefused) {
  const auto budget = New(Limits(1, 0.9, 0));
  const auto first = Begin(*budget, 0.7, kJudge), second = Begin(*budget, 0.7, kJudge);
  // More than the evaluator may spend in a day: no waiting helps, whatever the day's budget says.
  EXPECT_EQ(Begin(*budget, 0.95, kJudge)->failure.kind, v1::MODEL_FAILURE_BUDGET);
  EXPECT_FALSE(second->told);
  budget->Settle(first->reservation, 0.3);
  EXPECT_EQ(second->failure.kind, v1::MODEL_FAILURE_BUDGET);
}

TEST_F(BudgetTest, CallsBeginInTheOrderInWhichTheyAsked) {
  const auto budget = New(Limits(1, 0, 0));
  const auto first = Begin(*budget, 0.5), second = Begin(*budget, 0.5);
  const auto large = Begin(*budget, 0.8), small = Begin(*budget, 0.2);
  budget->Settle(first->reservation, 0);
  // It would fit in, but the large one was here before.
  EXPECT_FALSE(small->told);
  EXPECT_FALSE(large->told);
  budget->Settle(second->reservation, 0);
  EXPECT_TRUE(large->began());
  EXPECT_TRUE(small->began());
}

TEST_F(BudgetTest, WhoWaitsKeepsOnlyThoseOfTheSameBudgetWaiting) {
  const auto budget = New(Limits(10, 1, 0));
  const Payer other = {.evaluator = "evaluators/other", .job = ""};
  const auto running = Begin(*budget, 1, kJudge), waits = Begin(*budget, 1, kJudge);
  EXPECT_FALSE(waits->told);
  EXPECT_TRUE(Begin(*budget, 1, other)->began());
  budget->Settle(running->reservation, 0);
  EXPECT_TRUE(waits->began());
  // Here they share one, and what is left is for the one that waits.
  const auto day = New(Limits(2, 1, 0));
  const auto runs = Begin(*day, 1, kJudge), first = Begin(*day, 1, kJudge);
  EXPECT_FALSE(Begin(*day, 0.5, other)->told);
  day->Settle(runs->reservation, 0);
  EXPECT_TRUE(first->began());
}

TEST_F(BudgetTest, AWaitEndsWithItsContextAndThoseBehindItGoOn) {
  const auto budget = New(Limits(1, 0, 0));
  const auto running = Begin(*budget, 0.5);
  const CallContext context;
  const auto cancelled = Begin(*budget, 0.8, {}, context);
  const auto late = Begin(*budget, 0.9, {}, CallContext::WithTimeout(absl::Hours(1)));
  const auto behind = Begin(*budget, 0.5);
  EXPECT_FALSE(cancelled->told);
  context.cancel()->Cancel();
  EXPECT_EQ(cancelled->failure.kind, v1::MODEL_FAILURE_CANCELLED);
  EXPECT_TRUE(cancelled->reservation.shares.empty());
  EXPECT_FALSE(behind->told);
  timers_.Advance(absl::Hours(1));
  EXPECT_EQ(late->failure.kind, v1::MODEL_FAILURE_TIMEOUT);
  EXPECT_THAT(late->failure.detail, HasSubstr("$0.500000 set aside for running calls, $0.900000 asked"));
  EXPECT_TRUE(behind->began());
  EXPECT_EQ(Begin(*budget, 0.1, {}, context)->failure.kind, v1::MODEL_FAILURE_CANCELLED);
  budget->Settle(running->reservation, 0);
  EXPECT_TRUE(Begin(*budget, 0.5)->began());
}

TEST_F(BudgetTest, ACallThatGoesOnSetsMoreAsideOrIsRefused) {
  const auto budget = New(Limits(1, 0, 0));
  const auto call = Begin(*budget, 0.4);
  EXPECT_TRUE(budget->ReserveMore(0.4, call->reservation).ok());
  EXPECT_EQ(budget->ReserveMore(0.4, call->reservation).kind, v1::MODEL_FAILURE_BUDGET);
  const auto other = Begin(*budget, 0.4);
  EXPECT_FALSE(other->told);
  budget->Settle(call->reservation, 0.6);
  EXPECT_DOUBLE_EQ(budget->Spent("day"), 0.6);
  EXPECT_TRUE(other->began());
}

TEST_F(BudgetTest, WhatCostsNothingFitsInWhereMoreWasSpentThanAllowed) {
  const auto budget = New(Limits(1, 0, 0));
  EXPECT_EQ(Spend(*budget, {}, 1, 1.2), v1::MODEL_FAILURE_UNSPECIFIED);
  const auto free = Begin(*budget, 0);
  EXPECT_TRUE(free->began());
  EXPECT_TRUE(budget->ReserveMore(0, free->reservation).ok());
  EXPECT_EQ(Begin(*budget, 0.01)->failure.kind, v1::MODEL_FAILURE_BUDGET);
}

TEST_F(BudgetTest, EvaluatorsJobsAndDaysHaveTheirOwn) {
  const auto budget = New(Limits(0, 1, 2));
  EXPECT_EQ(Spend(*budget, kJudge, 1, 1), v1::MODEL_FAILURE_UNSPECIFIED);
  EXPECT_EQ(Spend(*budget, kJudge, 1, 1), v1::MODEL_FAILURE_BUDGET);
  EXPECT_EQ(Spend(*budget, {.evaluator = "evaluators/other", .job = "jobs/1"}, 1, 1), v1::MODEL_FAILURE_UNSPECIFIED);
  EXPECT_EQ(Spend(*budget, {.evaluator = "evaluators/third", .job = "jobs/1"}, 1, 1), v1::MODEL_FAILURE_BUDGET);
  clock_.Advance(absl::Hours(24));
  EXPECT_EQ(Spend(*budget, {.evaluator = "evaluators/judge", .job = "jobs/2"}, 1, 1), v1::MODEL_FAILURE_UNSPECIFIED);
  EXPECT_EQ(Spend(*budget, {.evaluator = "evaluators/new", .job = "jobs/1"}, 1, 1), v1::MODEL_FAILURE_BUDGET);
}

TEST_F(BudgetTest, CallersLimitReplacesTheConfiguredOne) {
  const auto budget = New(Limits(0, 1, 1));
  Payer payer = kJudge;
  payer.evaluator_usd = 3;
  payer.job_usd = 2;
  EXPECT_EQ(Spend(*budget, payer, 2, 2), v1::MODEL_FAILURE_UNSPECIFIED);
  EXPECT_EQ(Spend(*budget, payer, 0.5, 0.5), v1::MODEL_FAILURE_BUDGET);
}

TEST_F(BudgetTest, SpendingIsKnownAfterARestart) {
  EXPECT_EQ(Spend(*New(Limits(1, 0, 0)), kJudge, 0.9, 0.9), v1::MODEL_FAILURE_UNSPECIFIED);
  const auto again = New(Limits(1, 0, 1));
  EXPECT_EQ(Spend(*again, kJudge, 0.2, 0.2), v1::MODEL_FAILURE_BUDGET);
  EXPECT_DOUBLE_EQ(again->Spent("day"), 0.9);
  EXPECT_DOUBLE_EQ(again->Spent("job:jobs/1"), 0.9);
}

TEST_F(BudgetTest, ModelWithoutAPriceIsRefusedWhereABudgetHolds) {
  EXPECT_EQ(Begin(*New(Limits(1, 0, 0)), std::nullopt)->failure.kind, v1::MODEL_FAILURE_BUDGET);
  EXPECT_TRUE(Begin(*New(Limits(0, 0, 0)), std::nullopt, kJudge)->began());
}

TEST_F(BudgetTest, NeverOverdrawnByManyThreads) {
  const auto budget = New(Limits(1, 0, 0));
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < 100; ++k) Spend(*budget, {}, 0.01, 0.008);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(budget->Spent("day"), 1 + 1e-9);
  EXPECT_GT(budget->Spent("day"), 0.9);
}

}  // namespace
}  // namespace proctor::model
