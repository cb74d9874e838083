// The shop's pages.
#include <algorithm>
#include <functional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "env/practice/names.h"
#include "env/practice/shop.h"

namespace proctor::env::practice {
namespace {

Shell ShellOf(const ShopContent& content) {
  Shell shell{.site = "shop", .brand = "Hearth & Hollow", .search_label = "Search products",
              .footer = "Hearth & Hollow. Good things for the home. Free returns within 30 days."};
  for (const std::string& category : content.categories) shell.links.emplace_back("/category/" + Slug(category), category);
  for (const char* name : {"Offers", "Wish list", "Cart", "Your orders", "Account"}) {
    shell.links.emplace_back("/" + Slug(name), name);
  }
  return shell;
}

std::string Card(const ShopProduct& product) {
  // A colour from the name stands in for a photograph.
  int hue = 0;
  for (const char c : product.name) hue = (hue * 31 + c) % 360;
  return absl::StrCat("<span class=\"swatch\" aria-hidden=\"true\" style=\"background:linear-gradient(135deg,hsl(",
                      hue, ",45%,72%),hsl(", (hue + 40) % 360, ",50%,52%))\"></span>",
                      Link("/product/" + product.slug, product.name), "<div class=\"price\">",
                      Money(product.price_cents), "</div><div class=\"muted\">", Escape(product.brand), "</div>");
}

std::string Cards(const std::vector<const ShopProduct*>& products, int page) {
  std::vector<std::string> cards;
  const size_t begin = static_cast<size_t>(page - 1) * ShopContent::kProductsOnPage;
  for (size_t i = begin; i < products.size() && i < begin + ShopContent::kProductsOnPage; ++i) {
    cards.push_back(Card(*products[i]));
  }
  return List(cards, "class=\"cards\"");
}

const Options& Sorts() {
  static const auto& sorts = *new Options{{"name", "Name"},
                                          {"price", "Price: low to high"},
                                          {"price-desc", "Price: high to low"},
                                          {"warranty", "Longest warranty"}};
  return sorts;
}

void Sort(std::vector<const ShopProduct*>& products, const std::string& by) {
  const auto sort = [&](auto key) {
    std::stable_sort(products.begin(), products.end(), [&](auto* a, auto* b) { return key(*a) < key(*b); });
  };
  if (by == "price") sort([](const ShopProduct& p) { return p.price_cents; });
  if (by == "price-desc") sort([](const ShopProduct& p) { return -p.price_cents; });
  if (by == "warranty") sort([](const ShopProduct& p) { return -p.warranty_months; });
}

class Shop final : public Site {
 public:
  explicit Shop(std::shared_ptr<const ShopContent> content)
      : content_(std::move(content)), shell_(ShellOf(*content_)) {
    for (const size_t index : content_->start_cart) {
      const ShopProduct& product = content_->products[index];
      PutInCart(product, product.colours[0], 1);
    }
    for (const size_t index : content_->start_wishes) {
      state_.Set("wishlist", content_->products[index].slug, {{"name", content_->products[index].name}});
    }
  }

  net::HttpResponse Handle(const Request& request) override {
    return request.post ? Post(request) : Get(request);
  }

 private:
  net::HttpResponse Show(std::string_view title, const std::string& html, std::string_view query = "") {
    return HtmlResponse(Page(shell_, title, html, query));
  }

  net::HttpResponse Get(const Request& request) {
    const std::string& room = request.Segment(0);
    if (room.empty()) return Home();
    if (room == "category") return Category(request);
    if (room == "search") return Search(request);
    if (room == "product") return Product(request);
    if (room == "delivery") return Delivery(request);
    if (room == "cart") return Cart("");
    if (room == "wish-list") return WishList();
    if (room == "your-orders") return request.Segment(1).empty() ? Orders() : Order(request.Segment(1));
    if (room == "offers") return Offers();
    if (room == "account") return Account(request.query.Has("saved") ? Notice("Your changes are saved.") : "");
    if (room == "checkout") return Checkout(request, {});
    if (room == "thanks") return Thanks(request.Segment(1));
    return NotFound(shell_, "There is no such page in this shop.");
  }

