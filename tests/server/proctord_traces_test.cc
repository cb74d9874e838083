// Traces and request ids of the real server.
#include <fstream>
#include <map>

#include "common/json.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/server/proctord_fixture.h"

namespace proctor::server {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Key;

class ProctordTracesTest : public ProctordTest {
 protected:
  void StartWithTraces() {
    std::ofstream(server_.config(), std::ios::app) << "traces: {directory: \"" << Directory() << "\"}\n";
    Start();
  }
  std::string Directory() const { return directory_.path() + "/traces"; }

  // Of a trace, once the server has stopped.
  std::multimap<std::string, Json> SpansOf(const std::string& trace) {
    std::multimap<std::string, Json> spans;
    std::ifstream file(Directory() + "/traces.jsonl");
    for (std::string line; std::getline(file, line);) {
      const auto json = ParseJson(line);
      EXPECT_TRUE(json.ok()) << json.status();
      for (const Json& span : (*json)["resourceSpans"][0]["scopeSpans"][0]["spans"]) {
        if (trace.empty() || JsonStringOr(span, "traceId") == trace) spans.emplace(JsonStringOr(span, "name"), span);
      }
    }
    return spans;
  }
};

constexpr char kTrace[] = "4bf92f3577b34da6a3ce929d0e0e4736";
constexpr char kTraceparent[] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

TEST_F(ProctordTracesTest, ACallersTraceGoesOnThroughCallAndStep) {
  ASSERT_NO_FATAL_FAILURE(StartWithTraces());
  const std::string session = MakeSession();
  StartEpisode(session, MakeTask());
  v1::StepRequest request;
  request.set_session(session);
  *request.mutable_action() = Answer("42");
  v1::StepResponse response;
  ClientContext context;
  context.AddMetadata("traceparent", kTraceparent);
  ASSERT_TRUE(worlds_->Step(&context, request, &response).ok());
  ASSERT_EQ(server_.Stop(SIGTERM), 0);

  const auto spans = SpansOf(kTrace);
  ASSERT_THAT(spans, Contains(Key("proctor.v1.EnvironmentService/Step")));
  ASSERT_THAT(spans, Contains(Key("step")));
  const Json& call = spans.find("proctor.v1.EnvironmentService/Step")->second;
  const Json& step = spans.find("step")->second;
  EXPECT_EQ(call["parentSpanId"], "00f067aa0ba902b7");
  EXPECT_EQ(step["parentSpanId"], call["spanId"]);
  ASSERT_THAT(spans, Contains(Key("record")));
  EXPECT_EQ(spans.find("record")->second["parentSpanId"], step["spanId"]);
  // What nobody's call waits for is in a trace of its own.
  EXPECT_THAT(SpansOf(""), Contains(Key("evaluate")));
  EXPECT_EQ(spans.count("evaluate"), 0u);
}

TEST_F(ProctordTracesTest, StepsOfAStreamBelongToIt) {
  ASSERT_NO_FATAL_FAILURE(StartWithTraces());
  const std::string session = MakeSession();
  StartEpisode(session, MakeTask());
  {
    ClientContext context;
    context.AddMetadata("traceparent", kTraceparent);
    const auto stream = worlds_->Act(&context);
    v1::ActRequest request;
    request.mutable_attach()->set_session(session);
    stream->Write(request);
    *request.mutable_step()->mutable_action() = Click();
    stream->Write(request);
    v1::ActResponse response;
    ASSERT_TRUE(stream->Read(&response));
    ASSERT_TRUE(stream->Read(&response));
    EXPECT_TRUE(response.has_step()) << response.ShortDebugString();
    stream->WritesDone();
    EXPECT_TRUE(stream->Finish().ok());
  }
  ASSERT_EQ(server_.Stop(SIGTERM), 0);
  const auto spans = SpansOf(kTrace);
  ASSERT_THAT(spans, Contains(Key("proctor.v1.EnvironmentService/Act")));
  ASSERT_THAT(spans, Contains(Key("step")));
  EXPECT_EQ(spans.find("step")->second["parentSpanId"], spans.find("proctor.v1.EnvironmentService/Act")->second["spanId"]);
}

TEST_F(ProctordTracesTest, ACallerWhoWantsNoTraceGetsNone) {
  ASSERT_NO_FATAL_FAILURE(StartWithTraces());
  v1::CreateSessionRequest request;
  request.set_environment("environments/null");
  v1::Session session;
  ClientContext context;
  context.AddMetadata("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00");
  ASSERT_TRUE(worlds_->CreateSession(&context, request, &session).ok());
  ASSERT_EQ(server_.Stop(SIGTERM), 0);
  EXPECT_TRUE(SpansOf(kTrace).empty());
}

TEST_F(ProctordTracesTest, AFailedCallNamesItsIdWhateverItsCallerSentUnderThatName) {
  ASSERT_NO_FATAL_FAILURE(Start());
  const auto id_of_failure = [&](const char* traceparent) {
    v1::StepRequest request;
    request.set_session("sessions/none");
    v1::StepResponse response;
    ClientContext context;
    if (traceparent != nullptr) context.AddMetadata("traceparent", traceparent);
    context.AddMetadata("proctor-request-id", "forged");
    EXPECT_EQ(worlds_->Step(&context, request, &response).error_code(), grpc::StatusCode::NOT_FOUND);
    const auto& trailers = context.GetServerTrailingMetadata();
    const auto it = trailers.find("proctor-request-id");
    return it == trailers.end() ? std::string() : std::string(it->second.data(), it->second.size());
  };
  EXPECT_THAT(id_of_failure(kTraceparent), testing::MatchesRegex("00-4bf92f3577b34da6a3ce929d0e0e4736-[0-9a-f]{16}-01"));
  EXPECT_THAT(id_of_failure(nullptr), testing::MatchesRegex("00-[0-9a-f]{32}-[0-9a-f]{16}-00"));
  EXPECT_THAT(id_of_failure("garbage"), testing::MatchesRegex("00-[0-9a-f]{32}-[0-9a-f]{16}-00"));
}

TEST_F(ProctordTracesTest, AFolderThatCannotBeMadeIsSaidAtTheStart) {
  std::ofstream(server_.config(), std::ios::app) << "traces: {directory: /proc/none/traces}\n";
  std::string output;
  EXPECT_EQ(RunToEnd(server_.Command(), &output), 1);
  EXPECT_THAT(output, HasSubstr("/proc/none/traces"));
}

}  // namespace
}  // namespace proctor::server
