#include "tests/server/prometheus_text.h"

#include <cmath>
#include <limits>
#include <set>
#include <string_view>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/status.h"

namespace proctor::server {
namespace {

bool IsNameStart(char c) { return absl::ascii_isalpha(static_cast<unsigned char>(c)) || c == '_' || c == ':'; }
bool IsName(char c) { return IsNameStart(c) || absl::ascii_isdigit(static_cast<unsigned char>(c)); }

class Parser {
 public:
  absl::StatusOr<std::map<std::string, MetricText>> Parse(const std::string& text) {
    if (text.empty() || text.back() != '\n') return absl::InvalidArgumentError("the last line does not end");
    for (const absl::string_view line : absl::StrSplit(text.substr(0, text.size() - 1), '\n')) {
      ++line_number_;
      const absl::Status status = Line(std::string(line));
      if (!status.ok()) return absl::InvalidArgumentError(absl::StrCat("line ", line_number_, ": ", status.message(), ": ", line));
    }
    for (const auto& [name, metric] : metrics_) {
      const absl::Status status = CheckMetric(name, metric);
      if (!status.ok()) return absl::InvalidArgumentError(absl::StrCat(name, ": ", status.message()));
    }
    return std::move(metrics_);
  }

 private:
  absl::Status Line(const std::string& line) {
    rest_ = line;
    if (rest_.starts_with("# HELP ")) return Help();
    if (rest_.starts_with("# TYPE ")) return Type();
    if (rest_.starts_with("#") || rest_.empty()) return absl::InvalidArgumentError("neither HELP, TYPE nor a sample");
    return ReadSample();
  }

  absl::StatusOr<std::string> Name() {
    if (rest_.empty() || !IsNameStart(rest_[0])) return absl::InvalidArgumentError("a name was expected");
    size_t end = 1;
    while (end < rest_.size() && IsName(rest_[end])) ++end;
    std::string name = rest_.substr(0, end);
    rest_ = rest_.substr(end);
    return name;
  }

  bool Take(std::string_view text) {
    if (!rest_.starts_with(text)) return false;
    rest_ = rest_.substr(text.size());
    return true;
  }

  absl::Status Help() {
    rest_ = rest_.substr(7);
    PROCTOR_ASSIGN_OR_RETURN(const std::string name, Name());
    if (!Take(" ") || rest_.empty()) return absl::InvalidArgumentError("HELP without a text");
    if (metrics_.contains(name)) return absl::InvalidArgumentError("the metric comes twice");
    metrics_[name].help = rest_;
    current_ = name;
    return absl::OkStatus();
  }

  absl::Status Type() {
    rest_ = rest_.substr(7);
    PROCTOR_ASSIGN_OR_RETURN(const std::string name, Name());
    static const auto* const types = new std::set<std::string>{"counter", "gauge", "histogram"};
    if (!Take(" ") || !types->contains(rest_)) return absl::InvalidArgumentError("an unknown type");
    if (name != current_ || !metrics_[name].type.empty()) return absl::InvalidArgumentError("TYPE does not follow HELP");
    metrics_[name].type = rest_;
    return absl::OkStatus();
  }

  absl::Status ReadSample() {
    Sample sample;
    PROCTOR_ASSIGN_OR_RETURN(sample.name, Name());
    const MetricText* const metric = metrics_.contains(current_) ? &metrics_[current_] : nullptr;
    if (metric == nullptr || metric->type.empty()) return absl::InvalidArgumentError("no HELP and TYPE before it");
    const std::string suffix = sample.name.starts_with(current_) ? sample.name.substr(current_.size()) : "?";
    const bool of_histogram = suffix == "_bucket" || suffix == "_sum" || suffix == "_count";
    if (metric->type == "histogram" ? !of_histogram : !suffix.empty()) return absl::InvalidArgumentError("of another metric");
    if (Take("{")) PROCTOR_RETURN_IF_ERROR(Labels(sample.labels));
    if (!Take(" ")) return absl::InvalidArgumentError("a blank was expected");
    PROCTOR_ASSIGN_OR_RETURN(sample.value, Number(rest_));
    if (!series_.insert({sample.name, sample.labels}).second) return absl::InvalidArgumentError("the series comes twice");
    metrics_[current_].samples.push_back(std::move(sample));
    return absl::OkStatus();
  }

  absl::Status Labels(std::map<std::string, std::string>& labels) {
    while (true) {
      PROCTOR_ASSIGN_OR_RETURN(const std::string name, Name());
      if (name.find(':') != std::string::npos) return absl::InvalidArgumentError("a label's name has a colon");
      if (!Take("=\"")) return absl::InvalidArgumentError("a label has no value");
      std::string value;
      while (!rest_.empty() && rest_[0] != '"') {
        if (rest_[0] == '\\') {
          if (rest_.size() < 2 || std::string_view("\\\"n").find(rest_[1]) == std::string_view::npos) {
            return absl::InvalidArgumentError("an unknown escape");
          }
          value += rest_[1] == 'n' ? '\n' : rest_[1];
          rest_ = rest_.substr(2);
        } else {
          value += rest_[0];
          rest_ = rest_.substr(1);
        }
      }
      if (!Take("\"")) return absl::InvalidArgumentError("a label's value does not end");
      if (!labels.emplace(name, value).second) return absl::InvalidArgumentError("a label comes twice");
      if (Take("}")) return absl::OkStatus();
      if (!Take(",")) return absl::InvalidArgumentError("a comma was expected");
    }
  }

