// The real server's doors, over real sockets and real TLS: who gets in, who does not, and what strangers can do to it.
#include <netinet/in.h>
#include <sys/socket.h>

#include <set>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "google/protobuf/descriptor.h"
#include "proctor/v1/environment_service.grpc.pb.h"
#include "proctor/v1/evaluation_service.pb.h"
#include "proctor/v1/job_service.pb.h"
#include "proctor/v1/reward_service.grpc.pb.h"
#include "proctor/v1/task_service.pb.h"
#include "proctor/v1/trajectory_service.grpc.pb.h"
#include "tests/server/guarded_proctord.h"

namespace proctor::server {
namespace {

using grpc::StatusCode;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kListEnvironments[] = "/proctor.v1.EnvironmentService/ListEnvironments";
constexpr char kListSessions[] = "/proctor.v1.EnvironmentService/ListSessions";
constexpr char kListRewards[] = "/proctor.v1.RewardService/ListRewards";
constexpr char kHealth[] = "/grpc.health.v1.Health/Check";
constexpr char kReflection[] = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";

class ProctordDoorsTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    made_ = net::MakeCertificate(server_pair_.certificate, server_pair_.key) &&
            net::MakeCertificate(other_pair_.certificate, other_pair_.key);
  }
  void SetUp() override {
    if (!made_) GTEST_SKIP() << "openssl is not installed";
    server_.WriteServerPair(server_pair_);
    WriteTokens("");
  }

  void WriteTokens(const std::string& more) {
    server_.Write("tokens.yaml", "tokens:\n" + GuardedProctord::Token("actor", "act") + GuardedProctord::Token("trainer", "read_rewards") +
                                     GuardedProctord::Token("root", "administer") +
                                     GuardedProctord::Token("late", "act", ", expire_time: \"2020-01-01T00:00:00Z\"") + more);
  }
  std::string Tokens() const { return "tokens_file: " + server_.tokens_file(); }
  // TLS and tokens on loopback.
  void StartGuarded(const std::string& tls_more = "", const std::string& more = "") {
    server_.Start("auth: {" + Tokens() + ", tls: {" + server_.TlsSettings() + tls_more + "}}\n" + more);
  }
  std::shared_ptr<grpc::Channel> Tls(const PemPair& own = {}) const { return server_.Tls(server_pair_.certificate, own); }

  static inline bool made_ = false;
  static inline PemPair server_pair_;
  static inline PemPair other_pair_;
  GuardedProctord server_;
};

TEST_F(ProctordDoorsTest, ATokenOpensWhatItsScopesSay) {
  ASSERT_NO_FATAL_FAILURE(StartGuarded());
  const auto channel = Tls();
  EXPECT_TRUE(Send(channel, {kListSessions, "", {Bearer("actor")}}).ok());
  EXPECT_TRUE(Send(channel, {kListRewards, "", {Bearer("trainer")}}).ok());
  EXPECT_TRUE(Send(channel, {kListRewards, "", {Bearer("root")}}).ok());
  EXPECT_TRUE(Send(channel, {kListEnvironments, "", {Bearer("trainer")}}).ok());
  const grpc::Status denied = Send(channel, {kListRewards, "", {Bearer("actor")}});
  EXPECT_EQ(denied.error_code(), StatusCode::PERMISSION_DENIED);
  EXPECT_THAT(denied.error_message(), HasSubstr("read_rewards"));
  EXPECT_EQ(Send(channel, {"/proctor.v1.TaskService/NoSuch", "", {Bearer("root")}}).error_code(), StatusCode::UNIMPLEMENTED);
}

