#include "env/practice/practice_environment.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/ids.h"
#include "common/proto_time.h"
#include "common/status.h"

namespace proctor::env::practice {
namespace {

v1::EnvironmentSettings BrowserSettings(const v1::PracticeSettings& practice) {
  v1::EnvironmentSettings settings;
  *settings.mutable_web() = practice.web();
  return settings;
}

// Positive, from the operating system.
int64_t RandomSeed() { return 1 + static_cast<int64_t>(std::stoll(RandomHex(6), nullptr, 16)); }

class PracticeWorld final : public World {
 public:
  PracticeWorld(std::unique_ptr<World> browser, PracticeHub& hub, v1::PracticeSettings settings, int64_t default_seed)
      : browser_(std::move(browser)), hub_(hub), settings_(std::move(settings)), default_seed_(default_seed) {}

  ~PracticeWorld() override { Forget(); }

  absl::StatusOr<ResetResult> Reset(const CallContext& context, const ResetSpec& spec,
                                    const v1::ObservationRequest& request) override {
    Forget();
    PROCTOR_ASSIGN_OR_RETURN(const int64_t seed, SeedOf(spec));
    PracticeHub::InstanceOptions options{.seed = seed,
                                         .response_delay = FromProto(settings_.response_delay()),
                                         .proxy_port = browser_->proxy_port()};
    const auto& states = spec.task.start_state().site_state_json();
    options.site_state_json.insert(states.begin(), states.end());
    PROCTOR_ASSIGN_OR_RETURN(PracticeHub::Instance instance, hub_.CreateInstance(options));
    instance_ = instance.id;
    ResetSpec browser_spec = spec;
    browser_spec.seed = seed;
    // The sites' state is the hub's business.
    browser_spec.task.mutable_start_state()->clear_site_state_json();
    auto& base_urls = *browser_spec.task.mutable_start_state()->mutable_base_urls();
    for (const auto& [placeholder, url] : instance.base_urls) base_urls[placeholder] = url;
    absl::StatusOr<ResetResult> result = browser_->Reset(context, browser_spec, request);
    if (!result.ok()) {
      Forget();
      return result.status();
    }
    result->seed = seed;
    for (const auto& [placeholder, url] : instance.base_urls) result->base_urls[placeholder] = url;
    return result;
  }

  absl::StatusOr<ActResult> Act(const CallContext& context, const v1::Action& action,
                                const v1::ObservationRequest& request) override {
    return browser_->Act(context, action, request);
  }

  absl::StatusOr<v1::Observation> Observe(const CallContext& context, const v1::ObservationRequest& request) override {
    return browser_->Observe(context, request);
  }

  absl::StatusOr<ActResult> Idle(const CallContext& context,
                                 const v1::ObservationRequest& request) override {
    return browser_->Idle(context, request);
  }

  std::vector<v1::Evidence> Collect(const CallContext& context,
                                    const std::vector<v1::EvidenceRequest>& requests) override {
    std::vector<v1::EvidenceRequest> for_browser;
    for (const v1::EvidenceRequest& request : requests) {
      if (!request.has_site_state()) for_browser.push_back(request);
    }
    std::vector<v1::Evidence> from_browser;
    if (!for_browser.empty()) from_browser = browser_->Collect(context, for_browser);
    std::vector<v1::Evidence> collected;
    auto next = from_browser.begin();
    for (const v1::EvidenceRequest& request : requests) {
      if (request.has_site_state()) {
        collected.push_back(SiteState(request));
      } else if (next != from_browser.end()) {
        collected.push_back(std::move(*next++));
      }
    }
    return collected;
  }

  void EndEpisode() override {
    browser_->EndEpisode();
    Forget();
  }

  absl::Duration ActionDelay() const override { return browser_->ActionDelay(); }

  uint16_t proxy_port() const override { return browser_->proxy_port(); }

