#include "server/configuration.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/proto_time.h"
#include "common/status.h"
#include "common/strings.h"
#include "common/yaml_proto.h"
#include "env/android/android_settings.h"
#include "env/desktop/desktop_config.h"
#include "env/web/browser_flags.h"
#include "model/config.h"
#include "model/prices.h"
#include "net/egress_proxy.h"
#include "reward/reward_policy.h"
#include "server/auth/auth_config.h"
#include "server/models.h"
#include "server/operations_endpoint.h"

namespace proctor::server {
namespace {

// An address and port as "127.0.0.1:50551" or "[::1]:0".
absl::Status CheckListenAddress(const std::string& address) {
  const size_t colon = address.rfind(':');
  int port = -1;
  if (colon == std::string::npos || !absl::SimpleAtoi(address.substr(colon + 1), &port) || port < 0 || port > 65'535) {
    return absl::InvalidArgumentError(absl::StrCat("'", address, "' is not of the form 127.0.0.1:50551"));
  }
  if (colon == 0) {
    return absl::InvalidArgumentError(absl::StrCat("'", address, "' names no host: 127.0.0.1 for this machine only, 0.0.0.0 or [::] for "
                                                   "the network"));
  }
  return absl::OkStatus();
}

// Where to report a value of the configuration: the file's line if it came from there, else the field alone.
class Reporter {
 public:
  explicit Reporter(const std::optional<YamlLocations>& locations) : locations_(locations) {}

  absl::Status Error(const std::string& path, const std::string& reason) const {
    if (locations_ && locations_->Has(path)) return locations_->Error(path, reason);
    return absl::InvalidArgumentError(absl::StrCat(path, ": ", reason));
  }

  // The same for a field that no flag sets: where it is not in the file itself, what it belongs to may be.
  absl::Status ErrorInFile(const std::string& path, const std::string& reason) const {
    for (size_t end = path.size(); locations_ && end != std::string::npos && end > 0; end = path.find_last_of(".[", end - 1)) {
      if (locations_->Has(path.substr(0, end))) return locations_->Error(path, reason);
    }
    return absl::InvalidArgumentError(absl::StrCat(path, ": ", reason));
  }

  // Fills in `otherwise` for an unset (0) number and checks the range.
  absl::Status Number(const std::string& path, int32_t value, int32_t low, int32_t high,
                      const std::function<void(int32_t)>& set, int32_t otherwise) const {
    if (value == 0) {
      set(otherwise);
    } else if (value < low || value > high) {
      return Error(path, absl::StrCat(value, " is not between ", low, " and ", high));
    }
    return absl::OkStatus();
  }

  absl::Status Time(const std::string& path, bool given, google::protobuf::Duration* value,
                    absl::Duration low, absl::Duration high, absl::Duration otherwise) const {
    if (!given) {
      *value = ToProto(otherwise);
      return absl::OkStatus();
    }
    const absl::Duration duration = FromProto(*value);
    if (duration >= low && duration <= high) return absl::OkStatus();
    return Error(path, absl::StrCat(absl::FormatDuration(duration), " is not between ",
                                    absl::FormatDuration(low), " and ", absl::FormatDuration(high)));
  }

