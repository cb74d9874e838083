#include "server/judged_episodes.h"

#include <map>
#include <string>
#include <vector>

#include "evaluator/evaluate.h"
#include "evaluator/evaluator_config.h"
#include "gmock/gmock.h"
#include "tests/server/data_fixture.h"

namespace proctor::server {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

class JudgedEpisodesTest : public DataFixture {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(Open());
    for (const char* id : {"a", "b"}) {
      judged_.push_back("trajectories/" + Record(id, v1::OUTCOME_SUCCESS, v1::SPLIT_VALIDATION));
      Record(std::string(id) + "-unjudged");
      clock_.Advance(absl::Seconds(1));
      const v1::Trajectory trajectory = data_->trajectories->Get(CallContext(), judged_.back()).value();
      EXPECT_TRUE(data_->verdicts->Put(CallContext(), evaluator::Evaluate(oracle_, trajectory).value()).ok());
    }
  }
  JudgedRecords Gather(const JudgedQuery& query) {
    auto judged = GatherJudged(CallContext(), *data_, query, [this](int64_t done, int64_t, const std::string& what) {
      told_[what] = done;
      return absl::OkStatus();
    });
    EXPECT_TRUE(judged.ok()) << judged.status();
    return judged.ok() ? *std::move(judged) : JudgedRecords();
  }

  const v1::Evaluator oracle_ = evaluator::TaskOracleEvaluator();
  std::vector<std::string> judged_;
  // How far it was, last.
  std::map<std::string, int64_t> told_;
};

TEST_F(JudgedEpisodesTest, KeepsWhatIsAskedForOldestFirst) {
  const JudgedRecords all = Gather({.evaluator = oracle_, .filter = {}, .tags = {"split", "environment"}, .other = oracle_});
  EXPECT_EQ(all.trajectories, 4);
  EXPECT_EQ(all.truth, v1::TRUTH_SOURCE_ORACLE);
  ASSERT_EQ(all.records.size(), 2u);
  ASSERT_EQ(all.episodes.size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(all.records[i].trajectory, judged_[i]);
    EXPECT_THAT(all.episodes[i].tags, ElementsAre(Pair("environment", "environments/null"), Pair("split", "VALIDATION")));
    for (const std::string& name : {all.records[i].oracle_verdict, all.records[i].other_verdict}) {
      const auto verdict = FindVerdict(CallContext(), *data_, name);
      ASSERT_TRUE(verdict.ok() && verdict->has_value()) << name;
      EXPECT_EQ((*verdict)->trajectory(), judged_[i]);
    }
  }
  EXPECT_THAT(told_, ElementsAre(Pair("reading records and verdicts", 4), Pair("reading truths", 4)));
}

TEST_F(JudgedEpisodesTest, KeepsNothingThatNobodyAsksFor) {
  const JudgedRecords all = Gather({.evaluator = oracle_, .filter = {}, .truth = v1::TRUTH_SOURCE_LABELS});
  ASSERT_EQ(all.records.size(), 2u);
  EXPECT_THAT(all.episodes[0].tags, IsEmpty());
  EXPECT_EQ(all.records[0].oracle_verdict, "");
  EXPECT_EQ(all.records[0].other_verdict, "");
}

TEST_F(JudgedEpisodesTest, AnErrorOfWhoIsToldEndsIt) {
  const auto ended = GatherJudged(CallContext(), *data_, {.evaluator = oracle_, .filter = {}},
                                  [](int64_t, int64_t, const std::string&) { return absl::CancelledError("no more"); });
  EXPECT_EQ(ended.status().code(), absl::StatusCode::kCancelled);
}

}  // namespace
}  // namespace proctor::server
