// The examples of docs/desktop.md work.
#include <gmock/gmock.h>

#include <fstream>
#include <sstream>

#include "common/proto_json.h"
#include "common/yaml_proto.h"
#include "proctor/v1/config.pb.h"
#include "tests/env/desktop/desktop_fixture.h"

namespace proctor::env::desktop {
namespace {

// The first block of that language.
std::string Example(const std::string& language) {
  std::ifstream file("docs/desktop.md");
  std::stringstream text;
  text << file.rdbuf();
  const std::string all = text.str();
  const std::string fence = "```" + language + "\n";
  const size_t begin = all.find(fence);
  EXPECT_NE(begin, std::string::npos) << language;
  if (begin == std::string::npos) return "";
  const size_t from = begin + fence.size();
  return all.substr(from, all.find("```", from) - from);
}

TEST_F(DesktopWorldTest, TheDocumentedTaskCanBeDone) {
  v1::Task task;
  const absl::Status parsed = ProtoFromJson(Example("json"), task);
  ASSERT_TRUE(parsed.ok()) << parsed;
  if (!Start()) GTEST_SKIP() << MachineLacks();
  const v1::Observation start = Reset(task);
  EXPECT_EQ(Find(start, "textbox").value(), "one\n");
  Press("Control+End");
  Type("done");
  Press("Control+S");
  EXPECT_EQ(FileText(task.oracle().file().path()), "one\ndone");
  EXPECT_EQ(task.oracle().file().match().text().contains().values(0), "done");
}

TEST(DesktopDocsTest, TheDocumentedConfigurationIsValid) {
  v1::ServerConfig config;
  const auto parsed = ParseYamlProto(Example("yaml"), "docs/desktop.md", config);
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_TRUE(ValidateDesktopConfig(config.desktop()).ok()) << ValidateDesktopConfig(config.desktop());
}

}  // namespace
}  // namespace proctor::env::desktop
