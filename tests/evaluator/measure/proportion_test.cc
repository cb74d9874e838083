#include "evaluator/measure/proportion.h"

#include <cmath>
#include <limits>

#include "evaluator/measure/quantiles.h"
#include "gtest/gtest.h"

namespace proctor::evaluator {
namespace {

TEST(QuantilesTest, AreThoseOfTheTables) {
  EXPECT_NEAR(*NormalQuantile(0.975), 1.959963985, 1e-8);
  EXPECT_NEAR(*NormalQuantile(0.5), 0, 1e-12);
  EXPECT_NEAR(NormalCdf(1.959963985), 0.975, 1e-9);
  EXPECT_NEAR(*StudentQuantile(0.975, 10), 2.228138852, 1e-8);
  EXPECT_NEAR(*StudentQuantile(0.975, 1), 12.70620474, 1e-6);
  EXPECT_NEAR(*TwoSidedNormal(0.9), 1.644853627, 1e-8);
  EXPECT_NEAR(*TwoSidedStudent(0.95, 4), 2.776445105, 1e-8);
  EXPECT_NEAR(ChiSquaredUpperTail(3.841458821), 0.05, 1e-9);
  EXPECT_EQ(ChiSquaredUpperTail(-1), 1);
}

TEST(QuantilesTest, AreUndefinedOutsideTheirRange) {
  EXPECT_FALSE(NormalQuantile(0));
  EXPECT_FALSE(NormalQuantile(1));
  EXPECT_FALSE(NormalQuantile(std::numeric_limits<double>::quiet_NaN()));
  EXPECT_FALSE(StudentQuantile(0.975, 0));
  EXPECT_FALSE(StudentQuantile(0.975, std::numeric_limits<double>::infinity()));
  EXPECT_FALSE(TwoSidedNormal(1));
  EXPECT_FALSE(TwoSidedStudent(0, 5));
}

TEST(QuantilesTest, BetaAndItsInverseAgree) {
  // P(K >= 2) of Binomial(3, 1/2) is 1/2.
  EXPECT_NEAR(IncompleteBeta(2, 2, 0.5), 0.5, 1e-12);
  EXPECT_NEAR(IncompleteBetaInverse(2.5, 7.25, IncompleteBeta(2.5, 7.25, 0.3)), 0.3, 1e-9);
}

void ExpectInterval(const std::optional<Interval>& interval, double low, double high) {
  ASSERT_TRUE(interval);
  EXPECT_NEAR(interval->low, low, 1e-4);
  EXPECT_NEAR(interval->high, high, 1e-4);
}

TEST(WilsonIntervalTest, MatchesTheFormulaByHand) {
  // p = 0.8, n = 10, z^2 = 3.8415: center (0.8 + 0.19207) / 1.38415, half 1.96 / 1.38415 sqrt(0.016
  // + 0.0096036).
  ExpectInterval(WilsonInterval(8, 10), 0.49016, 0.94332);
  ExpectInterval(WilsonInterval(0, 10), 0, 0.27753);
}

TEST(WilsonIntervalTest, EndsExactlyAtZeroAndOne) {
  for (const double n : {0.5, 1.0, 3.0, 17.0, 1e6}) {
    EXPECT_EQ(WilsonInterval(0, n)->low, 0);
    EXPECT_EQ(WilsonInterval(n, n)->high, 1);
  }
}

TEST(ClopperPearsonIntervalTest, MatchesTheBetaQuantiles) {
  ExpectInterval(ClopperPearsonInterval(8, 10), 0.44390, 0.97479);
  // Without a success: 1 - 0.025^(1/10).
  ExpectInterval(ClopperPearsonInterval(0, 10), 0, 1 - std::pow(0.025, 0.1));
}

TEST(MidPIntervalTest, MatchesTheTailsByHand) {
  // Without a success the upper tail is (1 - p)^10 / 2 = 0.025.
  ExpectInterval(MidPInterval(0, 10), 0, 1 - std::pow(0.05, 0.1));
  // One of one: p / 2 = 0.025.
  ExpectInterval(MidPInterval(1, 1), 0.05, 1);
  // One of two: p^2 + p (1 - p) = p = 0.025.
  ExpectInterval(MidPInterval(1, 2), 0.025, 0.975);
}

TEST(MidPIntervalTest, LiesWithinClopperPearson) {
  for (const double n : {0.3, 1.0, 2.5, 20.0, 333.3, 1e5}) {
    for (const double share : {0.0, 0.001, 0.05, 0.3, 0.5, 0.97, 1.0}) {
      const Interval mid = *MidPInterval(share * n, n);
      const Interval exact = *ClopperPearsonInterval(share * n, n);
      EXPECT_GE(mid.low, exact.low - 1e-9) << n << " " << share;
      EXPECT_LE(mid.high, exact.high + 1e-9) << n << " " << share;
      EXPECT_TRUE(mid.Contains(share)) << n << " " << share;
    }
  }
}

using Method = std::optional<Interval> (*)(double, double, double);
class AnyInterval : public testing::TestWithParam<Method> {};

TEST_P(AnyInterval, MirrorsWhenSuccessAndFailureAreSwapped) {
  for (const double k : {0.0, 0.5, 3.0, 7.75, 20.0}) {
    const Interval one = *GetParam()(k, 20, 0.95);
    const Interval other = *GetParam()(20 - k, 20, 0.95);
    EXPECT_NEAR(one.low, 1 - other.high, 1e-8) << k;
    EXPECT_NEAR(one.high, 1 - other.low, 1e-8) << k;
  }
}

TEST_P(AnyInterval, NarrowsWithMoreTrialsAndALowerLevel) {
  EXPECT_LT(GetParam()(30, 100, 0.95)->width(), GetParam()(3, 10, 0.95)->width());
  EXPECT_LT(GetParam()(30, 100, 0.8)->width(), GetParam()(30, 100, 0.95)->width());
}

TEST_P(AnyInterval, IsUndefinedForWhatIsNoProportion) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_FALSE(GetParam()(0, 0, 0.95));
  EXPECT_FALSE(GetParam()(3, 2, 0.95));
  EXPECT_FALSE(GetParam()(-1, 2, 0.95));
  EXPECT_FALSE(GetParam()(1, 2, 1));
  EXPECT_FALSE(GetParam()(1, 2, 0));
  EXPECT_FALSE(GetParam()(nan, 2, 0.95));
  EXPECT_FALSE(GetParam()(1, nan, 0.95));
  EXPECT_FALSE(GetParam()(1, 2, nan));
}

INSTANTIATE_TEST_SUITE_P(Methods, AnyInterval,
                         testing::Values(&WilsonInterval, &ClopperPearsonInterval, &MidPInterval));

}  // namespace
}  // namespace proctor::evaluator
