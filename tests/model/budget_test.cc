#include "model/budget.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "model/tables.h"
#include "storage/memory_database.h"

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
  // Reserves `most`, then spends and records `cost`.
  v1::ModelFailure Spend(Budget& budget, const Payer& payer, double most, double cost) {
    Reservation reservation;
    const Failure failure = budget.Reserve(CallContext(), payer, most, reservation);
    if (!failure.ok()) return failure.kind;
    budget.Settle(reservation, cost);
    EXPECT_TRUE(
        database_
            ->Write(CallContext(),
                    [&](storage::Transaction& transaction) { return Budget::Record(transaction, reservation, cost); })
            .ok());
    return v1::MODEL_FAILURE_UNSPECIFIED;
  }

  SimulatedClock clock_;
  std::unique_ptr<storage::Database> database_;
};

const Payer kJudge = {.evaluator = "evaluators/judge", .job = "jobs/1"};

TEST_F(BudgetTest, RefusesWhatMayCostMoreThanIsLeft) {
  const auto budget = New(Limits(1, 0, 0));
  EXPECT_EQ(Spend(*budget, {}, 0.6, 0.5), v1::MODEL_FAILURE_UNSPECIFIED);
  EXPECT_EQ(Spend(*budget, {}, 0.6, 0.6), v1::MODEL_FAILURE_BUDGET);
  EXPECT_EQ(Spend(*budget, {}, 0.5, 0.5), v1::MODEL_FAILURE_UNSPECIFIED);
  EXPECT_DOUBLE_EQ(budget->Spent("day"), 1);
  Reservation reservation;
  const Failure spent = budget->Reserve(CallContext(), {}, 0.01, reservation);
  EXPECT_THAT(spent.detail, HasSubstr("the budget of day has no room: $1.000000 of $1.000000 spent"));
  EXPECT_TRUE(reservation.shares.empty());
}

TEST_F(BudgetTest, RunningCallsCountWithWhatTheyMayCost) {
  const auto budget = New(Limits(1, 0, 0));
  Reservation first, second;
  EXPECT_TRUE(budget->Reserve(CallContext(), {}, 0.7, first).ok());
  EXPECT_EQ(budget->Reserve(CallContext(), {}, 0.7, second).kind, v1::MODEL_FAILURE_BUDGET);
  budget->Settle(first, 0.1);
  EXPECT_TRUE(budget->Reserve(CallContext(), {}, 0.7, second).ok());
}

TEST_F(BudgetTest, TellsWhetherRunningCallsAloneStandInTheWay) {
  const auto budget = New(Limits(1, 0.9, 0));
  Reservation first, second;
  bool busy = false;
  EXPECT_TRUE(budget->Reserve(CallContext(), kJudge, 0.7, first, &busy).ok());
  EXPECT_FALSE(busy);
  EXPECT_EQ(budget->Reserve(CallContext(), kJudge, 0.7, second, &busy).kind, v1::MODEL_FAILURE_BUDGET);
  EXPECT_TRUE(busy);
  // More than the evaluator may spend in a day: no waiting helps, whatever the day's budget says.
  EXPECT_EQ(budget->Reserve(CallContext(), kJudge, 0.95, second, &busy).kind, v1::MODEL_FAILURE_BUDGET);
  EXPECT_FALSE(busy);
  budget->Settle(first, 0.3);
  EXPECT_EQ(budget->Reserve(CallContext(), kJudge, 0.7, second, &busy).kind, v1::MODEL_FAILURE_BUDGET);
  EXPECT_FALSE(busy);
}

TEST_F(BudgetTest, WhoWaitsIsToldWhenACallHasEnded) {
  const auto budget = New(Limits(1, 0, 0));
  TimerQueue queue;
  QueueTimers timers(queue);
  std::vector<absl::StatusCode> told;
  const auto tell = [&](const absl::Status& status) { told.push_back(status.code()); };
  const int64_t before = budget->settled();
  budget->AwaitSettled(CallContext(), timers, before, tell);
  const CallContext cancelled;
  budget->AwaitSettled(cancelled, timers, before, tell);
  EXPECT_TRUE(told.empty());
  cancelled.cancel()->Cancel();
  EXPECT_THAT(told, testing::ElementsAre(absl::StatusCode::kCancelled));
  budget->Settle(Reservation(), 0);
  EXPECT_THAT(told, testing::ElementsAre(absl::StatusCode::kCancelled, absl::StatusCode::kOk));
  // One has ended since the count was read.
  budget->AwaitSettled(CallContext(), timers, before, tell);
  EXPECT_EQ(told.size(), 3u);
}

TEST_F(BudgetTest, ACallThatGoesOnSetsMoreAsideOrIsRefused) {
  const auto budget = New(Limits(1, 0, 0));
  Reservation call, other;
  EXPECT_TRUE(budget->Reserve(CallContext(), {}, 0.4, call).ok());
  EXPECT_TRUE(budget->ReserveMore(0.4, call).ok());
  EXPECT_EQ(budget->ReserveMore(0.4, call).kind, v1::MODEL_FAILURE_BUDGET);
  EXPECT_EQ(budget->Reserve(CallContext(), {}, 0.4, other).kind, v1::MODEL_FAILURE_BUDGET);
  budget->Settle(call, 0.6);
  EXPECT_DOUBLE_EQ(budget->Spent("day"), 0.6);
  EXPECT_TRUE(budget->Reserve(CallContext(), {}, 0.4, other).ok());
}

TEST_F(BudgetTest, WhatCostsNothingFitsInWhereMoreWasSpentThanAllowed) {
  const auto budget = New(Limits(1, 0, 0));
  EXPECT_EQ(Spend(*budget, {}, 1, 1.2), v1::MODEL_FAILURE_UNSPECIFIED);
  Reservation free, paid;
  EXPECT_TRUE(budget->Reserve(CallContext(), {}, 0, free).ok());
  EXPECT_TRUE(budget->ReserveMore(0, free).ok());
  EXPECT_EQ(budget->Reserve(CallContext(), {}, 0.01, paid).kind, v1::MODEL_FAILURE_BUDGET);
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
  Reservation reservation;
  EXPECT_EQ(New(Limits(1, 0, 0))->Reserve(CallContext(), {}, std::nullopt, reservation).kind, v1::MODEL_FAILURE_BUDGET);
  EXPECT_TRUE(New(Limits(0, 0, 0))->Reserve(CallContext(), kJudge, std::nullopt, reservation).ok());
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
