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

TEST_F(EpisodeStoreTest, DoesNotFindForeignNames) {
  EXPECT_EQ(room_.episodes.Get(context_, "episodes/none").status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_EQ(room_.episodes.Get(context_, "trajectories/none").status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace proctor::trajectory
