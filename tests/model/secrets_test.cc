#include "model/secrets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "absl/strings/str_cat.h"

namespace proctor::model {
namespace {

using testing::HasSubstr;
using testing::Not;

absl::StatusOr<std::string> FromFile(const std::string& content) {
  const std::string path = absl::StrCat(testing::TempDir(), "/proctor-key-", getpid());
  std::ofstream(path, std::ios::binary) << content;
  v1::ModelEndpoint endpoint;
  endpoint.set_key_file(path);
  auto key = ReadKey(endpoint);
  std::remove(path.c_str());
  return key;
}

TEST(ReadKeyTest, ComesFromAFileWithoutSpacesAround) { EXPECT_EQ(*FromFile("  sk-abc\n"), "sk-abc"); }

TEST(ReadKeyTest, ComesFromTheEnvironment) {
  v1::ModelEndpoint endpoint;
  endpoint.set_key_env("PROCTOR_TEST_READ_KEY");
  EXPECT_EQ(ReadKey(endpoint).status().code(), absl::StatusCode::kNotFound);
  setenv("PROCTOR_TEST_READ_KEY", "sk-env", 1);
  EXPECT_EQ(*ReadKey(endpoint), "sk-env");
  unsetenv("PROCTOR_TEST_READ_KEY");
}

TEST(ReadKeyTest, NoneIsConfigured) { EXPECT_EQ(*ReadKey(v1::ModelEndpoint()), ""); }

TEST(ReadKeyTest, RefusesWhatNoHeaderMayCarryWithoutShowingIt) {
  for (const std::string& content : {std::string("  \n"), std::string("secret\r\nx: y"), std::string("secret\0x", 8),
                                     std::string("secret \xC3\xA4"), std::string(10000, 's')}) {
    const auto key = FromFile(content);
    EXPECT_EQ(key.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(key.status().message()), Not(HasSubstr("secret")));
  }
}

TEST(RedactKeyTest, ReplacesEveryFormOfTheKey) {
  const std::string key = "ab/c\"d+e=";
  EXPECT_EQ(RedactKey("x ab/c\"d+e= y ab/c\"d+e=", key), "x [key] y [key]");
  EXPECT_EQ(RedactKey("\"ab/c\\\"d+e=\"", key), "\"[key]\"");
  EXPECT_EQ(RedactKey("\"ab\\/c\\\"d+e=\"", key), "\"[key]\"");
  EXPECT_EQ(RedactKey("?key=ab%2Fc%22d%2Be%3D", key), "?key=[key]");
}

TEST(RedactKeyTest, LeavesTextWithoutAKeyAlone) {
  const std::string text("bytes \0 \xFF stay", 14);
  EXPECT_EQ(RedactKey(text, "sk-1234"), text);
  EXPECT_EQ(RedactKey("is EMPTY now", "EMPTY"), "is EMPTY now");
}

}  // namespace
}  // namespace proctor::model
