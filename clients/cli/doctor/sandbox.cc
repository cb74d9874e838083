#include <pwd.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "clients/cli/doctor/checks.h"
#include "clients/cli/doctor/trial_run.h"

namespace proctor::cli::doctor {
namespace {

using User = ProcessOptions::User;

constexpr char kAllowNamespaces[] =
    "allow unprivileged user namespaces (sysctl kernel.unprivileged_userns_clone=1 "
    "user.max_user_namespaces=10000 "
    "kernel.apparmor_restrict_unprivileged_userns=0; in a container, a seccomp profile that lets "
    "unshare through), or "
    "apt-get install chromium-sandbox, or, only where every page is trusted, start proctord with "
    "--allow-unsandboxed-browser";
constexpr char kSetuidHelper[] = "/usr/lib/chromium/chrome-sandbox";

// Whether `user` may make the namespaces that the sandbox is made of: 0 or the reason. Only
// system calls between fork and _exit.
int TryNamespaces(const std::optional<User>& user) {
  const pid_t child = fork();
  if (child < 0) return errno;
  if (child == 0) {
    if (user && (syscall(SYS_setgroups, 0, nullptr) != 0 ||
                 syscall(SYS_setresgid, user->gid, user->gid, user->gid) != 0 ||
                 syscall(SYS_setresuid, user->uid, user->uid, user->uid) != 0)) {
      _exit(errno);
    }
    _exit(unshare(CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET) == 0 ? 0 : errno);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : EPERM;
}

Finding CheckUser(const Patient& patient, std::optional<User>& user) {
  if (geteuid() != 0) {
    const passwd* self = getpwuid(geteuid());
    return {
        Health::kOk, "browser user",
        absl::StrCat("as ", self != nullptr ? self->pw_name : "this user", ", like the server")};
  }
  const std::string name = patient.browser.user().empty() ? "nobody" : patient.browser.user();
  const auto found = FindUser(name);
  if (!found.ok() || found->uid == 0) {
    return {Health::kMissing, "browser user",
            absl::StrCat(name, found.ok() ? " is root" : " does not exist"),
            "name an unprivileged user (browser.user, --browser-user)"};
  }
  user = *found;
  return {Health::kOk, "browser user", absl::StrCat(name, ", as the server is root")};
}

Finding CheckNamespaces(const std::optional<User>& user) {
  const int error = TryNamespaces(user);
  if (error == 0) return {Health::kOk, "user namespaces", "allowed"};
  const std::string refused = absl::StrCat("refused by the kernel: ", strerror(error));
  if (access(kSetuidHelper, X_OK) == 0) {
    return {Health::kNote, "user namespaces",
            absl::StrCat(refused, "; ", kSetuidHelper, " takes their place")};
  }
  return {Health::kMissing, "user namespaces", refused, kAllowNamespaces};
}

// The proof: an empty page in a browser with its sandbox on. Nothing it might ask of the network
// goes anywhere (port 9 on loopback answers nobody).
Finding CheckStart(const Patient& patient, const std::string& path,
                   const std::optional<User>& user) {
  std::vector<std::string> line = {path,
                                   "--user-data-dir=@HOME@/profile",
                                   "--proxy-server=127.0.0.1:9",
                                   "--disable-background-networking",
                                   "--disable-component-update",
                                   "--disable-gpu",
                                   "--disable-dev-shm-usage",
                                   "--no-first-run"};
  if (!absl::EndsWith(path, "headless-shell")) line.push_back("--headless=new");
  line.insert(line.end(), {"--dump-dom", "about:blank"});
  const auto trial = TryRun(line, user, patient.timeout);
  if (trial.ok() && absl::StrContains(trial->output, "<html")) {
    return {Health::kOk, "sandbox", "the browser starts with its sandbox on"};
  }
  const std::string said = trial.ok() ? trial->output : std::string(trial.status().message());
  const bool sandbox =
      absl::StrContains(said, "sandbox") || absl::StrContains(said, "new namespace");
  return {Health::kMissing, "sandbox",
          absl::StrCat("the browser does not start with its sandbox on", said.empty() ? "" : ": ",
                       said),
          sandbox ? kAllowNamespaces
                  : "apt-get install --reinstall chromium-headless-shell chromium-sandbox"};
}

}  // namespace

std::vector<Finding> CheckSandbox(const Patient& patient) {
  if (!patient.browser.remote_url().empty()) return {};
  std::optional<User> user;
  std::vector<Finding> findings = {CheckUser(patient, user)};
  if (findings.back().health == Health::kMissing) return findings;
  findings.push_back(CheckNamespaces(user));
  const std::string path = FindBrowser(patient.browser);
  // Without a browser there is nothing to try, and CheckBrowser has said so.
  if (!path.empty()) findings.push_back(CheckStart(patient, path, user));
  if (!patient.browser.allow_unsandboxed()) return findings;
  for (Finding& finding : findings) {
    if (finding.health == Health::kMissing) finding.health = Health::kNote;
  }
  findings.push_back({Health::kNote, "unsandboxed",
                      "the configuration allows a browser without its sandbox: a hostile page may "
                      "take over its process",
                      "remove browser.allow_unsandboxed once the sandbox works"});
  return findings;
}

}  // namespace proctor::cli::doctor