 private:
  absl::StatusOr<int64_t> SeedOf(const ResetSpec& spec) const {
    const int64_t own = spec.task.seed();
    // Its goal and oracle are about the content of that seed: in other content nothing of them
    // would be true.
    if (own != 0 && spec.seed != 0 && spec.seed != own) {
      return absl::InvalidArgumentError(
          absl::StrCat("seed: the task is made for the sites' content of seed ", own, ", not ",
                       spec.seed, ": start the episode without a seed"));
    }
    if (own != 0) return own;
    if (spec.seed != 0) return spec.seed;
    return default_seed_ != 0 ? default_seed_ : RandomSeed();
  }

  v1::Evidence SiteState(const v1::EvidenceRequest& request) {
    v1::Evidence evidence;
    evidence.set_request_id(request.id());
    *evidence.mutable_collect_time() = ToProto(absl::Now());
    const absl::StatusOr<std::string> state = hub_.StateJson(instance_, request.site_state().site());
    if (state.ok()) {
      evidence.add_json_values(*state);
    } else {
      evidence.set_error(std::string(state.status().message()));
    }
    return evidence;
  }

  void Forget() {
    hub_.Destroy(instance_);
    instance_.clear();
  }

  const std::unique_ptr<World> browser_;
  PracticeHub& hub_;
  const v1::PracticeSettings settings_;
  const int64_t default_seed_;
  std::string instance_;  // "" between episodes
};

}  // namespace

v1::Environment PracticeEnvironment::Describe() const {
  v1::Environment environment = browser_.Describe();
  environment.set_name("environments/practice");
  environment.set_description("Five embedded sites (shop, encyclopedia, mailbox, forum, booking calendar), fresh for each episode");
  v1::Capabilities& capabilities = *environment.mutable_capabilities();
  capabilities.set_seedable(true);
  capabilities.add_evidence("site_state");
  const v1::WebSettings web = environment.default_settings().web();
  *environment.mutable_default_settings()->mutable_practice()->mutable_web() = web;
  return environment;
}

absl::StatusOr<v1::EnvironmentSettings> PracticeEnvironment::ResolveSettings(
    const v1::EnvironmentSettings& settings) const {
  if (settings.kind_case() != v1::EnvironmentSettings::KIND_NOT_SET && !settings.has_practice()) {
    return absl::InvalidArgumentError("settings: the practice environment takes `practice` settings");
  }
  v1::PracticeSettings practice = settings.practice();
  const absl::Duration delay = FromProto(practice.response_delay());
  if (delay < absl::ZeroDuration() || delay > absl::Seconds(10)) {
    return absl::InvalidArgumentError("settings.practice.response_delay must be 0 to 10 s");
  }
  if (FromProto(practice.web().preload_max_age()) != absl::ZeroDuration()) {
    return absl::InvalidArgumentError(
        "settings.practice.web.preload_max_age: each practice episode has a host of its own, nothing can be loaded beforehand");
  }
  // Whatever the browser environment's defaults say.
  practice.mutable_web()->mutable_preload_max_age()->Clear();
  if (practice.web().allowed_hosts().empty()) practice.mutable_web()->add_allowed_hosts("*.localhost");
  PROCTOR_ASSIGN_OR_RETURN(const v1::EnvironmentSettings browser, browser_.ResolveSettings(BrowserSettings(practice)));
  *practice.mutable_web() = browser.web();
  v1::EnvironmentSettings resolved;
  *resolved.mutable_practice() = std::move(practice);
  return resolved;
}

absl::StatusOr<std::unique_ptr<World>> PracticeEnvironment::Open(const CallContext& context,
                                                                 const v1::EnvironmentSettings& settings) {
  PROCTOR_ASSIGN_OR_RETURN(const v1::EnvironmentSettings resolved, ResolveSettings(settings));
  PROCTOR_ASSIGN_OR_RETURN(auto browser, browser_.Open(context, BrowserSettings(resolved.practice())));
  return std::make_unique<PracticeWorld>(std::move(browser), hub_, resolved.practice(), default_seed_);
}

}  // namespace proctor::env::practice
