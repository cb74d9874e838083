#include "env/practice/practice_environment.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace proctor::env::practice {
namespace {

using ::testing::HasSubstr;

// A browser that only remembers what it was asked.
struct Asked {
  ResetSpec reset;
  v1::EnvironmentSettings settings;
  int ended = 0;
  bool fail = false;
  uint16_t proxy_port = 5001;
};

class FakeWorld final : public World {
 public:
  explicit FakeWorld(Asked& asked) : asked_(asked) {}
  absl::StatusOr<ResetResult> Reset(const CallContext&, const ResetSpec& spec, const v1::ObservationRequest&) override {
    asked_.reset = spec;
    if (asked_.fail) return absl::UnavailableError("no browser");
    return ResetResult{};
  }
  absl::StatusOr<ActResult> Act(const CallContext&, const v1::Action&, const v1::ObservationRequest&) override { return ActResult{}; }
  absl::StatusOr<v1::Observation> Observe(const CallContext&, const v1::ObservationRequest&) override { return v1::Observation(); }
  std::vector<v1::Evidence> Collect(const CallContext&, const std::vector<v1::EvidenceRequest>& requests) override {
    std::vector<v1::Evidence> collected(requests.size());
    for (size_t i = 0; i < requests.size(); ++i) {
      collected[i].set_request_id(requests[i].id());
      collected[i].add_json_values("\"browser\"");
    }
    return collected;
  }
  void EndEpisode() override { ++asked_.ended; }
  uint16_t proxy_port() const override { return asked_.proxy_port; }

 private:
  Asked& asked_;
};

class FakeBrowser final : public Environment {
 public:
  v1::Environment Describe() const override {
    v1::Environment environment;
    environment.set_name("environments/web");
    environment.set_available(true);
    environment.mutable_default_settings()->mutable_web()->set_locale("en-US");
    return environment;
  }
  absl::StatusOr<v1::EnvironmentSettings> ResolveSettings(const v1::EnvironmentSettings& settings) const override { return settings; }
  absl::StatusOr<std::unique_ptr<World>> Open(const CallContext&, const v1::EnvironmentSettings& settings) override {
    asked.settings = settings;
    return std::make_unique<FakeWorld>(asked);
  }
  Asked asked;
};

class PracticeEnvironmentTest : public ::testing::Test {
 protected:
  FakeBrowser browser_;
  PracticeHub hub_;
  PracticeEnvironment environment_{browser_, hub_};

  std::unique_ptr<World> Open() { return environment_.Open(CallContext(), v1::EnvironmentSettings()).value(); }
};

TEST_F(PracticeEnvironmentTest, ResetGivesTheBrowserTheSitesAddresses) {
  const auto world = Open();
  ResetSpec spec;
  spec.task.set_seed(9);
  spec.task.mutable_start_state()->set_start_url("__WIKI__/");

  const auto result = world->Reset(CallContext(), spec, {});

  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->seed, 9);
  EXPECT_EQ(result->base_urls.size(), 5u);
  EXPECT_EQ(browser_.asked.reset.task.start_state().base_urls().at("__WIKI__"), result->base_urls.at("__WIKI__"));
  EXPECT_EQ(hub_.instance_count(), 1);
}

TEST_F(PracticeEnvironmentTest, SeedsComeFromTheEpisodeThenTheTaskThenAtRandom) {
  const auto world = Open();
  ResetSpec spec{.task = {}, .seed = 4};
  EXPECT_EQ(world->Reset(CallContext(), spec, {})->seed, 4);
  spec.seed = 0;
  EXPECT_GT(world->Reset(CallContext(), spec, {})->seed, 0);
  spec.task.set_seed(12);
  EXPECT_EQ(world->Reset(CallContext(), spec, {})->seed, 12);
  spec.seed = 12;
  EXPECT_EQ(world->Reset(CallContext(), spec, {})->seed, 12);
}

TEST_F(PracticeEnvironmentTest, RefusesAnotherSeedThanTheTasks) {
  const auto world = Open();
  ResetSpec spec;
  spec.task.set_seed(12);
  spec.seed = 4;
  const absl::Status refused = world->Reset(CallContext(), spec, {}).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("seed 12"));
  EXPECT_EQ(hub_.instance_count(), 0);
}

