#include "model/config.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/ids.h"
#include "common/proto_time.h"

namespace proctor::model {
namespace {

class Faults {
 public:
  void Add(std::string path, std::string reason) { faults_.push_back({std::move(path), std::move(reason)}); }
  // 0 stands for the default.
  template <typename Number>
  void Range(const std::string& path, Number value, Number low, Number high) {
    if (value == 0 || (value >= low && value <= high)) return;
    Add(path, absl::StrCat("must be ", low, " to ", high));
  }
  void Time(const std::string& path, bool set, const google::protobuf::Duration& value, absl::Duration low,
            absl::Duration high) {
    if (!set || (FromProto(value) >= low && FromProto(value) <= high)) return;
    Add(path, absl::StrCat("must be ", absl::FormatDuration(low), " to ", absl::FormatDuration(high)));
  }
  void Money(const std::string& path, double value) {
    if (!(value >= 0 && value <= 1e6)) Add(path, "must be 0 to 1,000,000 US dollars");
  }
  std::vector<ConfigFault> Take() { return std::move(faults_); }

 private:
  std::vector<ConfigFault> faults_;
};

void CheckName(const std::string& path, const std::string& name, Faults& faults) {
  if (!ResourceId("names", absl::StrCat("names/", name)).ok()) {
    faults.Add(path, "the name must be [A-Za-z0-9][A-Za-z0-9._-]{0,127}");
  }
}

void CheckUrl(const std::string& path, const std::string& url, Faults& faults) {
  if (!absl::StartsWith(url, "http://") && !absl::StartsWith(url, "https://")) {
    faults.Add(path, "must begin with http:// or https://");
  } else if (absl::StrContains(url, "?") || absl::StrContains(url, "#") || absl::StrContains(url, "@")) {
    faults.Add(path, "must have no query, fragment or user name");
  }
}

void CheckEndpoint(const std::string& path, const v1::ModelEndpoint& endpoint, Faults& faults) {
  const auto at = [&](const char* field) { return absl::StrCat(path, ".", field); };
  CheckUrl(at("base_url"), endpoint.base_url(), faults);
  if (endpoint.model().empty()) faults.Add(path, "needs a model");
  if (!endpoint.key_env().empty() && !endpoint.key_file().empty()) {
    faults.Add(at("key_file"), "only one of key_env and key_file can be set");
  }
  const v1::ModelImageBudget& images = endpoint.image_budget();
  faults.Range(at("image_budget.max_side_px"), images.max_side_px(), 64, 16384);
  faults.Range<int64_t>(at("image_budget.max_image_bytes"), images.max_image_bytes(), 16 << 10, 64 << 20);
  faults.Range(at("image_budget.max_images"), images.max_images(), 1, 1000);
  faults.Range(at("max_in_flight"), endpoint.max_in_flight(), 1, 10000);
  faults.Range(at("requests_per_minute"), endpoint.requests_per_minute(), 0, 1000000);
  faults.Range<int64_t>(at("tokens_per_minute"), endpoint.tokens_per_minute(), 0, 1000000000);
  faults.Range(at("max_attempts"), endpoint.max_attempts(), 1, 20);
  faults.Time(at("attempt_timeout"), endpoint.has_attempt_timeout(), endpoint.attempt_timeout(),
              absl::Milliseconds(100), absl::Hours(1));
  faults.Range(at("breaker.failures"), endpoint.breaker().failures(), 1, 1000);
  faults.Time(at("breaker.cool_down"), endpoint.breaker().has_cool_down(), endpoint.breaker().cool_down(),
              absl::Seconds(1), absl::Hours(1));
}

void CheckRoute(const std::string& path, const v1::ModelConfig& config, const v1::ModelRoute& route, Faults& faults) {
  if (route.endpoints().empty() || route.endpoints_size() > 16) faults.Add(path, "needs 1 to 16 endpoints");
  for (int i = 0; i < route.endpoints_size(); ++i) {
    if (config.endpoints().contains(route.endpoints(i))) continue;
    faults.Add(absl::StrCat(path, ".endpoints[", i, "]"), absl::StrCat("there is no endpoint ", route.endpoints(i)));
  }
}

template <typename Value>
Value OrDefault(Value value, Value otherwise) {
  return value == 0 ? otherwise : value;
}

}  // namespace

std::vector<ConfigFault> FindConfigFaults(const v1::ModelConfig& config) {
  Faults faults;
  for (const auto& [name, endpoint] : config.endpoints()) {
    const std::string path = absl::StrCat("endpoints.", name);
    CheckName(path, name, faults);
    CheckEndpoint(path, endpoint, faults);
  }
  for (const auto& [name, route] : config.routes()) {
    const std::string path = absl::StrCat("routes.", name);
    CheckName(path, name, faults);
    if (config.endpoints().contains(name)) faults.Add(path, "an endpoint has this name");
    CheckRoute(path, config, route, faults);
  }
  for (const auto& [name, price] : config.prices()) {
    const std::string path = absl::StrCat("prices.", name);
    if (name.empty()) faults.Add("prices", "a price needs a model's name");
    faults.Money(path + ".input_usd", price.input_usd());
    faults.Money(path + ".output_usd", price.output_usd());
    faults.Money(path + ".cached_input_usd", price.cached_input_usd());
  }
  faults.Money("budgets.day_usd", config.budgets().day_usd());
  faults.Money("budgets.evaluator_usd", config.budgets().evaluator_usd());
  faults.Money("budgets.job_usd", config.budgets().job_usd());
  faults.Time("cache.max_age", config.cache().has_max_age(), config.cache().max_age(), absl::Minutes(1),
              absl::Hours(24 * 3660));
  faults.Range<int64_t>("cache.max_bytes", config.cache().max_bytes(), int64_t{1} << 20, int64_t{1} << 40);
  return faults.Take();
}

EndpointSettings ResolveEndpoint(const std::string& name, const v1::ModelEndpoint& endpoint) {
  EndpointSettings settings;
  settings.name = name;
  settings.server = endpoint.server();
  const bool anthropic = endpoint.server() == v1::MODEL_SERVER_ANTHROPIC;
  settings.wire = anthropic ? v1::MODEL_WIRE_ANTHROPIC_MESSAGES : v1::MODEL_WIRE_OPENAI_CHAT;
  settings.base_url = std::string(absl::StripSuffix(endpoint.base_url(), "/"));
  settings.model = endpoint.model();
  settings.api_version = endpoint.api_version();
  const v1::ModelImageBudget& images = endpoint.image_budget();
  settings.image_limits.max_side_px = OrDefault(images.max_side_px(), settings.image_limits.max_side_px);
  settings.image_limits.max_bytes = OrDefault(images.max_image_bytes(), settings.image_limits.max_bytes);
  settings.max_images = OrDefault(images.max_images(), settings.max_images);
  settings.rate_limit = {.max_in_flight = OrDefault(endpoint.max_in_flight(), 64),
                         .requests_per_minute = endpoint.requests_per_minute(),
                         .tokens_per_minute = endpoint.tokens_per_minute()};
  settings.breaker.failures = OrDefault(endpoint.breaker().failures(), settings.breaker.failures);
  if (endpoint.breaker().has_cool_down()) settings.breaker.cool_down = FromProto(endpoint.breaker().cool_down());
  settings.max_attempts = OrDefault(endpoint.max_attempts(), settings.max_attempts);
  if (endpoint.has_attempt_timeout()) settings.attempt_timeout = FromProto(endpoint.attempt_timeout());
  return settings;
}

ReplyCache::Options ResolveCache(const v1::ModelReplyCache& cache) {
  ReplyCache::Options options;
  if (cache.has_max_age()) options.max_age = FromProto(cache.max_age());
  options.max_bytes = OrDefault(cache.max_bytes(), options.max_bytes);
  return options;
}

}  // namespace proctor::model