  static absl::StatusOr<double> Number(const std::string& text) {
    if (text == "+Inf") return std::numeric_limits<double>::infinity();
    if (text == "-Inf") return -std::numeric_limits<double>::infinity();
    double value = 0;
    if (text.empty() || text.find_first_not_of("0123456789+-.eE") != std::string::npos || !absl::SimpleAtod(text, &value)) {
      return absl::InvalidArgumentError("no number");
    }
    return value;
  }

  static absl::Status CheckMetric(const std::string& name, const MetricText& metric) {
    if (metric.type.empty()) return absl::InvalidArgumentError("it has no TYPE");
    if (metric.type == "counter") {
      if (!absl::EndsWith(name, "_total")) return absl::InvalidArgumentError("a counter is named _total");
      for (const Sample& sample : metric.samples) {
        if (!(sample.value >= 0)) return absl::InvalidArgumentError("a counter below zero");
      }
    }
    return metric.type == "histogram" ? CheckHistogram(name, metric) : absl::OkStatus();
  }

  static absl::Status CheckHistogram(const std::string& name, const MetricText& metric) {
    struct Series {
      double last_bound = -std::numeric_limits<double>::infinity();
      double last_count = 0;
      double count = -1;
      bool has_sum = false;
    };
    std::map<std::map<std::string, std::string>, Series> all;
    for (const Sample& sample : metric.samples) {
      std::map<std::string, std::string> labels = sample.labels;
      const auto le = labels.find("le");
      const bool bucket = sample.name == name + "_bucket";
      if (bucket != (le != labels.end())) return absl::InvalidArgumentError("buckets, and only they, have the label le");
      const std::string bound_text = bucket ? le->second : "";
      labels.erase("le");
      Series& series = all[labels];
      if (sample.name == name + "_sum") series.has_sum = true;
      if (sample.name == name + "_count") series.count = sample.value;
      if (!bucket) continue;
      PROCTOR_ASSIGN_OR_RETURN(const double bound, Number(bound_text));
      if (bound <= series.last_bound) return absl::InvalidArgumentError("bounds do not rise");
      if (sample.value < series.last_count) return absl::InvalidArgumentError("buckets fall");
      series.last_bound = bound;
      series.last_count = sample.value;
    }
    for (const auto& [labels, series] : all) {
      if (!std::isinf(series.last_bound)) return absl::InvalidArgumentError("no bucket +Inf");
      if (series.count != series.last_count || !series.has_sum) return absl::InvalidArgumentError("count, sum and buckets differ");
    }
    return absl::OkStatus();
  }

  int line_number_ = 0;
  std::string rest_;
  std::string current_;
  std::map<std::string, MetricText> metrics_;
  std::set<std::pair<std::string, std::map<std::string, std::string>>> series_;
};

}  // namespace

absl::StatusOr<std::map<std::string, MetricText>> ParsePrometheusText(const std::string& text) { return Parser().Parse(text); }

double ValueOf(const std::map<std::string, MetricText>& metrics, const std::string& name,
               const std::map<std::string, std::string>& labels) {
  double value = std::numeric_limits<double>::quiet_NaN();
  int found = 0;
  for (const auto& [metric_name, metric] : metrics) {
    for (const Sample& sample : metric.samples) {
      if (sample.name != name) continue;
      bool fits = true;
      for (const auto& [label, wanted] : labels) {
        const auto it = sample.labels.find(label);
        fits = fits && it != sample.labels.end() && it->second == wanted;
      }
      if (!fits) continue;
      value = sample.value;
      ++found;
    }
  }
  return found == 1 ? value : std::numeric_limits<double>::quiet_NaN();
}

std::set<std::string> MetricsOfTables(const std::string& page) {
  std::set<std::string> names;
  for (const absl::string_view line : absl::StrSplit(page, '\n')) {
    if (line.empty() || line[0] != '|') continue;
    for (size_t begin = 0; begin < line.size();) {
      if (!IsName(line[begin])) {
        ++begin;
        continue;
      }
      size_t end = begin;
      while (end < line.size() && IsName(line[end])) ++end;
      const absl::string_view word = line.substr(begin, end - begin);
      if (absl::StartsWith(word, "proctor_") || absl::StartsWith(word, "process_")) names.emplace(word);
      begin = end;
    }
  }
  return names;
}

}  // namespace proctor::server
