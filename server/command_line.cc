#include "server/command_line.h"

#include <getopt.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "common/proto_time.h"
#include "common/status.h"
#include "common/strings.h"
#include "common/yaml_proto.h"
#include "server/auth/auth_config.h"
#include "server/auth/token_table.h"
#include "server/configuration.h"
#include "server/models.h"

namespace proctor::server {
namespace {

// The flags, in the order of --help.
enum Flag : int { kConfig = 256, kDataDir, kListen, kUnixSocket, kHttp, kLogLevel, kLogFormat, kDurability, kEgressAllow,
                  kEgressPrivate, kUnsandboxed, kBrowser, kBrowserUser, kMaxBrowsers, kExchangeDir, kModelEndpoint, kModelName,
                  kModelKeyEnv, kEnable, kTokensFile, kTlsCertificate, kTlsKey, kTlsClientCa, kAnyoneOnTheNetwork, kNewToken,
                  kTenant, kScopes, kExpires, kFsck, kRepair, kBackup, kCheckConfig, kVersion, kHelp };

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
    {"enable", required_argument, nullptr, kEnable},
    {"tokens-file", required_argument, nullptr, kTokensFile},
    {"tls-certificate", required_argument, nullptr, kTlsCertificate},
    {"tls-key", required_argument, nullptr, kTlsKey},
    {"tls-client-ca", required_argument, nullptr, kTlsClientCa},
    {"anyone-on-the-network-may-connect", no_argument, nullptr, kAnyoneOnTheNetwork},
    {"new-token", required_argument, nullptr, kNewToken},
    {"tenant", required_argument, nullptr, kTenant},
    {"scopes", required_argument, nullptr, kScopes},
    {"expires", required_argument, nullptr, kExpires},
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
                     const std::string& choices, const std::function<void(Enum)>& set) {
  Enum parsed;
  if (!parse(prefix + absl::AsciiStrToUpper(value), &parsed)) {
    return absl::InvalidArgumentError(absl::StrCat("--", flag, ": unknown value '", value, "'; there are ", choices));
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

// A relative path is meant from where the command was typed.
std::string FromHere(const std::string& path) {
  char* cwd = path.empty() || path.front() == '/' ? nullptr : get_current_dir_name();
  std::string absolute = cwd == nullptr ? path : absl::StrCat(cwd, "/", path);
  free(cwd);
  return absolute;
}

absl::Status Apply(int flag, const std::string& value, v1::ServerConfig& config) {
  v1::BrowserConfig& browser = *config.mutable_browser();
  switch (flag) {
    case kDataDir: config.set_data_dir(FromHere(value)); return absl::OkStatus();
    case kTokensFile: config.mutable_auth()->set_tokens_file(FromHere(value)); return absl::OkStatus();
    case kTlsCertificate: config.mutable_auth()->mutable_tls()->set_certificate_file(FromHere(value)); return absl::OkStatus();
    case kTlsKey: config.mutable_auth()->mutable_tls()->set_key_file(FromHere(value)); return absl::OkStatus();
    case kTlsClientCa: config.mutable_auth()->mutable_tls()->set_client_ca_file(FromHere(value)); return absl::OkStatus();
    case kListen: config.set_listen_address(value); return absl::OkStatus();
    case kUnixSocket: config.set_unix_socket(value); return absl::OkStatus();
    case kHttp: config.mutable_http()->set_listen_address(value); return absl::OkStatus();
    case kEgressAllow: config.mutable_egress()->add_allowed_hosts(value); return absl::OkStatus();
    case kEgressPrivate: config.mutable_egress()->set_allow_private(true); return absl::OkStatus();
    case kUnsandboxed: browser.set_allow_unsandboxed(true); return absl::OkStatus();
    case kBrowser: browser.set_executable(value); return absl::OkStatus();
    case kBrowserUser: browser.set_user(value); return absl::OkStatus();
    case kExchangeDir: config.set_exchange_dir(FromHere(value)); return absl::OkStatus();
    case kEnable: (*config.mutable_environments())[value].set_enabled(true); return absl::OkStatus();
    case kModelEndpoint: FlagEndpoint(config).set_base_url(value); return absl::OkStatus();
    case kModelName: FlagEndpoint(config).set_model(value); return absl::OkStatus();
    case kModelKeyEnv: FlagEndpoint(config).set_key_env(value); return absl::OkStatus();
    case kLogLevel:
      return SetEnum<v1::ConfigLogLevel>("log-level", "CONFIG_LOG_LEVEL_", value, v1::ConfigLogLevel_Parse, "debug, info, warning, error",
                                         [&](auto v) { config.mutable_log()->set_level(v); });
    case kLogFormat:
      return SetEnum<v1::ConfigLogFormat>("log-format", "CONFIG_LOG_FORMAT_", value, v1::ConfigLogFormat_Parse, "text, json",
                                          [&](auto v) { config.mutable_log()->set_format(v); });
    case kDurability:
      return SetEnum<v1::Durability>("durability", "DURABILITY_", value, v1::Durability_Parse, "power, process",
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

// The flags of --new-token.
absl::Status ApplyToToken(int flag, const std::string& value, v1::Token& token) {
  if (flag == kTenant) token.set_tenant(value);
  if (flag == kScopes) {
    for (const auto& name : absl::StrSplit(value, ',', absl::SkipEmpty())) {
      PROCTOR_ASSIGN_OR_RETURN(const v1::Scope scope, ParseScope(ToStd(name)));
      token.add_scopes(scope);
    }
  }
  if (flag == kExpires) {
    absl::Duration lifetime;
    if (!absl::ParseDuration(value, &lifetime) || lifetime <= absl::ZeroDuration() || lifetime == absl::InfiniteDuration()) {
      return absl::InvalidArgumentError(absl::StrCat("--expires: '", value, "' is not a duration such as 720h"));
    }
    *token.mutable_expire_time() = ToProto(absl::Now() + lifetime);
  }
  return absl::OkStatus();
}

}  // namespace

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
  std::vector<std::pair<int, std::string>> token_flags;
  NetworkConsent consent = NetworkConsent::kNotGiven;
  optind = 0;  // getopt starts anew.
  opterr = 0;
  int which = 0;
  for (int flag = 0; (flag = getopt_long(static_cast<int>(arguments.size()), argv.data(), ":h", kFlags, &which)) != -1;) {
    const bool swallowed = flag != '?' && flag != ':' && optarg != nullptr && std::string_view(optarg).starts_with("--");
    if (swallowed) return absl::InvalidArgumentError(absl::StrCat("a flag stands where one before it needs its value: ", optarg, "; see proctord --help"));
    // "--config $FILE" without the variable would start another server than was meant.
    const bool may_be_empty = flag == kListen || flag == kUnixSocket || flag == kHttp;
    if (flag != '?' && flag != ':' && optarg != nullptr && *optarg == '\0' && !may_be_empty) {
      return absl::InvalidArgumentError(absl::StrCat("--", kFlags[which].name, ": its value is empty; leave the flag out, or see proctord --help"));
    }
    switch (flag) {
      case 'h':
      case kHelp: line.mode = CommandLine::Mode::kHelp; return line;
      case kVersion: line.mode = CommandLine::Mode::kVersion; return line;
      case kCheckConfig: line.mode = CommandLine::Mode::kCheckConfig; break;
      case kAnyoneOnTheNetwork: consent = NetworkConsent::kGiven; break;
      case kNewToken:
        line.mode = CommandLine::Mode::kNewToken;
        line.token.set_name(optarg);
        break;
      case kTenant:
      case kScopes:
      case kExpires: token_flags.emplace_back(flag, optarg); break;
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
  if (!token_flags.empty() && line.mode != CommandLine::Mode::kNewToken) {
    return absl::InvalidArgumentError("--tenant, --scopes and --expires go with --new-token NAME");
  }
  for (const auto& [flag, value] : token_flags) PROCTOR_RETURN_IF_ERROR(ApplyToToken(flag, value, line.token));
  if (line.mode == CommandLine::Mode::kNewToken) return line;
  if (line.mode == CommandLine::Mode::kRepair && !fsck) {
    return absl::InvalidArgumentError("--repair goes with --fsck; see proctord --help");
  }
  std::optional<YamlLocations> locations;
  if (!file.empty()) {
    PROCTOR_ASSIGN_OR_RETURN(locations, LoadYamlProto(file, line.config));
  }
  for (const auto& [flag, value] : flags) PROCTOR_RETURN_IF_ERROR(Apply(flag, value, line.config));
  const auto& endpoints = line.config.models().endpoints();
  if (const auto judge = endpoints.find(kJudgeRoute); judge != endpoints.end()) {
    const bool by_flag = std::any_of(flags.begin(), flags.end(), [](const auto& flag) { return flag.first == kModelEndpoint; });
    if (by_flag && judge->second.model().empty()) return absl::InvalidArgumentError("--model-endpoint needs --model-name NAME");
  }
  // These open no socket: any path that holds a data directory will do.
  const bool at_rest = line.mode == CommandLine::Mode::kFsck || line.mode == CommandLine::Mode::kRepair || line.mode == CommandLine::Mode::kBackup;
  if (at_rest) line.config.set_unix_socket("");
  if (at_rest) line.config.clear_listen_address();
  PROCTOR_RETURN_IF_ERROR(CheckConfiguration(line.config, consent, locations));
  return line;
}

std::string HelpText() {
  return R"(usage: proctord [flags]

Gives agents worlds to act in, sets them tasks, records, judges, and streams rewards. Everything is kept in one data
directory; nothing else has to be started. Stop it with Ctrl-C or SIGTERM: it drains.

  --config FILE                YAML file; every field is explained in proto/proctor/v1/config.proto. Flags override it
  --data-dir DIR               default: $XDG_DATA_HOME/proctor or ~/.local/share/proctor; as root /var/lib/proctor
  --listen ADDRESS             address and port, default 127.0.0.1:50551; port 0: any; "": none. Other than loopback only with
                               --tls-certificate, --tls-key and --tokens-file
  --unix-socket PATH           default: proctord.sock in the data directory; "": none
  --http ADDRESS               health, readiness and metrics over HTTP there, "127.0.0.1:9464"; default: nowhere
  --log-level LEVEL            debug, info, warning, error
  --log-format FORMAT          text or json, on standard error
  --durability KIND            power (default: an acknowledged step survives a power cut) or process (survives kill -9)
  --egress-allow HOST          pages may reach this host ("example.org", "*.example.org", "127.0.0.1:8080") and no other that is
                               not named so: it closes all public sites; may be repeated. Default: every public host
  --egress-allow-private       pages may reach loopback and private addresses as well, besides public hosts: for a site on this
                               machine or in your network
  --browser PATH               default: chromium-headless-shell, else chromium
  --browser-user USER          whom the browser runs as if the server is root; default nobody
  --allow-unsandboxed-browser  where the kernel allows no sandbox; every start warns of it
  --max-browsers N             browser processes at once, default 2
  --model-endpoint URL         judges ask the model there, which must take images (what stands before /chat/completions)
  --model-name NAME            the model's name there; needed with --model-endpoint
  --model-key-env VARIABLE     the environment variable with its key; default: none
  --exchange-dir DIR           where imports are read from and exports written to; default: exchange in the data directory
  --enable ENVIRONMENT         switches an environment on that is off unless configured: desktop, android; may be repeated
  --tokens-file FILE           the tokens that callers over TCP need
  --tls-certificate FILE       PEM; with --tls-key FILE: TLS over TCP. Renewed files are read without a restart
  --tls-client-ca FILE         PEM; clients need a certificate of these authorities
  --new-token NAME             print a new token, once, and the entry that makes it known in the tokens file; exit. With --scopes
                               act,record,propose,judge,label,read_rewards,administer; --tenant NAME; --expires 720h
  --anyone-on-the-network-may-connect
                               with auth.allow_unprotected_network in the file: serve the network without TLS or tokens
  --fsck                       check the data directory of a stopped server, exit; with --repair mend what can be mended. A
                               check too folds the database's log into the database: not on a read-only disk
  --backup DIR                 copy the data directory to DIR, which is missing or empty, while its server goes on; exit
  --check-config               check file and flags, tokens and TLS files, print the configuration in force, exit
  --version, -h, --help

The addresses are printed and written to addresses.json in the data directory.
Exit codes: 0 stopped as asked, 1 failed, 2 bad flags or configuration, 3 the data directory is in use, 4 it is damaged
(proctord --fsck says where), or a --backup of it lacks blobs.
)";
}

}  // namespace proctor::server
