#include "env/web/browser_process.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/json.h"
#include "common/log.h"
#include "common/status.h"
#include "env/web/browser_directory.h"
#include "env/web/browser_flags.h"
#include "env/web/devtools.h"
#include "env/web/download_watch.h"

namespace proctor::env::web {
namespace {

constexpr absl::Duration kStartCap = absl::Seconds(30);

std::string Tail(const std::string& path, size_t bytes) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  const std::string all = text.str();
  return all.size() > bytes ? all.substr(all.size() - bytes) : all;
}

constexpr char kMendSandbox[] =
    "the browser's sandbox cannot be used here. Mend it by one of: allow unprivileged user namespaces "
    "(sysctl kernel.unprivileged_userns_clone=1, sysctl user.max_user_namespaces=10000, "
    "kernel.apparmor_restrict_unprivileged_userns=0; in a container, a seccomp profile that lets them through: "
    "docker/seccomp.json); outside of containers, install Debian's chromium-sandbox; or, only where every page is "
    "trusted, start with --allow-unsandboxed-browser";

}  // namespace

absl::StatusOr<std::string> FindBrowser(v1::BrowserKind kind) {
  const bool full = kind == v1::BROWSER_KIND_CHROMIUM;
  for (const char* path : {"/usr/lib/chromium/chromium-headless-shell", "/usr/bin/chromium-headless-shell",
                           "/usr/lib/chromium/chromium", "/usr/bin/chromium", "/usr/bin/google-chrome"}) {
    if (full && absl::EndsWith(path, "headless-shell")) continue;
    if (access(path, X_OK) == 0) return std::string(path);
  }
  return absl::NotFoundError(absl::StrCat("no Chromium found: apt-get install ",
                                          full ? "chromium" : "chromium-headless-shell", " chromium-sandbox"));
}

absl::StatusOr<std::unique_ptr<BrowserProcess>> BrowserProcess::Start(
    const CallContext& context, const BrowserProcessOptions& options, ProcessSpawner& spawner) {
  auto browser = std::unique_ptr<BrowserProcess>(new BrowserProcess());
  if (geteuid() == 0) {
    const absl::StatusOr<ProcessOptions::User> user =
        FindUser(options.user.empty() ? "nobody" : options.user);
    if (user.ok()) {
      if (user->uid == 0) return absl::InvalidArgumentError("the browser does not run as root");
      browser->user_ = *user;
    } else if (!options.allow_unsandboxed) {
      return Annotate(user.status(), "whom the browser should run as");
    }
  }
  PROCTOR_RETURN_IF_ERROR(browser->MakeDirectories(options));
  const CallContext capped = context.Child(kStartCap);
  absl::Status launched = browser->Launch(capped, options, spawner);
  if (!launched.ok()) launched = browser->ExplainFailure(launched);
  if (launched.code() == absl::StatusCode::kFailedPrecondition && options.allow_unsandboxed) {
    LogWarning("the browser runs WITHOUT its sandbox: open trusted pages only");
    browser->sandboxed_ = false;
    launched = browser->Launch(capped, options, spawner);
    if (!launched.ok()) launched = browser->ExplainFailure(launched);
  }
  if (!launched.ok()) return launched;
  const auto cancel = [devtools = browser->devtools_.get()](const std::string& context_id, const std::string& guid) {
    devtools->Send({"", "Browser.cancelDownload", {{"guid", guid}, {"browserContextId", context_id}}});
  };
  PROCTOR_ASSIGN_OR_RETURN(browser->watch_, DownloadWatch::Start(browser->download_root_, options.max_download_folder_bytes, cancel));
  return browser;
}

