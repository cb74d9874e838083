#include "server/auth/audit_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <sstream>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/json.h"
#include "tests/storage/temp_directory.h"

namespace proctor::server {
namespace {

class AuditLogTest : public ::testing::Test {
 protected:
  std::string path() const { return directory_.path() + "/audit.log"; }
  std::unique_ptr<AuditLog> Open(AuditLogOptions options = {}) {
    options.path = path();
    auto log = AuditLog::Open(options, clock_);
    EXPECT_TRUE(log.ok()) << log.status();
    return log.ok() ? *std::move(log) : nullptr;
  }
  // Every line is JSON, whole.
  static std::vector<Json> Lines(const std::string& path) {
    std::ifstream file(path);
    std::vector<Json> lines;
    for (std::string line; std::getline(file, line);) {
      auto json = ParseJson(line);
      EXPECT_TRUE(json.ok()) << line;
      if (json.ok()) lines.push_back(*std::move(json));
    }
    return lines;
  }
  static AuditEntry Entry(std::string_view resource) {
    return {.caller = "alpha", .tenant = "lab", .peer = "unix:", .method = "/a.B/C", .resource = resource};
  }

  storage::TempDirectory directory_;
  SimulatedClock clock_;
};

TEST_F(AuditLogTest, WritesOneLineAnEntryForItsOwnerOnly) {
  const auto log = Open();
  log->Write({.caller = "alpha", .tenant = "lab", .peer = "ipv4:1.2.3.4:5", .method = "/a.B/C", .resource = "sessions/x", .request_id = "r1"});
  log->Write({.caller = "", .tenant = "", .peer = "unix", .method = "/a.B/D", .status = absl::StatusCode::kUnauthenticated, .reason = "no token"});
  log->Flush();
  const auto lines = Lines(path());
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0]["caller"], "alpha");
  EXPECT_EQ(lines[0]["tenant"], "lab");
  EXPECT_EQ(lines[0]["peer"], "ipv4:1.2.3.4:5");
  EXPECT_EQ(lines[0]["resource"], "sessions/x");
  EXPECT_EQ(lines[0]["request_id"], "r1");
  EXPECT_EQ(lines[0]["status"], "OK");
  EXPECT_EQ(lines[1]["status"], "UNAUTHENTICATED");
  EXPECT_EQ(lines[1]["reason"], "no token");
  EXPECT_FALSE(lines[1].contains("resource"));
  struct stat status;
  ASSERT_EQ(stat(path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST_F(AuditLogTest, WhatClientsSendCannotBreakALine) {
  const auto log = Open();
  log->Write(Entry("a\n{\"forged\":1}\n\"\\\x01\x7f\xff\xfe"));
  log->Write(Entry(std::string(100'000, 'x')));
  log->Write(Entry(std::string("nul\0here", 8)));
  log->Flush();
  const auto lines = Lines(path());
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_FALSE(lines[0].contains("forged"));
  EXPECT_EQ(lines[1]["resource"].get<std::string>().size(), 256u);
}

TEST_F(AuditLogTest, GoesOnWhereItStopped) {
  Open()->Write(Entry("first"));  // The destructor writes it.
  const auto log = Open();
  log->Write(Entry("second"));
  log->Flush();
  EXPECT_EQ(Lines(path()).size(), 2u);
}

TEST_F(AuditLogTest, AFullFileMakesRoomAndTheOldestGoes) {
  const auto log = Open({.max_file_bytes = 1000, .max_files = 3});
  for (int i = 0; i < 100; ++i) {
    log->Write(Entry(absl::StrCat("r", i)));
    log->Flush();
  }
  const auto newest = Lines(path());
  const auto older = Lines(path() + ".1");
  const auto oldest = Lines(path() + ".2");
  ASSERT_FALSE(newest.empty() || older.empty() || oldest.empty());
  EXPECT_EQ(newest.back()["resource"], "r99");
  EXPECT_NE(access((path() + ".3").c_str(), F_OK), 0);
  // Without a gap from one file to the next.
  const auto number = [](const Json& line) { return std::stoi(line["resource"].get<std::string>().substr(1)); };
  EXPECT_EQ(number(older.back()) + 1, number(newest.front()));
  EXPECT_EQ(number(oldest.back()) + 1, number(older.front()));
  struct stat status;
  ASSERT_EQ(stat(path().c_str(), &status), 0);
  EXPECT_LE(status.st_size, 1000);
}

TEST_F(AuditLogTest, KeepsOneFileIfItMayKeepNoMore) {
  const auto log = Open({.max_file_bytes = 1000, .max_files = 1});
  for (int i = 0; i < 50; ++i) {
    log->Write(Entry(absl::StrCat("r", i)));
    log->Flush();
  }
  EXPECT_EQ(Lines(path()).back()["resource"], "r49");
  EXPECT_NE(access((path() + ".1").c_str(), F_OK), 0);
}

// /dev/full takes no byte: the same as a full disk.
TEST_F(AuditLogTest, LinesThatADiskRefusesAreCountedNotWaitedFor) {
  auto log = AuditLog::Open({.path = "/dev/full"}, clock_);
  if (!log.ok()) GTEST_SKIP() << "no /dev/full: " << log.status();
  (*log)->Write(Entry("a"));
  (*log)->Write(Entry("b"));
  (*log)->Flush();
  EXPECT_EQ((*log)->lost(), 2);
}

TEST_F(AuditLogTest, AFullQueueDropsAndSaysHowMany) {
  const auto log = Open({.max_queued_bytes = 10});
  log->Write(Entry("does not fit"));
  log->Write(Entry("nor this"));
  EXPECT_EQ(log->lost(), 2);
}

TEST_F(AuditLogTest, ManyThreadsWriteWholeLines) {
  const auto log = Open({.max_queued_bytes = 64 << 20});
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 500; ++i) log->Write(Entry("sessions/x"));
    });
  }
  for (std::thread& thread : threads) thread.join();
  log->Flush();
  EXPECT_EQ(log->lost(), 0);
  EXPECT_EQ(Lines(path()).size(), 4000u);
}

// The clock stands still, so only the end tells.
TEST_F(AuditLogTest, AFloodOfRefusalsLeavesRoomForWhatWasDone) {
  {
    const auto log = Open({.max_file_bytes = 64 << 10, .max_files = 2});
    log->Write(Entry("before"));
    for (int i = 0; i < 50'000; ++i) {
      log->WriteRefusal({.peer = "0.0.0.0:1", .method = "/a.B/C", .status = absl::StatusCode::kUnauthenticated, .reason = "no token"});
    }
    log->Write(Entry("after"));
  }
  const auto lines = Lines(path());
  ASSERT_EQ(lines.size(), 103u);
  EXPECT_EQ(lines[0]["resource"], "before");
  EXPECT_EQ(lines[101]["resource"], "after");
  EXPECT_EQ(lines[102]["refusals_left_out"], 49'900);
  EXPECT_EQ(lines[102]["caller"], "");
}

TEST_F(AuditLogTest, TellsWhatItLeftOutWhileItGoesOn) {
  const auto log = Open();
  for (int i = 0; i < 101; ++i) log->WriteRefusal(Entry("r"));
  clock_.Advance(absl::Milliseconds(10'500));
  // By the next line at the latest.
  log->Write(Entry("next"));
  log->Flush();
  const auto lines = Lines(path());
  ASSERT_EQ(lines.size(), 102u);
  EXPECT_TRUE(lines[100].contains("refusals_left_out") || lines[101].contains("refusals_left_out"));
}

TEST_F(AuditLogTest, SaysWhereItCannotWrite) {
  EXPECT_TRUE(absl::IsUnavailable(AuditLog::Open({.path = "/no/such/directory/audit.log"}, clock_).status()));
}

}  // namespace
}  // namespace proctor::server
