#include "server/auth/doors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdio>
#include <fstream>

#include "common/ids.h"
#include "tests/server/auth/no_more_files.h"
#include "tests/storage/temp_directory.h"

namespace proctor::server {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class DoorsTest : public ::testing::Test {
 protected:
  // In place of the file, as an editor does.
  void Write(const std::string& yaml) {
    std::ofstream(path() + ".new") << yaml;
    ASSERT_EQ(std::rename((path() + ".new").c_str(), path().c_str()), 0);
  }
  std::string path() const { return directory_.path() + "/tokens.yaml"; }
  static std::string Token(const std::string& name, const std::string& token, const std::string& scopes = "act") {
    return "- {name: " + name + ", sha256: " + Sha256Hex(token) + ", scopes: [" + scopes + "]}\n";
  }
  std::unique_ptr<Doors> Open() {
    auto doors = Doors::Create(path(), clock_);
    EXPECT_TRUE(doors.ok()) << doors.status();
    return doors.ok() ? *std::move(doors) : nullptr;
  }

  // As often as a change takes.
  static absl::Status Look(Doors& doors) {
    EXPECT_TRUE(doors.ReloadIfChanged().ok());
    return doors.ReloadIfChanged();
  }

  storage::TempDirectory directory_;
  SimulatedClock clock_;
};

TEST_F(DoorsTest, AGuardedDoorWantsATokenThatIsKnown) {
  Write("tokens:\n" + Token("alpha", "secret"));
  const auto doors = Open();
  const auto caller = doors->Identify(Door::kGuarded, {.authorization = "Bearer secret"});
  ASSERT_TRUE(caller.ok()) << caller.status();
  EXPECT_EQ(caller->name, "alpha");
  EXPECT_TRUE(doors->Identify(Door::kGuarded, {.authorization = "bEARER secret"}).ok());
  for (const char* wrong : {"", "Bearer wrong", "Bearer", "Bearer ", "secret", "Basic secret", "Bearersecret", "Bearer  secret", "Bearer secret "}) {
    const auto refused = doors->Identify(Door::kGuarded, {.authorization = wrong});
    EXPECT_TRUE(absl::IsUnauthenticated(refused.status())) << "'" << wrong << "' " << refused.status();
    EXPECT_THAT(std::string(refused.status().message()), Not(HasSubstr("secret")));
  }
}

TEST_F(DoorsTest, AnOpenDoorStillRefusesAWrongTokenAndHonoursARightOne) {
  Write("tokens:\n" + Token("alpha", "secret"));
  const auto doors = Open();
  EXPECT_EQ(doors->Identify(Door::kLocal, {})->name, kLocalCaller);
  EXPECT_EQ(doors->Identify(Door::kOpen, {})->name, kAnonymousCaller);
  EXPECT_EQ(doors->Identify(Door::kLocal, {.authorization = "Bearer secret"})->name, "alpha");
  EXPECT_FALSE(doors->Identify(Door::kLocal, {.authorization = "Bearer secret"})->sees_all());
  EXPECT_FALSE(doors->Identify(Door::kLocal, {.authorization = "Bearer wrong"}).ok());
}

TEST_F(DoorsTest, ACertificateCountsWhereThereIsNoToken) {
  Write("tokens:\n" + Token("alpha", "secret") + "certificates: [{name: robot, identity: robot.example, scopes: [judge]}]\n");
  const auto doors = Open();
  EXPECT_EQ(doors->Identify(Door::kGuarded, {.identities = {"robot.example"}})->name, "robot");
  EXPECT_EQ(doors->Identify(Door::kGuarded, {.authorization = "Bearer secret", .identities = {"robot.example"}})->name, "alpha");
  // A wrong token is not made good by a certificate.
  EXPECT_FALSE(doors->Identify(Door::kGuarded, {.authorization = "Bearer no", .identities = {"robot.example"}}).ok());
  EXPECT_FALSE(doors->Identify(Door::kGuarded, {.identities = {"stranger.example"}}).ok());
}

TEST_F(DoorsTest, ATokenExpiresWhileTheServerRuns) {
  clock_.Advance(absl::FromUnixSeconds(2'000'000'000) - clock_.Now());
  Write("tokens:\n- {name: a, sha256: " + Sha256Hex("t") + ", scopes: [act], expire_time: \"2033-05-18T03:33:21Z\"}\n");
  const auto doors = Open();
  EXPECT_TRUE(doors->Identify(Door::kGuarded, {.authorization = "Bearer t"}).ok());
  clock_.Advance(absl::Seconds(1));
  EXPECT_THAT(std::string(doors->Identify(Door::kGuarded, {.authorization = "Bearer t"}).status().message()), HasSubstr("expired"));
}

TEST_F(DoorsTest, AChangedFileIsReadAgainOnceItIsTheSameTwice) {
  Write("tokens:\n" + Token("alpha", "one"));
  const auto doors = Open();
  const uint64_t before = doors->generation();
  EXPECT_TRUE(Look(*doors).ok());
  EXPECT_EQ(doors->generation(), before);
  Write("tokens:\n" + Token("alpha", "two"));
  // It may be half written.
  EXPECT_TRUE(doors->ReloadIfChanged().ok());
  EXPECT_EQ(doors->generation(), before);
  Write("tokens:\n" + Token("alpha", "three"));
  EXPECT_TRUE(doors->ReloadIfChanged().ok());
  EXPECT_EQ(doors->generation(), before);
  EXPECT_TRUE(doors->ReloadIfChanged().ok());
  EXPECT_GT(doors->generation(), before);
  EXPECT_FALSE(doors->Identify(Door::kGuarded, {.authorization = "Bearer one"}).ok());
  EXPECT_TRUE(doors->Identify(Door::kGuarded, {.authorization = "Bearer three"}).ok());
}

TEST_F(DoorsTest, AMistakeInTheFileLeavesTheTokensThatWereReadAndIsToldOnce) {
  Write("tokens:\n" + Token("alpha", "one"));
  const auto doors = Open();
  Write("tokens: nonsense\n");
  EXPECT_FALSE(Look(*doors).ok());
  EXPECT_TRUE(doors->ReloadIfChanged().ok());
  EXPECT_FALSE(doors->Reload().ok());
  std::remove(path().c_str());
  EXPECT_FALSE(Look(*doors).ok());
  EXPECT_TRUE(doors->Identify(Door::kGuarded, {.authorization = "Bearer one"}).ok());
  Write("tokens:\n" + Token("alpha", "two"));
  EXPECT_TRUE(Look(*doors).ok());
  EXPECT_TRUE(doors->Identify(Door::kGuarded, {.authorization = "Bearer two"}).ok());
}

TEST_F(DoorsTest, AFileThatWasRefusedForItsModeIsReadOnceThatIsMended) {
  Write("tokens:\n" + Token("alpha", "one"));
  const auto doors = Open();
  Write("tokens:\n" + Token("beta", "two"));
  ASSERT_EQ(chmod(path().c_str(), 0664), 0);
  EXPECT_THAT(std::string(Look(*doors).message()), HasSubstr("chmod go-w"));
  ASSERT_EQ(chmod(path().c_str(), 0644), 0);
  EXPECT_TRUE(Look(*doors).ok());
  EXPECT_FALSE(doors->Identify(Door::kGuarded, {.authorization = "Bearer one"}).ok());
  EXPECT_TRUE(doors->Identify(Door::kGuarded, {.authorization = "Bearer two"}).ok());
}

TEST_F(DoorsTest, AFileThatCannotBeOpenedJustNowIsReadOnceItCan) {
  Write("tokens:\n" + Token("alpha", "one"));
  const auto doors = Open();
  Write("tokens:\n" + Token("alpha", "two"));
  {
    const NoMoreFiles none;
    EXPECT_TRUE(absl::IsUnavailable(Look(*doors)));
    EXPECT_TRUE(absl::IsUnavailable(doors->ReloadIfChanged()));
  }
  EXPECT_TRUE(doors->Identify(Door::kGuarded, {.authorization = "Bearer one"}).ok());
  EXPECT_TRUE(doors->ReloadIfChanged().ok());
  EXPECT_FALSE(doors->Identify(Door::kGuarded, {.authorization = "Bearer one"}).ok());
  EXPECT_TRUE(doors->Identify(Door::kGuarded, {.authorization = "Bearer two"}).ok());
}

TEST_F(DoorsTest, AFileThatIsSuddenlyEmptyShutsNobodyOut) {
  Write("tokens:\n" + Token("alpha", "one"));
  const auto doors = Open();
  for (const char* empty : {"", "tokens:\n", "# nothing\n"}) {
    Write(empty);
    EXPECT_TRUE(absl::IsFailedPrecondition(Look(*doors))) << empty;
    EXPECT_TRUE(doors->Identify(Door::kGuarded, {.authorization = "Bearer one"}).ok());
  }
  // From the start it is what the operator wants.
  EXPECT_FALSE(Open()->Identify(Door::kGuarded, {.authorization = "Bearer one"}).ok());
}

}  // namespace
}  // namespace proctor::server