absl::Status BrowserProcess::MakeDirectories(const BrowserProcessOptions& options) {
  PROCTOR_ASSIGN_OR_RETURN(directory_, MakeBrowserDirectory(options.profile_root));
  log_path_ = directory_ + "/log";
  download_root_ = directory_ + "/downloads";
  upload_root_ = directory_ + "/uploads";
  if (mkdir(upload_root_.c_str(), 0711) != 0) return absl::InternalError(strerror(errno));
  // Whatever our umask is.
  chmod(upload_root_.c_str(), 0711);
  for (const std::string& path : {directory_ + "/profile", download_root_}) {
    if (mkdir(path.c_str(), 0700) != 0 ||
        (user_ && chown(path.c_str(), user_->uid, user_->gid) != 0)) {
      return absl::InternalError(absl::StrCat("cannot make ", path, ": ", strerror(errno)));
    }
  }
  return absl::OkStatus();
}

absl::Status BrowserProcess::Launch(const CallContext& context, const BrowserProcessOptions& options,
                                    ProcessSpawner& spawner) {
  std::string executable = options.executable;
  if (executable.empty()) {
    PROCTOR_ASSIGN_OR_RETURN(executable, FindBrowser());
  }
  const std::string profile = directory_ + "/profile";
  ProcessOptions child;
  child.arguments = BrowserCommandLine(executable, profile, sandboxed_, options);
  child.environment = {{"HOME", profile},
                       {"XDG_CONFIG_HOME", profile},
                       {"XDG_CACHE_HOME", profile},
                       {"TMPDIR", profile},
                       {"TZ", "UTC"},
                       {"LANG", "C.UTF-8"},
                       {"PATH", "/usr/bin:/bin"},
                       // No session bus: there is none for this user, and nothing to say to it.
                       {"DBUS_SESSION_BUS_ADDRESS", "unix:path=/dev/null"}};
  child.working_directory = profile;
  child.output_path = log_path_;
  child.user = user_;
  int commands[2], answers[2];
  if (pipe2(commands, O_CLOEXEC) != 0) return absl::ResourceExhaustedError(strerror(errno));
  if (pipe2(answers, O_CLOEXEC) != 0) {
    close(commands[0]);
    close(commands[1]);
    return absl::ResourceExhaustedError(strerror(errno));
  }
  child.descriptors = {{commands[0], 3}, {answers[1], 4}};
  absl::StatusOr<std::unique_ptr<Process>> process = spawner.Spawn(child);
  close(commands[0]);
  close(answers[1]);
  absl::StatusOr<std::unique_ptr<DevToolsTransport>> pipes = NewPipeTransport(answers[0], commands[1]);
  PROCTOR_RETURN_IF_ERROR(process.status());
  process_ = *std::move(process);
  PROCTOR_RETURN_IF_ERROR(pipes.status());
  devtools_ = std::make_unique<DevTools>(*std::move(pipes));
  PROCTOR_ASSIGN_OR_RETURN(const Json version, devtools_->Call(context, "", "Browser.getVersion"));
  product_ = JsonStringOr(version, "product");
  user_agent_ = JsonStringOr(version, "userAgent");
  return absl::OkStatus();
}

absl::Status BrowserProcess::ExplainFailure(const absl::Status& failure) const {
  const std::string log = Tail(log_path_, 4096);
  for (const char* sign : {"No usable sandbox", "without --no-sandbox", "Failed to move to new namespace",
                           "but is not configured correctly"}) {
    if (absl::StrContains(log, sign)) return absl::FailedPreconditionError(kMendSandbox);
  }
  if (log.empty() || failure.code() == absl::StatusCode::kNotFound) return failure;
  return absl::Status(failure.code(), absl::StrCat(failure.message(), "; the browser said: ", Tail(log_path_, 500)));
}

BrowserProcess::~BrowserProcess() {
  // First: whatever waits for its words has then heard the last of them.
  if (process_ != nullptr) process_->Kill();
  watch_.reset();
  devtools_.reset();
  process_.reset();
  if (!directory_.empty()) RemoveBrowserDirectory(directory_);
}

}  // namespace proctor::env::web
