// What the sites do with what is sent to them.
#include "env/practice/booking.h"
#include "env/practice/forum.h"
#include "env/practice/mail.h"
#include "env/practice/names.h"
#include "env/practice/shop.h"
#include "env/practice/wiki.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/env/practice/visitor.h"

namespace proctor::env::practice {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr int kSeed = 21;

class SitesTest : public ::testing::Test {
 protected:
  PracticeHub hub_;
  const PracticeHub::Instance instance_ = hub_.CreateInstance({.seed = kSeed}).value();
  Visitor Site(const std::string& name) { return Visitor(hub_, instance_, name); }
};

TEST_F(SitesTest, ShopAddsTheSameProductUpAndRemovesIt) {
  const auto content = ShopContent::Generate(kSeed);
  const ShopProduct& product = content->products[3];
  Visitor shop = Site("shop");
  const std::string before = shop.State();
  for (int i = 0; i < 2; ++i) EXPECT_EQ(shop.Post("/cart/add", {{"product", product.slug}, {"quantity", "2"}}).status, 303);
  EXPECT_THAT(shop.State(), AllOf(HasSubstr(product.name), HasSubstr(R"("quantity":"4")")));
  EXPECT_THAT(shop.Get("/cart").body, HasSubstr("Remove " + product.name));
  shop.Post("/cart/remove", {{"line", product.slug + "." + Slug(product.colours[0])}});
  EXPECT_EQ(shop.State(), before);
}

TEST_F(SitesTest, ShopChecksCheckout) {
  Visitor shop = Site("shop");
  const std::string before = shop.State();
  EXPECT_THAT(shop.Post("/checkout", {{"name", "Ada"}, {"postcode", "12"}}).body,
              AllOf(HasSubstr("Enter a street."), HasSubstr("five digits"), HasSubstr("Accept the terms."), HasSubstr("value=\"Ada\"")));
  EXPECT_EQ(shop.State(), before);
  EXPECT_EQ(shop.Post("/checkout", {{"name", "Ada"}, {"street", "A 1"}, {"city", "B"}, {"postcode", "12345"}, {"terms", "yes"}}).status, 303);
  EXPECT_THAT(shop.State(), AllOf(HasSubstr("\"placed\""), Not(HasSubstr("\"cart\""))));
}

TEST_F(SitesTest, ShopFiltersAndSorts) {
  const auto content = ShopContent::Generate(kSeed);
  const std::string category = content->categories[1];
  const auto listed = content->InCategory(category);
  const auto cheapest = *std::min_element(listed.begin(), listed.end(), [](auto* a, auto* b) { return a->price_cents < b->price_cents; });
  Visitor shop = Site("shop");
  const std::string page = shop.Get("/category/" + Slug(category) + "?sort=price").body;
  const size_t first = page.find("/product/");
  EXPECT_EQ(page.compare(first, cheapest->slug.size() + 9, "/product/" + cheapest->slug), 0);
  const std::string filtered = shop.Get("/category/" + Slug(category) + "?brand=" + EncodeUrl(listed[0]->brand)).body;
  for (const ShopProduct* product : listed) {
    if (product->brand == listed[0]->brand) continue;
    EXPECT_THAT(filtered, Not(HasSubstr("/product/" + product->slug + "\"")));
  }
}

TEST_F(SitesTest, ShopAnswersSlowlyAboutDelivery) {
  const auto content = ShopContent::Generate(kSeed);
  EXPECT_GT(Site("shop").Get("/delivery?product=" + content->products[0].slug).delay, absl::Milliseconds(100));
}

TEST_F(SitesTest, WikiSearchGoesToTheArticleOfThatName) {
  const auto content = WikiContent::Generate(kSeed);
  const net::HttpResponse response = Site("wiki").Get("/search?q=" + EncodeUrl(content->articles[40].title));
  EXPECT_EQ(response.status, 303);
  EXPECT_EQ(response.headers[0].second, "/article/" + content->articles[40].slug);
}

TEST_F(SitesTest, WikiShowsAnEditAndEscapesIt) {
  const auto content = WikiContent::Generate(kSeed);
  const std::string path = "/article/" + content->articles[0].slug;
  Visitor wiki = Site("wiki");
  EXPECT_THAT(wiki.Post(path + "/edit", {{"text", "x"}}).body, HasSubstr("Sum up your change."));
  EXPECT_EQ(wiki.Post(path + "/edit", {{"text", "<i>New</i>"}, {"summary", "s"}}).status, 303);
  EXPECT_THAT(wiki.Get(path).body, HasSubstr("&lt;i&gt;New&lt;/i&gt;"));
}

TEST_F(SitesTest, WikiRefusesAnUnknownLane) {
  const auto content = WikiContent::Generate(kSeed);
  Visitor wiki = Site("wiki");
  const std::string before = wiki.State();
  EXPECT_EQ(wiki.Post("/reading-list", {{"tile", content->start_reading[0]}, {"lane", "never"}}).status, 404);
  EXPECT_EQ(wiki.State(), before);
}

TEST_F(SitesTest, MailMovesAMessageThereAndBackWithoutATrace) {
  const auto content = MailContent::Generate(kSeed);
  const std::string path = "/message/" + content->messages[0].id;
  Visitor mail = Site("mail");
  const std::string before = mail.State();
  mail.Post(path + "/move", {{"folder", "Spam"}});
  EXPECT_THAT(mail.Get("/folder/spam").body, HasSubstr(path));
  EXPECT_THAT(mail.Get("/folder/inbox").body, Not(HasSubstr(path + "\"")));
  mail.Post(path + "/move", {{"folder", "Inbox"}});
  EXPECT_EQ(mail.State(), before);
}

TEST_F(SitesTest, MailChecksAddresses) {
  Visitor mail = Site("mail");
  const std::string before = mail.State();
  for (const char* to : {"", "@", "nobody", "a@"}) EXPECT_THAT(mail.Post("/compose", {{"to", to}, {"subject", "s"}}).body, HasSubstr("with an @"));
  EXPECT_EQ(mail.State(), before);
}

TEST_F(SitesTest, ForumVotesCanBeTakenBack) {
  const auto content = ForumContent::Generate(kSeed);
  const std::string path = "/thread/" + content->threads[2].slug;
  Visitor forum = Site("forum");
  const std::string before = forum.State();
  forum.Post(path + "/vote", {});
  EXPECT_THAT(forum.Get(path).body, HasSubstr(">" + std::to_string(content->threads[2].votes + 1) + "<"));
  forum.Post(path + "/vote", {});
  EXPECT_EQ(forum.State(), before);
}

TEST_F(SitesTest, BookingRefusesWhatIsTakenOrTooSmall) {
  const auto content = BookingContent::Generate(kSeed);
  const BookingRoom& room = content->rooms[0];
  const auto [day, hour] = room.taken.begin()->first;
  Visitor booking = Site("booking");
  const std::string before = booking.State();
  const auto book = [&](int at_day, int at_hour, int people) {
    return booking.Post("/book-a-room", {{"room", room.slug}, {"date", IsoDate(at_day)}, {"hour", std::to_string(at_hour)}, {"title", "T"}, {"people", std::to_string(people)}});
  };
  EXPECT_THAT(book(day, hour, 2).body, HasSubstr("taken at this hour"));
  EXPECT_THAT(book(day + 5, hour, room.seats + 1).body, HasSubstr("that many seats"));
  EXPECT_EQ(booking.State(), before);
  const int saturday = BookingContent::kMonday + 5;
  EXPECT_EQ(book(saturday, 9, room.seats).status, 303);
  EXPECT_THAT(book(saturday, 9, 1).body, HasSubstr("taken at this hour"));
}

TEST_F(SitesTest, ABookingIsNotReplacedByTheNextAfterACancellation) {
  const auto content = BookingContent::Generate(kSeed);
  Visitor booking = Site("booking");
  const int saturday = BookingContent::kMonday + 5;
  const auto book = [&](int hour, const std::string& title) {
    const std::vector<std::pair<std::string, std::string>> form = {
        {"room", content->rooms[0].slug}, {"date", IsoDate(saturday)}, {"hour", std::to_string(hour)}, {"title", title}, {"people", "1"}};
    EXPECT_EQ(booking.Post("/book-a-room", form).status, 303);
  };
  book(9, "First of two");
  ASSERT_FALSE(content->mine.empty());
  EXPECT_EQ(booking.Post("/my-bookings/" + content->mine[0].reference, {{"do", "cancel"}}).status, 303);
  book(10, "Second of two");
  EXPECT_THAT(booking.State(), AllOf(HasSubstr("First of two"), HasSubstr("Second of two")));
}

TEST_F(SitesTest, ASlipThatIsCorrectedLeavesTheBookingsOfNone) {
  const auto content = BookingContent::Generate(kSeed);
  const std::string saturday = IsoDate(BookingContent::kMonday + 5);
  const auto book = [&](Visitor& booking, const std::string& hour) {
    const std::vector<std::pair<std::string, std::string>> form = {
        {"room", content->rooms[0].slug}, {"date", saturday}, {"hour", hour}, {"title", "Briefing"}, {"people", "1"}};
    EXPECT_EQ(booking.Post("/book-a-room", form).status, 303);
  };
  Visitor sure = Site("booking");
  book(sure, "10");
  const PracticeHub::Instance other = hub_.CreateInstance({.seed = kSeed}).value();
  Visitor unsure(hub_, other, "booking");
  const std::set<std::string> before = Visitor::Links(unsure.Get("/my-bookings").body);
  book(unsure, "11");
  std::set<std::string> slip = Visitor::Links(unsure.Get("/my-bookings").body);
  for (const std::string& link : before) slip.erase(link);
  ASSERT_EQ(slip.size(), 1u);
  book(unsure, "10");
  EXPECT_EQ(unsure.Post(*slip.begin(), {{"do", "cancel"}}).status, 303);
  EXPECT_EQ(unsure.State(), sure.State());
}

}  // namespace
}  // namespace proctor::env::practice
