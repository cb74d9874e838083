// proctord.

#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "common/call_context.h"
#include "common/log.h"
#include "common/open_files.h"
#include "common/proto_json.h"
#include "common/proto_time.h"
#include "server/auth/auth_config.h"
#include "server/auth/token_table.h"
#include "server/command_line.h"
#include "server/configuration.h"
#include "server/maintenance.h"
#include "server/rpc/grpc_log.h"
#include "server/server.h"
#include "server/stop_signals.h"
#include "server/version.h"

namespace proctor::server {
namespace {

// As of --fsck, where both have them.
enum ExitCode { kStopped = 0, kFailed = 1, kBadConfiguration = 2, kDataDirectoryInUse = 3, kDataDirectoryDamaged = 4 };

void ConfigureLogs(const v1::LogConfig& log) {
  LogLevel level = LogLevel::kInfo;
  if (log.level() == v1::CONFIG_LOG_LEVEL_DEBUG) level = LogLevel::kDebug;
  if (log.level() == v1::CONFIG_LOG_LEVEL_WARNING) level = LogLevel::kWarning;
  if (log.level() == v1::CONFIG_LOG_LEVEL_ERROR) level = LogLevel::kError;
  ConfigureLog(level, log.format() == v1::CONFIG_LOG_FORMAT_JSON ? LogFormat::kJson : LogFormat::kText);
}

// More than one server serves; above it, some kernels and libraries count through all that could be open.
constexpr int64_t kMostOpenFiles = 1 << 20;

// Each connection is a file, and most shells and services begin with 1,024.
void RaiseOpenFiles() {
  const auto raised = RaiseOpenFileLimit(kMostOpenFiles);
  if (!raised.ok()) {
    LogWarning("the limit of open files stays as it is", {{"error", raised.status().ToString()}});
    return;
  }
  LogInfo("open files", {{"limit", absl::StrCat(raised->now)}, {"limit_before", absl::StrCat(raised->before)}});
}

absl::StatusOr<std::unique_ptr<Server>> StartServer(const v1::ServerConfig& config, const std::shared_ptr<CancelToken>& stop) {
  const StopSignals signals("the start", stop);
  return Server::Start(config, stop);
}

// The command line is read once more, so what flags say still stands above the file.
void Reload(const std::vector<std::string>& arguments, Server& server) {
  const auto line = ParseCommandLine(arguments);
  if (!line.ok()) {
    server.Reload(line.status());
    return;
  }
  ConfigureLogs(line->config.log());
  server.Reload(line->config);
}

// What a server is told by.
sigset_t ServerSignals() { return SignalSet({SIGINT, SIGTERM, SIGHUP}); }

// ServerSignals are blocked in this thread: every one that it makes inherits that.
int Serve(const v1::ServerConfig& config, const std::vector<std::string>& arguments) {
  ConfigureLogs(config.log());
  LogWhatGrpcSays();
  RaiseOpenFiles();
  // Nobody else writes to what the server makes, its socket above all.
  umask(umask(0077) | 0022);
  signal(SIGPIPE, SIG_IGN);

  const auto stop = std::make_shared<CancelToken>();
  auto server = StartServer(config, stop);
  if (absl::IsCancelled(server.status()) && stop->cancelled()) {
    LogInfo("stopped");
    return kStopped;
  }
  if (!server.ok()) {
    LogError("proctord cannot start", {{"error", server.status().ToString()}});
    if (absl::IsDataLoss(server.status())) {
      LogError("the data directory is damaged: proctord --fsck tells what is; restore a backup, or mend it (docs/operations.md)",
               {{"directory", config.data_dir()}});
      return kDataDirectoryDamaged;
    }
    const bool in_use = absl::IsFailedPrecondition(server.status()) &&
                        server.status().message().find("is in use by process") != absl::string_view::npos;
    return in_use ? kDataDirectoryInUse : kFailed;
  }
  const Addresses& addresses = (*server)->addresses();
  std::printf("proctord %s\n", kVersion);
  if (!addresses.unix_socket.empty()) std::printf("  unix:%s\n", addresses.unix_socket.c_str());
  if (!addresses.grpc.empty()) std::printf("  %s\n", addresses.grpc.c_str());
  if (!addresses.http.empty()) std::printf("  http://%s/metrics\n", addresses.http.c_str());
  std::printf("  data in %s\nready\n", config.data_dir().c_str());
  std::fflush(stdout);

  const sigset_t signals = ServerSignals();
  int signal_number = 0;
  while (!stop->cancelled() && sigwait(&signals, &signal_number) == 0 && signal_number == SIGHUP) Reload(arguments, **server);
  // None: it came while the server started, and was told of then.
  LogInfo("stopping", {{"signal", signal_number == SIGINT ? "SIGINT" : signal_number == SIGTERM ? "SIGTERM" : "at the start"}});
  // A second signal ends at once; there is nothing to read again any more.
  signal(SIGHUP, SIG_IGN);
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
  (*server)->Shutdown(FromProto(config.shutdown_grace()));
  server->reset();
  LogInfo("stopped");
  return kStopped;
}

void PrintConfiguration(const v1::ServerConfig& config) {
  const v1::ServerConfig shown = WithChainInForce(config);
  std::printf("%s\n", ProtoToJson(shown, JsonLayout::kIndented).c_str());
  if (!config.evaluation().chain().empty() || shown.evaluation().chain_size() == 1) return;
  // Where it matters to who makes a file of this.
  std::fputs("proctord: evaluation.chain is the default. Written out in a file, it would have the judge decide also what the oracle "
             "leaves UNDETERMINED for want of evidence or of a setting\n", stderr);
}

// Also what a start would read besides.
int CheckConfiguredFiles(const v1::ServerConfig& config) {
  if (const absl::Status files = CheckDoorFiles(config.auth(), absl::Now()); !files.ok()) {
    std::fprintf(stderr, "proctord: %s\n", std::string(files.message()).c_str());
    return kBadConfiguration;
  }
  PrintConfiguration(config);
  return kStopped;
}

int PrintNewToken(const v1::Token& wanted) {
  const auto made = MakeToken(wanted);
  if (!made.ok()) {
    std::fprintf(stderr, "proctord: %s\n", std::string(made.status().message()).c_str());
    return kBadConfiguration;
  }
  std::printf("# The token, for its holder; it is kept nowhere and not shown again:\n%s\n# Below `tokens:` in the tokens file:\n%s",
              made->token.c_str(), made->entry.c_str());
  return kStopped;
}

int Main(int argc, char** argv) {
  // First of all: what comes while the command line is read waits for Serve. No handler, no race.
  const sigset_t signals = ServerSignals();
  sigset_t before;
  pthread_sigmask(SIG_BLOCK, &signals, &before);
  const std::vector<std::string> arguments(argv, argv + argc);
  const auto line = ParseCommandLine(arguments);
  if (!line.ok()) {
    std::fprintf(stderr, "proctord: %s\n", std::string(line.status().message()).c_str());
    return kBadConfiguration;
  }
  // Everything else is ended by them as any program is.
  if (line->mode != CommandLine::Mode::kServe) pthread_sigmask(SIG_SETMASK, &before, nullptr);
  switch (line->mode) {
    case CommandLine::Mode::kHelp: std::fputs(HelpText().c_str(), stdout); return kStopped;
    case CommandLine::Mode::kVersion: std::printf("proctord %s\n", kVersion); return kStopped;
    case CommandLine::Mode::kCheckConfig: return CheckConfiguredFiles(line->config);
    case CommandLine::Mode::kNewToken: return PrintNewToken(line->token);
    case CommandLine::Mode::kFsck: return RunFsck(line->config.data_dir(), FsckMode::kLook);
    case CommandLine::Mode::kRepair: return RunFsck(line->config.data_dir(), FsckMode::kRepair);
    case CommandLine::Mode::kBackup: return RunBackup(line->config.data_dir(), line->backup_target);
    case CommandLine::Mode::kServe: return Serve(line->config, arguments);
  }
  return kFailed;
}

}  // namespace
}  // namespace proctor::server

int main(int argc, char** argv) {
#ifdef NDEBUG
  // Debian's abseil is built with assertions on: each lock within gRPC would look for cycles of locks, as in a debug build.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
#endif
  return proctor::server::Main(argc, argv);
}
