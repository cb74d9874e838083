#include "env/android/marks.h"

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace proctor::env::android {
namespace {

using testing::ElementsAre;

struct Spec {
  std::string id;
  std::string text;
  int top = 0;
  bool in_list = false;
};

// A screen of a list and what is beside it.
std::vector<int32_t> Assign(MarkRegistry& registry, const std::vector<Spec>& specs) {
  UiTree tree;
  UiNode list;
  list.class_name = "List";
  list.scrollable = true;
  list.path = 1;
  list.right = list.bottom = 1000;
  tree.nodes.push_back(list);
  std::vector<bool> wanted = {false};
  uint64_t position = 10;
  for (const Spec& spec : specs) {
    UiNode node;
    node.class_name = "Button";
    node.resource_id = spec.id;
    node.text = spec.text;
    node.parent = spec.in_list ? 0 : -1;
    node.top = spec.top;
    node.bottom = spec.top + 10;
    node.right = 10;
    node.path = position++;
    tree.nodes.push_back(node);
    wanted.push_back(true);
  }
  std::vector<int32_t> marks = registry.Assign(tree, wanted);
  EXPECT_EQ(marks[0], 0);
  marks.erase(marks.begin());
  return marks;
}

TEST(MarkRegistryTest, TheSameScreenHasTheSameMarks) {
  MarkRegistry registry;
  const std::vector<Spec> screen = {{"id/a", "A"}, {"", "", 20}, {"id/b", "B", 40}};
  EXPECT_THAT(Assign(registry, screen), ElementsAre(1, 2, 3));
  EXPECT_THAT(Assign(registry, screen), ElementsAre(1, 2, 3));
  // Another screen in between.
  EXPECT_THAT(Assign(registry, {{"id/x", "X"}}), ElementsAre(4));
  EXPECT_THAT(Assign(registry, {{"id/a", "A"}, {"id/b", "B", 20}}), ElementsAre(1, 3));
}

TEST(MarkRegistryTest, RowsKeepTheirMarksWhenTheListIsScrolled) {
  MarkRegistry registry;
  EXPECT_THAT(Assign(registry, {{"id/row", "one", 0, true}, {"id/row", "two", 10, true}, {"id/row", "three", 20, true}}), ElementsAre(1, 2, 3));
  EXPECT_THAT(Assign(registry, {{"id/row", "two", 0, true}, {"id/row", "three", 10, true}, {"id/row", "four", 20, true}}), ElementsAre(2, 3, 4));
  EXPECT_THAT(Assign(registry, {{"id/row", "one", 0, true}, {"id/row", "two", 10, true}}), ElementsAre(1, 2));
}

TEST(MarkRegistryTest, AFieldKeepsItsMarkWhenItsTextChanges) {
  MarkRegistry registry;
  EXPECT_THAT(Assign(registry, {{"id/name", ""}, {"id/phone", "", 20}}), ElementsAre(1, 2));
  EXPECT_THAT(Assign(registry, {{"id/name", "Ada"}, {"id/phone", "555", 20}}), ElementsAre(1, 2));
  EXPECT_THAT(Assign(registry, {{"id/name", "Ada L"}, {"id/new", "x", 10}, {"id/phone", "555", 30}}), ElementsAre(1, 3, 2));
}

TEST(MarkRegistryTest, WithoutAnIdThePlaceDecidesOutsideOfLists) {
  MarkRegistry registry;
  EXPECT_THAT(Assign(registry, {{"", "Off", 0}}), ElementsAre(1));
  EXPECT_THAT(Assign(registry, {{"", "On", 0}}), ElementsAre(1));
  MarkRegistry inside;
  EXPECT_THAT(Assign(inside, {{"", "one", 0, true}}), ElementsAre(1));
  EXPECT_THAT(Assign(inside, {{"", "two", 0, true}}), ElementsAre(2));
}

// Rows of a list without ids and texts of their own, each with a title and a switch, as `first` is scrolled to the top.
std::vector<int32_t> Settings(MarkRegistry& registry, int first, const std::string& typed) {
  std::string xml = "<hierarchy><node class=\"List\" scrollable=\"true\" bounds=\"[0,0][100,100]\">";
  for (int i = first; i < first + 3; ++i) {
    const int top = (i - first) * 30;
    const std::string bounds = absl::StrCat("bounds=\"[0,", top, "][100,", top + 30, "]\"");
    absl::StrAppend(&xml, "<node index=\"", i - first, "\" class=\"Row\" clickable=\"true\" ", bounds, "><node class=\"EditText\" text=\"",
                    typed, "\" ", bounds, "/><node class=\"Text\" text=\"title ", i, "\" ", bounds,
                    "/><node class=\"Switch\" resource-id=\"id/switch\" ", bounds, "/></node>");
  }
  const auto tree = ParseUiTree(absl::StrCat(xml, "</node></hierarchy>"));
  EXPECT_TRUE(tree.ok()) << tree.status();
  std::vector<bool> wanted;
  for (const UiNode& node : tree->nodes) wanted.push_back(node.class_name == "Row" || node.class_name == "Switch");
  std::vector<int32_t> marks = registry.Assign(*tree, wanted);
  std::erase(marks, 0);
  return marks;
}

TEST(MarkRegistryTest, WhatLiesInARowIsToldApartByTheRowsTitle) {
  MarkRegistry registry;
  EXPECT_THAT(Settings(registry, 0, ""), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(Settings(registry, 1, ""), ElementsAre(3, 4, 5, 6, 7, 8));
  EXPECT_THAT(Settings(registry, 0, "typed"), ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST(MarkRegistryTest, TwoNodesNeverShareAMark) {
  MarkRegistry registry;
  EXPECT_THAT(Assign(registry, {{"id/row", "same", 0, true}}), ElementsAre(1));
  EXPECT_THAT(Assign(registry, {{"id/row", "same", 0, true}, {"id/row", "same", 10, true}}), ElementsAre(1, 2));
  EXPECT_THAT(Assign(registry, {{"id/row", "same", 5, true}, {"id/row", "same", 15, true}, {"id/row", "same", 25, true}}), ElementsAre(1, 2, 3));
}

TEST(MarkRegistryTest, BeginsAnewWhenCleared) {
  MarkRegistry registry;
  EXPECT_THAT(Assign(registry, {{"a", "A"}}), ElementsAre(1));
  registry.Clear();
  EXPECT_THAT(Assign(registry, {{"b", "B"}}), ElementsAre(1));
}

}  // namespace
}  // namespace proctor::env::android
