// A data directory to be broken for Fsck, whole at first.
#ifndef PROCTOR_TESTS_SERVER_FSCK_FIXTURE_H_
#define PROCTOR_TESTS_SERVER_FSCK_FIXTURE_H_

#include <string>

#include "gmock/gmock.h"
#include "tests/server/data_fixture.h"

namespace proctor::server {

// Two closed trajectories, and no server.
class FsckFixture : public DataFixture {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(Open());
    first_ = Record("first");
    second_ = Record("second");
    Close();
  }

  // Leaves another trajectory of some steps open, each of which says `said`; returns its id. The next Open closes it.
  std::string Begin(int steps, const std::string& said = "") {
    Open();
    v1::Trajectory header;
    const std::string id = NewId();
    header.set_name("trajectories/" + id);
    v1::Episode episode;
    episode.set_name("episodes/" + id);
    EXPECT_TRUE(data_->recorder->Begin(CallContext(), header, episode, {}).ok());
    for (int i = 0; i < steps; ++i) {
      v1::Step step;
      step.set_index(i);
      if (!said.empty()) step.mutable_agent_text()->set_text(said);
      EXPECT_TRUE(data_->recorder->Append(CallContext(), id, step, {}).ok());
    }
    Close();
    return id;
  }

  // Looks, expects that line of damage and no other, and that a repair leaves it.
  void ExpectDamage(const testing::Matcher<std::string>& line) {
    EXPECT_THAT(Check().damage, testing::ElementsAre(line));
    EXPECT_THAT(Check(FsckMode::kRepair).damage, testing::ElementsAre(line));
    EXPECT_THAT(Check().damage, testing::ElementsAre(line));
  }

  std::string first_;
  std::string second_;
};

}  // namespace proctor::server

#endif  // PROCTOR_TESTS_SERVER_FSCK_FIXTURE_H_
