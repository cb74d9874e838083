// Tasks in the shop.
#include "absl/strings/str_cat.h"
#include "absl/strings/substitute.h"
#include "env/practice/shop.h"
#include "env/practice/task_builder.h"

namespace proctor::env::practice {
namespace {

using absl::StrCat;
using absl::Substitute;

struct Scene {
  explicit Scene(TaskBuilder& task) : shop(ShopContent::Generate(task.seed())) {
    category = task.random().Pick(shop->categories);
    listed = shop->InCategory(category);
    // On the category's first page, and neither in the cart nor wished for.
    do product = listed[task.random().Int(0, ShopContent::kProductsOnPage - 1)]; while (Taken(*product));
    path = "/category/" + Slug(category);
    name = Quoted(product->name);
  }

  bool Taken(const ShopProduct& candidate) const {
    for (const size_t index : shop->start_cart) if (&shop->products[index] == &candidate) return true;
    for (const size_t index : shop->start_wishes) if (&shop->products[index] == &candidate) return true;
    return false;
  }

  std::shared_ptr<const ShopContent> shop;
  std::string category, path, name;
  std::vector<const ShopProduct*> listed;
  const ShopProduct* product;
};

struct Fact {
  std::string label, value;
};

Fact SomeFact(TaskBuilder& task, const ShopProduct& product) {
  return task.random().Pick(std::vector<Fact>{{"item number", product.item_number}, {"designer", product.designer},
                                              {"weight", product.weight}});
}

Change AddToCart(const ShopProduct& product, const std::string& colour = "", int quantity = 1) {
  return {"/cart/add", {{"product", product.slug}, {"quantity", StrCat(quantity)},
                        {"colour", colour.empty() ? product.colours[0] : colour}}};
}

std::string CartLine(const ShopProduct& product) { return product.slug + "." + Slug(product.colours[0]); }

void ReadFact(TaskBuilder& task) {
  const Scene s(task);
  const Fact fact = SomeFact(task, *s.product);
  task.Start("/product/" + s.product->slug);
  task.Goal({Substitute("What is the $0 of $1?", fact.label, s.name), Substitute("Tell me the $0 of $1.", fact.label, s.name),
             Substitute("Give the $0 shown for $1.", fact.label, s.name)});
  task.Answers(fact.value);
}

void FactInCategory(TaskBuilder& task) {
  const Scene s(task);
  const Fact fact = SomeFact(task, *s.product);
  task.Start(s.path);
  task.Goal({Substitute("What is the $0 of $1?", fact.label, s.name), Substitute("Find the $0 of the product $1.", fact.label, s.name),
             Substitute("Look up $1 and tell me its $0.", fact.label, s.name)});
  task.ClickLink(s.product->name);
  task.Answers(fact.value);
}

void FactBySearch(TaskBuilder& task) {
  const Scene s(task);
  const Fact fact = SomeFact(task, *s.product);
  task.Start("/offers");
  task.Goal({Substitute("Search for $1 and tell me its $0.", fact.label, s.name), Substitute("What is the $0 of $1? Use the search.", fact.label, s.name),
             Substitute("Find the product $1 by search. What is its $0?", fact.label, s.name)});
  task.TypeAndSend("Search products", s.product->name);
  task.ClickLink(s.product->name);
  task.Answers(fact.value);
}

void MadeIn(TaskBuilder& task) {
  const Scene s(task);
  task.Start("/offers");
  task.Goal({Substitute("In $0, find $1: in which town was it made?", Quoted(s.category), s.name),
             Substitute("Where is $1 from the category $0 made?", Quoted(s.category), s.name),
             Substitute("Open the category $0 and find out which town $1 is made in.", Quoted(s.category), s.name)});
  task.ClickLink(s.category);
  task.ClickLink(s.product->name);
  task.Answers(s.product->made_in);
}

void ShipsFrom(TaskBuilder& task) {
  const Scene s(task);
  task.Start(s.path);
  task.Goal({Substitute("Which town does $0 ship from? See its Shipping tab.", s.name), Substitute("Find the shipping details of $0: where does it ship from?", s.name),
             Substitute("From where is $0 sent? Look under \"Shipping\".", s.name)});
  task.ClickLink(s.product->name);
  task.Click("tab", "Shipping");
  task.Answers(s.product->ships_from);
}

void Cheapest(TaskBuilder& task) {
  const Scene s(task);
  const bool cheap = task.random().OneIn(2);
  const ShopProduct* best = s.listed[0];
  for (const ShopProduct* product : s.listed) {
    if (cheap ? product->price_cents < best->price_cents : product->price_cents > best->price_cents) best = product;
  }
  const char* word = cheap ? "cheapest" : "most expensive";
  const char* order = cheap ? "Price: low to high" : "Price: high to low";
  task.Start("/offers");
  task.Goal({Substitute("What is the name of the $0 product in $1? Sort by $2.", word, Quoted(s.category), Quoted(order)),
             Substitute("Sort the category $1 by $2 and name the $0 product.", word, Quoted(s.category), Quoted(order)),
             Substitute("Which product is the $0 one in $1? Sort by $2 and give its name.", word, Quoted(s.category), Quoted(order))});
  task.ClickLink(s.category);
  task.Select("Sort by", order);
  task.Answers(best->name);
}

void OrderFact(TaskBuilder& task) {
  const Scene s(task);
  const ShopOrder& order = task.random().Pick(s.shop->orders);
  const Fact fact = task.random().Pick(std::vector<Fact>{{"tracking number", order.tracking}, {"total", Money(order.total_cents)}, {"town it was delivered to", order.town}});
  task.Goal({Substitute("What is the $0 of $1?", fact.label, Quoted("Order " + order.number)),
             Substitute("Look into your orders and tell me the $0 of $1.", fact.label, Quoted("Order " + order.number)),
             Substitute("In \"Your orders\", open $1. What is the $0?", fact.label, Quoted("Order " + order.number))});
  task.ClickLink("Your orders");
  task.ClickLink("Order " + order.number);
  task.Answers(fact.value);
}

void CouponCode(TaskBuilder& task) {
  const Scene s(task);
  const ShopCoupon& coupon = task.random().Pick(s.shop->coupons);
  task.Start("/account");
  task.Goal({Substitute("Which coupon code is offered for $0?", Quoted(coupon.category)), Substitute("Look at the offers: what is the code for $0?", Quoted(coupon.category)),
             Substitute("Find the code of the offer on $0.", Quoted(coupon.category))});
  task.ClickLink("Offers");
  task.Answers(coupon.code);
}

void Reviewer(TaskBuilder& task) {
  const Scene s(task);
  const ShopReview& review = s.product->reviews[ShopContent::kReviewsOnPage + task.random().Int(0, 1)];
  task.Goal({Substitute("Who wrote the review $0 of the product $1? Use the search.", Quoted(review.title), s.name),
             Substitute("Search for $1. One of its older reviews is called $0: who is its reviewer?", Quoted(review.title), s.name),
             Substitute("Find the product $1 by search. Who is the reviewer of $0?", Quoted(review.title), s.name)});
  task.TypeAndSend("Search products", s.product->name);
  task.ClickLink(s.product->name);
  task.ClickLink("Older reviews");
  task.Answers(review.author);
}

void HeavierOfTwo(TaskBuilder& task) {
  const Scene s(task);
  const ShopProduct* other = s.product;
  while (other->weight == s.product->weight) other = s.listed[task.random().Int(0, 17)];
  task.Goal({Substitute("Which is heavier, $0 or $1?", s.name, Quoted(other->name)), Substitute("Compare the weights of $0 and $1. Which of them weighs more?", s.name, Quoted(other->name)),
             Substitute("Look at $0 and $1. Which one has the greater weight?", s.name, Quoted(other->name))});
  for (const ShopProduct* product : {s.product, other}) {
    task.TypeAndSend("Search products", product->name);
    task.ClickLink(product->name);
  }
  task.Answers(std::stod(s.product->weight) > std::stod(other->weight) ? s.product->name : other->name);
}

void OpenCategory(TaskBuilder& task) {
  const Scene s(task);
  task.Goal({Substitute("Open the category $0.", Quoted(s.category)), Substitute("Go to $0.", Quoted(s.category)), Substitute("Show me the products in $0.", Quoted(s.category))});
  task.ClickLink(s.category);
  task.EndsAt(s.path);
}

void OpenProduct(TaskBuilder& task) {
  const Scene s(task);
  task.Start(s.path);
  task.Goal({Substitute("Open the page of $0.", s.name), Substitute("Go to the product $0.", s.name), Substitute("Show me the details of $0.", s.name)});
  task.ClickLink(s.product->name);
  task.EndsAt("/product/" + s.product->slug);
}

void SearchProduct(TaskBuilder& task) {
  const Scene s(task);
  task.Start("/cart");
  task.Goal({Substitute("Search for $0 and open its page.", s.name), Substitute("Find the product $0 with the search and open it.", s.name),
             Substitute("Use the search to go to the page of $0.", s.name)});
  task.TypeAndSend("Search products", s.product->name);
  task.ClickLink(s.product->name);
  task.EndsAt("/product/" + s.product->slug);
}

void OpenOrder(TaskBuilder& task) {
  const Scene s(task);
  const ShopOrder& order = task.random().Pick(s.shop->orders);
  task.Goal({Substitute("Open the details of $0.", Quoted("Order " + order.number)), Substitute("In \"Your orders\", go to $0.", Quoted("Order " + order.number)),
             Substitute("Show me the details of $0.", Quoted("Order " + order.number))});
  task.ClickLink("Your orders");
  task.ClickLink("Order " + order.number);
  task.EndsAt("/your-orders/" + order.number);
}

void FilterBrand(TaskBuilder& task) {
  const Scene s(task);
  task.Start(s.path);
  task.Goal({Substitute("Show only products of the brand $0: check it and apply filters.", Quoted(s.product->brand)), Substitute("Filter this category by the brand $0 and apply the filters.", Quoted(s.product->brand)),
             Substitute("I only want the brand $0: check it in the filters and apply filters.", Quoted(s.product->brand))});
  task.Check(s.product->brand);
  task.ClickButton("Apply filters");
  task.EndsAt(s.path, {{"brand", s.product->brand}});
}

void SortCategory(TaskBuilder& task) {
  const Scene s(task);
  const auto sort = task.random().Pick(std::vector<std::pair<std::string, std::string>>{{"price", "Price: low to high"}, {"price-desc", "Price: high to low"}, {"warranty", "Longest warranty"}});
  task.Start(s.path);
  task.Goal({Substitute("Sort the products by $0.", Quoted(sort.second)), Substitute("Change the order of this list to $0.", Quoted(sort.second)), Substitute("Choose $0 under \"Sort by\".", Quoted(sort.second))});
  task.Select("Sort by", sort.second);
  task.EndsAt(s.path, {{"sort", sort.first}});
}

void CartByCategory(TaskBuilder& task) {
  const Scene s(task);
  task.Start(s.path);
  task.Goal({Substitute("Add $0 to the cart.", s.name), Substitute("Put $0 into the cart.", s.name), Substitute("Add one $0 to my shopping cart.", s.name)});
  task.ClickLink(s.product->name);
  task.ClickButton("Add to cart");
  task.EndsWith({AddToCart(*s.product)});
}

void CartBySearch(TaskBuilder& task) {
  const Scene s(task);
  task.Start("/offers");
  task.Goal({Substitute("Search for $0 and add it to the cart.", s.name), Substitute("Find $0 by search, then add it to the cart.", s.name),
             Substitute("Use the search to find $0 and put it into the cart: add it.", s.name)});
  task.TypeAndSend("Search products", s.product->name);
  task.ClickLink(s.product->name);
  task.ClickButton("Add to cart");
  task.EndsWith({AddToCart(*s.product)});
}

void WishByCategory(TaskBuilder& task) {
  const Scene s(task);
  task.Start(s.path);
  task.Goal({Substitute("Add $0 to the wish list.", s.name), Substitute("Put $0 on my wish list.", s.name), Substitute("Save $0 to the wish list.", s.name)});
  task.ClickLink(s.product->name);
  task.ClickButton("Add to wish list");
  task.EndsWith({{"/wish-list/add", {{"product", s.product->slug}}}});
}

void RemoveWish(TaskBuilder& task) {
  const Scene s(task);
  const ShopProduct& wished = s.shop->products[task.random().Pick(s.shop->start_wishes)];
  task.Goal({Substitute("Remove $0 from the wish list.", Quoted(wished.name)), Substitute("Take $0 off my wish list: remove it.", Quoted(wished.name)),
             Substitute("I no longer wish for $0: remove it from my wish list.", Quoted(wished.name))});
  task.ClickLink("Wish list");
  task.ClickButton("Remove " + wished.name);
  task.EndsWith({{"/wish-list/remove", {{"product", wished.slug}}}});
}

void RemoveFromCart(TaskBuilder& task) {
  const Scene s(task);
  const ShopProduct& product = s.shop->products[task.random().Pick(s.shop->start_cart)];
  task.Goal({Substitute("Remove $0 from the cart.", Quoted(product.name)), Substitute("I do not want $0 any more: remove it from the cart.", Quoted(product.name)),
             Substitute("Take $0 out of the cart: remove it.", Quoted(product.name))});
  task.ClickLink("Cart");
  task.ClickButton("Remove " + product.name);
  task.EndsWith({{"/cart/remove", {{"line", CartLine(product)}}}});
}

void CartColour(TaskBuilder& task) {
  const Scene s(task);
  const std::string& colour = s.product->colours[task.random().Int(1, 2)];
  task.Start(s.path);
  task.Goal({Substitute("Add $0 in the colour $1 to the cart.", s.name, Quoted(colour)), Substitute("Choose the colour $1 for $0 and add it to the cart.", s.name, Quoted(colour)),
             Substitute("I want $0 in $1: choose the colour and add it to the cart.", s.name, Quoted(colour))});
  task.ClickLink(s.product->name);
  task.Select("Colour", colour);
  task.ClickButton("Add to cart");
  task.EndsWith({AddToCart(*s.product, colour)});
}

void CartQuantity(TaskBuilder& task) {
  const Scene s(task);
  const int quantity = task.random().Int(2, 9);
  task.Start(s.path);
  task.Goal({Substitute("Add $1 pieces of $0 to the cart.", s.name, quantity), Substitute("Put $0 into the cart, quantity \"$1\".", s.name, quantity),
             Substitute("I need \"$1\" of $0: set the quantity and add them to the cart.", s.name, quantity)});
  task.ClickLink(s.product->name);
  task.Type("Quantity", StrCat(quantity));
  task.ClickButton("Add to cart");
  task.EndsWith({AddToCart(*s.product, "", quantity)});
}

void Newsletter(TaskBuilder& task) {
  const auto choice = task.random().Pick(std::vector<std::pair<std::string, std::string>>{{"weekly", "Every week"}, {"monthly", "Every month"}, {"offers", "Only offers"}});
  task.Goal({Substitute("In your account, set the newsletter to $0 and save the preferences.", Quoted(choice.second)), Substitute("Change the newsletter of my account to $0, then save preferences.", Quoted(choice.second)),
             Substitute("I want the newsletter $0: choose it in your account and save the preferences.", Quoted(choice.second))});
  task.ClickLink("Account");
  task.Select("Newsletter", choice.second);
  task.ClickButton("Save preferences");
  task.EndsWith({{"/account/preferences", {{"newsletter", choice.first}}}});
}

void UseCoupon(TaskBuilder& task) {
  const Scene s(task);
  const ShopCoupon& coupon = task.random().Pick(s.shop->coupons);
  task.Start("/offers");
  task.Goal({Substitute("Apply the coupon code $0 in the cart.", Quoted(coupon.code)), Substitute("Go to the cart and use the coupon code $0.", Quoted(coupon.code)),
             Substitute("I have the coupon code $0: apply it in the cart.", Quoted(coupon.code))});
  task.ClickLink("Cart");
  task.TypeAndSend("Coupon code", coupon.code);
  task.EndsWith({{"/cart/coupon", {{"code", coupon.code}}}});
}

std::string Street(TaskBuilder& task, const char* kind) {
  const std::string word = SeriesWords(task.random(), 1)[0];
  return StrCat(task.random().Int(2, 90), " ", word, " ", kind);
}

void ChangeAddress(TaskBuilder& task) {
  const std::string town = TownNames(task.random(), 1)[0], street = Street(task, "Lane"), postcode = Code(task.random(), 0, 5);
  task.Goal({Substitute("Change the address in my account: street $0, city $1, postcode $2. Save the address.", Quoted(street), Quoted(town), Quoted(postcode)),
             Substitute("I moved: in my account, set street $0, city $1 and postcode $2, and save the address.", Quoted(street), Quoted(town), Quoted(postcode)),
             Substitute("Set the address in my account to street $0, postcode $2, city $1, then save address.", Quoted(street), Quoted(town), Quoted(postcode))});
  task.ClickLink("Account");
  task.Type("Street", street);
  task.Type("City", town);
  task.Type("Postcode", postcode);
  task.ClickButton("Save address");
  task.EndsWith({{"/account/address", {{"street", street}, {"city", town}, {"postcode", postcode}}}});
}

void WriteReview(TaskBuilder& task) {
  const Scene s(task);
  const std::string title = SeriesWords(task.random(), 1)[0] + " quality", text = Filler(task.random(), "this product");
  const int stars = task.random().Int(2, 5);
  task.Start(s.path);
  task.Goal({Substitute("Write a review of $0: rating $1 stars, title $2, text $3.", s.name, stars, Quoted(title), Quoted(text)),
             Substitute("Review $0 with $1 stars; the title is $2 and the text is $3.", s.name, stars, Quoted(title), Quoted(text)),
             Substitute("Send a review of $0: $1 stars, review title $2, your review $3.", s.name, stars, Quoted(title), Quoted(text))});
  task.ClickLink(s.product->name);
  task.Check(StrCat(stars, " stars"));
  task.Type("Review title", title);
  task.Type("Your review", text);
  task.ClickButton("Send review");
  task.EndsWith({{"/product/" + s.product->slug + "/reviews", {{"stars", StrCat(stars)}, {"title", title}, {"text", text}}}});
}

void Checkout(TaskBuilder& task) {
  const std::string name = PersonNames(task.random(), 1)[0], town = TownNames(task.random(), 1)[0], street = Street(task, "Street"), postcode = Code(task.random(), 0, 5);
  task.Goal({Substitute("Order what is in the cart. Name: $0, street: $1, city: $2, postcode: $3. Choose express delivery, have it wrapped as a gift and accept the terms.", Quoted(name), Quoted(street), Quoted(town), Quoted(postcode)),
             Substitute("Check out the cart for $0, street $1, city $2, postcode $3, with express delivery, wrapped as a gift; accept the terms and place the order.", Quoted(name), Quoted(street), Quoted(town), Quoted(postcode)),
             Substitute("Buy what is in the cart: full name $0, street $1, city $2, postcode $3, express delivery, wrap as a gift, accept the terms.", Quoted(name), Quoted(street), Quoted(town), Quoted(postcode))});
  task.ClickLink("Cart");
  task.ClickLink("Go to checkout");
  task.Type("Full name", name);
  task.Type("Street", street);
  task.Type("City", town);
  task.Type("Postcode", postcode);
  task.Check("Express delivery");
  task.Check("Wrap as a gift");
  task.Check("I accept the terms");
  task.ClickButton("Place order");
  task.EndsWith({{"/checkout", {{"name", name}, {"street", street}, {"city", town}, {"postcode", postcode}, {"delivery", "express"}, {"gift", "yes"}, {"terms", "yes"}}}});
}

void CheckoutWithCoupon(TaskBuilder& task) {
  const Scene s(task);
  const ShopCoupon& coupon = task.random().Pick(s.shop->coupons);
  const std::string name = PersonNames(task.random(), 1)[0], town = TownNames(task.random(), 1)[0];
  const std::string street = Street(task, "Row"), postcode = Code(task.random(), 0, 5);
  const auto say = [&](const char* wording) {
    return Substitute(wording, Quoted(coupon.code), Quoted(name), Quoted(street), Quoted(town), Quoted(postcode));
  };
  task.Goal({say("Use the coupon code $0 in the cart, then order what is in it. Name: $1, street: $2, city: $3, postcode: $4. Choose express delivery, have it wrapped as a gift and accept the terms."),
             say("Apply the coupon code $0 in the cart and check out: full name $1, street $2, city $3, postcode $4, express delivery, wrap as a gift, accept the terms. Place the order."),
             say("Buy what is in the cart with the coupon code $0, for $1, street $2, city $3, postcode $4, by express delivery, wrapped as a gift; accept the terms and place the order.")});
  task.ClickLink("Cart");
  task.TypeAndSend("Coupon code", coupon.code);
  task.ClickLink("Go to checkout");
  task.Type("Full name", name);
  task.Type("Street", street);
  task.Type("City", town);
  task.Type("Postcode", postcode);
  task.Check("Express delivery");
  task.Check("Wrap as a gift");
  task.Check("I accept the terms");
  task.ClickButton("Place order");
  task.EndsWith({{"/cart/coupon", {{"code", coupon.code}}},
                 {"/checkout", {{"name", name}, {"street", street}, {"city", town}, {"postcode", postcode}, {"delivery", "express"}, {"gift", "yes"}, {"terms", "yes"}}}});
}

void MissingProduct(TaskBuilder& task) {
  const int number = task.random().Int(100, 999);
  const std::string name = StrCat(task.random().Pick(std::vector<std::string>{"Obsidian", "Peridot", "Thistle", "Mulberry"}), " Bread Oven ", number);
  task.Goal({Substitute("Search for $0 and add it to the cart.", Quoted(name)), Substitute("What is the weight of $0? Use the search.", Quoted(name)),
             Substitute("Find the product $0 with the search and open it.", Quoted(name))});
  task.TypeAndSend("Search products", name);
  task.GivesUp();
}

void MissingOrder(TaskBuilder& task) {
  const std::string order = StrCat("Order ", task.random().Int(10000, 19999));
  task.Goal({Substitute("In \"Your orders\", what is the tracking number of $0?", Quoted(order)), Substitute("Open the details of $0.", Quoted(order)),
             Substitute("When was $0 delivered? See \"Your orders\".", Quoted(order))});
  task.ClickLink("Your orders");
  task.GivesUp();
}

}  // namespace

void AddShopTemplates(std::vector<Template>& templates) {
  const auto add = [&](const char* id, const char* kind, int steps, void (*write)(TaskBuilder&)) {
    templates.push_back({id, "shop", kind, steps, std::string(kind) == "impossible", write});
  };
  add("shop/read_fact", "find_fact", 1, ReadFact);
  add("shop/fact_in_category", "find_fact", 2, FactInCategory);
  add("shop/coupon_code", "find_fact", 2, CouponCode);
  add("shop/fact_by_search", "find_fact", 3, FactBySearch);
  add("shop/made_in", "find_fact", 3, MadeIn);
  add("shop/ships_from", "find_fact", 3, ShipsFrom);
  add("shop/price_extreme", "find_fact", 3, Cheapest);
  add("shop/order_fact", "find_fact", 3, OrderFact);
  add("shop/older_reviewer", "find_fact", 4, Reviewer);
  add("shop/heavier_of_two", "find_fact", 5, HeavierOfTwo);
  add("shop/open_category", "reach_page", 2, OpenCategory);
  add("shop/open_product", "reach_page", 2, OpenProduct);
  add("shop/sort_category", "reach_page", 2, SortCategory);
  add("shop/search_product", "reach_page", 3, SearchProduct);
  add("shop/open_order", "reach_page", 3, OpenOrder);
  add("shop/filter_brand", "reach_page", 3, FilterBrand);
  add("shop/add_to_cart", "content_change", 3, CartByCategory);
  add("shop/wish_product", "content_change", 3, WishByCategory);
  add("shop/remove_wish", "content_change", 3, RemoveWish);
  add("shop/remove_from_cart", "content_change", 3, RemoveFromCart);
  add("shop/use_coupon", "content_change", 3, UseCoupon);
  add("shop/search_and_add", "content_change", 4, CartBySearch);
  add("shop/add_colour", "content_change", 4, CartColour);
  add("shop/add_quantity", "content_change", 4, CartQuantity);
  add("shop/set_newsletter", "content_change", 4, Newsletter);
  add("shop/change_address", "content_change", 6, ChangeAddress);
  add("shop/write_review", "content_change", 6, WriteReview);
  add("shop/place_order", "content_change", 11, Checkout);
  add("shop/place_order_with_coupon", "content_change", 12, CheckoutWithCoupon);
  add("shop/missing_product", "impossible", 2, MissingProduct);
  add("shop/missing_order", "impossible", 2, MissingOrder);
}

}  // namespace proctor::env::practice
