// What a start makes of a data directory.
#include "server/data_directory.h"

#include <filesystem>
#include <fstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/server/data_fixture.h"

namespace proctor::server {
namespace {

class DataDirectoryTest : public DataFixture {};

TEST_F(DataDirectoryTest, TheSecretIsMadeOnce) {
  Open();
  const std::string secret = data_->secret;
  EXPECT_EQ(secret.size(), 64u);
  Close();
  Open();
  EXPECT_EQ(data_->secret, secret);
}

// With another one in its place no verdict could be replayed any more.
TEST_F(DataDirectoryTest, ASecretThatIsLostIsNotReplacedUnasked) {
  Open();
  Close();
  const std::string file = data_dir() + "/secret";
  for (const char* damaged : {"", "0123"}) {
    std::ofstream(file, std::ios::trunc) << damaged;
    const absl::Status refused = OpenDataDirectory(CallContext(), config_, clock_).status();
    EXPECT_TRUE(absl::IsDataLoss(refused)) << refused;
    EXPECT_THAT(std::string(refused.message()), testing::HasSubstr("if it is deleted"));
  }
  std::filesystem::remove(file);
  Open();
}

}  // namespace
}  // namespace proctor::server
