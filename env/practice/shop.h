// "Hearth & Hollow", a shop for the home.
#ifndef PROCTOR_ENV_PRACTICE_SHOP_H_
#define PROCTOR_ENV_PRACTICE_SHOP_H_

#include <memory>
#include <string>
#include <vector>

#include "env/practice/site.h"

namespace proctor::env::practice {

struct ShopReview {
  std::string author = "", title = "", text = "", date = "";
  int stars = 5;
};

struct ShopProduct {
  std::string name, slug, category, brand, item_number, designer, made_in, weight, ships_from, description;
  int price_cents = 0;
  int warranty_months = 24;
  std::vector<std::string> colours;  // the first is the default
  std::vector<ShopReview> reviews;   // newest first
};

struct ShopOrder {
  std::string number, date, status, carrier, tracking, town;
  int total_cents = 0;
  std::vector<size_t> products;
};

struct ShopCoupon {
  std::string code = "", category = "";
  int percent = 10;
};

// Immutable.
struct ShopContent {
  static constexpr int kProductsOnPage = 12;
  static constexpr int kReviewsOnPage = 3;

  std::vector<std::string> categories;
  std::vector<std::string> brands;
  std::vector<ShopProduct> products;  // grouped by category
  std::vector<ShopOrder> orders;
  std::vector<ShopCoupon> coupons;
  std::vector<size_t> start_cart, start_wishes;

  static std::shared_ptr<const ShopContent> Generate(uint64_t seed);
  // Null if there is none.
  const ShopProduct* Find(const std::string& slug) const;
  // In the order of the category's page, by name.
  std::vector<const ShopProduct*> InCategory(const std::string& category) const;
};

std::unique_ptr<Site> NewShop(std::shared_ptr<const ShopContent> content);

}  // namespace proctor::env::practice

#endif  // PROCTOR_ENV_PRACTICE_SHOP_H_
