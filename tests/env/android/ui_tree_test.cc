#include "env/android/ui_tree.h"

#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "env/android/ui_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace proctor::env::android {
namespace {

using testing::HasSubstr;

constexpr char kHead[] = "<?xml version='1.0' encoding='UTF-8' standalone='yes' ?><hierarchy rotation=\"1\">";

std::string Node(const std::string& attributes, const std::string& inner = "") {
  return absl::StrCat("<node package=\"p\" bounds=\"[0,0][100,50]\" enabled=\"true\" ", attributes, ">", inner, "</node>");
}

std::string Dump(const std::string& nodes) { return absl::StrCat(kHead, nodes, "</hierarchy>"); }

TEST(ParseUiTreeTest, ReadsNodesAndTheirStates) {
  const auto tree = ParseUiTree(Dump(Node("class=\"android.widget.FrameLayout\"",
                                          "<node text=\"Tom &amp; &quot;Ann&quot;&#10;\" resource-id=\"a:id/b\" class=\"android.widget.CheckBox\" "
                                          "content-desc=\"d\" checkable=\"true\" checked=\"true\" clickable=\"true\" enabled=\"false\" "
                                          "long-clickable=\"true\" bounds=\"[-5,10][20,30]\" />")));
  ASSERT_TRUE(tree.ok()) << tree.status();
  EXPECT_EQ(tree->rotation, 1);
  ASSERT_EQ(tree->nodes.size(), 2u);
  const UiNode& box = tree->nodes[1];
  EXPECT_EQ(box.parent, 0);
  EXPECT_EQ(box.depth, 1);
  EXPECT_EQ(box.text, "Tom & \"Ann\"\n");
  EXPECT_EQ(box.left, -5);
  EXPECT_EQ(box.bottom, 30);
  EXPECT_TRUE(box.checked && box.checkable && box.clickable && box.long_clickable);
  EXPECT_FALSE(box.enabled || box.focused || box.scrollable || box.password || box.selected);
}

TEST(ParseUiTreeTest, ReadsFiveThousandNodes) {
  std::string nodes;
  for (int i = 0; i < 6000; ++i) absl::StrAppend(&nodes, Node(absl::StrCat("text=\"", i, "\" class=\"a.B\" clickable=\"true\"")));
  const auto tree = ParseUiTree(Dump(nodes));
  ASSERT_TRUE(tree.ok()) << tree.status();
  ASSERT_EQ(tree->nodes.size(), 6000u);
  MarkRegistry marks;
  const UiView view = MakeView(*tree, marks);
  v1::Observation observation;
  FillElements(view, {}, observation);
  EXPECT_EQ(observation.elements_size(), 5000);
  EXPECT_TRUE(observation.elements_truncated());
}

TEST(ParseUiTreeTest, RefusesTooManyNodesAndTooDeepOnes) {
  std::string many;
  for (size_t i = 0; i <= kMaxUiNodes; ++i) many += "<node/>";
  EXPECT_EQ(ParseUiTree(Dump(many)).status().code(), absl::StatusCode::kResourceExhausted);
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "<node>";
  EXPECT_EQ(ParseUiTree(Dump(deep)).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(ParseUiTree(std::string(kMaxUiBytes + 1, ' ')).status().code(), absl::StatusCode::kResourceExhausted);
}

TEST(ParseUiTreeTest, ExpandsNoEntities) {
  const std::string bomb =
      "<?xml version='1.0'?><!DOCTYPE hierarchy [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">"
      "<!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;\">]><hierarchy><node text=\"&c;\"/></hierarchy>";
  EXPECT_EQ(ParseUiTree(bomb).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_FALSE(ParseUiTree("<!DOCTYPE x SYSTEM \"file:///etc/passwd\"><hierarchy/>").ok());
  EXPECT_FALSE(ParseUiTree(Dump("<node text=\"&undefined;\"/>")).ok());
}

TEST(ParseUiTreeTest, RefusesWhatIsCutOrNoDump) {
  const std::string whole = Dump(Node("text=\"a\"", Node("text=\"b\"")));
  for (size_t size = 0; size < whole.size(); ++size) EXPECT_FALSE(ParseUiTree(whole.substr(0, size)).ok()) << size;
  EXPECT_TRUE(ParseUiTree(whole).ok());
  for (const std::string text : {"<html/>", "ERROR", "<hierarchy><span/></hierarchy>", "<hierarchy/><hierarchy/>",
                                 "<hierarchy><node bounds=\"[1,2][3\"/></hierarchy>", "<hierarchy><node bounds=\"[99999999999,2][3,4]\"/></hierarchy>"}) {
    EXPECT_FALSE(ParseUiTree(text).ok()) << text;
  }
}

TEST(ParseUiTreeTest, MendsBrokenUtf8AndControlCharacters) {
  const auto tree = ParseUiTree(Dump(Node("text=\"a\xff\xfe\x01z\"")));
  ASSERT_TRUE(tree.ok()) << tree.status();
  EXPECT_EQ(tree->nodes[0].text, "a\xEF\xBF\xBD\xEF\xBF\xBDz");
}

TEST(UiViewTest, ListsWhatTakesSomethingAndNamesItByWhatLiesInIt) {
  const std::string row = Node("class=\"android.widget.LinearLayout\" clickable=\"true\"",
                               Node("class=\"android.widget.TextView\" text=\"Wi-Fi\"") + Node("class=\"android.widget.TextView\" text=\"On\"") +
                                   Node("class=\"android.widget.Switch\" checkable=\"true\" text=\"off\""));
  MarkRegistry marks;
  const UiView view = MakeView(*ParseUiTree(Dump(row + Node("class=\"android.widget.EditText\" password=\"true\" text=\"secret\""))), marks);
  v1::Size screen;
  screen.set_width(100);
  screen.set_height(100);
  v1::Observation seen;
  FillElements(view, screen, seen);
  ASSERT_EQ(seen.elements_size(), 3);
  EXPECT_EQ(seen.elements(0).name(), "Wi-Fi, On");
  EXPECT_EQ(seen.elements(0).role(), "generic");
  EXPECT_EQ(seen.elements(1).role(), "switch");
  EXPECT_EQ(seen.elements(2).role(), "textbox");
  EXPECT_TRUE(seen.elements(2).editable());
  EXPECT_EQ(seen.elements(2).text() + seen.elements(2).value() + seen.elements(2).name(), "");
  const std::string text = TreeText(view);
  EXPECT_THAT(text, HasSubstr("[1] generic clickable\n  generic \"Wi-Fi\"\n  generic \"On\"\n  [2] switch \"off\" unchecked\n"));
  EXPECT_THAT(text, testing::Not(HasSubstr("secret")));
}

}  // namespace
}  // namespace proctor::env::android
