#include "proposer/demonstration_replay.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/proposer/fake_site.h"

namespace proctor::proposer {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// A fake explorer that refuses, or keeps waiting, where a test says so.
class TouchyExplorer final : public FakeExplorer {
 public:
  using FakeExplorer::FakeExplorer;

  absl::StatusOr<v1::Observation> Act(const CallContext& context, const v1::Action& action,
                                      const v1::ObservationRequest& request) override {
    acted.push_back(action.ShortDebugString());
    if (!failure.ok()) return failure;
    auto seen = FakeExplorer::Act(context, action, request);
    if (seen.ok()) seen->set_action_error(action_error);
    return seen;
  }

  std::vector<std::string> acted;
  absl::Status failure;
  std::string action_error;
};

// A visit from the start of the wiki to its second section and the first article there, recorded on the fake site
// itself; it answers with that article's name, which is its title.
class DemonstrationReplayTest : public testing::Test {
 protected:
  DemonstrationReplayTest() {
    start_.mutable_start_state()->set_start_url(site_.base + "/");
    visit_.set_name("trajectories/v");
    FakeExplorer visitor(site_);
    *visit_.mutable_initial_observation() = visitor.Reset(CallContext(), start_, {})->observation;
    Record(visitor, Click(visit_.initial_observation(), "Plants"));
    Record(visitor, Click(Last(), site_.pages.at("/section/Plants").links[1].first));
    v1::Step& end = AddStep();
    end.mutable_action()->mutable_answer()->set_text(visit_.steps(1).observation().title());
  }

  static v1::Action Click(const v1::Observation& seen, const std::string& name) {
    v1::Action action;
    for (const v1::Element& element : seen.elements()) {
      if (element.name() == name) action.mutable_click()->mutable_target()->set_mark(element.mark());
    }
    EXPECT_TRUE(action.has_click()) << name;
    return action;
  }
  v1::Step& AddStep() {
    v1::Step& step = *visit_.add_steps();
    step.set_index(visit_.steps_size() - 1);
    return step;
  }
  void Record(FakeExplorer& visitor, const v1::Action& action) {
    v1::Step& step = AddStep();
    *step.mutable_action() = action;
    *step.mutable_observation() = *visitor.Act(CallContext(), action, {});
  }
  const v1::Observation& Last() const { return visit_.steps(visit_.steps_size() - 1).observation(); }

  DemonstrationReplay Replay() {
    auto replay = ReplayDemonstration(CallContext(), explorer_, start_, visit_);
    EXPECT_TRUE(replay.ok()) << replay.status();
    return replay.ok() ? *replay : DemonstrationReplay{"error", replay.status().ToString()};
  }

