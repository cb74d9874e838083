// A strict reader of Prometheus' text format 0.0.4, for tests: whatever it does not know is an error.
#ifndef PROCTOR_TESTS_SERVER_PROMETHEUS_TEXT_H_
#define PROCTOR_TESTS_SERVER_PROMETHEUS_TEXT_H_

#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace proctor::server {

struct Sample {
  std::string name;
  std::map<std::string, std::string> labels;
  double value = 0;
};

struct MetricText {
  // "counter", "gauge", "histogram", ...
  std::string type;
  std::string help;
  std::vector<Sample> samples;
};

// By the metric's name. INVALID_ARGUMENT names the line and what is wrong with it: a sample without HELP and TYPE before it, a metric
// in two pieces, a series twice, names and escapes out of the grammar, a counter not named `_total` or below zero, a histogram whose
// buckets fall, lack `+Inf`, or differ from its count.
absl::StatusOr<std::map<std::string, MetricText>> ParsePrometheusText(const std::string& text);

// The value of the only sample of that name with all these labels; NaN if there is none, or if there are several.
double ValueOf(const std::map<std::string, MetricText>& metrics, const std::string& name,
               const std::map<std::string, std::string>& labels = {});

// What the tables of a page (its text, as Markdown) name of ours: `proctor_...` and `process_...`.
std::set<std::string> MetricsOfTables(const std::string& page);

}  // namespace proctor::server

#endif  // PROCTOR_TESTS_SERVER_PROMETHEUS_TEXT_H_
