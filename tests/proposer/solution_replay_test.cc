#include "proposer/solution_replay.h"

#include <string>

#include "gtest/gtest.h"
#include "google/protobuf/text_format.h"

namespace proctor::proposer {
namespace {

v1::Observation Page() {
  v1::Observation observation;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(R"pb(
    viewport { width: 1280 height: 720 }
    elements { mark: 3 role: "link" name: "Edit" heading: "Lamps" }
    elements { mark: 1 role: "button" name: "  Buy   now " heading: "Lamps" label: "Desk lamp" }
    elements { mark: 7 role: "button" name: "Buy now" heading: "Lamps" label: "Floor lamp" }
    elements { mark: 9 role: "textbox" name: "Search" editable: true }
    elements { mark: 11 role: "combobox" name: "Sort" options: "Price" }
    elements { mark: 12 role: "checkbox" name: "In stock" })pb", &observation));
  return observation;
}

v1::SolutionStep Step(const std::string& text) {
  v1::SolutionStep step;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &step)) << text;
  return step;
}

struct Case {
  std::string step;
  std::string action;

  friend void PrintTo(const Case& test, std::ostream* out) { *out << test.step; }
};

class ResolveSolutionStepTest : public testing::TestWithParam<Case> {};

TEST_P(ResolveSolutionStepTest, GivesTheAction) {
  const auto action = ResolveSolutionStep(Page(), Step(GetParam().step));
  ASSERT_TRUE(action.ok()) << action.status();
  EXPECT_EQ(action->ShortDebugString(), GetParam().action);
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, ResolveSolutionStepTest,
    testing::Values(
        Case{"click { role: 'LINK' name: ' edit ' }", "click { target { mark: 3 } }"},
        Case{"click { name: 'buy now' }", "click { target { mark: 1 } }"},
        Case{"click { name: 'Buy now' nth: 1 }", "click { target { mark: 7 } }"},
        Case{"click { name: 'Buy now' label: 'Floor lamp' }", "click { target { mark: 7 } }"},
        Case{"click { heading: 'lamps' }", "click { target { mark: 3 } }"},
        Case{"type { element { name: 'Search' } text: 'x' clear: true submit: true }",
             "type { target { mark: 9 } text: \"x\" clear: true submit: true }"},
        Case{"select { element { name: 'Sort' } option: 'Price' }",
             "select_option { target { mark: 11 } options: \"Price\" }"},
        Case{"check { element { name: 'In stock' } checked: true }", "check { target { mark: 12 } checked: true }"},
        Case{"drag { from { name: 'Edit' } to { name: 'Sort' } }",
             "drag { from { mark: 3 } to { mark: 11 } }"},
        Case{"press_key: 'Control+A'", "press_keys { chords: \"Control+A\" }"},
        Case{"goto_url: '__SHOP__/a'", "goto { url: \"__SHOP__/a\" }"},
        Case{"go_back: true", "go_back { }"},
        Case{"scroll_down: true", "scroll { delta_y: 720 }"},
        Case{"answer: '42'", "answer { text: \"42\" }"},
        Case{"give_up: true", "give_up { }"}),
    [](const auto& info) {
      // "click { name..." at place 2 is "click_2": unique, and says what failed.
      return info.param.step.substr(0, info.param.step.find_first_of(" :{")) + "_" + std::to_string(info.index);
    });

TEST(FindElementTest, SaysHowManyFitWhenThereAreTooFew) {
  v1::ElementRef reference;
  reference.set_name("Buy now");
  reference.set_nth(2);
  const auto element = FindElement(Page(), reference);
  EXPECT_EQ(element.status().code(), absl::StatusCode::kNotFound);
  EXPECT_NE(element.status().message().find("2 of 6 fit"), std::string::npos) << element.status();
}

TEST(NumberedReferenceTest, CountsTheElementsThatFitBefore) {
  v1::ElementRef reference;
  reference.set_name("buy now");
  EXPECT_EQ(NumberedReference(Page(), reference, 7).nth(), 1);
  EXPECT_EQ(NumberedReference(Page(), reference, 1).nth(), 0);
  EXPECT_EQ(NumberedReference(Page(), reference, 9).nth(), 0);
  reference.set_label("Floor lamp");
  EXPECT_EQ(NumberedReference(Page(), reference, 7).nth(), 0);
}

TEST(FindElementTest, RefusesANegativeNumber) {
  v1::ElementRef reference;
  reference.set_nth(-1);
  EXPECT_EQ(FindElement(Page(), reference).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(ResolveSolutionStepTest, RefusesAnEmptyStep) {
  EXPECT_EQ(ResolveSolutionStep(Page(), v1::SolutionStep()).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace proctor::proposer