TEST_F(ProctordDoorsTest, WithoutARightTokenNothingButHealthIsServed) {
  ASSERT_NO_FATAL_FAILURE(StartGuarded());
  const auto channel = Tls();
  EXPECT_TRUE(Send(channel, {kHealth}).ok());
  const std::vector<std::pair<std::string, std::string>> refused[] = {
      {},
      {{"authorization", "Bearer wrong"}},
      {Bearer("late")},
      {{"authorization", "Basic " + GuardedProctord::TokenOf("root")}},
      {{"authorization", GuardedProctord::TokenOf("root")}},
      {{"authorization", "Bearer " + GuardedProctord::TokenOf("root") + " "}},
      {{"authorization", ""}},
      {{"authorization", "Bearer " + std::string(4000, 'x')}},
      {{"authorization-bin", std::string("\0\xff\x80", 3)}},
      {Bearer("root"), {"authorization", "Bearer wrong"}},
      {{"authorization", ""}, Bearer("root")},
      {Bearer("root"), {"authorization", ""}},
      {{"authorization", ""}, {"authorization", ""}, Bearer("root")},
      {{"x-authorization", "Bearer " + GuardedProctord::TokenOf("root")}},
      {{"proctor-caller", "root"}, {"proctor-caller-tenant", "default"}, {"proctor-caller-sees-all", "1"}}};
  for (const auto& metadata : refused) {
    for (const char* path : {kListSessions, kListRewards, kReflection, "/proctor.v1.EnvironmentService/Act",
                             "/proctor.v1.RewardService/StreamRewards", "/no.such.Service/Method"}) {
      const grpc::Status status = Send(channel, {path, "", metadata});
      EXPECT_EQ(status.error_code(), StatusCode::UNAUTHENTICATED) << path << " " << status.error_message();
      EXPECT_THAT(status.error_message(), Not(HasSubstr("hunter2")));
    }
  }
  EXPECT_THAT(Send(channel, {kListSessions, "", {Bearer("late")}}).error_message(), HasSubstr("expired"));
  // It is none the worse for it.
  EXPECT_TRUE(Send(channel, {kListSessions, "", {Bearer("actor")}}).ok());
}

TEST_F(ProctordDoorsTest, ChannelzTellsAdministratorsAlone) {
  ASSERT_NO_FATAL_FAILURE(StartGuarded());
  const auto channel = Tls();
  constexpr char kGetServers[] = "/grpc.channelz.v1.Channelz/GetServers";
  EXPECT_EQ(Send(channel, {kGetServers, "", {Bearer("actor")}}).error_code(), StatusCode::PERMISSION_DENIED);
  std::string reply;
  const grpc::Status status = Send(channel, {kGetServers, "", {Bearer("root")}}, &reply);
  EXPECT_TRUE(status.ok()) << status.error_message();
  // At least one server is listed.
  EXPECT_GT(reply.size(), 8u);
}

TEST_F(ProctordDoorsTest, NoMethodOfAnyServiceIsServedWithoutAToken) {
  ASSERT_NO_FATAL_FAILURE(StartGuarded());
  const auto channel = Tls();
  int methods = 0;
  for (const google::protobuf::FileDescriptor* file :
       {v1::ActRequest::descriptor()->file(), v1::RescoreRequest::descriptor()->file(), v1::GetJobRequest::descriptor()->file(),
        v1::ListRewardsRequest::descriptor()->file(), v1::GetTaskRequest::descriptor()->file(),
        v1::ReadBlobRequest::descriptor()->file()}) {
    const auto* service = file->service(0);
    for (int i = 0; i < service->method_count(); ++i, ++methods) {
      const std::string path = absl::StrCat("/", service->full_name(), "/", service->method(i)->name());
      EXPECT_EQ(Send(channel, {path}).error_code(), StatusCode::UNAUTHENTICATED) << path;
      // None of them is left out of the table of scopes.
      EXPECT_THAT(Send(channel, {path, "\xff\xff", {Bearer("root")}}).error_message(), Not(HasSubstr("has no method"))) << path;
    }
  }
  EXPECT_GE(methods, 60);
}

TEST_F(ProctordDoorsTest, StreamsAreCheckedToo) {
  ASSERT_NO_FATAL_FAILURE(StartGuarded());
  const auto worlds = v1::EnvironmentService::NewStub(Tls());
  const auto try_act = [&](const std::string& token) {
    ClientContext context;
    context.AddMetadata("authorization", "Bearer " + token);
    const auto stream = worlds->Act(&context);
    v1::ActRequest request;
    request.mutable_create_session()->set_environment("environments/null");
    stream->Write(request);
    stream->WritesDone();
    v1::ActResponse response;
    const bool served = stream->Read(&response) && response.has_session();
    return std::make_pair(served, stream->Finish().error_code());
  };
  EXPECT_EQ(try_act(GuardedProctord::TokenOf("actor")), std::make_pair(true, StatusCode::OK));
  EXPECT_EQ(try_act(GuardedProctord::TokenOf("trainer")), std::make_pair(false, StatusCode::PERMISSION_DENIED));
  EXPECT_EQ(try_act("wrong"), std::make_pair(false, StatusCode::UNAUTHENTICATED));
}