  net::HttpResponse Post(const Request& request) {
    if (request.path == "/cart/add") return AddToCart(request.form);
    if (request.path == "/cart/remove") {
      state_.Erase("cart", request.form.Get("line"));
      return Redirect("/cart");
    }
    if (request.path == "/cart/quantity") return SetQuantity(request.form);
    if (request.path == "/cart/coupon") return UseCoupon(request.form);
    if (request.path == "/wish-list/add") return AddWish(request.form);
    if (request.path == "/wish-list/remove") {
      state_.Erase("wishlist", request.form.Get("product"));
      return Redirect("/wish-list");
    }
    if (request.path == "/account/preferences") return SavePreferences(request.form);
    if (request.path == "/account/address") return SaveAddress(request.form);
    if (request.path == "/checkout") return PlaceOrder(request);
    if (request.Segment(0) == "product" && request.Segment(2) == "reviews") return AddReview(request);
    return NotFound(shell_, "There is no such page in this shop.");
  }

  // Information.

  net::HttpResponse Home() {
    std::vector<const ShopProduct*> featured;
    for (size_t i = 4; i < content_->products.size(); i += 14) featured.push_back(&content_->products[i]);
    return Show("Welcome", Heading(1, "Good things for the home") +
                               Paragraph("Lamps, chairs, kettles and more, from small workshops all over the country.") +
                               Heading(2, "Picked for you") + Cards(featured, 1));
  }

  net::HttpResponse Category(const Request& request) {
    std::string category;
    for (const std::string& name : content_->categories) {
      if (Slug(name) == request.Segment(1)) category = name;
    }
    if (category.empty()) return NotFound(shell_, "There is no such category.");
    std::vector<const ShopProduct*> products = content_->InCategory(category);
    const std::vector<std::string> brands = request.query.All("brand");
    const int highest = request.query.Int("max", 1, 100000, 0);
    std::erase_if(products, [&](const ShopProduct* product) {
      return (!brands.empty() && std::find(brands.begin(), brands.end(), product->brand) == brands.end()) ||
             (highest > 0 && product->price_cents > highest * 100);
    });
    const std::string sort = request.query.Get("sort", "name");
    Sort(products, sort);
    const int pages = std::max(1, static_cast<int>(products.size() + 11) / ShopContent::kProductsOnPage);
    const int page = request.query.Int("page", 1, pages, 1);
    std::string kept = "?sort=" + EncodeUrl(sort);
    std::string boxes, carried;
    for (const std::string& brand : content_->brands) {
      const bool chosen = std::find(brands.begin(), brands.end(), brand) != brands.end();
      boxes += CheckBox(brand, "brand", brand, chosen);
      if (chosen) kept += "&brand=" + EncodeUrl(brand);
      if (chosen) carried += Hidden("brand", brand);
    }
    const std::string max = highest > 0 ? absl::StrCat(highest) : "";
    if (highest > 0) kept += "&max=" + max;
    if (highest > 0) carried += Hidden("max", max);
    const std::string path = "/category/" + Slug(category);
    const std::string filters = Form(
        path,
        Wrap("fieldset", Tag("legend", "Brand") + boxes) +
            Field({.label = "Highest price", .name = "max", .value = max, .type = "number", .attributes = "min=\"1\""}) +
            Hidden("sort", sort) + Submit("Apply filters"),
        "get", "aria-label=\"Filters\"");
    const std::string sorting = Form(
        path, carried + Select({.label = "Sort by", .name = "sort", .options = Sorts(), .selected = sort, .submits = true}),
        "get");
    return Show(category,
                Heading(1, category) +
                    Wrap("div",
                         Wrap("div", Heading(2, "Filters") + filters, "class=\"side\"") +
                             Wrap("div",
                                  sorting + Paragraph(absl::StrCat(products.size(), " products")) +
                                      Cards(products, page) + Pager(path + kept, page, pages),
                                  "class=\"wide\""),
                         "class=\"columns\""));
  }

  net::HttpResponse Search(const Request& request) {
    const std::string query = request.query.Get("q");
    std::vector<const ShopProduct*> found;
    for (const ShopProduct& product : content_->products) {
      if (MatchesQuery(product.name + " " + product.brand + " " + product.item_number, query)) found.push_back(&product);
    }
    const int pages = std::max(1, static_cast<int>(found.size() + 11) / ShopContent::kProductsOnPage);
    const int page = request.query.Int("page", 1, pages, 1);
    return Show("Search",
                Heading(1, "Search results") +
                    Paragraph(found.empty() ? "Nothing was found. Try fewer or other words."
                                            : absl::StrCat(found.size(), " found")) +
                    Cards(found, page) + Pager("/search?q=" + EncodeUrl(query), page, pages),
                query);
  }

