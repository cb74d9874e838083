// A reward log on each engine, and what its readers see.
#ifndef PROCTOR_TESTS_REWARD_REWARD_LOG_FIXTURE_H_
#define PROCTOR_TESTS_REWARD_REWARD_LOG_FIXTURE_H_

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/reward/reward_testing.h"

namespace proctor::reward {

// A log with nothing in it.
class RewardLogFixture : public ::testing::TestWithParam<RewardWorld::Engine> {
 protected:
  // What a reader with this filter sees from `after` on: trajectory ids, or "group(n)" with a "!"
  // if partial.
  std::vector<std::string> Seen(const v1::ConsumerFilter& filter = {}, int64_t after = 0) {
    std::vector<std::string> seen;
    for (;;) {
      const absl::StatusOr<LogBatch> batch =
          world_.log().Read(world_.context, after, filter, {.max_records = 2});
      EXPECT_TRUE(batch.ok()) << batch.status();
      if (!batch.ok() || (batch->records.empty() && batch->next_after_offset == after)) return seen;
      for (const v1::RewardRecord& record : batch->records) {
        EXPECT_GT(record.offset(), after);
        after = record.offset();
        seen.push_back(record.has_reward()
                           ? record.reward().trajectory().substr(13)
                           : absl::StrCat("group(", record.group_complete().rewards_size(), ")",
                                          record.group_complete().partial() ? "!" : ""));
      }
      after = batch->next_after_offset;
    }
  }
  static v1::ConsumerFilter Groups() {
    v1::ConsumerFilter filter;
    filter.set_delivery(v1::DELIVERY_GROUPS);
    return filter;
  }
  absl::Status Admit(const std::string& group, const std::string& id) {
    return world_.groups().Admit(world_.context, "groups/" + group, "trajectories/" + id, "tasks/t",
                                 {});
  }

  RewardWorld world_{GetParam()};
};

inline auto Engines() { return ::testing::Values(RewardWorld::Engine::kMemory, RewardWorld::Engine::kSqlite); }
inline std::string EngineName(const ::testing::TestParamInfo<RewardWorld::Engine>& info) {
  return info.param == RewardWorld::Engine::kSqlite ? "Sqlite" : "Memory";
}

}  // namespace proctor::reward

#endif  // PROCTOR_TESTS_REWARD_REWARD_LOG_FIXTURE_H_
