#include "server/auth/auth_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/proto_time.h"
#include "google/protobuf/text_format.h"

namespace proctor::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

v1::ServerConfig Config(const std::string& text) {
  v1::ServerConfig config;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &config)) << text;
  if (!config.has_listen_address()) config.set_listen_address("127.0.0.1:1");
  return config;
}

std::string Fault(const std::string& text, NetworkConsent consent = NetworkConsent::kNotGiven) {
  v1::ServerConfig config = Config(text);
  const auto fault = CheckAuth(config, consent);
  return fault ? fault->path + ": " + fault->reason : "";
}

constexpr char kTls[] = "tls {certificate_file: '/c' key_file: '/k'}";

TEST(AuthConfigTest, LoopbackNeedsNothing) {
  for (const char* address : {"127.0.0.1:0", "[::1]:1", "localhost:1", ""}) {
    EXPECT_EQ(Fault(std::string("listen_address: '") + address + "'"), "") << address;
  }
}

TEST(AuthConfigTest, OtherAddressesNeedTlsAndTokens) {
  for (const char* address : {"0.0.0.0:1", "[::]:1", "10.1.2.3:1", "proctor.example:1", "127.0.0.1.example:1", "[::ffff:1.2.3.4]:1"}) {
    const std::string listen = std::string("listen_address: '") + address + "' auth {";
    EXPECT_THAT(Fault(listen + "}"), HasSubstr("without auth.tls and auth.tokens_file")) << address;
    EXPECT_THAT(Fault(listen + kTls + "}"), HasSubstr("without auth.tokens_file")) << address;
    EXPECT_THAT(Fault(listen + "tokens_file: '/t'}"), HasSubstr("without auth.tls (")) << address;
    EXPECT_EQ(Fault(listen + "tokens_file: '/t' " + kTls + "}"), "") << address;
  }
}

TEST(AuthConfigTest, AnUnprotectedAddressHasToBeAskedForTwice) {
  const std::string listen = "listen_address: '0.0.0.0:1' ";
  EXPECT_THAT(Fault(listen, NetworkConsent::kGiven), HasSubstr("allow_unprotected_network"));
  EXPECT_THAT(Fault(listen + "auth {allow_unprotected_network: true}"), HasSubstr("--anyone-on-the-network-may-connect"));
  v1::ServerConfig config = Config(listen + "auth {allow_unprotected_network: true}");
  EXPECT_FALSE(CheckAuth(config, NetworkConsent::kGiven));
  EXPECT_THAT(DoorWarnings(config), SizeIs(2));
  EXPECT_EQ(TcpDoor(config), Door::kOpen);
  config.mutable_auth()->set_tokens_file("/t");
  EXPECT_THAT(DoorWarnings(config), SizeIs(1));
  EXPECT_EQ(TcpDoor(config), Door::kGuarded);
  config.set_listen_address("127.0.0.1:1");
  EXPECT_THAT(DoorWarnings(config), IsEmpty());
}

TEST(AuthConfigTest, WarnsOfDesktopsThatReachADoorWithoutTokens) {
  for (const char* shared : {"desktop {network: true}", "desktop {allow_unisolated: true}"}) {
    const std::string on_loopback = absl::StrCat("listen_address: '127.0.0.1:1' ", shared);
    EXPECT_THAT(DoorWarnings(Config(on_loopback)), ElementsAre(HasSubstr("desktops share this machine's network")));
    EXPECT_THAT(DoorWarnings(Config(on_loopback + " auth {tokens_file: '/t'}")), IsEmpty());
    EXPECT_THAT(DoorWarnings(Config(on_loopback + " auth {tokens_file: '/t' loopback_without_token: true}")), SizeIs(1));
    EXPECT_THAT(DoorWarnings(Config(absl::StrCat("listen_address: '' ", shared))), IsEmpty());
  }
}

TEST(AuthConfigTest, WithATokensFileLoopbackIsGuardedUnlessItIsSaidOtherwise) {
  EXPECT_EQ(TcpDoor(Config("")), Door::kLocal);
  EXPECT_EQ(TcpDoor(Config("auth {tokens_file: '/t'}")), Door::kGuarded);
  EXPECT_EQ(TcpDoor(Config("auth {tokens_file: '/t' loopback_without_token: true}")), Door::kLocal);
  EXPECT_EQ(TcpDoor(Config("listen_address: '10.0.0.1:1' auth {tokens_file: '/t' loopback_without_token: true}")), Door::kGuarded);
}

