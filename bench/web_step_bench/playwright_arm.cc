#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "bench/web_step_bench/arm.h"
#include "bench/web_step_bench/pages.h"
#include "common/json.h"
#include "common/process.h"
#include "common/status.h"
#include "common/strings.h"
#include "env/web/browser_flags.h"
#include "env/web/page_script.h"

namespace proctor::bench {
namespace {

// For a reply of Node; it takes a browser's start at most.
constexpr absl::Duration kPatience = absl::Seconds(120);
// For Node to close its browser at the end.
constexpr absl::Duration kEndPatience = absl::Seconds(30);

std::map<std::string, std::string> OurEnvironment() {
  std::map<std::string, std::string> result;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const size_t equals = text.find('=');
    if (equals != text.npos) result.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return result;
}

// Talks to a Node process: one JSON line a command, one a reply. Times are taken in there, around
// the step alone.
class PlaywrightArm final : public Arm {
 public:
  explicit PlaywrightArm(std::string variant) : variant_(std::move(variant)) {}
  ~PlaywrightArm() override {
    if (to_ >= 0) close(to_);
    if (process_ != nullptr) process_->WaitFor(kEndPatience);
    if (from_ >= 0) close(from_);
  }

  std::string name() const override { return "playwright " + variant_; }

  absl::Status Start(const ArmSetting& setting, const std::string& script,
                     const std::string& node_modules) {
    PROCTOR_ASSIGN_OR_RETURN(const std::string executable, env::web::FindBrowser());
    env::web::BrowserProcessOptions options;
    options.extra_arguments = {"--proxy-server=direct://"};
    Json flags = Json::array();
    const std::string profile = setting.directory + "/profile";
    const auto line =
        env::web::BrowserCommandLine(executable, profile, /*sandboxed=*/false, options);
    for (size_t i = 1; i < line.size(); ++i) flags.push_back(line[i]);
    const Json config = {{"variant", variant_}, {"executable", executable},
                         {"flags", flags},      {"pageScript", env::web::PageScript()},
                         {"x", kButtonX},       {"y", kButtonY}};
    const std::string config_path = setting.directory + "/config.json";
    std::ofstream(config_path) << DumpJson(config);
    PROCTOR_RETURN_IF_ERROR(StartNode(script, config_path, node_modules));
    return ReadReply().status();
  }

  absl::Status Open(const std::string& url) override {
    return Ask({{"do", "open"}, {"url", url}}).status();
  }
  absl::StatusOr<Sample> Step(bool navigates) override {
    return Ask({{"do", "step"}, {"navigates", navigates}});
  }
  absl::StatusOr<Sample> Reset(const std::string& url) override {
    return Ask({{"do", "reset"}, {"url", url}});
  }

 private:
  absl::Status StartNode(const std::string& script, const std::string& config_path,
                         const std::string& node_modules) {
    ProcessOptions options;
    // The shell finds node, and puts the descriptors where node looks for them.
    options.arguments = {"/bin/sh", "-c",   "exec node \"$@\" <&3 >&4 2>&5 3<&- 4>&- 5>&-",
                         "sh",      script, config_path};
    options.environment = OurEnvironment();
    options.environment["NODE_PATH"] = node_modules;
    options.working_directory = std::filesystem::current_path();
    // Closed in other children: an arm ends when its commands do. Commands go through a socket,
    // which reports a Node that is gone instead of raising SIGPIPE.
    int commands[2], replies[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, commands) != 0)
      return Error("socketpair");
    to_ = commands[0];
    if (pipe2(replies, O_CLOEXEC) != 0) {
      close(commands[1]);
      return Error("pipe");
    }
    from_ = replies[0];
    options.descriptors = {{commands[1], 3}, {replies[1], 4}, {STDERR_FILENO, 5}};
    absl::StatusOr<std::unique_ptr<Process>> process = spawner_.Spawn(options);
    close(commands[1]);
    close(replies[1]);
    PROCTOR_RETURN_IF_ERROR(Annotate(process.status(), "cannot start node"));
    process_ = *std::move(process);
    return absl::OkStatus();
  }

  absl::StatusOr<Sample> Ask(const Json& command) {
    // It fits into the socket: the reply to the last one has come.
    const std::string line = DumpJson(command) + "\n";
    if (send(to_, line.data(), line.size(), MSG_NOSIGNAL) < 0) return Error("node ended");
    PROCTOR_ASSIGN_OR_RETURN(const Json reply, ReadReply());
    Sample sample;
    sample.time = absl::Milliseconds(JsonNumberOr(reply, "ms"));
    sample.loaded = absl::Milliseconds(JsonNumberOr(reply, "loaded"));
    sample.structure_bytes = static_cast<size_t>(JsonNumberOr(reply, "structure"));
    absl::Base64Unescape(JsonStringOr(reply, "png"), &sample.png);
    return sample;
  }

  absl::StatusOr<Json> ReadReply() {
    PROCTOR_ASSIGN_OR_RETURN(const std::string line, ReadLine());
    PROCTOR_ASSIGN_OR_RETURN(Json reply, ParseJson(line));
    if (reply.contains("error")) return absl::InternalError(JsonStringOr(reply, "error"));
    return reply;
  }

  // DEADLINE_EXCEEDED ends Node: a reply that came late would pass for that to the next command.
  absl::StatusOr<std::string> ReadLine() {
    const absl::Time deadline = absl::Now() + kPatience;
    std::string line;
    while (line.empty() || line.back() != '\n') {
      const absl::Duration left = std::max(deadline - absl::Now(), absl::ZeroDuration());
      pollfd ready = {from_, POLLIN, 0};
      const int count = poll(&ready, 1, static_cast<int>(absl::ToInt64Milliseconds(left)));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return Error("poll");
      if (count == 0) {
        process_->Kill();
        return absl::DeadlineExceededError(
            absl::StrCat(name(), ": node did not answer within ", absl::FormatDuration(kPatience)));
      }
      char part[64 << 10];
      const ssize_t size = read(from_, part, sizeof part);
      if (size < 0 && errno == EINTR) continue;
      if (size <= 0) return absl::UnavailableError(absl::StrCat(name(), ": node ended"));
      line.append(part, static_cast<size_t>(size));
    }
    return line;
  }

  // What errno says.
  absl::Status Error(std::string_view what) const {
    return absl::UnavailableError(absl::StrCat(name(), ": ", ToAbsl(what), ": ", strerror(errno)));
  }

  const std::string variant_;
  // The pipe of replies and the socket of commands.
  int from_ = -1;
  int to_ = -1;
  ProcessSpawner spawner_;
  std::unique_ptr<Process> process_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Arm>> MakePlaywrightArm(const ArmSetting& setting,
                                                       const std::string& variant,
                                                       const std::string& script,
                                                       const std::string& node_modules) {
  auto arm = std::make_unique<PlaywrightArm>(variant);
  PROCTOR_RETURN_IF_ERROR(arm->Start(setting, script, node_modules));
  return arm;
}

}  // namespace proctor::bench
