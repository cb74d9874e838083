#include "trajectory/episode_store.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/trajectory/fixture.h"

namespace proctor::trajectory {
namespace {

class EpisodeStoreTest : public testing::Test {
 protected:
  std::vector<std::string> List(const EpisodeFilter& filter, int page_size = 100) {
    std::vector<std::string> names;
    std::string token;
    do {
      const auto page = room_.episodes.List(context_, filter, page_size, token);
      EXPECT_TRUE(page.ok()) << page.status();
      if (!page.ok()) break;
      for (const v1::Episode& episode : page->episodes) names.push_back(episode.name());
      token = page->next_page_token;
    } while (!token.empty());
    return names;
  }

  const CallContext context_;
  Room room_;
};

TEST_F(EpisodeStoreTest, FillsInVerdictAndReward) {
  RecordEpisode(room_, "e1", 2);
  const auto updated =
      room_.episodes.Update(context_, "episodes/e1", [](v1::Episode& episode) {
        episode.mutable_verdict()->set_score(1);
        episode.mutable_reward()->set_value(1);
        episode.set_result_state(v1::RESULT_STATE_READY);
        return absl::OkStatus();
      });
  ASSERT_TRUE(updated.ok()) << updated.status();
  const v1::Episode episode = room_.episodes.Get(context_, "episodes/e1").value();
  EXPECT_EQ(episode.reward().value(), 1);
  EXPECT_EQ(episode.step_count(), 2);
}

TEST_F(EpisodeStoreTest, ListsThoseThatWaitForTheirResult) {
  RecordEpisode(room_, "e1", 0);
  RecordEpisode(room_, "e2", 0);
  const absl::Time start = room_.clock.Now();
  ASSERT_TRUE(
      room_.recorder.Begin(context_, MakeHeader("e3", start), MakeEpisode("e3", start), {}).ok());
  ASSERT_TRUE(room_.episodes
                  .Update(context_, "episodes/e1",
                          [](v1::Episode& episode) {
                            episode.set_result_state(v1::RESULT_STATE_READY);
                            return absl::OkStatus();
                          })
                  .ok());
  EXPECT_THAT(List({.pending_result_only = true}), testing::ElementsAre("episodes/e2"));
}

TEST_F(EpisodeStoreTest, ListsNewestFirstInPagesAndFilters) {
  std::vector<std::string> expected;
  for (int i = 0; i < 5; ++i) {
    RecordEpisode(room_, absl::StrCat("e", i), 0);
    expected.insert(expected.begin(), absl::StrCat("episodes/e", i));
    if (i % 2 == 1) room_.clock.Advance(absl::Seconds(1));
  }
  EXPECT_EQ(List({}, 2), expected);
  EXPECT_EQ(List({.session = "sessions/s1", .policy = "refine", .task = "tasks/buy-tea"}), expected);
  EXPECT_TRUE(List({.session = "sessions/s2"}).empty());
  EXPECT_TRUE(List({.policy = "x"}).empty());
  EXPECT_TRUE(List({.task = "x"}).empty());
}

TEST_F(EpisodeStoreTest, LeavesOutWhatCannotBeReadAndTellsHowMany) {
  std::vector<std::string> expected;
  for (int i = 0; i < 9; ++i) {
    RecordEpisode(room_, absl::StrCat("e", i), 1);
    if (i % 4 == 0) expected.insert(expected.begin(), absl::StrCat("episodes/e", i));
    room_.clock.Advance(absl::Seconds(1));
  }
  for (const char* const id : {"e1", "e2", "e3"}) SetRow(room_, id, "\xff\xff\xff");
  SetRow(room_, "e5", "");
  SetRow(room_, "e6", MakeEpisode("other", room_.clock.Now()).SerializeAsString());
  SetRow(room_, "e7", "\x0a");
  for (const int page_size : {1, 2, 3, 100}) {
    EXPECT_EQ(List({}, page_size), expected) << page_size;
    EXPECT_EQ(List({.pending_result_only = true}, page_size), expected) << page_size;
  }
  EXPECT_EQ(room_.archive->unreadable().count(), 6);
  EXPECT_EQ(room_.episodes.Get(context_, "episodes/e6").status().code(), absl::StatusCode::kDataLoss);
  const auto change = [](v1::Episode&) { return absl::OkStatus(); };
  EXPECT_EQ(room_.episodes.Update(context_, "episodes/e5", change).status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(EpisodeStoreTest, DoesNotFindForeignNames) {
  EXPECT_EQ(room_.episodes.Get(context_, "episodes/none").status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_EQ(room_.episodes.Get(context_, "trajectories/none").status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace proctor::trajectory