  net::HttpResponse Product(const Request& request) {
    const ShopProduct* product = content_->Find(request.Segment(1));
    if (product == nullptr) return NotFound(shell_, "There is no such product.");
    if (request.Segment(2) == "reviews") return Reviews(*product, request, {});
    Options colours;
    for (const std::string& colour : product->colours) colours.emplace_back(colour, colour);
    const std::string buy =
        Form("/cart/add", Hidden("product", product->slug) +
                              Select({.label = "Colour", .name = "colour", .options = colours, .selected = colours[0].first}) +
                              Field({.label = "Quantity", .name = "quantity", .value = "1", .type = "number",
                                     .attributes = "min=\"1\" max=\"20\" required"}) +
                              Submit("Add to cart")) +
        PostButton({.action = "/wish-list/add", .fields = {{"product", product->slug}}, .label = "Add to wish list"}) +
        "<button type=\"button\" data-into=\"delivery\" data-loads=\"/delivery?product=" + product->slug +
        "\">Check delivery</button><p id=\"delivery\" role=\"status\"></p>";
    const std::string facts = FactTable("Specifications", {{"Brand", product->brand},
                                                           {"Item number", product->item_number},
                                                           {"Designer", product->designer},
                                                           {"Made in", product->made_in},
                                                           {"Weight", product->weight},
                                                           {"Warranty", absl::StrCat(product->warranty_months, " months")}});
    const std::string tabs = Tabs(
        "more", {{"Description", Paragraph(product->description)},
                 {"Shipping", FactTable("Shipping", {{"Ships from", product->ships_from}, {"Returns", "Within 30 days"}})},
                 {"Care", Paragraph("Wipe with a soft, dry cloth. Keep away from open fire.")}});
    const std::string reviews = absl::StrCat("<iframe title=\"Customer reviews\" src=\"/product/", product->slug,
                                             "/reviews\"></iframe>");
    return Show(product->name,
                Heading(1, product->name) + Tag("p", Money(product->price_cents), "class=\"price\"") +
                    Wrap("div", Wrap("div", facts + tabs, "class=\"wide\"") + Wrap("div", buy, "class=\"side\""),
                         "class=\"columns\"") +
                    Heading(2, "Customer reviews") + reviews);
  }

  net::HttpResponse Reviews(const ShopProduct& product, const Request& request, const std::vector<std::string>& errors) {
    const std::string base = "/product/" + product.slug + "/reviews";
    const int pages = (static_cast<int>(product.reviews.size()) + ShopContent::kReviewsOnPage - 1) / ShopContent::kReviewsOnPage;
    const int page = request.query.Int("page", 1, pages, 1);
    std::string html = request.query.Has("sent") ? Notice("Thank you for your review.") : "";
    for (size_t i = static_cast<size_t>(page - 1) * ShopContent::kReviewsOnPage; i < product.reviews.size() && static_cast<int>(i) < page * ShopContent::kReviewsOnPage; ++i) {
      const ShopReview& review = product.reviews[i];
      html += Wrap("article",
                   Heading(3, review.title) +
                       FactTable("", {{"Reviewer", review.author}, {"Rating", absl::StrCat(review.stars, " of 5 stars")},
                                      {"Date", review.date}}) +
                       Paragraph(review.text),
                   "class=\"post\"");
    }
    if (page < pages) html += Link(absl::StrCat(base, "?page=", page + 1), "Older reviews");
    Options stars;
    for (int i = 5; i >= 1; --i) stars.emplace_back(absl::StrCat(i), absl::StrCat(i, i == 1 ? " star" : " stars"));
    html += Heading(2, "Write a review") + Errors(errors) +
            Form(base, Radios({.label = "Your rating", .name = "stars", .options = stars}) +
                           Field({.label = "Review title", .name = "title", .value = request.form.Get("title")}) +
                           TextArea({.label = "Your review", .name = "text", .value = request.form.Get("text")}) +
                           Submit("Send review"));
    return HtmlResponse(FramedPage(shell_, "Reviews", html));
  }

