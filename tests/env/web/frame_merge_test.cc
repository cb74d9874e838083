#include "env/web/frame_merge.h"

#include "gtest/gtest.h"

namespace proctor::env::web {
namespace {

ObservedFrame Frame(const std::string& id, const std::string& parent, int64_t owner_id) {
  ObservedFrame frame;
  frame.frame = {
      .frame_id = id, .parent_frame_id = parent, .session_id = "s", .context_id = "c" + id};
  frame.owner_id = owner_id;
  frame.reply.viewport_width = 1000;
  frame.reply.viewport_height = 800;
  return frame;
}

void AddElement(ObservedFrame& frame, int64_t local_id, double x, double y) {
  PageElement element{.local_id = local_id, .element = {}};
  element.element.mutable_box()->set_x(x);
  element.element.mutable_box()->set_y(y);
  element.element.mutable_box()->set_width(10);
  element.element.mutable_box()->set_height(10);
  frame.reply.elements.push_back(element);
}

void AddOwner(ObservedFrame& frame, int64_t local_id, double x, double y, double scale,
              size_t index) {
  FrameOwner owner{.local_id = local_id,
                   .box = {},
                   .scale_x = scale,
                   .scale_y = scale,
                   .visible = true,
                   .element_index = index};
  owner.box.set_x(x);
  owner.box.set_y(y);
  owner.box.set_width(100);
  owner.box.set_height(100);
  frame.reply.owners.push_back(owner);
}

int32_t MarkOf(const std::string& context, int64_t id) {
  return static_cast<int32_t>(id) + (context == "cB" ? 100 : 0);
}

TEST(FrameMergeTest, PlacesAndClipsScaledChildren) {
  std::vector<ObservedFrame> frames = {Frame("A", "", 0), Frame("B", "A", 9)};
  AddElement(frames[0], 1, 0, 0);
  AddElement(frames[0], 2, 0, 50);
  AddOwner(frames[0], 9, 200, 300, 0.5, 1);
  AddElement(frames[1], 3, 40, 60);
  AddElement(frames[1], 4, 40, 240);
  v1::Observation observation;
  FrameMerge(frames, MarkOf).FillElements(observation);
  ASSERT_EQ(observation.elements_size(), 4);
  EXPECT_EQ(observation.elements(0).mark(), 1);
  EXPECT_EQ(observation.elements(1).mark(), 103);
  EXPECT_EQ(observation.elements(1).box().x(), 220);
  EXPECT_EQ(observation.elements(1).box().y(), 330);
  EXPECT_EQ(observation.elements(1).box().width(), 5);
  EXPECT_TRUE(observation.elements(1).in_viewport());
  EXPECT_FALSE(observation.elements(2).in_viewport()) << "below the frame's lower edge";
  EXPECT_EQ(observation.elements(3).mark(), 2);
}

TEST(FrameMergeTest, TreeReplacesFencesAndNothingElse) {
  std::vector<ObservedFrame> frames = {Frame("A", "", 0), Frame("B", "A", 9)};
  frames[0].reply.tree =
      "\x01"
      "1\x01 button\n  \x02"
      "9\x02Inner\n\x01"
      "x\x01 bad\n\x02"
      "77\x02\ntext \"[5]\"";
  frames[1].reply.tree =
      "\x01"
      "2\x01 link";
  EXPECT_EQ(
      FrameMerge(frames, MarkOf).Tree(1000),
      "[1] button\n  iframe \"Inner\"\n    [102] link\n\x01x\x01 bad\niframe\ntext \"[5]\"\n");
}

// Three documents, each deep inside the one before: every line of the last has the indentation of all.
TEST(FrameMergeTest, WhatFramesSayTogetherIsBounded) {
  std::vector<ObservedFrame> frames = {Frame("A", "", 0), Frame("B", "A", 9), Frame("C", "B", 9)};
  const std::string owner = std::string(1600, ' ') + "\x02" "9\x02\n";
  frames[0].reply.tree = owner;
  frames[1].reply.tree = owner;
  for (int i = 0; i < 20'000; ++i) frames[2].reply.tree += "a\n";
  for (ObservedFrame& frame : frames) {
    AddOwner(frame, 9, 0, 0, 1, 0);
    for (int i = 0; i < 4000; ++i) AddElement(frame, i, 0, 0);
    frame.reply.html.assign(600'000, 'h');
    frame.reply.text.assign(600'000, 't');
  }
  const FrameMerge merge(frames, MarkOf);
  constexpr size_t kLimit = 1 << 20;
  EXPECT_GT(merge.Tree(kLimit).size(), kLimit);
  EXPECT_LT(merge.Tree(kLimit).size(), kLimit + 4000);
  EXPECT_EQ(merge.Html(kLimit).size() / 600'000, 2u);
  EXPECT_EQ(merge.Text(kLimit).size() / 600'000, 2u);
  v1::Observation observation;
  merge.FillElements(observation);
  EXPECT_EQ(observation.elements_size(), kMaxElements);
  EXPECT_TRUE(observation.elements_truncated());
}

TEST(FrameMergeTest, FrameThatClaimsToBeItsOwnParentEnds) {
  std::vector<ObservedFrame> frames = {Frame("A", "A", 9)};
  AddOwner(frames[0], 9, 0, 0, 1, 0);
  AddElement(frames[0], 1, 0, 0);
  frames[0].reply.tree =
      "\x02"
      "9\x02";
  frames[0].reply.focused = 9;
  v1::Observation observation;
  FrameMerge merge(frames, MarkOf);
  merge.FillElements(observation);
  EXPECT_LE(observation.elements_size(), 40);
  EXPECT_LT(merge.Tree(1 << 20).size(), 10000u);
  EXPECT_EQ(merge.FocusedMark(), 0);
}

}  // namespace
}  // namespace proctor::env::web