TEST_F(ProctordDoorsTest, ReflectionWorksForWhoeverHasAToken) {
  ASSERT_NO_FATAL_FAILURE(StartGuarded());
  // ServerReflectionRequest.list_services = 7: "".
  std::string reply;
  const grpc::Status status = Send(Tls(), {kReflection, std::string("\x3a\x00", 2), {Bearer("trainer")}}, &reply);
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_THAT(reply, HasSubstr("proctor.v1.RewardService"));
}

TEST_F(ProctordDoorsTest, ATokenInPlainTextGetsNowhereOnATlsAddress) {
  ASSERT_NO_FATAL_FAILURE(StartGuarded());
  EXPECT_EQ(Send(server_.Plain(), {kListSessions, "", {Bearer("actor")}}).error_code(), StatusCode::UNAVAILABLE);
  // A client that does not trust the certificate sends nothing.
  EXPECT_EQ(Send(server_.Tls(other_pair_.certificate), {kListSessions, "", {Bearer("actor")}}).error_code(), StatusCode::UNAVAILABLE);
  EXPECT_TRUE(Send(Tls(), {kListSessions, "", {Bearer("actor")}}).ok());
}

TEST_F(ProctordDoorsTest, UnderMtlsACertificateIsNeededAndIsAnIdentity) {
  const std::string authority = server_.Write("ca.pem", other_pair_.certificate);
  WriteTokens("certificates:\n- {name: robot, identity: localhost, tenant: lab, scopes: [act]}\n");
  ASSERT_NO_FATAL_FAILURE(StartGuarded(", client_ca_file: " + authority));
  EXPECT_EQ(Send(Tls(), {kListSessions, "", {Bearer("actor")}}).error_code(), StatusCode::UNAVAILABLE);
  EXPECT_EQ(Send(Tls(server_pair_), {kListSessions, "", {Bearer("actor")}}).error_code(), StatusCode::UNAVAILABLE);
  EXPECT_TRUE(Send(Tls(other_pair_), {kListSessions}).ok());
  EXPECT_EQ(Send(Tls(other_pair_), {kListRewards}).error_code(), StatusCode::PERMISSION_DENIED);
  EXPECT_TRUE(Send(Tls(other_pair_), {kListRewards, "", {Bearer("trainer")}}).ok());
  EXPECT_EQ(Send(Tls(other_pair_), {kListSessions, "", {{"authorization", "Bearer wrong"}}}).error_code(), StatusCode::UNAUTHENTICATED);
}

