#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "clients/cpp/address.h"
#include "clients/cpp/client.h"
#include "fake_server.h"

namespace proctor::client {
namespace {

using ::testing::HasSubstr;

constexpr absl::Duration kWaited = absl::Milliseconds(2500);

class CppAddressTest : public testing::Test {
 protected:
  void SetUp() override {
    char pattern[] = "/tmp/proctor-test-XXXXXX";
    directory_ = mkdtemp(pattern);
    for (const char* name : {"PROCTOR_ADDRESS", "PROCTOR_DATA_DIR"}) unsetenv(name);
    setenv("XDG_DATA_HOME", directory_.c_str(), 1);
  }
  void TearDown() override {
    for (const char* name : {"PROCTOR_ADDRESS", "PROCTOR_DATA_DIR", "XDG_DATA_HOME"}) unsetenv(name);
    std::filesystem::remove_all(directory_);
  }
  // The data directory of a server that left this text as its addresses.
  std::string DataDirectory(const std::string& name, const std::string& addresses) {
    std::filesystem::create_directory(directory_ + "/" + name);
    std::ofstream(absl::StrCat(directory_, "/", name, "/addresses.json")) << addresses;
    return directory_ + "/" + name;
  }

  std::string directory_;
};

TEST_F(CppAddressTest, TheAddressGivenComesFirstThenTheDataDirectoryThenThePort) {
  EXPECT_EQ(DefaultAddress().value(), "127.0.0.1:50551");
  DataDirectory("proctor", R"({"grpc":"127.0.0.1:7"})");
  EXPECT_EQ(DefaultAddress().value(), "127.0.0.1:7");
  setenv("PROCTOR_DATA_DIR", DataDirectory("named", R"({"unix_socket":"/s","grpc":"127.0.0.1:8"})").c_str(), 1);
  EXPECT_EQ(DefaultAddress().value(), "unix:/s");
  setenv("PROCTOR_ADDRESS", "127.0.0.1:9", 1);
  EXPECT_EQ(DefaultAddress().value(), "127.0.0.1:9");
}

TEST_F(CppAddressTest, ADataDirectoryThatWasNamedIsNotExchangedForAnotherServer) {
  const std::string nowhere = directory_ + "/nowhere";
  EXPECT_EQ(AddressOfDataDirectory(nowhere).status().code(), absl::StatusCode::kNotFound);
  setenv("PROCTOR_DATA_DIR", nowhere.c_str(), 1);
  EXPECT_THAT(std::string(DefaultAddress().status().message()), HasSubstr(nowhere + "/addresses.json"));
  EXPECT_EQ(Client::Connect().status().code(), absl::StatusCode::kNotFound);
  for (const char* text : {"", "{", "[]", "7", "{}", R"({"grpc":7})"}) {
    EXPECT_EQ(AddressOfDataDirectory(DataDirectory("damaged", text)).status().code(), absl::StatusCode::kDataLoss) << text;
  }
}

TEST_F(CppAddressTest, RefusesWhatIsNoAddressAndSaysHowOneIsWritten) {
  for (const char* good : {"unix:/s", "unix:s", "127.0.0.1:1", "host:65535", "[::1]:5", "dns:///host:1"}) {
    EXPECT_TRUE(CheckAddress(good).ok()) << good;
  }
  const std::pair<const char*, const char*> bad[] = {
      {"", "host:port"},       {"localhost", "host:port"}, {"50551", "host:port"},      {":50551", "host:port"},
      {"host:", "1 to 65535"}, {"host:x", "1 to 65535"},   {"host:70000", "1 to 65535"}, {"host:-1", "1 to 65535"},
      {"http://host:1", "without http://"}, {"/run/s", "unix: before the path"}, {"::1:5", "[host]:port"}, {"unix:", "unix:/path"}};
  for (const auto& [address, advice] : bad) {
    EXPECT_EQ(CheckAddress(address).code(), absl::StatusCode::kInvalidArgument) << address;
    EXPECT_THAT(std::string(CheckAddress(address).message()), HasSubstr(advice)) << address;
  }
  EXPECT_EQ(Client::Connect({.address = "localhost"}).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(CppAddressTest, TellsWhyNoServerIsReached) {
  EXPECT_THAT(WhyUnreachable("127.0.0.1:1", false, kWaited), HasSubstr("(Connection refused); start it with: proctord"));
  EXPECT_THAT(WhyUnreachable("nohost.invalid:1", false, kWaited), HasSubstr("start it with: proctord"));
  EXPECT_THAT(WhyUnreachable(absl::StrCat("unix:", directory_, "/none"), false, kWaited), HasSubstr("(No such file or directory)"));
  EXPECT_THAT(WhyUnreachable("unix:/" + std::string(200, 'x'), false, kWaited), HasSubstr("too long"));
  const auto server = FakeServer::Start();
  EXPECT_THAT(WhyUnreachable(server->address(), false, kWaited), HasSubstr("if it wants TLS, give --tls-ca"));
  EXPECT_THAT(WhyUnreachable(server->address(), true, kWaited), HasSubstr("with TLS and a certificate that is trusted here"));
}

TEST_F(CppAddressTest, TellsWhetherSomethingListens) {
  EXPECT_FALSE(SomethingListens("127.0.0.1:1"));
  EXPECT_FALSE(SomethingListens(absl::StrCat("unix:", directory_, "/none")));
  EXPECT_TRUE(SomethingListens(FakeServer::Start()->address()));
}

TEST_F(CppAddressTest, OneThatHangsIsNotTakenForAMistakeAlone) {
  const auto server = FakeServer::Start();
  for (const bool tls : {false, true}) {
    EXPECT_THAT(WhyUnreachable(server->address(), tls, kWaited), HasSubstr("does not answer within 2.5 s"));
    EXPECT_THAT(WhyUnreachable(server->address(), tls, kWaited), HasSubstr("busy, stopped or hung?"));
  }
  // A unix socket that nobody reads.
  const std::string path = directory_ + "/s";
  sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = {}};
  path.copy(name.sun_path, sizeof name.sun_path - 1);
  const int listener = socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(bind(listener, reinterpret_cast<const sockaddr*>(&name), sizeof name), 0);
  ASSERT_EQ(listen(listener, 5), 0);
  EXPECT_EQ(Client::Connect({.address = "unix:" + path, .connect_timeout = absl::Milliseconds(50)}).status(),
            absl::UnavailableError(absl::StrCat("something listens at unix:", path, ", but it does not answer within 0.05 s: busy, stopped or hung?")));
  close(listener);
}

}  // namespace
}  // namespace proctor::client
