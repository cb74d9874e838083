#include "server/auth/token_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "common/ids.h"
#include "common/proto_time.h"
#include "tests/storage/temp_directory.h"

namespace proctor::server {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const absl::Time kNow = absl::FromUnixSeconds(2'000'000'000);

class TokenTableTest : public ::testing::Test {
 protected:
  absl::StatusOr<TokenTable> Load(const std::string& yaml, mode_t mode = 0600) {
    const std::string path = directory_.path() + "/tokens.yaml";
    std::ofstream(path) << yaml;
    chmod(path.c_str(), mode);
    return TokenTable::Load(path);
  }
  std::string Refused(const std::string& yaml) {
    const auto table = Load(yaml);
    EXPECT_FALSE(table.ok()) << yaml;
    return std::string(table.status().message());
  }
  static std::string Entry(const std::string& name, const std::string& token, const std::string& more = "scopes: [act]") {
    return "- {name: " + name + ", sha256: " + Sha256Hex(token) + ", " + more + "}\n";
  }
  static const Caller* Find(const TokenTable& table, std::string_view token) {
    bool expired = false;
    return table.FindToken(token, kNow, expired);
  }

  storage::TempDirectory directory_;
};

TEST_F(TokenTableTest, FindsATokenByItsDigest) {
  const auto table = Load("tokens:\n" + Entry("alpha", "a") + Entry("beta", "b", "tenant: lab, scopes: [judge, read_rewards]"));
  ASSERT_TRUE(table.ok()) << table.status();
  const Caller* beta = Find(*table, "b");
  ASSERT_NE(beta, nullptr);
  EXPECT_EQ(beta->name, "beta");
  EXPECT_EQ(beta->tenant, "lab");
  EXPECT_TRUE(beta->scopes.Has(v1::SCOPE_JUDGE));
  EXPECT_FALSE(beta->scopes.Has(v1::SCOPE_ACT));
  EXPECT_FALSE(beta->sees_all());
  EXPECT_EQ(Find(*table, "a")->tenant, kDefaultTenant);
}

TEST_F(TokenTableTest, KnowsNothingElse) {
  const auto table = Load("tokens:\n" + Entry("alpha", "secret"));
  ASSERT_TRUE(table.ok()) << table.status();
  for (const std::string& token : {std::string(), std::string("Secret"), std::string("secret "), std::string("secret\0", 7),
                                   Sha256Hex("secret"), std::string(1 << 20, 'x')}) {
    EXPECT_EQ(Find(*table, token), nullptr) << token.substr(0, 80);
  }
}

TEST_F(TokenTableTest, ATokenEndsAtItsExpiry) {
  const auto table = Load("tokens:\n" + Entry("alpha", "a", "scopes: [act], expire_time: \"2033-05-18T03:33:20Z\""));
  ASSERT_TRUE(table.ok()) << table.status();
  bool expired = false;
  EXPECT_NE(table->FindToken("a", kNow - absl::Nanoseconds(1), expired), nullptr);
  EXPECT_FALSE(expired);
  EXPECT_EQ(table->FindToken("a", kNow, expired), nullptr);
  EXPECT_TRUE(expired);
}

TEST_F(TokenTableTest, FindsACertificateByAnyOfItsNames) {
  const auto table = Load("certificates:\n- {name: robot, identity: robot.example, tenant: lab, scopes: [administer]}\n");
  ASSERT_TRUE(table.ok()) << table.status();
  const Caller* robot = table->FindCertificate({"other.example", "robot.example"});
  ASSERT_NE(robot, nullptr);
  EXPECT_TRUE(robot->sees_all());
  EXPECT_TRUE(robot->scopes.Has(v1::SCOPE_LABEL));  // administer contains all.
  EXPECT_EQ(table->FindCertificate({"robot.example.evil", "ROBOT.example", ""}), nullptr);
  EXPECT_EQ(table->FindCertificate({}), nullptr);
}

TEST_F(TokenTableTest, RefusesMistakesWithFileLineAndField) {
  struct Bad {
    std::string yaml;
    const char* said;
  };
  const std::string digest = Sha256Hex("a");
  for (const Bad& bad : std::vector<Bad>{
           {"tokens:\n- {name: A, sha256: " + digest + ", scopes: [act]}\n", "tokens.yaml:2: tokens[0].name"},
           {"tokens:\n- {sha256: " + digest + ", scopes: [act]}\n", "tokens[0]"},
           {"tokens:\n- {name: local, sha256: " + digest + ", scopes: [act]}\n", "taken"},
           {"tokens:\n- {name: a, scopes: [act]}\n", "sha256"},
           {"tokens:\n- {name: a, sha256: " + digest + "}\n", "no scopes; there are act, record, propose, judge"},
           {"tokens:\n- {name: a, sha256: " + digest + ", scopes: [everything]}\n", "scopes[0]"},
           {"tokens:\n- {name: a, sha256: " + digest + ", scopes: [unspecified]}\n", "scopes[0]"},
           {"tokens:\n- {name: a, sha256: " + digest + ", scopes: [act], tenant: 'A b'}\n", "tenant"},
           {"tokens:\n" + Entry("a", "1") + Entry("a", "2"), "twice"},
           {"tokens:\n" + Entry("a", "1") + Entry("b", "1"), "another entry"},
           {"tokens:\n" + Entry("a", "1") + "certificates: [{name: a, identity: x, scopes: [act]}]\n", "twice"},
           {"certificates: [{name: a, scopes: [act]}]\n", "identity"},
           {"certificates: [{name: a, identity: x, scopes: [act]}, {name: b, identity: x, scopes: [act]}]\n", "twice"},
           {"token: []\n", "tokens.yaml:1"},
           {"tokens: [{name: a, sha256: x, scopes: [act], password: y}]\n", "password"},
           {"{{{{", "tokens.yaml"}}) {
    EXPECT_THAT(Refused(bad.yaml), HasSubstr(bad.said)) << bad.yaml;
  }
}

TEST_F(TokenTableTest, ATokenPutInPlaceOfItsDigestIsNotRepeated) {
  EXPECT_THAT(Refused("tokens:\n- {name: a, sha256: proctor_hunter2, scopes: [act]}\n"), Not(HasSubstr("hunter2")));
}

TEST_F(TokenTableTest, RefusesAFileThatOthersMayWriteTo) {
  EXPECT_TRUE(absl::IsPermissionDenied(Load("tokens: []\n", 0620).status()));
  EXPECT_TRUE(absl::IsPermissionDenied(Load("tokens: []\n", 0602).status()));
  EXPECT_TRUE(Load("tokens: []\n", 0644).ok());
  EXPECT_TRUE(absl::IsNotFound(TokenTable::Load(directory_.path() + "/none").status()));
}

TEST_F(TokenTableTest, ANewTokensEntryMakesItKnown) {
  v1::Token wanted;
  wanted.set_name("trainer-1");
  wanted.set_tenant("lab");
  wanted.add_scopes(v1::SCOPE_ACT);
  wanted.add_scopes(v1::SCOPE_READ_REWARDS);
  *wanted.mutable_expire_time() = ToProto(kNow + absl::Hours(1));
  const auto made = MakeToken(wanted);
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ(made->token.size(), 8 + 64u);
  EXPECT_THAT(made->entry, Not(HasSubstr(made->token)));
  const auto table = Load("tokens:\n" + made->entry);
  ASSERT_TRUE(table.ok()) << table.status();
  const Caller* caller = Find(*table, made->token);
  ASSERT_NE(caller, nullptr);
  EXPECT_EQ(caller->name, "trainer-1");
  EXPECT_EQ(caller->tenant, "lab");
  EXPECT_EQ(caller->scopes.ToString(), "act, read_rewards");
  EXPECT_EQ(caller->expire_time, kNow + absl::Hours(1));
  EXPECT_NE(MakeToken(wanted)->token, made->token);
  wanted.set_name("Not a name");
  EXPECT_TRUE(absl::IsInvalidArgument(MakeToken(wanted).status()));
}

TEST_F(TokenTableTest, ReadsScopesAsTheyAreTyped) {
  EXPECT_EQ(*ParseScope("read_rewards"), v1::SCOPE_READ_REWARDS);
  EXPECT_EQ(*ParseScope("SCOPE_ACT"), v1::SCOPE_ACT);
  for (const char* bad : {"", "unspecified", "acts", "act,judge"}) EXPECT_FALSE(ParseScope(bad).ok()) << bad;
}

}  // namespace
}  // namespace proctor::server