  // Answers slowly, as a carrier's service would.
  net::HttpResponse Delivery(const Request& request) {
    const ShopProduct* product = content_->Find(request.query.Get("product"));
    if (product == nullptr) return NotFound(shell_, "There is no such product.");
    const int day = 120 + static_cast<int>(product->slug.size()) % 9;
    net::HttpResponse response = HtmlResponse(
        absl::StrCat("Earliest delivery: ", Wrap("strong", LongDate(day))));
    response.delay = absl::Milliseconds(600);
    return response;
  }

  net::HttpResponse Offers() {
    std::vector<std::vector<std::string>> rows;
    for (const ShopCoupon& coupon : content_->coupons) {
      rows.push_back({Escape(coupon.category), absl::StrCat(coupon.percent, "% off"), Wrap("code", coupon.code)});
    }
    return Show("Offers", Heading(1, "Offers of the month") + DataTable("Coupons", {"Category", "Discount", "Code"}, rows));
  }

  net::HttpResponse Orders() {
    std::vector<std::vector<std::string>> rows;
    for (const ShopOrder& order : content_->orders) {
      rows.push_back({Link("/your-orders/" + order.number, "Order " + order.number), order.date, order.status});
    }
    return Show("Your orders", Heading(1, "Your orders") + DataTable("Past orders", {"Order", "Date", "Status"}, rows));
  }

  net::HttpResponse Order(const std::string& number) {
    for (const ShopOrder& order : content_->orders) {
      if (order.number != number) continue;
      std::vector<std::string> lines;
      for (const size_t index : order.products) {
        const ShopProduct& product = content_->products[index];
        lines.push_back(Link("/product/" + product.slug, product.name) + " " + Money(product.price_cents));
      }
      return Show("Order " + number,
                  Heading(1, "Order " + number) +
                      FactTable("Details", {{"Date", order.date}, {"Status", order.status}, {"Carrier", order.carrier},
                                            {"Tracking number", order.tracking}, {"Delivered to", order.town},
                                            {"Total", Money(order.total_cents)}}) +
                      Heading(2, "Products") + List(lines));
    }
    return NotFound(shell_, "There is no such order.");
  }

  // Cart and wishes.

  void PutInCart(const ShopProduct& product, const std::string& colour, int more) {
    const std::string line = product.slug + "." + Slug(colour);
    int quantity = more;
    if (state_.Has("cart", line)) quantity += std::stoi(state_.Value("cart", line, "quantity"));
    state_.Set("cart", line, {{"product", product.name}, {"colour", colour},
                              {"quantity", absl::StrCat(std::min(quantity, 99))}});
  }

  net::HttpResponse AddToCart(const Parameters& form) {
    const ShopProduct* product = content_->Find(form.Get("product"));
    if (product == nullptr) return NotFound(shell_, "There is no such product.");
    const int quantity = form.Int("quantity", 1, 20, 0);
    const std::string colour = form.Get("colour", product->colours[0]);
    if (quantity == 0 || std::find(product->colours.begin(), product->colours.end(), colour) == product->colours.end()) {
      return HtmlResponse(Page(shell_, "Cart", Errors({"Choose a colour, and a quantity from 1 to 20."})), 422);
    }
    PutInCart(*product, colour, quantity);
    return Redirect("/cart");
  }

  net::HttpResponse SetQuantity(const Parameters& form) {
    const std::string line = form.Get("line");
    const int quantity = form.Int("quantity", 1, 99, 0);
    if (!state_.Has("cart", line)) return Redirect("/cart");
    if (quantity == 0) return Cart(Errors({"The quantity must be 1 to 99."}));
    State::Record record = state_.Get("cart").at(line);
    record["quantity"] = absl::StrCat(quantity);
    state_.Set("cart", line, std::move(record));
    return Redirect("/cart");
  }

  net::HttpResponse UseCoupon(const Parameters& form) {
    for (const ShopCoupon& coupon : content_->coupons) {
      if (!absl::EqualsIgnoreCase(coupon.code, form.Get("code"))) continue;
      state_.Set("coupon", "used", {{"code", coupon.code}});
      return Redirect("/cart");
    }
    return Cart(Errors({"This coupon code is not valid."}));
  }

