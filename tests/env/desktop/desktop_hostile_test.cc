// An application that says nonsense over AT-SPI and X: it costs nobody the look, and no click goes astray.
#include <gmock/gmock.h>

#include <fstream>
#include <iterator>

#include "tests/env/desktop/desktop_fixture.h"

namespace proctor::env::desktop {
namespace {

using testing::HasSubstr;

class DesktopHostileTest : public DesktopWorldTest {
 protected:
  // False: skip, with MachineLacks.
  bool StartWith(const std::string& mode, const std::map<std::string, std::string>& scripts = {}) {
    v1::DesktopConfig config;
    for (const std::string& word : {std::string("/home/user/hostile"), mode}) (*config.mutable_applications())["hostile"].add_command(word);
    for (const auto& [name, script] : scripts) {
      for (const std::string& word : {std::string("sh"), std::string("-c"), script}) (*config.mutable_evidence_commands())[name].add_command(word);
    }
    return Start(std::move(config));
  }

  v1::Observation ResetToIt() {
    std::ifstream program(PROCTOR_HOSTILE_APPLICATION, std::ios::binary);
    v1::Task task = TaskWith("hostile");
    v1::DesktopFile& file = *task.mutable_start_state()->mutable_desktop()->add_files();
    file.set_path("hostile");
    file.set_content(std::string(std::istreambuf_iterator<char>(program), std::istreambuf_iterator<char>()));
    file.set_executable(true);
    return Reset(task);
  }

  void Run(const std::string& name) {
    v1::EvidenceRequest request;
    request.mutable_command()->set_name(name);
    EXPECT_EQ(Value(request)["exit_code"], 0) << name;
  }

  static v1::Action ClickOn(const v1::Element& element) {
    v1::Action action;
    action.mutable_click()->mutable_target()->set_mark(element.mark());
    return action;
  }
};

TEST_F(DesktopHostileTest, WhatCannotBeIsLeftOutAndTheRestIsSeen) {
  if (!StartWith("widgets")) GTEST_SKIP() << MachineLacks();
  const v1::Observation start = ResetToIt();
  ASSERT_EQ(start.windows_size(), 1);
  EXPECT_EQ(start.windows(0).title(), "hostile");
  EXPECT_EQ(start.windows(0).box().width(), 200);
  EXPECT_EQ(start.windows(0).box().height(), 100);
  EXPECT_EQ(Find(start, "button", "button").box().width(), 50);
  EXPECT_EQ(Find(start, "slider", "slider").value(), "");
  v1::ObservationRequest request;
  request.add_parts(v1::OBSERVATION_PART_ACCESSIBILITY_TREE);
  const auto seen = world_->Observe(AMinute(), request);
  ASSERT_TRUE(seen.ok()) << seen.status();
  EXPECT_THAT(seen->accessibility_tree().text(), HasSubstr("generic \"strange\"\n"));
}

TEST_F(DesktopHostileTest, ATreeWithoutABottomIsCutOff) {
  if (!StartWith("cached")) GTEST_SKIP() << MachineLacks();
  const v1::Observation start = ResetToIt();
  EXPECT_EQ(start.title(), "hostile");
  v1::ObservationRequest request;
  request.add_parts(v1::OBSERVATION_PART_ACCESSIBILITY_TREE);
  request.add_parts(v1::OBSERVATION_PART_ELEMENTS);
  const auto seen = world_->Observe(AMinute(), request);
  ASSERT_TRUE(seen.ok()) << seen.status();
  EXPECT_THAT(seen->accessibility_tree().text(), HasSubstr("\"deep0\"\n"));
  EXPECT_TRUE(seen->elements_truncated());
}

TEST_F(DesktopHostileTest, AMarkThatIsNowhereIsTheAgentsError) {
  if (!StartWith("widgets", {{"nowhere", "echo -2147483648 -2147483648 2147483647 2147483647 > button"},
                             {"hidden", "echo -1 -1 -1 -1 > button"},
                             {"empty", "echo 10 10 0 0 > button"},
                             {"far", "echo 5000 5000 50 20 > button"},
                             {"back", "echo 20 30 50 20 > button"}})) {
    GTEST_SKIP() << MachineLacks();
  }
  const v1::Action click = ClickOn(Find(ResetToIt(), "button", "button"));
  for (const char* place : {"nowhere", "hidden", "empty"}) {
    Run(place);
    EXPECT_THAT(Act(click, {}).observation.action_error(), HasSubstr("has no place on the screen any more: observe the elements again")) << place;
  }
  Run("far");
  EXPECT_THAT(Act(click, {}).observation.action_error(), HasSubstr("lies outside what is shown"));
  Run("back");
  const ActResult done = Act(click);
  EXPECT_EQ(done.observation.action_error(), "");
  ASSERT_TRUE(done.target_point.has_value());
  EXPECT_EQ(done.target_point->x(), 45);
  EXPECT_EQ(done.target_point->y(), 40);
}

TEST_F(DesktopHostileTest, WhatHasMovedIsClickedWhereItsScrollAreaShowsIt) {
  if (!StartWith("widgets", {{"cut", "echo 0 180 100 40 > moving"}, {"out", "echo 0 40 100 40 > moving"}})) GTEST_SKIP() << MachineLacks();
  const v1::Action click = ClickOn(Find(ResetToIt(), "button", "moving"));
  Run("cut");
  const ActResult cut = Act(click, {});
  EXPECT_EQ(cut.observation.action_error(), "");
  ASSERT_TRUE(cut.target_point.has_value());
  // Its area ends at 200.
  EXPECT_EQ(cut.target_point->y(), 190);
  Run("out");
  EXPECT_THAT(ErrorOf(click), HasSubstr("lies outside what is shown: scroll it into view"));
}

}  // namespace
}  // namespace proctor::env::desktop
