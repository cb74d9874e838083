#include "server/configuration.h"

#include <getopt.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/proto_time.h"
#include "common/status.h"
#include "common/yaml_proto.h"
#include "model/config.h"
#include "net/egress_proxy.h"
#include "reward/reward_policy.h"
#include "server/models.h"
#include "server/operations_endpoint.h"

namespace proctor::server {
namespace {

// Where to report a value of the configuration: the file's line if it came from there, else the field alone.
class Reporter {
 public:
  explicit Reporter(const std::optional<YamlLocations>& locations) : locations_(locations) {}

  absl::Status Error(const std::string& path, const std::string& reason) const {
    if (locations_ && locations_->Has(path)) return locations_->Error(path, reason);
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
    const std::string& flag = browser.extra_flags(i);
    for (const char* reserved : {"--remote-debugging", "--proxy", "--no-proxy", "--no-sandbox", "--user-data-dir",
                                 "--disable-setuid-sandbox", "--disable-namespace-sandbox"}) {
      if (flag.rfind(reserved, 0) == 0) {
        return report.Error(absl::StrCat("browser.extra_flags[", i, "]"),
                            absl::StrCat("'", flag, "' is set by the server itself"));
      }
    }
    if (flag.rfind("--", 0) != 0) {
      return report.Error(absl::StrCat("browser.extra_flags[", i, "]"),
                          absl::StrCat("'", flag, "' does not begin with --"));
    }
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

absl::Status CheckEnvironments(v1::ServerConfig& config, const Reporter& report) {
  const int browsers = config.browser().max_browsers() * config.browser().sessions_per_browser();
  for (const auto& [id, environment] : config.environments()) {
    if (id != "web" && id != "practice" && id != "null") {
      return report.Error(absl::StrCat("environments.", id), "no such environment; there are web, practice and null");
    }
  }
  for (const char* id : {"web", "practice", "null"}) {
    v1::EnvironmentConfig& environment = (*config.mutable_environments())[id];
    if (!environment.has_enabled()) environment.set_enabled(true);
    const int otherwise = std::string(id) == "null" ? 1000 : browsers;
    PROCTOR_RETURN_IF_ERROR(report.Number(absl::StrCat("environments.", id, ".max_sessions"),
                                          environment.max_sessions(), 1, 10'000,
                                          [&](int32_t n) { environment.set_max_sessions(n); }, otherwise));
    PROCTOR_RETURN_IF_ERROR(CheckLimits(absl::StrCat("environments.", id, ".default_limits"), config.default_limits(),
                                        *environment.mutable_default_limits(), report));
    PROCTOR_RETURN_IF_ERROR(CheckDefaultSettings(id, environment.default_settings(), report));
  }
  return absl::OkStatus();
}

absl::Status CheckTimes(v1::ServerConfig& config, const Reporter& report) {
  const bool grace = config.has_shutdown_grace();
  PROCTOR_RETURN_IF_ERROR(report.Time("shutdown_grace", grace, config.mutable_shutdown_grace(),
                                      absl::ZeroDuration(), absl::Minutes(10), absl::Seconds(20)));
  v1::SessionConfig& sessions = *config.mutable_sessions();
  const bool lease = sessions.has_default_lease();
  PROCTOR_RETURN_IF_ERROR(report.Time("sessions.default_lease", lease, sessions.mutable_default_lease(),
                                      absl::Seconds(5), absl::Hours(1), absl::Seconds(60)));
  const bool longest = sessions.has_max_lease();
  PROCTOR_RETURN_IF_ERROR(report.Time("sessions.max_lease", longest, sessions.mutable_max_lease(),
                                      absl::Seconds(5), absl::Hours(1), absl::Hours(1)));
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
    if (rule.name().empty()) return report.Error(path + ".name", "a rule needs a name");
    if (!rule.has_min_age()) return report.Error(path + ".min_age", "a rule needs an age; without one it would delete everything");
    PROCTOR_RETURN_IF_ERROR(report.Time(path + ".min_age", true, rule.mutable_min_age(), absl::Seconds(1),
                                        absl::Hours(24 * 365 * 100), absl::ZeroDuration()));
    for (const std::string& environment : rule.environments()) {
      if (environment.starts_with("environments/")) continue;
      return report.Error(path + ".environments", absl::StrCat("'", environment, "' is not of the form environments/web"));
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

absl::Status CheckEvaluation(v1::EvaluationConfig& evaluation, bool has_models, const Reporter& report) {
  if (evaluation.chain().empty()) {
    evaluation.add_chain("evaluators/oracle");
    if (has_models) evaluation.add_chain("evaluators/pae");
  }
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

absl::Status Check(v1::ServerConfig& config, const std::optional<YamlLocations>& locations) {
  const Reporter report(locations);
  FillIn(config);
  PROCTOR_RETURN_IF_ERROR(CheckPlaces(config, report));
  PROCTOR_RETURN_IF_ERROR(CheckBrowser(*config.mutable_browser(), report));
  v1::Limits built_in;
  built_in.set_max_steps(30);
  *built_in.mutable_max_duration() = ToProto(absl::Minutes(10));
  PROCTOR_RETURN_IF_ERROR(CheckLimits("default_limits", built_in, *config.mutable_default_limits(), report));
  PROCTOR_RETURN_IF_ERROR(CheckEnvironments(config, report));
  PROCTOR_RETURN_IF_ERROR(CheckTimes(config, report));
  PROCTOR_RETURN_IF_ERROR(CheckRetention(*config.mutable_retention(), report));
  PROCTOR_RETURN_IF_ERROR(CheckTraces(*config.mutable_traces(), report));
  PROCTOR_RETURN_IF_ERROR(CheckThreads(*config.mutable_threads(), report));
  if (config.has_models()) PROCTOR_RETURN_IF_ERROR(CheckModels(*config.mutable_models(), report));
  PROCTOR_RETURN_IF_ERROR(CheckEvaluation(*config.mutable_evaluation(), config.models().endpoints_size() > 0, report));
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

// The flags, in the order of --help.
enum Flag : int { kConfig = 256, kDataDir, kListen, kUnixSocket, kHttp, kLogLevel, kLogFormat, kDurability, kEgressAllow,
                  kEgressPrivate, kUnsandboxed, kBrowser, kBrowserUser, kMaxBrowsers, kExchangeDir, kModelEndpoint, kModelName,
                  kModelKeyEnv, kFsck, kRepair, kBackup, kCheckConfig, kVersion, kHelp };

const option kFlags[] = {
    {"config", required_argument, nullptr, kConfig},
    {"data-dir", required_argument, nullptr, kDataDir},
    {"listen", required_argument, nullptr, kListen},
    {"unix-socket", required_argument, nullptr, kUnixSocket},
    {"http", required_argument, nullptr, kHttp},
    {"log-level", required_argument, nullptr, kLogLevel},
    {"log-format", required_argument, nullptr, kLogFormat},
    {"durability", required_argument, nullptr, kDurability},
    {"egress-allow", required_argument, nullptr, kEgressAllow},
    {"egress-allow-private", no_argument, nullptr, kEgressPrivate},
    {"allow-unsandboxed-browser", no_argument, nullptr, kUnsandboxed},
    {"browser", required_argument, nullptr, kBrowser},
    {"browser-user", required_argument, nullptr, kBrowserUser},
    {"max-browsers", required_argument, nullptr, kMaxBrowsers},
    {"exchange-dir", required_argument, nullptr, kExchangeDir},
    {"model-endpoint", required_argument, nullptr, kModelEndpoint},
    {"model-name", required_argument, nullptr, kModelName},
    {"model-key-env", required_argument, nullptr, kModelKeyEnv},
    {"fsck", no_argument, nullptr, kFsck},
    {"repair", no_argument, nullptr, kRepair},
    {"backup", required_argument, nullptr, kBackup},
    {"check-config", no_argument, nullptr, kCheckConfig},
    {"version", no_argument, nullptr, kVersion},
    {"help", no_argument, nullptr, kHelp},
    {nullptr, 0, nullptr, 0},
};

template <typename Enum, typename Parse>
absl::Status SetEnum(const std::string& flag, const std::string& prefix, const std::string& value, Parse parse,
                     const std::function<void(Enum)>& set) {
  Enum parsed;
  if (!parse(prefix + absl::AsciiStrToUpper(value), &parsed)) {
    return absl::InvalidArgumentError(absl::StrCat("--", flag, ": unknown value '", value, "'"));
  }
  set(parsed);
  return absl::OkStatus();
}

// The endpoint that flags describe: the judges' own. They show screenshots, so it is taken to be able to see.
v1::ModelEndpoint& FlagEndpoint(v1::ServerConfig& config) {
  v1::ModelEndpoint& endpoint = (*config.mutable_models()->mutable_endpoints())[kJudgeRoute];
  if (!endpoint.capabilities().has_images()) endpoint.mutable_capabilities()->set_images(true);
  return endpoint;
}

absl::Status Apply(int flag, const std::string& value, v1::ServerConfig& config) {
  v1::BrowserConfig& browser = *config.mutable_browser();
  switch (flag) {
    case kDataDir: {
      // A relative path is meant from where the command was typed.
      char* cwd = value.empty() || value.front() == '/' ? nullptr : get_current_dir_name();
      config.set_data_dir(cwd == nullptr ? value : absl::StrCat(cwd, "/", value));
      free(cwd);
      return absl::OkStatus();
    }
    case kListen: config.set_listen_address(value); return absl::OkStatus();
    case kUnixSocket: config.set_unix_socket(value); return absl::OkStatus();
    case kHttp: config.mutable_http()->set_listen_address(value); return absl::OkStatus();
    case kEgressAllow: config.mutable_egress()->add_allowed_hosts(value); return absl::OkStatus();
    case kEgressPrivate: config.mutable_egress()->set_allow_private(true); return absl::OkStatus();
    case kUnsandboxed: browser.set_allow_unsandboxed(true); return absl::OkStatus();
    case kBrowser: browser.set_executable(value); return absl::OkStatus();
    case kBrowserUser: browser.set_user(value); return absl::OkStatus();
    case kExchangeDir: config.set_exchange_dir(value); return absl::OkStatus();
    case kModelEndpoint: FlagEndpoint(config).set_base_url(value); return absl::OkStatus();
    case kModelName: FlagEndpoint(config).set_model(value); return absl::OkStatus();
    case kModelKeyEnv: FlagEndpoint(config).set_key_env(value); return absl::OkStatus();
    case kLogLevel:
      return SetEnum<v1::ConfigLogLevel>("log-level", "CONFIG_LOG_LEVEL_", value, v1::ConfigLogLevel_Parse,
                                         [&](auto v) { config.mutable_log()->set_level(v); });
    case kLogFormat:
      return SetEnum<v1::ConfigLogFormat>("log-format", "CONFIG_LOG_FORMAT_", value, v1::ConfigLogFormat_Parse,
                                          [&](auto v) { config.mutable_log()->set_format(v); });
    case kDurability:
      return SetEnum<v1::Durability>("durability", "DURABILITY_", value, v1::Durability_Parse,
                                     [&](auto v) { config.set_durability(v); });
    case kMaxBrowsers: {
      int count = 0;
      if (!absl::SimpleAtoi(value, &count)) {
        return absl::InvalidArgumentError(absl::StrCat("--max-browsers: '", value, "' is not a number"));
      }
      browser.set_max_browsers(count);
      return absl::OkStatus();
    }
    default: return absl::InternalError(absl::StrCat("flag ", flag, " is not handled"));
  }
}

}  // namespace

absl::Status CheckListenAddress(const std::string& address) {
  const size_t colon = address.rfind(':');
  int port = -1;
  if (colon == std::string::npos || !absl::SimpleAtoi(address.substr(colon + 1), &port) || port < 0 || port > 65'535) {
    return absl::InvalidArgumentError(absl::StrCat("'", address, "' is not of the form 127.0.0.1:50551"));
  }
  const std::string host = address.substr(0, colon);
  if (host == "127.0.0.1" || host == "[::1]" || host == "localhost") return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("'", address, "' is refused: without TLS and tokens the server listens on 127.0.0.1, [::1] and a unix "
                   "socket only"));
}

absl::StatusOr<CommandLine> ParseCommandLine(const std::vector<std::string>& arguments) {
  std::vector<std::string> copies = arguments;
  std::vector<char*> argv;
  argv.reserve(copies.size() + 1);
  for (std::string& argument : copies) argv.push_back(argument.data());
  argv.push_back(nullptr);

  CommandLine line;
  std::string file;
  bool fsck = false;
  std::vector<std::pair<int, std::string>> flags;
  optind = 0;  // getopt starts anew.
  opterr = 0;
  for (int flag = 0; (flag = getopt_long(static_cast<int>(arguments.size()), argv.data(), ":", kFlags, nullptr)) != -1;) {
    switch (flag) {
      case kHelp: line.mode = CommandLine::Mode::kHelp; return line;
      case kVersion: line.mode = CommandLine::Mode::kVersion; return line;
      case kCheckConfig: line.mode = CommandLine::Mode::kCheckConfig; break;
      case kFsck:
        if (line.mode != CommandLine::Mode::kRepair) line.mode = CommandLine::Mode::kFsck;
        fsck = true;
        break;
      case kRepair: line.mode = CommandLine::Mode::kRepair; break;
      case kBackup:
        line.mode = CommandLine::Mode::kBackup;
        line.backup_target = optarg;
        break;
      case kConfig: file = optarg; break;
      case ':':
        return absl::InvalidArgumentError(absl::StrCat(argv[optind - 1], " needs a value; see proctord --help"));
      case '?':
        return absl::InvalidArgumentError(absl::StrCat("unknown flag ", argv[optind - 1], "; see proctord --help"));
      default: flags.emplace_back(flag, optarg != nullptr ? optarg : "");
    }
  }
  if (optind < static_cast<int>(arguments.size())) {
    return absl::InvalidArgumentError(absl::StrCat("unexpected argument '", argv[optind], "'; see proctord --help"));
  }
  if (line.mode == CommandLine::Mode::kRepair && !fsck) {
    return absl::InvalidArgumentError("--repair goes with --fsck; see proctord --help");
  }
  std::optional<YamlLocations> locations;
  if (!file.empty()) {
    PROCTOR_ASSIGN_OR_RETURN(locations, LoadYamlProto(file, line.config));
  }
  for (const auto& [flag, value] : flags) PROCTOR_RETURN_IF_ERROR(Apply(flag, value, line.config));
  PROCTOR_RETURN_IF_ERROR(Check(line.config, locations));
  return line;
}

std::string HelpText() {
  return R"(usage: proctord [flags]

Gives agents worlds to act in, sets them tasks, records, judges, and streams rewards. Everything is kept in one data
directory; nothing else has to be started. Stop it with Ctrl-C or SIGTERM: it drains.

  --config FILE                YAML file; every field is explained in proto/proctor/v1/config.proto. Flags override it
  --data-dir DIR               default: $XDG_DATA_HOME/proctor or ~/.local/share/proctor; as root /var/lib/proctor
  --listen ADDRESS             loopback address and port, default 127.0.0.1:50551; port 0: any; "": none
  --unix-socket PATH           default: proctord.sock in the data directory; "": none
  --http ADDRESS               health, readiness and metrics over HTTP there, "127.0.0.1:9464"; default: nowhere
  --log-level LEVEL            debug, info, warning, error
  --log-format FORMAT          text or json, on standard error
  --durability KIND            power (default: an acknowledged step survives a power cut) or process (survives kill -9)
  --egress-allow HOST          a host that pages may reach; may be repeated. Default: every public host
  --egress-allow-private       pages may reach loopback and private addresses
  --browser PATH               default: chromium-headless-shell, else chromium
  --browser-user USER          whom the browser runs as if the server is root; default nobody
  --allow-unsandboxed-browser  where the kernel allows no sandbox; every start warns of it
  --max-browsers N             browser processes at once, default 2
  --model-endpoint URL         judges ask the model there, which must take images (what stands before /chat/completions)
  --model-name NAME            the model's name there; needed with --model-endpoint
  --model-key-env VARIABLE     the environment variable with its key; default: none
  --exchange-dir DIR           where imports are read from and exports written to; default: exchange in the data directory
  --fsck                       check the data directory of a stopped server, exit; with --repair mend what can be mended
  --backup DIR                 copy the data directory to DIR, which is missing or empty, while its server goes on; exit
  --check-config               check file and flags, print the configuration in force, exit
  --version, --help

The addresses are printed and written to addresses.json in the data directory.
Exit codes: 0 stopped as asked, 1 failed, 2 bad flags or configuration, 3 the data directory is in use, 4 it is damaged
(--fsck).
)";
}

}  // namespace proctor::server