  net::HttpResponse Cart(const std::string& message) {
    std::vector<std::vector<std::string>> rows;
    int total = 0;
    for (const auto& [line, record] : state_.Get("cart")) {
      const std::string& name = record.at("product");
      const ShopProduct& product = *content_->Find(Slug(name));
      const int price = product.price_cents * std::stoi(record.at("quantity"));
      total += price;
      const std::string quantity =
          Form("/cart/quantity", Hidden("line", line) +
                   absl::StrCat("<input type=\"number\" name=\"quantity\" min=\"1\" max=\"99\" value=\"",
                                record.at("quantity"), "\" aria-label=\"Quantity of ", Escape(name), "\"> ") +
                   Tag("button", "Update", absl::StrCat("type=\"submit\" aria-label=\"Update ", Escape(name), "\"")),
               "post", "class=\"inline\"");
      rows.push_back({Link("/product/" + product.slug, name), Escape(record.at("colour")), quantity, Money(price),
                      PostButton({.action = "/cart/remove", .fields = {{"line", line}}, .label = "Remove",
                                  .name = "Remove " + name, .confirm = "Remove this product from the cart?"})});
    }
    std::string html = Heading(1, "Cart") + message;
    if (rows.empty()) return Show("Cart", html + Paragraph("Your cart is empty."));
    const std::string coupon = state_.Value("coupon", "used", "code");
    if (!coupon.empty()) html += Notice("Coupon " + coupon + " will be taken off at the end.");
    html += DataTable("Products in your cart", {"Product", "Colour", "Quantity", "Price", ""}, rows) +
            Tag("p", "Total: " + Money(total), "class=\"price\"") +
            Form("/cart/coupon", Field({.label = "Coupon code", .name = "code"}) + Submit("Apply coupon")) +
            Wrap("p", Link("/checkout", "Go to checkout"));
    return Show("Cart", html);
  }

  net::HttpResponse AddWish(const Parameters& form) {
    const ShopProduct* product = content_->Find(form.Get("product"));
    if (product == nullptr) return NotFound(shell_, "There is no such product.");
    state_.Set("wishlist", product->slug, {{"name", product->name}});
    return Redirect("/wish-list");
  }

  net::HttpResponse WishList() {
    std::vector<std::vector<std::string>> rows;
    for (const auto& [slug, record] : state_.Get("wishlist")) {
      const ShopProduct& product = *content_->Find(slug);
      rows.push_back({Link("/product/" + slug, product.name), Money(product.price_cents),
                      PostButton({.action = "/wish-list/remove", .fields = {{"product", slug}}, .label = "Remove",
                                  .name = "Remove " + product.name})});
    }
    return Show("Wish list", Heading(1, "Wish list") + DataTable("Your wishes", {"Product", "Price", ""}, rows));
  }

  // Account and checkout.

  net::HttpResponse Account(const std::string& message) {
    const auto preference = [&](const char* name, const char* otherwise) {
      return state_.Value("account", "preferences", name, otherwise);
    };
    const auto address = [&](const char* name) { return state_.Value("account", "address", name); };
    return Show(
        "Account",
        Heading(1, "Account") + message + Heading(2, "Preferences") +
            Form("/account/preferences",
                 Select({.label = "Newsletter", .name = "newsletter",
                         .options = {{"never", "Never"}, {"weekly", "Every week"}, {"monthly", "Every month"}, {"offers", "Only offers"}},
                         .selected = preference("newsletter", "never")}) +
                     Radios({.label = "Currency", .name = "currency",
                             .options = {{"USD", "US dollars"}, {"EUR", "Euros"}, {"GBP", "Pounds"}},
                             .selected = preference("currency", "USD")}) +
                     CheckBox("Show prices without tax", "net", "yes", preference("net", "no") == "yes") +
                     Submit("Save preferences")) +
            Heading(2, "Address") +
            Form("/account/address",
                 Field({.label = "Street", .name = "street", .value = address("street")}) +
                     Field({.label = "City", .name = "city", .value = address("city")}) +
                     Field({.label = "Postcode", .name = "postcode", .value = address("postcode")}) +
                     Submit("Save address")));
  }

  net::HttpResponse SavePreferences(const Parameters& form) {
    const std::string newsletter = form.Get("newsletter", "never"), currency = form.Get("currency", "USD");
    state_.Erase("account", "preferences");
    if (newsletter != "never" || currency != "USD" || form.Has("net")) {
      state_.Set("account", "preferences", {{"newsletter", newsletter}, {"currency", currency},
                                            {"net", form.Has("net") ? "yes" : "no"}});
    }
    return Redirect("/account?saved=1");
  }

