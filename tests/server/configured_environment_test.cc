#include "server/configured_environment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/proto_time.h"
#include "env/null/null_environment.h"

namespace proctor::server {
namespace {

using ::testing::ElementsAre;

std::unique_ptr<ConfiguredEnvironment> Configured(const v1::EnvironmentConfig& config) {
  auto made = ConfiguredEnvironment::Create(std::make_unique<env::NullEnvironment>(), config);
  EXPECT_TRUE(made.ok()) << made.status();
  return *std::move(made);
}

v1::EnvironmentConfig Config() {
  v1::EnvironmentConfig config;
  config.mutable_default_settings()->mutable_null()->set_text_bytes(64);
  config.mutable_default_settings()->mutable_null()->set_terminate_after_steps(3);
  config.mutable_default_limits()->set_max_steps(7);
  return config;
}

TEST(ConfiguredEnvironmentTest, GivesItsDefaultsToSessionsThatAskForNothing) {
  const auto environment = Configured(Config());
  EXPECT_EQ(environment->ResolveSettings({})->null().text_bytes(), 64);
  EXPECT_EQ(environment->Describe().default_settings().null().terminate_after_steps(), 3);
  EXPECT_EQ(environment->Describe().default_limits().max_steps(), 7);
}

TEST(ConfiguredEnvironmentTest, WhatASessionGivesGoesOverThem) {
  v1::EnvironmentSettings given;
  given.mutable_null()->set_text_bytes(5);
  const auto resolved = Configured(Config())->ResolveSettings(given);
  ASSERT_TRUE(resolved.ok());
  EXPECT_EQ(resolved->null().text_bytes(), 5);
  EXPECT_EQ(resolved->null().terminate_after_steps(), 3);
}

TEST(ConfiguredEnvironmentTest, OpensWorldsWithThem) {
  auto world = Configured(Config())->Open(CallContext(), {});
  ASSERT_TRUE(world.ok());
  v1::ObservationRequest request;
  request.add_parts(v1::OBSERVATION_PART_TEXT);
  const auto reset = (*world)->Reset(CallContext(), {}, request);
  ASSERT_TRUE(reset.ok());
  EXPECT_EQ(reset->observation.text().text().size(), 64u);
}

TEST(ConfiguredEnvironmentTest, RefusesDefaultsThatTheEnvironmentRefuses) {
  v1::EnvironmentConfig config;
  config.mutable_default_settings()->mutable_null()->set_text_bytes(-1);
  EXPECT_EQ(ConfiguredEnvironment::Create(std::make_unique<env::NullEnvironment>(), config)
                .status()
                .code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(OverDefaultsTest, ListsReplaceAndAreNotAddedTo) {
  v1::EnvironmentSettings defaults;
  v1::WebSettings& web = *defaults.mutable_practice()->mutable_web();
  web.add_permissions("geolocation");
  web.add_allowed_hosts("a");
  web.set_locale("de-DE");
  v1::EnvironmentSettings given;
  given.mutable_practice()->mutable_web()->add_permissions("notifications");
  const v1::EnvironmentSettings merged = OverDefaults(defaults, given);
  EXPECT_THAT(merged.practice().web().permissions(), ElementsAre("notifications"));
  EXPECT_THAT(merged.practice().web().allowed_hosts(), ElementsAre("a"));
  EXPECT_EQ(merged.practice().web().locale(), "de-DE");
}

TEST(OverDefaultsTest, SettingsOfAnotherKindStay) {
  v1::EnvironmentSettings defaults;
  defaults.mutable_null()->set_text_bytes(1);
  v1::EnvironmentSettings given;
  given.mutable_web()->set_locale("fr-FR");
  EXPECT_TRUE(OverDefaults(defaults, given).has_web());
}

}  // namespace
}  // namespace proctor::server
