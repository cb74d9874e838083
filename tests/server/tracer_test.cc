#include "server/tracer.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "common/json.h"
#include "common/proto_time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/storage/temp_directory.h"

namespace proctor::server {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> Lines(const std::string& path) {
  std::vector<std::string> lines;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

class RotatingFileTest : public testing::Test {
 protected:
  std::string File(const std::string& name) const { return absl::StrCat(directory_.path(), "/logs/", name); }
  std::unique_ptr<RotatingFile> Open(int64_t max_bytes, int max_files) {
    auto file = RotatingFile::Open(
        {.directory = directory_.path() + "/logs", .name = "traces", .max_bytes = max_bytes, .max_files = max_files});
    EXPECT_TRUE(file.ok()) << file.status();
    return *std::move(file);
  }

  storage::TempDirectory directory_;
};

TEST_F(RotatingFileTest, ALineThatDoesNotFitBeginsTheNextFile) {
  const auto file = Open(/*max_bytes=*/20, /*max_files=*/3);
  for (int i = 0; i < 9; ++i) ASSERT_TRUE(file->WriteLine(absl::StrCat("line ", i, " xx")).ok());
  EXPECT_THAT(Lines(File("traces.jsonl")), ElementsAre("line 8 xx"));
  EXPECT_THAT(Lines(File("traces.1.jsonl")), ElementsAre("line 6 xx", "line 7 xx"));
  EXPECT_THAT(Lines(File("traces.2.jsonl")), ElementsAre("line 4 xx", "line 5 xx"));
  EXPECT_FALSE(std::filesystem::exists(File("traces.3.jsonl")));
  struct stat status = {};
  ASSERT_EQ(stat(File("traces.jsonl").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST_F(RotatingFileTest, OneFileBeginsAnew) {
  const auto file = Open(/*max_bytes=*/10, /*max_files=*/1);
  ASSERT_TRUE(file->WriteLine("12345678").ok());
  ASSERT_TRUE(file->WriteLine("abcdefgh").ok());
  EXPECT_THAT(Lines(File("traces.jsonl")), ElementsAre("abcdefgh"));
  EXPECT_FALSE(std::filesystem::exists(File("traces.1.jsonl")));
}

TEST_F(RotatingFileTest, GoesOnWithWhatIsThereOnALineOfItsOwn) {
  ASSERT_TRUE(Open(1000, 2)->WriteLine("first").ok());
  std::ofstream(File("traces.jsonl"), std::ios::app) << "cut o";
  ASSERT_TRUE(Open(1000, 2)->WriteLine("last").ok());
  EXPECT_THAT(Lines(File("traces.jsonl")), ElementsAre("first", "cut o", "last"));
}

TEST_F(RotatingFileTest, ALineLargerThanAFileIsWrittenAllTheSame) {
  const auto file = Open(/*max_bytes=*/10, /*max_files=*/2);
  ASSERT_TRUE(file->WriteLine(std::string(100, 'x')).ok());
  ASSERT_TRUE(file->WriteLine("y").ok());
  EXPECT_THAT(Lines(File("traces.1.jsonl")), ElementsAre(std::string(100, 'x')));
}

TEST(RotatingFileErrorTest, SaysWhatCannotBeMade) {
  EXPECT_FALSE(RotatingFile::Open({.directory = "/proc/none/here", .name = "traces"}).ok());
}

TEST(RotatingFileErrorTest, AFullDiskIsAnError) {
  storage::TempDirectory directory;
  std::filesystem::create_symlink("/dev/full", directory.path() + "/traces.jsonl");
  const auto file = RotatingFile::Open({.directory = directory.path(), .name = "traces"});
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ((*file)->WriteLine("x").code(), absl::StatusCode::kResourceExhausted);
}

class TracerTest : public testing::Test {
 protected:
  void Make() {
    v1::TraceConfig config;
    config.set_directory(directory_.path());
    config.set_max_file_bytes(1 << 20);
    config.set_max_files(2);
    tracer_ = *Tracer::Create(config, "1.2.3");
  }
  // Ends the tracer; all spans that it wrote, by name.
  std::map<std::string, Json> Spans() {
    tracer_.reset();
    std::map<std::string, Json> spans;
    for (const std::string& line : Lines(directory_.path() + "/traces.jsonl")) {
      const auto json = ParseJson(line);
      EXPECT_TRUE(json.ok()) << json.status();
      const Json& resource = (*json)["resourceSpans"][0];
      EXPECT_EQ(resource["resource"]["attributes"][0]["value"]["stringValue"], "proctord");
      for (const Json& span : resource["scopeSpans"][0]["spans"]) {
        EXPECT_TRUE(spans.emplace(JsonStringOr(span, "name"), span).second) << span;
      }
    }
    return spans;
  }

  const std::string trace_ = "4bf92f3577b34da6a3ce929d0e0e4736";
  const std::string request_ = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  const absl::Time time_ = absl::FromUnixSeconds(1'700'000'000);
  storage::TempDirectory directory_;
  std::unique_ptr<Tracer> tracer_;
};

TEST_F(TracerTest, ACallIsASpanOfItsCallersTrace) {
  Make();
  tracer_->CallEnded({"EnvironmentService/Step", false, absl::StatusCode::kAborted, time_, absl::Milliseconds(5), request_,
                      "b7ad6b7169203331"});
  const Json span = Spans().at("proctor.v1.EnvironmentService/Step");
  EXPECT_EQ(span["traceId"], trace_);
  EXPECT_EQ(span["spanId"], "00f067aa0ba902b7");
  EXPECT_EQ(span["parentSpanId"], "b7ad6b7169203331");
  EXPECT_EQ(span["kind"], 2);
  EXPECT_EQ(span["startTimeUnixNano"], "1700000000000000000");
  EXPECT_EQ(span["endTimeUnixNano"], "1700000000005000000");
  EXPECT_EQ(span["status"]["code"], 2);
  EXPECT_EQ(span["status"]["message"], "ABORTED");
}

TEST_F(TracerTest, AStepsPhasesAreChildrenOfTheStep) {
  Make();
  v1::StepTiming timing;
  *timing.mutable_queue() = ToProto(absl::Milliseconds(1));
  *timing.mutable_act() = ToProto(absl::Milliseconds(2));
  *timing.mutable_settle() = ToProto(absl::Milliseconds(3));
  *timing.mutable_observe() = ToProto(absl::Milliseconds(4));
  *timing.mutable_record() = ToProto(absl::Milliseconds(5));
  *timing.mutable_total() = ToProto(absl::Milliseconds(20));
  v1::SettleReport settle;
  settle.set_waiting_for("requests");
  const CallContext call(absl::InfiniteFuture(), std::make_shared<CancelToken>(), request_);
  tracer_->StepRecorded({call, "web", time_, timing, &settle});
  const auto spans = Spans();
  const Json& step = spans.at("step");
  EXPECT_EQ(step["parentSpanId"], "00f067aa0ba902b7");
  const auto begin = [&](const char* name) { return std::stoll(JsonStringOr(spans.at(name), "startTimeUnixNano")) - 1700000000000000000; };
  for (const char* phase : {"queue", "act", "settle", "observe", "record"}) {
    EXPECT_EQ(spans.at(phase)["parentSpanId"], step["spanId"]) << phase;
    EXPECT_EQ(spans.at(phase)["traceId"], trace_) << phase;
  }
  EXPECT_EQ(begin("queue"), 0);
  EXPECT_EQ(begin("act"), 1'000'000);
  EXPECT_EQ(begin("settle"), 3'000'000);
  EXPECT_EQ(begin("observe"), 6'000'000);
  EXPECT_EQ(begin("record"), 15'000'000);
}

TEST_F(TracerTest, ATraceWithoutASpanHasRoots) {
  Make();
  const CallContext context(absl::InfiniteFuture(), std::make_shared<CancelToken>(), FormatTraceparent(NewTrace(/*sampled=*/true)));
  v1::ModelCall call;
  call.set_endpoint("gpt");
  call.set_failure(v1::MODEL_FAILURE_TIMEOUT);
  *call.mutable_latency() = ToProto(absl::Seconds(2));
  tracer_->ModelAnswered(context, "judge", time_, call);
  v1::Verdict verdict;
  verdict.set_evaluator("evaluators/pae");
  tracer_->VerdictMade(context, verdict);
  const auto spans = Spans();
  const Json& asked = spans.at("ask model");
  EXPECT_FALSE(asked.contains("parentSpanId"));
  EXPECT_EQ(asked["kind"], 3);
  EXPECT_EQ(asked["status"]["message"], "MODEL_FAILURE_TIMEOUT");
  EXPECT_EQ(asked["traceId"], spans.at("evaluate")["traceId"]);
}

TEST_F(TracerTest, WhatIsNotSampledIsNotWritten) {
  Make();
  const std::string unsampled = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
  tracer_->CallEnded({"A/B", false, absl::StatusCode::kOk, time_, absl::Milliseconds(5), unsampled, ""});
  tracer_->CallEnded({"A/B", false, absl::StatusCode::kOk, time_, absl::Milliseconds(5), "", ""});
  tracer_->VerdictMade(CallContext(), v1::Verdict());
  EXPECT_THAT(Spans(), IsEmpty());
}

TEST_F(TracerTest, WhatTheDiskRefusesIsDroppedAndCounted) {
  std::filesystem::create_symlink("/dev/full", directory_.path() + "/traces.jsonl");
  Make();
  tracer_->CallEnded({"A/B", false, absl::StatusCode::kOk, time_, absl::Milliseconds(5), request_, ""});
  while (tracer_->dropped() == 0) {
  }
  EXPECT_EQ(tracer_->dropped(), 1);
}

}  // namespace
}  // namespace proctor::server
