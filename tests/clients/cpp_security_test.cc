#include "clients/cpp/security.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "tests/storage/temp_directory.h"

namespace proctor::client {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kElsewhere[] = "proctor.example:50551";

// Without what the environment of whoever runs the tests says.
class SecurityTest : public ::testing::Test {
 protected:
  void SetUp() override { Clear(); }
  void TearDown() override { Clear(); }
  static void Clear() {
    for (const char* name : {"PROCTOR_TOKEN", "PROCTOR_TOKEN_FILE", "PROCTOR_TLS_CA", "PROCTOR_TLS_CERTIFICATE", "PROCTOR_TLS_KEY",
                             "PROCTOR_TLS_SERVER_NAME"}) {
      unsetenv(name);
    }
  }
  std::string Write(const std::string& name, const std::string& text) {
    std::ofstream(directory_.path() + "/" + name) << text;
    return directory_.path() + "/" + name;
  }

  storage::TempDirectory directory_;
};

TEST_F(SecurityTest, WithoutAnythingItIsPlainTextWithoutAToken) {
  const auto loaded = LoadCredentials({}, kElsewhere);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_FALSE(loaded->tls);
  EXPECT_EQ(loaded->token, "");
}

TEST_F(SecurityTest, ATokenComesFromWhereItIsGivenFirst) {
  setenv("PROCTOR_TOKEN", "of-variable", 1);
  setenv("PROCTOR_TOKEN_FILE", Write("b", "of-variables-file\n").c_str(), 1);
  const std::string file = Write("a", " of-file\n");
  EXPECT_EQ(LoadCredentials({.token = "given", .token_file = file}, "unix:/s")->token, "given");
  EXPECT_EQ(LoadCredentials({.token_file = file}, "unix:/s")->token, "of-file");
  EXPECT_EQ(LoadCredentials({}, "unix:/s")->token, "of-variable");
  unsetenv("PROCTOR_TOKEN");
  EXPECT_EQ(LoadCredentials({}, "unix:/s")->token, "of-variables-file");
  EXPECT_TRUE(absl::IsNotFound(LoadCredentials({.token_file = "/no/such/file"}, "unix:/s").status()));
}

TEST_F(SecurityTest, ATokenGoesToAnotherMachineOverTlsOnlyUnlessItIsMeant) {
  const auto refused = LoadCredentials({.token = "hunter2"}, kElsewhere);
  EXPECT_TRUE(absl::IsFailedPrecondition(refused.status()));
  EXPECT_THAT(refused.status().ToString(), Not(HasSubstr("hunter2")));
  for (const char* sly : {"127.0.0.1.example:1", "localhost.example:1", "10.0.0.1:1", "[2001:db8::1]:1", "dns:///127.0.0.1:1"}) {
    EXPECT_FALSE(LoadCredentials({.token = "hunter2"}, sly).ok()) << sly;
  }
  EXPECT_TRUE(LoadCredentials({.token = "hunter2", .token_in_plain_text = true}, kElsewhere).ok());
  for (const char* here : {"unix:/s", "127.0.0.1:1", "[::1]:1", "localhost:1"}) {
    EXPECT_TRUE(LoadCredentials({.token = "hunter2"}, here).ok()) << here;
  }
  const auto like_a_socket = LoadCredentials({.tls_ca = "system"}, "unixbox.example:50551");
  ASSERT_TRUE(like_a_socket.ok()) << like_a_socket.status();
  EXPECT_TRUE(like_a_socket->tls);
  const auto tls = LoadCredentials({.token = "hunter2", .tls_ca = "system"}, kElsewhere);
  ASSERT_TRUE(tls.ok()) << tls.status();
  EXPECT_TRUE(tls->tls);
  EXPECT_EQ(tls->root_certificates, "");
}

TEST_F(SecurityTest, ReadsTheFilesOfTls) {
  const Security security{.tls_ca = Write("ca", "roots"), .tls_certificate = Write("c", "mine"), .tls_key = Write("k", "secret"),
                          .tls_server_name = "name"};
  const auto loaded = LoadCredentials(security, kElsewhere);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->root_certificates, "roots");
  EXPECT_EQ(loaded->certificate, "mine");
  EXPECT_EQ(loaded->key, "secret");
  EXPECT_EQ(loaded->server_name, "name");
  EXPECT_FALSE(LoadCredentials(security, "unix:/s")->tls);
  setenv("PROCTOR_TLS_CA", security.tls_ca.c_str(), 1);
  EXPECT_EQ(LoadCredentials({}, kElsewhere)->root_certificates, "roots");
}

TEST_F(SecurityTest, RefusesHalvesAndNonsense) {
  EXPECT_TRUE(absl::IsInvalidArgument(LoadCredentials({.tls_certificate = "c"}, kElsewhere).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(LoadCredentials({.tls_key = "k"}, kElsewhere).status()));
  EXPECT_TRUE(absl::IsNotFound(LoadCredentials({.tls_ca = "/no/such/file"}, kElsewhere).status()));
  for (const char* bad : {"two words", "line\nbreak", "\x01", "caf\xc3\xa9"}) {
    const auto loaded = LoadCredentials({.token = bad}, "unix:/s");
    EXPECT_TRUE(absl::IsInvalidArgument(loaded.status())) << bad;
    EXPECT_THAT(std::string(loaded.status().message()), Not(HasSubstr(bad)));
  }
}

}  // namespace
}  // namespace proctor::client