  FakeSite site_ = MakeWiki(20);
  v1::Task start_;
  v1::Trajectory visit_;
  TouchyExplorer explorer_{site_};
};

TEST_F(DemonstrationReplayTest, DoesWhatTheVisitorDid) {
  const DemonstrationReplay replay = Replay();
  EXPECT_EQ(replay.reason, "") << replay.detail;
  EXPECT_THAT(explorer_.visited(), ElementsAre(site_.base + "/", site_.base + "/section/Plants",
                                               visit_.steps(1).observation().url()));
}

TEST_F(DemonstrationReplayTest, FindsElementsAgainWhateverTheirMarks) {
  // Three more links in front: every mark is another one now.
  auto& links = site_.pages.at("/").links;
  links.insert(links.begin(), {{"News", "/"}, {"Help", "/"}, {"Contact", "/"}});
  const DemonstrationReplay replay = Replay();
  EXPECT_EQ(replay.reason, "") << replay.detail;
}

TEST_F(DemonstrationReplayTest, TellsElementsOfOneNameApartByTheirPlace) {
  auto& links = site_.pages.at("/").links;
  // Both the record's and today's page list two links of the name; the visitor took the second.
  links.insert(links.begin(), {"Plants", "/section/Stars"});
  v1::Observation& before = *visit_.mutable_initial_observation();
  v1::Element other = before.elements(2);
  ASSERT_EQ(other.name(), "Plants");
  other.set_mark(77);
  *before.add_elements() = before.elements(2);
  *before.mutable_elements(2) = other;
  const DemonstrationReplay replay = Replay();
  EXPECT_EQ(replay.reason, "") << replay.detail;
}

TEST_F(DemonstrationReplayTest, AnElementThatIsGoneFails) {
  site_.pages.at("/").links[1].first = "Herbs";
  const DemonstrationReplay replay = Replay();
  EXPECT_EQ(replay.reason, kCannotBeReplayed);
  EXPECT_THAT(replay.detail, HasSubstr("step 1: no element number 0 fits"));
}

TEST_F(DemonstrationReplayTest, AnElementIsKnownFromTheStepWhereThePageWasNotListed) {
  *visit_.mutable_steps(0)->mutable_target_element() = visit_.initial_observation().elements(2);
  visit_.mutable_initial_observation()->clear_elements();
  EXPECT_EQ(Replay().reason, "");
  visit_.mutable_steps(0)->clear_target_element();
  const DemonstrationReplay replay = Replay();
  EXPECT_EQ(replay.reason, kCannotBeReplayed);
  EXPECT_THAT(replay.detail, HasSubstr("the record does not tell which element that was"));
}

TEST_F(DemonstrationReplayTest, APointIsTheElementThatWasThere) {
  v1::Step& first = *visit_.mutable_steps(0);
  *first.mutable_target_element() = visit_.initial_observation().elements(2);
  first.mutable_action()->mutable_click()->mutable_target()->mutable_point()->set_x(10);
  EXPECT_EQ(Replay().reason, "");
  EXPECT_EQ(explorer_.acted.at(0), "click { target { mark: 3 } }");
}

// An agent that sees pictures alone has no list of elements to tell which of several it was.
TEST_F(DemonstrationReplayTest, OfSeveralThatAreCalledSoNoneIsGuessed) {
  auto& links = site_.pages.at("/").links;
  links.insert(links.begin(), {"Plants", "/section/Stars"});
  v1::Step& first = *visit_.mutable_steps(0);
  *first.mutable_target_element() = visit_.initial_observation().elements(2);
  visit_.mutable_initial_observation()->clear_elements();
  const DemonstrationReplay by_mark = Replay();
  EXPECT_EQ(by_mark.reason, kCannotBeReplayed);
  EXPECT_THAT(by_mark.detail, HasSubstr("several are called \"Plants\""));
  explorer_.acted.clear();
  first.mutable_action()->mutable_click()->mutable_target()->mutable_point()->set_x(10);
  explorer_.failure = absl::InvalidArgumentError("the fake site knows no points");
  EXPECT_EQ(Replay().reason, kCannotBeReplayed);
  ASSERT_THAT(explorer_.acted, Not(IsEmpty()));
  EXPECT_EQ(explorer_.acted.at(0), "click { target { point { x: 10 } } }");
}

TEST_F(DemonstrationReplayTest, AnActionThatFailsNowFails) {
  explorer_.action_error = "it is covered";
  const DemonstrationReplay replay = Replay();
  EXPECT_EQ(replay.reason, kCannotBeReplayed);
  EXPECT_EQ(replay.detail, "step 1: it is covered");
}

TEST_F(DemonstrationReplayTest, WhatFailedForTheVisitorIsLeftOut) {
  v1::Trajectory with_mistake = visit_;
  with_mistake.clear_steps();
  v1::Step& mistake = *with_mistake.add_steps();
  mistake.mutable_action()->mutable_click()->mutable_target()->set_mark(500);
  *mistake.mutable_observation() = visit_.initial_observation();
  mistake.mutable_observation()->set_action_error("there is no mark 500");
  for (const v1::Step& step : visit_.steps()) *with_mistake.add_steps() = step;
  visit_ = with_mistake;
  EXPECT_EQ(Replay().reason, "");
  EXPECT_EQ(explorer_.acted.size(), 2u);
}

TEST_F(DemonstrationReplayTest, AStepWithoutAnActionFails) {
  visit_.mutable_steps(1)->clear_action();
  const DemonstrationReplay replay = Replay();
  EXPECT_EQ(replay.reason, kCannotBeReplayed);
  EXPECT_THAT(replay.detail, HasSubstr("step 2: the record has no action"));
}

TEST_F(DemonstrationReplayTest, AnActionThatTheWorldDoesNotHaveFails) {
  explorer_.failure = absl::InvalidArgumentError("no such action here");
  EXPECT_EQ(Replay().detail, "step 1: no such action here");
}

TEST_F(DemonstrationReplayTest, AnotherPageAtTheEndFails) {
  site_.pages.at("/section/Plants").links[1].second = "/section/Stars";
  const DemonstrationReplay replay = Replay();
  EXPECT_EQ(replay.reason, kEndsOtherwise);
  EXPECT_THAT(replay.detail, HasSubstr("/section/Stars"));
}

TEST_F(DemonstrationReplayTest, AnotherQueryIsTheSamePageIfItsTitleIs) {
  std::string& target = site_.pages.at("/section/Plants").links[1].second;
  site_.pages["/page?id=again"] = site_.pages.at(target);
  target = "/page?id=again";
  EXPECT_EQ(Replay().reason, "");
  target = site_.pages.at("/section/Plants").links[2].second;
  EXPECT_EQ(Replay().reason, kEndsOtherwise);
}

TEST_F(DemonstrationReplayTest, AnAnswerThatIsNotShownAnyMoreFails) {
  const std::string& path = site_.pages.at("/section/Plants").links[1].second;
  site_.pages.at(path).title = site_.pages.at(path).heading = "Something else";
  const DemonstrationReplay replay = Replay();
  EXPECT_EQ(replay.reason, kEndsOtherwise);
  EXPECT_THAT(replay.detail, HasSubstr("the last page showed the answer"));
  // What the page did not show then, it need not show now.
  visit_.mutable_steps(2)->mutable_action()->mutable_answer()->set_text("I think it is a plant.");
  EXPECT_EQ(Replay().reason, "");
}

TEST_F(DemonstrationReplayTest, GoesToWhereTheVisitBeganUnderTodaysBaseUrl) {
  // Recorded elsewhere, from the section's page on.
  *visit_.mutable_initial_observation() = visit_.steps(0).observation();
  visit_.mutable_steps()->DeleteSubrange(0, 1);
  (*visit_.mutable_base_urls())["__WIKI__"] = "http://127.0.0.1:7000/";
  for (v1::Observation* seen : {visit_.mutable_initial_observation(), visit_.mutable_steps(0)->mutable_observation()}) {
    seen->set_url(absl::StrCat("http://127.0.0.1:7000", seen->url().substr(site_.base.size())));
  }
  start_.mutable_start_state()->set_start_url("__WIKI__/");
  explorer_.base_urls = {{"__WIKI__", site_.base}};
  Replay();
  EXPECT_EQ(explorer_.acted.at(0), "goto { url: \"__WIKI__/section/Plants\" }");
}

TEST_F(DemonstrationReplayTest, ABrokenBrowserTellsNothingOfTheDemonstration) {
  explorer_.Break();
  EXPECT_EQ(ReplayDemonstration(CallContext(), explorer_, start_, visit_).status().code(),
            absl::StatusCode::kUnavailable);
}

TEST_F(DemonstrationReplayTest, EndsWithItsContext) {
  const CallContext context = CallContext::WithTimeout(absl::Minutes(1));
  context.cancel()->Cancel();
  EXPECT_EQ(ReplayDemonstration(context, explorer_, start_, visit_).status().code(), absl::StatusCode::kCancelled);
  EXPECT_THAT(explorer_.acted, IsEmpty());
}

}  // namespace
}  // namespace proctor::proposer
