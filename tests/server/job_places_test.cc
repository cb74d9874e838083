#include "server/job_places.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace proctor::server {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class JobPlacesTest : public testing::Test {
 protected:
  JobPlaces::Turn Notes(const std::string& job) {
    return [this, job] {
      turns_.push_back(job);
      return true;
    };
  }
  void Await(const std::string& tenant, const std::string& job) { places_.Await(tenant, job, Notes(job)); }
  void ComeBack(const std::string& tenant, const std::string& job) { places_.ComeBack(tenant, job, Notes(job)); }
  // One that has a place.
  void End(const std::string& tenant, const std::string& job) {
    places_.StepAside(tenant);
    places_.End(tenant, job);
  }
  // So many jobs of the tenant that have stepped aside.
  void MakeAside(const std::string& tenant, int jobs) {
    for (int i = 0; i < jobs; ++i) {
      Await(tenant, absl::StrCat(tenant, i));
      places_.StepAside(tenant);
    }
    ASSERT_EQ(turns_.size(), static_cast<size_t>(jobs));
    turns_.clear();
  }

  std::vector<std::string> turns_;
  JobPlaces places_{1};
};

TEST_F(JobPlacesTest, TenantsTakeTurns) {
  for (const char* job : {"a1", "a2", "a3"}) Await("a", job);
  for (const char* job : {"b1", "b2"}) Await("b", job);
  Await("c", "c1");
  EXPECT_THAT(turns_, ElementsAre("a1"));
  for (const char* job : {"a1", "b1", "c1", "a2", "b2", "a3"}) {
    ASSERT_EQ(turns_.back(), job);
    End(std::string(1, job[0]), job);
  }
  EXPECT_THAT(turns_, ElementsAre("a1", "b1", "c1", "a2", "b2", "a3"));
}

TEST_F(JobPlacesTest, WhoStepsAsideMakesRoomAndComesBackFirst) {
  for (const char* job : {"a1", "a2", "a3"}) Await("a", job);
  places_.StepAside("a");
  EXPECT_THAT(turns_, ElementsAre("a1", "a2"));
  ComeBack("a", "a1");
  EXPECT_THAT(turns_, ElementsAre("a1", "a2"));
  End("a", "a2");
  EXPECT_THAT(turns_, ElementsAre("a1", "a2", "a1"));
  End("a", "a1");
  EXPECT_THAT(turns_, ElementsAre("a1", "a2", "a1", "a3"));
}

TEST_F(JobPlacesTest, ATenantWithManyAsideBeginsNoOther) {
  ASSERT_NO_FATAL_FAILURE(MakeAside("a", JobPlaces::kAsidePerTenant));
  Await("a", "new");
  EXPECT_THAT(turns_, IsEmpty());
  Await("b", "b1");
  EXPECT_THAT(turns_, ElementsAre("b1"));
  End("b", "b1");
  places_.End("a", "a0");
  EXPECT_THAT(turns_, ElementsAre("b1", "new"));
  // What has begun may always come back.
  ComeBack("a", "a1");
  End("a", "new");
  EXPECT_THAT(turns_, ElementsAre("b1", "new", "a1"));
}

TEST_F(JobPlacesTest, WhereVeryManyAreAsideNobodyBegins) {
  for (int tenant = 0; tenant < JobPlaces::kAside / JobPlaces::kAsidePerTenant; ++tenant) {
    ASSERT_NO_FATAL_FAILURE(MakeAside(absl::StrCat(tenant, "-"), JobPlaces::kAsidePerTenant));
  }
  Await("new", "job");
  EXPECT_THAT(turns_, IsEmpty());
  places_.End("0-", "0-0");
  EXPECT_THAT(turns_, ElementsAre("job"));
}

TEST_F(JobPlacesTest, APlaceThatIsNotWantedGoesToTheNext) {
  Await("a", "a1");
  int asked = 0;
  for (int i = 0; i < 1000; ++i) {
    places_.Await("a", "unwanted", [&] {
      ++asked;
      return false;
    });
  }
  Await("a", "a2");
  End("a", "a1");
  EXPECT_EQ(asked, 1000);
  EXPECT_THAT(turns_, ElementsAre("a1", "a2"));
  End("a", "a2");
  EXPECT_EQ(places_.Usage().running, 0);
}

TEST_F(JobPlacesTest, WhoEndsWhileItsTurnComesLeavesNothingBehind) {
  Await("a", "a1");
  places_.StepAside("a");
  places_.ComeBack("a", "a1", [this] {
    places_.End("a", "a1");
    return false;
  });
  EXPECT_EQ(places_.Usage().running, 0);
  Await("a", "a2");
  EXPECT_THAT(turns_, ElementsAre("a1", "a2"));
}

TEST_F(JobPlacesTest, WhatIsDroppedOrHasEndedHasNoTurn) {
  for (const char* job : {"a1", "a2", "a3"}) Await("a", job);
  places_.StepAside("a");
  ComeBack("a", "a1");
  places_.End("a", "a1");
  places_.Drop("a", "a3");
  places_.Drop("a", "none");
  places_.Drop("none", "none");
  End("a", "a2");
  EXPECT_THAT(turns_, ElementsAre("a1", "a2"));
}

TEST_F(JobPlacesTest, NobodysTurnComesOnceItIsClosed) {
  for (const char* job : {"a1", "a2"}) Await("a", job);
  places_.Close();
  Await("a", "a3");
  End("a", "a1");
  EXPECT_THAT(turns_, ElementsAre("a1"));
  EXPECT_EQ(places_.Usage().queued, 0);
}

TEST_F(JobPlacesTest, CountsAsAPool) {
  for (const char* job : {"a1", "a2"}) Await("a", job);
  const PoolUsage during = places_.Usage();
  EXPECT_EQ(during.name, "job");
  EXPECT_EQ(during.threads, 1);
  EXPECT_EQ(during.running, 1);
  EXPECT_EQ(during.queued, 1);
  EXPECT_EQ(during.finished, 0);
  places_.Drop("a", "a2");
  places_.StepAside("a");
  // A job that is paused keeps nobody busy.
  const PoolUsage aside = places_.Usage();
  EXPECT_EQ(aside.running, 0);
  EXPECT_EQ(aside.queued, 0);
  EXPECT_EQ(places_.Usage().busy, aside.busy);
  places_.End("a", "a1");
  EXPECT_EQ(places_.Usage().finished, 1);
}

}  // namespace
}  // namespace proctor::server
