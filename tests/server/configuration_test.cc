#include "server/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/proto_time.h"
#include "env/web/browser_flags.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/util/message_differencer.h"
#include "server/changed_settings.h"
#include "server/configuration.h"
#include "server/server.h"
#include "tests/storage/temp_directory.h"

namespace proctor::server {
namespace {

using ::testing::HasSubstr;

constexpr char kExample[] = "server/proctord.yaml";

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

class ConfigurationTest : public ::testing::Test {
 protected:
  std::string Write(const std::string& yaml) {
    const std::string path = directory_.path() + "/proctord.yaml";
    std::ofstream(path) << yaml;
    return path;
  }
  absl::StatusOr<CommandLine> Load(const std::string& yaml) {
    return ParseCommandLine({"proctord", "--config", Write(yaml)});
  }
  std::string Refused(const std::string& yaml) {
    const auto line = Load(yaml);
    EXPECT_FALSE(line.ok()) << yaml;
    return std::string(line.status().message());
  }

  storage::TempDirectory directory_;
};

// Every field name of the configuration's own messages; settings of other files are their own
// business.
void CollectFields(const google::protobuf::Descriptor* type, std::set<std::string>& names) {
  for (int i = 0; i < type->field_count(); ++i) {
    const auto* field = type->field(i);
    names.insert(field->name());
    const auto* inner = field->is_map() ? field->message_type()->map_value()->message_type()
                                        : field->message_type();
    if (inner != nullptr && inner->file()->name() == type->file()->name())
      CollectFields(inner, names);
  }
}

TEST_F(ConfigurationTest, TheExampleEqualsTheDefaults) {
  const auto defaults = ParseCommandLine({"proctord"});
  const auto example = ParseCommandLine({"proctord", "--config", kExample});
  ASSERT_TRUE(defaults.ok()) << defaults.status();
  ASSERT_TRUE(example.ok()) << example.status();
  std::string difference;
  google::protobuf::util::MessageDifferencer differencer;
  differencer.ReportDifferencesToString(&difference);
  EXPECT_TRUE(differencer.Compare(defaults->config, example->config)) << difference;
}

TEST_F(ConfigurationTest, WhatOpensNoSocketTakesADirectoryTooLongForOne) {
  const std::string folder = "/" + std::string(120, 'd');
  const auto serve = ParseCommandLine({"proctord", "--data-dir", folder});
  EXPECT_THAT(std::string(serve.status().message()), HasSubstr("longer than the 107 bytes"));
  for (const std::vector<std::string>& mode : {std::vector<std::string>{"--fsck"}, {"--fsck", "--repair"}, {"--backup", "/copy"}}) {
    std::vector<std::string> command = {"proctord", "--data-dir", folder, "--listen", ""};
    command.insert(command.end(), mode.begin(), mode.end());
    const auto line = ParseCommandLine(command);
    ASSERT_TRUE(line.ok()) << line.status();
    EXPECT_EQ(line->config.data_dir(), folder);
  }
}

TEST_F(ConfigurationTest, TheExampleNamesEveryField) {
  std::set<std::string> names;
  CollectFields(v1::ServerConfig::descriptor(), names);
  CollectFields(v1::DesktopConfig::descriptor(), names);
  CollectFields(v1::AndroidConfig::descriptor(), names);
  // An application's description and a password in the file are for those who look.
  names.erase("description");
  names.erase("password");
  ASSERT_GT(names.size(), 50u);
  const std::string example = ReadFile(kExample);
  for (const std::string& name : names) {
    EXPECT_TRUE(std::regex_search(example, std::regex("\\b" + name + ":"))) << name;
  }
}

// The commented-out keys are right too: all of them, switched on one at a time.
TEST_F(ConfigurationTest, TheExamplesOptionsLoad) {
  const std::string example = ReadFile(kExample);
  const std::regex option("(^|\n)( *)#([a-z_\"]+: ?[^\n]*)");
  int options = 0;
  for (std::sregex_iterator it(example.begin(), example.end(), option), end; it != end; ++it) {
    // Refused, rightly, to others than root.
    if (absl::StartsWith((*it)[3].str(), "user:") && geteuid() != 0) continue;
    std::string text = example;
    text.replace(it->position(), it->length(), (*it)[1].str() + (*it)[2].str() + (*it)[3].str());
    // A list that follows its key; the empty one above it goes.
    if ((*it)[3] == "evaluators:") {
      text = std::regex_replace(text, std::regex("\n  evaluators: \\[\\]"), "");
      text = std::regex_replace(text, std::regex("\n  #(-|  oracle)"), "\n  $1");
    }
    const auto line = Load(text);
    EXPECT_TRUE(line.ok()) << (*it)[3] << ": " << line.status();
    ++options;
  }
  EXPECT_GE(options, 12);
}

// Those that are off unless the file says so.
TEST_F(ConfigurationTest, TheDocumentedDesktopsAndPhonesAreSwitchedOn) {
  for (const std::string id : {"desktop", "android"}) {
    const std::string page = ReadFile(absl::StrCat("docs/", id, ".md"));
    const std::string fence = "```yaml\n";
    const size_t begin = page.find(fence);
    ASSERT_NE(begin, std::string::npos) << id;
    const size_t from = begin + fence.size();
    const auto line = Load(page.substr(from, page.find("```", from) - from));
    ASSERT_TRUE(line.ok()) << id << ": " << line.status();
    EXPECT_TRUE(line->config.environments().at(id).enabled()) << id;
  }
}

TEST_F(ConfigurationTest, TakesRemoteBrowsersOfThisMachine) {
  for (const char* url :
       {"http://127.0.0.1:9222", "http://localhost:9222/", "ws://[::1]:9222/devtools/browser/x"}) {
    const auto line = Load(absl::StrCat("browser: {remote_url: '", url, "'}\n"));
    EXPECT_TRUE(line.ok()) << url << ": " << line.status();
  }
}

// A flag that the server gets in addition asks for a decision here: whether operators may give it again.
TEST_F(ConfigurationTest, OfTheBrowsersOwnFlagsOnlyThoseForSteadyPagesMayBeGivenAgain) {
  std::set<std::string> allowed;
  for (const std::string& flag : env::web::BrowserCommandLine("/x/chromium", "/p", /*sandboxed=*/false, {})) {
    if (absl::StartsWith(flag, "--") && Load(absl::StrCat("browser: {extra_flags: ['", flag, "']}\n")).ok()) allowed.insert(flag);
  }
  allowed.erase("--disable-dev-shm-usage");  // Where shared memory is small.
  EXPECT_THAT(allowed,
              testing::UnorderedElementsAre(
                  "--headless=new", "--allow-pre-commit-input", "--deny-permission-prompts", "--disable-background-timer-throttling",
                  "--disable-backgrounding-occluded-windows", "--disable-hang-monitor", "--disable-ipc-flooding-protection",
                  "--disable-popup-blocking", "--disable-prompt-on-repost", "--disable-renderer-backgrounding", "--font-render-hinting=none",
                  "--force-color-profile=srgb", "--hide-scrollbars", "--lang=en-US", "--mute-audio", "--disable-gpu-vsync",
                  "--disable-frame-rate-limit"));
  for (const char* flag : {"--lang=de-DE", "--disable-gpu", "--enable-features=SharedArrayBuffer", "--enable-logging=stderr"}) {
    const auto line = Load(absl::StrCat("browser: {extra_flags: ['", flag, "']}\n"));
    EXPECT_TRUE(line.ok()) << line.status();
  }
}

// What stops a server by force leaves it the time that it may take.
TEST_F(ConfigurationTest, AStopFitsIntoWhatComposeAndTheUnitLeaveIt) {
  const absl::Duration beyond = kCloseSessions + kSettleRewards + kEndCalls;
  const auto seconds = [](const std::string& file, const std::string& pattern) {
    const std::string text = ReadFile(file);
    std::smatch found;
    EXPECT_TRUE(std::regex_search(text, found, std::regex(pattern))) << file;
    return found.empty() ? 0 : std::stoi(found[1].str());
  };
  const auto defaults = Load("");
  ASSERT_TRUE(defaults.ok()) << defaults.status();
  EXPECT_LT(FromProto(defaults->config.shutdown_grace()) + beyond,
            absl::Seconds(seconds("docker/compose.yaml", "\n    stop_grace_period: ([0-9]+)s\n")));
  EXPECT_TRUE(Load("shutdown_grace: 10m\n").ok());
  EXPECT_THAT(Refused("shutdown_grace: 601s\n"), HasSubstr("between"));
  EXPECT_LT(absl::Minutes(10) + beyond, absl::Minutes(seconds("server/proctord.service", "\nTimeoutStopSec=([0-9]+)min\n")));
}

struct BadConfiguration {
  const char* yaml;
  const char* where;
  const char* reason;
};

TEST_F(ConfigurationTest, RefusesBadValuesWithFileLineAndField) {
  const std::vector<BadConfiguration> cases = {
      {"log: {level: info}\nbrowser:\n  max_browsers: 65\n",
       "proctord.yaml:3: browser.max_browsers", "between 1 and 64"},
      {"listen_address: 0.0.0.0:1\n", "proctord.yaml:1: listen_address", "auth.tls and auth.tokens_file"},
      {"http: {listen_address: 'localhost:1'}\n", "proctord.yaml:1: http.listen_address", "127.0.0.1:9464"},
      {"retention: {rules: [{name: a}]}\n", "proctord.yaml:1: retention.rules[0]", "needs an age"},
      {"retention: {rules: [{min_age: 1h}]}\n", "proctord.yaml:1: retention.rules[0]", "needs a name"},
      {"retention: {rules: [{name: a, min_age: 1h, environments: [web]}]}\n", "proctord.yaml:1: retention.rules[0].environments",
       "environments/web"},
      {"retention: {interval: 500ms}\n", "proctord.yaml:1: retention.interval", "between"},
      {"traces: {directory: here}\n", "proctord.yaml:1: traces.directory", "absolute"},
      {"traces: {sample_share: 1.5}\n", "proctord.yaml:1: traces.sample_share", "between 0 and 1"},
      {"traces: {max_file_bytes: 1KiB}\n", "proctord.yaml:1: traces.max_file_bytes", "64KiB"},
      {"traces: {max_files: 1001}\n", "proctord.yaml:1: traces.max_files", "between 1 and 1000"},
      {"data_dir: here\n", "proctord.yaml:1: data_dir", "absolute"},
      {"environments: {mars: {}}\n", "environments.mars", "no such environment"},
      {"quotas: {session_weights: {mars: 2}}\n", "proctord.yaml:1: quotas.session_weights.mars", "no such environment"},
      {"desktop:\n  applications:\n    editor: {}\n", "proctord.yaml:3: desktop.applications.editor", "name a program"},
      {"desktop:\n  displays: {vm: {address: here}}\n", "proctord.yaml:2: desktop.displays.vm", "host:port"},
      {"android:\n  connect: ['a b']\n", "proctord.yaml:2: android.connect[0]", ""},
      {"android: {device_wait: 11m}\n", "proctord.yaml:1: android.device_wait", "0 to 10m"},
      {"environments:\n  web:\n    default_limits: {max_steps: 10001}\n",
       "proctord.yaml:3: environments.web.default_limits.max_steps", "between 1 and 10000"},
      {"environments:\n  web:\n    default_settings: {practice: {}}\n",
       "proctord.yaml:3: environments.web.default_settings.practice", "another environment"},
      {"default_limits: {max_duration: 25h}\n", "proctord.yaml:1: default_limits.max_duration",
       "between 1s and 24h"},
      {"egress:\n  allowed_hosts: [ok.example, 'a b']\n",
       "proctord.yaml:2: egress.allowed_hosts[1]", "a b"},
      {"egress: {max_connections: 10001}\n", "egress.max_connections", "between"},
      {"reward_policy:\n  score_map: {power: -1}\n", "proctord.yaml:1: reward_policy", ""},
      {"practice: {port: 65536}\n", "practice.port", "65535"},
      {"evaluation:\n  webarena_functions: {f: {page_url: last}}\n",
       "proctord.yaml:2: evaluation.webarena_functions.f", "expression"},
      {"evaluation: {audit_share: 1.5}\n", "proctord.yaml:1: evaluation.audit_share", "between 0 and 1"},
      {"evaluation: {judge_retries: 101}\n", "evaluation.judge_retries", "between 0 and 100"},
      {"evaluation: {judge_retry_delay: 1ms}\n", "evaluation.judge_retry_delay", "between 1s and 24h"},
      {"models:\n  endpoints:\n    a: {base_url: 'ftp://x', model: m}\n", "models.endpoints.a.base_url", "http"},
      {"models: {endpoints: {a: {base_url: 'http://x/v1', model: m}, b: {base_url: 'http://y/v1', model: m}}}\n",
       "models.routes", "`judge` is needed"},
      {"models: {endpoints: {a: {base_url: 'http://x/v1', model: m}}}\nquotas:\n  tenants:\n    lab: {judge_usd_per_day: 5}\n",
       "proctord.yaml:4: quotas.tenants.lab.judge_usd_per_day", "the model `m` of models.endpoints.a has no price"},
      {"models:\n"
       "  endpoints: {a: {base_url: 'http://x/v1', model: m}, b: {base_url: 'http://y/v1', model: large}}\n"
       "  routes: {judge: {endpoints: [a]}}\n"
       "  prices: {m: {input_usd: 1}}\n"
       "quotas: {otherwise: {judge_usd_per_day: 5}}\n",
       "proctord.yaml:5: quotas.otherwise.judge_usd_per_day", "models.prices: {\"large\": {input_usd: "},
      {"browser: {remote_url: 'file:///etc/passwd'}\n", "browser.remote_url", "ws://"},
      {"browser: {remote_url: 'http://browser.example:9222'}\n", "browser.remote_url", "loopback"},
      {"browser: {remote_url: 'ws://10.0.0.7:9222/devtools/browser/x'}\n", "browser.remote_url",
       "loopback"},
      {"browser: {remote_url: 'ws://127.0.0.1@evil.example/x'}\n", "browser.remote_url",
       "loopback"},
      {"browser: {remote_url: 'ws://localhost.example/x'}\n", "browser.remote_url", "loopback"},
      {"browser: {extra_flags: ['--no-sandbox']}\n", "browser.extra_flags[0]", "allow_unsandboxed"},
      {"browser: {extra_flags: ['--disable-seccomp-filter-sandbox']}\n", "browser.extra_flags[0]", "takes away the sandbox"},
      {"browser: {extra_flags: ['--single-process']}\n", "browser.extra_flags[0]", "takes away the sandbox"},
      {"browser: {extra_flags: ['--lang=de-DE', '--disable-features=Translate']}\n", "browser.extra_flags[1]", "set by the server"},
      {"browser: {extra_flags: ['--disable-features']}\n", "browser.extra_flags[0]", "set by the server"},
      {"browser: {extra_flags: [' --disable-quic']}\n", "browser.extra_flags[0]", "does not begin"},
      {"browser: {extra_flags: ['--disable-quic ']}\n", "browser.extra_flags[0]", "set by the server"},
      {"browser: {extra_flags: ['--enable-quic']}\n", "browser.extra_flags[0]", "opposite of --disable-quic"},
      {"browser: {extra_flags: ['--enable-features=Fine,*HttpsUpgrades<Trial:a/b']}\n", "browser.extra_flags[0]", "names HttpsUpgrades"},
      {"browser: {extra_flags: ['--host-resolver-rules=MAP * 127.0.0.1']}\n", "browser.extra_flags[0]", "`egress`"},
      {"browser: {extra_flags: ['--proxy-pac-url=http://x']}\n", "browser.extra_flags[0]", "`egress`"},
      {"browser: {extra_flags: ['--no-proxy-server']}\n", "browser.extra_flags[0]", "`egress`"},
      {"browser: {extra_flags: ['--force-webrtc-ip-handling-policy=default']}\n", "browser.extra_flags[0]", "leave it out"},
      {"browser: {extra_flags: ['--remote-debugging-port=9222']}\n", "browser.extra_flags[0]", "leave it out"},
      {"browser: {extra_flags: ['http://x']}\n", "browser.extra_flags[0]", "does not begin"},
      {"threads: {jobs: 1025}\n", "threads.jobs", "between"},
      {"sessions: {default_lease: 4s}\n", "sessions.default_lease", "between"},
      {"sessions: {max_lease: 61m}\n", "sessions.max_lease", "between 5s and 1h"},
      {"sessions: {default_lease: 31s, max_lease: 30s}\n", "sessions.default_lease", "between 5s and 30s"},
      {"reward_log: {consumer_expiry: 59s}\n", "reward_log.consumer_expiry", "between"},
      {"durability: disk\n", "proctord.yaml:1: durability", "power, process"},
      {"reward_log: {retention: 1m}\n", "reward_log.retention", "between"},
      {"nonsense: 1\n", "proctord.yaml:1", "nonsense"},
  };
  for (const BadConfiguration& bad : cases) {
    const std::string message = Refused(bad.yaml);
    EXPECT_THAT(message, HasSubstr(bad.where)) << bad.yaml;
    EXPECT_THAT(message, HasSubstr(bad.reason)) << bad.yaml;
  }
}

// Models of the flags too.
TEST_F(ConfigurationTest, AModelOfTheFlagsNeedsAPriceWhereATenantsJudgesAreLimited) {
  const auto load = [&](const std::string& yaml) {
    return ParseCommandLine({"proctord", "--config", Write(yaml), "--model-endpoint", "http://127.0.0.1:8000/v1", "--model-name", "m-7b"});
  };
  const std::string limit = "quotas: {tenants: {lab: {judge_usd_per_day: 5}}}\n";
  const auto unpriced = load(limit);
  ASSERT_FALSE(unpriced.ok());
  EXPECT_THAT(std::string(unpriced.status().message()), HasSubstr("the model `m-7b` of models.endpoints.judge has no price"));
  // By the longest name that it begins with; 0 is a price.
  for (const char* price : {"m-7b: {input_usd: 2, output_usd: 3}", "m: {output_usd: 3}", "m-7b: {input_usd: 0}", "m-7b: {}"}) {
    const auto priced = load(absl::StrCat(limit, "models: {prices: {", price, "}}\n"));
    EXPECT_TRUE(priced.ok()) << price << ": " << priced.status();
  }
  EXPECT_TRUE(load("quotas: {tenants: {lab: {judge_usd_per_day: 0, steps_per_minute: 5}}}\n").ok());
  EXPECT_TRUE(Load(limit).ok());
}

TEST_F(ConfigurationTest, EnvironmentsInheritTheDefaultLimits) {
  const auto line = Load(
      "default_limits: {max_steps: 7, max_duration: 2m}\n"
      "environments: {practice: {default_limits: {max_steps: 9}}}\n");
  ASSERT_TRUE(line.ok()) << line.status();
  const auto& environments = line->config.environments();
  EXPECT_EQ(environments.at("null").default_limits().max_steps(), 7);
  EXPECT_EQ(environments.at("practice").default_limits().max_steps(), 9);
  EXPECT_EQ(FromProto(environments.at("practice").default_limits().max_duration()),
            absl::Minutes(2));
}

TEST_F(ConfigurationTest, TheDefaultLeaseIsNoLongerThanTheLongest) {
  const auto short_ones = Load("sessions: {max_lease: 30s}\n");
  ASSERT_TRUE(short_ones.ok()) << short_ones.status();
  EXPECT_EQ(FromProto(short_ones->config.sessions().default_lease()), absl::Seconds(30));
  const auto longer = Load("sessions: {max_lease: 30m}\n");
  ASSERT_TRUE(longer.ok()) << longer.status();
  EXPECT_EQ(FromProto(longer->config.sessions().default_lease()), absl::Seconds(60));
}

TEST_F(ConfigurationTest, StepsSurviveAPowerCutUnlessToldOtherwise) {
  const auto durability = [&](const std::string& yaml, const std::vector<std::string>& flags) {
    std::vector<std::string> command = {"proctord", "--config", Write(yaml)};
    command.insert(command.end(), flags.begin(), flags.end());
    const auto line = ParseCommandLine(command);
    EXPECT_TRUE(line.ok()) << line.status();
    return line.ok() ? line->config.durability() : v1::DURABILITY_UNSPECIFIED;
  };
  EXPECT_EQ(durability("", {}), v1::DURABILITY_POWER);
  EXPECT_EQ(durability("durability: process\n", {}), v1::DURABILITY_PROCESS);
  EXPECT_EQ(durability("", {"--durability", "process"}), v1::DURABILITY_PROCESS);
  EXPECT_EQ(durability("durability: process\n", {"--durability", "power"}), v1::DURABILITY_POWER);
  const auto reason = [](const std::vector<std::string>& command) { return std::string(ParseCommandLine(command).status().message()); };
  EXPECT_THAT(reason({"proctord", "--durability", "disk"}), HasSubstr("there are power, process"));
  EXPECT_THAT(reason({"proctord", "--log-level", "loud"}), HasSubstr("there are debug, info, warning, error"));
  EXPECT_THAT(reason({"proctord", "--backup", "--data-dir", "/data"}), HasSubstr("needs its value: --data-dir"));
  EXPECT_THAT(reason({"proctord", "--model-endpoint", "http://127.0.0.1:8000/v1"}), HasSubstr("--model-endpoint needs --model-name NAME"));
  EXPECT_EQ(ParseCommandLine({"proctord", "-h"})->mode, CommandLine::Mode::kHelp);
}

TEST_F(ConfigurationTest, TheExchangeDirectoryIsInTheDataDirectoryUnlessNamed) {
  const std::vector<std::string> command = {"proctord", "--config", Write("exchange_dir: /srv/of-the-file\n"), "--data-dir", "/srv/data"};
  const auto by_default = ParseCommandLine({"proctord", "--data-dir", "/srv/data"});
  ASSERT_TRUE(by_default.ok()) << by_default.status();
  EXPECT_EQ(by_default->config.exchange_dir(), "/srv/data/exchange");
  const auto of_file = ParseCommandLine(command);
  ASSERT_TRUE(of_file.ok()) << of_file.status();
  EXPECT_EQ(of_file->config.exchange_dir(), "/srv/of-the-file");
  std::vector<std::string> with_flag = command;
  with_flag.insert(with_flag.end(), {"--exchange-dir", "/srv/of-the-flag"});
  const auto of_flag = ParseCommandLine(with_flag);
  ASSERT_TRUE(of_flag.ok()) << of_flag.status();
  EXPECT_EQ(of_flag->config.exchange_dir(), "/srv/of-the-flag");
  // From where the command was typed.
  const auto relative = ParseCommandLine({"proctord", "--unix-socket", "", "--data-dir", "data", "--exchange-dir", "files"});
  ASSERT_TRUE(relative.ok()) << relative.status();
  EXPECT_EQ(relative->config.data_dir(), std::filesystem::current_path().string() + "/data");
  EXPECT_EQ(relative->config.exchange_dir(), std::filesystem::current_path().string() + "/files");
  EXPECT_THAT(Refused("exchange_dir: here\n"), HasSubstr("exchange_dir: not an absolute path"));
}

TEST_F(ConfigurationTest, FlagsOverrideTheFile) {
  const auto line = ParseCommandLine({"proctord", "--config",
                                      Write("log: {level: error}\nlisten_address: 127.0.0.1:1\n"),
                                      "--listen", "127.0.0.1:0", "--max-browsers", "5"});
  ASSERT_TRUE(line.ok()) << line.status();
  EXPECT_EQ(line->config.listen_address(), "127.0.0.1:0");
  EXPECT_EQ(line->config.log().level(), v1::CONFIG_LOG_LEVEL_ERROR);
  EXPECT_EQ(line->config.environments().at("web").max_sessions(), 5 * 8);
}

TEST_F(ConfigurationTest, WithoutModelsTheChainIsTheOracleAlone) {
  const auto line = Load("");
  ASSERT_TRUE(line.ok()) << line.status();
  EXPECT_THAT(EvaluationChain(line->config), testing::ElementsAre("evaluators/oracle"));
}

TEST_F(ConfigurationTest, AModelEndpointOfTheFlagsIsTheJudges) {
  const auto line = ParseCommandLine({"proctord", "--model-endpoint", "http://127.0.0.1:8000/v1", "--model-name", "m",
                                      "--model-key-env", "KEY"});
  ASSERT_TRUE(line.ok()) << line.status();
  const v1::ModelEndpoint& endpoint = line->config.models().endpoints().at("judge");
  EXPECT_EQ(endpoint.base_url(), "http://127.0.0.1:8000/v1");
  EXPECT_EQ(endpoint.model(), "m");
  EXPECT_EQ(endpoint.key_env(), "KEY");
  EXPECT_TRUE(endpoint.capabilities().images());
  EXPECT_THAT(line->config.models().routes().at("captioner").endpoints(), testing::ElementsAre("judge"));
  EXPECT_THAT(EvaluationChain(line->config), testing::ElementsAre("evaluators/oracle", "evaluators/pae"));
  // Not written out: that would let the judge overrule an oracle that cannot tell.
  EXPECT_TRUE(line->config.evaluation().chain().empty());
}

TEST_F(ConfigurationTest, TheChainThatIsShownIsTheOneInForce) {
  const std::string models = "models: {endpoints: {a: {base_url: 'http://x/v1', model: m}}}\n";
  const auto alone = Load("");
  const auto judged = Load(models);
  const auto given = Load(models + "evaluation: {chain: [evaluators/aer], audit_share: 0.5}\n");
  ASSERT_TRUE(alone.ok() && judged.ok() && given.ok()) << alone.status() << judged.status() << given.status();
  EXPECT_THAT(WithChainInForce(alone->config).evaluation().chain(), testing::ElementsAre("evaluators/oracle"));
  EXPECT_THAT(WithChainInForce(judged->config).evaluation().chain(), testing::ElementsAre("evaluators/oracle", "evaluators/pae"));
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(WithChainInForce(given->config), given->config));
}

TEST_F(ConfigurationTest, TheOnlyEndpointIsTheJudgesAndTheCaptioner) {
  const auto line = Load("models: {endpoints: {a: {base_url: 'http://x/v1', model: m}}}\nevaluation: {chain: [evaluators/aer]}\n");
  ASSERT_TRUE(line.ok()) << line.status();
  EXPECT_THAT(line->config.models().routes().at("judge").endpoints(), testing::ElementsAre("a"));
  EXPECT_THAT(line->config.models().routes().at("captioner").endpoints(), testing::ElementsAre("a"));
  EXPECT_THAT(EvaluationChain(line->config), testing::ElementsAre("evaluators/aer"));
}

TEST_F(ConfigurationTest, RefusesBadFlags) {
  for (const std::vector<std::string>& flags :
       std::vector<std::vector<std::string>>{{"--nonsense"},
                                             {"--data-dir"},
                                             {"word"},
                                             {"--max-browsers", "x"},
                                             {"--model-endpoint", "http://127.0.0.1:1/v1"},
                                             {"--listen", "1.2.3.4:5"},
                                             {"--log-level", "loud"},
                                             {"--config", "/no/such/file"},
                                             {"--config", ""},
                                             {"--data-dir="},
                                             {"--tokens-file", ""},
                                             {"--max-browsers", "99999999999999999999"},
                                             {"--unix-socket", "", "--listen", ""}}) {
    std::vector<std::string> line = {"proctord"};
    line.insert(line.end(), flags.begin(), flags.end());
    EXPECT_FALSE(ParseCommandLine(line).ok()) << flags[0];
  }
}

TEST_F(ConfigurationTest, RetentionThatKeepsNeedsNoAge) {
  const auto line = Load("retention: {rules: [{name: held out, splits: [test], action: keep}, {name: rest, min_age: 1h, action: thin}]}\n");
  ASSERT_TRUE(line.ok()) << line.status();
  EXPECT_EQ(line->config.retention().rules(0).action(), v1::RETENTION_ACTION_KEEP);
  EXPECT_EQ(line->config.retention().rules(1).action(), v1::RETENTION_ACTION_THIN);
}

TEST_F(ConfigurationTest, ChangedSettingsAreNamedByTheirTopmostField) {
  const auto before = Load("log: {level: info}\nenvironments: {web: {max_sessions: 3}}\n");
  const auto after = Load("log: {level: debug}\nenvironments: {web: {max_sessions: 4}}\nquotas: {tenants: {lab: {steps_per_minute: 5}}}\n");
  ASSERT_TRUE(before.ok() && after.ok()) << before.status() << after.status();
  EXPECT_THAT(ChangedSettings(before->config, before->config), testing::IsEmpty());
  EXPECT_THAT(ChangedSettings(before->config, after->config), testing::UnorderedElementsAre("log", "environments", "quotas"));
  EXPECT_THAT(ChangedSettings(after->config, before->config), testing::UnorderedElementsAre("log", "environments", "quotas"));
}

}  // namespace
}  // namespace proctor::server
