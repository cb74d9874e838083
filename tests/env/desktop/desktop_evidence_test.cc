// Evidence: what oracles are told, and what they must not be tricked into.
#include <gmock/gmock.h>

#include "absl/strings/escaping.h"
#include "evaluator/value_check.h"
#include "imaging/image.h"
#include "tests/env/desktop/desktop_fixture.h"

namespace proctor::env::desktop {
namespace {

using testing::HasSubstr;

v1::DesktopConfig WithCommands(const std::map<std::string, std::string>& scripts) {
  v1::DesktopConfig config;
  for (const auto& [name, script] : scripts) {
    auto& command = (*config.mutable_evidence_commands())[name];
    for (const std::string& word : {std::string("sh"), std::string("-c"), script}) command.add_command(word);
  }
  return config;
}

class DesktopEvidenceTest : public DesktopWorldTest {
 protected:
  Json Run(const std::string& name) {
    v1::EvidenceRequest request;
    request.mutable_command()->set_name(name);
    return Value(request);
  }
  std::string FileError(const std::string& path) {
    v1::EvidenceRequest request;
    request.mutable_file()->set_path(path);
    return Evidence(request).error();
  }
};

TEST_F(DesktopEvidenceTest, ReadsFilesAsTheyAre) {
  if (!Start(WithCommands({{"large", "head -c 2000000 /dev/zero > large"}}))) GTEST_SKIP() << MachineLacks();
  v1::Task task = TaskWith("", "dir/text.txt", "Grüße\n");
  v1::DesktopFile& binary = *task.mutable_start_state()->mutable_desktop()->add_files();
  binary.set_path("binary");
  binary.set_content(std::string("\xff\x00\x01", 3));
  v1::DesktopFile& script = *task.mutable_start_state()->mutable_desktop()->add_files();
  script.set_path("empty");
  Reset(task);
  EXPECT_EQ(File("dir/text.txt"), (Json{{"exists", true}, {"size", 8}, {"text", "Grüße\n"}}));
  EXPECT_EQ(File("./dir//text.txt"), (Json{{"exists", true}, {"size", 8}, {"text", "Grüße\n"}}));
  EXPECT_EQ(File("binary"), (Json{{"exists", true}, {"size", 3}, {"base64", "/wAB"}}));
  EXPECT_EQ(File("empty"), (Json{{"exists", true}, {"size", 0}, {"text", ""}}));
  EXPECT_EQ(File("nothing"), (Json{{"exists", false}}));
  EXPECT_EQ(File("binary/below"), (Json{{"exists", false}}));
  Run("large");
  EXPECT_EQ(File("large"), (Json{{"exists", true}, {"size", 2000000}}));
}

TEST_F(DesktopEvidenceTest, NeverLeavesTheHomeDirectory) {
  if (!Start(WithCommands({{"plant",
                            "ln -s /etc/passwd link; ln -s /etc dir; ln -s ../../etc/passwd up; mkfifo pipe; mkdir real; "
                            "ln -s /proc/1/environ env; ln -s link chain"}}))) {
    GTEST_SKIP() << MachineLacks();
  }
  Reset(TaskWith(""));
  EXPECT_EQ(Run("plant")["exit_code"], 0);
  for (const char* path : {"link", "dir/passwd", "up", "env", "chain"}) EXPECT_EQ(File(path), (Json{{"exists", false}, {"instead", "link"}})) << path;
  for (const char* path : {"../user/x", "a/../../x", "..", "/etc/passwd", ""}) EXPECT_NE(FileError(path), "") << path;
  EXPECT_EQ(File("pipe"), (Json{{"exists", false}, {"instead", "other"}}));
  EXPECT_EQ(File("real"), (Json{{"exists", false}, {"instead", "directory"}, {"names", Json::array()}, {"hidden", Json::array()}}));
}

TEST_F(DesktopEvidenceTest, ListsWhatIsInADirectory) {
  if (!Start(WithCommands({{"plant", "mkdir -p a/b .hidden/.d empty .config .local/share .cache; touch z a/b/y a/x a/.x .hidden/file .hidden/.d/e .dot "
                                     ".config/c .local/share/l .cache/f; ln -s /etc link; mkdir -m 0 a/closed .closed"},
                           {"hide", "for i in $(seq 3000); do : > .hidden/$i; : > .n$i; done; : > zz; for i in $(seq 1500); do mkdir -p m/$i; : > m/$i/.n; done"},
                           {"flood", "cd a; for i in $(seq 3000); do : > $i; done; d=.; for i in $(seq 60); do d=$d/d; done; mkdir -p $d"}}))) {
    GTEST_SKIP() << MachineLacks();
  }
  Reset(TaskWith(""));
  EXPECT_EQ(Run("plant")["exit_code"], 0);
  EXPECT_EQ(File("."), (Json{{"exists", false},
                             {"instead", "directory"},
                             {"names", {"a/b/y", "a/closed/", "a/x", "link", "z"}},
                             {"hidden", {".closed/", ".dot", ".hidden/.d/e", ".hidden/file", "a/.x"}}}));
  EXPECT_EQ(File("a/b")["names"], Json::array({"y"}));
  EXPECT_EQ(File("a")["hidden"], Json::array({".x"}));
  EXPECT_THAT(File(".config")["names"], testing::Contains(Json("c")));
  EXPECT_EQ(Run("hide")["exit_code"], 0);
  EXPECT_EQ(File(".")["names"], Json::array({"a/b/y", "a/closed/", "a/x", "link", "z", "zz"})) << "what is hidden hides nothing";
  EXPECT_LT(File(".")["hidden"].size(), 2100u);
  EXPECT_EQ(Run("flood")["exit_code"], 0);
  const Json names = File(".")["names"];
  EXPECT_LT(names.size(), 2100u);
  EXPECT_NE(std::find(names.begin(), names.end(), Json("a/")), names.end());
}

// Whoever makes something else of the file that is looked at has failed; nothing is left undetermined.
TEST_F(DesktopEvidenceTest, WhatIsInAFilesPlaceIsNoFileAndOneThatIsLockedHoldsNothing) {
  if (!Start(WithCommands({{"spoil", "rm a b; mkdir a; mkdir -m 0 closed; echo x > kept; ln -s kept b; chmod 0 c"}}))) GTEST_SKIP() << MachineLacks();
  v1::Task task = TaskWith("", "a", "text");
  for (const char* path : {"b", "c"}) {
    v1::DesktopFile& file = *task.mutable_start_state()->mutable_desktop()->add_files();
    file.set_path(path);
    file.set_content("text");
  }
  Reset(task);
  EXPECT_EQ(Run("spoil")["exit_code"], 0);
  const auto outcome = [&](const std::string& path, const v1::JsonMatch& match) {
    v1::FileCheck check;
    check.set_path(path);
    *check.mutable_match() = match;
    const evaluator::Score score = evaluator::ScoreFile(check, DumpJson(File(path)));
    EXPECT_EQ(score.reason, v1::UNDETERMINED_REASON_UNSPECIFIED) << path << ": " << score.detail;
    return score.value;
  };
  v1::JsonMatch text, absent;
  text.mutable_text()->mutable_contains()->add_values("text");
  absent.set_absent(true);
  for (const char* path : {"a", "b", "c", "closed"}) EXPECT_EQ(outcome(path, text), 0) << path;
  for (const char* path : {"a", "b", "closed"}) EXPECT_EQ(outcome(path, absent), 1) << path;
  EXPECT_EQ(outcome("c", absent), 0);
  EXPECT_EQ(File("c"), (Json{{"exists", true}, {"size", 4}, {"unreadable", true}, {"base64", ""}}));
}

TEST_F(DesktopEvidenceTest, RunsOnlyConfiguredCommands) {
  if (!Start(WithCommands({{"hello", "echo hello; echo noise >&2; exit 3"},
                           {"long", "yes | head -c 200000"},
                           {"orphan", "sleep 1000 & echo done"},
                           {"killed", "kill -9 $$"}}))) {
    GTEST_SKIP() << MachineLacks();
  }
  Reset(TaskWith(""));
  EXPECT_EQ(Run("hello"), (Json{{"exit_code", 3}, {"output", "hello\n"}}));
  EXPECT_EQ(JsonStringOr(Run("long"), "output").size(), 65536u);
  // One that leaves something behind that holds its output open does not hold us up.
  EXPECT_EQ(Run("orphan"), (Json{{"exit_code", 0}, {"output", "done\n"}}));
  EXPECT_EQ(Run("killed")["exit_code"], 137);
  v1::EvidenceRequest request;
  request.mutable_command()->set_name("sh");
  EXPECT_THAT(Evidence(request).error(), HasSubstr("desktop.evidence_commands"));
}

TEST_F(DesktopEvidenceTest, ListsProcesses) {
  if (!Start()) GTEST_SKIP() << MachineLacks();
  Reset(TaskWith("editor", "note.txt", ""));
  v1::EvidenceRequest request;
  request.mutable_processes();
  const Json names = Value(request);
  EXPECT_NE(std::find(names.begin(), names.end(), Json("mousepad")), names.end()) << names;
  EXPECT_EQ(std::find(names.begin(), names.end(), Json("galculator")), names.end()) << names;
}

TEST_F(DesktopEvidenceTest, ListsWindowsInFront) {
  if (!Start()) GTEST_SKIP() << MachineLacks();
  Reset(TaskWith("editor", "note.txt", ""));
  v1::EvidenceRequest request;
  request.mutable_foreground();
  const Json windows = Value(request);
  ASSERT_EQ(windows.size(), 1u);
  EXPECT_EQ(windows[0]["application"], "Mousepad");
  EXPECT_EQ(windows[0]["focused"], true);
}

TEST_F(DesktopEvidenceTest, FindsPicturesOnTheScreen) {
  if (!Start()) GTEST_SKIP() << MachineLacks();
  const v1::Observation start = Reset(TaskWith("calculator"));
  v1::ObservationRequest picture;
  picture.add_parts(v1::OBSERVATION_PART_SCREENSHOT);
  const auto seen = world_->Observe(AMinute(), picture);
  ASSERT_TRUE(seen.ok());
  const auto screen = imaging::Decode(seen->screenshot().data());
  ASSERT_TRUE(screen.ok()) << screen.status();
  const v1::Rect box = Find(start, "button", "7").box();
  imaging::Image button;
  button.width_px = static_cast<int>(box.width());
  button.height_px = static_cast<int>(box.height());
  for (int y = 0; y < button.height_px; ++y) {
    const uint8_t* row = screen->bgra.data() + 4 * ((static_cast<int>(box.y()) + y) * screen->width_px + static_cast<int>(box.x()));
    button.bgra.insert(button.bgra.end(), row, row + 4 * button.width_px);
  }
  v1::EvidenceRequest request;
  request.mutable_screen_match()->set_picture(*imaging::Encode(button, {}));
  const Json match = Value(request);
  EXPECT_GT(match["score"].get<double>(), 0.999);
  EXPECT_EQ(match["x"], box.x());
  EXPECT_EQ(match["y"], box.y());
  // Where it is not.
  request.mutable_screen_match()->mutable_region()->set_width(300);
  request.mutable_screen_match()->mutable_region()->set_height(200);
  EXPECT_LT(Value(request)["score"].get<double>(), 0.9);
  request.mutable_screen_match()->mutable_region()->set_width(10);
  EXPECT_THAT(Evidence(request).error(), HasSubstr("does not fit"));
  request.mutable_screen_match()->set_picture("no picture");
  EXPECT_NE(Evidence(request).error(), "");
}

TEST_F(DesktopEvidenceTest, RefusesWhatDesktopsDoNotHave) {
  if (!Start()) GTEST_SKIP() << MachineLacks();
  v1::EvidenceRequest request;
  request.mutable_final_url();
  // Before an episode too.
  EXPECT_THAT(Evidence(request).error(), HasSubstr("no episode"));
  Reset(TaskWith(""));
  EXPECT_THAT(Evidence(request).error(), HasSubstr("a desktop has no such evidence"));
}

}  // namespace
}  // namespace proctor::env::desktop
