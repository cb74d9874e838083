// Breaks pages of the database's file: what the database itself cannot read any longer.
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "gmock/gmock.h"
#include "tests/server/fsck_fixture.h"

namespace proctor::server {
namespace {

using testing::AllOf;
using testing::AnyOf;
using testing::Contains;
using testing::Each;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

constexpr size_t kPageBytes = 4096;

class FsckPagesTest : public FsckFixture {
 protected:
  // Leaves a trajectory open whose step needs many pages, and makes the database lose its way among them.
  std::string BeginBroken() {
    const std::string id = Begin(1, std::string(20 * kPageBytes, 'x'));
    const std::string path = data_dir() + "/proctor.db";
    std::string bytes;
    {
      std::ifstream file(path, std::ios::binary);
      bytes.assign(std::istreambuf_iterator<char>(file), {});
    }
    // Such a page begins with the number of the next one.
    size_t page = 0;
    while (page < bytes.size() && std::string_view(bytes).substr(page + 4, kPageBytes - 4).find_first_not_of('x') != std::string_view::npos) {
      page += kPageBytes;
    }
    EXPECT_LT(page, bytes.size());
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(page));
    file << "\x7f\xff\xff\xff";
    return id;
  }
};

TEST_F(FsckPagesTest, WhatTheDatabaseCannotReadIsNamedAndTheRestLookedAt) {
  const std::string id = BeginBroken();
  const FsckReport report = Check();
  EXPECT_THAT(report.damage, Contains(StartsWith("database: ")));
  EXPECT_THAT(report.damage, Contains(AllOf(StartsWith("trajectories/" + id + ": it cannot be read: "), HasSubstr("malformed"))));
  EXPECT_THAT(report.damage, Each(Not(AnyOf(HasSubstr(first_), HasSubstr(second_)))));
  EXPECT_EQ(report.records, 3);
  EXPECT_EQ(report.episodes, 3);
  EXPECT_EQ(report.rewards, 2);
  EXPECT_EQ(report.blobs, 5);
  // Nobody knows what such a file lacks.
  const FsckReport repair = Check(FsckMode::kRepair);
  EXPECT_THAT(repair.repaired, IsEmpty());
  EXPECT_EQ(repair.damage, report.damage);
}

TEST_F(FsckPagesTest, AnOpenTrajectoryThatCannotBeClosedIsCountedAndItsEpisodeEnds) {
  const std::string id = BeginBroken();
  for (int start = 0; start < 2; ++start) {
    ASSERT_NO_FATAL_FAILURE(Open());
    EXPECT_EQ(data_->archive->unreadable().count(), 1);
    EXPECT_FALSE(data_->trajectories->GetHeader(CallContext(), "trajectories/" + id)->closed());
    const v1::Episode episode = data_->episodes->Get(CallContext(), "episodes/" + id).value();
    EXPECT_EQ(episode.state(), v1::EPISODE_STATE_CLOSED);
    EXPECT_EQ(episode.end_kind(), v1::END_KIND_INTERRUPTED);
    EXPECT_EQ(episode.end_reason(), v1::END_REASON_SERVER_FAULT);
    EXPECT_THAT(episode.end_message(), HasSubstr("the trajectory is damaged"));
    EXPECT_EQ(episode.result_state(), v1::RESULT_STATE_PENDING);
    Close();
  }
  EXPECT_THAT(Check().damage, Contains(StartsWith("trajectories/" + id + ": it cannot be read: ")));
}

}  // namespace
}  // namespace proctor::server
