// Replies of a guest that may be hostile, and what becomes of good ones.
#include "env/desktop/guest_replies.h"

#include <gmock/gmock.h>

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

TEST(GuestRepliesTest, RefusesElementsThatAreNone) {
  const Json good = Node(0, 43, "OK", {1, 2, 3, 4});
  const auto refused = [&](const std::string& key, const Json& value) {
    Json node = good;
    node[key] = value;
    EXPECT_EQ(ReadElements(Json{{"nodes", {node}}}).status().code(), absl::StatusCode::kDataLoss) << key << " " << value;
  };
  EXPECT_TRUE(ReadElements(Json{{"nodes", {good}}}).ok());
  refused("b", 5);
  refused("b", "");
  refused("p", Json::array());
  refused("d", 1);
  refused("d", -1);
  refused("d", 1e3);
  refused("r", -1);
  refused("r", 5000);
  refused("s", -1);
  refused("s", "x");
  refused("n", 5);
  refused("x", Json{1, 2, 3});
  refused("x", Json{1, 2, 3, -4});
  refused("x", Json{1, 2, 3, 1e300});
  refused("x", Json{1, 2, 3, 999999999});
  refused("v", "x");
  refused("w", uint64_t{1} << 40);
  for (const char* reply : {"[]", "{}", "{\"nodes\": 5}", "{\"nodes\": [5]}", "{\"nodes\": [], \"silent\": [5]}",
                            "{\"nodes\": [], \"truncated\": 1}", "null"}) {
    EXPECT_FALSE(ReadElements(*ParseJson(reply)).ok()) << reply;
  }
  EXPECT_FALSE(ReadElements(Json{{"nodes", Json::array_t(20'001, good)}}).ok());
}

TEST(GuestRepliesTest, RefusesWindowsAndPlacesThatAreNone) {
  for (const char* reply : {"{}", "{\"windows\": 5}", "{\"windows\": [{}]}", "{\"windows\": [{\"box\": [0, 0, 1]}]}",
                            "{\"windows\": [{\"box\": [0, 0, 1, 1], \"title\": 5}]}", "{\"windows\": [{\"box\": [0, 0, 1, 1], \"focused\": 1}]}"}) {
    EXPECT_FALSE(ReadWindows(*ParseJson(reply)).ok()) << reply;
  }
  for (const char* reply : {"5", "{\"states\": -1}", "{\"states\": 1, \"box\": 5}", "{\"states\": 1, \"covered_by\": 5}"}) {
    EXPECT_FALSE(ReadLocation(*ParseJson(reply)).ok()) << reply;
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
