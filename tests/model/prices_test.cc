#include "model/prices.h"

#include <gtest/gtest.h>

namespace proctor::model {
namespace {

v1::ModelConfig Table() {
  v1::ModelConfig config;
  (*config.mutable_prices())["gpt-4o"].set_input_usd(2.5);
  (*config.mutable_prices())["gpt-4o"].set_output_usd(10);
  (*config.mutable_prices())["gpt-4o-mini"].set_input_usd(0.5);
  (*config.mutable_prices())["free"].set_input_usd(0);
  return config;
}

v1::Usage Used(int64_t input, int64_t output, int64_t cached) {
  v1::Usage usage;
  usage.set_input_tokens(input);
  usage.set_output_tokens(output);
  usage.set_cached_input_tokens(cached);
  return usage;
}

TEST(PricesTest, CountsInputOutputAndCachedInput) {
  v1::ModelConfig config = Table();
  EXPECT_DOUBLE_EQ(*Prices(config).Cost("gpt-4o", Used(1000, 100, 400)), (1000 * 2.5 + 100 * 10) / 1e6);
  (*config.mutable_prices())["gpt-4o"].set_cached_input_usd(1);
  EXPECT_DOUBLE_EQ(*Prices(config).Cost("gpt-4o", Used(1000, 100, 400)), (600 * 2.5 + 400 * 1 + 100 * 10) / 1e6);
}

TEST(PricesTest, LongestNameThatItBeginsWithHolds) {
  const Prices prices(Table());
  EXPECT_DOUBLE_EQ(prices.Find("gpt-4o-2024-08-06")->input_usd(), 2.5);
  EXPECT_DOUBLE_EQ(prices.Find("gpt-4o-mini-2024-07-18")->input_usd(), 0.5);
}

TEST(PricesTest, UnknownModelHasNoCostButAFreeOneHas) {
  const Prices prices(Table());
  EXPECT_EQ(prices.Cost("claude", Used(1, 1, 0)), std::nullopt);
  EXPECT_EQ(prices.Cost("", Used(1, 1, 0)), std::nullopt);
  EXPECT_EQ(prices.Cost("free", Used(1000, 1, 0)), 0.0);
}

TEST(PricesTest, MoreCachedThanInputCostsNoLessThanNothing) {
  EXPECT_GE(*Prices(Table()).Cost("gpt-4o", Used(10, 0, 1000)), 0);
}

}  // namespace
}  // namespace proctor::model