  static std::vector<std::string> AddressErrors(const Parameters& form) {
    std::vector<std::string> errors;
    if (form.Get("street").empty()) errors.push_back("Enter a street.");
    if (form.Get("city").empty()) errors.push_back("Enter a city.");
    if (form.Int("postcode", 10000, 99999, 0) == 0) errors.push_back("Enter a postcode of five digits.");
    return errors;
  }

  net::HttpResponse SaveAddress(const Parameters& form) {
    const std::vector<std::string> errors = AddressErrors(form);
    if (!errors.empty()) return Account(Errors(errors));
    state_.Set("account", "address", {{"street", form.Get("street")}, {"city", form.Get("city")}, {"postcode", form.Get("postcode")}});
    return Redirect("/account?saved=1");
  }

  net::HttpResponse Checkout(const Request& request, const std::vector<std::string>& errors) {
    const Parameters& form = request.form;
    return Show(
        "Checkout",
        Heading(1, "Checkout") + Errors(errors) +
            Form("/checkout",
                 Field({.label = "Full name", .name = "name", .value = form.Get("name")}) +
                     Field({.label = "Street", .name = "street", .value = form.Get("street")}) +
                     Field({.label = "City", .name = "city", .value = form.Get("city")}) +
                     Field({.label = "Postcode", .name = "postcode", .value = form.Get("postcode")}) +
                     Radios({.label = "Delivery", .name = "delivery",
                             .options = {{"standard", "Standard delivery"}, {"express", "Express delivery"}, {"pickup", "Pick up in the shop"}},
                             .selected = form.Get("delivery", "standard")}) +
                     CheckBox("Wrap as a gift", "gift", "yes", form.Has("gift")) +
                     CheckBox("I accept the terms", "terms", "yes", form.Has("terms")) + Submit("Place order")));
  }

  net::HttpResponse PlaceOrder(const Request& request) {
    const Parameters& form = request.form;
    std::vector<std::string> errors = AddressErrors(form);
    if (form.Get("name").empty()) errors.insert(errors.begin(), "Enter your full name.");
    if (!form.Has("terms")) errors.push_back("Accept the terms.");
    if (state_.Get("cart").empty()) errors.push_back("Your cart is empty.");
    if (!errors.empty()) return Checkout(request, errors);
    State::Record order{{"name", form.Get("name")}, {"street", form.Get("street")}, {"city", form.Get("city")},
                        {"postcode", form.Get("postcode")}, {"delivery", form.Get("delivery", "standard")},
                        {"gift", form.Has("gift") ? "yes" : "no"}};
    for (const auto& [line, record] : state_.Get("cart")) order["line " + line] = record.at("quantity");
    const std::string id = state_.NextId("placed");
    state_.Set("placed", id, std::move(order));
    state_.Clear("cart");
    return Redirect("/thanks/" + id);
  }

  net::HttpResponse Thanks(const std::string& id) {
    if (!state_.Has("placed", id)) return NotFound(shell_, "There is no such order.");
    return Show("Thank you", Heading(1, "Thank you for your order") + Notice("Your order was placed. You get a message when it is sent."));
  }

  net::HttpResponse AddReview(const Request& request) {
    const ShopProduct* product = content_->Find(request.Segment(1));
    if (product == nullptr) return NotFound(shell_, "There is no such product.");
    std::vector<std::string> errors;
    const int stars = request.form.Int("stars", 1, 5, 0);
    if (stars == 0) errors.push_back("Choose a rating.");
    if (request.form.Get("title").empty()) errors.push_back("Enter a title.");
    if (!errors.empty()) return Reviews(*product, request, errors);
    state_.Set("reviews", product->slug, {{"stars", absl::StrCat(stars)}, {"title", request.form.Get("title")},
                                          {"text", request.form.Get("text")}});
    return Redirect("/product/" + product->slug + "/reviews?sent=1");
  }

  const std::shared_ptr<const ShopContent> content_;
  const Shell shell_;
};

}  // namespace

std::unique_ptr<Site> NewShop(std::shared_ptr<const ShopContent> content) {
  return std::make_unique<Shop>(std::move(content));
}

}  // namespace proctor::env::practice
