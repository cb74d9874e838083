// Whether what is recorded is synced to the disk, as the configuration says: the calls that this program makes are counted.
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "server/command_line.h"
#include "tests/server/data_fixture.h"

namespace {

std::atomic<int> syncs = 0;

}  // namespace

// In place of the C library's, for SQLite too.
extern "C" int fsync(int file) {
  ++syncs;
  return static_cast<int>(syscall(SYS_fsync, file));
}
extern "C" int fdatasync(int file) {
  ++syncs;
  return static_cast<int>(syscall(SYS_fdatasync, file));
}

namespace proctor::server {
namespace {

class DurabilityTest : public DataFixture {
 protected:
  // Syncs while two steps, each with a blob of its own, are recorded and rewarded.
  int SyncsWith(const std::vector<std::string>& flags) {
    std::vector<std::string> command = {"proctord", "--data-dir", directory_ / "data"};
    command.insert(command.end(), flags.begin(), flags.end());
    const auto line = ParseCommandLine(command);
    EXPECT_TRUE(line.ok()) << line.status();
    if (!line.ok()) return -1;
    config_ = line->config;
    Open();
    if (HasFatalFailure()) return -1;
    // The first write after a start begins the database's log, which is synced either way.
    Record(std::to_string(++recorded_) + "first");
    const int before = syncs;
    Record(std::to_string(++recorded_) + "then");
    const int after = syncs;
    Close();
    return after - before;
  }

 private:
  int recorded_ = 0;
};

TEST_F(DurabilityTest, EachStepAndBlobIsSyncedUnlessAKilledProcessIsTheWorst) {
  // A step each, and a blob before it with the folder that it is in.
  EXPECT_GE(SyncsWith({}), 6);
  EXPECT_GE(SyncsWith({"--durability", "power"}), 6);
  EXPECT_EQ(SyncsWith({"--durability", "process"}), 0);
}

}  // namespace
}  // namespace proctor::server
