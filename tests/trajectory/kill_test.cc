// kill -9 of a process that records, at random points: nothing acknowledged is lost.
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "storage/file_blob_store.h"
#include "storage/sqlite_database.h"
#include "tests/storage/temp_directory.h"
#include "tests/trajectory/fixture.h"
#include "trajectory/record_form.h"

namespace proctor::trajectory {
namespace {

constexpr int kWriters = 4;
constexpr int kStepsAnEpisode = 12;

// More by PROCTOR_KILL_ROUNDS.
int Rounds() {
  const char* text = std::getenv("PROCTOR_KILL_ROUNDS");
  int rounds = 0;
  return text != nullptr && absl::SimpleAtoi(text, &rounds) && rounds > 0 ? rounds : 5;
}

// A server's storage in a directory.
struct Disk {
  Disk(const std::string& directory, storage::Durability durability)
      : database(storage::OpenSqliteDatabase({.directory = directory, .durability = durability})
                     .value()),
        blobs(storage::OpenFileBlobStore(
                  {.directory = directory + "/blobs", .durability = durability})
                  .value()),
        archive(Archive::Open(*database, *blobs, SystemClock()).value()) {}

  std::unique_ptr<storage::Database> database;
  std::unique_ptr<storage::BlobStore> blobs;
  std::unique_ptr<Archive> archive;
};

std::string Pixels(const std::string& id, int index) {
  return absl::StrCat(id, "/", index, std::string(20'000, 'p'));
}

// One line a durable fact, written whole.
void Acknowledge(int pipe, const std::string& line) {
  if (write(pipe, line.data(), line.size()) != static_cast<ssize_t>(line.size())) _exit(1);
}

// Records episode after episode until killed.
void RecordForEver(Disk& disk, const std::string& prefix, int pipe) {
  Recorder recorder(*disk.archive);
  const CallContext context;
  for (int episode = 0;; ++episode) {
    const std::string id = absl::StrCat(prefix, "-", episode);
    const absl::Time now = SystemClock().Now();
    if (!recorder.Begin(context, MakeHeader(id, now), MakeEpisode(id, now), {}).ok()) _exit(2);
    for (int i = 0; i < kStepsAnEpisode; ++i) {
      v1::Step step = MakeStep(i, now);
      step.mutable_observation()->mutable_screenshot()->set_data(Pixels(id, i));
      if (!recorder.Append(context, id, step, MakeReplay(absl::StrCat(id, "/", i))).ok()) _exit(3);
      Acknowledge(pipe, absl::StrCat("step ", id, " ", i, "\n"));
    }
    if (!recorder.Finish(context, id, MakeEnding(now), MakeEpisode(id, now), {}).ok()) _exit(4);
    Acknowledge(pipe, absl::StrCat("end ", id, " 0\n"));
  }
}

[[noreturn]] void RunChild(const std::string& directory, storage::Durability durability,
                           const std::string& prefix, int pipe) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  Disk disk(directory, durability);
  std::vector<std::thread> threads;
  for (int writer = 0; writer < kWriters; ++writer) {
    threads.emplace_back(
        [&, writer] { RecordForEver(disk, absl::StrCat(prefix, "-", writer), pipe); });
  }
  for (std::thread& thread : threads) thread.join();
  _exit(0);
}

// What a child acknowledged before it was killed.
struct Acknowledged {
  // Steps by episode.
  std::map<std::string, int> steps;
  std::vector<std::string> ended;
};

// Starts a child, kills it after `kill_after` bytes of acknowledgements.
Acknowledged RunAndKill(const std::string& directory, storage::Durability durability,
                        const std::string& prefix, size_t kill_after) {
  int ends[2];
  EXPECT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    RunChild(directory, durability, prefix, ends[1]);
  }
  close(ends[1]);
  std::string text;
  char buffer[256];
  bool killed = false;
  while (true) {
    const ssize_t got = read(ends[0], buffer, sizeof(buffer));
    if (got <= 0) break;
    text.append(buffer, static_cast<size_t>(got));
    if (!killed && text.size() >= kill_after) {
      EXPECT_EQ(kill(child, SIGKILL), 0);
      killed = true;
    }
  }
  close(ends[0]);
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status)) << "the child ended by itself: " << WEXITSTATUS(status);
  Acknowledged acknowledged;
  for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    const std::vector<std::string> words = absl::StrSplit(line, ' ');
    if (words.size() == 3 && words[0] == "step") ++acknowledged.steps[words[1]];
    if (words.size() == 3 && words[0] == "end") acknowledged.ended.push_back(words[1]);
  }
  return acknowledged;
}

void CheckEpisode(Disk& disk, const std::string& id, int acknowledged_steps) {
  const CallContext context;
  const auto record = TrajectoryStore(*disk.archive).Get(context, "trajectories/" + id);
  ASSERT_TRUE(record.ok()) << record.status();
  EXPECT_TRUE(record->closed());
  EXPECT_EQ(record->digest(), TrajectoryDigest(*record));
  EXPECT_GE(record->steps_size(), acknowledged_steps) << id;
  // Whatever is recorded, acknowledged or not, has its picture and its answer.
  for (const v1::Step& step : record->steps()) {
    const auto bytes = disk.blobs->Get(context, step.observation().screenshot().digest());
    ASSERT_TRUE(bytes.ok()) << bytes.status();
    EXPECT_EQ(*bytes, Pixels(id, step.index()));
    const auto replay =
        ReplayStore(*disk.archive).Find(context, absl::StrCat(id, "/", step.index()));
    EXPECT_TRUE(replay.ok() && replay->has_value());
  }
}

TEST(KillTest, LosesNothingAcknowledged) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  std::mt19937 random(seed);
  storage::TempDirectory directory;
  std::map<std::string, int> steps;
  for (int round = 0; round < Rounds(); ++round) {
    const auto durability =
        round % 2 == 0 ? storage::Durability::kPower : storage::Durability::kProcess;
    const size_t kill_after = std::uniform_int_distribution<size_t>(1, 4'000)(random);
    const Acknowledged acknowledged =
        RunAndKill(directory.path(), durability, absl::StrCat("r", round), kill_after);
    Disk disk(directory.path(), durability);
    ASSERT_TRUE(TrajectoryStore(*disk.archive).CloseInterrupted(CallContext()).ok());
    steps.insert(acknowledged.steps.begin(), acknowledged.steps.end());
    for (const auto& [id, count] : steps) CheckEpisode(disk, id, count);
    for (const std::string& id : acknowledged.ended) {
      const auto header =
          TrajectoryStore(*disk.archive).GetHeader(CallContext(), "trajectories/" + id);
      ASSERT_TRUE(header.ok()) << header.status();
      EXPECT_EQ(header->end_kind(), v1::END_KIND_TERMINATED);
    }
    EXPECT_TRUE(std::filesystem::is_empty(directory / "blobs/tmp"));
  }
  EXPECT_FALSE(steps.empty());
}

}  // namespace
}  // namespace proctor::trajectory
