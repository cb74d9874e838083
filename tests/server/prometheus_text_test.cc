// The tests' own reader refuses what is not the format.
#include "tests/server/prometheus_text.h"

#include <cmath>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace proctor::server {
namespace {

constexpr char kGood[] =
    "# HELP a_total Things.\n"
    "# TYPE a_total counter\n"
    "a_total{kind=\"x\",text=\"quote \\\" backslash \\\\ line \\n\"} 3\n"
    "# HELP h_seconds Time.\n"
    "# TYPE h_seconds histogram\n"
    "h_seconds_count 3\n"
    "h_seconds_sum 1.5e-3\n"
    "h_seconds_bucket{le=\"0.1\"} 2\n"
    "h_seconds_bucket{le=\"+Inf\"} 3\n";

TEST(PrometheusTextTest, ReadsCountersLabelsAndHistograms) {
  const auto metrics = ParsePrometheusText(kGood);
  ASSERT_TRUE(metrics.ok()) << metrics.status();
  EXPECT_EQ(metrics->at("a_total").type, "counter");
  EXPECT_EQ(metrics->at("a_total").samples[0].labels.at("text"), "quote \" backslash \\ line \n");
  EXPECT_EQ(ValueOf(*metrics, "a_total", {{"kind", "x"}}), 3);
  EXPECT_EQ(ValueOf(*metrics, "h_seconds_bucket", {{"le", "0.1"}}), 2);
  EXPECT_TRUE(std::isnan(ValueOf(*metrics, "h_seconds_bucket")));
  EXPECT_TRUE(std::isnan(ValueOf(*metrics, "a_total", {{"kind", "y"}})));
}

class BadTextTest : public testing::TestWithParam<const char*> {};

TEST(MetricsOfTablesTest, AreTheNamesInRowsAlone) {
  const std::string page =
      "`proctor_prose_total` counts.\n"
      "| metric | do |\n|---|---|\n"
      "| `proctor_a_total{reason=~\"x\\|y\"}`, `process_b / process_c` above 0.9 | `increase(proctor_d_total[1d]) > 0`, `_open`, proctord |\n";
  EXPECT_THAT(MetricsOfTables(page), testing::ElementsAre("process_b", "process_c", "proctor_a_total", "proctor_d_total"));
}

TEST_P(BadTextTest, IsRefused) { EXPECT_FALSE(ParsePrometheusText(GetParam()).ok()); }

INSTANTIATE_TEST_SUITE_P(
    Texts, BadTextTest,
    testing::Values("", "a 1\n", "# HELP a Text.\na 1\n", "# TYPE a gauge\na 1\n", "# HELP a Text.\n# TYPE a gauge\na 1",
                    "# HELP a Text.\n# TYPE a gauge\na 1\na 2\n", "# HELP a Text.\n# TYPE a gauge\nb 1\n",
                    "# HELP a Text.\n# TYPE a counter\na 1\n", "# HELP a_total Text.\n# TYPE a_total counter\na_total -1\n",
                    "# HELP a Text.\n# TYPE a gauge\na{b=\"\\x\"} 1\n", "# HELP a Text.\n# TYPE a gauge\na{b=\"c} 1\n",
                    "# HELP a Text.\n# TYPE a gauge\na{b=\"c\" d=\"e\"} 1\n", "# HELP a Text.\n# TYPE a gauge\na{b=\"c\",} 1\n",
                    "# HELP a Text.\n# TYPE a gauge\na{b=\"c\",b=\"d\"} 1\n", "# HELP a Text.\n# TYPE a gauge\n1a 1\n",
                    "# HELP a Text.\n# TYPE a gauge\na nan\n", "# HELP a Text.\n# TYPE a gauge\na 0x10\n",
                    "# HELP a Text.\n# TYPE a gauge\n\na 1\n", "# HELP a Text.\n# TYPE a wrong\na 1\n",
                    "# HELP a Text.\n# TYPE a gauge\na 1\n# HELP a Text.\n# TYPE a gauge\n",
                    "# HELP h T.\n# TYPE h histogram\nh_count 1\nh_sum 1\nh_bucket{le=\"1\"} 1\n",
                    "# HELP h T.\n# TYPE h histogram\nh_count 2\nh_sum 1\nh_bucket{le=\"+Inf\"} 1\n",
                    "# HELP h T.\n# TYPE h histogram\nh_count 1\nh_bucket{le=\"+Inf\"} 1\n",
                    "# HELP h T.\n# TYPE h histogram\nh_count 1\nh_sum 1\nh_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 1\n"));

}  // namespace
}  // namespace proctor::server