TEST_F(PracticeEnvironmentTest, EveryEpisodeHasAnInstanceOfItsOwn) {
  auto world = Open();
  const auto first = world->Reset(CallContext(), {}, {}), second = world->Reset(CallContext(), {}, {});
  EXPECT_NE(first->base_urls.at("__MAIL__"), second->base_urls.at("__MAIL__"));
  EXPECT_EQ(hub_.instance_count(), 1);
  world->EndEpisode();
  EXPECT_EQ(browser_.asked.ended, 1);
  EXPECT_EQ(hub_.instance_count(), 0);
  ASSERT_TRUE(world->Reset(CallContext(), {}, {}).ok());
  world.reset();
  EXPECT_EQ(hub_.instance_count(), 0);
}

TEST_F(PracticeEnvironmentTest, OnlyTheWorldsOwnPagesReachItsSites) {
  hub_.SetPort(80);
  const auto world = Open();
  EXPECT_EQ(world->proxy_port(), 5001);
  const auto result = world->Reset(CallContext(), {}, {});
  ASSERT_TRUE(result.ok());
  for (const auto& [placeholder, url] : result->base_urls) {
    EXPECT_EQ(hub_.PortOf(5001, url.substr(7)), 80) << placeholder;
    EXPECT_EQ(hub_.PortOf(5002, url.substr(7)), 0) << placeholder;
  }
}

TEST_F(PracticeEnvironmentTest, AFailedResetLeavesNoInstance) {
  const auto world = Open();
  browser_.asked.fail = true;
  EXPECT_EQ(world->Reset(CallContext(), {}, {}).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(hub_.instance_count(), 0);
}

TEST_F(PracticeEnvironmentTest, SiteStateIsReadInProcessAndTheRestByTheBrowser) {
  const auto world = Open();
  ResetSpec spec;
  (*spec.task.mutable_start_state()->mutable_site_state_json())["mail"] = R"([{"path":"/settings","form":{"signature":"Ahoy"}}])";
  ASSERT_TRUE(world->Reset(CallContext(), spec, {}).ok());
  std::vector<v1::EvidenceRequest> requests(4);
  for (int i = 0; i < 4; ++i) requests[i].set_id(std::string(1, static_cast<char>('a' + i)));
  requests[0].mutable_final_url();
  requests[1].mutable_site_state()->set_site("MAIL");
  requests[2].mutable_page_expression();
  requests[3].mutable_site_state()->set_site("BANK");

  const auto evidence = world->Collect(CallContext(), requests);

  ASSERT_EQ(evidence.size(), 4u);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(evidence[i].request_id(), requests[i].id());
  EXPECT_EQ(evidence[0].json_values(0), "\"browser\"");
  EXPECT_THAT(evidence[1].json_values(0), HasSubstr("Ahoy"));
  EXPECT_EQ(evidence[2].json_values(0), "\"browser\"");
  EXPECT_EQ(evidence[3].json_values_size(), 0);
  EXPECT_THAT(evidence[3].error(), HasSubstr("BANK"));
}

TEST_F(PracticeEnvironmentTest, RefusesAStartStateThatTheSitesRefuse) {
  const auto world = Open();
  ResetSpec spec;
  (*spec.task.mutable_start_state()->mutable_site_state_json())["mail"] = "{";
  EXPECT_EQ(world->Reset(CallContext(), spec, {}).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(PracticeEnvironmentTest, ResolvesAndRefusesSettings) {
  v1::EnvironmentSettings settings;
  const auto resolved = environment_.ResolveSettings(settings);
  ASSERT_TRUE(resolved.ok());
  ASSERT_EQ(resolved->practice().web().allowed_hosts_size(), 1);
  EXPECT_EQ(resolved->practice().web().allowed_hosts(0), "*.localhost");
  settings.mutable_web();
  EXPECT_EQ(environment_.ResolveSettings(settings).status().code(), absl::StatusCode::kInvalidArgument);
  settings.mutable_practice()->mutable_web()->mutable_preload_max_age()->set_seconds(60);
  EXPECT_EQ(environment_.ResolveSettings(settings).status().code(), absl::StatusCode::kInvalidArgument);
  settings.mutable_practice()->mutable_response_delay()->set_seconds(11);
  EXPECT_EQ(environment_.ResolveSettings(settings).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(PracticeEnvironmentTest, DescribesItself) {
  const v1::Environment described = environment_.Describe();
  EXPECT_EQ(described.name(), "environments/practice");
  EXPECT_TRUE(described.capabilities().seedable());
  EXPECT_EQ(described.capabilities().evidence(0), "site_state");
  EXPECT_EQ(described.default_settings().practice().web().locale(), "en-US");
}

}  // namespace
}  // namespace proctor::env::practice