 private:
  const std::optional<YamlLocations>& locations_;
};

std::string DefaultDataDir() {
  if (const char* data = std::getenv("XDG_DATA_HOME"); data != nullptr && *data != '\0') {
    return absl::StrCat(data, "/proctor");
  }
  if (geteuid() == 0) return "/var/lib/proctor";
  const char* home = std::getenv("HOME");
  return absl::StrCat(home != nullptr ? home : "/tmp", "/.local/share/proctor");
}

absl::Status CheckPlaces(v1::ServerConfig& config, const Reporter& report) {
  if (config.data_dir().empty()) config.set_data_dir(DefaultDataDir());
  if (config.data_dir().front() != '/') {
    return report.Error("data_dir", absl::StrCat("'", config.data_dir(), "' is not an absolute path"));
  }
  if (!config.has_unix_socket()) config.set_unix_socket(config.data_dir() + "/proctord.sock");
  if (config.unix_socket().size() > 107) {
    return report.Error("unix_socket", "longer than the 107 bytes that the kernel allows; name a shorter path");
  }
  if (!config.has_listen_address()) config.set_listen_address("127.0.0.1:50551");
  if (!config.listen_address().empty()) {
    const absl::Status address = CheckListenAddress(config.listen_address());
    if (!address.ok()) return report.Error("listen_address", std::string(address.message()));
  }
  if (config.unix_socket().empty() && config.listen_address().empty()) {
    return report.Error("listen_address", "no address to listen on: set listen_address or unix_socket");
  }
  if (config.exchange_dir().empty()) config.set_exchange_dir(config.data_dir() + "/exchange");
  if (config.exchange_dir().front() != '/') {
    return report.Error("exchange_dir", "not an absolute path");
  }
  if (config.mutable_http()->listen_address().empty()) return absl::OkStatus();
  const absl::StatusOr<HttpAddress> http = ParseHttpAddress(config.http());
  return http.ok() ? absl::OkStatus() : report.Error("http.listen_address", std::string(http.status().message()));
}

// Whether a URL names this machine by its loopback.
bool IsOnLoopback(const std::string& url) {
  const size_t begin = url.find("://") + 3;
  const std::string authority = url.substr(begin, url.find_first_of("/?#", begin) - begin);
  // An IPv6 address has its colons in brackets.
  const size_t port = authority.find(':', authority.starts_with("[") ? authority.find(']') : 0);
  const std::string host = authority.substr(0, port);
  return host == "localhost" || host == "127.0.0.1" || host == "[::1]";
}

absl::Status CheckBrowser(v1::BrowserConfig& browser, const Reporter& report) {
  PROCTOR_RETURN_IF_ERROR(report.Number("browser.max_browsers", browser.max_browsers(), 1, 64,
                                        [&](int32_t n) { browser.set_max_browsers(n); }, 2));
  PROCTOR_RETURN_IF_ERROR(report.Number("browser.sessions_per_browser", browser.sessions_per_browser(), 1, 64,
                                        [&](int32_t n) { browser.set_sessions_per_browser(n); }, 8));
  PROCTOR_RETURN_IF_ERROR(report.Number("browser.recycle_after_contexts", browser.recycle_after_contexts(), 1,
                                        100'000, [&](int32_t n) { browser.set_recycle_after_contexts(n); }, 200));
  if (!browser.has_prewarm_contexts()) browser.set_prewarm_contexts(true);
  if (browser.kind() == v1::BROWSER_KIND_UNSPECIFIED) browser.set_kind(v1::BROWSER_KIND_HEADLESS_SHELL);
  if (!browser.user().empty() && geteuid() != 0) {
    return report.Error("browser.user", "only a server that runs as root can run the browser as another user");
  }
  const std::string& remote = browser.remote_url();
  if (!remote.empty() && remote.rfind("ws://", 0) != 0 && remote.rfind("http://", 0) != 0) {
    return report.Error("browser.remote_url", absl::StrCat("'", remote, "' begins with neither ws:// nor http://"));
  }
  if (!remote.empty() && !IsOnLoopback(remote)) {
    return report.Error(
        "browser.remote_url",
        absl::StrCat(
            "'", remote,
            "' is not on this machine's loopback (127.0.0.1, [::1], localhost): its "
            "pages are to go through the server's filtering proxy, which listens there only, so "
            "that none would load. Run the server beside the browser"));
  }
  for (int i = 0; i < browser.extra_flags_size(); ++i) {
    const absl::Status allowed = env::web::CheckExtraFlag(browser.extra_flags(i));
    if (!allowed.ok()) return report.Error(absl::StrCat("browser.extra_flags[", i, "]"), std::string(allowed.message()));
  }
  return absl::OkStatus();
}

// Fills in `otherwise` where a limit is not set.
absl::Status CheckLimits(const std::string& path, const v1::Limits& otherwise, v1::Limits& limits, const Reporter& report) {
  PROCTOR_RETURN_IF_ERROR(report.Number(path + ".max_steps", limits.max_steps(), 1, 10'000,
                                        [&](int32_t n) { limits.set_max_steps(n); }, otherwise.max_steps()));
  const bool duration = limits.has_max_duration();
  return report.Time(path + ".max_duration", duration, limits.mutable_max_duration(), absl::Seconds(1), absl::Hours(24),
                     FromProto(otherwise.max_duration()));
}

absl::Status CheckDefaultSettings(const std::string& id, const v1::EnvironmentSettings& settings, const Reporter& report) {
  const auto kind = settings.kind_case();
  const auto* field = v1::EnvironmentSettings::descriptor()->FindFieldByNumber(kind);
  if (kind == v1::EnvironmentSettings::KIND_NOT_SET || field->name() == id) return absl::OkStatus();
  return report.Error(absl::StrCat("environments.", id, ".default_settings.", field->name()),
                      absl::StrCat("settings of another environment; these are `", id, "` settings"));
}

// An environment that there is, and what holds where the configuration says nothing.
struct KnownEnvironment {
  std::string id;
  bool enabled;
  int max_sessions;
};

std::vector<KnownEnvironment> KnownEnvironments(const v1::BrowserConfig& browser) {
  const int contexts = browser.max_browsers() * browser.sessions_per_browser();
  return {{"web", true, contexts}, {"practice", true, contexts}, {"null", true, 1000}, {"desktop", false, 4}, {"android", false, 16}};
}

absl::Status CheckEnvironments(v1::ServerConfig& config, const Reporter& report) {
  const std::vector<KnownEnvironment> known = KnownEnvironments(config.browser());
  const auto check_known = [&](const std::string& setting, const std::string& id) {
    const bool is_known = std::any_of(known.begin(), known.end(), [&](const KnownEnvironment& one) { return one.id == id; });
    if (is_known) return absl::OkStatus();
    return report.Error(absl::StrCat(setting, ".", id), "no such environment; there are web, practice, null, desktop and android");
  };
  for (const auto& [id, environment] : config.environments()) PROCTOR_RETURN_IF_ERROR(check_known("environments", id));
  // A weight of none would weigh nothing, and the environment that was meant would weigh 1.
  for (const auto& [id, weight] : config.quotas().session_weights()) PROCTOR_RETURN_IF_ERROR(check_known("quotas.session_weights", id));
  for (const auto& [id, enabled, max_sessions] : known) {
    v1::EnvironmentConfig& environment = (*config.mutable_environments())[id];
    if (!environment.has_enabled()) environment.set_enabled(enabled);
    PROCTOR_RETURN_IF_ERROR(report.Number(absl::StrCat("environments.", id, ".max_sessions"),
                                          environment.max_sessions(), 1, 10'000,
                                          [&](int32_t n) { environment.set_max_sessions(n); }, max_sessions));
    PROCTOR_RETURN_IF_ERROR(CheckLimits(absl::StrCat("environments.", id, ".default_limits"), config.default_limits(),
                                        *environment.mutable_default_limits(), report));
    PROCTOR_RETURN_IF_ERROR(CheckDefaultSettings(id, environment.default_settings(), report));
  }
  return absl::OkStatus();
}

// The rooms' own checks name the field first: "desktop.applications: ...".
absl::Status ReportOwn(const absl::Status& status, const Reporter& report) {
  if (status.ok()) return status;
  const std::string message(status.message());
  const size_t colon = message.find(": ");
  return report.ErrorInFile(message.substr(0, colon), colon == std::string::npos ? message : message.substr(colon + 2));
}

absl::Status CheckDevices(v1::ServerConfig& config, const Reporter& report) {
  PROCTOR_RETURN_IF_ERROR(ReportOwn(env::desktop::ValidateDesktopConfig(config.desktop()), report));
  *config.mutable_desktop() = env::desktop::WithDefaults(config.desktop(), geteuid() == 0);
  PROCTOR_RETURN_IF_ERROR(ReportOwn(env::android::ValidateAndroidConfig(config.android()), report));
  v1::AndroidConfig& android = *config.mutable_android();
  if (android.adb_server().empty()) android.set_adb_server("127.0.0.1:5037");
  if (android.text_method() == v1::ANDROID_TEXT_METHOD_UNSPECIFIED) {
    android.set_text_method(v1::ANDROID_TEXT_METHOD_INPUT_TEXT);
  }
  const bool wait = android.has_device_wait();
  return report.Time("android.device_wait", wait, android.mutable_device_wait(), absl::ZeroDuration(), absl::Minutes(10),
                     absl::Seconds(30));
}

absl::Status CheckTimes(v1::ServerConfig& config, const Reporter& report) {
  const bool grace = config.has_shutdown_grace();
  PROCTOR_RETURN_IF_ERROR(report.Time("shutdown_grace", grace, config.mutable_shutdown_grace(),
                                      absl::ZeroDuration(), absl::Minutes(10), absl::Seconds(20)));
  v1::SessionConfig& sessions = *config.mutable_sessions();
  const bool longest = sessions.has_max_lease();
  PROCTOR_RETURN_IF_ERROR(report.Time("sessions.max_lease", longest, sessions.mutable_max_lease(),
                                      absl::Seconds(5), absl::Hours(1), absl::Hours(1)));
  // A longer one would refuse every session that asks for none.
  const absl::Duration max_lease = FromProto(sessions.max_lease());
  const bool lease = sessions.has_default_lease();
  PROCTOR_RETURN_IF_ERROR(report.Time("sessions.default_lease", lease, sessions.mutable_default_lease(),
                                      absl::Seconds(5), max_lease, std::min(absl::Seconds(60), max_lease)));
  v1::RecompressionConfig& recompression = *config.mutable_recompression();
  if (!recompression.has_enabled()) recompression.set_enabled(true);
  const bool age = recompression.has_min_age();
  PROCTOR_RETURN_IF_ERROR(report.Time("recompression.min_age", age, recompression.mutable_min_age(),
                                      absl::ZeroDuration(), absl::Hours(24 * 30), absl::Minutes(10)));
  v1::RewardLogConfig& log = *config.mutable_reward_log();
  const bool retention = log.has_retention();
  // 0 keeps everything.
  if (!retention || FromProto(log.retention()) != absl::ZeroDuration()) {
    PROCTOR_RETURN_IF_ERROR(report.Time("reward_log.retention", retention, log.mutable_retention(),
                                        absl::Hours(1), absl::InfiniteDuration(), absl::Hours(24 * 30)));
  }
  const bool expiry = log.has_consumer_expiry();
  return report.Time("reward_log.consumer_expiry", expiry, log.mutable_consumer_expiry(), absl::Minutes(1),
                     absl::InfiniteDuration(), absl::Hours(24 * 7));
}

absl::Status CheckTraces(v1::TraceConfig& traces, const Reporter& report) {
  if (!traces.directory().empty() && traces.directory().front() != '/') {
    return report.Error("traces.directory", "not an absolute path");
  }
  if (!traces.has_sample_share()) traces.set_sample_share(1);
  if (!(traces.sample_share() >= 0 && traces.sample_share() <= 1)) {
    return report.Error("traces.sample_share", "not between 0 and 1");
  }
  if (traces.max_file_bytes() == 0) traces.set_max_file_bytes(64 << 20);
  if (traces.max_file_bytes() < 64 << 10 || traces.max_file_bytes() > int64_t{1} << 40) {
    return report.Error("traces.max_file_bytes", "not between 64KiB and 1TiB");
  }
  return report.Number("traces.max_files", traces.max_files(), 1, 1000, [&](int32_t n) { traces.set_max_files(n); }, 4);
}

absl::Status CheckRetention(v1::RetentionConfig& retention, const Reporter& report) {
  const bool interval = retention.has_interval();
  PROCTOR_RETURN_IF_ERROR(report.Time("retention.interval", interval, retention.mutable_interval(), absl::Seconds(1),
                                      absl::Hours(24 * 7), absl::Hours(1)));
  for (int i = 0; i < retention.rules_size(); ++i) {
    v1::RetentionRule& rule = *retention.mutable_rules(i);
    const std::string path = absl::StrCat("retention.rules[", i, "]");
    if (rule.name().empty()) return report.ErrorInFile(path + ".name", "a rule needs a name");
    const bool keeps = rule.action() == v1::RETENTION_ACTION_KEEP;
    if (!rule.has_min_age() && !keeps) return report.ErrorInFile(path + ".min_age", "a rule needs an age; without one it would take everything");
    PROCTOR_RETURN_IF_ERROR(report.Time(path + ".min_age", rule.has_min_age(), rule.mutable_min_age(),
                                        keeps ? absl::ZeroDuration() : absl::Seconds(1), absl::Hours(24 * 365 * 100), absl::ZeroDuration()));
    for (const std::string& environment : rule.environments()) {
      if (environment.starts_with("environments/")) continue;
      return report.ErrorInFile(path + ".environments", absl::StrCat("'", environment, "' is not of the form environments/web"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckThreads(v1::ThreadsConfig& threads, const Reporter& report) {
  PROCTOR_RETURN_IF_ERROR(report.Number("threads.sessions", threads.sessions(), 1, 1024,
                                        [&](int32_t n) { threads.set_sessions(n); }, 32));
  PROCTOR_RETURN_IF_ERROR(report.Number("threads.evaluation", threads.evaluation(), 1, 1024,
                                        [&](int32_t n) { threads.set_evaluation(n); }, 4));
  PROCTOR_RETURN_IF_ERROR(report.Number("threads.jobs", threads.jobs(), 1, 1024,
                                        [&](int32_t n) { threads.set_jobs(n); }, 2));
  return report.Number("threads.network", threads.network(), 1, 1024,
                       [&](int32_t n) { threads.set_network(n); }, 1);
}

absl::Status CheckModels(v1::ModelConfig& models, const Reporter& report) {
  for (const model::ConfigFault& fault : model::FindConfigFaults(models)) {
    return report.Error(absl::StrCat("models.", fault.path), fault.reason);
  }
  if (AddDefaultRoutes(models)) return absl::OkStatus();
  return report.Error("models.routes", absl::StrCat("with several endpoints a route `", kJudgeRoute, "` is needed"));
}

// A setting that limits what some tenant's judges may spend; empty: there is none.
std::string FindJudgeLimit(const v1::QuotaConfig& quotas) {
  if (quotas.otherwise().judge_usd_per_day() > 0) return "quotas.otherwise.judge_usd_per_day";
  const std::map<std::string, v1::TenantQuota> tenants(quotas.tenants().begin(), quotas.tenants().end());
  for (const auto& [tenant, quota] : tenants) {
    if (quota.judge_usd_per_day() > 0) return absl::StrCat("quotas.tenants.", tenant, ".judge_usd_per_day");
  }
  return "";
}

// What a model without a price is asked counts as nothing, and evaluators may name every endpoint. A price of 0 is one.
absl::Status CheckJudgePrices(const v1::ServerConfig& config, const Reporter& report) {
  const std::string limit = FindJudgeLimit(config.quotas());
  if (limit.empty()) return absl::OkStatus();
  const model::Prices prices(config.models());
  const std::map<std::string, v1::ModelEndpoint> endpoints(config.models().endpoints().begin(), config.models().endpoints().end());
  for (const auto& [name, endpoint] : endpoints) {
    const std::string& model = endpoint.model();
    if (prices.Find(model) != nullptr) continue;
    return report.Error(limit, absl::StrCat("it cannot be kept: the model `", model, "` of models.endpoints.", name,
                                            " has no price. Set models.prices: {\"", model,
                                            "\": {input_usd: ..., output_usd: ...}} in the configuration file, in US dollars a "
                                            "million tokens; 0 for a model that costs nothing"));
  }
  return absl::OkStatus();
}

absl::Status CheckEvaluation(v1::EvaluationConfig& evaluation, const Reporter& report) {
  if (!(evaluation.audit_share() >= 0 && evaluation.audit_share() <= 1)) {
    return report.Error("evaluation.audit_share", "not between 0 and 1");
  }
  if (evaluation.judge_retries() < 0 || evaluation.judge_retries() > 100) {
    return report.Error("evaluation.judge_retries", "not between 0 and 100");
  }
  const bool delay_given = evaluation.has_judge_retry_delay();
  PROCTOR_RETURN_IF_ERROR(report.Time("evaluation.judge_retry_delay", delay_given, evaluation.mutable_judge_retry_delay(),
                                      absl::Seconds(1), absl::Hours(24), absl::Minutes(1)));
  for (auto& [name, function] : *evaluation.mutable_webarena_functions()) {
    if (function.expression().empty()) {
      return report.Error(absl::StrCat("evaluation.webarena_functions.", name), "expression is missing");
    }
    if (function.page_url().empty()) function.set_page_url("last");
  }
  return absl::OkStatus();
}

// What is not in the file, and has a name, is written out: --check-config shows what is in force.
void FillIn(v1::ServerConfig& config) {
  v1::LogConfig& log = *config.mutable_log();
  if (log.level() == v1::CONFIG_LOG_LEVEL_UNSPECIFIED) log.set_level(v1::CONFIG_LOG_LEVEL_INFO);
  if (log.format() == v1::CONFIG_LOG_FORMAT_UNSPECIFIED) log.set_format(v1::CONFIG_LOG_FORMAT_TEXT);
  if (config.durability() == v1::DURABILITY_UNSPECIFIED) config.set_durability(v1::DURABILITY_POWER);
}

}  // namespace

absl::Status CheckConfiguration(v1::ServerConfig& config, NetworkConsent consent, const std::optional<YamlLocations>& locations) {
  const Reporter report(locations);
  FillIn(config);
  PROCTOR_RETURN_IF_ERROR(CheckPlaces(config, report));
  if (const auto fault = CheckAuth(config, consent)) return report.Error(fault->path, fault->reason);
  PROCTOR_RETURN_IF_ERROR(CheckBrowser(*config.mutable_browser(), report));
  v1::Limits built_in;
  built_in.set_max_steps(30);
  *built_in.mutable_max_duration() = ToProto(absl::Minutes(10));
  PROCTOR_RETURN_IF_ERROR(CheckLimits("default_limits", built_in, *config.mutable_default_limits(), report));
  PROCTOR_RETURN_IF_ERROR(CheckEnvironments(config, report));
  PROCTOR_RETURN_IF_ERROR(CheckDevices(config, report));
  PROCTOR_RETURN_IF_ERROR(CheckTimes(config, report));
  PROCTOR_RETURN_IF_ERROR(CheckRetention(*config.mutable_retention(), report));
  PROCTOR_RETURN_IF_ERROR(CheckTraces(*config.mutable_traces(), report));
  PROCTOR_RETURN_IF_ERROR(CheckThreads(*config.mutable_threads(), report));
  if (config.has_models()) PROCTOR_RETURN_IF_ERROR(CheckModels(*config.mutable_models(), report));
  PROCTOR_RETURN_IF_ERROR(CheckJudgePrices(config, report));
  PROCTOR_RETURN_IF_ERROR(CheckEvaluation(*config.mutable_evaluation(), report));
  if (const absl::Status policy = reward::ValidateRewardPolicy(config.reward_policy()); !policy.ok()) {
    return report.Error("reward_policy", std::string(policy.message()));
  }
  v1::EgressConfig& egress = *config.mutable_egress();
  for (int i = 0; i < egress.allowed_hosts_size(); ++i) {
    const absl::Status host = net::CheckHostPattern(egress.allowed_hosts(i));
    if (!host.ok()) return report.Error(absl::StrCat("egress.allowed_hosts[", i, "]"), std::string(host.message()));
  }
  PROCTOR_RETURN_IF_ERROR(report.Number("egress.max_connections", egress.max_connections(), 1, 10'000,
                                        [&](int32_t n) { egress.set_max_connections(n); }, 256));
  const int32_t port = config.mutable_practice()->port();
  if (port < 0 || port > 65'535) return report.Error("practice.port", "not between 0 and 65535");
  return absl::OkStatus();
}

std::vector<std::string> EvaluationChain(const v1::ServerConfig& config) {
  const auto& given = config.evaluation().chain();
  if (!given.empty()) return {given.begin(), given.end()};
  std::vector<std::string> chain = {"evaluators/oracle"};
  if (!config.models().endpoints().empty()) chain.push_back("evaluators/pae");
  return chain;
}

v1::ServerConfig WithChainInForce(const v1::ServerConfig& config) {
  v1::ServerConfig shown = config;
  const std::vector<std::string> chain = EvaluationChain(config);
  shown.mutable_evaluation()->mutable_chain()->Assign(chain.begin(), chain.end());
  return shown;
}

}  // namespace proctor::server
