// The helper itself: what it reports of servers that end by themselves, do not end, or never get ready.
#include "tests/server/server_process.h"

#include <gtest/gtest-spi.h>

namespace proctor::server {
namespace {

std::vector<std::string> Shell(const std::string& script) { return {"/bin/sh", "-c", script}; }

TEST(ServerProcessTest, ToLookWhetherItRunsDoesNotTakeItsEnd) {
  ServerProcess process;
  ASSERT_NO_FATAL_FAILURE(process.Start(Shell("echo ready; exit 3")));
  EXPECT_TRUE(Comes([&] { return !process.Runs(); }));
  EXPECT_FALSE(process.Runs());
  EXPECT_EQ(process.Stop(SIGTERM), 3);
  EXPECT_FALSE(process.Runs());
}

TEST(ServerProcessTest, WhatDoesNotEndInTimeIsKilled) {
  ServerProcess process;
  ASSERT_NO_FATAL_FAILURE(process.Start(Shell("trap '' TERM; echo ready; exec sleep 600")));
  EXPECT_TRUE(process.Runs());
  EXPECT_EQ(process.StopWithin(SIGTERM, std::chrono::seconds(0)), -SIGKILL);
  EXPECT_FALSE(process.Runs());
}

TEST(ServerProcessTest, OfAnotherProcessThereIsNoExit) {
  EXPECT_EQ(AwaitExit(-1), -1000);
  EXPECT_EQ(AwaitExit(getppid()), -1000);
}

void StartWhatIsNeverReady() {
  ServerProcess process;
  process.Start(Shell("echo almost; exec sleep 600"), "", std::chrono::milliseconds(500));
}
void StartWhatEnds() {
  ServerProcess process;
  process.Start(Shell("printf never"));
}

TEST(ServerProcessTest, WhatDoesNotGetReadyIsAFailureWithWhatItSaid) {
  EXPECT_FATAL_FAILURE(StartWhatIsNeverReady(), "did not get ready; it said: almost");
  EXPECT_FATAL_FAILURE(StartWhatEnds(), "did not get ready; it said: never");
}

TEST(ComesTest, AsksUntilItIsSoOrTimeIsUp) {
  int asked = 0;
  EXPECT_TRUE(Comes([&] { return ++asked == 3; }));
  EXPECT_EQ(asked, 3);
  EXPECT_FALSE(Comes([] { return false; }, std::chrono::seconds(0)));
}

}  // namespace
}  // namespace proctor::server
