// Replies of a guest that may be hostile, and what becomes of good ones.
#include "env/desktop/guest_replies.h"

#include <gmock/gmock.h>

#include <climits>

#include "common/json.h"
#include "env/desktop/element_list.h"
#include "gtest/gtest.h"

namespace proctor::env::desktop {
namespace {

using testing::HasSubstr;

// Bits of AtspiStateType: sensitive, showing, visible.
constexpr uint64_t kShown = uint64_t{1} << 24 | uint64_t{1} << 25 | uint64_t{1} << 30;
constexpr uint64_t kFocusable = uint64_t{1} << 11;
constexpr uint64_t kEditable = uint64_t{1} << 7;

Json Node(int depth, int role, const std::string& name, const Json& box) {
  static int next = 0;
  Json node = {{"b", ":1.5"}, {"p", absl::StrCat("/", ++next)}, {"d", depth}, {"r", role}, {"s", kShown}, {"n", name}, {"a", "app"}};
  if (!box.is_null()) node["x"] = box;
  return node;
}

AccessibleNodes Read(const Json& nodes) {
  const auto read = ReadElements(Json{{"nodes", nodes}, {"truncated", false}, {"silent", Json::array()}});
  EXPECT_TRUE(read.ok()) << read.status();
  return read.ok() ? *read : AccessibleNodes();
}

v1::Size Screen() {
  v1::Size size;
  size.set_width(800);
  size.set_height(600);
  return size;
}

TEST(GuestRepliesTest, WhatAnElementCannotBeIsLeftOut) {
  const Json good = Node(0, 43, "OK", {1, 2, 3, 4});
  const auto read = [&](const std::string& key, const Json& value) {
    Json node = good;
    node[key] = value;
    const AccessibleNodes nodes = Read(Json::array({node}));
    EXPECT_EQ(nodes.nodes.size(), 1u) << key << " " << value;
    return nodes.nodes.empty() ? AccessibleNode() : nodes.nodes[0];
  };
  for (const Json& depth : {Json(1), Json(-1), Json(1e3), Json(int64_t{1} << 40)}) EXPECT_EQ(read("d", depth).depth, 0) << depth;
  for (const Json& role : {Json(-1), Json(5000), Json("x")}) EXPECT_EQ(read("r", role).role, 0) << role;
  for (const Json& states : {Json(-1), Json("x")}) EXPECT_EQ(read("s", states).states, 0u) << states;
  EXPECT_EQ(read("n", 5).name, "");
  for (const Json& box : {Json{1, 2, 3}, Json{1, 2, 3, -4}, Json{1, 2, 3, 1e300}, Json{1, 2, 3, 999999999}, Json{INT_MIN, INT_MIN, 1, 1}, Json()}) {
    EXPECT_FALSE(read("x", box).box.has_value()) << box;
  }
  // What JSON has for NaN.
  for (const Json& value : {Json("x"), Json()}) EXPECT_FALSE(read("v", value).value.has_value()) << value;
  EXPECT_EQ(read("w", uint64_t{1} << 40).window, 0u);
}

TEST(GuestRepliesTest, ElementsWithoutANameAreLeftOutAndTheOthersStay) {
  const Json good = Node(0, 43, "OK", {1, 2, 3, 4});
  Json nameless = good, pathless = good;
  nameless["b"] = "";
  pathless["p"] = Json::array();
  EXPECT_EQ(Read({nameless, good, pathless, 5, good}).nodes.size(), 2u);
}

TEST(GuestRepliesTest, ATreeIsNotDeeperThanItMayBe) {
  Json nodes = Json::array();
  for (int depth = 0; depth < 1000; ++depth) nodes.push_back(Node(depth, 43, "OK", {1, 2, 3, 4}));
  const AccessibleNodes read = Read(nodes);
  ASSERT_EQ(read.nodes.size(), 1000u);
  EXPECT_EQ(read.nodes[200].depth, 200);
  EXPECT_EQ(read.nodes[999].depth, 200);
  ElementList list;
  list.Update(read, Screen());
  EXPECT_EQ(list.elements().size(), 1000u);
}

TEST(GuestRepliesTest, RefusesListsThatAreNone) {
  const Json good = Node(0, 43, "OK", {1, 2, 3, 4});
  for (const char* reply : {"[]", "{}", "{\"nodes\": 5}", "{\"nodes\": [], \"silent\": [5]}",
                            "{\"nodes\": [], \"truncated\": 1}", "null"}) {
    EXPECT_FALSE(ReadElements(*ParseJson(reply)).ok()) << reply;
  }
  EXPECT_FALSE(ReadElements(Json{{"nodes", Json::array_t(20'001, good)}}).ok());
}

TEST(GuestRepliesTest, WindowsThatCannotBeAreLeftOutAndTheOthersStay) {
  for (const char* reply : {"{}", "{\"windows\": 5}"}) EXPECT_FALSE(ReadWindows(*ParseJson(reply)).ok()) << reply;
  for (const char* odd : {"5", "{}", "{\"box\": [0, 0, 1]}", "{\"box\": [-2147483648, 0, 1, 1]}", "{\"box\": [0, 0, 1, 1], \"title\": 5}",
                          "{\"box\": [0, 0, 1, 1], \"focused\": 1}"}) {
    const auto windows = ReadWindows(*ParseJson(absl::StrCat("{\"windows\": [", odd, ", {\"box\": [0, 0, 2, 2], \"title\": \"good\"}]}")));
    ASSERT_TRUE(windows.ok()) << windows.status();
    ASSERT_EQ(windows->size(), 1u) << odd;
    EXPECT_EQ((*windows)[0].title(), "good");
  }
}

TEST(GuestRepliesTest, APlaceThatCannotBeIsNone) {
  for (const char* reply : {"5", "{\"states\": -1}", "{\"states\": 1, \"covered_by\": 5}"}) {
    EXPECT_FALSE(ReadLocation(*ParseJson(reply)).ok()) << reply;
  }
  for (const char* box : {"5", "[-2147483648, -2147483648, 1, 1]", "[0, 0, -1, -1]"}) {
    const auto located = ReadLocation(*ParseJson(absl::StrCat("{\"states\": 1, \"box\": ", box, ", \"seen\": [1, 2, 3, 4]}")));
    ASSERT_TRUE(located.ok()) << located.status();
    EXPECT_FALSE(located->box.has_value()) << box;
    EXPECT_TRUE(located->seen.has_value());
  }
}

TEST(GuestRepliesTest, AtMostOneWindowHasTheFocus) {
  const auto windows = ReadWindows(*ParseJson(R"({"windows": [{"box": [0, 0, 1, 1], "focused": true}, {"box": [0, 0, 1, 1], "focused": true}]})"));
  ASSERT_TRUE(windows.ok()) << windows.status();
  EXPECT_TRUE((*windows)[0].focused());
  EXPECT_FALSE((*windows)[1].focused());
}

TEST(ElementListTest, ListsControlsWithMarksThatStay) {
  const Json nodes = {Node(0, 23, "Window", {0, 0, 400, 300}), Node(1, 43, "OK", {10, 10, 50, 20}), Node(1, 29, "Label", {10, 40, 50, 20}),
                      Node(1, 43, "Cancel", {70, 10, 50, 20})};
  ElementList list;
  list.Update(Read(nodes), Screen());
  ASSERT_EQ(list.elements().size(), 2u);
  EXPECT_EQ(list.elements()[0].element.role(), "button");
  EXPECT_EQ(list.elements()[0].element.tag(), "push button");
  EXPECT_EQ(list.elements()[0].element.name(), "OK");
  EXPECT_EQ(list.tree(), "window \"Window\"\n  [1] button \"OK\"\n  text \"Label\"\n  [2] button \"Cancel\"\n");
  // The first one goes, another one comes: the second keeps its mark, and no mark is given twice.
  list.Update(Read({nodes[0], nodes[3], Node(1, 43, "Help", {130, 10, 50, 20})}), Screen());
  ASSERT_EQ(list.elements().size(), 2u);
  EXPECT_EQ(list.elements()[0].element.mark(), 2);
  EXPECT_EQ(list.elements()[1].element.mark(), 3);
  EXPECT_EQ(list.Find(1), nullptr);
  EXPECT_TRUE(list.Knows(1));
  EXPECT_FALSE(list.Knows(4));
}

TEST(ElementListTest, KnowsWhatIsScrolledOutOfSight) {
  ElementList list;
  list.Update(Read({Node(0, 23, "Window", {0, 0, 400, 300}), Node(1, 49, "", {0, 0, 400, 100}), Node(2, 43, "seen", {0, 80, 100, 40}),
                    Node(2, 43, "hidden", {0, 120, 100, 40}), Node(1, 43, "outside", {0, 590, 100, 40}), Node(1, 43, "far", {0, 700, 100, 40})}),
              Screen());
  ASSERT_EQ(list.elements().size(), 4u);
  EXPECT_TRUE(list.elements()[0].element.in_viewport());
  EXPECT_EQ(list.elements()[0].seen.height(), 20);
  EXPECT_FALSE(list.elements()[1].element.in_viewport());
  EXPECT_TRUE(list.elements()[2].element.in_viewport());
  EXPECT_EQ(list.elements()[2].seen.height(), 10);
  EXPECT_FALSE(list.elements()[3].element.in_viewport());
}

TEST(ElementListTest, KnowsTheScrollAreasAroundAWidget) {
  const Json nodes = {Node(0, 23, "Window", {0, 0, 400, 300}), Node(1, 49, "", {0, 0, 400, 100}), Node(2, 39, "", {0, 0, 400, 900}),
                      Node(3, 68, "", {0, 0, 300, 80}), Node(4, 43, "inner", {0, 0, 100, 40}), Node(2, 43, "outer", {0, 0, 100, 40}),
                      Node(1, 43, "beside", {0, 0, 100, 40})};
  ElementList list;
  list.Update(Read(nodes), Screen());
  ASSERT_EQ(list.elements().size(), 3u);
  EXPECT_THAT(list.elements()[0].scrolled_in, testing::ElementsAre(nodes[3]["p"].get<std::string>(), nodes[1]["p"].get<std::string>()));
  EXPECT_THAT(list.elements()[1].scrolled_in, testing::ElementsAre(nodes[1]["p"].get<std::string>()));
  EXPECT_THAT(list.elements()[2].scrolled_in, testing::IsEmpty());
}

TEST(ElementListTest, KnowsWhatIsInAMenu) {
  ElementList list;
  list.Update(Read({Node(0, 23, "Window", {0, 0, 400, 300}), Node(1, 34, "", {0, 0, 400, 20}), Node(2, 33, "File", {0, 0, 40, 20}),
                    Node(3, 35, "Open", {0, 20, 100, 20}), Node(1, 43, "OK", {0, 100, 40, 20})}),
              Screen());
  ASSERT_EQ(list.elements().size(), 3u);
  EXPECT_FALSE(list.elements()[0].in_menu);
  EXPECT_TRUE(list.elements()[1].in_menu);
  EXPECT_FALSE(list.elements()[2].in_menu);
}

TEST(ElementListTest, CallsTheNamelessByWhatTheyHold) {
  ElementList list;
  list.Update(Read({Node(0, 23, "Window", {0, 0, 400, 300}), Node(1, 43, "GtkButton", {0, 0, 40, 20}), Node(2, 29, "Send", {0, 0, 40, 20}),
                    Node(1, 43, "7 7", {50, 0, 40, 20}), Node(1, 43, "GtkImage", {90, 0, 40, 20})}),
              Screen());
  ASSERT_EQ(list.elements().size(), 3u);
  EXPECT_EQ(list.elements()[0].element.name(), "Send");
  EXPECT_EQ(list.elements()[1].element.name(), "7");
  EXPECT_EQ(list.elements()[2].element.name(), "");
}

TEST(ElementListTest, NeverShowsPasswords) {
  Json password = Node(1, 40, "Password", {0, 0, 100, 20});
  password["t"] = "secret";
  password["s"] = kShown | kFocusable | kEditable;
  ElementList list;
  list.Update(Read({Node(0, 23, "Window", {0, 0, 400, 300}), password}), Screen());
  ASSERT_EQ(list.elements().size(), 1u);
  EXPECT_EQ(list.elements()[0].element.value(), "");
  EXPECT_EQ(list.elements()[0].element.text().find("secret"), std::string::npos);
  EXPECT_EQ(list.tree().find("secret"), std::string::npos);
}

TEST(ElementListTest, TextsArePutIntoValidUtf8) {
  const std::string broken = "{\"nodes\": [{\"b\": \"x\", \"p\": \"y\", \"d\": 0, \"r\": 43, \"s\": 0, \"n\": \"a\\u0000b\", \"x\": [0, 0, 9, 9]}]}";
  ElementList list;
  const auto nodes = ReadElements(*ParseJson(broken));
  ASSERT_TRUE(nodes.ok());
  list.Update(*nodes, Screen());
  ASSERT_EQ(list.elements().size(), 1u);
  std::string bytes;
  EXPECT_TRUE(list.elements()[0].element.SerializeToString(&bytes));
}

}  // namespace
}  // namespace proctor::env::desktop
