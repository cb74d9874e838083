#include "common/yaml_proto.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "proctor/v1/config.pb.h"

namespace proctor {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string ErrorOf(std::string_view text) {
  v1::ServerConfig config;
  const auto locations = ParseYamlProto(text, "p.yaml", config);
  EXPECT_EQ(locations.status().code(), absl::StatusCode::kInvalidArgument) << text;
  return std::string(locations.status().message());
}

TEST(YamlProtoTest, ReadsEveryKindOfField) {
  v1::ServerConfig config;
  ASSERT_TRUE(ParseYamlProto(R"(
data_dir: /var/lib/proctor
listen_address: ""
log: {level: Warning, format: CONFIG_LOG_FORMAT_JSON}
durability: process
browser:
  max_browsers: 3
  prewarm_contexts: false
  extra_flags: ["--a", --b=1]
  allow_unsandboxed: true
environments:
  web: {max_sessions: 5, default_settings: {web: {device_scale: 1.5, max_download_bytes: 32MiB}}}
  "null":
sessions: {default_lease: 1m30s}
reward_policy: {step_cost: 0.25, score_map: {logistic: {slope: 2}}}
egress:
)",
                             "p.yaml", config)
                  .ok());
  EXPECT_EQ(config.data_dir(), "/var/lib/proctor");
  EXPECT_TRUE(config.has_listen_address());
  EXPECT_FALSE(config.has_unix_socket());
  EXPECT_EQ(config.log().level(), v1::CONFIG_LOG_LEVEL_WARNING);
  EXPECT_EQ(config.log().format(), v1::CONFIG_LOG_FORMAT_JSON);
  EXPECT_EQ(config.durability(), v1::DURABILITY_PROCESS);
  EXPECT_TRUE(config.browser().has_prewarm_contexts());
  EXPECT_THAT(config.browser().extra_flags(), testing::ElementsAre("--a", "--b=1"));
  EXPECT_TRUE(config.browser().allow_unsandboxed());
  EXPECT_EQ(config.environments().at("web").default_settings().web().device_scale(), 1.5);
  EXPECT_EQ(config.environments().at("web").default_settings().web().max_download_bytes(),
            32 << 20);
  EXPECT_TRUE(config.environments().contains("null"));
  EXPECT_EQ(config.sessions().default_lease().seconds(), 90);
  EXPECT_EQ(config.reward_policy().score_map().logistic().slope(), 2);
  EXPECT_TRUE(config.has_egress());
}

TEST(YamlProtoTest, EmptyDocumentIsEmptyMessage) {
  v1::ServerConfig config;
  config.set_data_dir("x");
  ASSERT_TRUE(ParseYamlProto("# nothing\n", "p.yaml", config).ok());
  EXPECT_EQ(config.ByteSizeLong(), 0u);
}