TEST_F(ProctordDoorsTest, AnOptionalClientCertificateIsVerifiedAllTheSame) {
  const std::string authority = server_.Write("ca.pem", other_pair_.certificate);
  ASSERT_NO_FATAL_FAILURE(StartGuarded(", client_certificate_optional: true, client_ca_file: " + authority));
  EXPECT_TRUE(Send(Tls(), {kListSessions, "", {Bearer("actor")}}).ok());
  EXPECT_EQ(Send(Tls(), {kListSessions}).error_code(), StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(Send(Tls(server_pair_), {kListSessions, "", {Bearer("actor")}}).error_code(), StatusCode::UNAVAILABLE);
  // Valid, but nobody that is known.
  const grpc::Status stranger = Send(Tls(other_pair_), {kListSessions});
  EXPECT_EQ(stranger.error_code(), StatusCode::UNAUTHENTICATED);
  EXPECT_THAT(stranger.error_message(), HasSubstr("tokens file"));
}

TEST_F(ProctordDoorsTest, HugeMessagesAndMetadataAreRefusedAndTheServerGoesOn) {
  ASSERT_NO_FATAL_FAILURE(StartGuarded("", "connections: {max_message_bytes: 64KiB}\n"));
  const auto channel = Tls();
  const std::string large(1 << 20, 'x');
  EXPECT_EQ(Send(channel, {kListSessions, large, {Bearer("actor")}}).error_code(), StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(Send(channel, {kListSessions, large}).error_code(), StatusCode::UNAUTHENTICATED);
  EXPECT_FALSE(Send(channel, {kListSessions, "", {Bearer("actor"), {"x", std::string(100'000, 'x')}}}).ok());
  std::vector<std::pair<std::string, std::string>> many = {Bearer("actor")};
  for (int i = 0; i < 2000; ++i) many.emplace_back(absl::StrCat("x-", i), "some value");
  EXPECT_FALSE(Send(channel, {kListSessions, "", many}).ok());
  EXPECT_TRUE(Send(Tls(), {kListSessions, "", {Bearer("actor")}}).ok());
}

// Nested deeper than the format allows: an error of the one call.
TEST_F(ProctordDoorsTest, DeeplyNestedMessagesAreRefused) {
  ASSERT_NO_FATAL_FAILURE(StartGuarded());
  v1::CreateTaskRequest request;
  v1::Oracle* oracle = request.mutable_task()->mutable_oracle();
  for (int i = 0; i < 2000; ++i) oracle = oracle->mutable_negation();
  std::string bytes;
  ASSERT_TRUE(request.SerializePartialToString(&bytes));
  EXPECT_FALSE(Send(Tls(), {"/proctor.v1.TaskService/CreateTask", bytes, {Bearer("root")}}).ok());
  EXPECT_TRUE(Send(Tls(), {kListSessions, "", {Bearer("actor")}}).ok());
}

TEST_F(ProctordDoorsTest, BytesThatAreNoTlsDoNoHarm) {
  ASSERT_NO_FATAL_FAILURE(StartGuarded());
  const std::string addresses = ReadWholeFile(server_.data() + "/addresses.json");
  const size_t colon = addresses.find("127.0.0.1:") + 10;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(std::stoi(addresses.substr(colon))));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  for (const std::string& junk : {std::string("GET / HTTP/1.1\r\n\r\n"), std::string("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), std::string(70'000, '\xff'),
                                  std::string("\x16\x03\x01\xff\xff", 5), std::string()}) {
    const int peer = socket(AF_INET, SOCK_STREAM, 0);
    ASSERT_EQ(connect(peer, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    send(peer, junk.data(), junk.size(), MSG_NOSIGNAL);
    close(peer);
  }
  EXPECT_TRUE(Send(Tls(), {kListSessions, "", {Bearer("actor")}}).ok());
  // Each makes gRPC say something. The log does not grow with them.
  for (int i = 0; i < 200; ++i) {
    const int peer = socket(AF_INET, SOCK_STREAM, 0);
    ASSERT_EQ(connect(peer, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    send(peer, "GET / HTTP/1.1\r\n\r\n", 18, MSG_NOSIGNAL);
    char answer[64];
    while (recv(peer, answer, sizeof answer, 0) > 0) {
    }
    close(peer);
  }
  const std::string log = server_.log();
  int lines = 0;
  for (size_t at = log.find("gRPC says"); at != std::string::npos; at = log.find("gRPC says", at + 1)) ++lines;
  EXPECT_GT(lines, 0);
  // Twenty a minute; a slow machine sees some minutes.
  EXPECT_LE(lines, 100);
  EXPECT_EQ(log.find("ssl_transport_security.cc:1"), log.find("at=ssl_transport_security.cc:1") + 3) << "a line that is not ours";
}

TEST_F(ProctordDoorsTest, LoopbackAsksNothingUntilThereAreTokensAndTheUnixSocketNever) {
  ASSERT_NO_FATAL_FAILURE(server_.Start(""));
  EXPECT_TRUE(Send(server_.Plain(), {kListRewards}).ok());
  EXPECT_EQ(Send(server_.Plain(), {kListRewards, "", {{"authorization", "Bearer x"}}}).error_code(), StatusCode::UNAUTHENTICATED);
  server_.Stop(SIGKILL);
  ASSERT_NO_FATAL_FAILURE(server_.Start("auth: {" + Tokens() + "}\n"));
  EXPECT_EQ(Send(server_.Plain(), {kListRewards}).error_code(), StatusCode::UNAUTHENTICATED);
  EXPECT_TRUE(Send(server_.Plain(), {kListRewards, "", {Bearer("trainer")}}).ok());
  EXPECT_TRUE(Send(server_.Unix(), {kListRewards}).ok());
  EXPECT_EQ(Send(server_.Unix(), {kListRewards, "", {Bearer("actor")}}).error_code(), StatusCode::PERMISSION_DENIED);
  server_.Stop(SIGKILL);
  ASSERT_NO_FATAL_FAILURE(server_.Start("auth: {loopback_without_token: true, " + Tokens() + "}\n"));
  EXPECT_TRUE(Send(server_.Plain(), {kListRewards}).ok());
}

TEST_F(ProctordDoorsTest, AnUnprotectedNetworkAddressIsRefusedUnlessItIsAskedForTwice) {
  const std::vector<std::string> network = {"--listen", "0.0.0.0:0"};
  const std::vector<std::string> told = {"--listen", "0.0.0.0:0", "--anyone-on-the-network-may-connect"};
  const std::string setting = "auth: {allow_unprotected_network: true}\n";
  std::string output;
  EXPECT_EQ(GuardedProctord::Run(server_.Command("", network), &output), 2);
  EXPECT_THAT(output, HasSubstr("docs/security.md"));
  EXPECT_EQ(GuardedProctord::Run(server_.Command(setting, network)), 2);
  EXPECT_EQ(GuardedProctord::Run(server_.Command("", told)), 2);
  EXPECT_EQ(GuardedProctord::Run(server_.Command("auth: {" + Tokens() + "}\n", network)), 2);
  EXPECT_EQ(GuardedProctord::Run(server_.Command("auth: {tls: {" + server_.TlsSettings() + "}}\n", network)), 2);
  ASSERT_NO_FATAL_FAILURE(server_.Start(setting, told));
  EXPECT_TRUE(Send(server_.Plain(), {kListSessions}).ok());
  EXPECT_THAT(server_.log(), HasSubstr("without TLS"));
  EXPECT_THAT(server_.log(), HasSubstr("without tokens"));
  server_.Stop(SIGKILL);
  ASSERT_NO_FATAL_FAILURE(server_.Start("auth: {" + Tokens() + ", tls: {" + server_.TlsSettings() + "}}\n", network));
  EXPECT_EQ(Send(Tls(), {kListSessions}).error_code(), StatusCode::UNAUTHENTICATED);
  EXPECT_TRUE(Send(Tls(), {kListSessions, "", {Bearer("actor")}}).ok());
}

TEST_F(ProctordDoorsTest, DoesNotStartOnFilesThatAreWrong) {
  server_.Write("server.key", other_pair_.key);
  std::string output;
  EXPECT_EQ(GuardedProctord::Run(server_.Command("auth: {" + Tokens() + ", tls: {" + server_.TlsSettings() + "}}\n", {"--listen", "127.0.0.1:0"}),
                     &output), 1);
  EXPECT_THAT(output, HasSubstr("is not the key of"));
  server_.WriteServerPair(server_pair_);
  server_.Write("tokens.yaml", "tokens: [{name: a}]\n");
  output.clear();
  EXPECT_EQ(GuardedProctord::Run(server_.Command("auth: {" + Tokens() + "}\n", {"--listen", "127.0.0.1:0"}), &output), 1);
  EXPECT_THAT(output, HasSubstr("tokens.yaml:1"));
  // Who looks beforehand is told the same.
  output.clear();
  EXPECT_EQ(GuardedProctord::Run(server_.Command("auth: {" + Tokens() + "}\n", {"--check-config"}), &output), 2);
  EXPECT_THAT(output, HasSubstr("tokens.yaml:1"));
  WriteTokens("");
  EXPECT_EQ(GuardedProctord::Run(server_.Command("auth: {" + Tokens() + "}\n", {"--check-config"})), 0);
  server_.Write("server.key", other_pair_.key);
  output.clear();
  EXPECT_EQ(GuardedProctord::Run(server_.Command("auth: {" + Tokens() + ", tls: {" + server_.TlsSettings() + "}}\n", {"--check-config"}), &output), 2);
  EXPECT_THAT(output, HasSubstr("is not the key of"));
}

TEST_F(ProctordDoorsTest, AWithdrawnTokenIsRefusedAndItsStreamsEnd) {
  ASSERT_NO_FATAL_FAILURE(StartGuarded());
  const auto channel = Tls();
  const auto worlds = v1::EnvironmentService::NewStub(channel);
  ClientContext context;
  context.AddMetadata("authorization", "Bearer " + GuardedProctord::TokenOf("actor"));
  const auto stream = worlds->Act(&context);
  v1::ActRequest request;
  request.mutable_create_session()->set_environment("environments/null");
  ASSERT_TRUE(stream->Write(request));
  v1::ActResponse response;
  ASSERT_TRUE(stream->Read(&response));
  server_.Write("tokens.yaml", "tokens:\n" + GuardedProctord::Token("trainer", "read_rewards"));
  ASSERT_TRUE(Comes([&] { return Send(channel, {kListSessions, "", {Bearer("actor")}}).error_code() == StatusCode::UNAUTHENTICATED; }));
  request.mutable_start_episode()->mutable_inline_task()->set_goal("Say hello.");
  stream->Write(request);
  v1::ActResponse unheard;
  EXPECT_FALSE(stream->Read(&unheard)) << unheard.ShortDebugString();
  const grpc::Status ended = stream->Finish();
  EXPECT_EQ(ended.error_code(), StatusCode::UNAUTHENTICATED) << ended.error_message();
  EXPECT_THAT(ended.error_message(), HasSubstr("withdrawn"));
  // What it asked for was not done.
  v1::ListEpisodesRequest list;
  list.set_session(response.session().name());
  v1::ListEpisodesResponse episodes;
  ClientContext listing;
  EXPECT_TRUE(v1::EnvironmentService::NewStub(server_.Unix())->ListEpisodes(&listing, list, &episodes).ok());
  EXPECT_EQ(episodes.episodes_size(), 0);
  // A mistake keeps what is in force; a SIGHUP reads at once.
  server_.Write("tokens.yaml", "nonsense");
  server_.Signal(SIGHUP);
  ASSERT_TRUE(Comes([&] { return server_.log().find("the tokens read before stay") != std::string::npos; }));
  EXPECT_TRUE(Send(channel, {kListRewards, "", {Bearer("trainer")}}).ok());
  WriteTokens("");
  EXPECT_TRUE(Comes([&] { return Send(channel, {kListSessions, "", {Bearer("actor")}}).ok(); }));
}

TEST_F(ProctordDoorsTest, AnExpiryThatATokenGetsLaterHoldsForItsOpenStreamsToo) {
  WriteTokens(GuardedProctord::Token("leaver", "act"));
  ASSERT_NO_FATAL_FAILURE(StartGuarded());
  const auto worlds = v1::EnvironmentService::NewStub(Tls());
  ClientContext context;
  context.AddMetadata("authorization", "Bearer " + GuardedProctord::TokenOf("leaver"));
  const auto stream = worlds->Act(&context);
  v1::ActRequest request;
  request.mutable_create_session()->set_environment("environments/null");
  ASSERT_TRUE(stream->Write(request));
  v1::ActResponse response;
  ASSERT_TRUE(stream->Read(&response));
  const absl::Time expiry = absl::Now() + absl::Seconds(3);
  WriteTokens(GuardedProctord::Token("leaver", "act", absl::StrCat(", expire_time: \"", absl::FormatTime(expiry, absl::UTCTimeZone()), "\"")));
  server_.Signal(SIGHUP);
  ASSERT_TRUE(Comes([&] { return server_.log().find("the tokens file was read again") != std::string::npos; }));
  // Heard as long as it has not expired; on a slow machine it may have.
  request.mutable_keep_alive()->set_name(response.session().name());
  stream->Write(request);
  stream->Read(&response);
  absl::SleepFor(expiry - absl::Now() + absl::Milliseconds(10));
  stream->Write(request);
  EXPECT_FALSE(stream->Read(&response)) << response.ShortDebugString();
  EXPECT_EQ(stream->Finish().error_code(), StatusCode::UNAUTHENTICATED);
}

// A stream that interceptors see to.
TEST_F(ProctordDoorsTest, ARecordingOfAWithdrawnTokenEndsAsWell) {
  WriteTokens(GuardedProctord::Token("recorder", "record"));
  ASSERT_NO_FATAL_FAILURE(StartGuarded());
  const auto channel = Tls();
  ClientContext context;
  context.AddMetadata("authorization", "Bearer " + GuardedProctord::TokenOf("recorder"));
  v1::Trajectory trajectory;
  const auto trajectories = v1::TrajectoryService::NewStub(channel);
  const auto writer = trajectories->RecordTrajectory(&context, &trajectory);
  v1::RecordTrajectoryRequest message;
  message.mutable_header()->mutable_inline_task()->set_goal("wait");
  ASSERT_TRUE(writer->Write(message));
  message.mutable_step()->mutable_action()->mutable_answer()->set_text("42");
  ASSERT_TRUE(writer->Write(message));
  const auto local = v1::EnvironmentService::NewStub(server_.Unix());
  const auto recorded = [&] {
    ClientContext listing;
    v1::ListEpisodesResponse episodes;
    EXPECT_TRUE(local->ListEpisodes(&listing, v1::ListEpisodesRequest(), &episodes).ok());
    return episodes.episodes_size() == 1 ? episodes.episodes(0) : v1::Episode();
  };
  ASSERT_TRUE(Comes([&] { return !recorded().name().empty(); }));
  WriteTokens("");
  ASSERT_TRUE(Comes([&] { return Send(channel, {kListEnvironments, "", {Bearer("recorder")}}).error_code() == StatusCode::UNAUTHENTICATED; }));
  message.mutable_end()->set_end_kind(v1::END_KIND_TERMINATED);
  message.mutable_end()->set_end_reason(v1::END_REASON_ANSWERED);
  writer->Write(message);
  const grpc::Status ended = writer->Finish();
  EXPECT_EQ(ended.error_code(), StatusCode::UNAUTHENTICATED) << ended.error_message();
  // The end that it told of was not heard.
  ASSERT_TRUE(Comes([&] { return recorded().state() == v1::EPISODE_STATE_CLOSED; }));
  EXPECT_EQ(recorded().end_kind(), v1::END_KIND_INTERRUPTED);
}

TEST_F(ProctordDoorsTest, ARenewedCertificateIsServedWithoutARestart) {
  ASSERT_NO_FATAL_FAILURE(StartGuarded());
  ASSERT_TRUE(Send(Tls(), {kHealth}).ok());
  server_.WriteServerPair(other_pair_);
  ASSERT_TRUE(Comes([&] { return Send(server_.Tls(other_pair_.certificate), {kHealth}).ok(); }));
  EXPECT_EQ(Send(Tls(), {kHealth}).error_code(), StatusCode::UNAVAILABLE);
}

TEST_F(ProctordDoorsTest, ANewTokenIsPrintedOnceAndItsEntryLetsItIn) {
  std::string printed;
  ASSERT_EQ(GuardedProctord::Run({PROCTORD, "--new-token", "fresh", "--scopes", "act,judge", "--tenant", "lab", "--expires", "1h"}, &printed), 0);
  const std::string token = printed.substr(printed.find("\nproctor_") + 1, 8 + 64);
  const std::string entry = printed.substr(printed.find("- name: fresh"));
  WriteTokens(entry);
  ASSERT_NO_FATAL_FAILURE(StartGuarded());
  EXPECT_TRUE(Send(Tls(), {kListSessions, "", {{"authorization", "Bearer " + token}}}).ok());
  EXPECT_EQ(GuardedProctord::Run({PROCTORD, "--new-token", "fresh"}), 2);
  EXPECT_EQ(GuardedProctord::Run({PROCTORD, "--new-token", "fresh", "--scopes", "fly"}), 2);
  EXPECT_EQ(GuardedProctord::Run({PROCTORD, "--scopes", "act"}), 2);
}

}  // namespace
}  // namespace proctor::server
