#include "evaluator/evaluator_store.h"

#include <memory>
#include <string>

#include "evaluator/evaluate.h"
#include "evaluator/evaluator_config.h"
#include "evaluator/presets.h"
#include "gtest/gtest.h"
#include "storage/memory_database.h"
#include "storage/sqlite_database.h"
#include "tests/storage/temp_directory.h"

namespace proctor::evaluator {
namespace {

v1::Evaluator Named(const std::string& name, double threshold = 1) {
  v1::Evaluator evaluator;
  evaluator.set_name("evaluators/" + name);
  evaluator.mutable_oracle()->mutable_gave_up();
  evaluator.set_success_threshold(threshold);
  return evaluator;
}

v1::Verdict VerdictOf(int i) {
  v1::Verdict verdict;
  verdict.set_name("verdicts/v" + std::to_string(i));
  verdict.set_trajectory(i % 2 == 0 ? "trajectories/even" : "trajectories/odd");
  verdict.set_evaluator("evaluators/oracle");
  verdict.set_outcome(v1::OUTCOME_SUCCESS);
  return verdict;
}

class EvaluatorStoreTest : public ::testing::TestWithParam<bool> {
 protected:
  void SetUp() override { Open(); }
  void Open() {
    database_.reset();
    absl::StatusOr<std::unique_ptr<storage::Database>> database =
        GetParam() ? storage::OpenSqliteDatabase({.directory = directory_.path(),
                                                  .durability = storage::Durability::kProcess})
                   : storage::NewMemoryDatabase();
    ASSERT_TRUE(database.ok()) << database.status();
    database_ = *std::move(database);
    ASSERT_TRUE(MigrateTables(*database_).ok());
  }
  EvaluatorStore evaluators() { return EvaluatorStore(*database_, clock_); }
  VerdictStore verdicts() { return VerdictStore(*database_, clock_); }