TEST(AuthConfigTest, FillsInWhatIsLeftOut) {
  v1::ServerConfig config = Config("quotas {tenants {key: 'lab' value {session_weight: 3}}}");
  ASSERT_FALSE(CheckAuth(config, NetworkConsent::kNotGiven));
  EXPECT_EQ(config.connections().max_message_bytes(), 64 << 20);
  EXPECT_EQ(FromProto(config.connections().max_age()), absl::Hours(24));
  EXPECT_EQ(config.connections().memory_bytes(), 1 << 30);
  EXPECT_EQ(config.connections().blob_memory_bytes(), 1 << 30);
  EXPECT_EQ(FromProto(config.connections().stalled_reader_timeout()), absl::Minutes(1));
  EXPECT_EQ(config.auth().audit().max_files(), 8);
  EXPECT_EQ(config.quotas().session_weights().at("null"), 0.01);
  EXPECT_EQ(config.quotas().tenants().at("lab").share(), 1);
  config = Config("connections {max_age {} max_idle {}} quotas {session_weights {key: 'null' value: 2}}");
  ASSERT_FALSE(CheckAuth(config, NetworkConsent::kNotGiven));
  EXPECT_EQ(FromProto(config.connections().max_age()), absl::ZeroDuration());
  EXPECT_EQ(config.quotas().session_weights().at("null"), 2);
}

TEST(AuthConfigTest, IdleConnectionsEndSoonerWhereStrangersMayConnect) {
  for (const auto& [text, idle] : std::vector<std::pair<const char*, absl::Duration>>{
           {"", absl::Hours(1)},
           {"auth {tokens_file: '/t' loopback_without_token: true}", absl::Hours(1)},
           {"auth {tokens_file: '/t'}", absl::Minutes(5)},
           {"auth {tls {certificate_file: '/c' key_file: '/k'}}", absl::Minutes(5)},
           {"auth {tokens_file: '/t'} connections {max_idle {seconds: 7200}}", absl::Hours(2)},
           {"auth {tokens_file: '/t'} connections {max_idle {}}", absl::ZeroDuration()}}) {
    v1::ServerConfig config = Config(text);
    ASSERT_FALSE(CheckAuth(config, NetworkConsent::kNotGiven)) << text;
    EXPECT_EQ(FromProto(config.connections().max_idle()), idle) << text;
  }
}

TEST(AuthConfigTest, RefusesWhatIsOutOfRange) {
  for (const auto& [text, path] : std::vector<std::pair<const char*, const char*>>{
           {"auth {tls {key_file: '/k'}}", "auth.tls.certificate_file"},
           {"auth {tls {certificate_file: '/c'}}", "auth.tls.key_file"},
           {"auth {tls {certificate_file: 'c' key_file: '/k'}}", "auth.tls.certificate_file"},
           {"auth {tls {certificate_file: '/c' key_file: '/k' client_ca_file: '/a'}}", "auth.tls.client_ca_file"},
           {"auth {tokens_file: '/t' tls {certificate_file: '/c' key_file: '/k' client_certificate_optional: true}}",
            "auth.tls.client_certificate_optional"},
           {"auth {tokens_file: '/t' tls {certificate_file: '/c' key_file: '/k' reload_interval {nanos: 1}}}",
            "auth.tls.reload_interval"},
           {"auth {tokens_file: 'tokens.yaml'}", "auth.tokens_file"},
           {"auth {audit {max_files: -1}}", "auth.audit.max_files"},
           {"auth {audit {max_file_bytes: 1}}", "auth.audit.max_file_bytes"},
           {"connections {max_message_bytes: 1}", "connections.max_message_bytes"},
           {"connections {max_message_bytes: 1000000000}", "connections.max_message_bytes"},
           {"connections {max_metadata_bytes: -5}", "connections.max_metadata_bytes"},
           {"connections {max_calls: 100001}", "connections.max_calls"},
           {"connections {keepalive_time {}}", "connections.keepalive_time"},
           {"connections {max_age {nanos: 1}}", "connections.max_age"},
           {"connections {max_age {seconds: -1}}", "connections.max_age"},
           {"connections {memory_bytes: 1000000}", "connections.memory_bytes"},
           {"connections {blob_memory_bytes: 1000000}", "connections.blob_memory_bytes"},
           {"connections {stalled_reader_timeout {}}", "connections.stalled_reader_timeout"},
           {"quotas {otherwise {session_weight: -1}}", "quotas.otherwise.session_weight"},
           {"quotas {otherwise {steps_per_minute: nan}}", "quotas.otherwise.steps_per_minute"},
           {"quotas {otherwise {judge_usd_per_day: inf}}", "quotas.otherwise.judge_usd_per_day"},
           {"quotas {tenants {key: 'A' value {}}}", "quotas.tenants.A"},
           {"quotas {tenants {key: 'a' value {share: -1}}}", "quotas.tenants.a.share"},
           {"quotas {session_weights {key: 'web' value: -1}}", "quotas.session_weights.web"}}) {
    EXPECT_THAT(Fault(text), HasSubstr(path)) << text;
  }
}

}  // namespace
}  // namespace proctor::server
