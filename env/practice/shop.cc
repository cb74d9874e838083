#include "env/practice/shop.h"

#include <algorithm>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "env/practice/names.h"
#include "env/practice/random.h"

namespace proctor::env::practice {
namespace {

struct Kind {
  const char* category;
  std::vector<std::string> types;
};

const std::vector<Kind>& Kinds() {
  static const auto& kinds = *new std::vector<Kind>{
      {"Lamps", {"Desk Lamp", "Floor Lamp", "Reading Lamp", "Lantern"}},
      {"Chairs", {"Armchair", "Rocking Chair", "Stool", "Folding Chair"}},
      {"Kitchen", {"Kettle", "Saucepan", "Cutting Board", "Teapot"}},
      {"Bags", {"Backpack", "Tote", "Suitcase", "Satchel"}},
      {"Clocks", {"Wall Clock", "Alarm Clock", "Mantel Clock", "Kitchen Timer"}},
      {"Textiles", {"Blanket", "Cushion", "Rug", "Curtain"}},
  };
  return kinds;
}

std::vector<ShopReview> Reviews(Random& random, const std::string& product, std::vector<std::string> authors) {
  static const auto& titles = *new std::vector<std::string>{
      "Better than expected", "Does what it should", "A little smaller than I thought", "Would buy again",
      "Lovely finish",        "Arrived late",        "My neighbour wants one too",      "Solid and simple",
      "Not for everybody",    "Perfect gift"};
  std::vector<ShopReview> reviews;
  int day = random.Int(90, 120);
  for (const std::string& title : random.Sample(titles, 5)) {
    day -= random.Int(3, 15);
    reviews.push_back({.author = authors[reviews.size()], .title = title, .text = Filler(random, "this " + product),
                       .date = LongDate(day), .stars = random.Int(2, 5)});
  }
  return reviews;
}

}  // namespace

std::shared_ptr<const ShopContent> ShopContent::Generate(uint64_t seed) {
  Random random(seed, "shop");
  auto content = std::make_shared<ShopContent>();
  const std::vector<std::string> people = PersonNames(random, 700);
  const std::vector<std::string> towns = TownNames(random, 240);
  static const auto& colours = *new std::vector<std::string>{"Black", "White", "Red",   "Green", "Blue",
                                                             "Grey",  "Sand",  "Olive", "Rust",  "Plum"};
  for (const std::string& word : SeriesWords(random, 6)) {
    content->brands.push_back(word + random.Pick(std::vector<std::string>{" & Sons", " Works", " Studio", " Home"}));
  }
  std::set<int> prices;
  std::set<std::string> numbers;
  size_t person = 0, town = 0;
  for (const Kind& kind : Kinds()) {
    content->categories.push_back(kind.category);
    std::vector<ShopProduct> made;
    for (const std::string& series : SeriesWords(random, 18)) {
      ShopProduct product;
      product.name = series + " " + random.Pick(kind.types);
      product.slug = Slug(product.name);
      product.category = kind.category;
      product.brand = random.Pick(content->brands);
      do product.item_number = Code(random, 2, 5); while (!numbers.insert(product.item_number).second);
      product.designer = people[person++];
      product.made_in = towns[town++];
      product.ships_from = towns[town++];
      const int hundredths = random.Int(11, 99);
      product.weight = absl::StrFormat("%d.%02d kg", random.Int(0, 9), hundredths);
      do product.price_cents = random.Int(900, 39999); while (!prices.insert(product.price_cents).second);
      product.warranty_months = 6 * random.Int(2, 10);
      product.colours = random.Sample(colours, 3);
      const std::string closing = Filler(random, product.brand);
      product.description = absl::StrCat(Filler(random, "the " + product.name), " ", closing);
      product.reviews = Reviews(random, product.name,
                                {people.begin() + person, people.begin() + person + 5});
      person += 5;
      if (person + 6 > people.size()) person = 108;  // designers stay unique, reviewers may return
      made.push_back(std::move(product));
    }
    std::sort(made.begin(), made.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    for (ShopProduct& product : made) content->products.push_back(std::move(product));
    town %= 200;
  }
  const int last = static_cast<int>(content->products.size()) - 1;
  static const auto& carriers = *new std::vector<std::string>{"Northern Parcel", "Swallow Post", "Blueline Freight"};
  static const auto& statuses = *new std::vector<std::string>{"Delivered", "On its way", "Being packed"};
  std::set<int> totals;
  int number = random.Int(41000, 78000), day = 118;
  for (int i = 0; i < 7; ++i) {
    ShopOrder order;
    number -= random.Int(37, 900);
    day -= random.Int(3, 14);
    order.number = absl::StrCat(number);
    order.date = LongDate(day);
    order.status = i < 2 ? random.Pick(statuses) : "Delivered";
    order.carrier = random.Pick(carriers);
    order.tracking = Code(random, 3, 7);
    order.town = towns[200 + i];
    order.products = {static_cast<size_t>(random.Int(0, last / 2)), static_cast<size_t>(random.Int(last / 2 + 1, last))};
    for (const size_t index : order.products) order.total_cents += content->products[index].price_cents;
    order.total_cents += 495;
    content->orders.push_back(std::move(order));
  }
  const std::vector<std::string> words = SeriesWords(random, 6);
  for (size_t i = 0; i < words.size(); ++i) {
    content->coupons.push_back({.code = absl::StrCat(absl::AsciiStrToUpper(words[i]), random.Int(10, 99)),
                                .category = content->categories[i], .percent = 5 * random.Int(1, 6)});
  }
  std::vector<size_t> picks;
  for (size_t i = 0; i < content->products.size(); ++i) picks.push_back(i);
  picks = random.Sample(picks, 5);
  content->start_cart = {picks[0], picks[1]};
  content->start_wishes = {picks[2], picks[3], picks[4]};
  return content;
}

const ShopProduct* ShopContent::Find(const std::string& slug) const {
  for (const ShopProduct& product : products) {
    if (product.slug == slug) return &product;
  }
  return nullptr;
}

std::vector<const ShopProduct*> ShopContent::InCategory(const std::string& category) const {
  std::vector<const ShopProduct*> found;
  for (const ShopProduct& product : products) {
    if (product.category == category) found.push_back(&product);
  }
  return found;
}

}  // namespace proctor::env::practice