  storage::TempDirectory directory_;
  SimulatedClock clock_;
  std::unique_ptr<storage::Database> database_;
  CallContext context_;
};

TEST_P(EvaluatorStoreTest, TheTaskOracleIsAlwaysThere) {
  EXPECT_EQ(evaluators().Get(context_, "")->name(), "evaluators/oracle");
  EXPECT_EQ(evaluators().Get(context_, "evaluators/oracle")->version(),
            TaskOracleEvaluator().version());
  EXPECT_TRUE(evaluators().Create(context_, TaskOracleEvaluator()).ok());
  EXPECT_EQ(evaluators().Create(context_, Named("oracle")).status().code(),
            absl::StatusCode::kAlreadyExists);
}

TEST_P(EvaluatorStoreTest, PresetsAreAlwaysThereInTheOrderOfNames) {
  const auto listed = evaluators().List(context_);
  ASSERT_TRUE(listed.ok()) << listed.status();
  EXPECT_EQ(listed->size(), Presets().size() + 1);
  EXPECT_TRUE(std::is_sorted(listed->begin(), listed->end(),
                             [](const auto& a, const auto& b) { return a.name() < b.name(); }));
  EXPECT_EQ(evaluators().Get(context_, "evaluators/pae")->version(), Presets()[6].version());
  EXPECT_EQ(evaluators().Create(context_, Named("pae")).status().code(), absl::StatusCode::kAlreadyExists);
}

TEST_P(EvaluatorStoreTest, ANameKeepsItsConfiguration) {
  const absl::StatusOr<v1::Evaluator> first = evaluators().Create(context_, Named("a"));
  ASSERT_TRUE(first.ok()) << first.status();
  clock_.Advance(absl::Hours(1));
  const absl::StatusOr<v1::Evaluator> again = evaluators().Create(context_, Named("a"));
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(first->SerializeAsString(), again->SerializeAsString());
  EXPECT_EQ(evaluators().Create(context_, Named("a", 0.5)).status().code(),
            absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(evaluators().Get(context_, "evaluators/none").status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_EQ(evaluators().Get(context_, "tasks/none").status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_P(EvaluatorStoreTest, AConfigurationStoredUnderOtherRulesIsTheSameWithTheVersionInForce) {
  v1::Evaluator old = Named("a");
  old.set_version("of other rules");
  old.mutable_create_time()->set_seconds(7);
  ASSERT_TRUE(database_
                  ->Write(context_,
                          [&](storage::Transaction& transaction) {
                            return transaction
                                .Execute("INSERT INTO evaluator_evaluators (id, version, body) VALUES ($1, $2, $3)",
                                         {std::string("a"), old.version(), storage::Bytes{old.SerializeAsString()}})
                                .status();
                          })
                  .ok());
  const std::string in_force = EvaluatorVersion(Named("a"));
  const absl::StatusOr<v1::Evaluator> created = evaluators().Create(context_, Named("a"));
  ASSERT_TRUE(created.ok()) << created.status();
  EXPECT_EQ(created->version(), in_force);
  EXPECT_EQ(created->create_time().seconds(), 7);
  EXPECT_EQ(evaluators().Get(context_, "evaluators/a")->version(), in_force);
  EXPECT_EQ(evaluators().List(context_)->front().version(), in_force);
  EXPECT_EQ(evaluators().Create(context_, Named("a", 0.5)).status().code(), absl::StatusCode::kAlreadyExists);
}

TEST_P(EvaluatorStoreTest, VerdictsArePagedNewestFirst) {
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(verdicts().Put(context_, VerdictOf(i)).ok());
  v1::ListVerdictsRequest request;
  request.set_page_size(2);
  std::string names;
  do {
    const absl::StatusOr<v1::ListVerdictsResponse> page = verdicts().List(context_, request);
    ASSERT_TRUE(page.ok()) << page.status();
    for (const v1::Verdict& verdict : page->verdicts()) names += verdict.name().substr(9) + " ";
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  EXPECT_EQ(names, "v4 v3 v2 v1 v0 ");
  request.Clear();
  request.set_trajectory("trajectories/odd");
  EXPECT_EQ(verdicts().List(context_, request)->verdicts_size(), 2);
  request.set_evaluator("evaluators/other");
  EXPECT_EQ(verdicts().List(context_, request)->verdicts_size(), 0);
  request.set_page_token("x");
  EXPECT_EQ(verdicts().List(context_, request).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_P(EvaluatorStoreTest, APageOfVerdictsEndsBeforeItIsTooLargeForAMessage) {
  for (int i = 0; i < 3; ++i) {
    v1::Verdict verdict = VerdictOf(i);
    verdict.set_rationale(std::string(2 << 20, 'x'));
    ASSERT_TRUE(verdicts().Put(context_, verdict).ok());
  }
  v1::ListVerdictsRequest request;
  request.set_page_size(1000);
  std::string names;
  do {
    const absl::StatusOr<v1::ListVerdictsResponse> page = verdicts().List(context_, request);
    ASSERT_TRUE(page.ok()) << page.status();
    ASSERT_EQ(page->verdicts_size(), 1);
    names += page->verdicts(0).name().substr(9) + " ";
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  EXPECT_EQ(names, "v2 v1 v0 ");
}

TEST_P(EvaluatorStoreTest, StoringAVerdictAgainKeepsTheFirst) {
  const absl::StatusOr<v1::Verdict> first = verdicts().Put(context_, VerdictOf(1));
  clock_.Advance(absl::Hours(1));
  EXPECT_EQ(verdicts().Put(context_, VerdictOf(1))->SerializeAsString(),
            first->SerializeAsString());
  EXPECT_EQ(verdicts().List(context_, {})->verdicts_size(), 1);
}

TEST_P(EvaluatorStoreTest, SurvivesARestart) {
  if (!GetParam()) return;  // only files outlive their object
  ASSERT_TRUE(evaluators().Create(context_, Named("a")).ok());
  ASSERT_TRUE(verdicts().Put(context_, VerdictOf(1)).ok());
  Open();
  EXPECT_TRUE(evaluators().Get(context_, "evaluators/a").ok());
  EXPECT_TRUE(verdicts().Get(context_, "verdicts/v1").ok());
}

INSTANTIATE_TEST_SUITE_P(Databases, EvaluatorStoreTest, ::testing::Values(false, true),
                         [](const auto& info) { return info.param ? "Sqlite" : "Memory"; });

}  // namespace
}  // namespace proctor::evaluator