TEST(YamlProtoTest, ErrorsNameFileLineFieldAndReason) {
  const std::pair<const char*, const char*> kCases[] = {
      {"data_dir: a\nnope: 1\n", "p.yaml:2: nope: unknown key"},
      {"browser:\n  max_browsers: 1\n  no_such: 1\n", "p.yaml:3: browser.no_such: unknown key"},
      {"data_dir: a\n\ndata_dir: b\n", "p.yaml:3: data_dir: given twice"},
      {"browser:\n  max_browsers: many\n",
       "p.yaml:2: browser.max_browsers: expected a whole number"},
      {"browser:\n  max_browsers: 3000000000\n",
       "p.yaml:2: browser.max_browsers: 3000000000 is out"},
      {"browser: 3\n", "p.yaml:1: browser: expected keys and values"},
      {"data_dir: [a]\n", "p.yaml:1: data_dir: expected a single value"},
      {"data_dir:\n", "p.yaml:1: data_dir: has no value"},
      {"egress:\n  allowed_hosts: example.org\n",
       "p.yaml:2: egress.allowed_hosts: expected a list"},
      {"egress:\n  allowed_hosts:\n    - a\n    -\n", "p.yaml:"},
      {"egress: {allow_private: yes}\n", "p.yaml:1: egress.allow_private: expected true or false"},
      {"durability: maybe\n", "p.yaml:1: durability: 'maybe' is none of: power, process"},
      {"durability: unspecified\n", "p.yaml:1: durability: 'unspecified' is none of"},
      {"shutdown_grace: 20\n", "p.yaml:1: shutdown_grace: expected a duration"},
      {"reward_policy:\n  step_cost: .nan\n",
       "p.yaml:2: reward_policy.step_cost: expected a number"},
      {"environments:\n  web:\n    default_settings:\n      web: {}\n      null: {}\n",
       "p.yaml:5: "},
      {"environments:\n  web: {}\n  web: {}\n", "p.yaml:3: environments.web: given twice"},
      {"a: b: c\n", "p.yaml:1: "},
      {"data_dir: [unfinished\n", "p.yaml:"},
      {"- a\n", "p.yaml:1: expected keys and values"},
      {"data_dir: a\n---\ndata_dir: b\n", "p.yaml:2: expected one document"},
      // yaml-cpp reads these as documents without end.
      {",~", "p.yaml:1: expected one document"},
      {"data_dir: a\n---\n, b\n", "p.yaml:2: expected one document"},
      {"data_dir: \"\\xC0\\xff\"\n&x: 1", "p.yaml:"},
      {"? [a]\n: b\n", "p.yaml:1: a key must be a name"},
  };
  for (const auto& [text, message] : kCases)
    EXPECT_THAT(ErrorOf(text), StartsWith(message)) << text;
}

TEST(YamlProtoTest, RefusesTwoMembersOfAOneof) {
  EXPECT_THAT(
      ErrorOf("reward_policy:\n  score_map:\n    threshold: 1\n    power: 2\n"),
      StartsWith("p.yaml:4: reward_policy.score_map.power: cannot be combined with threshold"));
}

TEST(YamlProtoTest, RefusesRecursionAndSize) {
  std::string deep = "evaluation: {evaluators: [{oracle: ";
  for (int i = 0; i < 100; ++i) deep += "{negation: ";
  deep += "{}" + std::string(100, '}') + "}]}";
  EXPECT_THAT(ErrorOf(deep), HasSubstr("nested too deeply"));
  EXPECT_THAT(ErrorOf("evaluation: {evaluators: [{oracle: &a {negation: *a}}]}"),
              HasSubstr("p.yaml:1"));
  EXPECT_THAT(ErrorOf(std::string(100000, '[')), StartsWith("p.yaml:1: "));
  EXPECT_THAT(ErrorOf(std::string(2 << 20, ' ')), HasSubstr("larger than"));
}

TEST(YamlProtoTest, LocatesValuesForLaterErrors) {
  v1::ServerConfig config;
  const auto locations = ParseYamlProto(
      "data_dir: a\nbrowser:\n  extra_flags:\n    - --x\n    - y\n", "p.yaml", config);
  ASSERT_TRUE(locations.ok());
  EXPECT_EQ(locations->Error("browser.extra_flags[1]", "bad").message(),
            "p.yaml:5: browser.extra_flags[1]: bad");
  EXPECT_EQ(locations->Error("browser.max_browsers", "bad").message(),
            "p.yaml:2: browser.max_browsers: bad");
  EXPECT_EQ(locations->Error("log.level", "bad").message(), "p.yaml:1: log.level: bad");
}

TEST(YamlProtoTest, LoadsFilesAndTellsMissingOnes) {
  v1::ServerConfig config;
  EXPECT_EQ(LoadYamlProto("/no/such/file.yaml", config).status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_EQ(LoadYamlProto("/", config).status().code(), absl::StatusCode::kUnavailable);
  char path[] = "/tmp/proctor_yaml_XXXXXX";
  close(mkstemp(path));
  std::ofstream(path) << "data_dir: /x\n";
  EXPECT_TRUE(LoadYamlProto(path, config).ok());
  EXPECT_EQ(config.data_dir(), "/x");
  unlink(path);
}

}  // namespace
}  // namespace proctor
