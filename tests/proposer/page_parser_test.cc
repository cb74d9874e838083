#include <algorithm>
#include <string>

#include "common/json.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proposer/site_model.h"

namespace proctor::proposer {

void PrintTo(const Fact& fact, std::ostream* out) {
  *out << "{" << fact.subject << " | " << fact.attribute << " | " << fact.value << "}";
}

namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

// A page called Otter that shows `text`, with more members as the script gives them.
Page Parse(const std::string& text, const Json& members) {
  Json extract = {{"url", "http://127.0.0.1/otter"}, {"title", "Otter - Zoo"}, {"text", text},
                  {"headings", Json::array({Json::array({1, "Otter"}), Json::array({2, "Life"})})}};
  extract.update(members);
  const auto urls = SiteUrls::Create("http://127.0.0.1/", {});
  auto page = ParsePage(DumpJson(extract), *urls);
  EXPECT_TRUE(page.ok()) << page.status();
  return page.ok() ? *std::move(page) : Page();
}

Json Cell(const std::string& text, bool header) { return {{"text", text}, {"header", header}, {"span", false}}; }

TEST(ParsePageTest, TakesThePageSubjectFromItsMainHeading) {
  const Page page = Parse("", Json::object());
  EXPECT_EQ(page.subject, "Otter");
  EXPECT_THAT(page.headings, ElementsAre("Otter", "Life"));
}

TEST(ParsePageTest, ReadsDefinitionLists) {
  const Json pairs = Json::array({Json::array({"Weight:", "9 kg"}), Json::array({"Diet", "fish"})});
  const Page page = Parse("Weight: 9 kg Diet fish", {{"lists", Json::array({{{"heading", "Life"}, {"pairs", pairs}}})}});
  EXPECT_THAT(page.facts, UnorderedElementsAre(Fact{"Otter", "Weight", "9 kg"}, Fact{"Otter", "Diet", "fish"}));
}

TEST(ParsePageTest, LeavesOutTermsWithSeveralDefinitions) {
  const Json pairs = Json::array({Json::array({"Diet", "fish"}), Json::array({"Diet", "crabs"})});
  EXPECT_THAT(Parse("fish crabs", {{"lists", Json::array({{{"pairs", pairs}}})}}).facts, IsEmpty());
}

TEST(ParsePageTest, ReadsMicrodata) {
  const Json item = Json::array({Json::array({"name", "Lutra"}), Json::array({"price", "12.50"})});
  EXPECT_THAT(Parse("Lutra for 12.50", {{"items", Json::array({item})}}).facts,
              ElementsAre(Fact{"Lutra", "price", "12.50"}));
}

TEST(ParsePageTest, ReadsJsonLdWithItsGraph) {
  const Json block = {{"@graph", Json::array({{{"@type", "Product"}, {"name", "Lutra"}, {"sku", "L-77"}, {"weight", 9}}})}};
  EXPECT_THAT(Parse("Lutra L-77 weighs 9", {{"json_ld", Json::array({DumpJson(block)})}}).facts,
              UnorderedElementsAre(Fact{"Lutra", "sku", "L-77"}, Fact{"Lutra", "weight", "9"}));
}

// Nobody can read them off the page.
TEST(ParsePageTest, LeavesOutFactsThatThePageDoesNotShow) {
  const Json block = {{"name", "Lutra"}, {"sku", "L-77"}};
  EXPECT_THAT(Parse("Lutra", {{"json_ld", Json::array({DumpJson(block)})}}).facts, IsEmpty());
}

// Each costs a search through the whole text.
TEST(ParsePageTest, LooksForSoManyFactsAndNoMore) {
  const auto facts = [](int hidden) {
    Json block = Json::array();
    for (int i = 0; i < hidden; ++i) block.push_back({{"name", "Lutra"}, {"sku", std::to_string(1'000'000 + i)}});
    block.push_back({{"name", "Lutra"}, {"sku", "L-77"}});
    return Parse("Lutra L-77", {{"json_ld", Json::array({DumpJson(block)})}}).facts;
  };
  EXPECT_THAT(facts(9'999), ElementsAre(Fact{"Lutra", "sku", "L-77"}));
  EXPECT_THAT(facts(10'000), IsEmpty());
}

TEST(ParsePageTest, ReadsPairsAndHeaderTables) {
  const Json pairs = Json::array({Json::array({Cell("Weight", true), Cell("9 kg", false)})});
  const Json rows = Json::array({Json::array({Cell("Cub", true), Cell("Born", true)}),
                                 Json::array({Cell("Ada", false), Cell("May", false)})});
  const Page page = Parse("9 kg Ada May", {{"tables", Json::array({{{"rows", pairs}, {"row_count", 1}},
                                                                   {{"rows", rows}, {"row_count", 2}}})}});
  EXPECT_THAT(page.facts, UnorderedElementsAre(Fact{"Otter", "Weight", "9 kg"}, Fact{"Ada", "Born", "May"}));
  ASSERT_EQ(page.tables.size(), 1u);
  EXPECT_TRUE(page.tables[0].complete);
}

TEST(ParsePageTest, KnowsATableThatWasCut) {
  const Json rows = Json::array({Json::array({Cell("Cub", true), Cell("Born", true)}),
                                 Json::array({Cell("Ada", false), Cell("May", false)})});
  const Page page = Parse("Ada May", {{"tables", Json::array({{{"rows", rows}, {"row_count", 900}}})}});
  ASSERT_EQ(page.tables.size(), 1u);
  EXPECT_FALSE(page.tables[0].complete);
}

TEST(ParsePageTest, TellsSearchFormsFromOthers) {
  const auto form = [](const std::string& method, const Json& fields) {
    return Json{{"action", "http://127.0.0.1/find"}, {"method", method}, {"fields", fields}};
  };
  const Json text = {{"name", "q"}, {"type", "search"}}, password = {{"name", "p"}, {"type", "password"}};
  const Page page = Parse("", {{"forms", Json::array({form("get", Json::array({text})), form("post", Json::array({text})),
                                                      form("get", Json::array({text, password}))})}});
  ASSERT_EQ(page.forms.size(), 3u);
  EXPECT_TRUE(page.forms[0].is_search);
  EXPECT_FALSE(page.forms[1].is_search);
  EXPECT_FALSE(page.forms[2].is_search);
}

}  // namespace
}  // namespace proctor::proposer
