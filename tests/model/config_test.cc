#include "model/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "common/yaml_proto.h"

namespace proctor::model {
namespace {

using testing::IsEmpty;

constexpr char kYaml[] = R"(
endpoints:
  gpt: {server: openai, base_url: "https://api.openai.com/v1", model: gpt-4o, key_env: OPENAI_API_KEY}
  local:
    server: vllm
    base_url: "http://127.0.0.1:8000/v1/"
    model: Qwen/Qwen2-VL-7B
    capabilities: {images: true}
    image_budget: {max_side_px: 1024, max_image_bytes: 1MiB}
    requests_per_minute: 30
    attempt_timeout: 90s
    breaker: {failures: 3, cool_down: 10s}
routes:
  judge: {endpoints: [local, gpt]}
prices:
  gpt-4o: {input_usd: 2.5, output_usd: 10, cached_input_usd: 1.25}
budgets: {day_usd: 20}
cache: {max_age: 24h, max_bytes: 64MiB}
)";

v1::ModelConfig Parsed() {
  v1::ModelConfig config;
  const auto read = ParseYamlProto(kYaml, "models.yaml", config);
  EXPECT_TRUE(read.ok()) << read.status();
  return config;
}

TEST(ModelConfigTest, ReadsFromYamlWithDefaults) {
  const v1::ModelConfig config = Parsed();
  EXPECT_THAT(FindConfigFaults(config), IsEmpty());
  const EndpointSettings gpt = ResolveEndpoint("gpt", config.endpoints().at("gpt"));
  EXPECT_EQ(gpt.wire, v1::MODEL_WIRE_OPENAI_CHAT);
  EXPECT_EQ(gpt.rate_limit.max_in_flight, 64);
  EXPECT_EQ(gpt.max_attempts, 4);
  EXPECT_EQ(gpt.attempt_timeout, absl::Minutes(10));
  EXPECT_EQ(gpt.image_limits.max_side_px, 2048);
  const EndpointSettings local = ResolveEndpoint("local", config.endpoints().at("local"));
  EXPECT_EQ(local.base_url, "http://127.0.0.1:8000/v1");
  EXPECT_EQ(local.image_limits.max_bytes, 1 << 20);
  EXPECT_EQ(local.rate_limit.requests_per_minute, 30);
  EXPECT_EQ(local.breaker.cool_down, absl::Seconds(10));
  EXPECT_EQ(ResolveCache(config.cache()).max_age, absl::Hours(24));
  v1::ModelEndpoint anthropic;
  anthropic.set_server(v1::MODEL_SERVER_ANTHROPIC);
  EXPECT_EQ(ResolveEndpoint("a", anthropic).wire, v1::MODEL_WIRE_ANTHROPIC_MESSAGES);
}

TEST(ModelConfigTest, FindsEachFaultAtItsPath) {
  using Change = std::function<void(v1::ModelConfig&)>;
  const auto gpt = [](auto set) {
    return Change([set](v1::ModelConfig& config) { set((*config.mutable_endpoints())["gpt"]); });
  };
  const std::vector<std::pair<std::string, Change>> cases = {
      {"endpoints.gpt.base_url", gpt([](auto& e) { e.set_base_url("ftp://x"); })},
      {"endpoints.gpt.base_url", gpt([](auto& e) { e.set_base_url("https://user:secret@x"); })},
      {"endpoints.gpt", gpt([](auto& e) { e.clear_model(); })},
      {"endpoints.gpt.key_file", gpt([](auto& e) { e.set_key_file("/k"); })},
      {"endpoints.gpt.max_in_flight", gpt([](auto& e) { e.set_max_in_flight(-1); })},
      {"endpoints.gpt.requests_per_minute", gpt([](auto& e) { e.set_requests_per_minute(-1); })},
      {"endpoints.gpt.max_attempts", gpt([](auto& e) { e.set_max_attempts(21); })},
      {"endpoints.gpt.attempt_timeout", gpt([](auto& e) { e.mutable_attempt_timeout()->set_seconds(0); })},
      {"endpoints.gpt.breaker.failures", gpt([](auto& e) { e.mutable_breaker()->set_failures(-3); })},
      {"endpoints.gpt.image_budget.max_side_px", gpt([](auto& e) { e.mutable_image_budget()->set_max_side_px(5); })},
      {"endpoints.a b", [](auto& c) { (*c.mutable_endpoints())["a b"] = c.endpoints().at("gpt"); }},
      {"routes.gpt", [](auto& c) { (*c.mutable_routes())["gpt"].add_endpoints("gpt"); }},
      {"routes.empty", [](auto& c) { (*c.mutable_routes())["empty"]; }},
      {"routes.judge.endpoints[2]", [](auto& c) { (*c.mutable_routes())["judge"].add_endpoints("gone"); }},
      {"prices.gpt-4o.input_usd", [](auto& c) { (*c.mutable_prices())["gpt-4o"].set_input_usd(-1); }},
      {"budgets.day_usd", [](auto& c) { c.mutable_budgets()->set_day_usd(std::nan("")); }},
      {"cache.max_bytes", [](auto& c) { c.mutable_cache()->set_max_bytes(5); }},
      {"cache.max_age", [](auto& c) { c.mutable_cache()->mutable_max_age()->set_seconds(1); }},
  };
  for (const auto& [path, change] : cases) {
    v1::ModelConfig config = Parsed();
    change(config);
    const std::vector<ConfigFault> faults = FindConfigFaults(config);
    ASSERT_EQ(faults.size(), 1u) << path;
    EXPECT_EQ(faults[0].path, path);
  }
}

}  // namespace
}  // namespace proctor::model
